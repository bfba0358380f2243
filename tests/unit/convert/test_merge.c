/* Adapters merged into a model's weights: what is written runs as the model with the
 * adapters beside it, types that round differ by their rounding, and what is not changed
 * goes through as it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/heap.h"
#include "support/tiny_adapter.h"

enum { N = 40, MOST = 2 };

static void check_ok(reason_status status) {
    if (status != REASON_OK)
        fail_msg("%s", reason_last_error());
}

typedef struct fixture {
    tiny_model m;
    char *path;
    tiny_adapter adapters[MOST];
    const char *paths[MOST];
    float scales[MOST];
    char out[64];
} fixture;

static void begin(fixture *f, const char *arch, const tiny_options *o) {
    const tiny_adapter_options first = {.alpha = 8, .seed = 1};
    const tiny_adapter_options second = {.rank = 3, .seed = 2, .type = GGML_F16,
                                         .only = "blk.0."};
    memset(f, 0, sizeof *f);
    tiny_model_make(arch, o, &f->m);
    f->path = gguf_save(&f->m.file);
    tiny_adapter_make(&f->m, &first, &f->adapters[0]);
    tiny_adapter_make(&f->m, &second, &f->adapters[1]);
    f->scales[0] = 0.75f;
    f->scales[1] = -1.5f;
    for (int i = 0; i < MOST; i++)
        f->paths[i] = tiny_adapter_save(&f->adapters[i]);
    (void)snprintf(f->out, sizeof f->out, "%s.merged", f->path);
}

static void end(fixture *f) {
    remove(f->out);
    for (int i = 0; i < MOST; i++)
        tiny_adapter_free(&f->adapters[i]);
    gguf_remove(f->path);
    tiny_model_free(&f->m);
}

static reason_quantize_options options_of(const fixture *f, const char *type) {
    reason_quantize_options o;
    check_ok(reason_quantize_options_init(&o, sizeof o));
    o.type = type;
    o.adapters = f->paths;
    o.adapter_scales = f->scales;
    o.n_adapters = MOST;
    return o;
}

/* Logits of N tokens, of the merged file or of the model with adapters. */
static float *run(const fixture *f, bool merged) {
    reason_model *model, *derived = NULL;
    reason_session *session;
    reason_session_options how;
    reason_derive_options o;
    reason_adapter *open[MOST] = {NULL};
    int32_t tokens[N];
    float *logits = calloc(N * f->m.o.n_vocab, sizeof *logits);
    assert_non_null(logits);
    check_ok(reason_model_open(merged ? f->out : f->path, NULL, &model));
    check_ok(reason_derive_options_init(&o, sizeof o));
    o.adapters = open;
    o.adapter_scales = f->scales;
    o.n_adapters = MOST;
    for (int i = 0; i < MOST && !merged; i++)
        check_ok(reason_adapter_open(model, f->paths[i], &open[i]));
    if (!merged)
        check_ok(reason_model_derive(model, &o, &derived));
    check_ok(reason_session_options_init(&how, sizeof how));
    how.kv_type = REASON_KV_F32;
    check_ok(reason_session_new(merged ? model : derived, &how, &session));
    for (size_t i = 0; i < N; i++)
        tokens[i] = (int32_t)(i * 7919 % f->m.o.n_vocab);
    check_ok(reason_session_logits(session, tokens, N, logits));
    reason_session_free(session);
    for (int i = 0; i < MOST; i++)
        reason_adapter_free(open[i]);
    reason_model_free(derived);
    reason_model_free(model);
    return logits;
}

static double distance(const fixture *f) {
    float *merged = run(f, true), *applied = run(f, false);
    double error = 0, size = 0;
    for (size_t i = 0; i < N * f->m.o.n_vocab; i++) {
        double d = (double)merged[i] - (double)applied[i];
        error += d * d;
        size += (double)applied[i] * (double)applied[i];
    }
    free(merged);
    free(applied);
    return sqrt(error / size);
}

static void test_convert_merge__runs_as_applied(void **state) {
    static const struct {
        const char *arch, *type;
        tiny_options o;
        double least, most;
    } rows[] = {
        {"llama", "F32", {0}, 0, 1e-6},
        {"qwen2", "F32", {.type = GGML_F16}, 0, 1e-6},
        {"phi3", "F32", {.fused = true, .type = GGML_BF16}, 0, 1e-6},
        {"gemma3", "F32", {.window = 9}, 0, 1e-6},
        {"llama", "F16", {.n_embd = 128, .n_ff = 128}, 1e-5, 2e-3},
        {"llama", "Q8_0", {.n_embd = 128, .n_ff = 128, .head_dim = 32}, 1e-4, 5e-2},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fixture f;
        tiny_options own = rows[i].o;
        own.seed = i;
        begin(&f, rows[i].arch, &own);
        reason_quantize_options o = options_of(&f, rows[i].type);
        check_ok(reason_quantize(f.path, f.out, &o));
        double error = distance(&f);
        if (!(error >= rows[i].least && error <= rows[i].most))
            fail_msg("%s to %s: %g", rows[i].arch, rows[i].type, error);
        end(&f);
    }
}

/* --- bytes -------------------------------------------------------------------------- */

