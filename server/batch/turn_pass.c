/* The forward passes of a turn: over its short jobs, and over its long ones together with other
 * workers. */
#include "server/batch/turn_private.h"

#include "server/base/clock.h"
#include <stdlib.h>
#include <string.h>

/* True when b's rows and answers continue a's in memory, so that both are one matrix. b may be
 * NULL. */
static bool is_continued(const struct turn_job *a, const struct turn_job *b)
{
    const struct relud_model_info *info = a->served->info;
    return b && a->served == b->served && !a->layer_out && !b->layer_out && b->rows_done == 0 &&
           a->x + a->rows * info->features == b->x && a->y + a->rows * info->outputs == b->y;
}

/* The rows of the jobs that lie end to end at the head of the list, as long as they are less than
 * `most`. */
static size_t rows_at_head(const struct list *list, size_t most)
{
    const struct turn_job *tail = list->first;
    size_t rows = tail->rows - tail->rows_done;
    while (rows < most && is_continued(tail, tail->node.next)) {
        tail = tail->node.next;
        rows += tail->rows;
    }
    return rows;
}

/* Counts a pass that took `ns`. One of more rows than batch_rows_max, which never go through the
 * net together, counts as several. */
static void count_pass(const struct turn *turn, const struct served_model *served, size_t rows,
                       int64_t ns)
{
    struct metrics_model *model = &served->series->shard[turn->worker];
    for (size_t left = rows, some; left; left -= some) {
        some = left < turn->batch_rows_max ? left : turn->batch_rows_max;
        metrics_batch(model, some, (int64_t)((double)ns * (double)some / (double)rows));
    }
    metrics_stage(turn->shard, STAGE_FORWARD, ns);
}

/* A pass of `batch` rows has computed so many of the job's rows. If any are left, the job goes to
 * the back of the queue. */
static void end_rows(struct turn *turn, struct list *queue, struct turn_job *job, size_t rows,
                     size_t batch, int64_t begin_ns, int64_t now_ns)
{
    batch = batch < turn->batch_rows_max ? batch : turn->batch_rows_max;
    if (job->rows_done == 0)
        job->begin_ns = begin_ns;
    job->forward_ns += now_ns - begin_ns;
    job->batch_rows = batch > job->batch_rows ? batch : job->batch_rows;
    job->rows_done += rows;
    turn_count_waiting(turn, job->served, -rows);
    if (job->rows_done < job->rows) {
        job->list = queue;
        list_append(queue, job);
        return;
    }
    job->is_done = true;
    turn->jobs_waiting--;
    if (turn->on_done)
        turn->on_done(job);
}

/* ---- short jobs ---- */

/* About the longest time of a pass over several short jobs. */
static const double pass_ns = 1000000;

size_t turn_pass_short(struct turn *turn, size_t budget, int64_t *now_ns)
{
    const struct turn_job *head = turn->queue.first;
    const struct served_model *served = head->served;
    size_t fit = (size_t)(pass_ns / served->info->row_ns);
    size_t rows = rows_at_head(&turn->queue, budget < fit ? budget : fit);
    const float *x = head->x, *y = head->y;
    relud_predict_layers(served->scratch[turn->worker], x, rows, head->y, head->layer_out);
    int64_t begin_ns = *now_ns;
    *now_ns = clock_ns();
    count_pass(turn, served, rows, *now_ns - begin_ns);
    for (size_t left = rows; left;) {
        struct turn_job *job = list_take(&turn->queue);
        left -= job->rows;
        end_rows(turn, &turn->queue, job, job->rows, rows, begin_ns, *now_ns);
    }
    /* after the jobs, so that it counts for no job's time */
    *now_ns = drift_watch_look(served->drift_watch, x, y, rows, *now_ns);
    *now_ns = unit_watch_look(served->unit_watch, turn->worker, served->scratch[turn->worker], x,
                              *now_ns);
    return rows < budget ? rows : budget;
}

/* ---- long jobs ---- */

/* A row that takes so long is worth copying, so that the weights are read for many rows at a
 * time. */
static const double costly_ns = 10000;

