/* Observes whether the rows that come are like those that a served model was trained on, and what
 * it answers. This takes at most 1/200 of a worker's time. */
#ifndef SERVER_METRICS_DRIFT_WATCH_H
#define SERVER_METRICS_DRIFT_WATCH_H

#include <relud/relud.h>
#include <stdint.h>

struct drift_watch;

/* Returns NULL without memory. Borrows the model, which must live longer. */
struct drift_watch *drift_watch_new(const relud_model *model);
void drift_watch_free(struct drift_watch *drift_watch); /* NULL is fine */

/* Called by a worker after a pass over x[rows][features] that gave y[rows][outputs]. Takes up the
 * first of the rows, 20,000 numbers at most, if it is time to and no other worker is at it. Returns
 * the time after that, or now_ns if it did nothing. */
int64_t drift_watch_look(struct drift_watch *drift_watch, const float *x, const float *y,
                         size_t rows, int64_t now_ns);

/* What was seen. */
struct drift_seen {
    bool has_features;       /* the model knows the rows it was trained on; the next four hold */
    unsigned long long rows; /* since the model was loaded */
    double scale;            /* relud_drift_scale */
    size_t shifted;          /* features with another mean */
    double psi_max;          /* of all features; NaN before the first row */
    bool has_answers;        /* it is a classification */
    struct relud_answers_seen answers;
};

/* Fills *seen; feature[features] if it has features, and share[classes] if it has answers: both may
 * be NULL. False without memory, or if the watch, which may be NULL, ended it. Any thread may call
 * this. */
bool drift_watch_read(struct drift_watch *drift_watch, struct drift_seen *seen,
                      struct relud_feature_drift *feature, double *share,
                      const struct relud_watch *watch);

#endif
