/* Models: loading, what is inside, and the forward pass. */
#ifndef RELUD_MODEL_H
#define RELUD_MODEL_H

#include <relud/activation.h>
#include <relud/error.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct relud_model relud_model;
typedef struct relud_scratch relud_scratch;

enum relud_math {
    RELUD_MATH_EXACT =
        0,           /* every output is the fmaf chain: the same bits alone, batched, on any CPU */
    RELUD_MATH_FAST, /* plain OpenBLAS may compete without the proof */
};

enum relud_task { RELUD_TASK_NONE = 0, RELUD_TASK_CLASSIFICATION, RELUD_TASK_REGRESSION };

enum { RELUD_RANK_MAX = 8, RELUD_RESULTS_MAX = 16 };

/* A tensor that goes in or comes out, for one row: without the batch. */
struct relud_tensor_info {
    const char *name;
    size_t width; /* floats a row */
    size_t rank,
        shape
            [RELUD_RANK_MAX]; /* their product is the width; rank 1 but where an ONNX file says more */
};

/* Zero-initialised is the default. */
struct relud_model_options {
    enum relud_math math;
    enum relud_isa isa; /* RELUD_ISA_BEST, or a lesser one to try that path */
};

/* What a training left in the model. Losses are means over rows, accuracies shares of rows; NaN where there are none. */
struct relud_training {
    const char *recipe; /* the settings in words, or NULL */
    size_t rows, epochs, best_epoch;
    double loss, accuracy; /* of the best epoch's rows, as they were trained */
    size_t validation_rows;
    double validation_loss, validation_accuracy;
    size_t test_rows;
    double test_loss, test_accuracy;
    size_t features; /* of the following, before scaling; 0: they were not kept */
    const float *mean, *std, *min,
        *max; /* [features] over the rows trained on; std over rows, not rows - 1 */
    const char *const *feature; /* [features]: their names, or NULL */
    size_t bins;
    const float
        *histogram; /* [features][bins]: rows in each of so many equal parts from min to max */
};

struct relud_model_info {
    const char *name;        /* model.json's "name", else NULL */
    const char *description; /* or NULL */
    const char *format;      /* "relud-model/1", or "onnx" */
    const char *input_name;  /* "input" where the file gives none */
    const char *output_name; /* "output" where the file gives none */
    size_t features;         /* floats in a row going in */
    size_t outputs;          /* floats in a row coming out, of all results together */
    struct relud_tensor_info input;
    size_t results; /* 1 … RELUD_RESULTS_MAX; an ONNX file may name several */
    const struct relud_tensor_info *result; /* [results], side by side in the row that comes out */
    size_t layers;
    const char
        *operations; /* an ONNX file's, counted, as they were read: "Gemm 2, Relu 1"; else NULL */
    size_t steps;    /* of the forward pass */
    const char *const *step; /* step[steps], each in words: "linear fc1.weight of input: 256" */
    size_t parameters;       /* trainable numbers */
    size_t bytes;            /* memory the model holds */
    size_t classes;          /* classification: max(width of the first result, 2); else 0 */
    enum relud_task task;
    enum relud_math math;
    const char *const *labels;             /* labels[classes], or NULL */
    const struct relud_training *training; /* or NULL */
    size_t notes;                          /* things worth a warning, e.g. unused tensors */
    const char *const *note;               /* note[notes] */
};

struct relud_layer_info {
    const char *weight; /* the tensor's name; NULL: an activation by itself */
    const char *activation;
    size_t inputs, outputs;
    bool has_bias;
    bool is_relu_like, is_saturating;
    const char *
        plan; /* which kernel for how many rows, in words, e.g. "1 row: sparse panel; 2-7: …"; "" without a weight */
};

/* Loads a model directory (model.json + model.safetensors, or model.onnx) or an .onnx file: reads, checks everything, packs, plans and
 * self-tests. NULL and *error on failure; nothing is kept then. The caller owns one reference. A model never
 * changes after this and may be shared by threads. options may be NULL. */
relud_model *relud_model_load(const char *path, const struct relud_model_options *options,
                              struct relud_error *error);
relud_model *relud_model_retain(relud_model *model); /* one more reference; thread-safe */
void relud_model_release(relud_model *model);        /* NULL is fine; the last one frees */

/* Writes dir/model.json and dir/model.safetensors, float32, so that loading them gives the same bits; `dir` is made if
 * need be. name may be NULL. Only nets that are a chain of layers can be written (RELUD_UNSUPPORTED); what is there is not
 * overwritten, and nothing half-written stays under a model's name. */
bool relud_model_save(const relud_model *model, const char *dir, const char *name,
                      struct relud_error *error);

/* Both live as long as the model. */
const struct relud_model_info *relud_model_info(const relud_model *model);
const struct relud_layer_info *relud_model_layer(const relud_model *model, size_t index);

/* Working memory for forward passes of up to max_rows rows at a time: one per thread and model. More rows
 * than that are taken in steps; the answers are the same bits. Holds a reference to the model. */
relud_scratch *relud_scratch_new(relud_model *model, size_t max_rows, struct relud_error *error);
void relud_scratch_free(relud_scratch *scratch);

/* y[rows][outputs] = the net at x[rows][features]. Cannot fail and allocates nothing. y must not overlap x. */
void relud_predict(relud_scratch *scratch, const float *x, size_t rows, float *y);

/* The same, and also each layer's output: layer_out[i] is [rows][outputs of layer i] or NULL. */
void relud_predict_layers(relud_scratch *scratch, const float *x, size_t rows, float *y,
                          float *const *layer_out);

/* p[rows][classes] for a classification model: softmax over the first result in y[rows][outputs]; where that is a single
 * number, [1 - p, p] with p = sigmoid(y). Where the last layer is softmax, log_softmax or sigmoid already, that is
 * taken into account. Sums run in a fixed order, so the bits are reproducible. p must not overlap y. */
void relud_probabilities(const relud_model *model, const float *y, size_t rows, float *p);

#endif
