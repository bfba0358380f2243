/* What is refused by name, and that supported architectures are not. */
#include "support.h"

static void refuse_arch(const char *arch, const char *kind) {
    tiny_model m;
    const tiny_options o = {.n_layers = 1, .no_tokenizer = true};
    char name[64];
    (void)snprintf(name, sizeof name, "(architecture %s)", arch);
    tiny_model_make(arch, &o, &m);
    REFUSED(&m.file, REASON_ERR_UNSUPPORTED, kind, "models are not supported", name);
    tiny_model_free(&m);
}

static void test_model_refusals__architectures(void **state) {
    (void)state;
    static const struct {
        const char *arch, *kind;
    } rows[] = {
        {"qwen3moe", "mixture-of-experts"},
        {"qwen2moe", "mixture-of-experts"}, /* the first of its list */
        {"hy_v3", "mixture-of-experts"},    /* and the last */
        {"deepseek2", "mixture-of-experts"},
        {"gpt-oss", "mixture-of-experts"},
        {"granitemoe", "mixture-of-experts"},
        {"clip", "image and audio"},
        {"qwen2vl", "sectioned-position (M-RoPE)"},
        {"mamba", "state-space, recurrent and hybrid"},
        {"mamba2", "state-space, recurrent and hybrid"},
        {"rwkv7", "state-space, recurrent and hybrid"},
        {"falcon-h1", "state-space, recurrent and hybrid"},
        {"lfm2", "state-space, recurrent and hybrid"},
        {"bert", "encoder"},
        {"t5", "encoder"},
        {"llada", "diffusion"},
        {"eagle3", "draft"},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        refuse_arch(rows[i].arch, rows[i].kind);
}

/* Names that only begin like a refused one, or that are several of them. */
static void test_model_refusals__other_names(void **state) {
    (void)state;
    static const char *const names[] = {"qwen3mo", "qwen3moex", "mamba mamba2", " ",
                                        "3moe"};
    for (size_t i = 0; i < COUNT(names); i++) {
        tiny_model m;
        const tiny_options o = {.n_layers = 1, .no_tokenizer = true};
        tiny_model_make(names[i], &o, &m);
        REFUSED(&m.file, REASON_ERR_UNSUPPORTED, "is not supported; these are: llama",
                "gemma3", "olmo2");
        tiny_model_free(&m);
    }
}

/* A llama file with one more pair. */
static void make_with(gguf_bytes *pair, tiny_model *m) {
    const tiny_options o = {
        .n_layers = 1, .no_tokenizer = true, .pairs = pair, .n_pairs = 1};
    tiny_model_make("llama", &o, m);
    gguf_free(pair);
}

static void check_pair(gguf_bytes *pair, const char *kind, const char *key) {
    tiny_model m;
    make_with(pair, &m);
    if (kind)
        REFUSED(&m.file, REASON_ERR_UNSUPPORTED, kind, "models are not supported", key);
    else
        check_opens(&m.file);
    tiny_model_free(&m);
}

static void test_model_refusals__numbers(void **state) {
    (void)state;
    static const struct {
        const char *key;
        uint32_t value;
        const char *kind; /* NULL: it is allowed */
    } rows[] = {
        {"llama.expert_count", 8, "mixture-of-experts"},
        {"llama.expert_count", 1, "mixture-of-experts"},
        {"llama.expert_count", 0, NULL},
        {"llama.expert_used_count", 2, NULL},
        {"llama.attention.q_lora_rank", 4, "latent-attention"},
        {"llama.attention.kv_lora_rank", 4, "latent-attention"},
        {"llama.ssm.state_size", 16, "state-space"},
        {"llama.ssm.state_size", 0, NULL},
        {"llama.nextn_predict_layers", 1, "next-token-layer"},
        {"qwen3.expert_count", 8, NULL}, /* another architecture's */
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        gguf_bytes pair = {0};
        gguf_put_u32(&pair, rows[i].key, rows[i].value);
        check_pair(&pair, rows[i].kind, rows[i].key);
    }
}

static void test_model_refusals__floats_and_flags(void **state) {
    (void)state;
    static const struct {
        const char *key, *kind;
    } rows[] = {
        {"llama.attention.clamp_kqv", "clamped-attention"},
        {"llama.attention.max_alibi_bias", "ALiBi"},
        {"llama.attention.temperature_scale", "attention-temperature"},
        {"llama.rope.scaling.yarn_log_multiplier", "YaRN-multiplier"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        gguf_bytes pair = {0};
        gguf_put_f32(&pair, rows[i].key, 0.5f);
        check_pair(&pair, rows[i].kind, rows[i].key);
        gguf_put_f32(&pair, rows[i].key, 0);
        check_pair(&pair, NULL, NULL);
    }
    gguf_bytes pair = {0};
    gguf_put_bool(&pair, "llama.attention.causal", false);
    check_pair(&pair, "encoder", "llama.attention.causal");
    gguf_put_bool(&pair, "llama.attention.causal", true);
    check_pair(&pair, NULL, NULL);
    gguf_put_bool(&pair, "llama.use_parallel_residual", true);
    check_pair(&pair, "parallel-branch", "llama.use_parallel_residual");
    gguf_put_array(&pair, "llama.rope.dimension_sections", GGUF_I32, 4);
    gguf_put_zeros(&pair, 16);
    check_pair(&pair, "M-RoPE", "llama.rope.dimension_sections");
    gguf_put_string(&pair, "llama.expert_count", "many"); /* says nothing */
    check_pair(&pair, NULL, NULL);
}

static void test_model_refusals__kinds_of_file(void **state) {
    (void)state;
    gguf_bytes pair = {0};
    gguf_put_string(&pair, "general.type", "mmproj");
    check_pair(&pair, "image and audio", "general.type");
    gguf_put_string(&pair, "general.type", "adapter");
    check_pair(&pair, "adapter", "general.type");
    gguf_put_string(&pair, "general.type", "model");
    check_pair(&pair, NULL, NULL);
    tiny_model m;
    gguf_put_u32(&pair, "general.type", 1);
    make_with(&pair, &m);
    REFUSED(&m.file, REASON_ERR_FORMAT, "general.type", "a string");
    tiny_model_free(&m);
}

/* A tensor's name changed to one of the same length that tells a kind. */
static void test_model_refusals__tensors(void **state) {
    (void)state;
    static const struct {
        const char *name, *kind;
    } rows[] = {
        {"blk.0.ffn_up_exps.w", "mixture-of-experts"},
        {"blk.0.ffn_gate_inp.", "mixture-of-experts"},
        {"v.blk.0.attn_q.weig", "image and audio"},
        {"mm.0.weight.weight.", "image and audio"},
        {"a.blk.0.attn_q.weig", "image and audio"},
        {"blk.0.ssm_in.weight", "state-space"},
        {"blk.0.time_mix_w1.w", "state-space"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        tiny_model m;
        const tiny_options o = {.n_layers = 1, .no_tokenizer = true};
        tiny_model_make("llama", &o, &m);
        size_t n = strlen(rows[i].name);
        size_t at = gguf_find_tensor(&m.file, "blk.0.ffn_up.weight") - n;
        assert_int_equal(n, strlen("blk.0.ffn_up.weight"));
        memcpy(m.file.data + at, rows[i].name, n);
        REFUSED(&m.file, REASON_ERR_UNSUPPORTED, rows[i].kind, "models are not supported",
                "(tensor ");
        tiny_model_free(&m);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model_refusals__architectures),
        cmocka_unit_test(test_model_refusals__other_names),
        cmocka_unit_test(test_model_refusals__numbers),
        cmocka_unit_test(test_model_refusals__floats_and_flags),
        cmocka_unit_test(test_model_refusals__kinds_of_file),
        cmocka_unit_test(test_model_refusals__tensors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
