/* The turn by itself: every job gets its own rows' answers, whatever comes and goes around it. */
#include "tests/unit/echo.h"

#include "server/batch/prediction.h"

START_TEST(jobs_of_one_turn_are_one_batch)
{
    struct test_service test;
    struct submission submissions[3] = {0};
    open_echo(&test);
    for (unsigned i = 0; i < 3; i++)
        ck_assert(submit(&test, &submissions[i], i + 1, i + 1, false));
    ck_assert_uint_eq(test.service.turn.rows_waiting, 6);
    turn_forward(&test.service.turn);
    for (unsigned i = 0; i < 3; i++) {
        ck_assert(is_answered(&submissions[i]));
        ck_assert_uint_eq(submissions[i].job.batch_rows, 6);
        turn_release(&test.service.turn, &submissions[i].job);
        turn_release(&test.service.turn, &submissions[i].job); /* a second time is nothing */
    }
    ck_assert_uint_eq(test.service.turn.unanswered, 0);
    ck_assert_uint_eq(test.service.turn.jobs_waiting, 0);
    test_service_close(&test);
}
END_TEST

/* Also one that has been computed in part: nobody waits for the rest. */
START_TEST(no_work_is_done_for_who_waits_no_more)
{
    struct test_service test;
    struct submission early = {0}, late = {.deadline_ns = 1}, never = {.deadline_ns = INT64_MAX},
                      longer = {.deadline_ns = INT64_MAX};
    open_echo(&test);
    ck_assert(submit(&test, &early, 1, 2, false));
    ck_assert(submit(&test, &late, 2, 3, false));
    ck_assert(submit(&test, &never, 3, 1, false));
    turn_forward(&test.service.turn);
    ck_assert(is_answered(&early) && !early.job.is_late);
    ck_assert(is_answered(&never) && !never.job.is_late);
    ck_assert(late.job.is_done && late.job.is_late);
    ck_assert_uint_eq(late.job.rows_done, 0);
    ck_assert_uint_eq(test.service.turn.rows_waiting + test.service.turn.jobs_waiting, 0);
    ck_assert(submit(&test, &longer, 4, many_rows(&test), false));
    test.service.turn.short_ns = INT64_MAX / 2; /* one piece of it a turn */
    turn_forward(&test.service.turn);
    ck_assert(turn_has_pass(&test.service.turn));
    longer.job.deadline_ns = 1;
    turn_forward(&test.service.turn);
    ck_assert(longer.job.is_done && longer.job.is_late);
    ck_assert_uint_eq(test.service.turn.rows_waiting, 0);
    turn_release(&test.service.turn, &early.job);
    turn_release(&test.service.turn, &late.job);
    turn_release(&test.service.turn, &never.job);
    turn_release(&test.service.turn, &longer.job);
    ck_assert_uint_eq(test.service.turn.unanswered, 0);
    test_service_close(&test);
}
END_TEST

START_TEST(every_layer_is_given_to_who_asks)
{
    struct test_service test;
    struct submission plain = {0}, layered = {0};
    open_echo(&test);
    size_t rows = many_rows(&test);
    ck_assert(submit(&test, &layered, 3, rows, true));
    ck_assert(submit(&test, &plain, 4, 2, false));
    while (test.service.turn.jobs_waiting)
        turn_forward(&test.service.turn);
    ck_assert(is_answered(&layered));
    ck_assert(is_answered(&plain));
    ck_assert_ptr_null(plain.job.layer_out);
    for (size_t r = 0; r < rows; r++) {
        const float *hidden = layered.job.layer_out[0] + r * FEATURES;
        const float *last = layered.job.layer_out[1] + r * OUTPUTS;
        if (hidden[0] != 3 || hidden[1] != (float)r || hidden[3] != 0 || last[2] != (float)(3 + r))
            ck_abort_msg("row %zu of the layers is another's", r);
    }
    turn_release(&test.service.turn, &layered.job);
    turn_release(&test.service.turn, &plain.job);
    test_service_close(&test);
}
END_TEST

START_TEST(a_job_that_leaves_early_leaves_no_trace)
{
    struct test_service test;
    struct submission submissions[4] = {0};
    open_echo(&test);
    for (unsigned i = 0; i < 4; i++)
        ck_assert(submit(&test, &submissions[i], i, 2, false));
    turn_release(&test.service.turn, &submissions[3].job); /* the last, then from the middle */
    turn_release(&test.service.turn, &submissions[1].job);
    ck_assert_uint_eq(test.service.turn.rows_waiting, 4);
    turn_forward(&test.service.turn);
    ck_assert(is_answered(&submissions[0]));
    ck_assert(is_answered(&submissions[2]));
    turn_release(&test.service.turn, &submissions[0].job);
    turn_release(&test.service.turn, &submissions[2].job);
    ck_assert_uint_eq(test.service.turn.unanswered, 0);
    ck_assert(submit(&test, &submissions[1], 9, 1, false)); /* the line is whole */
    turn_forward(&test.service.turn);
    ck_assert(is_answered(&submissions[1]));
    turn_release(&test.service.turn, &submissions[1].job);
    test_service_close(&test);
}
END_TEST

