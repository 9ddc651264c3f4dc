#include "server/cli/thread_team.h"

#include "server/base/cpus.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#if defined(__x86_64__)
#include <immintrin.h>
#define PAUSE _mm_pause()
#else
#define PAUSE (void)0
#endif

/* Some tens of microseconds. Pieces of work follow each other faster than a sleeping thread wakes
 * up. */
enum { SPINS = 4000 };

struct member {
    struct thread_team *team;
    size_t part;
    pthread_t thread;
};

struct thread_team {
    size_t parts, started;
    struct member *member; /* [parts - 1] */
    pthread_mutex_t mutex;
    pthread_cond_t begun, done;
    void (*work)(void *arg, size_t part, size_t parts); /* NULL: the end */
    void *arg;
    atomic_size_t turn; /* counts pieces of work */
    atomic_size_t busy; /* members that work */
};

size_t thread_team_parts(size_t wanted, size_t pieces, size_t floats)
{
    const size_t floats_max = (size_t)1 << 28;
    size_t parts = wanted ? wanted : cpus_allowed();
    parts = parts < pieces ? parts : pieces;
    parts = parts < floats_max / floats ? parts : floats_max / floats;
    return parts ? parts : 1;
}

/* Waits until *value is no longer `old`: first spinning, then asleep. */
static void await_change(struct thread_team *team, atomic_size_t *value, size_t old,
                         pthread_cond_t *cond)
{
    for (int i = 0; i < SPINS; i++) {
        if (atomic_load_explicit(value, memory_order_acquire) != old)
            return;
        PAUSE;
    }
    pthread_mutex_lock(&team->mutex);
    while (atomic_load_explicit(value, memory_order_acquire) == old)
        pthread_cond_wait(cond, &team->mutex);
    pthread_mutex_unlock(&team->mutex);
}

static void *member_run(void *user)
{
    struct member *member = user;
    struct thread_team *team = member->team;
    for (size_t turn = 0;; turn++) {
        await_change(team, &team->turn, turn, &team->begun);
        if (!team->work)
            return NULL;
        team->work(team->arg, member->part, team->parts);
        pthread_mutex_lock(&team->mutex);
        if (atomic_fetch_sub_explicit(&team->busy, 1, memory_order_acq_rel) == 1)
            pthread_cond_signal(&team->done);
        pthread_mutex_unlock(&team->mutex);
    }
}

static void begin(struct thread_team *team, void (*work)(void *arg, size_t part, size_t parts),
                  void *arg)
{
    pthread_mutex_lock(&team->mutex);
    team->work = work;
    team->arg = arg;
    atomic_store_explicit(&team->busy, team->started, memory_order_relaxed);
    atomic_fetch_add_explicit(&team->turn, 1, memory_order_release);
    pthread_cond_broadcast(&team->begun);
    pthread_mutex_unlock(&team->mutex);
}

static void run(void *self, void (*work)(void *arg, size_t part, size_t parts), void *arg)
{
    struct thread_team *team = self;
    begin(team, work, arg);
    work(arg, 0, team->parts);
    for (size_t left; (left = atomic_load_explicit(&team->busy, memory_order_acquire)) != 0;)
        await_change(team, &team->busy, left, &team->done);
}

struct thread_team *thread_team_new(size_t parts)
{
    struct thread_team *team = calloc(1, sizeof *team);
    struct member *member = calloc(parts, sizeof *member);
    if (!team || !member) {
        free(team);
        free(member);
        return NULL;
    }
    team->parts = parts;
    team->member = member;
    pthread_mutex_init(&team->mutex, NULL);
    pthread_cond_init(&team->begun, NULL);
    pthread_cond_init(&team->done, NULL);
    for (; team->started + 1 < parts; team->started++) {
        struct member *next = &member[team->started];
        *next = (struct member){.team = team, .part = team->started + 1};
        if (pthread_create(&next->thread, NULL, member_run, next) != 0) {
            thread_team_free(team);
            return NULL;
        }
    }
    return team;
}

void thread_team_free(struct thread_team *team)
{
    if (!team)
        return;
    begin(team, NULL, NULL);
    for (size_t i = 0; i < team->started; i++)
        pthread_join(team->member[i].thread, NULL);
    pthread_cond_destroy(&team->begun);
    pthread_cond_destroy(&team->done);
    pthread_mutex_destroy(&team->mutex);
    free(team->member);
    free(team);
}

struct relud_team thread_team_hook(struct thread_team *team)
{
    return (struct relud_team){team->parts, run, team};
}
