/* libFuzzer on the settings: a line a word of the command line, a NUL, and the --config file. What is accepted must lie within the bounds
 * that the options have. */
#include "tests/fuzz/fuzz.h"

#include "server/settings/config.h"

enum { WORDS_MAX = 64 };

static void check_config(const struct config *config)
{
    FUZZ_ASSERT(config->models_len <= CONFIG_MODELS_MAX && config->workers <= 1024);
    FUZZ_ASSERT(config->batch_rows_max >= 1 && config->batch_rows_max <= 65536);
    FUZZ_ASSERT(config->request_rows_max >= 1 && config->body_bytes_max >= 1);
    FUZZ_ASSERT(config->header_timeout_ms >= 10 && config->header_timeout_ms <= 86400000);
    FUZZ_ASSERT(config->nonfinite >= NONFINITE_ERROR && config->nonfinite <= NONFINITE_TOKEN);
    FUZZ_ASSERT(config->listen && config->admin_listen && config->api_keys);
    FUZZ_ASSERT(config->cors_origins && config->versions);
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t len)
{
    const unsigned char *end = memchr(bytes, '\0', len);
    size_t line_len = end ? (size_t)(end - bytes) : len;
    char *line = fuzz_copy(bytes, line_len, 1), path[64], *argv[WORDS_MAX + 4] = {"serve"}, *rest;
    int argc = 1, fd = -1;
    for (char *word = strtok_r(line, "\n", &rest); word; word = strtok_r(NULL, "\n", &rest))
        if (argc <= WORDS_MAX && !strstr(word, "config")) /* no other file than ours */
            argv[argc++] = word;
    if (end) {
        fd = fuzz_file(end + 1, len - line_len - 1, path);
        argv[argc++] = "--config";
        argv[argc++] = path;
    }
    struct config config;
    struct relud_error error = {0};
    bool is_read = config_read(&config, argc, argv, &error);
    FUZZ_ASSERT(is_read || (error.text[0] && error.code != RELUD_OK));
    if (is_read)
        check_config(&config);
    config_free(&config);
    if (end)
        close(fd);
    free(line);
    return 0;
}
