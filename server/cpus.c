#include "server/cpus.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>

/* The process's own group in the unified hierarchy, from "0::/path" in /proc/self/cgroup. */
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
        file = fopen("/sys/fs/cgroup/cpu.max", "r"); /* in a container the group is the root */
    if (!file)
        return 0;
    int read = fscanf(file, "%lf %lf", &quota, &period); /* "max 100000" reads as nothing */
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
        cpus = (size_t)(quota + 0.999); /* 1.5 CPUs keep two loops busy enough */
    return cpus ? cpus : 1;
}
