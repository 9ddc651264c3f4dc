/* Training: a multilayer perceptron from rows and targets to a model that is ready to serve.
 *
 * The same data, settings and seed give the same bits of every weight, on any number of threads
 * and any CPU. Losses and optimizers have the formulas of torch.nn and torch.optim:
 * CrossEntropyLoss, BCEWithLogitsLoss, MSELoss; SGD, Adam (Kingma and Ba 2015). */
#ifndef RELUD_TRAIN_H
#define RELUD_TRAIN_H

#include <relud/data.h>
#include <relud/health.h>
#include <relud/model.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- data ---- */

/* Rows with targets. relud_dataset_read fills it, and the caller frees it with
 * relud_dataset_free. */
struct relud_dataset {
    size_t rows, features;
    const unsigned char *bytes; /* [rows][features] grey values, as they are in the file; or NULL */
    const float *values;  /* [rows][features], finite, words as indices; or NULL: there are bytes */
    size_t height, width; /* of an image: height * width = features; 0: rows are no images */
    size_t outputs;       /* numbers in a target; 0: targets are classes */
    const uint32_t *classes;  /* [rows], each below `labels`; or NULL */
    const float *targets;     /* [rows][outputs], finite; or NULL */
    size_t labels;            /* how many classes there are */
    const char *const *label; /* [labels] */
    bool has_number_labels;   /* labels are numbers: "1.0" is "1" */
    const char *const *name;  /* [features]: from the header, or NULL */
    size_t target_columns;
    const char *const *target_name; /* [target_columns]: from the header, or NULL */
    /* [features]: what missing cells became, NaN where none may be missing; or NULL: nowhere. */
    const float *means;
    const struct relud_features *feature; /* which are words; NULL: none */
    const unsigned char *is_boolean;      /* [features]: 1 for those with booleans; NULL: none */
    char note[RELUD_ERROR_TEXT_MAX];      /* as in struct relud_rows */
    struct relud_dataset_memory *memory;
};

/* How to read it. All zeros are the default. */
struct relud_dataset_options {
    const char *labels_path; /* targets as IDX or .npy, one a row; NULL: a column of the data */
    /* The column: its name, or its number from 1 on; for a regression several, with commas
     * between them. NULL: the last one. */
    const char *target;
    const char *drop; /* columns to leave out, written as `target`; or NULL */
    /* Columns that are constant or count the rows (0 or 1 on) are left out of a table that has a
     * header, except those named here, with commas between them; the note says which. */
    bool leaves_out;
    const char *keep;
    bool has_booleans;    /* true, yes and T in a feature are 1; false, no and F are 0 */
    enum relud_task task; /* RELUD_TASK_NONE: found out by the targets and `units` */
    size_t units;         /* of the net's last layer; 0: as many as the targets need */
    /* A missing cell becomes its column's mean, or its most frequent word; else it is an error. */
    bool fill_missing;
    bool fills_gaps_only; /* only in columns that have missing cells may later ones be missing */
    /* Columns of text become words: their different texts, sorted. So do numbers among them,
     * where there are fewer of them than of texts, or at most 16 different texts and numbers. Rows without a target are left out, and a column without any
     * value counts as constant. Columns in which nearly every row has a word of its own, of more
     * than 1000 words or of words above 1024 bytes are left out as constant ones are. */
    bool has_words;
    const char *categorical, *numeric; /* columns that are words, or not, written as `drop` */
    bool takes_unknown;                /* other words are right when the model is asked */
    struct relud_table table;          /* how a table is written as text */
    /* Whose labels, means and names of columns count; or NULL. It has been read from a file, or it
     * is filled by hand (memory is NULL then) with what a model knows: features, name, outputs, and
     * labels, label and has_number_labels of a classification. */
    const struct relud_dataset *like;
    /* If all targets are numbers and no label of `like` is one, they are the labels' places, from 0
     * to like->labels - 1. */
    bool takes_indices;
    /* What the features may be, or NULL: numbers, none missing. As in relud_rows_options. */
    const struct relud_features *feature;
};

/* Reads MNIST's IDX, .npy, JSON, CSV or TSV (with or without a header), each plain or gzip-ed.
 * The content says which format it is. False and *error, which names the file and the line, row
 * or column; *data then needs no freeing. */
bool relud_dataset_read(const char *path, const struct relud_dataset_options *options,
                        struct relud_dataset *data, struct relud_error *error);
/* Frees all that *data points to. */
void relud_dataset_free(struct relud_dataset *data);

/* ---- settings ---- */

enum relud_optimizer { RELUD_OPTIMIZER_SGD, RELUD_OPTIMIZER_ADAM };
enum relud_schedule { RELUD_SCHEDULE_CONSTANT, RELUD_SCHEDULE_COSINE, RELUD_SCHEDULE_STEP };
/* How weights begin: uniform over ±limit (torch.nn.init). */
enum relud_init {
    /* He; Xavier before a sigmoid or the like and before the answer; LeCun before SELU. */
    RELUD_INIT_AUTO,
    RELUD_INIT_HE,     /* He et al. 2015 */
    RELUD_INIT_XAVIER, /* Glorot and Bengio 2010 */
    RELUD_INIT_LECUN,  /* LeCun et al. 1998 */
};

