/* One version of a model as it is served: the net, each worker's scratch memory for it, and the
 * fixed beginnings of its responses. The net never changes after served_model_open. */
#ifndef SERVER_MODELS_SERVED_MODEL_H
#define SERVER_MODELS_SERVED_MODEL_H

#include "server/base/text.h"
#include "server/metrics/drift_watch.h"
#include "server/metrics/metrics.h"
#include "server/metrics/unit_watch.h"
#include "server/models/path.h"
#include <relud/relud.h>
#include <stdbool.h>
#include <stddef.h>

/* The outputs of a model: its results, and for a classification also the probabilities. */
enum { SERVED_MODEL_OUTPUTS_MAX = RELUD_RESULTS_MAX + 1 };
#define SERVED_MODEL_PROBABILITIES_NAME "probabilities"

struct served_model {
    uint64_t serial; /* unique in this process */
    char name[MODEL_NAME_BYTES], version[MODEL_VERSION_BYTES];
    relud_model *model;
    const struct relud_model_info *info;
    /* The inputs, where there are several; else the columns of the one input, if the model names
     * them. */
    struct relud_json_columns columns;
    struct relud_tensor_info row;     /* all inputs as one; the input itself if it is only one */
    struct relud_json_columns inputs; /* the inputs, even if it is only one */
    const char **input_name;          /* [inputs]; the names are the model's */
    size_t *input_first;              /* of the inputs, as in relud_json_columns */
    size_t *index_feature;            /* [indices]: the features that are indices of a table */
    size_t indices;
    /* The input's name: a request may give a row as an object with this one member. NULL if a
     * column has the same name. */
    const char *row_name;
    size_t workers;
    relud_scratch **scratch;         /* [workers] */
    struct unit_watch *unit_watch;   /* counts what its units do */
    struct drift_watch *drift_watch; /* compares its rows with those trained on */
    struct metrics_series *series;   /* goes on from the version's earlier loads */
    size_t outputs;                  /* the model's results, plus 1 if it has probabilities */
    char *prediction_head;           /* /predict's response up to its numbers */
    char *infer_head; /* `{"model_name":…,"model_version":…`, without a closing brace */
    /* `{"name":"logits","datatype":"FP32","shape":[` */
    char *tensor_head[SERVED_MODEL_OUTPUTS_MAX];
    /* [classes]: `{"label":"7","index":7,"probability":`, or `{"index":7,"probability":` without
     * labels. */
    char **class_head;
    size_t class_head_len_max;
    size_t unusual_bytes; /* the most that a row's unusual features take in a response */
    _Atomic size_t references;
};

struct served_model_options {
    struct relud_model_options model;
    size_t workers, batch_rows_max;
};

/* Where a version is loaded from, and its names. */
struct served_model_source {
    const char *dir, *name, *version;
    /* `name` applies, whatever model.json says. If false, `name` applies only if model.json has
     * none. */
    bool is_named;
};

/* Loads the model. `series` may be NULL: then it gets a new one. Returns NULL and sets *error on
 * failure. The caller owns one reference. */
struct served_model *served_model_open(const struct served_model_source *source,
                                       const struct served_model_options *options,
                                       struct metrics_series *series, struct relud_error *error);
struct served_model *served_model_retain(struct served_model *served);
/* NULL is fine. The last release frees the model. */
void served_model_release(struct served_model *served);

/* The most features of a row that are listed as unusual. */
enum { SERVED_MODEL_UNUSUAL_MAX = 16 };

/* The most bytes that the names of the results take for each row of a response; 0 if there is only
 * one result. */
size_t served_model_names_bytes(const struct served_model *served);

/* True if a row may leave out the input: the model imputes all of its numbers. */
bool served_model_may_leave_out(const struct served_model *served, size_t input);

bool served_model_is_probabilities(const struct served_model *served, size_t output);
/* An output is a number below `outputs`. Its name, and the number of values in a row of it: */
const char *served_model_output_name(const struct served_model *served, size_t output);
size_t served_model_output_width(const struct served_model *served, size_t output);
/* Appends the dimensions of a row, such as ",3,4", which follow the number of rows. */
void served_model_write_dims(struct text *out, const struct relud_tensor_info *tensor);
void served_model_write_output_dims(struct text *out, const struct served_model *served,
                                    size_t output);

#endif
