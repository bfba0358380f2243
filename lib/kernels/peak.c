/* The peak loops in plain C, and the choice among levels. Nothing of a model runs through
 * here. */
#include "kernels/peak.h"

#include <string.h>

_Atomic uint64_t rsn_peak_sink;

enum { LANES = 64, REPEATS = 64 };

static uint64_t int8_generic(uint64_t rounds) {
    int32_t sums[LANES] = {0};
    volatile int32_t factor = 3;
    int32_t b = factor;
    for (uint64_t r = 0; r < rounds; r++)
        for (int i = 0; i < REPEATS; i++)
            for (int j = 0; j < LANES; j++)
                sums[j] = (int32_t)((uint32_t)sums[j] +
                                    (uint32_t)((int16_t)(j + i) * (int16_t)b));
    rsn_peak_sink += (uint64_t)(uint32_t)sums[rounds % LANES];
    return rounds * REPEATS * LANES * 2;
}

static uint64_t float32_generic(uint64_t rounds) {
    float sums[LANES] = {0};
    volatile float factor = 0.5f;
    float b = factor;
    for (uint64_t r = 0; r < rounds; r++)
        for (int i = 0; i < REPEATS; i++)
            for (int j = 0; j < LANES; j++)
                sums[j] = sums[j] * b + b;
    rsn_peak_sink += (uint64_t)sums[rounds % LANES];
    return rounds * REPEATS * LANES * 2;
}

const rsn_peak rsn_peak_generic = {REASON_CPU_GENERIC, int8_generic, float32_generic};

uint64_t rsn_peak_read(const unsigned char *bytes, size_t n) {
    uint64_t sums[32] = {0}, word;
    for (size_t i = 0; i + sizeof sums <= n; i += sizeof sums)
        for (size_t j = 0; j < 32; j++) {
            memcpy(&word, bytes + i + j * sizeof word, sizeof word);
            sums[j] += word;
        }
    uint64_t sum = 0;
    for (size_t j = 0; j < 32; j++)
        sum ^= sums[j];
    return sum;
}

const rsn_peak *rsn_peak_for(reason_cpu level) {
#ifdef RSN_HAVE_NEON
    if (level == REASON_CPU_NEON)
        return &rsn_peak_neon;
#endif
#ifdef RSN_HAVE_AVX512
    if (level >= REASON_CPU_AVX512)
        return &rsn_peak_avx512;
#endif
#ifdef RSN_HAVE_AVXVNNI
    if (level >= REASON_CPU_AVXVNNI)
        return &rsn_peak_avxvnni;
#endif
#ifdef RSN_HAVE_AVX2
    if (level >= REASON_CPU_AVX2)
        return &rsn_peak_avx2;
#endif
    return level >= REASON_CPU_GENERIC ? &rsn_peak_generic : NULL;
}
