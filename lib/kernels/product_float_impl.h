/* Products of F32, F16 and BF16 weights with rows in lanes. Squares of weights, as many of
 * a row as a group has rows, are read row by row and turned over. For few tokens they are
 * multiplied at once; for more, PANEL_GROUPS groups are unpacked, a segment of their
 * weights at a time, into a panel of floats that stays in the first cache while all tokens
 * pass, TILE_TOKENS at a time: 2 + TILE_TOKENS loads then feed 2 * TILE_TOKENS products.
 * The includer is compiled for its level, has included rows_<isa>.h, and defines
 *
 *     FLOATS_NAME(x)   x with the level appended
 *     TILE_TOKENS      tokens that two groups meet at once; at least 4
 *     FOUR_GROUPS      groups that four tokens meet at once; 2 or 4
 *     DIRECT_GROUPS    groups that few tokens meet at once, each a chain of additions that
 *                      the others need not wait for; 2 or 4
 *
 * Invariant: an output's additions come in the order of table.h whatever the tile. */

enum { PANEL_GROUPS = 4, PANEL_ROWS = PANEL_GROUPS * GROUP_ROWS };
enum { SEGMENT = RSN_FLOAT_SEGMENT, TILE_MOST = 2 * TILE_TOKENS };
enum { DIRECT_ROWS = DIRECT_GROUPS * GROUP_ROWS, DIRECT_TOKENS = 2 };

/* A segment's weights: of each group those of all its rows, one weight after another. */
typedef struct panel {
    row_floats group[PANEL_GROUPS][SEGMENT];
} panel;

/* Rows of weights, at most PANEL_ROWS, and of activations. */
typedef struct operands {
    const uint8_t *w, *x;
    size_t w_stride, x_stride, n_rows, n_tokens;
} operands;

RSN_INLINE size_t weight_bytes(rsn_type type) {
    return type == RSN_TYPE_F32 ? 4 : 2;
}

/* GROUP_ROWS weights of each row of a group, turned over: weight by weight. */
RSN_INLINE void read_square(rsn_type type, const uint8_t *w, size_t stride,
                            row_floats *square) {
    row_halves halves[GROUP_ROWS];
    if (type == RSN_TYPE_F32) {
        read_floats(w, stride, square);
        return;
    }
    read_halves(w, stride, halves);
    RSN_UNROLL
    for (size_t i = 0; i < GROUP_ROWS; i++)
        square[i] = type == RSN_TYPE_F16 ? floats_of_f16(halves[i]) : floats_of_bf16(halves[i]);
}

/* The same where only n_rows rows or n weights of them are there; else zeros. */
RSN_NOINLINE void read_rest(rsn_type type, const uint8_t *w, size_t stride, size_t n_rows,
                            size_t n, row_floats *square) {
    uint8_t rest[GROUP_ROWS][4 * GROUP_ROWS] = {{0}};
    for (size_t r = 0; r < n_rows; r++) memcpy(rest[r], w + r * stride, n * weight_bytes(type));
    read_square(type, rest[0], sizeof rest[0], square);
}

/* Asks for what n_rows rows hold AHEAD bytes behind `offset`, or near their end for the
 * beginning of the rows `next` further on. A line holds several squares of halves and is
 * asked for once. */
enum { AHEAD = 512, LINE = 64 };

RSN_INLINE void prefetch_rows(rsn_type type, const uint8_t *w, size_t stride,
                              size_t n_rows, size_t next, size_t offset) {
    const size_t square_bytes = GROUP_ROWS * weight_bytes(type);
    const size_t squares = LINE / square_bytes;
    size_t then = offset + AHEAD, first = offset / square_bytes % squares;
    if (then >= stride) {
        w += next * stride;
        then -= stride;
    }
    for (size_t r = first; r < n_rows; r += squares) prefetch_bytes(w, r * stride + then, 1);
}

/* --- many tokens: panels -------------------------------------------------------------- */

/* n weights of each of a group's rows from byte `offset` on; zeros in lanes that have no
 * row. */
RSN_INLINE void unpack_group(rsn_type type, const uint8_t *w, size_t stride,
                             size_t n_rows, size_t offset, size_t n, row_floats *out) {
    const size_t square_bytes = GROUP_ROWS * weight_bytes(type);
    row_floats rest[GROUP_ROWS];
    size_t i = 0;
    for (; n_rows >= GROUP_ROWS && i + GROUP_ROWS <= n; i += GROUP_ROWS) {
        prefetch_rows(type, w, stride, GROUP_ROWS, PANEL_ROWS, offset);
        read_square(type, w + offset, stride, out + i);
        offset += square_bytes;
    }
    for (; i < n; i += GROUP_ROWS, offset += square_bytes) {
        size_t left = n - i < GROUP_ROWS ? n - i : GROUP_ROWS;
        read_rest(type, w + offset, stride, n_rows < GROUP_ROWS ? n_rows : GROUP_ROWS,
                  left, rest);
        memcpy(out + i, rest, left * sizeof *out);
    }
}

