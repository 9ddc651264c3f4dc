/* What a thread does between two looks at a number that another thread is about to change. */
#ifndef CORE_BASE_SPIN_H
#define CORE_BASE_SPIN_H

#if defined(__x86_64__)
#include <immintrin.h>
static inline void spin_pause(void)
{
    _mm_pause();
}
#elif defined(__aarch64__)
static inline void spin_pause(void)
{
    __asm__ volatile("yield");
}
#else
static inline void spin_pause(void)
{
}
#endif

#endif
