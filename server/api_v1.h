/* TensorFlow Serving's REST API, which is KServe's V1 protocol, too. */
#ifndef SERVER_API_V1_H
#define SERVER_API_V1_H

#include "server/exchange.h"

bool v1_predict_read(struct exchange *exchange, const char *body, size_t len);
void v1_predict_write(struct exchange *exchange);
bool v1_classify_read(struct exchange *exchange, const char *body, size_t len);
void v1_classify_write(struct exchange *exchange);
bool v1_regress_read(struct exchange *exchange, const char *body, size_t len);
void v1_regress_write(struct exchange *exchange);
bool v1_status_read(struct exchange *exchange, const char *body, size_t len);
bool v1_metadata_read(struct exchange *exchange, const char *body, size_t len);

#endif
