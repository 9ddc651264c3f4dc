/* relud check: does each model load, and prove itself? */
#include "server/commands.h"

#include "server/model_path.h"
#include <stdio.h>

static bool check_version(const char *dir, const char *name, unsigned long long version,
                          struct relud_error *error)
{
    char path[MODEL_PATH_BYTES];
    if (!model_path_of_version(dir, version, path))
        return relud_fail(error, RELUD_IO, "%.100s…: the path is too long", dir);
    relud_model *model = relud_model_load(path, NULL, error);
    if (!model)
        return false;
    const struct relud_model_info *info = relud_model_info(model);
    printf("%s: ok (%s version %llu: %zu -> %zu, %zu layers, %zu parameters)\n", path,
           info->name ? info->name : name, version, info->features, info->outputs, info->layers,
           info->parameters);
    for (size_t i = 0; i < info->notes; i++)
        printf("%s: note: %s\n", path, info->note[i]);
    relud_model_release(model);
    return true;
}

static bool check_one(void *user, const char *dir, const char *name, struct relud_error *error)
{
    (void)user;
    unsigned long long version[MODEL_VERSIONS_MAX];
    size_t versions;
    if (!model_path_versions(dir, version, &versions, error))
        return false;
    for (size_t i = 0; i < versions; i++)
        if (!check_version(dir, name, version[i], error))
            return false;
    return true;
}

int cmd_check(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "relud: check: at least one MODEL is wanted\n");
        return 2;
    }
    int status = 0;
    for (int i = 1; i < argc; i++) {
        struct relud_error error;
        if (argv[i][0] == '-') {
            fprintf(stderr, "relud: check: unknown option %s\n", argv[i]);
            return 2;
        }
        if (!model_path_each(argv[i], check_one, NULL, &error)) {
            fprintf(stderr, "relud: check: %s\n", error.text);
            status = 1;
        }
    }
    return status;
}
