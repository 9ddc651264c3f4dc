/* Functions of real numbers that IEEE does not define, for element-wise arithmetic. They are our
 * own, because the C library's results differ with its version and with the CPU's instructions.
 *
 * Each is a fixed sequence of IEEE operations in double. Its argument is a float32, and its error
 * is some units in double's last place. So the result, rounded to float32, is the correctly rounded
 * one, except for near-ties that an error of 1e-15 cannot decide (1e-11 for erf_of). */
#ifndef CORE_KERNELS_FUNCTIONS_H
#define CORE_KERNELS_FUNCTIONS_H

double exp_of(double x);
double log_of(double x);
double erf_of(double x);
/* Follows C's pow, for whole and for other exponents. */
float pow_of(float x, float y);

/* The argument is in radians, of any size. Infinity gives NaN. */
double sin_of(float x);
double cos_of(float x);
double tan_of(float x);
/* NaN outside the domain, infinite at its open ends, as C's functions. */
double asin_of(float x);
double acos_of(float x);
double atan_of(double x);
double sinh_of(float x);
double cosh_of(float x);
double asinh_of(float x);
double acosh_of(float x);
double atanh_of(float x);

/* The remainder of p / q with the sign of q, as Python's %. */
float modulo_of(float p, float q);

#endif
