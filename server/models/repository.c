#include "server/models/repository_private.h"

#include "server/log/log.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool has_dir(const struct repository *repository, const char *dir)
{
    for (size_t i = 0; i < repository->folders; i++)
        if (strcmp(repository->folder[i]->dir, dir) == 0)
            return true;
    return false;
}

/* ---- the start ---- */

struct opening {
    struct repository *repository;
    /* has_failed: a model did not load. is_fatal: the service must not start. */
    bool has_failed, is_fatal;
    struct relud_error first; /* the first failure */
};

static bool open_one(void *user, const struct model_place *place, struct relud_error *error)
{
    struct opening *opening = user;
    size_t loaded = 0;
    struct relud_error alone = {0};
    struct folder *folder = folder_add(opening->repository, place, error);
    opening->is_fatal = folder == NULL;
    if (!folder || folder_load(opening->repository, folder, true, &loaded, &alone))
        return folder != NULL;
    if (!opening->has_failed)
        opening->first = alone;
    opening->has_failed = true;
    /* Only this is fatal at once: two models have the same name, and the user must say on the
     * command line which one to serve. */
    opening->is_fatal = folder->is_clash;
    if (opening->is_fatal)
        *error = alone;
    return !opening->is_fatal;
}

/* A directory without models counts as an empty repository if models may come later. */
static bool open_path(struct opening *opening, const char *path, struct relud_error *error)
{
    if (model_path_each(path, open_one, opening, error))
        return true;
    if (opening->is_fatal || error->code != RELUD_BAD_MODEL ||
        !opening->repository->options.may_be_empty)
        return false;
    log_warn("%s: there is no model yet", path);
    return true;
}

/* Logs every model and version that cannot be served. *told is an error that is reported elsewhere,
 * because the start fails; it is left out. */
static void log_failures(const struct repository *repository, const struct relud_error *told)
{
    for (size_t i = 0; i < repository->folders; i++) {
        const struct folder *folder = repository->folder[i];
        if (*folder->reason && (!told || strcmp(folder->reason, told->text) != 0))
            log_warn("model %s: %s", folder->name, folder->reason);
        for (size_t k = 0; k < folder->versions; k++) {
            const struct version *version = &folder->version[k];
            if (*version->reason && (!told || strcmp(version->reason, told->text) != 0))
                log_warn("model %s version %llu: not loaded: %s", folder->name, version->number,
                         version->reason);
        }
    }
}

/* True if enough was loaded to start the service. */
static bool is_enough(struct opening *opening, struct relud_error *error)
{
    const struct repository *repository = opening->repository;
    const struct repository_options *options = &repository->options;
    if (!repository->newest)
        return relud_fail(error, RELUD_NO_MEMORY, "out of memory");
    bool is_short = repository->newest->ready == 0 && !options->may_be_empty;
    if (opening->has_failed && (options->is_strict || is_short)) {
        *error = opening->first;
        return false;
    }
    return !options->is_strict || !options->default_model ||
           folder_find(repository, options->default_model) ||
           relud_fail(error, RELUD_BAD_INPUT, "--default-model: there is no model '%s'",
                      options->default_model);
}

struct repository *repository_open(const char *const *paths, size_t len,
                                   const struct repository_options *options,
                                   struct relud_error *error)
{
    struct repository *repository = calloc(1, sizeof *repository);
    if (!repository) {
        relud_fail(error, RELUD_NO_MEMORY, "out of memory");
        return NULL;
    }
    pthread_mutex_init(&repository->lock, NULL);
    sem_init(&repository->let_go, 0, 0);
    repository->options = *options;
    repository->is_opening = true;
    repository->path = calloc(len + 1, sizeof *repository->path);
    struct opening opening = {.repository = repository};
    bool is_open = repository->path != NULL;
    if (!is_open)
        relud_fail(error, RELUD_NO_MEMORY, "out of memory");
    for (size_t i = 0; is_open && i < len; i++) {
        repository->path[repository->paths++] = paths[i];
        is_open = open_path(&opening, paths[i], error);
    }
    if (is_open)
        repository_publish(repository);
    is_open = is_open && is_enough(&opening, error);
    log_failures(repository, is_open ? NULL : error);
    repository->is_opening = false;
    if (is_open)
        return repository;
    repository_free(repository);
    return NULL;
}

void repository_free(struct repository *repository)
{
    if (!repository)
        return;
    for (size_t i = 0; i < repository->retired_len; i++)
        catalog_release(repository->retired[i]);
    catalog_release(repository->newest);
    while (repository->folders)
        folder_free(repository->folder[--repository->folders]);
    free(repository->folder);
    free(repository->retired);
    free(repository->path);
    sem_destroy(&repository->let_go);
    pthread_mutex_destroy(&repository->lock);
    free(repository);
}

