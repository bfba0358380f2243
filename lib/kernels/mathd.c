/* Owns exp, log, pow, sin and cos in float64, for values that are computed once (RoPE
 * tables) or once a token; mathf.h has the float32 ones for inner loops. Polynomials were
 * interpolated at Chebyshev points. Invariant: only IEEE additions, multiplications,
 * divisions and moves of bits, so the same bits everywhere. */
#include "kernels/mathd.h"

#include <float.h>
#include <stdint.h>
#include <string.h>

_Static_assert(FLT_EVAL_METHOD == 0, "double arithmetic must be done in double");

#define LOG2E 0x1.71547652b82fep+0
#define LN2_HIGH 0x1.62e42feep-1 /* 32 bits: exact times any exponent */
#define LN2_LOW 0x1.a39ef35793c76p-33
#define ROUND 0x1.8p+52 /* adding it leaves the nearest integer in the low bits */

static double from_bits(uint64_t bits) {
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static uint64_t to_bits(double x) {
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* exp(x + low), where low is a correction far below x. */
static double exp_corrected(double x, double low) {
    /* (exp(r) - 1 - r) / r^2 on |r| <= ln(2) / 2 */
    static const double C[] = {0x1p-1,
                               0x1.5555555555557p-3,
                               0x1.5555555555556p-5,
                               0x1.11111111100bep-7,
                               0x1.6c16c16c162c3p-10,
                               0x1.a01a01abf85abp-13,
                               0x1.a01a01a6e1e2ap-16,
                               0x1.71de01fdbf9cap-19,
                               0x1.27e4db46cddd1p-22,
                               0x1.af4e554377204p-26,
                               0x1.1f7340dbc337ep-29};
    x = x < -746.0 ? -746.0 : x; /* below half the smallest subnormal; NaN stays */
    x = x > 710.0 ? 710.0 : x;   /* infinity */
    double biased = x * LOG2E + ROUND, n = biased - ROUND;
    double r = (x - n * LN2_HIGH) - (n * LN2_LOW - low);
    double p = C[10];
    for (int i = 9; i >= 0; i--) p = p * r + C[i];
    p = 1.0 + (r + (r * r) * p);
    /* 2^n in two factors, as n goes down to -1076 and up to 1024. */
    uint64_t exponent = to_bits(biased) - to_bits(ROUND) + 2048, half = exponent >> 1;
    double first = from_bits((half + 1023 - 1024) << 52);
    double second = from_bits((exponent - half + 1023 - 1024) << 52);
    return p * first * second;
}

double rsn_expd(double x) {
    return exp_corrected(x, 0.0);
}

/* The exact a * b as *high + *low; Dekker 1971. |a|, |b| < 2^990. */
static void multiply_exactly(double a, double b, double *high, double *low) {
    const double splitter = 0x1p27 + 1;
    double t = a * splitter, a1 = t - (t - a), a2 = a - a1;
    t = b * splitter;
    double b1 = t - (t - b), b2 = b - b1;
    *high = a * b;
    *low = ((a1 * b1 - *high) + a1 * b2 + a2 * b1) + a2 * b2;
}

/* log x of a finite x > 0 as *high + *low, to about 2^-58 of it. */
static void log_parts(double x, double *high, double *low) {
    /* (log(1 + f) - 2 s) / (s^3), s = f / (2 + f), in powers of s^2 */
    static const double C[] = {0x1.5555555555555p-1, 0x1.9999999999a39p-2,
                               0x1.2492492476a1ap-2, 0x1.c71c7201a55d7p-3,
                               0x1.745cf8e4bba1bp-3, 0x1.3b1c3c1c81c8fp-3,
                               0x1.0fbde0f4ad17bp-3, 0x1.0c0aff044a970p-3};
    const uint64_t sqrt_half = 0x3FE6A09E667F3BCD;
    double extra = 0;
    if (x < DBL_MIN) {
        x *= 0x1p52;
        extra = -52;
    }
    /* x = 2^e * (1 + f), 1 + f in [sqrt(1/2), sqrt(2)) */
    uint64_t bits = to_bits(x) - sqrt_half;
    double e = (double)((int64_t)(bits >> 52 ^ 0x800) - 0x800) + extra; /* 12 bits */
    double f = from_bits((bits & 0xFFFFFFFFFFFFF) + sqrt_half) - 1.0;
    double d = 2.0 + f, d_low = f - (d - 2.0);
    double s = f / d, product, product_low;
    multiply_exactly(s, d, &product, &product_low);
    double s_low = (((f - product) - product_low) - s * d_low) / d;
    double z = s * s, p = C[7];
    for (int i = 6; i >= 0; i--) p = p * z + C[i];
    /* Both exact; then their sum with its error, Knuth. */
    double a = e * LN2_HIGH, b = 2.0 * s;
    double sum = a + b, b_part = sum - a, error = (a - (sum - b_part)) + (b - b_part);
    double rest = error + (e * LN2_LOW + (2.0 * s_low + s * z * p));
    *high = sum + rest;
    *low = rest - (*high - sum);
}

double rsn_logd(double x) {
    if (x > 0 && x <= DBL_MAX) {
        double high, low;
        log_parts(x, &high, &low);
        return high;
    }
    if (x == 0) return -from_bits(0x7FF0000000000000);
    return x > 0 ? x : from_bits(0x7FF8000000000000);
}

double rsn_powd(double x, double y) {
    if (!(x > 0 && x <= DBL_MAX) || y != y) return from_bits(0x7FF8000000000000);
    if (x == 1) return 1;
    double high, low;
    log_parts(x, &high, &low);
    double rough = y * high;
    /* 0 or infinity; and y may be too large to split. */
    if (rough > 800 || rough < -800) return rsn_expd(rough);
    double product, product_low;
    multiply_exactly(y, high, &product, &product_low);
    return exp_corrected(product, product_low + y * low);
}

void rsn_sincos(double x, double *sine, double *cosine) {
    static const double S[] = {-0x1.5555555555555p-3,  0x1.1111111110babp-7,
                               -0x1.a01a019e820aep-13, 0x1.71de37946ed6dp-19,
                               -0x1.ae6008d114485p-26, 0x1.5e0a4fc16be59p-33};
    static const double C[] = {0x1.5555555555555p-5,  -0x1.6c16c16c16963p-10,
                               0x1.a01a019f4ddfdp-16, -0x1.27e4fa16cc2d1p-22,
                               0x1.1eeb67d026ec6p-29, -0x1.907cd8ff5ede7p-37};
    if (!(x >= -0x1p27 && x <= 0x1p27)) {
        *sine = *cosine = from_bits(0x7FF8000000000000);
        return;
    }
    /* pi / 2 in parts of 25 bits, exact times any n here, and a rest. */
    double n = (x * 0x1.45f306dc9c883p-1 + ROUND) - ROUND;
    double r = ((x - n * 0x1.921fb5p+0) - n * 0x1.110b46p-26) - n * 0x1.1a6263p-54;
    r -= n * 0x1.8a2e03707344ap-81;
    double z = r * r, p = S[5], q = C[5];
    for (int i = 4; i >= 0; i--) {
        p = p * z + S[i];
        q = q * z + C[i];
    }
    double sin_r = r + r * z * p, cos_r = 1.0 - (0.5 * z - z * z * q);
    int64_t quadrant = (int64_t)n & 3;
    *sine = quadrant & 1 ? cos_r : sin_r;
    *cosine = quadrant & 1 ? sin_r : cos_r;
    if (quadrant & 2) *sine = -*sine;
    if (quadrant == 1 || quadrant == 2) *cosine = -*cosine;
}
