/* Long bodies of JSON, where short requests are about: they are read one after the other, in the order in which they came, and
 * a piece a turn, so that nobody waits for more than a piece of numbers. Where there are none but long ones, each is read in one go. */
#ifndef SERVER_READING_H
#define SERVER_READING_H

#include <relud/text.h>

struct exchange;

/* One worker's. All zeros at first. */
struct reading {
    struct exchange *first, *last; /* in line; the first one's body may be half read */
    struct relud_json_pause pause; /* where in it */
    bool is_used;                  /* this turn's piece is read */
    bool is_whole;                 /* all at once in any case: nobody would call again */
};

/* A turn begins, and with it a piece. */
void reading_begin_turn(struct reading *reading);

enum reading_result {
    READING_DONE,
    READING_FAILED, /* *error says why */
    READING_LATER, /* to be called again in the next turn, with the same body; the turn holds its rows meanwhile */
};

/* relud_json_read of the exchange's body, into array->values that turn_rows has just given. */
enum reading_result reading_json(struct exchange *exchange, const char *body, size_t len,
                                 const char *key, struct relud_json_array *array, char *rest,
                                 size_t rest_capacity, struct relud_error *error);

/* The exchange does not want its body read any more, if it still did. */
void reading_leave(struct exchange *exchange);

#endif
