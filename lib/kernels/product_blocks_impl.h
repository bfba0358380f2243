/* Products of all block types with rows in lanes: up to 256 weights of GROUP_ROWS rows
 * are unpacked so that each register holds four codes of every row (panel.h), and serve
 * all tokens, TILE_TOKENS at a time; the float step of a block is then one vector
 * operation for the whole group. The includer is compiled for its level, has included
 * rows_<isa>.h, and defines
 *
 *     BLOCKS_NAME(x), BLOCKS_FALLBACK(x)   x with a level appended: this one, and the one
 *                                          for fewer rows than a group
 *     TILE_TOKENS                          a power of 2, at least 4
 *     SIGNED_OFFSET, signed_codes()        what signed weights become
 *     scale_rows()                         int32 scales as end_run() wants them
 *     parts_in_run(most)                   parts of codes up to `most` that may be added
 *                                          up before end_run(): 1, 2, 4 or 8
 *     start_run(), add_to_run()            sums of codes times activations, unfinished
 *     end_run()                            sums + scales * the run
 *     add_pairs()                          sums + products of 16-bit pairs
 *
 * Invariant: an output's additions come in the order of table.h whatever the tile;
 * outputs themselves hold the sums between panels. Integer sums of a block are exact:
 * before offsets are taken off the largest is that of IQ4_XS, moved up by 128, or Q6_K,
 * and 256 * 255 * 32 * 127 and 256 * 63 * 128 * 127 are below 2^28. Those of a whole row
 * wrap as table.h says. */
#include "kernels/unpack_256.h"
#include "kernels/unpack_32.h"
#include "kernels/unpack_ternary.h"

typedef struct block_kind {
    size_t elems, bytes; /* of a block */
    size_t group;        /* weights that share an integer scale; 0: there are none */
    unsigned most;       /* the largest code or, of signed ones, magnitude */
    bool is_signed;      /* codes are what signed_codes() made */
    unsigned offset;     /* a code c stands for c - offset */
    bool has_min;        /* blocks have a dmin and, of 256 weights, minimums in pair[] */
    bool whole_row;      /* one integer sum for the row */
} block_kind;

/* products[t] += 32 codes times the activations at x, with their scales. */
RSN_INLINE void add_codes(block_kind kind, size_t n_tokens, const rows *part,
                          const rows *scale, const uint8_t *x, size_t x_stride,
                          rows *products) {
    const size_t group_parts = kind.group == 16 ? 4 : 8, safe = parts_in_run(kind.most);
    const size_t n_run = safe < group_parts ? safe : group_parts;
    RSN_UNROLL
    for (size_t from = 0; from < 8; from += n_run) {
        rows run[TILE_TOKENS];
        RSN_UNROLL /* for compilers that do not see that the first turn starts each */
        for (size_t t = 0; t < n_tokens; t++) run[t] = fill_rows(0);
        RSN_UNROLL
        for (size_t j = from; j < from + n_run; j++) {
            rows codes = part[j];
            RSN_UNROLL
            for (size_t t = 0; t < n_tokens; t++) {
                rows four = fill_from(x + t * x_stride + 4 * j);
                run[t] = j == from ? start_run(kind.is_signed, codes, four)
                                   : add_to_run(kind.is_signed, run[t], codes, four);
            }
        }
        RSN_UNROLL
        for (size_t t = 0; t < n_tokens; t++) {
            products[t] = end_run(kind.group != 0, products[t], run[t],
                                  scale + from / group_parts);
        }
    }
}

/* (d * a) * products - (dmin * a) * minimums, the second only with minimums. */
RSN_INLINE row_floats block_step(block_kind kind, const panel *p, size_t block,
                                 row_floats a, rows products, rows minimums) {
    row_floats step = p->d[block] * a * to_floats(products);
    if (!kind.has_min) return step;
    return step - p->dmin[block] * a * to_floats(minimums);
}

/* The share of the next group's bytes that 32 weights have. A panel's share at once would
 * be more than a core can wait for, which costs up to half of the speed from memory. */
RSN_INLINE void prefetch_next(block_kind kind, const panel *p, size_t number) {
    const size_t bytes = GROUP_ROWS * 32 * kind.bytes / kind.elems;
    prefetch_bytes((const void *)p->next, number * bytes, bytes);
}

/* Blocks of 32 with activations of RSN_ACT_Q8_32. `ahead`, here and below: also brings a
 * part of the next group into the cache. */
