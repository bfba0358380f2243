/* Models with adapters against the slow forward pass with the changes multiplied out, and
 * against themselves: other threads, chunks, instruction sets. Damaged files:
 * test_adapter_malformed.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "base/pool.h"
#include "model/model.h"
#include "opening.h"
#include "support/dense_reference.h"
#include "support/heap.h"
#include "support/tiny_adapter.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { N = 70, MOST = 3 };

/* --- a model with adapters ---------------------------------------------------------- */

typedef struct fixture {
    tiny_model m;
    char *path;
    reason_model *model, *derived;
    tiny_adapter adapters[MOST];
    float scales[MOST];
    size_t n_adapters;
    reason_adapter *open[MOST];
    int32_t tokens[N];
} fixture;

static void begin(fixture *f, const char *arch, const tiny_options *o) {
    memset(f, 0, sizeof *f);
    tiny_model_make(arch, o, &f->m);
    f->path = gguf_save(&f->m.file);
    check_ok(reason_model_open(f->path, NULL, &f->model));
    for (size_t i = 0; i < N; i++)
        f->tokens[i] = (int32_t)((i * 7919 + 13 * o->seed + 5) % f->m.o.n_vocab);
}

static void add(fixture *f, const tiny_adapter_options *o, float scale) {
    size_t i = f->n_adapters++;
    tiny_adapter_make(&f->m, o, &f->adapters[i]);
    f->scales[i] = scale;
    check_ok(reason_adapter_open(f->model, tiny_adapter_save(&f->adapters[i]),
                                 &f->open[i]));
}

static reason_model *derive(const fixture *f, reason_model *from, size_t first, size_t n,
                            const int32_t *layers, size_t n_layers) {
    reason_derive_options o;
    reason_model *derived;
    check_ok(reason_derive_options_init(&o, sizeof o));
    o.adapters = f->open + first;
    o.adapter_scales = f->scales + first;
    o.n_adapters = n;
    o.layers = layers;
    o.n_layers = n_layers;
    check_ok(reason_model_derive(from, &o, &derived));
    return derived;
}

/* Only the derived model is left of the handles. */
static void apply(fixture *f) {
    f->derived = derive(f, f->model, 0, f->n_adapters, NULL, 0);
    reason_model_free(f->model);
    f->model = NULL;
    for (size_t i = 0; i < f->n_adapters; i++) {
        reason_adapter_free(f->open[i]);
        f->open[i] = NULL;
    }
}

static void end(fixture *f) {
    reason_model_free(f->model);
    reason_model_free(f->derived);
    for (size_t i = 0; i < f->n_adapters; i++) {
        reason_adapter_free(f->open[i]);
        tiny_adapter_free(&f->adapters[i]);
    }
    gguf_remove(f->path);
    tiny_model_free(&f->m);
}

/* --- running ------------------------------------------------------------------------ */

static float *run(reason_model *model, const fixture *f, int32_t threads, int32_t chunk) {
    reason_pool *pool;
    reason_session *session;
    reason_session_options o;
    float *logits = calloc(N * f->m.o.n_vocab, sizeof *logits);
    assert_non_null(logits);
    check_ok(reason_pool_new(threads, &pool));
    rsn_pool_set_least_work(pool, 0); /* tiny stages are split too */
    check_ok(reason_session_options_init(&o, sizeof o));
    o.kv_type = REASON_KV_F32;
    o.pool = pool;
    o.n_chunk = chunk;
    check_ok(reason_session_new(model, &o, &session));
    check_ok(reason_session_logits(session, f->tokens, N, logits));
    reason_session_free(session);
    reason_pool_free(pool);
    return logits;
}

/* What all adapters together add to a tensor. */
static double *change_of(const void *user, const char *tensor) {
    const fixture *f = user;
    const tiny_tensor *t = tiny_model_find(&f->m, tensor);
    if (!t)
        t = tiny_model_find(&f->m, "token_embd.weight");
    double *sum = calloc((size_t)(t->ne[0] * t->ne[1]), sizeof *sum);
    bool any = false;
    assert_non_null(sum);
    for (size_t i = 0; i < f->n_adapters; i++)
        any |= tiny_adapter_add(&f->adapters[i], tensor, (double)f->scales[i], sum);
    if (any)
        return sum;
    free(sum);
    return NULL;
}

static double error_of(const fixture *f, const float *found,
                       dense_reference_options how) {
    double *wanted = dense_reference_logits(&f->m, f->tokens, N, how);
    double error = 0, size = 0;
    for (size_t i = 0; i < N * f->m.o.n_vocab; i++) {
        error += ((double)found[i] - wanted[i]) * ((double)found[i] - wanted[i]);
        size += wanted[i] * wanted[i];
    }
    free(wanted);
    return sqrt(error / size);
}

