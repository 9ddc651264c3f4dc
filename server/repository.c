#include "server/repository_inside.h"

#include "server/json_in.h"
#include "server/log.h"
#include "server/policy.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- settings ---- */

static bool read_labels(struct folder *folder, struct json_in *document, struct relud_error *error)
{
    const json_node *labels = json_in_member(document, "labels");
    for (const json_node *item = json_node_first(labels); item; item = json_node_next(item)) {
        const char *name = json_node_name(item);
        double number = 0;
        if (!name || !model_path_is_name(name) || !json_node_number(item, &number) || number < 1 ||
            number >= 1e15 || folder->labels == LABELS_MAX)
            return relud_fail(error, RELUD_BAD_MODEL,
                              "versions.json: labels is {\"name\": version, …}, at most %d of them",
                              LABELS_MAX);
        struct catalog_label *label = &folder->label[folder->labels++];
        snprintf(label->label, sizeof label->label, "%s", name);
        snprintf(label->version, sizeof label->version, "%.0f", number);
    }
    return true;
}

/* DIR/versions.json: {"policy": "latest:2", "labels": {"stable": 1}}. */
static bool read_settings(struct repository *repository, struct folder *folder,
                          struct relud_error *error)
{
    char path[MODEL_PATH_BYTES + 32];
    struct stat about;
    snprintf(folder->policy, sizeof folder->policy, "%s",
             folder->own_policy[0] ? folder->own_policy : repository->options.policy);
    folder->labels = 0;
    snprintf(path, sizeof path, "%s/versions.json", folder->dir);
    if (stat(path, &about) != 0)
        return true;
    struct json_in *document = json_in_file(path, error);
    if (!document)
        return false;
    const char *policy = NULL;
    bool is_right = json_in_text(document, "policy", &policy, error);
    if (is_right && policy && (!policy_is(policy) || strlen(policy) >= 64))
        is_right =
            relud_fail(error, RELUD_BAD_MODEL,
                       "versions.json: policy '%.60s' is none of latest:N, all, 1,3", policy);
    if (is_right && policy && !folder->own_policy[0])
        snprintf(folder->policy, sizeof folder->policy, "%s", policy);
    is_right = is_right && read_labels(folder, document, error);
    json_in_close(document);
    return is_right;
}

/* ---- loading ---- */

static struct folder *find_folder(const struct repository *repository, const char *name)
{
    for (size_t i = 0; i < repository->folders; i++)
        if (strcmp(repository->folder[i]->name, name) == 0)
            return repository->folder[i];
    return NULL;
}

static void forget_version(struct folder *folder, size_t index)
{
    struct version *version = &folder->version[index];
    entry_release(version->entry);
    metrics_series_release(version->series);
    memmove(version, version + 1, (folder->versions - index - 1) * sizeof *version);
    folder->versions--;
}

/* The record of that version, made where there is none. */
static struct version *version_of(struct folder *folder, unsigned long long number)
{
    size_t i = 0;
    while (i < folder->versions && folder->version[i].number < number)
        i++;
    if (i < folder->versions && folder->version[i].number == number)
        return &folder->version[i];
    struct version *grown =
        realloc(folder->version, (folder->versions + 1) * sizeof *folder->version);
    if (!grown)
        return NULL;
    folder->version = grown;
    memmove(&grown[i + 1], &grown[i], (folder->versions - i) * sizeof *grown);
    folder->versions++;
    grown[i] = (struct version){.number = number, .state = CATALOG_UNAVAILABLE};
    return &grown[i];
}

/* A model's name is its first version's; the others must agree. */
static bool take_name(const struct repository *repository, struct folder *folder,
                      const struct entry *entry, const char *dir, struct relud_error *error)
{
    if (strcmp(folder->name, entry->name) == 0 && find_folder(repository, entry->name) == folder)
        return true;
    for (size_t i = 0; i < folder->versions; i++)
        if (folder->version[i].series)
            return relud_fail(error, RELUD_BAD_MODEL, "%.100s calls itself '%s'; '%s' is wanted",
                              dir, entry->name, folder->name);
    const struct folder *other = find_folder(repository, entry->name);
    if (other && other != folder)
        return relud_fail(error, RELUD_BAD_MODEL,
                          "%.100s: a model '%s' of version %s is there already", dir, entry->name,
                          entry->version);
    snprintf(folder->name, sizeof folder->name, "%s", entry->name);
    return true;
}

