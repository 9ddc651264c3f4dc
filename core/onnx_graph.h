/* An ONNX graph on its way to steps: what each name stands for, with its shape; constants; and the building of steps from
 * operations. Operations (core/onnx_op_*.c) are written with what is declared here.
 *
 * A value that varies with the input has a shape for one row. In a batched graph its axis 0 is the batch: shape[0] is how
 * many of it belong to one row (1, until a Reshape folds more into it), and operations must leave that axis alone. A graph
 * that does not leave it alone, but has a fixed shape, is read again unbatched: the whole input is one row then. */
#ifndef CORE_ONNX_GRAPH_H
#define CORE_ONNX_GRAPH_H

#include "core/onnx_file.h"
#include "core/onnx_tensor.h"
#include "core/step.h"

enum onnx_kind {
    ONNX_NOTHING, /* not made yet */
    ONNX_ROWS,    /* varies with the input: a value of the net */
    ONNX_FLOATS,  /* constant */
    ONNX_WHOLES,  /* constant integers: shapes, axes, indices */
};

struct onnx_value {
    struct onnx_text name;
    enum onnx_kind kind;
    bool is_batched; /* ROWS only */
    bool is_whole;   /* ROWS: whole numbers, of which a quotient is one, too */
    size_t rank, shape[ONNX_RANK_MAX], width;
    size_t value;            /* ROWS: number of the value in the steps */
    const void *floats;      /* FLOATS: [width], at any alignment */
    bool is_turned;          /* FLOATS: a matrix whose numbers still lie by columns */
    const long long *wholes; /* WHOLES: [width] */
    const bool
        *is_batch; /* WHOLES: [width] elements that are multiples of the batch's size; NULL: none */
    const struct onnx_tensor *tensor; /* an initializer that was not read yet */
    const struct onnx_node *maker;    /* the node that gives it, or NULL */
    bool is_needed;
};

struct onnx_graph {
    struct model_source *source;
    struct onnx_file file;
    struct onnx_external external;
    bool is_batched;
    long long batch;  /* the file's own first dimension; -1: free */
    bool mixes_rows;  /* it failed because it does not leave the batch alone */
    size_t steps_max; /* room in source->step */
    size_t
        budget; /* numbers that may still be made on the way: widths of values, tables, constants */
    struct onnx_value *value;
    size_t *slot; /* [slots], a hash table of indices into value + 1 */
    size_t values, slots;
    const struct onnx_node *node; /* that is being read, for errors; NULL: none */
};

/* One row of the table of operations. */
struct onnx_op {
    const char *name, *domain;
    bool (*read)(struct onnx_graph *graph, const struct onnx_node *node);
};
/* Each list ends with a row without a name. */
extern const struct onnx_op onnx_element_ops[], onnx_layer_ops[], onnx_part_ops[], onnx_row_ops[],
    onnx_shape_ops[];

