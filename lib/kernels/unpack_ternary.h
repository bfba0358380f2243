/* Unpacks the types of three values: quant/ternary.c says what they hold. Codes have no
 * scales of their own. */
#ifndef REASON_KERNELS_UNPACK_TERNARY_H
#define REASON_KERNELS_UNPACK_TERNARY_H

#include "kernels/panel.h"

/* The first digit of base 3 of bytes that are fractions of 256, less 128: at 86 it
 * becomes 1, at 171 it becomes 2. */
RSN_INLINE rows first_digit(rows v) {
    return is_more(v, 85 - 128) + is_more(v, 170 - 128);
}

/* The fraction behind it: three times the byte; less 128 both times, as 3 * 128 and 128
 * are the same in a byte. */
RSN_INLINE rows next_digits(rows v) {
    return (rows)((row_bytes)v + (row_bytes)v + (row_bytes)v);
}

/* n_digits digits of 4 * n_parts bytes in packed[]. */
RSN_INLINE void unpack_digits(rows *packed, size_t n_parts, size_t n_digits, rows *part) {
    RSN_UNROLL
    for (size_t j = 0; j < n_parts; j++) packed[j] ^= 0x80808080u;
    RSN_UNROLL
    for (size_t n = 0; n < n_digits; n++) {
        RSN_UNROLL
        for (size_t j = 0; j < n_parts; j++) {
            part[n * n_parts + j] = first_digit(packed[j]);
            packed[j] = next_digits(packed[j]);
        }
    }
}

static void unpack_tq1_0(const uint8_t *w, size_t stride, size_t n_elems, panel *p) {
    rows packed[8];
    (void)n_elems;
    load_eight_parts(w, stride, packed);
    unpack_digits(packed, 8, 5, p->part);
    load_four_parts(w + 32, stride, packed);
    unpack_digits(packed, 4, 5, p->part + 40);
    packed[0] = load_words(w + 48, stride);
    unpack_digits(packed, 1, 4, p->part + 60);
    p->d[0] = half_floats(load_words(w + 50, stride) >> 16);
}

static void unpack_tq2_0(const uint8_t *w, size_t stride, size_t n_elems, panel *p) {
    (void)n_elems;
    unpack_two_bits(w, stride, p->part);
    unpack_two_bits(w + 32, stride, p->part + 32);
    p->d[0] = half_floats(load_words(w + 62, stride) >> 16);
}

/* 4 * n_parts bytes of each row hold 16 * n_parts weights, the first quarter in the
 * highest pairs of bits. */
RSN_INLINE void unpack_high_first(const rows *packed, size_t n_parts, rows *part) {
    RSN_UNROLL
    for (unsigned n = 0; n < 4; n++) {
        RSN_UNROLL
        for (size_t j = 0; j < n_parts; j++)
            part[n * n_parts + j] = packed[j] >> (6 - 2 * n) & 0x03030303u;
    }
}

static void unpack_i2_s(const uint8_t *w, size_t stride, size_t n_elems, panel *p) {
    for (size_t at = 0; at < n_elems; at += 128, w += 32) {
        rows packed[8];
        load_eight_parts(w, stride, packed);
        unpack_high_first(packed, 8, p->part + at / 4);
    }
}

static void unpack_i2_s_b(const uint8_t *w, size_t stride, size_t n_elems, panel *p) {
    for (size_t at = 0; at < n_elems; at += 64, w += 16) {
        rows packed[4];
        load_four_parts(w, stride, packed);
        unpack_high_first(packed, 4, p->part + at / 4);
    }
}

#endif
