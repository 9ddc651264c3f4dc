/* Long work of requests: reading and decompressing large bodies, costly activations, writing and
 * compressing large responses. It is done for one request after the other, in the order of arrival,
 * in one time slice per turn. So a short request never waits longer than one slice. The work itself
 * knows nothing of slices: it runs on its own stack (server/base/fiber.h) and calls long_work_go_on
 * from time to time.
 *
 * Only the first request in line is ever in progress. Work that needs room in the turn, which
 * another request must give back first, returns without it and is run again later; it does not
 * block the requests behind it. */
#ifndef SERVER_BATCH_LONG_WORK_H
#define SERVER_BATCH_LONG_WORK_H

#include "server/base/list.h"
#include <relud/watch.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct request;
struct fiber;
struct turn;

/* One per worker. Zero-initialise. */
struct long_work {
    struct list line;     /* of requests */
    struct fiber *fiber;  /* NULL until there is work */
    int64_t slice_end_ns; /* end of this turn's slice; 0: not begun */
    int64_t slice_ns;     /* length of a slice; 0: the usual length (tests set less) */
    bool is_under_way;    /* the first request's work has begun and not ended */
    bool is_inside;       /* the caller is running inside the work */
    bool is_ended;        /* the work in progress must end without doing more: nobody wants it */
    bool is_held_off;     /* no other work begins: the worker wants to change its catalog */
    bool is_whole;        /* no slices: the work is done in one go, since nobody would call again */
};

void long_work_begin_turn(struct long_work *work);
void long_work_reset(struct long_work *work); /* when no request is left */

/* Runs function(request), or continues it. True when it has returned, either finished or because
 * long_work_go_on told it to end. False: call again in the next turn with the same function. */
bool long_work_run(struct request *request, void (*function)(struct request *request));
/* True if any request is in line. */
static inline bool long_work_has_any(const struct long_work *work)
{
    return work->line.first;
}

/* To be called by functions that long_work_run runs, after about every 50 microseconds of work. May
 * pause the caller until a later turn. Returns false when the function must return, because the
 * client has gone or the deadline has passed. Outside such a function it returns true at once. */
bool long_work_go_on(struct request *request);
/* The same as a relud_watch, for functions of the library. */
struct relud_watch long_work_watch(struct request *request);
/* True if the caller may be paused. What it uses must then belong to it alone. */
bool long_work_is_inside(const struct request *request);
/* Nanoseconds of work on the body or the response: since begin_ns, or, inside long work, in all its
 * slices up to now. Pauses do not count. */
int64_t long_work_spent_ns(const struct request *request, int64_t begin_ns);

/* Ends the request's work, if any, and takes the request out of the line. */
void long_work_leave(struct request *request);

#endif
