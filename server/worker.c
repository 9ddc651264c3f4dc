#include "server/worker.h"

#include "server/clock.h"
#include "server/http.h"
#include <errno.h>
#include <signal.h>
#include <string.h>

enum { IDLE_US = 1000000, DRAIN_US = 20000 };

/* How long the first job may still wait for company (--batch-delay-us); 0 when it need not. */
static int64_t company_us(const struct worker *w)
{
    const struct turn *turn = &w->service.turn;
    int64_t delay_us = (int64_t)w->service.config->batch_delay_us;
    if (delay_us == 0 || !turn->first || turn->rows_waiting >= turn->batch_rows_max)
        return 0;
    int64_t left_us = delay_us - (clock_ns() - turn->first->submit_ns) / 1000;
    return left_us > 0 ? left_us : 0;
}

/* How long the loop may sleep before its next turn. */
static int64_t wait_us(const struct worker *w)
{
    const struct turn *turn = &w->service.turn;
    if (http_is_pressed(w->http) || turn->unanswered > turn->jobs_waiting)
        return 0; /* something is done and wants to go out */
    int64_t sweep_us = http_sweep_pause_ns(w->http) / 1000;
    if (turn->first) {
        int64_t left_us = company_us(w);
        return left_us < sweep_us ? left_us : sweep_us;
    }
    if (w->is_stopping)
        return DRAIN_US;
    return http_connections(w->http) ? sweep_us : IDLE_US;
}

/* Goes over to what is served now. */
static void take_catalog(struct service *service)
{
    struct repository *repository = service->keeper->repository;
    if (!repository_is_newest(repository, service->turn.catalog))
        turn_change_catalog(&service->turn, repository_take(repository));
}

/* One turn is one batch: what arrived while the last pass ran is answered by the next. */
static void worker_turn(struct worker *w)
{
    take_catalog(&w->service);
    reading_begin_turn(&w->service.reading);
    http_run(w->http, wait_us(w)); /* answers out to the sockets, requests in from them */
    if (w->service.turn.has_new_long)
        http_run(w->http, 0); /* who came while it was read need not wait for its pass */
    if (company_us(w) == 0)
        turn_forward(&w->service.turn); /* rows → answers, one pass per model */
    http_sweep(w->http);
}

static void *run(void *at)
{
    struct worker *w = at;
    while (!w->is_stopping)
        worker_turn(w);
    do {
        http_drain(w->http);
        worker_turn(w);
    } while (w->seat->taken);
    catalog_release(w->service.turn.catalog); /* who changes it now need not wait for us */
    w->service.turn.catalog = NULL;
    w->is_ended = true;
    return NULL;
}

bool worker_open(struct worker *worker, size_t number, struct intake_seat *seat, bool is_suspending,
                 struct relud_error *error)
{
    struct service *service = &worker->service;
    if (!turn_init(&service->turn, repository_take(service->keeper->repository), number,
                   service->shard, service->config->batch_rows_max, service->config->body_bytes_max,
                   error))
        return false;
    worker->seat = seat;
    worker->http = http_open(service, seat, is_suspending, error);
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
    pthread_kill(worker->thread,
                 SIGUSR1); /* its handler does nothing: the loop's wait ends with EINTR */
}

void worker_close(struct worker *worker)
{
    http_close(worker->http);
    worker->http = NULL;
    turn_reset(&worker->service.turn);
}
