/* libFuzzer on the file of API keys: as text, and as a file that takes the place of another. Who has no key may do nothing. */
#include "tests/fuzz/fuzz.h"

#include "server/base/keys.h"
#include <relud/relud.h>

static const char good[] = /* of the key "secret" */
    "one infer sha256:2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b\n";

static void read_text(const unsigned char *bytes, size_t len)
{
    struct relud_error error = {0};
    char *text = fuzz_copy(bytes, len, 0);
    struct keys *keys = keys_parse(text, len, "keys", &error);
    FUZZ_ASSERT(keys || (error.text[0] && error.code != RELUD_OK));
    keys_release(keys);
    free(text);
}

/* A file that is refused leaves the keys as they were. */
static void take_place(const unsigned char *bytes, size_t len)
{
    const unsigned all = KEY_INFER | KEY_ADMIN | KEY_METRICS;
    struct relud_error error = {0};
    char first[64], second[64];
    int first_fd = fuzz_file((const unsigned char *)good, sizeof good - 1, first);
    int second_fd = fuzz_file(bytes, len, second);
    struct keyring ring = {.path = first};
    FUZZ_ASSERT(keyring_load(&ring, &error));
    ring.path = second;
    bool is_read = keyring_load(&ring, &error);
    unsigned scopes = keys_scopes(ring.newest, "secret", 6, NULL);
    FUZZ_ASSERT(is_read ? (scopes & ~all) == 0 : scopes == KEY_INFER);
    FUZZ_ASSERT(keys_scopes(ring.newest, "", 0, NULL) == 0 &&
                keys_scopes(ring.newest, "secre", 5, NULL) == 0);
    keyring_free(&ring);
    close(first_fd);
    close(second_fd);
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t len)
{
    read_text(bytes, len);
    take_place(bytes, len);
    return 0;
}
