/* Absolute time limits of connections. libmicrohttpd's own timeout is inactivity only: a client that drips a
 * byte a second would live for ever. One list per worker, swept twice a second, in slices where it is long: ten
 * thousand connections looked at in one go would hold up whoever asks meanwhile. A connection that is late gets 408
 * where nothing of an answer has been sent, and is shut down (never closed: that is the library's). */
#ifndef SERVER_DEADLINE_H
#define SERVER_DEADLINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum deadline_phase {
    DEADLINE_FRESH,  /* accepted, no request yet: as HEADER */
    DEADLINE_IDLE,   /* between requests */
    DEADLINE_HEADER, /* some bytes of a request have come */
    DEADLINE_BODY,
    DEADLINE_WAIT,   /* its rows are in the turn: no limit here */
    DEADLINE_ANSWER, /* being sent */
};

enum { DEADLINE_GONE = 1 }; /* a time that is over, and says why */

struct deadline {
    struct deadline *next, *before;
    int fd;
    enum deadline_phase phase;
    int64_t at_ns;       /* INT64_MAX: none */
    uint64_t bytes_seen; /* of an answer gone out when it was last looked at; 0: not yet */
    uint32_t received;   /* what stream_received said when the phase began */
    uint32_t looked_at;  /* and at the last look in it */
    bool is_looked_at;
    int64_t *waiting_ns; /* of what waits: DEADLINE_GONE once the client has reset the connection */
};

struct deadline_limits {
    int64_t header_ns, body_ns, idle_ns;
};

struct deadline_list {
    struct deadline *first;
    size_t len;
    struct deadline *swept; /* where the round of looks under way goes on; NULL: at the first */
    size_t round_len;       /* when that round began */
    int64_t swept_ns;       /* up to when looks have been taken */
    bool is_behind;         /* the last slice ended early: there is more to do at once */
    struct deadline_limits limits;
};

void deadline_add(struct deadline_list *list, struct deadline *deadline, int fd, int64_t now_ns);
void deadline_remove(struct deadline_list *list, struct deadline *deadline);
/* A slow line may take its time for an answer, a stalled one not. */
void deadline_enter(struct deadline_list *list, struct deadline *deadline,
                    enum deadline_phase phase, int64_t now_ns);
/* Ends what is late. To be called often: looks at as many connections as are due, so that each is looked at twice a second, however many
 * there are and however rarely that is possible. */
void deadline_sweep(struct deadline_list *list, int64_t now_ns);
/* How long there is nothing to look at. */
int64_t deadline_pause_ns(const struct deadline_list *list);
/* Ends every connection that has been between requests for a while: a client that is in the midst of asking again is heard
 * once more, and told by that answer that it is the last. */
void deadline_end_idle(struct deadline_list *list, int64_t now_ns);

#endif
