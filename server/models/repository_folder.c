/* Decides which versions of one model's directory are wanted, and loads them. */
#include "server/models/repository_private.h"

#include "server/base/json_in.h"
#include "server/log/log.h"
#include "server/models/version_policy.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- settings ---- */

/* The contents of DIR/versions.json. */
struct settings {
    char policy[64];
    struct catalog_label label[LABELS_MAX];
    size_t labels;
};

static bool read_labels(struct settings *settings, struct json_in *document,
                        struct relud_error *error)
{
    const json_node *labels = json_in_member(document, "labels");
    bool is_right = !labels || json_node_is_object(labels);
    for (const json_node *item = json_node_first(labels); is_right && item;
         item = json_node_next(item)) {
        const char *name = json_node_name(item);
        double number = 0;
        is_right = name && model_path_is_name(name) &&
                   json_node_whole(item, 1, 1e15 - 1, &number) && settings->labels < LABELS_MAX;
        if (!is_right)
            break;
        struct catalog_label *label = &settings->label[settings->labels++];
        snprintf(label->label, sizeof label->label, "%s", name);
        snprintf(label->version, sizeof label->version, "%.0f", number);
    }
    return is_right ||
           relud_fail(error, RELUD_BAD_MODEL,
                      "versions.json: labels is {\"name\": version, …}, at most %d of them",
                      LABELS_MAX);
}

static bool read_members(struct settings *settings, struct json_in *document,
                         struct relud_error *error)
{
    const char *policy = NULL;
    if (!json_in_text(document, "policy", &policy, error) ||
        !read_labels(settings, document, error) || !json_in_end(document, "policy, labels", error))
        return false;
    if (policy && (!version_policy_is(policy) || strlen(policy) >= sizeof settings->policy))
        return relud_fail(
            error, RELUD_BAD_MODEL,
            "versions.json: policy '%s' is not one of latest:N, all, or a list such as 1,3",
            policy);
    if (policy)
        snprintf(settings->policy, sizeof settings->policy, "%s", policy);
    return true;
}

/* Reads DIR/versions.json, for example {"policy": "latest:2", "labels": {"stable": 1}}. If it is
 * wrong, policy and labels stay as they were. */
static bool read_settings(const struct repository *repository, struct folder *folder,
                          struct relud_error *error)
{
    char path[MODEL_PATH_BYTES + 32];
    struct stat about;
    struct settings settings = {.labels = 0};
    snprintf(settings.policy, sizeof settings.policy, "%s", repository->options.policy);
    snprintf(path, sizeof path, "%s/versions.json", folder->dir);
    /* A file that exists but cannot be read is an error: it may say what to serve. */
    if (lstat(path, &about) == 0 || (errno != ENOENT && errno != ENOTDIR)) {
        struct json_in *document = json_in_file(path, error);
        bool is_right = document && read_members(&settings, document, error);
        json_in_close(document);
        if (!is_right)
            return false;
    }
    snprintf(folder->policy, sizeof folder->policy, "%s",
             folder->own_policy[0] ? folder->own_policy : settings.policy);
    memcpy(folder->label, settings.label, sizeof folder->label);
    folder->labels = settings.labels;
    return true;
}

/* ---- the folder's records ---- */

struct folder *folder_find(const struct repository *repository, const char *name)
{
    for (size_t i = 0; i < repository->folders; i++)
        if (!repository->folder[i]->is_shadowed && strcmp(repository->folder[i]->name, name) == 0)
            return repository->folder[i];
    return NULL;
}

static void forget_version(struct folder *folder, size_t index)
{
    struct version *version = &folder->version[index];
    served_model_release(version->served);
    metrics_series_release(version->series);
    memmove(version, version + 1, (folder->versions - index - 1) * sizeof *version);
    folder->versions--;
}

/* Returns the record of that version; makes one if there is none. NULL if memory runs out. */
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

/* Stores the folders that were passed over at this look, and logs those that are new. */
static void note_passed(struct folder *folder, struct model_versions *found)
{
    bool is_same = found->passed_len == folder->passed_len;
    for (size_t i = 0; i < found->passed_len; i++) {
        const struct model_passed *now = &found->passed[i], *known = NULL;
        for (size_t k = 0; k < folder->passed_len && !known; k++)
            if (strcmp(folder->passed[k].folder, now->folder) == 0 &&
                strcmp(folder->passed[k].reason, now->reason) == 0)
                known = &folder->passed[k];
        is_same &= known != NULL;
        if (!known)
            log_warn("model %s: '%s' is skipped: %s", folder->name, now->folder, now->reason);
    }
    folder->has_changed |= !is_same;
    free(folder->passed);
    folder->passed = found->passed;
    folder->passed_len = found->passed_len;
    found->passed = NULL;
    found->passed_len = 0;
}

/* Stores why nothing of the folder can be served ("": no reason), and logs it if it is new or
 * is_forced. */
