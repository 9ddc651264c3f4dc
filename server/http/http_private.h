/* Shared by the files of server/http. */
#ifndef SERVER_HTTP_HTTP_PRIVATE_H
#define SERVER_HTTP_HTTP_PRIVATE_H

#include "server/api/router.h"
#include "server/base/content_coding.h"
#include "server/http/authorize.h"
#include "server/http/daemon.h"
#include "server/http/deadline.h"
#include "server/http/framing.h"
#include "server/log/access_log.h"
#include "server/net/acceptor.h"
#include "server/net/lingering.h"
#include <microhttpd.h>

/* A response's memory while libmicrohttpd sends from it. Afterwards it is kept for the next
 * response. */
struct buffer {
    struct buffer *next;
    struct http *http;
    char *at;
    size_t cap;
    size_t counted; /* its share of http.answer_bytes */
};

/* One open connection. */
struct http_connection {
    struct deadline deadline;
    struct MHD_Connection *connection;
    bool is_admin;   /* it came in at the admin address */
    char client[48]; /* the client's address; "" if there is no access log */
};

/* What the access log needs. The strings are libmicrohttpd's and live until the request is over. */
struct http_request_log {
    bool is_wanted;
    unsigned status; /* 0: none of our responses was queued */
    const char *method, *path, *protocol, *user_agent, *traceparent;
    size_t bytes_out, rows;
    char model[MODEL_NAME_BYTES], version[MODEL_VERSION_BYTES];
};

/* The header fields that we use. */
enum field {
    FIELD_ACCEPT,
    FIELD_ACCEPT_ENCODING,
    FIELD_ASKED_FIELDS,
    FIELD_ASKED_METHOD,
    FIELD_AUTHORIZATION,
    FIELD_CONNECTION,
    FIELD_CONTENT_ENCODING,
    FIELD_CONTENT_TYPE,
    FIELD_EXPECT,
    FIELD_INFERENCE_LENGTH,
    FIELD_ORIGIN,
    FIELD_TRACEPARENT,
    FIELD_USER_AGENT,
    FIELD_API_KEY,
    FIELD_REQUEST_ID,
    FIELD_TIMEOUT,
    FIELDS
};

/* A request as HTTP sees it: the request itself, which must come first, and its connection. */
struct http_request {
    struct request request;
    struct http_request *next; /* in the pool, or in http.loading */
    struct MHD_Connection *connection;
    struct http_connection *link;
    struct http *http;
    struct buffer *buffer; /* request.out's memory goes back to it */
    char *body;            /* the gathered body, if it did not come in one piece */
    size_t body_len, body_cap;
    size_t ahead; /* the last bytes of body that the library has not told of: stream_read_ahead */
    char *plain;  /* the decompressed body, if it came compressed */
    size_t plain_len;
    char *joined[FIELDS];  /* values of list fields that came in several lines */
    const char *read_body; /* [read_len], the body that the route reads */
    size_t read_len;
    enum read_verdict verdict; /* what the route's last read said */
    bool is_packed;            /* the response has been compressed, or is not to be */
    enum coding coding;
    uint64_t body_length; /* as announced; FRAMING_LENGTH_UNKNOWN if chunked */
    uint64_t body_seen;
    uint64_t counted; /* its share of http.inflight_bytes */
    bool has_waited;  /* an earlier call of the handler found it waiting */
    bool is_suspended;
    struct http_request_log log;
};

/* How many admin connections may be on their way into the library at a time; more must wait. */
enum { HTTP_ADMINS_MAX = 16 };

struct http {
    struct MHD_Daemon *daemon;
    struct service *service;
    struct worker_queue *queue;
    struct deadline_list deadlines;
    struct lingering lingering;         /* ended connections that are still being read from */
    struct http_request *free_requests; /* pool of free ones */
    struct http_request *loading;       /* suspended until their load jobs are done */
    struct buffer *free_buffers;        /* pool of free ones */
    size_t free_buffers_len;
    uint64_t id_state; /* for the request ids that we make */
    struct authorize_throttle throttle;
    int epoll_fd;
    bool is_suspending, is_pressed;
    bool is_called_again;          /* the result of http_calls_again */
    size_t ahead;                  /* of all requests */
    uint64_t inflight_bytes;       /* of open requests: announced, received, or as rows */
    uint64_t answer_bytes;         /* of large responses that are not entirely sent */
    size_t added_len;              /* connections added, not yet announced by on_connection */
    int admin_fd[HTTP_ADMINS_MAX]; /* [admins_len], those of them from the admin address */
    size_t admins_len;
    int64_t ran_ns; /* when http_run last ended */
};

/* The state of the request, and of its connection. */
static inline enum request_state http_request_state(const struct http_request *http_request)
{
    return http_request->link->deadline.state;
}
/* Changes the state, and releases what the request holds when the new one holds nothing. now_ns is
 * needed only where the new state has a limit. There is no other way for a request to change its
 * state. */
