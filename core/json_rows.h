/* Number arrays of JSON straight into floats: one walk, no tree. The document around the array is core/json_read.c's. */
#ifndef CORE_JSON_ROWS_H
#define CORE_JSON_ROWS_H

#include "core/json_text.h"
#include <relud/text.h>

/* Reads the value at walk->at as array->form says, up to its end; in errors it is called `name`. With a pause, NULL or of
 * an earlier call for the same text, it may end early: false, no error, and pause->at where it goes on. */
bool json_read_rows(struct json_walk *walk, const char *name, struct relud_json_array *array,
                    struct relud_json_pause *pause);

#endif
