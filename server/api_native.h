/* relud's own dialect: POST /predict and POST /relu in JSON. */
#ifndef SERVER_API_NATIVE_H
#define SERVER_API_NATIVE_H

#include "server/exchange.h"

bool predict_read(struct exchange *exchange, const char *body, size_t len);
void predict_write(struct exchange *exchange);
bool relu_read(struct exchange *exchange, const char *body, size_t len);

#endif
