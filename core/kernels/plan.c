#include "core/kernels/plan.h"

#include "core/base/clock.h"
#include "core/base/random.h"
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How many rows each class is measured with. */
static const size_t class_rows[PLAN_CLASSES] = {1, 2, 4, 8, 16, 32};
enum { TRIAL_ROWS = 32 };

/* A layer with more weights than this is measured on a part of about this size, which is too large
 * for the nearer caches. */
enum { VIEW_FLOATS = 1 << 20 };

/* Panels of so few inputs stay in any second-level cache. */
enum { STREAM_INPUTS = 512 };

struct trial {
    float *x, *y; /* [TRIAL_ROWS][inputs], [TRIAL_ROWS][outputs] */
    size_t runs;  /* so far */
};

typedef void kernel(const struct linear *linear, const float *x, float *y, size_t rows);

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

/* Measures nanoseconds per row of the whole layer: the best of a few runs within a time budget. */
static double measure(struct trial *trial, const struct linear *linear, kernel *run, size_t rows)
{
    enum { RUNS = 5, BUDGET_NS = 4000000 };
    double best = 1e30, begin = clock_now_ns();
    /* One row must read all weights from wherever they are, so it is measured on the whole layer.
     * Several rows share what they read. */
    size_t panels = rows > 1 ? VIEW_FLOATS / (PANEL_WIDTH * linear->inputs) + 1 : SIZE_MAX / 64;
    size_t all = panel_count(linear->outputs), whole = linear->outputs / PANEL_WIDTH;
    panels = panels < all ? panels : all;
    size_t views = panels <= whole ? whole / panels : 1; /* of panels of the whole width */
    for (int i = 0; i < RUNS && (i < 2 || clock_now_ns() - begin < BUDGET_NS); i++) {
        /* another part each time: that of the last run is in the nearer caches */
        size_t first = trial->runs++ % views * panels;
        struct linear view = linear_part(linear, first, panels);
        double start = clock_now_ns();
        run(&view, trial->x, trial->y, rows);
        double spent = clock_now_ns() - start;
        best = spent < best ? spent : best;
    }
    return best / (double)rows * (double)all / (double)panels;
}

/* Halves the bytes of the weights, if they can be and if that pays. One row tells: it must read
 * them all, and so gains most. Several share the work of widening them. */
static void plan_form(struct trial *trial, struct linear *linear, struct arena *arena)
{
    static const double no_longer = 1.05; /* half the memory is worth as much */
    size_t numbers = linear_packed_numbers(linear);
    bool is_great = numbers * sizeof(uint16_t) >= ARENA_GREAT_BYTES;
    enum panel_form form =
        is_great && linear->math == RELUD_MATH_EXACT ? linear_narrow_form(linear) : PANEL_FLOAT32;
    uint16_t *narrow = form ? arena_take_array(arena, numbers, sizeof *narrow) : NULL;
    if (!narrow)
        return;
    linear_narrow(linear, form, narrow);
    struct linear half = *linear;
    half.form = form;
    half.weight = NULL;
    half.narrow = narrow;
    double whole_ns = measure(trial, linear, linear_by_panel, 1);
    bool is_better = measure(trial, &half, linear_by_panel, 1) < no_longer * whole_ns;
    arena_give_back(arena, is_better ? (void *)(uintptr_t)linear->weight : narrow);
    if (is_better)
        *linear = half;
}

/* Measures several rows of the dense kernel, and decides whether their weights are streamed. */
static double measure_panel(struct trial *trial, struct linear *linear, size_t class)
{
    bool *is_streaming = &linear->plan.is_streaming[class];
    double plain = measure(trial, linear, linear_by_panel, class_rows[class]);
    if (linear->form != PANEL_FLOAT32 || !linear->kernels->has_next ||
        linear->inputs <= STREAM_INPUTS)
        return plain;
    *is_streaming = true;
    double streamed = measure(trial, linear, linear_by_panel, class_rows[class]);
    *is_streaming = streamed < plain;
    return *is_streaming ? streamed : plain;
}

static void plan_dense(struct trial *trial, struct linear *linear)
{
    struct plan *plan = &linear->plan;
    bool may_blas = linear->math == RELUD_MATH_FAST && linear_may_use_blas();
    double plain = measure(trial, linear, linear_by_panel, 1);
    plan->is_prefetching = true; /* affects one row only */
    double ahead = measure(trial, linear, linear_by_panel, 1);
    plan->is_prefetching = ahead < plain;
    for (size_t c = 0; c < PLAN_CLASSES; c++) {
        double ours = c ? measure_panel(trial, linear, c) : ahead < plain ? ahead : plain;
        double blas = may_blas ? measure(trial, linear, linear_by_blas, class_rows[c]) : 1e30;
        plan->kernel[c] = blas < ours ? LINEAR_BLAS : LINEAR_PANEL;
        plan->row_ns[c] = (float)(blas < ours ? blas : ours);
    }
}

/* Measures the sparse kernel, in nanoseconds per row, with rows of which every `every`-th number is
 * not zero. If `every` is 0, all are zero. */
static double measure_sparse(struct trial *trial, const struct linear *linear, size_t rows,
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
static void plan_sparse(struct trial *trial, struct linear *linear)
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

bool plan_make(struct linear *linear, struct arena *arena, struct relud_error *error)
{
    struct trial trial = {.runs = 0};
    if (!open_trial(&trial, linear))
        return relud_fail(error, RELUD_NO_MEMORY, "out of memory for the plan");
    plan_form(&trial, linear, arena);
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
                                names[c],
                                plan->kernel[c] == LINEAR_BLAS ? "OpenBLAS"
                                : plan->is_streaming[c]        ? "streamed panel"
                                                               : "panel",
                                (double)plan->row_ns[c] * 1e-3);
        if (plan->sparse_max[c] && len < size)
            len += (size_t)snprintf(text + len, size - len, ", sparse to %zu", plan->sparse_max[c]);
    }
    if (linear->form != PANEL_FLOAT32 && len < size)
        len += (size_t)snprintf(text + len, size - len, "; weights in %s",
                                linear->form == PANEL_BFLOAT16 ? "bfloat16" : "float16");
    return len < size ? len : size - 1;
}
