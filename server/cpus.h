/* How many CPUs this process may use. */
#ifndef SERVER_CPUS_H
#define SERVER_CPUS_H

#include <stddef.h>

/* The smaller of the affinity mask and the cgroup's CPU quota (v2 cpu.max, v1 cpu.cfs_quota_us), at least 1. */
size_t cpus_allowed(void);

#endif
