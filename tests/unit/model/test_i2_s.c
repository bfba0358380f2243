/* Ternary weights with one scale per tensor: both layouts of I2_S against the same
 * weights in F32, through the public interface. */
#include "support.h"

#include <math.h>

#include "support/gguf_build.h"

enum { N_VOCAB = 40, N_TOKENS = 24 };

typedef enum packing { AS_F32, LAYOUT_A, LAYOUT_B } packing;

static uint32_t next_random(uint64_t *state) {
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*state >> 40);
}

/* Codes 0, 1, 2 of a matrix, two bits each: `width` bytes hold 4 * width weights. */
static void put_codes(gguf_bytes *data, const uint8_t *codes, size_t n, size_t width,
                      float scale) {
    for (size_t at = 0; at < n; at += 4 * width)
        for (size_t p = 0; p < width; p++) {
            unsigned byte = 0;
            for (size_t g = 0; g < 4; g++)
                byte |= (unsigned)codes[at + g * width + p] << (6 - 2 * g);
            gguf_put_number(data, byte, 1);
        }
    gguf_put(data, &scale, sizeof scale);
    gguf_put_zeros(data, 28);
}

static void put_ternary(gguf_bytes *data, uint64_t *state, size_t n, packing how) {
    uint8_t *codes = malloc(n);
    assert_non_null(codes);
    float scale = 0.01f * (float)(1 + next_random(state) % 20);
    for (size_t i = 0; i < n; i++)
        codes[i] = (uint8_t)(next_random(state) % 3);
    if (how == AS_F32)
        for (size_t i = 0; i < n; i++) {
            float weight = scale * (float)(codes[i] - 1);
            gguf_put(data, &weight, sizeof weight);
        }
    else
        put_codes(data, codes, n, how == LAYOUT_A ? 32 : 16, scale);
    free(codes);
}

typedef struct tensor_row {
    const char *name;
    uint64_t cols, rows; /* rows 0: a vector of ones */
    bool ternary;
} tensor_row;

static void put_pairs(gguf_bytes *b, uint32_t width) {
    gguf_put_string(b, "general.architecture", "bitnet-b1.58");
    gguf_put_u32(b, "bitnet-b1.58.block_count", 1);
    gguf_put_u32(b, "bitnet-b1.58.embedding_length", width);
    gguf_put_u32(b, "bitnet-b1.58.feed_forward_length", width);
    gguf_put_u32(b, "bitnet-b1.58.attention.head_count", 2);
    gguf_put_u32(b, "bitnet-b1.58.context_length", 64);
    gguf_put_u32(b, "bitnet-b1.58.vocab_size", N_VOCAB);
    gguf_put_f32(b, "bitnet-b1.58.attention.layer_norm_rms_epsilon", 1e-5f);
}

/* A model of one layer whose width is that of every part of it. */
static char *save_model(uint32_t width, packing how) {
    const tensor_row list[] = {{"token_embd.weight", width, N_VOCAB, false},
                               {"output_norm.weight", width, 0, false},
                               {"blk.0.attn_norm.weight", width, 0, false},
                               {"blk.0.attn_sub_norm.weight", width, 0, false},
                               {"blk.0.ffn_norm.weight", width, 0, false},
                               {"blk.0.ffn_sub_norm.weight", width, 0, false},
                               {"blk.0.attn_q.weight", width, width, true},
                               {"blk.0.attn_k.weight", width, width, true},
                               {"blk.0.attn_v.weight", width, width, true},
                               {"blk.0.attn_output.weight", width, width, true},
                               {"blk.0.ffn_gate.weight", width, width, true},
                               {"blk.0.ffn_up.weight", width, width, true},
                               {"blk.0.ffn_down.weight", width, width, true}};
    gguf_bytes file = {0}, data = {0};
    uint64_t state = 1;
    gguf_put_header(&file, 3, COUNT(list), 8);
    put_pairs(&file, width);
    for (size_t i = 0; i < COUNT(list); i++) {
        const tensor_row *t = &list[i];
        const uint64_t ne[2] = {t->cols, t->rows};
        bool packed = t->ternary && how != AS_F32;
        gguf_pad(&data, 32);
        gguf_put_tensor(&file, t->name, t->rows ? 2 : 1, ne, packed ? 36 : GGML_F32,
                        data.n);
        if (t->ternary)
            put_ternary(&data, &state, (size_t)(t->cols * t->rows), how);
        for (size_t k = 0; !t->ternary && k < t->cols * (t->rows ? t->rows : 1); k++) {
            float x = t->rows ? (float)next_random(&state) * 0x1p-23f - 1.0f : 1.0f;
            gguf_put(&data, &x, sizeof x);
        }
    }
    gguf_pad(&file, 32);
    gguf_put(&file, data.data, data.n);
    char *path = gguf_save(&file);
    gguf_free(&file);
    gguf_free(&data);
    return path;
}

