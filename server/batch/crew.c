#include "server/batch/crew.h"

#include "server/base/clock.h"
#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* A pass is worth one more worker for each of these; waking one takes a tenth of it. */
static const double worth_ns = 250000;

struct offer {
    /* written by the worker when it offers a pass */
    _Alignas(64) _Atomic(relud_pass *) pass; /* NULL: none is offered */
    const struct served_model *served;
    /* written by all */
    _Alignas(64) atomic_size_t inside; /* other workers that look at this offer */
};

struct member {
    struct offer offer[CREW_PASSES];
    atomic_bool is_asleep;
    int fd; /* an eventfd: wakes the worker */
};

struct crew {
    size_t workers;
    atomic_size_t offers;
    struct member member[]; /* [workers] */
};

struct crew *crew_new(size_t workers, struct relud_error *error)
{
    size_t bytes = sizeof(struct crew) + workers * sizeof(struct member);
    struct crew *crew = aligned_alloc(64, (bytes + 63) / 64 * 64);
    if (!crew) {
        relud_fail(error, RELUD_NO_MEMORY, "out of memory");
        return NULL;
    }
    memset(crew, 0, bytes);
    for (; crew->workers < workers; crew->workers++) {
        int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (fd < 0) {
            relud_fail(error, RELUD_IO, "eventfd: %s", strerror(errno));
            crew_free(crew);
            return NULL;
        }
        crew->member[crew->workers].fd = fd;
    }
    return crew;
}

void crew_free(struct crew *crew)
{
    for (size_t i = 0; crew && i < crew->workers; i++)
        close(crew->member[i].fd);
    free(crew);
}

/* ---- the worker whose pass it is ---- */

static void wake(const struct member *member)
{
    const uint64_t one = 1;
    /* The counter cannot overflow: a worker is woken once for each of its sleeps. */
    ssize_t written = write(member->fd, &one, sizeof one);
    (void)written;
}

void crew_offer(struct crew *crew, size_t worker, size_t number, relud_pass *pass,
                const struct served_model *served, double cost_ns)
{
    struct offer *offer = &crew->member[worker].offer[number];
    size_t wanted = (size_t)(cost_ns / worth_ns);
    offer->served = served;
    atomic_store(&offer->pass, pass);
    atomic_fetch_add(&crew->offers, 1);
    for (size_t i = 1; i < crew->workers && wanted; i++) {
        struct member *other = &crew->member[(worker + i) % crew->workers];
        if (!atomic_load(&other->is_asleep) || !atomic_exchange(&other->is_asleep, false))
            continue;
        wake(other);
        wanted--;
    }
}

void crew_close(struct crew *crew, size_t worker, size_t number)
{
    struct offer *offer = &crew->member[worker].offer[number];
    if (!atomic_load(&offer->pass))
        return;
    atomic_store(&offer->pass, NULL);
    atomic_fetch_sub(&crew->offers, 1);
    while (atomic_load(&offer->inside))
        sched_yield(); /* at most as long as a piece takes */
}

/* ---- the others ---- */

/* Whoever is counted inside sees either no pass, or one that crew_close waits for. */
static bool help_one(struct offer *offer, size_t worker, int64_t end_ns)
{
    bool has_helped = false;
    atomic_fetch_add(&offer->inside, 1);
    relud_pass *pass = atomic_load(&offer->pass);
    while (pass && relud_pass_work(pass, offer->served->scratch[worker]) == RELUD_PASS_MORE) {
        has_helped = true;
        if (clock_ns() >= end_ns)
            break;
    }
    atomic_fetch_sub(&offer->inside, 1);
    return has_helped;
}

/* Helps the first worker that has a piece. */
static bool help_any(struct crew *crew, size_t worker, int64_t end_ns)
{
    bool has_helped = false;
    size_t others = crew->workers - 1;
    for (size_t i = 0; i < CREW_PASSES * others && !has_helped; i++) {
        size_t other = (worker + 1 + i % others) % crew->workers;
        struct offer *offer = &crew->member[other].offer[i / others];
        if (atomic_load_explicit(&offer->pass, memory_order_relaxed))
            has_helped = help_one(offer, worker, end_ns);
    }
    return has_helped;
}

bool crew_has_offer(const struct crew *crew)
{
    return atomic_load_explicit(&crew->offers, memory_order_relaxed);
}

bool crew_help(struct crew *crew, size_t worker, int64_t end_ns)
{
    /* The next pass often follows sooner than a thread that sleeps wakes up. */
    enum { PATIENCE_NS = 50000 };
    bool has_helped = false;
    int64_t now_ns, seen_ns = 0;
    do {
        bool is_new = crew_has_offer(crew) && help_any(crew, worker, end_ns);
        if (!is_new && !has_helped)
            return false;
        now_ns = clock_ns();
        seen_ns = is_new ? now_ns : seen_ns;
        has_helped = true;
    } while (now_ns < end_ns && now_ns < seen_ns + PATIENCE_NS);
    return has_helped;
}

bool crew_may_sleep(struct crew *crew, size_t worker)
{
    atomic_store(&crew->member[worker].is_asleep, true);
    return atomic_load(&crew->offers) == 0;
}

void crew_is_awake(struct crew *crew, size_t worker, bool is_readable)
{
    struct member *own = &crew->member[worker];
    uint64_t count;
    atomic_store_explicit(&own->is_asleep, false, memory_order_relaxed);
    if (is_readable) {
        ssize_t got = read(own->fd, &count, sizeof count);
        (void)got;
    }
}

int crew_fd(const struct crew *crew, size_t worker)
{
    return crew->member[worker].fd;
}
