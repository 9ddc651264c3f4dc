/* Passes that several threads share.
 *
 * A pass is a list of stages, and a stage a number of pieces. Any thread may take any piece of the
 * present stage; whoever finishes the last one opens the next stage. Where the whole net fits into
 * the cache of a CPU, there is one stage: its pieces are rows, which go through the net in the
 * scratch memory of the thread. Otherwise the rows go through the net side by side, a stage for
 * each step, and the pieces of a linear step are panels of its weights: weights that fit into no
 * cache are read once for all rows, and one row of a wide layer is work for all.
 *
 * A piece computes its numbers by the same kernels as relud_predict, in the same order. */
#include <relud/pass.h>

#include "core/base/float_env.h"
#include "core/base/nan.h"
#include "core/base/spin.h"
#include "core/net/model_private.h"
#include <stdlib.h>
#include <string.h>

enum {
    PIECE_NS = 100000,      /* about the time of a piece: a stage ends with its last one */
    PANEL_NS = 250000,      /* a panel that takes longer for all rows is cut into rows, too */
    PIECE_ROWS_MIN = 8,     /* fewer rows make poor use of the weights that they read */
    PIECE_ROWS_MAX = 64,    /* more do not go at once through relud_scratch */
    CACHED_BYTES = 2 << 20, /* a model of at most so many stays in the cache of each CPU */
    SHARED_ROWS_MAX = 256,  /* of a pass by steps */
    SHARED_ROWS_UNIT = 48,  /* pieces of rows are multiples of it: whole blocks of the kernels */
    SHARED_BYTES_MAX = 8 << 20, /* of its scratch memory */
    PASS_NS = 8000000,          /* about the time of a pass by rows, computed by one thread */
    SHARED_NS = 50000000,       /* about the longest time of a pass by steps, by one thread */
};

/* Other steps than linear ones, in nanoseconds a number: a guess, for the size of pieces. */
static const double number_ns = 0.5;

struct stage {
    size_t step, steps; /* steps: 0 after the last one, where the results are gathered */
    size_t row_pieces, rows_each;
    size_t panel_pieces, panels_each; /* panels_each: 0 unless it is a linear step */
};

struct relud_pass {
    /* The present stage, how many pieces it has, and how many were taken: one number, so that
     * whoever takes a piece knows at once whether there was one: the stages themselves may already
     * be those of another pass if there was none. */
    _Alignas(64) _Atomic uint64_t next;
    atomic_size_t finished; /* pieces of the present stage */
    size_t rows_max;        /* of those that go through the net together */
    const relud_model *model;
    struct network_rows rows;   /* of a pass by rows */
    struct network_pass shared; /* of a pass by steps */
    bool is_by_rows;
    float *floats; /* scratch memory of a pass by steps */
    size_t floats_cap;
    size_t stages, stages_cap;
    struct stage *stage;
};

#define PIECES_BITS 24
#define PIECES_MAX  (((uint64_t)1 << PIECES_BITS) - 1)
/* The number of the stage where a pass has no pieces any more. */
#define STAGE_CLOSED ((uint64_t)0xffff)

static uint64_t pack(uint64_t stage, uint64_t pieces)
{
    return stage << (2 * PIECES_BITS) | pieces << PIECES_BITS;
}
static uint64_t stage_in(uint64_t next)
{
    return next >> (2 * PIECES_BITS);
}
static uint64_t pieces_in(uint64_t next)
{
    return next >> PIECES_BITS & PIECES_MAX;
}
static uint64_t taken_in(uint64_t next)
{
    return next & PIECES_MAX;
}

relud_pass *relud_pass_new(size_t rows_max)
{
    relud_pass *pass = aligned_alloc(64, sizeof *pass);
    struct stage *stage = calloc(1, sizeof *stage);
    if (!pass || !stage) {
        free(pass);
        free(stage);
        return NULL;
    }
    memset(pass, 0, sizeof *pass);
    pass->rows_max = rows_max < SHARED_ROWS_MAX ? rows_max : SHARED_ROWS_MAX;
    pass->stage = stage;
    pass->stages_cap = 1; /* enough for a pass by rows, which so needs no more memory */
    atomic_init(&pass->next, pack(STAGE_CLOSED, 0));
    atomic_init(&pass->finished, 0);
    return pass;
}

void relud_pass_free(relud_pass *pass)
{
    if (!pass)
        return;
    free(pass->floats);
    free(pass->stage);
    free(pass);
}

/* ---- stages ---- */

static size_t pieces_of(size_t count, size_t each)
{
    return each ? (count + each - 1) / each : 0;
}

/* `count` in pieces of about piece_ns, each a multiple of `unit`. */
static size_t size_of_piece(size_t count, double each_ns, double piece_ns, size_t unit)
{
    double fit = piece_ns / (each_ns * (double)unit);
    size_t each = fit < 1 ? unit : fit * (double)unit < (double)count ? (size_t)fit * unit : count;
    return each < count ? each : count;
}

