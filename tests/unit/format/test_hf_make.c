/* Tensors that are made of a folder's bytes, each operation against a slow statement of
 * what it means. */
#include "unit/format/support.h"

#include <math.h>
#include <stdlib.h>

#include "format/hf_make.h"

/* Bytes as a file, and the tensor that is made of all of them. */
static uint8_t *run(struct rsn_make *make, const void *bytes, size_t n,
                    const rsn_gguf_tensor *t) {
    gguf_bytes b = {0};
    rsn_file file;
    gguf_put(&b, bytes, n);
    if (make->op == RSN_MAKE_UNPACK) { /* the scale stands behind the weights */
        const float scale = 0.75f;
        make->scale = (rsn_make_from){0, n, sizeof scale, make->scale.dtype};
        gguf_put(&b, &scale, sizeof scale);
    }
    char *path = gguf_save(&b);
    make->from = (rsn_make_from){0, 0, n, make->from.dtype};
    uint8_t *out = malloc((size_t)t->n_bytes);
    assert_non_null(out);
    memset(out, 0xA5, (size_t)t->n_bytes);
    assert_int_equal(rsn_file_open(path, &file), REASON_OK);
    reason_status status = rsn_make_run(make, &file, true, NULL, t, out);
    if (status != REASON_OK)
        fail_msg("%s", rsn_last_error());
    rsn_file_close(&file);
    gguf_remove(path);
    gguf_free(&b);
    return out;
}

static rsn_gguf_tensor tensor(rsn_type type, size_t cols, size_t rows, size_t tail) {
    const rsn_type_info *info = rsn_type_info_get(type);
    return (rsn_gguf_tensor){.name = {"t", 1},
                             .n_dims = 2,
                             .ne = {cols, rows, 1, 1},
                             .type = info,
                             .n_bytes = rsn_type_row_bytes(info, cols) * rows + tail};
}

static const rsn_st_dtype *dtype(const char *name) {
    return rsn_st_dtype_find((rsn_text){name, strlen(name)});
}

/* Row `pair` of half `half` of a head: neighbour 2 pair + half in the result. */
static size_t moved(size_t row, size_t dim) {
    size_t in_head = row % dim, half = in_head / (dim / 2), pair = in_head % (dim / 2);
    return row - in_head + 2 * pair + half;
}

static void test_rows(void **state) {
    (void)state;
    enum { HEADS = 3, DIM = 6, ROWS = HEADS * DIM, COLS = 5 };
    uint16_t from[ROWS][COLS];
    for (size_t i = 0; i < ROWS; i++)
        for (size_t k = 0; k < COLS; k++)
            from[i][k] = (uint16_t)(100 * i + k);
    struct rsn_make make = {
        .op = RSN_MAKE_ROWS, .from.dtype = dtype("BF16"), .rows = ROWS, .cols = COLS};
    rsn_gguf_tensor t = tensor(RSN_TYPE_BF16, COLS, ROWS, 0);
    uint8_t *out = run(&make, from, sizeof from, &t);
    assert_memory_equal(out, from, sizeof from);
    free(out);
    make.n_heads = HEADS;
    out = run(&make, from, sizeof from, &t);
    for (size_t i = 0; i < ROWS; i++)
        assert_memory_equal(out + moved(i, DIM) * sizeof from[0], from[i],
                            sizeof from[0]);
    free(out);
}

static void test_vector(void **state) {
    (void)state;
    enum { N = 8 };
    const float from[N] = {-0.0f, 1.5f, -1, 1e-30f, 1e30f, 3, -7, 0.25f};
    struct rsn_make make = {
        .op = RSN_MAKE_VECTOR, .from.dtype = dtype("F32"), .rows = N, .cols = 1};
    rsn_gguf_tensor t = tensor(RSN_TYPE_F32, N, 1, 0);
    uint8_t *out = run(&make, from, sizeof from, &t);
    assert_memory_equal(out, from, sizeof from); /* a negative 0 too */
    free(out);
    make.add = 1;
    make.n_heads = 2;
    out = run(&make, from, sizeof from, &t);
    for (size_t i = 0; i < N; i++) {
        float x, wanted = from[i] + 1.0f;
        memcpy(&x, out + moved(i, N / 2) * sizeof x, sizeof x);
        assert_true(x == wanted);
    }
    free(out);
}

/* Value of an F8_E4M3 code by its definition. */
static double f8_value(unsigned code) {
    unsigned exponent = code >> 3 & 15, mantissa = code & 7;
    double sign = code & 0x80 ? -1 : 1;
    if (exponent == 15 && mantissa == 7)
        return NAN;
    return sign * (exponent ? ldexp(1 + mantissa / 8.0, (int)exponent - 7)
                            : ldexp(mantissa / 8.0, -6));
}

static void test_widen(void **state) {
    (void)state;
    uint8_t from[256];
    for (unsigned i = 0; i < 256; i++)
        from[i] = (uint8_t)i;
    struct rsn_make make = {
        .op = RSN_MAKE_WIDEN, .from.dtype = dtype("F8_E4M3"), .rows = 16, .cols = 16};
    rsn_gguf_tensor t = tensor(RSN_TYPE_F16, 16, 16, 0);
    uint8_t *out = run(&make, from, sizeof from, &t);
    for (unsigned i = 0; i < 256; i++) {
        uint16_t half;
        memcpy(&half, out + 2 * i, sizeof half);
        double x = gguf_half_value(half), wanted = f8_value(i);
        assert_true(isnan(wanted) ? isnan(x)
                                  : x == wanted && signbit(x) == signbit(wanted));
    }
    free(out);
}

