/* One worker's turn: the rows and answers of many requests. Requests write their numbers straight
 * into the turn's float rows. One forward pass per model computes all of them. The answers stay in
 * the turn until they have been written out.
 *
 * Memory is two buffers that alternate. Each has room for rows and for answers. New jobs go into
 * the open buffer until the other one is empty; then the two swap. Under load one buffer fills
 * while the last answers of the other go out, so no buffer ever grows or is copied.
 *
 * A turn belongs to one worker; no function here may be called from another thread. */
#ifndef SERVER_BATCH_TURN_H
#define SERVER_BATCH_TURN_H

#include "server/base/list.h"
#include "server/batch/crew.h"
#include "server/metrics/metrics.h"
#include "server/models/catalog.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    TURN_NS = 4000000, /* the time that a turn computes, about */
    TURN_GONE = 1,     /* a job's deadline_ns when its client has gone */
    /* A job whose rows take longer than this is long. It is computed in a pass that other workers
     * may share. */
    TURN_LONG_NS = 250000,
    TURN_FEW_ROWS = 8,        /* a long job is one of TURN_FEW if it has at most so many rows, */
    TURN_FEW_NS = 5000000,    /* or if they take no longer than this */
    TURN_SHORT_FLOATS = 8192, /* with more floats, even a short job takes long to read */
};

/* The largest answer: its numbers, and its bytes before compression. A number and its separator
 * take at most 17 bytes of text. */
#define TURN_ANSWER_FLOATS_MAX ((size_t)4 << 20)
#define TURN_ANSWER_BYTES_MAX  (17 * TURN_ANSWER_FLOATS_MAX)

struct row_buffer {
    float *rows, *answers; /* reserved address space; a page costs memory once it is touched */
    size_t rows_len, answers_len; /* floats in use */
    size_t jobs;                  /* jobs with rows or answers here that are not released yet */
};

/* One request's rows on their way through the net. */
struct turn_job {
    struct list_node node;
    struct list *list;         /* the turn's list that it is in */
    struct row_buffer *buffer; /* where its rows and answers are; NULL: not in the turn */
    const struct served_model *served;
    struct catalog *catalog; /* the catalog that holds served; the turn keeps it alive */
    const float *x;          /* [rows][features] */
    bool is_lent;            /* x was set before turn_submit, and is not the turn's memory */
    float *y;                /* [rows][outputs] */
    float **layer_out;       /* NULL, or [layers], each [rows][outputs of that layer] */
    size_t rows, rows_done;
    /* NULL, or [rows_held_len]: the floats claimed for its rows before turn_submit */
    float *rows_held;
    size_t rows_held_len;
    bool is_done;
    bool is_late;        /* done without an answer, because its deadline passed */
    int64_t deadline_ns; /* set before turn_submit; 0: no deadline */
    int64_t submit_ns, begin_ns, forward_ns; /* forward_ns: how long its passes took */
    size_t batch_rows;                       /* rows of the largest pass that it was part of */
    void *owner;                             /* for turn.on_done */
};

/* A job's rows in a pass. */
struct turn_share {
    struct turn_job *job; /* NULL: nobody wants them any more */
    size_t rows;
};

/* Long jobs of one kind. They go through the net in one shared pass after the other. */
struct turn_lane {
    struct list queue, in_pass; /* jobs that wait, and those that are in the pass */
    relud_pass *pass;
    size_t pass_rows; /* of the jobs that are in the pass; 0: there is none */
    int64_t pass_begin_ns;
    /* The rows of the pass and then their answers, if it has several jobs; [gathered_cap] or
     * NULL. */
    float *gathered;
    size_t gathered_cap, gathered_rows; /* gathered_rows: 0 if it has one, whose memory it uses */
    struct turn_share *share; /* [shares], of [batch_rows_max]: whose rows the pass has, in order */
    size_t shares;
    bool is_stalled; /* other workers hold the last pieces of the pass */
};

/* The lanes take turns, a piece each, so that few rows need not wait until many have gone through
 * the net. */
enum {
    TURN_FEW,  /* jobs of few rows, or little work */
    TURN_MANY, /* the others */
    TURN_LANES,
};

