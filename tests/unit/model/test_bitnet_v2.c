/* BitNet v2: 4-bit activations and transformed inputs of the projections back, asked for
 * by keys of our own, against the float64 reference, over levels, threads and chunks, and
 * what is refused. */
#include "support.h"

#include "base/cpu.h"
#include "support/dense_reference.h"

enum { N_TOKENS = 24 };

static void fill_tokens(const tiny_model *m, int32_t *tokens) {
    for (size_t i = 0; i < N_TOKENS; i++)
        tokens[i] = (int32_t)((i * 7919 + 13 * m->o.seed + 5) % m->o.n_vocab);
}

/* [N_TOKENS][n_vocab], to be freed. */
static float *run_model(const tiny_model *m, reason_cpu cpu, int32_t n_threads,
                        int32_t n_chunk) {
    reason_model_options how;
    reason_session_options options;
    reason_model *model;
    reason_session *session;
    reason_pool *pool;
    int32_t tokens[N_TOKENS];
    char *path = gguf_save(&m->file);
    float *logits = calloc(N_TOKENS * (size_t)m->o.n_vocab, sizeof *logits);
    assert_non_null(logits);
    fill_tokens(m, tokens);
    check_ok(reason_model_options_init(&how, sizeof how));
    how.cpu = cpu;
    check_ok(reason_model_open(path, &how, &model));
    check_ok(reason_pool_new(n_threads, &pool));
    rsn_pool_set_least_work(pool, 0); /* every stage is split */
    check_ok(reason_session_options_init(&options, sizeof options));
    options.kv_type = REASON_KV_F32;
    options.pool = pool;
    options.n_chunk = n_chunk;
    check_ok(reason_session_new(model, &options, &session));
    check_ok(reason_session_logits(session, tokens, N_TOKENS, logits));
    reason_session_free(session);
    reason_pool_free(pool);
    reason_model_free(model);
    gguf_remove(path);
    return logits;
}

/* ||y - reference|| / ||reference||, the reference rounding where the library says it
 * does. */
static double distance(const tiny_model *m, const float *y) {
    const dense_reference_options how = {.q8 = true};
    int32_t tokens[N_TOKENS];
    double error = 0, size = 0;
    fill_tokens(m, tokens);
    double *wanted = dense_reference_logits(m, tokens, N_TOKENS, how);
    for (size_t i = 0; i < N_TOKENS * (size_t)m->o.n_vocab; i++) {
        error += ((double)y[i] - wanted[i]) * ((double)y[i] - wanted[i]);
        size += wanted[i] * wanted[i];
    }
    free(wanted);
    return sqrt(error / size);
}

/* --- against the reference ---------------------------------------------------------- */

enum { Q4_K = 12, TQ2_0 = 35, I2_S = 36 };

/* Widths that are powers of two and such that are not, of 1 to 256 values a block; types
 * whose products read every form of activations. */
static const struct {
    const char *what;
    tiny_options o;
} SHAPES[] = {
    {"powers of two", {.n_ff = 128}},
    {"3 x 32", {.n_ff = 96, .type = GGML_F16}},
    {"15 x 4 and odd", {.n_heads = 3, .n_heads_kv = 1, .head_dim = 20, .n_ff = 83}},
    {"5 x 32 and 27 x 8",
     {.n_heads = 5, .n_heads_kv = 1, .head_dim = 32, .n_ff = 216, .n_layers = 3}},
    {"3 x 64 and 5 x 32, Q8_0",
     {.n_heads = 6, .head_dim = 32, .n_ff = 160, .type = GGML_Q8_0}},
    {"I2_S", {.n_embd = 128, .head_dim = 96, .n_ff = 640, .type = I2_S}},
    {"TQ2_0",
     {.n_embd = 256, .head_dim = 64, .n_ff = 768, .type = TQ2_0, .n_layers = 1}},
    {"Q4_K",
     {.n_embd = 256,
      .n_heads = 6,
      .head_dim = 128,
      .n_ff = 512,
      .type = Q4_K,
      .n_layers = 1}},
};

