/* Attention: every level against generic bit for bit, generic against long double, and
 * the merge of blocks against the order that attention.h promises. */
#include "kernels_common.h"

#include <math.h>

#include "kernels/attention.h"
#include "kernels/mathf.h"

enum { MAX_DIM = 130, MAX_BLOCKS = 6, BLOCK = RSN_ATTENTION_BLOCK };

/* One query and which positions of one head it sees, first <= p < end. */
typedef struct head {
    size_t head_dim;
    float scale, cap;
    const void *const *key_blocks, *const *value_blocks; /* [64][head_dim] each */
    size_t first, end;
    rsn_type type;
} head;

static void attend_head(const rsn_kernels *kernels, const head *h, const float *q,
                        float *out, float *wide) {
    const rsn_attention a = {.head_dim = h->head_dim,
                             .scale = h->scale,
                             .cap = h->cap,
                             .window = h->end - h->first,
                             .type = h->type,
                             .position = h->end - 1,
                             .n_tokens = 1,
                             .n_heads = 1,
                             .q = q,
                             .out = out,
                             .stride = h->head_dim};
    rsn_attention_query query;
    rsn_attention_begin(&a, &query);
    assert_int_equal(rsn_attention_first_block(&a), h->first / BLOCK);
    assert_int_equal(rsn_attention_end_block(&a), (h->end - 1) / BLOCK + 1);
    for (size_t b = h->first / BLOCK; b * BLOCK < h->end; b++)
        rsn_attention_block(
            kernels, &a, b,
            (rsn_attention_rows){h->key_blocks[b], h->value_blocks[b]},
            (rsn_attention_rows){NULL, NULL}, &query, wide);
    rsn_attention_end(kernels, &a, &query);
}

/* A cache of one head: the same values as float32 and as halves, blocks apart in
 * memory. */
typedef struct cache {
    size_t dim, n_positions, n_blocks;
    size_t first; /* visible position */
    float cap;
    float q[MAX_DIM];
    float *k32[MAX_BLOCKS], *v32[MAX_BLOCKS];
    uint16_t *k16[MAX_BLOCKS], *v16[MAX_BLOCKS];
} cache;

static void fill_block(uint64_t *state, size_t n, size_t hidden, size_t n_used,
                       float **wide, uint16_t **half) {
    *wide = malloc((n + 1) * sizeof(float));
    *half = malloc((n + 1) * sizeof(uint16_t));
    assert_true(*wide && *half);
    for (size_t i = 0; i < n; i++) {
        /* What lies before the first and behind the last position must not matter. */
        bool seen = i >= hidden && i < n_used;
        (*half)[i] = seen ? rsn_f16_from_f32(2 * next_float(state)) : 0x7E00;
        (*wide)[i] = rsn_f16_to_f32((*half)[i]);
    }
}

/* Positions [first, n_positions) are visible. */
static cache make_window(uint64_t *state, size_t dim, size_t first, size_t n_positions) {
    cache c;
    memset(&c, 0, sizeof c);
    c.dim = dim;
    c.first = first;
    c.n_positions = n_positions;
    c.n_blocks = (n_positions + BLOCK - 1) / BLOCK;
    fill_floats(state, c.q, dim);
    for (size_t b = 0; b < c.n_blocks; b++) {
        size_t used = n_positions - b * BLOCK < BLOCK ? n_positions - b * BLOCK : BLOCK;
        size_t hidden = first > b * BLOCK ? first - b * BLOCK : 0;
        fill_block(state, BLOCK * dim, hidden * dim, used * dim, &c.k32[b], &c.k16[b]);
        fill_block(state, BLOCK * dim, hidden * dim, used * dim, &c.v32[b], &c.v16[b]);
    }
    return c;
}

static cache make_cache(uint64_t *state, size_t dim, size_t n_positions) {
    return make_window(state, dim, 0, n_positions);
}

static void free_cache(cache *c) {
    for (size_t b = 0; b < c->n_blocks; b++) {
        free(c->k32[b]);
        free(c->v32[b]);
        free(c->k16[b]);
        free(c->v16[b]);
    }
}