static bool may_join(const struct turn_job *head, const struct turn_job *job)
{
    return job->served == head->served && !job->layer_out && !head->layer_out;
}

/* The rows of all jobs that the head's pass may take, as long as they are less than `most`. */
static size_t rows_to_gather(const struct turn_job *head, size_t most)
{
    size_t rows = 0;
    for (const struct turn_job *job = head; job && rows < most; job = job->node.next)
        rows += may_join(head, job) ? job->rows - job->rows_done : 0;
    return rows < most ? rows : most;
}

/* Copies the rows of several jobs to one place. Returns how many; 0 if the head's alone are as
 * good, or memory runs out. */
static size_t gather(struct turn_lane *lane, const struct turn_job *head, size_t most)
{
    const struct relud_model_info *info = head->served->info;
    size_t rows = info->row_ns < costly_ns ? 0 : rows_to_gather(head, most);
    size_t floats = rows * (info->features + info->outputs);
    if (rows <= head->rows - head->rows_done)
        return 0;
    if (floats > lane->gathered_cap) {
        free(lane->gathered);
        lane->gathered = malloc(floats * sizeof *lane->gathered);
        lane->gathered_cap = lane->gathered ? floats : 0;
    }
    if (!lane->gathered)
        return 0;
    size_t at = 0;
    for (const struct turn_job *job = head; at < rows; job = job->node.next) {
        size_t left = may_join(head, job) ? job->rows - job->rows_done : 0;
        size_t some = left < rows - at ? left : rows - at;
        memcpy(lane->gathered + at * info->features, job->x + job->rows_done * info->features,
               some * info->features * sizeof *job->x);
        at += some;
    }
    return rows;
}

/* Takes jobs into the pass, as many as it has rows for. */
static void take_jobs(struct turn_lane *lane, struct turn_job *head)
{
    lane->shares = 0;
    size_t left = lane->pass_rows;
    for (struct turn_job *job = head, *next; left; job = next) {
        next = job->node.next;
        if (job != head && !may_join(head, job))
            continue;
        size_t rows = job->rows - job->rows_done < left ? job->rows - job->rows_done : left;
        lane->share[lane->shares++] = (struct turn_share){job, rows};
        left -= rows;
        list_remove(&lane->queue, job);
        job->list = &lane->in_pass;
        list_append(job->list, job);
    }
}

_Static_assert((int)TURN_LANES == (int)CREW_PASSES, "each lane may offer its pass");

/* The number by which the crew knows the lane's pass. */
static size_t number_of(const struct turn *turn, const struct turn_lane *lane)
{
    return (size_t)(lane - turn->lane);
}

static void begin_shared(struct turn *turn, struct turn_lane *lane, int64_t now_ns)
{
    struct turn_job *head = lane->queue.first;
    const struct served_model *served = head->served;
    struct relud_pass_rows rows = {head->x, head->y, head->layer_out, head->rows_done,
                                   head->rows - head->rows_done};
    lane->gathered_rows = gather(lane, head, turn->batch_rows_max);
    if (lane->gathered_rows)
        rows = (struct relud_pass_rows){
            .x = lane->gathered,
            .y = lane->gathered + lane->gathered_rows * served->info->features,
            .rows = lane->gathered_rows,
        };
    lane->pass_rows = relud_pass_begin(lane->pass, served->model, &rows);
    lane->pass_begin_ns = now_ns;
    take_jobs(lane, head);
    if (turn->crew)
        crew_offer(turn->crew, turn->worker, number_of(turn, lane), lane->pass, served,
                   (double)lane->pass_rows * served->info->row_ns);
}

static void close_pass(struct turn *turn, struct turn_lane *lane)
{
    lane->pass_rows = 0;
    lane->is_stalled = false;
    if (turn->crew)
        crew_close(turn->crew, turn->worker, number_of(turn, lane));
}

void turn_leave_shared(struct turn *turn, const struct turn_job *job)
{
    struct turn_lane *lane = turn->lane;
    while (lane < turn->lane + TURN_LANES && job->list != &lane->in_pass)
        lane++;
    if (lane == turn->lane + TURN_LANES)
        return;
    for (size_t i = 0; i < lane->shares; i++)
        if (lane->share[i].job == job)
            lane->share[i].job = NULL;
    if (lane->in_pass.first)
        return;
    relud_pass_stop(lane->pass);
    close_pass(turn, lane);
}

