/* Groups of 16 rows in 512-bit registers; rows.h has the rest, rows_avx2.h the same
 * functions. Included by files compiled for AVX-512 only; everything is inlined. */
#ifndef REASON_KERNELS_ROWS_AVX512_H
#define REASON_KERNELS_ROWS_AVX512_H

#define GROUP_ROWS 16

#include "kernels/rows.h"

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

/* A half-precision number for each row. */
RSN_INLINE row_floats load_halves(const void *p) {
    return (row_floats)_mm512_cvtph_ps(_mm256_loadu_si256(p));
}

RSN_INLINE row_floats to_floats(rows v) {
    return (row_floats)_mm512_cvtepi32_ps((__m512i)v);
}

#endif
