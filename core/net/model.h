/* Access to the inside of a relud_model, for code in core/ that needs more than relud/model.h
 * offers. */
#ifndef CORE_NET_MODEL_H
#define CORE_NET_MODEL_H

#include "core/net/model_source.h"
#include <relud/model.h>

/* Makes a model. `read` is called with `what` and fills in the source; it returns false and fills
 * source->error on failure. Errors begin with `path`. The caller owns one reference. NULL and
 * *error on failure; `options` and `error` may be NULL. */
relud_model *model_new(const char *path, const struct relud_model_options *options,
                       bool (*read)(struct model_source *source, const void *what),
                       const void *what, struct relud_error *error);

/* The inputs that core/net/inputs.h added to it, or NULL. */
const struct model_inputs *model_inputs(const relud_model *model);
/* The model's network; lives as long as the model. */
const struct network *model_network(const relud_model *model);

#endif
