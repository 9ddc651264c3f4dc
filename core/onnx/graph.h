/* An ONNX graph while it is turned into steps: what each name stands for, with its shape;
 * constants; and functions that build steps. The operations (core/onnx/op_*.c) are written with
 * these functions. A bool function that fails returns false and sets *file.error.
 *
 * A value that varies with the input has a shape for one row. In a batched graph one of its axes
 * is the batch, and the shape says how many of that axis's elements belong to one row: 1, until a
 * Reshape folds more into it. It is axis 0 of the inputs and must be that of the outputs; between
 * them nets may put axes before it. Operations must not mix elements along that axis. If a graph
 * of fixed shape does mix them, it is read again unbatched: then the whole input is one row. */
#ifndef CORE_ONNX_GRAPH_H
#define CORE_ONNX_GRAPH_H

#include "core/net/step.h"
#include "core/onnx/file.h"
#include "core/onnx/tensor.h"

enum onnx_kind {
    ONNX_NOTHING, /* not computed yet */
    ONNX_ROWS,    /* varies with the input: a value of the net */
    ONNX_FLOATS,  /* a constant */
    ONNX_WHOLES,  /* constant integers: shapes, axes, indices */
    ONNX_TEXTS,   /* constant words */
};

struct onnx_value {
    struct onnx_text name;
    enum onnx_kind kind;
    bool is_batched;   /* only ROWS */
    size_t batch_axis; /* where is_batched: which axis is the batch */
    /* How many elements of a row along that axis lie before the batch, as where tensors were put
     * together along it; 0 stands for 1. */
    size_t batch_outer;
    bool is_whole; /* ROWS: whole numbers; a quotient of such is truncated */
    bool is_text;  /* ROWS: words of the input, which may only be moved and looked up */
    size_t rank, shape[ONNX_RANK_MAX], width;
    size_t value;            /* ROWS: the value's number in the steps */
    const void *floats;      /* FLOATS: [width], at any alignment */
    bool is_turned;          /* FLOATS: a matrix stored column by column */
    const long long *wholes; /* WHOLES: [width] */
    /* WHOLES: [width], or NULL. True for an element that is a multiple of the batch size. */
    const bool *is_batch;
    const char *const *texts;         /* TEXTS: [width] */
    const struct onnx_tensor *tensor; /* an initializer whose numbers are not read yet */
    const struct onnx_node *maker;    /* the node whose output it is, or NULL */
    bool is_needed;
    bool has_features; /* its last axis is the input's (core/onnx/features.c) */
};

struct onnx_graph {
    struct model_source *source;
    struct onnx_file file;
    struct onnx_external external;
    bool is_batched;
    long long batch; /* the first dimension in the file; -1: any */
    size_t inputs, features;
    const struct onnx_port **input; /* [inputs]: they make the row of `features` numbers */
    bool mixes_rows;                /* reading failed because an operation mixes rows */
    size_t steps_max;               /* capacity of source->step */
    /* How many numbers may still be made while reading: widths of values, tables, constants. */
    size_t budget;
    struct onnx_value *value;
    size_t *slot; /* [slots]: a hash table of indices into value, plus 1; 0: empty */
    size_t values, slots;
    struct onnx_reader *reader;     /* what looks words up, in the order of the nodes */
    struct onnx_renaming *renaming; /* core/onnx/vocabulary.c */
    bool is_short;                  /* memory ran out while the classes were read */
    const struct onnx_node *node;   /* the node being read, for errors; or NULL */
};

/* An operation that relud can read. */
struct onnx_op {
    const char *name, *domain;
    bool (*read)(struct onnx_graph *graph, const struct onnx_node *node);
    /* If `read` is NULL, this reads the operation, with the element of the row. */
    bool (*read_element)(struct onnx_graph *graph, enum element element);
    enum element element;
};
/* Each list ends with a row whose name is NULL. */
extern const struct onnx_op onnx_branch_ops[], onnx_constant_ops[], onnx_einsum_ops[],
    onnx_extend_ops[], onnx_element_ops[], onnx_layer_ops[], onnx_lookup_ops[], onnx_ml_ops[],
    onnx_part_ops[], onnx_pick_ops[], onnx_quantized_ops[], onnx_row_ops[], onnx_shape_ops[],
    onnx_words_ops[];

/* Reads one node, which becomes graph->node. */
bool onnx_run_node(struct onnx_graph *graph, const struct onnx_node *node);

/* The activation that is ONNX's operator `op`, from the table of activations; NULL if there is
 * none. The lists above are searched first: their operators have their own readers. */
const struct relud_activation *onnx_activation_of(struct onnx_text op);
bool onnx_read_activation(struct onnx_graph *graph, const struct relud_activation *activation);

