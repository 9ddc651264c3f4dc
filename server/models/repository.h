/* The repository: the models' directories, and the versions loaded from them. Only one thread at a
 * time may load and unload (the one of server/models/loader.c); any thread may take the catalog.
 * Loading does not disturb what is served: if files do not load, only a `reason` changes. */
#ifndef SERVER_MODELS_REPOSITORY_H
#define SERVER_MODELS_REPOSITORY_H

#include "server/models/catalog.h"

struct repository;

struct repository_options {
    struct served_model_options served;
    /* The policy of models that have none of their own; see server/models/version_policy.h. */
    const char *policy;
    /* The model that answers a request without a model. NULL: the only model that is ready does. */
    const char *default_model;
    bool is_strict;    /* repository_open fails if anything wanted fails to load */
    bool may_be_empty; /* repository_open succeeds even if nothing can be served yet */
    /* Called after each new catalog, so that workers take it. May be NULL. */
    void (*on_change)(void *user);
    void *user;
};

/* Loads every model that the paths name. A version that cannot be loaded gets a reason, in the
 * catalog and in the log, and the rest is served. Returns NULL and sets *error if a path names
 * nothing, if two paths name models of the same name, if nothing can be served (unless
 * may_be_empty), or, with is_strict, if anything fails. `options` is copied; its strings and the
 * paths are borrowed. */
struct repository *repository_open(const char *const *paths, size_t len,
                                   const struct repository_options *options,
                                   struct relud_error *error);
/* Frees the repository; NULL is fine. Call this after the last use of its catalogs. */
void repository_free(struct repository *repository);

/* The newest catalog, with a reference that the caller releases. */
struct catalog *repository_take(struct repository *repository);
bool repository_is_newest(const struct repository *repository, const struct catalog *catalog);

/* Loads the wanted versions of a model again, even if their files have not changed. A model that is
 * not known yet is looked for in the repositories by its folder's name. `policy` replaces the
 * model's policy from now on, unless it is NULL. Returns false and sets *error if a version did not
 * load (RELUD_BAD_INPUT: there is no such model); versions that answered before still do. */
bool repository_load(struct repository *repository, const char *name, const char *policy,
                     struct relud_error *error);
/* Unloads all versions of a model. It stays unloaded until repository_load names it. Returns false
 * and sets *error if there is no such model. */
bool repository_unload(struct repository *repository, const char *name, struct relud_error *error);

/* Loads versions that are new or changed on disk, and drops those that are gone. Returns how many
 * versions it loaded. */
size_t repository_refresh(struct repository *repository);

#endif
