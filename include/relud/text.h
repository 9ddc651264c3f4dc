/* Numbers as text: float32 to and from the shortest decimal, and number arrays in JSON straight
 * into rows of float32. JSON is strict RFC 8259. Nothing is allocated for a number. */
#ifndef RELUD_TEXT_H
#define RELUD_TEXT_H

#include <relud/data.h>
#include <relud/error.h>
#include <relud/watch.h>
#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#define RELUD_FLOAT_TEXT_MAX 16

/* Writes the shortest decimal that reads back to the same float32, by relud_text_to_float or by
 * any correctly rounded way through double. It is a number of JSON: plain from 0.0001 to below
 * 10^10, else with an exponent. Negative zero is "-0.0", so that readers which take "-0" for an
 * integer keep the sign. NaN and infinities are NaN, Infinity and -Infinity; whether those may
 * be sent is up to the caller. Returns the length, at most 16; no NUL is written. `out` must
 * have room for RELUD_FLOAT_TEXT_MAX bytes, all of which may be written to. */
size_t relud_float_to_text(float value, char *out);

/* Writes values[count] with commas between them; returns the length. `out` must have room for
 * count * (RELUD_FLOAT_TEXT_MAX + 1) bytes, all of which may be written to. */
size_t relud_floats_to_text(const float *values, size_t count, char *out);

/* Reads the JSON number that text[len] begins with into *value, rounded correctly to double and
 * then to float32, so that a number beyond float32 gives an infinity. Returns the bytes of the
 * number; 0 if no number is there. */
size_t relud_text_to_float(const char *text, size_t len, float *value);

/* ---- arrays of numbers in a JSON document ---- */

#define RELUD_JSON_DEPTH_MAX 32

/* The names of a row's parts, for tables in JSON: {"age": 31, "height": 1.8}, or of a model with
 * several inputs {"user": [1, 2, 3], "item": 7}. */
struct relud_json_columns {
    const char *const *name; /* [len], borrowed */
    size_t len;              /* 0: there are none */
    size_t *by_name;         /* [len]: the columns in the order of their names */
    /* [len + 1]: where each begins in the row, and the row's end; NULL: each is one number. */
    const size_t *first;
    /* [len]: `"name":` as most texts have it, which is looked for first; or NULL. */
    struct relud_json_label {
        const char *at;
        size_t len;
    } * label;
};

/* Borrows name[len] and first[len + 1], which may be NULL, until relud_json_columns_close. If a name
 * is there twice, names say nothing: len is 0 then. False: out of memory; nothing is to be freed. */
bool relud_json_columns_open(struct relud_json_columns *columns, const char *const *name,
                             const size_t *first, size_t len);
void relud_json_columns_close(struct relud_json_columns *columns);

/* How an array may be written in a document, shown for the member "inputs". Forms may be joined
 * by |. In the NAMED forms {"b64": "…"}, little-endian float32 in base64, may replace an array
 * of numbers; and if the columns have names, a row may be an object of numbers, and all rows an
 * object of columns. */
enum relud_json_form {
    /* {"inputs": [[1,2],[3,4]]} */
    RELUD_JSON_PLAIN = 0,
    /* The same, or {"inputs": {"x": [[1,2],[3,4]]}}, or {"inputs": {"a": [1,3], "b": [2,4]}}. */
    RELUD_JSON_NAMED = 1,
    /* As PLAIN, or {"inputs": [{"x": [1,2]}, {"x": [3,4]}]}, or {"inputs": [{"a": 1, "b": 2}]}. */
    RELUD_JSON_NAMED_ROWS = 2,
    /* {"inputs": [{"name": "x", "data": [1,[2,3],4], …}, …]}: numbers and booleans, nested in any
     * way, are only counted; shape is [count]. See relud_json_tensor. */
    RELUD_JSON_TENSOR = 4,
    /* {"inputs": {"columns": ["b","a"], "index": [0,1], "data": [[2,1],[4,3]]}}, as pandas
     * writes a table. If its columns are named as the array's are, data is put into the array's
     * order. */
    RELUD_JSON_SPLIT = 8,
};

/* Another name that the member may have, and how the array is written then. */
struct relud_json_member {
    const char *name;
    enum relud_json_form form;
};

/* A tensor with data that was read in the TENSOR form. Its name, one of array->columns, says which
 * part of a row its numbers are: they go straight to their places in array->values, so that the
 * tensors of a document make rows together. array->name, if it is set, stands for whole rows. A
 * tensor of another name is only walked over. */
struct relud_json_tensor {
    size_t index;       /* it is "inputs"[index] */
    size_t column;      /* columns->len: whole rows; RELUD_JSON_NO_COLUMN: another name, or none */
    size_t count;       /* of numbers; those behind the last row that has room are not kept */
    size_t offset, end; /* in bytes: where the numbers' text begins, and its end */
};
#define RELUD_JSON_NO_COLUMN ((size_t)-1)

