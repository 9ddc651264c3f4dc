#include "server/models/loader.h"

#include "server/base/clock.h"
#include "server/log/log.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct load_job *load_job_new(enum load_job_kind kind, const char *name)
{
    struct load_job *load_job = calloc(1, sizeof *load_job);
    if (!load_job)
        return NULL;
    load_job->kind = kind;
    load_job->references = 2;
    snprintf(load_job->name, sizeof load_job->name, "%s", name);
    return load_job;
}

void load_job_release(struct load_job *load_job)
{
    if (load_job && --load_job->references == 0)
        free(load_job);
}

static void finish(struct model_loader *loader, struct load_job *load_job)
{
    load_job->is_done = true;
    load_job_release(load_job);
    if (loader->on_done)
        loader->on_done(loader->user);
}

static void run_job(struct model_loader *loader, struct load_job *load_job)
{
    if (load_job->kind == LOAD_JOB_LOAD)
        load_job->is_right =
            repository_load(loader->repository, load_job->name,
                            load_job->policy[0] ? load_job->policy : NULL, &load_job->error);
    else
        load_job->is_right =
            repository_unload(loader->repository, load_job->name, &load_job->error);
    finish(loader, load_job);
}

static void refresh(struct model_loader *loader, bool is_asked)
{
    size_t loaded = repository_refresh(loader->repository);
    if (is_asked || loaded)
        log_info("models: %zu version%s loaded, the others are as they were", loaded,
                 loaded == 1 ? "" : "s");
}

/* Waits for something to do. Returns false if it is time to look at the disk. Call this with the
 * lock held. */
static bool wait_change(struct model_loader *loader, const struct timespec *look)
{
    while (!loader->jobs.first && !loader->is_refresh_wanted && !loader->is_stopping) {
        if (loader->poll_seconds == 0)
            pthread_cond_wait(&loader->change, &loader->lock);
        else if (pthread_cond_timedwait(&loader->change, &loader->lock, look) != 0)
            return false;
    }
    return true;
}

static void *run(void *at)
{
    struct model_loader *loader = at;
    struct timespec look;
    clock_gettime(CLOCK_MONOTONIC, &look);
    look.tv_sec += (time_t)loader->poll_seconds;
    pthread_mutex_lock(&loader->lock);
    while (!loader->is_stopping) {
        bool is_time = !wait_change(loader, &look), is_asked = loader->is_refresh_wanted;
        if (loader->is_stopping)
            break;
        struct load_job *load_job = list_take(&loader->jobs);
        loader->is_refresh_wanted = false;
        pthread_mutex_unlock(&loader->lock);
        if (is_time || is_asked) {
            refresh(loader, is_asked);
            clock_gettime(CLOCK_MONOTONIC, &look);
            look.tv_sec += (time_t)loader->poll_seconds;
        }
        if (load_job)
            run_job(loader, load_job);
        pthread_mutex_lock(&loader->lock);
    }
    pthread_mutex_unlock(&loader->lock);
    return NULL;
}

bool model_loader_start(struct model_loader *loader, struct repository *repository,
                        size_t poll_seconds, void (*on_done)(void *user), void *user,
                        struct relud_error *error)
{
    *loader = (struct model_loader){
        .repository = repository, .poll_seconds = poll_seconds, .on_done = on_done, .user = user};
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&loader->lock, NULL);
    pthread_cond_init(&loader->change, &monotonic);
    pthread_condattr_destroy(&monotonic);
    int failure = pthread_create(&loader->thread, NULL, run, loader);
    loader->is_started = failure == 0;
    return loader->is_started ||
           relud_fail(error, RELUD_IO, "the thread that loads models does not start: %s",
                      strerror(failure));
}

bool model_loader_stop(struct model_loader *loader, int64_t ms)
{
    if (!loader->is_started)
        return true;
    pthread_mutex_lock(&loader->lock);
    loader->is_stopping = true;
    pthread_cond_signal(&loader->change);
    pthread_mutex_unlock(&loader->lock);
    struct timespec until = clock_after(ms);
    if (pthread_clockjoin_np(loader->thread, NULL, CLOCK_MONOTONIC, &until) != 0)
        return false;
    loader->is_started = false;
    for (struct load_job *load_job; (load_job = list_take(&loader->jobs));) {
        relud_fail(&load_job->error, RELUD_IO, "the server is stopping");
        finish(loader, load_job);
    }
    return true;
}

void model_loader_submit(struct model_loader *loader, struct load_job *load_job)
{
    pthread_mutex_lock(&loader->lock);
    list_append(&loader->jobs, load_job);
    pthread_cond_signal(&loader->change);
    pthread_mutex_unlock(&loader->lock);
}

void model_loader_refresh(struct model_loader *loader)
{
    pthread_mutex_lock(&loader->lock);
    loader->is_refresh_wanted = true;
    pthread_cond_signal(&loader->change);
    pthread_mutex_unlock(&loader->lock);
}
