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
    size_t fit = 1 + NUMBERS / drift_watch->row_numbers, some = rows < fit ? rows : fit;
    if (drift_watch->drift)
        relud_drift_add(drift_watch->drift, x, some);
    if (drift_watch->answers)
        relud_answers_add(drift_watch->answers, y, some);
    int64_t end_ns = clock_ns();
    drift_watch->due_ns = end_ns + PAUSE * (end_ns - now_ns);
    pthread_mutex_unlock(&drift_watch->mutex);
    return end_ns;
}

static void read_features(const struct drift_watch *drift_watch, struct drift_seen *seen,
                          struct relud_feature_drift *feature)
{
    seen->has_features = true;
    seen->rows = relud_drift_rows(drift_watch->drift);
    seen->scale = relud_drift_scale(drift_watch->drift);
    for (size_t f = 0; f < drift_watch->features; f++) {
        struct relud_feature_drift one = relud_drift_feature(drift_watch->drift, f);
        seen->psi_max = fmax(seen->psi_max, one.psi);
        seen->shifted += one.is_shifted;
        if (feature)
            feature[f] = one;
    }
}

struct drift_seen drift_watch_read(struct drift_watch *drift_watch,
                                   struct relud_feature_drift *feature, double *share)
{
    struct drift_seen seen = {.psi_max = (double)NAN, .has_answers = drift_watch->answers};
    pthread_mutex_lock(&drift_watch->mutex);
    if (drift_watch->drift)
        read_features(drift_watch, &seen, feature);
    if (drift_watch->answers)
        seen.answers = relud_answers_read(drift_watch->answers, share);
    pthread_mutex_unlock(&drift_watch->mutex);
    return seen;
}
