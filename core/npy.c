/* NumPy's .npy (numpy.lib.format, versions 1 to 3): a magic word, a Python dictionary as text, the numbers. */
#include "core/half.h"
#include "core/rows_file.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char magic[] = "\x93NUMPY";

bool npy_is(const char *text, size_t len)
{
    return len >= 10 && memcmp(text, magic, 6) == 0;
}

/* "<f4" and the like to a float; NULL for what is not read. */
typedef float element(const unsigned char *at);

static uint64_t little(const unsigned char *at, size_t bytes)
{
    uint64_t value = 0;
    for (size_t i = bytes; i-- > 0;)
        value = value << 8 | at[i];
    return value;
}
static float from_f4(const unsigned char *at)
{
    uint32_t bits = (uint32_t)little(at, 4);
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}
static float from_f2(const unsigned char *at)
{
    return half_from_f16((uint16_t)little(at, 2));
}
static float from_f8(const unsigned char *at)
{
    uint64_t bits = little(at, 8);
    double value;
    memcpy(&value, &bits, sizeof value);
    return (float)value;
}
static float from_u1(const unsigned char *at)
{
    return at[0];
}
static float from_i1(const unsigned char *at)
{
    return (int8_t)at[0];
}
static float from_u2(const unsigned char *at)
{
    return (uint16_t)little(at, 2);
}
static float from_i2(const unsigned char *at)
{
    return (int16_t)little(at, 2);
}
static float from_u4(const unsigned char *at)
{
    return (float)(uint32_t)little(at, 4);
}
static float from_i4(const unsigned char *at)
{
    return (float)(int32_t)little(at, 4);
}
static float from_u8(const unsigned char *at)
{
    return (float)little(at, 8);
}
static float from_i8(const unsigned char *at)
{
    return (float)(int64_t)little(at, 8);
}

static const struct type {
    const char *name;
    size_t bytes;
    element *read;
} types[] = {{"<f4", 4, from_f4}, {"<f8", 8, from_f8}, {"<f2", 2, from_f2}, {"|u1", 1, from_u1},
             {"|i1", 1, from_i1}, {"<u2", 2, from_u2}, {"<i2", 2, from_i2}, {"<u4", 4, from_u4},
             {"<i4", 4, from_i4}, {"<u8", 8, from_u8}, {"<i8", 8, from_i8}, {"|b1", 1, from_u1}};
enum { TYPES = sizeof types / sizeof *types };

/* The text behind 'key': in the dictionary. */
static const char *value_of(const char *head, const char *key)
{
    const char *at = strstr(head, key);
    at = at ? strchr(at, ':') : NULL;
    return at ? at + 1 + strspn(at + 1, " ") : NULL;
}

static bool read_shape(const char *at, struct relud_npy *npy, struct relud_error *error)
{
    if (!at || *at++ != '(')
        return relud_fail(error, RELUD_BAD_INPUT, "npy: the head has no shape");
    npy->rank = 0;
    npy->count = 1;
    for (; *at && *at != ')'; at += strspn(at, ", ")) {
        char *end;
        unsigned long long size = strtoull(at, &end, 10);
        if (end == at || *at == '-' || size == 0 || size > (1ull << 40))
            return relud_fail(error, RELUD_BAD_INPUT,
                              "npy: a shape that is not of whole numbers from 1");
        if (npy->rank == RELUD_NPY_RANK_MAX)
            return relud_fail(error, RELUD_BAD_INPUT, "npy: more than %d dimensions",
                              RELUD_NPY_RANK_MAX);
        if (npy->count > SIZE_MAX / 16 / size)
            return relud_fail(error, RELUD_BAD_INPUT, "npy: the shape's product overflows");
        npy->shape[npy->rank++] = (size_t)size;
        npy->count *= (size_t)size;
        at = end;
    }
    return true;
}

