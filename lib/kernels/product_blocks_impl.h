/* Products of all block types with rows in lanes: a register holds four codes of every row
 * of a group, as packed blocks have them (pack.h), and the float step of a block is one
 * vector operation for the whole group. Few tokens are multiplied as the codes are read;
 * for more, 256 or 512 weights of TILE_GROUPS groups are unpacked into panels that stay in the
 * first cache while all tokens pass, TILE_TOKENS at a time: (TILE_GROUPS + TILE_TOKENS)
 * loads then feed TILE_GROUPS * TILE_TOKENS products. The includer is compiled for its
 * level, has included rows_<isa>.h, and defines
 *
 *     BLOCKS_NAME(x)              x with the level appended
 *     TILE_GROUPS, TILE_TOKENS    1 or 2; at least 4
 *     SIGNED_OFFSET, signed_codes()   what signed weights become
 *     scale_rows()                int32 scales as end_run() wants them
 *     parts_in_run(most)          parts of codes up to `most` that may be added up before
 *                                 end_run(): 1, 2, 4 or 8
 *     RUNS_IN_SUMS                runs may be added to the sums themselves
 *     start_run(), add_to_run()   sums of codes times activations, unfinished
 *     end_run()                   sums + scales * the run
 *     add_byte_dots()             sums + four products of unsigned and signed bytes, of
 *                                 which two neighbours stay in 16 bits
 *
 * Invariant: an output's additions come in the order of table.h whatever the tile;
 * outputs themselves hold the sums between panels. Integer sums of a block are exact:
 * before offsets are taken off the largest is that of IQ4_XS, moved up by 128, or Q6_K,
 * and 256 * 255 * 32 * 127 and 256 * 63 * 128 * 127 are below 2^28. Those of a whole row
 * wrap as table.h says. */
#include "kernels/codes_256.h"
#include "kernels/codes_32.h"
#include "kernels/codes_ternary.h"

enum { TILE_MOST = TILE_GROUPS * TILE_TOKENS };

typedef struct block_kind {
    size_t elems, bytes; /* of a block of one row */
    size_t group;        /* weights that share an integer scale; 0: there are none */
    unsigned most;       /* the largest code or, of signed ones, magnitude */
    bool is_signed;      /* codes are what signed_codes() made */
    unsigned offset;     /* a code c stands for c - offset */
    bool has_min;        /* blocks have a dmin and minimums */
    bool whole_row;      /* one integer sum for the row */
} block_kind;

/* Rows of activations: `n` of them, and where their parts are. */
typedef struct acts {
    const uint8_t *x;
    size_t stride, scales_at, sums_at, digits_at;
} acts;

/* Outputs of one group, a token's behind the other's. */
typedef struct outputs {
    float *at;
    size_t stride;
} outputs;

RSN_INLINE acts acts_of(block_kind kind, size_t k, const void *x, size_t stride) {
    bool narrow = kind.elems == 32;
    acts a = {x, stride, narrow ? rsn_q8_scales_at(k) : rsn_q8_256_scales_at(k),
              narrow ? rsn_q8_sums_at(k) : rsn_q8_256_sums_at(k),
              rsn_q8_256_digits_at(k)};
    return a;
}

RSN_INLINE acts next_tokens(acts a, size_t n) {
    a.x += n * a.stride;
    return a;
}

/* products[] += 32 codes of each group, from part `first` on, times the activations at
 * `at`, with the scales number g on. Order: group * n_tokens + token. */
