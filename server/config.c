#include "server/config.h"

#include "server/json_in.h"
#include "server/options.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AT(field) offsetof(struct config, field)
static const struct option table[] = {
    {"listen", OPTION_TEXT, AT(listen), "127.0.0.1:8080", "ADDR:PORT", 0, 0,
     "ADDR:PORT to listen on; port 0 picks a free one and prints it"},
    {"admin-listen", OPTION_TEXT, AT(admin_listen), "", "ADDR:PORT", 0, 0,
     "ADDR:PORT for administrators, who may load and unload models; keep it to yourself"},
    {"workers", OPTION_COUNT, AT(workers), "0", 0, 0, 1024,
     "event loops; 0: as many as CPUs are allowed by affinity and cgroup"},
    {"max-batch", OPTION_COUNT, AT(batch_rows_max), "256", 0, 1, 65536,
     "rows that one turn may compute; the rest goes to the next"},
    {"max-rows", OPTION_COUNT, AT(request_rows_max), "65536", 0, 1, 1u << 24,
     "rows that one request may carry"},
    {"batch-delay-us", OPTION_COUNT, AT(batch_delay_us), "0", 0, 0, 1000000,
     "wait this long for company before a forward pass"},
    {"max-body", OPTION_COUNT, AT(body_bytes_max), "16777216", 0, 1, 0x1p32,
     "bytes of a request body; more is 413"},
    {"max-inflight-bytes", OPTION_COUNT, AT(inflight_bytes_max), "268435456", 0, 1, 0x1p40,
     "bytes of the bodies of all open requests; a request beyond them is 429, unless it is alone"},
    {"max-inflight-rows", OPTION_COUNT, AT(inflight_rows_max), "131072", 0, 1, 0x1p40,
     "rows that may wait for their forward pass; a request beyond them is 429, unless it is alone"},
    {"max-model-rows", OPTION_COUNT, AT(model_rows_max), "0", 0, 0, 0x1p40,
     "likewise, of each model's version; 0: no bound of its own"},
    {"max-connections", OPTION_COUNT, AT(connections_max), "0", 0, 0, 1u << 20,
     "open connections in all; 0: what the file descriptor limit allows"},
    {"request-timeout-ms", OPTION_COUNT, AT(request_timeout_ms), "0", 0, 0, 86400000,
     "a request that is not in its forward pass this long after its headers is 504; clients may "
     "ask "
     "for less (X-Request-Timeout-Ms, V2's timeout); 0: no limit"},
    {"header-timeout-ms", OPTION_COUNT, AT(header_timeout_ms), "10000", 0, 10, 86400000,
     "a request's headers must be complete this long after its first byte"},
    {"body-timeout-ms", OPTION_COUNT, AT(body_timeout_ms), "30000", 0, 10, 86400000,
     "a request's body must be complete this long after its headers"},
    {"idle-timeout-ms", OPTION_COUNT, AT(idle_timeout_ms), "60000", 0, 10, 86400000,
     "a connection without a request is closed after this long"},
    {"drain-seconds", OPTION_COUNT, AT(drain_seconds), "10", 0, 0, 86400,
     "time for open requests to finish after SIGTERM"},
    {"drain-delay-seconds", OPTION_COUNT, AT(drain_delay_seconds), "0", 0, 0, 86400,
     "keep accepting this long after /readyz turned 503"},
    {"api-keys", OPTION_TEXT, AT(api_keys), "", "FILE", 0, 0,
     "a line a key, LABEL SCOPES sha256:HEX, scopes of infer, admin, metrics; SIGHUP reads it "
     "anew"},
    {"tls-cert", OPTION_TEXT, AT(tls_cert), "", "FILE", 0, 0,
     "PEM certificate and its chain: https, TLS 1.2 and 1.3; SIGHUP reads it anew"},
    {"tls-key", OPTION_TEXT, AT(tls_key), "", "FILE", 0, 0, "PEM key of the certificate"},
    {"tls-client-ca", OPTION_TEXT, AT(tls_client_ca), "", "FILE", 0, 0,
     "PEM CAs: a client must show a certificate of theirs"},
    {"user", OPTION_TEXT, AT(user), "", "USER[:GROUP]", 0, 0,
     "started as root, become this user once the port is open and keys and certificates are read"},
    {"sandbox", OPTION_CHOICE, AT(no_sandbox), "on", "on|off", 0, 0,
     "give up writing, executing, connecting and all else that serving does not need"},
    {"cors-origin", OPTION_LIST, AT(cors_origins), "", "ORIGIN", 0, 0,
     "https://app.example or *: web pages of this origin may read answers; may be given again"},
    {"versions", OPTION_TEXT, AT(versions), "latest:1", "POLICY", 0, 0,
     "latest:N, all or 1,3: the versions served of a model that has no versions.json"},
    {"poll-seconds", OPTION_COUNT, AT(poll_seconds), "0", 0, 0, 86400,
     "look for new, changed and removed models this often; 0: only on SIGHUP"},
    {"math", OPTION_CHOICE, AT(math), "exact", "exact|fast", 0, 0,
     "exact: the same bits alone, in any batch, on any CPU; fast: plain OpenBLAS may compete"},
    {"isa", OPTION_CHOICE, AT(isa), "best", "best|scalar|avx2|avx512", 0, 0,
     "the instruction set to use, for comparing them"},
    {"nonfinite", OPTION_CHOICE, AT(nonfinite), "error", "error|null|token", 0, 0,
     "what becomes of an answer that is not finite: 400, null, or the bare token"},
    {"log-format", OPTION_CHOICE, AT(log_format), "text", "text|json", 0, 0, "form of the log"},
    {"log-level", OPTION_CHOICE, AT(log_level), "info", "error|warn|info|debug", 0, 0,
     "how much is logged"},
    {"suspend", OPTION_CHOICE, AT(suspend), "auto", "auto|always", 0, 0,
     "suspend waiting connections: auto only where libmicrohttpd needs it"},
    {"answer-constant", OPTION_CHOICE, AT(constant), "off", "off|on", 0, 0,
     "benchmarks only: answer POST with a constant, body unread"},
};
static const struct options options = {table, sizeof table / sizeof *table, "config"};

