/* Products: the generic ones against slow references that spell the order of table.h out,
 * and against sums in long double; every level against generic, bit for bit. */
#include "kernels_common.h"

#include <math.h>

#include "kernels/product.h"
#include "kernels/q8.h"

enum { MAX_TOKENS = 9, MAX_ROWS = 37 };

/* One product to try. Strides have `pad` bytes (floats for out) more than needed. */
typedef struct shape {
    rsn_type type;
    size_t k, n_rows, n_tokens, pad, offset;
} shape;

typedef enum content { NORMAL, EDGES, HOSTILE } content;

typedef struct operands {
    guarded w, x;
    size_t w_stride, x_stride;
} operands;

static const float EDGE_VALUES[] = {0.0f,     -0.0f,     1.0f,      -1.0f,
                                    65504.0f, -65504.0f, 0x1p-24f,  -0x1p-24f,
                                    0x1p-14f, 1e-30f,    0x1p-149f, 3e38f};

static const float HOSTILE_VALUES[] = {INFINITY, -INFINITY, NAN, 0.0f, 1.0f, 3e38f};

static float pick_value(uint64_t *state, content kind) {
    uint32_t r = next_random(state);
    if (kind == NORMAL || r % 3) return next_float(state);
    if (kind == EDGES) return EDGE_VALUES[r / 3 % (sizeof EDGE_VALUES / sizeof(float))];
    return HOSTILE_VALUES[r / 3 % (sizeof HOSTILE_VALUES / sizeof(float))];
}

static void fill_q8_0_row(uint64_t *state, uint8_t *row, size_t k, content kind) {
    for (size_t b = 0; b < k / RSN_Q8_BLOCK; b++, row += RSN_Q8_0_BYTES) {
        uint16_t scale = rsn_f16_from_f32(pick_value(state, kind) * 0.01f);
        if (kind == EDGES && next_random(state) % 4 == 0) scale = 1; /* subnormal */
        memcpy(row, &scale, 2);
        for (size_t j = 0; j < RSN_Q8_BLOCK; j++) {
            row[2 + j] = kind == EDGES && next_random(state) % 2
                             ? 0x80 /* -128, which encoders never write */
                             : (uint8_t)next_random(state);
        }
    }
}

static operands make_operands(uint64_t *state, shape s, content kind) {
    const rsn_type_info *info = rsn_type_info_get(s.type);
    operands o;
    size_t row_bytes = s.k / info->block_elems * info->block_bytes;
    o.w_stride = row_bytes + s.pad;
    o.x_stride = rsn_act_row_bytes(info->act, s.k) + 4 * s.pad;
    o.w = guarded_new(s.n_rows * o.w_stride, s.offset);
    o.x = guarded_new(s.n_tokens * o.x_stride, 4 * s.offset);
    float *row = malloc((s.k + 1) * sizeof *row);
    assert_non_null(row);
    for (size_t r = 0; r < s.n_rows; r++) {
        for (size_t i = 0; i < s.k; i++) row[i] = pick_value(state, kind);
        if (s.type == RSN_TYPE_Q8_0) {
            fill_q8_0_row(state, o.w.data + r * o.w_stride, s.k, kind);
        } else {
            info->encode(row, o.w.data + r * o.w_stride, s.k);
        }
    }
    for (size_t t = 0; t < s.n_tokens; t++) {
        uint8_t *x = o.x.data + t * o.x_stride;
        for (size_t i = 0; i < s.k; i++) row[i] = pick_value(state, kind);
        if (info->act == RSN_ACT_F32)
            memcpy(x, row, s.k * sizeof *row);
        else
            rsn_quantize_q8_generic(row, s.k, x);
    }
    free(row);
    return o;
}

static void free_operands(operands *o) {
    guarded_free(&o->w);
    guarded_free(&o->x);
}

/* Runs the product into a guarded buffer and checks that nothing between the rows is
 * written. */
