/* Reads numbers from request bodies straight into the turn's rows. A long body is read in pieces
 * (server/batch/long_work.h). */
#ifndef SERVER_BATCH_BODY_READER_H
#define SERVER_BATCH_BODY_READER_H

#include "server/batch/request.h"

/* Finds room in the turn for `count` floats. Returns NULL when there is none: if there never will
 * be, the request is answered with 413; if there may be after the next turn, it is not answered and
 * must be read again then. */
float *body_reader_rows(struct request *request, size_t count);

/* Calls relud_json_read for the request's body, in pieces; array->values must come from
 * body_reader_rows. Returns false and sets *error when the text is wrong or the request has
 * ended. */
bool body_reader_json(struct request *request, const char *body, size_t len, const char *key,
                      struct relud_json_array *array, char *rest, size_t rest_capacity,
                      struct relud_error *error);

/* Reads a table as text into array->values and sets the array's shape to that of the rows. Columns
 * that the model does not know are an error. */
bool body_reader_table(struct request *request, const char *body, size_t len,
                       const struct relud_rows_options *options, struct relud_json_array *array,
                       struct relud_error *error);

/* Converts dense little-endian elements to values[count]. False when the request has ended. */
bool body_reader_elements(struct request *request, enum relud_dtype dtype, const char *bytes,
                          size_t count, float *values);

#endif