struct turn {
    struct row_buffer buffer[2];
    struct row_buffer *open;      /* the buffer that takes new jobs */
    size_t rows_cap, answers_cap; /* floats per buffer */
    struct list queue;            /* the short jobs that are not done */
    struct turn_lane lane[TURN_LANES];
    size_t last_lane;                  /* the one that had a piece computed last */
    size_t rows_waiting, jobs_waiting; /* not computed yet */
    size_t unanswered;                 /* submitted jobs that are not released, computed or not */
    bool has_new_long;                 /* a long job has been submitted since the last turn */
    struct crew *crew;                 /* NULL: no other worker helps */
    size_t rows_offered;               /* how many floats turn_rows gave last */
    int64_t short_ns; /* when the last job arrived that is short and quick to read */
    size_t batch_rows_max;
    size_t worker;           /* index of the worker; selects its scratch memory and its metrics */
    struct catalog *catalog; /* what is served now */
    struct metrics_shard *shard;
    void (*on_done)(struct turn_job *job); /* called for each job that is done; may be NULL */
};

/* Reserves the buffers and takes over the caller's reference to catalog. body_bytes_max bounds the
 * numbers of one request, since a number takes at least two bytes of text. False and *error when
 * there is no memory; turn_reset is then still needed. */
bool turn_init(struct turn *turn, struct catalog *catalog, size_t worker,
               struct metrics_shard *shard, size_t batch_rows_max, size_t body_bytes_max,
               struct relud_error *error);
/* No other worker may help any more. */
void turn_reset(struct turn *turn);

/* New jobs use this catalog from here on; the turn takes over the caller's reference. The old
 * catalog is released with its last job. */
void turn_change_catalog(struct turn *turn, struct catalog *catalog);

enum turn_verdict {
    TURN_TAKEN,
    TURN_FULL,  /* no room now: try again after the next turn */
    TURN_NEVER, /* not even an empty turn has so much room */
};

/* Finds room for up to `count` floats of the job's rows: the floats that the job holds already,
 * else new ones. The caller claims new ones by turn_submit or turn_hold, or uses them briefly and
 * forgets them. *rows is NULL unless the verdict is TURN_TAKEN. */
enum turn_verdict turn_rows(struct turn *turn, const struct turn_job *job, size_t count,
                            float **rows);

/* Claims the floats that turn_rows gave last, for rows that are not all read yet. The claim lasts
 * until turn_submit, which keeps what it needs, or turn_release. Calling it again does nothing. */
void turn_hold(struct turn *turn, struct turn_job *job);

/* Puts a job into the turn. Its rows are job->x if that is lent, else the first rows * features
 * floats that it holds or, if it holds none, of those that turn_rows gave last. is_layered asks for
 * every layer's output. With any other verdict than TURN_TAKEN the job holds nothing any more. */
enum turn_verdict turn_submit(struct turn *turn, struct turn_job *job,
                              const struct served_model *served, size_t rows, bool is_layered);

/* True if a short job arrived in the last 20 ms; long work should then be split. */
bool turn_has_short(const struct turn *turn, int64_t now_ns);

/* The job that has waited longest for its pass; NULL if none waits. */
const struct turn_job *turn_first(const struct turn *turn);
/* True if a pass over long jobs has begun and not ended. */
bool turn_has_pass(const struct turn *turn);
/* True if nothing can be computed until other workers have done their pieces. */
bool turn_is_stalled(const struct turn *turn);

/* How many floats an answer of so many rows takes; SIZE_MAX when it overflows. */
size_t turn_answer_floats(const struct served_model *served, size_t rows, bool is_layered);

/* Computes rows for about TURN_NS, or for less while short jobs keep arriving.
 *
 * First the short jobs are computed, those that lie end to end in one pass of at most
 * batch_rows_max rows and about a millisecond. Then the long ones: one pass of each lane at a time,
 * over the rows of one job or, where rows are costly, of several. It is shared with the workers
 * that have nothing to do, and goes on in the next turns. A job that is longer than a pass goes to
 * the back of its queue with its remaining rows. So all kinds make progress. Jobs whose deadline
 * has passed are done without a pass. */
void turn_forward(struct turn *turn);

/* Gives the job's memory back to the turn: its answer is written, or nobody wants it any more. */
void turn_release(struct turn *turn, struct turn_job *job);

#endif
