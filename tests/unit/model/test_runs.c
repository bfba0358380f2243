/* Passes over several timelines: each gets the bits that it gets alone, in one pass and
 * with one thread, whatever runs beside it and however its tokens are cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "model/model.h"
#include "opening.h"
#include "support/gguf_build.h"

enum { MAX_LINES = 16, MAX_TOKENS = 450, CHUNK = 450 };

typedef struct line {
    rsn_kv kv;
    int32_t tokens[MAX_TOKENS];
    size_t n;
    float *wanted; /* [n][n_vocab], of the timeline alone */
} line;

typedef struct fixture {
    reason_model *model;
    char *path;
    rsn_pool *pool;
    rsn_scratch scratch;
    reason_cancel_token token;
    rsn_cancel cancel;
    float *logits; /* [CHUNK][n_vocab] */
    uint64_t state;
    size_t n_lines;
    line lines[MAX_LINES];
} fixture;

static size_t random_below(fixture *f, size_t n) {
    f->state = f->state * 6364136223846793005u + 1442695040888963407u;
    return (size_t)(f->state >> 33) % n;
}

static reason_status forward(fixture *f, const rsn_run *runs, size_t n_runs,
                             float *logits) {
    for (size_t i = 0; i < n_runs; i++)
        check_ok(rsn_kv_reserve(runs[i].kv, runs[i].kv->n + runs[i].n));
    const rsn_step step = {.model = f->model,
                           .runs = runs,
                           .n_runs = n_runs,
                           .logits = logits,
                           .pool = f->pool,
                           .cancel = &f->cancel,
                           .scratch = &f->scratch};
    return f->model->arch->forward(&step);
}

static void set_up_pass(fixture *f, int32_t n_threads) {
    check_ok(rsn_pool_new(n_threads, &f->pool));
    rsn_pool_set_least_work(f->pool, 0);
    f->scratch = (rsn_scratch){
        .n_chunk = CHUNK, .n_workers = (size_t)n_threads, .n_ctx = 1024};
    check_ok(f->model->arch->layout(f->model, &f->scratch));
    f->scratch.data = rsn_alloc_aligned(f->scratch.n_bytes);
    assert_non_null(f->scratch.data);
}

static void tear_down_pass(fixture *f) {
    rsn_free_aligned(f->scratch.data);
    rsn_pool_release(f->pool);
}

/* Timelines of random lengths, each in the type of its number or in the one given, and
 * what they give alone. */
static void make_lines(fixture *f, size_t n_lines, int kv_type) {
    size_t n_vocab = f->model->hp.n_vocab;
    f->n_lines = n_lines;
    set_up_pass(f, 1);
    for (size_t i = 0; i < n_lines; i++) {
        line *l = &f->lines[i];
        reason_kv_type type = (reason_kv_type)(kv_type < 0 ? (int)i % 4 : kv_type);
        size_t n_ctx = i % 2 ? MAX_TOKENS : 4096; /* RoPE may depend on it */
        l->n = 1 + random_below(f, i < 2 ? MAX_TOKENS : 150);
        for (size_t t = 0; t < l->n; t++)
            l->tokens[t] = (int32_t)random_below(f, n_vocab);
        l->wanted = malloc(l->n * n_vocab * sizeof *l->wanted);
        assert_non_null(l->wanted);
        check_ok(rsn_kv_init(&l->kv, &f->model->hp, n_ctx, rsn_kv_type(type)));
        const rsn_run run = {
            .kv = &l->kv, .tokens = l->tokens, .n = l->n, .want = RSN_WANT_ALL};
        check_ok(forward(f, &run, 1, l->wanted));
        assert_int_equal(l->kv.n, l->n);
        l->kv.n = 0;
    }
    tear_down_pass(f);
}

static void free_lines(fixture *f) {
    for (size_t i = 0; i < f->n_lines; i++) {
        rsn_kv_free(&f->lines[i].kv);
        free(f->lines[i].wanted);
    }
}

/* A run of some of the tokens left: one as in decoding, or a chunk. */
static rsn_run next_run(fixture *f, line *l) {
    size_t left = l->n - l->kv.n, most = random_below(f, 2) ? 1 : 24;
    size_t n = 1 + random_below(f, most < left ? most : left);
    return (rsn_run){.kv = &l->kv,
                     .tokens = l->tokens + l->kv.n,
                     .n = n,
                     .want = (rsn_want)random_below(f, 3)};
}