static struct stage stage_of_linear(const struct step *step, size_t index, size_t rows)
{
    size_t panels = panel_count(step->linear.outputs), lines = rows * step->parts;
    double row_ns = linear_row_ns(&step->linear, lines) * (double)step->parts;
    double panel_ns = row_ns / (double)panels;
    struct stage stage = {.step = index, .steps = 1};
    stage.rows_each = size_of_piece(rows, panel_ns, PANEL_NS, SHARED_ROWS_UNIT);
    stage.panels_each = size_of_piece(panels, panel_ns * (double)stage.rows_each, PIECE_NS, 1);
    stage.row_pieces = pieces_of(rows, stage.rows_each);
    stage.panel_pieces = pieces_of(panels, stage.panels_each);
    return stage;
}

static struct stage stage_of_others(const struct step *step, size_t index, size_t rows)
{
    size_t numbers = step->width > step->reduce_width ? step->width : step->reduce_width;
    struct stage stage = {.step = index, .steps = 1, .panel_pieces = 1};
    stage.rows_each = size_of_piece(rows, (double)numbers * number_ns, PIECE_NS, 1);
    stage.row_pieces = pieces_of(rows, stage.rows_each);
    return stage;
}

static bool is_one_piece(const struct stage *stage)
{
    return stage->row_pieces * stage->panel_pieces == 1;
}

/* Adds a stage, or its step to the last one if both are one piece. */
static void add_stage(relud_pass *pass, struct stage stage)
{
    struct stage *last = pass->stages ? &pass->stage[pass->stages - 1] : NULL;
    if (is_one_piece(&stage))
        stage.panels_each = 0; /* all panels */
    if (last && is_one_piece(last) && is_one_piece(&stage))
        last->steps += stage.steps;
    else
        pass->stage[pass->stages++] = stage;
}

static void make_stages(relud_pass *pass)
{
    const struct network *network = pass->shared.network;
    size_t rows = pass->shared.rows;
    pass->stages = 0;
    for (size_t i = 0; i < network->steps; i++) {
        const struct step *step = &network->step[i];
        add_stage(pass, step->kind == STEP_LINEAR ? stage_of_linear(step, i, rows)
                                                  : stage_of_others(step, i, rows));
    }
    pass->stage[pass->stages++] =
        (struct stage){.step = network->steps, .row_pieces = 1, .panel_pieces = 1};
}

static bool make_room(relud_pass *pass, size_t stages, size_t floats)
{
    struct stage *more = stages > pass->stages_cap ? calloc(stages, sizeof *more) : NULL;
    if (more) {
        free(pass->stage);
        pass->stage = more;
        pass->stages_cap = stages;
    }
    if (floats > pass->floats_cap) {
        free(pass->floats);
        pass->floats = aligned_alloc(64, (floats * sizeof(float) + 63) / 64 * 64);
        pass->floats_cap = pass->floats ? floats : 0;
    }
    return stages <= pass->stages_cap && floats <= pass->floats_cap;
}

/* ---- beginning ---- */

/* One stage, whose pieces are rows. */
static size_t begin_by_rows(relud_pass *pass, const struct network_rows *rows)
{
    double row_ns = pass->model->info.row_ns;
    size_t most = SHARED_ROWS_MAX, each = (size_t)(PIECE_NS / row_ns);
    if ((double)most * row_ns < PASS_NS)
        most = (size_t)(PASS_NS / row_ns);
    if (each < PIECE_ROWS_MIN)
        each = PIECE_ROWS_MIN;
    if (each > PIECE_ROWS_MAX)
        each = PIECE_ROWS_MAX;
    pass->is_by_rows = true;
    pass->rows = *rows;
    pass->rows.rows = rows->rows < most ? rows->rows : most;
    pass->stages = 1;
    pass->stage[0] = (struct stage){
        .row_pieces = pieces_of(pass->rows.rows, each), .rows_each = each, .panel_pieces = 1};
    return pass->rows.rows;
}

/* Returns 0 if memory runs out. */
static size_t begin_by_steps(relud_pass *pass, const struct network_rows *rows)
{
    const struct network *network = &pass->model->network;
    size_t row_bytes = network_scratch_floats(network, 1) * sizeof(float);
    size_t some = rows->rows < pass->rows_max ? rows->rows : pass->rows_max;
    while (some > 1 &&
           (some * row_bytes > SHARED_BYTES_MAX ||
            (some > PIECE_ROWS_MIN && (double)some * pass->model->info.row_ns > SHARED_NS)))
        some /= 2;
    if (!make_room(pass, network->steps + 1, network_scratch_floats(network, some)))
        return 0;
    pass->is_by_rows = false;
    pass->shared = (struct network_pass){.network = network,
                                         .x = rows->x + rows->first * network->features,
                                         .y = rows->y + rows->first * network->outputs,
                                         .scratch = pass->floats,
                                         .rows = some};
    make_stages(pass);
    return some;
}

