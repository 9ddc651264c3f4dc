/* Content codings, there and back; and what of several is wanted most. */
#include "tests/unit/scarcity.h"

#include "server/base/content_coding.h"
#include "server/base/media_type.h"

START_TEST(codings_have_names)
{
    static const struct {
        const char *name;
        enum coding coding;
    } cases[] = {{NULL, CODING_NONE},
                 {"", CODING_NONE},
                 {"Identity", CODING_NONE},
                 {"gzip", CODING_GZIP},
                 {"X-GZIP", CODING_GZIP},
                 {"deflate", CODING_DEFLATE},
                 {"br", CODING_OTHER},
                 {"gzip, gzip", CODING_OTHER},
                 {" gzip\t", CODING_GZIP},
                 {"identity, gzip", CODING_GZIP},
                 {", deflate ,", CODING_DEFLATE},
                 {"gzip, identity", CODING_GZIP},
                 {"gzip, deflate", CODING_OTHER},
                 {"br, gzip", CODING_OTHER},
                 {" , ", CODING_NONE},
                 {"gzipp", CODING_OTHER}};
    static const struct {
        const char *accept;
        enum coding coding;
    } wanted[] = {{NULL, CODING_NONE}, {"gzip", CODING_GZIP}, {"deflate", CODING_DEFLATE},
                  {"br", CODING_NONE}, {"*", CODING_GZIP},    {"gzip;q=0, deflate", CODING_DEFLATE},
                  {"", CODING_NONE}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_int_eq(coding_of(cases[i].name), cases[i].coding);
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        ck_assert_int_eq(coding_choose(wanted[i].accept), wanted[i].coding);
    ck_assert_str_eq(coding_name(CODING_DEFLATE), "deflate");
}
END_TEST

static void check_unpack(enum coding coding, const char *bytes, size_t len, size_t most,
                         const char *words)
{
    char *plain = NULL;
    size_t plain_len = 0;
    struct relud_error error = {0};
    bool is_unpacked = coding_unpack(coding, bytes, len, most, &plain, &plain_len, NULL, &error);
    free(is_unpacked ? plain : NULL);
    ck_assert_msg(words ? !is_unpacked && strstr(error.text, words) : is_unpacked, "'%s'",
                  error.text);
}

struct packed {
    struct text text;
    size_t most;
};

static bool unpacks(void *with, struct relud_error *why)
{
    const struct packed *packed = with;
    char *plain = NULL;
    size_t len;
    bool is_unpacked = coding_unpack(CODING_GZIP, packed->text.at, packed->text.len, packed->most,
                                     &plain, &len, NULL, why);
    if (is_unpacked)
        free(plain);
    return is_unpacked;
}

START_TEST(bodies_are_packed_and_unpacked)
{
    enum { PLAIN = 200000 };
    char *plain = malloc(PLAIN);
    for (size_t i = 0; i < PLAIN; i++)
        plain[i] = (char)('a' + i * i % 7);
    for (int coding = CODING_GZIP; coding <= CODING_DEFLATE; coding++) {
        struct packed packed = {.most = PLAIN};
        char *again = NULL;
        size_t len = 0;
        struct relud_error error = {0};
        ck_assert(coding_pack((enum coding)coding, plain, PLAIN, &packed.text, NULL));
        ck_assert_msg(coding_unpack((enum coding)coding, packed.text.at, packed.text.len, PLAIN,
                                    &again, &len, NULL, &error),
                      "%s", error.text);
        ck_assert(len == PLAIN && memcmp(again, plain, PLAIN) == 0);
        free(again);
        check_unpack((enum coding)coding, packed.text.at, packed.text.len, PLAIN - 1,
                     "the body unpacks to more than 199999 bytes");
        check_unpack((enum coding)coding, packed.text.at, packed.text.len - 1, PLAIN,
                     "the compressed body ends too early");
        check_unpack((enum coding)coding, packed.text.at, 1, PLAIN,
                     "the compressed body ends too early");
        check_unpack((enum coding)coding, packed.text.at, 0, PLAIN,
                     "the compressed body ends too early");
        check_unpack((enum coding)coding, plain, 100, PLAIN,
                     "the body is not what Content-Encoding says");
        text_put(&packed.text, "more");
        check_unpack((enum coding)coding, packed.text.at, packed.text.len, PLAIN,
                     "there is more behind the compressed body's end");
        packed.text.len -= 4;
        if (coding == CODING_GZIP)
            scarce_each(SCARCE_MEMORY, RELUD_NO_MEMORY, unpacks, &packed);
        text_free(&packed.text);
    }
    struct text none = {0};
    scarce_begin(SCARCE_MEMORY, 1);
    bool is_packed = coding_pack(CODING_GZIP, plain, PLAIN, &none, NULL);
    scarce_end();
    ck_assert(!is_packed && none.is_short);
    text_free(&none);
    free(plain);
}
END_TEST

/* The text that these pieces, packed one by one and put together, unpack to. */
static void check_members(const char *const *pieces, size_t count, const char *behind,
                          size_t behind_len, const char *words)
{
    struct text all = {0}, wanted = {0};
    for (size_t i = 0; i < count; i++) {
        ck_assert(coding_pack(CODING_GZIP, pieces[i], strlen(pieces[i]), &all, NULL));
        text_put(&wanted, pieces[i]);
    }
    text_put_n(&all, behind, behind_len);
    char *plain = NULL;
    size_t len = 0;
    struct relud_error error = {0};
    bool is_unpacked =
        coding_unpack(CODING_GZIP, all.at, all.len, 1 << 20, &plain, &len, NULL, &error);
    ck_assert_msg(is_unpacked == !words, "'%s'", error.text);
    if (is_unpacked)
        ck_assert(len == wanted.len && (!len || memcmp(plain, wanted.at, len) == 0));
    else
        ck_assert_ptr_nonnull(strstr(error.text, words));
    if (is_unpacked && len)
        check_unpack(CODING_GZIP, all.at, all.len, len - 1, "the body unpacks to more than");
    free(is_unpacked ? plain : NULL);
    text_free(&all);
    text_free(&wanted);
}

START_TEST(P11_gzip_of_several_members_is_one_text)
{
    char *much = malloc(100001);
    memset(much, 'm', 100000);
    much[100000] = '\0';
    const char *const pieces[] = {"{\"input\":", "", "[1,2", "]}", much, "", "end"};
    for (size_t count = 1; count <= sizeof pieces / sizeof *pieces; count++)
        check_members(pieces, count, "", 0, NULL);
    check_members(pieces + 1, 1, "", 0, NULL); /* nothing, packed */
    check_members(pieces, 2, "garbage", 7, "there is more behind the compressed body's end");
    check_members(pieces, 2, "\0\0\0\0", 4, "there is more behind");
    check_members(pieces, 2, "\x1f", 1, "there is more behind");
    check_members(pieces, 2, "\x1f\x8b", 2, "the compressed body ends too early");
    check_members(pieces, 2, "\x1f\x8b\x07zzzz", 7, "the body is not what Content-Encoding says");
    free(much);
}
END_TEST

/* RFC 1951 without RFC 1950's wrapper, as some clients understand deflate. */
START_TEST(P11_deflate_is_read_with_its_wrapper_and_without)
{
    static const char text[] = "{\"input\":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]}";
    struct text packed = {0};
    ck_assert(coding_pack(CODING_DEFLATE, text, sizeof text - 1, &packed, NULL));
    for (size_t wrapper = 0; wrapper <= 2; wrapper += 2) { /* 2 bytes before, 4 behind */
        const char *at = packed.at + wrapper;
        size_t len = packed.len - 3 * wrapper, plain_len = 0;
        char *plain = NULL;
        struct relud_error error = {0};
        ck_assert_msg(
            coding_unpack(CODING_DEFLATE, at, len, 1000, &plain, &plain_len, NULL, &error), "%s",
            error.text);
        ck_assert(plain_len == sizeof text - 1 && memcmp(plain, text, plain_len) == 0);
        free(plain);
        check_unpack(CODING_DEFLATE, at, len, 10, "the body unpacks to more than 10 bytes");
        check_unpack(CODING_DEFLATE, at, len - 1, 1000, "the compressed body ends too early");
    }
    text_put(&packed, "x");
    check_unpack(CODING_DEFLATE, packed.at, packed.len, 1000, "there is more behind");
    text_free(&packed);
}
END_TEST

START_TEST(what_is_wanted_most_among_odd_wishes)
{
    static const struct {
        const char *accept;
        size_t chosen; /* MEDIA_KINDS: none */
    } cases[] = {
        {"\tapplication/x-npy\t;\tq=1\t,\t*/*;q=0.5 ", MEDIA_NPY},
        {"application/x-npz", MEDIA_KINDS},
        {"applicatio_/json", MEDIA_JSON},
        {"image/*", MEDIA_KINDS},
        {"application/x", MEDIA_KINDS},
        {"*", MEDIA_JSON},
        {"*/*, application/x-npy", MEDIA_NPY}, /* as welcome, but named */
        {"application/x-npy, application/json", MEDIA_JSON},
        {"application/*, application/x-npy;q=0.9", MEDIA_JSON},
        {"application/x-npy;a=1;q=0.9;b, application/json;q=0.8", MEDIA_NPY},
        {"application/x-npy;Q=1.0, application/json;q=0.9", MEDIA_NPY},
        {"application/x-npy;q;qq=1;q1=2, application/json;q=0.9", MEDIA_NPY},
        {"*/*;q=0.1, */*;q=0.9, application/json;q=0.5", MEDIA_FLOATS},
        {"*/*;q=0.9, */*;q=0.1, application/json;q=0.5", MEDIA_FLOATS},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_msg(media_choose(cases[i].accept, media_types, MEDIA_KINDS) == cases[i].chosen,
                      "%s: %zu", cases[i].accept,
                      media_choose(cases[i].accept, media_types, MEDIA_KINDS));
}
END_TEST

RUN_SUITE("coding", codings_have_names, bodies_are_packed_and_unpacked,
          P11_gzip_of_several_members_is_one_text, P11_deflate_is_read_with_its_wrapper_and_without,
          what_is_wanted_most_among_odd_wishes)
