/* How long the pieces of a long array are. That they come to the same as reading in one go: read_json in json_texts.h, with every text. */
#include "tests/unit/json_texts.h"

#include <stdio.h>

enum { PIECE_BYTES = 1000 };

static struct {
    size_t count, longest;
} pieces;

/* Reads the text a piece at a time. */
static void read_pieces(const char *text, size_t len)
{
    static char others[REST_BYTES];
    static float room[32 * 1024];
    struct relud_json_pause pause = {.bytes = PIECE_BYTES};
    array = (struct relud_json_array){.values = room, .capacity = sizeof room / sizeof *room};
    pieces.count = 1;
    pieces.longest = 0;
    for (size_t from = 0;
         !relud_json_read_piece(text, len, "inputs", &array, &pause, others, sizeof others, &error);
         from = pause.at, pieces.count++) {
        ck_assert_uint_gt(pause.at, from);
        if (pieces.longest < pause.at - from)
            pieces.longest = pause.at - from;
    }
    ck_assert_str_eq(others, "{\"inputs\":0}");
}

/* `before` blanks, and then so many times the element as a text of 64 KB holds; the length. */
static size_t write_text(char *text, size_t before, const char *element)
{
    memset(text, ' ', before);
    size_t len = before + (size_t)sprintf(text + before, "{\"inputs\":[");
    while (len + 64 < 64 * 1024)
        len += (size_t)sprintf(text + len, "%s,", element);
    return len - 1 + (size_t)sprintf(text + len - 1, "]}");
}

/* Each piece is of about the length asked for, whatever the numbers are, but no shorter than what is walked again for it. */
START_TEST(a_long_array_is_read_in_pieces)
{
    static const char *const elements[] = {"[1.5,-20,3e7,0.125]", "[-1234.5678901]", "7",
                                           "1234.5678901"};
    static char text[64 * 1024];
    for (size_t i = 0; i < sizeof elements / sizeof *elements; i++)
        for (size_t before = 0; before <= 3000; before += 3000) {
            size_t len = write_text(text, before, elements[i]);
            read_pieces(text, len);
            ck_assert_uint_gt(array.shape[0], 1000);
            ck_assert_uint_le(pieces.longest, before ? 2 * before + 100 : PIECE_BYTES + 100);
            ck_assert_uint_ge(pieces.count, len / (before ? before + 100 : PIECE_BYTES + 100));
        }
}
END_TEST

RUN_SUITE("json_pieces", a_long_array_is_read_in_pieces)
