/* The thread that loads and unloads models, one errand after the other, while the workers serve. */
#ifndef SERVER_KEEPER_H
#define SERVER_KEEPER_H

#include "server/repository.h"
#include <pthread.h>

enum errand_kind { ERRAND_LOAD, ERRAND_UNLOAD };

/* What an admin call asks for. Belongs to two: who asks, and the keeper; the last errand_release frees it. */
struct errand {
    struct errand *next;
    enum errand_kind kind;
    char name[MODEL_NAME_BYTES];
    char policy[64]; /* for ERRAND_LOAD; "": as it is */
    bool is_right;   /* these two once is_done */
    struct relud_error error;
    _Atomic bool is_done;
    _Atomic int references;
};

struct errand *errand_new(enum errand_kind kind, const char *name);
void errand_release(struct errand *errand); /* NULL is fine */

struct keeper {
    struct repository *repository;
    size_t poll_seconds;         /* look at the disk this often; 0: never */
    void (*on_done)(void *user); /* told after each errand */
    void *user;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t change;
    struct errand *first, *last;
    bool is_refresh_wanted, is_stopping, is_started;
};

bool keeper_start(struct keeper *keeper, struct repository *repository, size_t poll_seconds,
                  void (*on_done)(void *user), void *user, struct relud_error *error);
/* After the errand under way. Those that still wait are answered with an error. */
void keeper_stop(struct keeper *keeper);

void keeper_submit(struct keeper *keeper, struct errand *errand);
/* Look at the disk now. */
void keeper_refresh(struct keeper *keeper);

#endif
