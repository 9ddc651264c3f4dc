#include "server/http/authorize.h"

#include "server/api/router.h"
#include <string.h>
#include <strings.h>

enum { FAILURES_A_SECOND = 20, KEY_BYTES_MAX = 512 };

/* RFC 6750 §2.1: the scheme in any case, one or more spaces, the token. */
static const char *bearer_of(const char *authorization)
{
    static const char scheme[] = "Bearer ";
    if (!authorization || strncasecmp(authorization, scheme, sizeof scheme - 1) != 0)
        return NULL;
    authorization += sizeof scheme - 1;
    return authorization + strspn(authorization, " ");
}

/* The answer says whether a key was sent, but not what is wrong with it. */
static void refuse(struct request *request, struct authorize_throttle *throttle, bool has_key)
{
    if (request->begin_ns - throttle->begin_ns > 1000000000) {
        throttle->begin_ns = request->begin_ns;
        throttle->failures = 0;
    }
    counter_add(&request->service->shard->rejected[REJECTED_KEY], 1);
    if (++throttle->failures > FAILURES_A_SECOND) {
        request_fail(request, 429, "too many requests without a right key");
        request->retry_after_s = 1;
        return;
    }
    request_fail(request, 401,
                 has_key ? "this key is not known"
                         : "a key is wanted: Authorization: Bearer KEY, or X-Api-Key: KEY");
    request->is_challenge = true;
}

void authorize_check(struct request *request, struct authorize_throttle *throttle,
                     const char *authorization, const char *api_key)
{
    enum route_scope scope = request->route->scope;
    const char *token = bearer_of(authorization);
    if (!token)
        token = api_key;
    size_t len = token ? strlen(token) : 0;
    unsigned scopes = len && len <= KEY_BYTES_MAX
                          ? keys_scopes(request->service->keys, token, len, request->key)
                          : 0;
    unsigned wanted = scope == ROUTE_INFER     ? KEY_INFER
                      : scope == ROUTE_METRICS ? KEY_METRICS
                                               : KEY_ADMIN;
    request->is_stranger = !(scopes & (KEY_INFER | KEY_ADMIN));
    request->is_admin = scopes & KEY_ADMIN;
    if (scope == ROUTE_OPEN)
        return;
    if (!scopes)
        refuse(request, throttle, len > 0);
    else if (!(scopes & (wanted | KEY_ADMIN)))
        request_fail(request, 403, "this key may not do that");
}
