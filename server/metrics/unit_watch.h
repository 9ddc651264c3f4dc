/* Observes the units of a served model: now and then a row goes through the net once more, and the
 * outputs of every layer are counted. This takes at most 1/200 of a worker's time. */
#ifndef SERVER_METRICS_UNIT_WATCH_H
#define SERVER_METRICS_UNIT_WATCH_H

#include <relud/relud.h>
#include <stdint.h>

struct unit_watch;

/* Returns NULL and sets *error if memory runs out. Borrows the model, which must live longer. */
struct unit_watch *unit_watch_new(const relud_model *model, size_t workers,
                                  struct relud_error *error);
void unit_watch_free(struct unit_watch *unit_watch); /* NULL is fine */

/* Called by worker number `worker` (from 0) after a pass of its own with that scratch. Runs the row
 * x[features] through the net again and counts its outputs, if it is time to. Returns the time
 * after that, or now_ns if it did nothing. */
int64_t unit_watch_look(struct unit_watch *unit_watch, size_t worker, relud_scratch *scratch,
                        const float *x, int64_t now_ns);

/* What all workers have counted since the model was loaded. The caller frees it with
 * relud_health_free. Returns NULL if memory runs out. Any thread may call this. The watch may be
 * NULL; if it ends the work, the result is incomplete. */
relud_health *unit_watch_read(struct unit_watch *unit_watch, const struct relud_watch *watch);

#endif
