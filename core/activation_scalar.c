/* The activations one float at a time, by SLEEF's scalar functions. */
#include "core/activation_loops.h"
#include "core/sleef_scalar.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

typedef float vec;
typedef bool mask;
enum { LANES = 1 };

#define OPERATION(type, name, parameters, value)                                                   \
    static inline type name parameters                                                             \
    {                                                                                              \
        return value;                                                                              \
    }
OPERATION(vec, v_set, (float c), c)
OPERATION(vec, v_load, (const float *at), *at)
static inline void v_store(float *at, vec v)
{
    *at = v;
}
OPERATION(vec, v_add, (vec a, vec b), a + b)
OPERATION(vec, v_sub, (vec a, vec b), a - b)
OPERATION(vec, v_mul, (vec a, vec b), a *b)
OPERATION(vec, v_div, (vec a, vec b), a / b)
OPERATION(vec, v_neg, (vec a), -a)
OPERATION(vec, v_abs, (vec a), fabsf(a))
OPERATION(mask, v_lt, (vec a, vec b), a < b)
OPERATION(mask, v_le, (vec a, vec b), a <= b)
OPERATION(mask, v_gt, (vec a, vec b), a > b)
OPERATION(mask, v_and, (mask a, mask b), a &&b)
OPERATION(vec, v_select, (mask m, vec a, vec b), m ? a : b)
OPERATION(vec, v_exp, (vec a), Sleef_finz_expf1_u10purecfma(a))
OPERATION(vec, v_expm1, (vec a), Sleef_finz_expm1f1_u10purecfma(a))
OPERATION(vec, v_log1p, (vec a), Sleef_finz_log1pf1_u10purecfma(a))
OPERATION(vec, v_tanh, (vec a), Sleef_finz_tanhf1_u10purecfma(a))
OPERATION(vec, v_erf, (vec a), Sleef_finz_erff1_u10purecfma(a))

#include "core/activation_formulas.h"

TABLE(activation_scalar)
