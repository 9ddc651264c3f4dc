#include "server/native.h"

#include "server/url.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

bool native_open(struct exchange *exchange)
{
    if (!media_of(exchange->content_type, &exchange->media_in)) {
        exchange_fail(exchange, 415,
                      "Content-Type %.100s is not read here; send " MEDIA_JSON_TYPE
                      ", " MEDIA_FLOATS_TYPE " or " MEDIA_NPY_TYPE,
                      exchange->content_type);
        return false;
    }
    size_t chosen = media_choose(exchange->accept, media_types, MEDIA_KINDS);
    if (chosen == MEDIA_KINDS) {
        exchange_fail(exchange, 406,
                      "Accept %.100s cannot be answered; " MEDIA_JSON_TYPE ", " MEDIA_FLOATS_TYPE
                      " and " MEDIA_NPY_TYPE " can",
                      exchange->accept);
        return false;
    }
    exchange->media_out = (enum media)chosen;
    return true;
}

size_t native_floats(const struct exchange *exchange, size_t len)
{
    switch (exchange->media_in) {
    case MEDIA_JSON:
        return len / 2 + 1; /* a digit and a comma */
    case MEDIA_FLOATS:
        return len / sizeof(float) + 1;
    default:
        return len; /* .npy may hold bytes */
    }
}

/* ---- what stands beside the numbers of a binary body ---- */

/* Members that are text in the JSON form, so that ?version=1 is the text "1". */
static bool is_text_member(const char *name)
{
    static const char *const names[] = {"model", "version", "activation", "approximate"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

/* The query as the small JSON document that a JSON body would have left: {"inputs":0,"model":"digits"}. */
static bool read_query(const struct exchange *exchange, const char *key, char *rest,
                       struct relud_error *error)
{
    enum { PART_MAX = 256 }; /* each byte may become six: all of it fits in rest */
    if (exchange->query_len > EXCHANGE_QUERY_MAX)
        return relud_fail(error, RELUD_BAD_INPUT,
                          "the query has %zu parameters; at most %d are read", exchange->query_len,
                          EXCHANGE_QUERY_MAX);
    char *at = stpcpy(stpcpy(stpcpy(rest, "{\""), key), "\":0");
    error->code = RELUD_OK;
    if (exchange->query_len == 0) {
        memcpy(at, "}", 2);
        return true;
    }
    for (size_t i = 0; i < exchange->query_len; i++) {
        const struct exchange_parameter *parameter = &exchange->query[i];
        char name[PART_MAX], value[PART_MAX];
        if (!url_decode(parameter->name, true, name, sizeof name) ||
            !url_decode(parameter->value ? parameter->value : "", true, value, sizeof value))
            return relud_fail(error, RELUD_BAD_INPUT,
                              "the query's parameter %.60s cannot be decoded", parameter->name);
        *at++ = ',';
        at += relud_json_string(name, strlen(name), at);
        *at++ = ':';
        bool is_json = !is_text_member(name) && relud_json_check(value, strlen(value), error);
        if (!is_json && error->code == RELUD_NO_MEMORY)
            return false;
        if (!is_json)
            at += relud_json_string(value, strlen(value), at);
        else
            at = stpcpy(at, value);
    }
    memcpy(at, "}", 2);
    return relud_json_check(rest, strlen(rest), error); /* duplicates */
}

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
static void turn_bytes(void *numbers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, (char *)numbers + 4 * i, sizeof bits);
        bits = __builtin_bswap32(bits);
        memcpy((char *)numbers + 4 * i, &bits, sizeof bits);
    }
}
#endif

static bool read_floats(const char *body, size_t len, struct relud_json_array *array,
                        struct relud_error *error)
{
    if (len == 0 || len % sizeof(float) != 0)
        return relud_fail(error, RELUD_BAD_INPUT,
                          "the body has %zu bytes; float32 numbers of 4 bytes each are wanted",
                          len);
    array->count = array->shape[0] = len / sizeof(float);
    array->rank = 1;
    memcpy(array->values, body, len);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    turn_bytes(array->values, array->count);
#endif
    return true;
}

