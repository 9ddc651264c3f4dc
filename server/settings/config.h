/* The settings of `relud serve`. A flag overrides the environment, the environment overrides the
 * --config file, and the file overrides the default. The table of options is in config.c. */
#ifndef SERVER_SETTINGS_CONFIG_H
#define SERVER_SETTINGS_CONFIG_H

#include "server/log/log.h"
#include "server/settings/options.h"
#include <relud/relud.h>
#include <stdbool.h>
#include <stddef.h>

enum nonfinite { NONFINITE_ERROR, NONFINITE_NULL, NONFINITE_TOKEN };

#define CONFIG_MODELS_MAX 256

struct config {
    const char *models[CONFIG_MODELS_MAX]; /* as given on the command line */
    size_t models_len;
    char *file;                               /* --config, or "": none */
    char *listen;                             /* "ADDR:PORT", "[::1]:PORT" */
    char *admin_listen;                       /* likewise, or "": none */
    const char *health_route, *predict_route; /* other paths of /ping and /invocations, or NULL */
    bool is_model_found;      /* no model was named, and models[0] is a managed platform's */
    char *api_keys;           /* a file of keys, or "": no key is needed */
    char *user;               /* the user to become, or "": none */
    char *tls_cert, *tls_key; /* PEM files, or "": in the clear */
    char *tls_client_ca;      /* likewise, or "": clients need no certificate */
    char *cors_origins;       /* whose pages may read answers, with commas between them, or "" */
    char *access_log;         /* a file, "-", or "": none */
    double access_log_share;  /* 0 … 1, of the requests */
    char *versions;           /* which versions of a model are served */
    char *default_model;  /* answers requests that name no model; "": only a single model does */
    bool is_strict_start; /* a model that cannot be loaded ends the start */
    size_t workers;       /* 0: one for each CPU that is allowed */
    size_t batch_rows_max, request_rows_max;
    size_t batch_delay_us;
    size_t body_bytes_max;
    size_t inflight_bytes_max; /* of all open requests' bodies or, once read, rows */
    size_t inflight_rows_max;  /* waiting for their forward pass, of all models */
    size_t model_rows_max;     /* the same for one version of a model; 0: no such limit */
    size_t connections_max;
    size_t request_timeout_ms; /* 0: none */
    size_t header_timeout_ms, body_timeout_ms, idle_timeout_ms;
    size_t drain_seconds, drain_delay_seconds;
    size_t poll_seconds;    /* 0: do not look for changed models */
    const char *activation; /* between the layers of state dicts; "" for none */
    int math;               /* enum relud_math */
    int isa;                /* enum relud_isa */
    int nonfinite;          /* enum nonfinite */
    int log_format;         /* 1: JSON */
    int log_level;          /* enum log_level */
    int no_sandbox;         /* 1: the process is not confined */
    int suspend;            /* 0 auto: only where libmicrohttpd needs it; 1 always */
};

extern const struct options serve_options;

/* Fills config from argv[1…] (argv[0] is "serve"), the environment and the file. Returns false and
 * sets *error on wrong usage. Strings in config point into argv, the environment or memory that
 * config_free frees. */
bool config_read(struct config *config, int argc, char **argv, struct relud_error *error);
void config_free(struct config *config);

#endif
