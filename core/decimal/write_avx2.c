/* Writes the shortest decimals of eight floats at a time, with AVX2. What its arithmetic cannot
 * decide goes to core/decimal/write.c; `make floats` compares the two for every float. */
#include "core/decimal/write.h"

#if defined(__AVX2__)
#include <immintrin.h>

enum { LANES = 8 };

/* Eight floats as digits. */
struct spelt {
    char digits[LANES][16]; /* nine digits, then '0' and '.' */
    int32_t point[LANES];   /* digits before the point */
    uint8_t others[LANES];  /* a bit for each digit behind the first that is not 0 */
    int undecided;          /* a bit for each float that is not spelt */
};

/* Four of the eight, as 64-bit numbers. */
struct four {
    __m256i digits;   /* the shortest decimal, without its power of ten; 7 to 9 digits */
    __m256i is_close; /* all ones where rounding decides what was found */
};

/* 10^-k, with k in 32-bit lanes: its leading 64 bits, rounded up where they are not exact. */
static inline __m256i powers_of(__m128i minus_k)
{
    int32_t at[4];
    __m128i is_inexact = _mm_or_si128(_mm_cmpgt_epi32(_mm_setzero_si128(), minus_k),
                                      _mm_cmpgt_epi32(minus_k, _mm_set1_epi32(POWERS_EXACT_LAST)));
    _mm_storeu_si128((__m128i *)at, minus_k);
    const struct power *zero = decimal_powers - POWERS_FIRST;
    __m256i high = _mm256_set_epi64x((int64_t)zero[at[3]].high, (int64_t)zero[at[2]].high,
                                     (int64_t)zero[at[1]].high, (int64_t)zero[at[0]].high);
    return _mm256_sub_epi64(high, _mm256_cvtepi32_epi64(is_inexact));
}

/* x is within EDGE of 0. */
enum { EDGE_BITS = 10, EDGE = 1 << EDGE_BITS };
static inline __m256i is_near_zero(__m256i x)
{
    x = _mm256_add_epi64(x, _mm256_set1_epi64x(EDGE));
    return _mm256_cmpeq_epi64(_mm256_srli_epi64(x, EDGE_BITS + 1), _mm256_setzero_si256());
}

/* As find_shortest, but with one multiplication: c · 2^h · g is the value in units of 10^k / 2^32,
 * which is exact but for less than 2 of them. That may decide only where a bound of the interval is
 * within EDGE of a neighbour with one digit less, or the value within EDGE of the middle between
 * two integers. What lies EDGE inside the interval is also read back through a double: its 53 bits
 * are less than 128 units apart. */
static inline struct four find_four(__m256i c, __m256i h, __m256i g)
{
    const __m256i ten = _mm256_set1_epi64x(INT64_C(10) << 32),
                  middle = _mm256_set1_epi64x(INT64_C(1) << 31);
    __m256i low = _mm256_mul_epu32(g, c), high = _mm256_mul_epu32(_mm256_srli_epi64(g, 32), c);
    __m256i value = _mm256_add_epi64(high, _mm256_srli_epi64(low, 32));
    __m256i half = _mm256_srlv_epi64(g, _mm256_sub_epi64(_mm256_set1_epi64x(33), h));
    __m256i tens = _mm256_mul_epu32(_mm256_srli_epi64(value, 32),
                                    _mm256_set1_epi64x(0xcccccccd)); /* 2^35 / 10 */
    tens = _mm256_mul_epu32(_mm256_srli_epi64(tens, 35), _mm256_set1_epi64x(10));
    __m256i above = _mm256_sub_epi64(value, _mm256_slli_epi64(tens, 32));
    __m256i next = _mm256_sub_epi64(ten, half); /* from here on the next ten is inside */
    __m256i fraction = _mm256_blend_epi32(value, _mm256_setzero_si256(), 0xaa);
    struct four found = {.is_close = is_near_zero(_mm256_sub_epi64(fraction, middle))};
    found.is_close = _mm256_or_si256(found.is_close, is_near_zero(_mm256_sub_epi64(above, half)));
    found.is_close = _mm256_or_si256(found.is_close, is_near_zero(_mm256_sub_epi64(above, next)));
    __m256i is_tens_inside = _mm256_cmpgt_epi64(half, above),
            is_next_inside = _mm256_cmpgt_epi64(above, next);
    __m256i nearest = _mm256_srli_epi64(_mm256_add_epi64(value, middle), 32);
    __m256i shorter =
        _mm256_add_epi64(tens, _mm256_and_si256(is_next_inside, _mm256_set1_epi64x(10)));
    found.digits =
        _mm256_blendv_epi8(nearest, shorter, _mm256_xor_si256(is_tens_inside, is_next_inside));
    return found;
}

