#include "server/models/versions.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Any number of this many digits is below 2^63. */
enum { DIGITS_MAX = 18 };

static bool exists_in(const char *dir, const char *file)
{
    char path[MODEL_PATH_BYTES + 32];
    struct stat about;
    snprintf(path, sizeof path, "%s/%s", dir, file);
    return stat(path, &about) == 0;
}

static size_t stem_before(const char *name, const char *ending)
{
    size_t len = strlen(name), end = strlen(ending);
    return len > end && strcmp(name + len - end, ending) == 0 ? len - end : 0;
}

size_t model_file_stem(const char *name)
{
    size_t stem = stem_before(name, ".onnx");
    return stem ? stem : stem_before(name, ".safetensors");
}

static bool is_file_of(const char *path, const char *ending)
{
    struct stat about;
    return stem_before(path, ending) && stat(path, &about) == 0 && S_ISREG(about.st_mode);
}

static bool is_onnx_file(const char *path)
{
    return is_file_of(path, ".onnx");
}

bool model_is_state_dict(const char *path)
{
    return is_file_of(path, ".safetensors");
}

bool model_is(const char *path)
{
    return is_onnx_file(path) || model_is_state_dict(path) || exists_in(path, "model.json") ||
           exists_in(path, "model.onnx");
}

/* ---- one name ---- */

/* The version that a folder's name stands for; 0 and *reason if it stands for none. */
static unsigned long long number_of(const char *name, const char **reason)
{
    size_t zeros = strspn(name, "0"), digits = strspn(name, "0123456789");
    *reason = "a version is a whole number, 1 or more";
    if (name[digits] || digits == zeros)
        return 0;
    if (digits - zeros <= DIGITS_MAX)
        return strtoull(name + zeros, NULL, 10);
    *reason = "a version has at most 18 digits";
    return 0;
}

static bool is_directory(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 && S_ISDIR(about.st_mode);
}

/* Decides whether `name` in `dir` is a version. Returns NULL and fills *version if it is. Otherwise
 * returns the reason, or "" if nobody would take it for a version. */
static const char *look_at(const char *dir, const char *name, struct model_version *version)
{
    char path[MODEL_PATH_BYTES];
    const char *reason;
    bool is_number = name[strspn(name, "0123456789")] == '\0';
    *version = (struct model_version){.number = number_of(name, &reason)};
    int len = snprintf(path, sizeof path, "%s/%s", dir, name);
    if (name[0] == '.' || len < 0 || (size_t)len >= sizeof path || model_is_state_dict(path))
        return "";
    bool has_model = model_is(path);
    if (!has_model && (!is_number || !is_directory(path)))
        return "";
    if (is_onnx_file(path))
        return "in a model's folder an .onnx file is called model.onnx";
    if (!version->number)
        return reason;
    if (!has_model)
        return "it holds neither model.json nor model.onnx";
    if (strlen(name) >= sizeof version->folder)
        return "its name is too long";
    strncpy(version->folder, name, sizeof version->folder - 1);
    return NULL;
}

/* ---- all of them ---- */

static bool add_version(struct model_versions *found, const struct model_version *version)
{
    struct model_version *grown =
        realloc(found->version, (found->len + 1) * sizeof *found->version);
    if (!grown)
        return false;
    found->version = grown;
    grown[found->len++] = *version;
    return true;
}

static bool add_passed(struct model_versions *found, const char *name, const char *reason)
{
    struct model_passed *grown =
        realloc(found->passed, (found->passed_len + 1) * sizeof *found->passed);
    if (!grown)
        return false;
    found->passed = grown;
    grown[found->passed_len] = (struct model_passed){.reason = reason};
    snprintf(grown[found->passed_len++].folder, MODEL_NAME_BYTES, "%.64s", name);
    return true;
}

static int compare_versions(const void *left, const void *right)
{
    const struct model_version *a = left, *b = right;
    return a->number != b->number ? (a->number > b->number) - (a->number < b->number)
                                  : strcmp(a->folder, b->folder);
}

static int compare_passed(const void *left, const void *right)
{
    const struct model_passed *a = left, *b = right;
    return strcmp(a->folder, b->folder);
}

/* Sorts what was found. Of two folders with the same number, only the first is kept, with the other
 * as its twin. */
static void arrange(struct model_versions *found)
{
    size_t kept = 0;
    if (found->passed_len)
        qsort(found->passed, found->passed_len, sizeof *found->passed, compare_passed);
    if (found->len)
        qsort(found->version, found->len, sizeof *found->version, compare_versions);
    for (size_t i = 0; i < found->len; i++) {
        struct model_version *last = kept ? &found->version[kept - 1] : NULL;
        if (last && last->number == found->version[i].number)
            memcpy(last->twin, found->version[i].folder, sizeof last->twin);
        else
            found->version[kept++] = found->version[i];
    }
    found->len = kept;
}

static bool read_entries(DIR *dir, const char *path, struct model_versions *found)
{
    for (const struct dirent *entry; (entry = readdir(dir));) {
        struct model_version version;
        const char *reason = look_at(path, entry->d_name, &version);
        bool is_added = !reason   ? add_version(found, &version)
                        : *reason ? add_passed(found, entry->d_name, reason)
                                  : true;
        if (!is_added)
            return false;
    }
    return true;
}

bool model_versions_read(const char *path, struct model_versions *found, struct relud_error *error)
{
    static const struct model_version itself = {.number = 1};
    *found = (struct model_versions){0};
    bool is_read = true;
    if (model_is(path)) {
        is_read = add_version(found, &itself);
    } else {
        int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
            return true;
        DIR *dir = fd < 0 ? NULL : fdopendir(fd);
        if (!dir) {
            int why = errno;
            if (fd >= 0)
                close(fd);
            return relud_fail(error, RELUD_IO, "%s: %s", path, strerror(why));
        }
        is_read = read_entries(dir, path, found);
        closedir(dir);
    }
    if (is_read) {
        arrange(found);
        return true;
    }
    model_versions_free(found);
    return relud_fail(error, RELUD_NO_MEMORY, "%s: out of memory", path);
}

void model_versions_free(struct model_versions *found)
{
    free(found->version);
    free(found->passed);
    *found = (struct model_versions){0};
}

bool model_version_path(const char *dir, const struct model_version *version,
                        char path[MODEL_PATH_BYTES], struct relud_error *error)
{
    if (*version->twin)
        return relud_fail(error, RELUD_BAD_MODEL,
                          "%s: the folders '%s' and '%s' both mean version %llu", dir,
                          version->folder, version->twin, version->number);
    int len =
        snprintf(path, MODEL_PATH_BYTES, *version->folder ? "%s/%s" : "%s", dir, version->folder);
    return (len > 0 && len < MODEL_PATH_BYTES) ||
           relud_fail(error, RELUD_IO, "%s: the path is too long", dir);
}