/* out[t * stride + r] += the segment's sum, or = it in the first segment. */
RSN_INLINE void add_segment(bool first, row_floats sum, size_t n_rows, float *out) {
    if (n_rows >= GROUP_ROWS) {
        store_floats(out, (first ? (row_floats){0} : load_floats(out)) + sum);
        return;
    }
    float old[GROUP_ROWS] = {0};
    if (!first) memcpy(old, out, n_rows * sizeof *out);
    store_first_floats(out, n_rows, load_floats(old) + sum);
}

/* n weights of groups of a panel times those of the tokens at x. `out`: of the first group's
 * first row, of n_rows that there are. */
RSN_INLINE void multiply_tile(size_t n_groups, size_t n_tokens,
                              const row_floats *const *groups, size_t n, const uint8_t *x,
                              size_t stride, bool first, size_t n_rows, float *out,
                              size_t out_stride) {
    row_floats sum[TILE_MOST];
    RSN_UNROLL_64
    for (size_t i = 0; i < n_groups * n_tokens; i++) sum[i] = (row_floats){0};
    for (size_t k = 0; k < n; k++) {
        RSN_UNROLL
        for (size_t t = 0; t < n_tokens; t++) {
            row_floats token = fill_floats(x + t * stride + 4 * k);
            RSN_UNROLL
            for (size_t g = 0; g < n_groups; g++)
                sum[g * n_tokens + t] = fuse(groups[g][k], token, sum[g * n_tokens + t]);
        }
    }
    RSN_UNROLL_64
    for (size_t i = 0; i < n_groups * n_tokens; i++) {
        size_t row = i / n_tokens * GROUP_ROWS, t = i % n_tokens;
        if (row < n_rows)
            add_segment(first, sum[i], n_rows - row, out + t * out_stride + row);
    }
}

/* Weights [at, at + n) of the panel's rows times those of all tokens. */
RSN_INLINE void multiply_segment(rsn_type type, size_t at, size_t n, operands o,
                                 float *out, size_t out_stride) {
    panel p;
    const row_floats *groups[PANEL_GROUPS];
    const uint8_t *x = o.x + 4 * at;
    for (size_t g = 0; g < PANEL_GROUPS; g++) {
        size_t row = g * GROUP_ROWS;
        groups[g] = p.group[row < o.n_rows ? g : 0];
        if (row < o.n_rows)
            unpack_group(type, o.w + row * o.w_stride, o.w_stride, o.n_rows - row,
                         at * weight_bytes(type), n, p.group[g]);
    }
    for (size_t t = 0, step; t < o.n_tokens; t += step) {
        size_t left = o.n_tokens - t;
        step = left >= TILE_TOKENS ? TILE_TOKENS : left >= 4 ? 4 : 1;
        size_t n_groups = step == TILE_TOKENS ? 2 : step == 4 ? FOUR_GROUPS : PANEL_GROUPS;
        for (size_t g = 0; g * GROUP_ROWS < o.n_rows; g += n_groups) {
            size_t row = g * GROUP_ROWS, n_rows = o.n_rows - row;
            if (step == TILE_TOKENS)
                multiply_tile(2, TILE_TOKENS, groups + g, n, x, o.x_stride, at == 0,
                              n_rows, out + row, out_stride);
            else if (step == 4)
                multiply_tile(FOUR_GROUPS, 4, groups + g, n, x, o.x_stride, at == 0,
                              n_rows, out + row, out_stride);
            else
                multiply_tile(PANEL_GROUPS, 1, groups + g, n, x, o.x_stride, at == 0,
                              n_rows, out + row, out_stride);
        }
        x += step * o.x_stride;
        out += step * out_stride;
    }
}

/* All weights of at most PANEL_ROWS rows times all tokens. */
RSN_INLINE void multiply_panels(rsn_type type, size_t k, operands o, float *out,
                                size_t out_stride) {
    size_t at = 0;
    do {
        size_t n = k - at < SEGMENT ? k - at : SEGMENT;
        multiply_segment(type, at, n, o, out, out_stride);
        at += n;
    } while (at < k);
}

/* --- few tokens: weights are read and multiplied ---------------------------------------- */

/* sums[] += a weight of every row times those of the tokens at x. */
RSN_INLINE void multiply_weight(size_t n_tokens, row_floats w, const uint8_t *x,
                                size_t x_stride, row_floats *sums) {
    RSN_UNROLL
    for (size_t t = 0; t < n_tokens; t++)
        sums[t] = fuse(w, fill_floats(x + t * x_stride), sums[t]);
}

