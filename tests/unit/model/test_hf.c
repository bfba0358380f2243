/* Hugging Face folders that Transformers wrote, each run and compared with what it
 * computed from them in float64 (tests/oracle): logits of causal models of every class,
 * ternary ones, both forms of config.json, adapters, the chances of yes and no, and ln p
 * of answers under two models. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "opening.h"
#include "support/hf_folder.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const struct {
    const char *name;
    int32_t n_ctx; /* 0: the model's. Of LongRoPE it says which factors count */
    bool alone;    /* there is no later release's folder */
} CAUSAL[] = {
    {"llama", 0, false},
    {"llama-sharded", 0, false},
    {"llama-sentencepiece", 0, true},
    {"mistral", 0, false},
    {"mistral-window", 0, false},
    {"qwen2", 0, false},
    {"qwen2-yarn", 0, false},
    {"qwen3", 0, false},
    {"gemma", 0, false},
    {"gemma2", 0, false},
    {"gemma3", 0, false},
    {"phi3", 0, false},
    {"phi3-longrope", 32, false},
    {"granite", 0, false},
    {"olmo2", 0, false},
    {"olmo3", 0, false},
    {"smollm3", 0, false},
    {"glm4", 0, false},
    {"seed_oss", 0, false},
    {"bitnet-online", 0, true},
    {"bitnet-offline", 0, true},
    {"bitnet-llama", 0, true},
};

/* --- helpers ------------------------------------------------------------------------ */

typedef struct running {
    reason_model *model;
    reason_session *session;
    size_t n_vocab;
} running;

/* The model with the adapter, which it keeps. */
static reason_model *with_adapter(reason_model *model, const char *name) {
    reason_derive_options options;
    reason_adapter *adapter;
    reason_model *derived;
    char *path = hf_path(name, NULL);
    check_ok(reason_adapter_open(model, path, &adapter));
    check_ok(reason_derive_options_init(&options, sizeof options));
    options.adapters = &adapter;
    options.n_adapters = 1;
    check_ok(reason_model_derive(model, &options, &derived));
    reason_adapter_free(adapter);
    reason_model_free(model);
    free(path);
    return derived;
}

static running start(const char *path, const char *adapter, int32_t n_ctx) {
    running r;
    reason_session_options options;
    int64_t n_vocab = 0;
    check_ok(reason_model_open(path, NULL, &r.model));
    if (adapter)
        r.model = with_adapter(r.model, adapter);
    check_ok(reason_model_get_int(r.model, "n_vocab", &n_vocab));
    check_ok(reason_session_options_init(&options, sizeof options));
    options.kv_type = REASON_KV_F32;
    options.n_ctx = n_ctx;
    check_ok(reason_session_new(r.model, &options, &r.session));
    r.n_vocab = (size_t)n_vocab;
    return r;
}

static void stop(running *r) {
    reason_session_free(r->session);
    reason_model_free(r->model);
}

/* Logits of every position of a text of its own, to be freed. */
static float *run(running *r, const int32_t *tokens, size_t n) {
    float *logits = calloc(n * r->n_vocab, sizeof *logits);
    assert_non_null(logits);
    check_ok(reason_session_reset(r->session));
    check_ok(reason_session_logits(r->session, tokens, n, logits));
    return logits;
}

static double error_of(const float *found, const float *wanted, size_t n) {
    double error = 0, size = 0;
    for (size_t i = 0; i < n; i++) {
        double distance = (double)found[i] - (double)wanted[i];
        error += distance * distance;
        size += (double)wanted[i] * (double)wanted[i];
    }
    return sqrt(error / size);
}

static void check_error(double error, const char *name, const char *what) {
    print_message("%-24s %-16s error %.1e, at most 1e-5\n", name, what, error);
    if (!(error <= 1e-5))
        fail_msg("%s, %s: error %g", name, what, error);
}

/* --- causal models ------------------------------------------------------------------ */

/* PREFIXtokens, PREFIXrows and PREFIXlogits of the folder's expected.npz. */
static void check_logits(running *r, const char *name, const char *prefix,
                         const char *what) {
    char array[3][32];
    size_t n, n_rows, n_logits;
    (void)snprintf(array[0], sizeof *array, "%stokens", prefix);
    (void)snprintf(array[1], sizeof *array, "%srows", prefix);
    (void)snprintf(array[2], sizeof *array, "%slogits", prefix);
    int32_t *tokens = hf_ints(name, "expected.npz", array[0], &n);
    int32_t *rows = hf_ints(name, "expected.npz", array[1], &n_rows);
    float *wanted = hf_floats(name, "expected.npz", array[2], &n_logits);
    assert_true(tokens && rows && wanted);
    assert_int_equal(n_logits, n_rows * r->n_vocab);
    float *logits = run(r, tokens, n);
    for (size_t i = 0; i < n_rows; i++)
        memmove(logits + i * r->n_vocab, logits + (size_t)rows[i] * r->n_vocab,
                r->n_vocab * sizeof *logits);
    check_error(error_of(logits, wanted, n_logits), name, what);
    free(tokens);
    free(rows);
    free(wanted);
    free(logits);
}

static void test_model_hf__logits(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(CAUSAL); i++) {
        char *path = hf_path(CAUSAL[i].name, NULL);
        running r = start(path, NULL, CAUSAL[i].n_ctx);
        check_logits(&r, CAUSAL[i].name, "", "logits");
        stop(&r);
        free(path);
    }
}

static void test_model_hf__long_factors(void **state) {
    (void)state;
    char *path = hf_path("phi3-longrope", NULL);
    running r = start(path, NULL, 0);
    check_logits(&r, "phi3-longrope", "long_", "long factors");
    stop(&r);
    free(path);
}

