/* exp, log, pow, sin and cos in float64 for tables (RoPE) and samplers: ours, so that
 * they give the same bits everywhere. */
#ifndef REASON_KERNELS_MATHD_H
#define REASON_KERNELS_MATHD_H

/* At most 2 units in the last place; subnormal results included; NaN for NaN. */
double rsn_expd(double x);
/* At most 2 units in the last place; -infinity for 0, NaN below 0 and for NaN. */
double rsn_logd(double x);
/* x^y for finite x > 0, NaN for other x or a NaN. At most 2 units in the last place while
 * |y log x| <= 64, at most 2^-44 relative beyond. */
double rsn_powd(double x, double y);
/* At most 2^-52 absolute for |x| <= 2^27; NaN beyond. */
void rsn_sincos(double x, double *sine, double *cosine);

#endif
