/* Groups of 8 rows in 256-bit registers; rows.h has the rest. Included by files compiled
 * for AVX2 or AVX-VNNI; everything is inlined. */
#ifndef REASON_KERNELS_ROWS_AVX2_H
#define REASON_KERNELS_ROWS_AVX2_H

#define GROUP_ROWS 8

#include "kernels/rows.h"

/* Of 16 values, the one that the low half of each byte (below 16) says. */
RSN_INLINE rows look_up(const void *values, rows codes) {
    __m256i table = _mm256_broadcastsi128_si256(_mm_loadu_si128(values));
    return (rows)_mm256_shuffle_epi8(table, (__m256i)codes);
}

/* Byte n of each lane in all four bytes of it. */
RSN_INLINE rows repeat_byte(rows v, unsigned n) {
    __m256i from = _mm256_broadcastsi128_si256(
        _mm_setr_epi32(0, 0x04040404, 0x08080808, 0x0C0C0C0C));
    from = _mm256_add_epi8(from, _mm256_set1_epi8((char)n));
    return (rows)_mm256_shuffle_epi8((__m256i)v, from);
}

/* The bytes of `value` where bits and mask have a bit in common, else zeros. */
RSN_INLINE rows where_set(rows bits, rows mask, rows value) {
    __m256i clear =
        _mm256_cmpeq_epi8((__m256i)(bits & mask), _mm256_setzero_si256());
    return (rows)_mm256_andnot_si256(clear, (__m256i)value);
}

/* 1 in each byte that is more than `least` as a signed number, else 0. */
RSN_INLINE rows is_more(rows v, int8_t least) {
    __m256i more = _mm256_cmpgt_epi8((__m256i)v, _mm256_set1_epi8(least));
    return (rows)more & 0x01010101u;
}

/* The low 16 bits of each lane, which hold a half-precision number. */
RSN_INLINE row_floats half_floats(rows v) {
    __m256i low = (__m256i)(v & 0xFFFFu);
    low = _mm256_permute4x64_epi64(_mm256_packus_epi32(low, low), 0x08);
    return (row_floats)_mm256_cvtph_ps(_mm256_castsi256_si128(low));
}

/* A half-precision number for each row. */
RSN_INLINE row_floats load_halves(const void *p) {
    return (row_floats)_mm256_cvtph_ps(_mm_loadu_si128(p));
}

RSN_INLINE row_floats to_floats(rows v) {
    return (row_floats)_mm256_cvtepi32_ps((__m256i)v);
}

#endif
