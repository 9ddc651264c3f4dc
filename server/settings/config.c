#include "server/settings/config.h"

#include "server/base/json_in.h"
#include "server/settings/activation_option.h"
#include "server/settings/environment.h"
#include "server/settings/options.h"
#include "server/settings/platform.h"
#include <stdio.h>
#include <string.h>

#define AT(field) offsetof(struct config, field)
static const struct option table[] = {
    {"config", OPTION_TEXT, AT(file), "", "FILE", 0, 0,
     "Read options from this JSON file, an object with their names as keys. Options of the "
     "command line and of the environment override it."},
    {"listen", OPTION_TEXT, AT(listen), "127.0.0.1:8080", "ADDR:PORT", 0, 0,
     "Listen on this address and port. Port 0 picks a free port and prints it."},
    {"admin-listen", OPTION_TEXT, AT(admin_listen), "", "ADDR:PORT", 0, 0,
     "Listen for administrators on this address and port. Everyone who reaches it may load and "
     "unload models, so keep it private."},

    {"workers", OPTION_COUNT, AT(workers), "0", 0, 0, 1024,
     "Run this many event loops. 0 means one for each CPU that affinity and cgroup allow."},
    {"max-batch", OPTION_COUNT, AT(batch_rows_max), "256", 0, 1, 65536,
     "Compute at most this many rows in one batch. Other rows wait for the next batch."},
    {"batch-delay-us", OPTION_COUNT, AT(batch_delay_us), "0", 0, 0, 1000000,
     "Wait up to this many microseconds for more rows before a forward pass."},

    {"max-rows", OPTION_COUNT, AT(request_rows_max), "65536", 0, 1, 1u << 24,
     "Accept at most this many rows in one request."},
    {"max-body", OPTION_COUNT, AT(body_bytes_max), "16777216", 0, 1, 0x1p32,
     "Accept at most this many bytes in a request body. A larger one gets status 413."},
    {"max-inflight-bytes", OPTION_COUNT, AT(inflight_bytes_max), "268435456", 0, 1, 0x1p40,
     "Hold at most this many bytes in the bodies of all open requests or, once they are read, in "
     "their rows. A request beyond the limit gets status 429, unless it is the only one."},
    {"max-inflight-rows", OPTION_COUNT, AT(inflight_rows_max), "131072", 0, 1, 0x1p40,
     "Let at most this many rows wait for their forward pass. A request beyond the limit gets "
     "status 429, unless it is the only one."},
    {"max-model-rows", OPTION_COUNT, AT(model_rows_max), "0", 0, 0, 0x1p40,
     "Let at most this many rows wait for one version of a model. 0 means that no such limit "
     "exists."},
    {"max-connections", OPTION_COUNT, AT(connections_max), "0", 0, 0, 1u << 20,
     "Keep at most this many connections open. 0 means as many as the limit of file descriptors "
     "allows."},

    {"request-timeout-ms", OPTION_COUNT, AT(request_timeout_ms), "30000", 0, 0, 86400000,
     "Answer with status 504 when the answer is not written this long after the request's "
     "headers. Clients may ask for less time with X-Request-Timeout-Ms or V2's timeout. 0 means "
     "no limit."},
    {"header-timeout-ms", OPTION_COUNT, AT(header_timeout_ms), "10000", 0, 10, 86400000,
     "Require that a request's headers are complete this long after their first byte."},
    {"body-timeout-ms", OPTION_COUNT, AT(body_timeout_ms), "30000", 0, 10, 86400000,
     "Require that a request's body is complete this long after its headers."},
    {"idle-timeout-ms", OPTION_COUNT, AT(idle_timeout_ms), "75000", 0, 10, 86400000,
     "Close a connection that has been without a request for this long. Choose a longer time than "
     "a proxy in front keeps its idle connections."},
    {"drain-seconds", OPTION_COUNT, AT(drain_seconds), "10", 0, 0, 86400,
     "Give open requests this long to finish after SIGTERM."},
    {"drain-delay-seconds", OPTION_COUNT, AT(drain_delay_seconds), "0", 0, 0, 86400,
     "Keep accepting connections this long after SIGTERM, while /readyz already answers 503."},

    {"api-keys", OPTION_TEXT, AT(api_keys), "", "FILE", 0, 0,
     "Require the API keys of this file. Each line is LABEL SCOPES sha256:HEX. The scopes are "
     "infer, admin and metrics. SIGHUP reads the file again."},
    {"tls-cert", OPTION_TEXT, AT(tls_cert), "", "FILE", 0, 0,
     "Serve HTTPS (TLS 1.2 and 1.3) with this PEM certificate and its chain. SIGHUP reads the file "
     "again."},
    {"tls-key", OPTION_TEXT, AT(tls_key), "", "FILE", 0, 0,
     "Read the certificate's private key from this PEM file."},
    {"tls-client-ca", OPTION_TEXT, AT(tls_client_ca), "", "FILE", 0, 0,
     "Require client certificates that one of the CAs in this PEM file has signed."},
    {"user", OPTION_TEXT, AT(user), "", "USER[:GROUP]", 0, 0,
     "Become this user when started as root. That happens after the port is open and after keys "
     "and certificates are read."},
    {"sandbox", OPTION_CHOICE, AT(no_sandbox), "on", "on|off", 0, 0,
     "Give up writing files, running programs, connecting to others and everything else that "
     "serving does not need."},
    {"cors-origin", OPTION_LIST, AT(cors_origins), "", "ORIGIN", 0, 0,
     "Let web pages of this origin read answers, for example https://app.example, or * for every "
     "origin. The option can be given more than once."},

    {"versions", OPTION_TEXT, AT(versions), "latest:1", "POLICY", 0, 0,
     "Serve these versions of a model that has no versions.json: latest:N, all, or numbers such as "
     "1,3."},
    {"default-model", OPTION_TEXT, AT(default_model), "", "NAME", 0, 0,
     "Answer /predict with this model when a request names none. Without this option such a "
     "request gets status 400 if there are several models."},
    {"strict-start", OPTION_FLAG, AT(is_strict_start), "", NULL, 0, 0,
     "Exit with status 1 when any model cannot be loaded at the start. Without this option relud "
     "starts if at least one model can be loaded."},
    {"poll-seconds", OPTION_COUNT, AT(poll_seconds), "0", 0, 0, 86400,
     "Look for new, changed and removed models this often. 0 means only on SIGHUP."},
    ACTIVATION_OPTION,

    {"math", OPTION_CHOICE, AT(math), "exact", "exact|fast", 0, 0,
     "Choose the arithmetic. exact gives the same bits alone, in any batch and on any CPU. fast "
     "lets relud use plain OpenBLAS where that is faster."},
    {"isa", OPTION_CHOICE, AT(isa), "best", "best|scalar|avx2|avx512", 0, 0,
     "Use this instruction set. It serves to compare them."},
    {"nonfinite", OPTION_CHOICE, AT(nonfinite), "error", "error|null|token", 0, 0,
     "Choose what happens to an output that is not finite. error answers with status 400, null "
     "writes null, token writes NaN or Infinity."},
    {"suspend", OPTION_CHOICE, AT(suspend), "auto", "auto|always", 0, 0,
     "Suspend connections that wait for their answer. auto does so only where libmicrohttpd needs "
     "it."},

    {"log-format", OPTION_CHOICE, AT(log_format), "text", "text|json", 0, 0,
     "Write the log in this format."},
    {"log-level", OPTION_CHOICE, AT(log_level), "info", "error|warn|info|debug", 0, 0,
     "Log messages of this level and of those before it."},
    {"access-log", OPTION_TEXT, AT(access_log), "", "FILE|-", 0, 0,
     "Write a line for each request to this file or FIFO, or to standard output for -. Its format "
     "is that of --log-format. SIGHUP opens the file again."},
    {"access-log-share", OPTION_REAL, AT(access_log_share), "1", "SHARE", 0, 1,
     "Write lines for this share of the requests, chosen at random. 0.01 means one of a hundred."},
};
static const struct option_group groups[] = {
    {"config", "Settings and addresses"},
    {"workers", "Batches"},
    {"max-rows", "Limits"},
    {"request-timeout-ms", "Time limits"},
    {"api-keys", "Security"},
    {"versions", "Models"},
    {"math", "Answers"},
    {"log-format", "Logs"},
    {NULL, NULL},
};
const struct options serve_options = {table, sizeof table / sizeof *table, "[MODEL|DIR]...",
                                      groups};
