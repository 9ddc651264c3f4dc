#include "core/decimal.h"

#include "generated/powers.h"
#include <relud/text.h>

/* A float32 as significant digits and a power of ten. */
struct shortest {
    uint32_t digits;
    int exponent;
};

/* Rounded to double and then to float32, does it give the float of these bits? A decimal very close to half way between
 * two floats may round to just half way in double, and from there to the wrong side. */
static bool is_read_back(struct shortest number, uint32_t bits)
{
    struct decimal decimal = {.digits = number.digits, .exponent = number.exponent};
    float value = decimal_round(&decimal, NULL, NULL);
    uint32_t back;
    memcpy(&back, &value, sizeof back);
    return back == bits;
}

/* The leading 64 bits of 10^q, rounded up where they are not all of it: 5^27 is the last that fits. */
static uint64_t power_up(int q)
{
    return powers[q - POWERS_FIRST].high + (q < 0 || q > 27);
}

/* g · c / 2^64 with the lost bits gathered in the lowest one ("round to odd"), so that later comparisons with quarters
 * stay right. */
static uint32_t scale(uint64_t g, uint32_t c)
{
    uint128 product = (uint128)g * c;
    return (uint32_t)(product >> 64) | ((uint32_t)(product >> 32) > 1);
}

/* Schubfach (Giulietti, "The Schubfach way to render doubles", 2020), in its float32 form: of the shortest decimals
 * inside the rounding interval the one closest to the value. */
static struct shortest find_shortest(uint32_t fraction, uint32_t biased)
{
    uint32_t c = biased ? fraction | 1u << 23 : fraction;
    int q = (biased ? (int)biased : 1) - 150;
    bool is_even = c % 2 == 0;
    bool is_lower_closer = fraction == 0 && biased > 1;
    int k = (q * 1262611 - (is_lower_closer ? 524031 : 0)) >> 22; /* ⌊log10(2^q)⌋, or of ¾ · 2^q */
    int h = q + ((-k * 1741647) >> 19) + 1;                       /* … + ⌊log2(10^-k)⌋ */
    uint64_t g = power_up(-k);
    uint32_t lower = scale(g, (4 * c - 2 + is_lower_closer) << h) + !is_even;
    uint32_t middle = scale(g, 4 * c << h);
    uint32_t upper = scale(g, (4 * c + 2) << h) - !is_even;
    uint32_t s = middle / 4;
    if (s >= 10) { /* one digit less? */
        uint32_t tens = s / 10;
        bool is_under_inside = lower <= 40 * tens, is_over_inside = 40 * tens + 40 <= upper;
        if (is_under_inside != is_over_inside) {
            struct shortest less = {tens + is_over_inside, k + 1};
            /* Within a unit of the interval's edge: look (7.038531e-26 is such a one). */
            uint32_t place = 40 * less.digits,
                     edge = is_over_inside ? upper - place : place - lower;
            if (edge > 1 || is_read_back(less, biased << 23 | fraction))
                return less;
        }
    }
    bool is_under_inside = lower <= 4 * s, is_over_inside = 4 * s + 4 <= upper;
    if (is_under_inside != is_over_inside)
        return (struct shortest){s + is_over_inside, k};
    uint32_t half = 4 * s + 2;
    bool is_up = middle > half || (middle == half && s % 2);
    return (struct shortest){s + is_up, k};
}

/* Eight digits of n < 10^8, one a byte, first digit lowest: halves, quarters, eighths by multiplication. */
static uint64_t spread(uint32_t n)
{
    uint64_t x = n / 10000 | (uint64_t)(n % 10000) << 32;
    uint64_t hundreds = (x * 10486) >> 20 & 0x0000007f0000007fu;
    x = hundreds | (x - hundreds * 100) << 16;
    uint64_t tens = (x * 103) >> 10 & 0x000f000f000f000fu;
    return tens | (x - tens * 10) << 8;
}

static void store(char *out, uint64_t bytes)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    bytes = __builtin_bswap64(bytes);
#endif
    memcpy(out, &bytes, sizeof bytes);
}

/* The digits without zeros before or behind; returns how many, and moves the exponent for those cut off. */
static unsigned write_digits(struct shortest *number, char *out)
{
    uint32_t first = number->digits / 100000000;
    uint64_t bytes = spread(number->digits % 100000000);
    unsigned behind = bytes ? (unsigned)__builtin_clzll(bytes) / 8 : 8;
    number->exponent += (int)behind;
    if (first) {
        *out = (char)('0' + first);
        store(out + 1, bytes | 0x3030303030303030u);
        return 9 - behind;
    }
    unsigned before = (unsigned)__builtin_ctzll(bytes) / 8; /* digits is not 0 */
    store(out, (bytes | 0x3030303030303030u) >> 8 * before);
    return 8 - before - behind;
}

static size_t write_plain(const char *digits, unsigned count, int point, char *out)
{
    if (point <= 0) { /* 0.00123 */
        memcpy(out, "0.000000", 8);
        memcpy(out + 2 - point, digits, count);
        return (size_t)(2 - point) + count;
    }
    if ((unsigned)point >= count) { /* 12300 */
        memcpy(out, digits, count);
        memset(out + count, '0', (size_t)point - count);
        return (size_t)point;
    }
    memcpy(out, digits, (size_t)point);
    out[point] = '.';
    memcpy(out + point + 1, digits + point, count - (unsigned)point);
    return count + 1;
}

static size_t write_scientific(const char *digits, unsigned count, int exponent, char *out)
{
    char *at = out;
    *at++ = digits[0];
    if (count > 1) {
        *at++ = '.';
        memcpy(at, digits + 1, count - 1);
        at += count - 1;
    }
    *at++ = 'e';
    if (exponent < 0)
        *at++ = '-';
    unsigned size = (unsigned)(exponent < 0 ? -exponent : exponent);
    if (size >= 10)
        *at++ = (char)('0' + size / 10);
    *at++ = (char)('0' + size % 10);
    return (size_t)(at - out);
}

/* Plain from 0.0001 to below 10^10, as people write; the longest is then "-0.000123456789". */
static size_t write_number(struct shortest number, char *out)
{
    char digits[16];
    unsigned count = write_digits(&number, digits);
    int exponent = (int)count + number.exponent - 1;
    return exponent >= -4 && exponent < 10 ? write_plain(digits, count, exponent + 1, out)
                                           : write_scientific(digits, count, exponent, out);
}

static size_t write_word(const char *word, size_t len, char *out)
{
    memcpy(out, word, len);
    return len;
}

size_t decimal_write(float value, char *out)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint32_t fraction = bits & 0x7fffffu, biased = bits >> 23 & 0xff;
    bool is_negative = bits >> 31;
    if (biased == 0xff && fraction)
        return write_word("NaN", 3, out);
    if (biased == 0xff)
        return is_negative ? write_word("-Infinity", 9, out) : write_word("Infinity", 8, out);
    if ((bits & 0x7fffffffu) == 0)
        return is_negative ? write_word("-0.0", 4, out) : write_word("0", 1, out);
    out[0] = '-';
    out += is_negative;
    return is_negative + write_number(find_shortest(fraction, biased), out);
}

size_t relud_float_to_text(float value, char *out)
{
    return decimal_write(value, out);
}

size_t relud_floats_to_text(const float *values, size_t count, char *out)
{
    char *at = out;
    for (size_t i = 0; i < count; i++) {
        if (i)
            *at++ = ',';
        at += decimal_write(values[i], at);
    }
    return (size_t)(at - out);
}
