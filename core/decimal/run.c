/* Reads many numbers at a time: "0.25,1e-3,…". */
#include "core/decimal/decimal.h"

#include "core/decimal/digits.h"
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

/* The state while a run of numbers is read. */
struct run {
    const char *begin, *at, *end;
    const char *behind; /* the byte after the last number read */
    float *out, *out_end;
};

#if defined(__SSE2__)

INLINE __m128i load16(const void *at)
{
    return _mm_loadu_si128(at);
}

/* Joins the `count` characters before `end`, 1 to 16, into a number. Returns false if one is not a
 * digit. Reads the 16 bytes before `end`. */
INLINE bool join_before(const char *end, size_t count, uint64_t *number)
{
    static const unsigned char keep[32] = {[16] = 255, 255, 255, 255, 255, 255, 255, 255,
                                           255,        255, 255, 255, 255, 255, 255, 255};
    const __m128i low = _mm_set1_epi16(255), ten = _mm_set1_epi16(10);
    __m128i digits =
        _mm_and_si128(_mm_xor_si128(load16(end - 16), _mm_set1_epi8('0')), load16(keep + count));
    __m128i beyond = _mm_subs_epu8(digits, _mm_set1_epi8(9));
    __m128i pairs =
        _mm_add_epi16(_mm_mullo_epi16(_mm_and_si128(digits, low), ten), _mm_srli_epi16(digits, 8));
    __m128i fours = _mm_madd_epi16(pairs, _mm_set1_epi32(1 << 16 | 100));
    __m128i eights = _mm_madd_epi16(_mm_packs_epi32(fours, fours), _mm_set1_epi32(1 << 16 | 10000));
    uint64_t halves = (uint64_t)_mm_cvtsi128_si64(eights);
    *number = (halves & 0xffffffff) * 100000000 + (halves >> 32);
    return _mm_movemask_epi8(_mm_cmpeq_epi8(beyond, _mm_setzero_si128())) == 0xffff;
}

/* Returns a mask of the commas among the 16 bytes at `at`, and sets *exponents to a mask of 'e' and
 * 'E'. */
INLINE unsigned find_commas(const char *at, unsigned *exponents)
{
    __m128i bytes = load16(at), lower = _mm_or_si128(bytes, _mm_set1_epi8(0x20));
    *exponents = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(lower, _mm_set1_epi8('e')));
    return (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(',')));
}

/* Reads a number that ends at `stop`: at `comma`, or at an 'e' before it. The forms are d.ddd and
 * ddd, with or without a minus sign. Returns false for any other form, which may still be a valid
 * number. */
INLINE bool read_between(const char *at, const char *stop, const char *comma, uint32_t *bits)
{
    const char *first = at + (*at == '-');
    size_t has_point = first[1] == '.', count = (size_t)(stop - first) - 2 * has_point;
    uint64_t digit = (uint64_t)(unsigned char)(*first - '0'), w;
    bool is_odd = (count - 1 > 15) | (digit > 9) | ((has_point | digit) == 0 && count != 1);
    if (is_odd || !join_before(stop, count, &w))
        return false;
    size_t places = has_point ? count : 0;
    w += has_point ? digit * decimal_whole_tens[places] : 0;
    double magnitude;
    if (__builtin_expect(stop != comma, 0)) {
        int exponent = -(int)places;
        if (read_exponent(stop + 1, &exponent) != comma || w == 0 || exponent < POWERS_FIRST ||
            exponent > 38)
            return false;
        magnitude = round_product(w, exponent);
    } else {
        magnitude = round_places(w, places);
    }
    *bits = float_bits(magnitude, (uint32_t)(first - at));
    return (*bits & 0x7f800000) != 0x7f800000;
}

/* Images are full of "0,0,0,0,". This reads on while the text repeats the `step` bytes before
 * run.at (2 to 8): the last number and its separator. It stores eight values at once. */
static struct run repeat(struct run run, size_t step)
{
    const size_t inverse = 65536 / step + 1;
    const __m128 values = _mm_set1_ps(run.out[-1]);
    while (run.out_end - run.out >= 8 && run.end - run.at >= 16) {
        __m128i same = _mm_cmpeq_epi8(load16(run.at), load16(run.at - step));
        unsigned differ = ~(unsigned)_mm_movemask_epi8(same);
        size_t bytes = (size_t)__builtin_ctz(differ), times = bytes * inverse >> 16;
        _mm_storeu_ps(run.out, values);
        _mm_storeu_ps(run.out + 4, values);
        run.out += times;
        run.at += times * step;
        if (bytes < 16)
            break;
    }
    return run;
}

/* Reads numbers of the two common forms while they come and DECIMAL_QUICK_BYTES remain. A processor
 * works on several numbers at once if it need not finish one to know where the next begins. So the
 * comma is searched for separately from the reading, and the code assumes the same blank after it
 * as last time. */
static struct run run_on(struct run run)
{
    size_t gap = 1;
    while (run.out < run.out_end && run.end - run.at >= DECIMAL_QUICK_BYTES) {
        unsigned exponents, commas = find_commas(run.at, &exponents);
        if (commas == 0)
            break;
        const char *at = run.at, *comma = at + __builtin_ctz(commas);
        const char *stop = at + __builtin_ctz(commas | exponents), *next = comma + gap;
        uint32_t bits;
        if (stop - run.begin < 16 || !read_between(at, stop, comma, &bits))
            break;
        memcpy(run.out++, &bits, sizeof bits);
        run.behind = comma;
        if (__builtin_expect((comma[1] == ' ') != (gap == 2), 0)) {
            gap = 3 - gap;
            next = comma + gap;
        }
        run.at = next;
        size_t step = (size_t)(next - at);
        if (step <= 8 && (load(next) ^ load(at)) << (64 - 8 * step) == 0) {
            run = repeat(run, step);
            run.behind = run.at - gap;
        }
    }
    return run;
}

#else

static struct run run_on(struct run run)
{
    return run;
}

#endif

const char *decimal_read_run(const char *at, const char *end, float *values, size_t room,
                             size_t *count)
{
    struct run run = {at, at, end, at, values, values + room};
    while (run.out < run.out_end) {
        float value;
        const char *behind = decimal_read(run.at, end, &value);
        if (!behind || !is_finite(value))
            break;
        *run.out++ = value;
        run.behind = behind;
        if (end - behind < 3 || *behind != ',')
            break;
        run.at = behind + 1 + (behind[1] == ' ');
        run = run_on(run);
    }
    *count = (size_t)(run.out - values);
    return run.behind;
}
