/* Finds words by "hash and displace" (Pagh 1999): a word's hash leads to a bucket, and the bucket's
 * shift, chosen when the table is made, gives each of its words a slot that no other word has. A
 * search looks at one slot. */
#include "core/base/words.h"

#include "core/base/json_string.h"
#include "core/base/random.h"
#include <relud/guess.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct relud_words_slot {
    const char *at; /* NULL: no word has this slot */
    uint32_t len, index;
};

/* ---- the hash ---- */

static uint64_t load4(const char *at)
{
    uint32_t bytes;
    memcpy(&bytes, at, sizeof bytes);
    return bytes;
}

/* The last len < 8 bytes as one number. It tells those of one length apart; "7776" and "77776" have
 * the same. */
static uint64_t load_rest(const char *at, size_t len)
{
    if (len >= 4)
        return load4(at) << 32 | load4(at + len - 4);
    if (len == 0)
        return 0;
    return (uint64_t)(unsigned char)at[0] << 16 | (uint64_t)(unsigned char)at[len / 2] << 8 |
           (unsigned char)at[len - 1];
}

static uint64_t hash_block(uint64_t hash, const char *at)
{
    uint64_t block;
    memcpy(&block, at, sizeof block);
    return random_mix(hash ^ block);
}

static uint64_t hash_end(uint64_t hash, const char *at, size_t rest, size_t len)
{
    return random_mix(hash ^ load_rest(at, rest)) + (uint64_t)len * 0x9e3779b97f4a7c15u;
}

static uint64_t hash_text(const char *at, size_t len)
{
    uint64_t hash = 0;
    size_t i = 0;
    for (; len - i >= 8; i += 8)
        hash = hash_block(hash, at + i);
    return hash_end(hash, at + i, len - i, len);
}

/* The hash of the text that the inside of a JSON string stands for. */
static uint64_t hash_json(const char *at, const char *end)
{
    char block[8 + UTF8_BYTES_MAX] = {0};
    uint64_t hash = 0;
    size_t held = 0, len = 0;
    while (at < end) {
        size_t bytes = json_string_next(&at, end, block + held);
        held += bytes;
        len += bytes;
        if (held < 8)
            continue;
        hash = hash_block(hash, block);
        memmove(block, block + 8, held -= 8);
    }
    return hash_end(hash, block, held, len);
}

static size_t bucket_of(const struct relud_words *words, uint64_t hash)
{
    return (size_t)hash & (words->shifts - 1);
}

static size_t slot_of(const struct relud_words *words, uint64_t hash, unsigned shift)
{
    uint64_t spread = (hash ^ shift * 0x9e3779b97f4a7c15u) * 0xd6e8feb86659fd93u;
    return (size_t)(spread >> 32) & (words->slots - 1);
}

/* ---- finding ---- */

static const struct relud_words_slot *look(const struct relud_words *words, uint64_t hash)
{
    return &words->slot[slot_of(words, hash, words->shift[bucket_of(words, hash)])];
}

size_t relud_words_find(const struct relud_words *words, const char *text, size_t len)
{
    if (len > words->longest)
        return words->count;
    const struct relud_words_slot *slot = look(words, hash_text(text, len));
    return slot->at && slot->len == len && memcmp(slot->at, text, len) == 0 ? slot->index
                                                                            : words->count;
}

size_t relud_words_find_json(const struct relud_words *words, const char *inside, size_t len)
{
    enum { ESCAPE_BYTES_MAX = 6 }; /* for a byte of text; a longer string is no word */
    if (!memchr(inside, '\\', len))
        return relud_words_find(words, inside, len);
    if (len / ESCAPE_BYTES_MAX > words->longest)
        return words->count;
    const struct relud_words_slot *slot = look(words, hash_json(inside, inside + len));
    return slot->at && json_string_compare_text(inside, len, slot->at, slot->len) == 0
               ? slot->index
               : words->count;
}

/* ---- making ---- */

/* The words that have not yet a slot: lists of those of each bucket. */
struct making {
    struct relud_words *words;
    struct relud_words_slot *slot;
    unsigned *shift;
    uint64_t *hash;    /* [count] */
    uint32_t *next;    /* [count]: the index + 1 of the next word of the bucket; 0: none */
    uint32_t *head;    /* [shifts]: the same of its first word */
    uint32_t *size;    /* [shifts] */
    uint32_t *ordered; /* [shifts]: the buckets, the largest first */
    struct relud_error *error;
};

/* A hash that spreads gives buckets of about four; more than this many show that it does not. */
enum { BUCKET_WORDS = 4, BUCKET_MAX = 64 };

static bool fail_alike(const struct making *making, const char *word, const char *why)
{
    return relud_fail(making->error, RELUD_BAD_MODEL, "the category '%.60s' %s", word, why);
}

static bool fill_buckets(struct making *making)
{
    const struct relud_words *words = making->words;
    for (size_t i = 0; i < words->count; i++) {
        const char *word = words->word[i];
        making->hash[i] = hash_text(word, strlen(word));
        size_t bucket = bucket_of(words, making->hash[i]);
        for (uint32_t at = making->head[bucket]; at; at = making->next[at - 1])
            if (making->hash[at - 1] == making->hash[i] && strcmp(words->word[at - 1], word) == 0)
                return fail_alike(making, word, "stands twice");
        making->next[i] = making->head[bucket];
        making->head[bucket] = (uint32_t)i + 1;
        if (++making->size[bucket] > BUCKET_MAX)
            return fail_alike(making, word, "cannot be told from others fast");
    }
    return true;
}

