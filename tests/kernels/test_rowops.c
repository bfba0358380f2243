/* Operations on rows: generic against long double or against their definition, every
 * level against generic bit for bit, at every size to 130, with unaligned rows and
 * guarded memory. */
#include "kernels_common.h"

#include <math.h>

enum { MAX_N = 130, SIZES = MAX_N + 3 };

static const size_t LARGE[] = {1000, 4096, 6913};

static size_t size_number(size_t i) {
    return i <= MAX_N ? i : LARGE[i - MAX_N - 1];
}

static const float SPECIAL[] = {
    0.0f,     -0.0f, 1e-45f, -1e-45f, INFINITY, -INFINITY, NAN,      65519.99f,
    65520.0f, 88.8f, -88.8f, -104.0f, 3.4e38f,  -3.4e38f,  0x1p-25f, 0x1.8p-25f};

/* Ordinary numbers; a third of them special if asked for. */
static void fill_row(uint64_t *state, float *x, size_t n, bool special) {
    for (size_t i = 0; i < n; i++) {
        uint32_t r = next_random(state);
        x[i] = 10 * next_float(state);
        if (special && r % 3 == 0)
            x[i] = SPECIAL[r / 3 % (sizeof SPECIAL / sizeof *SPECIAL)];
    }
}

typedef enum row_op {
    ADD_SCALED,
    DOT,
    ADD,
    SCALE,
    F16_FROM_F32,
    F32_FROM_F16,
    RMS_NORM,
    RMS_NORM_IN_PLACE,
    ROPE,
    ROPE_ADJACENT,
    SILU_MUL,
    SILU_MUL_IN_GATE,
    SILU_MUL_IN_UP,
    RELU2_MUL,
    RELU2_MUL_IN_GATE,
    GELU_MUL,
    GELU_MUL_IN_GATE,
    SOFT_CAP,
    HADAMARD,
    MAX,
    EXP_SUM,
    N_ROW_OPS
} row_op;

static const char *const NAMES[N_ROW_OPS] = {
    "add_scaled",     "dot",              "add",            "scale", "f16_from_f32",
    "f32_from_f16",   "rms_norm",         "rms_norm in x",  "rope",  "rope adjacent",
    "silu_mul",       "silu_mul in gate", "silu_mul in up", "relu2_mul",
    "relu2_mul in gate", "gelu_mul", "gelu_mul in gate", "soft_cap", "hadamard",
    "max", "exp_sum"};

/* Inputs of one run, as long as any operation needs. */
typedef struct inputs {
    float *y, *x, *w;
    uint16_t *h;
    size_t n;
    float factor;
} inputs;

/* out has n floats and begins as a copy of y. */
static void run_op(const rsn_kernels *k, row_op op, const inputs *in, float *out) {
    size_t n = in->n;
    switch (op) {
    case ADD_SCALED: k->add_scaled(out, in->x, in->factor, n); break;
    case DOT:
        if (n > 0) out[0] = k->dot(in->x, in->w, n);
        break;
    case ADD: k->add(out, in->x, n); break;
    case SCALE: k->scale(out, in->factor, n); break;
    case F16_FROM_F32: k->f16_from_f32(in->x, (uint16_t *)(void *)out, n); break;
    case F32_FROM_F16: k->f32_from_f16(in->h, out, n); break;
    case RMS_NORM: k->rms_norm(in->x, in->w, out, n, 1e-5f); break;
    case RMS_NORM_IN_PLACE: k->rms_norm(out, in->w, out, n, 1e-5f); break;
    case ROPE: k->rope(out, n / 2 * 2, in->x, in->w, false); break;
    case ROPE_ADJACENT: k->rope(out, n / 2 * 2, in->x, in->w, true); break;
    case SILU_MUL: k->silu_mul(in->x, in->w, out, n); break;
    case SILU_MUL_IN_GATE: k->silu_mul(out, in->w, out, n); break;
    case SILU_MUL_IN_UP: k->silu_mul(in->w, out, out, n); break;
    case RELU2_MUL: k->relu2_mul(in->x, in->w, out, n); break;
    case RELU2_MUL_IN_GATE: k->relu2_mul(out, in->w, out, n); break;
    case GELU_MUL: k->gelu_mul(in->x, in->w, out, n); break;
    case GELU_MUL_IN_GATE: k->gelu_mul(out, in->w, out, n); break;
    case SOFT_CAP: k->soft_cap(out, 10.0f * (in->factor + 1.5f), n); break;
    case HADAMARD: k->hadamard(out, n); break;
    case MAX:
        if (n > 0) out[0] = k->max(in->x, n);
        break;
    default:
        if (n > 0) out[0] = k->exp_sum(out, in->factor, n);
    }
}

