/* Writes the table of powers of ten, build/generated/powers.h. For each q it holds the 128 leading
 * bits of 5^q (10^q without its power of two). They are truncated for q >= 0 and rounded up for
 * q < 0, as Eisel–Lemire needs them (Lemire, "Number Parsing at a Gigabyte per Second", 2021, §5).
 * Plain long arithmetic is fast enough: the program runs once, at build time. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* 24 words of 32 bits are ample for 2^(128 + 151) and 5^65. */
enum { FIRST = -65, LAST = 45, WORDS = 24 };

struct big {
    uint32_t word[WORDS]; /* little-endian */
};

static void multiply(struct big *n, uint32_t factor)
{
    uint64_t carry = 0;
    for (int i = 0; i < WORDS; i++) {
        carry += (uint64_t)n->word[i] * factor;
        n->word[i] = (uint32_t)carry;
        carry >>= 32;
    }
}

static void divide(struct big *n, uint32_t divisor)
{
    uint64_t rest = 0;
    for (int i = WORDS; i-- > 0;) {
        rest = rest << 32 | n->word[i];
        n->word[i] = (uint32_t)(rest / divisor);
        rest %= divisor;
    }
}

static int bit(const struct big *n, int i)
{
    return i >= 0 && (n->word[i / 32] >> i % 32 & 1);
}

static int top_bit(const struct big *n)
{
    int i = WORDS * 32 - 1;
    while (!bit(n, i))
        i--;
    return i;
}

int main(void)
{
    printf("/* Made by core/decimal/gen_powers.c. */\n"
           "_Static_assert(POWERS_FIRST == %d && POWERS_LAST == %d, \"core/decimal/digits.h says "
           "otherwise\");\n"
           "const struct power decimal_powers[] = {\n",
           FIRST, LAST);
    for (int q = FIRST; q <= LAST; q++) {
        struct big n;
        memset(&n, 0, sizeof n);
        if (q >= 0) {
            n.word[0] = 1;
            for (int i = 0; i < q; i++)
                multiply(&n, 5);
        } else { /* repeated ⌊n / 5⌋ gives ⌊n / 5^-q⌋ */
            n.word[WORDS - 1] = 1u << 31;
            for (int i = 0; i < -q; i++)
                divide(&n, 5);
        }
        uint64_t part[2] = {0, 0};
        for (int i = 0, top = top_bit(&n); i < 128; i++)
            part[i / 64] = part[i / 64] << 1 | (uint64_t)bit(&n, top - i);
        if (q < 0 && ++part[1] == 0)
            part[0]++;
        printf("    {0x%016llxu, 0x%016llxu}, /* %d */\n", (unsigned long long)part[0],
               (unsigned long long)part[1], q);
    }
    printf("};\n");
    return 0;
}
