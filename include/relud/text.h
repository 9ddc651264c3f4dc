/* Numbers as text: float32 <-> shortest decimal, and JSON number arrays straight into float rows.
 * Strict RFC 8259; no allocation per number; independent of the locale. */
#ifndef RELUD_TEXT_H
#define RELUD_TEXT_H

#include <relud/error.h>
#include <stdbool.h>
#include <stddef.h>

#define RELUD_FLOAT_TEXT_MAX 16

/* Writes the shortest decimal that relud_text_to_float, or any correctly rounded way through double, reads
 * back to the same float32, in JSON grammar, plain from 0.0001 to below 10^10, else with an exponent, and
 * returns its length (at most 16; no NUL is written). Negative zero is "-0.0", so that readers which take "-0" for
 * an integer keep the sign. NaN and infinities come out as NaN, Infinity, -Infinity: whether those may
 * be sent is the caller's decision. `out` must have room for RELUD_FLOAT_TEXT_MAX bytes, all of which
 * may be written to. */
size_t relud_float_to_text(float value, char *out);

/* Writes values[count] separated by commas; returns the length. Needs room for
 * count * (RELUD_FLOAT_TEXT_MAX + 1) bytes, all of which may be written to. */
size_t relud_floats_to_text(const float *values, size_t count, char *out);

/* Reads one JSON number at the start of text[len]: rounded correctly to double, then to float32 (so a
 * value beyond float32 gives an infinity). Returns the bytes it took, 0 when no JSON number starts there. */
size_t relud_text_to_float(const char *text, size_t len, float *value);

#define RELUD_JSON_DEPTH_MAX 32

/* How an array may stand in a document, by the example of the member "inputs". In the NAMED forms {"b64": "…"}, little-endian
 * float32 in base64, may stand for an array of numbers. */
enum relud_json_form {
    RELUD_JSON_PLAIN = 0,  /* {"inputs": [[1,2],[3,4]]} */
    RELUD_JSON_NAMED,      /* the same, or {"inputs": {"x": [[1,2],[3,4]]}} */
    RELUD_JSON_NAMED_ROWS, /* the same as the first, or {"inputs": [{"x": [1,2]}, {"x": [3,4]}]} */
    RELUD_JSON_TENSOR, /* {"inputs": [{"data": [1,[2,3],4], …}]}: nested in any way, numbers and booleans are only
                            * counted: shape is [count] */
};

/* A number, or arrays of numbers nested regularly: what a tensor is in JSON. */
struct relud_json_array {
    float *values;   /* borrowed: room for `capacity` floats */
    size_t capacity; /* len / 2 + 1 floats always suffice for a text of len bytes */
    enum relud_json_form form;
    const char *name; /* for the NAMED forms: the only member such an object may have */
    enum relud_json_form other_form;
    const char
        *other; /* NULL, or another name that the member may have; then it stands in other_form */
    /* The rest is filled in by the reader. */
    bool is_present;
    bool is_other; /* it was called `other` */
    size_t count;
    size_t rank;                        /* 0: a bare number; 1: [1,2]; 2: [[1,2],[3,4]] */
    size_t shape[RELUD_JSON_DEPTH_MAX]; /* [rank] */
    size_t offset, end;                 /* where the numbers' text begins, and what is behind it */
};

/* Walks one JSON object once, from its first byte to the last of text[len]. The member called `key` must
 * be a number or regularly nested arrays of finite numbers, in array->form; they go to array->values, row-major.
 * Everything else is checked strictly (grammar, UTF-8, duplicate keys, \u0000, depth) and copied to `rest`
 * as a JSON object of its own, NUL-terminated, in which a 0 stands for the numbers: `{"key":0}`.
 * Errors name the path and the byte: "inputs[3][17]: … at byte 214". Ragged nesting, empty arrays, a
 * number that is not finite as float32, NaN and Infinity, trailing bytes, more than RELUD_JSON_DEPTH_MAX
 * levels below the object are errors; so are, as RELUD_TOO_LARGE, a rest over rest_capacity - 1 bytes, more
 * than 256 members in the objects that are open at a time, and more numbers than array->capacity.
 * Allocates nothing that grows with the text. text needs no terminator and no padding. */
bool relud_json_read(const char *text, size_t len, const char *key, struct relud_json_array *array,
                     char *rest, size_t rest_capacity, struct relud_error *error);

/* Where the reading of an array pauses. All zeros but for `bytes` before the first call. */
struct relud_json_pause {
    size_t
        bytes; /* of the array, to read at a time; at least as many as stand before it, which are walked again each time */
    size_t at; /* where the next piece begins; 0: the reading is over, or has not begun */
    /* The rest is the reader's. */
    struct relud_json_array array;
    struct relud_json_place {
        size_t depth;                       /* brackets open */
        size_t index[RELUD_JSON_DEPTH_MAX]; /* of the value under way, at each open level */
        bool is_shape_known[RELUD_JSON_DEPTH_MAX];
        bool is_rank_known; /* a number was seen: array.rank holds */
        bool is_named;      /* inside {"x": …} around all of it */
        bool is_named_row;  /* inside {"x": …} around a row */
    } place;
};

/* relud_json_read, a piece at a time: false, without an error and with pause->at > 0, where more is to be read by another call
 * with the same text, key and form, and with the values read so far in array->values (which may have moved). `rest` is
 * written by the last call. pause may be NULL: all at once. */
bool relud_json_read_piece(const char *text, size_t len, const char *key,
                           struct relud_json_array *array, struct relud_json_pause *pause,
                           char *rest, size_t rest_capacity, struct relud_error *error);

/* True when text[len] is exactly one strict JSON value by the same rules (for small documents, before a
 * lenient parser sees them). */
bool relud_json_check(const char *text, size_t len, struct relud_error *error);

/* Writes text[len] (UTF-8) as a JSON string with its quotes; returns the length. Needs room for
 * 6 * len + 2 bytes. Bytes that are not UTF-8 become U+FFFD. */
size_t relud_json_string(const char *text, size_t len, char *out);

#endif
