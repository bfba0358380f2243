/* Adapters in PEFT folders: against logits that PEFT and Transformers gave (tests/oracle), and
 * folders made of bytes, sound and not. */
#include "support.h"

#include <unistd.h>

#include "support/hf_folder.h"

/* Of the folder "llama"; q has so many rows. */
enum { WIDTH = 32, QUERY = 64, N_VOCAB = 304 };

static const struct {
    const char *name, *base;
    bool merges; /* else one tensor is embedding and output */
} FOLDERS[] = {
    {"llama-lora", "llama", true},
    {"llama-lora-patterns", "llama", true},
    {"qwen2-lora", "qwen2", true},
    {"qwen2-lora-tied", "qwen2", false},
    {"phi3-lora", "phi3", true},
};

static reason_model *open_folder(const char *name) {
    reason_model *model;
    char *path = hf_path(name, NULL);
    check_ok(reason_model_open(path, NULL, &model));
    free(path);
    return model;
}

static reason_model *derive(reason_model *model, const char *name) {
    reason_model *derived;
    reason_adapter *adapter;
    reason_derive_options o;
    char *path = hf_path(name, NULL);
    check_ok(reason_adapter_open(model, path, &adapter));
    check_ok(reason_derive_options_init(&o, sizeof o));
    o.adapters = &adapter;
    o.n_adapters = 1;
    check_ok(reason_model_derive(model, &o, &derived));
    reason_adapter_free(adapter);
    free(path);
    return derived;
}

/* ||logits - wanted|| / ||wanted|| in the rows of the folder's expected.npz. */
static double error_of(reason_model *model, const char *name) {
    static const char file[] = "expected.npz";
    size_t n, n_rows, n_wanted;
    int32_t *tokens = hf_ints(name, file, "tokens", &n);
    int32_t *rows = hf_ints(name, file, "rows", &n_rows);
    float *wanted = hf_floats(name, file, "logits", &n_wanted);
    assert_true(tokens && rows && wanted && n_rows > 0);
    size_t n_vocab = n_wanted / n_rows;
    float *found = calloc(n * n_vocab, sizeof *found);
    double error = 0, size = 0;
    reason_session *session;
    reason_session_options o;
    check_ok(reason_session_options_init(&o, sizeof o));
    o.kv_type = REASON_KV_F32;
    check_ok(reason_session_new(model, &o, &session));
    check_ok(reason_session_logits(session, tokens, n, found));
    reason_session_free(session);
    for (size_t i = 0; i < n_wanted; i++) {
        size_t at = (size_t)rows[i / n_vocab] * n_vocab + i % n_vocab;
        double d = (double)found[at] - (double)wanted[i];
        error += d * d;
        size += (double)wanted[i] * (double)wanted[i];
    }
    free(tokens);
    free(rows);
    free(wanted);
    free(found);
    return sqrt(error / size);
}

static void test_peft__as_transformers(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(FOLDERS); i++) {
        reason_model *model = open_folder(FOLDERS[i].base);
        reason_model *derived = derive(model, FOLDERS[i].name);
        double error = error_of(derived, FOLDERS[i].name);
        double plain = error_of(model, FOLDERS[i].name);
        print_message("%s: %.1e, without the adapter %.1g\n", FOLDERS[i].name, error,
                      plain);
        assert_true(error <= 1e-5 && plain > 0.1);
        reason_model_free(derived);
        reason_model_free(model);
    }
}

/* Folder and adapter into one file of float32. */
static void test_peft__merged(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(FOLDERS); i++) {
        char out[] = "/tmp/test-peft-XXXXXX";
        char *in = hf_path(FOLDERS[i].base, NULL), *adapter = hf_path(FOLDERS[i].name, NULL);
        const char *const adapters[] = {adapter};
        reason_quantize_options o;
        reason_model *model;
        int fd = mkstemp(out);
        assert_true(fd >= 0);
        close(fd);
        check_ok(reason_quantize_options_init(&o, sizeof o));
        o.type = "F32";
        o.adapters = adapters;
        o.n_adapters = 1;
        reason_status status = reason_quantize(in, out, &o);
        if (!FOLDERS[i].merges) {
            assert_int_equal(status, REASON_ERR_UNSUPPORTED);
        } else {
            check_ok(status);
            check_ok(reason_model_open(out, NULL, &model));
            assert_true(error_of(model, FOLDERS[i].name) <= 1e-5);
            reason_model_free(model);
        }
        remove(out);
        free(in);
        free(adapter);
    }
}

/* --- folders made of bytes ------------------------------------------------------------ */

static char folder[] = "/tmp/peft-XXXXXX";
static reason_model *base;