/* out[dim]; guards around it and around the scratch. */
static void attend(const rsn_kernels *kernels, const cache *c, bool f16, float scale,
                   float *out) {
    const void *keys[MAX_BLOCKS], *values[MAX_BLOCKS];
    memset(keys, 0, sizeof keys);
    memset(values, 0, sizeof values);
    for (size_t b = c->first / BLOCK; b < c->n_blocks; b++) {
        keys[b] = f16 ? (const void *)c->k16[b] : c->k32[b];
        values[b] = f16 ? (const void *)c->v16[b] : c->v32[b];
    }
    guarded result = guarded_new(c->dim * sizeof(float), 4);
    guarded scratch =
        guarded_new(rsn_attention_wide_floats(c->dim) * sizeof(float), 4);
    const head seen = {.head_dim = c->dim,
                                .scale = scale,
                                .cap = c->cap,
                                .key_blocks = keys,
                                .value_blocks = values,
                                .first = c->first,
                                .end = c->n_positions,
                                .type = f16 ? RSN_TYPE_F16 : RSN_TYPE_F32};
    attend_head(kernels, &seen, c->q, (float *)(void *)result.data,
                       (float *)(void *)scratch.data);
    memcpy(out, result.data, c->dim * sizeof(float));
    guarded_free(&result);
    guarded_free(&scratch);
}

static void check_against_exact(const cache *c, float scale, const float *out) {
    long double scores[MAX_BLOCKS * BLOCK], top = -INFINITY, sum = 0;
    for (size_t p = c->first; p < c->n_positions; p++) {
        const float *key = c->k32[p / BLOCK] + p % BLOCK * c->dim;
        scores[p] = 0;
        for (size_t i = 0; i < c->dim; i++) scores[p] += (long double)c->q[i] * key[i];
        scores[p] *= scale;
        if (c->cap > 0) scores[p] = c->cap * tanhl(scores[p] / c->cap);
        top = fmaxl(top, scores[p]);
    }
    for (size_t p = c->first; p < c->n_positions; p++)
        sum += scores[p] = expl(scores[p] - top);
    for (size_t i = 0; i < c->dim; i++) {
        long double wanted = 0;
        for (size_t p = c->first; p < c->n_positions; p++) {
            wanted += scores[p] / sum * c->v32[p / BLOCK][p % BLOCK * c->dim + i];
        }
        /* Values are below 2 and weights sum to 1; a score below 2 * dim is off by at
         * most (dim / 16 + 7) of its roundings, sums of 64 and the merges by less than
         * 100 each. */
        long double bound =
            2 * (2.0L * c->dim * scale * (c->dim / 16.0L + 7) + 200) * 0x1p-24L;
        assert_true(fabsl(out[i] - wanted) <= bound);
    }
}

static void check_window(uint64_t *state, size_t dim, size_t first, size_t n_positions,
                         float cap) {
    const rsn_kernels *levels[MAX_LEVELS];
    size_t n_levels = find_levels(levels);
    float wanted[MAX_DIM], got[MAX_DIM], scale = 1 / sqrtf((float)dim);
    cache c = make_window(state, dim, first, n_positions);
    c.cap = cap;
    attend(levels[0], &c, false, scale, wanted);
    check_against_exact(&c, scale, wanted);
    for (size_t l = 0; l < n_levels; l++) {
        for (int f16 = 0; f16 <= 1; f16++) {
            attend(levels[l], &c, f16, scale, got);
            assert_same_floats(got, wanted, dim, levels[l]->level, "attention",
                               n_positions);
        }
    }
    free_cache(&c);
}

static void check_cache(uint64_t *state, size_t dim, size_t n_positions) {
    check_window(state, dim, 0, n_positions, 0);
}

static void test_kernels_attention__positions(void **unused) {
    (void)unused;
    uint64_t state = 1;
    for (size_t n = 1; n <= MAX_BLOCKS * BLOCK; n += n < 132 ? 1 : 17)
        check_cache(&state, 24, n);
    check_cache(&state, 24, MAX_BLOCKS * BLOCK);
}

static void test_kernels_attention__head_sizes(void **unused) {
    (void)unused;
    uint64_t state = 2;
    for (size_t dim = 1; dim <= MAX_DIM; dim++) check_cache(&state, dim, 65 + dim);
}