_Static_assert(sizeof table / sizeof *table <= OPTIONS_MAX, "there is room for all options");

/* A key may have '_' where the option has '-'. */
static bool set_from_file(void *user, const char *key, const char *value, struct relud_error *error)
{
    char name[64], guessed[RELUD_GUESS_TEXT_MAX];
    snprintf(name, sizeof name, "%s", key);
    for (char *c = name; *c; c++)
        *c = *c == '_' ? '-' : *c;
    const struct option *option = options_find(&serve_options, name);
    if (option && option->offset != AT(file))
        return option_set(user, option, key, value, error);
    struct relud_guess guess = {.word = key};
    options_guess(&serve_options, &guess);
    return relud_fail(error, RELUD_BAD_INPUT, "unknown key '%s'%s", key,
                      relud_guess_text(&guess, "", guessed));
}

static bool read_file(struct config *config, struct relud_error *error)
{
    struct relud_error inner;
    char *path = config->file; /* freed when another one is set */
    if (!*path || json_in_settings(path, set_from_file, config, &inner))
        return true;
    return relud_fail(error, inner.code, "--config %s", inner.text);
}

bool config_read(struct config *config, int argc, char **argv, struct relud_error *error)
{
    *config = (struct config){0};
    struct option_words words = {.at = config->models, .max = CONFIG_MODELS_MAX};
    /* The command line is read twice: it names the file, and it overrides the file. */
    bool is_read = options_set_defaults(&serve_options, config, error) &&
                   environment_read(&serve_options, config, error) &&
                   options_read(&serve_options, argc, argv, config, &words, error) &&
                   read_file(config, error) && environment_read(&serve_options, config, error) &&
                   platform_read(config, error) &&
                   options_read(&serve_options, argc, argv, config, &words, error);
    config->models_len = words.len;
    const char *found = words.len == 0 ? platform_model() : NULL;
    config->is_model_found = found != NULL;
    if (found)
        config->models[config->models_len++] = found;
    return is_read;
}

void config_free(struct config *config)
{
    options_free(&serve_options, config);
}
