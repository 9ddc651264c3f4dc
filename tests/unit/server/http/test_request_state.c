/* The table of a request's states: each cell is that of ARCHITECTURE.md, and no state is a trap. */
#include "tests/unit/suite.h"

#include "server/http/request_state.h"
#include <stdio.h>
#include <string.h>

static char page[64 * 1024];

static void read_page(void)
{
    FILE *file = fopen("ARCHITECTURE.md", "r");
    ck_assert_msg(file, "run the tests in the project's directory");
    page[fread(page, 1, sizeof page - 1, file)] = '\0';
    fclose(file);
}

/* Takes a cell of a line of the table; NULL at the line's end. */
static char *cell(char **line)
{
    char *text = strsep(line, "|");
    if (!text || !*line)
        return NULL;
    while (*text == ' ')
        text++;
    for (char *end = text + strlen(text); end > text && end[-1] == ' ';)
        *--end = '\0';
    return text;
}

static const char *shown(unsigned state)
{
    return state == REQUEST_NEVER ? "·" : request_state_table[state].name;
}

START_TEST(page_shows_each_cell)
{
    read_page();
    char *rest = strstr(page, "| state | bytes |");
    ck_assert_ptr_nonnull(rest);
    char *line = strsep(&rest, "\n");
    cell(&line), cell(&line);
    for (unsigned event = 0; event < REQUEST_EVENTS; event++)
        ck_assert_str_eq(cell(&line), request_event_names[event]);
    ck_assert_ptr_null(cell(&line));
    strsep(&rest, "\n");
    bool is_shown[REQUEST_STATES] = {false};
    for (unsigned i = 0; i < REQUEST_STATES; i++) {
        line = strsep(&rest, "\n");
        cell(&line);
        const char *name = cell(&line);
        unsigned state = 0;
        while (state < REQUEST_STATES && strcmp(request_state_table[state].name, name) != 0)
            state++;
        ck_assert_msg(state < REQUEST_STATES, "there is no state %s", name);
        is_shown[state] = true;
        for (unsigned event = 0; event < REQUEST_EVENTS; event++) {
            const char *text = cell(&line);
            ck_assert_msg(strcmp(text, shown(request_state_table[state].next[event])) == 0,
                          "%s, %s: the page has %s", name, request_event_names[event], text);
        }
    }
    for (unsigned state = 0; state < REQUEST_STATES; state++)
        ck_assert_msg(is_shown[state], "%s", request_state_table[state].name);
}
END_TEST

START_TEST(each_state_ends_by_itself)
{
    for (unsigned state = 0; state < REQUEST_STATES; state++) {
        const struct request_state_row *row = &request_state_table[state];
        ck_assert_msg(row->next[EVENT_ENDED] == REQUEST_DONE, "%s", row->name);
        /* a limit on the connection, or a look at the client and an end when the request is late */
        ck_assert_msg(row->limit != LIMIT_NONE ||
                          (row->is_waiting && row->next[EVENT_LATE] == REQUEST_WRITING),
                      "%s", row->name);
        ck_assert_msg(!row->is_waiting || row->limit == LIMIT_NONE, "%s", row->name);
    }
}
END_TEST

START_TEST(nothing_is_held_before_the_head_and_after_the_answer)
{
    for (unsigned state = 0; state < REQUEST_STATES; state++) {
        const struct request_state_row *row = &request_state_table[state];
        bool is_between = state == REQUEST_FRESH || state == REQUEST_DONE || state == REQUEST_HEAD;
        ck_assert_msg(row->has_hold == (!is_between && state != REQUEST_SENDING), "%s", row->name);
    }
}
END_TEST

/* Follows every event from a new connection. */
static void visit(unsigned state, bool *is_reached)
{
    if (state == REQUEST_NEVER || is_reached[state])
        return;
    is_reached[state] = true;
    for (unsigned event = 0; event < REQUEST_EVENTS; event++)
        visit(request_state_table[state].next[event], is_reached);
}

START_TEST(each_state_is_reached)
{
    bool is_reached[REQUEST_STATES] = {false};
    visit(REQUEST_FRESH, is_reached);
    for (unsigned state = 0; state < REQUEST_STATES; state++)
        ck_assert_msg(is_reached[state], "%s", request_state_table[state].name);
}
END_TEST

RUN_SUITE("request_state", page_shows_each_cell, each_state_ends_by_itself,
          nothing_is_held_before_the_head_and_after_the_answer, each_state_is_reached)
