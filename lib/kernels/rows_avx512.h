/* Groups of 16 rows in 512-bit registers; rows.h has the rest, rows_avx2.h the same
 * functions. Included by files compiled for AVX-512 only; everything is inlined. */
#ifndef REASON_KERNELS_ROWS_AVX512_H
#define REASON_KERNELS_ROWS_AVX512_H

#define GROUP_ROWS 16

#include <immintrin.h>

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

RSN_INLINE row_floats floats_of_f16(row_halves v) {
    return (row_floats)_mm512_cvtph_ps((__m256i)v);
}

RSN_INLINE row_floats floats_of_bf16(row_halves v) {
    return (row_floats)_mm512_slli_epi32(_mm512_cvtepu16_epi32((__m256i)v), 16);
}

RSN_INLINE row_floats to_floats(rows v) {
    return (row_floats)_mm512_cvtepi32_ps((__m512i)v);
}

/* a * b + c, rounded once. */
RSN_INLINE row_floats fuse(row_floats a, row_floats b, row_floats c) {
    return (row_floats)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
}

/* 16 rows of 16 floats from p on, turned over: out[i] has number i of every row. */
RSN_INLINE void read_floats(const uint8_t *p, size_t stride, row_floats *out) {
    __m512 v[16];
    RSN_UNROLL
    for (int i = 0; i < 16; i += 4) {
        __m512 a = _mm512_loadu_ps(p + (size_t)i * stride);
        __m512 b = _mm512_loadu_ps(p + (size_t)(i + 1) * stride);
        __m512 c = _mm512_loadu_ps(p + (size_t)(i + 2) * stride);
        __m512 d = _mm512_loadu_ps(p + (size_t)(i + 3) * stride);
        __m512d ab_low = _mm512_castps_pd(_mm512_unpacklo_ps(a, b));
        __m512d cd_low = _mm512_castps_pd(_mm512_unpacklo_ps(c, d));
        __m512d ab_high = _mm512_castps_pd(_mm512_unpackhi_ps(a, b));
        __m512d cd_high = _mm512_castps_pd(_mm512_unpackhi_ps(c, d));
        v[i] = _mm512_castpd_ps(_mm512_unpacklo_pd(ab_low, cd_low));
        v[i + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(ab_low, cd_low));
        v[i + 2] = _mm512_castpd_ps(_mm512_unpacklo_pd(ab_high, cd_high));
        v[i + 3] = _mm512_castpd_ps(_mm512_unpackhi_pd(ab_high, cd_high));
    }
    RSN_UNROLL
    for (int i = 0; i < 4; i++) {
        __m512 a = _mm512_shuffle_f32x4(v[i], v[i + 4], 0x44);
        __m512 b = _mm512_shuffle_f32x4(v[i], v[i + 4], 0xEE);
        __m512 c = _mm512_shuffle_f32x4(v[i + 8], v[i + 12], 0x44);
        __m512 d = _mm512_shuffle_f32x4(v[i + 8], v[i + 12], 0xEE);
        out[i] = (row_floats)_mm512_shuffle_f32x4(a, c, 0x88);
        out[i + 4] = (row_floats)_mm512_shuffle_f32x4(a, c, 0xDD);
        out[i + 8] = (row_floats)_mm512_shuffle_f32x4(b, d, 0x88);
        out[i + 12] = (row_floats)_mm512_shuffle_f32x4(b, d, 0xDD);
    }
}

/* Two rows, eight apart, in one register. */
RSN_INLINE __m512i read_two(const uint8_t *p, size_t stride) {
    __m512i first = _mm512_castsi256_si512(_mm256_loadu_si256((const void *)p));
    const void *second = p + 8 * stride;
    return _mm512_inserti64x4(first, _mm256_loadu_si256(second), 1);
}

/* The same of 16 rows of 16 halves. */
RSN_INLINE void read_halves(const uint8_t *p, size_t stride, row_halves *out) {
    __m512i v[8], w[8];
    RSN_UNROLL
    for (size_t i = 0; i < 8; i += 2) {
        __m512i a = read_two(p + i * stride, stride);
        __m512i b = read_two(p + (i + 1) * stride, stride);
        v[i] = _mm512_unpacklo_epi16(a, b);
        v[i + 1] = _mm512_unpackhi_epi16(a, b);
    }
    RSN_UNROLL
    for (int i = 0; i < 8; i += 4) {
        w[i] = _mm512_unpacklo_epi32(v[i], v[i + 2]);
        w[i + 1] = _mm512_unpackhi_epi32(v[i], v[i + 2]);
        w[i + 2] = _mm512_unpacklo_epi32(v[i + 1], v[i + 3]);
        w[i + 3] = _mm512_unpackhi_epi32(v[i + 1], v[i + 3]);
    }
    /* Quarters: rows 0 to 7 of number j, the same of j + 8, then rows 8 to 15. */
    RSN_UNROLL
    for (int i = 0; i < 4; i++) {
        __m512i low = _mm512_unpacklo_epi64(w[i], w[i + 4]);
        __m512i high = _mm512_unpackhi_epi64(w[i], w[i + 4]);
        low = _mm512_shuffle_i64x2(low, low, 0xD8);
        high = _mm512_shuffle_i64x2(high, high, 0xD8);
        out[2 * i] = (row_halves)_mm512_castsi512_si256(low);
        out[2 * i + 1] = (row_halves)_mm512_castsi512_si256(high);
        out[2 * i + 8] = (row_halves)_mm512_extracti64x4_epi64(low, 1);
        out[2 * i + 9] = (row_halves)_mm512_extracti64x4_epi64(high, 1);
    }
}

#endif
