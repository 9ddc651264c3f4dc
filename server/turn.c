#include "server/turn.h"

#include "server/clock.h"
#include <stdlib.h>
#include <sys/mman.h>

/* Address space that costs nothing until it is touched. */
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
    turn->open = &turn->floor[0];
    for (size_t i = 0; i < 2; i++) {
        turn->floor[i].rows = reserve(turn->rows_cap);
        turn->floor[i].answers = reserve(turn->answers_cap);
        if (!turn->floor[i].rows || !turn->floor[i].answers)
            return relud_fail(error, RELUD_NO_MEMORY, "no address space for the turn's rows");
    }
    return true;
}

void turn_reset(struct turn *turn)
{
    for (size_t i = 0; i < 2; i++) {
        if (turn->floor[i].rows)
            munmap(turn->floor[i].rows, turn->rows_cap * sizeof(float));
        if (turn->floor[i].answers)
            munmap(turn->floor[i].answers, turn->answers_cap * sizeof(float));
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

/* Pages beyond this are given back when a floor empties: a burst of great bodies is not kept for ever. */
enum { KEEP_FLOATS = 1 << 18 };

static void trim(float *at, size_t used)
{
    if (used > KEEP_FLOATS)
        madvise(at + KEEP_FLOATS, (used - KEEP_FLOATS) * sizeof(float), MADV_DONTNEED);
}

static void empty_floor(struct turn_floor *floor)
{
    trim(floor->rows, floor->rows_len);
    trim(floor->answers, floor->answers_len);
    floor->rows_len = floor->answers_len = 0;
}

/* Takes the other floor as soon as it is empty, so that this one can empty in its turn. */
static void change_floors(struct turn *turn)
{
    struct turn_floor *other = &turn->floor[turn->open == &turn->floor[0]];
    if (turn->open->jobs && !other->jobs)
        turn->open = other;
}

float *turn_rows(struct turn *turn, const struct turn_job *job, size_t count)
{
    if (job->held)
        return job->held;
    if (turn->rows_cap - turn->open->rows_len < count)
        change_floors(turn);
    if (turn->rows_cap - turn->open->rows_len < count)
        return NULL;
    turn->offered = count;
    return turn->open->rows + turn->open->rows_len;
}

void turn_hold(struct turn *turn, struct turn_job *job)
{
    struct turn_floor *floor = turn->open;
    if (job->held)
        return;
    job->held = floor->rows + floor->rows_len;
    job->held_len = turn->offered;
    job->floor = floor;
    floor->rows_len += job->held_len;
    floor->jobs++;
}

/* So many of the floats that are held are enough; the others are free again, where nobody's come behind them. */
static void keep_held(const struct turn_job *job, size_t floats)
{
    struct turn_floor *floor = job->floor;
    if (job->held + job->held_len == floor->rows + floor->rows_len)
        floor->rows_len -= job->held_len - floats;
}

static void leave_floor(struct turn_job *job)
{
    if (--job->floor->jobs == 0)
        empty_floor(job->floor);
    job->floor = NULL;
}

/* Rows of the entry join the line of those that wait, or leave it (`rows` negative in two's complement). */
static void count_waiting(struct turn *turn, const struct entry *entry, size_t rows)
{
    turn->rows_waiting += rows;
    counter_add(&entry->series->shard[turn->worker].waiting_rows, (uint64_t)rows);
}

static struct turn_job *take_first(struct turn *turn)
{
    struct turn_job *job = turn->first;
    turn->first = job->next;
    if (!turn->first)
        turn->last = NULL;
    job->next = NULL;
    return job;
}

static void put_last(struct turn *turn, struct turn_job *job)
{
    if (turn->last)
        turn->last->next = job;
    else
        turn->first = job;
    turn->last = job;
}

size_t turn_answer_floats(const struct entry *entry, size_t rows, bool is_layered)
{
    size_t width = entry->info->outputs;
    for (size_t i = 0; is_layered && i < entry->info->layers; i++)
        width += relud_model_layer(entry->model, i)->outputs;
    return rows > SIZE_MAX / width ? SIZE_MAX : rows * width;
}

/* The first [layers] are where each layer's answers begin, from `at`; the second where the pass under way writes. NULL when there is
 * no memory. */
static float **find_layers(const struct entry *entry, size_t rows, float *at)
{
    size_t layers = entry->info->layers;
    float **layer_out = malloc(2 * layers * sizeof *layer_out);
    for (size_t i = 0; layer_out && i < layers; i++) {
        layer_out[i] = at;
        at += rows * relud_model_layer(entry->model, i)->outputs;
    }
    return layer_out;
}

static bool is_short(const struct turn_job *job)
{
    return job->rows <= TURN_SHORT_ROWS;
}

bool turn_has_short(const struct turn *turn, int64_t now_ns)
{
    enum { JUST_NOW_NS = 20000000 };
    return now_ns - turn->short_ns < JUST_NOW_NS;
}

/* Its rows, where they are held, would keep the floor from emptying for its own answer. */
static enum turn_verdict refuse_full(struct turn *turn, struct turn_job *job)
{
    turn_release(turn, job);
    change_floors(turn);
    return TURN_FULL;
}

enum turn_verdict turn_submit(struct turn *turn, struct turn_job *job, const struct entry *entry,
                              size_t rows, bool is_layered)
{
    struct turn_floor *floor = job->held ? job->floor : turn->open;
    size_t answer = turn_answer_floats(entry, rows, is_layered);
    if (turn->answers_cap - floor->answers_len < answer)
        return refuse_full(turn, job);
    float *y = floor->answers + floor->answers_len, **layer_out = NULL;
    if (is_layered && !(layer_out = find_layers(entry, rows, y + rows * entry->info->outputs)))
        return refuse_full(turn, job);
    turn_hold(turn, job);
    keep_held(job, rows * entry->info->features);
    *job = (struct turn_job){.floor = floor,
                             .entry = entry,
                             .catalog = turn->catalog,
                             .x = job->held,
                             .y = y,
                             .layer_out = layer_out,
                             .rows = rows,
                             .owner = job->owner,
                             .deadline_ns = job->deadline_ns,
                             .submit_ns = clock_ns()};
    turn->catalog->jobs[turn->worker]++;
    floor->answers_len += answer;
    put_last(turn, job);
    count_waiting(turn, entry, rows);
    turn->has_new_long |= !is_short(job);
    if (is_short(job) && rows * entry->info->features <= TURN_SHORT_FLOATS)
        turn->short_ns = job->submit_ns;
    turn->jobs_waiting++;
    turn->unanswered++;
    return TURN_TAKEN;
}

/* True when b's rows and answers continue a's in memory, so that both are one matrix. */
static bool is_continued(const struct turn_job *a, const struct turn_job *b)
{
    const struct relud_model_info *info = a->entry->info;
    return a->entry == b->entry && !a->layer_out && !b->layer_out && b->rows_done == 0 &&
           a->x + a->rows * info->features == b->x && a->y + a->rows * info->outputs == b->y;
}

static void pass_layered(struct turn *turn, struct turn_job *job, size_t rows)
{
    const struct relud_model_info *info = job->entry->info;
    float **now = job->layer_out + info->layers;
    for (size_t i = 0; i < info->layers; i++)
        now[i] =
            job->layer_out[i] + job->rows_done * relud_model_layer(job->entry->model, i)->outputs;
    relud_predict_layers(job->entry->scratch[turn->worker],
                         job->x + job->rows_done * info->features, rows,
                         job->y + job->rows_done * info->outputs, now);
}

/* One pass over the jobs that lie end to end at the head of the line, `budget` rows at the most. Returns the
 * rows it took. */
static size_t pass(struct turn *turn, size_t budget, int64_t *now_ns)
{
    struct turn_job *head = turn->first, *tail = head;
    const struct entry *entry = head->entry;
    const struct relud_model_info *info = entry->info;
    size_t rows = head->rows - head->rows_done;
    while (rows < budget && tail->next && is_continued(tail, tail->next)) {
        tail = tail->next;
        rows += tail->rows;
    }
    rows = rows < budget ? rows : budget;
    const float *x = head->x + head->rows_done * info->features;
    float *y = head->y + head->rows_done * info->outputs;
    if (head->layer_out)
        pass_layered(turn, head, rows);
    else
        relud_predict(head->entry->scratch[turn->worker], x, rows, y);
    int64_t begin = *now_ns;
    *now_ns = clock_ns();
    metrics_batch(&head->entry->series->shard[turn->worker], rows, *now_ns - begin);
    count_waiting(turn, head->entry, -rows);
    metrics_stage(turn->shard, STAGE_FORWARD, *now_ns - begin);

    for (size_t left = rows; left;) {
        struct turn_job *job = take_first(turn);
        size_t share = job->rows - job->rows_done < left ? job->rows - job->rows_done : left;
        if (job->rows_done == 0)
            job->begin_ns = begin;
        job->forward_ns += *now_ns - begin;
        job->batch_rows = rows > job->batch_rows ? rows : job->batch_rows;
        job->rows_done += share;
        left -= share;
        if (job->rows_done < job->rows) {
            put_last(turn, job);
            continue;
        }
        job->is_done = true;
        turn->jobs_waiting--;
        if (turn->on_done)
            turn->on_done(job);
    }
    /* last, so that it counts for no job's time */
    *now_ns = insight_look(entry->insight, turn->worker, entry->scratch[turn->worker], x, *now_ns);
    return rows;
}

static void unlink_job(struct turn *turn, struct turn_job *job)
{
    struct turn_job **link = &turn->first, *before = NULL;
    while (*link && *link != job) {
        before = *link;
        link = &before->next;
    }
    if (!*link)
        return;
    *link = job->next;
    if (turn->last == job)
        turn->last = before;
    count_waiting(turn, job->entry, job->rows_done - job->rows);
    turn->jobs_waiting--;
}

/* Nobody waits for them any more: no work is done for them. */
static void drop_late(struct turn *turn, int64_t now_ns)
{
    for (struct turn_job *job = turn->first, *next; job; job = next) {
        next = job->next;
        if (job->deadline_ns == 0 || now_ns < job->deadline_ns)
            continue;
        unlink_job(turn, job);
        job->begin_ns = now_ns;
        job->is_done = job->is_late = true;
        if (turn->on_done)
            turn->on_done(job);
    }
}

/* Puts the short jobs before the long ones, in their order among themselves. The rows that the short ones have, where there are both; 0
 * where there are not, and all stays as it is. */
static size_t put_short_first(struct turn *turn)
{
    struct turn_job *of[2] = {NULL, NULL}, *last[2] = {NULL, NULL}; /* long, short */
    size_t rows = 0;
    for (struct turn_job *job = turn->first; job; job = job->next) {
        bool kind = is_short(job);
        if (last[kind])
            last[kind]->next = job;
        else
            of[kind] = job;
        last[kind] = job;
        rows += kind ? job->rows - job->rows_done : 0;
    }
    if (!of[0] || !of[1])
        return 0;
    last[1]->next = of[0];
    last[0]->next = NULL;
    turn->first = of[1];
    turn->last = last[0];
    return rows;
}

void turn_forward(struct turn *turn)
{
    if (!turn->first)
        return;
    int64_t now_ns = clock_ns();
    drop_late(turn, now_ns);
    size_t left = turn->batch_rows_max;
    size_t short_rows = turn->is_long_due ? 0 : put_short_first(turn);
    turn->is_long_due = short_rows > 0;
    turn->has_new_long = false;
    if (short_rows && short_rows < left)
        left = short_rows;
    if (turn->first && !is_short(turn->first) && left > TURN_PIECE_ROWS &&
        turn_has_short(turn, now_ns))
        left = TURN_PIECE_ROWS;
    while (left && turn->first)
        left -= pass(turn, left, &now_ns);
    drop_late(turn, now_ns); /* to be told before the next pass */
    counter_add(&turn->shard->turns, 1);
    change_floors(turn);
}

void turn_release(struct turn *turn, struct turn_job *job)
{
    if (!job->floor)
        return;
    leave_floor(job);
    if (job->held) { /* never submitted */
        job->held = NULL;
        return;
    }
    if (!job->is_done)
        unlink_job(turn, job);
    free(job->layer_out);
    job->layer_out = NULL;
    turn->unanswered--;
    size_t *jobs = &job->catalog->jobs[turn->worker];
    if (--*jobs == 0 && job->catalog != turn->catalog)
        catalog_release(job->catalog);
}