RSN_INLINE void multiply_32(block_kind kind, bool ahead, size_t n_tokens, const panel *p,
                            size_t at, size_t n_elems, size_t k, const uint8_t *x,
                            size_t x_stride, float *out, size_t out_stride) {
    row_floats sum[TILE_TOKENS];
    RSN_UNROLL
    for (size_t t = 0; t < n_tokens; t++) sum[t] = load_floats(out + t * out_stride);
    for (size_t b = 0; b < n_elems / 32; b++) {
        rows products[TILE_TOKENS];
        const uint8_t *scales = x + rsn_q8_scales_at(k) + (at / 32 + b) * sizeof(float);
        const uint8_t *sums = x + rsn_q8_sums_at(k) + (at / 32 + b) * sizeof(int32_t);
        if (ahead) prefetch_next(kind, p, b);
        RSN_UNROLL
        for (size_t t = 0; t < n_tokens; t++) products[t] = fill_rows(0);
        add_codes(kind, n_tokens, p->part + PART_32 * b, p->scale, x + at + 32 * b,
                  x_stride, products);
        RSN_UNROLL
        for (size_t t = 0; t < n_tokens; t++) {
            rows x_sum = fill_from(sums + t * x_stride);
            if (kind.offset) products[t] -= x_sum * kind.offset;
            sum[t] += block_step(kind, p, b, fill_floats(scales + t * x_stride),
                                 products[t], x_sum);
        }
    }
    RSN_UNROLL
    for (size_t t = 0; t < n_tokens; t++) store_floats(out + t * out_stride, sum[t]);
}

/* Integer sums of a panel with activations of RSN_ACT_Q8_256. */
RSN_INLINE void sum_panel(block_kind kind, bool ahead, size_t n_tokens, const panel *p,
                          size_t at, size_t n_elems, size_t k, const uint8_t *x,
                          size_t x_stride, rows *products, rows *minimums) {
    const size_t groups_of_32 = kind.group == 16 ? 2 : 1;
    RSN_UNROLL
    for (size_t t = 0; t < n_tokens; t++) products[t] = minimums[t] = fill_rows(0);
    for (size_t g = 0; g < n_elems / 32; g++) {
        const uint8_t *sums = x + rsn_q8_256_sums_at(k) + (at + 32 * g) / 16 * 2;
        if (ahead) prefetch_next(kind, p, g);
        rows pairs = kind.group ? p->pair[g] : fill_rows(kind.offset << 16 | kind.offset);
        add_codes(kind, n_tokens, p->part + PART_32 * g, p->scale + groups_of_32 * g,
                  x + at + 32 * g, x_stride, products);
        if (!kind.has_min && !kind.offset) continue;
        RSN_UNROLL
        for (size_t t = 0; t < n_tokens; t++)
            minimums[t] = add_pairs(minimums[t], pairs, fill_from(sums + t * x_stride));
    }
    if (kind.has_min) return;
    RSN_UNROLL
    for (size_t t = 0; t < n_tokens; t++) products[t] -= minimums[t];
}

RSN_INLINE void multiply_256(block_kind kind, bool ahead, size_t n_tokens, const panel *p,
                             size_t at, size_t n_elems, size_t k, const uint8_t *x,
                             size_t x_stride, float *out, size_t out_stride) {
    const uint8_t *scales =
        x + rsn_q8_256_scales_at(k) + at / RSN_Q8_256_BLOCK * sizeof(float);
    rows products[TILE_TOKENS], minimums[TILE_TOKENS];
    sum_panel(kind, ahead, n_tokens, p, at, n_elems, k, x, x_stride, products, minimums);
    RSN_UNROLL
    for (size_t t = 0; t < n_tokens; t++) {
        float *to = out + t * out_stride;
        if (kind.whole_row) {
            store_rows(to, load_rows(to) + products[t]);
            continue;
        }
        row_floats step = block_step(kind, p, 0, fill_floats(scales + t * x_stride),
                                     products[t], minimums[t]);
        store_floats(to, load_floats(to) + step);
    }
}

RSN_INLINE void multiply_tile(block_kind kind, bool ahead, size_t n_tokens,
                              const panel *p, size_t at, size_t n_elems, size_t k,
                              const uint8_t *x, size_t x_stride, float *out,
                              size_t out_stride) {
    if (kind.elems == 32)
        multiply_32(kind, ahead, n_tokens, p, at, n_elems, k, x, x_stride, out,
                    out_stride);
    else
        multiply_256(kind, ahead, n_tokens, p, at, n_elems, k, x, x_stride, out,
                     out_stride);
}

