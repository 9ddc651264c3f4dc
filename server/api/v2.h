/* The Open Inference Protocol V2 over REST, with Triton's extensions: classification,
 * model_repository, model_configuration, binary_tensor_data, parameters, statistics, logging,
 * trace. */
#ifndef SERVER_API_V2_H
#define SERVER_API_V2_H

#include "server/batch/request.h"

/* server/api/v2_infer.c and server/api/v2_answer.c */
enum read_verdict v2_infer_read(struct request *request, const char *body, size_t len);
void v2_infer_write(struct request *request);

/* server/api/v2.c */
enum read_verdict v2_server_read(struct request *request, const char *body, size_t len);
enum read_verdict v2_live_read(struct request *request, const char *body, size_t len);
enum read_verdict v2_ready_read(struct request *request, const char *body, size_t len);
enum read_verdict v2_model_ready_read(struct request *request, const char *body, size_t len);
enum read_verdict v2_stats_read(struct request *request, const char *body, size_t len);
enum read_verdict v2_activations_read(struct request *request, const char *body, size_t len);
enum read_verdict v2_drift_read(struct request *request, const char *body, size_t len);

/* server/api/v2_metadata.c */
enum read_verdict v2_model_read(struct request *request, const char *body, size_t len);
enum read_verdict v2_config_read(struct request *request, const char *body, size_t len);

/* server/api/v2_admin.c */
enum read_verdict v2_index_read(struct request *request, const char *body, size_t len);
enum read_verdict v2_load_read(struct request *request, const char *body, size_t len);
enum read_verdict v2_unload_read(struct request *request, const char *body, size_t len);
void v2_load_job_write(struct request *request);
enum read_verdict v2_logging_read(struct request *request, const char *body, size_t len);
enum read_verdict v2_logging_change(struct request *request, const char *body, size_t len);
enum read_verdict v2_trace_read(struct request *request, const char *body, size_t len);
enum read_verdict v2_trace_change(struct request *request, const char *body, size_t len);

#endif
