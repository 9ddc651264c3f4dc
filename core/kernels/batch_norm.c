#include "core/kernels/batch_norm.h"

#include <math.h>

bool batch_norm_fold(const struct batch_norm *norm, const float *own, float *scale, float *shift,
                     size_t *channel)
{
    for (size_t i = 0; i < norm->channels; i++) {
        double root = sqrt((double)norm->variance[i] + (double)norm->epsilon);
        double factor = (norm->weight ? (double)norm->weight[i] : 1) / root;
        double moved = (own ? (double)own[i] : 0) - (double)norm->mean[i];
        double bias = norm->bias ? (double)norm->bias[i] : 0;
        scale[i] = (float)factor;
        shift[i] = (float)(moved == 0 ? bias : moved * factor + bias); /* keeps a bias of -0 */
        *channel = i;
        if (!isfinite(scale[i]) || !isfinite(shift[i]))
            return false;
    }
    return true;
}
