#include "core/net/step.h"

#include "core/kernels/activation.h"
#include <math.h>
#include <string.h>

static const char *const reduction_names[REDUCTIONS] = {
    [REDUCE_SUM] = "sum",
    [REDUCE_MEAN] = "mean",
    [REDUCE_MAX] = "max",
    [REDUCE_MIN] = "min",
    [REDUCE_PROD] = "prod",
    [REDUCE_SUM_SQUARE] = "sum_square",
    [REDUCE_L1] = "l1",
    [REDUCE_L2] = "l2",
    [REDUCE_ARGMAX] = "argmax",
    [REDUCE_ARGMIN] = "argmin",
    [REDUCE_ARGMAX_LAST] = "argmax",
    [REDUCE_ARGMIN_LAST] = "argmin",
};

const char *reduction_name(enum reduction reduction)
{
    return reduction_names[reduction];
}

/* ---- element ---- */

/* A constant row is the same for every row of x, so it needs a loop over rows. Without one, all
 * rows are computed at once. */
static void run_element(const struct step *step, const float *const *x, float *y, size_t rows)
{
    struct element_operand operand[3];
    bool is_by_row = false;
    for (size_t i = 0; i < step->operands; i++) {
        const struct operand *of = &step->operand[i];
        operand[i] = (struct element_operand){x[i], of->constant && of->len == 1};
        is_by_row |= of->constant && of->len > 1;
    }
    if (!is_by_row) {
        element_run(step->element, operand, y, rows * step->width);
        return;
    }
    for (size_t r = 0; r < rows; r++) {
        for (size_t i = 0; i < step->operands; i++)
            if (!step->operand[i].constant)
                operand[i].at = x[i] + r * step->width;
        element_run(step->element, operand, y + r * step->width, step->width);
    }
}

/* ---- gather and join ---- */

static bool is_run(const struct step *step)
{
    for (size_t i = 1; i < step->width; i++)
        if (step->map[i] != step->map[0] + i)
            return false;
    return true;
}

static void run_gather(const struct step *step, const float *x, float *y, size_t rows)
{
    size_t width = step->width;
    bool is_slice = is_run(step);
    for (size_t r = 0; r < rows; r++) {
        const float *from = x + r * step->gather_width;
        float *to = y + r * width;
        if (is_slice)
            memcpy(to, from + step->map[0], width * sizeof *to);
        else
            for (size_t i = 0; i < width; i++)
                to[i] = from[step->map[i]];
    }
}

static void run_join(const struct step *step, const float *const *x, float *y, size_t rows)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t part = 0; part < step->parts; part++)
            for (size_t i = 0; i < step->operands; i++) {
                const struct operand *of = &step->operand[i];
                size_t piece = step->piece[i], row = of->constant ? 0 : r;
                memcpy(y, x[i] + (row * step->parts + part) * piece, piece * sizeof *y);
                y += piece;
            }
}

/* ---- reduce and normalize ---- */

/* Sums use sixteen partial sums side by side and add them up in a fixed tree. This is fast, and the
 * order is the same on every machine. */
enum { PLACES = 16 };

static float fold(float *place)
{
    for (size_t half = PLACES / 2; half; half /= 2)
        for (size_t i = 0; i < half; i++)
            place[i] += place[i + half];
    return place[0];
}

static float sum_of(const float *x, size_t n)
{
    float place[PLACES] = {0};
    size_t i = 0;
    for (; i + PLACES <= n; i += PLACES)
        for (size_t k = 0; k < PLACES; k++)
            place[k] += x[i + k];
    for (size_t k = 0; i < n; i++, k++)
        place[k] += x[i];
    return fold(place);
}

/* The sum of the squares of x[i] - less. */
static float sum_of_squares(const float *x, float less, size_t n)
{
    float place[PLACES] = {0};
    size_t i = 0;
    for (; i + PLACES <= n; i += PLACES)
        for (size_t k = 0; k < PLACES; k++)
            place[k] += (x[i + k] - less) * (x[i + k] - less);
    for (size_t k = 0; i < n; i++, k++)
        place[k] += (x[i] - less) * (x[i] - less);
    return fold(place);
}

static float most_of(const float *x, size_t n, enum reduction reduction)
{
    size_t best = 0;
    bool is_least = reduction == REDUCE_MIN || reduction == REDUCE_ARGMIN ||
                    reduction == REDUCE_ARGMIN_LAST,
         is_last = reduction == REDUCE_ARGMAX_LAST || reduction == REDUCE_ARGMIN_LAST;
    for (size_t i = 1; i < n && !isnan(x[best]); i++)
        if (isnan(x[i]) || (is_least ? x[i] < x[best] : x[i] > x[best]) ||
            (is_last && x[i] == x[best]))
            best = i;
    return reduction == REDUCE_MAX || reduction == REDUCE_MIN ? x[best] : (float)best;
}

static float reduce(enum reduction reduction, const float *x, size_t n)
{
    float all = reduction == REDUCE_PROD ? 1 : 0;
    switch (reduction) {
    case REDUCE_SUM:
        return sum_of(x, n);
    case REDUCE_MEAN:
        return sum_of(x, n) / (float)n;
    case REDUCE_SUM_SQUARE:
        return sum_of_squares(x, 0, n);
    case REDUCE_L2:
        return sqrtf(sum_of_squares(x, 0, n));
    case REDUCE_L1:
        for (size_t i = 0; i < n; i++)
            all += fabsf(x[i]);
        return all;
    case REDUCE_PROD:
        for (size_t i = 0; i < n; i++)
            all *= x[i];
        return all;
    default:
        return most_of(x, n, reduction);
    }
}

