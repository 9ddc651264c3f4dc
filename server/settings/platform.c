#include "server/settings/platform.h"

#include "server/base/address.h"
#include "server/settings/options.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MODEL_DIR "/opt/ml/model"

/* Gives config->listen another port. Where no address was chosen, relud listens on all of them. One
 * that cannot be read stays as it is: the command line may still replace it, and what is used in
 * the end is checked later. */
static bool set_port(struct config *config, const char *name, const char *port,
                     struct relud_error *error)
{
    const struct option *listen = options_find(&serve_options, "listen");
    char host[ADDRESS_HOST_SIZE], unused[ADDRESS_PORT_SIZE];
    char address[ADDRESS_HOST_SIZE + ADDRESS_PORT_SIZE + 4];
    if (!address_is_port(port, strlen(port), 1))
        return relud_fail(error, RELUD_BAD_INPUT, "%s: '%.40s' is not a port from 1 to 65535", name,
                          port);
    bool is_default = strcmp(config->listen, listen->value) == 0;
    struct relud_error passed_over;
    if (!is_default && !address_read_listen("", config->listen, host, unused, &passed_over))
        return true;
    address_print(address, sizeof address, is_default ? "0.0.0.0" : host, port);
    return option_set(config, listen, name, address, error);
}

static bool read_port(struct config *config, struct relud_error *error)
{
    static const char *const names[] = {"AIP_HTTP_PORT", "SAGEMAKER_BIND_TO_PORT"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *port = getenv(names[i]);
        if (port && *port)
            return set_port(config, names[i], port, error);
    }
    return true;
}

static bool read_route(const char *name, const char **route, struct relud_error *error)
{
    const char *path = getenv(name);
    *route = path && *path ? path : NULL;
    return !*route || *path == '/' ||
           relud_fail(error, RELUD_BAD_INPUT, "%s: '%.100s' does not begin with /", name, path);
}

bool platform_read(struct config *config, struct relud_error *error)
{
    return read_port(config, error) &&
           read_route("AIP_HEALTH_ROUTE", &config->health_route, error) &&
           read_route("AIP_PREDICT_ROUTE", &config->predict_route, error);
}

const char *platform_model(void)
{
    const char *dir = getenv("SM_MODEL_DIR");
    struct stat about;
    if (!dir || !*dir)
        dir = MODEL_DIR;
    return stat(dir, &about) == 0 && S_ISDIR(about.st_mode) ? dir : NULL;
}
