/* The forward pass against a float64 reference over random tiny models, against stored
 * logits of Transformers, and greedy answers of the model that ships. Other block types
 * than Q8_0, and models of another engine: test_golden.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/model.h"
#include "opening.h"
#include "published_models.h"
#include "support/dense_reference.h"
#include "support/gguf_build.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* --- helpers ------------------------------------------------------------------------ */

/* ||y - wanted|| / ||wanted|| */
static double relative_error(const float *y, const double *wanted, size_t n) {
    double error = 0, size = 0;
    for (size_t i = 0; i < n; i++) {
        error += ((double)y[i] - wanted[i]) * ((double)y[i] - wanted[i]);
        size += wanted[i] * wanted[i];
    }
    return sqrt(error / size);
}

static void *claim(size_t n, size_t size) {
    void *p = calloc(n, size);
    assert_non_null(p);
    return p;
}

/* Logits of all tokens, [n][n_vocab], through the public interface; to be freed. */
static float *run_model_within(const char *path, const int32_t *tokens, size_t n,
                               reason_kv_type kv, size_t n_ctx) {
    reason_model *model;
    reason_session *session;
    reason_session_options options;
    int64_t n_vocab = 0;
    check_ok(reason_model_open(path, NULL, &model));
    check_ok(reason_model_get_int(model, "n_vocab", &n_vocab));
    check_ok(reason_session_options_init(&options, sizeof options));
    options.kv_type = kv;
    options.n_threads = 2;
    options.n_ctx = (int32_t)n_ctx;
    check_ok(reason_session_new(model, &options, &session));
    float *logits = claim(n * (size_t)n_vocab, sizeof *logits);
    check_ok(reason_session_logits(session, tokens, n, logits));
    reason_session_free(session);
    reason_model_free(model);
    return logits;
}

static float *run_model(const char *path, const int32_t *tokens, size_t n,
                        reason_kv_type kv) {
    return run_model_within(path, tokens, n, kv, 0);
}

static double compare(const char *arch, const tiny_options *o, size_t n,
                      reason_kv_type kv, dense_reference_options how) {
    tiny_model m;
    tiny_model_make(arch, o, &m);
    int32_t *tokens = claim(n, sizeof *tokens);
    for (size_t i = 0; i < n; i++)
        tokens[i] = (int32_t)((i * 7919 + 13 * o->seed + 5) % m.o.n_vocab);
    char *path = gguf_save(&m.file);
    float *logits = run_model_within(path, tokens, n, kv, how.n_ctx);
    double *wanted = dense_reference_logits(&m, tokens, n, how);
    double error = relative_error(logits, wanted, n * m.o.n_vocab);
    gguf_remove(path);
    tiny_model_free(&m);
    free(tokens);
    free(logits);
    free(wanted);
    return error;
}

static const char *const ARCHS[] = {"llama",  "qwen2", "qwen3", "gemma",
                                    "gemma2", "gemma3", "phi3",  "glm4",
                                    "smollm3", "granite", "seed_oss", "olmo2"};

/* --- against the reference ---------------------------------------------------------- */

static void check_error(double error, double limit, const char *what) {
    if (!(error <= limit))
        fail_msg("%s: error %g, at most %g expected", what, error, limit);
}

/* Float weights of each type, each architecture, prompts longer than one block of the
 * cache. */
static void test_model_forward__floats(void **state) {
    (void)state;
    static const uint32_t types[] = {GGML_F32, GGML_F16, GGML_BF16};
    for (size_t a = 0; a < COUNT(ARCHS); a++)
        for (size_t t = 0; t < COUNT(types); t++) {
            const tiny_options o = {.type = types[t], .seed = 10 * a + t};
            double error = compare(ARCHS[a], &o, 70, REASON_KV_F32,
                                   (dense_reference_options){0});
            check_error(error, 1e-5, ARCHS[a]);
        }
}

