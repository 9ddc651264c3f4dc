/* A catalog: every known version of every model, and its state, at one moment. A catalog never
 * changes. When something changes, the repository publishes a new catalog, and each worker takes it
 * between two turns. */
#ifndef SERVER_MODELS_CATALOG_H
#define SERVER_MODELS_CATALOG_H

#include "server/models/served_model.h"
#include <semaphore.h>

/* The states, as the model repository extension (V2) names them. */
enum catalog_state { CATALOG_READY, CATALOG_UNAVAILABLE, CATALOG_LOADING, CATALOG_UNLOADING };
extern const char *const catalog_state_names[];

struct catalog_item {
    char name[MODEL_NAME_BYTES], version[MODEL_VERSION_BYTES];
    enum catalog_state state;
    /* Why the version is not ready, or why its newest files are not served; or "". */
    char reason[RELUD_ERROR_TEXT_MAX];
    struct served_model *served; /* NULL: the version cannot answer */
    bool is_missing;             /* it is wanted and not loading, but cannot answer */
};

struct catalog_label {
    char label[MODEL_NAME_BYTES], version[MODEL_VERSION_BYTES];
};

/* A folder that lies among a model's versions and is not one, with the reason. */
struct catalog_passed {
    char folder[MODEL_NAME_BYTES];
    const char *reason; /* a constant */
};

/* One model. Its versions are item[first … first + len - 1], ascending. */
struct catalog_model {
    char name[MODEL_NAME_BYTES];
    size_t first, len;
    /* The version that answers a request without a version: the highest that is ready; or NULL. */
    const struct served_model *best;
    char reason[RELUD_ERROR_TEXT_MAX]; /* why no versions can be read or none is wanted; or "" */
    struct catalog_label *label;
    size_t labels;
    struct catalog_passed *passed; /* [passed_len] */
    size_t passed_len;
    char policy[64]; /* the version policy, for example "latest:1" */
    uint64_t loads, failed_loads;
};

struct catalog {
    struct catalog_model *model; /* [models], sorted by name */
    size_t models;
    struct catalog_item *item; /* [items] */
    size_t items;
    size_t ready;              /* items that can answer */
    size_t units;              /* units of all layers of these items, and features compared */
    size_t imputed;            /* features of the widest of them that imputes some; 0: none does */
    const char *default_model; /* --default-model; NULL: not given */
    /* The version that answers a request without a model: the default model's if --default-model
     * is given, otherwise that of the only model that is ready. NULL: there is none. */
    const struct served_model *unnamed;
    /* [workers]: jobs that use this catalog's served models. Each worker writes only its own. */
    size_t *jobs;
    _Atomic size_t references;
    sem_t *let_go; /* posted at each release but the last; may be NULL */
};

/* The model of that name, ready or not; NULL if there is none. */
const struct catalog_model *catalog_model(const struct catalog *catalog, const char *name);
/* The item of that version, ready or not; NULL if there is none. Leading zeros do not count: 01 is
 * 1. */
const struct catalog_item *catalog_item(const struct catalog *catalog,
                                        const struct catalog_model *model, const char *version);
/* The version that a label stands for; NULL if there is no such label. */
const char *catalog_label(const struct catalog_model *model, const char *label);

struct catalog *catalog_retain(struct catalog *catalog);
/* Releases a reference; NULL is fine. The last release frees the catalog and releases its served
 * models. */
void catalog_release(struct catalog *catalog);

#endif
