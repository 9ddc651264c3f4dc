/* What the prediction routes of all dialects share: choosing the model, checking shapes and limits,
 * putting rows into the turn, checking the outputs. */
#ifndef SERVER_BATCH_PREDICTION_H
#define SERVER_BATCH_PREDICTION_H

#include "server/batch/request.h"

/* What a path leads to. */
struct prediction_target {
    const struct catalog_model *model; /* NULL: there is none of that name */
    const char *version;               /* NULL: any; valid if code is 200 or 503 */
    const struct served_model *served; /* NULL unless code is 200 */
    unsigned code;                     /* 200; 404: there is none; 503: it is not ready */
    struct relud_error error;          /* says why code is 404 or 503 */
};

/* Finds the model and version (or label) that the path names, and answers nothing. */
void prediction_find(const struct request *request, struct prediction_target *target);
/* Does the same. If there is none, answers 404, or 503 if it is known but not ready, and returns
 * NULL. */
const struct served_model *prediction_look(struct request *request);
/* Does the same for a request that predicts: sets request->served, too. */
const struct served_model *prediction_model(struct request *request);

/* Finds the model for a request that need not name one; model and version may be NULL. Without a
 * name, --default-model answers, or else the only model that is ready. Sets request->served. If
 * there is none or the choice is ambiguous, answers 400, 404 or 503 and returns NULL. */
const struct served_model *prediction_choose(struct request *request, const char *model,
                                             const char *version);

/* Returns how many rows of `tensor`, an input or served->row, an array of shape[rank] holds, or 0
 * if it holds none.
 *
 * A row may be nested in any way that has as many numbers, e.g. 784 or 28 x 28. If the tensor's
 * shape is nested, a nested row must have that shape, apart from dimensions of 1. Single numbers
 * are rows of a tensor of one. may_be_bare: one row may stand without the brackets of an array of
 * rows. */
size_t prediction_count_rows(const struct relud_tensor_info *tensor, const size_t *shape,
                             size_t rank, bool may_be_bare);
/* Does the same for rows of the model. If the array holds no rows, answers 400, which says what
 * was found and where in the array `name`, and returns false. */
bool prediction_find_rows(struct request *request, const struct served_model *served,
                          const char *name, const size_t *shape, size_t rank, bool may_be_bare,
                          size_t *rows);

/* Formats a shape as "[28,28]" for errors; `first` is put before the numbers. Returns text->at. */
struct shape_text {
    char at[RELUD_JSON_DEPTH_MAX * 21 + 3];
};
const char *prediction_shape(const char *first, const size_t *shape, size_t rank,
                             struct shape_text *text);

/* Checks whether `rows` more rows may wait, for all models together and for served (NULL: not known
 * yet). If not, answers 429 and returns false. While no other rows wait, any number is accepted. */
bool prediction_has_room(struct request *request, const struct served_model *served, size_t rows);

/* Checks the request's limits: its rows, and the size of its response. row_bytes is the most that a
 * row of the response takes, with everything that is written. Answers 413 or 429 and returns false
 * when there are too many. */
bool prediction_is_allowed(struct request *request, const struct served_model *served, size_t rows,
                           size_t row_bytes);

/* The most bytes that a number, or a class with its label and probability, takes in a response. */
enum { PREDICTION_NUMBER_BYTES = RELUD_FLOAT_TEXT_MAX + 1 };
size_t prediction_class_bytes(const struct served_model *served);

/* Submits the request's rows, those that turn_rows gave, to the turn; begin_ns is when their
 * reading began. READ_AGAIN when the turn is full. A request that is late is answered instead. */
enum read_verdict prediction_submit(struct request *request, const struct served_model *served,
                                    size_t rows, int64_t begin_ns);

void prediction_count_nonfinite(struct request *request, const struct served_model *served,
                                enum nonfinite_where where);

/* Counts the rows with numbers that training never saw (request->unusual_rows), and a response with
 * a number that is not finite. If --nonfinite is error, answers 400 then, which names the place,
 * and returns false. */
bool prediction_check_output(struct request *request);

#endif