void http_request_enter(struct http_request *http_request, enum request_event event,
                        int64_t now_ns);
/* The access handler: see MHD_AccessHandlerCallback in microhttpd.h. */
enum MHD_Result http_request_on_request(void *cls, struct MHD_Connection *connection,
                                        const char *url, const char *method, const char *version,
                                        const char *upload, size_t *upload_len, void **slot);
void http_request_on_completed(void *cls, struct MHD_Connection *connection, void **slot,
                               enum MHD_RequestTerminationCode why);
/* server/http/request_head.c. A head that is being read. Zero-initialise. */
struct head {
    struct framing framing;
    /* Without blanks around it; lives as long as the http_request. NULL: absent. */
    const char *value[FIELDS];
    const char *doubled; /* a field that came twice and may not, or NULL */
    bool is_timeout_bad, is_short;
};
/* Reads the head and passes its values to the request and the log. */
void head_read(struct http_request *http_request, struct head *head, const char *url,
               const char *method, const char *version);
/* True, and answered, if the head is not acceptable. The connection must then end. */
bool head_is_refused(struct http_request *http_request, struct head *head);
void head_forget(struct http_request *http_request);
/* server/http/response_fields.c. Adds Access-Control-…, Timing-Allow-Origin and Vary. */
void http_request_add_fields(const struct request *request, struct MHD_Response *response,
                             enum coding coding);
/* server/http/mend_head.c. Mends bytes[len] that have just been read into the library's buffer. */
void http_mend_head(int fd, char *bytes, size_t len);
/* server/http/body.c. Adds bytes of the request's body to those in flight. False if the worker's
 * share of them is full. A request that is alone is always accepted. */
bool http_request_count_bytes(struct http_request *http_request, uint64_t bytes);
void http_request_refuse_bytes(struct request *request); /* 429 */
/* Counts a large response until it is sent. Large responses have a limit of the same size of their
 * own; one that does not fit becomes a 429. Small responses go out at once and are not counted. */
void http_request_count_answer(struct http_request *http_request);
void http_request_drop_body(struct http_request *http_request);
/* Lets the route read the body, and packs a long response that this gives at once. Nothing happens
 * while the turn is full, or while other requests' long work comes first: the result is then false,
 * and the function is to be called again next turn. */
bool http_request_read_body(struct http_request *http_request, const char *body, size_t len);
/* Lets the route write the response of a prediction that is done, and packs it if it is long. False
 * if there is more to do: to be called again next turn. */
bool http_request_write_answer(struct http_request *http_request);
/* Compresses the response in the coding that the client prefers, if that is worth it. */
void http_request_pack(struct http_request *http_request);
/* Takes a piece of the body from the library and sets *len to 0. MHD_NO ends the connection. */
enum MHD_Result http_request_take_piece(struct http_request *http_request, const char *piece,
                                        size_t *len);
/* The library has told of `len` bytes that were read ahead, or never will. */
void http_request_forget_ahead(struct http_request *http_request, size_t len);

/* server/http/waiting.c. The request waits for its rows or its load job. To be called each time the
 * handler finds it waiting. */
void http_request_wait(struct http_request *http_request);
/* A job of the turn is done: resumes its connection if it is suspended. */
void http_request_on_done(struct turn_job *job);
/* Resumes the connections whose load jobs are done. */
void http_request_resume_loaded(struct http *http);
void http_request_free_pools(struct http *http);

/* server/http/request_log.c. Notes the address of a new connection. */
void http_log_connection(struct http_connection *link, const struct sockaddr *from);
void http_request_log_begin(struct http_request *http_request, const char *method, const char *url,
                            const char *version);
/* To be called when the response is made, before the request's rows in the turn are released. */
void http_request_log_answer(struct http_request *http_request);
void http_request_log_end(struct http_request *http_request, bool is_complete);
/* To be called when the connection ends. Logs an error that was sent on it without belonging to a
 * request. */
void http_log_refusal(struct http *http, const struct http_connection *link);

/* server/http/error_pages.c. Sends the library's bytes. A page of the library's own is not sent,
 * but reported as sent, and our JSON error goes in its place. If the client does not accept that at
 * once, it gets nothing. */
ssize_t http_page_send(int fd, const struct msghdr *message, int flags);
/* To be called before the library closes the connection. If it does so for its own reasons and
 * without a page (a request line of one word; no memory for a page), an error is sent. */
void http_say_close(int fd);
/* Takes a message of the library about an error. */
void http_note_complaint(const char *words);
/* The library is about to end a connection because we had no memory. */
void http_note_no_memory(void);
/* From now on this thread closes connections that have no error. */
void http_note_stop(void);
/* Sends an error past the library: a status line, and words for the JSON body. The connection must
 * then end. */
void http_say_error(int fd, const char *line, const char *words);

#endif