/* Spreads numbers below 10^8 into eight digits, one per byte, the first digit in the lowest. */
static inline __m256i spread(__m256i n)
{
    __m256i myriads = _mm256_srli_epi64(_mm256_mul_epu32(n, _mm256_set1_epi64x(3518437209)),
                                        45); /* 2^45 / 10^4 */
    n = _mm256_sub_epi64(n, _mm256_mul_epu32(myriads, _mm256_set1_epi64x(10000)));
    n = _mm256_or_si256(myriads, _mm256_slli_epi64(n, 32));
    __m256i hundreds = /* 2^19 / 100 */
        _mm256_srli_epi16(_mm256_mulhi_epu16(n, _mm256_set1_epi32(5243)), 3);
    n = _mm256_sub_epi16(n, _mm256_mullo_epi16(hundreds, _mm256_set1_epi16(100)));
    n = _mm256_or_si256(hundreds, _mm256_slli_epi32(n, 16));
    __m256i tens = _mm256_srli_epi16(_mm256_mullo_epi16(n, _mm256_set1_epi16(103)), 10);
    n = _mm256_sub_epi16(n, _mm256_mullo_epi16(tens, _mm256_set1_epi16(10)));
    return _mm256_or_si256(tens, _mm256_slli_epi16(n, 8));
}

/* Stores the characters of four of the eight, and returns how many digits each number had. */
static inline __m256i store_digits(__m256i n, char (*digits)[16], uint32_t *others)
{
    __m256i has_8 = _mm256_cmpgt_epi64(n, _mm256_set1_epi64x(9999999)),
            has_9 = _mm256_cmpgt_epi64(n, _mm256_set1_epi64x(99999999));
    /* Times 100, 10 or 1 they all have nine. */
    __m256i times = _mm256_add_epi64(
        _mm256_set1_epi64x(100), _mm256_add_epi64(_mm256_and_si256(has_8, _mm256_set1_epi64x(-90)),
                                                  _mm256_and_si256(has_9, _mm256_set1_epi64x(-9))));
    __m256i nine = _mm256_mul_epu32(n, times);
    __m256i first = _mm256_srli_epi64(_mm256_mul_epu32(nine, _mm256_set1_epi64x(1441151881)),
                                      57); /* 2^57 / 10^8 */
    __m256i rest =
        spread(_mm256_sub_epi64(nine, _mm256_mul_epu32(first, _mm256_set1_epi64x(100000000))));
    *others = ~(uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(rest, _mm256_setzero_si256()));
    __m256i low =
        _mm256_or_si256(_mm256_or_si256(first, _mm256_slli_epi64(rest, 8)), _mm256_set1_epi8('0'));
    __m256i high = _mm256_or_si256(_mm256_srli_epi64(rest, 56), _mm256_set1_epi64x(0x2e3030));
    __m256i even = _mm256_unpacklo_epi64(low, high), odd = _mm256_unpackhi_epi64(low, high);
    _mm_storeu_si128((__m128i *)digits[0], _mm256_castsi256_si128(even));
    _mm_storeu_si128((__m128i *)digits[1], _mm256_castsi256_si128(odd));
    _mm_storeu_si128((__m128i *)digits[2], _mm256_extracti128_si256(even, 1));
    _mm_storeu_si128((__m128i *)digits[3], _mm256_extracti128_si256(odd, 1));
    return _mm256_sub_epi64(_mm256_set1_epi64x(7), _mm256_add_epi64(has_8, has_9));
}

