/* The thread that reads API keys and certificates again. It is separate from the thread that loads
 * models, because a withdrawn key must not stay valid while a large net loads. Neither thread
 * delays a signal. */
#ifndef SERVER_SERVE_RELOADER_H
#define SERVER_SERVE_RELOADER_H

#include "server/base/keys.h"
#include "server/net/tls.h"
#include <pthread.h>
#include <semaphore.h>

struct reloader {
    struct keyring *keyring; /* its path is NULL if clients need no key */
    struct tls *tls;         /* NULL: no TLS */
    /* Called after each reload, so that workers take the new keys. */
    void (*on_done)(void *user);
    void *user;
    sem_t wanted;
    pthread_t thread;
    _Atomic bool is_stopping;
    bool is_started;
};

/* Starts the thread. The first four members must be set. Returns false and sets *error on
 * failure. */
bool reloader_start(struct reloader *reloader, struct relud_error *error);
/* Asks for a reload. If a file cannot be read, this is logged and nothing changes. Any thread may
 * call this. */
void reloader_ask(struct reloader *reloader);
/* Stops the thread. Returns false if it has not ended within `ms` milliseconds because it waits for
 * a file; it then still uses the keyring and the tls. */
bool reloader_stop(struct reloader *reloader, int64_t ms);

#endif
