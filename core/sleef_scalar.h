/* SLEEF's scalar functions that give the bits of its AVX2 and AVX-512 forms. Its header shows them only to code compiled
 * for FMA; the library has them always. On a CPU without FMA there is nothing that could promise the same bits. */
#ifndef CORE_SLEEF_SCALAR_H
#define CORE_SLEEF_SCALAR_H

float Sleef_finz_expf1_u10purecfma(float x);
float Sleef_finz_expm1f1_u10purecfma(float x);
float Sleef_finz_log1pf1_u10purecfma(float x);
float Sleef_finz_logf1_u10purecfma(float x);
float Sleef_finz_tanhf1_u10purecfma(float x);
float Sleef_finz_erff1_u10purecfma(float x);

#endif
