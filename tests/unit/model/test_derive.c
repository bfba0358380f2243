/* Derived models and vectors as inputs, against the slow forward pass and against the model
 * they come from. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "reason/reason.h"
#include "support/dense_reference.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { N = 70, LAYERS = 4 };

static void check_ok(reason_status status) {
    if (status != REASON_OK)
        fail_msg("%s", reason_last_error());
}

/* --- a tiny model in a file, its handle, and tokens ----------------------------------- */

typedef struct fixture {
    tiny_model m;
    char *path;
    reason_model *model;
    int32_t tokens[N];
    size_t n_vocab, n_embd;
} fixture;

static void fixture_make(fixture *f, const char *arch, uint64_t seed) {
    const tiny_options o = {.type = GGML_F32, .seed = seed, .n_layers = LAYERS};
    tiny_model_make(arch, &o, &f->m);
    f->path = gguf_save(&f->m.file);
    f->n_vocab = f->m.o.n_vocab;
    f->n_embd = f->m.o.n_embd;
    for (size_t i = 0; i < N; i++)
        f->tokens[i] = (int32_t)((i * 7919 + 13 * seed + 5) % f->n_vocab);
    check_ok(reason_model_open(f->path, NULL, &f->model));
}

static void fixture_drop(fixture *f) {
    reason_model_free(f->model);
    gguf_remove(f->path);
    tiny_model_free(&f->m);
}

static float *floats(size_t n) {
    float *x = calloc(n, sizeof *x);
    assert_non_null(x);
    return x;
}

static reason_session *open_f32(reason_model *model) {
    reason_session_options o;
    reason_session *session;
    check_ok(reason_session_options_init(&o, sizeof o));
    o.kv_type = REASON_KV_F32;
    o.n_threads = 2;
    check_ok(reason_session_new(model, &o, &session));
    return session;
}

/* Logits of all tokens, or of vectors in their place. */
static float *run_in(reason_model *model, const fixture *f, const float *inputs) {
    float *logits = floats(N * f->n_vocab);
    reason_session *session = open_f32(model);
    check_ok(inputs ? reason_session_inputs(session, inputs, N, logits)
                    : reason_session_logits(session, f->tokens, N, logits));
    reason_session_free(session);
    return logits;
}

static reason_model *derive(const fixture *f, const int32_t *layers, size_t n,
                            const float *control) {
    reason_derive_options o;
    reason_model *derived;
    check_ok(reason_derive_options_init(&o, sizeof o));
    o.layers = layers;
    o.n_layers = n;
    o.control = control;
    check_ok(reason_model_derive(f->model, &o, &derived));
    return derived;
}

static void expect_near(const fixture *f, const float *found,
                        dense_reference_options how, const char *what) {
    double *wanted = dense_reference_logits(&f->m, f->tokens, N, how), error = 0, size = 0;
    for (size_t i = 0; i < N * f->n_vocab; i++) {
        error += ((double)found[i] - wanted[i]) * ((double)found[i] - wanted[i]);
        size += wanted[i] * wanted[i];
    }
    free(wanted);
    if (!(sqrt(error / size) <= 2e-5))
        fail_msg("%s: relative error %g", what, sqrt(error / size));
}

/* --- what they compute ------------------------------------------------------------------ */

/* Windows and positions go by the layer of the file: gemma3 and smollm3 have layers of two
 * kinds. */
static const char *const ARCHS[] = {"llama", "qwen2", "gemma3", "smollm3", "granite"};

