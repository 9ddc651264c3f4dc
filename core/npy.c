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

static const struct type {
    const char *name;
    enum relud_dtype dtype;
} types[] = {{"<f4", RELUD_FP32},   {"<f8", RELUD_FP64},   {"<f2", RELUD_FP16},
             {"|u1", RELUD_UINT8},  {"|i1", RELUD_INT8},   {"<u2", RELUD_UINT16},
             {"<i2", RELUD_INT16},  {"<u4", RELUD_UINT32}, {"<i4", RELUD_INT32},
             {"<u8", RELUD_UINT64}, {"<i8", RELUD_INT64},  {"|b1", RELUD_BOOL}};
enum { TYPES = sizeof types / sizeof *types };

static uint64_t little(const unsigned char *at, size_t bytes)
{
    uint64_t value = 0;
    for (size_t i = bytes; i-- > 0;)
        value = value << 8 | at[i];
    return value;
}

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
        if (*name == '\'' && strncmp(name + 1, types[i].name, 3) == 0)
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
    size_t bytes_each = relud_dtype_bytes(types[npy->type].dtype);
    if (left % bytes_each != 0 || left / bytes_each != npy->count)
        return relud_fail(error, RELUD_BAD_INPUT,
                          "npy: %zu bytes of numbers, where the shape wants %zu numbers of %zu",
                          left, npy->count, bytes_each);
    npy->elements = at + begin + head_len;
    return true;
}

enum relud_dtype relud_npy_dtype(const struct relud_npy *npy)
{
    return types[npy->type].dtype;
}

void relud_npy_values(const struct relud_npy *npy, float *values)
{
    relud_dtype_read(types[npy->type].dtype, npy->elements, npy->count, values);
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
    char *at = stpcpy(head + BEGIN, "{'descr': '<f4', 'fortran_order': False, 'shape': (");
    for (size_t i = 0; i < rank; i++)
        at += snprintf(at, 32, rank == 1 ? "%zu," : i ? ", %zu" : "%zu", shape[i]);
    at = stpcpy(at, "), }");
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
