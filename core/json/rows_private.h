/* Shared by core/json/rows.c, table.c and bytes.c: the state while an array is read. */
#ifndef CORE_JSON_ROWS_PRIVATE_H
#define CORE_JSON_ROWS_PRIVATE_H

#include "core/json/rows.h"

enum { NAMED_FORMS = RELUD_JSON_NAMED | RELUD_JSON_NAMED_ROWS };

struct rows {
    struct json_walk *walk;
    struct relud_json_array *array;
    const char *name; /* the array's name, for paths in errors */
    const char *stop; /* where to pause, at the next value; the end of the text: nowhere */
    bool is_paused;
    size_t piece;                    /* bytes from one stop to the next; 0: there are none */
    size_t filled;                   /* floats since the last stop */
    const struct relud_watch *watch; /* NULL, or called instead of pausing */
    bool is_counted;                 /* RELUD_JSON_TENSOR: any nesting is allowed */
    bool is_typed;                   /* numbers must be checked against array->dtype */
    struct relud_json_place place;
    struct json_key column; /* the column that is being read, for paths; length 0: none */
    const float *map;       /* as in json_read_rows */
    bool has_parts;         /* there is a map, and a column has several numbers */
    /* What part of a row the numbers are, and how many of them were moved out of array->values. */
    size_t first, width, moved;
    bool has_words;    /* the part has some */
    bool has_booleans; /* true and false may stand there, of which the features say where */
    float *to;         /* where json_read_part puts the numbers, [room]; else NULL */
    size_t room, stride;
};

/* Longest number or name, in bytes. Also the bytes of base64 between two calls of the watch. */
enum { ROWS_LONG_BYTES = 64 * 1024 };

bool rows_fail_length(const struct rows *rows, size_t level, size_t count);
bool rows_fail_ended(const struct rows *rows);
/* Like json_walk_string, but fails for a name of more than ROWS_LONG_BYTES. */
bool rows_walk_name(struct json_walk *walk, struct json_key *name);

/* In core/json/bytes.c. json_has_first: true if the object at walk->at has `name` as its first
 * member; false for NULL. json_is_bytes: true if that member is "b64". json_read_bytes: reads such
 * an object of bytes. */
bool json_has_first(const struct rows *rows, const char *name);
bool json_is_bytes(const struct rows *rows);
bool json_read_bytes(struct rows *rows);

/* Called at `stop`. True if the reading goes on, up to a new `stop`. False if it pauses, or with an
 * error if the watch ended it. */
bool rows_stop(struct rows *rows);
/* Notes that a value was read which stands for so many floats, or for memory that they would take.
 * A short text may stand for many: after them the reading stops early. */
void rows_note_floats(struct rows *rows, size_t floats);

struct rows_path {
    char text[160];
};

/* The path of the value at index[depth]: "inputs[3][17]", "inputs[3].age" or "inputs.age[3]". If
 * index is NULL, the path of the first value, "inputs[0][0]", with which others are compared. */
struct rows_path rows_path_of(const struct rows *rows, const size_t *index, size_t depth);

/* Fail at walk->at, with the path and `words` in the text. Always false. */
bool rows_fail_at_path(const struct rows *rows, enum relud_code code, const char *words);
/* If null stands at walk->at, and may be read as a missing value of the feature, walks over it and
 * sets *value to NaN, or to the index of its word. */
bool rows_read_null(struct rows *rows, size_t feature, float *value);
/* The words of the next number of array->values, or NULL if it is a number. */
const struct relud_words *rows_next_words(const struct rows *rows);
/* Of the next `room` numbers, how many come before the next word: at least one, where there is
 * room. */
size_t rows_before_word(const struct rows *rows, size_t room);
/* Reads null, or a string, at walk->at as the next number. */
bool rows_read_missing(struct rows *rows);
bool rows_read_string(struct rows *rows);
/* True if the next number of array->values is a boolean. */
bool rows_next_is_boolean(const struct rows *rows);
/* Walks over true or false and sets *value to 1 or 0. False, without an error, if neither stands
 * at walk->at. */
bool rows_read_literal(struct rows *rows, float *value);
/* Reads the literal or the string at walk->at, which is a boolean, as 1 or 0. */
bool rows_read_boolean(struct rows *rows, float *value);
/* Reads the string at walk->at as one of the words, into *value its index. */
bool rows_read_word(struct rows *rows, const struct relud_words *words, float *value);
/* Fails because there is no string, but the feature has words. */
bool rows_fail_no_word(const struct rows *rows, const struct relud_words *words);
bool rows_fail_end(const struct rows *rows);
bool rows_fail_token(const struct rows *rows, enum relud_code code, const char *words);
bool rows_fail_value(const struct rows *rows);
bool rows_fail_number(const struct rows *rows, bool is_finite);

/* ---- names of columns ---- */

/* Where the column begins in a row; behind the last one, the numbers of a row. */
static inline size_t json_column_first(const struct relud_json_columns *columns, size_t column)
{
    return columns->first ? columns->first[column] : column;
}

/* The numbers of a row. */
static inline size_t json_row_width(const struct relud_json_columns *columns)
{
    return json_column_first(columns, columns->len);
}

bool json_fail_unknown(struct json_walk *walk, const char *path, const struct json_key *key,
                       const struct relud_json_columns *columns);

/* Reads one row as an object of numbers by the names of the columns. walk->at is at its opening
 * brace before, and after its closing brace afterwards. */
bool json_read_record(struct rows *rows);
/* Reads one row as an array with a value for each column, in the order of rows->map. */
bool json_read_parts(struct rows *rows);
/* Reads all rows as an object of columns; otherwise like json_read_record, but it may pause. */
bool json_read_columns(struct rows *rows);

#endif
