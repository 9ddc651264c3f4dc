/* One version of a model as it is served: the net, each worker's scratch memory for it, and what its answers begin with.
 * Never changes once it is open. */
#ifndef SERVER_ENTRY_H
#define SERVER_ENTRY_H

#include "server/insight.h"
#include "server/metrics.h"
#include "server/model_path.h"
#include "server/text.h"
#include <relud/relud.h>
#include <stdbool.h>
#include <stddef.h>

/* What a model gives: its results, and for a classification the probabilities behind them. */
enum { ENTRY_OUTPUTS_MAX = RELUD_RESULTS_MAX + 1 };
#define ENTRY_PROBABILITIES_NAME "probabilities"

struct entry {
    uint64_t serial; /* no other entry of this process has it */
    char name[MODEL_NAME_BYTES], version[MODEL_VERSION_BYTES];
    relud_model *model;
    const struct relud_model_info *info;
    size_t workers;
    relud_scratch **scratch;       /* [workers] */
    struct insight *insight;       /* what its units do */
    struct metrics_series *series; /* counts on where the version's last entry stopped */
    size_t outputs;                /* the model's results, and one more with probabilities */
    char *prediction_head;         /* /predict's answer up to its numbers */
    char *infer_head; /* `{"model_name":…,"model_version":…`, without a closing brace */
    char *tensor_head[ENTRY_OUTPUTS_MAX]; /* `{"name":"logits","datatype":"FP32","shape":[` */
    char **class_head;                    /* [classes]: `{"label":"7","index":7,"probability":` */
    size_t class_head_len_max;
    _Atomic size_t references;
};

struct entry_options {
    struct relud_model_options model;
    size_t workers, batch_rows_max;
};

/* Loads dir/model.json and what belongs to it. The name is model.json's, else `name`. series may be NULL: a new one.
 * NULL and *error on failure. The caller owns one reference. */
struct entry *entry_open(const char *dir, const char *name, const char *version,
                         const struct entry_options *options, struct metrics_series *series,
                         struct relud_error *error);
struct entry *entry_retain(struct entry *entry);
void entry_release(struct entry *entry);

/* A class as people call it: its label, or its number in `number`. */
const char *entry_label(const struct entry *entry, size_t class, char number[24]);

bool entry_is_probabilities(const struct entry *entry, size_t output);
/* Name, width and shape of a row of the outputs. */
const char *entry_output_name(const struct entry *entry, size_t output);
size_t entry_output_width(const struct entry *entry, size_t output);
/* The dimensions of a row, ",3,4", as they stand behind the number of rows. */
void entry_write_dims(struct text *out, const struct relud_tensor_info *tensor);
void entry_write_output_dims(struct text *out, const struct entry *entry, size_t output);

#endif
