#include "core/kernels/linear.h"

#include "core/base/float16.h"

#include <cblas.h>
#include <math.h>
#include <pthread.h>
#include <string.h>

/* ---- packing ---- */

static size_t panel_end(const struct linear *linear)
{
    return linear->panel_end ? linear->panel_end : panel_count(linear->outputs);
}

struct panel linear_panel(const struct linear *linear, size_t index)
{
    size_t first = index * PANEL_WIDTH, left = linear->outputs - first;
    size_t columns = left < PANEL_WIDTH ? left : PANEL_WIDTH;
    size_t at = first * linear->inputs;
    return (struct panel){
        .form = linear->form,
        .weight = linear->weight ? linear->weight + at : NULL,
        .narrow = linear->narrow ? linear->narrow + at : NULL,
        .bias = linear->bias + first,
        .inputs = linear->inputs,
        .units = panel_width(linear->outputs, index) / PANEL_UNIT,
        .columns = columns,
        .is_prefetching = linear->plan.is_prefetching,
    };
}

/* Sets to[n] to the weight of column first + n at input k. */
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

/* Packs one unit of columns at a time: for each k its sixteen numbers are one cache line. */
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
        struct panel panel = linear_panel(linear, p);
        pack_panel(packed + p * PANEL_WIDTH * inputs, &panel, weights, p * PANEL_WIDTH);
    }
    return true;
}

size_t linear_packed_numbers(const struct linear *linear)
{
    return panel_count(linear->outputs) * PANEL_WIDTH * linear->inputs;
}

/* A float32 with the bits of a bfloat16 is one whose lower half is empty. */
static uint16_t bfloat16_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return (uint16_t)(bits >> 16);
}

static bool is_bfloat16(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return (bits & 0xffff) == 0;
}

enum panel_form linear_narrow_form(const struct linear *linear)
{
    bool may_bfloat16 = true, may_float16 = true;
    size_t count = linear_packed_numbers(linear);
    for (size_t i = 0; (may_bfloat16 || may_float16) && i < count; i++) {
        may_bfloat16 = may_bfloat16 && is_bfloat16(linear->weight[i]);
        may_float16 = may_float16 && float16_is_exact(linear->weight[i]);
    }
    return may_bfloat16 ? PANEL_BFLOAT16 : may_float16 ? PANEL_FLOAT16 : PANEL_FLOAT32;
}

void linear_narrow(const struct linear *linear, enum panel_form form, uint16_t *narrow)
{
    size_t count = linear_packed_numbers(linear);
    for (size_t i = 0; i < count; i++)
        narrow[i] = form == PANEL_BFLOAT16 ? bfloat16_of(linear->weight[i])
                                           : float16_from_float32(linear->weight[i]);
}

void linear_unpack(const struct linear *linear, float *weight, float *bias)
{
    for (size_t p = 0; p < panel_count(linear->outputs); p++) {
        struct panel panel = linear_panel(linear, p);
        for (size_t n = 0; n < panel.columns; n++)
            for (size_t k = 0; k < panel.inputs; k++)
                weight[(p * PANEL_WIDTH + n) * panel.inputs + k] =
                    panel_weight(&panel, k * panel.units * PANEL_UNIT + n);
    }
    memcpy(bias, linear->bias, linear->outputs * sizeof *bias);
}

/* ---- kernels ---- */

enum { ROWS_AT_ONCE = PANEL_ROWS_MAX };

static size_t class_of(size_t rows)
{
    size_t class = 0;
    while (class + 1 < PLAN_CLASSES && rows >> (class + 1))
        class ++;
    return class;
}

/* Computes one panel for the inputs of the rows from `first` on. */
static void panel_rows(const struct linear *linear, const struct panel *panel, size_t first,
                       const float *const *x, float *const *y, size_t rows, size_t column)
{
    struct panel once = *panel;
    for (size_t r = 0; r < rows; r += ROWS_AT_ONCE, once.next = NULL) {
        const float *from[ROWS_AT_ONCE];
        float *to[ROWS_AT_ONCE];
        size_t some = rows - r < ROWS_AT_ONCE ? rows - r : ROWS_AT_ONCE;
        for (size_t i = 0; i < some; i++) {
            from[i] = x[r + i] + first;
            to[i] = y[r + i] + column;
        }
        linear->kernels->dense(&once, from, to, some);
    }
}

