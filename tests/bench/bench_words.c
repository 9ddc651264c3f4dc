/* How long it takes to find a word among the categories of a column: words of 3 to 14 bytes, asked
 * for in random order, as in a body. */
#include "core/base/arena.h"
#include "core/base/words.h"
#include "tests/bench/bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ASKED = 4096, WORD_BYTES = 16 };

struct work {
    struct relud_words words;
    const char *asked[ASKED];
    size_t len[ASKED], sum;
};

static void stop(const char *why)
{
    fprintf(stderr, "bench_words: %s\n", why);
    exit(EXIT_FAILURE);
}

static void find_all(void *user)
{
    struct work *work = user;
    for (size_t i = 0; i < ASKED; i++)
        work->sum += relud_words_find(&work->words, work->asked[i], work->len[i]);
}

/* Different words: the number in letters, and some more letters. */
static void write_word(char out[WORD_BYTES], size_t number, uint64_t *state)
{
    size_t len = 0;
    for (size_t left = number; left || len < 3; left /= 26)
        out[len++] = (char)('a' + left % 26);
    out[len++] = '-';
    for (size_t more = (size_t)((bench_noise(state) + 1) * 5); more; more--)
        out[len++] = (char)('a' + (size_t)((bench_noise(state) + 1) * 12));
    out[len] = '\0';
}

static void time_words(size_t count)
{
    struct arena arena = {0};
    struct relud_error error;
    struct work *work = calloc(1, sizeof *work);
    char(*text)[WORD_BYTES] = calloc(count, sizeof *text);
    const char **word = calloc(count, sizeof *word);
    uint64_t state = 1;
    if (!work || !text || !word)
        stop("out of memory");
    for (size_t i = 0; i < count; i++) {
        write_word(text[i], i, &state);
        word[i] = text[i];
    }
    if (!words_make(&work->words, &arena, word, count, &error))
        stop(error.text);
    for (size_t i = 0; i < ASKED; i++) {
        size_t at = (size_t)((double)(bench_noise(&state) + 1) / 2 * (double)(count - 1));
        work->asked[i] = word[at];
        work->len[i] = strlen(word[at]);
        if (relud_words_find(&work->words, work->asked[i], work->len[i]) != at)
            stop("a word was not found");
    }
    double seconds;
    bench_in_turn((void (*const[])(void *)){find_all}, (void *const[]){work}, 1, 0.01, &seconds);
    double ns = seconds * 1e9 / ASKED;
    printf("%8zu categories: %5.1f ns a word\n", count, ns);
    bench_value(ns, "words.%zu.ns", count);
    arena_reset(&arena);
    free(word);
    free(text);
    free(work);
}

int main(void)
{
    for (size_t count = 3; count <= 1000000; count = count < 10    ? 20
                                                     : count < 100 ? 1000
                                                                   : count * 10)
        time_words(count);
    return 0;
}
