/* Groups of 8 rows in 256-bit registers; rows.h has the rest. Included by files compiled
 * for AVX2 or AVX-VNNI; everything is inlined. */
#ifndef REASON_KERNELS_ROWS_AVX2_H
#define REASON_KERNELS_ROWS_AVX2_H

#define GROUP_ROWS 8

#include <immintrin.h>

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

RSN_INLINE row_floats floats_of_f16(row_halves v) {
    return (row_floats)_mm256_cvtph_ps((__m128i)v);
}

RSN_INLINE row_floats floats_of_bf16(row_halves v) {
    return (row_floats)_mm256_slli_epi32(_mm256_cvtepu16_epi32((__m128i)v), 16);
}

RSN_INLINE row_floats to_floats(rows v) {
    return (row_floats)_mm256_cvtepi32_ps((__m256i)v);
}

/* a * b + c, rounded once. */
RSN_INLINE row_floats fuse(row_floats a, row_floats b, row_floats c) {
    return (row_floats)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
}

/* 8 rows of 8 floats from p on, turned over: out[i] has number i of every row. */
RSN_INLINE void read_floats(const uint8_t *p, size_t stride, row_floats *out) {
    __m256 v[8];
    RSN_UNROLL
    for (size_t i = 0; i < 8; i += 4) {
        __m256 a = _mm256_loadu_ps((const float *)(const void *)(p + i * stride));
        __m256 b = _mm256_loadu_ps((const float *)(const void *)(p + (i + 1) * stride));
        __m256 c = _mm256_loadu_ps((const float *)(const void *)(p + (i + 2) * stride));
        __m256 d = _mm256_loadu_ps((const float *)(const void *)(p + (i + 3) * stride));
        __m256d ab_low = _mm256_castps_pd(_mm256_unpacklo_ps(a, b));
        __m256d cd_low = _mm256_castps_pd(_mm256_unpacklo_ps(c, d));
        __m256d ab_high = _mm256_castps_pd(_mm256_unpackhi_ps(a, b));
        __m256d cd_high = _mm256_castps_pd(_mm256_unpackhi_ps(c, d));
        v[i] = _mm256_castpd_ps(_mm256_unpacklo_pd(ab_low, cd_low));
        v[i + 1] = _mm256_castpd_ps(_mm256_unpackhi_pd(ab_low, cd_low));
        v[i + 2] = _mm256_castpd_ps(_mm256_unpacklo_pd(ab_high, cd_high));
        v[i + 3] = _mm256_castpd_ps(_mm256_unpackhi_pd(ab_high, cd_high));
    }
    RSN_UNROLL
    for (int i = 0; i < 4; i++) {
        out[i] = (row_floats)_mm256_permute2f128_ps(v[i], v[i + 4], 0x20);
        out[i + 4] = (row_floats)_mm256_permute2f128_ps(v[i], v[i + 4], 0x31);
    }
}

/* Two rows, four apart, in one register. */
RSN_INLINE __m256i read_two(const uint8_t *p, size_t stride) {
    __m256i first = _mm256_castsi128_si256(_mm_loadu_si128((const void *)p));
    const void *second = p + 4 * stride;
    return _mm256_inserti128_si256(first, _mm_loadu_si128(second), 1);
}

/* The same of 8 rows of 8 halves. */
RSN_INLINE void read_halves(const uint8_t *p, size_t stride, row_halves *out) {
    __m256i v[4];
    RSN_UNROLL
    for (size_t i = 0; i < 4; i += 2) {
        __m256i a = read_two(p + i * stride, stride);
        __m256i b = read_two(p + (i + 1) * stride, stride);
        v[i] = _mm256_unpacklo_epi16(a, b);
        v[i + 1] = _mm256_unpackhi_epi16(a, b);
    }
    /* Quarters: rows 0 to 3 of number j, the same of j + 1, then rows 4 to 7. */
    RSN_UNROLL
    for (int i = 0; i < 4; i++) {
        __m256i a = v[i / 2], b = v[i / 2 + 2];
        __m256i two = i % 2 ? _mm256_unpackhi_epi32(a, b) : _mm256_unpacklo_epi32(a, b);
        two = _mm256_permute4x64_epi64(two, 0xD8);
        out[2 * i] = (row_halves)_mm256_castsi256_si128(two);
        out[2 * i + 1] = (row_halves)_mm256_extracti128_si256(two, 1);
    }
}

#endif
