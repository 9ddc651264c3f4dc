/* One worker's service without HTTP: models, metrics, a turn, the default settings. */
#ifndef TESTS_SERVICE_H
#define TESTS_SERVICE_H

#include "server/exchange.h"
#include "server/router.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct test_service {
    struct config config;
    struct keeper keeper; /* its thread does not run */
    struct metrics metrics;
    struct service_state state;
    struct service service;
    const struct entry *entry; /* of the model */
};

/* Serves the model at `path`; ends the program when that fails. Not to be moved afterwards. */
static inline void test_service_open(struct test_service *test, const char *path)
{
    char *argv[] = {"serve", NULL};
    struct relud_error error;
    *test = (struct test_service){0};
    bool is_open = config_read(&test->config, 1, argv, &error);
    const struct repository_options options = {
        .entry = {.workers = 1, .batch_rows_max = test->config.batch_rows_max},
        .policy = "latest:1"};
    test->keeper.repository = is_open ? repository_open(&path, 1, &options, &error) : NULL;
    is_open = test->keeper.repository && metrics_init(&test->metrics, 1);
    test->service = (struct service){.config = &test->config,
                                     .keeper = &test->keeper,
                                     .metrics = &test->metrics,
                                     .shard = test->metrics.shard,
                                     .state = &test->state};
    if (!is_open || !turn_init(&test->service.turn, repository_take(test->keeper.repository), 0,
                               test->metrics.shard, test->config.batch_rows_max,
                               test->config.body_bytes_max, &error)) {
        fprintf(stderr, "%s: %s\n", path, error.text);
        exit(EXIT_FAILURE);
    }
    test->entry = test->service.turn.catalog->first;
}

/* name=value&…, in place. */
static inline void test_service_query(struct exchange *exchange, char *query)
{
    char *rest = NULL;
    for (char *word = strtok_r(query, "&", &rest); word; word = strtok_r(NULL, "&", &rest)) {
        char *value = strchr(word, '=');
        if (value)
            *value++ = '\0';
        if (exchange->query_len < EXCHANGE_QUERY_MAX)
            exchange->query[exchange->query_len] = (struct exchange_parameter){word, value};
        exchange->query_len++;
    }
}

/* The answer of exchange->route, as server/http_visit.c gets it once the body is whole; false when it has none. The turn's rows are
 * given back; the answer's text is the caller's to free. */
static inline bool test_service_answer(struct exchange *exchange, const char *body, size_t len)
{
    struct turn *turn = &exchange->service->turn;
    bool is_read = exchange->route->read(exchange, body, len);
    while (!is_read && exchange->is_in_line) {
        reading_begin_turn(&exchange->service->reading);
        is_read = exchange->route->read(exchange, body, len);
    }
    if (is_read && exchange->step == EXCHANGE_WAITING) {
        while (!exchange->job.is_done)
            turn_forward(turn);
        exchange->route->write(exchange);
    }
    exchange_release(exchange);
    return is_read && exchange->step == EXCHANGE_ANSWERED;
}

static inline void test_service_close(struct test_service *test)
{
    turn_reset(&test->service.turn);
    metrics_reset(&test->metrics);
    repository_free(test->keeper.repository);
    config_free(&test->config);
}

#endif
