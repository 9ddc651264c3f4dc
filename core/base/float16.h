/* Converts 16-bit floats to float32. Both conversions are exact. */
#ifndef CORE_BASE_FLOAT16_H
#define CORE_BASE_FLOAT16_H

#include <stdint.h>

float float32_from_float16(uint16_t bits);  /* IEEE 754 binary16 */
float float32_from_bfloat16(uint16_t bits); /* the upper half of a float32 */

#endif