/* A panel is computed for several rows in parts of so many inputs, which stay in the nearest
 * cache. */
enum { PART_INPUTS = 128 };

static struct panel part_of(const struct panel *panel, size_t k)
{
    struct panel part = *panel;
    part.form = PANEL_FLOAT32;
    part.inputs = panel->inputs - k < PART_INPUTS ? panel->inputs - k : PART_INPUTS;
    part.is_continued = k > 0;
    part.is_unfinished = k + part.inputs < panel->inputs;
    return part;
}

/* Several rows share the work of widening the weights. */
static void widened_rows(const struct linear *linear, const struct panel *panel,
                         const float *const *x, float *const *y, size_t rows, size_t column)
{
    _Alignas(64) float weight[PART_INPUTS * PANEL_WIDTH];
    size_t width = panel->units * PANEL_UNIT;
    for (size_t k = 0; k < panel->inputs; k += PART_INPUTS) {
        struct panel part = part_of(panel, k);
        part.weight = weight;
        linear->kernels->widen(panel->form, panel->narrow + k * width, part.inputs * width, weight);
        panel_rows(linear, &part, k, x, y, rows, column);
    }
}

/* Each part is fetched from distant memory while the one before it is computed. Where a panel is
 * larger than the second-level cache, 4 to 16 rows took twice as long without (Zen 3, 512 KB). */
static void streamed_rows(const struct linear *linear, const struct panel *panel, bool is_last,
                          const float *const *x, float *const *y, size_t rows, size_t column)
{
    size_t width = panel->units * PANEL_UNIT;
    for (size_t k = 0; k < panel->inputs; k += PART_INPUTS) {
        struct panel part = part_of(panel, k);
        part.weight = panel->weight + k * width;
        /* Behind the last part lies the next panel. Behind the last panel lies nothing. */
        bool is_there = !is_last || panel->inputs - k >= 2 * part.inputs;
        part.next = is_there ? part.weight + part.inputs * width : NULL;
        panel_rows(linear, &part, k, x, y, rows, column);
    }
}

/* Computes one panel for all rows, then the next. A panel is read from distant memory once and then
 * stays in the cache. */
static void dense_rows(const struct linear *linear, const float *const *x, float *const *y,
                       size_t rows)
{
    for (size_t p = linear->panel_first; p < panel_end(linear); p++) {
        struct panel panel = linear_panel(linear, p);
        if (panel.form == PANEL_FLOAT32 && rows > 1 && linear->plan.is_streaming[class_of(rows)])
            streamed_rows(linear, &panel, p + 1 == panel_end(linear), x, y, rows, p * PANEL_WIDTH);
        else if (panel.form == PANEL_FLOAT32 || rows == 1)
            panel_rows(linear, &panel, 0, x, y, rows, p * PANEL_WIDTH);
        else
            widened_rows(linear, &panel, x, y, rows, p * PANEL_WIDTH);
    }
}

enum { POINTERS = 64 };

/* Sets pointers to the rows from `first` on, at most POINTERS of them. Returns how many. */
static size_t point_at_rows(const struct linear *linear, const float *x, float *y, size_t first,
                            size_t rows, const float **from, float **to)
{
    size_t some = rows - first < POINTERS ? rows - first : POINTERS;
    for (size_t i = 0; i < some; i++) {
        from[i] = x + (first + i) * linear->inputs;
        to[i] = y + (first + i) * linear->outputs;
    }
    return some;
}

/* The non-zeros of some rows, in chunks of inputs: the first chunk of every row, then the second of
 * every row, and so on. */
enum {
    LIST_MAX = 1024,
    CHUNK = 128,
    LISTED_ROWS = 32,
    LISTED_MAX = 8 * LIST_MAX,
    CHUNKED_ROWS = 8
};
struct lists {
    unsigned index[LISTED_MAX + PANEL_UNIT];
    float value[LISTED_MAX + PANEL_UNIT];
    size_t chunks, begin[LISTED_ROWS * (LIST_MAX / CHUNK) + 1];
};

/* Lists the non-zeros of inputs first … first + inputs - 1 of all rows. The caller has made sure
 * that they fit. */
