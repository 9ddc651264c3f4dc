/* What this machine can do at the most: fused multiply-adds of one core, reads from memory. */
#ifndef TESTS_BENCH_MACHINE_H
#define TESTS_BENCH_MACHINE_H

#include <relud/relud.h>
#include <stddef.h>

/* GFLOP/s of independent fused multiply-adds in registers; 0 where this CPU has not the instructions. */
double machine_fma_gflops(enum relud_isa isa);

/* GB/s of one core reading `bytes` from one end to the other. */
double machine_read_gb_per_s(size_t bytes);

#endif