RSN_INLINE void add_piece(block_kind kind, codes_fn codes_of, size_t n_groups,
                          size_t n_tokens, const uint8_t *const *words, size_t first,
                          const head *const *heads, size_t g, acts a, size_t at,
                          rows *products) {
    const bool in_place = RUNS_IN_SUMS && kind.group == 0 && n_groups * n_tokens >= 8;
    const size_t group_parts = kind.group == 16 ? 4 : PIECE_PARTS;
    const size_t safe = parts_in_run(kind.most);
    const size_t n_run = safe < group_parts ? safe : group_parts;
    const size_t n = n_groups * n_tokens;
    const uint8_t *x = a.x + at;
    RSN_UNROLL
    for (size_t from = 0; from < PIECE_PARTS; from += n_run) {
        rows run[TILE_MOST];
        RSN_UNROLL
        for (size_t i = 0; i < n; i++) run[i] = in_place ? products[i] : fill_rows(0);
        RSN_UNROLL
        for (size_t j = from; j < from + n_run; j++) {
            rows codes[TILE_GROUPS];
            RSN_UNROLL
            for (size_t i = 0; i < n_groups; i++) codes[i] = codes_of(words[i], first + j);
            RSN_UNROLL
            for (size_t t = 0; t < n_tokens; t++) {
                rows four = fill_from(x + t * a.stride + 4 * j);
                RSN_UNROLL
                for (size_t i = 0; i < n_groups; i++) {
                    rows *sum = &run[i * n_tokens + t];
                    *sum = j == from && !in_place
                               ? start_run(kind.is_signed, codes[i], four)
                               : add_to_run(kind.is_signed, *sum, codes[i], four);
                }
            }
        }
        RSN_UNROLL
        for (size_t i = 0; i < n; i++) {
            const rows *scale = heads[i / n_tokens]->scale + g + from / group_parts;
            products[i] = in_place ? run[i]
                                   : end_run(kind.group != 0, products[i], run[i], scale);
        }
    }
}

/* The sum over a block's groups of factor times sum of activations. */
RSN_INLINE rows factor_sums(block_kind kind, const head *h, const uint8_t *digits) {
    const bool of_16 = kind.group == 16;
    const size_t n = of_16 ? 4 : 2;
    const uint8_t *high = of_16 ? digits : digits + 32, *low = high + 4 * n;
    rows high_sum = fill_rows(0), low_sum = fill_rows(0);
    RSN_UNROLL
    for (size_t i = 0; i < n; i++) {
        high_sum = add_byte_dots(high_sum, fill_from(high + 4 * i), h->factor[i]);
        low_sum = add_byte_dots(low_sum, fill_from(low + 4 * i), h->factor[i]);
    }
    high_sum -= h->factor_sum << 6; /* 2048 of 32, and 4096 of 64 */
    return (of_16 ? high_sum << 5 : high_sum << 6) + low_sum;
}

/* Sums with the step of block b. */
RSN_INLINE row_floats add_block(block_kind kind, const head *h, size_t b, row_floats a,
                                rows products, rows minimums, row_floats sums) {
    sums = fuse(h->d[b] * a, to_floats(products), sums);
    if (!kind.has_min) return sums;
    return fuse(-(h->dmin[b] * a), to_floats(minimums), sums);
}

/* sums[] += the step of block b of 32 weights, which begin at `at`. */
RSN_INLINE void step_32(block_kind kind, codes_fn codes_of, size_t n_groups,
                        size_t n_tokens, const uint8_t *const *words,
                        const head *const *heads, size_t b, acts a, size_t at,
                        row_floats *sums) {
    rows products[TILE_MOST], x_sum[TILE_TOKENS];
    RSN_UNROLL
    for (size_t t = 0; t < n_tokens; t++)
        x_sum[t] = fill_from(a.x + t * a.stride + a.sums_at + at / 32 * sizeof(int32_t));
    RSN_UNROLL
    for (size_t i = 0; i < n_groups * n_tokens; i++)
        products[i] = fill_rows(0) - x_sum[i % n_tokens] * kind.offset;
    add_piece(kind, codes_of, n_groups, n_tokens, words, 0, heads, 0, a, at, products);
    RSN_UNROLL
    for (size_t i = 0; i < n_groups * n_tokens; i++) {
        size_t t = i % n_tokens;
        const uint8_t *scale = a.x + t * a.stride + a.scales_at + at / 32 * sizeof(float);
        if (kind.has_min)
            x_sum[t] = fill_from(a.x + t * a.stride + a.sums_at +
                                 at / 32 * sizeof(int32_t));
        sums[i] = add_block(kind, heads[i / n_tokens], b, fill_floats(scale), products[i],
                            x_sum[t], sums[i]);
    }
}

