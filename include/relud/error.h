/* The one error value of the library: what went wrong and where, in words for a user. */
#ifndef RELUD_ERROR_H
#define RELUD_ERROR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

enum relud_code {
    RELUD_OK = 0,
    RELUD_BAD_JSON,    /* the text is not strict RFC 8259 JSON */
    RELUD_BAD_INPUT,   /* well-formed, but of a wrong shape, length or type */
    RELUD_NOT_FINITE,  /* a number that float32 cannot hold, or NaN */
    RELUD_BAD_MODEL,   /* a model file that says something wrong */
    RELUD_UNSUPPORTED, /* a valid request for what relud does not do */
    RELUD_TOO_LARGE,   /* over one of the documented limits */
    RELUD_IO,          /* the operating system refused a file */
    RELUD_NO_MEMORY,
    RELUD_NOT_LEARNED, /* a trained net is worse than an answer that is the same for every row */
};

#define RELUD_ERROR_TEXT_MAX 1024

/* A function that fails fills it; one that succeeds leaves it alone. It owns nothing. */
struct relud_error {
    enum relud_code code;
    size_t offset; /* in bytes, in the text or file; 0 where none is known */
    /* One line without a newline. It names the place: file, layer, tensor, field, byte,
     * "inputs[3][17]". */
    char text[RELUD_ERROR_TEXT_MAX];
};

/* Formats one line for people, by the rules of printf, into line[size], which always ends with a
 * NUL. Control characters and bytes that are not UTF-8 are shown as \n, \t, \r or \x1b. Text
 * that is longer than the line loses the middle of its longest part, usually a path, where an
 * ellipsis then is; the file's name before the next colon and the reason at the end stay.
 * Returns the length. An argument may lie in `line`. */
#if defined(__GNUC__)
__attribute__((format(printf, 3, 0)))
#endif
size_t
relud_vline(char *line, size_t size, const char *format, va_list args);
#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
size_t
relud_line(char *line, size_t size, const char *format, ...);

/* Fills *error, unless it is NULL, with the code, offset 0 and a text as relud_line makes it.
 * Returns false, so that a function can end with `return relud_fail(error, RELUD_BAD_MODEL, "%s:
 * …", path)`. */
#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
bool relud_fail(struct relud_error *error, enum relud_code code, const char *format, ...);

#ifdef __cplusplus
}
#endif

#endif
