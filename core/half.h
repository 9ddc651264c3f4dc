/* 16-bit floats to float32; both conversions are exact. */
#ifndef CORE_HALF_H
#define CORE_HALF_H

#include <stdint.h>

float half_from_f16(uint16_t bits);  /* IEEE 754 binary16 */
float half_from_bf16(uint16_t bits); /* the upper half of a float32 */

#endif