/* Both ends anywhere in a block, also in the same one. */
static void test_kernels_attention__windows(void **unused) {
    (void)unused;
    uint64_t state = 5;
    for (size_t end = 1; end <= 200; end += 13) {
        for (size_t first = 0; first < end; first += 1 + first / 9)
            check_window(&state, 12, first, end, 0);
        check_window(&state, 12, end - 1, end, 0);
    }
    for (size_t edge = 62; edge <= 66; edge++) {
        check_window(&state, 12, edge, 130, 0);
        check_window(&state, 12, edge, edge + 64, 0);
        check_window(&state, 12, 1, edge + 1, 0);
    }
}

static void test_kernels_attention__caps(void **unused) {
    (void)unused;
    uint64_t state = 6;
    static const float caps[] = {0.5f, 3, 50};
    for (size_t i = 0; i < sizeof caps / sizeof *caps; i++) {
        check_window(&state, 40, 0, 100, caps[i]);
        check_window(&state, 7, 33, 150, caps[i]);
    }
}

/* A window that begins at a block's first position gives the bits of a shorter cache. */
static void test_kernels_attention__window_is_all_there_is(void **unused) {
    (void)unused;
    uint64_t state = 7;
    const rsn_kernels *k = rsn_kernels_for(REASON_CPU_GENERIC);
    cache whole = make_window(&state, 8, BLOCK, 3 * BLOCK - 5), rest = whole;
    float windowed[8], alone[8];
    for (size_t b = 1; b < 3; b++) {
        rest.k32[b - 1] = whole.k32[b];
        rest.v32[b - 1] = whole.v32[b];
    }
    rest.first = 0;
    rest.n_positions -= BLOCK;
    rest.n_blocks--;
    attend(k, &whole, false, 0.3f, windowed);
    attend(k, &rest, false, 0.3f, alone);
    assert_memory_equal(windowed, alone, sizeof alone);
    free_cache(&whole);
}

/* Two blocks, merged by hand. */
static void test_kernels_attention__merge_order(void **unused) {
    (void)unused;
    uint64_t state = 3;
    const rsn_kernels *k = rsn_kernels_for(REASON_CPU_GENERIC);
    cache c = make_cache(&state, 1, BLOCK + 2);
    float out, top[2], sum[2], vector[2] = {0, 0};
    for (size_t b = 0; b < 2; b++) {
        float scores[BLOCK];
        size_t n = b == 0 ? BLOCK : 2;
        for (size_t i = 0; i < n; i++) scores[i] = c.q[0] * c.k32[b][i] * 3.0f;
        top[b] = k->max(scores, n);
        sum[b] = k->exp_sum(scores, top[b], n);
        for (size_t i = 0; i < n; i++) vector[b] = fmaf(scores[i], c.v32[b][i], vector[b]);
    }
    float all = top[1] > top[0] ? top[1] : top[0];
    float first = rsn_expf(top[0] - all), second = rsn_expf(top[1] - all);
    float total = fmaf(sum[1], second, sum[0] * first);
    float wanted = fmaf(second, vector[1], vector[0] * first) * (1.0f / total);
    attend(k, &c, false, 3.0f, &out);
    assert_true(same_float(out, wanted));
    free_cache(&c);
}

/* A score that is no number must be seen in the result, whichever block it is in. */
static void test_kernels_attention__nan_is_not_hidden(void **unused) {
    (void)unused;
    uint64_t state = 4;
    const rsn_kernels *levels[MAX_LEVELS];
    size_t n_levels = find_levels(levels);
    for (size_t at = 0; at < 150; at += 37) {
        cache c = make_cache(&state, 3, 150);
        c.k32[at / BLOCK][at % BLOCK * 3] = NAN;
        for (size_t l = 0; l < n_levels; l++) {
            float out[3];
            attend(levels[l], &c, false, 1, out);
            assert_true(isnan(out[0]) && isnan(out[1]) && isnan(out[2]));
        }
        free_cache(&c);
    }
}

/* Random blocks of a type with a half-precision scale at their start. */
static void fill_rows(uint64_t *state, const rsn_type_info *type, uint8_t *rows,
                      size_t n_bytes) {
    for (size_t i = 0; i < n_bytes; i++) rows[i] = (uint8_t)next_random(state);
    for (size_t i = 0; i < n_bytes; i += type->block_bytes) {
        uint16_t scale = rsn_f16_from_f32(next_float(state) * 0.05f);
        memcpy(rows + i, &scale, sizeof scale);
    }
}