static void list_rows(const struct linear *linear, const float *const *x, size_t rows, size_t first,
                      size_t inputs, struct lists *lists)
{
    size_t chunk = rows < CHUNKED_ROWS ? LIST_MAX : CHUNK, at = 0;
    lists->chunks = (inputs + chunk - 1) / chunk;
    lists->begin[0] = 0;
    for (size_t k = first; k < first + inputs; k += chunk) {
        size_t left = first + inputs - k, some = left < chunk ? left : chunk;
        for (size_t r = 0; r < rows; r++, at++)
            lists->begin[at + 1] =
                lists->begin[at] + linear->kernels->list(x[r] + k, some, (unsigned)k,
                                                         lists->index + lists->begin[at],
                                                         lists->value + lists->begin[at]);
    }
}

/* Computes one panel for the listed inputs. Unless is_first, y holds the sums over earlier inputs.
 * If is_last, the bias is added and y becomes the answer. While all rows use a chunk of the panel,
 * the chunk and their sums stay in the first-level cache. */
static void sparse_panel(const struct panel *panel, const struct linear *linear,
                         const struct lists *lists, bool is_first, bool is_last, float *const *y,
                         size_t rows, size_t column)
{
    _Alignas(64) float sums[LISTED_ROWS][PANEL_WIDTH];
    memset(sums, 0, rows * sizeof *sums);
    for (size_t r = 0; !is_first && r < rows; r++)
        memcpy(sums[r], y[r] + column, panel->columns * sizeof **sums);
    for (size_t c = 0, at = 0; c < lists->chunks; c++)
        for (size_t r = 0; r < rows; r++, at++) {
            size_t begin = lists->begin[at], count = lists->begin[at + 1] - begin;
            if (count)
                linear->kernels->sparse(panel, lists->index + begin, lists->value + begin, count,
                                        sums[r], sums[r]);
        }
    for (size_t r = 0; r < rows; r++) {
        float *to = y[r] + column;
        for (size_t n = 0; n < panel->columns; n++)
            to[n] = is_last ? sums[r][n] + panel->bias[n] : sums[r][n];
    }
}

/* How many of the next rows fit into the lists; count[r] is the number of non-zeros of row r. */
static size_t rows_that_fit(const size_t *count, size_t rows)
{
    size_t fit = 0;
    for (size_t sum = 0; fit < rows && fit < LISTED_ROWS; fit++) {
        sum += count[fit] < LIST_MAX ? count[fit] : LIST_MAX;
        if (fit && sum > LISTED_MAX)
            break;
    }
    return fit;
}

/* Computes panel by panel for many rows. The whole layer may not fit into the second-level cache,
 * but a panel does, and a chunk of it fits into the first. Images with 150 non-zeros into 256 units
 * take 1.9 us per row; row by row they took 2.9 us (Zen 3, 512 KB of second-level cache). */
static void sparse_rows(const struct linear *linear, const float *const *x, float *const *y,
                        const size_t *count, size_t rows)
{
    struct lists lists;
    for (size_t r = 0, some; r < rows; r += some) {
        some = rows_that_fit(count + r, rows - r);
        for (size_t k = 0; k < linear->inputs; k += LIST_MAX) {
            size_t inputs = linear->inputs - k < LIST_MAX ? linear->inputs - k : LIST_MAX;
            list_rows(linear, x + r, some, k, inputs, &lists);
            for (size_t p = linear->panel_first; p < panel_end(linear); p++) {
                struct panel panel = linear_panel(linear, p);
                sparse_panel(&panel, linear, &lists, k == 0, k + LIST_MAX >= linear->inputs, y + r,
                             some, p * PANEL_WIDTH);
            }
        }
    }
}

void linear_by_sparse(const struct linear *linear, const float *x, float *y, size_t rows)
{
    const float *from[POINTERS];
    float *to[POINTERS];
    for (size_t r = 0; r < rows; r += POINTERS) {
        size_t count[POINTERS], some = point_at_rows(linear, x, y, r, rows, from, to);
        for (size_t i = 0; i < some; i++)
            count[i] = linear->kernels->count(from[i], linear->inputs);
        sparse_rows(linear, from, to, count, some);
    }
}

