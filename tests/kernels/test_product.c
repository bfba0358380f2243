/* Products of every type: every level, bit for bit, against slow references that spell
 * the order of table.h out; those of floats also against sums in long double. */
#include "product_operands.h"

enum { MAX_TOKENS = 9, MAX_ROWS = 37, FLOAT_ROWS = 67, FLOAT_TOKENS = 18 };

/* Runs the product into a guarded buffer and checks that nothing between the rows is
 * written. */
static guarded run_product(const rsn_kernels *kernels, shape s, const operands *o) {
    size_t out_stride = s.n_rows + s.pad;
    guarded out = guarded_new(s.n_tokens * out_stride * sizeof(float), 4 * s.offset);
    uint8_t *w = pack_rows(kernels, rsn_type_info_get(s.type), s.k, o->w.data,
                           o->w_stride, s.n_rows);
    kernels->product[s.type](s.k, w, o->w_stride, s.n_rows, o->x.data, o->x_stride,
                             s.n_tokens, (float *)(void *)out.data, out_stride);
    free(w);
    for (size_t t = 0; t < s.n_tokens; t++) {
        const uint8_t *gap = out.data + (t * out_stride + s.n_rows) * sizeof(float);
        for (size_t i = 0; i < s.pad * sizeof(float); i++)
            assert_int_equal(gap[i], GUARD);
    }
    return out;
}

static float output_at(const guarded *out, shape s, size_t row, size_t token) {
    return ((const float *)(const void *)out->data)[token * (s.n_rows + s.pad) + row];
}

static float reference_at(shape s, const operands *o, size_t row, size_t token,
                          float *decoded) {
    return reference_of(s.type, o->w.data + row * o->w_stride,
                        o->x.data + token * o->x_stride, s.k, decoded);
}

static float *references_of(shape s, const operands *o) {
    float *wanted = malloc(s.n_rows * s.n_tokens * sizeof *wanted);
    float *decoded = malloc((s.k + 1) * sizeof *decoded);
    assert_true(wanted && decoded);
    for (size_t t = 0; t < s.n_tokens; t++) {
        for (size_t r = 0; r < s.n_rows; r++)
            wanted[t * s.n_rows + r] = reference_at(s, o, r, t, decoded);
    }
    free(decoded);
    return wanted;
}

static void check_shape(uint64_t *state, shape s, content kind) {
    const rsn_kernels *levels[MAX_LEVELS];
    size_t n_levels = find_levels(levels);
    operands o = make_operands(state, s, kind);
    float *wanted = references_of(s, &o);
    for (size_t l = 0; l < n_levels; l++) {
        guarded out = run_product(levels[l], s, &o);
        for (size_t i = 0; i < s.n_tokens * s.n_rows; i++) {
            size_t t = i / s.n_rows, r = i % s.n_rows;
            float got = output_at(&out, s, r, t);
            if (same_float(got, wanted[i])) continue;
            fail_msg("%s at %s, k %zu, %zu rows, %zu tokens: row %zu, token %zu is "
                     "%a, not %a",
                     rsn_type_info_get(s.type)->name, rsn_cpu_name(levels[l]->level), s.k,
                     s.n_rows, s.n_tokens, r, t, (double)got, (double)wanted[i]);
        }
        guarded_free(&out);
    }
    free_operands(&o);
    free(wanted);
}

static size_t block_of(rsn_type type) {
    return rsn_type_info_get(type)->block_elems;
}

/* Every size, with all other things changing along. */
static void check_sizes(rsn_type type, content kind) {
    uint64_t state = 1 + (uint64_t)type;
    size_t n_shapes = block_of(type) > 32 ? 40 : 130;
    for (size_t i = 1; i <= n_shapes; i++) {
        shape s = {.type = type, .k = i * block_of(type), .pad = i % 3, .offset = i % 5};
        s.n_rows = 1 + i * 7 % MAX_ROWS;
        s.n_tokens = 1 + i % MAX_TOKENS;
        if (block_of(type) > 1) s.k = (1 + i % 20) * block_of(type);
        check_shape(&state, s, kind);
    }
}

static void test_kernels_product__sizes(void **unused) {
    (void)unused;
    for (int type = 0; type < RSN_N_TYPES; type++) check_sizes((rsn_type)type, NORMAL);
}

