/* Which of a model's versions are served: "latest:N" (the N highest), "all", or their numbers, "1,3". */
#ifndef SERVER_POLICY_H
#define SERVER_POLICY_H

#include <stdbool.h>
#include <stddef.h>

bool policy_is(const char *policy);
/* Keeps of number[count], ascending, what the policy wants; returns how many. */
size_t policy_choose(const char *policy, unsigned long long *number, size_t count);

#endif
