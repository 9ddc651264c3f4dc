/* MNIST's IDX format: two zero bytes, a type, a rank, the sizes, the numbers. Numbers are
 * big-endian. */
#include "core/data/rows_file.h"

#include <stdint.h>
#include <string.h>

static size_t idx_bytes(int type)
{
    switch (type) {
    case 0x08: /* unsigned byte */
    case 0x09: /* signed byte */
        return 1;
    case 0x0b: /* short */
        return 2;
    case 0x0c: /* int */
    case 0x0d: /* float */
        return 4;
    case 0x0e: /* double */
        return 8;
    default:
        return 0;
    }
}

bool idx_is(const char *text, size_t len)
{
    return len >= 8 && text[0] == 0 && text[1] == 0 && idx_bytes(text[2]) && text[3] >= 1 &&
           text[3] <= 8;
}

static uint64_t big(const unsigned char *at, size_t bytes)
{
    uint64_t value = 0;
    for (size_t i = 0; i < bytes; i++)
        value = value << 8 | at[i];
    return value;
}

static float idx_element(int type, const unsigned char *at)
{
    uint64_t bits = big(at, idx_bytes(type));
    uint32_t low = (uint32_t)bits;
    float single;
    double wide;
    switch (type) {
    case 0x08:
        return (float)bits;
    case 0x09:
        return (int8_t)bits;
    case 0x0b:
        return (int16_t)bits;
    case 0x0c:
        return (float)(int32_t)low;
    case 0x0d:
        memcpy(&single, &low, sizeof single);
        return single;
    default:
        memcpy(&wide, &bits, sizeof wide);
        return (float)wide;
    }
}

bool idx_open(const struct rows_source *source, struct idx *idx)
{
    const unsigned char *bytes = (const unsigned char *)source->text;
    size_t begin = 4 + 4 * (size_t)bytes[3], size = idx_bytes(bytes[2]);
    *idx = (struct idx){.type = bytes[2], .rank = bytes[3], .count = 1};
    if (source->len < begin)
        return rows_fail(source, "idx: the head is not whole");
    for (size_t d = 0; d < idx->rank; d++) {
        idx->shape[d] = (size_t)big(bytes + 4 + 4 * d, 4);
        if (idx->shape[d] == 0 || idx->count > source->len / idx->shape[d])
            return rows_fail(source, "idx: %zu bytes cannot hold dimension %zu of %zu", source->len,
                             d, idx->shape[d]);
        idx->count *= idx->shape[d];
    }
    if (source->len - begin != idx->count * size)
        return rows_fail(source, "idx: %zu bytes of numbers; the head wants %zu of %zu",
                         source->len - begin, idx->count, size);
    idx->elements = bytes + begin;
    return true;
}

void idx_values(const struct idx *idx, float *values)
{
    size_t size = idx_bytes(idx->type);
    for (size_t i = 0; i < idx->count; i++)
        values[i] = idx_element(idx->type, idx->elements + i * size);
}

bool idx_read(const struct rows_source *source, struct relud_rows *rows)
{
    struct idx idx;
    size_t features = 1;
    if (!idx_open(source, &idx))
        return false;
    for (size_t d = 1; d < idx.rank; d++)
        features *= idx.shape[d];
    if (!rows_new(source, idx.shape[0], features, rows))
        return false;
    idx_values(&idx, rows->values);
    return true;
}