/* Keys and values in blocks give what their float32 values give, bit for bit. */
static void check_blocks(uint64_t *state, rsn_type kind, size_t dim, size_t n) {
    const rsn_type_info *type = rsn_type_info_get(kind);
    const rsn_kernels *levels[MAX_LEVELS];
    size_t n_levels = find_levels(levels), n_blocks = (n + BLOCK - 1) / BLOCK;
    size_t n_bytes = BLOCK * rsn_type_row_bytes(type, dim);
    uint8_t *rows[2 * MAX_BLOCKS];
    float *wide[2 * MAX_BLOCKS], q[128], wanted[128], got[128];
    const void *packed[2 * MAX_BLOCKS], *plain[2 * MAX_BLOCKS];
    fill_floats(state, q, dim);
    for (size_t b = 0; b < 2 * n_blocks; b++) {
        packed[b] = rows[b] = malloc(n_bytes);
        plain[b] = wide[b] = malloc(BLOCK * dim * sizeof(float));
        assert_true(rows[b] && wide[b]);
        fill_rows(state, type, rows[b], n_bytes);
        rsn_type_decode(type, rows[b], wide[b], BLOCK * dim);
    }
    float *scratch = malloc(rsn_attention_wide_floats(dim) * sizeof(float));
    assert_non_null(scratch);
    for (size_t l = 0; l < n_levels; l++) {
        head seen = {.head_dim = dim,
                              .scale = 0.125f,
                              .key_blocks = plain,
                              .value_blocks = plain + n_blocks,
                              .first = n / 3,
                              .end = n,
                              .type = RSN_TYPE_F32};
        attend_head(levels[l], &seen, q, wanted, scratch);
        seen.key_blocks = packed;
        seen.value_blocks = packed + n_blocks;
        seen.type = kind;
        attend_head(levels[l], &seen, q, got, scratch);
        assert_same_floats(got, wanted, dim, levels[l]->level, type->name, n);
    }
    for (size_t b = 0; b < 2 * n_blocks; b++) {
        free(rows[b]);
        free(wide[b]);
    }
    free(scratch);
}

static void test_kernels_attention__blocks(void **unused) {
    (void)unused;
    uint64_t state = 6;
    for (size_t dim = 32; dim <= 128; dim += 32)
        for (size_t n = 1; n <= MAX_BLOCKS * BLOCK; n += 29) {
            check_blocks(&state, RSN_TYPE_Q8_0, dim, n);
            check_blocks(&state, RSN_TYPE_Q4_0, dim, n);
        }
}

/* ||out - wanted|| / ||wanted|| of one head whose keys and values were kept in `kind`. */
static double head_error(uint64_t *state, rsn_type kind, size_t dim, size_t n) {
    const rsn_type_info *type = rsn_type_info_get(kind);
    const rsn_kernels *k = rsn_kernels_for(REASON_CPU_GENERIC);
    size_t n_blocks = (n + BLOCK - 1) / BLOCK, n_values = n_blocks * BLOCK * dim;
    size_t n_bytes = rsn_type_row_bytes(type, n_values), block = n_bytes / n_blocks;
    float *wide = malloc(2 * n_values * sizeof *wide), q[128], wanted[128], got[128];
    float *scratch = malloc(rsn_attention_wide_floats(dim) * sizeof(float));
    uint8_t *rows = malloc(2 * n_bytes);
    const void *plain[2 * MAX_BLOCKS], *packed[2 * MAX_BLOCKS];
    assert_true(wide && rows && scratch);
    fill_floats(state, q, dim);
    fill_floats(state, wide, 2 * n_values);
    type->encode(wide, NULL, rows, 2 * n_values);
    for (size_t b = 0; b < 2 * n_blocks; b++) {
        plain[b] = wide + b * BLOCK * dim;
        packed[b] = rows + b * block;
    }
    head seen = {.head_dim = dim,
                          .scale = 1 / sqrtf((float)dim),
                          .key_blocks = plain,
                          .value_blocks = plain + n_blocks,
                          .end = n,
                          .type = RSN_TYPE_F32};
    attend_head(k, &seen, q, wanted, scratch);
    seen.key_blocks = packed;
    seen.value_blocks = packed + n_blocks;
    seen.type = kind;
    attend_head(k, &seen, q, got, scratch);
    double error = 0, size = 0;
    for (size_t i = 0; i < dim; i++) {
        error += ((double)got[i] - wanted[i]) * ((double)got[i] - wanted[i]);
        size += (double)wanted[i] * wanted[i];
    }
    free(wide);
    free(rows);
    free(scratch);
    return sqrt(error / size);
}