/* The error of one model. Where it is small, leaving out the transform or taking other
 * steps must not be. */
static double error_of(const char *arch, const tiny_options *o) {
    tiny_model m;
    tiny_model_make(arch, o, &m);
    float *logits = run_model(&m, REASON_CPU_AUTO, 2, 0);
    double error = distance(&m, logits);
    if (error < 1e-5) {
        m.o.hadamard = !o->hadamard;
        assert_true(distance(&m, logits) > 0.1);
        m.o.hadamard = o->hadamard;
        m.o.act_bits = 12 - o->act_bits;
        assert_true(distance(&m, logits) > 1e-2);
    }
    free(logits);
    tiny_model_free(&m);
    return error;
}

/* A value on the border of two steps may fall on either side in float32, and moves
 * everything behind it: the error is 1e-3 and more then, else around 1e-7. So there are a
 * few seeds to try. */
static void check_close(const char *arch, tiny_options o, const char *what) {
    double error = 1;
    for (int i = 0; i < 4 && !(error < 1e-5); i++, o.seed++)
        error = error_of(arch, &o);
    print_message("%s, %s, %u bits%s%s: error %.1e\n", arch, what, (unsigned)o.act_bits,
                  o.hadamard ? ", transformed" : "", o.no_sub_norms ? ", no norms" : "",
                  error);
    if (!(error < 1e-5))
        fail_msg("%s, %s: error %g, below 1e-5 expected", arch, what, error);
}

static void check_shape(const char *arch, size_t i, uint32_t act_bits) {
    tiny_options o = SHAPES[i].o;
    o.act_bits = act_bits;
    o.seed = 50 + i;
    check_close(arch, o, SHAPES[i].what);
    o.hadamard = true;
    check_close(arch, o, SHAPES[i].what);
    o.no_sub_norms = true;
    check_close(arch, o, SHAPES[i].what);
}

static void test_model_bitnet_v2__8_bits(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(SHAPES); i++)
        check_shape("bitnet", i, 8);
}

static void test_model_bitnet_v2__4_bits(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(SHAPES); i++)
        check_shape("bitnet", i, 4);
}

/* With the squared ReLU of b1.58. */
static void test_model_bitnet_v2__other_gate(void **state) {
    (void)state;
    check_shape("bitnet-b1.58", 0, 8);
    check_shape("bitnet-b1.58", 0, 4);
}

/* --- bits --------------------------------------------------------------------------- */

static void test_model_bitnet_v2__same_bits(void **state) {
    (void)state;
    static const int32_t chunks[] = {1, 7, 64};
    for (size_t i = 0; i < COUNT(SHAPES); i++) {
        tiny_options o = SHAPES[i].o;
        tiny_model m;
        o.act_bits = i % 2 ? 8 : 4;
        o.hadamard = true;
        o.seed = 90 + i;
        tiny_model_make("bitnet", &o, &m);
        float *wanted = run_model(&m, REASON_CPU_GENERIC, 1, 0);
        for (int level = REASON_CPU_GENERIC; level <= REASON_CPU_NEON; level++) {
            if ((int)rsn_cpu_pick((reason_cpu)level) != level) continue;
            for (size_t c = 0; c < COUNT(chunks); c++) {
                float *got = run_model(&m, (reason_cpu)level, 1 + (int32_t)c, chunks[c]);
                assert_memory_equal(got, wanted,
                                    N_TOKENS * m.o.n_vocab * sizeof *wanted);
                free(got);
            }
        }
        free(wanted);
        tiny_model_free(&m);
    }
}

/* --- keys and tensors --------------------------------------------------------------- */

