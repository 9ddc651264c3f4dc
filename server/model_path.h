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

/* One model: a directory with model.json, or a NAME directory (its highest version). */
bool model_path_find(const char *path, struct model_path *found, struct relud_error *error);

/* Calls each(user, model, error) for every model that `path` names, in the order of names; a repository's, too. Stops at
 * the first that returns false. No model at all is an error. */
bool model_path_each(const char *path,
                     bool (*each)(void *user, const struct model_path *model,
                                  struct relud_error *error),
                     void *user, struct relud_error *error);

#endif
