#include "server/api/rows_io.h"

#include "server/api/rows_check.h"
#include "server/base/url.h"
#include "server/batch/nonfinite.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

bool rows_io_open(struct request *request, bool has_csv)
{
    size_t kinds = has_csv ? MEDIA_KINDS : MEDIA_CSV;
    const char *comma = has_csv ? ", " : " or ", *csv = has_csv ? " or " MEDIA_CSV_TYPE : "";
    if (!media_of(request->content_type, &request->media_in) || request->media_in >= kinds) {
        request_fail(request, 415,
                     "Content-Type %.100s is not read here; send " MEDIA_JSON_TYPE
                     ", " MEDIA_FLOATS_TYPE "%s" MEDIA_NPY_TYPE "%s",
                     request->content_type, comma, csv);
        return false;
    }
    size_t chosen = media_choose(request->accept, media_types, kinds);
    if (chosen == kinds) {
        request_fail(request, 406,
                     "Accept %.100s cannot be answered; " MEDIA_JSON_TYPE ", " MEDIA_FLOATS_TYPE
                     "%s" MEDIA_NPY_TYPE "%s can",
                     request->accept, has_csv ? ", " : " and ",
                     has_csv ? " and " MEDIA_CSV_TYPE : "");
        return false;
    }
    request->media_out = (enum media)chosen;
    return true;
}

size_t rows_io_floats(const struct request *request, const char *body, size_t len)
{
    struct relud_npy npy = {0};
    struct relud_error error;
    switch (request->media_in) {
    case MEDIA_JSON:
    case MEDIA_CSV:
        return len / 2 + 1; /* a digit and a comma */
    case MEDIA_FLOATS:
        return len / sizeof(float) + 1;
    default: /* a file that cannot be opened is refused when it is read */
        return relud_npy_open(body, len, &npy, &error) ? npy.count : 1;
    }
}

static size_t count_bytes(const char *text, size_t len, char wanted)
{
    size_t count = 0;
    for (size_t i = 0; i < len; i++)
        count += text[i] == wanted;
    return count;
}

size_t rows_io_named_floats(const struct request *request, const struct served_model *named,
                            const char *body, size_t len)
{
    size_t floats = rows_io_floats(request, body, len);
    if (!named)
        return floats;
    size_t gaps = 0; /* the most rows that leave something out: objects, or lines behind a header */
    if (relud_has_imputed(named->info->feature) && named->columns.len &&
        request->media_in == MEDIA_JSON)
        gaps = count_bytes(body, len, '{');
    else if (relud_has_imputed(named->info->feature) && named->columns.len &&
             request->media_in == MEDIA_CSV)
        gaps = count_bytes(body, len, '\n') + count_bytes(body, len, '\r') + 1;
    floats += named->columns.len;
    if (gaps > request->service->config->request_rows_max)
        gaps = request->service->config->request_rows_max; /* more rows are refused */
    size_t most = request->service->turn.rows_cap;
    if (floats >= most || gaps == 0)
        return floats;
    size_t left = most - floats, features = named->info->features;
    return gaps > left / features ? most : floats + gaps * features;
}

/* ---- the query of a binary request ---- */

