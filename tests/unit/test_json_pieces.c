/* How long the pieces of a long array are. That they come to the same as reading in one go: read_json in json_texts.h, with every text. */
#include "tests/unit/json_texts.h"

#include <stdio.h>

/* Each piece is of about the length asked for, but no shorter than what is walked again for it. */
START_TEST(a_long_array_is_read_in_pieces)
{
    static char text[64 * 1024], others[REST_BYTES];
    static float room[sizeof text / 2 + 1];
    for (size_t before = 0; before <= 3000; before += 3000) {
        memset(text, ' ', before);
        size_t len = before + (size_t)sprintf(text + before, "{\"inputs\":[");
        while (len + 64 < sizeof text)
            len += (size_t)sprintf(text + len, "[1.5,-20,3e7,0.125],");
        len += (size_t)sprintf(text + len - 1, "]}") - 1;
        struct relud_json_pause pause = {.bytes = 1000};
        struct relud_json_array wide = {.values = room, .capacity = sizeof room / sizeof *room};
        size_t pieces = 1, longest = 0;
        for (size_t from = 0; !relud_json_read_piece(text, len, "inputs", &wide, &pause, others,
                                                     sizeof others, &error);
             from = pause.at, pieces++) {
            ck_assert_uint_gt(pause.at, from);
            longest = pause.at - from > longest ? pause.at - from : longest;
        }
        ck_assert_uint_eq(wide.count, 4 * wide.shape[0]);
        ck_assert_str_eq(others, "{\"inputs\":0}");
        ck_assert_uint_le(longest, before ? 2 * before + 100 : 1100);
        ck_assert_uint_ge(pieces, len / (before ? before + 100 : 1100));
    }
}
END_TEST

RUN_SUITE("json_pieces", a_long_array_is_read_in_pieces)