/* What can vary in a model's shape, one thing after another and all together. */
static void test_model_forward__shapes(void **state) {
    (void)state;
    static const struct {
        const char *what;
        tiny_options o;
    } shapes[] = {
        {"tied", {.tied = true}},
        {"RoPE factors", {.rope_factors = true}},
        {"biases", {.biases = true}},
        {"wide heads", {.head_dim = 32}},
        {"narrow heads", {.head_dim = 4}},
        {"part of a head turned", {.head_dim = 32, .n_rot = 12}},
        {"one key head", {.n_heads_kv = 1}},
        {"as many key heads", {.n_heads_kv = 4}},
        {"odd widths",
         {.n_embd = 52, .n_ff = 83, .head_dim = 18, .n_heads = 3, .n_heads_kv = 1}},
        {"one layer", {.n_layers = 1}},
        {"four layers", {.n_layers = 4}},
        {"padded vocabulary", {.n_vocab = 300}},
        {"half-precision vectors", {.vector_type = GGML_F16}},
        {"bfloat vectors", {.vector_type = GGML_BF16, .biases = true}},
        {"8-bit vectors", {.vector_type = GGML_Q8_0, .head_dim = 32, .biases = true}},
        {"all of it",
         {.type = GGML_F16,
          .vector_type = GGML_BF16,
          .n_layers = 3,
          .n_embd = 40,
          .n_heads = 6,
          .n_heads_kv = 3,
          .head_dim = 22,
          .n_rot = 10,
          .n_ff = 77,
          .n_vocab = 299,
          .tied = true,
          .rope_factors = true,
          .alignment = 8}},
    };
    for (size_t i = 0; i < COUNT(shapes); i++)
        for (size_t a = 0; a < COUNT(ARCHS); a++) {
            tiny_options o = shapes[i].o;
            o.seed = 100 + i;
            o.biases = o.biases && a == 0; /* qwen2 has them anyway, qwen3 never */
            double error = compare(ARCHS[a], &o, 9, REASON_KV_F32,
                                   (dense_reference_options){0});
            check_error(error, 1e-5, shapes[i].what);
        }
}

/* What only some architectures have, each thing over more than a block of the cache. */
static void test_model_forward__features(void **state) {
    (void)state;
    static const struct {
        const char *what, *arch;
        size_t n_ctx; /* of the session */
        tiny_options o;
    } rows[] = {
        {"window of 1", "phi3", 0, {.window = 1}},
        {"window of 5", "phi3", 0, {.window = 5}},
        {"window of a block", "phi3", 0, {.window = 64}},
        {"window across blocks", "gemma2", 0, {.window = 65, .n_layers = 3}},
        {"window of every layer", "gemma2", 0, {.window = 9, .window_pattern = 4096}},
        {"window of no layer", "gemma3", 0, {.window = 9, .window_pattern = 1}},
        {"window of two in three",
         "gemma3",
         0,
         {.window = 9, .window_pattern = 3, .n_layers = 5}},
        {"window as wide as the context", "llama", 0, {.window = 256}},
        {"other RoPE in windows", "gemma2", 0, {.window = 9, .local_base = 500}},
        {"other and scaled RoPE",
         "gemma2",
         0,
         {.window = 9, .local_base = 500, .factor = 3, .scaling = "linear"}},
        {"two RoPE tables",
         "gemma3",
         0,
         {.window = 70, .n_layers = 7, .rope_base = 1e6f, .factor = 8, .local_base = 70}},
        {"caps", "gemma2", 0, {.attn_cap = 2, .logit_cap = 1.5f}},
        {"caps of any", "qwen3", 0, {.attn_cap = 1, .logit_cap = 0.5f}},
        {"46 layers",
         "gemma2",
         0,
         {.n_layers = 46, .n_embd = 24, .n_ff = 20, .n_heads_kv = 4, .tied = true}},
        {"62 layers",
         "gemma3",
         0,
         {.n_layers = 62, .n_embd = 24, .n_ff = 20, .n_heads_kv = 4, .tied = true}},
        {"scale of scores", "llama", 0, {.attn_scale = 0.1f}},
        {"linear", "llama", 0, {.factor = 4, .scaling = "linear"}},
        {"linear without a type", "llama", 0, {.factor = 4}},
        {"a factor that none ignores", "llama", 0, {.factor = 4, .scaling = "none"}},
        {"linear and RoPE factors", "llama", 0, {.factor = 4, .rope_factors = true}},
        {"yarn", "qwen2", 0, {.factor = 4, .scaling = "yarn", .n_ctx_orig = 64}},
        {"yarn, all interpolated",
         "qwen3",
         0,
         {.factor = 4, .scaling = "yarn", .n_ctx_orig = 1}},
        {"yarn, one step",
         "qwen3",
         0,
         {.factor = 9,
          .scaling = "yarn",
          .n_ctx_orig = 99,
          .beta_fast = 3,
          .beta_slow = 3}},
        {"yarn, no stretch", "llama", 0, {.factor = 1, .scaling = "yarn"}},
        {"yarn, its factor",
         "llama",
         0,
         {.factor = 2, .scaling = "yarn", .yarn_attn_factor = 1.5f, .n_rot = 12}},
        {"yarn, another factor",
         "llama",
         0,
         {.factor = 2, .scaling = "yarn", .attn_factor = 0.7f, .rope_factors = true}},
        {"long factors", "phi3", 0, {.long_factors = true, .n_ctx_orig = 64}},
        {"short factors", "phi3", 64, {.long_factors = true, .n_ctx_orig = 64}},
        {"long factors, just", "phi3", 65, {.long_factors = true, .n_ctx_orig = 64}},
        {"long factors and their factor",
         "phi3",
         0,
         {.long_factors = true, .n_ctx_orig = 64, .attn_factor = 1.2f, .fused = true}},
        {"longrope by its name",
         "granite",
         0,
         {.long_factors = true, .n_ctx_orig = 99, .scaling = "longrope"}},
        {"fused in half precision", "phi3", 0, {.type = GGML_F16, .fused = true}},
        {"scales",
         "granite",
         0,
         {.embed_scale = 7, .residual_scale = 0.3f, .logit_scale = 11, .attn_scale = 1}},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        tiny_options o = rows[i].o;
        o.seed = 600 + i;
        const dense_reference_options how = {.n_ctx = rows[i].n_ctx};
        size_t n = rows[i].n_ctx > 0 ? rows[i].n_ctx : 90;
        check_error(compare(rows[i].arch, &o, n, REASON_KV_F32, how), 1e-5, rows[i].what);
    }
}

