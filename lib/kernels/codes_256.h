/* Reads the types with 256 weights in a block and integer scales: quant/kquants.c and
 * quant/iq4.c say what they hold. */
#ifndef REASON_KERNELS_CODES_256_H
#define REASON_KERNELS_CODES_256_H

#include "kernels/codes_32.h"

RSN_INLINE rows sub_bytes(rows a, rows b) {
    return (rows)((row_bytes)a - (row_bytes)b);
}

/* Four groups' scales, one in each byte. */
RSN_INLINE void set_scales(head *h, size_t i, rows bytes, bool is_signed) {
    RSN_UNROLL
    for (unsigned n = 0; n < 4; n++) {
        rows scale = is_signed ? signed_byte_of(bytes, n) : byte_of(bytes, n);
        h->scale[4 * i + n] = scale_rows(scale);
    }
}

/* What sums of activations are multiplied by, of 4 * n groups. */
RSN_INLINE void set_factors(head *h, const rows *bytes, size_t n) {
    h->factor_sum = fill_rows(0);
    RSN_UNROLL
    for (size_t i = 0; i < n; i++) {
        h->factor[i] = bytes[i];
        h->factor_sum = add_byte_dots(h->factor_sum, fill_rows(0x01010101u), bytes[i]);
    }
}

/* --- Q2_K: 16 bytes of scales and minimums, 64 of codes, d and dmin ----------------- */

RSN_INLINE rows codes_q2_k(const uint8_t *words, size_t j) {
    return bit_pairs(word(words, 4 + j / 32 * 8 + j % 8), (unsigned)j / 8 % 4);
}

RSN_INLINE void head_q2_k(const uint8_t *block, size_t number, head *h) {
    rows mins[4], floats = word(block, 20);
    RSN_UNROLL
    for (size_t i = 0; i < 4; i++) {
        rows both = word(block, i);
        set_scales(h, i, low_nibbles(both), false);
        mins[i] = high_nibbles(both);
    }
    set_factors(h, mins, 4);
    h->d[number] = half_floats(floats);
    h->dmin[number] = half_floats(floats >> 16);
}

/* --- Q3_K: 32 bytes of high bits, 64 of low ones, 12 of scales; d ------------------- */

RSN_INLINE rows codes_q3_k(const uint8_t *words, size_t j) {
    rows low = bit_pairs(word(words, 8 + j / 32 * 8 + j % 8), (unsigned)j / 8 % 4);
    return low | move_bit(word(words, j % 8), (unsigned)j / 8, 2);
}

RSN_INLINE void head_q3_k(const uint8_t *block, size_t number, head *h) {
    const uint8_t *words = block + HALVES_BYTES;
    rows top = word(words, 26), bytes[4];
    RSN_UNROLL
    for (unsigned i = 0; i < 4; i++) {
        rows both = word(words, 24 + i % 2);
        rows low = i < 2 ? low_nibbles(both) : high_nibbles(both);
        bytes[i] = sub_bytes(low | bit_pairs(top, i) << 4, fill_rows(0x20202020u));
        set_scales(h, i, bytes[i], true);
    }
    set_factors(h, bytes, 4);
    h->d[number] = load_halves(block);
}

/* --- Q4_K and Q5_K: d and dmin, 12 bytes of scales and minimums, codes -------------- */

RSN_INLINE void head_q4_k(const uint8_t *block, size_t number, head *h) {
    rows floats = word(block, 0), first = word(block, 1), second = word(block, 2),
         third = word(block, 3), mins[2];
    set_scales(h, 0, first & 0x3F3F3F3Fu, false);
    set_scales(h, 1, low_nibbles(third) | (first >> 2 & 0x30303030u), false);
    mins[0] = second & 0x3F3F3F3Fu;
    mins[1] = high_nibbles(third) | (second >> 2 & 0x30303030u);
    set_factors(h, mins, 2);
    h->d[number] = half_floats(floats);
    h->dmin[number] = half_floats(floats >> 16);
}

#define head_q5_k head_q4_k

/* From word `at` on, 32 bytes hold 64 weights, the first 32 in the lower halves. */
RSN_INLINE rows nibbles_of_64(const uint8_t *words, size_t at, size_t j) {
    rows both = word(words, at + j / 16 * 8 + j % 8);
    return j / 8 % 2 ? high_nibbles(both) : low_nibbles(both);
}

RSN_INLINE rows codes_q4_k(const uint8_t *words, size_t j) {
    return nibbles_of_64(words, 4, j);
}

RSN_INLINE rows codes_q5_k(const uint8_t *words, size_t j) {
    return nibbles_of_64(words, 12, j) |
           move_bit(word(words, 4 + j % 8), (unsigned)j / 8, 4);
}

/* --- Q6_K: 128 bytes of low bits, 64 of high ones, 16 scales; d --------------------- */

/* Of each half of a block 64 bytes of low bits, of which byte i holds weights i and i +
 * 64, and 32 of high ones. */
RSN_INLINE rows codes_q6_k(const uint8_t *words, size_t j) {
    size_t half = j / 32, quarter = j / 8 % 4;
    rows low = word(words, 16 * half + j % 16);
    rows high = bit_pairs(word(words, 32 + 8 * half + j % 8), (unsigned)quarter);
    return (quarter < 2 ? low_nibbles(low) : high_nibbles(low)) | high << 4;
}

RSN_INLINE void head_q6_k(const uint8_t *block, size_t number, head *h) {
    const uint8_t *words = block + HALVES_BYTES;
    rows bytes[4];
    RSN_UNROLL
    for (size_t i = 0; i < 4; i++) {
        bytes[i] = word(words, 48 + i);
        set_scales(h, i, bytes[i], true);
    }
    set_factors(h, bytes, 4);
    h->d[number] = load_halves(block);
}

/* --- IQ4_XS: d and high bits of scales, low bits of them, codes ---------------------- */

RSN_INLINE rows codes_iq4_xs(const uint8_t *words, size_t j) {
    rows both = word(words, 2 + j / 8 * 4 + j % 4);
    rows codes = j % 8 < 4 ? low_nibbles(both) : high_nibbles(both);
    return signed_codes(look_up(rsn_iq4_values, codes));
}

RSN_INLINE void head_iq4_xs(const uint8_t *block, size_t number, head *h) {
    rows first = word(block, 0), low = word(block, 1), bytes[2] = {{0}};
    RSN_UNROLL
    for (unsigned g = 0; g < 8; g++) {
        rows scale = (low >> 4 * g & 15u) | (first >> (16 + 2 * g) & 3u) << 4;
        scale -= 32;
        h->scale[g] = scale_rows(scale);
        bytes[g / 4] |= (scale & 0xFFu) << 8 * (g % 4);
    }
    set_factors(h, bytes, 2);
    h->d[number] = half_floats(first);
}

#endif