static double error_with(const fixture *f, dense_reference_options how) {
    float *found = run(f->derived, f, 2, 0);
    how.change = change_of;
    how.change_user = f;
    double error = error_of(f, found, how);
    free(found);
    return error;
}

static void check_error(double error, double limit, const char *what) {
    if (!(error <= limit))
        fail_msg("%s: error %g, at most %g expected", what, error, limit);
}

/* --- against the reference ---------------------------------------------------------- */

static const struct {
    const char *what, *arch;
    tiny_options o;
    tiny_adapter_options a;
} CASES[] = {
    {"llama", "llama", {0}, {.alpha = 8}},
    {"qwen2", "qwen2", {0}, {.alpha = 8, .rank = 3}},
    {"qwen3", "qwen3", {0}, {.alpha = 2, .rank = 16}},
    {"phi3", "phi3", {0}, {.alpha = 8}},
    {"phi3, fused", "phi3", {.fused = true}, {.alpha = 8, .rank = 5}},
    {"embeddings grow", "gemma3", {.window = 9}, {.alpha = 8}},
    {"scales",
     "granite",
     {.embed_scale = 7, .residual_scale = 0.3f, .logit_scale = 11},
     {.alpha = 8}},
    {"tied", "llama", {.tied = true}, {.alpha = 8}},
    {"tied, output", "llama", {.tied = true}, {.alpha = 8, .output = true}},
    {"output alone", "llama", {.tied = true}, {.only = "output.weight", .output = true}},
    {"rank 1", "llama", {0}, {.rank = 1}},
    {"a rank above the width", "llama", {0}, {.rank = 150, .alpha = 99}},
    {"no alpha", "olmo2", {0}, {0}},
    {"negative alpha", "llama", {0}, {.alpha = -3}},
    {"values alone", "llama", {0}, {.alpha = 8, .only = "attn_v"}},
    {"up alone", "qwen2", {0}, {.alpha = 8, .only = "ffn_up"}},
    {"one layer", "qwen2", {.n_layers = 3}, {.alpha = 8, .only = "blk.1."}},
    {"embedding alone", "qwen2", {0}, {.alpha = 8, .only = "token_embd"}},
    {"halves", "qwen3", {.type = GGML_F16}, {.alpha = 8, .type = GGML_F16}},
    {"halves, fused",
     "phi3",
     {.fused = true},
     {.alpha = 8, .rank = 3, .type = GGML_BF16}},
    {"blocks",
     "llama",
     {0},
     {.alpha = 8, .rank = 32, .type = GGML_Q8_0, .only = "attn"}},
};

static void test_model_adapter__reference(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        fixture f;
        tiny_options o = CASES[i].o;
        tiny_adapter_options a = CASES[i].a;
        o.seed = a.seed = i;
        begin(&f, CASES[i].arch, &o);
        add(&f, &a, 1);
        apply(&f);
        check_error(error_with(&f, (dense_reference_options){0}), 1e-5, CASES[i].what);
        float *found = run(f.derived, &f, 1, 0);
        double plain = error_of(&f, found, (dense_reference_options){0});
        if (!(plain > 1e-3)) /* and it did change something */
            fail_msg("%s: %g from the base", CASES[i].what, plain);
        free(found);
        end(&f);
    }
}

/* Adapters read what projections of 8-bit activations read, before it is rounded. A value
 * between two codes may go to the other in some models (test_forward.c); were the rounded
 * one read, none would agree. */
static void test_model_adapter__rounded_activations(void **state) {
    (void)state;
    enum { N_SEEDS = 6 };
    static const struct {
        const char *arch;
        tiny_options o;
    } rows[] = {
        {"bitnet", {0}},
        {"bitnet", {.type = GGML_Q8_0}},
        {"bitnet-b1.58", {.act_bits = 4}},
        {"bitnet", {.hadamard = true, .no_sub_norms = true}},
        {"qwen3", {.type = GGML_Q8_0, .head_dim = 32}},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        size_t n_same = 0;
        for (uint64_t s = 0; s < N_SEEDS; s++) {
            fixture f;
            tiny_options o = rows[i].o;
            o.seed = 100 * i + s;
            begin(&f, rows[i].arch, &o);
            add(&f, &(tiny_adapter_options){.alpha = 8, .seed = s}, 1);
            apply(&f);
            double error = error_with(&f, (dense_reference_options){.q8 = true});
            check_error(error, o.act_bits == 4 ? 0.2 : 2e-2, rows[i].arch);
            n_same += error <= 1e-5;
            end(&f);
        }
        if (n_same < N_SEEDS / 3)
            fail_msg("%s %zu: %zu of %d agree", rows[i].arch, i, n_same, N_SEEDS);
    }
}

