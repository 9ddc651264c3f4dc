/* Reads one number. Most numbers are short, so a fast way reads eight digits at a time. Every
 * number it does not handle goes to read_slowly, which handles all of JSON's grammar. */
#include "core/decimal/decimal.h"

#include "core/base/float_env.h"
#include "core/decimal/digits.h"
#include "generated/powers.h"
#include <locale.h>
#include <math.h>
#include <relud/text.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    /* This many digits always fit into a uint64_t. */
    DIGITS_EXACT = 19,
    /* Digits after the 768th significant one decide the rounding only by whether any of them is not
     * zero. */
    DIGITS_ENOUGH = 800,
};

const double decimal_tens[23] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                 1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

const uint64_t decimal_whole_tens[17] = {1,
                                         10,
                                         100,
                                         1000,
                                         10000,
                                         100000,
                                         1000000,
                                         10000000,
                                         100000000,
                                         1000000000,
                                         10000000000,
                                         100000000000,
                                         1000000000000,
                                         10000000000000,
                                         100000000000000,
                                         1000000000000000,
                                         10000000000000000};

/* ---- any number, digit by digit ---- */

/* The number found by a scan: (-1)^is_negative · digits · 10^exponent. */
struct scan {
    const char *at, *end;
    uint64_t digits; /* the first 19 significant digits */
    int64_t exponent;
    unsigned significant; /* how many digits are in `digits` */
    bool is_negative;
    bool is_cut; /* there were more than 19 */
};

/* The last resort: passes a copy of bounded length to the C library, in the "C" locale whatever the
 * program's locale is. `exponent` belongs to the 19th digit; each further digit copied lowers it by
 * one. */
static double round_by_library(const char *begin, const char *end, int64_t exponent)
{
    char copy[DIGITS_ENOUGH + 32];
    size_t len = 0;
    bool is_begun = false, is_more = false;
    for (const char *at = begin; at < end && (*at | 0x20) != 'e'; at++) {
        if (*at == '-' || *at == '.' || (*at == '0' && !is_begun))
            continue;
        is_begun = true;
        if (len < DIGITS_ENOUGH) {
            copy[len++] = *at;
            exponent -= len > DIGITS_EXACT;
        } else {
            is_more |= *at != '0';
        }
    }
    if (is_more) {
        copy[len++] = '1';
        exponent--;
    }
    snprintf(copy + len, sizeof copy - len, "e%lld", (long long)exponent);
    locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    double value = strtod_l(copy, NULL, plain);
    freelocale(plain);
    return value;
}

static float round_scan(const struct scan *s, const char *begin)
{
    uint64_t w = s->digits;
    float value;
    /* Below POWERS_FIRST the number is less than 1e-46; half of the smallest float32 is 7e-46. */
    if (w == 0 || s->exponent < POWERS_FIRST) {
        value = 0;
    } else if (s->exponent > 38) {
        value = INFINITY; /* at least 1e39 */
    } else {
        value = (float)round_product(w, (int)s->exponent);
        /* Rounding is monotonic: the exact number lies between w and w + 1, so if both round to the
         * same float, it does too. */
        if (s->is_cut && (float)round_product(w + 1, (int)s->exponent) != value)
            value = (float)round_by_library(begin, s->at, s->exponent);
    }
    return s->is_negative ? -value : value;
}

/* Reads a run of digits and returns how many there are. After the point, each digit taken into
 * s->digits lowers the exponent. Before the point, each digit that no longer fits raises it. */
static size_t take_digits(struct scan *s, bool is_fraction)
{
    const char *begin = s->at;
    while (s->at < s->end && (unsigned)(*s->at - '0') < 10) {
        unsigned digit = (unsigned)(*s->at++ - '0');
        if (s->significant < DIGITS_EXACT) {
            s->digits = s->digits * 10 + digit;
            s->significant += s->digits != 0;
            s->exponent -= is_fraction;
        } else {
            s->is_cut = true;
            s->exponent += !is_fraction;
        }
    }
    return (size_t)(s->at - begin);
}

static bool take_exponent(struct scan *s)
{
    /* Larger than any text has bytes, so no number of digits can compensate such an exponent. */
    const int64_t most = INT64_C(1) << 50;
    s->at++;
    bool is_negative = s->at < s->end && *s->at == '-';
    if (s->at < s->end && (*s->at == '-' || *s->at == '+'))
        s->at++;
    const char *begin = s->at;
    int64_t exponent = 0;
    for (; s->at < s->end && (unsigned)(*s->at - '0') < 10; s->at++)
        if (exponent < most)
            exponent = exponent * 10 + (*s->at - '0');
    s->exponent += is_negative ? -exponent : exponent;
    return s->at > begin;
}

static __attribute__((noinline)) const char *read_slowly(const char *at, const char *end,
                                                         float *value)
{
    struct scan s = {.at = at, .end = end};
    if (s.at < end && *s.at == '-') {
        s.is_negative = true;
        s.at++;
    }
    const char *first = s.at;
    size_t whole = take_digits(&s, false);
    if (whole == 0 || (whole > 1 && *first == '0'))
        return NULL;
    if (s.at < end && *s.at == '.') {
        s.at++;
        if (take_digits(&s, true) == 0)
            return NULL;
    }
    if (s.at < end && (*s.at | 0x20) == 'e' && !take_exponent(&s))
        return NULL;
    *value = round_scan(&s, at);
    return s.at;
}

