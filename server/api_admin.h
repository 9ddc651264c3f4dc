/* Health, readiness, metrics and the service's own face. */
#ifndef SERVER_API_ADMIN_H
#define SERVER_API_ADMIN_H

#include "server/exchange.h"

bool health_read(struct exchange *exchange, const char *body, size_t len);
bool ready_read(struct exchange *exchange, const char *body, size_t len);
bool metrics_read(struct exchange *exchange, const char *body, size_t len);
bool root_read(struct exchange *exchange, const char *body, size_t len);

#endif
