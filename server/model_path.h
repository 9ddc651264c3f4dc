/* From what a user wrote for MODEL to model directories: a model itself, a NAME directory with versions, or a repository
 * of such. */
#ifndef SERVER_MODEL_PATH_H
#define SERVER_MODEL_PATH_H

#include <relud/relud.h>
#include <stdbool.h>

enum { MODEL_PATH_BYTES = 4096, MODEL_NAME_BYTES = 65, MODEL_VERSION_BYTES = 24 };

struct model_path {
    char dir[MODEL_PATH_BYTES];
    char name[MODEL_NAME_BYTES];       /* of the directory; model.json's own name goes before it */
    char version[MODEL_VERSION_BYTES]; /* "1" where there is none */
};

/* One model: a directory with model.json, or a NAME directory (its highest version). Another directory is
 * RELUD_BAD_MODEL. */
bool model_path_find(const char *path, struct model_path *found, struct relud_error *error);

/* Calls each(user, dir, name, error) for every directory with one model's versions that `path` names, in the order of names:
 * itself, or, of a repository, those in it. Stops at the first that returns false. No model at all is an error. */
bool model_path_each(const char *path,
                     bool (*each)(void *user, const char *dir, const char *name,
                                  struct relud_error *error),
                     void *user, struct relud_error *error);

enum { MODEL_VERSIONS_MAX = 1024 };

/* The versions in a model's directory, ascending; 1 alone where the model lies in the directory itself. False and *error
 * when it cannot be told: the directory is there, or may be, and cannot be read. */
bool model_path_versions(const char *dir, unsigned long long version[MODEL_VERSIONS_MAX],
                         size_t *count, struct relud_error *error);
/* Where that version lies; false when the path is too long. */
bool model_path_of_version(const char *dir, unsigned long long version,
                           char path[MODEL_PATH_BYTES]);

/* A number that changes when the model's files do (their names, sizes, times, inodes). */
unsigned long long model_path_fingerprint(const char *dir);

/* [A-Za-z0-9._ -]{1,64} without a leading dot: what a model may be called, so that no name is a path. */
bool model_path_is_name(const char *name);

#endif