static void add_three(fixture *f) {
    add(f, &(tiny_adapter_options){.alpha = 8, .seed = 1}, 0.5f);
    add(f, &(tiny_adapter_options){.rank = 7, .seed = 2, .only = "attn"}, -1.25f);
    add(f, &(tiny_adapter_options){.rank = 2, .alpha = 3, .seed = 3, .type = GGML_F16},
        2);
}

static void test_model_adapter__several_add_up(void **state) {
    static const char *const archs[] = {"qwen3", "phi3"};
    (void)state;
    for (size_t i = 0; i < COUNT(archs); i++) {
        fixture f;
        begin(&f, archs[i], &(tiny_options){.seed = i, .fused = i == 1});
        add_three(&f);
        apply(&f);
        check_error(error_with(&f, (dense_reference_options){0}), 1e-5, archs[i]);
        end(&f);
    }
}

/* One after another is the same bits as all at once, also through other layers. */
static void test_model_adapter__derived_twice(void **state) {
    static const int32_t path[] = {1, 0, 1}, turned[] = {0, 1, 1}, both[] = {1, 0, 0};
    (void)state;
    fixture f;
    begin(&f, "phi3", &(tiny_options){.fused = true});
    add_three(&f);
    reason_model *first = derive(&f, f.model, 0, 1, path, 3);
    f.derived = derive(&f, first, 1, 2, turned, 3);
    reason_model *whole = derive(&f, f.model, 0, 3, both, 3);
    reason_model_free(first);
    float *found = run(f.derived, &f, 1, 0), *wanted = run(whole, &f, 1, 0);
    assert_memory_equal(found, wanted, N * f.m.o.n_vocab * sizeof *found);
    free(found);
    free(wanted);
    reason_model_free(whole);
    check_error(error_with(&f, (dense_reference_options){.path = both, .n_path = 3}),
                1e-5, "twice");
    end(&f);
}

/* --- bits --------------------------------------------------------------------------- */

static void test_model_adapter__scale_0_is_the_base(void **state) {
    (void)state;
    fixture f;
    begin(&f, "llama", &(tiny_options){.tied = true});
    add(&f, &(tiny_adapter_options){.alpha = 8, .output = true}, 0);
    float *wanted = run(f.model, &f, 1, 0);
    apply(&f);
    float *found = run(f.derived, &f, 1, 0);
    assert_memory_equal(found, wanted, N * f.m.o.n_vocab * sizeof *found);
    free(found);
    free(wanted);
    end(&f);
}

/* Opens the model for an instruction set and puts f's adapters on it; NULL: this machine
 * does not have it. */
static reason_model *open_level(const fixture *f, reason_cpu level) {
    reason_model_options o;
    reason_model *model, *derived;
    if (rsn_kernels_for(rsn_cpu_pick(level))->level != level)
        return NULL;
    check_ok(reason_model_options_init(&o, sizeof o));
    o.cpu = level;
    check_ok(reason_model_open(f->path, &o, &model));
    derived = derive(f, model, 0, f->n_adapters, NULL, 0);
    reason_model_free(model);
    return derived;
}

static void check_bits(const char *arch, const tiny_options *o) {
    static const int32_t chunks[] = {0, 1, 7, 64};
    fixture f;
    begin(&f, arch, o);
    add_three(&f);
    reason_model *plain = open_level(&f, REASON_CPU_GENERIC);
    float *wanted = run(plain, &f, 1, 1);
    reason_model_free(plain);
    for (int level = REASON_CPU_GENERIC; level <= REASON_CPU_NEON; level++) {
        reason_model *model = open_level(&f, (reason_cpu)level);
        for (size_t i = 0; model && i < COUNT(chunks); i++)
            for (int32_t threads = 1; threads <= 3; threads++) {
                float *found = run(model, &f, threads, chunks[i]);
                if (memcmp(found, wanted, N * f.m.o.n_vocab * sizeof *found) != 0)
                    fail_msg("%s, level %d, chunks of %d, %d threads", arch, level,
                             (int)chunks[i], (int)threads);
                free(found);
            }
        reason_model_free(model);
    }
    free(wanted);
    end(&f);
}

static void test_model_adapter__bits(void **state) {
    (void)state;
    check_bits("llama", &(tiny_options){.n_ff = 160});
    check_bits("phi3", &(tiny_options){.fused = true, .type = GGML_F16});
    check_bits("qwen2", &(tiny_options){.type = GGML_Q8_0, .tied = true, .head_dim = 32});
    check_bits("bitnet", &(tiny_options){.act_bits = 4});
}

/* --- handles ------------------------------------------------------------------------ */

