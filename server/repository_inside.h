/* What server/repository*.c share. */
#ifndef SERVER_REPOSITORY_INSIDE_H
#define SERVER_REPOSITORY_INSIDE_H

#include "server/repository.h"
#include <pthread.h>

enum { LABELS_MAX = 64 };

/* One version that is served, or that was tried. */
struct version {
    unsigned long long number, fingerprint; /* of the files at the last attempt */
    enum catalog_state state;
    char reason[256];
    struct entry *entry;
    struct metrics_series *series;
};

/* One model's directory. */
struct folder {
    char *dir, name[MODEL_NAME_BYTES];
    char own_policy[64], policy[64]; /* by a load call; the one that holds */
    struct catalog_label label[LABELS_MAX];
    size_t labels;
    struct version *version; /* ascending */
    size_t versions;
    uint64_t loads, failed_loads;
    bool is_unloaded; /* until it is loaded by name */
};

struct repository {
    struct repository_options options;
    const char **path; /* [paths] */
    size_t paths;
    struct folder **folder; /* [folders], in the order they were found */
    size_t folders;
    struct catalog *_Atomic newest;
    pthread_mutex_t lock; /* between taking the newest and replacing it */
    sem_t let_go;
    struct catalog **retired; /* [retired_len] */
    size_t retired_len;
};

/* Makes a catalog of what is loaded now and lets the workers have it. Where memory for it runs out, the old one stays. */
void repository_publish(struct repository *repository);

#endif
