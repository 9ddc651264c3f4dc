/* Connections that we have ended while their clients may still send, for example a body that is too
 * long. If we closed such a connection at once, the kernel would answer the rest with a reset, and
 * a client or proxy that writes before it reads would lose our response. So we shut only our side,
 * and read and drop what comes until the client closes or reaches a limit of time or bytes (RFC
 * 9112 §9.6). */
#ifndef SERVER_NET_LINGERING_H
#define SERVER_NET_LINGERING_H

#include "server/base/list.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lingering_limits {
    int64_t all_ns, quiet_ns; /* the longest time in all, and without a byte */
    int64_t hurried_ns;       /* the longest time without a byte while the program ends */
    uint64_t bytes;           /* the most that one client may send */
    size_t clients;           /* the most clients; one more closes the oldest */
};

/* The lingering connections of one worker. */
struct lingering {
    int epoll_fd; /* readable when lingering_run has something to do */
    size_t len;
    struct list list; /* the oldest first */
    int64_t swept_ns;
    bool is_hurried; /* the program ends: hurried_ns replaces quiet_ns */
    struct lingering_limits limits;
    void (*on_end)(void *user); /* called when a connection was closed */
    void *user;
};

/* Returns false, with errno set, if the system gives no epoll descriptor. */
bool lingering_open(struct lingering *lingering, const struct lingering_limits *limits,
                    void (*on_end)(void *user), void *user);
/* Closes all of these connections. */
void lingering_close(struct lingering *lingering);

/* Takes the connection over, shuts our side of it, and closes it later. Returns false on failure;
 * the caller then still owns the connection. */
bool lingering_take(struct lingering *lingering, int fd, int64_t now_ns);

/* Drops bytes that have come and closes connections that have reached a limit. Each call does a
 * limited piece of work, which takes a fraction of a millisecond. */
void lingering_run(struct lingering *lingering, int64_t now_ns);

#endif
