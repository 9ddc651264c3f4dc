/* Writes each of the 2^32 float32 values and reads it back: all must come back bit for bit. Two threads, minutes. */
#include <math.h>
#include <pthread.h>
#include <relud/relud.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct half {
    uint64_t first, end, checked, wrong;
};

static void *check(void *user)
{
    struct half *half = user;
    char text[RELUD_FLOAT_TEXT_MAX];
    for (uint64_t i = half->first; i < half->end; i++) {
        uint32_t bits = (uint32_t)i, back_bits;
        float value, back;
        memcpy(&value, &bits, sizeof value);
        if (!isfinite(value))
            continue;
        size_t len = relud_float_to_text(value, text);
        if (len > RELUD_FLOAT_TEXT_MAX || relud_text_to_float(text, len, &back) != len) {
            printf("%08x: '%.*s' is not read\n", bits, (int)len, text);
            exit(1);
        }
        memcpy(&back_bits, &back, sizeof back_bits);
        if (back_bits != bits) {
            printf("%08x: '%.*s' reads back as %08x\n", bits, (int)len, text, back_bits);
            half->wrong++;
        }
        half->checked++;
    }
    return NULL;
}

int main(void)
{
    struct half halves[2] = {{0, 1ull << 31, 0, 0}, {1ull << 31, 1ull << 32, 0, 0}};
    pthread_t threads[2];
    for (size_t i = 0; i < 2; i++)
        if (pthread_create(&threads[i], NULL, check, &halves[i]) != 0)
            return 1;
    for (size_t i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    unsigned long long checked = halves[0].checked + halves[1].checked;
    unsigned long long wrong = halves[0].wrong + halves[1].wrong;
    printf("%llu finite floats written and read back, %llu differ\n", checked, wrong);
    return wrong != 0;
}
