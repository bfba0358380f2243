/* Writes the K-quants: the integers are fit.h's, here they are put into bytes, the
 * inverse of kquants.c. Part of encode_impl.h. */
#ifndef REASON_QUANT_KQUANTS_ENCODE_H
#define REASON_QUANT_KQUANTS_ENCODE_H

#include "quant/fit.h"

enum { ELEMS = RSN_BLOCK_ELEMS };

static void store_f16(uint8_t *p, float x) {
    rsn_store_u16(p, rsn_f16_from_f32(x)); /* exact: fits have chosen halves */
}

/* Two bits of each weight, as kquants.c has their places. */
static void put_two_bits(const int8_t *q, int offset, uint8_t *qs) {
    memset(qs, 0, ELEMS / 4);
    for (unsigned i = 0; i < ELEMS; i++) {
        int bits = (q[i] + offset) & 3;
        qs[i / 128 * 32 + i % 32] |= (uint8_t)(bits << (i % 128 / 32 * 2));
    }
}

/* Four bits of each weight, the place of Q4_K and Q5_K. */
static void put_nibbles(const int8_t *q, uint8_t *qs) {
    memset(qs, 0, ELEMS / 2);
    for (unsigned i = 0; i < ELEMS; i++)
        qs[i / 64 * 32 + i % 32] |= (uint8_t)((q[i] & 15) << (i % 64 / 32 * 4));
}

/* One bit of each weight: number `bit` of q + offset. */
static void put_high_bits(const int8_t *q, int offset, unsigned bit, uint8_t *high) {
    memset(high, 0, ELEMS / 8);
    for (unsigned i = 0; i < ELEMS; i++)
        high[i % 32] |= (uint8_t)(((unsigned)(q[i] + offset) >> bit & 1) << (i / 32));
}

/* Eight scales and eight minimums of 6 bits in 12 bytes. */
static void put_packed(const rsn_block *b, uint8_t *s) {
    for (unsigned g = 0; g < 4; g++) {
        s[g] = (uint8_t)(b->scale[g] | b->scale[g + 4] >> 4 << 6);
        s[g + 4] = (uint8_t)(b->min[g] | b->min[g + 4] >> 4 << 6);
        s[g + 8] = (uint8_t)((b->scale[g + 4] & 15) | (b->min[g + 4] & 15) << 4);
    }
}

static void put_q2_k(const rsn_block *b, uint8_t *out) {
    for (unsigned g = 0; g < 16; g++) out[g] = (uint8_t)(b->scale[g] | b->min[g] << 4);
    put_two_bits(b->q, 0, out + 16);
    store_f16(out + 80, b->d);
    store_f16(out + 82, b->dmin);
}

static void put_q3_k(const rsn_block *b, uint8_t *out) {
    put_high_bits(b->q, 4, 2, out);
    put_two_bits(b->q, 4, out + 32);
    memset(out + 96, 0, 12);
    for (unsigned g = 0; g < 16; g++) {
        int scale = b->scale[g] + 32;
        out[96 + g % 8] |= (uint8_t)((scale & 15) << (g / 8 * 4));
        out[104 + g % 4] |= (uint8_t)(scale >> 4 << (g / 4 * 2));
    }
    store_f16(out + 108, b->d);
}

static void put_q4_k(const rsn_block *b, uint8_t *out) {
    store_f16(out, b->d);
    store_f16(out + 2, b->dmin);
    put_packed(b, out + 4);
    put_nibbles(b->q, out + 16);
}

static void put_q5_k(const rsn_block *b, uint8_t *out) {
    store_f16(out, b->d);
    store_f16(out + 2, b->dmin);
    put_packed(b, out + 4);
    put_high_bits(b->q, 0, 4, out + 16);
    put_nibbles(b->q, out + 48);
}

static void put_q6_k(const rsn_block *b, uint8_t *out) {
    memset(out, 0, 192);
    for (unsigned i = 0; i < ELEMS; i++) {
        unsigned half = i / 128, r = i % 128, code = (unsigned)(b->q[i] + 32);
        out[64 * half + r % 64] |= (uint8_t)((code & 15) << (r / 64 * 4));
        out[128 + 32 * half + r % 32] |= (uint8_t)(code >> 4 << (r / 32 * 2));
    }
    for (unsigned g = 0; g < 16; g++) out[192 + g] = (uint8_t)b->scale[g];
    store_f16(out + 208, b->d);
}

#endif
