/* What the native routes share: arrays out of bodies, tensors into answers. */
#ifndef SERVER_NATIVE_H
#define SERVER_NATIVE_H

#include "server/exchange.h"

/* Members of a request besides its array may take this many bytes of text. */
enum { NATIVE_REST_BYTES = 64 * 1024 };

/* Sets media_in and media_out from Content-Type and Accept; false, and answered with 415 or 406, when the client sends or
 * wants what is none of JSON, raw float32 and .npy. */
bool native_open(struct exchange *exchange);

/* Floats that a body of `len` bytes may hold. */
size_t native_floats(const struct exchange *exchange, size_t len);

/* Reads the array `key` of the body into array->values[native_floats(len)], and the other members, in a binary body's case
 * the URL's query, into rest as a JSON object in which the array stands as 0. Raw floats have the shape [count]. Those of
 * a binary body need not be finite. READING_LATER is for JSON only. */
enum reading_result native_read(struct exchange *exchange, const char *key, const char *body,
                                size_t len, struct relud_json_array *array,
                                char rest[NATIVE_REST_BYTES], struct relud_error *error);

/* "inputs[3][17]" of the flat index. */
void native_place(char *place, size_t size, const char *name, const size_t *shape, size_t rank,
                  size_t index);

/* False, and answered with 400, when one of values[count] is not finite. */
bool native_check_finite(struct exchange *exchange, const char *name, const float *values,
                         const size_t *shape, size_t rank, size_t count);

/* Adds values[count] as little-endian float32. */
void native_put_floats(struct text *out, const float *values, size_t count);

/* Answers with values of shape[rank] as media_out says: raw float32 or .npy. */
void native_write_binary(struct exchange *exchange, const float *values, const size_t *shape,
                         size_t rank);

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
