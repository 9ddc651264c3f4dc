#include "core/kernels/self_test.h"

#include "core/base/random.h"
#include <math.h>
#include <string.h>

enum { INPUTS_MAX = 21, VALUES = 301 };

/* Returns a number of any kind: ordinary, zero of either sign, so small that products underflow, so
 * large that sums overflow, infinite or NaN. */
static float value_of(uint64_t *state)
{
    static const float special[] = {0.0f,      -0.0f,      1.0f,   -1.0f,
                                    0x1p-149f, -0x1p-149f, 1e-30f, 1e-39f,
                                    INFINITY,  -INFINITY,  NAN,    0x1.fffffep127f};
    enum { SPECIAL = sizeof special / sizeof *special };
    uint64_t dice = random_next(state) % 64;
    float unit = random_unit(state) - 0.5f;
    if (dice < SPECIAL)
        return special[dice];
    return dice < 40 ? 4 * unit : ldexpf(unit, (int)(random_next(state) % 200) - 100);
}

static uint32_t bits_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* Any two NaNs are equal: the library replaces each NaN by the same one before it returns results
 * (core/base/nan.h). */
static bool are_equal(const float *a, const float *b, size_t count)
{
    if (memcmp(a, b, count * sizeof *a) == 0)
        return true;
    for (size_t i = 0; i < count; i++)
        if (bits_of(a[i]) != bits_of(b[i]) && !(isnan(a[i]) && isnan(b[i])))
            return false;
    return true;
}

/* ---- panels ---- */

/* A panel of `columns` columns, and rows for it. Each row of answers has one place more than a
 * panel has columns, so a kernel that writes beyond its columns is noticed. */
struct bench {
    _Alignas(64) float weight[INPUTS_MAX * PANEL_WIDTH];
    _Alignas(64) uint16_t narrow[INPUTS_MAX * PANEL_WIDTH];
    float bias[PANEL_WIDTH], x[PANEL_ROWS_MAX][INPUTS_MAX];
    float y[PANEL_ROWS_MAX][PANEL_WIDTH + 1], wanted[PANEL_ROWS_MAX][PANEL_WIDTH + 1];
    struct panel panel;
};

/* What the scalar kernel answers for the first rows. */
static void set_wanted(struct bench *bench, size_t rows)
{
    const float *x[PANEL_ROWS_MAX];
    float *wanted[PANEL_ROWS_MAX];
    for (size_t r = 0; r < PANEL_ROWS_MAX; r++)
        x[r] = bench->x[r], wanted[r] = bench->wanted[r];
    panel_scalar.dense(&bench->panel, x, wanted, rows);
}

static void set_bench(struct bench *bench, size_t inputs, size_t columns)
{
    uint64_t state = inputs * 1000 + columns;
    size_t units = (columns + PANEL_UNIT - 1) / PANEL_UNIT;
    memset(bench, 0, sizeof *bench);
    bench->panel = (struct panel){.weight = bench->weight,
                                  .narrow = bench->narrow,
                                  .bias = bench->bias,
                                  .inputs = inputs,
                                  .units = units,
                                  .columns = columns};
    for (size_t k = 0; k < inputs; k++)
        for (size_t n = 0; n < columns; n++) {
            float w = value_of(&state);
            bench->weight[k * units * PANEL_UNIT + n] = isfinite(w) ? w : 0.25f;
        }
    for (size_t n = 0; n < columns; n++)
        bench->bias[n] = random_unit(&state);
    /* Every fourth row may hold infinities and NaNs; in the others these become 0. */
    for (size_t r = 0; r < PANEL_ROWS_MAX; r++)
        for (size_t k = 0; k < inputs; k++) {
            float x = value_of(&state);
            bench->x[r][k] = r % 4 == 3 || isfinite(x) ? x : 0;
        }
    set_wanted(bench, PANEL_ROWS_MAX);
}

