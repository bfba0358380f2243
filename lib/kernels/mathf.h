/* exp, log and tanh in float32 and a fused multiply-add, made of IEEE additions, multiplications, divisions and
 * moves of bits, so that they give the same bits with every compiler, library and instruction set.
 * No branches: loops over them become vector code. Against exact values: at most 2 units
 * in the last place, over the whole range. */
#ifndef REASON_KERNELS_MATHF_H
#define REASON_KERNELS_MATHF_H

#include <float.h>
#include <math.h>

#include "quant/half.h"

#if defined(__FAST_MATH__)
#error "libreason's results are defined in IEEE arithmetic: build without -ffast-math"
#endif
_Static_assert(FLT_EVAL_METHOD == 0, "float arithmetic must be done in float");

/* a * b + c, rounded once. In double the product is exact. So that rounding the sum twice
 * does no harm it is first rounded to odd: where it was inexact its last bit is made 1,
 * towards the exact value. */
static inline float rsn_fmaf(float a, float b, float c) {
#if defined(FP_FAST_FMAF)
    return fmaf(a, b, c);
#else
    double product = (double)a * b, sum = product + c, taken = sum - product;
    double rest = (product - (sum - taken)) + (c - taken); /* NaN if the sum is not finite */
    uint64_t bits;
    memcpy(&bits, &sum, sizeof bits);
    bool inexact = rest < 0 || rest > 0, outwards = (rest > 0) == (sum > 0);
    bits += inexact && !(bits & 1) ? (outwards ? 1 : (uint64_t)-1) : 0;
    memcpy(&sum, &bits, sizeof sum);
    return (float)sum;
#endif
}

/* Constants that rsn_expf() shares with its vector form in lanes_math.h. */
#define RSN_EXPF_LOW (-104.0f) /* exp is below half the smallest subnormal */
#define RSN_EXPF_HIGH 89.0f    /* exp overflows */
#define RSN_EXPF_LOG2E 0x1.715476p+0f
#define RSN_EXPF_ROUND 0x1.8p+23f /* adding it puts the nearest integer in the low bits */
#define RSN_EXPF_LN2_HIGH 0x1.62e4p-1f /* 15 bits: exact times any exponent */
#define RSN_EXPF_LN2_LOW 0x1.7f7d1cp-20f
/* (exp(r) - 1 - r) / r^2 on |r| <= ln(2) / 2, interpolated at Chebyshev points. */
#define RSN_EXPF_C0 0x1p-1f
#define RSN_EXPF_C1 0x1.5554dcp-3f
#define RSN_EXPF_C2 0x1.555518p-5f
#define RSN_EXPF_C3 0x1.120be2p-7f
#define RSN_EXPF_C4 0x1.6d117cp-10f

static inline float rsn_selectf(bool condition, float a, float b) {
    return rsn_float_from_bits(
        rsn_select(condition, rsn_float_bits(a), rsn_float_bits(b)));
}

/* Subnormal results included; above the range infinity, below it 0; NaN for NaN. */
static inline float rsn_expf(float x) {
    x = rsn_selectf(RSN_EXPF_LOW > x, RSN_EXPF_LOW, x); /* this way round NaN stays */
    x = rsn_selectf(RSN_EXPF_HIGH < x, RSN_EXPF_HIGH, x);
    float biased = x * RSN_EXPF_LOG2E + RSN_EXPF_ROUND;
    float n = biased - RSN_EXPF_ROUND;
    float r = x - n * RSN_EXPF_LN2_HIGH - n * RSN_EXPF_LN2_LOW;
    float p = RSN_EXPF_C4;
    p = p * r + RSN_EXPF_C3;
    p = p * r + RSN_EXPF_C2;
    p = p * r + RSN_EXPF_C1;
    p = p * r + RSN_EXPF_C0;
    p = 1.0f + (r + (r * r) * p);
    /* 2^n in two factors, as n goes down to -150 and up to 128; unsigned, so that the
     * bits of a NaN do no harm. */
    uint32_t exponent = rsn_float_bits(biased) - rsn_float_bits(RSN_EXPF_ROUND) + 256u;
    uint32_t half = exponent >> 1;
    float first = rsn_float_from_bits((half + 127u - 128u) << 23);
    float second = rsn_float_from_bits((exponent - half + 127u - 128u) << 23);
    return p * first * second;
}

