#include "server/http/request_state.h"

const char *const request_event_names[REQUEST_EVENTS] = {
    [EVENT_BYTES] = "bytes",         [EVENT_HEAD] = "head",       [EVENT_AGAIN] = "again",
    [EVENT_SUBMITTED] = "submitted", [EVENT_LOADING] = "loading", [EVENT_RESULT] = "result",
    [EVENT_ANSWERED] = "answered",   [EVENT_LATE] = "late",       [EVENT_SENT] = "sent",
    [EVENT_ENDED] = "ended",
};

enum {
    NO = REQUEST_NEVER,
    FRESH = REQUEST_FRESH,
    DONE = REQUEST_DONE,
    HEAD = REQUEST_HEAD,
    BODY = REQUEST_BODY,
    QUEUED = REQUEST_QUEUED_TO_READ,
    BATCH = REQUEST_IN_BATCH,
    LOADING = REQUEST_LOADING_MODEL,
    WRITING = REQUEST_WRITING,
    SENDING = REQUEST_SENDING,
};

/* A new connection keeps the limit that began when it was accepted: bytes change nothing there.
 * Columns of next: bytes, head, again, submitted, loading, result, answered, late, sent, ended. */
/* clang-format off */
const struct request_state_row request_state_table[REQUEST_STATES] = {
    [FRESH]   = {.name = "FRESH", .limit = LIMIT_HEADER,
                 .next = {FRESH, BODY, NO, NO, NO, NO, NO, NO, NO, DONE}},
    [DONE]    = {.name = "DONE", .limit = LIMIT_IDLE,
                 .next = {HEAD, BODY, NO, NO, NO, NO, NO, NO, NO, DONE}},
    [HEAD]    = {.name = "HEAD", .limit = LIMIT_HEADER, .is_begun = true,
                 .next = {NO, BODY, NO, NO, NO, NO, NO, NO, NO, DONE}},
    [BODY]    = {.name = "BODY", .limit = LIMIT_BODY, .is_begun = true, .has_hold = true,
                 .next = {NO, NO, QUEUED, BATCH, LOADING, NO, WRITING, WRITING, NO, DONE}},
    [QUEUED]  = {.name = "QUEUED_TO_READ", .is_waiting = true, .has_hold = true,
                 .next = {NO, NO, QUEUED, BATCH, LOADING, NO, WRITING, WRITING, NO, DONE}},
    [BATCH]   = {.name = "IN_BATCH", .is_waiting = true, .has_hold = true,
                 .next = {NO, NO, NO, NO, NO, WRITING, NO, WRITING, NO, DONE}},
    [LOADING] = {.name = "LOADING_MODEL", .is_waiting = true, .has_hold = true,
                 .next = {NO, NO, NO, NO, NO, WRITING, NO, WRITING, NO, DONE}},
    [WRITING] = {.name = "WRITING", .is_waiting = true, .has_hold = true,
                 .next = {NO, NO, NO, NO, NO, NO, NO, WRITING, SENDING, DONE}},
    [SENDING] = {.name = "SENDING", .limit = LIMIT_READER,
                 .next = {NO, NO, NO, NO, NO, NO, NO, NO, NO, DONE}},
};
/* clang-format on */
