/* 16 lanes of float32 in NEON: four registers. What rowops_impl.h and attention_impl.h are
 * written in; lanes_avx2.h has the same functions. Included by files compiled for NEON
 * only; everything is inlined. */
#ifndef REASON_KERNELS_LANES_NEON_H
#define REASON_KERNELS_LANES_NEON_H

#include <arm_neon.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "kernels/inline.h"

/* Named, not an array: compilers keep these in registers. */
typedef struct lanes {
    float32x4_t q0, q1, q2, q3;
} lanes;

RSN_INLINE lanes make_lanes(float32x4_t q0, float32x4_t q1, float32x4_t q2,
                            float32x4_t q3) {
    lanes v;
    v.q0 = q0;
    v.q1 = q1;
    v.q2 = q2;
    v.q3 = q3;
    return v;
}

/* An operation on each register of one or two lanes. */
#define RSN_EACH(f, a) make_lanes(f((a).q0), f((a).q1), f((a).q2), f((a).q3))
#define RSN_EACH_2(f, a, b)                                                              \
    make_lanes(f((a).q0, (b).q0), f((a).q1, (b).q1), f((a).q2, (b).q2), f((a).q3, (b).q3))

RSN_INLINE lanes fill_lanes(float x) {
    float32x4_t v = vdupq_n_f32(x);
    return make_lanes(v, v, v, v);
}

RSN_INLINE lanes load_f32(const void *p) {
    const float *x = p;
    return make_lanes(vld1q_f32(x), vld1q_f32(x + 4), vld1q_f32(x + 8),
                      vld1q_f32(x + 12));
}

/* Four halves, at any address. */
RSN_INLINE float32x4_t widen_f16(const uint8_t *p) {
    return vcvt_f32_f16(vreinterpret_f16_u8(vld1_u8(p)));
}

RSN_INLINE lanes load_f16(const void *p) {
    const uint8_t *h = p;
    return make_lanes(widen_f16(h), widen_f16(h + 8), widen_f16(h + 16),
                      widen_f16(h + 24));
}

RSN_INLINE float32x4_t widen_bf16(const uint8_t *p) {
    return vreinterpretq_f32_u32(vshll_n_u16(vreinterpret_u16_u8(vld1_u8(p)), 16));
}

RSN_INLINE lanes load_bf16(const void *p) {
    const uint8_t *h = p;
    return make_lanes(widen_bf16(h), widen_bf16(h + 8), widen_bf16(h + 16),
                      widen_bf16(h + 24));
}

RSN_INLINE lanes widen_i8(int8x16_t bytes) {
    int16x8_t low = vmovl_s8(vget_low_s8(bytes)), high = vmovl_high_s8(bytes);
    return make_lanes(
        vcvtq_f32_s32(vmovl_s16(vget_low_s16(low))), vcvtq_f32_s32(vmovl_high_s16(low)),
        vcvtq_f32_s32(vmovl_s16(vget_low_s16(high))), vcvtq_f32_s32(vmovl_high_s16(high)));
}

/* Signed bytes. */
RSN_INLINE lanes load_i8(const void *p) {
    return widen_i8(vld1q_s8(p));
}

/* The lower and the upper halves of 16 bytes. */
RSN_INLINE void load_nibbles(const void *p, lanes *low, lanes *high) {
    uint8x16_t bytes = vld1q_u8(p);
    *low = widen_i8(vreinterpretq_s8_u8(vandq_u8(bytes, vdupq_n_u8(15))));
    *high = widen_i8(vreinterpretq_s8_u8(vshrq_n_u8(bytes, 4)));
}

RSN_INLINE void store_f32(float *p, lanes v) {
    vst1q_f32(p, v.q0);
    vst1q_f32(p + 4, v.q1);
    vst1q_f32(p + 8, v.q2);
    vst1q_f32(p + 12, v.q3);
}

RSN_INLINE void narrow_f16(uint8_t *p, float32x4_t v) {
    vst1_u8(p, vreinterpret_u8_f16(vcvt_f16_f32(v)));
}

RSN_INLINE void store_f16(void *p, lanes v) {
    uint8_t *h = p;
    narrow_f16(h, v.q0);
    narrow_f16(h + 8, v.q1);
    narrow_f16(h + 16, v.q2);
    narrow_f16(h + 24, v.q3);
}

RSN_INLINE lanes add(lanes a, lanes b) {
    return RSN_EACH_2(vaddq_f32, a, b);
}

RSN_INLINE lanes sub(lanes a, lanes b) {
    return RSN_EACH_2(vsubq_f32, a, b);
}

RSN_INLINE lanes mul(lanes a, lanes b) {
    return RSN_EACH_2(vmulq_f32, a, b);
}

