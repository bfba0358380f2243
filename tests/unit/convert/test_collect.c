/* Sums over what products of weights read, against a forward pass in float64 that tells
 * the same; and that neither threads nor pieces change a bit of them. */
#include "api/support.h"

#include <math.h>

#include "convert/collect.h"
#include "decode/session.h"
#include "support/dense_reference.h"

enum { N_CTX = 40 };

/* Capitals, which no merge joins: a token each. */
static const char text[] = "THE QUICK BROWN FOX JUMPS OVER THE LAZY DOG AND RUNS AWAY "
                           "FROM IT UNTIL NOTHING IS LEFT OF THIS TEXT OF CAPITALS";

static reason_imatrix_options options_of(int32_t n_ctx) {
    reason_imatrix_options o;
    assert_ok(reason_imatrix_options_init(&o, sizeof o));
    o.n_ctx = n_ctx;
    return o;
}

static rsn_collected collect(rsn_model *model, const reason_imatrix_options *o,
                             int32_t n_threads) {
    rsn_collected c;
    rsn_collection what = {
        .model = model, .text = text, .n_bytes = strlen(text), .options = o};
    assert_ok(rsn_pool_new(n_threads, &what.pool));
    rsn_pool_set_least_work(what.pool, 0);
    assert_ok(rsn_collect(&what, &c));
    rsn_pool_release(what.pool);
    return c;
}

static const rsn_column_sums *find(const rsn_collected *c, const char *name) {
    for (size_t i = 0; i < c->n; i++)
        if (strcmp(c->items[i].name.data, name) == 0)
            return &c->items[i];
    return NULL;
}

/* ---- against the reference ---- */

enum { MAX_SEEN = 64, MAX_COLS = 256 };

typedef struct seen {
    char name[48];
    size_t n_tokens, cols;
    double sums[MAX_COLS];
} seen;

typedef struct all_seen {
    seen items[MAX_SEEN];
    size_t n;
} all_seen;

static void see(void *user, const char *tensor, size_t first, const double *x, size_t n,
                size_t cols) {
    all_seen *all = user;
    size_t i = 0;
    if (first > 0)
        return;
    while (i < all->n && strcmp(all->items[i].name, tensor) != 0)
        i++;
    assert_true(i < MAX_SEEN && cols <= MAX_COLS);
    seen *s = &all->items[i];
    if (i == all->n)
        all->n += (size_t)(snprintf(s->name, sizeof s->name, "%s", tensor) > 0);
    s->cols = cols;
    s->n_tokens += n;
    for (size_t t = 0; t < n; t++)
        for (size_t k = 0; k < cols; k++)
            s->sums[k] += x[t * cols + k] * x[t * cols + k];
}

static void check_arch(const char *arch, tiny_options o, double tolerance) {
    tiny_model m;
    rsn_model *model;
    all_seen *all = calloc(1, sizeof *all);
    int32_t *ids;
    size_t n, n_chunks = 0, n_counted = 0;
    double worst = 0;
    assert_non_null(all);
    tiny_model_make(arch, &o, &m);
    char *path = gguf_save(&m.file);
    assert_ok(reason_model_open(path, NULL, &model));
    gguf_remove(path);
    assert_ok(reason_tokenize(model, text, -1, 0, &ids, &n));
    assert_int_equal(n, strlen(text));
    dense_reference_options how = {
        .q8 = true, .half_cache = true, .n_ctx = N_CTX, .see = see, .user = all};
    for (; (n_chunks + 1) * N_CTX <= n; n_chunks++)
        free(dense_reference_logits(&m, ids + n_chunks * N_CTX, N_CTX, how));
    reason_imatrix_options io = options_of(N_CTX);
    rsn_collected c = collect(model, &io, 2);
    assert_int_equal(c.figures.n_text, n);
    assert_int_equal(c.figures.n_chunks, n_chunks);
    assert_int_equal(c.figures.n_ctx, N_CTX);
    assert_int_equal(c.figures.n_tokens, n_chunks * N_CTX);
    assert_int_equal(c.figures.n_tensors, all->n);
    for (size_t i = 0; i < all->n; i++) {
        const seen *s = &all->items[i];
        const rsn_column_sums *found = find(&c, s->name);
        assert_non_null(found);
        assert_int_equal(found->cols, s->cols);
        assert_int_equal(found->n_tokens, s->n_tokens);
        assert_int_equal(found->n_tokens, n_chunks * N_CTX);
        double size = 0;
        for (size_t k = 0; k < s->cols; k++)
            size += s->sums[k] / (double)s->cols;
        for (size_t k = 0; k < s->cols; k++)
            worst = fmax(worst, fabs(found->sums[k] - s->sums[k]) / size);
    }
    for (size_t i = 0; i < c.n; i++)
        n_counted += c.items[i].n_tokens > 0;
    assert_int_equal(n_counted, all->n); /* nothing beside */
    if (!(worst <= tolerance))
        fail_msg("%s: a sum is %.3g of the mean off, %.3g allowed", arch, worst, tolerance);
    rsn_collected_free(&c);
    reason_free(ids);
    reason_model_free(model);
    tiny_model_free(&m);
    free(all);
}

