/* What the routes share, and the Server-Timing line. */
#include "tests/unit/suite.h"

#include "server/api/rows_check.h"
#include "server/api/rows_io.h"
#include "server/batch/nonfinite.h"
#include "server/batch/server_timing.h"
#include "tests/scarce.h"

#include <math.h>
#include <string.h>

START_TEST(the_first_number_that_is_not_finite_is_found_at_every_place)
{
    static const float bad[] = {NAN, -NAN, INFINITY, -INFINITY};
    enum { N = 600 };
    float values[N];
    struct service service = {0};
    struct request request = {.service = &service};
    for (size_t i = 0; i < N; i++)
        values[i] = i % 3 ? 3.4028235e38f : -1e-45f;
    ck_assert_uint_eq(nonfinite_find_watched(&request, values, 0), 0);
    for (size_t count = 1; count <= N; count++) {
        ck_assert_uint_eq(nonfinite_find_watched(&request, values, count), count);
        size_t at = count * 7 % count + count / 3;
        float was = values[at], behind = values[count - 1];
        values[count - 1] = NAN;
        values[at] = bad[count % 4];
        ck_assert_uint_eq(nonfinite_find_watched(&request, values, count), at);
        values[count - 1] = behind;
        values[at] = was;
    }
}
END_TEST

START_TEST(a_place_is_cut_to_its_room)
{
    const size_t shape[] = {2, 3, 4};
    char place[16];
    rows_check_place(place, sizeof place, "x", shape, 3, 23);
    ck_assert_str_eq(place, "x[1][2][3]");
    rows_check_place(place, sizeof place, "x", NULL, 0, 0);
    ck_assert_str_eq(place, "x");
    rows_check_place(place, 6, "x", shape, 3, 23);
    ck_assert_str_eq(place, "x[1][");
    rows_check_place(place, sizeof place, "a name of many letters", shape, 3, 23);
    ck_assert_str_eq(place, "a name of many ");
}
END_TEST

/* Long answers are written a piece at a time. The first piece is always taken. */
START_TEST(an_answer_ends_where_it_is_too_long_or_memory_is_short)
{
    enum { PIECE = 128 * 1024, LEN = 2 * PIECE + 5 };
    static char bytes[LEN];
    struct service service = {0};
    struct request whole = {.service = &service}, great = whole, scarce = whole;
    memset(bytes, 'b', sizeof bytes);
    rows_io_put_bytes(&whole, &whole.out, bytes, LEN);
    ck_assert(whole.out.len == LEN && memcmp(whole.out.at, bytes, LEN) == 0);
    ck_assert_ptr_nonnull(text_room(&great.out, TURN_ANSWER_BYTES_MAX)); /* hardly any is touched */
    great.out.len = TURN_ANSWER_BYTES_MAX;
    rows_io_put_bytes(&great, &great.out, bytes, LEN);
    ck_assert_uint_eq(great.out.len, TURN_ANSWER_BYTES_MAX + PIECE);
    ck_assert(great.is_too_large);
    request_answer(&great, 200, MEDIA_JSON_TYPE);
    ck_assert_uint_eq(great.code, 413);
    ck_assert_str_eq(great.type, MEDIA_JSON_TYPE);
    scarce_begin(SCARCE_MEMORY, 1);
    rows_io_put_bytes(&scarce, &scarce.out, bytes, LEN);
    ck_assert(scarce_end() && scarce.out.is_short && scarce.out.len == 0);
    request_answer(&scarce, 200, MEDIA_JSON_TYPE);
    ck_assert_uint_eq(scarce.code, 503);
    text_free(&whole.out);
    text_free(&great.out);
    text_free(&scarce.out);
}
END_TEST

START_TEST(the_timing_line_has_the_stages_that_were_passed)
{
    char line[SERVER_TIMING_MAX];
    struct request request = {.decode_ns = 1234567, .encode_ns = 999};
    server_timing_line(&request, line);
    ck_assert_str_eq(line, "decode;dur=1.234, encode;dur=0.000");
    struct served_model served = {0};
    request.job = (struct turn_job){.served = &served,
                                    .submit_ns = 5,
                                    .begin_ns = 10005,
                                    .forward_ns = INT64_C(3600000000000),
                                    .batch_rows = 256};
    request.encode_ns = -1; /* a clock that goes back is no time */
    server_timing_line(&request, line);
    ck_assert_str_eq(line, "decode;dur=1.234, queue;dur=0.010, forward;dur=3600000.000, "
                           "encode;dur=0.000, batch;desc=\"256 rows\"");
    request.job = (struct turn_job){
        .served = &served, .begin_ns = INT64_MAX, .forward_ns = INT64_MAX, .batch_rows = SIZE_MAX};
    request.decode_ns = request.encode_ns = INT64_MAX;
    server_timing_line(&request, line);
    ck_assert_uint_lt(strlen(line), SERVER_TIMING_MAX);
}
END_TEST

RUN_SUITE("rows_io", a_place_is_cut_to_its_room,
          an_answer_ends_where_it_is_too_long_or_memory_is_short,
          the_first_number_that_is_not_finite_is_found_at_every_place,
          the_timing_line_has_the_stages_that_were_passed)
