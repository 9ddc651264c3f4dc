/* Finds numbers that are NaN or infinite. */
#ifndef SERVER_BATCH_NONFINITE_H
#define SERVER_BATCH_NONFINITE_H

#include "server/batch/request.h"

/* Returns the index of the first of values[count] that is not finite, or count. */
size_t nonfinite_find(const float *values, size_t count);
/* The same, as a part of the request's long work. Also returns count when the request ends
 * first. */
size_t nonfinite_find_watched(struct request *request, const float *values, size_t count);

#endif
