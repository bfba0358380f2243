/* Reads the types with 32 weights in a block: quant/legacy.c, quant/q8_0.c and quant/iq4.c
 * say what they hold. */
#ifndef REASON_KERNELS_CODES_32_H
#define REASON_KERNELS_CODES_32_H

#include "kernels/panel.h"
#include "quant/codecs.h"

/* Of 16 bytes from word `at` on: the lower halves, then the upper ones. */
RSN_INLINE rows nibble_part(const uint8_t *words, size_t at, size_t j) {
    return j < 4 ? low_nibbles(word(words, at + j)) : high_nibbles(word(words, at + j - 4));
}

/* Part j of the fifth bits: bits 4j to 4j + 3 of each row's word, one for each byte. */
RSN_INLINE rows fifth_bits(rows words, size_t j) {
    rows mask = fill_rows(j % 2 ? 0x80402010u : 0x08040201u);
    return where_set(repeat_byte(words, (unsigned)j / 2), mask, fill_rows(0x10101010u));
}

RSN_INLINE rows codes_q4_0(const uint8_t *words, size_t j) {
    return nibble_part(words, 0, j);
}

RSN_INLINE rows codes_q4_1(const uint8_t *words, size_t j) {
    return nibble_part(words, 1, j);
}

RSN_INLINE rows codes_q5_0(const uint8_t *words, size_t j) {
    return nibble_part(words, 1, j) | fifth_bits(word(words, 0), j);
}

RSN_INLINE rows codes_q5_1(const uint8_t *words, size_t j) {
    return nibble_part(words, 2, j) | fifth_bits(word(words, 1), j);
}

RSN_INLINE rows codes_q8_0(const uint8_t *words, size_t j) {
    return signed_codes(word(words, j));
}

RSN_INLINE rows codes_iq4_nl(const uint8_t *words, size_t j) {
    return signed_codes(look_up(rsn_iq4_values, nibble_part(words, 0, j)));
}

/* A scale in front of the words. */
RSN_INLINE void head_scale(const uint8_t *block, size_t number, head *h) {
    h->d[number] = load_halves(block);
}

/* A scale and what is added, in the first word; products take the minimum off. */
RSN_INLINE void head_scale_and_min(const uint8_t *block, size_t number, head *h) {
    rows floats = word(block, 0);
    h->d[number] = half_floats(floats);
    h->dmin[number] = -half_floats(floats >> 16);
}

#define head_q4_0 head_scale
#define head_q4_1 head_scale_and_min
#define head_q5_0 head_scale
#define head_q5_1 head_scale_and_min
#define head_q8_0 head_scale
#define head_iq4_nl head_scale

#endif
