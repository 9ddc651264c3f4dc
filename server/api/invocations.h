/* The paths that SageMaker, MLflow and Vertex AI use. */
#ifndef SERVER_API_INVOCATIONS_H
#define SERVER_API_INVOCATIONS_H

#include "server/batch/request.h"

enum read_verdict invocations_read(struct request *request, const char *body, size_t len);
void invocations_write(struct request *request);

#endif
