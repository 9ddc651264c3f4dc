/* Activations for a chosen instruction set: what core/network.c and the tests call. */
#ifndef CORE_ACTIVATION_H
#define CORE_ACTIVATION_H

#include <relud/activation.h>

/* As relud_activate and relud_activation_gradient; isa is not RELUD_ISA_BEST and must be one that this CPU has. */
void activation_forward(enum relud_isa isa, const struct relud_activation *activation,
                        const struct relud_activation_params *params, const float *x, float *y,
                        size_t rows, size_t width);
void activation_gradient(enum relud_isa isa, const struct relud_activation *activation,
                         const struct relud_activation_params *params, const float *x, float *g,
                         size_t rows, size_t width);

#endif
