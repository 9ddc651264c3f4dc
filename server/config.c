#include "server/config.h"

#include "server/json_in.h"
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum kind { KIND_TEXT, KIND_COUNT, KIND_CHOICE };

struct option {
    const char *name; /* without the dashes; RELUD_NAME and the JSON key follow from it */
    enum kind kind;
    size_t offset;       /* in struct config */
    const char *value;   /* the default, as text */
    const char *choices; /* "a|b|c": the value is its position */
    unsigned long min, max;
    const char *help;
};

#define AT(field) offsetof(struct config, field)
static const struct option options[] = {
    {"listen", KIND_TEXT, AT(listen), "127.0.0.1:8080", 0, 0, 0,
     "ADDR:PORT to listen on; port 0 picks a free one and prints it"},
    {"admin-listen", KIND_TEXT, AT(admin_listen), "", 0, 0, 0,
     "ADDR:PORT for administrators, who may load and unload models; keep it to yourself"},
    {"workers", KIND_COUNT, AT(workers), "0", 0, 0, 1024,
     "event loops; 0: as many as CPUs are allowed by affinity and cgroup"},
    {"max-batch", KIND_COUNT, AT(batch_rows_max), "256", 0, 1, 65536,
     "rows that one turn may compute; the rest goes to the next"},
    {"max-rows", KIND_COUNT, AT(request_rows_max), "65536", 0, 1, 1u << 24,
     "rows that one request may carry"},
    {"batch-delay-us", KIND_COUNT, AT(batch_delay_us), "0", 0, 0, 1000000,
     "wait this long for company before a forward pass"},
    {"max-body", KIND_COUNT, AT(body_bytes_max), "16777216", 0, 1, 1ul << 32,
     "bytes of a request body; more is 413"},
    {"max-inflight-bytes", KIND_COUNT, AT(inflight_bytes_max), "268435456", 0, 1, 1ul << 40,
     "bytes of the bodies of all open requests; a request beyond them is 429, unless it is alone"},
    {"max-connections", KIND_COUNT, AT(connections_max), "0", 0, 0, 1u << 20,
     "open connections in all; 0: what the file descriptor limit allows"},
    {"header-timeout-ms", KIND_COUNT, AT(header_timeout_ms), "10000", 0, 10, 86400000,
     "a request's headers must be complete this long after its first byte"},
    {"body-timeout-ms", KIND_COUNT, AT(body_timeout_ms), "30000", 0, 10, 86400000,
     "a request's body must be complete this long after its headers"},
    {"idle-timeout-ms", KIND_COUNT, AT(idle_timeout_ms), "60000", 0, 10, 86400000,
     "a connection without a request is closed after this long"},
    {"drain-seconds", KIND_COUNT, AT(drain_seconds), "10", 0, 0, 86400,
     "time for open requests to finish after SIGTERM"},
    {"drain-delay-seconds", KIND_COUNT, AT(drain_delay_seconds), "0", 0, 0, 86400,
     "keep accepting this long after /readyz turned 503"},
    {"versions", KIND_TEXT, AT(versions), "latest:1", 0, 0, 0,
     "latest:N, all or 1,3: the versions served of a model that has no versions.json"},
    {"poll-seconds", KIND_COUNT, AT(poll_seconds), "0", 0, 0, 86400,
     "look for new, changed and removed models this often; 0: only on SIGHUP"},
    {"math", KIND_CHOICE, AT(math), "exact", "exact|fast", 0, 0,
     "exact: the same bits alone, in any batch, on any CPU; fast: plain OpenBLAS may compete"},
    {"isa", KIND_CHOICE, AT(isa), "best", "best|scalar|avx2|avx512", 0, 0,
     "the instruction set to use, for comparing them"},
    {"nonfinite", KIND_CHOICE, AT(nonfinite), "error", "error|null|token", 0, 0,
     "what becomes of an answer that is not finite: 400, null, or the bare token"},
    {"log-format", KIND_CHOICE, AT(log_format), "text", "text|json", 0, 0, "form of the log"},
    {"log-level", KIND_CHOICE, AT(log_level), "info", "error|warn|info|debug", 0, 0,
     "how much is logged"},
    {"suspend", KIND_CHOICE, AT(suspend), "auto", "auto|always", 0, 0,
     "suspend waiting connections: auto only where libmicrohttpd needs it"},
    {"answer-constant", KIND_CHOICE, AT(constant), "off", "off|on", 0, 0,
     "benchmarks only: answer POST with a constant, body unread"},
};
enum { OPTIONS = sizeof options / sizeof *options };

static bool set_choice(int *slot, const char *choices, const char *value)
{
    int position = 0;
    for (const char *at = choices; at; position++) {
        const char *bar = strchr(at, '|');
        size_t len = bar ? (size_t)(bar - at) : strlen(at);
        if (len == strlen(value) && strncmp(at, value, len) == 0) {
            *slot = position;
            return true;
        }
        at = bar ? bar + 1 : NULL;
    }
    return false;
}

