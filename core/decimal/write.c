/* Writes the shortest decimal of a float32. Its number of digits is unpredictable, so the code
 * avoids branches on it: it always stores eight digits where one to eight are needed, and stores
 * what follows over the surplus. */
#include "core/decimal/write.h"

#include "core/base/float_env.h"
#include <relud/text.h>

/* The number digits · 10^exponent. */
struct shortest {
    uint32_t digits;
    int exponent;
};

/* The leading 64 bits of 10^q, rounded up where they are not exact. */
INLINE uint64_t power_up(int q)
{
    return decimal_powers[q - POWERS_FIRST].high + ((q < 0) | (q > POWERS_EXACT_LAST));
}

/* g · c / 2^64. The lowest bit also stands for the lost bits ("round to odd"), so later comparisons
 * with quarters stay right. */
INLINE uint32_t scale(uint64_t g, uint32_t c)
{
    uint128 product = (uint128)g * c;
    return (uint32_t)(product >> 64) | ((uint64_t)product >> 32 > 1);
}

/* True if the decimal, rounded to a double and then to a float, gives the float of these bits. A
 * decimal close to the middle between two floats may round to exactly that middle as a double, and
 * from there to the wrong float: 7.038531e-26 does. */
static __attribute__((noinline)) bool is_read_back(uint32_t digits, int exponent, uint32_t bits)
{
    return float_bits(round_product(digits, exponent), 0) == bits;
}

/* Schubfach (Giulietti, "The Schubfach way to render doubles", 2020) for float32. Of the shortest
 * decimals inside the rounding interval it finds the one closest to the value. */
INLINE struct shortest find_shortest(uint32_t fraction, uint32_t biased)
{
    uint32_t c = biased ? fraction | 1u << 23 : fraction;
    int q = (biased ? (int)biased : 1) - 150;
    uint32_t is_odd = c & 1, is_lower_closer = (fraction == 0) & (biased > 1);
    /* k = ⌊log10(2^q)⌋, or ⌊log10(¾ · 2^q)⌋ if the lower neighbour is closer; h = q + 1 +
     * ⌊log2(10^-k)⌋. The added constants keep negative numbers from being shifted. */
    int k = ((q * 1262611 - (is_lower_closer ? 524031 : 0) + (128 << 22)) >> 22) - 128;
    int h = q + 1 + ((-k * 1741647 + (256 << 19)) >> 19) - 256;
    uint64_t g = power_up(-k);
    uint32_t lower = scale(g, (4 * c - 2 + is_lower_closer) << h) + is_odd;
    uint32_t middle = scale(g, 4 * c << h);
    uint32_t upper = scale(g, (4 * c + 2) << h) - is_odd;
    uint32_t s = middle / 4, tens = s / 10;
    /* Use one digit less if exactly one of the two neighbours with one digit less lies inside. If
     * it lies on the edge of the interval, is_read_back decides. */
    uint32_t is_tens_inside = lower <= 40 * tens, is_next_tens_inside = 40 * tens + 40 <= upper;
    uint32_t is_shorter = (s >= 10) & (is_tens_inside != is_next_tens_inside);
    uint32_t shorter = tens + is_next_tens_inside;
    uint32_t is_on_edge = (40 * shorter - lower <= 1) | (upper - 40 * shorter <= 1);
    if (__builtin_expect(is_shorter & is_on_edge, 0))
        is_shorter = is_read_back(shorter, k + 1, biased << 23 | fraction);
    /* Otherwise use the one neighbour that lies inside, or the closer one if both or neither do, or
     * the even one if both are equally close. */
    uint32_t is_inside = lower <= 4 * s, is_next_inside = 4 * s + 4 <= upper;
    uint32_t is_next_closer = middle + (s & 1) > 4 * s + 2;
    uint32_t is_one_inside = is_inside ^ is_next_inside;
    uint32_t is_up = (is_one_inside & is_next_inside) | (~is_one_inside & is_next_closer);
    uint32_t keep = is_shorter - 1;
    return (struct shortest){((s + is_up) & keep) | (shorter & ~keep), k + (int)is_shorter};
}

#define ZEROS UINT64_C(0x3030303030303030) /* "00000000" */

/* Spreads n < 10^8 into eight digits, one per byte, the first digit in the lowest byte.
 * Multiplications split it into halves, quarters and eighths. */
