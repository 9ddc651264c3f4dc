#include "server/settings/environment.h"

#include "server/log/log.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

static const char prefix[] = "RELUD_";
enum { PREFIX_LEN = sizeof prefix - 1, NAME_BYTES = 64 };

static void name_of(const struct option *option, char name[NAME_BYTES])
{
    size_t len = (size_t)snprintf(name, NAME_BYTES, "%s%s", prefix, option->name);
    for (size_t i = PREFIX_LEN; i < len && i < NAME_BYTES - 1; i++)
        name[i] = name[i] == '-' ? '_' : (char)toupper((unsigned char)name[i]);
}

bool environment_read(const struct options *options, void *base, struct relud_error *error)
{
    for (size_t i = 0; i < options->len; i++) {
        char name[NAME_BYTES];
        name_of(&options->option[i], name);
        const char *value = getenv(name);
        if (value && !option_set(base, &options->option[i], name, value, error))
            return false;
    }
    return true;
}

static bool is_setting(const struct options *options, const char *name)
{
    for (size_t i = 0; i < options->len; i++) {
        char known[NAME_BYTES];
        name_of(&options->option[i], known);
        if (strcmp(known, name) == 0)
            return true;
    }
    return false;
}

static bool ends_with(const char *name, const char *end)
{
    size_t len = strlen(name), end_len = strlen(end);
    return len >= end_len && strcmp(name + len - end_len, end) == 0;
}

/* True for …_PORT_8080_TCP, also with _PROTO, _PORT or _ADDR behind it. */
static bool is_port_of_service(const char *name)
{
    static const char *const protocols[] = {"_TCP", "_UDP", "_SCTP"};
    static const char *const ends[] = {"", "_PROTO", "_PORT", "_ADDR"};
    for (const char *at = name; (at = strstr(at, "_PORT_")); at++) {
        const char *number = at + strlen("_PORT_");
        const char *rest = number + strspn(number, "0123456789");
        for (size_t i = 0; rest > number && i < sizeof protocols / sizeof *protocols; i++) {
            size_t len = strlen(protocols[i]);
            for (size_t k = 0; k < sizeof ends / sizeof *ends; k++)
                if (strncmp(rest, protocols[i], len) == 0 && strcmp(rest + len, ends[k]) == 0)
                    return true;
        }
    }
    return false;
}

/* True for the variables that Kubernetes sets in every pod for a Service named relud or
 * relud-anything, and that Docker sets for a link to a container named relud. */
static bool is_of_service(const char *name, const char *value)
{
    return ends_with(name, "_SERVICE_HOST") || ends_with(name, "_SERVICE_PORT") ||
           strstr(name, "_SERVICE_PORT_") || is_port_of_service(name) ||
           (ends_with(name, "_PORT") && strstr(value, "://")) ||
           (ends_with(name, "_NAME") && *value == '/') || strstr(name, "_ENV_");
}

/* True for the variables of the project's own tests. */
static bool is_of_tests(const char *name)
{
    static const char *const beginnings[] = {"RELUD_FAIL", "RELUD_FAULT", "RELUD_TEST"};
    for (size_t i = 0; i < sizeof beginnings / sizeof *beginnings; i++)
        if (strncmp(name, beginnings[i], strlen(beginnings[i])) == 0)
            return true;
    return false;
}

static void warn(const struct options *options, const char *name)
{
    char meant[NAME_BYTES];
    struct relud_guess guess = {.word = name + PREFIX_LEN};
    options_guess(options, &guess);
    if (!guess.name) {
        log_warn("%s is set in the environment, but there is no such setting", name);
        return;
    }
    name_of(options_find(options, guess.name), meant);
    log_warn("%s is set in the environment, but there is no such setting; did you mean %s?", name,
             meant);
}

void environment_warn(const struct options *options)
{
    for (char **at = environ; *at; at++) {
        char name[256];
        size_t len = strcspn(*at, "=");
        if (strncasecmp(*at, prefix, PREFIX_LEN - 1) != 0 || !strchr("_-", (*at)[PREFIX_LEN - 1]) ||
            len <= PREFIX_LEN || len >= sizeof name)
            continue;
        memcpy(name, *at, len);
        name[len] = '\0';
        if (!is_setting(options, name) && !is_of_tests(name) &&
            !is_of_service(name, (*at)[len] ? *at + len + 1 : ""))
            warn(options, name);
    }
}
