/* Finds the versions of one model: the folders NAME/VERSION, and other folders between them. */
#ifndef SERVER_MODELS_VERSIONS_H
#define SERVER_MODELS_VERSIONS_H

#include <relud/error.h>
#include <stdbool.h>
#include <stddef.h>

enum { MODEL_PATH_BYTES = 4096, MODEL_NAME_BYTES = 65, MODEL_VERSION_BYTES = 24 };

struct model_version {
    unsigned long long number;
    /* For example "2" or "002"; "" if the model lies in the directory itself. */
    char folder[MODEL_NAME_BYTES];
    char twin[MODEL_NAME_BYTES]; /* another folder with the same version number; or "" */
};

/* A folder that looks like a version or holds a model, but is not served. */
struct model_passed {
    char folder[MODEL_NAME_BYTES]; /* its name, cut if it is too long */
    const char *reason;            /* a constant */
};

struct model_versions {
    struct model_version *version; /* [len], sorted by number */
    size_t len;
    struct model_passed *passed; /* [passed_len], sorted by name */
    size_t passed_len;
};

/* True if the path is an .onnx or .safetensors file, or a directory with model.json or
 * model.onnx. */
bool model_is(const char *path);
/* The length of the name without ".onnx" or ".safetensors"; 0 if it has no such ending. */
size_t model_file_stem(const char *name);
/* True if the path is a .safetensors file. It is a model if it is named as MODEL, but never a
 * member of a repository or a version. */
bool model_is_state_dict(const char *path);

/* Reads which versions a model's directory has. If the directory is itself a model, that is version
 * 1 and the only one. If there is no directory, there are no versions. Leading zeros do not count:
 * 002 is 2. Returns false and sets *error if the directory cannot be read, or if memory runs
 * out. */
bool model_versions_read(const char *dir, struct model_versions *found, struct relud_error *error);
void model_versions_free(struct model_versions *found);
/* Writes the path of a version. Returns false and sets *error if the path is too long, or if two
 * folders have that version number. */
bool model_version_path(const char *dir, const struct model_version *version,
                        char path[MODEL_PATH_BYTES], struct relud_error *error);

#endif
