/* Runs a net that a reader has made on odd rows: indices beyond every table, NaN, infinities, numbers that float32 cannot count. It
 * must read nothing that is not its own, and a row must have the same bits alone and among others. */
#ifndef TESTS_FUZZ_NET_H
#define TESTS_FUZZ_NET_H

#include "tests/fuzz/fuzz.h"

#include <math.h>
#include <relud/relud.h>

enum { FUZZ_ROWS = 9, FUZZ_FLOATS_MAX = 1 << 20 };

/* Number `f` of the row: one of the feature's indices, one just beyond them, or an odd one. */
static inline float fuzz_number(const struct relud_features *features, size_t row, size_t f)
{
    static const float odd[] = {0,        -0.0f,     1,    -1,         0.5f,    1e-40f,
                                16777216, 16777218,  3e38, -3e38f,     1e9f,    -1e9f,
                                INFINITY, -INFINITY, NAN,  4294967296, 9.3e18f, -9.3e18f};
    const struct relud_words *words = relud_words_of(features, f);
    size_t count = words ? words->count : relud_indices_of(features, f);
    size_t at = row * 7 + f * 5;
    return count && row % 2 == 0 ? (float)(at % (count + 2)) : odd[at % (sizeof odd / sizeof *odd)];
}

/* Sets y[FUZZ_ROWS][outputs] to the answers, with passes of at most max_rows rows. */
static inline void fuzz_net_answer(relud_model *model, const float *x, size_t max_rows, float *y)
{
    struct relud_error error;
    relud_scratch *scratch = relud_scratch_new(model, max_rows, &error);
    FUZZ_ASSERT(scratch);
    relud_predict(scratch, x, FUZZ_ROWS, y);
    relud_scratch_free(scratch);
}

/* Returns the answers, for the caller to free; NULL for a net that is too wide to try. */
static inline float *fuzz_net_run(relud_model *model)
{
    const struct relud_model_info *info = relud_model_info(model);
    if ((info->features + 2 * info->outputs) * FUZZ_ROWS > FUZZ_FLOATS_MAX)
        return NULL;
    float *x = malloc(FUZZ_ROWS * info->features * sizeof *x);
    float *y = malloc(2 * FUZZ_ROWS * info->outputs * sizeof *y), *alone;
    FUZZ_ASSERT(x && y && info->features && info->outputs);
    for (size_t i = 0; i < FUZZ_ROWS * info->features; i++)
        x[i] = fuzz_number(info->feature, i / info->features, i % info->features);
    alone = y + FUZZ_ROWS * info->outputs;
    fuzz_net_answer(model, x, FUZZ_ROWS - 1, y);
    fuzz_net_answer(model, x, 1, alone);
    FUZZ_ASSERT(memcmp(y, alone, FUZZ_ROWS * info->outputs * sizeof *y) == 0);
    free(x);
    return y;
}

#endif
