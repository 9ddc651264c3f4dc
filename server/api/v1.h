/* TensorFlow Serving's REST API, which is KServe's V1 protocol, too. */
#ifndef SERVER_API_V1_H
#define SERVER_API_V1_H

#include "server/batch/request.h"

enum read_verdict v1_predict_read(struct request *request, const char *body, size_t len);
enum read_verdict v1_explain_read(struct request *request, const char *body, size_t len);
void v1_predict_write(struct request *request);
enum read_verdict v1_classify_read(struct request *request, const char *body, size_t len);
void v1_classify_write(struct request *request);
enum read_verdict v1_regress_read(struct request *request, const char *body, size_t len);
void v1_regress_write(struct request *request);
enum read_verdict v1_status_read(struct request *request, const char *body, size_t len);
enum read_verdict v1_metadata_read(struct request *request, const char *body, size_t len);

#endif
