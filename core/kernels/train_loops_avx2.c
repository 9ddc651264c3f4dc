/* The loops of training for AVX2. */
#if defined(__AVX2__)
#include "core/kernels/train_loops_body.h"

TRAIN_LOOPS(train_loops_avx2)
#endif
