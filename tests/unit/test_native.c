/* What the routes share, and the Server-Timing line. */
#include "tests/unit/suite.h"

#include "server/native.h"
#include "server/timing.h"
#include <math.h>
#include <string.h>

START_TEST(the_first_number_that_is_not_finite_is_found_at_every_place)
{
    static const float bad[] = {NAN, -NAN, INFINITY, -INFINITY};
    enum { N = 600 };
    float values[N];
    for (size_t i = 0; i < N; i++)
        values[i] = i % 3 ? 3.4028235e38f : -1e-45f;
    ck_assert_uint_eq(native_find_nonfinite(values, 0), 0);
    for (size_t count = 1; count <= N; count++) {
        ck_assert_uint_eq(native_find_nonfinite(values, count), count);
        size_t at = count * 7 % count + count / 3;
        float was = values[at], behind = values[count - 1];
        values[count - 1] = NAN;
        values[at] = bad[count % 4];
        ck_assert_uint_eq(native_find_nonfinite(values, count), at);
        values[count - 1] = behind;
        values[at] = was;
    }
}
END_TEST

START_TEST(the_timing_line_has_the_stages_that_were_passed)
{
    char line[TIMING_LINE_MAX];
    struct exchange exchange = {.decode_ns = 1234567, .encode_ns = 999};
    timing_line(&exchange, line);
    ck_assert_str_eq(line, "decode;dur=1.234, encode;dur=0.000");
    struct entry entry = {0};
    exchange.job = (struct turn_job){.entry = &entry,
                                     .submit_ns = 5,
                                     .begin_ns = 10005,
                                     .forward_ns = INT64_C(3600000000000),
                                     .batch_rows = 256};
    exchange.encode_ns = -1; /* a clock that goes back is no time */
    timing_line(&exchange, line);
    ck_assert_str_eq(line, "decode;dur=1.234, queue;dur=0.010, forward;dur=3600000.000, "
                           "encode;dur=0.000, batch;desc=\"256 rows\"");
    exchange.job = (struct turn_job){
        .entry = &entry, .begin_ns = INT64_MAX, .forward_ns = INT64_MAX, .batch_rows = SIZE_MAX};
    exchange.decode_ns = exchange.encode_ns = INT64_MAX;
    timing_line(&exchange, line);
    ck_assert_uint_lt(strlen(line), TIMING_LINE_MAX);
}
END_TEST

RUN_SUITE("native", the_first_number_that_is_not_finite_is_found_at_every_place,
          the_timing_line_has_the_stages_that_were_passed)
