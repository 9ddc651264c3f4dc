/* Content codings, there and back; and what of several is wanted most. */
#include "tests/unit/scarcity.h"

#include "server/coding.h"
#include "server/media.h"

START_TEST(codings_have_names)
{
    static const struct {
        const char *name;
        enum coding coding;
    } cases[] = {{NULL, CODING_NONE},   {"", CODING_NONE},           {"Identity", CODING_NONE},
                 {"gzip", CODING_GZIP}, {"X-GZIP", CODING_GZIP},     {"deflate", CODING_DEFLATE},
                 {"br", CODING_OTHER},  {"gzip, gzip", CODING_OTHER}};
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
    bool is_unpacked = coding_unpack(coding, bytes, len, most, &plain, &plain_len, &error);
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
                                     &plain, &len, why);
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
        ck_assert(coding_pack((enum coding)coding, plain, PLAIN, &packed.text));
        ck_assert_msg(coding_unpack((enum coding)coding, packed.text.at, packed.text.len, PLAIN,
                                    &again, &len, &error),
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
    bool is_packed = coding_pack(CODING_GZIP, plain, PLAIN, &none);
    scarce_end();
    ck_assert(!is_packed && none.is_short);
    text_free(&none);
    free(plain);
}
END_TEST

START_TEST(what_is_wanted_most_among_odd_wishes)
{
    static const struct {
        const char *accept;
        size_t chosen; /* 3: none */
    } cases[] = {
        {"\tapplication/x-npy\t;\tq=1\t,\t*/*;q=0.5 ", MEDIA_NPY},
        {"application/x-npz", 3},
        {"applicatio_/json", MEDIA_JSON},
        {"image/*", 3},
        {"application/x", 3},
        {"*", MEDIA_JSON},
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
          what_is_wanted_most_among_odd_wishes)
