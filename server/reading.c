#include "server/reading.h"

#include "server/clock.h"
#include "server/exchange.h"

/* Some 50 microseconds of work. */
enum { PIECE_BYTES = 48 * 1024 };

void reading_begin_turn(struct reading *reading)
{
    reading->is_used = false;
}

static void join(struct reading *reading, struct exchange *exchange)
{
    if (exchange->is_in_line)
        return;
    exchange->is_in_line = true;
    exchange->next_in_line = NULL;
    if (reading->last)
        reading->last->next_in_line = exchange;
    else
        reading->first = exchange;
    reading->last = exchange;
}

void reading_leave(struct exchange *exchange)
{
    struct reading *reading = &exchange->service->reading;
    struct exchange **link = &reading->first, *before = NULL;
    if (!exchange->is_in_line)
        return;
    if (reading->first == exchange)
        reading->pause.at = 0;
    for (; *link && *link != exchange; link = &before->next_in_line)
        before = *link;
    *link = exchange->next_in_line;
    if (reading->last == exchange)
        reading->last = before;
    exchange->is_in_line = false;
}

enum reading_result reading_json(struct exchange *exchange, const char *body, size_t len,
                                 const char *key, struct relud_json_array *array, char *rest,
                                 size_t rest_capacity, struct relud_error *error)
{
    struct reading *reading = &exchange->service->reading;
    struct relud_json_pause *pause = NULL;
    int64_t begin_ns = 0;
    if (len > PIECE_BYTES && !reading->is_whole) {
        begin_ns = clock_ns();
        bool is_hurried = turn_has_short(&exchange->service->turn, begin_ns);
        if (is_hurried || reading->first) {
            join(reading, exchange);
            if (reading->first != exchange || reading->is_used)
                return READING_LATER;
            pause = &reading->pause;
            pause->bytes = is_hurried ? PIECE_BYTES : len;
            reading->is_used = is_hurried;
        }
    }
    bool is_read = relud_json_read_piece(body, len, key, array, pause, rest, rest_capacity, error);
    if (pause && pause->at) {
        turn_hold(&exchange->service->turn, &exchange->job);
        exchange->pieces_ns += clock_ns() - begin_ns;
        return READING_LATER;
    }
    reading_leave(exchange);
    return is_read ? READING_DONE : READING_FAILED;
}
