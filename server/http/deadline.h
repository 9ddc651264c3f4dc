/* Absolute time limits of connections. libmicrohttpd's own timeout is for inactivity only: a client
 * that sends one byte a second would live for ever.
 *
 * Each worker has one list and checks every connection twice a second. A long list is checked in
 * slices, since ten thousand checks in one go would delay other requests. A late connection gets
 * 408 if nothing of a response has been sent, and is then shut down. It is never closed here; the
 * library does that. */
#ifndef SERVER_HTTP_DEADLINE_H
#define SERVER_HTTP_DEADLINE_H

#include "server/base/list.h"
#include "server/http/request_state.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct deadline {
    struct list_node node;
    int fd;
    enum request_state state; /* of the connection, and of the request on it */
    int64_t at_ns;            /* the limit; INT64_MAX: none */
    /* Bytes of the response acknowledged at the last check, plus 1; 0: not checked yet. */
    uint64_t bytes_seen;
    uint32_t received;  /* stream_received when the state began */
    uint32_t looked_at; /* stream_received at the last check in this state */
    bool is_looked_at;
    /* At how many checks in a row unread bytes of a body lay in the socket while none was read. */
    unsigned char unread_looks;
    bool is_half_closed; /* seen while it waits: the client will send no more, or has gone */
    int64_t *waiting_ns; /* a waiting request's deadline; set to TURN_GONE after a reset */
};

struct deadline_limits {
    int64_t header_ns, body_ns, idle_ns;
};

struct deadline_list {
    struct list list; /* of deadlines */
    size_t len;
    struct deadline *swept; /* where the present round continues; NULL: at the first */
    size_t round_len;       /* length of the list when that round began */
    int64_t swept_ns;       /* the checks are done up to this time */
    bool is_behind;         /* the last slice ended early: the next one is due at once */
    struct deadline_limits limits;
    /* Called for a connection that has got 408 or 400 and is STREAM_IS_DEAF: the library must read
     * from it to notice its end. */
    void (*on_late)(struct deadline *deadline);
};

void deadline_add(struct deadline_list *list, struct deadline *deadline, int fd, int64_t now_ns);
void deadline_remove(struct deadline_list *list, struct deadline *deadline);
/* Enters a state and sets its limit; a state without a limit needs no time. While an answer is sent
 * the limit moves as long as the client reads fast enough. */
void deadline_enter(struct deadline_list *list, struct deadline *deadline, enum request_state state,
                    int64_t now_ns);
/* Checks the connections that are due and ends the late ones. To be called often; it checks as many
 * as needed for two checks a second of each connection, however many there are and however rarely
 * it is called. */
void deadline_sweep(struct deadline_list *list, int64_t now_ns);
/* How long until the next check is due. */
int64_t deadline_pause_ns(const struct deadline_list *list);
/* Ends every connection that has been without a request for 200 ms. A client whose last request is
 * more recent may be sending the next: that one is still answered, with Connection: close. */
void deadline_end_idle(struct deadline_list *list, int64_t now_ns);

#endif
