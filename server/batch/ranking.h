/* Gives the largest numbers of a row one after the other, in torch.topk's order: the lower index on
 * a tie, NaN before everything. */
#ifndef SERVER_BATCH_RANKING_H
#define SERVER_BATCH_RANKING_H

#include <relud/watch.h>
#include <stddef.h>
#include <stdint.h>

struct ranking {
    const float *values;
    uint32_t *heap; /* [len], indices of the numbers not given yet */
    size_t len;
};

/* Prepares the ranking of values[count]; count is at most 2^32. room[count] belongs to the caller.
 * room and values must stay unchanged until the last ranking_next. Takes O(count) time. watch may
 * be NULL; if it ends the work early, the order is wrong. */
void ranking_begin(struct ranking *ranking, const float *values, size_t count, uint32_t *room,
                   const struct relud_watch *watch);
/* Returns the index of the next number, in O(log count). Not to be called more than `count`
 * times. */
size_t ranking_next(struct ranking *ranking);

/* Returns only the first index, without a ranking. */
size_t ranking_first(const float *values, size_t count);

#endif