static bool is_dense_exact(struct bench *bench, const struct panel_kernels *kernels, size_t rows)
{
    static const float nothing[PANEL_ROWS_MAX][PANEL_WIDTH + 1];
    const float *x[PANEL_ROWS_MAX];
    float *y[PANEL_ROWS_MAX];
    memset(bench->y, 0, sizeof bench->y);
    for (size_t r = 0; r < rows; r++)
        x[r] = bench->x[r], y[r] = bench->y[r];
    kernels->dense(&bench->panel, x, y, rows);
    return are_equal(bench->y[0], bench->wanted[0], rows * (PANEL_WIDTH + 1)) &&
           memcmp(bench->y + rows, nothing, (PANEL_ROWS_MAX - rows) * sizeof *nothing) == 0;
}

static bool is_sparse_exact(struct bench *bench, const struct panel_kernels *kernels, size_t row)
{
    unsigned index[2][INPUTS_MAX + PANEL_UNIT];
    float value[2][INPUTS_MAX + PANEL_UNIT], sums[2][PANEL_WIDTH];
    const struct panel_kernels *both[] = {&panel_scalar, kernels};
    size_t found[2];
    for (size_t i = 0; i < 2; i++) {
        const float *x = bench->x[row];
        found[i] = both[i]->list(x, bench->panel.inputs, 3, index[i], value[i]);
        if (found[i] != both[i]->count(x, bench->panel.inputs))
            return false;
        for (size_t k = 0; k < found[i]; k++)
            index[i][k] -= 3;
        size_t half = found[i] / 2;
        both[i]->sparse(&bench->panel, index[i], value[i], half, NULL, sums[i]);
        both[i]->sparse(&bench->panel, index[i] + half, value[i] + half, found[i] - half, sums[i],
                        sums[i]);
    }
    return found[0] == found[1] && memcmp(index[0], index[1], found[0] * sizeof **index) == 0 &&
           are_equal(value[0], value[1], found[0]) &&
           are_equal(sums[0], sums[1], bench->panel.units * PANEL_UNIT);
}

/* The inputs in two parts give what they give in one, also if the second is prefetched. */
static bool is_continued_exact(struct bench *bench, const struct panel_kernels *kernels,
                               size_t rows, bool has_next)
{
    const float *x[2][PANEL_ROWS_MAX];
    float *y[PANEL_ROWS_MAX];
    struct panel part = bench->panel;
    size_t half = part.inputs / 2, width = part.units * PANEL_UNIT;
    if (half == 0)
        return true;
    memset(bench->y, 0, sizeof bench->y);
    for (size_t r = 0; r < rows; r++)
        x[0][r] = bench->x[r], x[1][r] = bench->x[r] + half, y[r] = bench->y[r];
    part.inputs = half;
    part.is_unfinished = true;
    part.next = has_next ? part.weight + half * width : NULL;
    kernels->dense(&part, x[0], y, rows);
    part.inputs = bench->panel.inputs - half;
    part.weight += half * width;
    part.is_unfinished = false;
    part.is_continued = true;
    part.next = NULL;
    kernels->dense(&part, x[1], y, rows);
    return are_equal(bench->y[0], bench->wanted[0], rows * (PANEL_WIDTH + 1));
}

/* Numbers of any bits but infinities and NaNs, which no weight is. */
static void fill_narrow(struct bench *bench, enum panel_form form, size_t count)
{
    uint64_t state = bench->panel.columns + form;
    uint16_t exponent = form == PANEL_BFLOAT16 ? 0x7f80 : 0x7c00;
    for (size_t i = 0; i < count; i++) {
        bench->narrow[i] = (uint16_t)random_next(&state);
        if ((bench->narrow[i] & exponent) == exponent)
            bench->narrow[i] &= (uint16_t)~exponent;
    }
}

static bool is_narrow_exact(struct bench *bench, const struct panel_kernels *kernels,
                            enum panel_form form)
{
    float wide[2][INPUTS_MAX * PANEL_WIDTH];
    size_t count = bench->panel.inputs * bench->panel.units * PANEL_UNIT;
    fill_narrow(bench, form, count);
    panel_scalar.widen(form, bench->narrow, count, wide[0]);
    kernels->widen(form, bench->narrow, count, wide[1]);
    bench->panel.form = form;
    set_wanted(bench, 1);
    return are_equal(wide[0], wide[1], count) && is_dense_exact(bench, kernels, 1) &&
           is_sparse_exact(bench, kernels, 0) && is_sparse_exact(bench, kernels, 3);
}