static reason_status open_layout(const char *path, reason_i2_s layout, reason_model **model) {
    reason_model_options o;
    check_ok(reason_model_options_init(&o, sizeof o));
    o.i2_s = layout;
    return reason_model_open(path, &o, model);
}

static void run(uint32_t width, packing how, reason_i2_s layout, float *logits) {
    char *path = save_model(width, how);
    reason_model *model;
    reason_session *s;
    int32_t ids[N_TOKENS];
    for (int32_t i = 0; i < N_TOKENS; i++)
        ids[i] = i * 7 % N_VOCAB;
    check_ok(open_layout(path, layout, &model));
    check_ok(reason_session_new(model, NULL, &s));
    check_ok(reason_session_logits(s, ids, N_TOKENS, logits));
    reason_session_free(s);
    reason_model_free(model);
    gguf_remove(path);
}

static double distance(const float *a, const float *b, size_t n) {
    double error = 0, size = 0;
    for (size_t i = 0; i < n; i++) {
        error += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
        size += (double)b[i] * b[i];
    }
    return sqrt(error / size);
}

static void test_model_i2_s__layouts(void **state) {
    (void)state;
    static float f32[N_TOKENS * N_VOCAB], a[N_TOKENS * N_VOCAB], b[N_TOKENS * N_VOCAB];
    for (uint32_t width = 128; width <= 384; width += 128) {
        run(width, AS_F32, REASON_I2_S_A, f32);
        run(width, LAYOUT_A, REASON_I2_S_A, a);
        run(width, LAYOUT_B, REASON_I2_S_B, b);
        assert_memory_equal(a, b, sizeof a);
        /* A value at the edge of an 8-bit step may fall on either side. */
        assert_true(distance(a, f32, COUNT(a)) < 5e-3);
        /* The option matters: read as the other layout the weights are others. */
        run(width, LAYOUT_B, REASON_I2_S_A, b);
        assert_true(distance(a, b, COUNT(a)) > 0.1);
    }
}

/* Rows of 64 or 192 fit layout B only. */
static void test_model_i2_s__row_lengths(void **state) {
    (void)state;
    static float f32[N_TOKENS * N_VOCAB], b[N_TOKENS * N_VOCAB];
    for (uint32_t width = 64; width <= 192; width += 128) {
        reason_model *model;
        run(width, AS_F32, REASON_I2_S_A, f32);
        run(width, LAYOUT_B, REASON_I2_S_B, b);
        assert_true(distance(b, f32, COUNT(b)) < 5e-3);
        char *path = save_model(width, LAYOUT_B);
        assert_int_equal(open_layout(path, REASON_I2_S_A, &model), REASON_ERR_FORMAT);
        check_said((const char *const[]){"attn_q.weight", "I2_S", "128", NULL});
        assert_int_equal(open_layout(path, (reason_i2_s)2, &model), REASON_ERR_INVALID_ARG);
        gguf_remove(path);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model_i2_s__layouts),
        cmocka_unit_test(test_model_i2_s__row_lengths),
    };
    return cmocka_run_group_tests_name("model/i2_s", tests, NULL, NULL);
}
