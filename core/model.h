/* What is inside a relud_model, for those of core that need more than its face. */
#ifndef CORE_MODEL_H
#define CORE_MODEL_H

#include "core/model_source.h"
#include <relud/model.h>

/* A model of what `read` says, which fills in the source from `what`; `path` stands at the head of errors. */
relud_model *model_new(const char *path, const struct relud_model_options *options,
                       bool (*read)(struct model_source *source, const void *what),
                       const void *what, struct relud_error *error);

const struct network *model_network(const relud_model *model);

#endif