static void test_model_hf__later_release(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(CAUSAL); i++) {
        if (CAUSAL[i].alone)
            continue;
        char *folder = hf_later(CAUSAL[i].name);
        running r = start(folder, NULL, CAUSAL[i].n_ctx);
        check_logits(&r, CAUSAL[i].name, "", "later release");
        stop(&r);
        hf_later_remove(folder);
    }
}

/* LoRA as PEFT wrote it: alpha / r, and alpha / sqrt(r). */
static void test_model_hf__adapters(void **state) {
    (void)state;
    static const char *const adapters[][2] = {{"llama", "llama-lora"},
                                              {"qwen2", "qwen2-lora"}};
    for (size_t i = 0; i < COUNT(adapters); i++) {
        char *path = hf_path(adapters[i][0], NULL);
        running r = start(path, adapters[i][1], 0);
        check_logits(&r, adapters[i][1], "", "adapter");
        stop(&r);
        free(path);
    }
}

/* --- rewards of causal models ------------------------------------------------------- */

/* Logits of yes and no behind each question. */
static void test_model_hf__yes_and_no(void **state) {
    (void)state;
    static const char name[] = "qwen3-reranker", file[] = "expected.npz";
    size_t n, n_texts, n_words, n_outputs;
    int32_t *ids = hf_ints(name, file, "ids", &n);
    int32_t *ends = hf_ints(name, file, "ends", &n_texts);
    int32_t *words = hf_ints(name, file, "words", &n_words);
    float *wanted = hf_floats(name, file, "outputs", &n_outputs);
    float found[64];
    char *path = hf_path(name, NULL);
    running r = start(path, NULL, 0);
    assert_true(n_words == 2 && n_outputs == 2 * n_texts && n_outputs <= COUNT(found));
    for (size_t i = 0; i < n_texts; i++) {
        size_t begin = i ? (size_t)ends[i - 1] : 0, length = (size_t)ends[i] - begin;
        float *logits = run(&r, ids + begin, length);
        for (size_t j = 0; j < 2; j++)
            found[2 * i + j] = logits[(length - 1) * r.n_vocab + (size_t)words[j]];
        free(logits);
    }
    check_error(error_of(found, wanted, n_outputs), name, "yes and no");
    stop(&r);
    free(path);
    free(ids);
    free(ends);
    free(words);
    free(wanted);
}

static float ln_chance(const float *logits, size_t n, int32_t token) {
    double highest = (double)logits[0], sum = 0;
    for (size_t i = 1; i < n; i++)
        highest = fmax(highest, (double)logits[i]);
    for (size_t i = 0; i < n; i++)
        sum += exp((double)logits[i] - highest);
    return (float)((double)logits[token] - highest - log(sum));
}

typedef struct answers {
    int32_t *prompts, *prompt_ends, *ids, *ends;
    size_t n_prompts, n_ids, n;
} answers;

/* ln p of the tokens of answer i behind its prompt, to where it is in the list of all. */
static void add_chances(running *r, const answers *a, size_t i, float *found) {
    int32_t text[256];
    size_t from = i ? (size_t)a->prompt_ends[i - 1] : 0;
    size_t at = i ? (size_t)a->ends[i - 1] : 0;
    size_t n_prompt = (size_t)a->prompt_ends[i] - from, n = (size_t)a->ends[i] - at;
    assert_true(n_prompt + n <= COUNT(text));
    memcpy(text, a->prompts + from, n_prompt * sizeof *text);
    memcpy(text + n_prompt, a->ids + at, n * sizeof *text);
    float *logits = run(r, text, n_prompt + n);
    for (size_t j = 0; j < n; j++)
        found[at + j] = ln_chance(logits + (n_prompt + j - 1) * r->n_vocab, r->n_vocab,
                                  a->ids[at + j]);
    free(logits);
}

static void check_chances(const answers *a, const char *name, const char *array) {
    size_t n;
    float *wanted = hf_floats("qwen2-yarn", "likelihoods.npz", array, &n);
    float *found = calloc(a->n_ids, sizeof *found);
    char *path = hf_path(name, NULL);
    running r = start(path, NULL, 0);
    assert_true(wanted && found && n == a->n_ids);
    for (size_t i = 0; i < a->n; i++)
        add_chances(&r, a, i, found);
    check_error(error_of(found, wanted, n), name, array);
    stop(&r);
    free(path);
    free(wanted);
    free(found);
}

static void test_model_hf__likelihoods(void **state) {
    (void)state;
    static const char name[] = "qwen2-yarn", file[] = "likelihoods.npz";
    answers a;
    a.prompts = hf_ints(name, file, "prompts", &a.n_prompts);
    a.prompt_ends = hf_ints(name, file, "prompt_ends", &a.n);
    a.ids = hf_ints(name, file, "ids", &a.n_ids);
    a.ends = hf_ints(name, file, "ends", &a.n);
    check_chances(&a, name, "policy");
    check_chances(&a, "qwen3", "reference");
    free(a.prompts);
    free(a.prompt_ends);
    free(a.ids);
    free(a.ends);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model_hf__logits),
        cmocka_unit_test(test_model_hf__long_factors),
        cmocka_unit_test(test_model_hf__later_release),
        cmocka_unit_test(test_model_hf__adapters),
        cmocka_unit_test(test_model_hf__yes_and_no),
        cmocka_unit_test(test_model_hf__likelihoods),
    };
    return cmocka_run_group_tests_name("model/hf", tests, NULL, NULL);
}
