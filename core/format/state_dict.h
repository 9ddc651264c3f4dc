/* Reads a safetensors file without a model.json: the PyTorch state dict of a net of linear layers,
 * and, with takes_usual_order, norms and PReLUs. The layers' order follows from their names and
 * shapes. The activation between them is given by the caller. A file whose order is not certain is
 * an error. */
#ifndef CORE_FORMAT_STATE_DICT_H
#define CORE_FORMAT_STATE_DICT_H

#include "core/format/model_layers.h"

/* Reads the file's layers into the json of what it returns, which is in source->temporary. Notes
 * what they are. NULL and *source->error on failure. */
struct loading *state_dict_open(struct model_source *source, const char *path,
                                const struct relud_model_options *options);
/* The same, and makes steps of them. False and *source->error on failure. */
bool state_dict_read(struct model_source *source, const char *path,
                     const struct relud_model_options *options);

#endif
