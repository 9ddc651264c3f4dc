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

/* What all panels share need not be tried on all of them: layers with more weights than this are proved for every number
 * of rows on their first and last panels, as a whole for one, and timed on so much of them, which no nearer cache holds. */
enum { VIEW_FLOATS = 1 << 20, PROOF_PANELS = 2 };

struct trial {
    float *x, *y, *wanted; /* [TRIAL_ROWS][inputs], [TRIAL_ROWS][outputs] twice */
    size_t columns_step;
};

/* `panels` of a layer's panels from `first` on, as a layer. */
static struct linear view_of(const struct linear *linear, size_t first, size_t panels)
{
    struct linear view = *linear;
    size_t column = first * PANEL_WIDTH, left = linear->outputs - column;
    view.weight += column * linear->inputs;
    view.bias += column;
    view.outputs = panels * PANEL_WIDTH < left ? panels * PANEL_WIDTH : left;
    return view;
}

static bool is_great(const struct linear *linear)
{
    return linear->inputs * linear->outputs > VIEW_FLOATS &&
           panel_count(linear->outputs) > 2 * PROOF_PANELS;
}

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

/* Compares columns of the whole layer, of which the view begins at `first`. */
static bool is_exact_for(const struct trial *trial, const struct linear *whole,
                         const struct linear *view, size_t first, kernel *run, size_t rows)
{
    size_t skipped = TRIAL_ROWS - rows, step = trial->columns_step;
    const float *x = trial->x + skipped * whole->inputs;
    const float *wanted = trial->wanted + skipped * whole->outputs;
    size_t begin = (first + step - 1) / step * step;
    run(view, x, trial->y, rows);
    for (size_t r = 0; r < rows; r++)
        for (size_t n = begin; n < first + view->outputs; n += step)
            if (bits_of(trial->y[r * view->outputs + n - first]) !=
                bits_of(wanted[r * whole->outputs + n]))
                return false;
    return true;
}

/* Every number of rows up to TRIAL_ROWS, so that every place in a block is tried; the sparse kernel has no blocks. */
static bool is_exact_view(const struct trial *trial, const struct linear *whole, size_t first_panel,
                          size_t panels, kernel *run)
{
    struct linear view = view_of(whole, first_panel, panels);
    bool has_blocks = run != linear_by_sparse;
    for (size_t rows = has_blocks ? 1 : TRIAL_ROWS; rows <= TRIAL_ROWS; rows += rows < 8 ? 1 : 3)
        if (!is_exact_for(trial, whole, &view, first_panel * PANEL_WIDTH, run, rows))
            return false;
    return true;
}

static bool is_exact(const struct trial *trial, const struct linear *linear, kernel *run)
{
    size_t panels = panel_count(linear->outputs);
    if (!is_great(linear))
        return is_exact_view(trial, linear, 0, panels, run);
    return is_exact_view(trial, linear, 0, PROOF_PANELS, run) &&
           is_exact_view(trial, linear, panels - PROOF_PANELS, PROOF_PANELS, run) &&
           is_exact_for(trial, linear, linear, 0, run, 2);
}

static double now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* Nanoseconds a row of the whole layer: the least of a few runs, within a budget. */
static double measure(const struct trial *trial, const struct linear *linear, kernel *run,
                      size_t rows)
{
    enum { RUNS = 5, BUDGET_NS = 4000000 };
    double best = 1e30, begin = now_ns();
    size_t panels = VIEW_FLOATS / (PANEL_WIDTH * linear->inputs) + 1;
    /* One row reads all weights from wherever they are, which is what it costs; more rows share what they read. */
    bool is_part = is_great(linear) && rows > 1;
    struct linear view = view_of(linear, 0, is_part ? panels : panel_count(linear->outputs));
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
    bool may_blas =
        linear_may_use_blas(linear) && (linear->math == RELUD_MATH_FAST || plan->is_blas_exact);
    for (size_t c = 0; c < PLAN_CLASSES; c++) {
        double ours = measure(trial, linear, linear_by_panel, class_rows[c]);
        double blas = may_blas ? measure(trial, linear, linear_by_blas, class_rows[c]) : 1e30;
        plan->kernel[c] = blas < ours ? LINEAR_BLAS : LINEAR_PANEL;
        plan->row_ns[c] = (float)(blas < ours ? blas : ours);
    }
}

/* Rows of which every `every`-th number is not zero, or none for 0; nanoseconds a row. */
static double measure_sparse(const struct trial *trial, const struct linear *linear, size_t rows,
                             size_t every)
{
    size_t inputs = linear->inputs;
    for (size_t i = 0; i < rows * inputs; i++)
        trial->x[i] = every && (i % inputs + i / inputs) % every == 0 ? 1 : 0;
    return measure(trial, linear, linear_by_sparse, rows);
}

/* Two measurements give the sparse kernel's cost: rows with a quarter of non-zeros, and rows of nothing but zeros. Many
 * rows share what they read of the weights. */
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
        double more = quarter > empty[i] ? quarter - empty[i] : quarter + 1; /* a coarse clock */
        each[i] = more / (double)listed;
    }
    for (size_t c = 0; c < PLAN_CLASSES; c++) {
        size_t i = class_rows[c] >= MANY / 4;
        /* A tenth to spare: counting is not free, and where both are equal dense rows are steadier. */
        double most = (0.9 * (double)linear->plan.row_ns[c] - empty[i]) / each[i];
        linear->plan.sparse_max[c] = most < 1 ? 0 : most > (double)inputs ? inputs : (size_t)most;
    }
}

bool plan_make(struct linear *linear, struct relud_error *error)
{
    struct trial trial;
    if (!open_trial(&trial, linear))
        return relud_fail(error, RELUD_NO_MEMORY, "out of memory for the self-test");
    bool is_proved = is_exact(&trial, linear, linear_by_panel) &&
                     (!linear->may_skip_zeros || is_exact(&trial, linear, linear_by_sparse));
    if (is_proved) {
        /* A bias of -0 shows the sign of a sum that is 0, which OpenBLAS does not keep for all CPUs and all rows. */
        linear->plan.is_blas_exact = linear->may_skip_zeros && linear_may_use_blas(linear) &&
                                     is_exact(&trial, linear, linear_by_blas);
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
