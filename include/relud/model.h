/* Models: loading, what is inside, and the forward pass. */
#ifndef RELUD_MODEL_H
#define RELUD_MODEL_H

#include <relud/activation.h>
#include <relud/error.h>
#include <relud/feature.h>
#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A net that is ready to run. It counts references and never changes: threads may share it. */
typedef struct relud_model relud_model;
/* Working memory for its forward passes: one for each thread. */
typedef struct relud_scratch relud_scratch;

enum relud_math {
    /* Each number is one chain of fmaf: the same bits alone, in a batch, on any CPU. */
    RELUD_MATH_EXACT = 0,
    RELUD_MATH_FAST, /* OpenBLAS may be chosen: bits may differ */
};

enum relud_task { RELUD_TASK_NONE = 0, RELUD_TASK_CLASSIFICATION, RELUD_TASK_REGRESSION };

enum { RELUD_RANK_MAX = 8, RELUD_RESULTS_MAX = 16 };

/* A tensor that goes in or comes out, for one row: without the dimension of the batch. */
struct relud_tensor_info {
    const char *name;     /* "input" and "output" if the file gives none */
    const char *datatype; /* by the Open Inference Protocol: "FP32", "INT64", "BYTES" for words */
    size_t first;         /* where it begins in the row */
    size_t width;         /* numbers in a row */
    size_t rank;          /* 1, unless an ONNX file says more */
    size_t shape[RELUD_RANK_MAX]; /* [rank]; their product is the width */
};

/* How to load a model. All zeros are the default. */
struct relud_model_options {
    enum relud_math math;
    enum relud_isa isa; /* RELUD_ISA_BEST, or a lesser one to try its kernels */
    /* Between the layers of a state dict, "relu" or "elu:alpha=0.5"; NULL: not known. */
    const char *activation;
    /* A state dict may have norms and PReLUs. Where its names do not tell their places, the usual
     * ones in PyTorch are taken, and PyTorch's eps. The model's notes say what was read and what
     * was assumed, for somebody to approve. false: such a file is refused. */
    bool takes_usual_order;
};

/* What a training left in the model. A loss is a mean over rows, an accuracy a share of rows;
 * both are NaN where there are no rows. */
struct relud_training {
    const char *recipe; /* the settings in words, or NULL */
    size_t rows, epochs, best_epoch;
    double loss, accuracy; /* of the rows of the best epoch, as they were trained */
    size_t validation_rows;
    double validation_loss, validation_accuracy;
    size_t test_rows;
    double test_loss, test_accuracy;
    size_t target_columns;
    const char *const *target; /* [target_columns]: their names in the table's header, or NULL */
    /* What the features were in the rows trained on, before scaling. */
    size_t features;                     /* 0: it was not kept */
    const float *mean, *std, *min, *max; /* [features]; std is over rows, not rows - 1 */
    const char *const *feature;          /* [features] names, or NULL */
    size_t bins;
    /* [features][bins]: rows in each of `bins` equal parts from min to max. */
    const float *histogram;
};

/* All of it lives as long as the model. */
struct relud_model_info {
    const char *name;        /* "name" of model.json, or NULL */
    const char *description; /* or NULL */
    const char *format;      /* "relud-model/1" or "onnx" */
    const char *output_name; /* "output" if the file gives none */
    size_t features;         /* numbers in a row that goes in */
    size_t outputs;          /* numbers in a row that comes out, of all results together */
    size_t inputs;
    const struct relud_tensor_info *input; /* [inputs]: side by side in the row that goes in */
    const struct relud_features *feature;  /* NULL: plain numbers, none of which may be missing */
    size_t results; /* 1 to RELUD_RESULTS_MAX; an ONNX file may name several */
    const struct relud_tensor_info *result; /* [results], side by side in the row that comes out */
    size_t layers;
    const char *operations;  /* of an ONNX file, as they were read: "Gemm 2, Relu 1"; else NULL */
    size_t steps;            /* of the forward pass */
    const char *const *step; /* [steps], each in words: "linear fc1.weight of input: 256" */
    size_t parameters;       /* numbers that were trained */
    size_t bytes;            /* of memory that the model holds */
    double row_ns;  /* about what a row takes in a pass of many, measured when it was loaded */
    size_t classes; /* of a classification: max(scores, 2); else 0 */
    /* Of a classification: numbers at the head of the answer that tell classes apart, 1 or
     * [classes]. */
    size_t scores;
    enum relud_task task;
    enum relud_math math;
    const char *const *labels;             /* [classes], or NULL */
    const struct relud_training *training; /* or NULL */
    size_t notes;
    const char *const *note; /* [notes]: what is worth a warning, as tensors that are not used */
};

