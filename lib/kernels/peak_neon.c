/* Peak loops for NEON with dot products: 24 independent sums hide the latency of each
 * instruction. An int8 instruction is 32 operations, one of floats 8. */
#include "kernels/peak.h"

#include "kernels/inline.h"

#if defined(__ARM_FEATURE_DOTPROD)
#include <arm_neon.h>

enum { SUMS = 24, REPEATS = 64 };

static uint64_t int8_neon(uint64_t rounds) {
    int8x16_t a = vdupq_n_s8(3), b = vdupq_n_s8(rounds & 1 ? 5 : 7);
    int32x4_t sums[SUMS];
    RSN_UNROLL_64
    for (int j = 0; j < SUMS; j++) sums[j] = vdupq_n_s32(j);
    for (uint64_t r = 0; r < rounds * REPEATS; r++) {
        RSN_UNROLL_64
        for (int j = 0; j < SUMS; j++) sums[j] = vdotq_s32(sums[j], a, b);
    }
    RSN_UNROLL_64
    for (int j = 1; j < SUMS; j++) sums[0] = vaddq_s32(sums[0], sums[j]);
    rsn_peak_sink += (uint64_t)(uint32_t)vgetq_lane_s32(sums[0], 0);
    return rounds * REPEATS * SUMS * 16 * 2;
}

static uint64_t float32_neon(uint64_t rounds) {
    float32x4_t a = vdupq_n_f32(rounds & 1 ? 0.5f : 0.25f), sums[SUMS];
    RSN_UNROLL_64
    for (int j = 0; j < SUMS; j++) sums[j] = vdupq_n_f32((float)j);
    for (uint64_t r = 0; r < rounds * REPEATS; r++) {
        RSN_UNROLL_64
        for (int j = 0; j < SUMS; j++) sums[j] = vfmaq_f32(a, sums[j], a);
    }
    RSN_UNROLL_64
    for (int j = 1; j < SUMS; j++) sums[0] = vaddq_f32(sums[0], sums[j]);
    rsn_peak_sink += (uint64_t)vgetq_lane_f32(sums[0], 0);
    return rounds * REPEATS * SUMS * 4 * 2;
}

const rsn_peak rsn_peak_neon = {REASON_CPU_NEON, int8_neon, float32_neon};
#endif
