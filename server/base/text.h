/* A growing text, into which responses are written. Calls do not report that memory ran out; the
 * text remembers it. Call text_is_whole() once at the end. */
#ifndef SERVER_BASE_TEXT_H
#define SERVER_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct text {
    char *at; /* on the heap; freed by text_free, unless its owner takes it away */
    size_t len, cap;
    bool is_short; /* memory ran out: the text is not whole */
};

/* Returns room for `more` bytes at the end, or NULL if memory runs out. Add to len what you
 * wrote. */
char *text_room(struct text *text, size_t more);
void text_put(struct text *text, const char *words);
void text_put_n(struct text *text, const char *words, size_t len);
void text_print(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_count(struct text *text, size_t number);    /* in decimal digits */
void text_json(struct text *text, const char *words); /* as a JSON string with its quotes */
/* Number `index` of what has names: name[index] as a JSON string, or the index if name is NULL. */
void text_name(struct text *text, const char *const *name, size_t index);
void text_float(struct text *text, float value); /* the shortest decimal */
/* The shortest of the decimals of 15 to 17 digits that reads back to the same double. It must be
 * finite. */
void text_double(struct text *text, double value);
void text_free(struct text *text);

static inline bool text_is_whole(const struct text *text)
{
    return !text->is_short;
}

#endif