/* Per head against float32: half a step of 127 or of 8 in each value, and of keys. */
static void test_kernels_attention__error_of_blocks(void **unused) {
    (void)unused;
    uint64_t state = 7;
    double worst[2] = {0, 0};
    for (size_t dim = 32; dim <= 128; dim += 32)
        for (size_t n = 1; n <= MAX_BLOCKS * BLOCK; n += 41) {
            double q8 = head_error(&state, RSN_TYPE_Q8_0, dim, n);
            double q4 = head_error(&state, RSN_TYPE_Q4_0, dim, n);
            worst[0] = q8 > worst[0] ? q8 : worst[0];
            worst[1] = q4 > worst[1] ? q4 : worst[1];
        }
    print_message("worst error of a head: Q8_0 %.2g, Q4_0 %.2g\n", worst[0], worst[1]);
    assert_true(worst[0] < 0.01 && worst[1] < 0.15 && worst[0] > 0 && worst[1] > 0);
}

/* What queries share: a head of keys and values in one type. */
typedef struct shared {
    rsn_attention a;
    size_t n_blocks, block_bytes;
    uint8_t *rows; /* [2][n_blocks][block_bytes]: keys, values */
    float *q;      /* [n_tokens][stride] */
} shared;

static rsn_attention_rows rows_of(const shared *s, size_t block) {
    const uint8_t *keys = s->rows + block * s->block_bytes;
    return (rsn_attention_rows){keys, keys + s->n_blocks * s->block_bytes};
}

/* Rows that no query may read hold NaN, as those of the last token do with `poisoned`. */
static shared make_shared(uint64_t *state, rsn_attention a, bool poisoned) {
    const rsn_type_info *type = rsn_type_info_get(a.type);
    size_t row_bytes = rsn_type_row_bytes(type, a.head_dim);
    size_t end = a.position + a.n_tokens;
    size_t begin = a.window && a.position + 1 > a.window ? a.position + 1 - a.window : 0;
    shared s = {.a = a, .n_blocks = (end + BLOCK - 1) / BLOCK};
    s.block_bytes = BLOCK * row_bytes;
    s.rows = malloc(2 * s.n_blocks * s.block_bytes);
    s.q = malloc(a.n_tokens * a.stride * sizeof *s.q);
    assert_true(s.rows && s.q);
    memset(s.rows, 0xFF, 2 * s.n_blocks * s.block_bytes);
    fill_floats(state, s.q, a.n_tokens * a.stride);
    for (size_t i = begin; i < end - poisoned; i++)
        for (size_t value = 0; value < 2; value++) {
            float wide[MAX_DIM];
            fill_floats(state, wide, a.head_dim);
            type->encode(wide, NULL,
                         s.rows + (value * s.n_blocks * BLOCK + i) * row_bytes,
                         a.head_dim);
        }
    s.a.q = s.q;
    return s;
}

/* All queries together; `apart`: each block for itself, merged afterwards. */
static void attend_shared(const rsn_kernels *k, const shared *s, bool apart, float *out) {
    rsn_attention a = s->a, right = s->a;
    size_t n_queries = a.n_tokens * a.n_heads, dim = a.head_dim;
    guarded wide = guarded_new(rsn_attention_wide_floats(dim) * sizeof(float), 4);
    guarded part = guarded_new(a.n_tokens * a.stride * sizeof(float), 4);
    rsn_attention_query all[RSN_ATTENTION_QUERIES], one[RSN_ATTENTION_QUERIES];
    a.out = out;
    right.out = (float *)(void *)part.data;
    rsn_attention_begin(&a, all);
    for (size_t b = rsn_attention_first_block(&a); b < rsn_attention_end_block(&a); b++) {
        if (apart) rsn_attention_begin(&right, one);
        rsn_attention_block(k, &a, b, rows_of(s, b), rows_of(s, 0), apart ? one : all,
                            (float *)(void *)wide.data);
        for (size_t i = 0; apart && i < n_queries; i++)
            if (one[i].begun) rsn_attention_merge(k, dim, &all[i], &one[i]);
    }
    rsn_attention_end(k, &a, all);
    guarded_free(&wide);
    guarded_free(&part);
}