/* Shapes at random, for every architecture. */
static void test_model_forward__random_shapes(void **state) {
    (void)state;
    uint32_t seed = 1;
    for (size_t a = 0; a < COUNT(ARCHS); a++)
        for (size_t i = 0; i < 6; i++) {
            uint32_t r[8];
            for (size_t j = 0; j < COUNT(r); j++)
                r[j] = (seed = seed * 1664525u + 1013904223u) >> 12;
            const tiny_options o = {.n_layers = 1 + r[0] % 8,
                                    .n_heads_kv = 1 + r[1] % 3,
                                    .n_heads = (1 + r[1] % 3) * (1 + r[2] % 3),
                                    .head_dim = 2 * (2 + r[3] % 14),
                                    .n_rot = 4,
                                    .n_embd = 8 + r[4] % 50,
                                    .n_ff = 8 + r[5] % 90,
                                    .window = a >= 4 && a <= 6 ? 1 + r[6] % 80 : 0,
                                    .factor = r[7] % 2 ? 3 : 0,
                                    .tied = r[7] % 3 == 0,
                                    .seed = seed};
            double error = compare(ARCHS[a], &o, 20 + r[6] % 60, REASON_KV_F32,
                                   (dense_reference_options){0});
            check_error(error, 1e-5, ARCHS[a]);
        }
}

/* More positions than two blocks of the cache and three chunks of a prompt. */
static void test_model_forward__long_prompt(void **state) {
    (void)state;
    for (size_t a = 0; a < COUNT(ARCHS); a++) {
        const tiny_options o = {.seed = 200 + a};
        double error = compare(ARCHS[a], &o, 200, REASON_KV_F32,
                               (dense_reference_options){0});
        check_error(error, 1e-5, ARCHS[a]);
    }
}

/* Keys and values in half precision. A value on the border of two halves may fall on
 * either side of it, so the reference that rounds too agrees less well than one of
 * float32 would. */
static void test_model_forward__half_cache(void **state) {
    (void)state;
    for (size_t a = 0; a < COUNT(ARCHS); a++) {
        const tiny_options o = {.type = GGML_F16, .seed = 300 + a};
        const dense_reference_options rounded = {.half_cache = true};
        check_error(compare(ARCHS[a], &o, 100, REASON_KV_F16, rounded), 1e-4, ARCHS[a]);
        double error = compare(ARCHS[a], &o, 100, REASON_KV_F16,
                               (dense_reference_options){0});
        check_error(error, 2e-3, ARCHS[a]);
        assert_true(error > 1e-5); /* and it did round */
    }
}

