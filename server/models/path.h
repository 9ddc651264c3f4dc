/* Finds the models that a MODEL argument names. It may name a model itself, a NAME directory with
 * versions, or a repository of models. */
#ifndef SERVER_MODELS_PATH_H
#define SERVER_MODELS_PATH_H

#include "server/models/versions.h"
#include <relud/relud.h>
#include <stdbool.h>

struct model_path {
    char dir[MODEL_PATH_BYTES];
    char name[MODEL_NAME_BYTES];       /* as written, never a link's target; see model_place */
    char version[MODEL_VERSION_BYTES]; /* "1" if it has no version folders */
    bool is_model; /* false: it may be a repository, or nothing that relud knows */
};

/* Finds one model: a model's file, its directory, or the highest version of a NAME directory.
 * Returns false and sets *error if there is none; the code is RELUD_BAD_MODEL for another
 * directory. */
bool model_path_find(const char *path, struct model_path *found, struct relud_error *error);

/* The place where the versions of one model are, or should be. */
struct model_place {
    const char *dir;
    const char *name; /* if it is not a valid model name, `fault` says so */
    /* It is in a repository, so the folder's name is the model's. Otherwise a name in model.json
     * has priority. */
    bool is_member;
    const char *fault; /* NULL, or why nothing there can be served */
};

/* Calls each(user, place, error) for every model that `path` names. If `path` is a repository,
 * these are the models in it and the folders that look like models but may hold none, sorted by
 * name. Stops when `each` returns false. Returns false and sets *error then, or if there is no
 * model: the code is RELUD_BAD_MODEL if `path` is a directory. */
bool model_path_each(const char *path,
                     bool (*each)(void *user, const struct model_place *place,
                                  struct relud_error *error),
                     void *user, struct relud_error *error);

/* True if `dir`, in a repository, is a model or was meant to be one: it has something like
 * versions, or it cannot be read. */
bool model_path_is_meant(const char *dir);

/* A number that changes when the model's files do: it depends on which exist, and on their sizes,
 * times and inodes. */
unsigned long long model_path_fingerprint(const char *dir);

/* True if a model may have this name: [A-Za-z0-9._ -]{1,64} without a leading dot. No such name is
 * a path. */
bool model_path_is_name(const char *name);

#endif
