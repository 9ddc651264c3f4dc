/* Random numbers that depend only on their key. They are the same on every machine, in any order
 * and on any thread. The generator is splitmix64 (Steele, Lea and Flood 2014). */
#ifndef CORE_BASE_RANDOM_H
#define CORE_BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* The uses of random numbers. Each use has its own stream, so they do not affect each other. */
enum random_stream { RANDOM_WEIGHTS, RANDOM_SPLIT, RANDOM_ORDER, RANDOM_SHIFT, RANDOM_DROPOUT };

static inline uint64_t random_mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static inline uint64_t random_next(uint64_t *state)
{
    return random_mix(*state += 0x9e3779b97f4a7c15u);
}

/* The initial state for the draws of item (a, b) of a stream; for example, a is the epoch and b the
 * row. */
static inline uint64_t random_state(uint64_t seed, enum random_stream stream, uint64_t a,
                                    uint64_t b)
{
    uint64_t state = random_mix(seed + 0x9e3779b97f4a7c15u * ((uint64_t)stream + 1));
    state = random_mix(state ^ (a + 0x632be59bd9b4e019u));
    return random_mix(state ^ (b + 0xd1b54a32d192ed03u));
}

/* A number in [0, 1), a multiple of 2^-24. */
static inline float random_unit(uint64_t *state)
{
    return (float)(random_next(state) >> 40) * 0x1p-24f;
}

/* A whole number in [0, bound); `bound` is at most 2^32. This is Lemire's method (2019) without its
 * final correction: probabilities are off by less than 2^-32. */
static inline size_t random_below(uint64_t *state, size_t bound)
{
    return (size_t)(((random_next(state) >> 32) * (uint64_t)bound) >> 32);
}

/* Fills order[count] with 0 … count - 1 in random order (Fisher and Yates). */
static inline void random_order(uint64_t state, uint32_t *order, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t j = random_below(&state, i + 1);
        order[i] = order[j];
        order[j] = (uint32_t)i;
    }
}

#endif
