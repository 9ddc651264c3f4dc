/* Whether a request may be answered: its key, before anything of its body is read. */
#ifndef SERVER_ACCESS_H
#define SERVER_ACCESS_H

#include "server/exchange.h"

/* Wrong keys in the second at hand, of one worker. */
struct access_throttle {
    int64_t begin_ns;
    unsigned failures;
};

/* The fields as they came, or NULL. Answers 401, 403 or 429 where the exchange's route wants a key of more rights; an
 * administrator's key makes the exchange one of an administrator. */
void access_check(struct exchange *exchange, struct access_throttle *throttle,
                  const char *authorization, const char *api_key);

#endif
