/* The one state of a connection and of the request on it, and what may change it. The table is
 * data: deadline.c takes each state's limit from it, request.c the next state, and ARCHITECTURE.md
 * shows it. */
#ifndef SERVER_HTTP_REQUEST_STATE_H
#define SERVER_HTTP_REQUEST_STATE_H

#include <stdbool.h>

enum request_state {
    REQUEST_FRESH,          /* the connection is new, and no request has begun */
    REQUEST_DONE,           /* the last request is over; the next one has not begun */
    REQUEST_HEAD,           /* the first bytes of a request have arrived */
    REQUEST_BODY,           /* the head is whole, the body arrives; it may be refused already */
    REQUEST_QUEUED_TO_READ, /* the body is whole and waits for its slice, or for room in the turn */
    REQUEST_IN_BATCH,       /* its rows are in the turn */
    REQUEST_LOADING_MODEL,  /* its load job is under way */
    REQUEST_WRITING,        /* the answer is being written and packed */
    REQUEST_SENDING,        /* the library has the answer; nothing of the worker is held any more */
    REQUEST_STATES,
    REQUEST_NEVER = REQUEST_STATES, /* in the table: the event does not happen in this state */
};

enum request_event {
    EVENT_BYTES,     /* bytes have come after the last request */
    EVENT_HEAD,      /* the head is whole */
    EVENT_AGAIN,     /* there is no room or no time in this turn: read again in the next one */
    EVENT_SUBMITTED, /* the rows are in the turn */
    EVENT_LOADING,   /* the load job has begun */
    EVENT_RESULT,    /* the forward pass or the load job is done */
    EVENT_ANSWERED,  /* the answer was given without one */
    EVENT_LATE,      /* the request's time is over, or its client has gone */
    EVENT_SENT,      /* the library has the answer */
    EVENT_ENDED,     /* the answer has gone out, or the connection ends */
    REQUEST_EVENTS,
};

/* How long a state may last. The lengths are settings: see struct deadline_limits. */
enum request_limit {
    LIMIT_NONE,   /* the request's own time counts, and the turn keeps it */
    LIMIT_HEADER, /* --header-timeout-ms */
    LIMIT_BODY,   /* --body-timeout-ms */
    LIMIT_IDLE,   /* --idle-timeout-ms */
    LIMIT_READER, /* the same, as long as the client does not read fast enough */
};

struct request_state_row {
    const char *name;
    enum request_limit limit;
    bool is_begun;   /* past the limit the client gets an error; otherwise it is closed silently */
    bool is_waiting; /* the library does not look at the client: deadline.c asks for its reset */
    bool has_hold;   /* the request may hold a body, rows of the turn, a place in line */
    unsigned char next[REQUEST_EVENTS]; /* enum request_state */
};

extern const struct request_state_row request_state_table[REQUEST_STATES];

extern const char *const request_event_names[REQUEST_EVENTS];

#endif
