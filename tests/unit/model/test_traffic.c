/* Bytes of memory that a pass reads, counted where the kernels are called: weights once a
 * step whatever the number of sequences and tokens, keys and values once for all query
 * heads that share them. This stands for timed tests of what decoding lives on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/attention.h"
#include "kernels/product.h"
#include "model/model.h"
#include "opening.h"
#include "support/gguf_build.h"

enum { MAX_LINES = 16, CHUNK = 128 };

/* --- kernels that count ---------------------------------------------------------------- */

static const rsn_kernels *original;
static atomic_size_t weight_bytes, kv_bytes;

#define DEFINE_COUNTED(isa, type, stem)                                                  \
    static void isa##_##stem(size_t k, const void *w, size_t w_stride, size_t n_rows,    \
                             const void *x, size_t x_stride, size_t n_tokens, float *out, \
                             size_t out_stride) {                                        \
        atomic_fetch_add(&weight_bytes, n_rows * w_stride);                              \
        original->product[RSN_TYPE_##type](k, w, w_stride, n_rows, x, x_stride, n_tokens, \
                                           out, out_stride);                             \
    }
RSN_FLOAT_TYPES(DEFINE_COUNTED, counted)
RSN_BLOCK_TYPES(DEFINE_COUNTED, counted)

static void counted_attend(const rsn_attention_part *part, rsn_attention_query *queries,
                           size_t n) {
    size_t element = part->type == RSN_TYPE_F32 ? 4 : 2;
    atomic_fetch_add(&kv_bytes, 2 * part->n * part->head_dim * element);
    original->attend(part, queries, n);
}

#define COUNTED_ROW(isa, type, stem) [RSN_TYPE_##type] = isa##_##stem,
static const rsn_product_fn COUNTED[RSN_N_TYPES] = {
    RSN_FLOAT_TYPES(COUNTED_ROW, counted) RSN_BLOCK_TYPES(COUNTED_ROW, counted)};

/* --- passes ------------------------------------------------------------------------------ */

typedef struct fixture {
    reason_model *model;
    char *path;
    rsn_kernels kernels;
    rsn_pool *pool;
    rsn_scratch scratch;
    reason_cancel_token token;
    rsn_cancel cancel;
    rsn_kv lines[MAX_LINES];
    float *logits;
} fixture;

static void set_up(fixture *f, const char *arch, const tiny_options *o) {
    memset(f, 0, sizeof *f);
    f->cancel.token = &f->token;
    f->path = build_tiny_model(arch, o);
    check_ok(reason_model_open(f->path, NULL, &f->model));
    original = f->model->kernels;
    f->kernels = *original;
    memcpy(f->kernels.product, COUNTED, sizeof COUNTED);
    f->kernels.attend = counted_attend;
    f->model->kernels = &f->kernels;
    check_ok(rsn_pool_new(2, &f->pool));
    rsn_pool_set_least_work(f->pool, 0);
    f->scratch = (rsn_scratch){.n_chunk = CHUNK, .n_workers = 2, .n_ctx = 1024};
    check_ok(f->model->arch->layout(f->model, &f->scratch));
    f->scratch.data = rsn_alloc_aligned(f->scratch.n_bytes);
    f->logits = calloc(CHUNK * f->model->hp.n_vocab, sizeof *f->logits);
    assert_true(f->scratch.data && f->logits);
    for (size_t i = 0; i < MAX_LINES; i++)
        check_ok(rsn_kv_init(&f->lines[i], &f->model->hp, 1024,
                             rsn_kv_type(REASON_KV_F16)));
}

static void tear_down(fixture *f) {
    for (size_t i = 0; i < MAX_LINES; i++) rsn_kv_free(&f->lines[i]);
    free(f->logits);
    rsn_free_aligned(f->scratch.data);
    rsn_pool_release(f->pool);
    f->model->kernels = original;
    reason_model_free(f->model);
    gguf_remove(f->path);
}

