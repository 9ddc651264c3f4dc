/* The models' directories and what is loaded of them. One thread at a time may load and unload (server/keeper.c's); any
 * thread may take the catalog. Loading happens beside what is served: files that do not load change nothing but a reason. */
#ifndef SERVER_REPOSITORY_H
#define SERVER_REPOSITORY_H

#include "server/catalog.h"

struct repository;

struct repository_options {
    struct entry_options entry;
    const char *policy;            /* of models that have none of their own: see server/policy.h */
    void (*on_change)(void *user); /* NULL, or told of each new catalog: workers should take it */
    void *user;
};

/* Loads every model that the paths name. NULL and *error when one cannot be loaded. options are copied; policy is
 * borrowed. */
struct repository *repository_open(const char *const *paths, size_t len,
                                   const struct repository_options *options,
                                   struct relud_error *error);
/* After the last user of its catalogs. NULL is fine. */
void repository_free(struct repository *repository);

/* The newest catalog, with a reference for the caller. */
struct catalog *repository_take(struct repository *repository);
bool repository_is_newest(const struct repository *repository, const struct catalog *catalog);

/* Loads the model's wanted versions anew, even where nothing changed; one that is not known yet is looked for in the
 * repositories by its directory's name. policy: NULL, or from now on. False and *error when a version did not load;
 * what served before then still serves. RELUD_BAD_INPUT: no such model. */
bool repository_load(struct repository *repository, const char *name, const char *policy,
                     struct relud_error *error);
bool repository_unload(struct repository *repository, const char *name, struct relud_error *error);

/* Loads what is new or has changed on disk and lets go of what is gone from it. Returns how many versions it loaded. */
size_t repository_refresh(struct repository *repository);

#endif