/* ---- common numbers, eight digits at a time ---- */

#define EACH_BYTE(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Takes eight bytes xored with '0' and returns the top bit of each byte that is not a digit. The
 * result is right up to the first such byte; a carry can spoil only the bytes after it. */
INLINE uint64_t find_others(uint64_t bytes)
{
    return ((bytes + EACH_BYTE(0x76)) | bytes) & EACH_BYTE(0x80);
}

/* Joins eight digits, the first in the lowest byte, into a number: first pairs, then fours, then
 * all eight. */
INLINE uint64_t join(uint64_t bytes)
{
    bytes = bytes * 10 + (bytes >> 8);
    uint64_t odd = bytes & 0x000000ff000000ffu, even = bytes >> 16 & 0x000000ff000000ffu;
    return (odd * (100 + (UINT64_C(1000000) << 32)) + even * (1 + (UINT64_C(10000) << 32))) >> 32;
}

/* The number that the first `count` of eight digits form; `count` is 0 to 7. */
INLINE uint64_t join_some(uint64_t bytes, unsigned count)
{
    return join(bytes << 8 << (56 - 8 * count));
}

/* The index of the first marked byte in `low`, then `high`: 0 to 15, or 16 if none is marked. It
 * does not branch on which of the two holds the mark, because the length of a shortest decimal is
 * unpredictable. */
INLINE unsigned first_of(uint64_t low, uint64_t high)
{
    uint64_t behind = (uint64_t)0 - (low == 0);
    uint64_t marks = low | (high & behind);
    if (__builtin_expect(marks == 0, 0))
        return 16;
    return (unsigned)__builtin_ctzll(marks) / 8 + (8 & (unsigned)behind);
}

/* Appends the digits after a decimal point to *w, which has `whole` digits so far. Returns the
 * number of digits, or 0 if there are none or too many for *w. */
INLINE unsigned read_fraction(const char *at, unsigned whole, uint64_t *w)
{
    uint64_t low = load(at) ^ EACH_BYTE('0'), high = load(at + 8) ^ EACH_BYTE('0');
    unsigned places = first_of(find_others(low), find_others(high));
    if (places == 0 || (places < 16 && places + whole > DIGITS_EXACT))
        return 0;
    if (places < 16) {
        unsigned second = places < 8 ? 0 : places - 8, first = places - second;
        uint64_t eight = join(low << (64 - 8 * first));
        *w = (*w * decimal_whole_tens[first] + eight) * decimal_whole_tens[second] +
             join_some(high, second);
        return places;
    }
    uint64_t more = load(at + 16) ^ EACH_BYTE('0'), others = find_others(more);
    unsigned third = others ? (unsigned)__builtin_ctzll(others) / 8 : 8;
    if (third > 3 || 16 + third + whole - (*w == 0) > DIGITS_EXACT)
        return 0;
    uint64_t sixteen = join(low) * decimal_whole_tens[8] + join(high);
    *w = (*w * decimal_whole_tens[16] + sixteen) * decimal_whole_tens[third] +
         join_some(more, third);
    return 16 + third;
}

const char *decimal_read_quickly(const char *begin, const char *end, float *value)
{
    const char *at = begin;
    uint32_t is_negative = *at == '-';
    at += is_negative;
    uint64_t bytes = load(at) ^ EACH_BYTE('0'), others = find_others(bytes);
    if (others == 0) /* 8 digits or more before the point */
        return read_slowly(begin, end, value);
    unsigned whole = (unsigned)__builtin_ctzll(others) / 8, places = 0;
    if ((whole == 0) | ((whole > 1) & ((bytes & 0xff) == 0)))
        return NULL;
    uint64_t w = join_some(bytes, whole);
    at += whole;
    if (*at == '.') {
        places = read_fraction(at + 1, whole, &w);
        if (places == 0)
            return read_slowly(begin, end, value);
        at += 1 + places;
    }
    double magnitude;
    if ((*at | 0x20) == 'e') {
        int exponent = -(int)places;
        at = read_exponent(at + 1, &exponent);
        if (!at || w == 0 || exponent < POWERS_FIRST || exponent > 38)
            return read_slowly(begin, end, value);
        magnitude = round_product(w, exponent);
    } else {
        magnitude = round_places(w, places);
    }
    uint32_t bits = float_bits(magnitude, is_negative);
    memcpy(value, &bits, sizeof bits);
    return at;
}

const char *decimal_read(const char *at, const char *end, float *value)
{
    return end - at >= DECIMAL_QUICK_BYTES ? decimal_read_quickly(at, end, value)
                                           : read_slowly(at, end, value);
}

size_t relud_text_to_float(const char *text, size_t len, float *value)
{
    uint64_t env = float_env_enter();
    const char *behind = decimal_read(text, text + len, value);
    float_env_leave(env);
    return behind ? (size_t)(behind - text) : 0;
}
