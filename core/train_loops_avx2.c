/* Training's loops for AVX2. */
#if defined(__AVX2__)
#include "core/train_loops_body.h"

TRAIN_LOOPS(train_loops_avx2)
#endif