static void set_reason(const struct repository *repository, struct folder *folder,
                       const char *reason, bool is_forced)
{
    bool is_new = strcmp(folder->reason, reason) != 0;
    if (*reason && (is_new || is_forced) && !repository->is_opening)
        log_warn("model %s: %s", folder->name, reason);
    snprintf(folder->reason, sizeof folder->reason, "%s", reason);
    folder->has_changed |= is_new;
}

/* ---- one version ---- */

/* Outside a repository the first version that loads gives the model its name. The other versions
 * must have the same name. */
static bool take_name(const struct repository *repository, struct folder *folder,
                      const struct served_model *served, const char *dir, struct relud_error *error)
{
    const struct folder *other = folder_find(repository, served->name);
    if (strcmp(folder->name, served->name) == 0 && other == folder)
        return true;
    for (size_t i = 0; i < folder->versions; i++)
        if (folder->version[i].series)
            return relud_fail(error, RELUD_BAD_MODEL, "%s has the name '%s'; '%s' is expected", dir,
                              served->name, folder->name);
    folder->is_clash = other && other != folder;
    if (folder->is_clash)
        return relud_fail(error, RELUD_BAD_MODEL,
                          "%s: model '%s' of version %s is served already, from %s", dir,
                          served->name, served->version, other->dir);
    snprintf(folder->name, sizeof folder->name, "%s", served->name);
    return true;
}

static struct served_model *open_version(struct repository *repository, struct folder *folder,
                                         const struct version *version,
                                         const struct model_version *at, struct relud_error *error)
{
    char dir[MODEL_PATH_BYTES], number[MODEL_VERSION_BYTES];
    snprintf(number, sizeof number, "%llu", version->number);
    if (!model_version_path(folder->dir, at, dir, error))
        return NULL;
    const struct served_model_source source = {
        .dir = dir, .name = folder->name, .version = number, .is_named = folder->is_member};
    struct served_model *served =
        served_model_open(&source, &repository->options.served, version->series, error);
    if (!served || take_name(repository, folder, served, dir, error))
        return served;
    served_model_release(served);
    return NULL;
}

static bool load_version(struct repository *repository, struct folder *folder,
                         struct version *version, const struct model_version *at,
                         struct relud_error *error)
{
    struct served_model *served = open_version(repository, folder, version, at, error);
    folder->has_changed = true;
    if (!served) {
        folder->failed_loads++;
        version->state = version->served ? CATALOG_READY : CATALOG_UNAVAILABLE;
        snprintf(version->reason, sizeof version->reason, "%s", error->text);
        if (!repository->is_opening)
            log_warn("model %s version %llu: not loaded: %s", folder->name, version->number,
                     error->text);
        return false;
    }
    if (!version->series)
        version->series = metrics_series_retain(served->series);
    served_model_release(version->served);
    version->served = served;
    version->state = CATALOG_READY;
    version->reason[0] = '\0';
    folder->loads++;
    return true;
}

/* ---- all of them ---- */

/* The state of one folder_load. */
struct loading {
    struct repository *repository;
    struct folder *folder;
    const struct model_versions *found;
    bool is_forced, is_right, is_complete;
    size_t wanted, serving; /* wanted versions; tried versions that can answer */
    size_t *loaded;
    struct relud_error *error; /* the first failure */
};

/* Loads one version. If its files have not changed, it stays as it was, loaded or failed. */
static bool load_one(struct loading *loading, const struct model_version *at, bool is_wanted)
{
    struct folder *folder = loading->folder;
    struct relud_error alone = {0};
    char dir[MODEL_PATH_BYTES];
    struct version *version = version_of(folder, at->number);
    if (!version)
        return relud_fail(loading->error, RELUD_NO_MEMORY, "%s: out of memory", folder->dir);
    /* 1 stands for a version that two folders claim. */
    unsigned long long fingerprint = 1;
    if (model_version_path(folder->dir, at, dir, &alone))
        fingerprint = model_path_fingerprint(dir);
    if (loading->is_forced || version->fingerprint != fingerprint) {
        version->fingerprint = fingerprint;
        if (!version->served && loading->repository->newest) {
            version->state = CATALOG_LOADING;
            repository_publish(loading->repository);
        }
        if (load_version(loading->repository, folder, version, at, &alone))
            ++*loading->loaded;
        else if (loading->is_right)
            *loading->error = alone;
        loading->is_right &= version->reason[0] == '\0';
    }
    if (is_wanted)
        loading->is_complete &= version->served && !version->reason[0];
    loading->serving += version->served != NULL;
    return true;
}

/* Loads the wanted versions, from the newest down. If one does not load, an older version takes its
 * place, unless the policy lists versions by number. */
static bool load_all(struct loading *loading)
{
    const struct model_versions *found = loading->found;
    const char *policy = loading->folder->policy;
    for (size_t newer = 0; newer < found->len; newer++) {
        const struct model_version *at = &found->version[found->len - 1 - newer];
        bool is_wanted = version_policy_wants(policy, at->number, newer);
        loading->wanted += is_wanted;
        bool is_substitute =
            !is_wanted && version_policy_is_latest(policy) && loading->serving < loading->wanted;
        if ((is_wanted || is_substitute) && !load_one(loading, at, is_wanted))
            return false;
    }
    return true;
}

