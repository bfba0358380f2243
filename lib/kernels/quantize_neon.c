/* The quantizing of activations in NEON; the loops over blocks are quantize_impl.h.
 * Invariant: the same bits as quantize_generic.c.
 *
 * A value is read twice, 8 bytes, and becomes one byte; to find the largest it takes two
 * operations, to be rounded a product, a conversion, its part of a sum and two steps of
 * packing. Shares of a limit were not measured: the tests ran in an emulator. */
#include "kernels/product.h"

#if defined(__ARM_FEATURE_DOTPROD)

#include <arm_neon.h>

#include "kernels/inline.h"
#include "kernels/q8.h"
#include "kernels/rowops.h"

RSN_INLINE uint32_t top_bits(const float *x, size_t n) {
    const uint32x4_t magnitude = vdupq_n_u32(0x7FFFFFFF);
    uint32x4_t top = vdupq_n_u32(0);
    size_t i = 0;
    for (; i + 4 <= n; i += 4) {
        uint32x4_t bits = vreinterpretq_u32_f32(vld1q_f32(x + i));
        top = vmaxq_u32(top, vandq_u32(bits, magnitude));
    }
    uint32_t largest = vmaxvq_u32(top);
    for (; i < n; i++) {
        uint32_t bits = rsn_float_bits(x[i]) & 0x7FFFFFFFu;
        largest = bits > largest ? bits : largest;
    }
    return largest;
}

/* To nearest, ties to even. */
RSN_INLINE int32x4_t round_4(const float *x, float32x4_t factor) {
    return vcvtnq_s32_f32(vmulq_f32(vld1q_f32(x), factor));
}

/* 16 values to bytes; returns the sums of fours. */
RSN_INLINE int32x4_t round_16(const float *x, float32x4_t factor, int8_t *q) {
    int32x4_t a = round_4(x, factor), b = round_4(x + 4, factor);
    int32x4_t c = round_4(x + 8, factor), d = round_4(x + 12, factor);
    int16x8_t low = vmovn_high_s32(vmovn_s32(a), b);
    int16x8_t high = vmovn_high_s32(vmovn_s32(c), d);
    vst1q_s8(q, vmovn_high_s16(vmovn_s16(low), high));
    return vaddq_s32(vaddq_s32(a, b), vaddq_s32(c, d));
}

RSN_INLINE int32_t round_values(const float *x, size_t n, float inverse, int8_t *q) {
    const float32x4_t factor = vdupq_n_f32(inverse);
    int32x4_t sums = vdupq_n_s32(0);
    size_t i = 0;
    for (; i + 16 <= n; i += 16) sums = vaddq_s32(sums, round_16(x + i, factor, q + i));
    if (i < n) {
        float last[16] = {0};
        int8_t bytes[16];
        memcpy(last, x + i, (n - i) * sizeof *x);
        sums = vaddq_s32(sums, round_16(last, factor, bytes));
        memcpy(q + i, bytes, n - i);
    }
    return vaddvq_s32(sums);
}

#define QUANTIZE_NAME(x) x##_neon
#include "kernels/quantize_impl.h"

#endif
