/* A client's side of HTTP/1.1: where an answer ends (RFC 9112 §6). */
#ifndef SERVER_ANSWER_H
#define SERVER_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ANSWER_HEAD_MAX = 8192 };

enum answer_state {
    ANSWER_HEAD,
    ANSWER_BODY,     /* `left` bytes */
    ANSWER_SIZE,     /* of a chunk */
    ANSWER_CHUNK,    /* `left` bytes and CR LF */
    ANSWER_TRAILER,  /* lines up to an empty one */
    ANSWER_TO_CLOSE, /* as long as the connection */
    ANSWER_DONE,
    ANSWER_BROKEN, /* not HTTP */
};

/* Zeroed is a new one. */
struct answer {
    enum answer_state state;
    unsigned code;
    bool is_last; /* the server closes after it */
    uint64_t left;
    uint64_t mark; /* of the body's bytes so far: equal bodies have equal marks */
    size_t head_len;
    char head[ANSWER_HEAD_MAX]; /* the head, later a line of the chunked coding */
};

/* Takes bytes of the stream up to the answer's end; returns how many, and changes state. Once ANSWER_DONE or
 * ANSWER_BROKEN it takes no more. */
size_t answer_take(struct answer *answer, const char *bytes, size_t len);

/* For the next answer on the same connection. */
void answer_reset(struct answer *answer);

#endif
