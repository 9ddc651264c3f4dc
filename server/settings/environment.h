/* Settings in the environment. Their names are RELUD_ and the option's name in capitals, with '_'
 * for '-'. */
#ifndef SERVER_SETTINGS_ENVIRONMENT_H
#define SERVER_SETTINGS_ENVIRONMENT_H

#include "server/settings/options.h"

/* Sets every option that the environment holds. Returns false and sets *error when a value is
 * wrong. */
bool environment_read(const struct options *options, void *base, struct relud_error *error);

/* Warns in the log of each name that begins with RELUD_ and is no setting, and names the setting
 * that was probably meant. It ignores what Kubernetes and Docker set for a service of that name
 * (RELUD_SERVICE_HOST, RELUD_PORT=tcp://…). */
void environment_warn(const struct options *options);

#endif