static void test_model_derive__paths(void **state) {
    (void)state;
    static const struct {
        int32_t layers[7];
        size_t n;
    } paths[] = {{{0, 1, 2, 3}, 4}, {{0}, 1},          {{0, 3}, 2},
                 {{3, 2, 1, 0}, 4}, {{1, 1, 1}, 3},    {{0, 1, 2, 1, 2, 3, 3}, 7}};
    for (size_t a = 0; a < COUNT(ARCHS); a++)
        for (size_t i = 0; i < COUNT(paths); i++) {
            fixture f;
            fixture_make(&f, ARCHS[a], 10 * a + i);
            reason_model *derived = derive(&f, paths[i].layers, paths[i].n, NULL);
            float *found = run_in(derived, &f, NULL);
            expect_near(&f, found,
                        (dense_reference_options){.path = paths[i].layers,
                                                  .n_path = paths[i].n},
                        ARCHS[a]);
            int64_t n_layers, bytes, base_bytes;
            check_ok(reason_model_get_int(derived, "n_layers", &n_layers));
            assert_int_equal(n_layers, paths[i].n);
            check_ok(reason_model_get_int(derived, "kv_bytes_per_token", &bytes));
            check_ok(reason_model_get_int(f.model, "kv_bytes_per_token", &base_bytes));
            assert_int_equal(bytes * LAYERS, base_bytes * (int64_t)paths[i].n);
            free(found);
            reason_model_free(derived);
            fixture_drop(&f);
        }
}

static void test_model_derive__control_vectors(void **state) {
    (void)state;
    static const int32_t path[] = {0, 2, 2, 3};
    for (size_t a = 0; a < COUNT(ARCHS); a++) {
        fixture f;
        fixture_make(&f, ARCHS[a], a);
        float *control = floats(COUNT(path) * f.n_embd);
        for (size_t i = 0; i < COUNT(path) * f.n_embd; i++) /* none behind the second */
            control[i] = i / f.n_embd == 1 ? 0 : (float)(i % 13) * 0.02f - 0.1f;
        reason_model *derived = derive(&f, path, COUNT(path), control);
        float *found = run_in(derived, &f, NULL);
        expect_near(&f, found,
                    (dense_reference_options){
                        .path = path, .n_path = COUNT(path), .control = control},
                    ARCHS[a]);
        free(found);
        free(control);
        reason_model_free(derived);
        fixture_drop(&f);
    }
}

/* All layers in order are the model itself; the other one may be gone. */
static void test_model_derive__the_same_is_the_same(void **state) {
    (void)state;
    static const int32_t all[LAYERS] = {0, 1, 2, 3};
    fixture f;
    fixture_make(&f, "qwen3", 3);
    float *wanted = run_in(f.model, &f, NULL);
    float *zeros = floats(LAYERS * f.n_embd);
    reason_model *derived[] = {derive(&f, NULL, 0, NULL), derive(&f, all, LAYERS, NULL),
                               derive(&f, all, LAYERS, zeros)};
    reason_model_free(f.model);
    f.model = NULL;
    for (size_t i = 0; i < COUNT(derived); i++) {
        float *found = run_in(derived[i], &f, NULL);
        assert_memory_equal(found, wanted, N * f.n_vocab * sizeof *wanted);
        free(found);
        reason_model_free(derived[i]);
    }
    free(zeros);
    free(wanted);
    fixture_drop(&f);
}

/* One derived from one that is derived: places of the list. */
static void test_model_derive__twice(void **state) {
    (void)state;
    static const int32_t first[] = {3, 1}, second[] = {1, 0, 1}, both[] = {1, 3, 1};
    fixture f;
    fixture_make(&f, "llama", 8);
    reason_model *once = derive(&f, first, 2, NULL), *keep = f.model, *twice;
    f.model = once;
    twice = derive(&f, second, 3, NULL);
    f.model = keep;
    reason_model_free(once);
    float *found = run_in(twice, &f, NULL);
    expect_near(&f, found, (dense_reference_options){.path = both, .n_path = 3}, "twice");
    free(found);
    reason_model_free(twice);
    fixture_drop(&f);
}

static void test_model_derive__inputs(void **state) {
    (void)state;
    for (size_t a = 0; a < COUNT(ARCHS); a++) {
        fixture f;
        fixture_make(&f, ARCHS[a], a + 50);
        float *rows = floats(N * f.n_embd);
        for (size_t i = 0; i < N; i++)
            check_ok(reason_model_embedding(f.model, f.tokens[i], rows + i * f.n_embd));
        float *wanted = run_in(f.model, &f, NULL), *found = run_in(f.model, &f, rows);
        assert_memory_equal(found, wanted, N * f.n_vocab * sizeof *wanted);
        for (size_t i = 0; i < N * f.n_embd; i++)
            rows[i] = 0.7f * rows[i] + 0.01f * (float)(i % 11);
        free(found);
        found = run_in(f.model, &f, rows);
        expect_near(&f, found, (dense_reference_options){.inputs = rows}, ARCHS[a]);
        free(rows);
        free(found);
        free(wanted);
        fixture_drop(&f);
    }
}

