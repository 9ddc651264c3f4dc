/* Writes JSON to a file, one value at a time. Errors stay in the stream: call ferror once at the
 * end. */
#ifndef CORE_JSON_WRITE_H
#define CORE_JSON_WRITE_H

#include <stdio.h>

/* Writes a string with its quotes. */
void put_string(FILE *file, const char *text);
/* Writes the shortest decimal of a number, or null if it is not finite. */
void put_number(FILE *file, float value);
/* Writes `, "key": 0.98`. `key` is written as it is. */
void put_number_member(FILE *file, const char *key, double value);

#endif
