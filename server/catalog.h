/* What is served at one moment: every known version of every model, and how it stands. A catalog never changes; when
 * something does, the repository publishes a new one and the workers go over to it between two turns. */
#ifndef SERVER_CATALOG_H
#define SERVER_CATALOG_H

#include "server/entry.h"
#include <semaphore.h>

/* By the names of the model repository extension. */
enum catalog_state { CATALOG_READY, CATALOG_UNAVAILABLE, CATALOG_LOADING, CATALOG_UNLOADING };
extern const char *const catalog_state_names[];

struct catalog_item {
    char name[MODEL_NAME_BYTES], version[MODEL_VERSION_BYTES];
    enum catalog_state state;
    char reason[256];    /* why it is not ready, or why the newest files are not served; or "" */
    struct entry *entry; /* NULL while there is nothing to answer with */
};

struct catalog_label {
    char label[MODEL_NAME_BYTES], version[MODEL_VERSION_BYTES];
};

/* The versions of one model: item[first … first + len - 1], ascending. */
struct catalog_model {
    char name[MODEL_NAME_BYTES];
    size_t first, len;
    const struct entry
        *best; /* the version that serves where none is asked for; NULL: none is ready */
    struct catalog_label *label;
    size_t labels;
    char policy[64]; /* which versions are wanted: "latest:1" */
    uint64_t loads, failed_loads;
};

struct catalog {
    struct catalog_model *model; /* [models], by name */
    size_t models;
    struct catalog_item *item; /* [items] */
    size_t items;
    size_t ready;              /* items with an entry */
    const struct entry *first; /* what serves where no model is asked for; NULL: none */
    size_t *jobs; /* [workers] in their turns on this catalog's entries; each its worker's own */
    _Atomic size_t references;
    sem_t *let_go; /* posted at each release but the last; may be NULL */
};

/* NULL when there is no model of that name, ready or not. */
const struct catalog_model *catalog_model(const struct catalog *catalog, const char *name);
/* The entry that answers for it; each of name and version may be NULL. NULL when none does. */
const struct entry *catalog_find(const struct catalog *catalog, const char *name,
                                 const char *version);
/* The item of that version, ready or not; NULL when there is none. */
const struct catalog_item *catalog_item(const struct catalog *catalog,
                                        const struct catalog_model *model, const char *version);
/* The version that a label stands for; NULL when there is none. */
const char *catalog_label(const struct catalog_model *model, const char *label);

struct catalog *catalog_retain(struct catalog *catalog);
/* The last one frees the catalog and lets go of its entries. */
void catalog_release(struct catalog *catalog);

#endif
