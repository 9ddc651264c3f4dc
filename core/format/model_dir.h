/* Reads model directories: model.json with model.safetensors, or model.onnx with or without a
 * model.json. */
#ifndef CORE_FORMAT_MODEL_DIR_H
#define CORE_FORMAT_MODEL_DIR_H

#include "core/net/model_source.h"

/* Reads the model in `dir` into *source. False and *source->error on failure. */
bool model_dir_read(struct model_source *source, const char *dir);

#endif