/* Q8_0 weights: near the exact product, and the same as one whose other factor was rounded
 * to 8 bits as the kernels say, unless one that lies between two codes went to the other:
 * that may happen in half of the models. */
static void test_model_forward__q8_0(void **state) {
    (void)state;
    enum { N_SEEDS = 4 };
    for (size_t a = 0; a < COUNT(ARCHS); a++) {
        size_t n_same = 0;
        for (size_t s = 0; s < N_SEEDS; s++) {
            const tiny_options o = {.type = GGML_Q8_0,
                                    .head_dim = a == 1 ? 32 : 16,
                                    .seed = 400 + 100 * s + a};
            const dense_reference_options rounded = {.q8 = true};
            double error = compare(ARCHS[a], &o, 80, REASON_KV_F32, rounded);
            check_error(error, 2e-2, ARCHS[a]);
            n_same += error <= 1e-6;
            error = compare(ARCHS[a], &o, 80, REASON_KV_F32, (dense_reference_options){0});
            check_error(error, 3e-2, ARCHS[a]);
            assert_true(error > 1e-4);
        }
        assert_true(n_same >= N_SEEDS / 2);
    }
}

/* Token by token gives the bits of the whole prompt at once, however it is cut. */
static void check_chunks(const char *arch, const tiny_options *o) {
    enum { N = 90 };
    char *path = build_tiny_model(arch, o);
    int32_t tokens[N];
    for (int i = 0; i < N; i++)
        tokens[i] = i * 31 % TINY_N_TOKENS;
    float *whole = run_model(path, tokens, N, REASON_KV_F16);
    float *part = claim(N * TINY_N_TOKENS, sizeof *part);
    reason_model *model;
    check_ok(reason_model_open(path, NULL, &model));
    static const int32_t chunks[] = {1, 3, 63, 65};
    for (size_t c = 0; c < COUNT(chunks); c++) {
        reason_session *session;
        reason_session_options options;
        check_ok(reason_session_options_init(&options, sizeof options));
        options.n_chunk = chunks[c];
        options.n_threads = 1 + (int32_t)c;
        check_ok(reason_session_new(model, &options, &session));
        for (size_t at = 0, n = 1; at < N; at += n, n = n * 2 + 1) {
            n = n < N - at ? n : N - at;
            check_ok(reason_session_logits(session, tokens + at, n,
                                           part + at * TINY_N_TOKENS));
        }
        assert_memory_equal(whole, part, N * TINY_N_TOKENS * sizeof *part);
        /* What is kept of a timeline serves the same as if it were computed again. */
        check_ok(reason_session_truncate(session, 50));
        check_ok(reason_session_logits(session, tokens + 50, N - 50, part));
        assert_memory_equal(whole + 50 * TINY_N_TOKENS, part,
                            (N - 50) * TINY_N_TOKENS * sizeof *part);
        reason_session_free(session);
    }
    reason_model_free(model);
    gguf_remove(path);
    free(whole);
    free(part);
}

static void test_model_forward__chunks(void **state) {
    (void)state;
    const tiny_options rows[] = {
        {.type = GGML_Q8_0, .seed = 500},
        {.type = GGML_Q8_0, .seed = 501, .window = 37, .attn_cap = 3},
        {.type = GGML_Q8_0, .seed = 502, .window = 65, .n_layers = 6},
        {.type = GGML_Q8_0, .seed = 503, .n_ctx_orig = 40, .long_factors = true},
        {.type = GGML_Q8_0, .seed = 504, .window = 20, .n_layers = 5},
    };
    static const char *const archs[] = {"qwen3", "gemma2", "gemma3", "phi3", "olmo2"};
    for (size_t i = 0; i < COUNT(rows); i++)
        check_chunks(archs[i], &rows[i]);
}

/* --- stored logits ------------------------------------------------------------------ */

static FILE *open_below(const char *folder, const char *a, const char *b) {
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/%s%s", folder, a, b);
    FILE *file = fopen(path, "rb");
    if (!file)
        fail_msg("%s cannot be opened", path);
    return file;
}

static const char *source_folder(void) {
    const char *folder = getenv("REASON_SRCDIR");
    return folder && *folder ? folder : ".";
}