static inputs make_inputs(uint64_t *state, size_t n, bool special) {
    inputs in;
    in.n = n;
    in.factor = next_float(state);
    in.y = malloc((n + 1) * sizeof(float));
    in.x = malloc((n + 1) * sizeof(float));
    in.w = malloc((n + 1) * sizeof(float));
    in.h = malloc((n + 1) * sizeof(uint16_t));
    assert_true(in.y && in.x && in.w && in.h);
    fill_row(state, in.y, n, special);
    fill_row(state, in.x, n, special);
    fill_row(state, in.w, n, special);
    for (size_t i = 0; i < n; i++) {
        in.h[i] = special ? (uint16_t)next_random(state) : rsn_f16_from_f32(in.x[i]);
    }
    return in;
}

static void free_inputs(inputs *in) {
    free(in->y);
    free(in->x);
    free(in->w);
    free(in->h);
}

/* One operation at all levels; halves are compared as bits, also those of NaN. */
static void check_op(row_op op, const inputs *in, size_t offset) {
    const rsn_kernels *levels[MAX_LEVELS];
    size_t n_levels = find_levels(levels), bytes = in->n * sizeof(float);
    float *wanted = malloc(bytes + 1);
    assert_non_null(wanted);
    memcpy(wanted, in->y, bytes);
    run_op(levels[0], op, in, wanted);
    for (size_t l = 1; l < n_levels; l++) {
        guarded out = guarded_new(bytes, offset);
        float *got = (float *)(void *)out.data;
        memcpy(got, in->y, bytes);
        run_op(levels[l], op, in, got);
        if (op == F16_FROM_F32) assert_memory_equal(got, wanted, bytes);
        assert_same_floats(got, wanted, in->n, levels[l]->level, NAMES[op], in->n);
        guarded_free(&out);
    }
    free(wanted);
}

static void test_kernels_rowops__levels_agree(void **unused) {
    (void)unused;
    uint64_t state = 1;
    for (size_t i = 0; i < SIZES; i++) {
        for (int special = 0; special <= 1; special++) {
            inputs in = make_inputs(&state, size_number(i), special);
            for (int op = 0; op < N_ROW_OPS; op++) check_op((row_op)op, &in, i % 7 * 4);
            free_inputs(&in);
        }
    }
}

static const rsn_kernels *generic(void) {
    return rsn_kernels_for(REASON_CPU_GENERIC);
}

static void test_kernels_rowops__simple_ones(void **unused) {
    (void)unused;
    float y[3] = {1, 2, 3}, out[3];
    const float x[3] = {10, -20, 0.5f};
    uint16_t h[3];
    generic()->add_scaled(y, x, 0.5f, 3);
    assert_true(y[0] == 6 && y[1] == -8 && y[2] == 3.25f);
    generic()->f16_from_f32(x, h, 3);
    generic()->f32_from_f16(h, out, 3);
    assert_memory_equal(out, x, sizeof x);
    generic()->add(y, x, 3);
    assert_true(y[0] == 16 && y[1] == -28 && y[2] == 3.75f);
    generic()->scale(y, -2, 3);
    assert_true(y[0] == -32 && y[1] == 56 && y[2] == -7.5f);
}

