/* Heads of Hugging Face folders: the outputs at the last token, at every token or at each
 * step token of a text, compared with what Transformers computed in float64
 * (tests/oracle), and the order that answers come out in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/model.h"
#include "opening.h"
#include "support/hf_folder.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { MAX_TEXT = 128, MAX_OUT = 3, MAX_OUTPUTS = 4096 };

static const struct {
    const char *name;
    rsn_head_kind kind;
    size_t n_out;
} HEADS[] = {
    {"llama-reward", RSN_HEAD_REWARD, 1},
    {"qwen2-reward", RSN_HEAD_REWARD, 1},
    {"qwen3-reward", RSN_HEAD_REWARD, 1},
    {"mistral-reward", RSN_HEAD_REWARD, 1},
    {"gemma2-reward", RSN_HEAD_REWARD, 1},
    {"phi3-reward", RSN_HEAD_REWARD, 1},
    {"qwen2-math-reward", RSN_HEAD_REWARD, 1},
    {"llama-labels", RSN_HEAD_LABELS, 3},
    {"qwen3-labels", RSN_HEAD_LABELS, 2},
    {"qwen2-math-process", RSN_HEAD_STEPS, 2},
    {"qwen2-tokens", RSN_HEAD_TOKENS, 2},
    {"llama-tokens", RSN_HEAD_TOKENS, 3},
};

/* --- running ------------------------------------------------------------------------ */

typedef struct running {
    reason_model *model;
    rsn_pool *pool;
    rsn_scratch scratch;
    float *hidden, *mid; /* [MAX_TEXT][n_embd], [MAX_TEXT][n_hidden] */
} running;

static float *claim(size_t n) {
    float *x = calloc(n, sizeof *x);
    assert_non_null(x);
    return x;
}

static void start(running *r, const char *name) {
    char *path = hf_path(name, NULL);
    check_ok(reason_model_open(path, NULL, &r->model));
    check_ok(rsn_pool_new(1, &r->pool));
    r->scratch = (rsn_scratch){.n_chunk = MAX_TEXT, .n_workers = 1, .n_ctx = MAX_TEXT};
    check_ok(r->model->arch->layout(r->model, &r->scratch));
    r->scratch.data = rsn_alloc_aligned(r->scratch.n_bytes);
    assert_non_null(r->scratch.data);
    r->hidden = claim(MAX_TEXT * r->model->hp.n_embd);
    r->mid = claim(MAX_TEXT * r->model->hp.head.n_hidden);
    free(path);
}

static void stop(running *r) {
    rsn_free_aligned(r->scratch.data);
    rsn_pool_release(r->pool);
    reason_model_free(r->model);
    free(r->hidden);
    free(r->mid);
}

/* out [n][n_out], of a text by itself. */
static void run(running *r, const int32_t *tokens, size_t n, float *out) {
    struct reason_cancel_token token = {0};
    rsn_cancel cancel = {.token = &token};
    rsn_kv kv;
    assert_true(n <= MAX_TEXT);
    check_ok(rsn_kv_init(&kv, &r->model->hp, MAX_TEXT, rsn_kv_type(REASON_KV_F32)));
    check_ok(rsn_kv_reserve(&kv, n));
    const rsn_run all = {.kv = &kv, .tokens = tokens, .n = n, .want = RSN_WANT_ALL};
    const rsn_step step = {.model = r->model,
                           .runs = &all,
                           .n_runs = 1,
                           .hidden = r->hidden,
                           .pool = r->pool,
                           .cancel = &cancel,
                           .scratch = &r->scratch};
    rsn_pool_enter(r->pool);
    check_ok(r->model->arch->forward(&step));
    rsn_head_run(r->model, r->pool, r->hidden, n, r->mid, out);
    rsn_pool_leave(r->pool);
    rsn_kv_free(&kv);
}

/* --- comparing ---------------------------------------------------------------------- */

static double error_of(const float *found, const float *wanted, size_t n) {
    double error = 0, size = 0;
    for (size_t i = 0; i < n; i++) {
        double distance = (double)found[i] - (double)wanted[i];
        error += distance * distance;
        size += (double)wanted[i] * (double)wanted[i];
    }
    return sqrt(error / size);
}

/* The outputs at the places that are stored, of one text behind the other. */
static size_t read_outputs(running *r, const char *name, float *found) {
    size_t n, n_texts, n_out = r->model->hp.head.n_out, n_found = 0;
    float out[MAX_TEXT * MAX_OUT];
    int32_t *ids = hf_ints(name, "expected.npz", "ids", &n);
    int32_t *ends = hf_ints(name, "expected.npz", "ends", &n);
    int32_t *places = hf_ints(name, "expected.npz", "at", &n);
    int32_t *place_ends = hf_ints(name, "expected.npz", "at_ends", &n_texts);
    assert_true(ids && ends && places && place_ends);
    for (size_t i = 0, from = 0, k = 0; i < n_texts; from = (size_t)ends[i++]) {
        run(r, ids + from, (size_t)ends[i] - from, out);
        for (; k < (size_t)place_ends[i]; k++, n_found += n_out)
            memcpy(found + n_found, out + (size_t)places[k] * n_out, n_out * sizeof *out);
    }
    free(ids);
    free(ends);
    free(places);
    free(place_ends);
    return n_found;
}

static void check_outputs(running *r, const char *name, float *found) {
    size_t n;
    float *wanted = hf_floats(name, "expected.npz", "outputs", &n);
    assert_true(wanted && n <= MAX_OUTPUTS);
    assert_int_equal(read_outputs(r, name, found), n);
    double error = error_of(found, wanted, n);
    print_message("%-20s %4zu outputs: error %.1e, at most 1e-5\n", name, n, error);
    if (!(error <= 1e-5))
        fail_msg("%s: error %g", name, error);
    free(wanted);
}

/* The three answers of each prompt, best first: what is stored are places in them. */
static void check_order(const char *name, const float *outputs, size_t n_out) {
    size_t n;
    int32_t *order = hf_ints(name, "expected.npz", "order", &n);
    for (size_t i = 0; order && i < n; i++)
        if (i % 3 > 0) {
            size_t first = i - i % 3;
            assert_true(outputs[(first + (size_t)order[i - 1]) * n_out] >
                        outputs[(first + (size_t)order[i]) * n_out]);
        }
    assert_true(order != NULL);
    free(order);
}

static void test_model_hf_heads__outputs(void **state) {
    (void)state;
    float *found = claim(MAX_OUTPUTS);
    for (size_t i = 0; i < COUNT(HEADS); i++) {
        running r;
        start(&r, HEADS[i].name);
        assert_int_equal(r.model->hp.head.kind, HEADS[i].kind);
        assert_int_equal(r.model->hp.head.n_out, HEADS[i].n_out);
        check_outputs(&r, HEADS[i].name, found);
        if (HEADS[i].kind == RSN_HEAD_REWARD || HEADS[i].kind == RSN_HEAD_LABELS)
            check_order(HEADS[i].name, found, HEADS[i].n_out);
        stop(&r);
    }
    free(found);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model_hf_heads__outputs),
    };
    return cmocka_run_group_tests_name("model/hf_heads", tests, NULL, NULL);
}