/* These members are strings in the JSON form, so ?version=1 means the string "1". */
static bool is_text_member(const char *name)
{
    static const char *const names[] = {"model", "version", "activation", "approximate"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

bool rows_io_read_query(const struct request *request, const char *key,
                        char rest[ROWS_IO_REST_BYTES], struct relud_error *error)
{
    enum { PART_MAX = 256 }; /* each byte may become six; all parameters together fit into rest */
    if (request->query_len > REQUEST_QUERY_MAX)
        return relud_fail(error, RELUD_BAD_INPUT,
                          "the query has %zu parameters; at most %d are read", request->query_len,
                          REQUEST_QUERY_MAX);
    char *at = stpcpy(stpcpy(stpcpy(rest, "{\""), key), "\":0");
    error->code = RELUD_OK;
    if (request->query_len == 0) {
        memcpy(at, "}", 2);
        return true;
    }
    for (size_t i = 0; i < request->query_len; i++) {
        const struct request_parameter *parameter = &request->query[i];
        char name[PART_MAX], value[PART_MAX];
        if (!url_decode(parameter->name, true, name, sizeof name) ||
            !url_decode(parameter->value ? parameter->value : "", true, value, sizeof value))
            return relud_fail(error, RELUD_BAD_INPUT, "the query's parameter %s cannot be decoded",
                              parameter->name);
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
    return relud_json_check(rest, strlen(rest), error); /* finds duplicate members */
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

static bool fail_ended(struct relud_error *error)
{
    return relud_fail(error, RELUD_IO, "the request has ended");
}

/* Takes float32 numbers of the body for the rows of a prediction, where they lie. False: they must
 * be copied. Those of short bodies are: rows that lie end to end go through the net together. */
static bool lend(struct request *request, const struct served_model *served, const char *bytes,
                 struct relud_json_array *array)
{
    enum { LENT_FLOATS_MIN = 1 << 18 };
    struct turn_job *job = &request->job;
    if (!served || !request->is_body_ours || array->count < LENT_FLOATS_MIN ||
        (uintptr_t)bytes % _Alignof(float) != 0 || __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__)
        return false;
    job->x = array->values = (float *)(uintptr_t)bytes;
    job->is_lent = true;
    return true;
}

static bool read_floats(struct request *request, const struct served_model *served,
                        const char *body, size_t len, struct relud_json_array *array,
                        struct relud_error *error)
{
    if (len == 0 || len % sizeof(float) != 0)
        return relud_fail(error, RELUD_BAD_INPUT,
                          "the body has %zu bytes; float32 numbers of 4 bytes each are wanted",
                          len);
    array->count = array->shape[0] = len / sizeof(float);
    array->rank = 1;
    if (!lend(request, served, body, array) &&
        !body_reader_elements(request, RELUD_FP32, body, array->count, array->values))
        return fail_ended(error);
    return true;
}

static bool read_npy(struct request *request, const struct served_model *served, const char *body,
                     size_t len, struct relud_json_array *array, struct relud_error *error)
{
    struct relud_npy npy = {0};
    if (!relud_npy_open(body, len, &npy, error))
        return false;
    array->count = npy.count;
    array->rank = npy.rank;
    memcpy(array->shape, npy.shape, npy.rank * sizeof *npy.shape);
    const struct relud_watch watch = long_work_watch(request);
    bool is_plain = npy.dtype == RELUD_FP32 && !npy.is_fortran && !npy.is_big_endian;
    if (is_plain && lend(request, served, npy.elements, array))
        return true;
    if (!relud_npy_values_watched(&npy, array->values, &watch))
        return fail_ended(error);
    return true;
}

bool rows_io_read(struct request *request, const char *key, const char *body, size_t len,
                  struct relud_json_array *array, char rest[ROWS_IO_REST_BYTES],
                  struct relud_error *error)
{
    if (request->media_in == MEDIA_JSON)
        return body_reader_json(request, body, len, key, array, rest, ROWS_IO_REST_BYTES, error);
    return rows_io_read_query(request, key, rest, error) &&
           rows_io_read_binary(request, NULL, body, len, array, error);
}

bool rows_io_read_binary(struct request *request, const struct served_model *served,
                         const char *body, size_t len, struct relud_json_array *array,
                         struct relud_error *error)
{
    array->is_present = true;
    if (served && !rows_check_wants_numbers(served, error))
        return false;
    return request->media_in == MEDIA_NPY ? read_npy(request, served, body, len, array, error)
                                          : read_floats(request, served, body, len, array, error);
}

bool rows_io_read_table(struct request *request, const struct served_model *served,
                        const char *body, size_t len, struct relud_json_array *array,
                        struct relud_error *error)
{
    int header = media_csv_header(request->content_type);
    const struct relud_rows_options options = {
        .features = served->info->features,
        .name = served->columns.len ? relud_model_feature_names(served->model) : NULL,
        .feature = served->info->feature,
        .table.header = header > 0   ? RELUD_HEADER_YES
                        : header < 0 ? RELUD_HEADER_NO
                                     : RELUD_HEADER_AUTO,
    };
    return body_reader_table(request, body, len, &options, array, error);
}

/* Once the response exceeds its limit nothing more is added: it becomes a 413. */
static bool may_grow(struct request *request, const struct text *out)
{
    if (out->len > TURN_ANSWER_BYTES_MAX)
        request->is_too_large = true;
    return !request->is_too_large && text_is_whole(out) && long_work_go_on(request);
}

void rows_io_put_bytes(struct request *request, struct text *out, const char *bytes, size_t len)
{
    enum { PIECE = 128 * 1024 };
    for (size_t at = 0; at < len && (at == 0 || may_grow(request, out)); at += PIECE)
        text_put_n(out, bytes + at, len - at < PIECE ? len - at : PIECE);
}

void rows_io_put_floats(struct request *request, struct text *out, const float *values,
                        size_t count)
{
    size_t begin = out->len;
    rows_io_put_bytes(request, out, (const char *)values, count * sizeof *values);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    turn_bytes(out->at + begin, (out->len - begin) / sizeof *values);
#else
    (void)begin;
#endif
}

void rows_io_write_binary(struct request *request, const float *values, const size_t *shape,
                          size_t rank)
{
    struct text *out = &request->out;
    size_t count = 1;
    for (size_t d = 0; d < rank; d++)
        count *= shape[d];
    if (request->media_out == MEDIA_NPY) {
        char head[RELUD_NPY_HEAD_MAX];
        text_put_n(out, head, relud_npy_head(shape, rank, head));
    }
    rows_io_put_floats(request, out, values, count);
    request_answer(request, 200, media_types[request->media_out]);
}

/* Writes one line per row and no header, as SageMaker's own models do. */
static void write_table(struct request *request, const float *values, const size_t shape[2])
{
    enum { PIECE = 1024 };
    struct text *out = &request->out;
    size_t written = 0;
    for (size_t row = 0; row < shape[0]; row++) {
        for (size_t i = 0; i < shape[1]; i++) {
            text_put(out, i ? "," : "");
            text_float(out, values[row * shape[1] + i]);
            if (++written % PIECE == 0 && !long_work_go_on(request))
                return;
        }
        text_put(out, "\n");
    }
    request_answer(request, 200, MEDIA_CSV_TYPE);
}

void rows_io_write_rows(struct request *request, const float *values, const size_t shape[2])
{
    if (request->media_out == MEDIA_CSV)
        write_table(request, values, shape);
    else
        rows_io_write_binary(request, values, shape, 2);
}

/* ---- values as text ---- */

void rows_io_fail(struct request *request, const struct relud_error *error)
{
    request_fail(request, request_code_of(error->code), "%s", error->text);
}

void rows_io_write_one(struct text *out, float value, enum nonfinite nonfinite)
{
    if (!isfinite(value) && nonfinite != NONFINITE_TOKEN)
        text_put(out, "null");
    else
        text_float(out, value);
}

static void write_values(struct text *out, const float *values, size_t count,
                         enum nonfinite nonfinite)
{
    if (relud_find_nonfinite(values, count) == count) {
        char *at = text_room(out, count * (RELUD_FLOAT_TEXT_MAX + 1));
        if (at)
            out->len += relud_floats_to_text(values, count, at);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        if (i)
            text_put_n(out, ",", 1);
        rows_io_write_one(out, values[i], nonfinite);
    }
}

void rows_io_write_row(struct text *out, const float *values, size_t count,
                       enum nonfinite nonfinite)
{
    text_put_n(out, "[", 1);
    write_values(out, values, count, nonfinite);
    text_put_n(out, "]", 1);
}

static enum nonfinite nonfinite_of(const struct request *request)
{
    return (enum nonfinite)request->service->config->nonfinite;
}

enum { PIECE_FLOATS = 2048 }; /* about 40 microseconds of writing */

void rows_io_answer_row(struct request *request, const float *values, size_t count)
{
    struct text *out = &request->out;
    text_put_n(out, "[", 1);
    for (size_t at = 0; at < count && (at == 0 || may_grow(request, out)); at += PIECE_FLOATS) {
        if (at)
            text_put_n(out, ",", 1);
        write_values(out, values + at, count - at < PIECE_FLOATS ? count - at : PIECE_FLOATS,
                     nonfinite_of(request));
    }
    text_put_n(out, "]", 1);
}

void rows_io_answer_tensor(struct request *request, const float *values, const size_t *shape,
                           size_t rank)
{
    struct text *out = &request->out;
    if (rank == 0) {
        rows_io_write_one(out, *values, nonfinite_of(request));
        return;
    }
    size_t width = shape[rank - 1], rows = 1;
    for (size_t d = 0; d + 1 < rank; d++)
        rows *= shape[d];
    for (size_t row = 0, written = 0; row < rows; row++, written += width + 1) {
        if (written > PIECE_FLOATS) {
            written = 0;
            if (!may_grow(request, out))
                return;
        }
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
        rows_io_answer_row(request, values + row * width, width);
        for (size_t i = 0; i < closed; i++)
            text_put_n(out, "]", 1);
    }
}
