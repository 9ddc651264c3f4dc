/* model.json's "training": what is known of how a model was made. */
#ifndef CORE_TRAINING_JSON_H
#define CORE_TRAINING_JSON_H

#include "core/arena.h"
#include "core/json_doc.h"
#include <relud/model.h>
#include <stdio.h>

/* More features than this are not described one by one: model.json stays a document. */
enum { TRAINING_FEATURES_MAX = 16384, TRAINING_BINS = 10 };

void training_put(FILE *file, const struct relud_training *training);

/* *training is in the arena, or NULL where `node` is NULL. Members that are not known are passed over: other tools may have
 * theirs. False and *error, naming the member, where a known one is of the wrong type. */
bool training_read(const json_node *node, struct relud_training **training, const char *name,
                   struct arena *arena, struct relud_error *error);

#endif
