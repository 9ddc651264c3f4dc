#include "server/serve/reloader.h"

#include "server/base/clock.h"
#include "server/log/log.h"
#include <string.h>

static void *run(void *at)
{
    struct reloader *reloader = at;
    for (;;) {
        struct relud_error error;
        while (sem_wait(&reloader->wanted) != 0)
            ;
        /* One reload serves all requests up to now. */
        while (sem_trywait(&reloader->wanted) == 0)
            ;
        if (reloader->is_stopping)
            return NULL;
        if (reloader->keyring->path && !keyring_load(reloader->keyring, &error))
            log_error("%s: the keys stay as they were", error.text);
        if (reloader->tls && !tls_reload(reloader->tls, &error))
            log_error("%s: the certificates stay as they were", error.text);
        reloader->on_done(reloader->user);
    }
}

bool reloader_start(struct reloader *reloader, struct relud_error *error)
{
    sem_init(&reloader->wanted, 0, 0);
    int failure = pthread_create(&reloader->thread, NULL, run, reloader);
    reloader->is_started = failure == 0;
    return reloader->is_started ||
           relud_fail(error, RELUD_IO, "the thread that reloads keys does not start: %s",
                      strerror(failure));
}

void reloader_ask(struct reloader *reloader)
{
    sem_post(&reloader->wanted);
}

bool reloader_stop(struct reloader *reloader, int64_t ms)
{
    if (!reloader->is_started)
        return true;
    reloader->is_stopping = true;
    sem_post(&reloader->wanted);
    struct timespec until = clock_after(ms);
    if (pthread_clockjoin_np(reloader->thread, NULL, CLOCK_MONOTONIC, &until) != 0)
        return false;
    reloader->is_started = false;
    sem_destroy(&reloader->wanted);
    return true;
}
