/* Workers that have nothing to do help the others with their long passes.
 *
 * A worker offers the pass that it has begun. Workers that sleep are woken, take pieces of it, and
 * look at their own connections after each few of them. A worker that is busy notices nothing; one
 * that goes to sleep writes two numbers of its own. There is no lock. */
#ifndef SERVER_BATCH_CREW_H
#define SERVER_BATCH_CREW_H

#include "server/models/served_model.h"
#include <relud/pass.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct crew;

/* A worker offers at most so many passes at a time. Others help with those of number 0 first. */
enum { CREW_PASSES = 2 };

/* NULL and *error on failure. */
struct crew *crew_new(size_t workers, struct relud_error *error);
void crew_free(struct crew *crew); /* NULL is fine */

/* ---- the worker whose pass it is ---- */

/* Offers the worker's pass of that number, which has begun. It takes one thread about cost_ns: this
 * says how many workers are worth waking. served must stay until crew_close. */
void crew_offer(struct crew *crew, size_t worker, size_t number, relud_pass *pass,
                const struct served_model *served, double cost_ns);
/* Ends the offer, if there is one. No other worker is inside the pass any more when it returns: it
 * waits for the pieces that are in progress. */
void crew_close(struct crew *crew, size_t worker, size_t number);

/* ---- the others ---- */

/* True if any worker offers a pass. */
bool crew_has_offer(const struct crew *crew);
/* Computes pieces of other workers' passes until end_ns. Returns false if there was none. */
bool crew_help(struct crew *crew, size_t worker, int64_t end_ns);

/* Call these around a sleep that ends when crew_fd becomes readable. Between them the worker may be
 * woken. crew_may_sleep returns false if a pass is offered: the sleep should be short then. */
bool crew_may_sleep(struct crew *crew, size_t worker);
void crew_is_awake(struct crew *crew, size_t worker, bool is_readable);
int crew_fd(const struct crew *crew, size_t worker);

#endif