/* a * b + c, rounded once. */
RSN_INLINE lanes fuse(lanes a, lanes b, lanes c) {
    return make_lanes(vfmaq_f32(c.q0, a.q0, b.q0), vfmaq_f32(c.q1, a.q1, b.q1),
                      vfmaq_f32(c.q2, a.q2, b.q2), vfmaq_f32(c.q3, a.q3, b.q3));
}

RSN_INLINE lanes divide(lanes a, lanes b) {
    return RSN_EACH_2(vdivq_f32, a, b);
}

/* Not vmaxq_f32() and vminq_f32(), which give NaN where either is, and +0 for max(-0, +0)
 * whatever the order. */
RSN_INLINE float32x4_t max_4(float32x4_t a, float32x4_t b) {
    return vbslq_f32(vcgtq_f32(a, b), a, b);
}

RSN_INLINE float32x4_t min_4(float32x4_t a, float32x4_t b) {
    return vbslq_f32(vcltq_f32(a, b), a, b);
}

/* a > b ? a : b, so b where either is NaN. */
RSN_INLINE lanes max(lanes a, lanes b) {
    return RSN_EACH_2(max_4, a, b);
}

/* a < b ? a : b, so b where either is NaN. */
RSN_INLINE lanes min(lanes a, lanes b) {
    return RSN_EACH_2(min_4, a, b);
}

/* a > b ? x : y */
RSN_INLINE lanes select_greater(lanes a, lanes b, lanes x, lanes y) {
    return make_lanes(vbslq_f32(vcgtq_f32(a.q0, b.q0), x.q0, y.q0),
                      vbslq_f32(vcgtq_f32(a.q1, b.q1), x.q1, y.q1),
                      vbslq_f32(vcgtq_f32(a.q2, b.q2), x.q2, y.q2),
                      vbslq_f32(vcgtq_f32(a.q3, b.q3), x.q3, y.q3));
}

/* Lane j takes lane j xor 1, 2, 4 or 8: neighbours change places, or pairs, or fours, or
 * the halves. */
RSN_INLINE lanes swap_1(lanes v) {
    return RSN_EACH(vrev64q_f32, v);
}

RSN_INLINE float32x4_t swap_pairs(float32x4_t v) {
    return vextq_f32(v, v, 2);
}

RSN_INLINE lanes swap_2(lanes v) {
    return RSN_EACH(swap_pairs, v);
}

RSN_INLINE lanes swap_4(lanes v) {
    return make_lanes(v.q1, v.q0, v.q3, v.q2);
}

RSN_INLINE lanes swap_8(lanes v) {
    return make_lanes(v.q2, v.q3, v.q0, v.q1);
}

/* Lane j takes in lane j + 8 and j + 4. */
RSN_INLINE float32x4_t fold_to_four(lanes v) {
    return vaddq_f32(vaddq_f32(v.q0, v.q2), vaddq_f32(v.q1, v.q3));
}

/* Lane j takes in lane j + 8, j + 4, j + 2, j + 1. */
RSN_INLINE float fold_sum(lanes v) {
    float32x4_t s4 = fold_to_four(v);
    float32x2_t s2 = vadd_f32(vget_low_f32(s4), vget_high_f32(s4));
    return vget_lane_f32(s2, 0) + vget_lane_f32(s2, 1);
}

RSN_INLINE float fold_max(lanes v) {
    float32x4_t s4 = max_4(max_4(v.q3, v.q1), max_4(v.q2, v.q0));
    float32x4_t s2 = max_4(swap_pairs(s4), s4);
    return vgetq_lane_f32(max_4(vrev64q_f32(s2), s2), 0);
}

/* The bits of 2^(n - 128), n < 383, in each lane. */
RSN_INLINE float32x4_t power_of_two(uint32x4_t n) {
    return vreinterpretq_f32_u32(vshlq_n_u32(vsubq_u32(n, vdupq_n_u32(1)), 23));
}

RSN_INLINE float32x4_t scale_4(float32x4_t p, float32x4_t biased, float32x4_t round) {
    uint32x4_t exponent =
        vsubq_u32(vreinterpretq_u32_f32(biased), vreinterpretq_u32_f32(round));
    exponent = vaddq_u32(exponent, vdupq_n_u32(256));
    uint32x4_t half = vshrq_n_u32(exponent, 1);
    p = vmulq_f32(p, power_of_two(half));
    return vmulq_f32(p, power_of_two(vsubq_u32(exponent, half)));
}

/* p * 2^n in the two steps of rsn_expf(), n being the integer in the low bits of
 * `biased`. */
RSN_INLINE lanes scale_by_power(lanes p, lanes biased, lanes round) {
    return make_lanes(scale_4(p.q0, biased.q0, round.q0),
                      scale_4(p.q1, biased.q1, round.q1),
                      scale_4(p.q2, biased.q2, round.q2),
                      scale_4(p.q3, biased.q3, round.q3));
}

#endif
