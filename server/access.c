#include "server/access.h"

#include "server/router.h"
#include <string.h>
#include <strings.h>

enum { FAILURES_A_SECOND = 20, KEY_BYTES_MAX = 512 };

/* The least right that a route wants; 0: none. Health is asked for by who has no key, and says nothing. */
static unsigned scope_of(enum endpoint endpoint)
{
    switch (endpoint) {
    case ENDPOINT_HEALTH:
    case ENDPOINT_READY:
    case ENDPOINT_ROOT:
    case ENDPOINT_OPENAPI:
        return 0;
    case ENDPOINT_METRICS:
        return KEY_METRICS;
    case ENDPOINT_REPOSITORY:
        return KEY_ADMIN;
    default:
        return KEY_INFER;
    }
}

/* RFC 6750 §2.1: the scheme in any case, one or more spaces, the token. */
static const char *bearer_of(const char *authorization)
{
    static const char scheme[] = "Bearer ";
    if (!authorization || strncasecmp(authorization, scheme, sizeof scheme - 1) != 0)
        return NULL;
    authorization += sizeof scheme - 1;
    return authorization + strspn(authorization, " ");
}

/* The same words for every way to have no right key. */
static void refuse(struct exchange *exchange, struct access_throttle *throttle)
{
    if (exchange->begin_ns - throttle->begin_ns > 1000000000) {
        throttle->begin_ns = exchange->begin_ns;
        throttle->failures = 0;
    }
    counter_add(&exchange->service->shard->rejected[REJECTED_KEY], 1);
    if (++throttle->failures > FAILURES_A_SECOND) {
        exchange_fail(exchange, 429, "too many requests without a right key");
        exchange->retry_after_s = 1;
        return;
    }
    exchange_fail(exchange, 401, "a key is wanted: Authorization: Bearer KEY, or X-Api-Key: KEY");
    exchange->is_challenge = true;
}

void access_check(struct exchange *exchange, struct access_throttle *throttle,
                  const char *authorization, const char *api_key)
{
    const struct keyring *ring = exchange->service->keyring;
    unsigned wanted = scope_of(exchange->route->endpoint);
    const char *token = bearer_of(authorization);
    if (!token)
        token = api_key;
    if (!ring || !ring->path || exchange->is_admin || (!wanted && !token))
        return;
    size_t len = token ? strlen(token) : 0;
    unsigned scopes = len && len <= KEY_BYTES_MAX ? keyring_scopes(ring, token, len) : 0;
    if (!scopes && wanted)
        refuse(exchange, throttle);
    else if (wanted && !(scopes & (wanted | KEY_ADMIN)))
        exchange_fail(exchange, 403, "this key may not do that");
    exchange->is_admin = scopes & KEY_ADMIN;
}