/* Gives the jobs of the pass their answers. */
static void end_shares(struct turn *turn, struct turn_lane *lane, const struct served_model *served,
                       size_t rows, int64_t now_ns)
{
    size_t outputs = served->info->outputs, at = lane->gathered_rows * served->info->features;
    for (size_t i = 0; i < lane->shares; i++) {
        struct turn_job *job = lane->share[i].job;
        size_t some = lane->share[i].rows;
        if (job && lane->gathered_rows)
            memcpy(job->y + job->rows_done * outputs, lane->gathered + at,
                   some * outputs * sizeof *job->y);
        at += some * outputs;
        if (!job)
            continue;
        list_remove(&lane->in_pass, job);
        end_rows(turn, &lane->queue, job, some, rows, lane->pass_begin_ns, now_ns);
    }
}

/* The rows of the pass that are the head's. */
static size_t rows_of_head(const struct turn_lane *lane)
{
    size_t i = 0;
    while (lane->share[i].job != lane->in_pass.first)
        i++;
    return lane->share[i].rows;
}

static void end_shared(struct turn *turn, struct turn_lane *lane, int64_t now_ns)
{
    const struct turn_job *head = lane->in_pass.first;
    const struct served_model *served = head->served;
    const float *x = head->x + head->rows_done * served->info->features;
    const float *y = head->y + head->rows_done * served->info->outputs;
    size_t rows = lane->pass_rows, head_rows = rows_of_head(lane);
    close_pass(turn, lane);
    count_pass(turn, served, rows, now_ns - lane->pass_begin_ns);
    end_shares(turn, lane, served, rows, now_ns);
    now_ns = drift_watch_look(served->drift_watch, x, y, head_rows, now_ns);
    unit_watch_look(served->unit_watch, turn->worker, served->scratch[turn->worker], x, now_ns);
    if (!lane->queue.first) {
        free(lane->gathered);
        lane->gathered = NULL;
        lane->gathered_cap = 0;
    }
}

/* Computes the next piece of the lane's pass. Returns the time. */
static int64_t work_on(struct turn *turn, struct turn_lane *lane, int64_t now_ns)
{
    if (!lane->pass_rows)
        begin_shared(turn, lane, now_ns);
    const struct turn_job *head = lane->in_pass.first;
    enum relud_pass_state state = relud_pass_work(lane->pass, head->served->scratch[turn->worker]);
    now_ns = clock_ns();
    for (size_t i = 0; state != RELUD_PASS_WAIT && i < TURN_LANES; i++)
        turn->lane[i].is_stalled = false; /* the others may be through by now */
    lane->is_stalled = state == RELUD_PASS_WAIT;
    if (state == RELUD_PASS_DONE)
        end_shared(turn, lane, now_ns);
    return now_ns;
}

bool turn_lane_has_work(const struct turn_lane *lane)
{
    return (lane->pass_rows || lane->queue.first) && !lane->is_stalled;
}

/* The lane whose turn it is; NULL if no lane has anything to compute. */
static struct turn_lane *next_lane(struct turn *turn)
{
    for (size_t i = 1; i <= TURN_LANES; i++) {
        size_t number = (turn->last_lane + i) % TURN_LANES;
        if (!turn_lane_has_work(&turn->lane[number]))
            continue;
        turn->last_lane = number;
        return &turn->lane[number];
    }
    return NULL;
}

void turn_work_shared(struct turn *turn, int64_t now_ns, int64_t end_ns)
{
    size_t jobs = turn->jobs_waiting;
    for (size_t i = 0; i < TURN_LANES; i++)
        turn->lane[i].is_stalled = false;
    do {
        struct turn_lane *lane = next_lane(turn);
        if (!lane)
            return;
        now_ns = work_on(turn, lane, now_ns);
    } while (turn->jobs_waiting == jobs && now_ns < end_ns);
}