/* Fails for the node that is being read. */
bool onnx_fail(struct onnx_graph *graph, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The same, for an operation that would join rows of a batch. */
bool onnx_fail_mixing(struct onnx_graph *graph, const char *what);
bool onnx_no_memory(struct onnx_graph *graph);
/* Takes `count` numbers out of the budget. */
bool onnx_spend(struct onnx_graph *graph, size_t count);

/* ---- names ---- */

/* By name, of those that stand in the file: there is room for all of them. A new one where there is none. */
struct onnx_value *onnx_find(struct onnx_graph *graph, struct onnx_text name);
/* The i-th input; NULL without an error where it is left out. */
bool onnx_input(struct onnx_graph *graph, size_t index, const struct onnx_value **value);
/* The same, and it must be there. */
bool onnx_wanted(struct onnx_graph *graph, size_t index, const struct onnx_value **value);
bool onnx_has_output(const struct onnx_graph *graph, size_t index);
/* Gives the i-th output, if it is wanted, its value; the name stays. */
void onnx_give(struct onnx_graph *graph, size_t index, const struct onnx_value *value);
/* The first output's, when it was made; whether it was. */
bool onnx_answer(struct onnx_graph *graph, bool is_made, const struct onnx_value *value);

/* ---- attributes: false and an error where one is of another type ---- */

const struct onnx_attribute *onnx_attribute(const struct onnx_graph *graph, const char *name);
bool onnx_whole(struct onnx_graph *graph, const char *name, long long *value);
bool onnx_number(struct onnx_graph *graph, const char *name, float *value);
enum { ONNX_LIST_MAX = 1024 };
bool onnx_wholes(struct onnx_graph *graph, const char *name, long long *values, size_t *count);
/* A list in the model's memory; NULL where there is none. */
bool onnx_numbers(struct onnx_graph *graph, const char *name, const float **values, size_t *count);
bool onnx_word(struct onnx_graph *graph, const char *name, struct onnx_text *word);

/* ---- constants ---- */

/* Aligned floats of a constant, in the model's memory; WHOLES are converted. NULL and an error for others. */
const float *onnx_constant(struct onnx_graph *graph, const struct onnx_value *value,
                           const char *what);
/* The same, while the model is read. */
const float *onnx_passing_constant(struct onnx_graph *graph, const struct onnx_value *value,
                                   const char *what);
/* A constant list of whole numbers, of axes or of a shape: an input, as list. *count is 0 and *values NULL when the input
 * is left out. */
bool onnx_list_input(struct onnx_graph *graph, size_t index, const struct onnx_value **value);
/* `count` axes as indices into a rank, negative ones from the end. Marks them. */
bool onnx_axes(struct onnx_graph *graph, const long long *axes, size_t count, size_t rank,
               bool *is_axis);
bool onnx_axis(struct onnx_graph *graph, long long axis, size_t rank, size_t *index);
struct onnx_value onnx_scalar(const float *value);

/* ---- shapes ---- */

/* Sets rank, shape and width; false and an error for what is empty or beyond all measure. */
bool onnx_shape(struct onnx_graph *graph, struct onnx_value *value, size_t rank,
                const size_t *shape);
/* The product of shape[from … to - 1]. */
size_t onnx_product(const struct onnx_value *value, size_t from, size_t to);

/* ---- steps ---- */

/* Makes `out`, whose shape is set, by that step from x[count]; out gets its kind and its place. Constants are evaluated at
 * once where all are. Only STEP_ELEMENT and STEP_JOIN mix constants and values. */
bool onnx_emit(struct onnx_graph *graph, const struct step *step, const struct onnx_value *x,
               size_t count, struct onnx_value *out);
/* NumPy's broadcasting of up to three operands. */
bool onnx_element(struct onnx_graph *graph, enum element element, const struct onnx_value *a,
                  const struct onnx_value *b, const struct onnx_value *c, struct onnx_value *out);
bool onnx_activate(struct onnx_graph *graph, const char *name,
                   const struct relud_activation_params *params, const struct onnx_value *x,
                   struct onnx_value *out);
/* out[i] = x[map[i]], in the shape given; map[width of out] is in the model's memory. */
bool onnx_gather(struct onnx_graph *graph, const struct onnx_value *x, const uint32_t *map,
                 size_t rank, const size_t *shape, struct onnx_value *out);
uint32_t *onnx_new_map(struct onnx_graph *graph, size_t width);
/* Axis i of `out` is axis order[i] of x. */
bool onnx_transpose(struct onnx_graph *graph, const struct onnx_value *x, const size_t *order,
                    struct onnx_value *out);
bool onnx_expand(struct onnx_graph *graph, const struct onnx_value *x, size_t rank,
                 const size_t *shape, struct onnx_value *out);
/* The value's place in the steps, made a simple step by core/onnx_fuse.c where it is a known composition. */
bool onnx_fuse(struct onnx_graph *graph, struct onnx_value *value);

#endif