/* `origin` is how the user wrote it: --workers, RELUD_WORKERS, or the file's key. */
static bool set_option(struct config *config, const struct option *option, const char *origin,
                       const char *value, struct relud_error *error)
{
    void *slot = (char *)config + option->offset;
    switch (option->kind) {
    case KIND_TEXT: {
        char *copy = strdup(value);
        if (!copy)
            return relud_fail(error, RELUD_NO_MEMORY, "out of memory");
        free(*(char **)slot);
        *(char **)slot = copy;
        return true;
    }
    case KIND_CHOICE:
        if (!set_choice(slot, option->choices, value))
            return relud_fail(error, RELUD_BAD_INPUT, "%s: '%s' is not one of %s", origin, value,
                              option->choices);
        return true;
    case KIND_COUNT: {
        char *end;
        errno = 0;
        unsigned long number = strtoul(value, &end, 10);
        if (!isdigit((unsigned char)*value) || *end || errno || number < option->min ||
            number > option->max)
            return relud_fail(error, RELUD_BAD_INPUT,
                              "%s: '%s' is not a whole number from %lu to %lu", origin, value,
                              option->min, option->max);
        *(size_t *)slot = number;
        return true;
    }
    }
    return false;
}

static const struct option *find_option(const char *name)
{
    for (size_t i = 0; i < OPTIONS; i++)
        if (strcmp(options[i].name, name) == 0)
            return &options[i];
    return NULL;
}

static bool read_environment(struct config *config, struct relud_error *error)
{
    for (size_t i = 0; i < OPTIONS; i++) {
        char name[64] = "RELUD_";
        size_t len = strlen(name);
        for (const char *c = options[i].name; *c; c++)
            name[len++] = *c == '-' ? '_' : (char)toupper((unsigned char)*c);
        name[len] = '\0';
        const char *value = getenv(name);
        if (value && !set_option(config, &options[i], name, value, error))
            return false;
    }
    return true;
}

static bool set_from_file(void *user, const char *key, const char *value, struct relud_error *error)
{
    const struct option *option = find_option(key);
    if (!option)
        return relud_fail(error, RELUD_BAD_INPUT, "unknown key '%s'", key);
    return set_option(user, option, key, value, error);
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
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];
        if (strncmp(word, "--", 2) != 0) {
            if (!is_apply)
                continue;
            if (word[0] == '-')
                return relud_fail(error, RELUD_BAD_INPUT, "unknown option %s", word);
            if (config->models_len == CONFIG_MODELS_MAX)
                return relud_fail(error, RELUD_TOO_LARGE, "more than %d models", CONFIG_MODELS_MAX);
            config->models[config->models_len++] = word;
            continue;
        }
        char name[64];
        const char *equals = strchr(word, '=');
        size_t len = equals ? (size_t)(equals - word - 2) : strlen(word + 2);
        if (len >= sizeof name)
            return relud_fail(error, RELUD_BAD_INPUT, "unknown option %.80s", word);
        memcpy(name, word + 2, len);
        name[len] = '\0';
        const struct option *option = find_option(name);
        bool is_config = strcmp(name, "config") == 0;
        if (!option && !is_config)
            return relud_fail(error, RELUD_BAD_INPUT, "unknown option --%s", name);
        const char *value = equals ? equals + 1 : i + 1 < argc ? argv[++i] : NULL;
        if (!value)
            return relud_fail(error, RELUD_BAD_INPUT, "--%s wants a value", name);
        char origin[72];
        snprintf(origin, sizeof origin, "--%s", name);
        if (is_config)
            *file = value;
        else if (is_apply && !set_option(config, option, origin, value, error))
            return false;
    }
    return true;
}

bool config_read(struct config *config, int argc, char **argv, struct relud_error *error)
{
    *config = (struct config){0};
    const char *file = getenv("RELUD_CONFIG");
    for (size_t i = 0; i < OPTIONS; i++)
        if (!set_option(config, &options[i], options[i].name, options[i].value, error))
            return false;
    return read_flags(config, argc, argv, false, &file, error) &&
           (!file || read_file(config, file, error)) && read_environment(config, error) &&
           read_flags(config, argc, argv, true, &file, error);
}

void config_free(struct config *config)
{
    for (size_t i = 0; i < OPTIONS; i++)
        if (options[i].kind == KIND_TEXT) {
            char **slot = (char **)((char *)config + options[i].offset);
            free(*slot);
            *slot = NULL;
        }
}

static const char *text_form(const struct option *option)
{
    return strstr(option->name, "listen") ? "ADDR:PORT" : "POLICY";
}

void config_print_help(void)
{
    for (size_t i = 0; i < OPTIONS; i++) {
        char head[64];
        snprintf(head, sizeof head, "--%s %s", options[i].name,
                 options[i].choices             ? options[i].choices
                 : options[i].kind == KIND_TEXT ? text_form(&options[i])
                                                : "N");
        printf("  %-38s %s (%s)\n", head, options[i].help,
               *options[i].value ? options[i].value : "none");
    }
    printf("  %-38s %s\n", "--config FILE",
           "a JSON object of the same names; flags and RELUD_… win over it");
}
