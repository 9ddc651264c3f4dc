#include "server/policy.h"

#include <stdlib.h>
#include <string.h>

bool policy_is(const char *policy)
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
        strtoull(at, &end, 10);
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

size_t policy_choose(const char *policy, unsigned long long *number, size_t count)
{
    if (strcmp(policy, "all") == 0)
        return count;
    if (strncmp(policy, "latest:", 7) == 0) {
        size_t most = strtoul(policy + 7, NULL, 10);
        if (count > most)
            memmove(number, number + count - most, most * sizeof *number);
        return count < most ? count : most;
    }
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (is_listed(policy, number[i]))
            number[kept++] = number[i];
    return kept;
}
