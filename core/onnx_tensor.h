/* The numbers of an ONNX tensor: in raw_data, in the typed fields, or in a file beside the model. */
#ifndef CORE_ONNX_TENSOR_H
#define CORE_ONNX_TENSOR_H

#include "core/model_source.h"
#include "core/onnx_file.h"

/* Files of external data, opened once each. */
struct onnx_external {
    struct model_source *source;
    const char *dir; /* the model's own folder: nothing is read from elsewhere */
    size_t files;
    struct {
        struct onnx_text name;
        const struct file *file;
    } file[MODEL_FILES_MAX];
};

/* tensor->count little-endian float32 at any alignment: the file's own bytes where they are that already, else in the
 * arena. FLOAT, FLOAT16 and BFLOAT16 exactly, DOUBLE rounded. Not finite: NULL and *error, but for infinity in a tensor of
 * one element (a bound that is none). */
const void *onnx_tensor_floats(const struct onnx_file *onnx, struct onnx_external *external,
                               const struct onnx_tensor *tensor, struct arena *arena);

bool onnx_tensor_is_float(const struct onnx_tensor *tensor);
/* Integers and BOOL. */
bool onnx_tensor_is_whole(const struct onnx_tensor *tensor);

/* tensor->count whole numbers in the arena; UINT64 beyond LLONG_MAX wraps. */
const long long *onnx_tensor_wholes(const struct onnx_file *onnx, struct onnx_external *external,
                                    const struct onnx_tensor *tensor, struct arena *arena);

#endif
