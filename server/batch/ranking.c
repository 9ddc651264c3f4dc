#include "server/batch/ranking.h"

#include <math.h>

static bool is_before(const float *values, size_t a, size_t b)
{
    if (values[a] != values[b]) {
        if (values[a] > values[b] || values[a] < values[b])
            return values[a] > values[b];
        if (!isnan(values[a]) || !isnan(values[b]))
            return isnan(values[a]);
    }
    return a < b;
}

/* Moves the element at `at` down until both elements below it come later. */
static void sift(struct ranking *ranking, size_t at)
{
    uint32_t *heap = ranking->heap, moved = heap[at];
    for (size_t below; (below = 2 * at + 1) < ranking->len; at = below) {
        if (below + 1 < ranking->len && is_before(ranking->values, heap[below + 1], heap[below]))
            below++;
        if (is_before(ranking->values, moved, heap[below]))
            break;
        heap[at] = heap[below];
    }
    heap[at] = moved;
}

void ranking_begin(struct ranking *ranking, const float *values, size_t count, uint32_t *room,
                   const struct relud_watch *watch)
{
    enum { PIECE = 4096 };
    *ranking = (struct ranking){.values = values, .heap = room, .len = count};
    for (size_t i = 0; i < count; i++)
        room[i] = (uint32_t)i;
    for (size_t i = count / 2; i-- > 0;) {
        sift(ranking, i);
        if (watch && i % PIECE == PIECE - 1 && !watch->go_on(watch->user))
            return;
    }
}

size_t ranking_next(struct ranking *ranking)
{
    size_t first = ranking->heap[0];
    ranking->heap[0] = ranking->heap[--ranking->len];
    if (ranking->len)
        sift(ranking, 0);
    return first;
}

size_t ranking_first(const float *values, size_t count)
{
    size_t best = 0;
    for (size_t i = 1; i < count; i++)
        if (is_before(values, i, best))
            best = i;
    return best;
}