struct relud_layer_info {
    const char *weight; /* the tensor's name; NULL: an activation by itself */
    const char *activation;
    size_t inputs, outputs;
    bool has_bias;
    bool is_relu_like, is_saturating; /* of the activation: activation.h */
    /* Which kernel for how many rows, "1 row: sparse panel; 2-7: …"; "" without a weight. */
    const char *plan;
};

/* ---- loading and saving ---- */

/* Loads a directory (model.json and model.safetensors, or model.onnx), an .onnx file, or a state
 * dict of linear layers in safetensors. It checks everything, packs the weights, measures which
 * kernels are fast, and tests them. options may be NULL. The caller owns one reference. NULL and
 * *error, whose text names the file and the layer, tensor or node; nothing is kept then. */
relud_model *relud_model_load(const char *path, const struct relud_model_options *options,
                              struct relud_error *error);
/* Fills *error for a file or folder that is no model: what it is, by its bytes, and the steps
 * that make a model of it. Returns false. */
bool relud_model_refuse(const char *path, struct relud_error *error);
/* One more reference, from any thread. Returns the model. */
relud_model *relud_model_retain(relud_model *model);
/* One reference less, from any thread; the last one frees. May be NULL. */
void relud_model_release(relud_model *model);

/* Writes dir/model.json and dir/model.safetensors, of float32 numbers: a model that is loaded
 * from them gives the same bits. Makes `dir` if it is not there. name may be NULL. False and
 * *error: RELUD_UNSUPPORTED for a net that is not a chain of layers, RELUD_IO otherwise. Files
 * that are there are not overwritten, and no half-written file stays under a model's name. */
bool relud_model_save(const relud_model *model, const char *dir, const char *name,
                      struct relud_error *error);

/* Writes the state dict at `path` as a model directory: dir/model.safetensors is the file itself,
 * and dir/model.json has its layers by their names, to be read and corrected. It is what
 * relud_model_load serves with the same options, and gives the same bits. Otherwise as
 * relud_model_save. */
bool relud_state_dict_save(const char *path, const struct relud_model_options *options,
                           const char *dir, const char *name, struct relud_error *error);

/* ---- what is inside ---- */

/* These live as long as the model. index is below info->layers. */
const struct relud_model_info *relud_model_info(const relud_model *model);
const struct relud_layer_info *relud_model_layer(const relud_model *model, size_t index);

/* The names of the row's numbers, [features], if the model knows them: the columns of the table
 * that it was trained on, or its inputs where it has several; those of an input of more than one
 * number are called "name.0", "name.1". Else NULL. */
const char *const *relud_model_feature_names(const relud_model *model);

/* ---- the forward pass ---- */

/* Working memory for passes of up to max_rows rows at a time, for one thread. More rows are
 * taken in several passes; their answers have the same bits. Holds a reference to the model.
 * NULL and *error: out of memory. */
relud_scratch *relud_scratch_new(relud_model *model, size_t max_rows, struct relud_error *error);
void relud_scratch_free(relud_scratch *scratch); /* may be NULL */

/* y[rows][outputs] = the net's answers to x[rows][features]. y must not overlap x. Cannot fail,
 * and allocates nothing. Every NaN in y is the quiet one without a payload, 0x7fc00000. */
void relud_predict(relud_scratch *scratch, const float *x, size_t rows, float *y);

/* The same, and each layer's output: layer_out[i] is [rows][outputs of layer i], or NULL to
 * leave it out. */
void relud_predict_layers(relud_scratch *scratch, const float *x, size_t rows, float *y,
                          float *const *layer_out);

/* p[rows][classes] of a classification: the softmax of the scores at the head of
 * y[rows][outputs]; of a single score [1 - p, p] with p = sigmoid(y). Scores that the net has
 * made probabilities already stay as they are. p must not overlap y. Sums are in a fixed order,
 * so the bits are the same on any CPU. */
void relud_probabilities(const relud_model *model, const float *y, size_t rows, float *p);
/* The same under a watch (watch.h). False: it ended the work. */
bool relud_probabilities_watched(const relud_model *model, const float *y, size_t rows, float *p,
                                 const struct relud_watch *watch);

/* The loss of one row of a classification: -log of the probability that its answer y[outputs] gives
 * to `target`, in double. From scores it is PyTorch's cross entropy. Where the net makes
 * probabilities itself, one below 2^-23 counts as 2^-23, scikit-learn's rule for float32; so does
 * the probability of a score of -infinity. NaN in y gives NaN. */
double relud_log_loss(const relud_model *model, const float *y, size_t target);

#ifdef __cplusplus
}
#endif

#endif
