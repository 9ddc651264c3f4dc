/* Files of keys: what is read, and what is refused by its line. */
#include "tests/unit/files.h"
#include "tests/unit/scarcity.h"

#include "server/base/keys.h"

#define HASH                                                                                       \
    "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" /* of "abc" */

static bool loads_keys(void *with, struct relud_error *error)
{
    struct keyring ring = {.path = with};
    bool is_loaded = keyring_load(&ring, error);
    keyring_free(&ring);
    return is_loaded;
}

START_TEST(keys_are_read_or_refused_by_their_line)
{
    static const struct {
        const char *text, *words;
    } cases[] = {
        {"", "there is no key in it"},
        {"# nothing\n\n", "there is no key in it"},
        {"a infer\n", "line 1: a line has the form LABEL SCOPES sha256:HEX"},
        {"\na infer " HASH " more\n", "line 2: a line has the form LABEL SCOPES sha256:HEX"},
        {"01234567890123456789012345678901234567890123456789012345678901234 infer " HASH,
         "line 1: a line has the form LABEL SCOPES"},
        {"a read " HASH, "line 1: the scopes are infer, admin and metrics"},
        {"a , " HASH, "line 1: the scopes are infer, admin and metrics"},
        {"a infer md5:00", "sha256: and 64 hexadecimal digits are wanted"},
        {"a infer sha256:00", "sha256: and 64 hexadecimal digits are wanted"},
        {"a infer " HASH "0", "sha256: and 64 hexadecimal digits are wanted"},
        {"a infer sha256:g0", "sha256: and 64 hexadecimal digits are wanted"},
        {"a infer sha256:0", "sha256: and 64 hexadecimal digits are wanted"},
    };
    char dir[64], path[128];
    struct relud_error error = {0};
    strcpy(dir, new_directory());
    snprintf(path, sizeof path, "%s/model.json", dir);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_file(dir, "model.json", cases[i].text, strlen(cases[i].text));
        bool is_loaded = loads_keys(path, &error);
        ck_assert_msg(!is_loaded && strstr(error.text, cases[i].words), "%s: '%s'", cases[i].text,
                      error.text);
    }
    char *many = malloc(2 << 20);
    size_t len = 0;
    for (int i = 0; i < 4097; i++)
        len += (size_t)sprintf(many + len, "a infer " HASH "\n");
    write_file(dir, "model.json", many, len);
    ck_assert(!loads_keys(path, &error));
    ck_assert_msg(strstr(error.text, "more than 4096 keys") != NULL, "%s", error.text);
    memset(many, ' ', 2 << 20);
    write_file(dir, "model.json", many, 2 << 20);
    ck_assert(!loads_keys(path, &error));
    ck_assert_msg(strstr(error.text, "2097152 bytes; at most 1048576 are read") != NULL, "%s",
                  error.text);
    free(many);
    static char folder[] = "/tmp";
    ck_assert(!loads_keys(folder, &error));
    const char *right = "a\tinfer,metrics " HASH " # mine\r\nb admin " HASH;
    write_file(dir, "model.json", right, strlen(right));
    struct keyring ring = {.path = path};
    ck_assert_uint_eq(keys_scopes(ring.newest, "abc", 3, NULL), 0);
    ck_assert_msg(keyring_load(&ring, &error), "%s", error.text);
    ck_assert_uint_eq(keys_scopes(ring.newest, "abc", 3, NULL),
                      KEY_INFER | KEY_ADMIN | KEY_METRICS);
    ck_assert_uint_eq(keys_scopes(ring.newest, "abd", 3, NULL), 0);
    write_file(dir, "model.json", "x", 1); /* wrong now: what was read counts on */
    ck_assert(!keyring_load(&ring, &error));
    ck_assert_uint_ne(keys_scopes(ring.newest, "abc", 3, NULL), 0);
    keyring_free(&ring);
    write_file(dir, "model.json", right, strlen(right));
    scarce_each(SCARCE_MEMORY, RELUD_NO_MEMORY, loads_keys, path);
    scarce_each(SCARCE_FILES, RELUD_IO, loads_keys, path);
    remove_directory(dir);
}
END_TEST

RUN_SUITE("keys", keys_are_read_or_refused_by_their_line)
