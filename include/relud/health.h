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

/* NULL and *error when memory runs out. Borrows the model. */
relud_health *relud_health_new(const relud_model *model, struct relud_error *error);
void relud_health_free(relud_health *health);

/* layer_out as relud_predict_layers fills it; a NULL layer is passed over. */
void relud_health_add(relud_health *health, float *const *layer_out, size_t rows);

/* Over all rows added so far; all 0 before the first. */
struct relud_layer_health relud_health_layer(const relud_health *health, size_t layer);

#endif
