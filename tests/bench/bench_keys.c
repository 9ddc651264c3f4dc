/* Does the time that a wrong key takes say how much of it is right? Keys that are right but for their last byte, and keys that are
 * wrong everywhere, drawn in random order and timed one by one, as dudect does it (Reparaz, Balasch, Verbauwhede 2017): Welch's t
 * of the two, of what is left without the slowest tenth. |t| under 4.5 says that no difference is seen. That one would be seen, is
 * shown by the same on a comparison that stops at the first wrong byte.
 *
 * bench_keys [SAMPLES]: "keys: t T" and "naive: t T" */
#include "tests/bench/bench.h"

#include "server/base/keys.h"
#include <gnutls/crypto.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

enum { KEY_BYTES = 32, HASH_BYTES = 32, BLOCK = 1000 };

struct subject {
    struct keyring ring;
    char key[KEY_BYTES];
    unsigned scopes;
    unsigned char seen; /* so that no hash is left out as unused */
};

static uint64_t random_next(void) /* splitmix64 */
{
    static uint64_t state = 60;
    uint64_t z = state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static char random_letter(void)
{
    return "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef"[random_next() % 32];
}

static void stop(const char *why)
{
    fprintf(stderr, "bench_keys: %s\n", why);
    exit(EXIT_FAILURE);
}

static void make_ring(struct subject *subject)
{
    unsigned char hash[HASH_BYTES];
    char line[128] = "app infer sha256:";
    struct relud_error error;
    for (size_t i = 0; i < KEY_BYTES; i++)
        subject->key[i] = random_letter();
    gnutls_hash_fast(GNUTLS_DIG_SHA256, subject->key, KEY_BYTES, hash);
    for (size_t i = 0; i < HASH_BYTES; i++)
        snprintf(line + strlen(line), 3, "%02x", hash[i]);
    subject->ring.newest = keys_parse(line, strlen(line), "bench_keys", &error);
    if (!subject->ring.newest)
        stop(error.text);
    if (keys_scopes(subject->ring.newest, subject->key, KEY_BYTES, NULL) != KEY_INFER)
        stop("the right key is not known");
}

/* ---- the two ways ---- */

static void ask_keys(struct subject *subject, const char *key)
{
    subject->scopes |= keys_scopes(subject->ring.newest, key, KEY_BYTES, NULL);
}

/* How it must not be: a hash beside it, so that both have as much noise. */
static void ask_naive(struct subject *subject, const char *key)
{
    unsigned char hash[HASH_BYTES];
    gnutls_hash_fast(GNUTLS_DIG_SHA256, key, KEY_BYTES, hash);
    size_t same = 0;
    for (const volatile char *at = key; same < KEY_BYTES && at[same] == subject->key[same];)
        same++;
    subject->scopes |= same == KEY_BYTES;
    subject->seen ^= hash[0];
}

/* ---- the measure ---- */

struct sample {
    double ns;
    bool is_prefix;
};

/* A block's keys are made before any is timed. */
static void time_block(struct subject *subject,
                       void (*ask)(struct subject *subject, const char *key), struct sample *sample,
                       size_t samples)
{
    static char key[BLOCK][KEY_BYTES];
    for (size_t i = 0; i < samples; i++) {
        sample[i].is_prefix = random_next() & 1;
        for (size_t k = 0; k < KEY_BYTES; k++)
            key[i][k] = random_letter();
        if (sample[i].is_prefix)
            memcpy(key[i], subject->key, KEY_BYTES - 1);
        key[i][KEY_BYTES - 1] = '-'; /* no letter of the right one */
    }
    for (size_t i = 0; i < samples; i++) {
        double begin = bench_now();
        ask(subject, key[i]);
        sample[i].ns = (bench_now() - begin) * 1e9;
    }
}

static int by_time(const void *a, const void *b)
{
    double x = ((const struct sample *)a)->ns, y = ((const struct sample *)b)->ns;
    return (x > y) - (x < y);
}

static double welch_t(struct sample *sample, size_t samples)
{
    double count[2] = {0}, sum[2] = {0}, squares[2] = {0};
    qsort(sample, samples, sizeof *sample, by_time);
    samples -= samples / 10;
    for (size_t i = 0; i < samples; i++) {
        size_t class = sample[i].is_prefix;
        count[class]++;
        sum[class] += sample[i].ns;
        squares[class] += sample[i].ns * sample[i].ns;
    }
    double mean[2], error[2];
    for (size_t class = 0; class < 2; class ++) {
        mean[class] = sum[class] / count[class];
        error[class] = (squares[class] / count[class] - mean[class] * mean[class]) / count[class];
    }
    return (mean[1] - mean[0]) / sqrt(error[0] + error[1]);
}

static double measure(struct subject *subject,
                      void (*ask)(struct subject *subject, const char *key), size_t samples)
{
    struct sample *sample = calloc(samples, sizeof *sample);
    if (!sample)
        stop("out of memory");
    for (size_t i = 0; i < samples; i += BLOCK)
        time_block(subject, ask, sample + i, samples - i < BLOCK ? samples - i : BLOCK);
    double t = welch_t(sample, samples);
    free(sample);
    return t;
}

int main(int argc, char **argv)
{
    static struct subject subject;
    size_t samples = argc > 1 ? strtoul(argv[1], NULL, 10) : 100000;
    if (samples < BLOCK || samples > 100000000)
        stop("1,000 to 100,000,000 samples are taken");
    make_ring(&subject);
    measure(&subject, ask_keys, BLOCK); /* warm */
    double t = measure(&subject, ask_keys, samples), naive = measure(&subject, ask_naive, samples);
    if (subject.scopes)
        stop("a wrong key was taken");
    printf("keys: t %.2f\nnaive: t %.2f\n", t, naive);
    keyring_free(&subject.ring);
    return 0;
}
