/* Reads arrays of numbers from dense bytes in either byte order. */
#include "core/base/dtype.h"

#include "core/base/float16.h"
#include "core/base/float_env.h"
#include <stdint.h>
#include <string.h>

/* ---- from the bits of one element to float32 ---- */

static float from_f4(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}
static float from_f8(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return (float)value;
}
static float from_u1(uint8_t bits)
{
    return bits;
}
static float from_i1(uint8_t bits)
{
    return (int8_t)bits;
}
static float from_u2(uint16_t bits)
{
    return bits;
}
static float from_i2(uint16_t bits)
{
    return (int16_t)bits;
}
static float from_u4(uint32_t bits)
{
    return (float)bits;
}
static float from_i4(uint32_t bits)
{
    return (float)(int32_t)bits;
}
static float from_u8(uint64_t bits)
{
    return (float)bits;
}
static float from_i8(uint64_t bits)
{
    return (float)(int64_t)bits;
}
static float from_bool(uint8_t bits)
{
    return bits != 0;
}

/* ---- arrays of elements ---- */

static uint8_t turn8(uint8_t bits)
{
    return bits;
}
static uint16_t turn16(uint16_t bits)
{
    return __builtin_bswap16(bits);
}
static uint32_t turn32(uint32_t bits)
{
    return __builtin_bswap32(bits);
}
static uint64_t turn64(uint64_t bits)
{
    return __builtin_bswap64(bits);
}

#define RUN(name, bits, from)                                                                      \
    static void read_##name(const unsigned char *at, size_t count, bool is_turned, float *values)  \
    {                                                                                              \
        for (size_t i = 0; i < count; i++) {                                                       \
            uint##bits##_t element;                                                                \
            memcpy(&element, at + i * sizeof element, sizeof element);                             \
            values[i] = from(is_turned ? turn##bits(element) : element);                           \
        }                                                                                          \
    }
RUN(f4, 32, from_f4)
RUN(f8, 64, from_f8)
RUN(f2, 16, float32_from_float16)
RUN(bf16, 16, float32_from_bfloat16)
RUN(u1, 8, from_u1)
RUN(i1, 8, from_i1)
RUN(u2, 16, from_u2)
RUN(i2, 16, from_i2)
RUN(u4, 32, from_u4)
RUN(i4, 32, from_i4)
RUN(u8, 64, from_u8)
RUN(i8, 64, from_i8)
RUN(bool, 8, from_bool)

static const struct type {
    const char *name;
    size_t bytes;
    void (*read)(const unsigned char *at, size_t count, bool is_turned, float *values);
} types[RELUD_DTYPES] = {
    [RELUD_FP32] = {"FP32", 4, read_f4},     [RELUD_FP64] = {"FP64", 8, read_f8},
    [RELUD_FP16] = {"FP16", 2, read_f2},     [RELUD_BF16] = {"BF16", 2, read_bf16},
    [RELUD_UINT8] = {"UINT8", 1, read_u1},   [RELUD_INT8] = {"INT8", 1, read_i1},
    [RELUD_UINT16] = {"UINT16", 2, read_u2}, [RELUD_INT16] = {"INT16", 2, read_i2},
    [RELUD_UINT32] = {"UINT32", 4, read_u4}, [RELUD_INT32] = {"INT32", 4, read_i4},
    [RELUD_UINT64] = {"UINT64", 8, read_u8}, [RELUD_INT64] = {"INT64", 8, read_i8},
    [RELUD_BOOL] = {"BOOL", 1, read_bool},
};

enum relud_dtype relud_dtype_of(const char *name)
{
    enum relud_dtype dtype = 0;
    while (dtype < RELUD_DTYPES && strcmp(types[dtype].name, name) != 0)
        dtype++;
    return dtype;
}

const char *relud_dtype_name(enum relud_dtype dtype)
{
    return types[dtype].name;
}

size_t relud_dtype_bytes(enum relud_dtype dtype)
{
    return types[dtype].bytes;
}

void dtype_read(enum relud_dtype dtype, const void *bytes, size_t count, bool is_big_endian,
                float *values)
{
    bool is_turned = is_big_endian != (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__);
    if (dtype == RELUD_FP32 && !is_turned) {
        memcpy(values, bytes, count * sizeof *values);
        return;
    }
    uint64_t env = float_env_enter();
    types[dtype].read(bytes, count, is_turned, values);
    float_env_leave(env);
}

void relud_dtype_read(enum relud_dtype dtype, const void *bytes, size_t count, float *values)
{
    dtype_read(dtype, bytes, count, false, values);
}
