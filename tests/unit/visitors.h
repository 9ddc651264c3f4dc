/* Requests whose long work is done in slices, as server/http/body.c does it. */
#ifndef TESTS_UNIT_VISITORS_H
#define TESTS_UNIT_VISITORS_H

#include "tests/unit/requests.h"

enum { LONG_BYTES = 300 * 1024, SLICES_MIN = 4 };

/* Makes a body that begins with `head`, repeats `row` up to LONG_BYTES, and ends with `tail`. */
static inline char *long_body(const char *head, const char *row, const char *tail)
{
    struct text text = {0};
    text_put(&text, head);
    while (text.len < LONG_BYTES) {
        text_put(&text, row);
        text_put(&text, ",");
    }
    text_put(&text, row);
    text_put(&text, tail);
    text_put_n(&text, "", 1);
    ck_assert(text_is_whole(&text));
    return text.at;
}

/* Makes a body of `rows` rows. */
static inline char *body_of_rows(size_t rows, const char *row, const char *head, const char *tail)
{
    struct text text = {0};
    text_put(&text, head);
    for (size_t i = 0; i < rows; i++) {
        text_put(&text, i ? "," : "");
        text_put(&text, row);
    }
    text_put(&text, tail);
    text_put_n(&text, "", 1);
    ck_assert(text_is_whole(&text));
    return text.at;
}

static inline struct long_work *work_of(void)
{
    return &requests_service.service.long_work;
}

static inline void check_nothing_is_left(void)
{
    const struct service *service = &requests_service.service;
    ck_assert_ptr_null(work_of()->line.first);
    ck_assert_ptr_null(work_of()->line.last);
    ck_assert(!work_of()->is_under_way);
    ck_assert_uint_eq(service->turn.buffer[0].jobs + service->turn.buffer[1].jobs, 0);
    ck_assert_uint_eq(service->turn.unanswered, 0);
}

/* A request in progress; the functions below do with it what server/http/body.c does. */
struct visitor {
    struct request request; /* must be the first member */
    enum read_verdict verdict;
    const char *body;
    size_t len, slices;
    char path[256]; /* with the query's words */
};

static inline void read_all(struct request *request)
{
    struct visitor *visitor = (struct visitor *)request;
    visitor->verdict = request->route->read(request, visitor->body, visitor->len);
}

static inline void write_all(struct request *request)
{
    request->route->write(request);
}

/* Begins a request with everything in `with` except the expected code and words. */
static inline void begin_case(struct visitor *visitor, const struct request_case *with)
{
    char verb[8];
    snprintf(verb, sizeof verb, "%.*s", (int)strcspn(with->ask, " "), with->ask);
    *visitor = (struct visitor){.request = {.service = &requests_service.service,
                                            .content_type = with->content_type,
                                            .accept = with->accept,
                                            .inference_header_length = with->length},
                                .body = with->body,
                                .len = with->len ? with->len : strlen(with->body)};
    char *path = visitor->path, *query;
    snprintf(path, sizeof visitor->path, "%s", strchr(with->ask, ' ') + 1);
    query = strchr(path, '?');
    if (query)
        *query++ = '\0';
    test_service_query(&visitor->request, query ? query : path + strlen(path));
    visitor->request.route = router_find(&visitor->request, verb, path);
    ck_assert_ptr_nonnull(visitor->request.route);
}

static inline void begin(struct visitor *visitor, const char *ask, const char *body)
{
    const struct request_case with = {.ask = ask, .body = body};
    begin_case(visitor, &with);
}

/* Runs the next turn's slice. True if the function is done. */
static inline bool slice(struct visitor *visitor, void (*function)(struct request *))
{
    long_work_begin_turn(work_of());
    visitor->slices++;
    return long_work_run(&visitor->request, function);
}

static inline void end(struct visitor *visitor)
{
    request_release(&visitor->request);
    text_free(&visitor->request.out);
}

/* Runs up to `slices` slices, with the forward pass between reading and writing. True if the
 * request is answered; the response is then in request.out. */
static inline bool answer_some(struct visitor *visitor, size_t slices)
{
    struct request *request = &visitor->request;
    while (slices-- > 0) {
        if (!slice(visitor, request->job.is_done ? write_all : read_all))
            continue;
        if (visitor->verdict != READ_SUBMITTED || request->job.is_done)
            return true;
        while (!request->job.is_done)
            turn_forward(&request->service->turn);
    }
    return false;
}

static inline void answer(struct visitor *visitor)
{
    answer_some(visitor, SIZE_MAX);
    request_release(&visitor->request);
}

static inline void shortest_slices(void)
{
    work_of()->slice_ns = 1; /* a slice ends as soon as the work asks */
}

#endif
