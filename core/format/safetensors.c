#include "core/format/safetensors.h"

#include "core/base/float16.h"
#include "core/json/doc.h"
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const struct type {
    const char *name;
    size_t bytes;
} types[] = {{"F32", 4}, {"F16", 2}, {"BF16", 2},    {"F64", 8},     {"BOOL", 1},
             {"U8", 1},  {"I8", 1},  {"F8_E5M2", 1}, {"F8_E4M3", 1}, {"I16", 2},
             {"U16", 2}, {"I32", 4}, {"U32", 4},     {"I64", 8},     {"U64", 8}};

static const struct type *find_type(const char *name)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strcmp(types[i].name, name) == 0)
            return &types[i];
    return NULL;
}

/* The state of reading one file. */
struct reader {
    const char *name;
    struct arena *arena;
    const unsigned char *data;
    size_t data_len;
    struct relud_error *error;
};

static uint64_t read_u64(const unsigned char *at)
{
    uint64_t value = 0;
    for (int i = 7; i >= 0; i--)
        value = value << 8 | at[i];
    return value;
}

static bool read_shape(const struct reader *reader, struct safetensor *tensor,
                       const json_node *shape)
{
    if (!shape || json_kind_of(shape) != JSON_ARRAY)
        return relud_fail(reader->error, RELUD_BAD_MODEL, "%s: tensor '%s': shape must be an array",
                          reader->name, tensor->name);
    tensor->count = 1;
    for (const json_node *at = json_first(shape); at; at = json_next(at)) {
        size_t size;
        if (!json_whole(at, &size))
            return relud_fail(
                reader->error, RELUD_BAD_MODEL,
                "%s: tensor '%s': shape holds something other than whole numbers from 0 to 2^53",
                reader->name, tensor->name);
        if (size && tensor->count > SIZE_MAX / 8 / size)
            return relud_fail(reader->error, RELUD_BAD_MODEL,
                              "%s: tensor '%s': the shape's product overflows", reader->name,
                              tensor->name);
        if (tensor->rank < SAFETENSORS_RANK_MAX)
            tensor->shape[tensor->rank] = size;
        tensor->rank++;
        tensor->count *= size;
    }
    return true;
}

/* element_bytes is 0 for a type that is not known. */
static bool read_offsets(const struct reader *reader, struct safetensor *tensor,
                         const json_node *offsets, size_t element_bytes)
{
    size_t begin, end;
    const json_node *first =
        offsets && json_kind_of(offsets) == JSON_ARRAY ? json_first(offsets) : NULL;
    const json_node *second = first ? json_next(first) : NULL;
    if (!second || json_next(second) || !json_whole(first, &begin) || !json_whole(second, &end))
        return relud_fail(reader->error, RELUD_BAD_MODEL,
                          "%s: tensor '%s': data_offsets must be two whole numbers", reader->name,
                          tensor->name);
    if (end < begin)
        return relud_fail(reader->error, RELUD_BAD_MODEL,
                          "%s: tensor '%s': data_offsets [%zu, %zu] run backwards", reader->name,
                          tensor->name, begin, end);
    if (end > reader->data_len)
        return relud_fail(reader->error, RELUD_BAD_MODEL,
                          "%s: tensor '%s' ends at %zu, but there are only %zu bytes of data",
                          reader->name, tensor->name, end, reader->data_len);
    if (element_bytes && end - begin != tensor->count * element_bytes)
        return relud_fail(reader->error, RELUD_BAD_MODEL,
                          "%s: tensor '%s': its shape takes %zu bytes, data_offsets give %zu",
                          reader->name, tensor->name, tensor->count * element_bytes, end - begin);
    tensor->bytes = reader->data + begin;
    tensor->bytes_len = end - begin;
    return true;
}

