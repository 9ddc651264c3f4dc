#include "server/serve/worker.h"

#include "server/base/clock.h"
#include "server/http/daemon.h"
#include <errno.h>
#include <signal.h>
#include <string.h>

enum {
    IDLE_US = 1000000,
    DRAIN_US = 20000,
    STALLED_US = 100, /* until it looks again whether other workers have done their pieces */
    HELP_NS = 500000, /* a worker that helps looks at its connections this often */
};

/* The time that the first waiting job may still wait for others to join its batch
 * (--batch-delay-us); 0 if it should not wait. */
static int64_t company_us(const struct worker *w)
{
    const struct turn *turn = &w->service.turn;
    const struct turn_job *first = turn_first(turn);
    int64_t delay_us = (int64_t)w->service.config->batch_delay_us;
    if (delay_us == 0 || !first || turn_has_pass(turn) ||
        turn->rows_waiting >= turn->batch_rows_max || http_is_pressed(w->http))
        return 0;
    int64_t left_us = delay_us - (clock_ns() - first->submit_ns) / 1000;
    return left_us > 0 ? left_us : 0;
}

/* How long the loop may sleep before its next turn. */
static int64_t wait_us(const struct worker *w)
{
    const struct turn *turn = &w->service.turn;
    if (http_is_pressed(w->http) || turn->unanswered > turn->jobs_waiting)
        return 0; /* a response is ready to be sent */
    if (turn_has_pass(turn))
        return turn_is_stalled(turn) ? STALLED_US : 0;
    int64_t sweep_us = http_sweep_pause_ns(w->http) / 1000;
    if (turn_first(turn)) {
        int64_t left_us = company_us(w);
        return left_us < sweep_us ? left_us : sweep_us;
    }
    if (w->is_stopping)
        return DRAIN_US;
    return http_connections(w->http) ? sweep_us : IDLE_US;
}

/* Takes the newest catalog. While long work is in progress the worker keeps the old one, and new
 * long work is held off until the worker has the new one. */
static void take_catalog(struct service *service)
{
    struct repository *repository = service->loader->repository;
    bool is_newest = repository_is_newest(repository, service->turn.catalog);
    /* Work in progress continues with the catalog that it began with. */
    service->long_work.is_held_off = !is_newest;
    if (is_newest || service->long_work.is_under_way)
        return;
    turn_change_catalog(&service->turn, repository_take(repository));
    service->long_work.is_held_off = false;
}

/* Takes the newest keys. */
static void take_keys(struct service *service)
{
    if (keyring_is_newest(service->keyring, service->keys))
        return;
    keys_release(service->keys);
    service->keys = keyring_take(service->keyring);
}

/* Works on the passes of other workers for a while. Returns false if there was nothing to do. */
static bool help_others(const struct turn *turn)
{
    if (!turn->crew || !crew_has_offer(turn->crew))
        return false;
    int64_t begin_ns = clock_ns();
    int64_t help_ns = turn_has_short(turn, begin_ns) ? 0 : HELP_NS; /* 0: one piece */
    bool has_helped = crew_help(turn->crew, turn->worker, begin_ns + help_ns);
    if (has_helped)
        counter_add(&turn->shard->helped_ns, (uint64_t)(clock_ns() - begin_ns));
    return has_helped;
}

/* One turn computes one batch: requests that arrive during a pass are answered by the next. */
static void worker_turn(struct worker *w)
{
    struct turn *turn = &w->service.turn;
    take_catalog(&w->service);
    take_keys(&w->service);
    long_work_begin_turn(&w->service.long_work);
    int64_t idle_us = wait_us(w);
    if (idle_us > 0 && help_others(turn))
        idle_us = 0;
    /* Sends responses and reads requests. */
    http_run(w->http, idle_us);
    if (turn->has_new_long)
        /* Requests that came while a long one was read need not wait for its pass. */
        http_run(w->http, 0);
    if (company_us(w) == 0)
        /* Rows to answers: one pass for each model. */
        turn_forward(turn);
    http_sweep(w->http);
    if (w->service.access)
        access_log_flush(w->service.access);
}

static void *run(void *at)
{
    struct worker *w = at;
    while (!w->is_stopping)
        worker_turn(w);
    do {
        http_drain(w->http);
        worker_turn(w);
    } while (w->queue->taken);
    /* Release it now, so that whoever publishes the next catalog need not wait for us. */
    catalog_release(w->service.turn.catalog);
    w->service.turn.catalog = NULL;
    keys_release(w->service.keys);
    w->service.keys = NULL;
    w->is_ended = true;
    return NULL;
}

bool worker_open(struct worker *worker, size_t number, struct worker_queue *queue,
                 bool is_suspending, struct relud_error *error)
{
    struct service *service = &worker->service;
    if (!turn_init(&service->turn, repository_take(service->loader->repository), number,
                   service->shard, service->config->batch_rows_max, service->config->body_bytes_max,
                   error))
        return false;
    worker->queue = queue;
    worker->http = http_open(service, queue, is_suspending, error);
    return worker->http != NULL;
}

bool worker_start(struct worker *worker, struct relud_error *error)
{
    int failure = pthread_create(&worker->thread, NULL, run, worker);
    return failure == 0 ||
           relud_fail(error, RELUD_IO, "a worker's thread does not start: %s", strerror(failure));
}

void worker_wake(struct worker *worker)
{
    /* The signal's handler does nothing, but the loop's wait ends with EINTR. */
    pthread_kill(worker->thread, SIGUSR1);
}

void worker_close(struct worker *worker)
{
    http_close(worker->http);
    worker->http = NULL;
    long_work_reset(&worker->service.long_work);
    turn_reset(&worker->service.turn);
}
