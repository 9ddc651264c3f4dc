/* The losses of rows and their gradients by the net's output, like torch.nn's CrossEntropyLoss,
 * BCEWithLogitsLoss and MSELoss with reduction='mean'. */
#ifndef CORE_TRAIN_LOSS_H
#define CORE_TRAIN_LOSS_H

#include <relud/activation.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum loss_kind { LOSS_CROSS_ENTROPY, LOSS_BINARY_CROSS_ENTROPY, LOSS_SQUARED_ERROR };

struct loss {
    enum loss_kind kind;
    size_t outputs; /* 1 for LOSS_BINARY_CROSS_ENTROPY */
    enum relud_isa isa;
    const struct relud_activation *softmax, *log_softmax, *softplus;
    /* [outputs] each, or NULL. LOSS_SQUARED_ERROR: the net learns (target - mean) / std; the loss
     * is nevertheless told in the targets' units. */
    const float *mean, *std;
};

void loss_init(struct loss *loss, enum loss_kind kind, size_t outputs, enum relud_isa isa);

/* What the net should give for a row: a class, or numbers. */
struct target {
    uint32_t class;
    const float *numbers; /* [outputs] */
};

/* Returns the row's loss. LOSS_SQUARED_ERROR is divided by the outputs; no loss is divided by the
 * rows. g[outputs] gets the loss's gradient by y[outputs], times `share`, which is 1 / the batch's
 * rows. *is_right: the most likely class is the target's. */
double loss_row(const struct loss *loss, const float *y, const struct target *target, float share,
                float *g, bool *is_right);

#endif