bool self_test_panels(const struct panel_kernels *kernels)
{
    static const size_t inputs[] = {1, 2, 5, INPUTS_MAX};
    struct bench bench;
    for (size_t columns = 1; columns <= PANEL_WIDTH; columns++) {
        set_bench(&bench, inputs[columns % 4], columns);
        bool is_exact = true;
        for (size_t rows = 1; is_exact && rows <= PANEL_ROWS_MAX; rows++)
            is_exact = is_dense_exact(&bench, kernels, rows);
        for (size_t row = 0; is_exact && row < 4; row++)
            is_exact = is_sparse_exact(&bench, kernels, row);
        for (size_t rows = 1; is_exact && rows <= PANEL_ROWS_MAX; rows++)
            is_exact = is_continued_exact(&bench, kernels, rows, false) &&
                       is_continued_exact(&bench, kernels, rows, true);
        bench.panel.is_prefetching = true;
        if (!is_exact || !is_dense_exact(&bench, kernels, 1) ||
            !is_narrow_exact(&bench, kernels, PANEL_BFLOAT16) ||
            !is_narrow_exact(&bench, kernels, PANEL_FLOAT16))
            return false;
    }
    return true;
}

/* ---- activations ---- */

typedef void loop(const float *p, const float *x, float *y, size_t n);

/* Compares the loops for lengths from 1 to 20: whole vectors and every remainder. */
static bool is_loop_exact(loop *wanted, loop *got, const float *p, const float *x)
{
    float y[2][VALUES] = {{0}};
    for (size_t n = 1, at = 0; at + n <= VALUES; at += n, n = n % 20 + 1) {
        wanted(p, x + at, y[0] + at, n);
        got(p, x + at, y[1] + at, n);
    }
    return are_equal(y[0], y[1], VALUES);
}

static bool are_rows_exact(const struct activation_loops *loops, const float *x)
{
    const struct activation_loops *both[] = {&activation_scalar, loops};
    for (size_t n = 1; n < 40; n++) {
        float y[2][40] = {{0}}, sum[2][3];
        for (size_t i = 0; i < 2; i++) {
            sum[i][0] = both[i]->row_max(x + n, n);
            sum[i][1] = both[i]->row_exp(sum[i][0], x + n, y[i], n, (float[SUM_LANES]){0});
            sum[i][2] = both[i]->row_log(sum[i][1]);
        }
        if (!are_equal(sum[0], sum[1], 3) || !are_equal(y[0], y[1], 40))
            return false;
    }
    return true;
}

bool self_test_activations(const struct activation_loops *loops)
{
    const struct activation_loops *plain = &activation_scalar;
    const float p[] = {0.75f, 1.5f};
    float x[VALUES];
    uint64_t state = 26;
    for (size_t i = 0; i < VALUES; i++)
        x[i] = value_of(&state);
    bool is_exact = are_rows_exact(loops, x) && is_loop_exact(plain->slopes, loops->slopes, x, x) &&
                    is_loop_exact(plain->slopes_gradient, loops->slopes_gradient, x, x) &&
                    is_loop_exact(plain->softmax_quotient, loops->softmax_quotient, p, x) &&
                    is_loop_exact(plain->softmax_logarithm, loops->softmax_logarithm, p, x) &&
                    is_loop_exact(plain->softmax_slope, loops->softmax_slope, p, x) &&
                    is_loop_exact(plain->softmax_log_slope, loops->softmax_log_slope, p, x);
    for (size_t i = 0; is_exact && i < LOOPS; i++)
        is_exact = is_loop_exact(plain->value[i], loops->value[i], p, x) &&
                   is_loop_exact(plain->gradient[i], loops->gradient[i], p, x);
    return is_exact;
}