static bool read_tensor(const struct reader *reader, struct safetensor *tensor,
                        const json_node *entry)
{
    const char *key = json_key_of(entry);
    if (!json_text_is_whole(key))
        return relud_fail(reader->error, RELUD_BAD_MODEL,
                          "%s: a tensor's name must not hold \\u0000, \\uffff or half of a "
                          "surrogate pair: '%.60s'",
                          reader->name, key);
    *tensor = (struct safetensor){.name = arena_copy_text(reader->arena, key, strlen(key))};
    if (!tensor->name)
        return relud_fail(reader->error, RELUD_NO_MEMORY, "%s: out of memory", reader->name);
    if (json_kind_of(entry) != JSON_OBJECT)
        return relud_fail(reader->error, RELUD_BAD_MODEL, "%s: tensor '%s' must be an object",
                          reader->name, key);
    const json_node *type_node = json_member(entry, "dtype");
    if (!type_node || json_kind_of(type_node) != JSON_TEXT)
        return relud_fail(reader->error, RELUD_BAD_MODEL, "%s: tensor '%s': dtype must be a string",
                          reader->name, key);
    const struct type *type = find_type(json_text_of(type_node));
    const char *word = json_text_of(type_node);
    tensor->type = type ? type->name : arena_copy_text(reader->arena, word, strlen(word));
    if (!tensor->type)
        return relud_fail(reader->error, RELUD_NO_MEMORY, "%s: out of memory", reader->name);
    return read_shape(reader, tensor, json_member(entry, "shape")) &&
           read_offsets(reader, tensor, json_member(entry, "data_offsets"), type ? type->bytes : 0);
}

static int by_place(const void *left, const void *right)
{
    const struct safetensor *a = left, *b = right;
    if (a->bytes != b->bytes)
        return a->bytes < b->bytes ? -1 : 1;
    return (a->bytes_len > b->bytes_len) - (a->bytes_len < b->bytes_len);
}

static int by_name(const void *left, const void *right)
{
    return strcmp(((const struct safetensor *)left)->name,
                  ((const struct safetensor *)right)->name);
}

/* Checks that the tensors cover the data without holes or overlaps: the first begins at 0, each
 * other one where the one before ends, and the last ends with the file. Leaves the tensors sorted
 * by name. */
static bool check_places(const struct reader *reader, struct safetensors *all)
{
    if (all->len)
        qsort(all->tensor, all->len, sizeof *all->tensor, by_place);
    const unsigned char *end = reader->data;
    for (size_t i = 0; i < all->len; i++) {
        const struct safetensor *tensor = &all->tensor[i];
        if (tensor->bytes != end)
            return relud_fail(
                reader->error, RELUD_BAD_MODEL, "%s: tensor '%s' begins at %zu instead of %zu: %s",
                reader->name, tensor->name, (size_t)(tensor->bytes - reader->data),
                (size_t)(end - reader->data), tensor->bytes > end ? "a hole" : "an overlap");
        end += tensor->bytes_len;
    }
    size_t used = (size_t)(end - reader->data);
    if (used != reader->data_len)
        return relud_fail(reader->error, RELUD_BAD_MODEL,
                          "%s: %zu bytes of data, but the tensors take %zu", reader->name,
                          reader->data_len, used);
    if (all->len)
        qsort(all->tensor, all->len, sizeof *all->tensor, by_name);
    return true;
}

static bool read_header(const struct reader *reader, struct safetensors *all, const json_node *root)
{
    all->tensor = arena_take_array(reader->arena, json_count(root) + 1, sizeof *all->tensor);
    if (!all->tensor)
        return relud_fail(reader->error, RELUD_NO_MEMORY, "%s: out of memory", reader->name);
    for (const json_node *at = json_first(root); at; at = json_next(at))
        if (strcmp(json_key_of(at), "__metadata__") != 0 && /* not used by relud */
            !read_tensor(reader, &all->tensor[all->len++], at))
            return false;
    return check_places(reader, all);
}

