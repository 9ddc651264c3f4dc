/* A net seen as what model.json can say: its inputs, and a chain of layers. */
#ifndef CORE_FORMAT_MODEL_CHAIN_H
#define CORE_FORMAT_MODEL_CHAIN_H

#include "core/net/inputs.h"
#include "core/net/model.h"

/* One of model.json's layers. */
struct item {
    enum { ITEM_LINEAR, ITEM_BATCH_NORM, ITEM_LAYER_NORM } type;
    const struct step *step;             /* the linear or normalizing step, or NULL */
    const struct operand *scale, *shift; /* of the norms, or NULL */
    const struct step *activate;         /* the activation's step, or NULL */
};

/* The net's steps in order: up to four that prepare the input, then the layers. */
struct chain {
    const struct network *network;
    const struct model_inputs *inputs; /* NULL: one input, which the next four members prepare */
    double scale, shift;
    const struct operand *mean, *std, *missing; /* or NULL */
    size_t first;                               /* the first step of the layers */
    size_t items;
    struct item *item; /* [items] */
};

/* Reads the model's network, to which *chain then points. The caller frees chain->item, on failure
 * too. False and *error: RELUD_UNSUPPORTED for a net that is no chain of layers, or no memory. */
bool model_chain_read(struct chain *chain, const relud_model *model, struct relud_error *error);

#endif