/* Logits of Transformers for models of our own weights. */
static void test_model_forward__published(void **state) {
    (void)state;
    enum { N = PUBLISHED_ROWS * TINY_N_TOKENS };
    int32_t tokens[PUBLISHED_TOKENS];
    float *stored = claim(N, sizeof *stored);
    double *wanted = claim(N, sizeof *wanted);
    published_tokens(tokens);
    for (size_t i = 0; i < COUNT(PUBLISHED); i++) {
        char data[128];
        (void)snprintf(data, sizeof data, "tiny-%s.logits", PUBLISHED[i].name);
        FILE *file = open_below(source_folder(), "tests/data/", data);
        assert_int_equal(fread(stored, sizeof *stored, N, file), N);
        assert_int_equal(fclose(file), 0);
        for (size_t j = 0; j < N; j++)
            wanted[j] = stored[j];
        char *path = build_tiny_model(PUBLISHED[i].arch, &PUBLISHED[i].o);
        float *logits = run_model(path, tokens, PUBLISHED_TOKENS, REASON_KV_F32);
        size_t skipped = (PUBLISHED_TOKENS - PUBLISHED_ROWS) * TINY_N_TOKENS;
        double error = relative_error(logits + skipped, wanted, N);
        print_message("%s: error %.2g, at most 1e-5 allowed\n", PUBLISHED[i].name, error);
        check_error(error, 1e-5, PUBLISHED[i].name);
        gguf_remove(path);
        free(logits);
    }
    free(stored);
    free(wanted);
}

/* --- the model that ships ----------------------------------------------------------- */

enum { MAX_IDS = 1024 };

/* The list of whole numbers behind a key of one line of JSON. */
static size_t read_ids(const char *line, const char *key, int32_t *ids) {
    const char *at = strstr(line, key);
    assert_non_null(at);
    at = strchr(at, '[');
    assert_non_null(at);
    size_t n = 0;
    for (char *end; *at != ']'; at = end) {
        assert_true(n < MAX_IDS);
        ids[n++] = (int32_t)strtol(at + 1, &end, 10);
        assert_true(end > at + 1);
    }
    return n;
}

static int32_t best_of(const float *logits, size_t n) {
    size_t best = 0;
    for (size_t i = 1; i < n; i++)
        best = logits[i] > logits[best] ? i : best;
    return (int32_t)best;
}

/* Steps greedily, one token at a time, as long as the output is the stored one. */
static void check_steps(reason_session *session, const int32_t *prompt, size_t n_prompt,
                        const int32_t *ids, size_t n, float *logits, size_t n_vocab) {
    check_ok(reason_session_reset(session));
    check_ok(reason_session_logits(session, prompt, n_prompt, logits));
    int32_t id = best_of(logits + (n_prompt - 1) * n_vocab, n_vocab);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(id, ids[i]);
        check_ok(reason_session_logits(session, &id, 1, logits));
        id = best_of(logits, n_vocab);
    }
}

/* The stored output is the greedy one if at every place of it the best next token is the
 * stored one; that needs one pass. The first lines are stepped through as well. */
static void check_line(reason_session *session, const char *line, bool step,
                       float *logits, size_t n_vocab) {
    static int32_t ids[2 * MAX_IDS];
    size_t n_prompt = read_ids(line, "\"prompt_ids\"", ids);
    size_t n = read_ids(line, "\"ids\"", ids + n_prompt);
    assert_true(n_prompt > 0 && n > 0 && n_prompt + n <= MAX_IDS);
    check_ok(reason_session_reset(session));
    check_ok(reason_session_logits(session, ids, n_prompt + n - 1, logits));
    for (size_t i = 0; i < n; i++) {
        const float *row = logits + (n_prompt - 1 + i) * n_vocab;
        if (best_of(row, n_vocab) != ids[n_prompt + i])
            fail_msg("token %zu is %d, %d expected: %.120s", i,
                     (int)best_of(row, n_vocab), (int)ids[n_prompt + i], line);
    }
    if (step)
        check_steps(session, ids, n_prompt, ids + n_prompt, n, logits, n_vocab);
}

static char *shipped_path(char *path, size_t cap) {
    const char *shipped = getenv("REASON_SHIPPED");
    if (shipped && *shipped)
        (void)snprintf(path, cap, "%s", shipped);
    else
        (void)snprintf(path, cap, "%s/share/reason-tiny.gguf", source_folder());
    return path;
}