static void run_reduce(const struct step *step, const float *x, float *y, size_t rows)
{
    size_t n = step->reduce_width / step->parts;
    for (size_t i = 0; i < rows * step->parts; i++)
        y[i] = reduce(step->reduction, x + i * n, n);
}

/* (x - mean) / sqrt(variance + epsilon), where the variance is the mean square of x - mean (Ba et
 * al. 2016). For is_root_mean_square the mean is taken as 0 (Zhang and Sennrich 2019). */
static void run_normalize(const struct step *step, const float *x, float *y, size_t rows)
{
    size_t n = step->width / step->parts;
    for (size_t i = 0; i < rows * step->parts; i++, x += n, y += n) {
        float mean = step->is_root_mean_square ? 0 : sum_of(x, n) / (float)n;
        float deviation = sqrtf(sum_of_squares(x, mean, n) / (float)n + step->epsilon);
        for (size_t k = 0; k < n; k++)
            y[k] = (x[k] - mean) / deviation;
    }
}

/* ---- cumulate and top ---- */

static void run_cumulate(const struct step *step, const float *x, float *y, size_t rows)
{
    size_t n = step->width / step->parts;
    for (size_t i = 0; i < rows * step->parts; i++, x += n, y += n) {
        float sum = 0;
        for (size_t k = 0; k < n; k++) {
            size_t at = step->is_reverse ? n - 1 - k : k;
            float before = sum;
            sum += x[at];
            y[at] = step->is_exclusive ? before : sum;
        }
    }
}

/* Of equal numbers the first comes first. NaNs come before all others, as in argmax. */
static bool is_before(float a, float b, bool is_least)
{
    return isnan(a) ? !isnan(b) : is_least ? a < b : a > b;
}

/* Sorts the first `count` of x[n] into y, as indices; float32 has every index exactly. */
static void sort_top(const float *x, size_t n, float *y, size_t count, bool is_least)
{
    for (size_t i = 0, held = 0; i < n; i++) {
        size_t low = 0, high = held; /* the place of x[i] among those held, by halving */
        while (low < high) {
            size_t middle = (low + high) / 2;
            if (is_before(x[i], x[(size_t)y[middle]], is_least))
                high = middle;
            else
                low = middle + 1;
        }
        if (low == count)
            continue;
        held += held < count;
        memmove(y + low + 1, y + low, (held - 1 - low) * sizeof *y);
        y[low] = (float)i;
    }
}

static void run_top(const struct step *step, const float *x, float *y, size_t rows)
{
    size_t n = step->reduce_width / step->parts, count = step->width / step->parts;
    for (size_t i = 0; i < rows * step->parts; i++, x += n, y += count) {
        sort_top(x, n, y, count, step->is_least);
        for (size_t k = 0; !step->is_index && k < count; k++)
            y[k] = x[(size_t)y[k]];
    }
}

/* ---- lookup ---- */

static void write_row(const struct step *step, size_t index, float *y, size_t n)
{
    if (step->table) {
        memcpy(y, step->table + index * n, n * sizeof *y);
        return;
    }
    memset(y, 0, n * sizeof *y);
    if (index < n)
        y[index] = 1;
    else if (step->other)
        y[step->other - 1] = 1;
}

static void run_lookup(const struct step *step, const float *x, float *y, size_t rows)
{
    size_t n = step->width / step->parts, from = step->map ? step->gather_width : step->parts;
    for (size_t r = 0; r < rows; r++, x += from)
        for (size_t part = 0; part < step->parts; part++, y += n) {
            float index = x[step->map ? step->map[part] : part];
            bool is_index = index >= 0 && index < (float)step->table_rows && index == floorf(index);
            if (is_index)
                write_row(step, (size_t)index, y, n);
            for (size_t k = 0; !is_index && k < n; k++)
                y[k] = NAN;
        }
}

bool step_may_be_in_place(const struct step *step)
{
    return step->kind == STEP_ACTIVATE || step->kind == STEP_ELEMENT ||
           step->kind == STEP_NORMALIZE || step->kind == STEP_CUMULATE;
}

void step_run(const struct step *step, enum relud_isa isa, const float *const *x, float *y,
              size_t rows)
{
    switch (step->kind) {
    case STEP_LINEAR:
        linear_forward(&step->linear, x[0], y, rows * step->parts);
        break;
    case STEP_ACTIVATE:
        activation_forward(isa, step->activation, &step->params, x[0], y, rows * step->parts,
                           step->width / step->parts);
        break;
    case STEP_ELEMENT:
        run_element(step, x, y, rows);
        break;
    case STEP_GATHER:
        run_gather(step, x[0], y, rows);
        break;
    case STEP_JOIN:
        run_join(step, x, y, rows);
        break;
    case STEP_REDUCE:
        run_reduce(step, x[0], y, rows);
        break;
    case STEP_NORMALIZE:
        run_normalize(step, x[0], y, rows);
        break;
    case STEP_CUMULATE:
        run_cumulate(step, x[0], y, rows);
        break;
    case STEP_TOP:
        run_top(step, x[0], y, rows);
        break;
    case STEP_LOOKUP:
        run_lookup(step, x[0], y, rows);
        break;
    }
}
