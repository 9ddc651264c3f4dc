/* One request and its response, independent of the HTTP library: server/http fills in the request
 * and calls the route, which fills in the response. */
#ifndef SERVER_BATCH_REQUEST_H
#define SERVER_BATCH_REQUEST_H

#include "server/base/keys.h"
#include "server/base/media_type.h"
#include "server/base/text.h"
#include "server/batch/long_work.h"
#include "server/batch/turn.h"
#include "server/log/access_log.h"
#include "server/models/loader.h"
#include "server/settings/config.h"
#include <stdatomic.h>
#include <stdint.h>

/* Shared by all workers. is_draining: the service is stopping. */
struct service_state {
    _Atomic bool is_draining;
};

/* What one worker gives to the routes. It belongs to that worker's thread. */
struct service {
    const struct config *config;
    struct model_loader *loader;
    struct keyring *keyring;     /* NULL, or one whose path is NULL: no keys are required */
    struct keys *keys;           /* the version of the keyring that is valid in this turn */
    struct access_lines *access; /* NULL: there is no access log */
    struct metrics *metrics;
    struct metrics_shard *shard;
    const struct service_state *state;
    struct turn turn; /* turn.catalog is what is served */
    struct long_work long_work;
};

/* What a route's read has done. */
enum read_verdict {
    READ_AGAIN,     /* the turn is full: call it again in the next turn */
    READ_ANSWERED,  /* code and out are set; a body that can never fit is answered with 413 */
    READ_SUBMITTED, /* its rows are in the turn */
    READ_LOADING,   /* its load job has begun */
};

enum { REQUEST_ID_MAX = 128, REQUEST_QUERY_MAX = 16 };

/* A parameter of the URL's query, as it was sent. value may be NULL. */
struct request_parameter {
    const char *name, *value;
};

struct route;

/* How a V1 or V2 request wants its response. */
struct request_infer {
    struct {
        size_t output;
        bool is_binary;
        size_t classes; /* V2's classification extension: how many classes, or 0 */
    } wanted[SERVED_MODEL_OUTPUTS_MAX];
    size_t wanted_len;
    bool is_column; /* V1: respond with "outputs", not "predictions" */
    char id[REQUEST_ID_MAX + 1];
    bool has_id;
};

/* How a prediction is to be explained. */
struct request_explain {
    bool is_wanted;
    bool has_border; /* how far the row is from where the explanation ends */
    bool is_by_name; /* contributions go by the names of the columns */
    size_t index;    /* of a class or an output, or EXPLANATIONS_BEST */
};

struct request {
    struct list_node line; /* in the line of long work; see is_in_line */
    struct service *service;
    const struct route *route; /* NULL: no route has this path and method */

    /* the request */
    const char *accept;       /* the field's value, or NULL; lives as long as the request */
    const char *content_type; /* the same holds for the next three */
    const char *content_encoding, *accept_encoding;
    const char *inference_header_length; /* Inference-Header-Content-Length */
    const char *origin;       /* the origin of the web page that sends the request, or NULL */
    bool is_preflight;        /* the browser asks whether the page may send a request (CORS) */
    const char *asked_fields; /* the header fields that a preflight names, or NULL */
    /* From the path, decoded; "" where the path has none. The same holds for version and label. */
    char model[MODEL_NAME_BYTES];
    char version[MODEL_VERSION_BYTES];
    char label[MODEL_NAME_BYTES];
    bool is_admin;             /* may load and unload models */
    char key[KEY_LABEL_BYTES]; /* the label of its key, or "" */
    /* keys are required, and its key may not infer: the response must name no model */
    bool is_stranger;
    char id[REQUEST_ID_MAX + 1];
    struct request_parameter query[REQUEST_QUERY_MAX];
    size_t query_len; /* how many were sent; may be more than query[] holds */
    enum media media_in, media_out;

    /* long work in progress, kept by server/batch/long_work.c */
    bool is_in_line;
    void (*long_function)(struct request *request);
    int64_t slice_ns; /* when the present slice began */
    int64_t long_ns;  /* how long the earlier slices took */

    bool is_body_ours; /* the body that is read stays where it is until the request is released */

    /* a prediction in progress */
    struct turn_job job;
    const struct served_model *served; /* the model that the request is counted for */
    size_t top_k;
    size_t answer_bytes; /* upper bound of the response's size */
    bool is_layered;
    size_t unusual_rows; /* with a number outside of what was seen in training */
    struct request_explain explain;
    struct request_infer infer;
    struct load_job *load_job; /* NULL, or the load_job that the request waits for */

    /* the response */
    unsigned code;           /* 0: not answered yet */
    const char *type;        /* Content-Type; static */
    const char *allow;       /* Allow, or NULL; static */
    unsigned retry_after_s;  /* Retry-After, or 0 */
    size_t infer_header_len; /* Inference-Header-Content-Length, or 0 */
    bool is_challenge;       /* WWW-Authenticate: Bearer */
    bool is_last;            /* close the connection after the response */
    bool is_refused_late;    /* the response is the one of request_refuse_late */
    bool is_too_large;       /* out exceeded TURN_ANSWER_BYTES_MAX and is incomplete */
    struct text out;

    int64_t begin_ns, decode_ns, encode_ns;
    int64_t deadline_ns; /* no work begins after this; 0: no limit */
};

/* Completes the response. When out is incomplete it is replaced by an error: 413 where it is too
 * large, 503 where memory ran out. 503 sets Retry-After, too. */
void request_answer(struct request *request, unsigned code, const char *type);
/* Puts `end` after out and completes the response: 200, JSON, or the error that request_answer puts
 * in its place. Always READ_ANSWERED, so that a route's read can return it. */
enum read_verdict request_answer_json(struct request *request, const char *end);
/* Responds with {"error": "text"}; the previous contents of out are dropped. */
void request_fail(struct request *request, unsigned code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The verdict of a read that has begun nothing. */
static inline enum read_verdict request_verdict(const struct request *request)
{
    return request->code ? READ_ANSWERED : READ_AGAIN;
}
/* Gives back what the request holds of the worker: its long work and its rows in the turn. To be
 * called when these are done, or when nobody wants them any more. */
void request_release(struct request *request);
/* Limits the request to timeout_ns after its begin. The deadline only ever moves earlier. */
void request_limit(struct request *request, int64_t timeout_ns);
/* True if its client has gone or its deadline has passed; no more work is then done for it. */
bool request_is_late(const struct request *request, int64_t now_ns);
/* If the request is late, replaces any response by 504 (deadline passed) or 499 (client gone),
 * counts it once and returns true. Otherwise returns false. */
bool request_refuse_late(struct request *request, int64_t now_ns);
/* The HTTP status for an error of the library. */
unsigned request_code_of(enum relud_code code);

#endif
