/* relud's own dialect: POST /predict and POST /relu, in JSON, raw float32 or .npy. */
#ifndef SERVER_API_NATIVE_H
#define SERVER_API_NATIVE_H

#include "server/batch/request.h"

enum read_verdict predict_read(struct request *request, const char *body, size_t len);
void predict_write(struct request *request);
enum read_verdict relu_read(struct request *request, const char *body, size_t len);

#endif
