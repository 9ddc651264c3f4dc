#include "core/plan.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* How many rows a class is tried with. */
static const size_t class_rows[PLAN_CLASSES] = {1, 2, 4, 8, 16, 32};
enum { TRIAL_ROWS = 32 };

/* Fused multiply-adds that a proof may cost: some milliseconds. Layers over it are proved on columns spread evenly, the
 * first and the last of each panel among them as far as it reaches. */
enum { PROOF_STEPS = 3000000 };

struct trial {
    float *x, *y, *wanted; /* [TRIAL_ROWS][inputs], [TRIAL_ROWS][outputs] twice */
    size_t columns_step;
};

static uint64_t next(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u; /* Knuth's MMIX */
    return *state >> 33;
}

/* Rows of every kind: dense, with many zeros, of very unequal sizes, with tiny values that underflow. */
static void fill_rows(float *x, size_t rows, size_t inputs)
{
    uint64_t state = 88172645463325252u;
    for (size_t r = 0; r < rows; r++)
        for (size_t k = 0; k < inputs; k++) {
            float value = (float)next(&state) * 0x1p-30f - 1;
            unsigned dice = (unsigned)(next(&state) % 64);
            if (r % 4 == 1 && dice > 16)
                value = dice % 2 ? 0.0f : -0.0f;
            else if (r % 4 == 2)
                value *= (float)(1ull << dice / 2) * 0x1p-16f;
            else if (r % 4 == 3 && dice < 8)
                value *= 0x1p-140f;
            x[r * inputs + k] = value;
        }
}

static bool open_trial(struct trial *trial, const struct linear *linear)
{
    size_t in = TRIAL_ROWS * linear->inputs, out = TRIAL_ROWS * linear->outputs;
    float *memory = calloc(in + 2 * out, sizeof *memory);
    if (!memory)
        return false;
    *trial = (struct trial){.x = memory, .y = memory + in, .wanted = memory + in + out};
    fill_rows(trial->x, TRIAL_ROWS, linear->inputs);
    size_t columns = PROOF_STEPS / (TRIAL_ROWS * linear->inputs);
    trial->columns_step = columns >= linear->outputs ? 1 : linear->outputs / (columns + 1) + 1;
    for (size_t r = 0; r < TRIAL_ROWS; r++)
        for (size_t n = 0; n < linear->outputs; n += trial->columns_step)
            trial->wanted[r * linear->outputs + n] =
                linear_chain(linear, trial->x + r * linear->inputs, n);
    return true;
}

typedef void kernel(const struct linear *linear, const float *x, float *y, size_t rows);

static uint32_t bits_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* Every number of rows up to `rows_max`, so that every place in a block is tried. */
static bool is_exact(const struct trial *trial, const struct linear *linear, kernel *run,
                     size_t rows_max)
{
    for (size_t rows = 1; rows <= rows_max; rows += rows < 8 ? 1 : 3) {
        const float *x = trial->x + (TRIAL_ROWS - rows) * linear->inputs;
        const float *wanted = trial->wanted + (TRIAL_ROWS - rows) * linear->outputs;
        run(linear, x, trial->y, rows);
        for (size_t r = 0; r < rows; r++)
            for (size_t n = 0; n < linear->outputs; n += trial->columns_step)
                if (bits_of(trial->y[r * linear->outputs + n]) !=
                    bits_of(wanted[r * linear->outputs + n]))
                    return false;
    }
    return true;
}

static double now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* Nanoseconds a row: the least of a few runs, within a budget. */
static double measure(const struct trial *trial, const struct linear *linear, kernel *run,
                      size_t rows)
{
    enum { RUNS = 5, BUDGET_NS = 4000000 };
    double best = 1e30, begin = now_ns();
    for (int i = 0; i < RUNS && (i < 2 || now_ns() - begin < BUDGET_NS); i++) {
        double start = now_ns();
        run(linear, trial->x, trial->y, rows);
        double spent = now_ns() - start;
        best = spent < best ? spent : best;
    }
    return best / (double)rows;
}

static void plan_dense(const struct trial *trial, struct linear *linear)
{
    struct plan *plan = &linear->plan;
    bool may_blas =
        linear_may_use_blas(linear) && (linear->math == RELUD_MATH_FAST || plan->is_blas_exact);
    for (size_t c = 0; c < PLAN_CLASSES; c++) {
        double ours = measure(trial, linear, linear_by_panel, class_rows[c]);
        double blas = may_blas ? measure(trial, linear, linear_by_blas, class_rows[c]) : 1e30;
        plan->kernel[c] = blas < ours ? LINEAR_BLAS : LINEAR_PANEL;
        plan->row_ns[c] = (float)(blas < ours ? blas : ours);
    }
}

/* Two measurements give the sparse kernel's cost: a row without zeros, and a row of nothing but them. */
static void plan_sparse(const struct trial *trial, struct linear *linear)
{
    size_t inputs = linear->inputs;
    if (!linear->may_skip_zeros)
        return;
    for (size_t k = 0; k < inputs; k++)
        trial->x[k] = 1;
    double full = measure(trial, linear, linear_by_sparse, 1);
    memset(trial->x, 0, inputs * sizeof *trial->x);
    double empty = measure(trial, linear, linear_by_sparse, 1);
    double each = full > empty ? (full - empty) / (double)inputs : full;
    for (size_t c = 0; c < PLAN_CLASSES; c++) {
        /* A tenth to spare: counting is not free, and where both are equal dense rows are steadier. */
        double most = (0.9 * (double)linear->plan.row_ns[c] - empty) / each;
        linear->plan.sparse_max[c] = most < 1 ? 0 : most > (double)inputs ? inputs : (size_t)most;
    }
}

bool plan_make(struct linear *linear, struct relud_error *error)
{
    struct trial trial;
    if (!open_trial(&trial, linear))
        return relud_fail(error, RELUD_NO_MEMORY, "out of memory for the self-test");
    bool is_proved =
        is_exact(&trial, linear, linear_by_panel, TRIAL_ROWS) &&
        (!linear->may_skip_zeros || is_exact(&trial, linear, linear_by_sparse, TRIAL_ROWS));
    if (is_proved) {
        linear->plan.is_blas_exact =
            linear_may_use_blas(linear) && is_exact(&trial, linear, linear_by_blas, TRIAL_ROWS);
        plan_dense(&trial, linear);
        plan_sparse(&trial, linear);
    }
    free(trial.x);
    return is_proved ||
           relud_fail(error, RELUD_UNSUPPORTED,
                      "self-test: the %zu x %zu kernel does not give the fmaf chain's bits",
                      linear->outputs, linear->inputs);
}

size_t plan_describe(const struct linear *linear, char *text, size_t size)
{
    static const char *const names[PLAN_CLASSES] = {"1", "2-3", "4-7", "8-15", "16-31", "32+"};
    size_t len = 0;
    for (size_t c = 0; c < PLAN_CLASSES && len < size; c++) {
        const struct plan *plan = &linear->plan;
        len +=
            (size_t)snprintf(text + len, size - len, "%s%s rows: %s %.2f us", c ? "; " : "",
                             names[c], plan->kernel[c] == LINEAR_BLAS ? "OpenBLAS tile" : "panel",
                             (double)plan->row_ns[c] * 1e-3);
        if (plan->sparse_max[c] && len < size)
            len += (size_t)snprintf(text + len, size - len, ", sparse to %zu", plan->sparse_max[c]);
    }
    return len < size ? len : size - 1;
}
