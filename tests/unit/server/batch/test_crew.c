/* Workers that help: each pass has the bits of relud_predict, whoever computed its pieces, and nobody is inside one that was closed. */
#include "server/base/clock.h"
#include "server/batch/crew.h"
#include "tests/unit/models.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>

enum { WORKERS = 4, ROWS = 600, PASSES = 300, HELP_NS = 200000, AWAKE_MS = 20000 };

struct crew_test {
    struct crew *crew;
    relud_model *model;
    struct served_model served;
    atomic_bool is_over;
    atomic_size_t helped; /* times that a worker has helped */
};

struct member {
    struct crew_test *test;
    size_t worker;
};

/* What a worker without connections does. */
static void *run_member(void *user)
{
    const struct member *member = user;
    struct crew_test *test = member->test;
    while (!test->is_over) {
        if (crew_help(test->crew, member->worker, clock_ns() + HELP_NS)) {
            test->helped++;
            continue;
        }
        bool may_sleep = crew_may_sleep(test->crew, member->worker);
        struct pollfd fd = {.fd = crew_fd(test->crew, member->worker), .events = POLLIN};
        int ready = poll(&fd, 1, may_sleep ? AWAKE_MS : 1);
        ck_assert_msg(ready || !may_sleep || test->is_over, "nobody woke worker %zu",
                      member->worker);
        crew_is_awake(test->crew, member->worker, ready > 0);
    }
    return NULL;
}

static void open_test(struct crew_test *test, relud_scratch **scratch)
{
    struct relud_error error = {0};
    *test = (struct crew_test){.crew = crew_new(WORKERS, &error)};
    test->model = load_model(MODEL, TENSORS, data, sizeof data, &error);
    ck_assert_msg(test->crew && test->model, "%s", error.text);
    test->served.scratch = scratch;
    for (size_t i = 0; i < WORKERS; i++)
        scratch[i] = relud_scratch_new(test->model, 64, &error);
}

static void close_test(struct crew_test *test)
{
    for (size_t i = 0; i < WORKERS; i++)
        relud_scratch_free(test->served.scratch[i]);
    relud_model_release(test->model);
    crew_free(test->crew);
}

START_TEST(workers_help_with_every_pass_and_leave_it_when_it_is_closed)
{
    struct crew_test test;
    relud_scratch *scratch[WORKERS];
    pthread_t thread[WORKERS];
    struct member member[WORKERS];
    static float x[ROWS * 3], y[ROWS * 2], wanted[ROWS * 2];
    open_test(&test, scratch);
    for (size_t i = 0; i < ROWS * 3; i++)
        x[i] = (float)(i % 97) - 48;
    relud_predict(scratch[0], x, ROWS, wanted);
    for (size_t i = 1; i < WORKERS; i++) {
        member[i] = (struct member){&test, i};
        ck_assert_int_eq(pthread_create(&thread[i], NULL, run_member, &member[i]), 0);
    }
    relud_pass *pass = relud_pass_new(256);
    for (size_t no = 0; no < PASSES || test.helped == 0; no++) {
        bool is_stopped = no % 5 == 4;
        size_t number = no % CREW_PASSES;
        set_cost(test.model, 20000, no % 2 ? 1 : SIZE_MAX); /* by rows, and by steps */
        memset(y, 0, sizeof y);
        size_t done = 0;
        for (size_t taken; done < ROWS && !is_stopped; done += taken) {
            const struct relud_pass_rows rows = {x, y, NULL, done, ROWS - done};
            taken = relud_pass_begin(pass, test.model, &rows);
            crew_offer(test.crew, 0, number, pass, &test.served, 1e9);
            while (relud_pass_work(pass, scratch[0]) != RELUD_PASS_DONE)
                ;
            crew_close(test.crew, 0, number);
        }
        if (!is_stopped) {
            ck_assert_mem_eq(y, wanted, sizeof y);
            continue;
        }
        const struct relud_pass_rows rows = {x, y, NULL, 0, ROWS};
        relud_pass_begin(pass, test.model, &rows);
        crew_offer(test.crew, 0, number, pass, &test.served, 1e9);
        relud_pass_work(pass, scratch[0]);
        relud_pass_stop(pass);
        crew_close(test.crew, 0, number);
        memset(y, 0, sizeof y); /* nobody writes there any more */
        relud_pass_begin(pass, test.model, &(struct relud_pass_rows){x, y, NULL, 0, 1});
        relud_pass_stop(pass);
        for (size_t i = 0; i < ROWS * 2; i++)
            ck_assert_float_eq(y[i], 0);
    }
    test.is_over = true;
    size_t number = 1;
    const struct relud_pass_rows rows = {x, y, NULL, 0, ROWS};
    relud_pass_begin(pass, test.model, &rows); /* wakes who sleeps */
    crew_offer(test.crew, 0, number, pass, &test.served, 1e9);
    for (size_t i = 1; i < WORKERS; i++)
        pthread_join(thread[i], NULL);
    relud_pass_stop(pass);
    crew_close(test.crew, 0, number);
    crew_close(test.crew, 0, number); /* a second time is nothing */
    relud_pass_free(pass);
    close_test(&test);
}
END_TEST

/* As many are woken as the pass is worth. */
START_TEST(a_short_pass_wakes_nobody)
{
    struct crew_test test;
    relud_scratch *scratch[WORKERS];
    static float x[ROWS * 3], y[ROWS * 2];
    open_test(&test, scratch);
    relud_pass *pass = relud_pass_new(256);
    relud_pass_begin(pass, test.model, &(struct relud_pass_rows){x, y, NULL, 0, ROWS});
    for (size_t i = 1; i < WORKERS; i++)
        ck_assert(crew_may_sleep(test.crew, i));
    for (size_t woken = 0, number = 0; woken < WORKERS; woken += 2, number++) {
        struct pollfd fd[WORKERS];
        for (size_t i = 0; i < WORKERS; i++)
            fd[i] = (struct pollfd){.fd = crew_fd(test.crew, i), .events = POLLIN};
        crew_offer(test.crew, 0, number, pass, &test.served, woken ? 600000 : 1000);
        ck_assert_int_eq(poll(fd, WORKERS, 0), (int)woken);
        ck_assert(!crew_may_sleep(test.crew, 3));
        crew_close(test.crew, 0, number);
        ck_assert(crew_may_sleep(test.crew, 3));
    }
    relud_pass_stop(pass);
    ck_assert(!crew_help(test.crew, 1, INT64_MAX));
    relud_pass_free(pass);
    close_test(&test);
}
END_TEST

RUN_SUITE("crew", workers_help_with_every_pass_and_leave_it_when_it_is_closed,
          a_short_pass_wakes_nobody)