/* Query by query in plain C. */
static void attend_alone(const shared *s, float *out) {
    for (size_t t = 0; t < s->a.n_tokens; t++)
        for (size_t h = 0; h < s->a.n_heads; h++) {
            size_t at = t * s->a.stride + h * s->a.head_dim;
            shared one = *s;
            one.a.position += t;
            one.a.n_tokens = one.a.n_heads = 1;
            one.a.q = s->q + at;
            attend_shared(rsn_kernels_for(REASON_CPU_GENERIC), &one, false, out + at);
        }
}

static void check_shared(uint64_t *state, rsn_attention a, bool poisoned) {
    const rsn_kernels *levels[MAX_LEVELS];
    size_t n_levels = find_levels(levels), n;
    a.stride = a.n_heads * a.head_dim + 3;
    n = a.n_tokens * a.stride;
    shared s = make_shared(state, a, poisoned);
    float *wanted = calloc(2 * n, sizeof *wanted), *got = wanted + n;
    assert_non_null(wanted);
    attend_alone(&s, wanted);
    for (size_t l = 0; l < n_levels; l++)
        for (int apart = 0; apart < 2; apart++) {
            attend_shared(levels[l], &s, apart, got);
            assert_same_floats(got, wanted, n, levels[l]->level, "queries together",
                               a.position);
        }
    for (size_t i = 0; i < n; i++)
        assert_true((wanted[i] != wanted[i]) ==
                    (poisoned && i >= n - a.stride && i < n - 3));
    free(wanted);
    free(s.rows);
    free(s.q);
}

/* Groups of 1 to 8 heads, 1 to 9 tokens, ends of blocks, windows, caps and all types:
 * together as alone. */
static void test_kernels_attention__queries_together(void **unused) {
    (void)unused;
    static const rsn_type types[] = {RSN_TYPE_F32, RSN_TYPE_F16, RSN_TYPE_Q8_0,
                                     RSN_TYPE_Q4_0};
    static const size_t positions[] = {0, 5, 62, 63, 64, 100, 127, 200};
    static const size_t windows[] = {0, 1, 3, 40, 64, 65, 130};
    uint64_t state = 8;
    for (size_t i = 0; i < 1200; i++) {
        rsn_attention a = {.scale = 0.3f, .n_heads = 1 + next_random(&state) % 8};
        bool any = a.n_heads < 4 && i % 2;
        size_t most = RSN_ATTENTION_QUERIES / a.n_heads;
        a.type = types[i % 4];
        a.head_dim = i % 4 < 2 ? 1 + next_random(&state) % MAX_DIM
                               : 32 * (1 + next_random(&state) % 4);
        a.n_tokens = 1 + next_random(&state) % (any || most < 9 ? most : 9);
        a.position = positions[next_random(&state) % (sizeof positions / sizeof(size_t))];
        a.window = windows[next_random(&state) % (sizeof windows / sizeof(size_t))];
        a.cap = next_random(&state) % 3 ? 0 : 2;
        check_shared(&state, a, false);
        if (i % 5 == 0 && a.type <= RSN_TYPE_F16) check_shared(&state, a, true);
    }
}

static void test_kernels_attention__types(void **unused) {
    (void)unused;
    for (int type = 0; type < RSN_N_TYPES; type++)
        assert_true(rsn_attention_takes((rsn_type)type) ==
                    (type == RSN_TYPE_F32 || type == RSN_TYPE_F16 ||
                     type == RSN_TYPE_Q8_0 || type == RSN_TYPE_Q4_0));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kernels_attention__positions),
        cmocka_unit_test(test_kernels_attention__head_sizes),
        cmocka_unit_test(test_kernels_attention__windows),
        cmocka_unit_test(test_kernels_attention__caps),
        cmocka_unit_test(test_kernels_attention__window_is_all_there_is),
        cmocka_unit_test(test_kernels_attention__merge_order),
        cmocka_unit_test(test_kernels_attention__nan_is_not_hidden),
        cmocka_unit_test(test_kernels_attention__queries_together),
        cmocka_unit_test(test_kernels_attention__blocks),
        cmocka_unit_test(test_kernels_attention__error_of_blocks),
        cmocka_unit_test(test_kernels_attention__types),
    };
    return cmocka_run_group_tests_name("kernels/attention", tests, NULL, NULL);
}
