/* Media types in and out, and the parts of URLs. */
#include "tests/unit/suite.h"

#include "server/base/media_type.h"
#include "server/base/url.h"

START_TEST(content_types_are_told_apart)
{
    static const struct {
        const char *type;
        int media; /* -1: none of ours */
    } cases[] = {
        {NULL, MEDIA_JSON},
        {"application/json", MEDIA_JSON},
        {"Application/JSON; charset=utf-8", MEDIA_JSON},
        {"application/vnd.api+json", MEDIA_JSON},
        {"text/json", MEDIA_JSON},
        {"text/plain", MEDIA_JSON},
        {"application/x-www-form-urlencoded", MEDIA_JSON},
        {"application/octet-stream", MEDIA_FLOATS},
        {"application/x-npy", MEDIA_NPY},
        {"application/X-NPY ; a=b", MEDIA_NPY},
        {"", -1},
        {"json", -1},
        {"image/png", -1},
        {"application/jsonx", -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        enum media media;
        bool is_ours = media_of(cases[i].type, &media);
        ck_assert_msg((is_ours ? (int)media : -1) == cases[i].media, "%s", cases[i].type);
    }
}
END_TEST

START_TEST(P10_csv_says_whether_it_has_a_header)
{
    ck_assert_int_eq(media_csv_header("text/csv"), 0);
    ck_assert_int_eq(media_csv_header("text/csv; charset=utf-8; header=present"), 1);
    ck_assert_int_eq(media_csv_header("text/csv;Header=Absent"), -1);
    ck_assert_int_eq(media_csv_header("text/csv; header=maybe"), 0);
}
END_TEST

START_TEST(the_type_wanted_most_is_chosen)
{
    static const struct {
        const char *accept;
        size_t chosen; /* MEDIA_KINDS: none */
    } cases[] = {
        {NULL, MEDIA_JSON},
        {"*/*", MEDIA_JSON},
        {"application/*", MEDIA_JSON},
        {"applicatiom/*", MEDIA_KINDS},
        {"APPLICATION/*;q=0.1, text/csv", MEDIA_CSV},
        {"application/json", MEDIA_JSON},
        {"text/json", MEDIA_JSON},
        {"application/octet-stream", MEDIA_FLOATS},
        {"APPLICATION/X-NPY", MEDIA_NPY},
        {"application/x-npy, */*;q=0.1", MEDIA_NPY},
        {"application/x-npy;q=0.5, application/json;q=0.4", MEDIA_NPY},
        {"application/x-npy;q=0.4,application/json;q=0.5", MEDIA_JSON},
        {"application/x-npy;q=0.4, application/octet-stream; q=0.9", MEDIA_FLOATS},
        {"application/json;q=0, */*", MEDIA_FLOATS},
        {"text/html,application/xhtml+xml,*/*;q=0.8", MEDIA_JSON},
        {"text/csv", MEDIA_CSV},
        {"text/html", MEDIA_KINDS},
        {"*/*;q=0", MEDIA_KINDS},
        {"", MEDIA_KINDS},
        {",,;q=1,", MEDIA_KINDS},
        {"application/json;q=x", MEDIA_KINDS},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_msg(media_choose(cases[i].accept, media_types, MEDIA_KINDS) == cases[i].chosen,
                      "%s", cases[i].accept);
}
END_TEST

START_TEST(urls_are_decoded_once)
{
    char out[8];
    ck_assert(url_decode("a%20b+c", true, out, sizeof out));
    ck_assert_str_eq(out, "a b c");
    ck_assert(url_decode("a+%2fB", false, out, sizeof out));
    ck_assert_str_eq(out, "a+/B");
    ck_assert(url_decode("%2541", false, out, sizeof out));
    ck_assert_str_eq(out, "%41");
    static const char *const wrong[] = {"%", "%4", "%g1", "%00", "%4g", "12345678"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        ck_assert_msg(!url_decode(wrong[i], false, out, sizeof out), "%s", wrong[i]);
}
END_TEST

RUN_SUITE("media", P10_csv_says_whether_it_has_a_header, content_types_are_told_apart,
          the_type_wanted_most_is_chosen, urls_are_decoded_once)