/* Compares the rows that the runs wanted; `before` is the lengths before the pass. */
static void check_rows(const fixture *f, const rsn_run *runs, const size_t *before,
                       line *const *lines, size_t n_runs) {
    size_t n_vocab = f->model->hp.n_vocab;
    const float *got = f->logits;
    for (size_t r = 0; r < n_runs; r++) {
        assert_int_equal(runs[r].kv->n, before[r] + runs[r].n);
        for (size_t i = 0; i < runs[r].n; i++) {
            bool last = i + 1 == runs[r].n;
            if (runs[r].want == RSN_WANT_NONE || (runs[r].want == RSN_WANT_LAST && !last))
                continue;
            assert_memory_equal(got, lines[r]->wanted + (before[r] + i) * n_vocab,
                                n_vocab * sizeof *got);
            got += n_vocab;
        }
    }
    for (size_t i = 0; i < n_vocab; i++)
        assert_true(got[i] == -7); /* nothing behind the last row */
}

/* One pass over a random part of the timelines; false when all are at their end. */
static bool pass(fixture *f) {
    rsn_run runs[MAX_LINES];
    line *lines[MAX_LINES];
    size_t before[MAX_LINES], n = 0, n_left = 0, n_vocab = f->model->hp.n_vocab;
    for (size_t i = 0; i < f->n_lines; i++) {
        line *l = &f->lines[i];
        n_left += l->kv.n < l->n;
        if (l->kv.n == l->n || random_below(f, 4) == 0)
            continue;
        before[n] = l->kv.n;
        lines[n] = l;
        runs[n++] = next_run(f, l);
    }
    if (n == 0)
        return n_left > 0;
    for (size_t i = 0; i < (CHUNK + 1) * n_vocab; i++)
        f->logits[i] = -7;
    if (random_below(f, 8) == 0) { /* a cancelled pass leaves no trace */
        atomic_store(&f->token.set, true);
        assert_int_equal(forward(f, runs, n, f->logits), REASON_ERR_CANCELLED);
        atomic_store(&f->token.set, false);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(runs[i].kv->n, before[i]);
    }
    check_ok(forward(f, runs, n, f->logits));
    check_rows(f, runs, before, lines, n);
    return true;
}

static void check_lines(fixture *f, size_t n_lines, int kv_type) {
    make_lines(f, n_lines, kv_type);
    for (int32_t threads = 1; threads <= 3; threads++) {
        set_up_pass(f, threads);
        while (pass(f)) {
        }
        for (size_t i = 0; i < n_lines; i++)
            f->lines[i].kv.n = 0;
        tear_down_pass(f);
    }
    free_lines(f);
}

static void check_model(const char *arch, const tiny_options *o, uint64_t seed) {
    static const size_t counts[] = {1, 2, 4, 16};
    static fixture f;
    memset(&f, 0, sizeof f);
    f.state = seed;
    f.cancel.token = &f.token;
    f.path = build_tiny_model(arch, o);
    check_ok(reason_model_open(f.path, NULL, &f.model));
    f.logits = malloc((CHUNK + 1) * f.model->hp.n_vocab * sizeof *f.logits);
    assert_non_null(f.logits);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        check_lines(&f, counts[i], i == 3 ? -1 : (int)((seed + i) % 4));
    free(f.logits);
    reason_model_free(f.model);
    gguf_remove(f.path);
}

static void test_model_runs__together_as_alone(void **state) {
    (void)state;
    static const struct {
        const char *arch;
        tiny_options o;
    } models[] = {
        {"qwen3", {.head_dim = 32}},
        {"gemma3", {.head_dim = 32, .type = GGML_F16, .window = 37}},
        {"phi3", {.head_dim = 32, .long_factors = true, .n_ctx_orig = 200}},
        {"llama", {.head_dim = 32, .n_heads_kv = 1, .type = GGML_Q8_0}},
    };
    for (size_t i = 0; i < sizeof models / sizeof *models; i++)
        check_model(models[i].arch, &models[i].o, i);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model_runs__together_as_alone),
    };
    return cmocka_run_group_tests_name("model/runs", tests, NULL, NULL);
}
