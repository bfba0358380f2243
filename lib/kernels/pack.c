/* Owns the order of bytes in groups of rows; panel.h reads them. Invariant: a packed row's
 * bytes are those of the row. */
#include "kernels/pack.h"

#include <string.h>

enum { MAX_BLOCK_BYTES = 256, WORD = 4, HALF = 2 };

/* Where a block has its words and the half beside them. Blocks of 32 weights have it in
 * front, those of 256 at the end. */
typedef struct parts {
    size_t n_words, words_at, half_at;
    bool has_half;
} parts;

static parts parts_of(const rsn_type_info *type) {
    bool has_half = type->block_bytes % WORD == HALF;
    bool in_front = has_half && type->block_elems == 32;
    parts p = {.n_words = type->block_bytes / WORD,
               .words_at = in_front ? HALF : 0,
               .half_at = in_front ? 0 : type->block_bytes - HALF,
               .has_half = has_half};
    return p;
}

size_t rsn_pack_group(const rsn_kernels *kernels, const rsn_type_info *type) {
    return type->act == RSN_ACT_F32 ? 1 : kernels->group_rows;
}

static void pack_block(parts p, const unsigned char *src, size_t stride, size_t group,
                       unsigned char *dst) {
    for (size_t r = 0; p.has_half && r < group; r++)
        memcpy(dst + r * HALF, src + r * stride + p.half_at, HALF);
    dst += p.has_half ? group * HALF : 0;
    for (size_t r = 0; r < group; r++) {
        const unsigned char *words = src + r * stride + p.words_at;
        for (size_t i = 0; i < p.n_words; i++)
            memcpy(dst + (i * group + r) * WORD, words + i * WORD, WORD);
    }
}

void rsn_pack(const rsn_kernels *kernels, const rsn_type_info *type, size_t k,
              const void *src, size_t begin, size_t end, void *dst, void *scratch) {
    const size_t group = rsn_pack_group(kernels, type), bytes = type->block_bytes;
    const size_t row_bytes = rsn_type_row_bytes(type, k);
    const parts p = parts_of(type);
    size_t r = begin;
    for (; group > 1 && r + group <= end; r += group) {
        const unsigned char *from = (const unsigned char *)src + r * row_bytes;
        unsigned char *to = (unsigned char *)dst + r * row_bytes;
        if (from == to) from = memcpy(scratch, to, group * row_bytes);
        for (size_t at = 0; at < row_bytes; at += bytes)
            pack_block(p, from + at, row_bytes, group, to + at * group);
    }
    if (dst != src && r < end)
        memcpy((unsigned char *)dst + r * row_bytes,
               (const unsigned char *)src + r * row_bytes, (end - r) * row_bytes);
}

void rsn_pack_decode_row(const rsn_kernels *kernels, const rsn_type_info *type, size_t k,
                         const void *rows, size_t n, size_t r, float *out) {
    const size_t group = rsn_pack_group(kernels, type), bytes = type->block_bytes;
    const size_t row_bytes = rsn_type_row_bytes(type, k), lane = r % group;
    const unsigned char *src = (const unsigned char *)rows + (r - lane) * row_bytes;
    const parts p = parts_of(type);
    if (r - lane + group > n || group == 1) {
        rsn_type_decode(type, src + lane * row_bytes, out, k);
        return;
    }
    for (size_t b = 0; b < row_bytes / bytes; b++, src += group * bytes) {
        unsigned char block[MAX_BLOCK_BYTES];
        const unsigned char *words = src + (p.has_half ? group * HALF : 0);
        if (p.has_half) memcpy(block + p.half_at, src + lane * HALF, HALF);
        for (size_t i = 0; i < p.n_words; i++)
            memcpy(block + p.words_at + i * WORD, words + (i * group + lane) * WORD, WORD);
        rsn_type_decode(type, block, out + b * type->block_elems, type->block_elems);
    }
}
