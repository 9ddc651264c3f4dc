#include "core/step.h"

#include "core/activation.h"
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

/* An operand that is a constant row is the same for every row; everything else goes through all rows at once. */
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

/* ---- moving ---- */

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

/* ---- of a whole piece ---- */

/* Sums run in sixteen places side by side and a fixed tree over them: fast, and one order for everyone. */
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

/* Of the squares of x - less. */
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

/* (x - mean) / sqrt(variance + epsilon), the variance being the mean square of what is over (Ba et al. 2016). */
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

bool step_may_be_in_place(const struct step *step)
{
    return step->kind == STEP_ACTIVATE || step->kind == STEP_ELEMENT ||
           step->kind == STEP_NORMALIZE;
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
    }
}