static bool read_head(const char *head, struct relud_npy *npy, struct relud_error *error)
{
    const char *name = value_of(head, "'descr'"), *order = value_of(head, "'fortran_order'");
    npy->type = TYPES;
    for (size_t i = 0; name && i < TYPES; i++)
        if (strncmp(name + 1, types[i].name, 3) == 0)
            npy->type = i;
    if (npy->type == TYPES)
        return relud_fail(error, RELUD_BAD_INPUT, "npy: elements of type %.8s are not read",
                          name ? name : "?");
    if (!order || strncmp(order, "False", 5) != 0)
        return relud_fail(error, RELUD_BAD_INPUT, "npy: Fortran order is not read");
    return read_shape(value_of(head, "'shape'"), npy, error);
}

bool relud_npy_open(const void *bytes, size_t len, struct relud_npy *npy, struct relud_error *error)
{
    enum { HEAD_MAX = 4096 };
    const unsigned char *at = bytes;
    if (!npy_is(bytes, len))
        return relud_fail(error, RELUD_BAD_INPUT, "npy: the magic word \\x93NUMPY is missing");
    size_t size = at[6] == 1 ? 2 : 4, begin = 8 + size;
    if (at[6] < 1 || at[6] > 3 || len < begin || little(at + 8, size) > HEAD_MAX ||
        little(at + 8, size) > len - begin)
        return relud_fail(error, RELUD_BAD_INPUT, "npy: the head is not whole");
    size_t head_len = (size_t)little(at + 8, size), left = len - begin - head_len;
    char head[HEAD_MAX + 1];
    memcpy(head, at + begin, head_len);
    head[head_len] = '\0';
    if (!read_head(head, npy, error))
        return false;
    size_t bytes_each = types[npy->type].bytes;
    if (left % bytes_each != 0 || left / bytes_each != npy->count)
        return relud_fail(error, RELUD_BAD_INPUT,
                          "npy: %zu bytes of numbers, where the shape wants %zu numbers of %zu",
                          left, npy->count, bytes_each);
    npy->elements = at + begin + head_len;
    return true;
}

void relud_npy_values(const struct relud_npy *npy, float *values)
{
    const unsigned char *at = npy->elements;
    const struct type *type = &types[npy->type];
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    if (type->read == from_f4) {
        memcpy(values, at, npy->count * sizeof *values);
        return;
    }
#endif
    for (size_t i = 0; i < npy->count; i++)
        values[i] = type->read(at + i * type->bytes);
}

bool npy_read(const struct rows_source *source, struct relud_rows *rows)
{
    struct relud_npy npy = {0};
    struct relud_error error;
    if (!relud_npy_open(source->text, source->len, &npy, &error))
        return rows_fail(source, "%s", error.text);
    if (npy.rank == 0)
        return rows_fail(source, "npy: a single number, where rows are wanted");
    size_t count = npy.rank == 1 ? 1 : npy.shape[0];
    if (!rows_new(source, count, npy.count / count, rows))
        return false;
    relud_npy_values(&npy, rows->values);
    return true;
}

size_t relud_npy_head(const size_t *shape, size_t rank, char head[RELUD_NPY_HEAD_MAX])
{
    enum { BEGIN = 10, STEP = 64 };
    char *at = head + BEGIN;
    at += sprintf(at, "{'descr': '<f4', 'fortran_order': False, 'shape': (");
    for (size_t i = 0; i < rank; i++)
        at += sprintf(at, rank == 1 ? "%zu," : i ? ", %zu" : "%zu", shape[i]);
    at += sprintf(at, "), }");
    size_t len = ((size_t)(at - head) + STEP) / STEP * STEP;
    memset(at, ' ', len - (size_t)(at - head));
    head[len - 1] = '\n';
    memcpy(head, magic, 6);
    head[6] = 1;
    head[7] = 0;
    head[8] = (char)((len - BEGIN) & 0xff);
    head[9] = (char)((len - BEGIN) >> 8);
    return len;
}
