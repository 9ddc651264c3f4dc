/* What numbers a request's rows may hold: checked for every dialect before the forward pass. */
#ifndef SERVER_API_ROWS_CHECK_H
#define SERVER_API_ROWS_CHECK_H

#include "server/batch/request.h"

/* Writes the place of the flat index, e.g. "inputs[3][17]". */
void rows_check_place(char *place, size_t size, const char *name, const size_t *shape, size_t rank,
                      size_t index);

/* If one of values[count] is not finite, answers 400 and returns false. */
bool rows_check_finite(struct request *request, const char *name, const float *values,
                       const size_t *shape, size_t rank, size_t count);

/* Checks rows of the model, values[count]: all are finite, or NaN, for a missing value, in a
 * feature that the model imputes; and an index of a table is a whole number within the table. If
 * not, answers 400, which says where, and returns false. The place is one of `name`, which has
 * shape[rank]; name NULL: it is told by the model's inputs. Counts what is not finite. is_finite:
 * the reader has checked that already, so only indices need to be. */
bool rows_check_input(struct request *request, const struct served_model *served, const char *name,
                      const float *values, const size_t *shape, size_t rank, size_t count,
                      bool is_finite);
/* The same for rows that were read from a body. */
bool rows_check_array(struct request *request, const struct served_model *served, const char *name,
                      const struct relud_json_array *array);

/* False and *error if features of the model are words, which numbers alone cannot say: a number is
 * never taken for the index of a word. */
bool rows_check_wants_numbers(const struct served_model *served, struct relud_error *error);

#endif
