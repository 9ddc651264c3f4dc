/* Nets of a few operations, with their answers or the reason why they are refused. */
#ifndef TESTS_UNIT_ONNX_CASE_H
#define TESTS_UNIT_ONNX_CASE_H

#include "tests/unit/onnx_text.h"
#include "tests/unit/scarcity.h"
#include <math.h>
#include <relud/relud.h>
#include <unistd.h>

struct onnx_case {
    const char *net;
    uint64_t opset;
    const char *in;  /* the rows' numbers; NULL: the net must be refused */
    const char *out; /* the answer's numbers, or words of the refusal */
};

static inline relud_model *onnx_load(const struct buffer *bytes, struct relud_error *error)
{
    char path[] = "/tmp/relud-onnx-XXXXXX.onnx";
    int fd = mkstemps(path, 5);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, bytes->at, bytes->len), (long)bytes->len);
    close(fd);
    relud_model *model = relud_model_load(path, NULL, error);
    unlink(path);
    return model;
}

static inline size_t onnx_numbers_of(const char *text, float *numbers, size_t most)
{
    size_t count = 0;
    for (char *end; *text; text = end + strspn(end, " ")) {
        ck_assert_uint_lt(count, most);
        numbers[count++] = strtof(text, &end);
        ck_assert_msg(end > text, "a number is wanted at '%s'", text);
    }
    return count;
}

static inline void onnx_check_answer(const struct onnx_case *with, relud_model *model)
{
    enum { NUMBERS_MAX = 256 };
    float x[NUMBERS_MAX], wanted[NUMBERS_MAX], y[NUMBERS_MAX];
    struct relud_error error;
    const struct relud_model_info *info = relud_model_info(model);
    size_t in = onnx_numbers_of(with->in, x, NUMBERS_MAX), rows = in / info->features;
    size_t out = onnx_numbers_of(with->out, wanted, NUMBERS_MAX);
    ck_assert_msg(in % info->features == 0 && rows * info->outputs == out,
                  "%s: %zu numbers in, %zu a row; %zu out, %zu a row", with->net, in,
                  info->features, out, info->outputs);
    relud_scratch *scratch = relud_scratch_new(model, rows, &error);
    relud_predict(scratch, x, rows, y);
    relud_scratch_free(scratch);
    for (size_t i = 0; i < out; i++)
        if (!(y[i] == wanted[i] || (isnan(y[i]) && isnan(wanted[i])) ||
              fabsf(y[i] - wanted[i]) <= 1e-6f + 1e-5f * fabsf(wanted[i])))
            ck_abort_msg("%s: number %zu is %.9g instead of %.9g", with->net, i, (double)y[i],
                         (double)wanted[i]);
}

static inline void onnx_check(const struct onnx_case *with)
{
    struct buffer bytes = onnx_of(with->net, with->opset);
    struct relud_error error = {0};
    relud_model *model = onnx_load(&bytes, &error);
    free(bytes.at);
    if (!with->in) {
        ck_assert_msg(!model, "%s: taken, though it should say: %s", with->net, with->out);
        ck_assert_msg(strstr(error.text, with->out) != NULL, "%s: '%s' does not say '%s'",
                      with->net, error.text, with->out);
        return;
    }
    ck_assert_msg(model != NULL, "%s: %s", with->net, error.text);
    onnx_check_answer(with, model);
    relud_model_release(model);
}

static inline bool onnx_loads(void *path, struct relud_error *error)
{
    relud_model *model = relud_model_load(path, NULL, error);
    relud_model_release(model);
    return model != NULL;
}

/* Checks all cases. Those that are answered are loaded again with each piece of memory refused
 * once. */
static inline void onnx_check_all(const struct onnx_case *cases, size_t count)
{
    char path[64];
    snprintf(path, sizeof path, "/tmp/relud-onnx-%d.onnx", (int)getpid());
    for (size_t i = 0; i < count; i++) {
        onnx_check(&cases[i]);
        if (!cases[i].in)
            continue;
        struct buffer bytes = onnx_of(cases[i].net, cases[i].opset);
        write_bytes(path, &bytes);
        free(bytes.at);
        scarce_each(SCARCE_MEMORY, RELUD_NO_MEMORY, onnx_loads, path);
    }
    unlink(path);
}

#endif
