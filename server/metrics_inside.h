/* What server/metrics*.c share: how counts are divided. */
#ifndef SERVER_METRICS_INSIDE_H
#define SERVER_METRICS_INSIDE_H

#include "server/metrics.h"

/* Upper bounds of a histogram's buckets. */
struct bounds {
    const uint64_t *at;
    size_t len;
    double unit; /* multiplies into the base unit */
};
extern const struct bounds metrics_duration_bounds, metrics_stage_bounds, metrics_rows_bounds;

/* Every code the service answers with; the last slot takes any other. */
extern const unsigned metrics_codes[METRICS_CODES_MAX - 1];

#endif
