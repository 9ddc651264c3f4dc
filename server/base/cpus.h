/* The number of CPUs that this process may use. */
#ifndef SERVER_BASE_CPUS_H
#define SERVER_BASE_CPUS_H

#include <stddef.h>

/* The smaller of the CPUs in the affinity mask and the cgroup's CPU quota (v2 cpu.max, v1
 * cpu.cfs_quota_us). At least 1. */
size_t cpus_allowed(void);

#endif