static bool is_found(const struct model_versions *found, const char *policy,
                     unsigned long long number, bool *is_wanted)
{
    *is_wanted = false;
    for (size_t i = 0; i < found->len; i++)
        if (found->version[i].number == number) {
            *is_wanted = version_policy_wants(policy, number, found->len - 1 - i);
            return true;
        }
    return false;
}

/* Drops versions that are not wanted. Until every wanted version is loaded without a failure, it
 * drops only those that are gone from the disk and do not answer. */
static void let_go(const struct loading *loading)
{
    struct folder *folder = loading->folder;
    for (size_t i = folder->versions; i-- > 0;) {
        bool is_wanted,
            is_there =
                is_found(loading->found, folder->policy, folder->version[i].number, &is_wanted),
            is_idle = !is_there && !folder->version[i].served;
        if (!is_wanted && (is_idle || (loading->is_right && loading->is_complete))) {
            forget_version(folder, i);
            folder->has_changed = true;
        }
    }
}

static bool fail_empty(const struct folder *folder, const struct model_versions *found,
                       struct relud_error *error)
{
    if (found->len)
        return relud_fail(error, RELUD_BAD_MODEL, "%s: there is no version that %s selects",
                          folder->dir, folder->policy);
    if (folder->passed_len)
        return relud_fail(error, RELUD_BAD_MODEL, "%s: there is no version; '%s': %s", folder->dir,
                          folder->passed[0].folder, folder->passed[0].reason);
    return relud_fail(error, RELUD_BAD_MODEL, "%s: there is no version", folder->dir);
}

static bool load_found(struct repository *repository, struct folder *folder,
                       struct model_versions *found, bool is_forced, size_t *loaded,
                       struct relud_error *error)
{
    struct loading loading = {.repository = repository,
                              .folder = folder,
                              .found = found,
                              .is_forced = is_forced,
                              .is_right = true,
                              .is_complete = true,
                              .loaded = loaded,
                              .error = error};
    note_passed(folder, found);
    if (!load_all(&loading))
        return false;
    if (loading.wanted == 0) {
        fail_empty(folder, found, error);
        set_reason(repository, folder, error->text, is_forced);
        return false;
    }
    set_reason(repository, folder, "", false);
    let_go(&loading);
    if (loading.serving)
        folder->is_unloaded = false;
    return loading.is_right;
}

/* True if anything in the folder may be served. */
static bool may_be_served(const struct repository *repository, struct folder *folder,
                          struct relud_error *error)
{
    if (folder->fault)
        return relud_fail(error, RELUD_BAD_MODEL, "%s: %s", folder->dir, folder->fault);
    const struct folder *other = folder->is_shadowed ? folder_find(repository, folder->name) : NULL;
    if (other)
        return relud_fail(error, RELUD_BAD_MODEL, "%s: model '%s' is served already, from %s",
                          folder->dir, folder->name, other->dir);
    folder->is_shadowed = false;
    return true;
}

bool folder_load(struct repository *repository, struct folder *folder, bool is_forced,
                 size_t *loaded, struct relud_error *error)
{
    struct model_versions found;
    if (!may_be_served(repository, folder, error) || !read_settings(repository, folder, error) ||
        !model_versions_read(folder->dir, &found, error)) {
        set_reason(repository, folder, error->text, is_forced);
        return false;
    }
    bool is_right = load_found(repository, folder, &found, is_forced, loaded, error);
    model_versions_free(&found);
    return is_right;
}

/* ---- coming and going ---- */

void folder_free(struct folder *folder)
{
    while (folder->versions)
        forget_version(folder, folder->versions - 1);
    free(folder->version);
    free(folder->passed);
    free(folder->dir);
    free(folder);
}

struct folder *folder_add(struct repository *repository, const struct model_place *place,
                          struct relud_error *error)
{
    struct folder **grown =
        realloc(repository->folder, (repository->folders + 1) * sizeof(struct folder *));
    if (grown)
        repository->folder = grown;
    struct folder *folder = grown ? calloc(1, sizeof *folder) : NULL;
    if (folder)
        folder->dir = strdup(place->dir);
    if (!folder || !folder->dir) {
        free(folder);
        relud_fail(error, RELUD_NO_MEMORY, "out of memory");
        return NULL;
    }
    snprintf(folder->name, sizeof folder->name, "%s", place->name);
    folder->is_member = place->is_member;
    folder->fault = place->fault;
    folder->is_shadowed = place->is_member && folder_find(repository, folder->name);
    folder->has_changed = true;
    repository->folder[repository->folders++] = folder;
    return folder;
}

void folder_remove(struct repository *repository, struct folder *folder)
{
    for (size_t i = 0; i < repository->folders; i++)
        if (repository->folder[i] == folder) {
            memmove(&repository->folder[i], &repository->folder[i + 1],
                    (repository->folders - i - 1) * sizeof(struct folder *));
            repository->folders--;
            folder_free(folder);
            return;
        }
}
