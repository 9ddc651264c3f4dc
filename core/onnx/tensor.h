/* Reads the numbers of an ONNX tensor: from raw_data, from the typed fields, or from a file beside
 * the model. */
#ifndef CORE_ONNX_TENSOR_H
#define CORE_ONNX_TENSOR_H

#include "core/net/model_source.h"
#include "core/onnx/file.h"

/* The files of external data; each is opened once. */
struct onnx_external {
    struct model_source *source;
    const char *dir; /* the model's own folder; files elsewhere are not read */
    size_t files;
    struct {
        struct onnx_text name;
        const struct relud_file *file;
    } file[MODEL_FILES_MAX];
};

/* Returns tensor->count little-endian float32 at any alignment: in the file's own bytes if they
 * have that form, otherwise in the arena. FLOAT, FLOAT16 and BFLOAT16 are exact, DOUBLE is rounded.
 * NULL and *error for numbers that are not finite, except in a tensor of one element: there an
 * infinity means no bound, and a NaN may be what is not chosen. */
const void *onnx_tensor_floats(const struct onnx_file *onnx, struct onnx_external *external,
                               const struct onnx_tensor *tensor, struct arena *arena);

bool onnx_tensor_is_float(const struct onnx_tensor *tensor);
/* True for integers and BOOL. */
bool onnx_tensor_is_whole(const struct onnx_tensor *tensor);

/* Returns tensor->count whole numbers in the arena. UINT64 values beyond LLONG_MAX wrap. */
const long long *onnx_tensor_wholes(const struct onnx_file *onnx, struct onnx_external *external,
                                    const struct onnx_tensor *tensor, struct arena *arena);

#endif