/* Greedy answers to 60 questions, where a float64 program saw no near tie. */
static void test_model_forward__greedy(void **state) {
    (void)state;
    static char line[1 << 16];
    char path[4096];
    reason_model *model;
    reason_session *session;
    reason_session_options options;
    int64_t n_vocab = 0;
    size_t n_lines = 0, n_sure = 0;
    check_ok(reason_model_open(shipped_path(path, sizeof path), NULL, &model));
    check_ok(reason_model_get_int(model, "n_vocab", &n_vocab));
    check_ok(reason_session_options_init(&options, sizeof options));
    options.kv_type = REASON_KV_F32;
    check_ok(reason_session_new(model, &options, &session));
    float *logits = claim((size_t)MAX_IDS * (size_t)n_vocab, sizeof *logits);
    FILE *file = open_below(source_folder(), "tests/data/", "reason-tiny-greedy.jsonl");
    for (; fgets(line, sizeof line, file); n_lines++) {
        const char *gap = strstr(line, "\"smallest_gap\":");
        assert_non_null(gap);
        if (strtod(gap + strlen("\"smallest_gap\":"), NULL) <= 0.05)
            continue;
        check_line(session, line, n_sure < 3, logits, (size_t)n_vocab);
        n_sure++;
    }
    print_message("%zu of %zu outputs have no near tie and are equal\n", n_sure, n_lines);
    assert_int_equal(n_lines, 60);
    assert_true(n_sure >= 55);
    assert_int_equal(fclose(file), 0);
    free(logits);
    reason_session_free(session);
    reason_model_free(model);
}

/* ---- splitting ---- */

enum { SPLIT_TOKENS = 80 };

/* Logits of SPLIT_TOKENS single steps, every stage split over `threads` workers. */
static float *split_logits(reason_model *model, int32_t threads, size_t n_vocab) {
    reason_pool *pool;
    reason_session *session;
    reason_session_options o;
    float *logits = malloc(SPLIT_TOKENS * n_vocab * sizeof *logits);
    assert_non_null(logits);
    assert_int_equal(reason_pool_new(threads, &pool), REASON_OK);
    rsn_pool_set_least_work(pool, 0);
    assert_int_equal(rsn_pool_pays(pool, 1), threads > 1);
    assert_int_equal(reason_session_options_init(&o, sizeof o), REASON_OK);
    o.pool = pool;
    assert_int_equal(reason_session_new(model, &o, &session), REASON_OK);
    for (int32_t i = 0; i < SPLIT_TOKENS; i++) {
        int32_t token = i * 7 % 250;
        assert_int_equal(reason_session_logits(session, &token, 1, logits + (size_t)i * n_vocab),
                         REASON_OK);
    }
    reason_session_free(session);
    reason_pool_free(pool);
    return logits;
}

/* A pool that is made to split even the smallest stage changes no bit. */
static void test_model_forward__forced_split(void **state) {
    (void)state;
    char *path = build_tiny_model("qwen3", NULL);
    reason_model *model;
    int64_t n_vocab;
    assert_int_equal(reason_model_open(path, NULL, &model), REASON_OK);
    assert_int_equal(reason_model_get_int(model, "n_vocab", &n_vocab), REASON_OK);
    float *alone = split_logits(model, 1, (size_t)n_vocab);
    for (int32_t threads = 2; threads <= 3; threads++) {
        float *split = split_logits(model, threads, (size_t)n_vocab);
        assert_memory_equal(alone, split, SPLIT_TOKENS * (size_t)n_vocab * sizeof *alone);
        free(split);
    }
    free(alone);
    reason_model_free(model);
    gguf_remove(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model_forward__forced_split),
        cmocka_unit_test(test_model_forward__floats),
        cmocka_unit_test(test_model_forward__shapes),
        cmocka_unit_test(test_model_forward__features),
        cmocka_unit_test(test_model_forward__random_shapes),
        cmocka_unit_test(test_model_forward__published),
        cmocka_unit_test(test_model_forward__long_prompt),
        cmocka_unit_test(test_model_forward__half_cache),
        cmocka_unit_test(test_model_forward__q8_0),
        cmocka_unit_test(test_model_forward__chunks),
        cmocka_unit_test(test_model_forward__greedy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