static uint64_t open_stage(const relud_pass *pass, size_t stage)
{
    if (stage == pass->stages)
        return pack(STAGE_CLOSED, 0);
    return pack(stage, pass->stage[stage].row_pieces * pass->stage[stage].panel_pieces);
}

size_t relud_pass_begin(relud_pass *pass, const relud_model *model,
                        const struct relud_pass_rows *rows)
{
    const struct network_rows all = {rows->x, rows->y, rows->layer_out, rows->first, rows->rows};
    bool is_by_rows = model->info.bytes <= CACHED_BYTES || rows->layer_out ||
                      model->network.steps + 1 >= STAGE_CLOSED;
    pass->model = model;
    size_t taken = is_by_rows ? 0 : begin_by_steps(pass, &all);
    if (taken == 0)
        taken = begin_by_rows(pass, &all);
    atomic_store_explicit(&pass->finished, 0, memory_order_relaxed);
    atomic_store_explicit(&pass->next, open_stage(pass, 0), memory_order_release);
    return taken;
}

/* ---- pieces ---- */

static void run_rows(const relud_pass *pass, const struct stage *stage, size_t piece,
                     relud_scratch *scratch)
{
    struct network_rows rows = pass->rows;
    size_t row = piece * stage->rows_each, left = pass->rows.rows - row;
    rows.first += row;
    rows.rows = left < stage->rows_each ? left : stage->rows_each;
    model_forward(scratch, &rows);
}

/* The pieces of one panel follow each other, so that it stays in the caches while they need it. */
static void run_part(const relud_pass *pass, const struct stage *stage, size_t piece)
{
    struct network_part part = {.row = piece % stage->row_pieces * stage->rows_each,
                                .panel = piece / stage->row_pieces * stage->panels_each,
                                .panels = stage->panels_each};
    size_t left = pass->shared.rows - part.row;
    part.rows = left < stage->rows_each ? left : stage->rows_each;
    for (size_t i = 0; i < stage->steps; i++)
        network_run_part(&pass->shared, stage->step + i, &part);
}

static void run_piece(const relud_pass *pass, const struct stage *stage, size_t piece,
                      relud_scratch *scratch)
{
    uint64_t env = float_env_enter();
    if (pass->is_by_rows) {
        run_rows(pass, stage, piece, scratch);
    } else if (stage->steps) {
        run_part(pass, stage, piece);
    } else {
        network_gather_results(&pass->shared);
        nan_unify(pass->shared.y, pass->shared.rows * pass->shared.network->outputs);
    }
    float_env_leave(env);
}

/* Opens the stage after `stage`, unless the pass has been stopped. */
static void end_stage(relud_pass *pass, size_t stage)
{
    uint64_t now = atomic_load_explicit(&pass->next, memory_order_relaxed);
    atomic_store_explicit(&pass->finished, 0, memory_order_relaxed);
    while (stage_in(now) == stage &&
           !atomic_compare_exchange_weak_explicit(&pass->next, &now, open_stage(pass, stage + 1),
                                                  memory_order_acq_rel, memory_order_relaxed))
        ;
}

/* Waits some tens of microseconds for a stage with pieces: it opens sooner than a thread that
 * sleeps wakes up. Returns what is there then. */
static uint64_t await_pieces(relud_pass *pass)
{
    enum { SPINS = 1000 };
    uint64_t now = atomic_load_explicit(&pass->next, memory_order_acquire);
    for (int i = 0; i < SPINS && taken_in(now) >= pieces_in(now) && stage_in(now) != STAGE_CLOSED;
         i++) {
        spin_pause();
        now = atomic_load_explicit(&pass->next, memory_order_acquire);
    }
    return now;
}

enum relud_pass_state relud_pass_work(relud_pass *pass, relud_scratch *scratch)
{
    uint64_t now = await_pieces(pass);
    if (taken_in(now) < pieces_in(now))
        now = atomic_fetch_add_explicit(&pass->next, 1, memory_order_acq_rel);
    if (taken_in(now) >= pieces_in(now))
        return stage_in(now) == STAGE_CLOSED ? RELUD_PASS_DONE : RELUD_PASS_WAIT;
    size_t stage = (size_t)stage_in(now);
    run_piece(pass, &pass->stage[stage], (size_t)taken_in(now), scratch);
    if (atomic_fetch_add_explicit(&pass->finished, 1, memory_order_acq_rel) + 1 == pieces_in(now))
        end_stage(pass, stage);
    return RELUD_PASS_MORE;
}

void relud_pass_stop(relud_pass *pass)
{
    atomic_store_explicit(&pass->next, pack(STAGE_CLOSED, 0), memory_order_release);
}
