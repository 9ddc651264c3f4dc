/* float32 <-> decimal text: the number grammar of RFC 8259 §6, rounding, and the shortest form. Knows numbers
 * only; arrays of them are core/json_rows.c's. */
#ifndef CORE_DECIMAL_H
#define CORE_DECIMAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

__extension__ typedef unsigned __int128
    uint128; /* GCC's and Clang's, wherever pointers have 64 bits */

/* What a scan of the digits found: (-1)^is_negative · digits · 10^exponent. */
struct decimal {
    uint64_t digits; /* the first 19 significant ones */
    int64_t exponent;
    bool is_negative;
    bool is_cut; /* there were more than 19 */
};

/* Rounds to the nearest double, ties to even, then to float32; may overflow to infinity. [begin, end) is the number's
 * text, read again only when 19 digits do not decide. */
float decimal_round(const struct decimal *decimal, const char *begin, const char *end);

/* Reads the general form; see decimal_read. */
const char *decimal_read_slowly(const char *at, const char *end, float *value);

/* Eight bytes, the first in the lowest place. */
static inline uint64_t decimal_load(const char *at)
{
    uint64_t bytes;
    memcpy(&bytes, at, sizeof bytes);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    bytes = __builtin_bswap64(bytes);
#endif
    return bytes;
}

/* How many of eight bytes, xored with "00000000", are digits before the first that is not. A sum's carry can only
 * spoil bytes behind the first non-digit. */
static inline unsigned decimal_count(uint64_t bytes)
{
    uint64_t beyond = ((bytes + 0x7676767676767676u) | bytes) & 0x8080808080808080u;
    return beyond ? (unsigned)__builtin_ctzll(beyond) / 8 : 8;
}

/* Eight decimal digits, one a byte, first digit lowest, to their number: pairs, fours, eights. */
static inline uint64_t decimal_join(uint64_t bytes)
{
    bytes = bytes * 10 + (bytes >> 8);
    uint64_t odd = bytes & 0x000000ff000000ffu, even = bytes >> 16 & 0x000000ff000000ffu;
    return (odd * (100 + (1000000ull << 32)) + even * (1 + (10000ull << 32))) >> 32;
}

/* Reads one JSON number at `at`, never beyond end. Returns the byte behind it, NULL when there is none. The quick
 * form here takes what a client's library writes nearly always: up to 7 digits, perhaps a point and up to 16 more, in
 * all below 2^53, no exponent. How many digits there are differs from number to number, so nothing branches on it. */
static inline const char *decimal_read(const char *at, const char *end, float *value)
{
    static const double tens[] = {1,   1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7, 1e8,
                                  1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16};
    static const uint64_t whole_tens[] = {1,         10,         100,         1000,
                                          10000,     100000,     1000000,     10000000,
                                          100000000, 1000000000, 10000000000, 100000000000};
    enum { QUICK_BYTES = 1 + 7 + 1 + 16 + 1, PLACES_WITH_WHOLE_MAX = 11 };
    const char *begin = at;
    if (end - at < QUICK_BYTES)
        return decimal_read_slowly(begin, end, value);
    bool is_negative = *at == '-';
    at += is_negative;
    /* One digit before the point is so common that guessing it is worth a branch: the next load need not wait for a
     * count of digits then. */
    uint64_t digits = (unsigned char)*at ^ 0x30u;
    if (at[1] == '.' && digits < 10) {
        at++;
    } else {
        uint64_t bytes = decimal_load(at) ^ 0x3030303030303030u;
        unsigned count = decimal_count(bytes);
        if (count == 0 || count == 8 || (count > 1 && digits == 0))
            return decimal_read_slowly(begin, end, value);
        digits = decimal_join(bytes << (64 - 8 * count));
        at += count;
    }
    unsigned places = 0;
    if (*at == '.') {
        at++;
        uint64_t first = decimal_load(at) ^ 0x3030303030303030u;
        uint64_t last = decimal_load(at + 8) ^ 0x3030303030303030u;
        unsigned in_first = decimal_count(first), in_last = decimal_count(last);
        places = in_first + (in_first == 8 ? in_last : 0);
        if (places == 0 || (digits && places > PLACES_WITH_WHOLE_MAX))
            return decimal_read_slowly(begin, end, value);
        uint128 both = ((uint128)last << 64 | first) << (128 - 8 * places);
        uint64_t fraction =
            decimal_join((uint64_t)both) * 100000000 + decimal_join((uint64_t)(both >> 64));
        digits = digits ? digits * whole_tens[places] + fraction : fraction;
        at += places;
    }
    if ((*at | 0x20) == 'e' || (unsigned)(*at - '0') < 10 || digits > (uint64_t)1 << 53)
        return decimal_read_slowly(begin, end, value);
    /* Both operands are exact, so the one division rounds correctly (Clinger 1990). */
    double exact = (double)(int64_t)digits / tens[places];
    *value = (float)(is_negative ? -exact : exact);
    return at;
}

/* The shortest decimal, see relud_float_to_text. */
size_t decimal_write(float value, char *out);

#endif
