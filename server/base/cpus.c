#include "server/base/cpus.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>

/* The quota, in CPUs, of the process's own cgroup in the unified hierarchy; 0 if there is none. The
 * line "0::/path" of /proc/self/cgroup names the group. */
static double quota_v2(void)
{
    char line[512], path[600] = "";
    FILE *file = fopen("/proc/self/cgroup", "r");
    if (!file)
        return 0;
    while (fgets(line, sizeof line, file))
        if (strncmp(line, "0::", 3) == 0) {
            line[strcspn(line, "\n")] = '\0';
            snprintf(path, sizeof path, "/sys/fs/cgroup%s/cpu.max", line + 3);
        }
    fclose(file);
    double quota = 0, period = 0;
    file = fopen(path, "r");
    if (!file)
        /* Inside a container the process's group is mounted as the root. */
        file = fopen("/sys/fs/cgroup/cpu.max", "r");
    if (!file)
        return 0;
    /* Without a quota the file holds "max 100000", of which no number is read. */
    int read = fscanf(file, "%lf %lf", &quota, &period);
    fclose(file);
    return read == 2 && period > 0 ? quota / period : 0;
}

static double read_number(const char *path)
{
    double number = 0;
    FILE *file = fopen(path, "r");
    if (!file)
        return 0;
    if (fscanf(file, "%lf", &number) != 1)
        number = 0;
    fclose(file);
    return number;
}

static double quota_v1(void)
{
    double quota = read_number("/sys/fs/cgroup/cpu/cpu.cfs_quota_us");
    double period = read_number("/sys/fs/cgroup/cpu/cpu.cfs_period_us");
    return quota > 0 && period > 0 ? quota / period : 0;
}

size_t cpus_allowed(void)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    size_t cpus = sched_getaffinity(0, sizeof set, &set) == 0 ? (size_t)CPU_COUNT(&set) : 1;
    double quota = quota_v2();
    if (quota <= 0)
        quota = quota_v1();
    if (quota > 0 && quota < (double)cpus)
        /* Rounded up: 1.5 CPUs are enough to keep two workers busy. */
        cpus = (size_t)(quota + 0.999);
    return cpus ? cpus : 1;
}
