#include "core/json/number.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

/* The numbers of a type. If `infinity` is 0, they are the whole numbers from -below to above;
 * otherwise they are all numbers whose absolute value is less than `infinity`. */
static const struct range {
    uint64_t below, above;
    float infinity;
    unsigned char digits; /* a whole number of so many digits always fits */
    const char *misfit;
} ranges[RELUD_DTYPES] = {
#define WHOLE(name, below, above, digits, words)                                                   \
    [RELUD_##name] = {below, above, 0, digits, "is no " #name ": those are " words}
    [RELUD_FP16] = {0, 0, 65520.0f, 0, "is no FP16: those are from -65504 to 65504"},
    [RELUD_BF16] = {0, 0, 0x1.ffp127f, 0, "is no BF16: those are from -3.39e38 to 3.39e38"},
    WHOLE(UINT8, 0, UINT8_MAX, 2, "whole numbers from 0 to 255"),
    WHOLE(INT8, 1u + INT8_MAX, INT8_MAX, 2, "whole numbers from -128 to 127"),
    WHOLE(UINT16, 0, UINT16_MAX, 4, "whole numbers from 0 to 65535"),
    WHOLE(INT16, 1u + INT16_MAX, INT16_MAX, 4, "whole numbers from -32768 to 32767"),
    WHOLE(UINT32, 0, UINT32_MAX, 9, "whole numbers from 0 to 4294967295"),
    WHOLE(INT32, 1u + INT32_MAX, INT32_MAX, 9, "whole numbers from -2147483648 to 2147483647"),
    WHOLE(UINT64, 0, UINT64_MAX, 19, "whole numbers from 0 to 18446744073709551615"),
    WHOLE(INT64, UINT64_C(1) + INT64_MAX, INT64_MAX, 18,
          "whole numbers from -9223372036854775808 to 9223372036854775807"),
    WHOLE(BOOL, 0, 1, 0, "true, false, 0 and 1"),
};

const char *json_number_misfit(enum relud_dtype dtype)
{
    return ranges[dtype].misfit;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Returns the exponent that begins at the 'e' at `at`, or 0 if at == end. An exponent too long for
 * an int becomes a number beyond the range of every type. */
static long read_exponent(const char *at, const char *end)
{
    enum { FAR = 100000000 };
    long exponent = 0;
    if (at == end)
        return 0;
    at++; /* the grammar was checked: a digit follows, or a sign and a digit */
    bool is_negative = *at == '-';
    at += is_negative || *at == '+';
    for (; at < end; at++)
        exponent = exponent < FAR ? 10 * exponent + (*at - '0') : exponent;
    return is_negative ? -exponent : exponent;
}

/* Reads text[len], a JSON number without its sign, into *whole. Returns false if it is not a whole
 * number below 2^64. */
static bool read_whole(const char *text, size_t len, uint64_t *whole)
{
    const char *end = text + len, *mantissa_end = text;
    const char *first = NULL, *last = NULL, *point = NULL;
    for (; mantissa_end < end && (is_digit(*mantissa_end) || *mantissa_end == '.');
         mantissa_end++) {
        if (*mantissa_end == '.') {
            point = mantissa_end;
        } else if (*mantissa_end != '0') {
            first = first ? first : mantissa_end;
            last = mantissa_end;
        }
    }
    *whole = 0;
    if (!first)
        return true;
    point = point ? point : mantissa_end;
    /* value = 0.d1 d2 … × 10^places; d1 and the last digit are not 0 */
    long places = (long)(point - first) + (first > point) + read_exponent(mantissa_end, end);
    long digits = (long)(last - first) + 1 - (first < point && point < last);
    if (digits > places || places > 20)
        return false;
    const char *at = first;
    for (long i = 0; i < places; i++) {
        at += at == point;
        unsigned digit = i < digits ? (unsigned)(*at++ - '0') : 0;
        if (*whole > (UINT64_MAX - digit) / 10)
            return false;
        *whole = *whole * 10 + digit;
    }
    return true;
}

bool json_number_fits(enum relud_dtype dtype, const char *text, size_t len, float value)
{
    const struct range *range = &ranges[dtype];
    if (!range->misfit)
        return true;
    if (range->infinity > 0)
        return fabsf(value) < range->infinity;
    size_t digits = 0;
    while (digits < len && is_digit(text[digits]))
        digits++;
    if (digits == len && len <= range->digits)
        return true;
    bool is_negative = *text == '-';
    uint64_t whole;
    return read_whole(text + is_negative, len - is_negative, &whole) &&
           whole <= (is_negative ? range->below : range->above);
}