static bool load_version(struct repository *repository, struct folder *folder,
                         struct version *version, struct relud_error *error)
{
    char dir[MODEL_PATH_BYTES], number[MODEL_VERSION_BYTES];
    struct entry *entry = NULL;
    snprintf(number, sizeof number, "%llu", version->number);
    if (!model_path_of_version(folder->dir, version->number, dir))
        relud_fail(error, RELUD_IO, "%.100s…: the path is too long", folder->dir);
    else
        entry = entry_open(dir, folder->name, number, &repository->options.entry, version->series,
                           error);
    if (entry && !take_name(repository, folder, entry, dir, error)) {
        entry_release(entry);
        entry = NULL;
    }
    if (!entry) {
        folder->failed_loads++;
        version->state = version->entry ? CATALOG_READY : CATALOG_UNAVAILABLE;
        snprintf(version->reason, sizeof version->reason, "%s", error->text);
        return false;
    }
    if (!version->series)
        version->series = metrics_series_retain(entry->series);
    entry_release(version->entry);
    version->entry = entry;
    version->state = CATALOG_READY;
    version->reason[0] = '\0';
    folder->loads++;
    return true;
}

/* Brings the folder to what its disk and policy say. Counts in *loaded what it loaded; returns false with the first
 * failure in *error, and then lets go of nothing. */
static bool load_folder(struct repository *repository, struct folder *folder, bool is_forced,
                        size_t *loaded, struct relud_error *error)
{
    unsigned long long number[MODEL_VERSIONS_MAX];
    size_t found;
    if (!read_settings(repository, folder, error) ||
        !model_path_versions(folder->dir, number, &found, error))
        return false;
    size_t wanted = policy_choose(folder->policy, number, found);
    if (wanted == 0)
        return relud_fail(error, RELUD_BAD_MODEL, "%.150s: no version of %.60s is there",
                          folder->dir, folder->policy);
    bool is_right = true, is_complete = true;
    for (size_t i = 0; i < wanted; i++) {
        char dir[MODEL_PATH_BYTES];
        struct relud_error alone;
        struct version *version = version_of(folder, number[i]);
        if (!version)
            return relud_fail(error, RELUD_NO_MEMORY, "out of memory");
        unsigned long long fingerprint =
            model_path_of_version(folder->dir, number[i], dir) ? model_path_fingerprint(dir) : 0;
        if (!is_forced && version->fingerprint == fingerprint) { /* as good or bad as it was */
            is_complete &= version->entry && !version->reason[0];
            continue;
        }
        version->fingerprint = fingerprint;
        if (!version->entry && repository->newest) {
            version->state = CATALOG_LOADING;
            repository_publish(repository);
        }
        if (load_version(repository, folder, version, &alone)) {
            ++*loaded;
        } else {
            if (is_right)
                *error = alone;
            is_right = false;
        }
    }
    for (size_t i = folder->versions; is_right && is_complete && i-- > 0;) {
        bool is_wanted = false;
        for (size_t k = 0; k < wanted; k++)
            is_wanted |= folder->version[i].number == number[k];
        if (!is_wanted)
            forget_version(folder, i);
    }
    if (is_right)
        folder->is_unloaded = false;
    return is_right;
}

static void free_folder(struct folder *folder)
{
    while (folder->versions)
        forget_version(folder, folder->versions - 1);
    free(folder->version);
    free(folder->dir);
    free(folder);
}

static struct folder *add_folder(struct repository *repository, const char *dir, const char *name,
                                 struct relud_error *error)
{
    struct folder **grown =
        realloc(repository->folder, (repository->folders + 1) * sizeof(struct folder *));
    if (grown)
        repository->folder = grown;
    struct folder *folder = grown ? calloc(1, sizeof *folder) : NULL;
    if (folder)
        folder->dir = strdup(dir);
    if (!folder || !folder->dir) {
        free(folder);
        relud_fail(error, RELUD_NO_MEMORY, "out of memory");
        return NULL;
    }
    snprintf(folder->name, sizeof folder->name, "%s", name);
    repository->folder[repository->folders++] = folder;
    return folder;
}

static void remove_folder(struct repository *repository, struct folder *folder)
{
    for (size_t i = 0; i < repository->folders; i++)
        if (repository->folder[i] == folder) {
            memmove(&repository->folder[i], &repository->folder[i + 1],
                    (repository->folders - i - 1) * sizeof(struct folder *));
            repository->folders--;
            free_folder(folder);
            return;
        }
}

static bool has_dir(const struct repository *repository, const char *dir)
{
    for (size_t i = 0; i < repository->folders; i++)
        if (strcmp(repository->folder[i]->dir, dir) == 0)
            return true;
    return false;
}

