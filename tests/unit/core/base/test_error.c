/* Lines for people: control characters escaped, and short enough without losing what matters. */
#include "tests/unit/suite.h"

#include <relud/relud.h>
#include <stdio.h>

/* "/dddd…/name", `len` bytes long. */
static const char *path_of(char path[8192], size_t len, const char *name)
{
    memset(path, 'd', len);
    for (size_t at = 0; at < len; at += 200)
        path[at] = '/';
    size_t from = len - strlen(name);
    path[from - 1] = '/';
    memcpy(path + from, name, strlen(name) + 1);
    return path;
}

START_TEST(F11_reason_and_name_stay_whatever_the_path)
{
    static const size_t lengths[] = {230, 1000, 1020, 1024, 1030, 4096, 8000};
    static char path[8192];
    struct relud_error error;
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        path_of(path, lengths[i], "net.onnx");
        relud_fail(&error, RELUD_IO, "%s: node 'fc1' (Gemm): %s", path, "the reason why");
        ck_assert_msg(strstr(error.text, "/net.onnx: node 'fc1' (Gemm): the reason why") != NULL,
                      "%zu: %s", lengths[i], error.text);
        ck_assert_uint_lt(strlen(error.text), sizeof error.text);
        ck_assert_int_eq(strstr(error.text, "…") != NULL, lengths[i] > 980);
        ck_assert_int_eq(strncmp(error.text, "/dddd", 5), 0);
    }
}
END_TEST

START_TEST(F11_two_long_names_are_cut_both)
{
    static char first[8192], second[8192];
    struct relud_error error;
    path_of(first, 3000, "one.onnx");
    path_of(second, 2900, "two.data");
    relud_fail(&error, RELUD_IO, "%s: it wants %s: No such file or directory", first, second);
    ck_assert_ptr_nonnull(strstr(error.text, "/one.onnx: it wants "));
    ck_assert_ptr_nonnull(strstr(error.text, "/two.data: No such file or directory"));
    /* a folder whose name has a colon, and a file whose name alone is long */
    path_of(first, 250, "a: b/net.onnx");
    relud_fail(&error, RELUD_IO, "%s: why", first);
    ck_assert_ptr_nonnull(strstr(error.text, "/a: b/net.onnx: why"));
    memset(second, 'n', 2000);
    memcpy(second + 1995, ".onnx", 6);
    relud_fail(&error, RELUD_IO, "%s: why", second);
    ck_assert_ptr_nonnull(strstr(error.text, ".onnx: why"));
    ck_assert_ptr_nonnull(strstr(error.text, "nnn…nnn"));
}
END_TEST

START_TEST(F11_no_character_is_cut_in_two)
{
    static char path[8192];
    struct relud_error error;
    for (size_t shift = 0; shift < 8; shift++) {
        size_t len = 0;
        for (size_t i = 0; i < shift; i++)
            path[len++] = 'x';
        for (size_t i = 0; i < 1000; i++, len += 3)
            memcpy(path + len, "€", 3);
        path[len] = '\0';
        relud_fail(&error, RELUD_IO, "%s: why", path);
        ck_assert_ptr_nonnull(strstr(error.text, "€: why"));
        ck_assert_ptr_null(strstr(error.text, "\\x"));
        relud_fail(&error, RELUD_IO, "%s", error.text); /* still UTF-8 */
        ck_assert_ptr_null(strstr(error.text, "\\x"));
    }
}
END_TEST

START_TEST(F11_control_characters_are_shown_escaped)
{
    static const struct {
        const char *name, *shown;
    } names[] = {{"a\nb", "a\\nb"},
                 {"a\r\tb", "a\\r\\tb"},
                 {"a\x1b[31mb", "a\\x1b[31mb"},
                 {"a\x7f\x01", "a\\x7f\\x01"},
                 {"a\xff", "a\\xff"},
                 {"a\xc2\x85", "a\\xc2\\x85"},
                 {"a\xe2\x82", "a\\xe2\\x82"},
                 {"aé€😀", "aé€😀"},
                 {"", ""}};
    char line[64], wanted[64];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t len = relud_line(line, sizeof line, "%s: why", names[i].name);
        snprintf(wanted, sizeof wanted, "%s: why", names[i].shown);
        ck_assert_str_eq(line, wanted);
        ck_assert_uint_eq(len, strlen(wanted));
    }
    static char path[8192];
    memset(path, '\n', 4000);
    relud_line(line, sizeof line, "%s: why", path);
    ck_assert_ptr_nonnull(strstr(line, "\\n: why"));
    ck_assert_uint_eq(relud_line(line, 0, "x"), 0);
    ck_assert_uint_eq(relud_line(line, 1, "x"), 0);
    ck_assert_str_eq(line, "");
    relud_line(line, 6, "%s", "abcdefghijklmnopqrstuvwxyz");
    ck_assert_str_eq(line, "abcde");
}
END_TEST

START_TEST(F11_an_error_may_be_made_of_itself)
{
    struct relud_error error;
    relud_fail(&error, RELUD_IO, "why");
    relud_fail(&error, RELUD_BAD_MODEL, "%s: %s", "net.onnx", error.text);
    ck_assert_str_eq(error.text, "net.onnx: why");
    ck_assert_int_eq(error.code, RELUD_BAD_MODEL);
    ck_assert(!relud_fail(NULL, RELUD_IO, "%s", "nobody asks"));
}
END_TEST

RUN_SUITE("error", F11_reason_and_name_stay_whatever_the_path, F11_two_long_names_are_cut_both,
          F11_no_character_is_cut_in_two, F11_control_characters_are_shown_escaped,
          F11_an_error_may_be_made_of_itself)