/* One adapter on two models of the same shapes, and not on others. */
static void test_model_adapter__other_models(void **state) {
    (void)state;
    fixture f, same, narrow;
    begin(&f, "llama", &(tiny_options){.seed = 1});
    begin(&same, "llama", &(tiny_options){.seed = 2});
    begin(&narrow, "llama", &(tiny_options){.n_ff = 64});
    add(&f, &(tiny_adapter_options){.alpha = 8}, 1);
    same.derived = derive(&f, same.model, 0, 1, NULL, 0);
    same.adapters[0] = f.adapters[0];
    same.scales[0] = 1;
    same.n_adapters = 1;
    check_error(error_with(&same, (dense_reference_options){0}), 1e-5, "another model");
    same.n_adapters = 0;
    reason_derive_options o;
    reason_model *derived;
    check_ok(reason_derive_options_init(&o, sizeof o));
    o.adapters = f.open;
    o.n_adapters = 1;
    assert_int_equal(reason_model_derive(narrow.model, &o, &derived), REASON_ERR_MISMATCH);
    assert_null(derived);
    assert_non_null(strstr(reason_last_error(), "shape [64, 96], [64, 64] expected"));
    assert_non_null(strstr(reason_last_error(), f.adapters[0].path));
    end(&narrow);
    end(&same);
    end(&f);
}

/* States of sessions tell models with and without, and with other scales, apart. */
static void test_model_adapter__fingerprints(void **state) {
    (void)state;
    fixture f;
    begin(&f, "llama", &(tiny_options){0});
    add(&f, &(tiny_adapter_options){.alpha = 8}, 1);
    add(&f, &(tiny_adapter_options){.alpha = 4}, 1);
    add(&f, &(tiny_adapter_options){.alpha = 8, .seed = 1}, 1);
    uint64_t seen[5];
    for (size_t i = 0; i < COUNT(seen); i++) {
        f.scales[0] = i == 4 ? 2 : 1;
        reason_model *d = derive(&f, f.model, i == 4 ? 0 : i, i < 3, NULL, 0);
        if (i == 4) {
            reason_model_free(d);
            d = derive(&f, f.model, 0, 1, NULL, 0);
        }
        seen[i] = d->fingerprint;
        reason_model_free(d);
        for (size_t j = 0; j < i; j++)
            assert_true(seen[i] != seen[j]);
    }
    end(&f);
}

static void test_model_adapter__scales(void **state) {
    (void)state;
    static const float bad[] = {NAN, INFINITY, -INFINITY, 3e38f};
    fixture f;
    reason_derive_options o;
    reason_model *derived;
    begin(&f, "llama", &(tiny_options){0});
    add(&f, &(tiny_adapter_options){.alpha = 8}, 1);
    check_ok(reason_derive_options_init(&o, sizeof o));
    o.adapters = f.open;
    o.n_adapters = 1;
    for (size_t i = 0; i < COUNT(bad); i++) {
        o.adapter_scales = &bad[i];
        assert_int_equal(reason_model_derive(f.model, &o, &derived),
                         REASON_ERR_INVALID_ARG);
        assert_non_null(strstr(reason_last_error(), "a finite product expected"));
    }
    end(&f);
}

/* --- memory ------------------------------------------------------------------------- */

static void test_model_adapter__no_memory(void **state) {
    (void)state;
    fixture f;
    begin(&f, "phi3", &(tiny_options){.fused = true, .tied = true});
    add(&f, &(tiny_adapter_options){.rank = 32, .type = GGML_Q8_0}, 1);
    for (size_t n = 1;; n++) {
        counted_heap heap;
        reason_adapter *adapter;
        reason_model *derived = NULL;
        reason_derive_options o;
        check_ok(reason_derive_options_init(&o, sizeof o));
        heap_begin(&heap, n, false);
        reason_status status = reason_adapter_open(f.model, f.adapters[0].path, &adapter);
        o.adapters = &adapter;
        o.n_adapters = 1;
        if (status == REASON_OK)
            status = reason_model_derive(f.model, &o, &derived);
        reason_adapter_free(adapter);
        reason_model_free(derived);
        heap_end();
        assert_int_equal(heap.alive, 0);
        if (status == REASON_OK) {
            assert_true(n > 10 && heap.n_calls < n);
            break;
        }
        assert_int_equal(status, REASON_ERR_NO_MEMORY);
    }
    end(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model_adapter__reference),
        cmocka_unit_test(test_model_adapter__rounded_activations),
        cmocka_unit_test(test_model_adapter__several_add_up),
        cmocka_unit_test(test_model_adapter__derived_twice),
        cmocka_unit_test(test_model_adapter__scale_0_is_the_base),
        cmocka_unit_test(test_model_adapter__bits),
        cmocka_unit_test(test_model_adapter__other_models),
        cmocka_unit_test(test_model_adapter__fingerprints),
        cmocka_unit_test(test_model_adapter__scales),
        cmocka_unit_test(test_model_adapter__no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
