/* The Server-Timing field (W3C Server Timing): where a request's time went, as browsers' developer tools show it. */
#ifndef SERVER_TIMING_H
#define SERVER_TIMING_H

#include "server/exchange.h"

enum { TIMING_LINE_MAX = 192 };

/* `decode;dur=0.012, …, batch;desc="8 rows"`, durations in milliseconds; the stages that the exchange went through. */
void timing_line(const struct exchange *exchange, char line[TIMING_LINE_MAX]);

#endif
