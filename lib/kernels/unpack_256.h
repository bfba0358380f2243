/* Unpacks the types with 256 weights in a block and integer scales: quant/kquants.c and
 * quant/iq4.c say what they hold. A panel is one block. */
#ifndef REASON_KERNELS_UNPACK_256_H
#define REASON_KERNELS_UNPACK_256_H

#include "kernels/panel.h"
#include "kernels/unpack_32.h"

/* Scales of the 32 weights number g. Their offset times the scale stays in 16 bits: 128 *
 * 128 at most. */
RSN_INLINE void set_scales(panel *p, size_t g, rows scale, unsigned offset) {
    p->scale[g] = scale_rows(scale);
    p->pair[g] = pair(scale * offset, scale * offset);
}

/* The same of 16 weights each. */
RSN_INLINE void set_two_scales(panel *p, size_t g, rows first, rows second,
                               unsigned offset) {
    p->scale[2 * g] = scale_rows(first);
    p->scale[2 * g + 1] = scale_rows(second);
    p->pair[g] = pair(first * offset, second * offset);
}

static void unpack_q2_k(const uint8_t *w, size_t stride, size_t n_elems, panel *p) {
    rows bytes[4], floats = load_words(w + 80, stride);
    (void)n_elems;
    load_four_parts(w, stride, bytes);
    RSN_UNROLL
    for (unsigned g = 0; g < 8; g++) {
        rows first = byte_of(bytes[g / 2], g % 2 * 2);
        rows second = byte_of(bytes[g / 2], g % 2 * 2 + 1);
        p->scale[2 * g] = scale_rows(first & 15u);
        p->scale[2 * g + 1] = scale_rows(second & 15u);
        p->pair[g] = pair(first >> 4, second >> 4);
    }
    unpack_two_bits(w + 16, stride, p->part);
    unpack_two_bits(w + 48, stride, p->part + 32);
    p->d[0] = half_floats(floats);
    p->dmin[0] = half_floats(floats >> 16);
}

/* The 14 bytes of scales and d, and two bytes before them. */
RSN_INLINE void unpack_q3_k_scales(const uint8_t *w, size_t stride, panel *p) {
    rows at[4], bytes[4];
    load_four_parts(w + 94, stride, at);
    rows first = pair(at[0] >> 16, at[1]), second = pair(at[1] >> 16, at[2]);
    rows top = pair(at[2] >> 16, at[3]);
    bytes[0] = first & 0x0F0F0F0Fu;
    bytes[1] = second & 0x0F0F0F0Fu;
    bytes[2] = first >> 4 & 0x0F0F0F0Fu;
    bytes[3] = second >> 4 & 0x0F0F0F0Fu;
    RSN_UNROLL
    for (unsigned g = 0; g < 4; g++) bytes[g] |= (top >> 2 * g & 0x03030303u) << 4;
    RSN_UNROLL
    for (unsigned g = 0; g < 8; g++) {
        rows one = byte_of(bytes[g / 2], g % 2 * 2) - 32;
        rows two = byte_of(bytes[g / 2], g % 2 * 2 + 1) - 32;
        set_two_scales(p, g, one, two, 4);
    }
    p->d[0] = half_floats(at[3] >> 16);
}

static void unpack_q3_k(const uint8_t *w, size_t stride, size_t n_elems, panel *p) {
    rows high[8];
    (void)n_elems;
    unpack_two_bits(w + 32, stride, p->part);
    unpack_two_bits(w + 64, stride, p->part + 32);
    load_eight_parts(w, stride, high);
    RSN_UNROLL
    for (unsigned g = 0; g < 8; g++) {
        RSN_UNROLL
        for (size_t j = 0; j < 8; j++)
            p->part[PART_32 * g + j] |= move_bit(high[j], g, 2);
    }
    unpack_q3_k_scales(w, stride, p);
}

