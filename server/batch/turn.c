#include "server/batch/turn_private.h"

#include "server/base/clock.h"
#include <stdlib.h>
#include <sys/mman.h>

/* Reserves address space that costs no memory until it is touched. */
static float *reserve(size_t floats)
{
    void *at = mmap(NULL, floats * sizeof(float), PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return at == MAP_FAILED ? NULL : at;
}

bool turn_init(struct turn *turn, struct catalog *catalog, size_t worker,
               struct metrics_shard *shard, size_t batch_rows_max, size_t body_bytes_max,
               struct relud_error *error)
{
    *turn = (struct turn){
        .batch_rows_max = batch_rows_max, .shard = shard, .worker = worker, .catalog = catalog};
    turn->rows_cap = 2 * (body_bytes_max / 2 + 64) + ((size_t)1 << 20);
    turn->answers_cap = 2 * TURN_ANSWER_FLOATS_MAX;
    turn->open = &turn->buffer[0];
    for (size_t i = 0; i < 2; i++) {
        turn->buffer[i].rows = reserve(turn->rows_cap);
        turn->buffer[i].answers = reserve(turn->answers_cap);
        if (!turn->buffer[i].rows || !turn->buffer[i].answers)
            return relud_fail(error, RELUD_NO_MEMORY, "no address space for the turn's rows");
    }
    for (size_t i = 0; i < TURN_LANES; i++) {
        struct turn_lane *lane = &turn->lane[i];
        lane->pass = relud_pass_new(batch_rows_max);
        lane->share = calloc(batch_rows_max, sizeof *lane->share);
        if (!lane->pass || !lane->share)
            return relud_fail(error, RELUD_NO_MEMORY, "out of memory");
    }
    return true;
}

void turn_reset(struct turn *turn)
{
    for (size_t i = 0; i < 2; i++) {
        if (turn->buffer[i].rows)
            munmap(turn->buffer[i].rows, turn->rows_cap * sizeof(float));
        if (turn->buffer[i].answers)
            munmap(turn->buffer[i].answers, turn->answers_cap * sizeof(float));
    }
    for (size_t i = 0; i < TURN_LANES; i++) {
        relud_pass_free(turn->lane[i].pass);
        free(turn->lane[i].gathered);
        free(turn->lane[i].share);
    }
    catalog_release(turn->catalog);
    *turn = (struct turn){0};
}

void turn_change_catalog(struct turn *turn, struct catalog *catalog)
{
    struct catalog *old = turn->catalog;
    turn->catalog = catalog;
    if (old->jobs[turn->worker] == 0)
        catalog_release(old);
}

/* Pages beyond this are given back when a buffer empties, so that a burst of large bodies does not
 * keep its memory. */
enum { KEEP_FLOATS = 1 << 18 };

static void trim(float *at, size_t used)
{
    if (used > KEEP_FLOATS)
        madvise(at + KEEP_FLOATS, (used - KEEP_FLOATS) * sizeof(float), MADV_DONTNEED);
}

static void empty_buffer(struct row_buffer *buffer)
{
    trim(buffer->rows, buffer->rows_len);
    trim(buffer->answers, buffer->answers_len);
    buffer->rows_len = buffer->answers_len = 0;
}

/* Opens the other buffer as soon as it is empty, so that this one can empty in its turn. */
static void swap_buffers(struct turn *turn)
{
    struct row_buffer *other = &turn->buffer[turn->open == &turn->buffer[0]];
    if (turn->open->jobs && !other->jobs)
        turn->open = other;
}

enum turn_verdict turn_rows(struct turn *turn, const struct turn_job *job, size_t count,
                            float **rows)
{
    *rows = job->rows_held;
    if (job->rows_held)
        return TURN_TAKEN;
    if (count > turn->rows_cap)
        return TURN_NEVER;
    if (turn->rows_cap - turn->open->rows_len < count)
        swap_buffers(turn);
    if (turn->rows_cap - turn->open->rows_len < count)
        return TURN_FULL;
    turn->rows_offered = count;
    *rows = turn->open->rows + turn->open->rows_len;
    return TURN_TAKEN;
}

void turn_hold(struct turn *turn, struct turn_job *job)
{
    struct row_buffer *buffer = turn->open;
    if (job->rows_held)
        return;
    job->rows_held = buffer->rows + buffer->rows_len;
    job->rows_held_len = turn->rows_offered;
    job->buffer = buffer;
    buffer->rows_len += job->rows_held_len;
    buffer->jobs++;
}

/* Keeps only the first `floats` of the held floats. The others become free if no other job's rows
 * lie behind them. */
static void keep_held(const struct turn_job *job, size_t floats)
{
    struct row_buffer *buffer = job->buffer;
    if (job->rows_held + job->rows_held_len == buffer->rows + buffer->rows_len)
        buffer->rows_len -= job->rows_held_len - floats;
}

static void leave_buffer(struct turn_job *job)
{
    if (--job->buffer->jobs == 0)
        empty_buffer(job->buffer);
    job->buffer = NULL;
}

void turn_count_waiting(struct turn *turn, const struct served_model *served, size_t rows)
{
    turn->rows_waiting += rows;
    counter_add(&served->series->shard[turn->worker].waiting_rows, (uint64_t)rows);
}

size_t turn_answer_floats(const struct served_model *served, size_t rows, bool is_layered)
{
    size_t width = served->info->outputs;
    for (size_t i = 0; is_layered && i < served->info->layers; i++)
        width += relud_model_layer(served->model, i)->outputs;
    return rows > SIZE_MAX / width ? SIZE_MAX : rows * width;
}

/* Returns where each layer's answers begin, from `at` on. NULL when memory runs out. */
static float **find_layers(const struct served_model *served, size_t rows, float *at)
{
    size_t layers = served->info->layers;
    float **layer_out = malloc(layers * sizeof *layer_out);
    for (size_t i = 0; layer_out && i < layers; i++) {
        layer_out[i] = at;
        at += rows * relud_model_layer(served->model, i)->outputs;
    }
    return layer_out;
}

/* The list for a job of so many rows. */
static struct list *list_for(struct turn *turn, const struct served_model *served, size_t rows)
{
    double cost_ns = (double)rows * served->info->row_ns;
    if (cost_ns <= TURN_LONG_NS)
        return &turn->queue;
    bool is_few = rows <= TURN_FEW_ROWS || cost_ns <= TURN_FEW_NS;
    return &turn->lane[is_few ? TURN_FEW : TURN_MANY].queue;
}

const struct turn_job *turn_first(const struct turn *turn)
{
    const struct turn_job *first = turn->queue.first;
    for (size_t i = 0; i < TURN_LANES; i++) {
        const struct turn_job *job = turn->lane[i].queue.first;
        if (!first || (job && job->submit_ns < first->submit_ns))
            first = job;
    }
    return first;
}

bool turn_has_pass(const struct turn *turn)
{
    bool has_pass = false;
    for (size_t i = 0; i < TURN_LANES; i++)
        has_pass |= turn->lane[i].pass_rows > 0;
    return has_pass;
}

bool turn_is_stalled(const struct turn *turn)
{
    bool has_work = turn->queue.first;
    for (size_t i = 0; i < TURN_LANES; i++)
        has_work |= turn_lane_has_work(&turn->lane[i]);
    return turn_has_pass(turn) && !has_work;
}

bool turn_has_short(const struct turn *turn, int64_t now_ns)
{
    enum { JUST_NOW_NS = 20000000 };
    return now_ns - turn->short_ns < JUST_NOW_NS;
}

/* Releases a job that was not taken: the rows it holds would keep the buffer from emptying for its
 * own answer. */
static enum turn_verdict refuse(struct turn *turn, struct turn_job *job, enum turn_verdict verdict)
{
    turn_release(turn, job);
    swap_buffers(turn);
    return verdict;
}

enum turn_verdict turn_submit(struct turn *turn, struct turn_job *job,
                              const struct served_model *served, size_t rows, bool is_layered)
{
    struct row_buffer *buffer = job->rows_held ? job->buffer : turn->open;
    size_t answer = turn_answer_floats(served, rows, is_layered);
    if (answer > turn->answers_cap)
        return refuse(turn, job, TURN_NEVER);
    if (turn->answers_cap - buffer->answers_len < answer)
        return refuse(turn, job, TURN_FULL);
    float *y = buffer->answers + buffer->answers_len, **layer_out = NULL;
    if (is_layered && !(layer_out = find_layers(served, rows, y + rows * served->info->outputs)))
        return refuse(turn, job, TURN_FULL);
    turn_hold(turn, job);
    keep_held(job, job->is_lent ? 0 : rows * served->info->features);
    *job = (struct turn_job){.buffer = buffer,
                             .served = served,
                             .catalog = turn->catalog,
                             .x = job->is_lent ? job->x : job->rows_held,
                             .is_lent = job->is_lent,
                             .y = y,
                             .layer_out = layer_out,
                             .rows = rows,
                             .owner = job->owner,
                             .deadline_ns = job->deadline_ns,
                             .submit_ns = clock_ns()};
    turn->catalog->jobs[turn->worker]++;
    buffer->answers_len += answer;
    job->list = list_for(turn, served, rows);
    list_append(job->list, job);
    turn_count_waiting(turn, served, rows);
    turn->has_new_long |= job->list != &turn->queue;
    if (job->list == &turn->queue && rows * served->info->features <= TURN_SHORT_FLOATS)
        turn->short_ns = job->submit_ns;
    turn->jobs_waiting++;
    turn->unanswered++;
    return TURN_TAKEN;
}

/* ---- the turn ---- */

static void unlink_job(struct turn *turn, struct turn_job *job)
{
    list_remove(job->list, job);
    turn_leave_shared(turn, job);
    turn_count_waiting(turn, job->served, job->rows_done - job->rows);
    turn->jobs_waiting--;
}

/* Ends the jobs of a list whose deadline has passed, without computing them. */
static void drop_late(struct turn *turn, const struct list *list, int64_t now_ns)
{
    for (struct turn_job *job = list->first, *next; job; job = next) {
        next = job->node.next;
        if (job->deadline_ns == 0 || now_ns < job->deadline_ns)
            continue;
        unlink_job(turn, job);
        job->begin_ns = now_ns;
        job->is_done = job->is_late = true;
        if (turn->on_done)
            turn->on_done(job);
    }
}

static void drop_all_late(struct turn *turn, int64_t now_ns)
{
    drop_late(turn, &turn->queue, now_ns);
    for (size_t i = 0; i < TURN_LANES; i++) {
        drop_late(turn, &turn->lane[i].in_pass, now_ns);
        drop_late(turn, &turn->lane[i].queue, now_ns);
    }
}

void turn_forward(struct turn *turn)
{
    if (!turn->jobs_waiting)
        return;
    int64_t now_ns = clock_ns();
    drop_all_late(turn, now_ns);
    turn->has_new_long = false;
    size_t left = turn->batch_rows_max;
    int64_t end_ns = now_ns + TURN_NS;
    while (left && turn->queue.first && now_ns < end_ns)
        left -= turn_pass_short(turn, left, &now_ns);
    turn_work_shared(turn, now_ns, turn_has_short(turn, now_ns) ? now_ns : now_ns + TURN_NS);
    drop_all_late(turn, clock_ns()); /* so that they are answered before the next pass */
    counter_add(&turn->shard->turns, 1);
    swap_buffers(turn);
}

void turn_release(struct turn *turn, struct turn_job *job)
{
    if (!job->buffer)
        return;
    if (job->rows_held) { /* it was never submitted */
        leave_buffer(job);
        job->rows_held = NULL;
        return;
    }
    if (!job->is_done)
        unlink_job(turn, job); /* first: another worker may be writing to the buffer */
    leave_buffer(job);
    free(job->layer_out);
    job->layer_out = NULL;
    turn->unanswered--;
    size_t *jobs = &job->catalog->jobs[turn->worker];
    if (--*jobs == 0 && job->catalog != turn->catalog)
        catalog_release(job->catalog);
}
