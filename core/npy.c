/* NumPy's .npy (numpy.lib.format, versions 1 to 3): a magic word, a Python dictionary as text, the numbers. */
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
static float from_i8(const unsigned char *at)
{
    return (float)(int64_t)little(at, 8);
}

static const struct type {
    const char *name;
    size_t bytes;
    element *read;
} types[] = {{"<f4", 4, from_f4}, {"<f8", 8, from_f8}, {"|u1", 1, from_u1}, {"|i1", 1, from_i1},
             {"<u2", 2, from_u2}, {"<i2", 2, from_i2}, {"<u4", 4, from_u4}, {"<i4", 4, from_i4},
             {"<i8", 8, from_i8}, {"|b1", 1, from_u1}};

/* The text behind 'key': in the dictionary. */
static const char *value_of(const char *head, const char *key)
{
    const char *at = strstr(head, key);
    at = at ? strchr(at, ':') : NULL;
    return at ? at + 1 + strspn(at + 1, " ") : NULL;
}

static bool read_shape(const struct rows_source *source, const char *at, struct relud_rows *rows)
{
    rows->rows = rows->features = 1;
    if (!at || *at++ != '(')
        return rows_fail(source, "npy: the head has no shape");
    size_t rank = 0;
    for (; *at && *at != ')'; at += strspn(at, ", "), rank++) {
        char *end;
        unsigned long long size = strtoull(at, &end, 10);
        if (end == at || size == 0 || size > (1ull << 40))
            return rows_fail(source, "npy: a shape that is not of whole numbers from 1");
        if (rank == 0)
            rows->rows = (size_t)size;
        else if (rows->features > SIZE_MAX / 16 / size)
            return rows_fail(source, "npy: the shape's product overflows");
        else
            rows->features *= (size_t)size;
        at = end;
    }
    if (rank == 1) { /* one row */
        rows->features = rows->rows;
        rows->rows = 1;
    }
    return rank > 0 || rows_fail(source, "npy: a single number, where rows are wanted");
}

static bool read_numbers(const struct rows_source *source, const char *head, size_t data,
                         struct relud_rows *rows)
{
    const char *name = value_of(head, "'descr'"), *order = value_of(head, "'fortran_order'");
    const struct type *type = NULL;
    for (size_t i = 0; name && i < sizeof types / sizeof *types; i++)
        if (strncmp(name + 1, types[i].name, 3) == 0)
            type = &types[i];
    if (!type)
        return rows_fail(source, "npy: elements of type %.8s are not read", name ? name : "?");
    if (!order || strncmp(order, "False", 5) != 0)
        return rows_fail(source, "npy: Fortran order is not read");
    struct relud_rows shape;
    if (!read_shape(source, value_of(head, "'shape'"), &shape))
        return false;
    size_t count = shape.rows * shape.features;
    if (shape.rows > (source->len - data) / type->bytes / shape.features ||
        source->len - data != count * type->bytes)
        return rows_fail(source, "npy: %zu bytes of numbers; the shape wants %zu x %zu x %zu",
                         source->len - data, shape.rows, shape.features, type->bytes);
    if (!rows_new(source, shape.rows, shape.features, rows))
        return false;
    const unsigned char *at = (const unsigned char *)source->text + data;
    for (size_t i = 0; i < count; i++)
        rows->values[i] = type->read(at + i * type->bytes);
    return true;
}

bool npy_read(const struct rows_source *source, struct relud_rows *rows)
{
    enum { HEAD_MAX = 4096 };
    const unsigned char *bytes = (const unsigned char *)source->text;
    size_t size = bytes[6] == 1 ? 2 : 4, begin = 8 + size;
    size_t len = (size_t)little(bytes + 8, size);
    if (bytes[6] < 1 || bytes[6] > 3 || source->len < begin || len > HEAD_MAX ||
        len > source->len - begin)
        return rows_fail(source, "npy: the head is not whole");
    char head[HEAD_MAX + 1];
    memcpy(head, source->text + begin, len);
    head[len] = '\0';
    return read_numbers(source, head, begin + len, rows);
}

void relud_npy_head(size_t rows, size_t columns, char head[RELUD_NPY_HEAD_BYTES])
{
    memset(head, ' ', RELUD_NPY_HEAD_BYTES);
    memcpy(head, magic, 6);
    head[6] = 1;
    head[7] = 0;
    head[8] = (char)(RELUD_NPY_HEAD_BYTES - 10);
    head[9] = 0;
    char text[RELUD_NPY_HEAD_BYTES];
    int len =
        snprintf(text, sizeof text,
                 "{'descr': '<f4', 'fortran_order': False, 'shape': (%zu, %zu), }", rows, columns);
    memcpy(head + 10, text, (size_t)len);
    head[RELUD_NPY_HEAD_BYTES - 1] = '\n';
}
