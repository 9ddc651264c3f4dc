#include "server/models/path.h"

#include "server/base/fnv.h"
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

bool model_path_is_name(const char *name)
{
    size_t len = strlen(name);
    for (size_t i = 0; i < len; i++)
        if (!isalnum((unsigned char)name[i]) && !strchr("._ -", name[i]))
            return false;
    return len > 0 && len < MODEL_NAME_BYTES && name[0] != '.';
}

/* Removes slashes at the end and returns the last part of the rest. */
static char *last_part(char *path)
{
    size_t len = strlen(path);
    while (len && path[len - 1] == '/')
        path[--len] = '\0';
    char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* Derives a model's name from the last part of the path as it was written. For a file that is the
 * name without its ending, or the folder's name if that would be "model". The real path is used
 * only if the last part is empty, "." or "..". A name that no model may have becomes "model". */
static void name_of(const char *path, bool is_file, char name[MODEL_NAME_BYTES])
{
    char written[MODEL_PATH_BYTES], real[PATH_MAX];
    snprintf(written, sizeof written, "%s", path);
    char *last = last_part(written);
    size_t stem = model_file_stem(last);
    if (stem && is_file) {
        last[stem] = '\0';
        if (strcmp(last, "model") == 0) {
            *last = '\0';
            last = last_part(written);
        }
    }
    if (!*last || strcmp(last, ".") == 0 || strcmp(last, "..") == 0) {
        bool is_root = *path == '/' && !*written;
        last = realpath(*written ? written : is_root ? "/" : ".", real) ? last_part(real) : last;
    }
    snprintf(name, MODEL_NAME_BYTES, "%s", model_path_is_name(last) ? last : "model");
}

unsigned long long model_path_fingerprint(const char *path)
{
    /* Files in a model's directory; and, for an .onnx file, the file itself and the data file that
     * torch.onnx writes next to it. */
    static const char *const files[] = {
        "/model.json", "/model.safetensors", "/model.onnx", "/model.onnx.data", "", ".data"};
    uint64_t hash = FNV_BEGIN;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char file[MODEL_PATH_BYTES + 32];
        struct stat about = {0};
        snprintf(file, sizeof file, "%s%s", path, files[i]);
        if (stat(file, &about) != 0 || S_ISDIR(about.st_mode))
            continue;
        const int64_t facts[] = {(int64_t)i, about.st_size, (int64_t)about.st_ino,
                                 about.st_mtim.tv_sec, about.st_mtim.tv_nsec};
        unsigned char bytes[sizeof facts];
        memcpy(bytes, facts, sizeof facts);
        hash = fnv_add(hash, bytes, sizeof bytes);
    }
    return hash;
}

bool model_path_find(const char *path, struct model_path *found, struct relud_error *error)
{
    struct stat about;
    *found = (struct model_path){.version = "1"};
    if (stat(path, &about) != 0)
        return relud_fail(error, RELUD_IO, "%s: %s", path, strerror(errno));
    if (!S_ISDIR(about.st_mode) && !model_is(path))
        return relud_model_refuse(path, error);
    name_of(path, S_ISREG(about.st_mode), found->name);
    found->is_model = model_is(path);
    if (found->is_model) { /* stat took the path, so it is shorter than PATH_MAX */
        snprintf(found->dir, sizeof found->dir, "%s", path);
        return true;
    }
    struct model_versions versions;
    if (!model_versions_read(path, &versions, error))
        return false;
    const struct model_version *newest = versions.len ? &versions.version[versions.len - 1] : NULL;
    found->is_model = newest != NULL;
    bool is_found = newest && model_version_path(path, newest, found->dir, error);
    if (newest)
        snprintf(found->version, sizeof found->version, "%llu", newest->number);
    else
        relud_model_refuse(path, error);
    model_versions_free(&versions);
    return is_found;
}

/* ---- repositories ---- */

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

bool model_path_is_meant(const char *dir)
{
    struct relud_error error;
    struct model_versions versions;
    struct stat about;
    /* It may be a link whose target is missing, perhaps only for now. */
    if (stat(dir, &about) != 0)
        return lstat(dir, &about) == 0;
    if (model_is(dir))
        return true;
    if (!S_ISDIR(about.st_mode))
        return false;
    if (!model_versions_read(dir, &versions, &error))
        return true;
    bool is_meant = versions.len || versions.passed_len;
    model_versions_free(&versions);
    return is_meant;
}

/* Calls `each` for a directory entry of a repository that looks like a model, and counts it in
 * *found. Returns false to stop. */
static bool each_member(const char *path, const char *entry,
                        bool (*each)(void *user, const struct model_place *place,
                                     struct relud_error *error),
                        void *user, size_t *found, struct relud_error *error)
{
    static const char misnamed[] =
        "a model's name has at most 64 letters, digits, '.', '_', '-' and blanks";
    char dir[MODEL_PATH_BYTES], name[MODEL_PATH_BYTES];
    int len = snprintf(dir, sizeof dir, "%s/%s", path, entry);
    if ((size_t)len >= sizeof dir || model_is_state_dict(dir) || !model_path_is_meant(dir))
        return true; /* a repository may hold other things, too */
    struct stat about;
    size_t stem = model_file_stem(entry);
    /* A link whose target is missing counts as a file. */
    bool is_file = stem && (stat(dir, &about) != 0 || !S_ISDIR(about.st_mode));
    snprintf(name, sizeof name, "%.*s", is_file ? (int)stem : (int)strlen(entry), entry);
    ++*found;
    const struct model_place place = {.dir = dir,
                                      .name = name,
                                      .is_member = true,
                                      .fault = model_path_is_name(name) ? NULL : misnamed};
    return each(user, &place, error);
}

bool model_path_each(const char *path,
                     bool (*each)(void *user, const struct model_place *place,
                                  struct relud_error *error),
                     void *user, struct relud_error *error)
{
    struct model_path model;
    struct relud_error alone = {0};
    if (model_path_find(path, &model, &alone) || model.is_model) {
        const struct model_place place = {.dir = path, .name = model.name};
        return each(user, &place, error);
    }
    struct dirent **entry = NULL;
    int entries = alone.code == RELUD_BAD_MODEL ? scandir(path, &entry, is_visible, alphasort) : 0;
    size_t found = 0;
    bool goes_on = true;
    for (int i = 0; i < entries; i++) {
        goes_on = goes_on && each_member(path, entry[i]->d_name, each, user, &found, error);
        free(entry[i]);
    }
    free(entry);
    if (found == 0)
        return relud_fail(error, alone.code, "%s", alone.text);
    return goes_on;
}
