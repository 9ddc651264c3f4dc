/* The Server-Timing field (W3C Server Timing): where a request's time went, as browsers' developer
 * tools show it. */
#ifndef SERVER_BATCH_SERVER_TIMING_H
#define SERVER_BATCH_SERVER_TIMING_H

#include "server/batch/request.h"

enum { SERVER_TIMING_MAX = 192 };

/* Writes `decode;dur=0.012, …, batch;desc="8 rows"`: the stages that the request went through, in
 * milliseconds. */
void server_timing_line(const struct request *request, char line[SERVER_TIMING_MAX]);

#endif
