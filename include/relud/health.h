/* What the units of a net did over some rows: zeros, dead units, saturated units. */
#ifndef RELUD_HEALTH_H
#define RELUD_HEALTH_H

#include <relud/model.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Counters for each unit of each layer. */
typedef struct relud_health relud_health;

struct relud_layer_health {
    double zero_ratio; /* share of answers that were exactly 0 */
    size_t dead;       /* units of a ReLU-like layer whose every answer was 0 */
    /* Units of a saturating layer whose answers were all in the outer hundredths of its range. */
    size_t saturated;
};

struct relud_unit_health {
    double nonzero_ratio; /* share of answers that were not exactly 0 */
    /* Share in the outer hundredths of a saturating function's range; 0 for other functions. */
    double saturated_ratio;
};

/* Counters at 0, for models like this one, which is not kept. NULL and *error: out of memory. */
relud_health *relud_health_new(const relud_model *model, struct relud_error *error);
void relud_health_free(relud_health *health); /* may be NULL */

/* Counts the answers layer_out[layer][rows][outputs of the layer], as relud_predict_layers fills
 * them. A layer that is NULL is passed over. */
void relud_health_add(relud_health *health, float *const *layer_out, size_t rows);

/* Adds the counts of `from`, which must be of the same model. */
void relud_health_merge(relud_health *health, const relud_health *from);
/* The same under a watch (watch.h); `from` may be added to while the watch is asked. False: it
 * ended the work. */
bool relud_health_merge_watched(relud_health *health, const relud_health *from,
                                const struct relud_watch *watch);
/* Rows added so far. */
unsigned long long relud_health_rows(const relud_health *health);
/* Over all rows added so far. Before the first row its ratios are NaN, since nothing was
 * measured. */
struct relud_unit_health relud_health_unit(const relud_health *health, size_t layer, size_t unit);
/* Over all rows added so far. Before the first row its ratio is NaN, and the counts are 0. */
struct relud_layer_health relud_health_layer(const relud_health *health, size_t layer);

#ifdef __cplusplus
}
#endif

#endif
