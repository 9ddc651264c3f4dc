#include "server/model_path.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static bool exists_in(const char *dir, const char *file)
{
    char path[MODEL_PATH_BYTES + 32];
    struct stat about;
    snprintf(path, sizeof path, "%s/%s", dir, file);
    return stat(path, &about) == 0;
}

/* The length of the name without ".onnx"; 0 when it does not end so. */
static size_t onnx_stem(const char *name)
{
    size_t len = strlen(name);
    return len > 5 && strcmp(name + len - 5, ".onnx") == 0 ? len - 5 : 0;
}

static bool is_onnx_file(const char *path)
{
    struct stat about;
    return onnx_stem(path) && stat(path, &about) == 0 && S_ISREG(about.st_mode);
}

static bool is_model(const char *path)
{
    return is_onnx_file(path) || exists_in(path, "model.json") || exists_in(path, "model.onnx");
}

/* A positive integer without leading zeros, below 2^63; 0 for anything else. */
static unsigned long long version_of(const char *name)
{
    if (*name < '1' || *name > '9' || strlen(name) > 18 ||
        strspn(name, "0123456789") != strlen(name))
        return 0;
    return strtoull(name, NULL, 10);
}

bool model_path_is_name(const char *name)
{
    size_t len = strlen(name);
    for (size_t i = 0; i < len; i++)
        if (!isalnum((unsigned char)name[i]) && !strchr("._ -", name[i]))
            return false;
    return len > 0 && len < MODEL_NAME_BYTES && name[0] != '.';
}

/* The last part of the path, even when it is "." or ends with slashes; of an .onnx file the stem, or, where that is
 * "model", its folder. */
static void name_of(const char *path, char name[MODEL_NAME_BYTES])
{
    char *real = realpath(path, NULL);
    size_t stem = real ? onnx_stem(real) : 0;
    if (stem && is_onnx_file(path)) {
        real[stem] = '\0';
        if (stem >= 6 && strcmp(real + stem - 6, "/model") == 0)
            real[stem - 6] = '\0';
    }
    const char *last = real ? strrchr(real, '/') : NULL;
    const char *found = last && last[1] ? last + 1 : "model";
    snprintf(name, MODEL_NAME_BYTES, "%s", model_path_is_name(found) ? found : "model");
    free(real);
}

static bool set_dir(struct model_path *model, const char *dir, const char *part,
                    struct relud_error *error)
{
    int len = snprintf(model->dir, sizeof model->dir, part ? "%s/%s" : "%s", dir, part);
    return (len > 0 && (size_t)len < sizeof model->dir) ||
           relud_fail(error, RELUD_IO, "%.100s…: the path is too long", dir);
}

static int compare_versions(const void *left, const void *right)
{
    unsigned long long a = *(const unsigned long long *)left,
                       b = *(const unsigned long long *)right;
    return (a > b) - (a < b);
}

bool model_path_of_version(const char *dir, unsigned long long version, char path[MODEL_PATH_BYTES])
{
    int len = is_model(dir) ? snprintf(path, MODEL_PATH_BYTES, "%s", dir)
                            : snprintf(path, MODEL_PATH_BYTES, "%s/%llu", dir, version);
    return len > 0 && len < MODEL_PATH_BYTES;
}

bool model_path_versions(const char *path, unsigned long long version[MODEL_VERSIONS_MAX],
                         size_t *count, struct relud_error *error)
{
    *count = 0;
    if (is_model(path)) {
        version[(*count)++] = 1;
        return true;
    }
    DIR *dir = opendir(path);
    if (!dir)
        return errno == ENOENT || errno == ENOTDIR ||
               relud_fail(error, RELUD_IO, "%.150s: %s", path, strerror(errno));
    for (const struct dirent *entry; *count < MODEL_VERSIONS_MAX && (entry = readdir(dir));) {
        char inner[MODEL_PATH_BYTES];
        version[*count] = version_of(entry->d_name);
        if (version[*count] && model_path_of_version(path, version[*count], inner) &&
            is_model(inner))
            ++*count;
    }
    closedir(dir);
    qsort(version, *count, sizeof *version, compare_versions);
    return true;
}

/* FNV-1a (Fowler, Noll, Vo), a number at a time. */
static unsigned long long mix(unsigned long long hash, long long number)
{
    for (size_t i = 0; i < sizeof number; i++)
        hash = (hash ^ ((unsigned long long)number >> 8 * i & 0xff)) * 0x100000001b3u;
    return hash;
}

unsigned long long model_path_fingerprint(const char *path)
{
    /* In a directory; or an .onnx file, and what torch.onnx writes beside it. */
    static const char *const files[] = {
        "/model.json", "/model.safetensors", "/model.onnx", "/model.onnx.data", "", ".data"};
    unsigned long long hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char file[MODEL_PATH_BYTES + 32];
        struct stat about = {0};
        snprintf(file, sizeof file, "%s%s", path, files[i]);
        if (stat(file, &about) != 0 || S_ISDIR(about.st_mode))
            continue;
        hash = mix(mix(mix(hash, (long long)i), about.st_size), (long long)about.st_ino);
        hash = mix(mix(hash, about.st_mtim.tv_sec), about.st_mtim.tv_nsec);
    }
    return hash;
}

bool model_path_find(const char *path, struct model_path *found, struct relud_error *error)
{
    struct stat about;
    *found = (struct model_path){.version = "1"};
    if (stat(path, &about) != 0)
        return relud_fail(error, RELUD_IO, "%.150s: %s", path, strerror(errno));
    if (!S_ISDIR(about.st_mode) && !is_onnx_file(path))
        return relud_fail(error, RELUD_UNSUPPORTED,
                          "%.150s: neither an .onnx file nor a model directory (model.json and "
                          "model.safetensors, or model.onnx)",
                          path);
    name_of(path, found->name);
    if (is_model(path))
        return set_dir(found, path, NULL, error);
    unsigned long long version[MODEL_VERSIONS_MAX];
    size_t versions;
    if (!model_path_versions(path, version, &versions, error))
        return false;
    if (versions == 0)
        return relud_fail(error, RELUD_BAD_MODEL,
                          "%.150s: neither a model.json nor a model.onnx, nor a version directory "
                          "with one, is in it",
                          path);
    snprintf(found->version, sizeof found->version, "%llu", version[versions - 1]);
    return set_dir(found, path, found->version, error);
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

bool model_path_each(const char *path,
                     bool (*each)(void *user, const char *dir, const char *name,
                                  struct relud_error *error),
                     void *user, struct relud_error *error)
{
    struct model_path model;
    struct relud_error alone = {0};
    if (model_path_find(path, &model, &alone))
        return each(user, path, model.name, error);
    struct dirent **entry = NULL;
    int entries = alone.code == RELUD_BAD_MODEL ? scandir(path, &entry, is_visible, alphasort) : 0;
    size_t found = 0;
    bool goes_on = true;
    for (int i = 0; i < entries; i++) {
        struct model_path inner;
        struct relud_error ignored;
        char dir[MODEL_PATH_BYTES];
        int len = snprintf(dir, sizeof dir, "%s/%s", path, entry[i]->d_name);
        if (goes_on && len > 0 && (size_t)len < sizeof dir &&
            model_path_find(dir, &inner, &ignored)) { /* other things may lie there, too */
            found++;
            goes_on = each(user, dir, inner.name, error);
        }
        free(entry[i]);
    }
    free(entry);
    if (found == 0)
        return relud_fail(error, alone.code, "%s", alone.text);
    return goes_on;
}
