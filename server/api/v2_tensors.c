/* Makes rows of a request's tensors: each is a part of every row. */
#include "server/api/v2_infer.h"

#include "server/api/rows_check.h"
#include "server/batch/body_reader.h"
#include "server/batch/prediction.h"

#include <math.h>
#include <string.h>

enum {
    PIECE_FLOATS = 16 * 1024,
    PIECE_BYTES = 64 * 1024,
    FAR_FLOATS = 1024 /* in pages of their own */
};

size_t infer_floats(const struct infer_request *asked, size_t json_len, size_t behind)
{
    const struct relud_model_info *info = asked->served->info;
    size_t most = asked->request->service->turn.rows_cap, in_json = json_len / 2 + 1, needed = 0;
    if (info->inputs == 1) /* a digit and a comma in JSON; a byte may be a number */
        return in_json > behind ? in_json : behind;
    size_t floats = in_json + behind;
    if (!relud_has_imputed(info->feature))
        return floats;
    for (size_t f = 0; f < info->features; f++)
        needed += !relud_is_imputed(info->feature, f);
    size_t rows = floats / (needed ? needed : 1) + 1; /* each may leave out what is imputed */
    if (rows > asked->request->service->config->request_rows_max)
        rows = asked->request->service->config->request_rows_max;
    size_t all = rows * info->features; /* both are limited: below 2^48 */
    if (all > most)
        all = most;
    return floats > all ? floats : all;
}

/* ---- bytes ---- */

/* Checks that each byte of a BOOL tensor is 0 or 1. For other types every bit pattern is a
 * number. */
static bool check_booleans(struct infer_request *asked, const struct infer_input *input,
                           const char *name, const char *bytes)
{
    char place[INFER_RANK_MAX * 22 + 80];
    size_t bad = 0;
    while (bad < input->count && (unsigned char)bytes[bad] < 2)
        if (++bad % PIECE_BYTES == 0 && !long_work_go_on(asked->request))
            return false; /* the request has ended */
    if (bad == input->count)
        return true;
    rows_check_place(place, sizeof place, name, input->shape, input->rank, bad);
    request_fail(asked->request, 400, "%s is %d; a BOOL is 0 or 1", place,
                 (unsigned char)bytes[bad]);
    return false;
}

bool infer_check_bytes(struct infer_request *asked)
{
    for (size_t i = 0; i < infer_tensors(asked->served); i++) {
        const struct infer_input *input = &asked->input[i];
        if (!input->is_there || !input->has_bytes)
            continue;
        const char *name = infer_tensor(asked->served, i)->name;
        bool is_words = input->dtype == RELUD_DTYPES;
        size_t each = is_words ? sizeof(uint32_t) : relud_dtype_bytes(input->dtype);
        if (is_words && input->bytes / each < input->count)
            request_fail(asked->request, 400,
                         "input '%s' has %zu bytes; its shape wants %zu words, each behind its "
                         "length of 4 bytes",
                         name, input->bytes, input->count);
        else if (!is_words && (input->bytes % each || input->bytes / each != input->count))
            request_fail(asked->request, 400,
                         "input '%s' has %zu bytes; its shape wants %zu numbers of %zu", name,
                         input->bytes, input->count, each);
        else
            continue;
        return false;
    }
    return true;
}

/* Where a number of a tensor lies in the rows. */
struct part {
    float *values; /* the rows */
    size_t features, first, width;
    size_t row, at; /* of the next number */
};

static struct part part_of(const struct infer_request *asked,
                           const struct relud_tensor_info *tensor, float *values)
{
    return (struct part){values, asked->served->info->features, tensor->first, tensor->width, 0, 0};
}

static void put(struct part *part, float value)
{
    part->values[part->row * part->features + part->first + part->at] = value;
    if (++part->at == part->width) {
        part->at = 0;
        part->row++;
    }
}

static bool read_numbers(struct infer_request *asked, const struct infer_input *input,
                         const struct relud_tensor_info *tensor, const char *bytes, float *values)
{
    enum { SOME = 1024 };
    float some[SOME];
    struct part part = part_of(asked, tensor, values);
    if (input->dtype == RELUD_BOOL && !check_booleans(asked, input, tensor->name, bytes))
        return false;
    if (part.width == part.features)
        return body_reader_elements(asked->request, input->dtype, bytes, input->count, values);
    size_t each = relud_dtype_bytes(input->dtype);
    for (size_t at = 0; at < input->count; at += SOME) {
        size_t count = input->count - at < SOME ? input->count - at : SOME;
        relud_dtype_read(input->dtype, bytes + at * each, count, some);
        for (size_t i = 0; i < count; i++)
            put(&part, some[i]);
        if (!long_work_go_on(asked->request))
            return false; /* the request has ended */
    }
    return true;
}

/* ---- words ---- */

