#include <relud/activation.h>

/* __builtin_cpu_supports asks the operating system too: it must save the wide registers. */
enum relud_isa relud_isa_best(void)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
        return RELUD_ISA_AVX512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return RELUD_ISA_AVX2;
#endif
    return RELUD_ISA_SCALAR;
}

const char *relud_isa_name(enum relud_isa isa)
{
    static const char *const names[] = {"best", "scalar", "avx2", "avx512"};
    return names[isa];
}