static bool read_npy(const char *body, size_t len, struct relud_json_array *array,
                     struct relud_error *error)
{
    struct relud_npy npy = {0};
    if (!relud_npy_open(body, len, &npy, error))
        return false;
    array->count = npy.count;
    array->rank = npy.rank;
    memcpy(array->shape, npy.shape, npy.rank * sizeof *npy.shape);
    relud_npy_values(&npy, array->values);
    return true;
}

enum reading_result native_read(struct exchange *exchange, const char *key, const char *body,
                                size_t len, struct relud_json_array *array,
                                char rest[NATIVE_REST_BYTES], struct relud_error *error)
{
    if (exchange->media_in == MEDIA_JSON)
        return reading_json(exchange, body, len, key, array, rest, NATIVE_REST_BYTES, error);
    array->is_present = true;
    bool is_read = read_query(exchange, key, rest, error) &&
                   (exchange->media_in == MEDIA_NPY ? read_npy(body, len, array, error)
                                                    : read_floats(body, len, array, error));
    return is_read ? READING_DONE : READING_FAILED;
}

void native_place(char *place, size_t size, const char *name, const size_t *shape, size_t rank,
                  size_t index)
{
    size_t span = 1, len = (size_t)snprintf(place, size, "%s", name);
    for (size_t d = 0; d < rank; d++)
        span *= shape[d];
    for (size_t d = 0; d < rank && len < size; d++) {
        span /= shape[d];
        len += (size_t)snprintf(place + len, size - len, "[%zu]", index / span);
        index %= span;
    }
}

bool native_check_finite(struct exchange *exchange, const char *name, const float *values,
                         const size_t *shape, size_t rank, size_t count)
{
    size_t bad = native_find_nonfinite(values, count);
    if (bad == count)
        return true;
    char place[RELUD_JSON_DEPTH_MAX * 12 + 16];
    native_place(place, sizeof place, name, shape, rank, bad);
    exchange_fail(exchange, 400, "%s is not finite", place);
    return false;
}

void native_put_floats(struct text *out, const float *values, size_t count)
{
    text_put_n(out, (const char *)values, count * sizeof *values);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    if (text_is_whole(out))
        turn_bytes(out->at + out->len - count * sizeof *values, count);
#endif
}

void native_write_binary(struct exchange *exchange, const float *values, const size_t *shape,
                         size_t rank)
{
    struct text *out = &exchange->out;
    size_t count = 1;
    for (size_t d = 0; d < rank; d++)
        count *= shape[d];
    if (exchange->media_out == MEDIA_NPY) {
        char head[RELUD_NPY_HEAD_MAX];
        text_put_n(out, head, relud_npy_head(shape, rank, head));
    }
    native_put_floats(out, values, count);
    exchange_answer(exchange, 200, media_types[exchange->media_out]);
}

/* ---- values as text ---- */

void native_fail(struct exchange *exchange, const struct relud_error *error)
{
    exchange_fail(exchange, exchange_code_of(error->code), "%s", error->text);
}

/* Adding one to an exponent that is all ones carries into the sign. */
static inline __attribute__((always_inline)) bool has_nonfinite(const float *values, size_t count)
{
    uint32_t carries = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, &values[i], sizeof bits);
        carries |= (bits & 0x7fffffff) + 0x00800000;
    }
    return carries >> 31;
}

size_t native_find_nonfinite(const float *values, size_t count)
{
    enum {
        BLOCK = 128
    }; /* a constant length without a branch inside lets the compiler use vectors */
    size_t i = 0;
    while (i + BLOCK <= count && !has_nonfinite(values + i, BLOCK))
        i += BLOCK;
    while (i < count && isfinite(values[i]))
        i++;
    return i;
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
