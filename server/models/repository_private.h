/* What the files server/models/repository*.c share. */
#ifndef SERVER_MODELS_REPOSITORY_PRIVATE_H
#define SERVER_MODELS_REPOSITORY_PRIVATE_H

#include "server/models/repository.h"
#include <pthread.h>

enum { LABELS_MAX = 64 };

/* One version that is served, or that failed to load. */
struct version {
    /* fingerprint: of the files at the last attempt to load */
    unsigned long long number, fingerprint;
    enum catalog_state state;
    char reason[RELUD_ERROR_TEXT_MAX];
    struct served_model *served;
    struct metrics_series *series;
};

/* One model's directory. */
struct folder {
    char *dir, name[MODEL_NAME_BYTES];
    bool is_member;    /* in a repository: the folder's name is the model's */
    const char *fault; /* why it can never be a model, whatever it holds; or NULL */
    bool is_shadowed;  /* another folder has this name: nothing of this one is served */
    bool is_clash;     /* model.json names a model that another folder already serves */
    /* Why its versions cannot be read, or why none is wanted; or "". */
    char reason[RELUD_ERROR_TEXT_MAX];
    struct model_passed *passed; /* [passed_len], as found at the last look */
    size_t passed_len;
    char own_policy[64], policy[64]; /* own_policy: from a load call; policy: the one in force */
    struct catalog_label label[LABELS_MAX];
    size_t labels;
    struct version *version; /* sorted by number */
    size_t versions;
    uint64_t loads, failed_loads;
    bool is_unloaded; /* stays true until it is loaded by name */
    bool has_changed; /* since the last catalog was published */
};

struct repository {
    struct repository_options options;
    const char **path; /* [paths] */
    size_t paths;
    struct folder **folder; /* [folders], in the order they were found */
    size_t folders;
    struct catalog *_Atomic newest;
    /* Held while a reference to `newest` is taken, and while it is replaced. */
    pthread_mutex_t lock;
    sem_t let_go;
    struct catalog **retired; /* [retired_len]: replaced, and still used by workers */
    size_t retired_len;
    /* Failures are logged only after repository_open knows whether the service starts. */
    bool is_opening;
    bool is_default_told; /* the log says that --default-model names no model */
};

/* These are in server/models/repository_folder.c. folder_add returns NULL and sets *error if memory
 * runs out. */
struct folder *folder_add(struct repository *repository, const struct model_place *place,
                          struct relud_error *error);
void folder_remove(struct repository *repository, struct folder *folder);
void folder_free(struct folder *folder);
/* The folder of that name that is not shadowed; NULL if there is none. */
struct folder *folder_find(const struct repository *repository, const char *name);
/* Loads and drops versions until the folder matches its files and its policy. Adds to *loaded the
 * number of versions loaded. Returns false and sets *error to the first failure; then no version
 * that still answers is dropped. A failure is logged if it is new or is_forced, but not while the
 * repository is opening. is_forced loads versions again even if their files have not changed. */
bool folder_load(struct repository *repository, struct folder *folder, bool is_forced,
                 size_t *loaded, struct relud_error *error);

/* Publishes a catalog of what is loaded now, and waits a while for the workers to release the old
 * one. If memory runs out, the old catalog stays. */
void repository_publish(struct repository *repository);

#endif