/* Constants that rsn_tanhf() shares with its vector form. */
#define RSN_TANHF_NEAR 0.625f /* below, the series loses nothing; above, exp does not */
/* (tanh(x) - x) / x^3 in powers of x^2 below RSN_TANHF_NEAR, interpolated at Chebyshev
 * points. */
#define RSN_TANHF_C0 (-0x1.555552p-2f)
#define RSN_TANHF_C1 0x1.110e1cp-3f
#define RSN_TANHF_C2 (-0x1.b9258ap-5f)
#define RSN_TANHF_C3 0x1.58048ep-6f
#define RSN_TANHF_C4 (-0x1.8f8de4p-8f)

/* -2 sqrt(2 / pi) and that times 0.044715: GELU's tanh form is x / (1 + exp(x * (LINEAR +
 * CUBIC * x^2))), which loses nothing where tanh is near -1. */
#define RSN_GELU_LINEAR (-0x1.988454p+0f)
#define RSN_GELU_CUBIC (-0x1.2444f2p-4f)

/* Odd to the bit but for the sign of 0; NaN for NaN. */
static inline float rsn_tanhf(float x) {
    float z = x * x, p = RSN_TANHF_C4;
    p = p * z + RSN_TANHF_C3;
    p = p * z + RSN_TANHF_C2;
    p = p * z + RSN_TANHF_C1;
    p = p * z + RSN_TANHF_C0;
    float near = x + (x * z) * p;
    float size = rsn_selectf(0.0f > x, 0.0f - x, x);
    float far = 1.0f - 2.0f / (1.0f + rsn_expf(size + size));
    far = rsn_selectf(0.0f > x, 0.0f - far, far);
    return rsn_selectf(RSN_TANHF_NEAR > size, near, far);
}

/* -infinity for 0, NaN below 0 and for NaN. */
static inline float rsn_logf(float x) {
    /* x = 2^e * m with m in [sqrt(1/2), sqrt(2)); subnormals are brought up first. */
    float scaled = rsn_selectf(x < FLT_MIN, x * 0x1p23f, x);
    float extra = rsn_selectf(x < FLT_MIN, -23.0f, 0.0f);
    const uint32_t sqrt_half = 0x3F3504F3u;
    uint32_t bits = rsn_float_bits(scaled) - sqrt_half;
    float e = (float)((int32_t)(bits >> 23 ^ 0x100u) - 0x100) + extra; /* 9 bits */
    float f = rsn_float_from_bits((bits & 0x7FFFFFu) + sqrt_half) - 1.0f;
    /* log(1 + f) = 2 atanh(s) = 2 s + s R, 2 s = f - s f; f^2 / 2 is split off so that
     * the largest term is exact. */
    float s = f / (2.0f + f), z = s * s, h = 0.5f * f * f;
    float r = z * (0x1.555556p-1f +
                   z * (0x1.9999ecp-2f + z * (0x1.245c28p-2f + z * 0x1.ddd4dap-3f)));
    float y = e * RSN_EXPF_LN2_HIGH - ((h - (s * (h + r) + e * RSN_EXPF_LN2_LOW)) - f);
    y = rsn_selectf(x > FLT_MAX, x, y);
    y = rsn_selectf(x == 0.0f, -rsn_float_from_bits(0x7F800000u), y);
    return rsn_selectf(x >= 0.0f, y, rsn_float_from_bits(0x7FC00000u));
}

#endif
