/* A net: steps in order over values, the answer made of one or several of them. Forward over any number of rows in scratch
 * that the caller owns; nothing is allocated after network_build. Knows no files. */
#ifndef CORE_NETWORK_H
#define CORE_NETWORK_H

#include "core/arena.h"
#include "core/step.h"
#include <relud/model.h>

/* A linear step and the activation that alone reads it, or an activation that stands by itself: what people call a layer. */
struct network_layer {
    const struct step *linear;   /* or NULL */
    const struct step *activate; /* or NULL, but not both */
    size_t last;                 /* the value that the layer gives */
};

/* Part of the answer. */
struct network_result {
    size_t value, width;
};

struct network {
    size_t features, outputs; /* outputs: of all results together */
    enum relud_isa isa;       /* never RELUD_ISA_BEST */
    size_t steps;
    struct step *step; /* [steps] */
    size_t *place;     /* [steps + 1]: where value i lies in scratch, in floats a row */
    size_t scratch;    /* floats a row */
    size_t results;
    struct network_result *result; /* [results]: the answer, side by side */
    size_t layers;
    struct network_layer *layer; /* [layers], in order */
};

/* Takes over step[steps], which must live in `arena` with all that they point to, weights apart. Drops steps that nothing
 * needs, packs and plans linear ones, finds each value its place. False and *error when memory runs out, or when the
 * self-test (every plan against the scalar fmaf chain, bit for bit) fails. Shapes must already fit together. */
bool network_build(struct network *network, struct arena *arena, size_t features, struct step *step,
                   size_t steps, const struct network_result *result, size_t results,
                   const struct relud_model_options *options, struct relud_error *error);

/* Floats of scratch that network_forward needs for `rows` rows at a time. */
size_t network_scratch_floats(const struct network *network, size_t rows);

/* y[rows][outputs] = the net at x[rows][features], at most rows_max rows at a time; scratch holds
 * network_scratch_floats(network, rows_max) floats, aligned to 64 bytes. layer_out is NULL, or layer_out[i] is NULL or
 * [rows][outputs of layer i]. x, y, scratch must not overlap. */
void network_forward(const struct network *network, const float *x, size_t rows, size_t rows_max,
                     float *y, float *scratch, float *const *layer_out);

/* Floats a row of a value. */
size_t network_width(const struct network *network, size_t value);

#endif
