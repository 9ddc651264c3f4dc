#include "server/native.h"

#include <math.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

static bool is_type(const char *field, size_t len, const char *wanted)
{
    return len == strlen(wanted) && strncasecmp(field, wanted, len) == 0;
}

static bool is_json_type(const char *field)
{
    size_t len = strcspn(field, "; \t");
    if (len > 5 && strncasecmp(field + len - 5, "+json", 5) == 0)
        return true;
    return is_type(field, len, TYPE_JSON) || is_type(field, len, "text/json") ||
           is_type(field, len, "text/plain") ||
           is_type(field, len, "application/x-www-form-urlencoded");
}

bool native_is_json(struct exchange *exchange)
{
    if (exchange->content_type && !is_json_type(exchange->content_type)) {
        exchange_fail(exchange, 415, "Content-Type %.100s is not read here; send application/json",
                      exchange->content_type);
        return false;
    }
    const char *accept = exchange->accept;
    if (accept && !strstr(accept, "*/*") && !strstr(accept, "application/*") &&
        !strcasestr(accept, "json")) {
        exchange_fail(exchange, 406, "Accept %.100s cannot be answered; application/json can",
                      accept);
        return false;
    }
    return true;
}

void native_fail(struct exchange *exchange, const struct relud_error *error)
{
    exchange_fail(exchange, exchange_code_of(error->code), "%s", error->text);
}

size_t native_find_nonfinite(const float *values, size_t count)
{
    /* Blocks without a branch inside let the compiler use vectors. */
    enum { BLOCK = 256 };
    for (size_t begin = 0; begin < count; begin += BLOCK) {
        size_t end = begin + BLOCK < count ? begin + BLOCK : count;
        uint32_t found = 0;
        for (size_t i = begin; i < end; i++) {
            uint32_t bits;
            memcpy(&bits, &values[i], sizeof bits);
            found |= (bits & 0x7f800000u) == 0x7f800000u;
        }
        for (size_t i = begin; found && i < end; i++)
            if (!isfinite(values[i]))
                return i;
    }
    return count;
}

void native_write_one(struct text *out, float value, enum nonfinite nonfinite)
{
    if (!isfinite(value) && nonfinite != NONFINITE_TOKEN)
        text_put(out, "null");
    else
        text_float(out, value);
}

static void write_values(struct text *out, const float *values, size_t count,
                         enum nonfinite nonfinite)
{
    if (native_find_nonfinite(values, count) == count) {
        char *at = text_room(out, count * (RELUD_FLOAT_TEXT_MAX + 1));
        if (at)
            out->len += relud_floats_to_text(values, count, at);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        if (i)
            text_put_n(out, ",", 1);
        native_write_one(out, values[i], nonfinite);
    }
}

void native_write_row(struct text *out, const float *values, size_t count, enum nonfinite nonfinite)
{
    text_put_n(out, "[", 1);
    write_values(out, values, count, nonfinite);
    text_put_n(out, "]", 1);
}

void native_write_tensor(struct text *out, const float *values, const size_t *shape, size_t rank,
                         enum nonfinite nonfinite)
{
    if (rank == 0) {
        native_write_one(out, *values, nonfinite);
        return;
    }
    size_t width = shape[rank - 1], rows = 1;
    for (size_t d = 0; d + 1 < rank; d++)
        rows *= shape[d];
    for (size_t row = 0; row < rows; row++) {
        /* How many of the outer dimensions begin, and end, with this row. */
        size_t opened = 0, closed = 0;
        for (size_t d = rank - 1, span = 1; d-- > 0;) {
            span *= shape[d];
            opened += row % span == 0;
            closed += (row + 1) % span == 0;
        }
        if (row)
            text_put_n(out, ",", 1);
        for (size_t i = 0; i < opened; i++)
            text_put_n(out, "[", 1);
        native_write_row(out, values + row * width, width, nonfinite);
        for (size_t i = 0; i < closed; i++)
            text_put_n(out, "]", 1);
    }
}

size_t native_best_class(const float *p, size_t classes)
{
    size_t best = 0;
    for (size_t i = 1; i < classes; i++)
        if (p[i] > p[best] || (isnan(p[i]) && !isnan(p[best])))
            best = i;
    return best;
}
