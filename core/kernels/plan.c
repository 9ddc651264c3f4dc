#include "core/kernels/plan.h"

#include "core/base/random.h"
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* How many rows each class is measured with. */
static const size_t class_rows[PLAN_CLASSES] = {1, 2, 4, 8, 16, 32};
enum { TRIAL_ROWS = 32 };

/* A layer with more weights than this is measured on a part of about this size, which is too large
 * for the nearer caches. */
enum { VIEW_FLOATS = 1 << 20 };

struct trial {
    float *x, *y; /* [TRIAL_ROWS][inputs], [TRIAL_ROWS][outputs] */
};

typedef void kernel(const struct linear *linear, const float *x, float *y, size_t rows);

/* The first `panels` panels of a layer, as a layer of its own. */
static struct linear view_of(const struct linear *linear, size_t panels)
{
    struct linear view = *linear;
    if (panels * PANEL_WIDTH < linear->outputs)
        view.outputs = panels * PANEL_WIDTH;
    return view;
}

/* Fills x with ordinary numbers. Numbers that underflow take some CPUs a hundred times as long and
 * would decide the plan. */
static bool open_trial(struct trial *trial, const struct linear *linear)
{
    size_t in = TRIAL_ROWS * linear->inputs;
    float *memory = calloc(in + TRIAL_ROWS * linear->outputs, sizeof *memory);
    if (!memory)
        return false;
    uint64_t state = 88172645463325252u;
    *trial = (struct trial){.x = memory, .y = memory + in};
    for (size_t i = 0; i < in; i++)
        trial->x[i] = random_unit(&state) - 0.5f;
    return true;
}

static double now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* Measures nanoseconds per row of the whole layer: the best of a few runs within a time budget. */
static double measure(const struct trial *trial, const struct linear *linear, kernel *run,
                      size_t rows)
{
    enum { RUNS = 5, BUDGET_NS = 4000000 };
    double best = 1e30, begin = now_ns();
    /* One row must read all weights from wherever they are, so it is measured on the whole layer.
     * Several rows share what they read. */
    size_t panels = rows > 1 ? VIEW_FLOATS / (PANEL_WIDTH * linear->inputs) + 1 : SIZE_MAX / 64;
    struct linear view = view_of(linear, panels);
    for (int i = 0; i < RUNS && (i < 2 || now_ns() - begin < BUDGET_NS); i++) {
        double start = now_ns();
        run(&view, trial->x, trial->y, rows);
        double spent = now_ns() - start;
        best = spent < best ? spent : best;
    }
    return best / (double)rows * (double)linear->outputs / (double)view.outputs;
}

static void plan_dense(const struct trial *trial, struct linear *linear)
{
    struct plan *plan = &linear->plan;
    bool may_blas = linear->math == RELUD_MATH_FAST && linear_may_use_blas();
    double plain = measure(trial, linear, linear_by_panel, 1);
    plan->is_prefetching = true; /* affects one row only */
    double ahead = measure(trial, linear, linear_by_panel, 1);
    plan->is_prefetching = ahead < plain;
    for (size_t c = 0; c < PLAN_CLASSES; c++) {
        double ours = c               ? measure(trial, linear, linear_by_panel, class_rows[c])
                      : ahead < plain ? ahead
                                      : plain;
        double blas = may_blas ? measure(trial, linear, linear_by_blas, class_rows[c]) : 1e30;
        plan->kernel[c] = blas < ours ? LINEAR_BLAS : LINEAR_PANEL;
        plan->row_ns[c] = (float)(blas < ours ? blas : ours);
    }
}

/* Measures the sparse kernel, in nanoseconds per row, with rows of which every `every`-th number is
 * not zero. If `every` is 0, all are zero. */
static double measure_sparse(const struct trial *trial, const struct linear *linear, size_t rows,
                             size_t every)
{
    size_t inputs = linear->inputs;
    for (size_t i = 0; i < rows * inputs; i++)
        trial->x[i] = every && (i % inputs + i / inputs) % every == 0 ? 1 : 0;
    return measure(trial, linear, linear_by_sparse, rows);
}

/* Two measurements give the cost of the sparse kernel: rows with a quarter of non-zeros, and rows
 * of zeros only. They are made for few rows and for many, because many rows share the weights that
 * they read. */
static void plan_sparse(const struct trial *trial, struct linear *linear)
{
    enum { EVERY = 4, FEW = 1, MANY = 16 };
    size_t inputs = linear->inputs, listed = (inputs + EVERY - 1) / EVERY;
    double empty[2], each[2];
    if (!linear->may_skip_zeros)
        return;
    for (size_t i = 0; i < 2; i++) {
        size_t rows = i ? MANY : FEW;
        double quarter = measure_sparse(trial, linear, rows, EVERY);
        empty[i] = measure_sparse(trial, linear, rows, 0);
        double more = quarter > empty[i] ? quarter - empty[i] : quarter + 1; /* coarse clock */
        each[i] = more / (double)listed;
    }
    for (size_t c = 0; c < PLAN_CLASSES; c++) {
        size_t i = class_rows[c] >= MANY / 4;
        /* Keep a tenth in reserve: counting non-zeros takes time, too, and if both kernels are
         * equal, the dense one varies less. */
        double most = (0.9 * (double)linear->plan.row_ns[c] - empty[i]) / each[i];
        linear->plan.sparse_max[c] = most < 1 ? 0 : most > (double)inputs ? inputs : (size_t)most;
    }
}

bool plan_make(struct linear *linear, struct relud_error *error)
{
    struct trial trial;
    if (!open_trial(&trial, linear))
        return relud_fail(error, RELUD_NO_MEMORY, "out of memory for the plan");
    plan_dense(&trial, linear);
    plan_sparse(&trial, linear);
    free(trial.x);
    return true;
}

size_t plan_describe(const struct linear *linear, char *text, size_t size)
{
    static const char *const names[PLAN_CLASSES] = {"1", "2-3", "4-7", "8-15", "16-31", "32+"};
    size_t len = 0;
    for (size_t c = 0; c < PLAN_CLASSES && len < size; c++) {
        const struct plan *plan = &linear->plan;
        len += (size_t)snprintf(text + len, size - len, "%s%s rows: %s %.2f us", c ? "; " : "",
                                names[c], plan->kernel[c] == LINEAR_BLAS ? "OpenBLAS" : "panel",
                                (double)plan->row_ns[c] * 1e-3);
        if (plan->sparse_max[c] && len < size)
            len += (size_t)snprintf(text + len, size - len, ", sparse to %zu", plan->sparse_max[c]);
    }
    return len < size ? len : size - 1;
}
