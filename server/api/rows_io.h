/* What the routes of all dialects share: reading arrays from bodies, writing tensors into
 * responses. */
#ifndef SERVER_API_ROWS_IO_H
#define SERVER_API_ROWS_IO_H

#include "server/batch/body_reader.h"
#include "server/batch/request.h"

/* The members of a request besides its array may take this many bytes of text. */
enum { ROWS_IO_REST_BYTES = 64 * 1024 };

/* Sets media_in and media_out from Content-Type and Accept. JSON, raw float32 and .npy are known,
 * and CSV if has_csv. For other types answers 415 or 406 and returns false. */
bool rows_io_open(struct request *request, bool has_csv);

/* Writes the URL's query as the small JSON object that the body of a JSON request would have left:
 * {"inputs":0,"model":"digits"}. The array `key` stands as 0. */
bool rows_io_read_query(const struct request *request, const char *key,
                        char rest[ROWS_IO_REST_BYTES], struct relud_error *error);

/* Upper bound of the number of floats in the body; for a binary body, what its size or header
 * says. */
size_t rows_io_floats(const struct request *request, const char *body, size_t len);

/* The same for a body whose rows may name the columns of `named`, which may be NULL. Such a row may
 * leave out what the model imputes, so it may have more numbers than its text. */
size_t rows_io_named_floats(const struct request *request, const struct served_model *named,
                            const char *body, size_t len);

/* Reads the array `key` of the body into array->values, which has room for rows_io_floats floats.
 * Writes the other members into rest as a JSON object in which the array stands as 0; for a binary
 * body these come from the URL's query. Raw floats get the shape [count]. The floats of a binary
 * body may be non-finite. */
bool rows_io_read(struct request *request, const char *key, const char *body, size_t len,
                  struct relud_json_array *array, char rest[ROWS_IO_REST_BYTES],
                  struct relud_error *error);

/* Reads a binary body into array->values, and leaves its query alone. Fails if rows of `served`,
 * which may be NULL, hold words. */
bool rows_io_read_binary(struct request *request, const struct served_model *served,
                         const char *body, size_t len, struct relud_json_array *array,
                         struct relud_error *error);
/* Reads the rows of a CSV body, which a header may name, into array->values. */
bool rows_io_read_table(struct request *request, const struct served_model *served,
                        const char *body, size_t len, struct relud_json_array *array,
                        struct relud_error *error);

/* The functions below write long responses in pieces. When the request ends early, they leave out
 * the rest. */

/* Append bytes[len], or values[count] as little-endian float32. */
void rows_io_put_bytes(struct request *request, struct text *out, const char *bytes, size_t len);
void rows_io_put_floats(struct request *request, struct text *out, const float *values,
                        size_t count);

/* Responds with values of shape[rank] in the type media_out: raw float32 or .npy. */
void rows_io_write_binary(struct request *request, const float *values, const size_t *shape,
                          size_t rank);

/* Responds with rows, values of shape[2], in the type media_out: CSV, raw float32 or .npy. */
void rows_io_write_rows(struct request *request, const float *values, const size_t shape[2]);

/* Responds with the error of a body that could not be read. */
void rows_io_fail(struct request *request, const struct relud_error *error);

/* Writes one number; if it is not finite, null or the bare token, as --nonfinite says. */
void rows_io_write_one(struct text *out, float value, enum nonfinite nonfinite);

/* Writes `[1,2,…]`, with the same rule for numbers that are not finite. */
void rows_io_write_row(struct text *out, const float *values, size_t count,
                       enum nonfinite nonfinite);
/* The same into the request's response, in pieces. */
void rows_io_answer_row(struct request *request, const float *values, size_t count);
/* Writes values into the response, nested by shape[rank]; rank 0 is a bare number. */
void rows_io_answer_tensor(struct request *request, const float *values, const size_t *shape,
                           size_t rank);

#endif
