/* Repositories on disk, made for one test, and what is served from them. */
#ifndef TESTS_UNIT_REPOSITORIES_H
#define TESTS_UNIT_REPOSITORIES_H

#include "tests/unit/onnx_text.h"
#include "tests/unit/suite.h"

#include "server/log/log.h"
#include "server/models/repository.h"
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define NET "{\"format\":\"relud-model/1\",\"name\":\"%s\"}"

static char root[64];

static inline void path_of(const char *name, char path[256])
{
    snprintf(path, 256, "%.60s/%.190s", root, name);
    for (char *at = path + strlen(root) + 1; (at = strchr(at, '/')); at++) {
        *at = '\0';
        mkdir(path, 0700);
        *at = '/';
    }
}

static inline void put_text_file(const char *name, const char *text)
{
    char path[256];
    struct buffer bytes = {.at = (unsigned char *)(uintptr_t)text, .len = strlen(text)};
    path_of(name, path);
    write_bytes(path, &bytes);
}

static inline void put_net(const char *name, const char *text)
{
    char path[256];
    struct buffer bytes = onnx_of(text, 17);
    path_of(name, path);
    write_bytes(path, &bytes);
    free(bytes.at);
}

static inline void drop(const char *name)
{
    char command[300];
    snprintf(command, sizeof command, "rm -rf %s/%s", root, name);
    ck_assert_int_eq(system(command), 0);
}

/* Makes a repository: m with versions 1 and 2, r with labels, plain.onnx, and things that are no
 * models. */
static inline void make_repository(void)
{
    strcpy(root, "/tmp/relud-repository-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(root));
    log_setup(LOG_LEVEL_ERROR, false);
    put_net("m/1/model.onnx", "y=Relu(x)");
    put_net("m/2/model.onnx", "y=Neg(x)");
    put_net("r/1/model.onnx", "y=Softmax(x)");
    put_net("r/3/model.onnx", "y=Softmax(x)");
    put_text_file("r/versions.json", "{\"policy\":\"all\",\"labels\":{\"stable\":1}}");
    put_net("plain.onnx", "y=Abs(x)");
    put_text_file("README", "nothing");
    put_text_file("m/notes/model.txt", "nothing");
    put_text_file("m/1234567890123456789/model.txt", "nothing");
    put_text_file(".hidden/1/model.json", "{");
}

/* Opens a repository. Of *more, only what has no effect on the computation is used; NULL: the
 * defaults. */
static inline struct repository *open_paths(const char *const *path, size_t len,
                                            const struct repository_options *more,
                                            struct relud_error *error)
{
    struct repository_options options = more ? *more : (struct repository_options){0};
    options.served = (struct served_model_options){.workers = 1, .batch_rows_max = 4};
    if (!options.policy)
        options.policy = "latest:1";
    return repository_open(path, len, &options, error);
}

static inline struct repository *open_repository(struct relud_error *error)
{
    return open_paths(&(const char *){root}, 1, NULL, error);
}

/* The versions that answer: "m:2 plain:1 r:1 r:3". Static. */
static inline const char *served(struct repository *repository)
{
    static char text[512];
    struct catalog *catalog = repository_take(repository);
    size_t len = 0;
    text[0] = '\0';
    for (size_t i = 0; i < catalog->items; i++)
        if (catalog->item[i].served)
            len += (size_t)snprintf(text + len, sizeof text - len, "%s%s:%s", len ? " " : "",
                                    catalog->item[i].name, catalog->item[i].version);
    catalog_release(catalog);
    return text;
}

#define ALL "m:2 plain:1 r:1 r:3"

/* The first missing version and its reason, as the catalog tells them: "bad:1 no net"; "" if none
 * is missing. Static. */
static inline const char *missing(struct repository *repository)
{
    static char text[2048];
    struct catalog *catalog = repository_take(repository);
    text[0] = '\0';
    for (size_t i = 0; i < catalog->items && !text[0]; i++)
        if (catalog->item[i].is_missing)
            snprintf(text, sizeof text, "%s:%s %s", catalog->item[i].name, catalog->item[i].version,
                     catalog->item[i].reason);
    for (size_t i = 0; i < catalog->models && !text[0]; i++)
        if (catalog->model[i].len == 0)
            snprintf(text, sizeof text, "%s: %s", catalog->model[i].name, catalog->model[i].reason);
    catalog_release(catalog);
    return text;
}

static inline void misses(struct repository *repository, const char *what, const char *why)
{
    const char *text = missing(repository);
    ck_assert_msg(strncmp(text, what, strlen(what)) == 0 && strstr(text, why),
                  "'%s'; '%s %s' is wanted", text, what, why);
}

#endif