/* Fails with a message about the node being read. Always returns false. */
bool onnx_fail(struct onnx_graph *graph, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Like onnx_fail, for an operation that would mix the rows of a batch; also sets mixes_rows. */
bool onnx_fail_mixing(struct onnx_graph *graph, const char *what);
bool onnx_no_memory(struct onnx_graph *graph);
/* True if that axis of x is the batch. */
bool onnx_is_batch(const struct onnx_value *x, size_t axis);
/* Takes `count` numbers out of the budget; false and an error if it is exhausted. */
bool onnx_spend(struct onnx_graph *graph, size_t count);

/* Puts the nodes into an order in which each comes after those that make its inputs; the order in
 * the file where that is one. False and an error if there is a cycle. Each output has its maker. */
bool onnx_sort_nodes(struct onnx_graph *graph);
/* How long the input's last axis is, if the file leaves it free: as long as the first weight that
 * it meets says. 0: no weight says it. *from is the weight's name. The nodes are sorted. */
size_t onnx_count_features(struct onnx_graph *graph, const struct onnx_port *input,
                           struct onnx_text *from);
/* Finds the inputs that the wanted outputs need, and gives each its value: a part of the row. */
bool onnx_set_inputs(struct onnx_graph *graph);
/* Describes the inputs for the model. */
bool onnx_say_inputs(struct onnx_graph *graph);
/* Describes a tensor by its shape without the batch. The name must be in the model's memory. */
void onnx_say_tensor(struct relud_tensor_info *info, const struct onnx_value *value,
                     const char *name);
/* True if an output of the node is needed. */
bool onnx_is_needed(struct onnx_graph *graph, const struct onnx_node *node);

/* ---- names ---- */

/* Finds a value by name; creates an empty one if there is none. There is room for every name in the
 * file. */
struct onnx_value *onnx_find(struct onnx_graph *graph, struct onnx_text name);
/* The value of a name, which something must have made. */
bool onnx_read_value(struct onnx_graph *graph, struct onnx_text name,
                     const struct onnx_value **value);
/* The node's index-th input. An input that is left out gives NULL without an error. */
bool onnx_input(struct onnx_graph *graph, size_t index, const struct onnx_value **value);
/* Like onnx_input, but an input that is left out is an error. */
bool onnx_wanted(struct onnx_graph *graph, size_t index, const struct onnx_value **value);
bool onnx_has_output(const struct onnx_graph *graph, size_t index);
/* Sets the node's index-th output, if it is named, to the value. The output keeps its name. */
void onnx_give(struct onnx_graph *graph, size_t index, const struct onnx_value *value);
/* Sets the node's first output if is_made. Returns is_made. */
bool onnx_answer(struct onnx_graph *graph, bool is_made, const struct onnx_value *value);

/* Finds the classes and their labels in the file and puts them into source->info. False and an
 * error only if memory runs out. */
bool onnx_read_classes(struct onnx_graph *graph, const struct onnx_port *const *wanted);
/* The number of class labels in a classifier's attributes. */
size_t onnx_classlabels(struct onnx_graph *graph, const struct onnx_node *node);

/* ---- attributes ----
 *
 * An attribute of another type is an error. One without a value is 0 or empty. If the attribute is
 * missing, *value keeps its default. */

const struct onnx_attribute *onnx_attribute(const struct onnx_graph *graph, const char *name);
bool onnx_whole(struct onnx_graph *graph, const char *name, long long *value);
/* Refuses NaN and infinities. */
bool onnx_number(struct onnx_graph *graph, const char *name, float *value);
/* Allows any number. */
bool onnx_any_number(struct onnx_graph *graph, const char *name, float *value);
/* Allows infinities, because an infinite bound means no bound. */
bool onnx_bound(struct onnx_graph *graph, const char *name, float *value);
enum { ONNX_LIST_MAX = 1024 };
bool onnx_wholes(struct onnx_graph *graph, const char *name, long long *values, size_t *count);
/* A list of finite numbers in the model's memory; NULL if the attribute is missing. */
bool onnx_numbers(struct onnx_graph *graph, const char *name, const float **values, size_t *count);
bool onnx_word(struct onnx_graph *graph, const char *name, struct onnx_text *word);

/* ---- constants ---- */

/* The constant's numbers as aligned finite float32 in the model's memory; WHOLES are converted.
 * NULL and an error for other values. `what` names the value in errors. */
const float *onnx_constant(struct onnx_graph *graph, const struct onnx_value *value,
                           const char *what);
/* Like onnx_constant, but infinities are allowed: for constants that are only compared. */
const float *onnx_bounding_constant(struct onnx_graph *graph, const struct onnx_value *value,
                                    const char *what);
/* Like onnx_constant, but NaNs are allowed, too: for constants that are only chosen. */
const float *onnx_any_constant(struct onnx_graph *graph, const struct onnx_value *value,
                               const char *what);
/* Like onnx_any_constant, but in memory that lasts only while the model is read. */
const float *onnx_passing_constant(struct onnx_graph *graph, const struct onnx_value *value,
                                   const char *what);
/* Makes the value a list of no whole numbers, such as the shape of a single number. Only lists may
 * be empty. */
bool onnx_empty_list(struct onnx_graph *graph, struct onnx_value *value);
/* An input that is a constant list of whole numbers (axes or a shape). *value is NULL if it is left
 * out. */
bool onnx_list_input(struct onnx_graph *graph, size_t index, const struct onnx_value **value);
/* Marks `count` axes in is_axis[rank]. Negative axes count from the end. */
bool onnx_axes(struct onnx_graph *graph, const long long *axes, size_t count, size_t rank,
               bool *is_axis);
bool onnx_axis(struct onnx_graph *graph, long long axis, size_t rank, size_t *index);
struct onnx_value onnx_scalar(const float *value);

/* ---- shapes ---- */

/* Sets rank, shape and width. False and an error if a dimension is 0 or the shape is too large. */
bool onnx_shape(struct onnx_graph *graph, struct onnx_value *value, size_t rank,
                const size_t *shape);
/* The product of shape[from … to - 1]. */
size_t onnx_product(const struct onnx_value *value, size_t from, size_t to);

/* ---- steps ---- */

/* Appends the step, which makes `out` from x[count]; out's shape is already set, and it gets its
 * kind and place. If all operands are constant, the step is evaluated at once. Only STEP_ELEMENT
 * and STEP_JOIN may mix constants and values. */
bool onnx_emit(struct onnx_graph *graph, const struct step *step, const struct onnx_value *x,
               size_t count, struct onnx_value *out);
/* True if the list of dimensions says that one axis, *axis, is the batch. */
bool onnx_is_of_batch(const struct onnx_graph *graph, const struct onnx_value *list, size_t *axis);
/* Makes a value of the net of the constant x, whose `axis` is the batch: each row has the same
 * numbers. */
bool onnx_spread(struct onnx_graph *graph, const struct onnx_value *x, size_t axis,
                 struct onnx_value *out);
/* If the step only moves numbers of views of the input (core/onnx/views.c), makes it one that
 * gathers from the input. *is_input: it would move nothing. False: out of memory or budget. */
bool onnx_compose_views(struct onnx_graph *graph, struct step *step, const struct onnx_value *x,
                        size_t count, bool *is_input);
/* An element-wise step on up to three operands, with NumPy's broadcasting. b and c may be NULL. */
bool onnx_element(struct onnx_graph *graph, enum element element, const struct onnx_value *a,
                  const struct onnx_value *b, const struct onnx_value *c, struct onnx_value *out);
/* An activation; without params it has its defaults. */
bool onnx_apply(struct onnx_graph *graph, const struct relud_activation *activation,
                const struct relud_activation_params *params, const struct onnx_value *x,
                struct onnx_value *out);
/* onnx_apply with the activation of that name. */
bool onnx_activate(struct onnx_graph *graph, const char *name,
                   const struct relud_activation_params *params, const struct onnx_value *x,
                   struct onnx_value *out);
/* Multiplies x[…, inputs] by alpha times the constant matrix w, and adds the constant
 * bias[outputs], which may be NULL. w is [inputs, outputs], or [outputs, inputs] with is_out_in. */
bool onnx_multiply(struct onnx_graph *graph, const struct onnx_value *x, const struct onnx_value *w,
                   bool is_out_in, float alpha, const struct onnx_value *bias,
                   struct onnx_value *out);
/* The product of two stacks of matrices of which both may vary: the products of their numbers, then
 * sums. Costs a number for each product, so it is for small ones. */
bool onnx_multiply_values(struct onnx_graph *graph, const struct onnx_value *a,
                          const struct onnx_value *b, struct onnx_value *out);
/* Reduces x over the marked axes. With `keeps` they stay as axes of size 1; otherwise they are
 * removed. */
bool onnx_reduce(struct onnx_graph *graph, const struct onnx_value *x, const bool *is_axis,
                 enum reduction reduction, bool keeps, struct onnx_value *out);
/* Divides x by its norm over the axis, which the reduction computes; where that is 0, by 1. */
bool onnx_divide_by_norm(struct onnx_graph *graph, const struct onnx_value *x, size_t axis,
                         enum reduction reduction, struct onnx_value *out);
/* Moves numbers: out[i] = x[map[i]], in the given shape. map[out's width] must be in the model's
 * memory. */
bool onnx_gather(struct onnx_graph *graph, const struct onnx_value *x, const uint32_t *map,
                 size_t rank, const size_t *shape, struct onnx_value *out);
/* The element at [i0, i1, …] of the new shape is the one at the sum of stride[k] · ik in x. */
bool onnx_gather_by_strides(struct onnx_graph *graph, const struct onnx_value *x, size_t rank,
                            const size_t *shape, const size_t *stride, struct onnx_value *out);
uint32_t *onnx_new_map(struct onnx_graph *graph, size_t width);
/* Makes axis order[i] of x axis i of `out`. */
bool onnx_transpose(struct onnx_graph *graph, const struct onnx_value *x, const size_t *order,
                    struct onnx_value *out);
bool onnx_expand(struct onnx_graph *graph, const struct onnx_value *x, size_t rank,
                 const size_t *shape, struct onnx_value *out);
/* Makes a constant's numbers lie in the order of its axes, so that its shape may be changed. */
bool onnx_unturn(struct onnx_graph *graph, struct onnx_value *value);
/* If the value's step ends a known composition of steps, replaces it by one simple step
 * (core/onnx/fuse.c). */
bool onnx_fuse(struct onnx_graph *graph, struct onnx_value *value);

#endif
