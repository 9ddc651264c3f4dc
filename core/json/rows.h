/* Reads JSON arrays of numbers into floats in one walk, without a tree. core/json/read.c reads the
 * document around the array. */
#ifndef CORE_JSON_ROWS_H
#define CORE_JSON_ROWS_H

#include "core/json/text.h"
#include <relud/text.h>

/* Reads the value at walk->at, in the form array->form, up to its end. Errors call it `name`.
 * `pause` is NULL or from an earlier call for the same text. With a pause the reading may stop
 * early: the function then returns false without an error, and pause->at is where the next call
 * continues. map[array->columns->len] holds which column each value of a row is, as the bits of a
 * uint32_t; NULL: they are in order. If a column has several numbers (json_has_parts), a row is an
 * array with an array of them, and its numbers are put into order, too. */
bool json_read_rows(struct json_walk *walk, const char *name, struct relud_json_array *array,
                    const float *map, struct relud_json_pause *pause);

/* Reads the value at walk->at in the TENSOR form. Its numbers are the part of each row of `stride`
 * numbers that begins at `first` and has `width` of them. Sets array->count to how many came; there
 * may be more than there is room for. It does not pause. */
bool json_read_part(struct json_walk *walk, const char *name, struct relud_json_array *array,
                    size_t first, size_t width, size_t stride, struct relud_json_pause *pause);

/* Returns the index of the column called `key`, or columns->len if there is none. Tries `next`
 * first, because most tables keep the order. */
size_t json_find_column(const struct relud_json_columns *columns, const struct json_key *key,
                        size_t next);

/* Sets map[array->columns->len] to the columns that the array of strings at names->at names, as
 * json_read_rows takes it. On failure returns false with an error that calls those names `path`. */
bool json_map_columns(struct json_walk *names, const char *path,
                      const struct relud_json_array *array, float *map);

/* True if a column has several numbers. */
bool json_has_parts(const struct relud_json_columns *columns);

/* Puts the columns of `array` into the order of array->columns, if those have names. names->at is
 * at the array of strings that names the data's columns. On failure returns false with an error
 * that calls those names `path`. array->values must have room for two more numbers per column. */
bool json_order_columns(struct json_walk *names, const char *path, struct relud_json_array *array);

#endif
