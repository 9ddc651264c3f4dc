/* The models that are served: loaded once, looked up by name and version. */
#ifndef SERVER_REGISTRY_H
#define SERVER_REGISTRY_H

#include "server/metrics.h"
#include "server/text.h"
#include <relud/relud.h>
#include <stdbool.h>
#include <stddef.h>

struct registry_entry {
    char name[65], version[24];
    size_t index; /* in registry.entry; also the model's number in the metrics */
    relud_model *model;
    const struct relud_model_info *info;
    char *prediction_head; /* `,"version":"1"` and the like are fixed per model: written once */
    char **class_head;     /* [classes]: `{"label":"7","index":7,"probability":` */
    size_t class_head_len_max;
    bool is_default_version; /* the highest of its name */
};

struct registry {
    struct registry_entry *entry;
    size_t len, cap;
    struct metrics_model_name *names; /* [len], for the metrics */
};

/* Loads what `path` names: a model directory, a NAME directory with versions (the highest), or a repository
 * of such. Two models of one name and version are refused. */
bool registry_add(struct registry *registry, const char *path,
                  const struct relud_model_options *options, struct relud_error *error);
/* After the last registry_add. */
bool registry_seal(struct registry *registry, struct relud_error *error);
void registry_reset(struct registry *registry);

/* name NULL: the first model; version NULL: the highest. NULL when there is none. */
const struct registry_entry *registry_find(const struct registry *registry, const char *name,
                                           const char *version);

#endif
