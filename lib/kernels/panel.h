/* Groups of rows as registers: what a packed block (pack.h) says, and panels of weights
 * that were unpacked once for many tokens. Included after rows_<isa>.h and the level's own
 * signed_codes() and scale_rows(). */
#ifndef REASON_KERNELS_PANEL_H
#define REASON_KERNELS_PANEL_H

enum {
    PANEL_ELEMS = 512,
    PANEL_PARTS = PANEL_ELEMS / 4, /* a part: four weights of every row */
    PIECE_PARTS = 32 / 4,          /* a piece: 32 weights */
    PANEL_PIECES = PANEL_ELEMS / 32
};

/* Beside the codes. Of blocks of 256 weights the first of d and dmin. */
typedef struct head {
    rows scale[16]; /* of each group of weights, as scale_rows() turns them */
    /* Four groups' bytes in each, which the sums of the groups' activations are multiplied
     * by: minimums, or the scales where codes have an offset; their sum in factor_sum. */
    rows factor[4], factor_sum;
    row_floats d[PANEL_PIECES], dmin[PANEL_PIECES]; /* of each block */
} head;

typedef struct panel {
    rows part[PANEL_PARTS];
    head head;
    const uint8_t *next; /* the bytes of the next panel of this place */
} panel;

/* The codes of weights 4 j to 4 j + 3 of every row. `words`: of a packed block, behind
 * its halves; j is a constant wherever it matters. */
typedef rows (*codes_fn)(const uint8_t *words, size_t j);
/* Reads what lies beside the codes; `number`: of the block in a panel, for d and dmin. */
typedef void (*head_fn)(const uint8_t *block, size_t number, head *h);

/* Word i of every row. */
RSN_INLINE rows word(const uint8_t *words, size_t i) {
    rows v;
    memcpy(&v, words + i * sizeof v, sizeof v);
    return v;
}

/* A panel's parts are words too. */
RSN_INLINE rows codes_of_panel(const uint8_t *words, size_t j) {
    return word(words, j);
}

RSN_INLINE rows low_nibbles(rows v) {
    return v & 0x0F0F0F0Fu;
}

RSN_INLINE rows high_nibbles(rows v) {
    return v >> 4 & 0x0F0F0F0Fu;
}

/* Pair n of bits of every byte, the lowest first. */
RSN_INLINE rows bit_pairs(rows v, unsigned n) {
    return v >> 2 * n & 0x03030303u;
}

#endif
