#include "core/linear.h"

#include <cblas.h>
#include <math.h>
#include <pthread.h>
#include <string.h>

/* ---- packing ---- */

static struct panel panel_of(const struct linear *linear, size_t index)
{
    size_t first = index * PANEL_WIDTH, left = linear->outputs - first;
    size_t columns = left < PANEL_WIDTH ? left : PANEL_WIDTH;
    return (struct panel){
        .weight = linear->weight + first * linear->inputs,
        .bias = linear->bias + first,
        .inputs = linear->inputs,
        .units = panel_width(linear->outputs, index) / PANEL_UNIT,
        .columns = columns,
    };
}

/* to[n] = the weights of columns first … first + columns - 1 at k. */
static void pack_line(float *to, const struct weights *from, size_t k, size_t first, size_t columns)
{
    if (from->is_in_out) {
        memcpy(to, (const char *)from->weight + (k * from->outputs + first) * sizeof *to,
               columns * sizeof *to);
    } else {
        const char *at = (const char *)from->weight + (first * from->inputs + k) * sizeof *to;
        for (size_t n = 0; n < columns; n++, at += from->inputs * sizeof *to)
            memcpy(&to[n], at, sizeof *to);
    }
    for (size_t n = 0; from->scale && n < columns; n++)
        to[n] *= from->scale[first + n];
}

/* A unit of columns at a time: their sixteen places of each k are one cache line. */
static void pack_panel(float *to, const struct panel *panel, const struct weights *from,
                       size_t first)
{
    size_t width = panel->units * PANEL_UNIT;
    for (size_t unit = 0; unit < panel->columns; unit += PANEL_UNIT) {
        size_t left = panel->columns - unit, columns = left < PANEL_UNIT ? left : PANEL_UNIT;
        for (size_t k = 0; k < panel->inputs; k++)
            pack_line(to + k * width + unit, from, k, first + unit, columns);
    }
}

bool linear_pack(struct linear *linear, struct arena *arena, const struct weights *weights,
                 const struct relud_model_options *options, struct relud_error *error)
{
    size_t inputs = weights->inputs, outputs = weights->outputs, panels = panel_count(outputs);
    float *packed = arena_take_array(arena, panels * PANEL_WIDTH, inputs * sizeof *packed);
    float *biases = arena_take_array(arena, panels * PANEL_WIDTH, sizeof *biases);
    if (!packed || !biases)
        return relud_fail(error, RELUD_NO_MEMORY, "out of memory for %zu x %zu weights", outputs,
                          inputs);
    *linear = (struct linear){.inputs = inputs,
                              .outputs = outputs,
                              .weight = packed,
                              .bias = biases,
                              .has_bias = weights->bias != NULL,
                              .may_skip_zeros = true,
                              .math = options->math,
                              .kernels = panel_kernels_of(options->isa)};
    if (weights->bias)
        memcpy(biases, weights->bias, outputs * sizeof *biases);
    for (size_t n = 0; n < outputs; n++)
        if (biases[n] == 0 && signbit(biases[n]))
            linear->may_skip_zeros = false;
    for (size_t p = 0; p < panels; p++) {
        struct panel panel = panel_of(linear, p);
        pack_panel(packed + p * PANEL_WIDTH * inputs, &panel, weights, p * PANEL_WIDTH);
    }
    return true;
}

void linear_unpack(const struct linear *linear, float *weight, float *bias)
{
    for (size_t p = 0; p < panel_count(linear->outputs); p++) {
        struct panel panel = panel_of(linear, p);
        for (size_t n = 0; n < panel.columns; n++)
            for (size_t k = 0; k < panel.inputs; k++)
                weight[(p * PANEL_WIDTH + n) * panel.inputs + k] =
                    panel.weight[k * panel.units * PANEL_UNIT + n];
    }
    memcpy(bias, linear->bias, linear->outputs * sizeof *bias);
}

/* ---- kernels ---- */

enum { ROWS_AT_ONCE = PANEL_ROWS_MAX };

/* One panel for all rows, then the next: a panel is read from far memory once and stays in the cache for the rest. */
static void dense_rows(const struct linear *linear, const float *const *x, float *const *y,
                       size_t rows)
{
    for (size_t p = 0; p < panel_count(linear->outputs); p++) {
        struct panel panel = panel_of(linear, p);
        float *to[ROWS_AT_ONCE];
        for (size_t r = 0; r < rows; r += ROWS_AT_ONCE) {
            size_t some = rows - r < ROWS_AT_ONCE ? rows - r : ROWS_AT_ONCE;
            for (size_t i = 0; i < some; i++)
                to[i] = y[r + i] + p * PANEL_WIDTH;
            linear->kernels->dense(&panel, x + r, to, some);
        }
    }
}

static void sparse_row(const struct linear *linear, const float *x, float *y)
{
    enum { LIST_MAX = 1024 }; /* 8 KB of list and sums between lists keep the stack small */
    unsigned index[LIST_MAX + PANEL_UNIT];
    float value[LIST_MAX + PANEL_UNIT];
    size_t panels = panel_count(linear->outputs);
    for (size_t k = 0; k < linear->inputs; k += LIST_MAX) {
        size_t some = linear->inputs - k < LIST_MAX ? linear->inputs - k : LIST_MAX;
        size_t count = linear->kernels->list(x + k, some, (unsigned)k, index, value);
        for (size_t p = 0; p < panels; p++) {
            struct panel panel = panel_of(linear, p);
            float sums[PANEL_WIDTH] = {0}, *at = y + p * PANEL_WIDTH;
            if (k)
                memcpy(sums, at, panel.columns * sizeof *sums);
            linear->kernels->sparse(&panel, index, value, count, sums);
            if (k + LIST_MAX < linear->inputs)
                memcpy(at, sums, panel.columns * sizeof *sums);
            else
                for (size_t n = 0; n < panel.columns; n++)
                    at[n] = sums[n] + panel.bias[n];
        }
    }
}

