/* A growing text: what answers are written into. Running out of memory is remembered, not reported at
 * every call: ask text_is_whole() once at the end. */
#ifndef SERVER_TEXT_H
#define SERVER_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct text {
    char *at; /* heap; the owner frees it with text_free, or takes it away */
    size_t len, cap;
    bool is_short; /* memory ran out: the text is not whole */
};

/* Room for `more` bytes at the end, to be claimed by adding to len; NULL when memory ran out. */
char *text_room(struct text *text, size_t more);
void text_put(struct text *text, const char *words);
void text_put_n(struct text *text, const char *words, size_t len);
void text_print(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_count(struct text *text, size_t number);    /* in decimal digits */
void text_json(struct text *text, const char *words); /* as a JSON string with its quotes */
void text_float(struct text *text, float value);      /* the shortest decimal */
void text_free(struct text *text);

static inline bool text_is_whole(const struct text *text)
{
    return !text->is_short;
}

#endif
