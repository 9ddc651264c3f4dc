/* Converts 16-bit floats to float32 and back. Every number of 16 bits is a float32. */
#ifndef CORE_BASE_FLOAT16_H
#define CORE_BASE_FLOAT16_H

#include <stdbool.h>
#include <stdint.h>

float float32_from_float16(uint16_t bits);  /* IEEE 754 binary16 */
float float32_from_bfloat16(uint16_t bits); /* the upper half of a float32 */

bool float16_is_exact(float value); /* a binary16 has it, as float32_from_float16 gives it */
uint16_t float16_from_float32(float value); /* of a value that float16_is_exact */

#endif