static void test_convert_collect__against_the_reference(void **state) {
    (void)state;
    static const char *const archs[] = {"llama", "qwen2",   "qwen3",    "gemma2",
                                        "phi3",  "smollm3", "seed_oss", "olmo2"};
    for (size_t i = 0; i < COUNT(archs); i++)
        check_arch(archs[i], (tiny_options){.seed = i + 1}, 1e-3);
    check_arch("llama", (tiny_options){.tied = true}, 1e-3);
    check_arch("phi3", (tiny_options){.fused = true}, 1e-3);
}

/* Inputs of quantized weights are summed before they are rounded, but what came before
 * them was computed with rounded ones. */
static void test_convert_collect__of_quantized_weights(void **state) {
    (void)state;
    check_arch("llama", (tiny_options){.type = GGML_Q8_0}, 1e-4);
    check_arch("bitnet-b1.58", (tiny_options){.type = GGML_Q8_0}, 5e-3);
    check_arch("bitnet-b1.58", (tiny_options){.type = GGML_F16}, 3e-2);
    check_arch("bitnet", (tiny_options){.type = GGML_Q8_0, .hadamard = true}, 5e-3);
}

/* ---- bits ---- */

static void assert_same(const rsn_collected *a, const rsn_collected *b) {
    assert_int_equal(a->n, b->n);
    for (size_t i = 0; i < a->n; i++) {
        assert_int_equal(a->items[i].n_tokens, b->items[i].n_tokens);
        assert_memory_equal(a->items[i].sums, b->items[i].sums,
                            a->items[i].cols * sizeof(double));
    }
}

static rsn_model *open_tiny(const char *arch, tiny_options o, reason_cpu cpu) {
    rsn_model *model;
    reason_model_options how;
    assert_ok(reason_model_options_init(&how, sizeof how));
    how.cpu = cpu;
    char *path = build_tiny_model(arch, &o);
    assert_ok(reason_model_open(path, &how, &model));
    gguf_remove(path);
    return model;
}

static void test_convert_collect__threads_and_levels(void **state) {
    (void)state;
    const tiny_options o = {.type = GGML_Q8_0};
    rsn_model *model = open_tiny("qwen3", o, REASON_CPU_AUTO);
    rsn_model *generic = open_tiny("qwen3", o, REASON_CPU_GENERIC);
    reason_imatrix_options io = options_of(N_CTX);
    rsn_collected expected = collect(model, &io, 1);
    for (int32_t n = 1; n <= 5; n++) {
        rsn_collected c = collect(n == 5 ? generic : model, &io, n);
        assert_same(&c, &expected);
        rsn_collected_free(&c);
    }
    rsn_collected_free(&expected);
    reason_model_free(model);
    reason_model_free(generic);
}

