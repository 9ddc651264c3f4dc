#include "server/metrics/drift_watch.h"

#include "server/base/clock.h"
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

/* A look takes up so many numbers, for about 100 us, and is followed by a pause of so many times as
 * long. A probability takes as long as several numbers of a row. */
enum { NUMBERS = 20000, PAUSE = 200, NUMBERS_OF_CLASS = 5 };

struct drift_watch {
    pthread_mutex_t mutex;
    relud_drift *drift;     /* NULL: the model does not know the rows it was trained on */
    relud_answers *answers; /* NULL: it is no classification */
    size_t features, row_numbers;
    _Atomic int64_t due_ns;
};

struct drift_watch *drift_watch_new(const relud_model *model)
{
    const struct relud_model_info *info = relud_model_info(model);
    struct relud_error no_drift = {0}, no_answers = {0};
    struct drift_watch *drift_watch = calloc(1, sizeof *drift_watch);
    if (!drift_watch)
        return NULL;
    pthread_mutex_init(&drift_watch->mutex, NULL);
    drift_watch->features = info->features;
    drift_watch->row_numbers = info->features + info->classes * NUMBERS_OF_CLASS;
    drift_watch->drift = relud_drift_new(model, &no_drift);
    drift_watch->answers = relud_answers_new(model, &no_answers);
    if (no_drift.code != RELUD_NO_MEMORY && no_answers.code != RELUD_NO_MEMORY)
        return drift_watch;
    drift_watch_free(drift_watch);
    return NULL;
}

void drift_watch_free(struct drift_watch *drift_watch)
{
    if (!drift_watch)
        return;
    pthread_mutex_destroy(&drift_watch->mutex);
    relud_drift_free(drift_watch->drift);
    relud_answers_free(drift_watch->answers);
    free(drift_watch);
}

int64_t drift_watch_look(struct drift_watch *drift_watch, const float *x, const float *y,
                         size_t rows, int64_t now_ns)
{
    if (now_ns < drift_watch->due_ns || pthread_mutex_trylock(&drift_watch->mutex) != 0)
        return now_ns;
    now_ns = clock_ns(); /* the time so far was that of the answers */
    if (now_ns >= drift_watch->due_ns) {
        size_t fit = 1 + NUMBERS / drift_watch->row_numbers, some = rows < fit ? rows : fit;
        if (drift_watch->drift)
            relud_drift_add(drift_watch->drift, x, some);
        if (drift_watch->answers)
            relud_answers_add(drift_watch->answers, y, some);
        int64_t begin_ns = now_ns;
        now_ns = clock_ns();
        drift_watch->due_ns = now_ns + PAUSE * (now_ns - begin_ns);
    }
    pthread_mutex_unlock(&drift_watch->mutex);
    return now_ns;
}

/* False: the watch ended it. */
static bool read_features(const relud_drift *drift, size_t features, struct drift_seen *seen,
                          struct relud_feature_drift *feature, const struct relud_watch *watch)
{
    seen->has_features = true;
    seen->rows = relud_drift_rows(drift);
    seen->scale = relud_drift_scale(drift);
    for (size_t f = 0; f < features; f++) {
        struct relud_feature_drift one = relud_drift_feature(drift, f);
        seen->psi_max = fmax(seen->psi_max, one.psi);
        seen->shifted += one.is_shifted;
        if (feature)
            feature[f] = one;
        if (watch && f % 256 == 255 && !watch->go_on(watch->user))
            return false;
    }
    return true;
}

bool drift_watch_read(struct drift_watch *drift_watch, struct drift_seen *seen,
                      struct relud_feature_drift *feature, double *share,
                      const struct relud_watch *watch)
{
    relud_drift *copy = NULL;
    *seen = (struct drift_seen){.psi_max = (double)NAN, .has_answers = drift_watch->answers};
    pthread_mutex_lock(&drift_watch->mutex);
    if (drift_watch->drift)
        copy = relud_drift_copy(drift_watch->drift);
    if (drift_watch->answers)
        seen->answers = relud_answers_read(drift_watch->answers, share);
    pthread_mutex_unlock(&drift_watch->mutex);
    bool is_read = !drift_watch->drift ||
                   (copy && read_features(copy, drift_watch->features, seen, feature, watch));
    relud_drift_free(copy);
    return is_read;
}