RSN_INLINE void multiply_tokens(block_kind kind, const panel *p, size_t at,
                                size_t n_elems, size_t k, const uint8_t *x,
                                size_t x_stride, size_t n_tokens, float *out,
                                size_t out_stride) {
    size_t t = 0;
    for (; t + TILE_TOKENS <= n_tokens; t += TILE_TOKENS) {
        multiply_tile(kind, t == 0, TILE_TOKENS, p, at, n_elems, k, x + t * x_stride,
                      x_stride, out + t * out_stride, out_stride);
    }
    for (; TILE_TOKENS > 4 && t + 4 <= n_tokens; t += 4) {
        multiply_tile(kind, t == 0, 4, p, at, n_elems, k, x + t * x_stride, x_stride,
                      out + t * out_stride, out_stride);
    }
    for (; t < n_tokens; t++) {
        multiply_tile(kind, t == 0, 1, p, at, n_elems, k, x + t * x_stride, x_stride,
                      out + t * out_stride, out_stride);
    }
}

RSN_INLINE void multiply_group(block_kind kind, unpack_fn unpack, size_t k,
                               const uint8_t *w, size_t w_stride, const uint8_t *x,
                               size_t x_stride, size_t n_tokens, float *out,
                               size_t out_stride) {
    panel p;
    for (size_t t = 0; t < n_tokens; t++)
        store_rows(out + t * out_stride, fill_rows(0));
    for (size_t at = 0; at < k; at += PANEL_ELEMS) {
        size_t n_elems = k - at < PANEL_ELEMS ? k - at : PANEL_ELEMS;
        size_t bytes_at = at / kind.elems * kind.bytes;
        p.next = (uintptr_t)w + GROUP_ROWS * (w_stride + bytes_at);
        unpack(w + bytes_at, w_stride, n_elems, &p);
        multiply_tokens(kind, &p, at, n_elems, k, x, x_stride, n_tokens, out, out_stride);
    }
    for (size_t t = 0; t < n_tokens && kind.whole_row && k > 0; t++) {
        float *to = out + t * out_stride;
        row_floats a = fill_floats(x + t * x_stride + rsn_q8_256_scales_at(k));
        store_floats(to, a * to_floats(load_rows(to)));
    }
}

/* One token and blocks of 32: unpackers are inlined and their panel of one block stays in
 * registers, up to half faster. */
RSN_INLINE void multiply_one_32(block_kind kind, unpack_fn unpack, size_t k,
                                const uint8_t *w, size_t w_stride, const uint8_t *x,
                                float *out) {
    const uint8_t *scales = x + rsn_q8_scales_at(k), *sums = x + rsn_q8_sums_at(k);
    const size_t group_bytes = GROUP_ROWS * kind.bytes;
    row_floats sum = {0};
    for (size_t b = 0; b < k / 32; b++) {
        panel p;
        rows products = fill_rows(0), x_sum = fill_from(sums + 4 * b);
        prefetch_bytes(w, GROUP_ROWS * w_stride + b * group_bytes, group_bytes);
        unpack(w + b * kind.bytes, w_stride, 32, &p);
        add_codes(kind, 1, p.part, p.scale, x + 32 * b, 0, &products);
        if (kind.offset) products -= x_sum * kind.offset;
        sum += block_step(kind, &p, 0, fill_floats(scales + 4 * b), products, x_sum);
    }
    store_floats(out, sum);
}

/* n_rows is at least GROUP_ROWS. */
RSN_INLINE void multiply_rows(block_kind kind, unpack_fn unpack, size_t k,
                              const uint8_t *w, size_t w_stride, size_t n_rows,
                              const uint8_t *x, size_t x_stride, size_t n_tokens,
                              float *out, size_t out_stride) {
    for (size_t r = 0; r < n_rows; r += GROUP_ROWS) {
        /* The last group reaches back over rows that are done; they come out the same
         * again. */
        if (r > n_rows - GROUP_ROWS) r = n_rows - GROUP_ROWS;
        const uint8_t *group = w + r * w_stride;
        if (kind.elems == 32 && n_tokens == 1)
            multiply_one_32(kind, unpack, k, group, w_stride, x, out + r);
        else
            multiply_group(kind, unpack, k, group, w_stride, x, x_stride, n_tokens,
                           out + r, out_stride);
    }
}

#define DEFINE_PRODUCT(stem, ...)                                                        \
    void BLOCKS_NAME(rsn_product_##stem)(                                                \
        size_t k, const void *w, size_t w_stride, size_t n_rows, const void *x,          \
        size_t x_stride, size_t n_tokens, float *out, size_t out_stride) {               \
        const block_kind kind = {__VA_ARGS__};                                           \
        if (n_rows < GROUP_ROWS)                                                         \
            BLOCKS_FALLBACK(rsn_product_##stem)                                          \
            (k, w, w_stride, n_rows, x, x_stride, n_tokens, out, out_stride);            \
        else                                                                             \
            multiply_rows(kind, unpack_##stem, k, w, w_stride, n_rows, x, x_stride,      \
                          n_tokens, out, out_stride);                                    \
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