enum { RELUD_TRAIN_LAYERS_MAX = 64 };

struct relud_train_layer {
    size_t units;
    const struct relud_activation *activation; /* NULL: identity */
    struct relud_activation_params params;     /* PReLU's slopes begin at values[0] */
    bool has_slope_per_unit; /* PReLU: it learns one slope for each unit, not one for all */
};

/* Threads that the caller lends; the library starts none. run calls work(arg, part, parts) for
 * each part from 0 to parts - 1, each on a thread of its own, and returns when all have
 * returned. */
struct relud_team {
    size_t parts;
    void (*run)(void *self, void (*work)(void *arg, size_t part, size_t parts), void *arg);
    void *self;
};

/* What happened in one epoch. A loss is a mean over rows, an accuracy a share of rows, NaN for a
 * regression. */
struct relud_epoch {
    size_t epoch; /* from 1 on */
    double loss, accuracy;
    size_t validation_rows;
    double validation_loss, validation_accuracy; /* NaN without validation rows */
    double lr;                                   /* the learning rate of the last step */
    double seconds, rows_per_second;             /* of the training, without the validation */
    /* Over the rows of the epoch, as they were trained. */
    struct relud_layer_health layer[RELUD_TRAIN_LAYERS_MAX];
    bool is_best; /* so far */
};

struct relud_progress {
    size_t epoch, epochs;            /* epoch is from 1 on */
    size_t row, rows;                /* of this epoch: how many are done, and all */
    double loss, accuracy;           /* over the rows that are done */
    const struct relud_epoch *ended; /* the epoch that has just ended; else NULL */
    bool is_restored;                /* that epoch was read from the checkpoint */
};

struct relud_train_config {
    size_t layers;
    struct relud_train_layer layer[RELUD_TRAIN_LAYERS_MAX];
    /* A classification has cross entropy on logits as its loss, binary for a single unit; a
     * regression the mean squared error. */
    enum relud_task task;
    float scale, shift; /* the input becomes x * scale + shift; a scale of 0 is 1 */
    bool standardize;   /* it becomes (x - mean) / std over the training rows instead */
    size_t epochs, batch;
    enum relud_optimizer optimizer;
    double lr, momentum, weight_decay;
    bool nesterov;
    enum relud_schedule schedule;
    double warmup_epochs; /* epochs in which the rate rises in a straight line */
    size_t step_epochs;   /* RELUD_SCHEDULE_STEP: after each so many epochs */
    double step_factor;   /* the rate is multiplied by this */
    double dropout;       /* share of hidden units that a step leaves out */
    enum relud_init init;
    size_t augment_shift; /* images are moved by up to so many pixels each way */
    size_t patience;      /* epochs without a better validation result before it ends; 0: never */
    double validation_share; /* of the rows, drawn at random, that are not trained on */
    uint64_t seed;
    enum relud_isa isa;     /* RELUD_ISA_BEST, or a lesser one to try its kernels */
    struct relud_team team; /* all zeros: the calling thread alone */
    /* The file that holds what is needed to go on, or NULL. Written at the end of epochs, but
     * not more often than every ten seconds, and when the training is stopped. */
    const char *checkpoint;
    bool is_resumed; /* begin with what that file holds: the bits are those of one run */
    const char *name, *description, *recipe; /* of the model, or NULL */
};

/* Called after every step, in the thread that called relud_train. False ends the training as if
 * this step were the last. */
typedef bool relud_progress_fn(void *user, const struct relud_progress *progress);

/* Trains, and returns the model of the best epoch, which the caller owns. Best is the accuracy,
 * then the loss, on the validation rows; without these the last epoch whose loss is not above the
 * baseline's, or else the one of the lowest loss; if it is stopped in the first epoch, the latest
 * state. validation and test may be NULL; test rows are only counted at
 * the end. The model's info holds what is known of the training, and relud_model_save writes it.
 *
 * A regression's targets are standardized while it learns, if the last layer has no activation.
 * Mean and deviation are then folded into that layer: the model answers in the targets' units, and
 * every loss is in them.
 *
 * NULL and *error if the settings do not fit the data, if memory runs out or a file cannot be
 * written, or if the loss is not finite any more before the first epoch has ended. If that happens
 * later, if the loss of an epoch is more than ten times the first epoch's and the baseline's
 * (both RELUD_NOT_FINITE), or if a checkpoint cannot be written, the training ends there: the
 * model is returned and *error says why. RELUD_NOT_LEARNED: the model is returned, but on the
 * validation rows, or without them on the rows to train on, it is worse than the baseline, which
 * answers the mean or the classes' shares for every row. Otherwise error->code is RELUD_OK. */
relud_model *relud_train(const struct relud_train_config *config, const struct relud_dataset *data,
                         const struct relud_dataset *validation, const struct relud_dataset *test,
                         relud_progress_fn *progress, void *user, struct relud_error *error);

#ifdef __cplusplus
}
#endif

#endif
