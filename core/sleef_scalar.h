/* SLEEF's scalar function that gives the same bits on every CPU with FMA. Its header shows it only to code compiled for
 * FMA; the library has it always. */
#ifndef CORE_SLEEF_SCALAR_H
#define CORE_SLEEF_SCALAR_H

float Sleef_finz_logf1_u10purecfma(float x);

#endif
