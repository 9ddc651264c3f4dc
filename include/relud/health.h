/* What a net's units did over some rows: zeros, dead units, saturated ones. */
#ifndef RELUD_HEALTH_H
#define RELUD_HEALTH_H

#include <relud/model.h>

typedef struct relud_health relud_health;

struct relud_layer_health {
    double zero_ratio; /* share of answers that were exactly 0 */
    size_t dead;       /* units of a ReLU-like layer that were never anything but 0 */
    size_t
        saturated; /* units of a saturating layer that never left the outer hundredth of its range */
};

/* One unit's answers. */
struct relud_unit_health {
    double nonzero_ratio; /* share that was not exactly 0 */
    double
        saturated_ratio; /* share in the outer hundredths of a saturating function's range; 0 for other functions */
};

/* NULL and *error when memory runs out. Borrows the model. */
relud_health *relud_health_new(const relud_model *model, struct relud_error *error);
void relud_health_free(relud_health *health);

/* layer_out as relud_predict_layers fills it; a NULL layer is passed over. */
void relud_health_add(relud_health *health, float *const *layer_out, size_t rows);

/* Adds what `from`, of the same model, has seen. */
void relud_health_merge(relud_health *health, const relud_health *from);
/* Rows added so far. */
unsigned long long relud_health_rows(const relud_health *health);
/* Over all rows added so far; all 0 before the first, as in the next. */
struct relud_unit_health relud_health_unit(const relud_health *health, size_t layer, size_t unit);
/* Over all rows added so far; all 0 before the first. */
struct relud_layer_health relud_health_layer(const relud_health *health, size_t layer);

#endif
