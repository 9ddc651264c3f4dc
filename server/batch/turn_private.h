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

/* True if there is something to compute in the lane, as far as it is known. */
bool turn_lane_has_work(const struct turn_lane *lane);
/* Works on shared passes until a job is done, it is end_ns, or others hold the last pieces. */
void turn_work_shared(struct turn *turn, int64_t now_ns, int64_t end_ns);
/* To be called when nobody waits for the job any more, after it was removed from job->list. If that
 * was the in_pass of a lane, its pass goes on without the job, or ends if it was the last one. */
void turn_leave_shared(struct turn *turn, const struct turn_job *job);

#endif