/* 16 lanes spelled out; products far below the least float leave lanes of -0. */
static void test_kernels_rowops__dot(void **unused) {
    (void)unused;
    uint64_t state = 4;
    float a[MAX_N], b[MAX_N];
    for (size_t n = 0; n <= MAX_N; n++) {
        fill_floats(&state, a, n);
        fill_floats(&state, b, n);
        float s[16] = {0};
        for (size_t i = 0; i < n; i++) {
            if (n % 5 == 0) a[i] *= -1e-40f, b[i] = fabsf(b[i]) * 1e-30f;
            s[i % 16] = fmaf(a[i], b[i], s[i % 16]);
        }
        for (size_t i = n; i % 16; i++) s[i % 16] = fmaf(0, 0, s[i % 16]);
        for (size_t j = 0; j < 8; j++) s[j] += s[j + 8];
        for (size_t j = 0; j < 4; j++) s[j] += s[j + 4];
        float wanted = (s[0] + s[2]) + (s[1] + s[3]);
        const rsn_kernels *levels[MAX_LEVELS];
        size_t n_levels = find_levels(levels);
        for (size_t l = 0; l < n_levels; l++)
            assert_true(same_float(levels[l]->dot(a, b, n), wanted));
    }
}

/* Terms, fold, division, root, reciprocal and two products: each a rounding or two. */
static void test_kernels_rowops__rms_norm_is_close(void **unused) {
    (void)unused;
    uint64_t state = 2;
    float x[MAX_N], w[MAX_N], out[MAX_N];
    for (size_t n = 1; n <= MAX_N; n++) {
        fill_floats(&state, x, n);
        fill_floats(&state, w, n);
        generic()->rms_norm(x, w, out, n, 1e-6f);
        long double sum = 0;
        for (size_t i = 0; i < n; i++) sum += (long double)x[i] * x[i];
        long double inverse = 1 / sqrtl(sum / n + (long double)1e-6f);
        for (size_t i = 0; i < n; i++) {
            long double wanted = x[i] * inverse * w[i];
            long double bound = fabsl(wanted) * (n / 32.0L + 10) * 0x1p-24L + 0x1p-149L;
            assert_true(fabsl(out[i] - wanted) <= bound);
        }
    }
}

static void test_kernels_rowops__rope_turns_pairs(void **unused) {
    (void)unused;
    uint64_t state = 3;
    float x[64], y[64], z[64], c[32], s[32];
    for (size_t n_rot = 0; n_rot <= 64; n_rot += 2) {
        fill_floats(&state, x, 64);
        fill_floats(&state, c, 32);
        fill_floats(&state, s, 32);
        memcpy(y, x, sizeof x);
        memcpy(z, x, sizeof x);
        generic()->rope(y, n_rot, c, s, false);
        generic()->rope(z, n_rot, c, s, true);
        size_t half = n_rot / 2;
        for (size_t i = 0; i < half; i++) {
            assert_true(y[i] == x[i] * c[i] - x[i + half] * s[i]);
            assert_true(y[i + half] == x[i] * s[i] + x[i + half] * c[i]);
            assert_true(z[2 * i] == x[2 * i] * c[i] - x[2 * i + 1] * s[i]);
            assert_true(z[2 * i + 1] == x[2 * i] * s[i] + x[2 * i + 1] * c[i]);
        }
        assert_memory_equal(y + n_rot, x + n_rot, (64 - n_rot) * sizeof *x);
        assert_memory_equal(z + n_rot, x + n_rot, (64 - n_rot) * sizeof *x);
    }
}

static void test_kernels_rowops__silu_mul_is_close(void **unused) {
    (void)unused;
    float gate, up = 1, out;
    for (gate = -120; gate <= 120; gate += 0.0371f) {
        generic()->silu_mul(&gate, &up, &out, 1);
        long double wanted = gate / (1 + expl(-(long double)gate));
        /* exp overflows at 88.7, where the exact result is below 2^-121. */
        assert_true(fabsl(out - wanted) <= fabsl(wanted) * 4 * 0x1p-24L + 0x1p-121L);
    }
}

static void test_kernels_rowops__relu2_mul(void **unused) {
    (void)unused;
    const float gate[5] = {-3, -0.0f, 2, 0.5f, NAN}, up[5] = {7, 7, -3, 8, 1};
    float out[5];
    generic()->relu2_mul(gate, up, out, 5);
    assert_true(out[0] == 0 && out[1] == 0 && out[2] == -12 && out[3] == 2);
    assert_true(isnan(out[4]));
}