/* The same of the block of 256 that holds `at`: its products are complete. */
RSN_INLINE void step_256(block_kind kind, size_t n_groups, size_t n_tokens,
                         const head *const *heads, acts a, size_t at,
                         const rows *products, row_floats *sums) {
    const size_t b = at / RSN_Q8_256_BLOCK;
    RSN_UNROLL
    for (size_t i = 0; i < n_groups * n_tokens; i++) {
        const head *h = heads[i / n_tokens];
        const uint8_t *x = a.x + i % n_tokens * a.stride;
        rows sum = products[i], minimums = fill_rows(0);
        if (kind.group != 0 && (kind.has_min || kind.offset))
            minimums = factor_sums(kind, h, x + a.digits_at + b * RSN_Q8_256_DIGITS);
        else if (kind.offset)
            minimums = fill_from(x + a.sums_at + b * sizeof(int32_t));
        if (!kind.has_min) sum -= minimums * kind.offset;
        sums[i] = add_block(kind, h, 0, fill_floats(x + a.scales_at + b * sizeof(float)),
                            sum, minimums, sums[i]);
    }
}

/* A whole row's sum of codes, of which the offset is still to be taken. */
RSN_INLINE row_floats whole_row(block_kind kind, size_t k, rows sum, const uint8_t *x,
                                acts a) {
    rows total = fill_from(x + a.sums_at + rsn_q8_256_blocks(k) * sizeof(int32_t));
    return fill_floats(x + a.scales_at) * to_floats(sum - total * kind.offset);
}

/* How long before they are read the bytes of a block are asked for. The hardware foresees
 * a group's bytes only up to the end of a page. */
enum { AHEAD = 8192, LINE = 64 };

/* --- few tokens: codes are read and multiplied --------------------------------------- */

RSN_INLINE void multiply_direct(block_kind kind, codes_fn codes_of, head_fn read_head,
                                size_t n_tokens, size_t k, const uint8_t *w, acts a,
                                outputs out) {
    const size_t halves = kind.bytes % 4 ? HALVES_BYTES : 0;
    const size_t scales = kind.group ? 32 / kind.group : 0;
    row_floats sums[TILE_MOST];
    rows products[TILE_MOST];
    RSN_UNROLL
    for (size_t t = 0; t < n_tokens; t++) {
        sums[t] = (row_floats)fill_rows(0);
        products[t] = fill_rows(0);
    }
    for (size_t at = 0; at < k; at += kind.elems, w += GROUP_ROWS * kind.bytes) {
        const uint8_t *words = w + halves;
        head h;
        const head *heads = &h;
        read_head(w, 0, &h);
        prefetch_block(w + AHEAD, GROUP_ROWS * kind.bytes);
        if (kind.elems == 32) {
            step_32(kind, codes_of, 1, n_tokens, &words, &heads, 0, a, at, sums);
            continue;
        }
        RSN_UNROLL
        for (size_t g = 0; g < kind.elems / 32; g++) {
            add_piece(kind, codes_of, 1, n_tokens, &words, PIECE_PARTS * g, &heads,
                      scales * g, a, at + 32 * g, products);
        }
        if (kind.whole_row) continue;
        step_256(kind, 1, n_tokens, &heads, a, at, products, sums);
        RSN_UNROLL
        for (size_t t = 0; t < n_tokens; t++) products[t] = fill_rows(0);
    }
    RSN_UNROLL
    for (size_t t = 0; t < n_tokens; t++) {
        if (kind.whole_row && k > 0)
            sums[t] = whole_row(kind, k, products[t], a.x + t * a.stride, a);
        store_floats(out.at + t * out.stride, sums[t]);
    }
}

/* --- many tokens: panels -------------------------------------------------------------- */

/* Unpacks n_elems weights of one group; w: their first block. */
RSN_INLINE void unpack_panel(block_kind kind, codes_fn codes_of, head_fn read_head,
                             const uint8_t *w, size_t n_elems, panel *p) {
    const size_t halves = kind.bytes % 4 ? HALVES_BYTES : 0, n_parts = kind.elems / 4;
    for (size_t b = 0; b < n_elems / kind.elems; b++, w += GROUP_ROWS * kind.bytes) {
        read_head(w, b, &p->head);
        rows *part = p->part + b * n_parts;
        RSN_UNROLL_64
        for (size_t j = 0; j < n_parts; j++) part[j] = codes_of(w + halves, j);
    }
}

