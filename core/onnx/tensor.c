#include "core/onnx/tensor.h"

#include "core/base/folder_listing.h"

#include <relud/data.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct type {
    enum relud_dtype dtype; /* the type of an element in raw_data */
    bool is_float;
    uint32_t field; /* the field number of the typed data */
    enum wire_type wire;
} types[] = {
    [ONNX_FLOAT] = {RELUD_FP32, true, 4, WIRE_32},
    [ONNX_UINT8] = {RELUD_UINT8, false, 5, WIRE_VARINT},
    [ONNX_INT8] = {RELUD_INT8, false, 5, WIRE_VARINT},
    [ONNX_UINT16] = {RELUD_UINT16, false, 5, WIRE_VARINT},
    [ONNX_INT16] = {RELUD_INT16, false, 5, WIRE_VARINT},
    [ONNX_INT32] = {RELUD_INT32, false, 5, WIRE_VARINT},
    [ONNX_INT64] = {RELUD_INT64, false, 7, WIRE_VARINT},
    [ONNX_BOOL] = {RELUD_BOOL, false, 5, WIRE_VARINT},
    [ONNX_FLOAT16] = {RELUD_FP16, true, 5, WIRE_VARINT},
    [ONNX_DOUBLE] = {RELUD_FP64, true, 10, WIRE_64},
    [ONNX_UINT32] = {RELUD_UINT32, false, 11, WIRE_VARINT},
    [ONNX_UINT64] = {RELUD_UINT64, false, 11, WIRE_VARINT},
    [ONNX_BFLOAT16] = {RELUD_BF16, true, 5, WIRE_VARINT},
};

static const struct type *type_of(const struct onnx_tensor *tensor)
{
    if (tensor->type >= sizeof types / sizeof *types || types[tensor->type].field == 0)
        return NULL;
    return &types[tensor->type];
}

bool onnx_tensor_is_float(const struct onnx_tensor *tensor)
{
    return type_of(tensor) && type_of(tensor)->is_float;
}

bool onnx_tensor_is_whole(const struct onnx_tensor *tensor)
{
    return type_of(tensor) && !type_of(tensor)->is_float;
}

static bool __attribute__((format(printf, 3, 4)))
fail(const struct onnx_file *onnx, const struct onnx_tensor *tensor, const char *format, ...)
{
    char words[RELUD_ERROR_TEXT_MAX];
    va_list args;
    va_start(args, format);
    relud_vline(words, sizeof words, format, args);
    va_end(args);
    return relud_fail(onnx->error, RELUD_BAD_MODEL, "%s: tensor '%.*s': %s", onnx->name,
                      ONNX_NAME(tensor->name), words);
}

static void *no_memory(const struct onnx_file *onnx, const struct onnx_tensor *tensor)
{
    relud_fail(onnx->error, RELUD_NO_MEMORY, "%s: tensor '%.*s': out of memory", onnx->name,
               ONNX_NAME(tensor->name));
    return NULL;
}

/* ---- bytes ---- */

/* True for a plain file name, which cannot lead out of the model's folder. */
static bool is_plain(struct onnx_text name)
{
    return name.len && name.at[0] != '.' && !memchr(name.at, '/', name.len) &&
           !memchr(name.at, '\\', name.len) && !memchr(name.at, '\0', name.len);
}

/* Rewrites the error "PATH: why" so that it says which tensor needs the file. The path in it may
 * have been shortened, so only the part after the last colon is kept. */
static void fail_to_open(const struct onnx_file *onnx, const struct onnx_tensor *tensor,
                         const char *name, const char *beside)
{
    const char *why = strrchr(onnx->error->text, ':');
    relud_fail(onnx->error, RELUD_IO, "%s: tensor '%.*s' wants its data from '%s'%s%s%s",
               onnx->name, ONNX_NAME(tensor->name), name, why, *beside ? "; " : "", beside);
}