static uint32_t length_of(const char *bytes)
{
    const unsigned char *at = (const unsigned char *)bytes;
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

/* True if text[len] is UTF-8. A long one is read in pieces; the request may end meanwhile. */
static bool is_utf8(struct request *request, const char *text, size_t len)
{
    enum { LONGEST = 4 }; /* bytes of a character */
    size_t at = 0;
    while (at < len) {
        size_t piece = len - at < PIECE_BYTES ? len - at : PIECE_BYTES;
        size_t whole = relud_text_utf8(text + at, piece);
        if (whole < piece && (piece == len - at || whole + LONGEST <= piece))
            return false;
        at += whole;
        if (at < len && !long_work_go_on(request))
            return true;
    }
    return true;
}

static bool fail_word(struct infer_request *asked, const struct infer_input *input,
                      const char *name, size_t index, const char *why)
{
    char place[INFER_RANK_MAX * 22 + 80];
    rows_check_place(place, sizeof place, name, input->shape, input->rank, index);
    request_fail(asked->request, 400, "%s %s", place, why);
    return false;
}

/* Reads words, each behind its length. */
static bool read_words(struct infer_request *asked, const struct infer_input *input,
                       const struct relud_tensor_info *tensor, const char *bytes, float *values)
{
    enum { COST = 32 }; /* of finding a word, in bytes */
    struct part part = part_of(asked, tensor, values);
    size_t at = 0, spent = 0;
    for (size_t i = 0; i < input->count; i++) {
        const struct relud_words *words =
            relud_words_of(asked->served->info->feature, part.first + part.at);
        size_t left = input->bytes - at, len = left < 4 ? 0 : length_of(bytes + at);
        if (left < 4 || len > left - 4)
            return fail_word(asked, input, tensor->name, i,
                             left < 4 ? "is missing: the input's bytes end before it"
                                      : "is longer than the input's bytes");
        const char *word = bytes + at + 4;
        if (!words)
            return fail_word(asked, input, tensor->name, i, "is a number, which BYTES cannot say");
        size_t index = relud_words_find(words, word, len);
        if (index == words->count) {
            char why[RELUD_WORDS_TEXT_MAX];
            if (!is_utf8(asked->request, word, len))
                return fail_word(asked, input, tensor->name, i, "is not UTF-8");
            if (!words->takes_unknown)
                return fail_word(asked, input, tensor->name, i,
                                 relud_words_explain(words, word, len, why));
        }
        put(&part, (float)index);
        at += 4 + len;
        spent += COST + len;
        if (spent > PIECE_BYTES && (spent = 0, !long_work_go_on(asked->request)))
            return false; /* the request has ended */
    }
    if (at == input->bytes)
        return true;
    request_fail(asked->request, 400, "input '%s' has %zu bytes behind its %zu words", tensor->name,
                 input->bytes - at, input->count);
    return false;
}

bool infer_read_bytes(struct infer_request *asked, const char *bytes, float *values)
{
    for (size_t i = 0; i < infer_tensors(asked->served); i++) {
        const struct infer_input *input = &asked->input[i];
        const struct relud_tensor_info *tensor = infer_tensor(asked->served, i);
        if (!input->is_there || !input->has_bytes)
            continue;
        bool is_read = input->dtype == RELUD_DTYPES
                           ? read_words(asked, input, tensor, bytes + input->offset, values)
                           : read_numbers(asked, input, tensor, bytes + input->offset, values);
        if (!is_read)
            return false;
    }
    return true;
}

/* ---- the rows ---- */

/* Gives an input that is not there what stands for a missing value. */
static bool fill(struct infer_request *asked, const struct relud_tensor_info *tensor, float *values)
{
    struct part part = part_of(asked, tensor, values);
    for (size_t i = 0; i < asked->rows * part.width; i++) {
        const struct relud_words *words =
            relud_words_of(asked->served->info->feature, part.first + part.at);
        put(&part, words ? (float)words->missing : NAN);
        if (i % FAR_FLOATS == FAR_FLOATS - 1 && !long_work_go_on(asked->request))
            return false;
    }
    return true;
}

bool infer_finish(struct infer_request *asked, float *values, bool is_finite)
{
    const struct served_model *served = asked->served;
    size_t inputs = served->info->inputs, whole = infer_whole(served);
    const struct infer_input *all = &asked->input[whole];
    bool has_parts = inputs > 1 && !all->is_there;
    for (size_t i = 0; has_parts && asked->given < inputs && i < inputs; i++)
        if (!asked->input[i].is_there && !fill(asked, &served->info->input[i], values))
            return false;
    return rows_check_input(asked->request, served,
                            has_parts ? NULL : infer_tensor(served, whole)->name, values,
                            all->shape, all->rank, asked->rows * served->info->features, is_finite);
}
