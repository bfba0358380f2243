/* Groups of 8 rows in 256-bit registers; rows.h has the rest. Included by files compiled
 * for AVX2 or AVX-VNNI; everything is inlined. */
#ifndef REASON_KERNELS_ROWS_AVX2_H
#define REASON_KERNELS_ROWS_AVX2_H

#define GROUP_ROWS 8

#include "kernels/rows.h"

/* 16 bytes of row r and, in the upper half, of row r + 4. */
RSN_INLINE __m256i load_two_rows(const uint8_t *w, size_t stride, size_t r) {
    __m128i low = _mm_loadu_si128((const void *)(w + r * stride));
    __m128i high = _mm_loadu_si128((const void *)(w + (r + 4) * stride));
    return _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);
}

/* 16 bytes of each row, four in part[0] to part[3] each: a 4 x 4 transpose of lanes in
 * each half. */
RSN_INLINE void load_four_parts(const uint8_t *w, size_t stride, rows *part) {
    __m256i a = load_two_rows(w, stride, 0), b = load_two_rows(w, stride, 1);
    __m256i c = load_two_rows(w, stride, 2), d = load_two_rows(w, stride, 3);
    __m256i ab_low = _mm256_unpacklo_epi32(a, b), ab_high = _mm256_unpackhi_epi32(a, b);
    __m256i cd_low = _mm256_unpacklo_epi32(c, d), cd_high = _mm256_unpackhi_epi32(c, d);
    part[0] = (rows)_mm256_unpacklo_epi64(ab_low, cd_low);
    part[1] = (rows)_mm256_unpackhi_epi64(ab_low, cd_low);
    part[2] = (rows)_mm256_unpacklo_epi64(ab_high, cd_high);
    part[3] = (rows)_mm256_unpackhi_epi64(ab_high, cd_high);
}

/* Four bytes of each row. */
RSN_INLINE rows load_words(const uint8_t *w, size_t stride) {
    int32_t v[8];
    RSN_UNROLL
    for (size_t r = 0; r < 8; r++) memcpy(v + r, w + r * stride, sizeof *v);
    return (rows)_mm256_setr_epi32(v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7]);
}

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

RSN_INLINE row_floats to_floats(rows v) {
    return (row_floats)_mm256_cvtepi32_ps((__m256i)v);
}

#endif