/* No key at all is 8 bits and no transform. */
static void test_model_bitnet_v2__defaults(void **state) {
    (void)state;
    for (uint32_t bits = 0; bits <= 8; bits += 4) {
        const tiny_options o = {.act_bits = bits, .hadamard = bits == 4};
        char *path = build_tiny_model("bitnet", &o);
        reason_model *model;
        int64_t n = 0;
        check_ok(reason_model_open(path, NULL, &model));
        check_ok(reason_model_get_int(model, "activation_bits", &n));
        assert_int_equal(n, bits == 4 ? 4 : 8);
        check_ok(reason_model_get_int(model, "hadamard", &n));
        assert_int_equal(n, bits == 4);
        reason_model_free(model);
        gguf_remove(path);
    }
}

static void refuse(const char *arch, tiny_options o, reason_status status,
                   const char *sentence) {
    tiny_model m;
    tiny_model_make(arch, &o, &m);
    REFUSED(&m.file, status, sentence);
    tiny_model_free(&m);
}

static void test_model_bitnet_v2__values(void **state) {
    (void)state;
    gguf_bytes zero = {0}, text = {0}, number = {0}, no = {0};
    gguf_put_u32(&zero, "reason.activation_bits", 0);
    gguf_put_string(&text, "reason.activation_bits", "4");
    gguf_put_u32(&number, "reason.hadamard", 1);
    gguf_put_bool(&no, "reason.hadamard", false);
    refuse("bitnet", (tiny_options){.act_bits = 6}, REASON_ERR_UNSUPPORTED,
           "key reason.activation_bits is 6: only 4 and 8 bits are supported");
    refuse("bitnet", (tiny_options){.act_bits = 33}, REASON_ERR_FORMAT,
           "is 33, 1 to 32 allowed");
    refuse("bitnet", (tiny_options){.pairs = &zero, .n_pairs = 1}, REASON_ERR_FORMAT,
           "is 0, 1 to 32 allowed");
    refuse("bitnet", (tiny_options){.pairs = &text, .n_pairs = 1}, REASON_ERR_FORMAT,
           "an integer expected");
    refuse("bitnet", (tiny_options){.pairs = &number, .n_pairs = 1}, REASON_ERR_FORMAT,
           "a bool expected");
    refuse("qwen3", (tiny_options){.pairs = &no, .n_pairs = 1}, REASON_ERR_UNSUPPORTED,
           "key reason.hadamard is none that architecture qwen3 has here");
    gguf_free(&zero);
    gguf_free(&text);
    gguf_free(&number);
    gguf_free(&no);
}

/* Only transformed models may be without the norms, and then in every layer. */
static void test_model_bitnet_v2__norms(void **state) {
    (void)state;
    static const char *const names[] = {"blk.1.attn_sub_norm.weight",
                                        "blk.1.ffn_sub_norm.weight"};
    refuse("bitnet", (tiny_options){.no_sub_norms = true, .act_bits = 4},
           REASON_ERR_FORMAT, "tensor blk.0.attn_sub_norm.weight is missing");
    for (size_t i = 0; i < COUNT(names); i++) {
        const tiny_options o = {.hadamard = true};
        tiny_model m;
        tiny_model_make("bitnet", &o, &m);
        m.file.data[gguf_find_tensor(&m.file, names[i]) - 1] = '!';
        REFUSED(&m.file, REASON_ERR_FORMAT, names[i], "is missing");
        tiny_model_free(&m);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model_bitnet_v2__8_bits),
        cmocka_unit_test(test_model_bitnet_v2__4_bits),
        cmocka_unit_test(test_model_bitnet_v2__other_gate),
        cmocka_unit_test(test_model_bitnet_v2__same_bits),
        cmocka_unit_test(test_model_bitnet_v2__defaults),
        cmocka_unit_test(test_model_bitnet_v2__values),
        cmocka_unit_test(test_model_bitnet_v2__norms),
    };
    return cmocka_run_group_tests_name("model/bitnet_v2", tests, NULL, NULL);
}