/* Outputs of a tile += a panel's weights from `at` on. Meanwhile the bytes of the next
 * panels from `ahead` on are asked for, so many lines a piece. */
RSN_INLINE void multiply_tile(block_kind kind, size_t n_tokens, size_t ahead,
                              size_t n_lines, const panel *const *panels, size_t at,
                              size_t n_elems, acts a, const outputs *out) {
    const size_t scales = kind.group ? 32 / kind.group : 0, n_groups = TILE_GROUPS;
    const uint8_t *words[TILE_GROUPS];
    const head *heads[TILE_GROUPS];
    row_floats sums[TILE_MOST];
    rows products[TILE_MOST];
    RSN_UNROLL
    for (size_t i = 0; i < n_groups; i++) {
        words[i] = (const uint8_t *)panels[i]->part;
        heads[i] = &panels[i]->head;
    }
    RSN_UNROLL
    for (size_t i = 0; i < n_groups * n_tokens; i++) {
        const outputs *o = &out[i / n_tokens];
        if (kind.elems == 32 || kind.whole_row)
            sums[i] = load_floats(o->at + i % n_tokens * o->stride);
        products[i] = kind.whole_row ? (rows)sums[i] : fill_rows(0);
    }
    for (size_t g = 0; g < n_elems / 32; g++) {
        for (size_t i = 0; i < n_groups; i++)
            prefetch_block(panels[i]->next + ahead + g * n_lines * LINE, n_lines * LINE);
        if (kind.elems == 32)
            step_32(kind, codes_of_panel, n_groups, n_tokens, words, heads, g, a,
                    at + 32 * g, sums);
        else
            add_piece(kind, codes_of_panel, n_groups, n_tokens, words, 0, heads,
                      scales * g, a, at + 32 * g, products);
        RSN_UNROLL
        for (size_t i = 0; i < n_groups; i++) words[i] += PIECE_PARTS * sizeof(rows);
    }
    if (kind.elems != 32 && !kind.whole_row) {
        RSN_UNROLL
        for (size_t i = 0; i < n_groups * n_tokens; i++) {
            const outputs *o = &out[i / n_tokens];
            sums[i] = load_floats(o->at + i % n_tokens * o->stride);
        }
        step_256(kind, n_groups, n_tokens, heads, a, at, products, sums);
    }
    RSN_UNROLL
    for (size_t i = 0; i < n_groups * n_tokens; i++) {
        const outputs *o = &out[i / n_tokens];
        row_floats v = kind.whole_row ? (row_floats)products[i] : sums[i];
        store_floats(o->at + i % n_tokens * o->stride, v);
    }
}

/* Every tile asks for its share of the next panels: all at once would be more than a core
 * can wait for. */
RSN_INLINE void multiply_tiles(block_kind kind, const panel *const *panels, size_t at,
                               size_t n_elems, acts a, size_t n_tokens,
                               const outputs *out) {
    const size_t n_bytes = GROUP_ROWS * (n_elems / kind.elems * kind.bytes);
    const size_t n_pieces = (n_tokens + TILE_TOKENS - 1) / TILE_TOKENS * (n_elems / 32);
    const size_t n_lines = (n_bytes / LINE + n_pieces - 1) / n_pieces;
    outputs to[TILE_GROUPS];
    memcpy(to, out, sizeof to);
    for (size_t t = 0, ahead = 0; t < n_tokens;) {
        size_t left = n_tokens - t, n = 1;
        size_t lines = ahead < n_bytes ? n_lines : 0;
        /* Of 8 and 9 two fours are better than six and ones. */
        if (left >= TILE_TOKENS && (TILE_TOKENS == 4 || (left != 8 && left != 9)))
            multiply_tile(kind, n = TILE_TOKENS, ahead, lines, panels, at, n_elems, a, to);
        else if (TILE_TOKENS > 4 && left >= 4)
            multiply_tile(kind, n = 4, ahead, lines, panels, at, n_elems, a, to);
        else
            multiply_tile(kind, 1, ahead, lines, panels, at, n_elems, a, to);
        t += n;
        ahead += lines * (n_elems / 32) * LINE;
        a = next_tokens(a, n);
        for (size_t i = 0; i < TILE_GROUPS; i++) to[i].at += n * to[i].stride;
    }
}