/* The 16 bytes that Q4_K and Q5_K begin with: d, dmin, eight scales and minimums. */
RSN_INLINE void unpack_header(const uint8_t *w, size_t stride, panel *p) {
    rows at[4], scales[2], mins[2];
    load_four_parts(w, stride, at);
    scales[0] = at[1] & 0x3F3F3F3Fu;
    mins[0] = at[2] & 0x3F3F3F3Fu;
    scales[1] = (at[3] & 0x0F0F0F0Fu) | (at[1] >> 2 & 0x30303030u);
    mins[1] = (at[3] >> 4 & 0x0F0F0F0Fu) | (at[2] >> 2 & 0x30303030u);
    RSN_UNROLL
    for (unsigned g = 0; g < 8; g++) {
        rows min = byte_of(mins[g / 4], g % 4);
        p->scale[g] = scale_rows(byte_of(scales[g / 4], g % 4));
        p->pair[g] = pair(min, min);
    }
    p->d[0] = half_floats(at[0]);
    p->dmin[0] = half_floats(at[0] >> 16);
}

/* 32 bytes of each row hold 64 weights, the first 32 in the lower halves. */
RSN_INLINE void unpack_64_nibbles(const uint8_t *w, size_t stride, rows *part) {
    rows packed[8];
    load_eight_parts(w, stride, packed);
    split_nibbles(packed, part, part + 8);
    split_nibbles(packed + 4, part + 4, part + 12);
}

static void unpack_q4_k(const uint8_t *w, size_t stride, size_t n_elems, panel *p) {
    (void)n_elems;
    unpack_header(w, stride, p);
    for (size_t n = 0; n < 4; n++)
        unpack_64_nibbles(w + 16 + 32 * n, stride, p->part + 16 * n);
}

static void unpack_q5_k(const uint8_t *w, size_t stride, size_t n_elems, panel *p) {
    rows high[8];
    (void)n_elems;
    unpack_header(w, stride, p);
    load_eight_parts(w + 16, stride, high);
    RSN_UNROLL
    for (unsigned n = 0; n < 4; n++) {
        rows *part = p->part + 16 * n;
        unpack_64_nibbles(w + 48 + 32 * n, stride, part);
        RSN_UNROLL
        for (size_t j = 0; j < 8; j++) {
            part[j] |= move_bit(high[j], 2 * n, 4);
            part[8 + j] |= move_bit(high[j], 2 * n + 1, 4);
        }
    }
}

/* Half of a block: 64 bytes of low bits, of which byte i holds weights i and i + 64, and
 * 32 of high ones. */
RSN_INLINE void unpack_q6_k_half(const uint8_t *low, const uint8_t *high, size_t stride,
                                 rows *part) {
    rows packed[8];
    for (size_t n = 0; n < 2; n++) {
        rows *first = part + 8 * n, *second = part + 16 + 8 * n;
        load_eight_parts(low + 32 * n, stride, packed);
        split_nibbles(packed, first, second);
        split_nibbles(packed + 4, first + 4, second + 4);
    }
    load_eight_parts(high, stride, packed);
    RSN_UNROLL
    for (unsigned n = 0; n < 4; n++) {
        RSN_UNROLL
        for (size_t j = 0; j < 8; j++)
            part[8 * n + j] |= (packed[j] >> 2 * n & 0x03030303u) << 4;
    }
}

static void unpack_q6_k(const uint8_t *w, size_t stride, size_t n_elems, panel *p) {
    rows bytes[4];
    (void)n_elems;
    unpack_q6_k_half(w, w + 128, stride, p->part);
    unpack_q6_k_half(w + 64, w + 160, stride, p->part + 32);
    load_four_parts(w + 192, stride, bytes);
    RSN_UNROLL
    for (unsigned g = 0; g < 8; g++) {
        rows one = signed_byte_of(bytes[g / 2], g % 2 * 2);
        rows two = signed_byte_of(bytes[g / 2], g % 2 * 2 + 1);
        set_two_scales(p, g, one, two, 32);
    }
    p->d[0] = half_floats(load_words(w + 206, stride) >> 16);
}

static void unpack_iq4_xs(const uint8_t *w, size_t stride, size_t n_elems, panel *p) {
    rows first = load_words(w, stride), low = load_words(w + 4, stride);
    (void)n_elems;
    RSN_UNROLL
    for (unsigned g = 0; g < 8; g++) {
        rows scale = (low >> 4 * g & 15u) | (first >> (16 + 2 * g) & 3u) << 4;
        set_scales(p, g, scale - 32, SIGNED_OFFSET);
    }
    for (size_t g = 0; g < 8; g++)
        unpack_iq4_codes(w + 8 + 16 * g, stride, p->part + PART_32 * g);
    p->d[0] = half_floats(first);
}

#endif
