/* `relud serve`'s settings: flag over environment over --config file over default. One table of options
 * (config.c) feeds the parser, the help text and the documentation. */
#ifndef SERVER_CONFIG_H
#define SERVER_CONFIG_H

#include "server/log.h"
#include <relud/relud.h>
#include <stdbool.h>
#include <stddef.h>

enum nonfinite { NONFINITE_ERROR, NONFINITE_NULL, NONFINITE_TOKEN };

#define CONFIG_MODELS_MAX 256

struct config {
    const char *models[CONFIG_MODELS_MAX]; /* as given on the command line */
    size_t models_len;
    char *listen;             /* "ADDR:PORT", "[::1]:PORT" */
    char *admin_listen;       /* likewise, or "": none */
    char *api_keys;           /* a file of keys, or "": none are asked for */
    char *user;               /* to become, or "": stay who we are */
    char *tls_cert, *tls_key; /* PEM files, or "": in the clear */
    char *tls_client_ca;      /* likewise, or "": clients need no certificate */
    char *cors_origins;       /* whose pages may read answers, with commas between them, or "" */
    char *versions;           /* which versions of a model are served */
    size_t workers;           /* 0: as many as CPUs are allowed */
    size_t batch_rows_max, request_rows_max;
    size_t batch_delay_us;
    size_t body_bytes_max;
    size_t inflight_bytes_max; /* of all open requests' bodies */
    size_t inflight_rows_max;  /* waiting for their forward pass, of all models */
    size_t model_rows_max;     /* likewise of one model's version; 0: no bound of its own */
    size_t connections_max;
    size_t request_timeout_ms; /* 0: none */
    size_t header_timeout_ms, body_timeout_ms, idle_timeout_ms;
    size_t drain_seconds, drain_delay_seconds;
    size_t poll_seconds; /* 0: do not look for changed models */
    int math;            /* enum relud_math */
    int isa;             /* enum relud_isa */
    int nonfinite;       /* enum nonfinite */
    int log_format;      /* 1: JSON */
    int log_level;       /* enum log_level */
    int no_sandbox;      /* 1: may do all that its user may */
    int suspend;         /* 0 auto: only where libmicrohttpd needs it; 1 always */
    int constant;        /* 1: benchmarks only, answer a constant without reading */
};

/* Fills config from argv[1…] (argv[0] is "serve"), environment and file. False and *error on wrong usage.
 * Strings in config point into argv, the environment or memory kept until config_free. */
bool config_read(struct config *config, int argc, char **argv, struct relud_error *error);
void config_free(struct config *config);
void config_print_help(void); /* the options with defaults, on stdout */

#endif
