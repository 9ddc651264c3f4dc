/* Bodies that are packed and unpacked while somebody may lose interest. */
#include "tests/unit/patience.h"
#include "tests/unit/scarcity.h"

#include "server/base/content_coding.h"

enum { PLAIN = 300000 };

/* What packs badly, so that it has several pieces packed too. */
static char *plain_of(size_t len)
{
    char *plain = malloc(len);
    uint32_t state = 1;
    ck_assert_ptr_nonnull(plain);
    for (size_t i = 0; i < len; i++) {
        state = state * 1664525 + 1013904223;
        plain[i] = (char)(state >> 24);
    }
    return plain;
}

START_TEST(a_watched_body_is_the_same_and_ends_where_nobody_wants_it)
{
    char *plain = plain_of(PLAIN);
    for (int coding = CODING_GZIP; coding <= CODING_DEFLATE; coding++) {
        struct patience all = {0};
        const struct relud_watch watch = watch_of(&all);
        struct text packed = {0}, unwatched = {0};
        char *again = NULL;
        size_t len = 0;
        struct relud_error error = {0};
        ck_assert(coding_pack((enum coding)coding, plain, PLAIN, &packed, &watch));
        size_t packs = all.asked;
        ck_assert(coding_pack((enum coding)coding, plain, PLAIN, &unwatched, NULL));
        all.asked = 0;
        ck_assert(coding_unpack((enum coding)coding, packed.at, packed.len, PLAIN, &again, &len,
                                &watch, &error));
        ck_assert(len == PLAIN && memcmp(again, plain, PLAIN) == 0);
        size_t unpacks = all.asked;
        free(again);
        ck_assert(packs >= 4 && unpacks >= 4);
        for (size_t no = 1; no <= packs; no++) {
            struct patience some = {.no = no};
            const struct relud_watch short_watch = watch_of(&some);
            struct text none = {0};
            ck_assert(!coding_pack((enum coding)coding, plain, PLAIN, &none, &short_watch));
            ck_assert_uint_eq(some.asked, no);
            ck_assert_uint_eq(none.len, 0);
            text_free(&none);
        }
        for (size_t no = 1; no <= unpacks; no++) {
            struct patience some = {.no = no};
            const struct relud_watch short_watch = watch_of(&some);
            ck_assert(!coding_unpack((enum coding)coding, packed.at, packed.len, PLAIN, &again,
                                     &len, &short_watch, &error));
            ck_assert_uint_eq(some.asked, no);
            ck_assert_str_eq(error.text, "the request has ended");
        }
        text_free(&packed);
        text_free(&unwatched);
    }
    free(plain);
}
END_TEST

static void check_refused(enum coding coding, const char *bytes, size_t len, const char *words)
{
    char *plain = NULL;
    size_t plain_len = 0;
    struct relud_error error = {0};
    ck_assert(!coding_unpack(coding, bytes, len, 1 << 20, &plain, &plain_len, NULL, &error));
    ck_assert_msg(strstr(error.text, words) != NULL, "%s", error.text);
}

START_TEST(odd_bytes_at_either_end_are_refused)
{
    struct text packed = {0};
    ck_assert(coding_pack(CODING_GZIP, "[1,2]", 5, &packed, NULL));
    text_put_n(&packed, "\x1f\x8c", 2); /* nearly another member */
    check_refused(CODING_GZIP, packed.at, packed.len,
                  "there is more behind the compressed body's end");
    text_free(&packed);
    /* zlib's first byte, and a check that does not hold: then it is no wrapper, and no deflate either */
    check_refused(CODING_DEFLATE, "\x78\x9d\x01\x02\x03\x04", 6, "the body is not what");
    /* a stream that breaks off where the room for what it unpacks to ends, too */
    char plain[1200];
    memset(plain, 'a', sizeof plain);
    for (size_t len = 1000; len <= sizeof plain; len++) {
        packed = (struct text){0};
        ck_assert(coding_pack(CODING_GZIP, plain, len, &packed, NULL));
        check_refused(CODING_GZIP, packed.at, packed.len - 8, "the compressed body ends too early");
        text_free(&packed);
    }
    ck_assert_int_eq(coding_of("grip"), CODING_OTHER);
    ck_assert_int_eq(coding_of("inflate"), CODING_OTHER);
    ck_assert_int_eq(coding_of("identita"), CODING_OTHER);
}
END_TEST

#if SIZE_MAX > UINT32_MAX
/* Longer than zlib's numbers are: the text is not looked at. */
START_TEST(more_than_4_gib_is_not_packed)
{
    struct text packed = {0};
    struct relud_error error = {0};
    char *plain = NULL;
    size_t len = 0, much = (size_t)UINT32_MAX + 1;
    ck_assert(!coding_pack(CODING_GZIP, "", much, &packed, NULL));
    ck_assert_uint_eq(packed.len, 0);
    ck_assert(!coding_unpack(CODING_GZIP, "", much, 10, &plain, &len, NULL, &error));
    ck_assert_int_eq(error.code, RELUD_NO_MEMORY);
}
END_TEST
#else
START_TEST(more_than_4_gib_is_not_packed)
{
}
END_TEST
#endif

RUN_SUITE("coding, watched", a_watched_body_is_the_same_and_ends_where_nobody_wants_it,
          odd_bytes_at_either_end_are_refused, more_than_4_gib_is_not_packed)
