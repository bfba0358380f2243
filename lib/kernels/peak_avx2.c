/* Peak loops for AVX2: 12 independent sums hide the latency of each instruction. */
#include "kernels/peak.h"

#include "kernels/inline.h"

#ifdef __AVX2__
#include <immintrin.h>

enum { SUMS = 12, REPEATS = 64 };

static uint64_t int8_avx2(uint64_t rounds) {
    __m256i a = _mm256_set1_epi8(3), b = _mm256_set1_epi8((char)(rounds & 1 ? 5 : 7));
    __m256i ones = _mm256_set1_epi16(1), sums[SUMS];
    RSN_UNROLL
    for (int j = 0; j < SUMS; j++)
        sums[j] = _mm256_set1_epi32(j);
    for (uint64_t r = 0; r < rounds * REPEATS; r++) {
        RSN_UNROLL
        for (int j = 0; j < SUMS; j++) {
            __m256i pairs = _mm256_maddubs_epi16(a, _mm256_xor_si256(b, sums[j]));
            sums[j] = _mm256_add_epi32(sums[j], _mm256_madd_epi16(pairs, ones));
        }
    }
    RSN_UNROLL
    for (int j = 1; j < SUMS; j++)
        sums[0] = _mm256_add_epi32(sums[0], sums[j]);
    rsn_peak_sink += (uint64_t)(uint32_t)_mm256_extract_epi32(sums[0], 0);
    return rounds * REPEATS * SUMS * 32 * 2;
}

static uint64_t float32_avx2(uint64_t rounds) {
    __m256 a = _mm256_set1_ps(rounds & 1 ? 0.5f : 0.25f), sums[SUMS];
    RSN_UNROLL
    for (int j = 0; j < SUMS; j++)
        sums[j] = _mm256_set1_ps((float)j);
    for (uint64_t r = 0; r < rounds * REPEATS; r++)
        RSN_UNROLL
        for (int j = 0; j < SUMS; j++)
            sums[j] = _mm256_fmadd_ps(sums[j], a, a);
    RSN_UNROLL
    for (int j = 1; j < SUMS; j++)
        sums[0] = _mm256_add_ps(sums[0], sums[j]);
    rsn_peak_sink += (uint64_t)_mm256_cvtss_f32(sums[0]);
    return rounds * REPEATS * SUMS * 8 * 2;
}

const rsn_peak rsn_peak_avx2 = {REASON_CPU_AVX2, int8_avx2, float32_avx2};
#endif