/* The lower halves of eight 64-bit numbers. */
static inline __m256i join(__m256i first, __m256i second)
{
    __m256 halves =
        _mm256_shuffle_ps(_mm256_castsi256_ps(first), _mm256_castsi256_ps(second), 0x88);
    return _mm256_permute4x64_epi64(_mm256_castps_si256(halves), 0xd8);
}

static inline void spell(const float values[LANES], struct spelt *spelt)
{
    __m256i size = _mm256_and_si256(_mm256_loadu_si256((const __m256i *)values),
                                    _mm256_set1_epi32(0x7fffffff));
    __m256i fraction = _mm256_and_si256(size, _mm256_set1_epi32(0x7fffff)),
            biased = _mm256_srli_epi32(size, 23);
    /* Powers of two have a closer lower neighbour; subnormals have fewer bits. */
    __m256i is_other =
        _mm256_or_si256(_mm256_cmpeq_epi32(fraction, _mm256_setzero_si256()),
                        _mm256_or_si256(_mm256_cmpeq_epi32(biased, _mm256_setzero_si256()),
                                        _mm256_cmpeq_epi32(biased, _mm256_set1_epi32(0xff))));
    __m256i c = _mm256_or_si256(fraction, _mm256_set1_epi32(1 << 23));
    __m256i q =
        _mm256_sub_epi32(_mm256_max_epu32(biased, _mm256_set1_epi32(1)), _mm256_set1_epi32(150));
    __m256i k = _mm256_srai_epi32(_mm256_mullo_epi32(q, _mm256_set1_epi32(LOG10_2)), LOG10_2_BITS);
    __m256i minus_k = _mm256_sub_epi32(_mm256_setzero_si256(), k);
    __m256i h =
        _mm256_srai_epi32(_mm256_mullo_epi32(minus_k, _mm256_set1_epi32(LOG2_10)), LOG2_10_BITS);
    h = _mm256_add_epi32(_mm256_add_epi32(h, q), _mm256_set1_epi32(1));
    c = _mm256_sllv_epi32(c, h);
    struct four low = find_four(_mm256_cvtepu32_epi64(_mm256_castsi256_si128(c)),
                                _mm256_cvtepu32_epi64(_mm256_castsi256_si128(h)),
                                powers_of(_mm256_castsi256_si128(minus_k)));
    struct four high = find_four(_mm256_cvtepu32_epi64(_mm256_extracti128_si256(c, 1)),
                                 _mm256_cvtepu32_epi64(_mm256_extracti128_si256(h, 1)),
                                 powers_of(_mm256_extracti128_si256(minus_k, 1)));
    uint32_t others[2];
    __m256i count = join(store_digits(low.digits, spelt->digits, &others[0]),
                         store_digits(high.digits, spelt->digits + 4, &others[1]));
    memcpy(spelt->others, others, sizeof others);
    _mm256_storeu_si256((__m256i *)spelt->point, _mm256_add_epi32(count, k));
    is_other = _mm256_or_si256(is_other, join(low.is_close, high.is_close));
    spelt->undecided = _mm256_movemask_ps(_mm256_castsi256_ps(is_other));
}

/* For -3 to 10 digits before the point: which character comes where, and how many there are beside
 * the digits. */