/* --- what is refused -------------------------------------------------------------------- */

static void test_model_derive__refusals(void **state) {
    (void)state;
    static const int32_t below[] = {0, -1}, above[] = {LAYERS};
    fixture f;
    reason_derive_options o;
    reason_model *derived;
    fixture_make(&f, "llama", 1);
    float *control = floats(LAYERS * f.n_embd);
    check_ok(reason_derive_options_init(&o, sizeof o));
    o.layers = below;
    o.n_layers = 2;
    assert_int_equal(reason_model_derive(f.model, &o, &derived), REASON_ERR_INVALID_ARG);
    assert_non_null(strstr(reason_last_error(), "layer -1 at 1, 0 to 3"));
    assert_null(derived);
    o.layers = above;
    o.n_layers = 1;
    assert_int_equal(reason_model_derive(f.model, &o, &derived), REASON_ERR_INVALID_ARG);
    o.n_layers = 0;
    assert_int_equal(reason_model_derive(f.model, &o, &derived), REASON_ERR_INVALID_ARG);
    o.layers = NULL;
    o.n_layers = 3;
    assert_int_equal(reason_model_derive(f.model, &o, &derived), REASON_ERR_INVALID_ARG);
    o.n_layers = 0;
    o.control = control;
    control[f.n_embd + 2] = NAN;
    assert_int_equal(reason_model_derive(f.model, &o, &derived), REASON_ERR_INVALID_ARG);
    assert_non_null(strstr(reason_last_error(), "layer 1, dimension 2"));
    assert_int_equal(reason_model_derive(NULL, &o, &derived), REASON_ERR_INVALID_ARG);
    assert_int_equal(reason_model_embedding(f.model, -1, control),
                     REASON_ERR_INVALID_ARG);
    assert_int_equal(reason_model_embedding(f.model, (int32_t)f.n_vocab, control),
                     REASON_ERR_INVALID_ARG);
    free(control);
    fixture_drop(&f);
}

static void test_model_derive__inputs_are_no_tokens(void **state) {
    (void)state;
    fixture f;
    size_t n;
    fixture_make(&f, "llama", 2);
    float *rows = floats(3 * f.n_embd), *logits = floats(f.n_vocab);
    reason_session *session = open_f32(f.model);
    rows[1] = INFINITY;
    assert_int_equal(reason_session_inputs(session, rows, 1, NULL),
                     REASON_ERR_INVALID_ARG);
    rows[1] = 0;
    assert_int_equal(reason_session_inputs(session, rows, 0, NULL),
                     REASON_ERR_INVALID_ARG);
    assert_int_equal(reason_session_inputs(session, NULL, 1, NULL),
                     REASON_ERR_INVALID_ARG);
    assert_int_equal(reason_session_inputs(session, rows, 1 << 30, NULL),
                     REASON_ERR_CONTEXT_FULL);
    check_ok(reason_session_inputs(session, rows, 3, NULL));
    check_ok(reason_session_logits(session, f.tokens, 1, logits)); /* tokens behind them */
    check_ok(reason_session_length(session, &n));
    assert_int_equal(n, 4);
    assert_int_equal(reason_session_save(session, "never.state"), REASON_ERR_UNSUPPORTED);
    check_ok(reason_session_truncate(session, 0));
    reason_session_free(session);
    free(rows);
    free(logits);
    fixture_drop(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model_derive__paths),
        cmocka_unit_test(test_model_derive__control_vectors),
        cmocka_unit_test(test_model_derive__the_same_is_the_same),
        cmocka_unit_test(test_model_derive__twice),
        cmocka_unit_test(test_model_derive__inputs),
        cmocka_unit_test(test_model_derive__refusals),
        cmocka_unit_test(test_model_derive__inputs_are_no_tokens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
