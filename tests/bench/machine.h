/* What this machine can do at the most: fused multiply-adds of one core, reads from memory. */
#ifndef TESTS_BENCH_MACHINE_H
#define TESTS_BENCH_MACHINE_H

#include <relud/relud.h>
#include <stddef.h>

/* GFLOP/s of independent fused multiply-adds in registers; 0 where this CPU has not the instructions. */
double machine_fma_gflops(enum relud_isa isa);

/* Memory to be read from one end to the other by one core, in the way that was fastest here: with one stream of addresses
 * or several, ahead of the loads or not. A baseline to time beside what it is compared with. */
struct machine_block;
struct machine_block *machine_block_new(size_t bytes);
void machine_block_free(struct machine_block *block);
void machine_read(void *block);

#endif