enum { POINT_FIRST = -3, POINT_LAST = 10 };
#define NUL 9
#define DOT 10
static const struct {
    uint8_t from[16], more;
} layout[POINT_LAST - POINT_FIRST + 1] = {
    {{NUL, DOT, NUL, NUL, NUL, 0, 1, 2, 3, 4, 5, 6, 7, 8, NUL, NUL}, 5},
    {{NUL, DOT, NUL, NUL, 0, 1, 2, 3, 4, 5, 6, 7, 8, NUL, NUL, NUL}, 4},
    {{NUL, DOT, NUL, 0, 1, 2, 3, 4, 5, 6, 7, 8, NUL, NUL, NUL, NUL}, 3},
    {{NUL, DOT, 0, 1, 2, 3, 4, 5, 6, 7, 8, NUL, NUL, NUL, NUL, NUL}, 2},
    {{0, DOT, 1, 2, 3, 4, 5, 6, 7, 8, NUL, NUL, NUL, NUL, NUL, NUL}, 1},
    {{0, 1, DOT, 2, 3, 4, 5, 6, 7, 8, NUL, NUL, NUL, NUL, NUL, NUL}, 1},
    {{0, 1, 2, DOT, 3, 4, 5, 6, 7, 8, NUL, NUL, NUL, NUL, NUL, NUL}, 1},
    {{0, 1, 2, 3, DOT, 4, 5, 6, 7, 8, NUL, NUL, NUL, NUL, NUL, NUL}, 1},
    {{0, 1, 2, 3, 4, DOT, 5, 6, 7, 8, NUL, NUL, NUL, NUL, NUL, NUL}, 1},
    {{0, 1, 2, 3, 4, 5, DOT, 6, 7, 8, NUL, NUL, NUL, NUL, NUL, NUL}, 1},
    {{0, 1, 2, 3, 4, 5, 6, DOT, 7, 8, NUL, NUL, NUL, NUL, NUL, NUL}, 1},
    {{0, 1, 2, 3, 4, 5, 6, 7, DOT, 8, NUL, NUL, NUL, NUL, NUL, NUL}, 1},
    {{0, 1, 2, 3, 4, 5, 6, 7, 8, NUL, NUL, NUL, NUL, NUL, NUL, NUL}, 1},
    {{0, 1, 2, 3, 4, 5, 6, 7, 8, NUL, NUL, NUL, NUL, NUL, NUL, NUL}, 1},
};
#undef NUL
#undef DOT

/* Writes number i of the eight, as write_number does. */
static inline size_t lay_out(const struct spelt *spelt, size_t i, char *out)
{
    int point = spelt->point[i], count = 32 - __builtin_clz(spelt->others[i] * 2u + 1);
    bool is_plain = (point >= POINT_FIRST) & (point <= POINT_LAST);
    size_t row = (size_t)(is_plain ? point - POINT_FIRST : 1 - POINT_FIRST);
    __m128i text = _mm_loadu_si128((const __m128i *)spelt->digits[i]);
    text = _mm_shuffle_epi8(text, _mm_loadu_si128((const __m128i *)layout[row].from));
    _mm_storeu_si128((__m128i *)out, text);
    if (__builtin_expect(is_plain, 1)) /* 12300, or 12.3 */
        return (size_t)(count > point ? count + layout[row].more : point);
    size_t len = (size_t)count + (count > 1); /* 1.23e-45 */
    return len + write_exponent(point - 1, out + len);
}

size_t decimal_write_avx2(const float *values, size_t count, char *out)
{
    char *at = out;
    for (size_t begin = 0; begin < count; begin += LANES) {
        size_t some = count - begin < LANES ? count - begin : LANES;
        float eight[LANES] = {0};
        struct spelt spelt;
        memcpy(eight, values + begin, some * sizeof *eight);
        spell(some == LANES ? values + begin : eight, &spelt);
        int negative = _mm256_movemask_ps(_mm256_loadu_ps(some == LANES ? values + begin : eight));
        for (size_t i = 0; i < some; i++) {
            if (__builtin_expect(spelt.undecided >> i & 1, 0)) {
                at += decimal_write(values[begin + i], at);
            } else {
                *at = '-';
                at += negative >> i & 1;
                at += lay_out(&spelt, i, at);
            }
            *at++ = ',';
        }
    }
    return (size_t)(at - out);
}

#endif
