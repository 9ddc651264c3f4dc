#include "server/registry.h"

#include "server/log.h"
#include "server/model_path.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool make_heads(struct registry_entry *entry, struct relud_error *error)
{
    const struct relud_model_info *info = entry->info;
    struct text head = {0};
    text_put(&head, "{\"model\":");
    text_json(&head, entry->name);
    text_put(&head, ",\"version\":");
    text_json(&head, entry->version);
    text_put(&head, ",\"outputs\":");
    text_put_n(&head, "", 1);
    entry->prediction_head = head.at;
    bool is_whole = text_is_whole(&head);
    entry->class_head = calloc(info->classes + 1, sizeof(char *));
    is_whole &= entry->class_head != NULL;
    for (size_t i = 0; is_whole && i < info->classes; i++) {
        char number[24];
        snprintf(number, sizeof number, "%zu", i);
        struct text text = {0};
        text_put(&text, "{\"label\":");
        text_json(&text, info->labels ? info->labels[i] : number);
        text_print(&text, ",\"index\":%zu,\"probability\":", i);
        if (text.len > entry->class_head_len_max)
            entry->class_head_len_max = text.len;
        text_put_n(&text, "", 1);
        entry->class_head[i] = text.at;
        is_whole = text_is_whole(&text);
    }
    return is_whole || relud_fail(error, RELUD_NO_MEMORY, "out of memory");
}

static bool grow(struct registry *registry, struct relud_error *error)
{
    if (registry->len < registry->cap)
        return true;
    size_t cap = registry->cap ? 2 * registry->cap : 8;
    struct registry_entry *entry = realloc(registry->entry, cap * sizeof *entry);
    if (!entry)
        return relud_fail(error, RELUD_NO_MEMORY, "out of memory");
    registry->entry = entry;
    registry->cap = cap;
    return true;
}

struct adding {
    struct registry *registry;
    const struct relud_model_options *options;
};

static bool add_one(void *user, const struct model_path *path, struct relud_error *error)
{
    struct adding *adding = user;
    struct registry *registry = adding->registry;
    if (!grow(registry, error))
        return false;
    relud_model *model = relud_model_load(path->dir, adding->options, error);
    if (!model)
        return false;
    struct registry_entry *entry = &registry->entry[registry->len++];
    *entry = (struct registry_entry){
        .index = registry->len - 1, .model = model, .info = relud_model_info(model)};
    snprintf(entry->name, sizeof entry->name, "%s",
             entry->info->name ? entry->info->name : path->name);
    snprintf(entry->version, sizeof entry->version, "%s", path->version);
    for (size_t i = 0; i < entry->index; i++)
        if (strcmp(registry->entry[i].name, entry->name) == 0 &&
            strcmp(registry->entry[i].version, entry->version) == 0)
            return relud_fail(error, RELUD_BAD_MODEL,
                              "%.100s: a model '%s' of version %s is there already", path->dir,
                              entry->name, entry->version);
    for (size_t i = 0; i < entry->info->notes; i++)
        log_warn("%s: %s", path->dir, entry->info->note[i]);
    return make_heads(entry, error);
}

bool registry_add(struct registry *registry, const char *path,
                  const struct relud_model_options *options, struct relud_error *error)
{
    struct adding adding = {registry, options};
    return model_path_each(path, add_one, &adding, error);
}

bool registry_seal(struct registry *registry, struct relud_error *error)
{
    registry->names = calloc(registry->len + 1, sizeof *registry->names);
    if (!registry->names)
        return relud_fail(error, RELUD_NO_MEMORY, "out of memory");
    for (size_t i = 0; i < registry->len; i++) {
        struct registry_entry *entry = &registry->entry[i];
        registry->names[i] = (struct metrics_model_name){
            .name = entry->name,
            .version = entry->version,
            .format = entry->info->format,
            .math = entry->info->math == RELUD_MATH_FAST ? "fast" : "exact",
        };
        entry->is_default_version = true;
        for (size_t k = 0; k < registry->len; k++)
            if (strcmp(registry->entry[k].name, entry->name) == 0 &&
                strtoul(registry->entry[k].version, NULL, 10) > strtoul(entry->version, NULL, 10))
                entry->is_default_version = false;
    }
    return true;
}

void registry_reset(struct registry *registry)
{
    for (size_t i = 0; i < registry->len; i++) {
        struct registry_entry *entry = &registry->entry[i];
        for (size_t k = 0; entry->class_head && k < entry->info->classes; k++)
            free(entry->class_head[k]);
        free(entry->class_head);
        free(entry->prediction_head);
        relud_model_release(entry->model);
    }
    free(registry->entry);
    free(registry->names);
    *registry = (struct registry){0};
}

const struct registry_entry *registry_find(const struct registry *registry, const char *name,
                                           const char *version)
{
    if (!name && registry->len)
        name = registry->entry[0].name;
    for (size_t i = 0; i < registry->len; i++) {
        const struct registry_entry *entry = &registry->entry[i];
        if (strcmp(entry->name, name) == 0 &&
            (version ? strcmp(entry->version, version) == 0 : entry->is_default_version))
            return entry;
    }
    return NULL;
}
