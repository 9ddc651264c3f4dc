/* What the native routes share: media types, and tensors as JSON text. */
#ifndef SERVER_NATIVE_H
#define SERVER_NATIVE_H

#include "server/exchange.h"

/* Members of a request besides its array may take this many bytes of text. */
enum { NATIVE_REST_BYTES = 64 * 1024 };

/* False, and answered with 415 or 406, when the client sends or wants something other than JSON. curl's default
 * application/x-www-form-urlencoded passes for JSON. */
bool native_is_json(struct exchange *exchange);

/* A body that could not be read: answers with the error, with a hint where one is due. */
void native_fail(struct exchange *exchange, const struct relud_error *error);

/* The index of the first value that is not finite, or count. */
size_t native_find_nonfinite(const float *values, size_t count);

/* One number: null or the bare token where it is not finite, as --nonfinite says. */
void native_write_one(struct text *out, float value, enum nonfinite nonfinite);

/* The most probable of p[classes]: the lower index on a tie, NaN before all (torch.topk's order). Set the one found to -1 to
 * find the next. */
size_t native_best_class(const float *p, size_t classes);

/* Writes `[1,2,…]`; values that are not finite as null or as bare tokens, as --nonfinite says. */
void native_write_row(struct text *out, const float *values, size_t count,
                      enum nonfinite nonfinite);
/* Writes values in the nesting of shape[rank]; rank 0 is a bare number. */
void native_write_tensor(struct text *out, const float *values, const size_t *shape, size_t rank,
                         enum nonfinite nonfinite);

#endif
