/* One error value for the whole library: what went wrong, where, in words for the user.
 * Nothing in librelud prints, exits or keeps a global error. */
#ifndef RELUD_ERROR_H
#define RELUD_ERROR_H

#include <stddef.h>

enum relud_code {
    RELUD_OK = 0,
    RELUD_BAD_JSON,    /* the text is not strict RFC 8259 JSON */
    RELUD_BAD_INPUT,   /* well-formed, but not what was asked for: shape, length, type */
    RELUD_NOT_FINITE,  /* a number that float32 cannot hold, or NaN */
    RELUD_BAD_MODEL,   /* a model file that says something wrong */
    RELUD_UNSUPPORTED, /* a valid request for what relud does not do */
    RELUD_TOO_LARGE,   /* over one of the documented limits */
    RELUD_IO,          /* the operating system refused a file */
    RELUD_NO_MEMORY,
};

#define RELUD_ERROR_TEXT_MAX 256

/* Written by the function that fails, left alone by one that succeeds. `text` is one line without a
 * newline and already names the place (file, layer, tensor, field, `inputs[3][17]`, byte offset). */
struct relud_error {
    enum relud_code code;
    size_t offset; /* byte offset in the text or file, where one is known; else 0 */
    char text[RELUD_ERROR_TEXT_MAX];
};

/* Fills `error` (which may be NULL) by printf rules and returns false, so that a function can say
 * `return relud_fail(error, RELUD_BAD_MODEL, "%s: …", path);`. Sets offset to 0. */
#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
_Bool relud_fail(struct relud_error *error, enum relud_code code, const char *format, ...);

#endif
