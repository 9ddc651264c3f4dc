/* Health, readiness, metrics, and the list of models. */
#ifndef SERVER_API_ADMIN_H
#define SERVER_API_ADMIN_H

#include "server/batch/request.h"

enum read_verdict health_read(struct request *request, const char *body, size_t len);
enum read_verdict ready_read(struct request *request, const char *body, size_t len);
/* Why requests cannot be answered now, or NULL if they can. One model that is ready is enough:
 * otherwise one broken upload would make the whole service unready. */
const char *ready_why_not(const struct request *request);
enum read_verdict metrics_read(struct request *request, const char *body, size_t len);
enum read_verdict root_read(struct request *request, const char *body, size_t len);

/* The names of all models, one shape for GET /v2/models and /v1/models. */
enum read_verdict models_read(struct request *request, const char *body, size_t len);

/* server/api/openapi.c: the description of all routes. */
enum read_verdict openapi_read(struct request *request, const char *body, size_t len);

#endif
