/* From what is loaded to catalogs, and from one catalog to the next. */
#include "server/repository_inside.h"

#include "server/clock.h"
#include "server/log.h"
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* How long a catalog that was replaced is waited for; later it is freed when another one is. */
enum { LET_GO_SECONDS = 5 };

static int compare_folders(const void *left, const void *right)
{
    const struct folder *const *a = left, *const *b = right;
    return strcmp((*a)->name, (*b)->name);
}

static bool fill_model(struct catalog *catalog, const struct folder *folder)
{
    struct catalog_model *model = &catalog->model[catalog->models++];
    snprintf(model->name, sizeof model->name, "%s", folder->name);
    snprintf(model->policy, sizeof model->policy, "%s", folder->policy);
    model->first = catalog->items;
    model->loads = folder->loads;
    model->failed_loads = folder->failed_loads;
    model->label = calloc(folder->labels + 1, sizeof *model->label);
    if (!model->label)
        return false;
    model->labels = folder->labels;
    memcpy(model->label, folder->label, folder->labels * sizeof *model->label);
    for (size_t i = 0; i < folder->versions; i++) {
        const struct version *version = &folder->version[i];
        struct catalog_item *item = &catalog->item[catalog->items++];
        memcpy(item->name, model->name, sizeof item->name);
        snprintf(item->version, sizeof item->version, "%llu", version->number);
        item->state = version->state;
        memcpy(item->reason, version->reason, sizeof item->reason);
        if (version->entry) {
            item->entry = entry_retain(version->entry);
            model->best = item->entry;
            catalog->ready++;
        }
        model->len++;
    }
    return true;
}

static struct catalog *make_catalog(const struct repository *repository)
{
    struct catalog *catalog = calloc(1, sizeof *catalog);
    struct folder **sorted = malloc((repository->folders + 1) * sizeof(struct folder *));
    size_t items = 0;
    for (size_t i = 0; sorted && i < repository->folders; i++) {
        sorted[i] = repository->folder[i];
        items += sorted[i]->versions;
    }
    if (catalog) {
        catalog->references = 1;
        catalog->model = calloc(repository->folders + 1, sizeof *catalog->model);
        catalog->item = calloc(items + 1, sizeof *catalog->item);
        catalog->jobs = calloc(repository->options.entry.workers, sizeof *catalog->jobs);
    }
    bool is_whole = catalog && sorted && catalog->model && catalog->item && catalog->jobs;
    if (is_whole)
        qsort(sorted, repository->folders, sizeof(struct folder *), compare_folders);
    for (size_t i = 0; is_whole && i < repository->folders; i++)
        is_whole = fill_model(catalog, sorted[i]);
    free(sorted);
    if (!is_whole) {
        catalog_release(catalog);
        return NULL;
    }
    for (size_t i = 0; i < repository->folders && !catalog->first; i++)
        catalog->first = catalog_model(catalog, repository->folder[i]->name)->best;
    return catalog;
}

/* Frees the catalogs that no worker holds any more; waits a while for the last of them. */
static void free_retired(struct repository *repository)
{
    int64_t end_ns = clock_ns() + LET_GO_SECONDS * INT64_C(1000000000);
    for (;;) {
        size_t kept = 0;
        for (size_t i = 0; i < repository->retired_len; i++)
            if (repository->retired[i]->references == 1)
                catalog_release(repository->retired[i]);
            else
                repository->retired[kept++] = repository->retired[i];
        repository->retired_len = kept;
        int64_t left_ns = end_ns - clock_ns();
        if (kept == 0 || left_ns <= 0)
            return;
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += left_ns / 1000000000 + 1;
        sem_clockwait(&repository->let_go, CLOCK_MONOTONIC, &until);
    }
}

void repository_publish(struct repository *repository)
{
    struct catalog *catalog = make_catalog(repository);
    struct catalog **retired =
        realloc(repository->retired, (repository->retired_len + 1) * sizeof(struct catalog *));
    if (retired)
        repository->retired = retired;
    if (!catalog || !retired) {
        log_warn("out of memory: what is served stays as it is");
        catalog_release(catalog);
        return;
    }
    catalog->let_go = &repository->let_go;
    pthread_mutex_lock(&repository->lock);
    struct catalog *old = repository->newest;
    repository->newest = catalog;
    pthread_mutex_unlock(&repository->lock);
    if (!old)
        return;
    repository->retired[repository->retired_len++] = old;
    if (repository->options.on_change)
        repository->options.on_change(repository->options.user);
    free_retired(repository);
    malloc_trim(1 << 20);
}

struct catalog *repository_take(struct repository *repository)
{
    pthread_mutex_lock(&repository->lock);
    struct catalog *catalog = catalog_retain(repository->newest);
    pthread_mutex_unlock(&repository->lock);
    return catalog;
}

bool repository_is_newest(const struct repository *repository, const struct catalog *catalog)
{
    return atomic_load_explicit(&repository->newest, memory_order_relaxed) == catalog;
}
