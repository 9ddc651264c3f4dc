/* The loops of training for AVX-512. */
#if defined(__AVX512F__)
#include "core/kernels/train_loops_body.h"

TRAIN_LOOPS(train_loops_avx512)
#endif