static bool open_one(void *user, const char *dir, const char *name, struct relud_error *error)
{
    struct repository *repository = user;
    size_t loaded = 0;
    struct folder *folder = add_folder(repository, dir, name, error);
    return folder && load_folder(repository, folder, true, &loaded, error);
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
    repository->path = calloc(len + 1, sizeof *repository->path);
    bool is_open = repository->path != NULL;
    if (!is_open)
        relud_fail(error, RELUD_NO_MEMORY, "out of memory");
    for (size_t i = 0; is_open && i < len; i++) {
        repository->path[repository->paths++] = paths[i];
        is_open = model_path_each(paths[i], open_one, repository, error);
    }
    if (is_open) {
        repository_publish(repository);
        is_open = repository->newest || relud_fail(error, RELUD_NO_MEMORY, "out of memory");
    }
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
        free_folder(repository->folder[--repository->folders]);
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
    char dir[MODEL_PATH_BYTES];
};

static bool look_at(void *user, const char *dir, const char *name, struct relud_error *error)
{
    (void)error;
    struct search *search = user;
    if (strcmp(name, search->name) != 0 || has_dir(search->repository, dir))
        return true;
    snprintf(search->dir, sizeof search->dir, "%s", dir);
    return false;
}

/* Looks for a directory of that name that came since the start. */
static struct folder *find_new_folder(struct repository *repository, const char *name,
                                      struct relud_error *error)
{
    struct search search = {.repository = repository, .name = name};
    for (size_t i = 0; i < repository->paths && !search.dir[0]; i++) {
        struct relud_error ignored;
        model_path_each(repository->path[i], look_at, &search, &ignored);
    }
    if (search.dir[0])
        return add_folder(repository, search.dir, name, error);
    relud_fail(error, RELUD_BAD_INPUT, "there is no model '%.64s' in the repository", name);
    return NULL;
}

bool repository_load(struct repository *repository, const char *name, const char *policy,
                     struct relud_error *error)
{
    size_t loaded = 0;
    struct folder *folder = find_folder(repository, name);
    bool is_new = !folder;
    if (is_new && !(folder = find_new_folder(repository, name, error)))
        return false;
    if (policy)
        snprintf(folder->own_policy, sizeof folder->own_policy, "%s", policy);
    bool is_right = load_folder(repository, folder, true, &loaded, error);
    if (is_right)
        log_info("model %s: loaded, %zu version%s", folder->name, loaded, loaded == 1 ? "" : "s");
    else
        log_warn("model %s: not loaded: %s", folder->name, error->text);
    repository_publish(repository);
    return is_right;
}

bool repository_unload(struct repository *repository, const char *name, struct relud_error *error)
{
    struct folder *folder = find_folder(repository, name);
    if (!folder)
        return relud_fail(error, RELUD_BAD_INPUT, "there is no model '%.64s'", name);
    for (size_t i = 0; i < folder->versions; i++) {
        struct version *version = &folder->version[i];
        entry_release(version->entry);
        version->entry = NULL;
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
    bool has_changed;
};

/* A new directory in a repository. */
static bool refresh_new(void *user, const char *dir, const char *name, struct relud_error *ignored)
{
    struct refresh *refresh = user;
    struct relud_error error;
    if (has_dir(refresh->repository, dir))
        return true;
    struct folder *folder = add_folder(refresh->repository, dir, name, ignored);
    if (!folder)
        return false;
    refresh->has_changed = true;
    if (!load_folder(refresh->repository, folder, false, &refresh->loaded, &error))
        log_warn("model %s: not loaded: %s", folder->name, error.text);
    return true;
}

static void refresh_known(struct refresh *refresh, struct folder *folder)
{
    unsigned long long number[MODEL_VERSIONS_MAX];
    struct relud_error error;
    size_t found;
    if (folder->is_unloaded)
        return;
    if (!model_path_versions(folder->dir, number, &found, &error)) {
        log_warn("model %s: %s", folder->name, error.text); /* it may be there still */
        return;
    }
    if (found == 0) {
        log_info("model %s: its files are gone, and so is it", folder->name);
        remove_folder(refresh->repository, folder);
        refresh->has_changed = true;
        return;
    }
    uint64_t attempts = folder->loads + folder->failed_loads;
    size_t versions = folder->versions;
    if (!load_folder(refresh->repository, folder, false, &refresh->loaded, &error))
        log_warn("model %s: %s", folder->name, error.text);
    refresh->has_changed |=
        attempts != folder->loads + folder->failed_loads || versions != folder->versions;
}

size_t repository_refresh(struct repository *repository)
{
    struct refresh refresh = {.repository = repository};
    for (size_t i = repository->folders; i-- > 0;)
        refresh_known(&refresh, repository->folder[i]);
    for (size_t i = 0; i < repository->paths; i++) {
        struct relud_error ignored;
        model_path_each(repository->path[i], refresh_new, &refresh, &ignored);
    }
    if (refresh.has_changed)
        repository_publish(repository);
    return refresh.loaded;
}
