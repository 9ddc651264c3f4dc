/* Between server/batch/turn.c and server/batch/turn_pass.c. */
#ifndef SERVER_BATCH_TURN_PRIVATE_H
#define SERVER_BATCH_TURN_PRIVATE_H

#include "server/batch/turn.h"

/* Counts rows of the model as waiting, or as no longer waiting (`rows` is then negative, in two's
 * complement). */
void turn_count_waiting(struct turn *turn, const struct served_model *served, size_t rows);

/* Makes one pass over the short jobs that lie end to end at the head of the queue, at most `budget`
 * rows. Short jobs are computed whole. Returns the rows it took. */
size_t turn_pass_short(struct turn *turn, size_t budget, int64_t *now_ns);

/* Works on shared passes until a job is done, it is end_ns, or others hold the last pieces. */
void turn_work_shared(struct turn *turn, int64_t now_ns, int64_t end_ns);
/* Takes a job out of the pass that it is in. The pass ends if it was the last one there. */
void turn_leave_shared(struct turn *turn, struct turn_job *job);

#endif
