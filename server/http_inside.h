/* What server/http*.c share. */
#ifndef SERVER_HTTP_INSIDE_H
#define SERVER_HTTP_INSIDE_H

#include "server/access.h"
#include "server/deadline.h"
#include "server/gate.h"
#include "server/http.h"
#include "server/intake.h"
#include "server/router.h"
#include <microhttpd.h>

/* An answer's memory, while libmicrohttpd sends from it; afterwards kept for the next one. */
struct buffer {
    struct buffer *next;
    struct http *http;
    char *at;
    size_t cap;
    size_t counted; /* of the great answers' bytes these are its own */
};

/* One open connection. */
struct link {
    struct deadline deadline;
    bool is_admin; /* came in by the admin address */
};

/* One request: the exchange, and where it came from. */
struct visit {
    struct exchange exchange;
    struct visit *next; /* in the pool, or of those whose errands are under way */
    struct MHD_Connection *connection;
    struct link *link;
    struct http *http;
    struct buffer *buffer; /* out's memory goes back to it */
    char *body;            /* gathered, where it did not come in one piece */
    size_t body_len, body_cap;
    char *plain; /* the body uncompressed, where it came compressed */
    size_t plain_len;
    uint64_t body_length; /* as announced; GATE_LENGTH_UNKNOWN when chunked */
    uint64_t body_seen;
    uint64_t counted; /* of the bodies' bytes in flight these are its own */
    bool has_waited;  /* for its rows, since an earlier call of the handler */
    bool is_suspended;
};

/* Admin connections that may be on their way into the library at a time; more wait. */
enum { HTTP_ADMINS_MAX = 16 };

struct http {
    struct MHD_Daemon *daemon;
    struct service *service;
    struct intake_seat *seat;
    struct deadline_list deadlines;
    struct visit *visits;   /* pool */
    struct visit *errands;  /* suspended until their errands are done */
    struct buffer *buffers; /* pool */
    size_t buffers_len;
    struct MHD_Response *constant; /* benchmarks only */
    uint64_t id_state;             /* of the request ids that we make */
    struct access_throttle throttle;
    int epoll_fd;
    bool is_suspending, is_pressed;
    bool is_called_again;          /* see http_calls_again() */
    uint64_t inflight_bytes;       /* of the bodies of its open requests, as announced or as come */
    uint64_t answer_bytes;         /* of the great answers that are not all sent */
    size_t added_len;              /* connections added, and not yet announced by on_connection */
    int admin_fd[HTTP_ADMINS_MAX]; /* [admins_len] of these that came in by the admin address */
    size_t admins_len;
    int64_t ran_ns; /* when it was turned last */
};

/* The access handler: see microhttpd.h, MHD_AccessHandlerCallback. */
enum MHD_Result visit_on_request(void *cls, struct MHD_Connection *connection, const char *url,
                                 const char *method, const char *version, const char *upload,
                                 size_t *upload_len, void **visit_slot);
void visit_on_completed(void *cls, struct MHD_Connection *connection, void **visit_slot,
                        enum MHD_RequestTerminationCode why);
/* server/http_body.c. Counts bytes of its body among those in flight; false where the worker's share of them is full. A
 * request that is alone is always taken: there is nothing to wait for. */
bool visit_count_bytes(struct visit *visit, uint64_t bytes);
void visit_refuse_bytes(struct exchange *exchange); /* 429 */
/* Great answers that wait for their readers have a share of the same size to themselves: one that does not fit becomes
 * a 429. Usual ones go out at once and are not counted. */
void visit_count_answer(struct visit *visit);
void visit_drop_body(struct visit *visit);
/* Has the route read the body; nothing happens while the turn is full. */
void visit_read_body(struct visit *visit, const char *body, size_t len);
/* Takes a piece of the body from the library; *len becomes 0. MHD_NO ends the connection. */
enum MHD_Result visit_take_piece(struct visit *visit, const char *piece, size_t *len);

/* server/http_wait.c. The request waits for its rows, or its errand: once for each call of the handler that finds it so. */
void visit_wait(struct visit *visit);
/* A job of the turn is done: wakes its connection where it sleeps. */
void visit_on_done(struct turn_job *job);
/* Wakes the connections whose errands are done. */
void visit_resume_errands(struct http *http);
void visit_free_pools(struct http *http);

/* server/http_pages.c. True when bytes that the library sends are a page of its own, in whose place the contract's JSON has gone
 * out; they are to be taken for sent. A client that takes no replacement gets none. */
bool http_page_replace(int fd, const char *bytes, size_t len);
/* Sends an error past the library: a status line, and words for the body. The connection must end with it. */
void http_say_error(int fd, const char *line, const char *words);
/* The connection is about to close: its number may come again. */
void http_page_forget(int fd);

#endif
