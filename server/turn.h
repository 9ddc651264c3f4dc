/* One turn's rows and answers. Requests put their numbers straight into the turn's float rows; one forward pass
 * per model takes all of them; the answers lie in the turn until they are written out.
 *
 * Memory is two floors used in alternation, each with room for rows and for answers: a floor takes new jobs
 * until the other one is empty, then they change places. Under load a floor is always being filled while the
 * last answers of the other go out, so neither ever has to grow or be copied. */
#ifndef SERVER_TURN_H
#define SERVER_TURN_H

#include "server/catalog.h"
#include "server/metrics.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    TURN_SHORT_ROWS = 16,
    TURN_PIECE_ROWS = 32,     /* of a long job at a time, where short ones are about */
    TURN_SHORT_FLOATS = 8192, /* more, and it takes long to read however few rows they are */
};

/* Numbers that one answer may hold (each at most 17 bytes of text). */
#define TURN_ANSWER_FLOATS_MAX ((size_t)4 << 20)

struct turn_floor {
    float *rows, *answers;        /* reserved address space; pages come as they are touched */
    size_t rows_len, answers_len; /* floats taken */
    size_t jobs;                  /* of them still unreleased */
};

/* The rows of one request on their way through the net. */
struct turn_job {
    struct turn_job *next;
    struct turn_floor *floor; /* NULL: not in the turn */
    const struct entry *entry;
    struct catalog *catalog; /* that the entry is of; held by the turn */
    const float *x;          /* [rows][features] */
    float *y;                /* [rows][outputs] */
    float **layer_out;       /* NULL, or [layers], each [rows][outputs of the layer] */
    size_t rows, rows_done;
    float *held; /* NULL, or [held_len] of the floor, claimed for its rows before it is submitted */
    size_t held_len;
    bool is_done;
    bool is_late;                            /* done without an answer: its deadline came first */
    int64_t deadline_ns;                     /* set before turn_submit; 0: none */
    int64_t submit_ns, begin_ns, forward_ns; /* forward_ns: how long its passes took */
    size_t batch_rows;                       /* rows of the largest pass it was in */
    void *owner;                             /* for turn.on_done */
};

struct turn {
    struct turn_floor floor[2];
    struct turn_floor *open;           /* the one that takes new jobs */
    size_t rows_cap, answers_cap;      /* floats per floor */
    struct turn_job *first, *last;     /* waiting for their pass */
    size_t rows_waiting, jobs_waiting; /* not computed yet */
    size_t unanswered;                 /* computed or not, and not released */
    bool has_new_long;                 /* a long job has come since the last turn */
    bool is_long_due;                  /* the last turn was the short jobs' alone */
    size_t offered;                    /* floats that turn_rows gave last */
    int64_t short_ns;                  /* when the last job came that is short, and was to read */
    size_t batch_rows_max;
    size_t worker;           /* whose turn this is: which scratch and series are its own */
    struct catalog *catalog; /* what is served now */
    struct metrics_shard *shard;
    void (*on_done)(struct turn_job *job); /* NULL, or told of each job that is done */
};

/* body_bytes_max bounds the numbers of one request: a number takes at least two bytes of text. A reference to the catalog
 * is taken over. */
bool turn_init(struct turn *turn, struct catalog *catalog, size_t worker,
               struct metrics_shard *shard, size_t batch_rows_max, size_t body_bytes_max,
               struct relud_error *error);
void turn_reset(struct turn *turn);

/* New jobs are of this catalog from here on; a reference to it is taken over. The old one is let go of with its last
 * job. */
void turn_change_catalog(struct turn *turn, struct catalog *catalog);

/* Room for up to `count` floats of the job's rows, to be claimed by turn_submit or turn_hold, or used and forgotten: what it
 * holds already, else new. NULL when the turn is full: try again after the next turn. */
float *turn_rows(struct turn *turn, const struct turn_job *job, size_t count);

/* Claims what turn_rows gave last, for rows that are not all read yet; until turn_submit, which keeps what it needs, or
 * turn_release. A second time is nothing. */
void turn_hold(struct turn *turn, struct turn_job *job);

enum turn_verdict { TURN_TAKEN, TURN_FULL };
/* Puts a job into the turn; its rows are the first rows * features floats of what it holds, or else of what turn_rows gave last.
 * is_layered asks for every layer's output. Where the turn is full, nothing is held any more. */
enum turn_verdict turn_submit(struct turn *turn, struct turn_job *job, const struct entry *entry,
                              size_t rows, bool is_layered);

/* Have jobs come just now that are short, and were to read, so that whatever takes long is better done in pieces? */
bool turn_has_short(const struct turn *turn, int64_t now_ns);

/* Floats that an answer of so many rows takes. */
size_t turn_answer_floats(const struct entry *entry, size_t rows, bool is_layered);

/* Computes up to batch_rows_max rows. Where long jobs (more than TURN_SHORT_ROWS) and short ones wait, a turn is the short
 * ones' alone, and the next one is first come, first served; a job longer than a turn goes to the back of the line with its
 * remainder. So short ones keep moving, and so do long ones; where short ones come all the time, a turn that a long one leads is of
 * TURN_PIECE_ROWS. Jobs whose deadline has passed are done without one. */
void turn_forward(struct turn *turn);

/* The job's answer is written (or nobody wants it any more): its memory is the turn's again. */
void turn_release(struct turn *turn, struct turn_job *job);

#endif