void linear_by_sparse(const struct linear *linear, const float *x, float *y, size_t rows)
{
    for (size_t r = 0; r < rows; r++)
        sparse_row(linear, x + r * linear->inputs, y + r * linear->outputs);
}

enum { POINTERS = 64 };

void linear_by_panel(const struct linear *linear, const float *x, float *y, size_t rows)
{
    const float *from[POINTERS];
    float *to[POINTERS];
    for (size_t r = 0; r < rows; r += POINTERS) {
        size_t some = rows - r < POINTERS ? rows - r : POINTERS;
        for (size_t i = 0; i < some; i++) {
            from[i] = x + (r + i) * linear->inputs;
            to[i] = y + (r + i) * linear->outputs;
        }
        dense_rows(linear, from, to, some);
    }
}

/* OpenBLAS takes its small-matrix path up to M·N·K = 1,000,000 (0.3.21 and 0.3.29). */
enum { SMALL_MATRIX = 1000000 };

static size_t blas_rows(const struct linear *linear)
{
    size_t width = linear->outputs < PANEL_WIDTH ? linear->outputs : PANEL_WIDTH;
    return SMALL_MATRIX / (width * linear->inputs);
}

void linear_by_blas(const struct linear *linear, const float *x, float *y, size_t rows)
{
    size_t tile = linear->math == RELUD_MATH_FAST ? rows : blas_rows(linear);
    for (size_t p = 0; p < panel_count(linear->outputs); p++) {
        struct panel panel = panel_of(linear, p);
        int width = (int)(panel.units * PANEL_UNIT), columns = (int)panel.columns;
        for (size_t r = 0; r < rows; r += tile) {
            size_t some = rows - r < tile ? rows - r : tile;
            float *to = y + r * linear->outputs + p * PANEL_WIDTH;
            cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)some, columns,
                        (int)linear->inputs, 1, x + r * linear->inputs, (int)linear->inputs,
                        panel.weight, width, 0, to, (int)linear->outputs);
            for (size_t i = 0; i < some; i++)
                for (size_t n = 0; n < panel.columns; n++)
                    to[i * linear->outputs + n] += panel.bias[n];
        }
    }
}

/* One BLAS thread: the caller's threads are the parallelism. The setting is the process's, so it is made once. The
 * serial build of OpenBLAS takes no lock and must not be called from several threads, the OpenMP build brings threads
 * of its own: only the pthread build (1) is used. */
static bool is_blas_usable;

static void set_up_blas(void)
{
    openblas_set_num_threads(1);
    is_blas_usable = openblas_get_parallel() == 1;
}

bool linear_may_use_blas(const struct linear *linear)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, set_up_blas);
    return is_blas_usable && blas_rows(linear) > 0;
}

/* ---- by plan ---- */

static size_t class_of(size_t rows)
{
    size_t class = 0;
    while (class + 1 < PLAN_CLASSES && rows >> (class + 1))
        class ++;
    return class;
}

static void dense(const struct linear *linear, size_t class, const float *x, float *y, size_t rows)
{
    if (linear->plan.kernel[class] == LINEAR_BLAS)
        linear_by_blas(linear, x, y, rows);
    else
        linear_by_panel(linear, x, y, rows);
}

/* Rows with few non-zeros one by one, the others together. */
static void mixed(const struct linear *linear, size_t class, const float *x, float *y, size_t rows)
{
    const float *from[POINTERS];
    float *to[POINTERS];
    size_t full = 0;
    for (size_t r = 0; r < rows; r++) {
        const float *row = x + r * linear->inputs;
        if (linear->kernels->count(row, linear->inputs) <= linear->plan.sparse_max[class]) {
            sparse_row(linear, row, y + r * linear->outputs);
            continue;
        }
        from[full] = row;
        to[full++] = y + r * linear->outputs;
    }
    if (full == rows)
        dense(linear, class, x, y, rows);
    else if (full)
        dense_rows(linear, from, to, full);
}

void linear_forward(const struct linear *linear, const float *x, float *y, size_t rows)
{
    for (size_t r = 0; r < rows; r += POINTERS) {
        size_t some = rows - r < POINTERS ? rows - r : POINTERS, class = class_of(some);
        const float *from = x + r * linear->inputs;
        float *to = y + r * linear->outputs;
        if (linear->plan.sparse_max[class])
            mixed(linear, class, from, to, some);
        else
            dense(linear, class, from, to, some);
    }
}

float linear_chain(const struct linear *linear, const float *x, size_t column)
{
    struct panel panel = panel_of(linear, column / PANEL_WIDTH);
    size_t width = panel.units * PANEL_UNIT, n = column % PANEL_WIDTH;
    float sum = 0;
    for (size_t k = 0; k < linear->inputs; k++)
        sum = fmaf(x[k], panel.weight[k * width + n], sum);
    return sum + panel.bias[n];
}
