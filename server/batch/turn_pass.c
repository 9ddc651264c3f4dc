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

/* A pass of `batch` rows has computed so many of the job's rows. */
static void end_rows(struct turn *turn, struct turn_job *job, size_t rows, size_t batch,
                     int64_t begin_ns, int64_t now_ns)
{
    batch = batch < turn->batch_rows_max ? batch : turn->batch_rows_max;
    if (job->rows_done == 0)
        job->begin_ns = begin_ns;
    job->forward_ns += now_ns - begin_ns;
    job->batch_rows = batch > job->batch_rows ? batch : job->batch_rows;
    job->rows_done += rows;
    turn_count_waiting(turn, job->served, -rows);
    if (job->rows_done < job->rows) {
        job->list = &turn->long_queue;
        list_append(job->list, job);
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
    const float *x = head->x;
    relud_predict_layers(served->scratch[turn->worker], x, rows, head->y, head->layer_out);
    int64_t begin_ns = *now_ns;
    *now_ns = clock_ns();
    count_pass(turn, served, rows, *now_ns - begin_ns);
    for (size_t left = rows; left;) {
        struct turn_job *job = list_take(&turn->queue);
        left -= job->rows;
        end_rows(turn, job, job->rows, rows, begin_ns, *now_ns);
    }
    /* after the jobs, so that it counts for no job's time */
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
static size_t gather(struct turn *turn, const struct turn_job *head)
{
    const struct relud_model_info *info = head->served->info;
    size_t rows = info->row_ns < costly_ns ? 0 : rows_to_gather(head, turn->batch_rows_max);
    size_t floats = rows * (info->features + info->outputs);
    if (rows <= head->rows - head->rows_done)
        return 0;
    if (floats > turn->gathered_cap) {
        free(turn->gathered);
        turn->gathered = malloc(floats * sizeof *turn->gathered);
        turn->gathered_cap = turn->gathered ? floats : 0;
    }
    if (!turn->gathered)
        return 0;
    size_t at = 0;
    for (const struct turn_job *job = head; at < rows; job = job->node.next) {
        size_t left = may_join(head, job) ? job->rows - job->rows_done : 0;
        size_t some = left < rows - at ? left : rows - at;
        memcpy(turn->gathered + at * info->features, job->x + job->rows_done * info->features,
               some * info->features * sizeof *job->x);
        at += some;
    }
    return rows;
}

/* Takes jobs into the pass, as many as it has rows for. */
static void take_jobs(struct turn *turn, struct turn_job *head)
{
    turn->shares = 0;
    size_t left = turn->pass_rows;
    for (struct turn_job *job = head, *next; left; job = next) {
        next = job->node.next;
        if (job != head && !may_join(head, job))
            continue;
        size_t rows = job->rows - job->rows_done < left ? job->rows - job->rows_done : left;
        turn->share[turn->shares++] = (struct turn_share){job, rows};
        left -= rows;
        list_remove(&turn->long_queue, job);
        job->list = &turn->in_pass;
        list_append(job->list, job);
    }
}

static void begin_shared(struct turn *turn, int64_t now_ns)
{
    struct turn_job *head = turn->long_queue.first;
    const struct served_model *served = head->served;
    struct relud_pass_rows rows = {head->x, head->y, head->layer_out, head->rows_done,
                                   head->rows - head->rows_done};
    turn->gathered_rows = gather(turn, head);
    if (turn->gathered_rows)
        rows = (struct relud_pass_rows){
            .x = turn->gathered,
            .y = turn->gathered + turn->gathered_rows * served->info->features,
            .rows = turn->gathered_rows,
        };
    turn->pass_rows = relud_pass_begin(turn->pass, served->model, &rows);
    turn->pass_begin_ns = now_ns;
    take_jobs(turn, head);
    if (turn->crew)
        crew_offer(turn->crew, turn->worker, turn->pass, served,
                   (double)turn->pass_rows * served->info->row_ns);
}

void turn_leave_shared(struct turn *turn, struct turn_job *job)
{
    for (size_t i = 0; i < turn->shares; i++)
        if (turn->share[i].job == job)
            turn->share[i].job = NULL;
    if (turn->in_pass.first)
        return;
    relud_pass_stop(turn->pass);
    if (turn->crew)
        crew_close(turn->crew, turn->worker);
    turn->pass_rows = 0;
    turn->is_stalled = false;
}

/* Gives the jobs of the pass their answers. */
static void end_shares(struct turn *turn, const struct served_model *served, size_t rows,
                       int64_t now_ns)
{
    size_t outputs = served->info->outputs, at = turn->gathered_rows * served->info->features;
    for (size_t i = 0; i < turn->shares; i++) {
        struct turn_job *job = turn->share[i].job;
        size_t some = turn->share[i].rows;
        if (job && turn->gathered_rows)
            memcpy(job->y + job->rows_done * outputs, turn->gathered + at,
                   some * outputs * sizeof *job->y);
        at += some * outputs;
        if (!job)
            continue;
        list_remove(&turn->in_pass, job);
        end_rows(turn, job, some, rows, turn->pass_begin_ns, now_ns);
    }
}

static void end_shared(struct turn *turn, int64_t now_ns)
{
    const struct turn_job *head = turn->in_pass.first;
    const struct served_model *served = head->served;
    const float *x = head->x + head->rows_done * served->info->features;
    size_t rows = turn->pass_rows;
    turn->pass_rows = 0;
    if (turn->crew)
        crew_close(turn->crew, turn->worker);
    count_pass(turn, served, rows, now_ns - turn->pass_begin_ns);
    end_shares(turn, served, rows, now_ns);
    unit_watch_look(served->unit_watch, turn->worker, served->scratch[turn->worker], x, now_ns);
    if (!turn->long_queue.first) {
        free(turn->gathered);
        turn->gathered = NULL;
        turn->gathered_cap = 0;
    }
}

void turn_work_shared(struct turn *turn, int64_t now_ns, int64_t end_ns)
{
    size_t jobs = turn->jobs_waiting;
    turn->is_stalled = false;
    while (turn->jobs_waiting == jobs && !turn->is_stalled) {
        if (!turn->pass_rows && !turn->long_queue.first)
            return;
        if (!turn->pass_rows)
            begin_shared(turn, now_ns);
        const struct turn_job *head = turn->in_pass.first;
        enum relud_pass_state state =
            relud_pass_work(turn->pass, head->served->scratch[turn->worker]);
        now_ns = clock_ns();
        turn->is_stalled = state == RELUD_PASS_WAIT;
        if (state == RELUD_PASS_DONE)
            end_shared(turn, now_ns);
        if (now_ns >= end_ns)
            return;
    }
}
