#include "server/model_path.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static bool is_model(const char *dir)
{
    char path[MODEL_PATH_BYTES + 16];
    struct stat about;
    snprintf(path, sizeof path, "%s/model.json", dir);
    return stat(path, &about) == 0;
}

/* A positive integer without leading zeros, below 2^63; 0 for anything else. */
static unsigned long long version_of(const char *name)
{
    if (*name < '1' || *name > '9' || strlen(name) > 18 ||
        strspn(name, "0123456789") != strlen(name))
        return 0;
    return strtoull(name, NULL, 10);
}

/* The last part of the path, even when it is "." or ends with slashes. */
static bool name_of(const char *path, char *name)
{
    char *real = realpath(path, NULL);
    const char *last = real ? strrchr(real, '/') : NULL;
    const char *found = last && last[1] ? last + 1 : "model";
    size_t len = strlen(found);
    bool is_right = len < MODEL_NAME_BYTES && found[0] != '.';
    for (size_t i = 0; i < len; i++)
        is_right &= isalnum((unsigned char)found[i]) || strchr("._ -", found[i]);
    snprintf(name, MODEL_NAME_BYTES, "%s", is_right ? found : "model");
    free(real);
    return true;
}

static bool set_dir(struct model_path *model, const char *dir, const char *part,
                    struct relud_error *error)
{
    int len = snprintf(model->dir, sizeof model->dir, part ? "%s/%s" : "%s", dir, part);
    return (len > 0 && (size_t)len < sizeof model->dir) ||
           relud_fail(error, RELUD_IO, "%.100s…: the path is too long", dir);
}

/* The highest version in a NAME directory; 0 when it has none. */
static unsigned long long highest_version(const char *path)
{
    unsigned long long highest = 0;
    DIR *dir = opendir(path);
    if (!dir)
        return 0;
    for (const struct dirent *entry; (entry = readdir(dir));) {
        char inner[MODEL_PATH_BYTES];
        unsigned long long version = version_of(entry->d_name);
        int len = snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name);
        if (version > highest && len > 0 && (size_t)len < sizeof inner && is_model(inner))
            highest = version;
    }
    closedir(dir);
    return highest;
}

bool model_path_find(const char *path, struct model_path *found, struct relud_error *error)
{
    struct stat about;
    *found = (struct model_path){.version = "1"};
    if (stat(path, &about) != 0)
        return relud_fail(error, RELUD_IO, "%.150s: %s", path, strerror(errno));
    if (!S_ISDIR(about.st_mode))
        return relud_fail(error, RELUD_UNSUPPORTED,
                          "%.150s: not a model directory (model.json and model.safetensors)", path);
    name_of(path, found->name);
    if (is_model(path))
        return set_dir(found, path, NULL, error);
    unsigned long long version = highest_version(path);
    if (version == 0)
        return relud_fail(error, RELUD_BAD_MODEL,
                          "%.150s: neither a model.json nor a version directory with one is in it",
                          path);
    snprintf(found->version, sizeof found->version, "%llu", version);
    return set_dir(found, path, found->version, error);
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

bool model_path_each(const char *path,
                     bool (*each)(void *user, const struct model_path *model,
                                  struct relud_error *error),
                     void *user, struct relud_error *error)
{
    struct model_path model;
    struct relud_error alone = {0};
    if (model_path_find(path, &model, &alone))
        return each(user, &model, error);
    struct dirent **entry = NULL;
    int entries = alone.code == RELUD_BAD_MODEL ? scandir(path, &entry, is_visible, alphasort) : 0;
    size_t found = 0;
    bool goes_on = true;
    for (int i = 0; i < entries; i++) {
        struct model_path inner = {.version = "1"};
        struct relud_error ignored;
        if (goes_on && set_dir(&inner, path, entry[i]->d_name, &ignored)) {
            char dir[MODEL_PATH_BYTES];
            memcpy(dir, inner.dir, sizeof dir);
            if (model_path_find(dir, &inner, &ignored)) { /* other things may lie there, too */
                found++;
                goes_on = each(user, &inner, error);
            }
        }
        free(entry[i]);
    }
    free(entry);
    if (found == 0)
        return relud_fail(error, alone.code, "%s", alone.text);
    return goes_on;
}
