/* Writes and reads back all 2^32 floats, one by one and as arrays, then reads random and hard decimals beside strtod.
 * Two threads, some minutes; stops with status 1 at the first difference. */
#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <relud/relud.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    THREADS = 2,
    BLOCK = 1 << 12,          /* floats written and read as one array */
    BLOCKS_PER_DOT = 1 << 16, /* 2^28 floats */
    DECIMALS = 12 * 1000 * 1000,
};

struct worker {
    pthread_t thread;
    uint64_t first_block, end_block;
    uint64_t seed;
    uint64_t finite; /* floats that were read back */
    uint64_t bytes;  /* of their text */
    float values[BLOCK], back[BLOCK * (RELUD_FLOAT_TEXT_MAX + 1)];
    char text[BLOCK * (RELUD_FLOAT_TEXT_MAX + 1) + 16];
};

static atomic_uint_fast64_t blocks_done;

static uint32_t bits_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static void stop(uint32_t bits, const char *what, const char *text, size_t len)
{
    fprintf(stderr, "\nall_floats: %08" PRIx32 ": %s: %.*s\n", bits, what, (int)len, text);
    exit(EXIT_FAILURE);
}

/* ---- all floats ---- */

/* Returns the length of the float's text, which must be in the array's text as well. */
static size_t check_one(float value, const char *in_array)
{
    char text[RELUD_FLOAT_TEXT_MAX];
    float back;
    size_t len = relud_float_to_text(value, text);
    if (len > RELUD_FLOAT_TEXT_MAX)
        stop(bits_of(value), "longer than it may be", text, RELUD_FLOAT_TEXT_MAX);
    if (memcmp(text, in_array, len) != 0)
        stop(bits_of(value), "is written otherwise in an array", text, len);
    if (isfinite(value) &&
        (relud_text_to_float(text, len, &back) != len || bits_of(back) != bits_of(value)))
        stop(bits_of(value), "does not read back", text, len);
    return len;
}

static void check_block(struct worker *w, uint64_t block)
{
    for (uint32_t i = 0; i < BLOCK; i++) {
        uint32_t bits = (uint32_t)(block * BLOCK) + i;
        memcpy(&w->values[i], &bits, sizeof bits);
    }
    size_t head = (size_t)sprintf(w->text, "{\"a\":[");
    size_t len = head + relud_floats_to_text(w->values, BLOCK, w->text + head);
    const char *at = w->text + head;
    for (size_t i = 0; i < BLOCK; i++)
        at += check_one(w->values[i], at) + 1;
    if ((size_t)(at - w->text) != len + 1)
        stop(bits_of(w->values[0]), "the array is of another length", "", 0);
    if (!isfinite(w->values[0])) /* 2^23 of them begin with an infinity: whole blocks */
        return;
    memcpy(w->text + len, "]}", 2);
    char rest[16];
    struct relud_error error;
    struct relud_json_array array = {.values = w->back,
                                     .capacity = sizeof w->back / sizeof *w->back};
    if (!relud_json_read(w->text, len + 2, "a", &array, rest, sizeof rest, &error))
        stop(bits_of(w->values[0]), "does not read as an array", error.text, strlen(error.text));
    if (array.count != BLOCK || memcmp(w->back, w->values, sizeof w->values) != 0)
        stop(bits_of(w->values[0]), "an array that begins with it does not read back",
             w->text + head, 60);
    w->finite += BLOCK;
    w->bytes += len - head - BLOCK + 1;
}

/* ---- decimals beside strtod ---- */

static uint64_t random_next(uint64_t *state) /* splitmix64 */
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* One to 25 random digits, anywhere a point, often an exponent. */
static size_t print_random(uint64_t *state, char *text)
{
    uint64_t r = random_next(state);
    size_t digits = 1 + r % 25, point = (r >> 8) % digits, len = 0;
    if (r >> 20 & 1)
        text[len++] = '-';
    for (size_t d = 0; d <= digits; d++) {
        text[len++] = (char)((d || point == 0 ? '0' : '1') + random_next(state) % 9);
        if (d == point && point == 0)
            text[len - 1] = '0';
        if (d == point && d < digits)
            text[len++] = '.';
    }
    if (r >> 21 & 1)
        len += (size_t)sprintf(text + len, "e%d", (int)(r >> 32) % 140 - 70);
    return len;
}

/* Half way between two floats, or the double beside it, to 17 and more digits. */
static size_t print_half_way(uint64_t *state, char *text)
{
    uint64_t r = random_next(state);
    uint32_t bits = (uint32_t)(r >> 32) & 0x7fffffffu;
    float value;
    memcpy(&value, &bits, sizeof value);
    if (!isfinite(value))
        value = 1;
    double half = ((double)value + (double)nextafterf(value, INFINITY)) / 2;
    if (r & 1)
        half = nextafter(half, r & 2 ? 0 : (double)INFINITY);
    return (size_t)sprintf(text, "%.*e", 16 + (int)(r >> 8 & 15), half);
}

static void check_decimals(struct worker *w)
{
    char text[128];
    for (int i = 0; i < DECIMALS / THREADS; i++) {
        size_t len = i % 2 ? print_random(&w->seed, text) : print_half_way(&w->seed, text);
        text[len] = '\0';
        float wanted = (float)strtod(text, NULL), value = 0;
        size_t taken = relud_text_to_float(text, len, &value);
        memset(text + len, ',', 60); /* far from the end of the text another way is taken */
        float again = 0;
        size_t taken_again = relud_text_to_float(text, len + 60, &again);
        if (taken != len || taken_again != len || bits_of(value) != bits_of(wanted) ||
            bits_of(again) != bits_of(wanted))
            stop(bits_of(wanted), "strtod reads this as it, relud otherwise", text, len);
    }
}

static void *work(void *user)
{
    struct worker *w = user;
    for (uint64_t block = w->first_block; block < w->end_block; block++) {
        check_block(w, block);
        if (atomic_fetch_add(&blocks_done, 1) % BLOCKS_PER_DOT == BLOCKS_PER_DOT - 1) {
            printf(".");
            fflush(stdout);
        }
    }
    check_decimals(w);
    return NULL;
}

int main(void)
{
    static struct worker workers[THREADS];
    const uint64_t blocks = (UINT64_C(1) << 32) / BLOCK;
    struct timespec begin, end;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    printf("all 2^32 floats, sixteen dots: ");
    fflush(stdout);
    for (uint64_t i = 0; i < THREADS; i++) {
        workers[i].first_block = blocks * i / THREADS;
        workers[i].end_block = blocks * (i + 1) / THREADS;
        workers[i].seed = i;
        if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0) {
            fprintf(stderr, "all_floats: no thread\n");
            return EXIT_FAILURE;
        }
    }
    uint64_t finite = 0, bytes = 0;
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(workers[i].thread, NULL);
        finite += workers[i].finite;
        bytes += workers[i].bytes;
    }
    clock_gettime(CLOCK_MONOTONIC, &end);
    printf("\n%" PRIu64 " finite floats written and read back to the same bits, %.2f bytes each\n"
           "%d random and half-way decimals read as strtod reads them\n%.0f seconds\n",
           finite, (double)bytes / (double)finite, DECIMALS, difftime(end.tv_sec, begin.tv_sec));
    return finite == UINT64_C(2) * 255 * (1 << 23) ? EXIT_SUCCESS : EXIT_FAILURE;
}
