/* Long jobs: they let short ones pass, share a pass, and leave it. */
#include "tests/unit/echo.h"

START_TEST(a_long_job_lets_short_ones_pass)
{
    struct test_service test;
    struct submission longer = {0}, brief = {0};
    open_echo(&test);
    struct turn *turn = &test.service.turn;
    ck_assert(submit(&test, &longer, 7, many_rows(&test), false));
    ck_assert(turn->has_new_long);
    for (unsigned number = 8; number < 11; number++) {
        ck_assert(submit(&test, &brief, number, 1, false));
        turn->short_ns = INT64_MAX / 2; /* they come all the time */
        turn_forward(turn);             /* the short one, and a piece of the long one */
        ck_assert(is_answered(&brief));
        ck_assert_uint_eq(brief.job.batch_rows, 1);
        ck_assert(!longer.job.is_done);
        ck_assert_uint_eq(longer.job.rows_done, 0);
        turn_release(turn, &brief.job);
    }
    while (!longer.job.is_done)
        turn_forward(turn);
    ck_assert(is_answered(&longer));
    ck_assert_uint_eq(longer.job.batch_rows, turn->batch_rows_max);
    turn_release(turn, &longer.job);
    test_service_close(&test);
}
END_TEST

/* Wherever they lie; but not the job that wants its layers. */
START_TEST(long_jobs_of_costly_rows_share_a_pass)
{
    enum { JOBS = 5 };
    struct test_service test;
    struct submission submissions[JOBS] = {0}, brief = {0};
    open_echo(&test);
    struct turn *turn = &test.service.turn;
    const struct turn_lane *lane = &turn->lane[TURN_FEW];
    set_cost(test.served->model, TURN_LONG_NS / 2, SIZE_MAX); /* three rows are long work */
    for (unsigned i = 0; i < JOBS; i++) {
        ck_assert(submit(&test, &submissions[i], 5 + i, 3 + i, i == 3));
        ck_assert(i != 1 || submit(&test, &brief, 20, 1, false)); /* lies between them */
    }
    ck_assert_ptr_eq(lane->queue.first, &submissions[0].job);
    turn->short_ns = INT64_MAX / 2; /* a piece a turn */
    turn_forward(turn);
    ck_assert(is_answered(&brief));
    ck_assert_uint_eq(lane->pass_rows, 3 + 4 + 5 + 7);
    ck_assert_ptr_eq(lane->queue.first, &submissions[3].job);
    turn_release(turn, &submissions[1].job); /* the pass goes on for the others */
    ck_assert_uint_eq(lane->pass_rows, 3 + 4 + 5 + 7);
    ck_assert_uint_eq(turn->rows_waiting, 3 + 5 + 6 + 7);
    while (turn->jobs_waiting)
        turn_forward(turn);
    for (unsigned i = 0; i < JOBS; i++) {
        ck_assert(i == 1 || is_answered(&submissions[i]));
        turn_release(turn, &submissions[i].job);
    }
    turn_release(turn, &brief.job);
    ck_assert_uint_eq(turn->unanswered + turn->rows_waiting, 0);
    ck_assert_ptr_null(lane->gathered);
    test_service_close(&test);
}
END_TEST

/* A pass that nobody waits for ends, and leaves nothing to the next one. */
START_TEST(a_pass_ends_when_its_last_job_has_gone)
{
    struct test_service test;
    struct submission one = {0}, late = {.deadline_ns = INT64_MAX}, next = {0};
    open_echo(&test);
    struct turn *turn = &test.service.turn;
    const struct turn_lane *lane = &turn->lane[TURN_MANY];
    set_cost(test.served->model, TURN_LONG_NS / 2, SIZE_MAX);
    ck_assert(submit(&test, &one, 1, 45, false));
    ck_assert(submit(&test, &late, 2, 50, false));
    turn->short_ns = INT64_MAX / 2;
    turn_forward(turn);
    ck_assert_uint_eq(lane->pass_rows, 95);
    late.job.deadline_ns = 1;
    turn_forward(turn);
    ck_assert(late.job.is_done && late.job.is_late && !one.job.is_late);
    ck_assert_uint_eq(lane->pass_rows, one.job.is_done ? 0 : 95);
    turn_release(turn, &one.job);
    ck_assert_uint_eq(lane->pass_rows, 0);
    ck_assert(submit(&test, &next, 3, 60, false));
    while (turn->jobs_waiting)
        turn_forward(turn);
    ck_assert(is_answered(&next));
    turn_release(turn, &late.job);
    turn_release(turn, &next.job);
    ck_assert_uint_eq(turn->unanswered + turn->rows_waiting, 0);
    test_service_close(&test);
}
END_TEST

/* A pass takes a part of the last job, and the next one the rest. */
START_TEST(a_pass_of_several_jobs_has_a_limit)
{
    enum { JOBS = 5 };
    struct test_service test;
    struct submission submissions[JOBS] = {0};
    open_echo(&test);
    struct turn *turn = &test.service.turn;
    size_t rows = turn->batch_rows_max / 3 + 1;
    set_cost(test.served->model, TURN_LONG_NS / 2, SIZE_MAX);
    for (unsigned i = 0; i < JOBS; i++)
        ck_assert(submit(&test, &submissions[i], i, rows, false));
    turn->short_ns = INT64_MAX / 2;
    turn_forward(turn);
    ck_assert_uint_eq(turn->lane[TURN_MANY].pass_rows, turn->batch_rows_max);
    while (turn->jobs_waiting)
        turn_forward(turn);
    for (unsigned i = 0; i < JOBS; i++) {
        ck_assert(is_answered(&submissions[i]));
        ck_assert_uint_le(submissions[i].job.batch_rows, turn->batch_rows_max);
        turn_release(turn, &submissions[i].job);
    }
    test_service_close(&test);
}
END_TEST

/* A lane each, which have a piece computed in turn. */
START_TEST(few_rows_do_not_wait_until_many_are_computed)
{
    enum { PIECES = 10 };
    struct test_service test;
    struct submission many = {0}, few[2] = {0};
    open_echo(&test);
    struct turn *turn = &test.service.turn;
    set_cost(test.served->model, TURN_LONG_NS, 1); /* PIECES of eight rows */
    ck_assert(submit(&test, &many, 1, 8 * PIECES, false));
    turn->short_ns = INT64_MAX / 2; /* a piece a turn */
    turn_forward(turn);
    ck_assert(turn_has_pass(turn) && !turn_is_stalled(turn));
    ck_assert_ptr_null(turn_first(turn));
    for (unsigned i = 0; i < 2; i++) {
        ck_assert(submit(&test, &few[i], 2 + i, 2, false));
        ck_assert_ptr_eq(turn_first(turn), &few[i].job);
        for (unsigned turns = 0; turns < PIECES && !few[i].job.is_done; turns++)
            turn_forward(turn);
        ck_assert(is_answered(&few[i]));
        ck_assert(!many.job.is_done);
    }
    while (!many.job.is_done)
        turn_forward(turn);
    ck_assert(is_answered(&many));
    ck_assert(!turn_has_pass(turn));
    turn_release(turn, &many.job);
    for (unsigned i = 0; i < 2; i++)
        turn_release(turn, &few[i].job);
    ck_assert_uint_eq(turn->unanswered + turn->rows_waiting, 0);
    test_service_close(&test);
}
END_TEST

RUN_SUITE("turn_pass", a_long_job_lets_short_ones_pass, long_jobs_of_costly_rows_share_a_pass,
          a_pass_ends_when_its_last_job_has_gone, a_pass_of_several_jobs_has_a_limit,
          few_rows_do_not_wait_until_many_are_computed)
