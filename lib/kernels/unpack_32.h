/* Unpacks the types with 32 weights in a block: quant/legacy.c, quant/q8_0.c and
 * quant/iq4.c say what they hold. */
#ifndef REASON_KERNELS_UNPACK_32_H
#define REASON_KERNELS_UNPACK_32_H

#include "kernels/panel.h"
#include "quant/codecs.h"

/* Part j of the fifth bits: bits 4j to 4j + 3 of each row's word, one for each byte. */
RSN_INLINE rows fifth_bits(rows words, unsigned j) {
    rows mask = fill_rows(j % 2 ? 0x80402010u : 0x08040201u);
    return where_set(repeat_byte(words, j / 2), mask, fill_rows(0x10101010u));
}

RSN_INLINE void unpack_legacy(bool has_min, bool has_fifth, const uint8_t *w,
                              size_t stride, size_t n_elems, panel *p) {
    const size_t fifth_at = has_min ? 4 : 2, codes_at = fifth_at + (has_fifth ? 4 : 0);
    for (size_t b = 0; b < n_elems / 32; b++, w += codes_at + 16) {
        rows packed[4], floats = load_words(w, stride), *part = p->part + PART_32 * b;
        load_four_parts(w + codes_at, stride, packed);
        split_nibbles(packed, part, part + 4);
        if (has_fifth) {
            rows words = load_words(w + fifth_at, stride);
            RSN_UNROLL
            for (unsigned j = 0; j < 8; j++) part[j] |= fifth_bits(words, j);
        }
        p->d[b] = half_floats(floats);
        if (has_min) p->dmin[b] = -half_floats(floats >> 16); /* files say what to add */
    }
}

RSN_INLINE void unpack_q4_0(const uint8_t *w, size_t stride, size_t n_elems, panel *p) {
    unpack_legacy(false, false, w, stride, n_elems, p);
}

RSN_INLINE void unpack_q4_1(const uint8_t *w, size_t stride, size_t n_elems, panel *p) {
    unpack_legacy(true, false, w, stride, n_elems, p);
}

RSN_INLINE void unpack_q5_0(const uint8_t *w, size_t stride, size_t n_elems, panel *p) {
    unpack_legacy(false, true, w, stride, n_elems, p);
}

RSN_INLINE void unpack_q5_1(const uint8_t *w, size_t stride, size_t n_elems, panel *p) {
    unpack_legacy(true, true, w, stride, n_elems, p);
}

RSN_INLINE void unpack_q8_0(const uint8_t *w, size_t stride, size_t n_elems, panel *p) {
    for (size_t b = 0; b < n_elems / 32; b++, w += 34) {
        rows packed[8];
        load_eight_parts(w + 2, stride, packed);
        RSN_UNROLL
        for (size_t j = 0; j < 8; j++)
            p->part[PART_32 * b + j] = signed_codes(packed[j]);
        p->d[b] = half_floats(load_words(w, stride));
    }
}

/* 16 bytes of each row hold codes of the 4-bit table. */
RSN_INLINE void unpack_iq4_codes(const uint8_t *w, size_t stride, rows *part) {
    rows packed[4];
    load_four_parts(w, stride, packed);
    split_nibbles(packed, part, part + 4);
    RSN_UNROLL
    for (size_t j = 0; j < 8; j++)
        part[j] = signed_codes(look_up(rsn_iq4_values, part[j]));
}

RSN_INLINE void unpack_iq4_nl(const uint8_t *w, size_t stride, size_t n_elems, panel *p) {
    for (size_t b = 0; b < n_elems / 32; b++, w += 18) {
        unpack_iq4_codes(w + 2, stride, p->part + PART_32 * b);
        p->d[b] = half_floats(load_words(w, stride));
    }
}

#endif