/* A matrix may be a tensor of three dimensions, the last being 1. */
static void test_convert_collect__more_dimensions(void **state) {
    (void)state;
    static const char *const names[] = {"blk.0.attn_q.weight", "blk.0.attn_output.weight",
                                        "blk.1.ffn_down.weight", "output.weight"};
    static const uint8_t one[8] = {1};
    const tiny_options o = {0};
    rsn_model *plain = open_tiny("llama", o, REASON_CPU_AUTO), *other;
    reason_imatrix_options io = options_of(N_CTX);
    tiny_model m;
    tiny_model_make("llama", &o, &m);
    for (size_t i = 0; i < COUNT(names); i++) { /* 32 bytes in all: data stays aligned */
        size_t at = gguf_find_tensor(&m.file, names[i]);
        gguf_set_number(&m.file, at, 3, 4);
        gguf_insert(&m.file, at + 4 + 2 * 8, one, sizeof one);
    }
    char *path = gguf_save(&m.file);
    assert_ok(reason_model_open(path, NULL, &other));
    gguf_remove(path);
    rsn_collected a = collect(plain, &io, 2), b = collect(other, &io, 2);
    assert_same(&a, &b);
    assert_int_equal(find(&b, "output.weight")->n_tokens, b.figures.n_tokens);
    rsn_collected_free(&a);
    rsn_collected_free(&b);
    reason_model_free(plain);
    reason_model_free(other);
    tiny_model_free(&m);
}

typedef struct total {
    const unsigned char *data; /* of the matrix that counts */
    double sums[MAX_COLS];
    size_t n_tokens;
} total;

static void add(void *user, const rsn_matrix *w, const float *x, size_t n) {
    total *s = user;
    if (w->data != s->data)
        return;
    for (size_t t = 0; t < n; t++)
        for (size_t k = 0; k < w->cols; k++)
            s->sums[k] += (double)x[t * w->cols + k] * (double)x[t * w->cols + k];
    s->n_tokens += n;
}

/* Every token is told once and in order, however a text is cut into steps. */
static void test_convert_collect__pieces(void **state) {
    (void)state;
    static const size_t chunks[] = {1, 3, 16, 64};
    rsn_model *model = open_tiny("llama", (tiny_options){0}, REASON_CPU_AUTO);
    const rsn_layer *last = &model->weights.layers[model->hp.n_layers - 1];
    const rsn_matrix *const of[] = {&last->v, &last->o, &last->down,
                                    &model->weights.output};
    int32_t *ids;
    size_t n;
    rsn_pool *pool;
    float *logits = malloc(128 * model->hp.n_vocab * sizeof *logits);
    assert_non_null(logits);
    assert_ok(reason_tokenize(model, text, -1, 0, &ids, &n));
    assert_ok(rsn_pool_new(2, &pool));
    for (size_t i = 0; i < COUNT(of); i++) {
        total first = {0};
        for (size_t k = 0; k < COUNT(chunks); k++) {
            total s = {.data = of[i]->data};
            rsn_session *session;
            rsn_observer observer = {add, &s};
            rsn_session_setup setup = {
                .n_ctx = 128, .n_chunk = chunks[k], .kv = rsn_kv_type(REASON_KV_F16)};
            rsn_append what = {.tokens = ids,
                               .n = n,
                               .logits = logits,
                               .all = true,
                               .observer = &observer};
            assert_ok(rsn_session_new(model, pool, &setup, &session));
            assert_ok(rsn_session_enter(session));
            assert_ok(rsn_session_append(session, &what));
            rsn_session_leave(session);
            rsn_session_free(session);
            assert_int_equal(s.n_tokens, n);
            first = k == 0 ? s : first;
            assert_memory_equal(s.sums, first.sums, sizeof s.sums);
            assert_true(s.sums[0] > 0);
        }
    }
    rsn_pool_release(pool);
    reason_free(ids);
    reason_model_free(model);
    free(logits);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_convert_collect__against_the_reference),
        cmocka_unit_test(test_convert_collect__of_quantized_weights),
        cmocka_unit_test(test_convert_collect__threads_and_levels),
        cmocka_unit_test(test_convert_collect__more_dimensions),
        cmocka_unit_test(test_convert_collect__pieces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