static void set_outputs(const outputs *out, size_t n_tokens) {
    for (size_t i = 0; i < TILE_GROUPS * n_tokens; i++) {
        const outputs *o = &out[i / n_tokens];
        store_floats(o->at + i % n_tokens * o->stride, (row_floats){0});
    }
}

/* The floats of whole rows' sums. */
RSN_INLINE void finish_rows(block_kind kind, size_t k, acts a, size_t n_tokens,
                            const outputs *out) {
    for (size_t i = 0; i < TILE_GROUPS * n_tokens; i++) {
        const outputs *o = &out[i / n_tokens];
        float *to = o->at + i % n_tokens * o->stride;
        rows sum = (rows)load_floats(to);
        row_floats v = whole_row(kind, k, sum, a.x + i % n_tokens * a.stride, a);
        store_floats(to, v);
    }
}

typedef void (*unpack_fn)(const uint8_t *w, size_t n_elems, panel *p);

/* n_groups groups, at most TILE_GROUPS, and all tokens. A group that is missing is played
 * by the first one; its outputs go where nobody looks. */
RSN_INLINE void multiply_panels(block_kind kind, unpack_fn unpack, size_t n_groups,
                                size_t k, const uint8_t *w, size_t w_stride, acts a,
                                size_t n_tokens, const outputs *out) {
    const size_t panel_elems = kind.elems < 256 ? PANEL_ELEMS : 256;
    panel panels[TILE_GROUPS];
    const panel *used[TILE_GROUPS];
    for (size_t i = 0; i < TILE_GROUPS; i++) used[i] = &panels[i < n_groups ? i : 0];
    set_outputs(out, n_tokens);
    for (size_t at = 0; at < k; at += panel_elems) {
        size_t n_elems = k - at < panel_elems ? k - at : panel_elems;
        for (size_t i = 0; i < n_groups; i++) {
            const uint8_t *from =
                w + GROUP_ROWS * (i * w_stride + at / kind.elems * kind.bytes);
            unpack(from, n_elems, &panels[i]);
            panels[i].next = at + n_elems < k
                                 ? from + GROUP_ROWS * (n_elems / kind.elems * kind.bytes)
                                 : w + GROUP_ROWS * (i + TILE_GROUPS) * w_stride;
        }
        multiply_tiles(kind, used, at, n_elems, a, n_tokens, out);
    }
    if (kind.whole_row && k > 0) finish_rows(kind, k, a, n_tokens, out);
}

/* --- all rows -------------------------------------------------------------------------- */

RSN_INLINE void multiply_few(block_kind kind, codes_fn codes_of, head_fn read_head,
                             size_t k, const uint8_t *w, acts a, size_t n_tokens,
                             outputs out) {
    if (n_tokens == 4) {
        multiply_direct(kind, codes_of, read_head, 4, k, w, a, out);
        return;
    }
    for (size_t t = 0; t < n_tokens; t++) {
        multiply_direct(kind, codes_of, read_head, 1, k, w, a, out);
        a = next_tokens(a, 1);
        out.at += out.stride;
    }
}