/* The exponent is off by a rounding or two of itself, so the result is by as much. */
static void test_kernels_rowops__gelu_mul_is_close(void **unused) {
    (void)unused;
    float gate, up = 1, out;
    for (gate = -30; gate <= 30; gate += 0.00713f) {
        generic()->gelu_mul(&gate, &up, &out, 1);
        long double x = gate, inner = sqrtl(2 / acosl(-1)) * (x + 0.044715L * x * x * x);
        long double wanted = x / (1 + expl(-2 * inner));
        long double half_units = 5 + 6 * fabsl(inner);
        long double bound = fabsl(wanted) * half_units * 0x1p-24L + 0x1p-119L;
        assert_true(fabsl(out - wanted) <= bound);
        long double published = 0.5L * x * (1 + tanhl(inner));
        assert_true(fabsl(out - published) <= 2e-6L * (1 + fabsl(x)));
    }
}

static void test_kernels_rowops__gelu_mul_ends(void **unused) {
    (void)unused;
    float x[6] = {0.0f, -0.0f, INFINITY, 3e38f, -3e38f, NAN}, up[6] = {2, 2, 2, 1, 1, 1};
    float out[6];
    generic()->gelu_mul(x, up, out, 6);
    assert_true(out[0] == 0 && out[1] == 0 && out[2] == INFINITY);
    assert_true(out[3] == 3e38f && out[4] == 0 && isnan(out[5]));
}

static void test_kernels_rowops__soft_cap_is_close(void **unused) {
    (void)unused;
    static const float caps[] = {1, 30, 50, 0.37f};
    for (size_t c = 0; c < sizeof caps / sizeof *caps; c++) {
        for (float x = -300; x <= 300; x += 0.0313f) {
            float y = x, opposite = -x;
            generic()->soft_cap(&y, caps[c], 1);
            generic()->soft_cap(&opposite, caps[c], 1);
            long double wanted = caps[c] * tanhl((long double)x / caps[c]);
            assert_true(fabsl(y - wanted) <= fabsl(wanted) * 8 * 0x1p-24L);
            assert_true(y == -opposite && fabsf(y) <= caps[c]);
        }
    }
    float ends[4] = {INFINITY, -INFINITY, NAN, -0.0f};
    generic()->soft_cap(ends, 50, 4);
    assert_true(ends[0] == 50 && ends[1] == -50 && isnan(ends[2]));
    assert_true(ends[3] == 0);
}

/* Row i of the matrix of `block` values times x: element j has the sign that the number
 * of bits which i and j share says. */
static double hadamard_row(const float *x, size_t block, size_t i) {
    double sum = 0;
    for (size_t j = 0; j < block; j++) {
        bool odd = false;
        for (size_t both = i & j; both; both &= both - 1) odd = !odd;
        sum += odd ? -(double)x[j] : (double)x[j];
    }
    return sum / sqrt((double)block);
}

/* Against the matrix in float64: a rounding a stage, two for the scale. And it is its own
 * inverse. */
static void check_hadamard(uint64_t *state, size_t n, size_t block) {
    const rsn_kernels *levels[MAX_LEVELS];
    size_t n_levels = find_levels(levels);
    float *x = malloc(n * sizeof *x), *first = malloc(n * sizeof *x);
    assert_true(x && first);
    fill_floats(state, x, n);
    for (size_t l = 0; l < n_levels; l++) {
        guarded out = guarded_new(n * sizeof *x, n % 16 * 4);
        float *y = (float *)(void *)out.data;
        memcpy(y, x, n * sizeof *x);
        levels[l]->hadamard(y, n);
        if (l == 0) memcpy(first, y, n * sizeof *x);
        assert_same_floats(y, first, n, levels[l]->level, "hadamard", n);
        for (size_t i = 0; l == 0 && i < n; i++) {
            const float *from = x + i / block * block;
            double size = 0, wanted = hadamard_row(from, block, i % block);
            for (size_t j = 0; j < block; j++) size += fabs((double)from[j]);
            double bound = (log2((double)block) + 2) * size / sqrt((double)block);
            assert_true(fabs((double)y[i] - wanted) <= bound * 0x1p-24);
        }
        levels[l]->hadamard(y, n);
        for (size_t i = 0; i < n; i++)
            assert_true(fabs((double)y[i] - (double)x[i]) < 1e-5);
        guarded_free(&out);
    }
    free(x);
    free(first);
}

