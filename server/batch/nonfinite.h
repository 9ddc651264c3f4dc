/* Finds numbers that are NaN or infinite. */
#ifndef SERVER_BATCH_NONFINITE_H
#define SERVER_BATCH_NONFINITE_H

#include "server/batch/request.h"

/* relud_find_nonfinite, as a part of the request's long work. Also returns count when the request
 * ends first. */
size_t nonfinite_find_watched(struct request *request, const float *values, size_t count);

#endif
