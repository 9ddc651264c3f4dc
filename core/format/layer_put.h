/* Writes the layers of a model.json, and names the two files of a model directory. */
#ifndef CORE_FORMAT_LAYER_PUT_H
#define CORE_FORMAT_LAYER_PUT_H

#include "core/format/model_json.h"
#include <stdio.h>

/* Writes the layer as model.json has it, "{…}". */
void layer_put(FILE *file, const struct model_layer *layer);

/* Sets path[0] to DIR/model.safetensors and path[1] to DIR/model.json, neither of which may be
 * there. False and *error on failure. */
bool model_files_name(char path[2][MODEL_PATH_BYTES], const char *dir, struct relud_error *error);
/* Makes the directory unless it is there. False and *error on failure. */
bool model_files_make_dir(const char *dir, struct relud_error *error);

#endif
