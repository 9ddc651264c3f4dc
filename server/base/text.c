#include "server/base/text.h"

#include <relud/relud.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *text_room(struct text *text, size_t more)
{
    if (text->at && text->cap - text->len >= more)
        return text->at + text->len;
    size_t cap = text->cap ? text->cap : 1024;
    while (cap - text->len < more) {
        if (cap > SIZE_MAX / 2) {
            text->is_short = true;
            return NULL;
        }
        cap *= 2;
    }
    char *at = realloc(text->at, cap);
    if (!at) {
        text->is_short = true;
        return NULL;
    }
    text->at = at;
    text->cap = cap;
    return at + text->len;
}

void text_put_n(struct text *text, const char *words, size_t len)
{
    char *at = text_room(text, len);
    if (!at)
        return;
    memcpy(at, words, len);
    text->len += len;
}

void text_put(struct text *text, const char *words)
{
    text_put_n(text, words, strlen(words));
}

void text_print(struct text *text, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char short_form[256];
    int len = vsnprintf(short_form, sizeof short_form, format, args);
    va_end(args);
    if (len < 0)
        return;
    if ((size_t)len < sizeof short_form) {
        text_put_n(text, short_form, (size_t)len);
        return;
    }
    char *at = text_room(text, (size_t)len + 1);
    if (!at)
        return;
    va_start(args, format);
    vsnprintf(at, (size_t)len + 1, format, args);
    va_end(args);
    text->len += (size_t)len;
}

void text_count(struct text *text, size_t number)
{
    char digits[20], *at = digits + sizeof digits;
    do
        *--at = (char)('0' + number % 10);
    while (number /= 10);
    text_put_n(text, at, (size_t)(digits + sizeof digits - at));
}

void text_json(struct text *text, const char *words)
{
    size_t len = strlen(words);
    char *at = text_room(text, 6 * len + 2);
    if (at)
        text->len += relud_json_string(words, len, at);
}

void text_name(struct text *text, const char *const *name, size_t index)
{
    if (name)
        text_json(text, name[index]);
    else
        text_print(text, "%zu", index);
}

void text_float(struct text *text, float value)
{
    char *at = text_room(text, RELUD_FLOAT_TEXT_MAX);
    if (at)
        text->len += relud_float_to_text(value, at);
}

void text_double(struct text *text, double value)
{
    char number[32];
    int len = 0;
    for (int digits = 15; digits <= 17; digits++) {
        len = snprintf(number, sizeof number, "%.*g", digits, value);
        if (strtod(number, NULL) == value)
            break;
    }
    text_put_n(text, number, (size_t)len);
}

void text_free(struct text *text)
{
    free(text->at);
    *text = (struct text){0};
}
