/* What the units of a served model do, live: now and then a row goes through the net once more, with every layer's output, and is counted.
 * A look takes at most a two-hundredth of a worker's time, so it is nearly free. */
#ifndef SERVER_INSIGHT_H
#define SERVER_INSIGHT_H

#include <relud/relud.h>
#include <stdint.h>

struct insight;

/* NULL and *error when memory runs out. Borrows the model; workers count from 0. */
struct insight *insight_new(const relud_model *model, size_t workers, struct relud_error *error);
void insight_free(struct insight *insight); /* NULL is fine */

/* For the worker, after a pass of its own with that scratch: looks at the row x[features] if it is time to. Returns what time it is
 * then: now_ns where it has not looked. */
int64_t insight_look(struct insight *insight, size_t worker, relud_scratch *scratch, const float *x,
                     int64_t now_ns);

/* What all workers have seen since the model was loaded; the caller frees it. NULL when memory runs out. Any thread. */
relud_health *insight_read(struct insight *insight);

#endif