START_TEST(a_full_turn_says_so_and_has_room_again)
{
    struct test_service test;
    struct submission kept = {0}, other = {0};
    open_echo(&test);
    struct turn *turn = &test.service.turn;
    size_t rows = turn->rows_cap / FEATURES / 2 + 1; /* half a buffer and more */
    ck_assert(submit(&test, &kept, 1, rows, false));
    ck_assert(submit(&test, &other, 2, rows, false)); /* on the other buffer */
    ck_assert_ptr_null(rows_of(turn, &(struct turn_job){0}, rows * FEATURES));
    turn_release(turn, &kept.job);
    ck_assert_ptr_nonnull(rows_of(turn, &(struct turn_job){0}, rows * FEATURES));
    ck_assert(submit(&test, &kept, 3, rows, false));
    while (turn->rows_waiting)
        turn_forward(turn);
    ck_assert(is_answered(&kept));
    ck_assert(is_answered(&other));
    turn_release(turn, &kept.job);
    turn_release(turn, &other.job);
    test_service_close(&test);
}
END_TEST

/* Rows that are held while they are read are nobody else's, and what was too much of it is free again. */
START_TEST(held_rows_are_kept_until_they_are_submitted_or_given_up)
{
    struct test_service test;
    struct submission other = {0};
    struct turn_job job = {0};
    open_echo(&test);
    struct turn *turn = &test.service.turn;
    struct row_buffer *buffer = turn->open;
    float *x = rows_of(turn, &job, 1000 * FEATURES);
    turn_hold(turn, &job);
    turn_hold(turn, &job);
    ck_assert_uint_eq(buffer->rows_len, 1000 * FEATURES);
    ck_assert_ptr_eq(rows_of(turn, &job, 1000 * FEATURES), x);
    ck_assert(submit(&test, &other, 3, 5, false));
    ck_assert_ptr_eq(other.job.x, x + 1000 * FEATURES);
    ck_assert_uint_eq(turn->jobs_waiting, 1);
    memset(x, 0, 2 * FEATURES * sizeof *x);
    x[0] = 11;
    ck_assert_int_eq(turn_submit(turn, &job, test.served, 2, false), TURN_TAKEN);
    ck_assert_uint_eq(buffer->rows_len, 1005 * FEATURES); /* somebody is behind it */
    turn_forward(turn);
    ck_assert(is_answered(&other) && job.is_done && job.y[0] == 11);
    turn_release(turn, &other.job);
    turn_release(turn, &job);
    ck_assert_uint_eq(buffer->rows_len, 0);

    buffer = turn->open;
    x = rows_of(turn, &job, 100 * FEATURES);
    turn_hold(turn, &job);
    memset(x, 0, 3 * FEATURES * sizeof *x);
    ck_assert_int_eq(turn_submit(turn, &job, test.served, 3, false), TURN_TAKEN);
    ck_assert_uint_eq(buffer->rows_len, 3 * FEATURES); /* the rest is let go of */
    turn_release(turn, &job);

    ck_assert_ptr_nonnull(rows_of(turn, &job, 100 * FEATURES));
    turn_hold(turn, &job);
    turn_release(turn, &job); /* given up before it was read */
    turn_release(turn, &job);
    ck_assert_uint_eq(turn->buffer[0].jobs + turn->buffer[1].jobs, 0);
    ck_assert_uint_eq(turn->unanswered, 0);
    test_service_close(&test);
}
END_TEST

/* Nor do they keep the buffer from emptying where there is no room for their answers. */
START_TEST(a_held_job_whose_answers_find_no_room_comes_again)
{
    struct test_service test;
    struct submission other = {0};
    struct turn_job job = {0};
    open_echo(&test);
    struct turn *turn = &test.service.turn;
    ck_assert_ptr_nonnull(rows_of(turn, &job, 10 * FEATURES));
    turn_hold(turn, &job);
    turn->open->answers_len = turn->answers_cap - OUTPUTS; /* others' */
    ck_assert_int_eq(turn_submit(turn, &job, test.served, 10, false), TURN_FULL);
    ck_assert_ptr_null(job.rows_held);
    ck_assert_uint_eq(turn->buffer[0].jobs + turn->buffer[1].jobs, 0);
    ck_assert_uint_eq(turn->open->answers_len, 0);
    ck_assert(submit(&test, &other, 3, 5, false));
    turn->open->answers_len =
        turn->answers_cap -
        OUTPUTS; /* the other buffer has room, and no pass comes to change over */
    ck_assert_ptr_nonnull(rows_of(turn, &job, 10 * FEATURES));
    ck_assert_int_eq(turn_submit(turn, &job, test.served, 10, false), TURN_FULL);
    ck_assert_ptr_nonnull(rows_of(turn, &job, 10 * FEATURES));
    ck_assert_int_eq(turn_submit(turn, &job, test.served, 10, false), TURN_TAKEN);
    turn_release(turn, &job);
    turn_release(turn, &other.job);
    ck_assert_uint_eq(turn->buffer[0].jobs + turn->buffer[1].jobs, 0);
    test_service_close(&test);
}
END_TEST