static gguf_bytes read_file(const char *path) {
    gguf_bytes b = {0};
    uint8_t part[4096];
    size_t n;
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    while ((n = fread(part, 1, sizeof part, file)) > 0)
        gguf_put(&b, part, n);
    fclose(file);
    return b;
}

static gguf_bytes write_with(const fixture *f, const reason_quantize_options *o) {
    check_ok(reason_quantize(f->path, f->out, o));
    return read_file(f->out);
}

static void expect_same(gguf_bytes *a, gguf_bytes *b, bool same) {
    assert_int_equal(a->n, b->n);
    assert_true((memcmp(a->data, b->data, a->n) == 0) == same);
    gguf_free(b);
}

/* Whatever the threads and the instruction set; without a scale nothing is changed. */
static void test_convert_merge__same_bytes(void **state) {
    (void)state;
    fixture f;
    begin(&f, "qwen3", &(tiny_options){.n_embd = 256, .n_ff = 256});
    reason_quantize_options o = options_of(&f, "Q4_K_S");
    o.cpu = REASON_CPU_GENERIC;
    o.n_threads = 1;
    gguf_bytes wanted = write_with(&f, &o), other;
    o.cpu = REASON_CPU_AUTO;
    o.n_threads = 3;
    other = write_with(&f, &o);
    expect_same(&wanted, &other, true);
    o.n_adapters = 0;
    gguf_bytes plain = write_with(&f, &o);
    f.scales[0] = f.scales[1] = 0;
    o.n_adapters = MOST;
    other = write_with(&f, &o);
    expect_same(&plain, &other, true);
    expect_same(&wanted, &plain, false);
    gguf_free(&wanted);
    end(&f);
}

static int count_kept(void *user, const reason_quantize_tensor *t) {
    size_t *n = user;
    *n += t->rmse == 0;
    return 0;
}

/* Tensors that are quantized and not changed go through; those that are need leave, also
 * where the type stays. */
static void test_convert_merge__quantized_before(void **state) {
    (void)state;
    fixture f;
    size_t n_exact = 0;
    begin(&f, "llama", &(tiny_options){.type = GGML_Q8_0, .head_dim = 32});
    reason_quantize_options o = options_of(&f, "Q8_0");
    o.adapters = f.paths + 1; /* of layer 0 alone */
    o.n_adapters = 1;
    assert_int_equal(reason_quantize(f.path, f.out, &o), REASON_ERR_INVALID_ARG);
    assert_non_null(strstr(reason_last_error(), "blk.0."));
    o.requantize = true;
    o.report = count_kept;
    o.report_user = &n_exact;
    check_ok(reason_quantize(f.path, f.out, &o));
    assert_int_equal(n_exact, f.m.n_tensors - 7);
    end(&f);
}

/* --- what is refused ---------------------------------------------------------------- */

static void test_convert_merge__refusals(void **state) {
    (void)state;
    fixture f, other;
    begin(&f, "llama", &(tiny_options){.tied = true});
    begin(&other, "llama", &(tiny_options){.n_ff = 64});
    reason_quantize_options o = options_of(&f, "F32");
    assert_int_equal(reason_quantize(f.path, f.out, &o), REASON_ERR_UNSUPPORTED);
    assert_non_null(strstr(reason_last_error(), "token_embd.weight"));
    o.n_adapters = 1;
    o.adapters = other.paths;
    assert_int_equal(reason_quantize(f.path, f.out, &o), REASON_ERR_MISMATCH);
    assert_non_null(strstr(reason_last_error(), other.paths[0]));
    o.adapters = f.paths + 1;
    assert_int_equal(reason_quantize(f.path, f.paths[1], &o), REASON_ERR_INVALID_ARG);
    assert_non_null(strstr(reason_last_error(), "an adapter's file"));
    const float bad = INFINITY;
    o.adapter_scales = &bad;
    assert_int_equal(reason_quantize(f.path, f.out, &o), REASON_ERR_INVALID_ARG);
    const char *none = NULL;
    o.adapters = &none;
    assert_int_equal(reason_quantize(f.path, f.out, &o), REASON_ERR_INVALID_ARG);
    o.adapters = NULL;
    assert_int_equal(reason_quantize(f.path, f.out, &o), REASON_ERR_INVALID_ARG);
    assert_null(fopen(f.out, "rb"));
    end(&other);
    end(&f);
}

static void test_convert_merge__no_memory(void **state) {
    (void)state;
    fixture f;
    begin(&f, "llama", &(tiny_options){.n_layers = 1});
    reason_quantize_options o = options_of(&f, "F16");
    o.n_threads = 1;
    for (size_t n = 1;; n++) {
        counted_heap heap;
        heap_begin(&heap, n, false);
        reason_status status = reason_quantize(f.path, f.out, &o);
        heap_end();
        assert_int_equal(heap.alive, 0);
        if (heap.n_calls < n) {
            check_ok(status);
            break;
        }
        if (status != REASON_OK) /* it does without the memory to sync the folder */
            assert_int_equal(status, REASON_ERR_NO_MEMORY);
    }
    end(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_convert_merge__runs_as_applied),
        cmocka_unit_test(test_convert_merge__same_bytes),
        cmocka_unit_test(test_convert_merge__quantized_before),
        cmocka_unit_test(test_convert_merge__refusals),
        cmocka_unit_test(test_convert_merge__no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