/* A weight of what was made, in either type. */
static float weight_at(const rsn_gguf_tensor *t, const uint8_t *out, size_t i, size_t k) {
    size_t cols = (size_t)t->ne[0];
    float row[512], scale = 1;
    rsn_type_decode(t->type, out + i * rsn_type_row_bytes(t->type, cols), row, cols);
    if (t->type->tail_bytes)
        memcpy(&scale, out + t->n_bytes - t->type->tail_bytes, sizeof scale);
    return row[k] * scale;
}

static void check_unpack(size_t cols, size_t n_heads, bool divide) {
    enum { ROWS = 16 };
    const rsn_type_info *type = rsn_make_ternary_type(cols);
    uint8_t *packed = calloc(ROWS / 4, cols);
    int codes[ROWS][512];
    assert_non_null(packed);
    for (size_t i = 0; i < ROWS; i++)
        for (size_t k = 0; k < cols; k++) {
            codes[i][k] = rand() % 3;
            packed[i % 4 * cols + k] |= (uint8_t)(codes[i][k] << (2 * (i / 4)));
        }
    struct rsn_make make = {.op = RSN_MAKE_UNPACK,
                            .from.dtype = dtype("U8"),
                            .scale.dtype = dtype("F32"),
                            .rows = ROWS,
                            .cols = cols,
                            .n_heads = n_heads,
                            .divide = divide};
    rsn_gguf_tensor t = tensor(type->type, cols, ROWS, type->tail_bytes);
    uint8_t *out = run(&make, packed, ROWS / 4 * cols, &t);
    float scale = divide ? 1 / 0.75f : 0.75f;
    for (size_t i = 0; i < ROWS; i++) {
        size_t at = n_heads ? moved(i, ROWS / n_heads) : i;
        for (size_t k = 0; k < cols; k++)
            assert_true(weight_at(&t, out, at, k) == scale * (float)(codes[i][k] - 1));
    }
    free(out);
    free(packed);
}

static void test_unpack(void **state) {
    (void)state;
    assert_int_equal(rsn_make_ternary_type(128)->type, RSN_TYPE_I2_S);
    assert_int_equal(rsn_make_ternary_type(64)->type, RSN_TYPE_F32);
    check_unpack(128, 0, false);
    check_unpack(384, 2, true);
    check_unpack(20, 0, true);
    check_unpack(20, 4, false);
}

static void check_ternary(size_t cols) {
    enum { ROWS = 8 };
    const rsn_type_info *type = rsn_make_ternary_type(cols);
    float *from = calloc(ROWS * cols, sizeof *from);
    double sum = 0;
    assert_non_null(from);
    for (size_t i = 0; i < ROWS * cols; i++) {
        from[i] = (float)(rand() % 2001 - 1000) / 1000.0f;
        sum += fabs((double)from[i]);
    }
    struct rsn_make make = {
        .op = RSN_MAKE_TERNARY, .from.dtype = dtype("F32"), .rows = ROWS, .cols = cols};
    rsn_gguf_tensor t = tensor(type->type, cols, ROWS, type->tail_bytes);
    uint8_t *out = run(&make, from, ROWS * cols * sizeof *from, &t);
    double mean = sum / (double)(ROWS * cols);
    for (size_t i = 0; i < ROWS; i++)
        for (size_t k = 0; k < cols; k++) {
            double q = (double)from[i * cols + k] / mean;
            double x = (double)weight_at(&t, out, i, k), wanted;
            if (fabs(fabs(q) - 0.5) < 1e-5)
                continue; /* may fall to either side */
            wanted = q > 0.5 ? mean : q < -0.5 ? -mean : 0;
            assert_true(fabs(x - wanted) <= 1e-6 * mean);
        }
    free(out);
    free(from);
}

static void test_ternary(void **state) {
    (void)state;
    check_ternary(128);
    check_ternary(33);
}

static void test_values(void **state) {
    (void)state;
    const float values[] = {1, 2.5f, 8};
    struct rsn_make make = {
        .op = RSN_MAKE_VALUES, .rows = 3, .cols = 1, .values = values};
    rsn_gguf_tensor t = tensor(RSN_TYPE_F32, 3, 1, 0);
    uint8_t *out = run(&make, values, 0, &t);
    assert_memory_equal(out, values, sizeof values);
    free(out);
}

/* A scale that is no number spoils the model, not a product. */
static void test_bad_scale(void **state) {
    (void)state;
    const float bad[] = {NAN, INFINITY, 0};
    for (size_t i = 0; i < COUNT(bad); i++) {
        gguf_bytes b = {0};
        rsn_file file;
        uint8_t out[128 * 4 + 64];
        gguf_put_zeros(&b, 128);
        gguf_put(&b, &bad[i], sizeof bad[i]);
        char *path = gguf_save(&b);
        const struct rsn_make make = {.op = RSN_MAKE_UNPACK,
                                      .from = {0, 0, 128, dtype("U8")},
                                      .scale = {0, 128, 4, dtype("F32")},
                                      .rows = 4,
                                      .cols = 128,
                                      .divide = true};
        rsn_gguf_tensor t = tensor(RSN_TYPE_I2_S, 128, 4, 32);
        assert_int_equal(rsn_file_open(path, &file), REASON_OK);
        bool fine = bad[i] == INFINITY; /* divided by it: weights of 0 */
        assert_int_equal(rsn_make_run(&make, &file, true, NULL, &t, out),
                         fine ? REASON_OK : REASON_ERR_FORMAT);
        rsn_file_close(&file);
        gguf_remove(path);
        gguf_free(&b);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),    cmocka_unit_test(test_vector),
        cmocka_unit_test(test_widen),   cmocka_unit_test(test_unpack),
        cmocka_unit_test(test_ternary), cmocka_unit_test(test_values),
        cmocka_unit_test(test_bad_scale),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