/* sums[] += n weights from `at` on of DIRECT_ROWS rows. */
RSN_INLINE void add_segment_directly(rsn_type type, size_t n_tokens, size_t at, size_t n,
                                     operands o, row_floats *sums) {
    const size_t end = at + n;
    const uint8_t *w = o.w + at * weight_bytes(type), *x = o.x + 4 * at;
    row_floats square[GROUP_ROWS];
    for (; at + GROUP_ROWS <= end; at += GROUP_ROWS) {
        prefetch_rows(type, o.w, o.w_stride, DIRECT_ROWS, DIRECT_ROWS,
                      at * weight_bytes(type));
        RSN_UNROLL
        for (size_t g = 0; g < DIRECT_GROUPS; g++) {
            read_square(type, w + g * GROUP_ROWS * o.w_stride, o.w_stride, square);
            RSN_UNROLL
            for (size_t k = 0; k < GROUP_ROWS; k++)
                multiply_weight(n_tokens, square[k], x + 4 * k, o.x_stride,
                                sums + g * n_tokens);
        }
        w += GROUP_ROWS * weight_bytes(type);
        x += 4 * GROUP_ROWS;
    }
    for (size_t g = 0; at < end && g < DIRECT_GROUPS; g++) {
        read_rest(type, w + g * GROUP_ROWS * o.w_stride, o.w_stride, GROUP_ROWS, end - at,
                  square);
        for (size_t k = 0; k < end - at; k++)
            multiply_weight(n_tokens, square[k], x + 4 * k, o.x_stride,
                            sums + g * n_tokens);
    }
}

/* DIRECT_ROWS rows. */
RSN_INLINE void multiply_direct(rsn_type type, size_t n_tokens, size_t k, operands o,
                                float *out, size_t out_stride) {
    row_floats total[DIRECT_GROUPS * DIRECT_TOKENS], sums[DIRECT_GROUPS * DIRECT_TOKENS];
    RSN_UNROLL
    for (size_t i = 0; i < DIRECT_GROUPS * n_tokens; i++) total[i] = (row_floats){0};
    for (size_t at = 0; at < k; at += SEGMENT) {
        RSN_UNROLL
        for (size_t i = 0; i < DIRECT_GROUPS * n_tokens; i++) sums[i] = (row_floats){0};
        add_segment_directly(type, n_tokens, at, k - at < SEGMENT ? k - at : SEGMENT, o,
                             sums);
        RSN_UNROLL
        for (size_t i = 0; i < DIRECT_GROUPS * n_tokens; i++) total[i] += sums[i];
    }
    RSN_UNROLL
    for (size_t i = 0; i < DIRECT_GROUPS * n_tokens; i++)
        store_floats(out + i % n_tokens * out_stride + i / n_tokens * GROUP_ROWS, total[i]);
}

RSN_INLINE void multiply_few(rsn_type type, size_t k, operands o, float *out,
                             size_t out_stride) {
    if (o.n_tokens == 2)
        multiply_direct(type, 2, k, o, out, out_stride);
    else if (o.n_tokens == 1)
        multiply_direct(type, 1, k, o, out, out_stride);
}

/* --- all rows -------------------------------------------------------------------------- */

RSN_INLINE void multiply(rsn_type type, size_t k, operands o, float *out,
                         size_t out_stride) {
    operands part = o;
    for (size_t left = o.n_rows; left > 0; left -= part.n_rows) {
        bool few = o.n_tokens <= DIRECT_TOKENS && left >= DIRECT_ROWS;
        size_t most = few ? DIRECT_ROWS : PANEL_ROWS;
        part.n_rows = left < most ? left : most;
        if (few)
            multiply_few(type, k, part, out, out_stride);
        else
            multiply_panels(type, k, part, out, out_stride);
        part.w += part.n_rows * part.w_stride;
        out += part.n_rows;
    }
}

#define DEFINE_PRODUCT(name, type)                                                       \
    void FLOATS_NAME(rsn_product_##name)(                                                \
        size_t k, const void *w, size_t w_stride, size_t n_rows, const void *x,          \
        size_t x_stride, size_t n_tokens, float *out, size_t out_stride) {               \
        const operands o = {w, x, w_stride, x_stride, n_rows, n_tokens};                 \
        multiply(type, k, o, out, out_stride);                                           \
    }

DEFINE_PRODUCT(f32, RSN_TYPE_F32)
DEFINE_PRODUCT(f16, RSN_TYPE_F16)
DEFINE_PRODUCT(bf16, RSN_TYPE_BF16)