INLINE uint64_t spread(uint32_t n)
{
    uint64_t x = n / 10000 | (uint64_t)(n % 10000) << 32;
    uint64_t hundreds = (x * 10486) >> 20 & 0x0000007f0000007fu;
    x = hundreds | (x - hundreds * 100) << 16;
    uint64_t tens = (x * 103) >> 10 & 0x000f000f000f000fu;
    return tens | (x - tens * 10) << 8;
}

INLINE void store(char *out, uint64_t bytes)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    bytes = __builtin_bswap64(bytes);
#endif
    memcpy(out, &bytes, sizeof bytes);
}

static const uint32_t ten_to[] = {1,      10,      100,      1000,      10000,
                                  100000, 1000000, 10000000, 100000000, 1000000000};

/* The number of decimal digits of n > 0: ⌊bits · log10(2)⌋ or one more. */
INLINE int count_digits(uint32_t n)
{
    int least = (32 - __builtin_clz(n)) * 1233 >> 12;
    return least + (n >= ten_to[least]);
}

/* Writes numbers from 0.0001 to below 10^10 without an exponent, as people do; the longest is
 * "-0.000123456789". May write to 24 bytes of `out`. Returns the length. */
INLINE size_t write_number(struct shortest number, char *out)
{
    int count = count_digits(number.digits),
        point = count + number.exponent; /* digits before the point */
    uint32_t nine = number.digits * ten_to[9 - count];
    char first = (char)('0' + nine / 100000000);
    uint64_t rest = spread(nine % 100000000);
    count = 9 - (rest ? __builtin_clzll(rest) / 8 : 8); /* without trailing zeros */
    rest |= ZEROS;
    if (point > -4 && point <= 0) { /* 0.0123 */
        memcpy(out, "0.000000", 8);
        out[2 - point] = first;
        store(out + 3 - point, rest);
        return (size_t)(2 - point) + (size_t)count;
    }
    out[0] = first;
    if (point > 0 && point <= 10) {
        store(out + 1, rest);
        store(out + 9, ZEROS);
        if (point >= count) /* 12300 */
            return (size_t)point;
        out[point] = '.'; /* 12.3 */
        store(out + point + 1, rest >> 8 * (point - 1));
        return (size_t)count + 1;
    }
    out[1] = '.'; /* 1.23e-45 */
    store(out + 2, rest);
    size_t len = (size_t)count + (count > 1);
    return len + write_exponent(point - 1, out + len);
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
    uint32_t fraction = bits & 0x7fffffu, biased = bits >> 23 & 0xff, is_negative = bits >> 31;
    if (__builtin_expect(biased == 0xff, 0)) {
        if (fraction)
            return write_word("NaN", 3, out);
        return is_negative ? write_word("-Infinity", 9, out) : write_word("Infinity", 8, out);
    }
    if ((fraction | biased) == 0)
        return is_negative ? write_word("-0.0", 4, out) : write_word("0", 1, out);
    out[0] = '-';
    return is_negative + write_number(find_shortest(fraction, biased), out + is_negative);
}

static size_t write_each(const float *values, size_t count, char *out)
{
    char *at = out;
    for (size_t i = 0; i < count; i++) {
        at += decimal_write(values[i], at);
        *at++ = ',';
    }
    return (size_t)(at - out);
}

size_t relud_float_to_text(float value, char *out)
{
    char text[DECIMAL_WRITE_BYTES];
    uint64_t env = float_env_enter();
    size_t len = decimal_write(value, text);
    float_env_leave(env);
    memcpy(out, text, RELUD_FLOAT_TEXT_MAX);
    return len;
}

size_t relud_floats_to_text(const float *values, size_t count, char *out)
{
    enum { SPARE = DECIMAL_WRITE_BYTES / RELUD_FLOAT_TEXT_MAX };
    size_t (*write)(const float *, size_t, char *) = write_each;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2"))
        write = decimal_write_avx2;
#endif
    uint64_t env = float_env_enter();
    /* Behind each of the first values there is room for SPARE others, so these may write beyond
     * their own. */
    size_t first = count > SPARE ? count - SPARE : 0, len = write(values, first, out);
    char last[SPARE * (RELUD_FLOAT_TEXT_MAX + 1) + DECIMAL_WRITE_BYTES];
    size_t len_last = write(values + first, count - first, last);
    float_env_leave(env);
    len_last -= len_last > 0; /* no comma at the end */
    memcpy(out + len, last, len_last);
    return len + len_last;
}