static const struct relud_file *open_external(const struct onnx_file *onnx,
                                              struct onnx_external *external,
                                              const struct onnx_tensor *tensor,
                                              struct onnx_text name)
{
    char plain[ONNX_NAME_BYTES + 1], path[MODEL_PATH_BYTES], beside[BESIDE_TEXT_BYTES];
    const char *slash = strrchr(onnx->name, '/'), *own = slash ? slash + 1 : onnx->name;
    for (size_t i = 0; i < external->files; i++)
        if (onnx_text_same(external->file[i].name, name))
            return external->file[i].file;
    if (!is_plain(name) || name.len > ONNX_NAME_BYTES) {
        fail(onnx, tensor, "its data is in '%.*s'; only files beside the model are read; %s",
             ONNX_NAME(name), beside_list(beside, external->dir, own));
        return NULL;
    }
    memcpy(plain, name.at, name.len);
    plain[name.len] = '\0';
    if (!model_path_join(path, external->dir, plain, onnx->error))
        return NULL;
    const struct relud_file *file = model_source_file(external->source, path);
    if (!file) {
        if (onnx->error && onnx->error->code == RELUD_IO)
            fail_to_open(onnx, tensor, plain, beside_list(beside, external->dir, own));
        return NULL;
    }
    external->file[external->files].name = name;
    external->file[external->files++].file = file;
    return file;
}

/* Parses a whole number; -1 if the text is not one. */
static long long number_of(struct onnx_text text)
{
    long long value = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] < '0' || text.at[i] > '9' || value > (long long)1 << 50)
            return -1;
        value = value * 10 + (text.at[i] - '0');
    }
    return text.len ? value : -1;
}

/* Finds the bytes that external_data describes: pairs of texts, of which `location`, `offset` and
 * `length` are used. */
static bool external_bytes(const struct onnx_file *onnx, struct onnx_external *external,
                           const struct onnx_tensor *tensor, struct wire_slice *bytes)
{
    struct wire wire = wire_open(tensor->message);
    struct wire_field field;
    struct onnx_text location = {"", 0}, offset = {"0", 1}, length = {"", 0};
    while (wire_find(&wire, 13, &field)) {
        struct onnx_text pair[2] = {{"", 0}, {"", 0}};
        struct wire entry = wire_open(field.bytes);
        while (wire_next(&entry, &field))
            if (field.type == WIRE_BYTES && (field.number == 1 || field.number == 2))
                pair[field.number - 1] =
                    (struct onnx_text){(const char *)field.bytes.at, field.bytes.len};
        if (onnx_text_is(pair[0], "location"))
            location = pair[1];
        else if (onnx_text_is(pair[0], "offset"))
            offset = pair[1];
        else if (onnx_text_is(pair[0], "length"))
            length = pair[1];
    }
    const struct relud_file *file = open_external(onnx, external, tensor, location);
    if (!file)
        return false;
    long long from = number_of(offset), len = length.len ? number_of(length) : -2;
    if (from < 0 || len == -1 || (size_t)from > file->len ||
        (len >= 0 && (size_t)len > file->len - (size_t)from))
        return fail(onnx, tensor,
                    "offset %.*s and length %.*s do not lie within the %zu bytes of %.*s",
                    ONNX_NAME(offset), ONNX_NAME(length), file->len, ONNX_NAME(location));
    bytes->at = (const unsigned char *)file->bytes + from;
    bytes->len = len >= 0 ? (size_t)len : file->len - (size_t)from;
    return true;
}

/* Returns tensor->count little-endian elements of the tensor's type. Numbers in typed fields are
 * converted to that form. */
