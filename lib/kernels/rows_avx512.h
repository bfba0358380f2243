/* Groups of 16 rows in 512-bit registers; rows.h has the rest, rows_avx2.h the same
 * functions. Included by files compiled for AVX-512 only; everything is inlined. */
#ifndef REASON_KERNELS_ROWS_AVX512_H
#define REASON_KERNELS_ROWS_AVX512_H

#define GROUP_ROWS 16

#include "kernels/rows.h"

/* 16 bytes of the rows r, r + 4, r + 8 and r + 12. */
RSN_INLINE __m512i load_four_rows(const uint8_t *w, size_t stride, size_t r) {
    const uint8_t *at = w + r * stride;
    __m512i v = _mm512_castsi128_si512(_mm_loadu_si128((const void *)at));
    v = _mm512_inserti32x4(v, _mm_loadu_si128((const void *)(at + 4 * stride)), 1);
    v = _mm512_inserti32x4(v, _mm_loadu_si128((const void *)(at + 8 * stride)), 2);
    return _mm512_inserti32x4(v, _mm_loadu_si128((const void *)(at + 12 * stride)), 3);
}

/* 16 bytes of each row, four in part[0] to part[3] each: a 4 x 4 transpose of lanes in
 * each quarter. */
RSN_INLINE void load_four_parts(const uint8_t *w, size_t stride, rows *part) {
    __m512i a = load_four_rows(w, stride, 0), b = load_four_rows(w, stride, 1);
    __m512i c = load_four_rows(w, stride, 2), d = load_four_rows(w, stride, 3);
    __m512i ab_low = _mm512_unpacklo_epi32(a, b), ab_high = _mm512_unpackhi_epi32(a, b);
    __m512i cd_low = _mm512_unpacklo_epi32(c, d), cd_high = _mm512_unpackhi_epi32(c, d);
    part[0] = (rows)_mm512_unpacklo_epi64(ab_low, cd_low);
    part[1] = (rows)_mm512_unpackhi_epi64(ab_low, cd_low);
    part[2] = (rows)_mm512_unpacklo_epi64(ab_high, cd_high);
    part[3] = (rows)_mm512_unpackhi_epi64(ab_high, cd_high);
}

/* Four bytes of each row. */
RSN_INLINE rows load_words(const uint8_t *w, size_t stride) {
    int32_t v[16];
    RSN_UNROLL
    for (size_t r = 0; r < 16; r++) memcpy(v + r, w + r * stride, sizeof *v);
    return (rows)_mm512_setr_epi32(v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7], v[8],
                                   v[9], v[10], v[11], v[12], v[13], v[14], v[15]);
}

/* Of 16 values, the one that the low half of each byte (below 16) says. */
RSN_INLINE rows look_up(const void *values, rows codes) {
    __m512i table = _mm512_broadcast_i32x4(_mm_loadu_si128(values));
    return (rows)_mm512_shuffle_epi8(table, (__m512i)codes);
}

/* Byte n of each lane in all four bytes of it. */
RSN_INLINE rows repeat_byte(rows v, unsigned n) {
    __m512i from = _mm512_broadcast_i32x4(
        _mm_setr_epi32(0, 0x04040404, 0x08080808, 0x0C0C0C0C));
    from = _mm512_add_epi8(from, _mm512_set1_epi8((char)n));
    return (rows)_mm512_shuffle_epi8((__m512i)v, from);
}

/* The bytes of `value` where bits and mask have a bit in common, else zeros. */
RSN_INLINE rows where_set(rows bits, rows mask, rows value) {
    __mmask64 set = _mm512_test_epi8_mask((__m512i)bits, (__m512i)mask);
    return (rows)_mm512_maskz_mov_epi8(set, (__m512i)value);
}

/* 1 in each byte that is more than `least` as a signed number, else 0. */
RSN_INLINE rows is_more(rows v, int8_t least) {
    __mmask64 more = _mm512_cmpgt_epi8_mask((__m512i)v, _mm512_set1_epi8(least));
    return (rows)_mm512_maskz_mov_epi8(more, _mm512_set1_epi8(1));
}

/* The low 16 bits of each lane, which hold a half-precision number. */
RSN_INLINE row_floats half_floats(rows v) {
    return (row_floats)_mm512_cvtph_ps(_mm512_cvtepi32_epi16((__m512i)v));
}

RSN_INLINE row_floats to_floats(rows v) {
    return (row_floats)_mm512_cvtepi32_ps((__m512i)v);
}

#endif
