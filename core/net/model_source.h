/* A model source: the steps, names and notes that a reader has found in files. The readers in
 * core/format and core/onnx fill it in. core/net/model.c makes a model of it. */
#ifndef CORE_NET_MODEL_SOURCE_H
#define CORE_NET_MODEL_SOURCE_H

#include "core/base/arena.h"
#include "core/net/network.h"
#include <relud/file.h>

enum {
    MODEL_WIDTH_MAX = 1 << 20, /* widest row anywhere in a net, in floats */
    MODEL_PATH_BYTES = 4096,
    MODEL_FILES_MAX = 16,
    MODEL_NOTES_MAX = 16, /* if there are more, the last one says so */
};

/* Numbers that a feature must be one of, since the net answers NaN to others. */
struct model_numbers {
    const float *number; /* [count], in the model's memory; 0: any number is right */
    size_t count;
};

struct model_source {
    struct arena *arena;    /* the model's arena: for names, notes, steps and what they point to */
    struct arena temporary; /* freed when the weights have been packed */
    struct relud_file file[MODEL_FILES_MAX]; /* freed then, too */
    size_t files;
    struct relud_error *error;

    struct step *step;
    size_t steps;
    const struct model_inputs *inputs; /* of a net whose inputs inputs_add has added; or NULL */
    struct relud_feature *feature;     /* [info.features], is_imputed of words; NULL: numbers */
    struct model_numbers *numbers;     /* [info.features], to try the net; NULL: any are right */
    struct network_result *result;
    /* The model's info as far as the files tell: names, task, labels, classes, shapes, inputs,
     * results, format. */
    struct relud_model_info info;
    const char *note[MODEL_NOTES_MAX];
    bool has_probabilities; /* a classification whose scores are probabilities already */
};

/* Reads a whole file into the next element of source->file, which owns it. NULL and source->error
 * on failure. */
struct relud_file *model_source_file(struct model_source *source, const char *path);
/* Adds a note: one line of warning for the user. After MODEL_NOTES_MAX notes, further ones are
 * dropped. False and source->error if memory runs out. */
bool model_source_note(struct model_source *source, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Makes room for the descriptions of the inputs, which are one plain input without them. Returns
 * [count], whose `first` need not be set; a width of 0 is all features, a rank of 0 a vector, a
 * datatype of NULL "FP32". NULL and source->error if memory runs out. */
struct relud_tensor_info *model_source_inputs(struct model_source *source, size_t count);
/* Sets source->feature to info.features plain numbers, unless it is set. False and source->error if
 * memory runs out. */
bool model_source_features(struct model_source *source);
/* Frees the files and the temporary arena. */
void model_source_close(struct model_source *source);

/* Writes "dir/file" to `path`. False and *error if that is too long. */
bool model_path_join(char path[MODEL_PATH_BYTES], const char *dir, const char *file,
                     struct relud_error *error);

#endif
