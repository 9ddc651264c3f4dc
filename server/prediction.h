/* What all dialects of a prediction share: rows into the turn, and a look at what comes out. */
#ifndef SERVER_PREDICTION_H
#define SERVER_PREDICTION_H

#include "server/exchange.h"

/* The entry that answers for model and version of the path (or label); answers 404, or 503 where the model is known but not
 * ready, and returns NULL. */
const struct entry *prediction_entry(struct exchange *exchange);

/* False, and answered with 429, when so many rows wait already that `rows` more are too many: of all models, and of entry (may be
 * NULL: not yet known). A request that is alone is always taken: there is nothing to wait for. */
bool prediction_has_room(struct exchange *exchange, const struct entry *entry, size_t rows);

/* False, and answered with 413 or 429, when the request asks for more than one may, or than there is room for. */
bool prediction_is_allowed(struct exchange *exchange, const struct entry *entry, size_t rows);

/* Puts the rows that turn_rows holds into the turn; begin_ns: when their reading began. False when the turn is full. */
bool prediction_submit(struct exchange *exchange, const struct entry *entry, size_t rows,
                       int64_t begin_ns);

void prediction_count_nonfinite(struct exchange *exchange, const struct entry *entry,
                                enum nonfinite_where where);

/* Counts an answer that is not finite; false, and answered with 400 naming the place, when --nonfinite is error. */
bool prediction_check_output(struct exchange *exchange);

#endif