/* A number, or arrays of numbers nested regularly: what a tensor is in JSON. */
struct relud_json_array {
    /* Set by the caller, who owns all that is pointed to. */
    float *values; /* room for `capacity` numbers */
    /* Of a text of len bytes, len / 2 + 1 numbers, and columns->len more, always suffice. */
    size_t capacity;
    enum relud_json_form form;
    const char *name; /* for the NAMED forms: the only member that such an object may have */
    const struct relud_json_columns *columns; /* or NULL */
    /* NULL: plain numbers. Else strings are read where a feature has words, as their indices. And
     * if has_imputed, null is read as a NaN, or the index of its word, and so is a column that a
     * row leaves out where it is imputed: such rows may have more numbers than their text. The
     * caller checks in which features the NaNs are. */
    const struct relud_features *feature;
    const struct relud_json_member *other; /* [others] */
    size_t others;
    bool may_be_bare; /* the document may be the array itself */
    /* [tensors_max]: room for the tensors of the TENSOR form. NULL: one tensor, of any name. */
    struct relud_json_tensor *tensor;
    size_t tensors_max;

    /* Set by the reader. */
    bool is_present;
    bool is_bare;     /* the document is the array itself */
    bool is_by_name;  /* `name`, names of `columns`, or strings stood in the text */
    bool has_missing; /* there are NaNs: see feature */
    size_t member;    /* 0: its name was `key`; i + 1: other[i] */
    size_t count;     /* of numbers */
    size_t rank;      /* 0: a bare number; 1: [1,2]; 2: [[1,2],[3,4]] */
    size_t shape[RELUD_JSON_DEPTH_MAX]; /* [rank] */
    size_t offset, end;                 /* in bytes: where the numbers' text begins, and its end */
    size_t tensors; /* of `tensor`; count, rank, shape, offset and end are the last one's then */
    /* Member "datatype" of the TENSOR form; RELUD_DTYPES: none that is known. */
    enum relud_dtype dtype;
};

/* Reads one JSON object, or a bare array, from the first byte of text[len] to the last. The member
 * called `key` must be a number or regularly nested arrays of finite numbers, in array->form; they
 * go to array->values, row after row. Everything else is checked strictly (grammar, UTF-8,
 * duplicate keys, \u0000, depth) and copied to `rest`, as a JSON object that ends with a NUL, in
 * which a 0 stands for the numbers: `{"key":0}`. text needs no NUL and no padding. The memory that
 * is used does not grow with the text.
 *
 * False and *error, whose text names the path and the byte, "inputs[3][17]: … at byte 214", for
 * ragged nesting, empty arrays, a number that is not finite as float32, NaN and Infinity,
 * trailing bytes, and more than RELUD_JSON_DEPTH_MAX levels below the object. RELUD_TOO_LARGE
 * for a rest of more than rest_capacity - 1 bytes (blanks before and behind the document count,
 * too), more than 256 members in the objects that are open at a time, and more numbers than
 * array->capacity. */
bool relud_json_read(const char *text, size_t len, const char *key, struct relud_json_array *array,
                     char *rest, size_t rest_capacity, struct relud_error *error);

/* Where the reading of an array pauses. Before the first call it is all zeros but `bytes` and
 * `watch`. */
struct relud_json_pause {
    /* How many bytes of the array to read at a time: at least as many as there are before the
     * array, which are read again each time. */
    size_t bytes;
    size_t at; /* where the next piece begins; 0: the reading is over, or has not begun */
    /* NULL; or what is asked instead of pausing: the first call then reads all. */
    const struct relud_watch *watch;

    /* The rest is the reader's. */
    struct relud_json_array array;
    struct relud_json_place {
        size_t depth; /* brackets that are open */
        /* Of the value that is being read, at each open level. */
        size_t index[RELUD_JSON_DEPTH_MAX];
        bool is_shape_known[RELUD_JSON_DEPTH_MAX];
        bool is_rank_known; /* a number was read: array.rank is known */
        bool is_named;      /* inside {"x": …} around all of it */
        bool is_named_row;  /* inside {"x": …} around a row */
        bool is_columns;    /* inside an object of columns, */
        size_t columns_read, length;
        bool is_in_column, is_list; /* and inside one of them, which may be a single number */
        size_t column;
    } place;
};

/* relud_json_read, a piece at a time. False without an error and with pause->at > 0: more is to
 * be read, by another call with the same text, key and form, and with the values read so far in
 * array->values, which may have moved. The last call writes `rest`. RELUD_TOO_LARGE for a number
 * of more than 65,536 characters. pause may be NULL: all is read at once; so it is with
 * array->tensor where there is no watch. */
bool relud_json_read_piece(const char *text, size_t len, const char *key,
                           struct relud_json_array *array, struct relud_json_pause *pause,
                           char *rest, size_t rest_capacity, struct relud_error *error);

/* True if text[len] is one JSON value by the same strict rules. False and *error otherwise. For
 * small documents, before a more lenient parser reads them. */
bool relud_json_check(const char *text, size_t len, struct relud_error *error);

/* ---- texts ---- */

/* 3 if text[len] begins with the byte order mark of UTF-8, else 0. A file may have one; a JSON
 * text that is sent must not (RFC 8259 §8.1), and the readers above refuse it. */
size_t relud_text_mark(const char *text, size_t len);
/* True if text[len] begins with the byte order mark of UTF-16. */
bool relud_text_is_utf16(const char *text, size_t len);

/* How many of the `len` bytes are UTF-8 (RFC 3629), from the first one on and up to the end of a
 * character; `len` if all are. */
size_t relud_text_utf8(const char *text, size_t len);

/* Writes text[len] as a JSON string with its quotes; returns the length. Bytes that are not
 * UTF-8 become U+FFFD. `out` must have room for 6 * len + 2 bytes. */
size_t relud_json_string(const char *text, size_t len, char *out);

#ifdef __cplusplus
}
#endif

#endif
