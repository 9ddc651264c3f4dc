/* The dense and sparse kernels, written once for all vector types. panel_avx2.c and panel_avx512.c
 * include this file. They define vec, LANES, vec_load, vec_load_bfloat16, vec_load_float16,
 * vec_load_some(at, columns), vec_broadcast, vec_fma, vec_add, vec_store and
 * vec_store_some(at, v, columns), and HAS_NEXT.
 *
 * A block is `rows` rows by `units` units of 16 columns, with all its sums in registers. Both
 * numbers are constants where a block is instantiated, so the loops over them unroll. */

enum { PREFETCH_STEPS = 24 };
#define VECS_PER_UNIT (PANEL_UNIT / LANES)
#define INLINE        static inline __attribute__((always_inline))
#define UNROLL        _Pragma("GCC unroll 16")
/* KEEP stops the compiler from loading a vector a second time. Without it, a layer of 784 x 256
 * took 4.7 us per row instead of 3.1 in blocks of 2 rows by 64 columns, and 4.7 instead of 2.4 in
 * blocks of 3 rows (Sapphire Rapids). */
#define KEEP(v) __asm__("" : "+v"(v))

/* Where the weights of a panel are. */
struct weight_at {
    const float *weight;
    const uint16_t *narrow;
};

INLINE struct weight_at weight_at(const struct panel *panel, size_t index,
                                  const enum panel_form form)
{
    struct weight_at at = {NULL, NULL};
    if (form == PANEL_FLOAT32)
        at.weight = panel->weight + index;
    else
        at.narrow = panel->narrow + index;
    return at;
}

INLINE vec load_weight(struct weight_at at, size_t index, const enum panel_form form)
{
    if (form == PANEL_FLOAT32)
        return vec_load(at.weight + index);
    return form == PANEL_BFLOAT16 ? vec_load_bfloat16(at.narrow + index)
                                  : vec_load_float16(at.narrow + index);
}

INLINE void prefetch_weight(struct weight_at at, size_t index, const enum panel_form form)
{
    if (form == PANEL_FLOAT32)
        __builtin_prefetch(at.weight + index);
    else
        __builtin_prefetch(at.narrow + index);
}

/* clang-format off */ /* clang-format does not know that UNROLL belongs to the loop after it */
INLINE void block(const struct panel *panel, size_t first_unit, const float *const *x,
                  float *const *y, const size_t rows, const size_t units, const bool is_prefetching,
                  const enum panel_form form)
{
    const size_t vecs = units * VECS_PER_UNIT, width = panel->units * PANEL_UNIT;
    struct weight_at weight = weight_at(panel, first_unit * PANEL_UNIT, form);
    vec sum[PANEL_ROWS_MAX][PANEL_UNITS_MAX * VECS_PER_UNIT];
    UNROLL for (size_t r = 0; r < rows; r++)
        UNROLL for (size_t v = 0; v < vecs; v++)
            sum[r][v] = vec_broadcast(0);
    if (panel->is_continued)
        UNROLL for (size_t v = 0; v < vecs; v++) {
            size_t column = first_unit * PANEL_UNIT + v * LANES;
            size_t columns = panel->columns > column ? panel->columns - column : 0;
            UNROLL for (size_t r = 0; r < rows; r++)
                if (columns)
                    sum[r][v] = columns >= LANES ? vec_load(y[r] + column)
                                                 : vec_load_some(y[r] + column, columns);
        }
    /* Each block prefetches its share of what is next, in order. */
    const float *next =
        is_prefetching && rows > 1 ? panel->next + first_unit * PANEL_UNIT * panel->inputs : NULL;
    for (size_t k = 0; k < panel->inputs; k++) {
        if (is_prefetching && rows > 1)
            UNROLL for (size_t u = 0; u < units; u++, next += PANEL_UNIT)
                __builtin_prefetch(next);
        else if (is_prefetching)
            UNROLL for (size_t u = 0; u < units; u++)
                prefetch_weight(weight, PREFETCH_STEPS * width + u * PANEL_UNIT, form);
        vec w[PANEL_UNITS_MAX * VECS_PER_UNIT];
        UNROLL for (size_t v = 0; v < vecs; v++)
            w[v] = load_weight(weight, v * LANES, form);
        if (form == PANEL_FLOAT32)
            weight.weight += width;
        else
            weight.narrow += width;
        UNROLL for (size_t v = 0; rows > 1 && v < vecs; v++)
            KEEP(w[v]);
        UNROLL for (size_t r = 0; r < rows; r++) {
            vec xk = vec_broadcast(x[r][k]);
            UNROLL for (size_t v = 0; v < vecs; v++)
                sum[r][v] = vec_fma(xk, w[v], sum[r][v]);
        }
    }
    UNROLL for (size_t v = 0; v < vecs; v++) {
        size_t column = first_unit * PANEL_UNIT + v * LANES;
        vec bias = vec_load(panel->bias + column);
        size_t columns = panel->columns > column ? panel->columns - column : 0;
        UNROLL for (size_t r = 0; r < rows; r++) {
            vec answer = panel->is_unfinished ? sum[r][v] : vec_add(sum[r][v], bias);
            if (columns >= LANES)
                vec_store(y[r] + column, answer);
            else if (columns)
                vec_store_some(y[r] + column, answer, columns);
        }
    }
}
/* clang-format on */

