/* Groups of 4 rows in 128-bit registers; rows.h has the rest, rows_avx2.h the same
 * functions. Not 8 rows in two registers: compilers keep vectors wider than a register in
 * memory. Included by files compiled for NEON with dot products only; everything is
 * inlined. */
#ifndef REASON_KERNELS_ROWS_NEON_H
#define REASON_KERNELS_ROWS_NEON_H

#define GROUP_ROWS 4

#include <arm_neon.h>

#include "kernels/rows.h"

/* Of 16 values, the one that the low half of each byte (below 16) says. */
RSN_INLINE rows look_up(const void *values, rows codes) {
    return (rows)vqtbl1q_u8(vld1q_u8(values), (uint8x16_t)codes);
}

/* Byte n of each lane in all four bytes of it. */
RSN_INLINE rows repeat_byte(rows v, unsigned n) {
    const rows from = {0, 0x04040404, 0x08080808, 0x0C0C0C0C};
    return (rows)vqtbl1q_u8((uint8x16_t)v, (uint8x16_t)(from + 0x01010101u * n));
}

/* The bytes of `value` where bits and mask have a bit in common, else zeros. */
RSN_INLINE rows where_set(rows bits, rows mask, rows value) {
    return (rows)vtstq_u8((uint8x16_t)bits, (uint8x16_t)mask) & value;
}

/* 1 in each byte that is more than `least` as a signed number, else 0. */
RSN_INLINE rows is_more(rows v, int8_t least) {
    return (rows)vcgtq_s8((int8x16_t)v, vdupq_n_s8(least)) & 0x01010101u;
}

RSN_INLINE row_floats floats_of_f16(row_halves v) {
    return (row_floats)vcvt_f32_f16((float16x4_t)v);
}

RSN_INLINE row_floats floats_of_bf16(row_halves v) {
    return (row_floats)vshll_n_u16((uint16x4_t)v, 16);
}

/* The low 16 bits of each lane, which hold a half-precision number. */
RSN_INLINE row_floats half_floats(rows v) {
    return floats_of_f16((row_halves)vmovn_u32((uint32x4_t)v));
}

/* A half-precision number for each row. */
RSN_INLINE row_floats load_halves(const void *p) {
    row_halves v;
    memcpy(&v, p, sizeof v);
    return floats_of_f16(v);
}

RSN_INLINE row_floats to_floats(rows v) {
    return (row_floats)vcvtq_f32_s32((int32x4_t)v);
}

/* a * b + c, rounded once. */
RSN_INLINE row_floats fuse(row_floats a, row_floats b, row_floats c) {
    return (row_floats)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
}

/* 4 rows of 4 floats from p on, turned over: out[i] has number i of every row. */
RSN_INLINE void read_floats(const uint8_t *p, size_t stride, row_floats *out) {
    uint32x4_t v[4];
    RSN_UNROLL
    for (size_t i = 0; i < 4; i++) v[i] = vreinterpretq_u32_u8(vld1q_u8(p + i * stride));
    RSN_UNROLL
    for (size_t i = 0; i < 2; i++) {
        /* Numbers i and i + 2 of two rows each. */
        uint32x4_t ab = i ? vtrn2q_u32(v[0], v[1]) : vtrn1q_u32(v[0], v[1]);
        uint32x4_t cd = i ? vtrn2q_u32(v[2], v[3]) : vtrn1q_u32(v[2], v[3]);
        out[i] = (row_floats)vtrn1q_u64((uint64x2_t)ab, (uint64x2_t)cd);
        out[i + 2] = (row_floats)vtrn2q_u64((uint64x2_t)ab, (uint64x2_t)cd);
    }
}

/* The same of 4 rows of 4 halves. */
RSN_INLINE void read_halves(const uint8_t *p, size_t stride, row_halves *out) {
    uint16x4_t v[4];
    RSN_UNROLL
    for (size_t i = 0; i < 4; i++) v[i] = vreinterpret_u16_u8(vld1_u8(p + i * stride));
    RSN_UNROLL
    for (size_t i = 0; i < 2; i++) {
        uint16x4_t ab = i ? vtrn2_u16(v[0], v[1]) : vtrn1_u16(v[0], v[1]);
        uint16x4_t cd = i ? vtrn2_u16(v[2], v[3]) : vtrn1_u16(v[2], v[3]);
        out[i] = (row_halves)vtrn1_u32((uint32x2_t)ab, (uint32x2_t)cd);
        out[i + 2] = (row_halves)vtrn2_u32((uint32x2_t)ab, (uint32x2_t)cd);
    }
}

#endif
