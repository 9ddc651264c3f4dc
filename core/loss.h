/* Losses of rows and their gradients by the net's answer: torch.nn's CrossEntropyLoss, BCEWithLogitsLoss and MSELoss, each
 * with reduction='mean'. */
#ifndef CORE_LOSS_H
#define CORE_LOSS_H

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
};

void loss_init(struct loss *loss, enum loss_kind kind, size_t outputs, enum relud_isa isa);

/* What a row is to give: a class, or numbers. */
struct target {
    uint32_t class;
    const float *numbers; /* [outputs] */
};

/* The row's loss (not yet divided by anything but the outputs of LOSS_SQUARED_ERROR), and in g[outputs] its gradient by
 * y[outputs], times `share`: 1 / rows of the batch. is_right: whether the likeliest class is the wanted one. */
double loss_row(const struct loss *loss, const float *y, const struct target *target, float share,
                float *g, bool *is_right);

#endif