/* ---- by name ---- */

struct search {
    struct repository *repository;
    const char *name;
    struct folder *folder;
};

static bool look_at(void *user, const struct model_place *place, struct relud_error *error)
{
    struct search *search = user;
    if (strcmp(place->name, search->name) != 0 || place->fault ||
        has_dir(search->repository, place->dir))
        return true;
    search->folder = folder_add(search->repository, place, error);
    return false;
}

/* Looks in the repositories for a directory of that name that is new since the start. */
static struct folder *find_new_folder(struct repository *repository, const char *name,
                                      struct relud_error *error)
{
    struct search search = {.repository = repository, .name = name};
    for (size_t i = 0; i < repository->paths && !search.folder; i++)
        model_path_each(repository->path[i], look_at, &search, error);
    if (search.folder)
        return search.folder;
    relud_fail(error, RELUD_BAD_INPUT, "there is no model '%s' in the repository", name);
    return NULL;
}

bool repository_load(struct repository *repository, const char *name, const char *policy,
                     struct relud_error *error)
{
    size_t loaded = 0;
    struct folder *folder = folder_find(repository, name);
    bool is_new = !folder;
    if (is_new && !(folder = find_new_folder(repository, name, error)))
        return false;
    if (policy)
        snprintf(folder->own_policy, sizeof folder->own_policy, "%s", policy);
    bool is_right = folder_load(repository, folder, true, &loaded, error);
    if (is_right)
        log_info("model %s: loaded, %zu version%s", folder->name, loaded, loaded == 1 ? "" : "s");
    repository_publish(repository);
    return is_right;
}

bool repository_unload(struct repository *repository, const char *name, struct relud_error *error)
{
    struct folder *folder = folder_find(repository, name);
    if (!folder)
        return relud_fail(error, RELUD_BAD_INPUT, "there is no model '%s'", name);
    for (size_t i = 0; i < folder->versions; i++) {
        struct version *version = &folder->version[i];
        served_model_release(version->served);
        version->served = NULL;
        version->state = CATALOG_UNAVAILABLE;
        snprintf(version->reason, sizeof version->reason, "unloaded");
    }
    folder->is_unloaded = true;
    log_info("model %s: unloaded", folder->name);
    repository_publish(repository);
    return true;
}

/* ---- what has changed on disk ---- */

struct refresh {
    struct repository *repository;
    size_t loaded;
    bool has_gone; /* a folder has disappeared */
};

/* Loads a directory if it is new in the repository. Failures are logged where they happen. */
static bool refresh_new(void *user, const struct model_place *place, struct relud_error *error)
{
    struct refresh *refresh = user;
    struct relud_error logged;
    if (has_dir(refresh->repository, place->dir))
        return true;
    struct folder *folder = folder_add(refresh->repository, place, error);
    if (folder)
        folder_load(refresh->repository, folder, false, &refresh->loaded, &logged);
    return folder != NULL;
}

static void refresh_known(struct refresh *refresh, struct folder *folder)
{
    struct relud_error logged;
    if (folder->is_unloaded)
        return;
    if (model_path_is_meant(folder->dir)) {
        folder_load(refresh->repository, folder, false, &refresh->loaded, &logged);
        return;
    }
    log_info("model %s: its files are gone; it is no longer served", folder->name);
    folder_remove(refresh->repository, folder);
    refresh->has_gone = true;
}

/* Called first for the folders that are served, then for those that another folder's name shadows:
 * the other one may have gone by then. */
static void refresh_all(struct refresh *refresh, bool is_shadowed)
{
    for (size_t i = refresh->repository->folders; i-- > 0;)
        if (refresh->repository->folder[i]->is_shadowed == is_shadowed)
            refresh_known(refresh, refresh->repository->folder[i]);
}

size_t repository_refresh(struct repository *repository)
{
    struct refresh refresh = {.repository = repository};
    refresh_all(&refresh, false);
    refresh_all(&refresh, true);
    for (size_t i = 0; i < repository->paths; i++) {
        struct relud_error ignored;
        model_path_each(repository->path[i], refresh_new, &refresh, &ignored);
    }
    bool has_changed = refresh.has_gone;
    for (size_t i = 0; i < repository->folders; i++)
        has_changed |= repository->folder[i]->has_changed;
    if (has_changed)
        repository_publish(repository);
    return refresh.loaded;
}