/* n more tokens of each of n_lines timelines, in one pass; only the last one's logits. */
static void pass(fixture *f, size_t n_lines, size_t n) {
    int32_t tokens[CHUNK];
    rsn_run runs[MAX_LINES];
    for (size_t i = 0; i < n; i++) tokens[i] = (int32_t)(i * 31 % f->model->hp.n_vocab);
    for (size_t i = 0; i < n_lines; i++) {
        check_ok(rsn_kv_reserve(&f->lines[i], f->lines[i].n + n));
        runs[i] = (rsn_run){
            .kv = &f->lines[i], .tokens = tokens, .n = n, .want = RSN_WANT_LAST};
    }
    const rsn_step step = {.model = f->model,
                           .runs = runs,
                           .n_runs = n_lines,
                           .logits = f->logits,
                           .pool = f->pool,
                           .cancel = &f->cancel,
                           .scratch = &f->scratch};
    atomic_store(&weight_bytes, 0);
    atomic_store(&kv_bytes, 0);
    check_ok(f->model->arch->forward(&step));
}

static size_t matrix_bytes(const rsn_matrix *w) {
    return w->rows * w->row_bytes;
}

static size_t bytes_of_matrices(const rsn_model *m) {
    size_t sum = matrix_bytes(&m->weights.output);
    for (size_t i = 0; i < m->hp.n_layers; i++) {
        const rsn_layer *l = &m->weights.layers[i];
        sum += matrix_bytes(&l->q) + matrix_bytes(&l->k) + matrix_bytes(&l->v) +
               matrix_bytes(&l->o) + matrix_bytes(&l->gate) + matrix_bytes(&l->up) +
               matrix_bytes(&l->down);
    }
    return sum;
}

/* --- tests --------------------------------------------------------------------------------- */

static const struct {
    const char *arch;
    tiny_options o;
} MODELS[] = {
    {"llama", {.type = GGML_F32}},
    {"qwen2", {.type = GGML_F16, .tied = true}},
    {"qwen3", {.type = GGML_Q8_0, .n_heads = 8, .n_heads_kv = 2}},
    {"gemma", {.type = GGML_BF16}},
    {"bitnet-b1.58", {.type = 36, .n_embd = 128, .n_heads = 8, .n_ff = 256}},
};
enum { N_MODELS = sizeof MODELS / sizeof *MODELS };

/* One sequence or sixteen, one token or a hundred: the same bytes; and they are what
 * "decode_bytes_per_token" says but for vectors and one row of the embedding. */
static void test_model_traffic__weights_once_a_step(void **unused) {
    (void)unused;
    for (size_t i = 0; i < N_MODELS; i++) {
        fixture f;
        set_up(&f, MODELS[i].arch, &MODELS[i].o);
        size_t wanted = bytes_of_matrices(f.model);
        int64_t said;
        check_ok(reason_model_get_int(f.model, "decode_bytes_per_token", &said));
        assert_true((size_t)said >= wanted && (size_t)said <= wanted + wanted / 8);
        pass(&f, 1, 1);
        assert_int_equal(weight_bytes, wanted);
        pass(&f, MAX_LINES, 1);
        assert_int_equal(weight_bytes, wanted);
        pass(&f, 1, 100);
        assert_int_equal(weight_bytes, wanted);
        pass(&f, 3, 40);
        assert_int_equal(weight_bytes, wanted);
        tear_down(&f);
    }
}

/* A token reads the visible keys and values of every head of keys once, though several
 * heads of queries ask for them. */
static void test_model_traffic__keys_once_a_step(void **unused) {
    (void)unused;
    for (size_t i = 0; i < N_MODELS; i++) {
        fixture f;
        set_up(&f, MODELS[i].arch, &MODELS[i].o);
        const rsn_hparams *hp = &f.model->hp;
        size_t position = hp->n_layers * hp->n_heads_kv * hp->head_dim * 2 * 2;
        pass(&f, 2, 60);
        pass(&f, 1, 1);
        assert_int_equal(kv_bytes, 61 * position);
        pass(&f, 2, 1);
        assert_int_equal(kv_bytes, (62 + 61) * position);
        tear_down(&f);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model_traffic__weights_once_a_step),
        cmocka_unit_test(test_model_traffic__keys_once_a_step),
    };
    return cmocka_run_group_tests_name("model/traffic", tests, NULL, NULL);
}
