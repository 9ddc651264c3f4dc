/* The loops of training for any machine, and the choice between their versions. */
#include "core/kernels/train_loops_body.h"

TRAIN_LOOPS(train_loops_scalar)

const struct train_loops *train_loops_of(enum relud_isa isa)
{
#if defined(__x86_64__)
    if (isa == RELUD_ISA_AVX512)
        return &train_loops_avx512;
    if (isa == RELUD_ISA_AVX2)
        return &train_loops_avx2;
#endif
    (void)isa;
    return &train_loops_scalar;
}