static void test_kernels_rowops__hadamard_is_the_matrix(void **unused) {
    (void)unused;
    static const size_t mixed[][2] = {{3, 1},     {6, 2},      {20, 4},    {24, 8},
                                      {40, 8},    {48, 16},    {96, 32},   {576, 64},
                                      {384, 128}, {6912, 256}, {2560, 512}, {5120, 1024}};
    uint64_t state = 7;
    for (size_t n = 1; n <= 4096; n *= 2) check_hadamard(&state, n, n);
    for (size_t i = 0; i < sizeof mixed / sizeof *mixed; i++)
        check_hadamard(&state, mixed[i][0], mixed[i][1]);
}

static void test_kernels_rowops__max(void **unused) {
    (void)unused;
    float x[50];
    assert_true(generic()->max(x, 0) == -INFINITY);
    for (size_t at = 0; at < 50; at++) {
        for (size_t i = 0; i < 50; i++) x[i] = i % 3 ? -5.0f - (float)i : NAN;
        x[at] = -1;
        assert_true(generic()->max(x, 50) == -1);
    }
    for (size_t i = 0; i < 50; i++) x[i] = NAN;
    assert_true(generic()->max(x, 50) == -INFINITY);
}

/* Which zero comes out depends on the order of comparisons, so that is fixed too. */
static void test_kernels_rowops__max_of_zeros(void **unused) {
    (void)unused;
    const rsn_kernels *levels[MAX_LEVELS];
    size_t n_levels = find_levels(levels);
    uint64_t state = 5;
    float x[40];
    for (int round = 0; round < 3000; round++) {
        size_t n = 1 + next_random(&state) % 40;
        for (size_t i = 0; i < n; i++) x[i] = next_random(&state) & 1 ? 0.0f : -0.0f;
        for (size_t l = 1; l < n_levels; l++) {
            assert_true(same_float(levels[l]->max(x, n), levels[0]->max(x, n)));
        }
    }
}

static void test_kernels_rowops__exp_sum(void **unused) {
    (void)unused;
    uint64_t state = 6;
    float x[MAX_N], y[MAX_N];
    assert_true(generic()->exp_sum(x, 0, 0) == 0);
    for (size_t n = 1; n <= MAX_N; n++) {
        fill_row(&state, x, n, false);
        memcpy(y, x, sizeof x);
        float sum = generic()->exp_sum(y, 3.5f, n);
        long double wanted_sum = 0;
        for (size_t i = 0; i < n; i++) {
            long double wanted = expl((long double)(x[i] - 3.5f));
            wanted_sum += wanted;
            assert_true(fabsl(y[i] - wanted) <= wanted * 2 * 0x1p-23L);
        }
        assert_true(fabsl(sum - wanted_sum) <= wanted_sum * (n / 16.0L + 7) * 0x1p-24L);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kernels_rowops__levels_agree),
        cmocka_unit_test(test_kernels_rowops__simple_ones),
        cmocka_unit_test(test_kernels_rowops__dot),
        cmocka_unit_test(test_kernels_rowops__rms_norm_is_close),
        cmocka_unit_test(test_kernels_rowops__rope_turns_pairs),
        cmocka_unit_test(test_kernels_rowops__silu_mul_is_close),
        cmocka_unit_test(test_kernels_rowops__relu2_mul),
        cmocka_unit_test(test_kernels_rowops__gelu_mul_is_close),
        cmocka_unit_test(test_kernels_rowops__gelu_mul_ends),
        cmocka_unit_test(test_kernels_rowops__soft_cap_is_close),
        cmocka_unit_test(test_kernels_rowops__hadamard_is_the_matrix),
        cmocka_unit_test(test_kernels_rowops__max),
        cmocka_unit_test(test_kernels_rowops__max_of_zeros),
        cmocka_unit_test(test_kernels_rowops__exp_sum),
    };
    return cmocka_run_group_tests_name("kernels/rowops", tests, NULL, NULL);
}
