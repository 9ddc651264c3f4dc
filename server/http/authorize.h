/* Decides by its key whether a request may be answered, before any of its body is read. */
#ifndef SERVER_HTTP_AUTHORIZE_H
#define SERVER_HTTP_AUTHORIZE_H

#include "server/batch/request.h"

/* One worker's count of wrong keys in the current second. */
struct authorize_throttle {
    int64_t begin_ns;
    unsigned failures;
};

/* True if the request needs a key. */
static inline bool authorize_is_on(const struct request *request)
{
    const struct keyring *ring = request->service->keyring;
    return ring && ring->path && !request->is_admin;
}

/* authorization and api_key are the values of the fields as received, or NULL. Answers 401 for a
 * missing or unknown key, 429 for too many of these, and 403 if the key may not use the request's
 * route. Sets request->is_admin for an administrator's key, and request->is_stranger if the key may
 * not infer. */
void authorize_check(struct request *request, struct authorize_throttle *throttle,
                     const char *authorization, const char *api_key);

#endif
