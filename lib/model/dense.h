/* What the files of the dense decoders' forward pass share: the memory of a pass and the
 * stages that one of them runs for another. */
#ifndef REASON_MODEL_DENSE_H
#define REASON_MODEL_DENSE_H

#include "kernels/attention.h"
#include "model/lowrank.h"
#include "model/model.h"

/* The activations of a group of products, in the forms that their weights want; rows are
 * tokens. */
typedef struct rsn_acts {
    float *f; /* [n][width] */
    unsigned char *rows[RSN_N_ACTS]; /* [n][stride], of each 8-bit kind */
    size_t stride[RSN_N_ACTS];
    size_t width;
    unsigned bits; /* 8 or 4: the values themselves are those of RSN_ACT_Q8_ROW, in every
                      form; 0: each form is made of the exact ones */
} rsn_acts;

/* A token of a pass and its place. */
typedef struct rsn_row {
    const rsn_kv *kv;
    size_t position;
    int32_t token;
    const float *input; /* [n_embd] instead of its embedding; NULL: none */
} rsn_row;

/* Rows [first, first + n) of a pass, of one timeline: their attention is computed
 * together. */
typedef struct rsn_tile {
    size_t first, n;
    size_t slot; /* first one of its blocks, if attention is split by blocks */
} rsn_tile;

/* Few tokens with many positions: pieces of RSN_PIECE_BLOCKS blocks are given to workers,
 * each block's result is kept, and who finishes a head's last piece merges them. */
enum { RSN_PIECE_BLOCKS = 4 };

typedef struct rsn_split {
    size_t n_pieces;              /* of each part of a tile; 0: not split */
    size_t n_slots, n_counters;   /* that there is room for */
    rsn_attention_query *results; /* [n_slots]: [blocks][n_heads] of each tile */
    float *vectors;               /* [n_slots][head_dim] */
    atomic_size_t *left; /* [n_counters], pieces to do of each part of each tile */
} rsn_split;

typedef struct rsn_pass {
    const rsn_step *step;
    const rsn_model *m;
    const rsn_layer *layer;
    size_t index; /* of the layer */
    size_t n;     /* rows: tokens of all runs, one after another */
    rsn_row *rows;
    size_t n_out;
    size_t *out; /* [n_out], the rows whose logits are wanted */
    size_t n_tiles;
    rsn_tile *tiles;
    float *x;      /* [n][n_embd], the residual stream */
    rsn_acts in;   /* [n][n_embd], normalized */
    rsn_acts head; /* the same memory, rows of `out` */
    rsn_acts mix;  /* [n][n_heads * head_dim], what attention gives */
    rsn_acts ff;   /* [n][n_ff], the gated product */
    float *q;      /* [n][n_heads * head_dim] */
    float *k, *v;  /* [n][n_heads_kv * head_dim] */
    float *up;     /* [n][n_ff] */
    float *y;      /* [n][n_embd], a product before it is added */
    float *low;    /* [n][low_width], what adapters make of the rows that products read */
    bool windowed; /* this layer sees a window of positions */
    bool local;    /* such layers have a RoPE of their own */
    float *cos[2], *sin[2]; /* [n][n_rot / 2] of layers without and with a window; [1]
                               only if `local` */
    float *wide;   /* [n_workers][wide_n], keys and values of a block as floats */
    size_t wide_n;
    rsn_split split;
    const struct stage *stage; /* the one that runs */
    atomic_size_t taken; /* pieces of the running stage that workers have taken */
} rsn_pass;

static inline bool rsn_pass_has(const rsn_pass *p, unsigned trait) {
    return (p->m->arch->traits.bits & trait) != 0;
}

/* dense_layout.c: points the pass into the step's scratch and lists its rows. */
void rsn_dense_begin(const rsn_step *step, rsn_pass *p);

/* dense_attention.c: parts of a tile's attention, which workers take one by one. */
size_t rsn_dense_parts(const rsn_hparams *hp);
/* Sines and cosines of row t's position; then the stages. */
void rsn_dense_angles(const rsn_pass *p, size_t t);
void rsn_dense_place_heads(const rsn_pass *p, size_t begin, size_t end);
void rsn_dense_attend(void *pass, int ith, int count);

#endif