static const unsigned char *elements_of(const struct onnx_file *onnx,
                                        struct onnx_external *external,
                                        const struct onnx_tensor *tensor, struct arena *arena)
{
    const struct type *type = type_of(tensor);
    if (!type) {
        fail(onnx, tensor, "it is %s: that is no number", onnx_type_name(tensor->type));
        return NULL;
    }
    size_t size = relud_dtype_bytes(type->dtype);
    struct wire_slice bytes = tensor->raw;
    if (tensor->is_external && !external_bytes(onnx, external, tensor, &bytes))
        return NULL;
    if (tensor->has_raw || tensor->is_external) {
        if (bytes.len == tensor->count * size)
            return bytes.at;
        fail(onnx, tensor, "%zu bytes of data; its %zu elements (%s) take %zu", bytes.len,
             tensor->count, onnx_type_name(tensor->type), tensor->count * size);
        return NULL;
    }
    struct wire wire = wire_open(tensor->message), packed = {0};
    uint64_t value;
    size_t found = 0;
    /* Typed data lies in the message, so a larger count cannot be true. */
    size_t possible = tensor->count <= tensor->message.len ? tensor->count : 0;
    unsigned char *made = arena_take_array(arena, possible + 1, size);
    if (!made)
        return no_memory(onnx, tensor);
    for (; wire_next_number(&wire, &packed, type->field, type->wire, &value); found++)
        for (size_t i = 0; found < possible && i < size; i++)
            made[found * size + i] = (unsigned char)(value >> (8 * i));
    if (!wire.wrong && found == tensor->count)
        return made;
    fail(onnx, tensor, "%s; %zu elements (%s) are wanted, %zu are there",
         wire.wrong ? wire.wrong : "the data does not fit the dims", tensor->count,
         onnx_type_name(tensor->type), found);
    return NULL;
}

/* ---- numbers ---- */

/* The index of the first number that is not finite; `count` if all are. */
static size_t first_not_finite(const unsigned char *floats, size_t count)
{
    unsigned any = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, floats + 4 * i, 4);
        any |= (bits & 0x7f800000) == 0x7f800000;
    }
    for (size_t i = 0; any; i++) {
        uint32_t bits;
        memcpy(&bits, floats + 4 * i, 4);
        if ((bits & 0x7f800000) == 0x7f800000)
            return i;
    }
    return count;
}

const void *onnx_tensor_floats(const struct onnx_file *onnx, struct onnx_external *external,
                               const struct onnx_tensor *tensor, struct arena *arena)
{
    const unsigned char *bytes = elements_of(onnx, external, tensor, arena);
    if (!bytes)
        return NULL;
    if (tensor->type != ONNX_FLOAT || __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__) {
        float *values = arena_take_array(arena, tensor->count + 1, sizeof *values);
        if (!values)
            return no_memory(onnx, tensor);
        relud_dtype_read(type_of(tensor)->dtype, bytes, tensor->count, values);
        bytes = (const unsigned char *)values;
    }
    size_t wrong = first_not_finite(bytes, tensor->count);
    if (wrong == tensor->count || tensor->count == 1)
        return bytes;
    fail(onnx, tensor, "element %zu is not finite as float32", wrong);
    return NULL;
}

static long long whole_of(enum relud_dtype dtype, const unsigned char *at)
{
    size_t size = relud_dtype_bytes(dtype);
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++)
        value |= (uint64_t)at[i] << (8 * i);
    switch (dtype) {
    case RELUD_INT8:
        return (int8_t)value;
    case RELUD_INT16:
        return (int16_t)value;
    case RELUD_INT32:
        return (int32_t)value;
    default:
        return (long long)value;
    }
}

const long long *onnx_tensor_wholes(const struct onnx_file *onnx, struct onnx_external *external,
                                    const struct onnx_tensor *tensor, struct arena *arena)
{
    const unsigned char *bytes = elements_of(onnx, external, tensor, arena);
    if (!bytes)
        return NULL;
    enum relud_dtype dtype = type_of(tensor)->dtype;
    long long *wholes = arena_take_array(arena, tensor->count + 1, sizeof *wholes);
    if (!wholes)
        return no_memory(onnx, tensor);
    for (size_t i = 0; i < tensor->count; i++)
        wholes[i] = whole_of(dtype, bytes + i * relud_dtype_bytes(dtype));
    return wholes;
}
