/* The thread that loads and unloads models while the workers serve. It runs one load_job after the
 * other. */
#ifndef SERVER_MODELS_LOADER_H
#define SERVER_MODELS_LOADER_H

#include "server/base/list.h"
#include "server/models/repository.h"
#include <pthread.h>

enum load_job_kind { LOAD_JOB_LOAD, LOAD_JOB_UNLOAD };

/* What an admin request asks for. The request and the loader each hold a reference; the last
 * load_job_release frees the job. */
struct load_job {
    struct list_node node;
    enum load_job_kind kind;
    char name[MODEL_NAME_BYTES];
    char policy[64]; /* for LOAD_JOB_LOAD; "" keeps the policy */
    bool is_right;   /* is_right and error are valid once is_done */
    struct relud_error error;
    _Atomic bool is_done;
    _Atomic int references;
};

/* Returns a job with two references, or NULL if memory runs out. */
struct load_job *load_job_new(enum load_job_kind kind, const char *name);
void load_job_release(struct load_job *load_job); /* NULL is fine */

struct model_loader {
    struct repository *repository;
    size_t poll_seconds;         /* seconds between two looks at the disk; 0: never look */
    void (*on_done)(void *user); /* called after each load_job; may be NULL */
    void *user;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t change;
    struct list jobs; /* the queue */
    bool is_refresh_wanted, is_stopping, is_started;
};

/* Starts the thread, which borrows the repository. Returns false and sets *error on failure. */
bool model_loader_start(struct model_loader *loader, struct repository *repository,
                        size_t poll_seconds, void (*on_done)(void *user), void *user,
                        struct relud_error *error);
/* Stops the thread after the load_job that it is running. Jobs that still wait fail with an error.
 * Returns false if the running load_job has not ended within `ms` milliseconds; the thread then
 * still uses the repository. */
bool model_loader_stop(struct model_loader *loader, int64_t ms);

/* Appends a job to the queue. Any thread may call this. */
void model_loader_submit(struct model_loader *loader, struct load_job *load_job);
/* Makes the thread look at the disk now. Any thread may call this. */
void model_loader_refresh(struct model_loader *loader);

#endif
