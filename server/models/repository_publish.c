/* Makes catalogs of what is loaded, and replaces one catalog by the next. */
#include "server/models/repository_private.h"

#include "server/base/clock.h"
#include "server/log/log.h"
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* How long to wait until the workers have released a replaced catalog. After that it is freed at
 * the next publication. */
enum { LET_GO_SECONDS = 5 };

static int compare_folders(const void *left, const void *right)
{
    const struct folder *const *a = left, *const *b = right;
    return strcmp((*a)->name, (*b)->name);
}

/* Fills in the folders that were passed over, and the shadowed folders of the same name. */
static bool fill_passed(const struct repository *repository, struct catalog_model *model,
                        const struct folder *folder)
{
    size_t len = folder->passed_len;
    for (size_t i = 0; i < repository->folders; i++)
        len += repository->folder[i]->is_shadowed;
    model->passed = calloc(len + 1, sizeof *model->passed);
    if (!model->passed)
        return false;
    for (size_t i = 0; i < folder->passed_len; i++) {
        struct catalog_passed *passed = &model->passed[model->passed_len++];
        memcpy(passed->folder, folder->passed[i].folder, sizeof passed->folder);
        passed->reason = folder->passed[i].reason;
    }
    for (size_t i = 0; i < repository->folders; i++) {
        const struct folder *other = repository->folder[i];
        if (!other->is_shadowed || strcmp(other->name, folder->name) != 0)
            continue;
        struct catalog_passed *passed = &model->passed[model->passed_len++];
        size_t dir_len = strlen(other->dir), most = sizeof passed->folder - 1;
        snprintf(passed->folder, sizeof passed->folder, "%s",
                 other->dir + (dir_len > most ? dir_len - most : 0));
        passed->reason = "a model of this name is served from another folder";
    }
    return true;
}

static void fill_item(struct catalog_item *item, const struct folder *folder,
                      const struct version *version)
{
    snprintf(item->name, sizeof item->name, "%s", folder->name);
    snprintf(item->version, sizeof item->version, "%llu", version->number);
    item->state = version->state;
    memcpy(item->reason, *version->reason ? version->reason : folder->reason, sizeof item->reason);
    if (version->served)
        item->served = served_model_retain(version->served);
    item->is_missing = !version->served && !folder->is_unloaded && item->state != CATALOG_LOADING;
}

static bool fill_model(const struct repository *repository, struct catalog *catalog,
                       const struct folder *folder)
{
    struct catalog_model *model = &catalog->model[catalog->models++];
    snprintf(model->name, sizeof model->name, "%s", folder->name);
    snprintf(model->policy, sizeof model->policy, "%s", folder->policy);
    memcpy(model->reason, folder->reason, sizeof model->reason);
    model->first = catalog->items;
    model->loads = folder->loads;
    model->failed_loads = folder->failed_loads;
    model->label = calloc(folder->labels + 1, sizeof *model->label);
    if (!model->label || !fill_passed(repository, model, folder))
        return false;
    model->labels = folder->labels;
    memcpy(model->label, folder->label, folder->labels * sizeof *model->label);
    for (size_t i = 0; i < folder->versions; i++) {
        struct catalog_item *item = &catalog->item[catalog->items++];
        fill_item(item, folder, &folder->version[i]);
        if (item->served) {
            const struct relud_model_info *info = item->served->info;
            model->best = item->served;
            catalog->ready++;
            /* a feature that is compared takes as long as some units */
            catalog->units += info->training ? 8 * info->features : 0;
            if (relud_has_imputed(info->feature) && info->features > catalog->imputed)
                catalog->imputed = info->features;
            for (size_t k = 0; k < info->layers; k++)
                catalog->units += relud_model_layer(item->served->model, k)->outputs;
        }
        model->len++;
    }
    return true;
}

/* Chooses the version that answers a request without a model. Only models that are ready count: a
 * model that is not ready does not make the choice ambiguous. */
static void choose_unnamed(struct catalog *catalog)
{
    size_t ready = 0;
    for (size_t i = 0; i < catalog->models; i++) {
        const struct catalog_model *model = &catalog->model[i];
        bool is_default =
            !catalog->default_model || strcmp(catalog->default_model, model->name) == 0;
        if (model->best && is_default) {
            ready++;
            catalog->unnamed = model->best;
        }
    }
    if (ready > 1)
        catalog->unnamed = NULL;
}

static struct catalog *make_catalog(const struct repository *repository)
{
    struct catalog *catalog = calloc(1, sizeof *catalog);
    struct folder **sorted = malloc((repository->folders + 1) * sizeof(struct folder *));
    size_t models = 0, items = 0;
    for (size_t i = 0; sorted && i < repository->folders; i++)
        if (!repository->folder[i]->is_shadowed) {
            sorted[models++] = repository->folder[i];
            items += repository->folder[i]->versions;
        }
    if (catalog) {
        catalog->references = 1;
        catalog->default_model = repository->options.default_model;
        catalog->model = calloc(models + 1, sizeof *catalog->model);
        catalog->item = calloc(items + 1, sizeof *catalog->item);
        catalog->jobs = calloc(repository->options.served.workers, sizeof *catalog->jobs);
    }
    bool is_whole = catalog && sorted && catalog->model && catalog->item && catalog->jobs;
    if (is_whole)
        qsort(sorted, models, sizeof(struct folder *), compare_folders);
    for (size_t i = 0; is_whole && i < models; i++)
        is_whole = fill_model(repository, catalog, sorted[i]);
    free(sorted);
    if (!is_whole) {
        catalog_release(catalog);
        return NULL;
    }
    choose_unnamed(catalog);
    return catalog;
}

/* Logs once that --default-model names no known model. Logs it again only after that was different
 * in between. */
static void tell_default(struct repository *repository)
{
    const char *name = repository->options.default_model;
    bool is_unknown = name && !folder_find(repository, name);
    if (is_unknown && !repository->is_default_told)
        log_warn("--default-model: there is no model '%s'; requests that name none are refused",
                 name);
    repository->is_default_told = is_unknown;
}

/* Frees the replaced catalogs that no worker holds any more. Waits up to LET_GO_SECONDS for the
 * others. */
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

/* Logs which version answers a request without a version, for each model for which that has
 * changed. */
static void log_live(const struct catalog *old, const struct catalog *catalog)
{
    for (size_t i = 0; i < catalog->models; i++) {
        const struct catalog_model *model = &catalog->model[i];
        const struct catalog_model *before = catalog_model(old, model->name);
        const struct served_model *now = model->best, *was = before ? before->best : NULL;
        if (!now && was)
            log_warn("model %s: no version is live; before, it was version %s", model->name,
                     was->version);
        if (!now || (was && now->serial == was->serial))
            continue;
        if (!was)
            log_info("model %s: version %s is live", model->name, now->version);
        else if (strcmp(now->version, was->version) == 0)
            log_info("model %s: version %s is live, loaded again", model->name, now->version);
        else
            log_info("model %s: version %s is live; before, it was version %s", model->name,
                     now->version, was->version);
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
    for (size_t i = 0; i < repository->folders; i++)
        repository->folder[i]->has_changed = false;
    tell_default(repository);
    if (!old)
        return;
    log_live(old, catalog);
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
