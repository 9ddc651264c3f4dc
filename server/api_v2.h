/* The Open Inference Protocol V2 over REST, with Triton's extensions: classification, model_repository,
 * model_configuration, binary_tensor_data, parameters, statistics, logging. */
#ifndef SERVER_API_V2_H
#define SERVER_API_V2_H

#include "server/exchange.h"

/* server/api_v2_infer.c and api_v2_answer.c */
bool v2_infer_read(struct exchange *exchange, const char *body, size_t len);
void v2_infer_write(struct exchange *exchange);

/* server/api_v2.c */
bool v2_server_read(struct exchange *exchange, const char *body, size_t len);
bool v2_live_read(struct exchange *exchange, const char *body, size_t len);
bool v2_ready_read(struct exchange *exchange, const char *body, size_t len);
bool v2_model_read(struct exchange *exchange, const char *body, size_t len);
bool v2_model_ready_read(struct exchange *exchange, const char *body, size_t len);
bool v2_config_read(struct exchange *exchange, const char *body, size_t len);
bool v2_stats_read(struct exchange *exchange, const char *body, size_t len);
bool v2_activations_read(struct exchange *exchange, const char *body, size_t len);

/* server/api_v2_admin.c */
bool v2_index_read(struct exchange *exchange, const char *body, size_t len);
bool v2_load_read(struct exchange *exchange, const char *body, size_t len);
bool v2_unload_read(struct exchange *exchange, const char *body, size_t len);
void v2_errand_write(struct exchange *exchange);
bool v2_logging_read(struct exchange *exchange, const char *body, size_t len);
bool v2_logging_change(struct exchange *exchange, const char *body, size_t len);
bool v2_trace_read(struct exchange *exchange, const char *body, size_t len);
bool v2_trace_change(struct exchange *exchange, const char *body, size_t len);

#endif
