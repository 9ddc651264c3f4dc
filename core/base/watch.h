/* Calls the watch of include/relud/watch.h. Every `watch` here may be NULL: then nobody watches and
 * all work is done at once. */
#ifndef CORE_BASE_WATCH_H
#define CORE_BASE_WATCH_H

#include "core/base/nan.h"

#include <relud/watch.h>
#include <stddef.h>

/* Floats of work between two calls of the watch: about 50 us of the most expensive activation. */
enum { WATCH_FLOATS = 8192 };

/* False if the watch wants the work to end. */
static inline bool watch_go_on(const struct relud_watch *watch)
{
    return !watch || watch->go_on(watch->user);
}

/* How many of `count` floats to process before calling the watch again: all of them if there is no
 * watch. */
static inline size_t watch_piece(const struct relud_watch *watch, size_t count)
{
    return watch && count > WATCH_FLOATS ? WATCH_FLOATS : count;
}

/* nan_unify in pieces. False if the watch ended it; the rest of `values` is then unchanged. */
static inline bool watch_nan_unify(float *values, size_t count, const struct relud_watch *watch)
{
    for (size_t at = 0, some; at < count; at += some) {
        some = watch_piece(watch, count - at);
        nan_unify(values + at, some);
        if (!watch_go_on(watch))
            return false;
    }
    return true;
}

#endif
