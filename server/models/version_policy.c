#include "server/models/version_policy.h"

#include <stdlib.h>
#include <string.h>

bool version_policy_is(const char *policy)
{
    char *end;
    if (strcmp(policy, "all") == 0)
        return true;
    if (strncmp(policy, "latest:", 7) == 0)
        return policy[7] >= '1' && policy[7] <= '9' && strtoul(policy + 7, &end, 10) <= 1024 &&
               *end == '\0';
    for (const char *at = policy;; at = end + 1) {
        if (*at < '1' || *at > '9')
            return false;
        if (strtoull(at, &end, 10) >= 1000000000000000)
            return false;
        if (*end == '\0')
            return true;
        if (*end != ',')
            return false;
    }
}

static bool is_listed(const char *policy, unsigned long long number)
{
    char *end;
    for (const char *at = policy; *at; at = *end ? end + 1 : end)
        if (strtoull(at, &end, 10) == number)
            return true;
    return false;
}

bool version_policy_is_latest(const char *policy)
{
    return strncmp(policy, "latest:", 7) == 0;
}

bool version_policy_wants(const char *policy, unsigned long long number, size_t newer)
{
    if (strcmp(policy, "all") == 0)
        return true;
    if (version_policy_is_latest(policy))
        return newer < strtoul(policy + 7, NULL, 10);
    return is_listed(policy, number);
}
