#include "core/base/float_env.h"
#include "core/kernels/activation.h"
#include "core/kernels/self_test.h"
#include <pthread.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

#if defined(__x86_64__)
/* Some compilers' __builtin_cpu_supports does not know it. */
static bool has_f16c(void)
{
    unsigned a, b, c, d;
    return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C);
}
#endif

/* __builtin_cpu_supports also checks that the operating system saves the wide registers. */
static bool has(enum relud_isa isa)
{
#if defined(__x86_64__)
    bool has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && has_f16c() &&
                    __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") &&
                    __builtin_cpu_supports("popcnt");
    if (isa == RELUD_ISA_AVX2)
        return has_avx2;
    if (isa == RELUD_ISA_AVX512)
        return has_avx2 && __builtin_cpu_supports("avx512f") &&
               __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512vl");
#endif
    return isa == RELUD_ISA_SCALAR;
}

/* Found once per process; after that it is the same for all threads. */
static struct {
    pthread_once_t once;
    enum relud_isa best;
    size_t inexact;
} found = {.once = PTHREAD_ONCE_INIT};

static void find_best(void)
{
    uint64_t env = float_env_enter();
    for (found.best = RELUD_ISA_AVX512; found.best > RELUD_ISA_SCALAR; found.best--) {
        if (!has(found.best))
            continue;
        if (self_test_panels(panel_kernels_of(found.best)) &&
            self_test_activations(activation_loops_of(found.best)))
            break;
        found.inexact++;
    }
    float_env_leave(env);
}

enum relud_isa relud_isa_best(void)
{
    pthread_once(&found.once, find_best);
    return found.best;
}

size_t relud_inexact_kernels(void)
{
    pthread_once(&found.once, find_best);
    return found.inexact;
}

const char *relud_isa_name(enum relud_isa isa)
{
    static const char *const names[] = {"best", "scalar", "avx2", "avx512"};
    return names[isa];
}