/* Sorts the buckets by their sizes, by counting. */
static void order_buckets(struct making *making)
{
    size_t at = 0;
    for (uint32_t size = BUCKET_MAX; size > 0; size--)
        for (size_t b = 0; b < making->words->shifts; b++)
            if (making->size[b] == size)
                making->ordered[at++] = (uint32_t)b;
    making->ordered[at] = UINT32_MAX;
}

static void clear_slots(struct making *making, const size_t *taken, size_t count)
{
    for (size_t i = 0; i < count; i++)
        making->slot[taken[i]] = (struct relud_words_slot){0};
}

/* Gives the bucket's words their slots, or none of them if one is taken. */
static bool take_slots(struct making *making, size_t bucket, unsigned shift)
{
    const struct relud_words *words = making->words;
    size_t taken[BUCKET_MAX], count = 0;
    for (uint32_t at = making->head[bucket]; at; at = making->next[at - 1]) {
        size_t slot = slot_of(words, making->hash[at - 1], shift);
        if (making->slot[slot].at) {
            clear_slots(making, taken, count);
            return false;
        }
        const char *word = words->word[at - 1];
        making->slot[slot] = (struct relud_words_slot){word, (uint32_t)strlen(word), at - 1};
        taken[count++] = slot;
    }
    making->shift[bucket] = shift;
    return true;
}

static bool choose_shifts(struct making *making)
{
    enum { TRIES = 1 << 20 };
    for (size_t i = 0; i < making->words->shifts && making->ordered[i] != UINT32_MAX; i++) {
        size_t bucket = making->ordered[i];
        unsigned shift = 0;
        while (shift < TRIES && !take_slots(making, bucket, shift))
            shift++;
        if (shift == TRIES)
            return fail_alike(making, making->words->word[making->head[bucket] - 1],
                              "cannot be told from others");
    }
    return true;
}

static size_t power_from(size_t least)
{
    size_t power = 1;
    while (power < least)
        power *= 2;
    return power;
}

bool words_make(struct relud_words *words, struct arena *arena, const char *const *word,
                size_t count, struct relud_error *error)
{
    if (count == 0 || count > WORDS_MAX)
        return relud_fail(error, RELUD_BAD_MODEL, "%zu categories; from 1 to %d are taken", count,
                          WORDS_MAX);
    *words = (struct relud_words){.count = count,
                                  .word = word,
                                  .missing = RELUD_WORDS_NONE,
                                  .slots = power_from(count + count / 4),
                                  .shifts = power_from(count / BUCKET_WORDS)};
    for (size_t i = 0; i < count; i++)
        if (strlen(word[i]) > words->longest)
            words->longest = strlen(word[i]);
    struct making making = {
        .words = words,
        .slot = arena_take_array(arena, words->slots, sizeof *making.slot),
        .shift = arena_take_array(arena, words->shifts, sizeof *making.shift),
        .hash = calloc(count, sizeof *making.hash),
        .next = calloc(count, sizeof *making.next),
        .head = calloc(words->shifts, sizeof *making.head),
        .size = calloc(words->shifts, sizeof *making.size),
        .ordered = calloc(words->shifts + 1, sizeof *making.ordered),
        .error = error,
    };
    bool is_made = making.slot && making.shift && making.hash && making.next && making.head &&
                   making.size && making.ordered;
    if (!is_made) {
        relud_fail(error, RELUD_NO_MEMORY, "out of memory");
    } else if ((is_made = fill_buckets(&making))) {
        order_buckets(&making);
        is_made = choose_shifts(&making);
    }
    words->slot = making.slot;
    words->shift = making.shift;
    free(making.hash);
    free(making.next);
    free(making.head);
    free(making.size);
    free(making.ordered);
    return is_made;
}

/* ---- errors ---- */

const char *relud_words_explain(const struct relud_words *words, const char *text, size_t len,
                                char why[RELUD_WORDS_TEXT_MAX])
{
    enum { SHOWN = 40, GUESSED_MAX = 512 };
    char word[SHOWN + 1], guessed[RELUD_GUESS_TEXT_MAX];
    size_t shown = json_string_cut(text, len, SHOWN);
    for (size_t i = 0; i < shown; i++)
        word[i] = (char)((unsigned char)text[i] < ' ' || text[i] == 0x7f ? '?' : text[i]);
    word[shown] = '\0';
    struct relud_guess guess = {.word = word};
    for (size_t i = 0; i < words->count && i < GUESSED_MAX; i++)
        relud_guess_offer(&guess, words->word[i]);
    relud_guess_text(&guess, "", guessed);
    const char *first = words->word[0];
    if (*guessed)
        snprintf(why, RELUD_WORDS_TEXT_MAX, "'%s' is no category%s", word, guessed);
    else
        snprintf(why, RELUD_WORDS_TEXT_MAX, "'%s' is no category; the %zu begin with '%.*s'", word,
                 words->count, (int)json_string_cut(first, strlen(first), SHOWN), first);
    return why;
}