/* HAS_NEXT: blocks of several rows heed panel->next. Blocks that read whole lines of the panel in
 * their order need not: the CPU itself fetches ahead. */
#define BLOCK(rows, units)                                                                         \
    static void block_##rows##_##units(const struct panel *panel, size_t first_unit,               \
                                       const float *const *x, float *const *y)                     \
    {                                                                                              \
        if (HAS_NEXT && panel->next)                                                               \
            block(panel, first_unit, x, y, rows, units, true, PANEL_FLOAT32);                      \
        else                                                                                       \
            block(panel, first_unit, x, y, rows, units, false, PANEL_FLOAT32);                     \
    }
/* A block of one row does too little arithmetic to hide the latency of the second-level cache, so
 * it may prefetch. Narrow weights are used where a layer is larger than the caches, so there it
 * always does. */
#define BLOCK_OF_ONE(units)                                                                        \
    static void block_1_##units(const struct panel *panel, size_t first_unit,                      \
                                const float *const *x, float *const *y)                            \
    {                                                                                              \
        if (panel->form == PANEL_BFLOAT16)                                                         \
            block(panel, first_unit, x, y, 1, units, true, PANEL_BFLOAT16);                        \
        else if (panel->form == PANEL_FLOAT16)                                                     \
            block(panel, first_unit, x, y, 1, units, true, PANEL_FLOAT16);                         \
        else if (panel->is_prefetching)                                                            \
            block(panel, first_unit, x, y, 1, units, true, PANEL_FLOAT32);                         \
        else                                                                                       \
            block(panel, first_unit, x, y, 1, units, false, PANEL_FLOAT32);                        \
    }

typedef void block_fn(const struct panel *panel, size_t first_unit, const float *const *x,
                      float *const *y);

/* clang-format off */
INLINE void sparse_block(const struct panel *panel, const unsigned *index, const float *value,
                         size_t count, const float *before, float *sums, const size_t units,
                         const enum panel_form form)
{
    const size_t vecs = units * VECS_PER_UNIT, width = units * PANEL_UNIT;
    vec sum[PANEL_UNITS_MAX * VECS_PER_UNIT];
    UNROLL for (size_t v = 0; v < vecs; v++)
        sum[v] = before ? vec_load(before + v * LANES) : vec_broadcast(0);
    for (size_t i = 0; i < count; i++) {
        struct weight_at weight = weight_at(panel, index[i] * width, form);
        vec xk = vec_broadcast(value[i]);
        UNROLL for (size_t v = 0; v < vecs; v++)
            sum[v] = vec_fma(xk, load_weight(weight, v * LANES, form), sum[v]);
    }
    UNROLL for (size_t v = 0; v < vecs; v++)
        vec_store(sums + v * LANES, sum[v]);
}
/* clang-format on */

INLINE void sparse_units(const struct panel *panel, const unsigned *index, const float *value,
                         size_t count, const float *before, float *sums, const enum panel_form form)
{
    switch (panel->units) {
    case 1:
        sparse_block(panel, index, value, count, before, sums, 1, form);
        break;
    case 2:
        sparse_block(panel, index, value, count, before, sums, 2, form);
        break;
    case 3:
        sparse_block(panel, index, value, count, before, sums, 3, form);
        break;
    default:
        sparse_block(panel, index, value, count, before, sums, 4, form);
    }
}

static void vec_sparse(const struct panel *panel, const unsigned *index, const float *value,
                       size_t count, const float *before, float *sums)
{
    if (panel->form == PANEL_FLOAT32)
        sparse_units(panel, index, value, count, before, sums, PANEL_FLOAT32);
    else if (panel->form == PANEL_BFLOAT16)
        sparse_units(panel, index, value, count, before, sums, PANEL_BFLOAT16);
    else
        sparse_units(panel, index, value, count, before, sums, PANEL_FLOAT16);
}

static void vec_widen(enum panel_form form, const uint16_t *from, size_t count, float *to)
{
    const struct weight_at at = {.narrow = from};
    for (size_t i = 0; i < count; i += LANES) /* whole units of columns */
        vec_store(to + i, form == PANEL_BFLOAT16 ? load_weight(at, i, PANEL_BFLOAT16)
                                                 : load_weight(at, i, PANEL_FLOAT16));
}
