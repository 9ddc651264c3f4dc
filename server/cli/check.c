/* relud check: loads each model and runs its self-test. */
#include "server/cli/commands.h"

#include "server/log/complain.h"
#include "server/models/path.h"
#include "server/settings/activation_option.h"
#include <stddef.h>
#include <stdio.h>
#include <string.h>

struct check {
    const char *activation;
    struct relud_model_options options;
    int status;
};

static bool check_version(const struct check *check, const struct model_place *place,
                          const struct model_version *version, struct relud_error *error)
{
    char path[MODEL_PATH_BYTES];
    if (!model_version_path(place->dir, version, path, error))
        return false;
    relud_model *model = relud_model_load(path, &check->options, error);
    if (!model)
        return false;
    const struct relud_model_info *info = relud_model_info(model);
    const char *name = info->name && !place->is_member ? info->name : place->name;
    printf("%s: ok (%s version %llu: %zu -> %zu, %zu layers, %zu parameters)\n", path, name,
           version->number, info->features, info->outputs, info->layers, info->parameters);
    if (info->name && strcmp(info->name, name) != 0)
        printf("%s: note: the model has the name '%s', but in a repository the folder's name is "
               "used\n",
               path, info->name);
    for (size_t i = 0; i < info->notes; i++)
        printf("%s: note: %s\n", path, info->note[i]);
    relud_model_release(model);
    return true;
}

static bool check_versions(const struct check *check, const struct model_place *place,
                           const struct model_versions *found, struct relud_error *error)
{
    for (size_t i = 0; i < found->passed_len; i++)
        printf("%s: note: '%s' is skipped: %s\n", place->dir, found->passed[i].folder,
               found->passed[i].reason);
    for (size_t i = 0; i < found->len; i++)
        if (!check_version(check, place, &found->version[i], error))
            return false;
    return found->len || relud_fail(error, RELUD_BAD_MODEL, "%s: there is no version", place->dir);
}

/* Reports a wrong model at once and goes on: every model of a repository is checked. */
static bool check_one(void *user, const struct model_place *place, struct relud_error *error)
{
    struct check *check = user;
    struct model_versions found;
    struct relud_error alone;
    bool is_right =
        !place->fault || relud_fail(&alone, RELUD_BAD_MODEL, "%s: %s", place->dir, place->fault);
    (void)error;
    if (is_right && (is_right = model_versions_read(place->dir, &found, &alone))) {
        is_right = check_versions(check, place, &found, &alone);
        model_versions_free(&found);
    }
    if (is_right)
        return true;
    complain("check: %s", alone.text);
    check->status = 1;
    return true;
}

#define AT(field) offsetof(struct check, field)
static const struct option table[] = {ACTIVATION_OPTION};
const struct options check_options = {table, sizeof table / sizeof *table, "MODEL...", NULL};

int cmd_check(int argc, char **argv)
{
    struct check check = {0};
    struct relud_error error;
    struct option_words words = {.at = (const char **)(argv + 1), .max = (size_t)argc};
    bool is_read = options_set_defaults(&check_options, &check, &error) &&
                   options_read(&check_options, argc, argv, &check, &words, &error) &&
                   activation_option_read(check.activation, &check.options, &error);
    for (size_t i = 0; is_read && i < words.len; i++)
        if (!model_path_each(words.at[i], check_one, &check, &error)) {
            complain("check: %s", error.text);
            check.status = 1;
        }
    options_free(&check_options, &check);
    return is_read ? check.status : options_refuse("check", &error);
}
