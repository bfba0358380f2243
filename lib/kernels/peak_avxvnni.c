/* Peak loops for AVX-VNNI: 256-bit dot products of bytes; floats are those of AVX2. */
#include "kernels/peak.h"

#include "kernels/inline.h"

#ifdef __AVXVNNI__
#include <immintrin.h>

enum { SUMS = 12, REPEATS = 64 };

static uint64_t int8_avxvnni(uint64_t rounds) {
    __m256i a = _mm256_set1_epi8(3), b = _mm256_set1_epi8((char)(rounds & 1 ? 5 : 7)),
            sums[SUMS];
    RSN_UNROLL
    for (int j = 0; j < SUMS; j++)
        sums[j] = _mm256_set1_epi32(j);
    for (uint64_t r = 0; r < rounds * REPEATS; r++)
        RSN_UNROLL
        for (int j = 0; j < SUMS; j++)
            sums[j] = _mm256_dpbusd_avx_epi32(sums[j], a, b);
    RSN_UNROLL
    for (int j = 1; j < SUMS; j++)
        sums[0] = _mm256_add_epi32(sums[0], sums[j]);
    rsn_peak_sink += (uint64_t)(uint32_t)_mm256_extract_epi32(sums[0], 0);
    return rounds * REPEATS * SUMS * 32 * 2;
}

static uint64_t float32_avxvnni(uint64_t rounds) {
    return rsn_peak_avx2.float32(rounds);
}

const rsn_peak rsn_peak_avxvnni = {REASON_CPU_AVXVNNI, int8_avxvnni, float32_avxvnni};
#endif
