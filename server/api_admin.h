/* Health, readiness, metrics and the service's own face. */
#ifndef SERVER_API_ADMIN_H
#define SERVER_API_ADMIN_H

#include "server/exchange.h"

bool health_read(struct exchange *exchange, const char *body, size_t len);
bool ready_read(struct exchange *exchange, const char *body, size_t len);
bool metrics_read(struct exchange *exchange, const char *body, size_t len);
bool root_read(struct exchange *exchange, const char *body, size_t len);

/* The names of all models, one shape for GET /v2/models and /v1/models. */
bool models_read(struct exchange *exchange, const char *body, size_t len);

/* server/openapi.c: the description of all of it. */
bool openapi_read(struct exchange *exchange, const char *body, size_t len);

#endif
