/* What the files of server/metrics share: the buckets' bounds and the status codes. */
#ifndef SERVER_METRICS_METRICS_PRIVATE_H
#define SERVER_METRICS_METRICS_PRIVATE_H

#include "server/metrics/metrics.h"

/* Upper bounds of a histogram's buckets. */
struct bounds {
    const uint64_t *at;
    size_t len;
    double unit; /* a bound times this is in the metric's unit */
};
extern const struct bounds metrics_duration_bounds, metrics_stage_bounds, metrics_rows_bounds;

/* The status codes with a counter of their own. The last counter takes all other codes. */
extern const unsigned metrics_codes[METRICS_CODES_MAX - 1];

#endif
