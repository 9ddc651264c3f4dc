/* Reads ONNX files as models. */
#ifndef CORE_ONNX_ONNX_H
#define CORE_ONNX_ONNX_H

#include "core/net/model_source.h"

/* Reads an .onnx file and the files of external data beside it. False and *source->error on
 * failure. */
bool onnx_read(struct model_source *source, const char *path);

#endif
