/* Training: a multilayer perceptron from rows and targets to a model that is ready to serve.
 *
 * One arithmetic here, too: the same data, settings and seed give the same bits of every weight on any number of threads
 * and any CPU. Losses, optimizers and initialisations are PyTorch's by their formulas. */
#ifndef RELUD_TRAIN_H
#define RELUD_TRAIN_H

#include <relud/data.h>
#include <relud/health.h>
#include <relud/model.h>
#include <stdint.h>

/* ---- data ---- */

/* Rows with targets. Owned by whoever called relud_dataset_read; relud_dataset_free frees all that it points to. */
struct relud_dataset {
    size_t rows, features;
    const unsigned char *bytes; /* [rows][features] grey values, as they lie in the file; or */
    const float *values;        /* [rows][features], finite */
    size_t height, width;       /* of an image: height * width = features; 0 where rows are none */
    size_t outputs;             /* numbers in a target; 0: targets are classes */
    const uint32_t *classes;    /* [rows], below `labels`; or */
    const float *targets;       /* [rows][outputs], finite */
    size_t labels;              /* how many classes there are */
    const char *const *label;   /* [labels] */
    bool has_number_labels;     /* the labels are numbers: "1.0" is "1" */
    const char *const *name;    /* [features]: the header's, or NULL */
    const float *means;         /* [features]: what missing cells became, or NULL */
    struct relud_dataset_memory *memory;
};

struct relud_dataset_options {
    const char *labels_path; /* IDX or .npy targets, one a row; NULL: a column of the data */
    const char *
        target; /* the column: its name, or its number from 1; several with commas between them for a
                                regression; NULL: the last one */
    enum relud_task
        task;     /* RELUD_TASK_NONE: by the target and the number of units that are to give it */
    size_t units; /* of the last layer */
    bool
        fill_missing; /* cells that are empty or NA, NaN, null, None or ? become the mean of their column */
    const struct relud_dataset *like; /* NULL, or: whose labels and column means count */
};

/* Reads MNIST's IDX, .npy, JSON, CSV or TSV (with or without a header), each plain or gzip-ed; the content says which.
 * Errors name the file and the line, row or column. */
bool relud_dataset_read(const char *path, const struct relud_dataset_options *options,
                        struct relud_dataset *data, struct relud_error *error);
void relud_dataset_free(struct relud_dataset *data);

/* ---- settings ---- */

enum relud_optimizer { RELUD_OPTIMIZER_SGD, RELUD_OPTIMIZER_ADAM };
enum relud_schedule { RELUD_SCHEDULE_CONSTANT, RELUD_SCHEDULE_COSINE, RELUD_SCHEDULE_STEP };
enum relud_init {
    RELUD_INIT_AUTO, /* He, but Xavier before sigmoids and the like and before the answer, LeCun before SELU */
    RELUD_INIT_HE,
    RELUD_INIT_XAVIER,
    RELUD_INIT_LECUN,
};

enum { RELUD_TRAIN_LAYERS_MAX = 64 };

struct relud_train_layer {
    size_t units;
    const struct relud_activation *activation; /* NULL: identity */
    struct relud_activation_params
        params;              /* numbers and choices; PReLU's slopes begin at values[0] */
    bool has_slope_per_unit; /* PReLU: one learned slope for each unit, not one for all */
};

/* Threads, which the library has none of: run calls work(arg, part, parts) for each part from 0 to parts - 1, on one
 * thread each, and returns when all have returned. */
struct relud_team {
    size_t parts;
    void (*run)(void *self, void (*work)(void *arg, size_t part, size_t parts), void *arg);
    void *self;
};

/* What happened in one epoch. Losses are means over rows, accuracies shares of rows; for regressions they are NaN. */
struct relud_epoch {
    size_t epoch; /* from 1 */
    double loss, accuracy;
    size_t validation_rows;
    double validation_loss, validation_accuracy; /* NaN without validation rows */
    double lr;                                   /* of the last step */
    double seconds, rows_per_second;             /* of the training part */
    struct relud_layer_health
        layer[RELUD_TRAIN_LAYERS_MAX]; /* over the epoch's rows, as they were trained */
    bool is_best;
};

struct relud_progress {
    size_t epoch, epochs, row, rows; /* rows of this epoch that are done, and all */
    double loss, accuracy;           /* over them */
    const struct relud_epoch *ended; /* the epoch that has just ended; else NULL */
    bool is_restored;                /* that epoch was read from the checkpoint */
};

struct relud_train_config {
    size_t layers;
    struct relud_train_layer layer[RELUD_TRAIN_LAYERS_MAX];
    enum relud_task
        task; /* classification: cross entropy on logits, binary for a single unit; regression:
                                  mean squared error */
    float scale, shift; /* of the input: x * scale + shift; scale 0 is 1 */
    bool standardize;   /* (x - mean) / std over the training rows instead */
    size_t epochs, batch;
    enum relud_optimizer optimizer;
    double lr, momentum, weight_decay;
    bool nesterov;
    enum relud_schedule schedule;
    double warmup_epochs; /* the rate rises in a line */
    size_t step_epochs;   /* RELUD_SCHEDULE_STEP: every so many epochs */
    double step_factor;   /* the rate is multiplied by this */
    double dropout;       /* share of hidden units that are left out at a step */
    enum relud_init init;
    size_t augment_shift;    /* images are moved by up to so many pixels each way */
    size_t patience;         /* epochs without a better validation result before it ends; 0: none */
    double validation_share; /* of the rows, drawn at random, that are not trained on */
    uint64_t seed;
    enum relud_isa isa;     /* RELUD_ISA_BEST, or a lesser one to try that path */
    struct relud_team team; /* zero: the calling thread alone */
    const char *
        checkpoint; /* NULL, or the file that is to hold what is needed to go on; written at the end of epochs,
                                  not more often than every ten seconds, and when the training is stopped */
    bool is_resumed; /* begin with what that file holds: the bits will be those of one run */
    const char *name, *description, *recipe; /* of the model, or NULL */
};

/* Called after every step; false ends the training as if it were the last. */
typedef bool relud_progress_fn(void *user, const struct relud_progress *progress);

/* Trains, and returns the model of the best epoch: by accuracy, then loss, on the validation rows where there are some,
 * else the last; of the latest state where it was stopped in the first. NULL and *error when the settings do not fit the
 * data, when memory or the disk refuse, or when the loss is no number any more before the first epoch has ended. When that
 * happens later, or a checkpoint cannot be written, the training ends there: the model is returned, and *error says so, too;
 * error->code is RELUD_OK otherwise. validation and test
 * may be NULL; test rows are only counted at the end. The caller owns the model; its info holds what is known of the
 * training, and relud_model_save writes it. */
relud_model *relud_train(const struct relud_train_config *config, const struct relud_dataset *data,
                         const struct relud_dataset *validation, const struct relud_dataset *test,
                         relud_progress_fn *progress, void *user, struct relud_error *error);

#endif
