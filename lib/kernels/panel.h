/* Up to 256 weights of each row of a group, unpacked: what unpack_*.h write and
 * product_blocks_impl.h multiplies. Included after rows_<isa>.h and the level's own
 * signed_codes() and scale_rows(). */
#ifndef REASON_KERNELS_PANEL_H
#define REASON_KERNELS_PANEL_H

enum { PANEL_ELEMS = 256, PANEL_PARTS = PANEL_ELEMS / 4, PART_32 = 32 / 4 };

typedef struct panel {
    rows part[PANEL_PARTS]; /* [p], lane r: the codes of weights 4p to 4p + 3 of row r */
    rows scale[16];         /* of each group, as scale_rows() turns them */
    /* Of each 32 weights, what the sums of 16 activations are multiplied by: minimums,
     * or scales times the offset of the codes. */
    rows pair[8];
    row_floats d[8], dmin[8]; /* of each block */
    uintptr_t next;           /* where the next group's bytes would lie */
} panel;

/* Unpacks n_elems weights at `w` of each row, `stride` bytes apart. */
typedef void (*unpack_fn)(const uint8_t *w, size_t stride, size_t n_elems, panel *p);

/* Of 16 bytes the lower halves, then the upper ones. */
RSN_INLINE void split_nibbles(const rows *packed, rows *low, rows *high) {
    RSN_UNROLL
    for (size_t j = 0; j < 4; j++) {
        low[j] = packed[j] & 0x0F0F0F0Fu;
        high[j] = packed[j] >> 4 & 0x0F0F0F0Fu;
    }
}

/* 32 bytes of each row. */
RSN_INLINE void load_eight_parts(const uint8_t *w, size_t stride, rows *part) {
    load_four_parts(w, stride, part);
    load_four_parts(w + 16, stride, part + 4);
}

/* 32 bytes of each row hold 128 weights, the first 32 in the lowest pairs of bits. */
RSN_INLINE void unpack_two_bits(const uint8_t *w, size_t stride, rows *part) {
    rows packed[8];
    load_eight_parts(w, stride, packed);
    RSN_UNROLL
    for (unsigned n = 0; n < 4; n++) {
        RSN_UNROLL
        for (size_t j = 0; j < 8; j++)
            part[8 * n + j] = packed[j] >> 2 * n & 0x03030303u;
    }
}

#endif
