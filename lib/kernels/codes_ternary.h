/* Reads the types of three values: quant/ternary.c says what they hold. Codes have no
 * scales of their own. */
#ifndef REASON_KERNELS_CODES_TERNARY_H
#define REASON_KERNELS_CODES_TERNARY_H

#include "kernels/panel.h"

/* Bytes shifted up by n < 8 bits. */
RSN_INLINE rows shift_bytes(rows v, unsigned n) {
    return v << n & 0x01010101u * (0xFFu << n & 0xFFu);
}

RSN_INLINE rows add_bytes(rows a, rows b) {
    return (rows)((row_bytes)a + (row_bytes)b);
}

/* Digit n of base 3, the highest first, of bytes that are fractions of 256. Times 3^n a
 * fraction begins with digit n: at 86 it is 1, at 171 it is 2. Less 128 for the signed
 * comparison, which odd factors leave in place, as 3 * 128 and 128 are the same in a
 * byte. */
RSN_INLINE rows digit(rows v, size_t n) {
    v ^= 0x80808080u;
    if (n >= 2) v = add_bytes(shift_bytes(v, 3), v);
    if (n >= 4) v = add_bytes(shift_bytes(v, 3), v);
    if (n % 2) v = add_bytes(shift_bytes(v, 1), v);
    return is_more(v, 85 - 128) + is_more(v, 170 - 128);
}

/* 32 bytes hold 160 weights, 16 hold 80, 4 hold 16; of each list the first digits first. */
RSN_INLINE rows codes_tq1_0(const uint8_t *words, size_t j) {
    if (j < 40) return digit(word(words, j % 8), j / 8);
    if (j < 60) return digit(word(words, 8 + j % 4), (j - 40) / 4);
    return digit(word(words, 12), j - 60);
}

/* 32 bytes hold 128 weights, the first 32 in the lowest pairs of bits. */
RSN_INLINE rows codes_tq2_0(const uint8_t *words, size_t j) {
    return bit_pairs(word(words, j / 32 * 8 + j % 8), (unsigned)j / 8 % 4);
}

/* The first 32 in the highest pairs. */
RSN_INLINE rows codes_i2_s(const uint8_t *words, size_t j) {
    return bit_pairs(word(words, j % 8), 3 - (unsigned)j / 8);
}

RSN_INLINE rows codes_i2_s_b(const uint8_t *words, size_t j) {
    return bit_pairs(word(words, j % 4), 3 - (unsigned)j / 4);
}

/* Packed blocks have the half in front, wherever files have it. */
RSN_INLINE void head_tq1_0(const uint8_t *block, size_t number, head *h) {
    h->d[number] = load_halves(block);
}

#define head_tq2_0 head_tq1_0

RSN_INLINE void head_i2_s(const uint8_t *block, size_t number, head *h) {
    (void)block, (void)number, (void)h;
}

#define head_i2_s_b head_i2_s

#endif
