/* Sets the floating-point environment that all of relud's numerical promises assume: round to
 * nearest, keep subnormal numbers, raise no signals. The calling thread may have set something
 * else. For example, a library linked with -ffast-math makes every thread that starts after it was
 * loaded flush subnormal numbers to zero. */
#ifndef CORE_BASE_FLOAT_ENV_H
#define CORE_BASE_FLOAT_ENV_H

#include <stdint.h>

#if defined(__x86_64__)
#include <immintrin.h>

/* The lowest six bits of MXCSR are the flags of past exceptions. They are not part of the
 * environment. */
enum { FLOAT_ENV_DEFAULT = 0x1f80, FLOAT_ENV_FLAGS = 0x3f };

static inline uint64_t float_env_get(void)
{
    return _mm_getcsr() & ~(uint64_t)FLOAT_ENV_FLAGS;
}
static inline void float_env_set(uint64_t env)
{
    _mm_setcsr((unsigned)env);
}
#elif defined(__aarch64__)
enum { FLOAT_ENV_DEFAULT = 0 };

static inline uint64_t float_env_get(void)
{
    uint64_t fpcr;
    __asm__ volatile("mrs %0, fpcr" : "=r"(fpcr));
    return fpcr;
}
static inline void float_env_set(uint64_t env)
{
    __asm__ volatile("msr fpcr, %0" ::"r"(env) : "memory");
}
#else
enum { FLOAT_ENV_DEFAULT = 0 };

static inline uint64_t float_env_get(void)
{
    return FLOAT_ENV_DEFAULT;
}
static inline void float_env_set(uint64_t env)
{
    (void)env;
}
#endif

/* Sets the default environment in the calling thread and returns the previous one for
 * float_env_leave. Takes a few nanoseconds if the default is already set. */
static inline uint64_t float_env_enter(void)
{
    uint64_t env = float_env_get();
    if (env != FLOAT_ENV_DEFAULT)
        float_env_set(FLOAT_ENV_DEFAULT);
    return env;
}
static inline void float_env_leave(uint64_t env)
{
    if (env != FLOAT_ENV_DEFAULT)
        float_env_set(env);
}

#endif
