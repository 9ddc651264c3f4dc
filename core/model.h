/* What is inside a relud_model, for those of core that need more than its face. */
#ifndef CORE_MODEL_H
#define CORE_MODEL_H

#include "core/network.h"
#include <relud/model.h>

const struct network *model_network(const relud_model *model);

#endif
