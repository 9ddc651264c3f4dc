#include "server/batch/nonfinite.h"

size_t nonfinite_find_watched(struct request *request, const float *values, size_t count)
{
    enum { PIECE = 128 * 1024 };
    for (size_t at = 0; at < count; at += PIECE) {
        size_t some = count - at < PIECE ? count - at : PIECE;
        size_t bad = relud_find_nonfinite(values + at, some);
        if (bad < some)
            return at + bad;
        if (!long_work_go_on(request))
            break;
    }
    return count;
}
