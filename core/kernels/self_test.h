/* Tests that the kernels of an instruction set, as this compiler made them, do on this CPU what
 * they should. Their bits depend on the path through the code, not on the weights or the lengths.
 * So every path is tried, each block of rows and columns and each remainder, and compared bit for
 * bit with the plain C versions. */
#ifndef CORE_KERNELS_SELF_TEST_H
#define CORE_KERNELS_SELF_TEST_H

#include "core/kernels/activation_loops.h"
#include "core/kernels/panel.h"

/* True if all results equal those of the plain C versions. Each test takes about a millisecond. */
bool self_test_panels(const struct panel_kernels *kernels);
bool self_test_activations(const struct activation_loops *loops);

#endif
