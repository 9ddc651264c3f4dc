/* What the files say a model is, on the way to a relud_model: its steps, its names, what it wants noted. Read by
 * core/model_dir.c and core/onnx.c, made into a model by core/model.c. */
#ifndef CORE_MODEL_SOURCE_H
#define CORE_MODEL_SOURCE_H

#include "core/arena.h"
#include "core/file.h"
#include "core/network.h"

enum {
    MODEL_WIDTH_MAX = 1 << 20, /* floats in a row, anywhere in a net */
    MODEL_PATH_BYTES = 4096,
    MODEL_FILES_MAX = 16,
    MODEL_NOTES_MAX = 16, /* what is beyond is counted in the last */
};

struct model_source {
    struct arena *arena;    /* the model's: for steps and all that they point to, names, notes */
    struct arena temporary; /* until the model is packed */
    struct file file[MODEL_FILES_MAX]; /* the same */
    size_t files;
    struct relud_error *error;

    struct step *step;
    size_t steps;
    struct network_result *result;
    /* info as far as it is known: names, task, labels, classes, shapes, results, format */
    struct relud_model_info info;
    const char *note[MODEL_NOTES_MAX];
    bool has_probabilities; /* the answer of a classification is what the softmax would give */
};

/* Reads DIR's model.json, and what that asks for. */
bool model_dir_read(struct model_source *source, const char *dir);
/* Reads an .onnx file. `json_path` is NULL, or a model.json beside it that has no layers. */
bool onnx_read(struct model_source *source, const char *path);

/* The next of source->file, read whole; NULL and *error on failure. */
struct file *model_source_file(struct model_source *source, const char *path, size_t most);
/* One line worth a warning. */
bool model_source_note(struct model_source *source, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void model_source_close(struct model_source *source);

bool model_path_join(char path[MODEL_PATH_BYTES], const char *dir, const char *file,
                     struct relud_error *error);

#endif