bool safetensors_open(struct safetensors *all, const struct relud_file *file, const char *name,
                      struct arena *arena, struct relud_error *error)
{
    *all = (struct safetensors){0};
    const unsigned char *bytes = (const unsigned char *)file->bytes;
    if (file->len < 8)
        return relud_fail(error, RELUD_BAD_MODEL,
                          "%s: %zu bytes are too few for a safetensors file", name, file->len);
    uint64_t header = read_u64(bytes);
    if (header > SAFETENSORS_HEADER_MAX)
        return relud_fail(error, RELUD_BAD_MODEL, "%s: a header of %llu bytes; at most %d are read",
                          name, (unsigned long long)header, SAFETENSORS_HEADER_MAX);
    if (header > file->len - 8)
        return relud_fail(error, RELUD_BAD_MODEL, "%s: a header of %llu bytes in a file of %zu",
                          name, (unsigned long long)header, file->len);
    struct reader reader = {name, arena, bytes + 8 + header, file->len - 8 - (size_t)header, error};
    char *text = malloc((size_t)header + 1); /* cJSON needs a terminating NUL */
    if (!text)
        return relud_fail(error, RELUD_NO_MEMORY, "%s: out of memory", name);
    memcpy(text, bytes + 8, (size_t)header);
    text[header] = '\0';
    json_node *root = json_doc_open(text, (size_t)header, name, error);
    bool is_read = root && read_header(&reader, all, root);
    json_doc_close(root);
    free(text);
    return is_read;
}

struct safetensor *safetensors_find(const struct safetensors *all, const char *name)
{
    struct safetensor key = {.name = (char *)(uintptr_t)name};
    return all->len ? bsearch(&key, all->tensor, all->len, sizeof key, by_name) : NULL;
}

/* Reads a little-endian element at any alignment. */
static float element(const char *type, const unsigned char *at)
{
    if (strcmp(type, "F16") == 0)
        return float32_from_float16((uint16_t)(at[0] | at[1] << 8));
    if (strcmp(type, "BF16") == 0)
        return float32_from_bfloat16((uint16_t)(at[0] | at[1] << 8));
    if (strcmp(type, "F64") == 0) {
        uint64_t bits = read_u64(at);
        double value;
        memcpy(&value, &bits, sizeof value);
        return (float)value;
    }
    uint32_t bits =
        (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static bool check_type(const struct safetensor *tensor, const char *name, struct relud_error *error)
{
    static const char *const taken[] = {"F32", "F16", "BF16", "F64"};
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
        if (strcmp(tensor->type, taken[i]) == 0)
            return true;
    return relud_fail(error, RELUD_BAD_MODEL,
                      "%s: tensor '%s' is %s; F32, F16, BF16 or F64 is wanted", name, tensor->name,
                      tensor->type);
}

static bool check_finite(const struct safetensor *tensor, const float *values, const char *name,
                         struct relud_error *error)
{
    for (size_t i = 0; i < tensor->count; i++)
        if (!isfinite(values[i]))
            return relud_fail(error, RELUD_BAD_MODEL,
                              "%s: tensor '%s': element %zu is not finite as float32", name,
                              tensor->name, i);
    return true;
}

const float *safetensors_floats(const struct safetensor *tensor, const char *name,
                                struct arena *arena, struct relud_error *error)
{
    if (!check_type(tensor, name, error))
        return NULL;
    const float *values = (const float *)(const void *)tensor->bytes;
    bool is_in_place = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ &&
                       strcmp(tensor->type, "F32") == 0 &&
                       (uintptr_t)tensor->bytes % sizeof(float) == 0;
    if (!is_in_place) {
        float *copy = arena_take_array(arena, tensor->count, sizeof *copy);
        if (!copy) {
            relud_fail(error, RELUD_NO_MEMORY, "%s: out of memory for tensor '%s'", name,
                       tensor->name);
            return NULL;
        }
        size_t size = find_type(tensor->type)->bytes;
        for (size_t i = 0; i < tensor->count; i++)
            copy[i] = element(tensor->type, tensor->bytes + i * size);
        values = copy;
    }
    return check_finite(tensor, values, name, error) ? values : NULL;
}
