#include "core/decimal.h"

#include "generated/powers.h"
#include <locale.h>
#include <math.h>
#include <relud/text.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    DIGITS_EXACT = 19, /* that a uint64_t always holds */
    DIGITS_ENOUGH =
        800, /* more significant digits than 768 never decide a double, but whether one is there does */
};

/* Eisel–Lemire: w · 10^q to the nearest double. Always right for an exact w (Mushtak, Lemire, "Fast number parsing
 * without fallback", 2022). q lies in the table, so that the result is neither subnormal nor infinite. */
static double round_product(uint64_t w, int q)
{
    const struct power *power = &powers[q - POWERS_FIRST];
    int zeros = __builtin_clzll(w);
    w <<= zeros;
    uint128 product = (uint128)w * power->high;
    uint64_t high = (uint64_t)(product >> 64), low = (uint64_t)product;
    if ((high & 0x1ff) == 0x1ff) { /* the bits below the mantissa's 55 could still carry into it */
        uint64_t more = (uint64_t)(((uint128)w * power->low) >> 64);
        low += more;
        high += low < more;
    }
    int top = (int)(high >> 63);
    uint64_t mantissa = high >> (top + 9); /* 54 bits: one to round by */
    int64_t exponent = ((217706 * (int64_t)q) >> 16) + 63 + top - zeros + 1023;
    if (low <= 1 && q >= -4 && q <= 23 && (mantissa & 3) == 1 && mantissa << (top + 9) == high)
        mantissa &= ~(uint64_t)1; /* exactly half way: to even */
    mantissa = (mantissa + (mantissa & 1)) >> 1;
    if (mantissa == (uint64_t)1 << 53) {
        mantissa >>= 1;
        exponent++;
    }
    uint64_t bits = (mantissa & (((uint64_t)1 << 52) - 1)) | (uint64_t)exponent << 52;
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* The last resort: the C library on a copy of bounded length, in the "C" locale whatever the program's is. */
static double round_by_library(const char *begin, const char *end, int64_t exponent_of_cut)
{
    char copy[DIGITS_ENOUGH + 32];
    size_t len = 0;
    bool is_begun = false, is_more = false;
    int64_t exponent =
        exponent_of_cut; /* of the 19th digit; every digit copied beyond it lowers it */
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

float decimal_round(const struct decimal *decimal, const char *begin, const char *end)
{
    uint64_t w = decimal->digits;
    double value;
    if (w == 0 || decimal->exponent < POWERS_FIRST) { /* below half of float32's least */
        value = 0;
    } else if (decimal->exponent > 38) {
        value = (double)INFINITY; /* at least 1e39: above every float32 */
    } else {
        value = round_product(w, (int)decimal->exponent);
        if (decimal->is_cut && round_product(w + 1, (int)decimal->exponent) != value)
            value = round_by_library(begin, end, decimal->exponent);
    }
    return (float)(decimal->is_negative ? -value : value);
}

struct scan {
    const char *at, *end;
    struct decimal decimal;
    unsigned significant; /* digits taken */
};

/* Takes a run of digits; returns how many there were. Behind the point each one taken lowers the exponent, before it
 * each one not taken raises it. */
static size_t take_digits(struct scan *s, bool is_fraction)
{
    const char *begin = s->at;
    while (s->at < s->end && (unsigned)(*s->at - '0') < 10) {
        unsigned digit = (unsigned)(*s->at++ - '0');
        if (s->significant < DIGITS_EXACT) {
            s->decimal.digits = s->decimal.digits * 10 + digit;
            s->significant += s->decimal.digits != 0;
            s->decimal.exponent -= is_fraction;
        } else {
            s->decimal.is_cut = true;
            s->decimal.exponent += !is_fraction;
        }
    }
    return (size_t)(s->at - begin);
}

static bool take_exponent(struct scan *s)
{
    enum { MOST = 100000000 }; /* beyond it no count of digits brings a number back into range */
    s->at++;
    bool is_negative = s->at < s->end && *s->at == '-';
    if (s->at < s->end && (*s->at == '-' || *s->at == '+'))
        s->at++;
    const char *begin = s->at;
    int64_t exponent = 0;
    for (; s->at < s->end && (unsigned)(*s->at - '0') < 10; s->at++)
        if (exponent < (int64_t)MOST * 1000)
            exponent = exponent * 10 + (*s->at - '0');
    s->decimal.exponent += is_negative ? -exponent : exponent;
    return s->at > begin;
}

const char *decimal_read_slowly(const char *at, const char *end, float *value)
{
    struct scan s = {.at = at, .end = end};
    if (s.at < end && *s.at == '-') {
        s.decimal.is_negative = true;
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
    *value = decimal_round(&s.decimal, at, s.at);
    return s.at;
}

size_t relud_text_to_float(const char *text, size_t len, float *value)
{
    const char *behind = decimal_read(text, text + len, value);
    return behind ? (size_t)(behind - text) : 0;
}
