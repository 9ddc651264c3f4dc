/* One worker's service without HTTP: models, metrics, a turn, the default settings. */
#ifndef TESTS_SERVICE_H
#define TESTS_SERVICE_H

#include "server/api/router.h"
#include "server/batch/request.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct test_service {
    struct config config;
    struct model_loader loader; /* its thread does not run */
    struct metrics metrics;
    struct service_state state;
    struct service service;
    const struct served_model *served; /* the model that answers if a request names none */
};

/* The worker takes a new catalog at once. */
static inline void test_service_follow(void *user)
{
    struct test_service *test = user;
    if (test->service.turn.catalog)
        turn_change_catalog(&test->service.turn, repository_take(test->loader.repository));
}

/* Serves the models at `path`. default_model answers if a request names none; it may be NULL. Ends
 * the program on failure. *test must not be moved afterwards. */
static inline void test_service_open(struct test_service *test, const char *path,
                                     const char *default_model)
{
    char *argv[] = {"serve", NULL};
    struct relud_error error;
    *test = (struct test_service){0};
    bool is_open = config_read(&test->config, 1, argv, &error);
    const struct repository_options options = {
        .served = {.workers = 1, .batch_rows_max = test->config.batch_rows_max},
        .policy = "latest:1",
        .default_model = default_model,
        .on_change = test_service_follow,
        .user = test};
    test->loader.repository = is_open ? repository_open(&path, 1, &options, &error) : NULL;
    is_open = test->loader.repository && metrics_init(&test->metrics, 1);
    test->service = (struct service){.config = &test->config,
                                     .loader = &test->loader,
                                     .metrics = &test->metrics,
                                     .shard = test->metrics.shard,
                                     .state = &test->state};
    if (!is_open || !turn_init(&test->service.turn, repository_take(test->loader.repository), 0,
                               test->metrics.shard, test->config.batch_rows_max,
                               test->config.body_bytes_max, &error)) {
        fprintf(stderr, "%s: %s\n", path, error.text);
        exit(EXIT_FAILURE);
    }
    test->served = test->service.turn.catalog->unnamed;
}

/* Splits name=value&… into the request's query, in place. */
static inline void test_service_query(struct request *request, char *query)
{
    char *rest = NULL;
    for (char *word = strtok_r(query, "&", &rest); word; word = strtok_r(NULL, "&", &rest)) {
        char *value = strchr(word, '=');
        if (value)
            *value++ = '\0';
        if (request->query_len < REQUEST_QUERY_MAX)
            request->query[request->query_len] = (struct request_parameter){word, value};
        request->query_len++;
    }
}

/* Lets request->route answer the request, as server/http/request.c does once the body is complete.
 * False if there is no answer. Gives the turn's rows back; the caller frees request->out. */
static inline bool test_service_answer(struct request *request, const char *body, size_t len)
{
    struct turn *turn = &request->service->turn;
    enum read_verdict verdict = request->route->read(request, body, len);
    if (verdict == READ_SUBMITTED) {
        while (!request->job.is_done)
            turn_forward(turn);
        request->route->write(request);
    }
    request_release(request);
    return verdict != READ_AGAIN && request->code;
}

static inline void test_service_close(struct test_service *test)
{
    turn_reset(&test->service.turn);
    metrics_reset(&test->metrics);
    repository_free(test->loader.repository);
    config_free(&test->config);
}

#endif
