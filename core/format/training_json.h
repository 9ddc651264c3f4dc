/* Reads and writes "training" in model.json: how a model was trained. */
#ifndef CORE_FORMAT_TRAINING_JSON_H
#define CORE_FORMAT_TRAINING_JSON_H

#include "core/base/arena.h"
#include "core/json/doc.h"
#include <relud/model.h>
#include <stdio.h>

/* With more features than this, the features are not described one by one, so that model.json stays
 * readable. */
enum { TRAINING_FEATURES_MAX = 16384, TRAINING_BINS = 10 };

void training_put(FILE *file, const struct relud_training *training);

/* Reads `node` into *training, in the arena; NULL if `node` is NULL. Unknown members are ignored:
 * they may belong to other tools. False and *error, which names the member, if a known member has
 * the wrong type, and without memory. */
bool training_read(const json_node *node, struct relud_training **training, const char *name,
                   struct arena *arena, struct relud_error *error);

#endif
