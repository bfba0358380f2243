/* Peak loops for AVX-512 with VNNI. */
#include "kernels/peak.h"

#include "kernels/inline.h"

#ifdef __AVX512VNNI__
#include <immintrin.h>

enum { SUMS = 16, REPEATS = 64 };

static uint64_t int8_avx512(uint64_t rounds) {
    __m512i a = _mm512_set1_epi8(3), b = _mm512_set1_epi8((char)(rounds & 1 ? 5 : 7)),
            sums[SUMS];
    RSN_UNROLL
    for (int j = 0; j < SUMS; j++)
        sums[j] = _mm512_set1_epi32(j);
    for (uint64_t r = 0; r < rounds * REPEATS; r++)
        RSN_UNROLL
        for (int j = 0; j < SUMS; j++)
            sums[j] = _mm512_dpbusd_epi32(sums[j], a, b);
    RSN_UNROLL
    for (int j = 1; j < SUMS; j++)
        sums[0] = _mm512_add_epi32(sums[0], sums[j]);
    rsn_peak_sink += (uint64_t)(uint32_t)_mm512_cvtsi512_si32(sums[0]);
    return rounds * REPEATS * SUMS * 64 * 2;
}

static uint64_t float32_avx512(uint64_t rounds) {
    __m512 a = _mm512_set1_ps(rounds & 1 ? 0.5f : 0.25f), sums[SUMS];
    RSN_UNROLL
    for (int j = 0; j < SUMS; j++)
        sums[j] = _mm512_set1_ps((float)j);
    for (uint64_t r = 0; r < rounds * REPEATS; r++)
        RSN_UNROLL
        for (int j = 0; j < SUMS; j++)
            sums[j] = _mm512_fmadd_ps(sums[j], a, a);
    RSN_UNROLL
    for (int j = 1; j < SUMS; j++)
        sums[0] = _mm512_add_ps(sums[0], sums[j]);
    rsn_peak_sink += (uint64_t)_mm512_cvtss_f32(sums[0]);
    return rounds * REPEATS * SUMS * 16 * 2;
}

const rsn_peak rsn_peak_avx512 = {REASON_CPU_AVX512, int8_avx512, float32_avx512};
#endif