/* n_rows is a multiple of GROUP_ROWS. */
RSN_INLINE void multiply_rows(block_kind kind, codes_fn codes_of, head_fn read_head,
                              unpack_fn unpack, size_t k, const uint8_t *w,
                              size_t w_stride, size_t n_rows, acts a, size_t n_tokens,
                              float *out, size_t out_stride) {
    if (n_tokens <= 4) {
        for (size_t r = 0; r < n_rows; r += GROUP_ROWS)
            multiply_few(kind, codes_of, read_head, k, w + r * w_stride, a, n_tokens,
                         (outputs){out + r, out_stride});
        return;
    }
    for (size_t r = 0; r < n_rows; r += TILE_GROUPS * GROUP_ROWS) {
        float nowhere[GROUP_ROWS];
        outputs to[TILE_GROUPS];
        size_t n_groups = 0;
        for (size_t i = 0; i < TILE_GROUPS; i++) {
            bool is_there = r + i * GROUP_ROWS < n_rows;
            to[i] = is_there ? (outputs){out + r + i * GROUP_ROWS, out_stride}
                             : (outputs){nowhere, 0};
            n_groups += is_there;
        }
        multiply_panels(kind, unpack, n_groups, k, w + r * w_stride, w_stride, a, n_tokens,
                        to);
    }
}

#define DEFINE_PRODUCT(stem, ...)                                                        \
    RSN_NOINLINE void unpack_##stem(const uint8_t *w, size_t n_elems, panel *p) {         \
        const block_kind kind = {__VA_ARGS__};                                           \
        unpack_panel(kind, codes_##stem, head_##stem, w, n_elems, p);                     \
    }                                                                                    \
    void BLOCKS_NAME(rsn_product_##stem)(                                                \
        size_t k, const void *w, size_t w_stride, size_t n_rows, const void *x,          \
        size_t x_stride, size_t n_tokens, float *out, size_t out_stride) {               \
        const block_kind kind = {__VA_ARGS__};                                           \
        const size_t packed = n_rows / GROUP_ROWS * GROUP_ROWS;                          \
        multiply_rows(kind, codes_##stem, head_##stem, unpack_##stem, k, w, w_stride,    \
                      packed, acts_of(kind, k, x, x_stride), n_tokens, out, out_stride); \
        rsn_product_##stem##_generic(k, (const uint8_t *)w + packed * w_stride, w_stride, \
                                     n_rows - packed, x, x_stride, n_tokens,             \
                                     out + packed, out_stride);                          \
    }

#define SIGNED .most = 128, .is_signed = true, .offset = SIGNED_OFFSET

DEFINE_PRODUCT(q4_0, .elems = 32, .bytes = 18, .most = 15, .offset = 8)
DEFINE_PRODUCT(q4_1, .elems = 32, .bytes = 20, .most = 15, .has_min = true)
DEFINE_PRODUCT(q5_0, .elems = 32, .bytes = 22, .most = 31, .offset = 16)
DEFINE_PRODUCT(q5_1, .elems = 32, .bytes = 24, .most = 31, .has_min = true)
DEFINE_PRODUCT(q8_0, .elems = 32, .bytes = 34, SIGNED)
DEFINE_PRODUCT(iq4_nl, .elems = 32, .bytes = 18, SIGNED)
DEFINE_PRODUCT(q2_k, .elems = 256, .bytes = 84, .group = 16, .most = 3, .has_min = true)
DEFINE_PRODUCT(q3_k, .elems = 256, .bytes = 110, .group = 16, .most = 7, .offset = 4)
DEFINE_PRODUCT(q4_k, .elems = 256, .bytes = 144, .group = 32, .most = 15, .has_min = true)
DEFINE_PRODUCT(q5_k, .elems = 256, .bytes = 176, .group = 32, .most = 31, .has_min = true)
DEFINE_PRODUCT(q6_k, .elems = 256, .bytes = 210, .group = 16, .most = 63, .offset = 32)
DEFINE_PRODUCT(iq4_xs, .elems = 256, .bytes = 136, .group = 32, SIGNED)
DEFINE_PRODUCT(tq1_0, .elems = 256, .bytes = 54, .most = 2, .offset = 1)
DEFINE_PRODUCT(tq2_0, .elems = 256, .bytes = 66, .most = 3, .offset = 1)
DEFINE_PRODUCT(i2_s, .elems = 128, .bytes = 32, .most = 3, .offset = 1, .whole_row = true)
DEFINE_PRODUCT(i2_s_b, .elems = 64, .bytes = 16, .most = 3, .offset = 1,
               .whole_row = true)
