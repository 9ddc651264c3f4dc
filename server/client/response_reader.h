/* A client's side of HTTP/1.1: where an answer ends (RFC 9112 §6). */
#ifndef SERVER_CLIENT_RESPONSE_READER_H
#define SERVER_CLIENT_RESPONSE_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ANSWER_HEAD_MAX = 8192 };

enum response_reader_state {
    ANSWER_HEAD,
    ANSWER_BODY,     /* `left` bytes */
    ANSWER_SIZE,     /* of a chunk */
    ANSWER_CHUNK,    /* `left` bytes and CR LF */
    ANSWER_TRAILER,  /* lines up to an empty one */
    ANSWER_TO_CLOSE, /* as long as the connection */
    ANSWER_DONE,
    ANSWER_BROKEN, /* not HTTP */
};

/* A zeroed one is ready for an answer. */
struct response_reader {
    enum response_reader_state state;
    unsigned code;
    /* The request was HEAD: there is no body. The caller sets it. response_reader_reset keeps
     * it. */
    bool is_head;
    bool is_last; /* the server closes after it */
    uint64_t left;
    uint64_t mark; /* of the body's bytes so far: equal bodies have equal marks */
    size_t head_len;
    char head[ANSWER_HEAD_MAX]; /* the head, later a line of the chunked coding */
};

/* Takes bytes of the stream up to the answer's end; returns how many, and changes state. Once
 * ANSWER_DONE or ANSWER_BROKEN it takes no more. */
size_t response_reader_take(struct response_reader *answer, const char *bytes, size_t len);

/* Prepares for the next answer on the same connection. */
void response_reader_reset(struct response_reader *answer);

#endif
