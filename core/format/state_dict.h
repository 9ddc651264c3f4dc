/* Reads a safetensors file without a model.json: the PyTorch state dict of a net of linear layers.
 * The layers' order follows from their names and shapes. The activation between them is given by
 * the caller. A file whose order is not certain is an error. */
#ifndef CORE_FORMAT_STATE_DICT_H
#define CORE_FORMAT_STATE_DICT_H

#include "core/net/model_source.h"

/* activation: the one between the layers (none follows the last), such as "relu" or
 * "leaky_relu:negative_slope=0.2". It may be NULL only for a single layer. False and *source->error
 * on failure. */
bool state_dict_read(struct model_source *source, const char *path, const char *activation);

#endif