/* Requests come, wait, are computed, answered late or given up, in any order: nobody's memory is another's. */
START_TEST(any_order_of_coming_and_going_keeps_answers_apart)
{
    enum { REQUESTS = 64, STEPS = 200000 };
    static struct submission submissions[REQUESTS];
    struct test_service test;
    uint64_t state = 42;
    size_t answered = 0, given_up = 0, refused = 0;
    open_echo(&test);
    struct turn *turn = &test.service.turn;
    for (unsigned step = 0; step < STEPS; step++) {
        struct submission *one = &submissions[random_next(&state) % REQUESTS];
        uint64_t dice = random_next(&state) % 100;
        size_t rows = dice == 0 ? 1 + random_next(&state) % (turn->rows_cap / FEATURES / 2)
                                : 1 + random_next(&state) % 8;
        if (dice % 10 == 9) {
            turn_forward(turn);
        } else if (!one->is_taken) {
            one->is_taken = submit(&test, one, step % 1000, rows, dice == 1);
            refused += !one->is_taken;
        } else if (one->job.is_done || dice == 2) {
            if (one->job.is_done && !is_answered(one))
                ck_abort_msg("request %u of step %u has another's answer", one->number, step);
            answered += one->job.is_done;
            given_up += !one->job.is_done;
            turn_release(turn, &one->job);
            one->is_taken = false;
        }
    }
    for (size_t i = 0; i < REQUESTS; i++)
        turn_release(turn, &submissions[i].job);
    ck_assert_uint_eq(turn->unanswered, 0);
    ck_assert_uint_eq(turn->rows_waiting, 0);
    ck_assert_uint_eq(turn->buffer[0].jobs + turn->buffer[1].jobs, 0);
    ck_assert_uint_gt(answered, 1000); /* or the dice were loaded */
    ck_assert_uint_gt(given_up, 100);
    ck_assert_uint_gt(refused, 10);
    test_service_close(&test);
}
END_TEST

static bool has_room(struct test_service *test, const struct served_model *served, size_t rows)
{
    struct request request = {.service = &test->service};
    bool is_taken = prediction_has_room(&request, served, rows);
    if (!is_taken) {
        ck_assert_uint_eq(request.code, 429);
        ck_assert_uint_eq(request.retry_after_s, 1);
        ck_assert_ptr_nonnull(memmem(request.out.at, request.out.len, "wait for their", 14));
    }
    text_free(&request.out);
    return is_taken;
}

START_TEST(no_more_rows_wait_than_may)
{
    struct test_service test;
    struct submission first = {0}, second = {0};
    open_echo(&test);
    counter *rejected = test.service.shard->rejected;
    counter *waiting = &test.served->series->shard[0].waiting_rows;
    test.config.inflight_rows_max = 4;
    test.config.model_rows_max = 0;
    ck_assert(has_room(&test, test.served, 5)); /* alone, whatever its size */
    ck_assert(submit(&test, &first, 1, 3, false));
    ck_assert(has_room(&test, NULL, 1));
    ck_assert(has_room(&test, test.served, 1));
    ck_assert(!has_room(&test, test.served, 2));
    ck_assert_uint_eq(counter_get(&rejected[REJECTED_INFLIGHT_ROWS]), 1);
    test.config.model_rows_max = 3;
    ck_assert(has_room(&test, NULL, 1)); /* which model is not known yet */
    ck_assert(!has_room(&test, test.served, 1));
    ck_assert_uint_eq(counter_get(&rejected[REJECTED_MODEL_ROWS]), 1);
    test.config.model_rows_max = 4;
    ck_assert(submit(&test, &second, 2, 1, false));
    ck_assert_uint_eq(counter_get(waiting), 4);
    turn_release(&test.service.turn, &second.job); /* nobody wants it any more */
    ck_assert_uint_eq(counter_get(waiting), 3);
    turn_forward(&test.service.turn);
    ck_assert_uint_eq(counter_get(waiting), 0);
    ck_assert(has_room(&test, test.served, 9));
    turn_release(&test.service.turn, &first.job);
    test_service_close(&test);
}
END_TEST

RUN_SUITE("turn", jobs_of_one_turn_are_one_batch, no_work_is_done_for_who_waits_no_more,
          every_layer_is_given_to_who_asks, a_job_that_leaves_early_leaves_no_trace,
          a_full_turn_says_so_and_has_room_again,
          held_rows_are_kept_until_they_are_submitted_or_given_up,
          a_held_job_whose_answers_find_no_room_comes_again,
          any_order_of_coming_and_going_keeps_answers_apart, no_more_rows_wait_than_may)
