#include "server/keeper.h"

#include "server/log.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct errand *errand_new(enum errand_kind kind, const char *name)
{
    struct errand *errand = calloc(1, sizeof *errand);
    if (!errand)
        return NULL;
    errand->kind = kind;
    errand->references = 2;
    snprintf(errand->name, sizeof errand->name, "%s", name);
    return errand;
}

void errand_release(struct errand *errand)
{
    if (errand && --errand->references == 0)
        free(errand);
}

static void finish(struct keeper *keeper, struct errand *errand)
{
    errand->is_done = true;
    errand_release(errand);
    if (keeper->on_done)
        keeper->on_done(keeper->user);
}

static void run_errand(struct keeper *keeper, struct errand *errand)
{
    if (errand->kind == ERRAND_LOAD)
        errand->is_right =
            repository_load(keeper->repository, errand->name,
                            errand->policy[0] ? errand->policy : NULL, &errand->error);
    else
        errand->is_right = repository_unload(keeper->repository, errand->name, &errand->error);
    finish(keeper, errand);
}

static void refresh(struct keeper *keeper, bool is_asked)
{
    size_t loaded = repository_refresh(keeper->repository);
    if (is_asked || loaded)
        log_info("models: %zu version%s loaded, the others are as they were", loaded,
                 loaded == 1 ? "" : "s");
}

/* Waits, with the lock held, for something to do; false when it is time to look at the disk. */
static bool wait_change(struct keeper *keeper, const struct timespec *look)
{
    while (!keeper->first && !keeper->is_refresh_wanted && !keeper->is_stopping) {
        if (keeper->poll_seconds == 0)
            pthread_cond_wait(&keeper->change, &keeper->lock);
        else if (pthread_cond_timedwait(&keeper->change, &keeper->lock, look) != 0)
            return false;
    }
    return true;
}

static struct errand *take_errand(struct keeper *keeper)
{
    struct errand *errand = keeper->first;
    if (errand)
        keeper->first = errand->next;
    if (!keeper->first)
        keeper->last = NULL;
    return errand;
}

static void *run(void *at)
{
    struct keeper *keeper = at;
    struct timespec look;
    clock_gettime(CLOCK_MONOTONIC, &look);
    look.tv_sec += (time_t)keeper->poll_seconds;
    pthread_mutex_lock(&keeper->lock);
    while (!keeper->is_stopping) {
        bool is_time = !wait_change(keeper, &look), is_asked = keeper->is_refresh_wanted;
        if (keeper->is_stopping)
            break;
        struct errand *errand = take_errand(keeper);
        keeper->is_refresh_wanted = false;
        pthread_mutex_unlock(&keeper->lock);
        if (is_time || is_asked) {
            refresh(keeper, is_asked);
            clock_gettime(CLOCK_MONOTONIC, &look);
            look.tv_sec += (time_t)keeper->poll_seconds;
        }
        if (errand)
            run_errand(keeper, errand);
        pthread_mutex_lock(&keeper->lock);
    }
    pthread_mutex_unlock(&keeper->lock);
    return NULL;
}

bool keeper_start(struct keeper *keeper, struct repository *repository, size_t poll_seconds,
                  void (*on_done)(void *user), void *user, struct relud_error *error)
{
    *keeper = (struct keeper){
        .repository = repository, .poll_seconds = poll_seconds, .on_done = on_done, .user = user};
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&keeper->lock, NULL);
    pthread_cond_init(&keeper->change, &monotonic);
    pthread_condattr_destroy(&monotonic);
    int failure = pthread_create(&keeper->thread, NULL, run, keeper);
    keeper->is_started = failure == 0;
    return keeper->is_started ||
           relud_fail(error, RELUD_IO, "no thread for loading models: %s", strerror(failure));
}

void keeper_stop(struct keeper *keeper)
{
    if (!keeper->is_started)
        return;
    pthread_mutex_lock(&keeper->lock);
    keeper->is_stopping = true;
    pthread_cond_signal(&keeper->change);
    pthread_mutex_unlock(&keeper->lock);
    pthread_join(keeper->thread, NULL);
    keeper->is_started = false;
    while (keeper->first) {
        struct errand *errand = keeper->first;
        keeper->first = errand->next;
        relud_fail(&errand->error, RELUD_IO, "the server is stopping");
        finish(keeper, errand);
    }
}

void keeper_submit(struct keeper *keeper, struct errand *errand)
{
    pthread_mutex_lock(&keeper->lock);
    if (keeper->last)
        keeper->last->next = errand;
    else
        keeper->first = errand;
    keeper->last = errand;
    pthread_cond_signal(&keeper->change);
    pthread_mutex_unlock(&keeper->lock);
}

void keeper_refresh(struct keeper *keeper)
{
    pthread_mutex_lock(&keeper->lock);
    keeper->is_refresh_wanted = true;
    pthread_cond_signal(&keeper->change);
    pthread_mutex_unlock(&keeper->lock);
}