static guarded run_product(const rsn_kernels *kernels, shape s, const operands *o) {
    size_t out_stride = s.n_rows + s.pad;
    guarded out = guarded_new(s.n_tokens * out_stride * sizeof(float), 4 * s.offset);
    kernels->product[s.type](s.k, o->w.data, o->w_stride, s.n_rows, o->x.data,
                             o->x_stride, s.n_tokens, (float *)(void *)out.data,
                             out_stride);
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

/* The order of table.h, written down once more. */
static float float_reference(const float *w, const float *x, size_t k) {
    float s[16] = {0};
    for (size_t i = 0; i < k; i++) {
        float product = w[i] * x[i];
        s[i % 16] = s[i % 16] + product;
    }
    float a[8], b[4];
    for (int j = 0; j < 8; j++) a[j] = s[j] + s[j + 8];
    for (int j = 0; j < 4; j++) b[j] = a[j] + a[j + 4];
    float c = b[0] + b[2], d = b[1] + b[3];
    return c + d;
}

static float q8_0_reference(const uint8_t *w, const uint8_t *x, size_t k) {
    float sum = 0;
    for (size_t b = 0; b < k / 32; b++) {
        int32_t products = 0;
        for (size_t j = 0; j < 32; j++) {
            products += (int8_t)w[34 * b + 2 + j] * (int8_t)x[32 * b + j];
        }
        float scale_x;
        memcpy(&scale_x, x + k + 4 * b, 4);
        float scale = rsn_f16_to_f32(rsn_load_u16(w + 34 * b)) * scale_x;
        float step = scale * (float)products;
        sum = sum + step;
    }
    return sum;
}

static float reference_at(shape s, const operands *o, size_t row, size_t token,
                          float *decoded) {
    const uint8_t *w = o->w.data + row * o->w_stride,
                  *x = o->x.data + token * o->x_stride;
    if (s.type == RSN_TYPE_Q8_0) return q8_0_reference(w, x, s.k);
    rsn_type_info_get(s.type)->decode(w, decoded, s.k);
    return float_reference(decoded, (const float *)(const void *)x, s.k);
}

static void check_shape(uint64_t *state, shape s, content kind) {
    const rsn_kernels *levels[MAX_LEVELS];
    size_t n_levels = find_levels(levels);
    float *decoded = malloc((s.k + 1) * sizeof *decoded);
    operands o = make_operands(state, s, kind);
    assert_non_null(decoded);
    for (size_t l = 0; l < n_levels; l++) {
        guarded out = run_product(levels[l], s, &o);
        for (size_t t = 0; t < s.n_tokens; t++) {
            for (size_t r = 0; r < s.n_rows; r++) {
                float got = output_at(&out, s, r, t);
                float wanted = reference_at(s, &o, r, t, decoded);
                if (same_float(got, wanted)) continue;
                fail_msg("%s at %s, k %zu, %zu rows, %zu tokens: row %zu, token %zu is "
                         "%a, not %a",
                         rsn_type_info_get(s.type)->name, rsn_cpu_name(levels[l]->level),
                         s.k, s.n_rows, s.n_tokens, r, t, (double)got, (double)wanted);
            }
        }
        guarded_free(&out);
    }
    free_operands(&o);
    free(decoded);
}

static size_t block_of(rsn_type type) {
    return rsn_type_info_get(type)->block_elems;
}

/* Every size, with all other things changing along. */
static void check_sizes(rsn_type type, content kind) {
    uint64_t state = 1 + (uint64_t)type;
    for (size_t i = 1; i <= 130; i++) {
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
        for (size_t n_rows = 1; n_rows <= MAX_ROWS; n_rows++) {
            for (size_t n_tokens = 1; n_tokens <= 13; n_tokens++) {
                size_t k = block_of((rsn_type)type) == 1 ? 19 : 64;
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
        /* Rows of Q8_0 above 1536 bytes take another way with one token. */
        for (size_t n_tokens = 1; n_tokens <= 8; n_tokens += 7) {
            shape s = {(rsn_type)type, 4128, 35, n_tokens, 0, 0};
            if (block_of((rsn_type)type) == 1) s.k += 15;
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

/* The extremes of the integer sum: 32 * 128 * 127 either way must come out whole. */
static void test_kernels_product__no_saturation(void **unused) {
    (void)unused;
    const rsn_kernels *levels[MAX_LEVELS];
    size_t n_levels = find_levels(levels);
    uint8_t w[16 * 34], x[128];
    float floats[32], out[16];
    uint16_t one = rsn_f16_from_f32(1.0f);
    for (int sign = -1; sign <= 1; sign += 2) {
        for (size_t j = 0; j < 32; j++) floats[j] = (float)(127 * sign);
        rsn_quantize_q8_generic(floats, 32, x);
        for (size_t r = 0; r < 16; r++) {
            memset(w + 34 * r, 0x80, 34);
            memcpy(w + 34 * r, &one, 2);
        }
        for (size_t l = 0; l < n_levels; l++) {
            for (size_t n_rows = 1; n_rows <= 16; n_rows += 5) {
                levels[l]->product[RSN_TYPE_Q8_0](32, w, 34, n_rows, x, 128, 1, out, 16);
                for (size_t r = 0; r < n_rows; r++) {
                    assert_true(out[r] == (float)(-128 * 127 * 32 * sign));
                }
            }
        }
    }
}

/* |error| of a float sum in 16 lanes: each term passes k / 16 + 1 + 4 roundings of its
 * lane and the fold, and one of its product. */
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
        float got = rsn_dot_f32_generic(w, x, k);
        long double bound = magnitude * ((long double)k / 16 + 6) * 0x1p-24L;
        assert_true(fabsl((long double)got - exact) <= bound);
        free(w);
        free(x);
    }
}

static void test_kernels_product__dots(void **unused) {
    (void)unused;
    const rsn_kernels *levels[MAX_LEVELS];
    size_t n_levels = find_levels(levels);
    uint64_t state = 4;
    float a[131], b[131], widened[131];
    uint16_t h[131];
    for (size_t n = 0; n <= 130; n++) {
        fill_floats(&state, a, n + 1);
        fill_floats(&state, b, n + 1);
        for (size_t i = 0; i < n; i++) {
            h[i] = rsn_f16_from_f32(a[i]);
            widened[i] = rsn_f16_to_f32(h[i]);
        }
        for (size_t l = 0; l < n_levels; l++) {
            assert_true(
                same_float(levels[l]->dot_f32(a, b, n), float_reference(a, b, n)));
            assert_true(
                same_float(levels[l]->dot_f16(h, b, n), float_reference(widened, b, n)));
        }
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
        cmocka_unit_test(test_kernels_product__no_saturation),
        cmocka_unit_test(test_kernels_product__error_bound),
        cmocka_unit_test(test_kernels_product__dots),
    };
    return cmocka_run_group_tests_name("kernels/product", tests, NULL, NULL);
}
