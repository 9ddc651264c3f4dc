/* Version policies, which say which versions of a model are served: "latest:N" (the N highest),
 * "all", or numbers such as "1,3". */
#ifndef SERVER_MODELS_VERSION_POLICY_H
#define SERVER_MODELS_VERSION_POLICY_H

#include <stdbool.h>
#include <stddef.h>

/* True if the text is a policy. The other functions need one that is. */
bool version_policy_is(const char *policy);
/* True if the policy wants version `number`, when `newer` other versions are higher. */
bool version_policy_wants(const char *policy, unsigned long long number, size_t newer);
/* True for "latest:N". Only then may an older version take the place of one that does not load. */
bool version_policy_is_latest(const char *policy);

#endif
