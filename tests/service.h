/* One worker's service without HTTP: models, metrics, a turn, the default settings. */
#ifndef TESTS_SERVICE_H
#define TESTS_SERVICE_H

#include "server/exchange.h"
#include <stdio.h>
#include <stdlib.h>

struct test_service {
    struct config config;
    struct registry registry;
    struct metrics metrics;
    struct service_state state;
    struct service service;
};

/* Serves the model at `path`; ends the program when that fails. Not to be moved afterwards. */
static inline void test_service_open(struct test_service *test, const char *path)
{
    char *argv[] = {"serve", NULL};
    struct relud_error error;
    *test = (struct test_service){0};
    bool is_open = config_read(&test->config, 1, argv, &error) &&
                   registry_add(&test->registry, path, NULL, &error) &&
                   registry_seal(&test->registry, &error);
    if (is_open)
        is_open = metrics_init(&test->metrics, 1, test->registry.len, test->registry.names);
    test->service = (struct service){.config = &test->config,
                                     .registry = &test->registry,
                                     .metrics = &test->metrics,
                                     .shard = test->metrics.shard,
                                     .state = &test->state};
    if (!is_open || !turn_init(&test->service.turn, &test->registry, test->metrics.shard,
                               test->config.batch_rows_max, test->config.body_bytes_max, &error)) {
        fprintf(stderr, "%s: %s\n", path, error.text);
        exit(EXIT_FAILURE);
    }
}

static inline void test_service_close(struct test_service *test)
{
    turn_reset(&test->service.turn);
    metrics_reset(&test->metrics);
    registry_reset(&test->registry);
    config_free(&test->config);
}

#endif
