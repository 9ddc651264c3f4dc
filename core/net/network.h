/* A net: a list of steps that run in order, and the one or several values that form the answer. The
 * forward pass takes any number of rows and works in scratch memory that the caller owns. Nothing
 * is allocated after network_build, and a built network never changes, so threads may share it. The
 * code here knows no files. */
#ifndef CORE_NET_NETWORK_H
#define CORE_NET_NETWORK_H

#include "core/base/arena.h"
#include "core/net/step.h"
#include <relud/model.h>

/* What people call a layer: a linear step with the activation that is its only reader, or with
 * none; or an activation by itself. */
struct network_layer {
    const struct step *linear;   /* or NULL */
    const struct step *activate; /* or NULL; at least one of the two is set */
    size_t last;                 /* the value that the layer makes */
};

/* A part of the answer: a value and its width in floats. */
struct network_result {
    size_t value, width;
};

struct network {
    size_t features, outputs; /* outputs: floats per row of all results together */
    enum relud_isa isa;       /* never RELUD_ISA_BEST */
    size_t steps;
    struct step *step; /* [steps] */
    size_t *place;     /* [steps + 1]: where value i lies in scratch, in floats per row */
    size_t scratch;    /* floats per row */
    size_t results;
    struct network_result *result; /* [results]: they stand side by side in an answer */
    size_t layers;
    struct network_layer *layer; /* [layers], in order */
};

/* Builds a network from step[steps] and result[results]; result is copied. The steps are used where
 * they are: they and all that they point to must live in `arena`, except the weights, which are
 * packed into it. Removes steps that nothing needs, plans the linear steps and gives each value a
 * place. Shapes must fit together already. False and *error if memory runs out or this CPU lacks
 * the instruction set in `options`. */
bool network_build(struct network *network, struct arena *arena, size_t features, struct step *step,
                   size_t steps, const struct network_result *result, size_t results,
                   const struct relud_model_options *options, struct relud_error *error);

/* The floats of scratch that network_forward needs for `rows` rows at a time. */
size_t network_scratch_floats(const struct network *network, size_t rows);

/* What a pass reads and writes: rows first … first + rows - 1 of these arrays. */
struct network_rows {
    const float *x;          /* [][features] */
    float *y;                /* [][outputs] */
    float *const *layer_out; /* NULL, or [layers]: NULL, or [][outputs of layer i] */
    size_t first, rows;
};

/* Computes the net's answers to the rows, at most rows_max rows at a time. `scratch` holds
 * network_scratch_floats(network, rows_max) floats and is aligned to 64 bytes. The arrays and
 * scratch must not overlap. Threads need their own scratch. */
void network_forward(const struct network *network, const struct network_rows *rows,
                     size_t rows_max, float *scratch);

/* A pass that is run step by step. */
struct network_pass {
    const struct network *network;
    const float *x; /* [rows][features] */
    float *y;       /* [rows][outputs] */
    float *scratch; /* network_scratch_floats(network, rows), aligned to 64 bytes */
    size_t rows;
};

/* A part of a pass: some of its rows. panels: 0, or of a linear step that many panels only, from
 * `panel` on (linear_part). */
struct network_part {
    size_t row, rows, panel, panels;
};

/* Computes a part of step `index`. All parts of the earlier steps must have been computed.
 * Different parts of one step may be computed at the same time. */
void network_run_part(const struct network_pass *pass, size_t index,
                      const struct network_part *part);

/* Writes the rows of y that no step has written there: after the last step. */
void network_gather_results(const struct network_pass *pass);

/* Nanoseconds that the linear steps take for a row in a pass of `rows` rows, by their plans. */
double network_linear_ns(const struct network *network, size_t rows);

/* The width of a value, in floats per row. */
size_t network_width(const struct network *network, size_t value);

#endif