static bool read_environment(struct config *config, struct relud_error *error)
{
    for (size_t i = 0; i < options.len; i++) {
        char name[64] = "RELUD_";
        size_t len = strlen(name);
        for (const char *c = table[i].name; *c; c++)
            name[len++] = *c == '-' ? '_' : (char)toupper((unsigned char)*c);
        name[len] = '\0';
        const char *value = getenv(name);
        if (value && !option_set(config, &table[i], name, value, error))
            return false;
    }
    return true;
}

static bool set_from_file(void *user, const char *key, const char *value, struct relud_error *error)
{
    const struct option *option = options_find(&options, key);
    if (!option)
        return relud_fail(error, RELUD_BAD_INPUT, "unknown key '%s'", key);
    return option_set(user, option, key, value, error);
}

static bool read_file(struct config *config, const char *path, struct relud_error *error)
{
    struct relud_error inner;
    if (json_in_settings(path, set_from_file, config, &inner))
        return true;
    return relud_fail(error, inner.code, "--config %s: %.200s", path, inner.text);
}

/* Walks the flags; `is_apply` false only looks for --config, which must be read before the others. */
static bool read_flags(struct config *config, int argc, char **argv, bool is_apply,
                       const char **file, struct relud_error *error)
{
    const struct option *listed = NULL; /* a list that was begun */
    for (int i = 1; i < argc;) {
        struct option_word word;
        if (!options_next(&options, argc, argv, &i, &word, error))
            return false;
        bool is_config = word.name && !word.option;
        if (is_config)
            *file = word.value;
        else if (!is_apply)
            continue;
        else if (word.option && word.option == listed) {
            if (!option_append(config, word.option, word.value, error))
                return false;
        } else if (word.option && !option_set(config, word.option, word.origin, word.value, error))
            return false;
        else if (word.word && config->models_len == CONFIG_MODELS_MAX)
            return relud_fail(error, RELUD_TOO_LARGE, "more than %d models", CONFIG_MODELS_MAX);
        else if (word.word)
            config->models[config->models_len++] = word.word;
        if (word.option && word.option->kind == OPTION_LIST && is_apply)
            listed = word.option;
    }
    return true;
}

bool config_read(struct config *config, int argc, char **argv, struct relud_error *error)
{
    *config = (struct config){0};
    const char *file = getenv("RELUD_CONFIG");
    if (!options_set_defaults(&options, config, error))
        return false;
    return read_flags(config, argc, argv, false, &file, error) &&
           (!file || read_file(config, file, error)) && read_environment(config, error) &&
           read_flags(config, argc, argv, true, &file, error);
}

void config_free(struct config *config)
{
    options_free(&options, config);
}

void config_print_help(void)
{
    options_print_help(&options);
    printf("  %-38s %s\n", "--config FILE",
           "a JSON object of the same names; flags and RELUD_… win over it");
}