static void test_kernels_product__edge_values(void **unused) {
    (void)unused;
    for (int type = 0; type < RSN_N_TYPES; type++) check_sizes((rsn_type)type, EDGES);
}

static void test_kernels_product__infinity_and_nan(void **unused) {
    (void)unused;
    for (int type = 0; type < RSN_N_TYPES; type++) check_sizes((rsn_type)type, HOSTILE);
}

/* Every number of rows against every number of tokens: all tiles and all their
 * remainders. */
static void test_kernels_product__tiles(void **unused) {
    (void)unused;
    uint64_t state = 5;
    for (int type = 0; type < RSN_N_TYPES; type++) {
        size_t block = block_of((rsn_type)type);
        size_t most_rows = block == 1 ? FLOAT_ROWS : MAX_ROWS;
        size_t most_tokens = block == 1 ? FLOAT_TOKENS : 13;
        size_t k = block == 1 ? 19 : block == 256 ? 256 : 3 * block;
        for (size_t n_rows = 1; n_rows <= most_rows; n_rows++) {
            for (size_t n_tokens = 1; n_tokens <= most_tokens; n_tokens++) {
                shape s = {(rsn_type)type, k, n_rows, n_tokens, 1, 0};
                check_shape(&state, s, NORMAL);
            }
        }
    }
}

static void test_kernels_product__large(void **unused) {
    (void)unused;
    uint64_t state = 9;
    for (int type = 0; type < RSN_N_TYPES; type++) {
        for (size_t n_tokens = 1; n_tokens <= 8; n_tokens += 7) {
            size_t block = block_of((rsn_type)type);
            shape s = {(rsn_type)type, 20000 / block * block + block, 35, n_tokens, 0, 0};
            if (block == 1) s.k = 4143, s.n_rows = 70, s.n_tokens += 5;
            check_shape(&state, s, NORMAL);
        }
    }
}

static void test_kernels_product__nothing(void **unused) {
    (void)unused;
    const rsn_kernels *levels[MAX_LEVELS];
    size_t n_levels = find_levels(levels);
    for (size_t l = 0; l < n_levels; l++) {
        for (int type = 0; type < RSN_N_TYPES; type++) {
            float out[2] = {7, 7}, x[1] = {0};
            levels[l]->product[type](0, x, 0, 1, x, 0, 1, out, 1);
            assert_true(same_float(out[0], 0));
            levels[l]->product[type](0, x, 0, 0, x, 0, 1, out + 1, 1);
            levels[l]->product[type](0, x, 0, 1, x, 0, 0, out + 1, 1);
            assert_true(out[1] == 7);
        }
    }
}

/* |error| of a product of floats: each term passes at most 128 roundings of its segment
 * and one for every segment. */
static void test_kernels_product__error_bound(void **unused) {
    (void)unused;
    uint64_t state = 3;
    for (size_t k = 1; k < 5000; k = k * 3 + 1) {
        float *w = malloc(k * sizeof *w), *x = malloc(k * sizeof *x);
        assert_true(w && x);
        fill_floats(&state, w, k);
        fill_floats(&state, x, k);
        long double exact = 0, magnitude = 0;
        for (size_t i = 0; i < k; i++) {
            exact += (long double)w[i] * x[i];
            magnitude += fabsl((long double)w[i] * x[i]);
        }
        float got;
        rsn_product_f32_generic(k, w, 0, 1, x, 0, 1, &got, 1);
        long double roundings = (k < 128 ? k : 128) + (long double)k / 128 + 1;
        assert_true(fabsl((long double)got - exact) <= magnitude * roundings * 0x1p-24L);
        free(w);
        free(x);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kernels_product__sizes),
        cmocka_unit_test(test_kernels_product__edge_values),
        cmocka_unit_test(test_kernels_product__infinity_and_nan),
        cmocka_unit_test(test_kernels_product__tiles),
        cmocka_unit_test(test_kernels_product__large),
        cmocka_unit_test(test_kernels_product__nothing),
        cmocka_unit_test(test_kernels_product__error_bound),
    };
    return cmocka_run_group_tests_name("kernels/product", tests, NULL, NULL);
}