void linear_by_panel(const struct linear *linear, const float *x, float *y, size_t rows)
{
    const float *from[POINTERS];
    float *to[POINTERS];
    for (size_t r = 0; r < rows; r += POINTERS) {
        size_t some = point_at_rows(linear, x, y, r, rows, from, to);
        dense_rows(linear, from, to, some);
    }
}

void linear_by_blas(const struct linear *linear, const float *x, float *y, size_t rows)
{
    for (size_t p = linear->panel_first; p < panel_end(linear); p++) {
        struct panel panel = linear_panel(linear, p);
        int width = (int)(panel.units * PANEL_UNIT), columns = (int)panel.columns;
        float *to = y + p * PANEL_WIDTH;
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)rows, columns,
                    (int)linear->inputs, 1, x, (int)linear->inputs, panel.weight, width, 0, to,
                    (int)linear->outputs);
        for (size_t r = 0; r < rows; r++, to += linear->outputs)
            for (size_t n = 0; n < panel.columns; n++)
                to[n] += panel.bias[n];
    }
}

/* OpenBLAS gets one thread, because the caller's threads are the parallelism. The setting belongs
 * to the process, so it is made once. The serial build of OpenBLAS takes no lock and must not be
 * called from several threads. The OpenMP build starts threads of its own. So only the pthread
 * build (openblas_get_parallel() == 1) is used. */
static bool is_blas_usable;

static void set_up_blas(void)
{
    openblas_set_num_threads(1);
    is_blas_usable = openblas_get_parallel() == 1;
}

bool linear_may_use_blas(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, set_up_blas);
    return is_blas_usable;
}

/* ---- by plan ---- */

static void dense(const struct linear *linear, size_t class, const float *x, float *y, size_t rows)
{
    if (linear->plan.kernel[class] == LINEAR_BLAS)
        linear_by_blas(linear, x, y, rows);
    else
        linear_by_panel(linear, x, y, rows);
}

/* A selection of the rows. */
struct chosen {
    const float *from[POINTERS];
    float *to[POINTERS];
    size_t rows, count[POINTERS]; /* count: non-zeros of each row */
};

/* Counts the non-zeros of a row. A part of a layer does so little with the row that counting would
 * take a tenth of its time: there a sample tells first that the row is far from sparse, and
 * SIZE_MAX is returned. */
static size_t count_row(const struct linear *linear, const float *row, size_t sparse_max)
{
    enum { SAMPLE = PANEL_UNIT, EVERY = 8 * SAMPLE };
    size_t found = 0, seen = 0;
    for (size_t k = 0; linear->panel_end && k + SAMPLE <= linear->inputs; k += EVERY) {
        found += linear->kernels->count(row + k, SAMPLE);
        seen += SAMPLE;
    }
    if (found * linear->inputs > 2 * seen * sparse_max)
        return SIZE_MAX;
    return linear->kernels->count(row, linear->inputs);
}

/* Computes rows with few non-zeros by the sparse kernel, and the others by the dense one. */
static void mixed(const struct linear *linear, size_t class, const float *x, float *y, size_t rows)
{
    struct chosen few, full;
    few.rows = full.rows = 0;
    for (size_t r = 0; r < rows; r++) {
        const float *row = x + r * linear->inputs;
        size_t count = count_row(linear, row, linear->plan.sparse_max[class]);
        struct chosen *chosen = count <= linear->plan.sparse_max[class] ? &few : &full;
        chosen->from[chosen->rows] = row;
        chosen->to[chosen->rows] = y + r * linear->outputs;
        chosen->count[chosen->rows++] = count;
    }
    if (full.rows == rows)
        dense(linear, class, x, y, rows);
    else if (full.rows)
        dense_rows(linear, full.from, full.to, full.rows);
    if (few.rows)
        sparse_rows(linear, few.from, few.to, few.count, few.rows);
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

struct linear linear_part(const struct linear *linear, size_t panel_first, size_t panels)
{
    struct linear part = *linear;
    part.panel_first = panel_first;
    if (panels < panel_count(linear->outputs) - panel_first)
        part.panel_end = panel_first + panels;
    return part;
}

double linear_row_ns(const struct linear *linear, size_t rows)
{
    return (double)linear->plan.row_ns[class_of(rows)];
}