static int set_up(void **state) {
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    base = open_folder("llama");
    return 0;
}

static const char *path_of(const char *name) {
    static char path[96];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static int tear_down(void **state) {
    (void)state;
    reason_model_free(base);
    remove(path_of("adapter_config.json"));
    remove(path_of("adapter_model.safetensors"));
    return rmdir(folder);
}

static void write_file(const char *name, const void *bytes, size_t n) {
    FILE *file = fopen(path_of(name), "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, n, file), n);
    fclose(file);
}

#define Q0 "base_model.model.model.layers.0.self_attn.q_proj"
#define PLAIN_CONFIG "\"peft_type\": \"LORA\", \"r\": 4, \"lora_alpha\": 8"

typedef struct part {
    const char *name, *dtype;
    size_t rows, cols;
} part;

/* A factor, and its other one, of a sound adapter. */
#define Q0_A {Q0 ".lora_A.weight", "F32", 4, WIDTH}
#define Q0_B {Q0 ".lora_B.weight", "F32", QUERY, 4}

static void write_tensors(const part *parts, size_t n) {
    char header[4096];
    size_t at = 0, offset = 0;
    at += (size_t)snprintf(header, sizeof header, "{");
    for (size_t i = 0; i < n; i++) {
        size_t bytes = parts[i].rows * parts[i].cols *
                       (strcmp(parts[i].dtype, "F32") == 0   ? 4
                        : strcmp(parts[i].dtype, "I64") == 0 ? 8
                                                             : 2);
        at += (size_t)snprintf(header + at, sizeof header - at,
                               "%s\"%s\":{\"dtype\":\"%s\",\"shape\":[%zu,%zu],"
                               "\"data_offsets\":[%zu,%zu]}",
                               i ? "," : "", parts[i].name, parts[i].dtype, parts[i].rows,
                               parts[i].cols, offset, offset + bytes);
        offset += bytes;
    }
    at += (size_t)snprintf(header + at, sizeof header - at, "}");
    gguf_bytes b = {0};
    gguf_put_number(&b, at, 8);
    gguf_put(&b, header, at);
    for (size_t i = 0; i < offset; i++)
        gguf_put_number(&b, i % 2 ? 0x3C : i % 251, 1);
    write_file("adapter_model.safetensors", b.data, b.n);
    gguf_free(&b);
}

static void write_config(const char *config) {
    char text[1024];
    int n = snprintf(text, sizeof text, "{%s}", config);
    write_file("adapter_config.json", text, (size_t)n);
}

static reason_status try_folder(void) {
    counted_heap heap;
    reason_adapter *adapter = (reason_adapter *)(void *)&heap;
    heap_begin(&heap, 0, false);
    reason_status status = reason_adapter_open(base, folder, &adapter);
    if (status != REASON_OK) {
        assert_null(adapter);
        assert_int_equal(strncmp(reason_last_error(), folder, strlen(folder)), 0);
    }
    reason_adapter_free(adapter);
    heap_end();
    assert_int_equal(heap.alive, 0);
    return status;
}

static void expect(reason_status wanted, const char *what, const char *word) {
    reason_status status = try_folder();
    if (status != wanted)
        fail_msg("%s: %s instead of %s: %s", what, reason_status_name(status),
                 reason_status_name(wanted), status ? reason_last_error() : "");
    if (status != REASON_OK)
        check_said((const char *const[]){word, NULL});
}

static void test_peft__configurations(void **state) {
    static const part parts[] = {Q0_A, Q0_B};
    static const struct {
        const char *config;
        reason_status status;
        const char *word;
    } rows[] = {
        {PLAIN_CONFIG, REASON_OK, ""},
        {PLAIN_CONFIG ", \"use_rslora\": true", REASON_OK, ""},
        {PLAIN_CONFIG ", \"init_lora_weights\": \"gaussian\"", REASON_OK, ""},
        {PLAIN_CONFIG ", \"modules_to_save\": []", REASON_OK, ""},
        {PLAIN_CONFIG ", \"lora_alpha\": 1e30", REASON_OK, ""}, /* the first counts */
        {"\"peft_type\": \"LORA\", \"rank_pattern\": {\"q_proj\": 4}", REASON_OK, ""},
        {"\"peft_type\": \"LORA\", \"r\": 9, \"rank_pattern\": {\"k_proj\": 3, "
         "\"self_attn.q_proj\": 4}",
         REASON_OK, ""},
        {"\"r\": 4", REASON_ERR_UNSUPPORTED, "peft_type"},
        {"\"peft_type\": \"LOHA\"", REASON_ERR_UNSUPPORTED, "\"LOHA\""},
        {"\"peft_type\": 3", REASON_ERR_FORMAT, "peft_type"},
        {PLAIN_CONFIG ", \"bias\": \"all\"", REASON_ERR_UNSUPPORTED, "bias \"all\""},
        {PLAIN_CONFIG ", \"use_dora\": true", REASON_ERR_UNSUPPORTED, "use_dora"},
        {PLAIN_CONFIG ", \"lora_bias\": true", REASON_ERR_UNSUPPORTED, "lora_bias"},
        {PLAIN_CONFIG ", \"fan_in_fan_out\": true", REASON_ERR_UNSUPPORTED,
         "fan_in_fan_out"},
        {PLAIN_CONFIG ", \"modules_to_save\": [\"embed_tokens\"]", REASON_ERR_UNSUPPORTED,
         "modules_to_save \"embed_tokens\""},
        {PLAIN_CONFIG ", \"layer_replication\": [[0, 1]]", REASON_ERR_UNSUPPORTED,
         "layer_replication"},
        {PLAIN_CONFIG ", \"trainable_token_indices\": {\"embed\": [1]}",
         REASON_ERR_UNSUPPORTED, "trainable_token_indices"},
        {PLAIN_CONFIG ", \"alora_invocation_tokens\": [1, 2]", REASON_ERR_UNSUPPORTED,
         "alora_invocation_tokens"},
        {PLAIN_CONFIG ", \"init_lora_weights\": \"pissa_niter_4\"",
         REASON_ERR_UNSUPPORTED, "pissa_niter_4"},
        {PLAIN_CONFIG ", \"rank_pattern\": {\".*q_proj\": 4}", REASON_ERR_UNSUPPORTED,
         "no expressions"},
        {PLAIN_CONFIG ", \"rank_pattern\": {\"q_proj\": 4.5}", REASON_ERR_FORMAT,
         "no whole number"},
        {PLAIN_CONFIG ", \"alpha_pattern\": {\"q_proj\": \"x\"}", REASON_ERR_FORMAT,
         "no number"},
        {PLAIN_CONFIG ", \"alpha_pattern\": {\"q_proj\": 1, \"q_proj\": 2}",
         REASON_ERR_FORMAT, "twice"},
        {PLAIN_CONFIG ", \"rank_pattern\": {\"q_proj\": 5}", REASON_ERR_FORMAT,
         "says rank 5"},
        {"\"peft_type\": \"LORA\", \"r\": 0", REASON_ERR_FORMAT, "r is 0"},
        {"\"peft_type\": \"LORA\", \"r\": 8", REASON_ERR_FORMAT, "says rank 8"},
        {"\"peft_type\": \"LORA\", \"r\": 4, \"lora_alpha\": 1e39", REASON_ERR_FORMAT,
         "lora_alpha"},
        {PLAIN_CONFIG ", \"alpha_pattern\": {\"q_proj\": 1e300}", REASON_ERR_FORMAT,
         "1e+300"},
        {PLAIN_CONFIG ", ", REASON_ERR_FORMAT, "adapter_config.json"},
    };
    (void)state;
    write_tensors(parts, COUNT(parts));
    for (size_t i = 0; i < COUNT(rows); i++) {
        write_config(rows[i].config);
        expect(rows[i].status, rows[i].config, rows[i].word);
    }
}

static void test_peft__tensors(void **state) {
    static const struct {
        part parts[3];
        reason_status status;
        const char *word;
    } rows[] = {
        {{Q0_A, Q0_B}, REASON_OK, ""},
        {{{Q0 ".lora_A.weight", "BF16", 4, WIDTH}, {Q0 ".lora_B.weight", "F16", QUERY, 4}},
         REASON_OK,
         ""},
        {{Q0_A}, REASON_ERR_FORMAT, "without its other factor"},
        {{Q0_B}, REASON_ERR_FORMAT, "without its other factor"},
        {{{Q0 ".lora_A.weight", "I64", 4, WIDTH}, Q0_B}, REASON_ERR_UNSUPPORTED, "I64"},
        {{{Q0 ".lora_A.weight", "F32", 5, WIDTH}, Q0_B}, REASON_ERR_FORMAT, "rank"},
        {{{Q0 ".lora_A.weight", "F32", 4, WIDTH + 1}, Q0_B}, REASON_ERR_MISMATCH,
         "shape [33, 64], [32, 64] expected"},
        {{Q0_A, {Q0 ".lora_B.weight", "F32", QUERY + 8, 4}}, REASON_ERR_MISMATCH,
         "shape [32, 72]"},
        {{Q0_A, {Q0 ".lora_B.weight", "F32", QUERY + 1, 4}}, REASON_ERR_MISMATCH,
         "no even number"},
        {{Q0_A, Q0_B, {Q0 ".lora_magnitude_vector", "F32", WIDTH, 1}},
         REASON_ERR_UNSUPPORTED,
         "is no factor"},
        {{Q0_A, Q0_B, {"base_model.model.score.weight", "F32", 1, WIDTH}},
         REASON_ERR_UNSUPPORTED,
         "score.weight"},
        {{{"model.layers.0.mlp.up_proj.lora_A.weight", "F32", 4, WIDTH}},
         REASON_ERR_UNSUPPORTED,
         "begin with"},
        {{{"base_model.model..lora_A.weight", "F32", 4, WIDTH},
          {"base_model.model..lora_B.weight", "F32", WIDTH, 4}},
         REASON_ERR_UNSUPPORTED,
         "begin with"},
        {{{"base_model.model.model.layers.0.mlp.gate_up_proj.lora_A.weight", "F32", 4, 32},
          {"base_model.model.model.layers.0.mlp.gate_up_proj.lora_B.weight", "F32", 80,
           4}},
         REASON_ERR_MISMATCH,
         "gate_up_proj"},
        {{{"base_model.model.model.layers.7.mlp.up_proj.lora_A.weight", "F32", 4, 32},
          {"base_model.model.model.layers.7.mlp.up_proj.lora_B.weight", "F32", 40, 4}},
         REASON_ERR_MISMATCH,
         "blk.7.ffn_up.weight"},
        {{{"base_model.model.model.norm.lora_A.weight", "F32", 4, 32},
          {"base_model.model.model.norm.lora_B.weight", "F32", 1, 4}},
         REASON_ERR_UNSUPPORTED,
         "no matrix"},
        {{{"base_model.model.lm_head.lora_embedding_A", "F32", 4, 32},
          {"base_model.model.lm_head.lora_embedding_B", "F32", 48, 4}},
         REASON_ERR_FORMAT,
         "factors of an embedding"},
        {{{"base_model.model.model.embed_tokens.lora_A.weight", "F32", 4, 32},
          {"base_model.model.model.embed_tokens.lora_B.weight", "F32", 48, 4}},
         REASON_ERR_FORMAT,
         "not of an embedding"},
        {{Q0_A, Q0_B, {"base_model.model.lm_head.base_layer.weight", "F32", N_VOCAB + 2, 32}},
         REASON_ERR_MISMATCH,
         "more or fewer tokens"},
        {{Q0_A, Q0_B, {"base_model.model.lm_head.base_layer.weight", "F32", N_VOCAB, 32}},
         REASON_OK,
         ""},
        {{{"base_model.model.lm_head.base_layer.weight", "F32", N_VOCAB, 32}},
         REASON_ERR_FORMAT,
         "no tensors"},
    };
    (void)state;
    write_config(PLAIN_CONFIG);
    for (size_t i = 0; i < COUNT(rows); i++) {
        size_t n = 0;
        while (n < COUNT(rows[i].parts) && rows[i].parts[n].name)
            n++;
        write_tensors(rows[i].parts, n);
        expect(rows[i].status, rows[i].word, rows[i].word);
    }
}

static void test_peft__missing_files(void **state) {
    (void)state;
    remove(path_of("adapter_config.json"));
    expect(REASON_ERR_IO, "no config", "adapter_config.json");
    write_config(PLAIN_CONFIG);
    remove(path_of("adapter_model.safetensors"));
    expect(REASON_ERR_IO, "no tensors", "adapter_model.safetensors");
    write_file("adapter_model.safetensors", "\x08\0\0\0\0\0\0\0{}", 10);
    expect(REASON_ERR_FORMAT, "cut", "adapter_model.safetensors");
}

static void test_peft__no_memory(void **state) {
    (void)state;
    char *path = hf_path("llama-lora-patterns", NULL);
    for (size_t n = 1;; n++) {
        counted_heap heap;
        reason_adapter *adapter;
        heap_begin(&heap, n, false);
        reason_status status = reason_adapter_open(base, path, &adapter);
        reason_adapter_free(adapter);
        heap_end();
        assert_int_equal(heap.alive, 0);
        if (heap.n_calls < n) {
            check_ok(status);
            break;
        }
        assert_int_equal(status, REASON_ERR_NO_MEMORY);
    }
    free(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_peft__as_transformers),
        cmocka_unit_test(test_peft__merged),
        cmocka_unit_test(test_peft__configurations),
        cmocka_unit_test(test_peft__tensors),
        cmocka_unit_test(test_peft__missing_files),
        cmocka_unit_test(test_peft__no_memory),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
