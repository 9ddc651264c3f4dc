/* Reads arrays of numbers from dense bytes. include/relud/data.h lists the types. */
#ifndef CORE_BASE_DTYPE_H
#define CORE_BASE_DTYPE_H

#include <relud/data.h>

/* Converts `count` dense elements at `bytes` into values[count]. Elements that float32 cannot hold
 * exactly are rounded to nearest. `bytes` needs no alignment. `dtype` must be below
 * RELUD_DTYPES. */
void dtype_read(enum relud_dtype dtype, const void *bytes, size_t count, bool is_big_endian,
                float *values);

#endif
