/* Numbers as dense little-endian bytes. */
#include "core/half.h"

#include <relud/data.h>
#include <stdint.h>
#include <string.h>

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
static float from_bf16(const unsigned char *at)
{
    return half_from_bf16((uint16_t)little(at, 2));
}
static float from_bool(const unsigned char *at)
{
    return at[0] != 0;
}

static const struct type {
    const char *name;
    size_t bytes;
    float (*read)(const unsigned char *at);
} types[RELUD_DTYPES] = {
    [RELUD_FP32] = {"FP32", 4, from_f4},     [RELUD_FP64] = {"FP64", 8, from_f8},
    [RELUD_FP16] = {"FP16", 2, from_f2},     [RELUD_BF16] = {"BF16", 2, from_bf16},
    [RELUD_UINT8] = {"UINT8", 1, from_u1},   [RELUD_INT8] = {"INT8", 1, from_i1},
    [RELUD_UINT16] = {"UINT16", 2, from_u2}, [RELUD_INT16] = {"INT16", 2, from_i2},
    [RELUD_UINT32] = {"UINT32", 4, from_u4}, [RELUD_INT32] = {"INT32", 4, from_i4},
    [RELUD_UINT64] = {"UINT64", 8, from_u8}, [RELUD_INT64] = {"INT64", 8, from_i8},
    [RELUD_BOOL] = {"BOOL", 1, from_bool},
};

enum relud_dtype relud_dtype_of(const char *name)
{
    enum relud_dtype dtype = 0;
    while (dtype < RELUD_DTYPES && strcmp(types[dtype].name, name) != 0)
        dtype++;
    return dtype;
}

size_t relud_dtype_bytes(enum relud_dtype dtype)
{
    return types[dtype].bytes;
}

void relud_dtype_read(enum relud_dtype dtype, const void *bytes, size_t count, float *values)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    if (dtype == RELUD_FP32) {
        memcpy(values, bytes, count * sizeof *values);
        return;
    }
#endif
    const unsigned char *at = bytes;
    for (size_t i = 0; i < count; i++)
        values[i] = types[dtype].read(at + i * types[dtype].bytes);
}
