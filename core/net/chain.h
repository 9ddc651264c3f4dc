/* Builds a net whose steps form a chain: each step reads what the step before it makes, and the
 * last one makes the net's only result. Its memory is the model's. Without memory these functions
 * return false or NULL and set no error. */
#ifndef CORE_NET_CHAIN_H
#define CORE_NET_CHAIN_H

#include "core/net/model_source.h"

/* Makes room for at most `steps_max` steps. */
bool chain_begin(struct model_source *source, size_t steps_max);
/* Appends a step. Its first operand is set. */
struct step *chain_add(struct model_source *source, enum step_kind kind, size_t width);
/* Appends a step of arithmetic with by[len], which must live as long as the model; len is 1 or the
 * width. */
bool chain_add_element(struct model_source *source, enum element element, size_t width,
                       const float *by, size_t len);
/* x, or instead[width] where x is NaN. Two steps. `instead` must live as long as the model. */
bool chain_add_imputation(struct model_source *source, size_t width, const float *instead);
/* x * scale, then + shift, in float32 with one rounding per operation, as PyTorch computes it. A
 * shift of 0 is not added, so that -0 stays -0. */
bool chain_add_scaling(struct model_source *source, size_t width, float scale, float shift);
/* x - mean[width], then / divisor[width], in float32 with one rounding per operation. Both must
 * live as long as the model. */
bool chain_add_standardization(struct model_source *source, size_t width, const float *mean,
                               const float *divisor);
/* Makes the last step's output the result. There must be a step. */
void chain_end(struct model_source *source);

#endif
