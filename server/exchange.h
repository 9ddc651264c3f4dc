/* One request and its answer, without the HTTP library: what http.c hands to a route and gets back. */
#ifndef SERVER_EXCHANGE_H
#define SERVER_EXCHANGE_H

#include "server/config.h"
#include "server/keeper.h"
#include "server/keys.h"
#include "server/media.h"
#include "server/reading.h"
#include "server/text.h"
#include "server/turn.h"
#include <stdatomic.h>
#include <stdint.h>

/* What all workers share: is the service up, is it leaving? */
struct service_state {
    _Atomic bool is_draining;
};

/* What one worker gives to the routes. */
struct service {
    const struct config *config;
    struct keeper *keeper;
    const struct keyring *keyring; /* NULL: no keys are asked for */
    struct metrics *metrics;
    struct metrics_shard *shard;
    const struct service_state *state;
    struct turn turn; /* turn.catalog is what is served */
    struct reading reading;
};

enum exchange_step {
    EXCHANGE_NEW,      /* the body is still coming, or unread */
    EXCHANGE_WAITING,  /* its rows are in the turn */
    EXCHANGE_ANSWERED, /* code and out stand; to be sent */
    EXCHANGE_SENT,
};

enum { EXCHANGE_ID_MAX = 128, EXCHANGE_QUERY_MAX = 16 };

/* A parameter of the URL's query, as it was sent; value may be NULL. */
struct exchange_parameter {
    const char *name, *value;
};

struct route;

/* How a request of the foreign dialects wants to be answered. */
struct exchange_infer {
    struct {
        size_t output;
        bool is_binary;
        size_t classes; /* the classification extension: how many, or 0 */
    } wanted[ENTRY_OUTPUTS_MAX];
    size_t wanted_len;
    bool is_column; /* V1: "outputs", not "predictions" */
    char id[EXCHANGE_ID_MAX + 1];
    bool has_id;
};

struct exchange {
    struct service *service;
    const struct route *route; /* NULL where the path has none */
    enum exchange_step step;

    /* the request */
    const char *accept;       /* the field's value, or NULL; lives as long as the exchange */
    const char *content_type; /* likewise, as the next three */
    const char *content_encoding, *accept_encoding;
    const char *inference_header_length; /* Inference-Header-Content-Length */
    const char *origin;                  /* of the web page that asks, or NULL */
    bool is_preflight;                   /* the page's browser asks whether it may ask */
    char model
        [MODEL_NAME_BYTES]; /* of the path, decoded; "" where it has none, the same for the next two */
    char version[MODEL_VERSION_BYTES];
    char label[MODEL_NAME_BYTES];
    bool is_admin; /* may load and unload */
    char id[EXCHANGE_ID_MAX + 1];
    struct exchange_parameter query[EXCHANGE_QUERY_MAX];
    size_t query_len; /* may be more than there is room for */
    enum media media_in, media_out;

    /* its body, half read */
    bool is_in_line;
    struct exchange *next_in_line;
    int64_t pieces_ns; /* what the pieces took so far */

    /* a prediction under way */
    struct turn_job job;
    const struct entry *entry; /* while the request is read: whom it is counted for */
    size_t top_k;
    bool is_layered;
    struct exchange_infer infer;
    struct errand *errand; /* NULL, or what it waits for instead of the turn */

    /* the answer */
    unsigned code;
    const char *type;        /* Content-Type; static */
    const char *allow;       /* Allow, or NULL; static */
    unsigned retry_after_s;  /* Retry-After, or 0 */
    size_t infer_header_len; /* Inference-Header-Content-Length, or 0 */
    bool is_challenge;       /* WWW-Authenticate: Bearer */
    bool is_last;            /* close the connection after it */
    struct text out;

    int64_t begin_ns, decode_ns, encode_ns;
    int64_t deadline_ns; /* no work is begun for it after this; 0: none */
};

/* Each makes the exchange EXCHANGE_ANSWERED. */
void exchange_answer(struct exchange *exchange, unsigned code, const char *type);
/* {"error": "text"}; whatever was in out is dropped. */
void exchange_fail(struct exchange *exchange, unsigned code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Nobody wants its body read or its rows computed any more, or they are: what it holds of the worker's is free again. */
void exchange_release(struct exchange *exchange);
/* The deadline may come sooner, never later. */
void exchange_limit(struct exchange *exchange, int64_t timeout_ns);
/* 504 when the deadline has passed; whether it has. */
bool exchange_refuse_late(struct exchange *exchange, int64_t now_ns);
/* The status code that an error of the library means for a client. */
unsigned exchange_code_of(enum relud_code code);

#endif
