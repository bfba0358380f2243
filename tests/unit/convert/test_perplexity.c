/* Figures of a model over a text against sums in long double over the logits that
 * reason_session_logits() gives: perplexity, divergence from a model in another block
 * type, which tokens are scored; and what is refused. */
#include "api/support.h"

#include <math.h>
#include <unistd.h>

#include "support/gguf_build.h"
#include "support/reencode.h"

static reason_model *shipped, *q4_k;
static char *text; /* conversations, a line "%%" between two */

static char *read_text(const char *name) {
    const char *source = getenv("REASON_SRCDIR");
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/%s", source ? source : ".", name);
    FILE *file = fopen(path, "rb");
    char *all = calloc(1, 1 << 16);
    assert_true(file && all);
    assert_true(fread(all, 1, (1 << 16) - 1, file) > 1000);
    (void)fclose(file);
    return all;
}

/* The shipped model in another block type. */
static reason_model *open_encoded(const char *type) {
    char path[] = "/tmp/perplexity.XXXXXX";
    int fd = mkstemp(path);
    reencode_report report;
    reason_model *model;
    assert_true(fd >= 0);
    (void)close(fd);
    assert_ok(reencode_model(shipped_path(), path, reencode_type(type), &report));
    assert_ok(reason_model_open(path, NULL, &model));
    (void)unlink(path);
    return model;
}

static int set_up(void **state) {
    (void)state;
    text = read_text("examples/data/conversations.txt");
    shipped = open_model(REASON_CPU_AUTO);
    q4_k = open_encoded("Q4_K");
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    reason_model_free(shipped);
    reason_model_free(q4_k);
    free(text);
    return 0;
}

static reason_perplexity_options options_of(int32_t n_ctx, int32_t n_chunks) {
    reason_perplexity_options o;
    assert_ok(reason_perplexity_options_init(&o, sizeof o));
    o.n_ctx = n_ctx;
    o.n_chunks = n_chunks;
    o.n_threads = 2;
    return o;
}

static reason_perplexity_result measure(reason_model *model, const char *what,
                                        const reason_perplexity_options *o) {
    reason_perplexity_result r = {.size = sizeof r};
    assert_ok(reason_perplexity(model, what, -1, o, &r));
    return r;
}

/* ---- the reference ---- */

enum { MAX_SCORED = 4096 };

typedef struct sums {
    size_t n;
    long double nll[2][MAX_SCORED], kl[MAX_SCORED], same[MAX_SCORED], dp[MAX_SCORED];
} sums;

static long double *log_softmax(const float *logits, size_t n, size_t *top) {
    long double *p = malloc(n * sizeof *p), sum = 0;
    assert_non_null(p);
    *top = 0;
    for (size_t i = 0; i < n; i++)
        *top = logits[i] > logits[*top] ? i : *top;
    for (size_t i = 0; i < n; i++)
        sum += expl((long double)logits[i] - logits[*top]);
    for (size_t i = 0; i < n; i++)
        p[i] = (long double)logits[i] - logits[*top] - logl(sum);
    return p;
}

static float *all_logits(reason_model *model, const int32_t *ids, size_t n,
                         reason_kv_type kv) {
    size_t n_vocab = (size_t)model_int(model, "n_vocab");
    float *rows = malloc(n * n_vocab * sizeof *rows);
    reason_session *session;
    reason_session_options o;
    assert_non_null(rows);
    assert_ok(reason_session_options_init(&o, sizeof o));
    o.n_threads = 1;
    o.kv_type = kv;
    assert_ok(reason_session_new(model, &o, &session));
    assert_ok(reason_session_logits(session, ids, n, rows));
    reason_session_free(session);
    return rows;
}

/* Adds what the logits of positions [first, n - 1) say of the tokens behind them. */
static void score(reason_model *model, reason_model *against, const int32_t *ids,
                  size_t n, size_t first, reason_kv_type kv, sums *s) {
    size_t n_vocab = (size_t)model_int(model, "n_vocab"), top[2];
    float *a = all_logits(model, ids, n, kv);
    float *b = all_logits(against, ids, n, REASON_KV_F16);
    for (size_t i = first; i + 1 < n; i++) {
        long double *p = log_softmax(a + i * n_vocab, n_vocab, &top[0]);
        long double *q = log_softmax(b + i * n_vocab, n_vocab, &top[1]), kl = 0;
        for (size_t t = 0; t < n_vocab; t++)
            kl += expl(q[t]) * (q[t] - p[t]);
        assert_true(s->n < MAX_SCORED);
        s->nll[0][s->n] = -p[ids[i + 1]];
        s->nll[1][s->n] = -q[ids[i + 1]];
        s->kl[s->n] = kl;
        s->same[s->n] = top[0] == top[1];
        s->dp[s->n++] = expl(p[ids[i + 1]]) - expl(q[ids[i + 1]]);
        free(p);
        free(q);
    }
    free(a);
    free(b);
}

static long double mean_of(const long double *x, size_t n) {
    long double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += x[i];
    return sum / (long double)n;
}

static long double se_of(const long double *x, size_t n) {
    long double sum = 0, mean = mean_of(x, n);
    for (size_t i = 0; i < n; i++)
        sum += (x[i] - mean) * (x[i] - mean);
    return sqrtl(sum / (long double)n / (long double)(n - 1));
}

static int compare(const void *a, const void *b) {
    long double x = *(const long double *)a, y = *(const long double *)b;
    return (x > y) - (x < y);
}

#define assert_near(found, expected)                                                     \
    do {                                                                                 \
        long double f_ = (found), e_ = (expected);                                       \
        if (!(fabsl(f_ - e_) <= 1e-9L * fabsl(e_) + 1e-12L))                             \
            fail_msg("%s: %.15Lg, %.15Lg expected", #found, f_, e_);                     \
    } while (0)

static void check(const reason_perplexity_result *r, sums *s) {
    long double ratio[MAX_SCORED], ppl = expl(mean_of(s->nll[0], s->n));
    for (size_t i = 0; i < s->n; i++)
        ratio[i] = s->nll[0][i] - s->nll[1][i];
    assert_int_equal(r->n_scored, s->n);
    assert_near(r->perplexity, ppl);
    assert_near(r->perplexity_se, ppl * se_of(s->nll[0], s->n));
    assert_near(r->bits_per_token, log2l(ppl));
    assert_near(r->against_perplexity, expl(mean_of(s->nll[1], s->n)));
    assert_near(r->against_perplexity_se,
                expl(mean_of(s->nll[1], s->n)) * se_of(s->nll[1], s->n));
    assert_near(r->ratio, expl(mean_of(ratio, s->n)));
    assert_near(r->ratio_se, expl(mean_of(ratio, s->n)) * se_of(ratio, s->n));
    assert_near(r->kl_mean, mean_of(s->kl, s->n));
    assert_near(r->kl_se, se_of(s->kl, s->n));
    assert_near(r->same_top, mean_of(s->same, s->n));
    assert_near(r->same_top_se, se_of(s->same, s->n));
    assert_near(r->p_difference, mean_of(s->dp, s->n));
    assert_near(r->p_difference_se, se_of(s->dp, s->n));
    qsort(s->kl, s->n, sizeof *s->kl, compare);
    long double at = 0.99L * (long double)(s->n - 1);
    size_t low = (size_t)at;
    long double p99 = s->kl[low] + (at - (long double)low) *
                                       (s->kl[low + 1 < s->n ? low + 1 : low] - s->kl[low]);
    assert_near(r->kl_p99, p99);
    assert_near(r->kl_max, s->kl[s->n - 1]);
    assert_near(r->kl_median, (s->kl[(s->n - 1) / 2] + s->kl[s->n / 2]) / 2);
    assert_true(r->tokens_s > 0);
}

/* ---- against the reference ---- */

static void check_text(reason_model *model, const reason_perplexity_options *o) {
    sums *s = calloc(1, sizeof *s);
    int32_t *ids;
    size_t n, n_ctx = o->n_ctx ? (size_t)o->n_ctx : 512, n_chunks = 0;
    assert_non_null(s);
    assert_ok(reason_tokenize(model, text, -1, o->special ? REASON_TOKENS_SPECIAL : 0, &ids,
                              &n));
    for (; (n_chunks + 1) * n_ctx <= n; n_chunks++)
        if (n_chunks == (size_t)o->n_chunks)
            break;
        else
            score(model, o->against, ids + n_chunks * n_ctx, n_ctx,
                  o->all_positions ? 0 : n_ctx / 2, o->kv_type, s);
    reason_perplexity_result r = measure(model, text, o);
    assert_int_equal(r.n_text, n);
    assert_int_equal(r.n_ctx, n_ctx);
    assert_int_equal(r.n_chunks, n_chunks);
    check(&r, s);
    assert_true(r.kl_mean > 0 && r.kl_max > r.kl_median);
    reason_free(ids);
    free(s);
}

static void test_convert_perplexity__second_halves(void **state) {
    (void)state;
    static const int32_t sizes[] = {3, 4, 33, 101, 0};
    for (size_t i = 0; i < COUNT(sizes); i++) {
        reason_perplexity_options o = options_of(sizes[i], i < 2 ? 60 : 2);
        o.against = shipped;
        check_text(q4_k, &o);
    }
}

static void test_convert_perplexity__all_positions(void **state) {
    (void)state;
    reason_perplexity_options o = options_of(100, 3);
    o.against = shipped;
    o.all_positions = true;
    o.special = true;
    check_text(q4_k, &o);
}

/* The second model keeps F16 keys and values. */
static void test_convert_perplexity__keys_and_values(void **state) {
    (void)state;
    reason_perplexity_options o = options_of(200, 1);
    o.against = shipped;
    o.kv_type = REASON_KV_Q4_0;
    check_text(shipped, &o);
}

static void test_convert_perplexity__documents(void **state) {
    (void)state;
    sums *s = calloc(1, sizeof *s);
    reason_perplexity_options o = options_of(30, 0);
    assert_non_null(s);
    o.against = shipped;
    o.special = true;
    o.separator = "\n%%\n";
    char *part = strdup(text);
    assert_non_null(part);
    for (int i = 0; i < 12; i++) { /* the first twelve */
        char *end = strstr(part, o.separator);
        assert_non_null(end);
        int32_t *ids;
        size_t n, size;
        assert_ok(reason_tokenize(q4_k, part, end - part, REASON_TOKENS_SPECIAL, &ids, &n));
        size = n < 30 ? n : 30;
        for (size_t at = 0; at + size <= n; at += size, o.n_chunks++)
            score(q4_k, shipped, ids + at, size, size / 2, REASON_KV_F16, s);
        reason_free(ids);
        memmove(part, end + 4, strlen(end + 4) + 1);
    }
    reason_perplexity_result r = measure(q4_k, text, &o);
    assert_true(o.n_chunks > 12); /* some are longer */
    assert_int_equal(r.n_chunks, o.n_chunks);
    check(&r, s);
    o.n_ctx = 0;
    assert_true(measure(q4_k, text, &o).perplexity < 4); /* it knows such texts */
    free(part);
    free(s);
}

/* ---- properties ---- */

static void test_convert_perplexity__against_itself(void **state) {
    (void)state;
    reason_perplexity_options o = options_of(128, 4);
    reason_perplexity_result alone = measure(q4_k, text, &o);
    o.against = q4_k;
    reason_perplexity_result r = measure(q4_k, text, &o);
    assert_true(r.kl_mean == 0 && r.kl_max == 0 && r.kl_median == 0 && r.kl_p99 == 0);
    assert_true(r.ratio == 1 && r.ratio_se == 0 && r.same_top == 1);
    assert_true(r.p_difference == 0);
    assert_true(r.perplexity == r.against_perplexity);
    assert_true(r.perplexity == alone.perplexity);
    assert_true(r.perplexity_se == alone.perplexity_se);
    assert_true(isnan(alone.kl_mean) && isnan(alone.ratio) && isnan(alone.same_top) &&
                isnan(alone.against_perplexity) && isnan(alone.p_difference) &&
                isnan(alone.kl_max));
}

/* Every bit but the speed. */
static void assert_same(reason_perplexity_result a, reason_perplexity_result b) {
    a.tokens_s = b.tokens_s = 0;
    assert_memory_equal(&a, &b, sizeof a);
}

static void test_convert_perplexity__threads_and_levels(void **state) {
    (void)state;
    reason_perplexity_options o = options_of(100, 3);
    reason_model *generic = open_model(REASON_CPU_GENERIC);
    o.against = q4_k;
    reason_perplexity_result expected = measure(shipped, text, &o);
    for (int32_t n = 1; n <= 4; n++) {
        o.n_threads = n;
        assert_same(measure(shipped, text, &o), expected);
    }
    assert_same(measure(generic, text, &o), expected);
    assert_ok(reason_pool_new(3, &o.pool));
    assert_same(measure(shipped, text, &o), expected);
    assert_same(measure(shipped, text, &o), expected);
    reason_pool_free(o.pool);
    reason_model_free(generic);
}

/* A text that is shorter than a chunk is one; the default chunk is the model's context
 * where that is shorter. */
static void test_convert_perplexity__short_texts(void **state) {
    (void)state;
    reason_perplexity_options o = options_of(0, 0);
    reason_perplexity_result r = measure(shipped, "12+34", &o);
    assert_int_equal(r.n_text, 5);
    assert_int_equal(r.n_ctx, 5);
    assert_int_equal(r.n_scored, 2); /* the tokens at 3 and 4 */
    r = measure(shipped, "123", &o);
    assert_int_equal(r.n_scored, 1);
    assert_true(isfinite(r.perplexity) && isnan(r.perplexity_se));
    o.all_positions = true;
    r = measure(shipped, "12", &o);
    assert_int_equal(r.n_scored, 1);
    tiny_options t = {.n_ctx = 64};
    char *path = build_tiny_model("qwen3", &t);
    reason_model *tiny;
    assert_ok(reason_model_open(path, NULL, &tiny));
    gguf_remove(path);
    o.all_positions = false;
    r = measure(tiny, text, &o);
    assert_int_equal(r.n_ctx, 64);
    reason_model_free(tiny);
    r.size = sizeof r;
    assert_ok(reason_perplexity(shipped, "12+34 and what follows", 5, NULL, &r));
    assert_int_equal(r.n_text, 5);
}

/* ---- stopping ---- */

typedef struct stopper {
    uint64_t n_calls, at, last, total;
    reason_cancel_token *token;
} stopper;

static int count_calls(void *user, const char *stage, uint64_t done, uint64_t total) {
    stopper *s = user;
    assert_string_equal(stage, "perplexity");
    assert_true(done >= s->last && done <= total);
    s->last = done;
    s->total = total;
    if (++s->n_calls != s->at)
        return 0;
    if (!s->token)
        return 1;
    reason_cancel_token_set(s->token);
    return 0;
}

static void assert_cleared(const reason_perplexity_result *r) {
    assert_true(isnan(r->perplexity) && isnan(r->kl_mean) && r->n_scored == 0);
}

static void test_convert_perplexity__cancel(void **state) {
    (void)state;
    stopper s = {0};
    reason_cancel_token *token;
    reason_perplexity_options o = options_of(100, 2);
    reason_perplexity_result r = {.size = sizeof r};
    o.against = q4_k;
    o.progress = count_calls;
    o.progress_user = &s;
    assert_ok(reason_cancel_token_new(&token));
    reason_perplexity_result expected = measure(shipped, text, &o);
    assert_int_equal(s.last, s.total);
    assert_int_equal(s.total, 2 * 2 * 99);
    uint64_t n_calls = s.n_calls;
    assert_true(n_calls > 8);
    for (int way = 0; way < 2; way++)
        for (uint64_t at = 1; at <= n_calls; at++) {
            s = (stopper){.at = at, .token = way ? token : NULL};
            o.cancel = token;
            assert_status(reason_perplexity(shipped, text, -1, &o, &r),
                          REASON_ERR_CANCELLED);
            assert_cleared(&r);
            assert_int_equal(s.n_calls, at);
            reason_cancel_token_reset(token);
        }
    reason_cancel_token_set(token);
    s = (stopper){0};
    assert_status(reason_perplexity(shipped, text, -1, &o, &r), REASON_ERR_CANCELLED);
    assert_int_equal(s.n_calls, 0);
    reason_cancel_token_reset(token);
    assert_same(measure(shipped, text, &o), expected);
    reason_cancel_token_free(token);
}

/* ---- what is refused ---- */

static void refuse(reason_model *model, const char *what,
                   const reason_perplexity_options *o, reason_status status,
                   const char *words) {
    reason_perplexity_result r;
    memset(&r, 1, sizeof r);
    r.size = sizeof r;
    assert_status(reason_perplexity(model, what, -1, o, &r), status);
    if (!strstr(reason_last_error(), words))
        fail_msg("\"%s\" does not say \"%s\"", reason_last_error(), words);
    assert_cleared(&r);
}

static void test_convert_perplexity__arguments(void **state) {
    (void)state;
    reason_perplexity_options o = options_of(0, 0);
    refuse(shipped, "", &o, REASON_ERR_INVALID_ARG, "0 tokens, at least 3 expected");
    refuse(shipped, "1", &o, REASON_ERR_INVALID_ARG, "1 tokens");
    refuse(shipped, "12", &o, REASON_ERR_INVALID_ARG, "2 tokens");
    o.all_positions = true;
    refuse(shipped, "1", &o, REASON_ERR_INVALID_ARG, "1 tokens, at least 2");
    o.all_positions = false;
    o.separator = "";
    refuse(shipped, text, &o, REASON_ERR_INVALID_ARG, "separator");
    o.separator = "2";
    refuse(shipped, "12223", &o, REASON_ERR_INVALID_ARG, "1 tokens");
    o.separator = NULL;
    for (int32_t n = -1; n < 3; n++) {
        o.n_ctx = n;
        if (n != 0)
            refuse(shipped, text, &o, REASON_ERR_INVALID_ARG, "n_ctx");
    }
    o.n_ctx = 513;
    refuse(shipped, text, &o, REASON_ERR_LIMIT, "n_ctx 513");
    o.n_ctx = INT32_MAX;
    refuse(shipped, text, &o, REASON_ERR_LIMIT, "was made for 512");
    o.n_ctx = 0;
    o.n_chunks = -1;
    refuse(shipped, text, &o, REASON_ERR_INVALID_ARG, "n_chunks -1");
    o.n_chunks = 1;
    o.n_threads = -1;
    refuse(shipped, text, &o, REASON_ERR_INVALID_ARG, "-1");
    o.n_threads = 1;
    o.kv_type = (reason_kv_type)9;
    refuse(shipped, text, &o, REASON_ERR_INVALID_ARG, "kv_type 9");
}

static reason_model *open_tiny(const char *arch, const tiny_options *o) {
    reason_model *model;
    char *path = build_tiny_model(arch, o);
    assert_ok(reason_model_open(path, NULL, &model));
    gguf_remove(path);
    return model;
}

static void test_convert_perplexity__models(void **state) {
    (void)state;
    reason_perplexity_options o = options_of(0, 1);
    tiny_options t = {0};
    reason_model *tiny = open_tiny("qwen3", &t);
    o.against = tiny;
    refuse(shipped, text, &o, REASON_ERR_MISMATCH, "vocabulary of 605 tokens");
    o.against = shipped;
    refuse(tiny, text, &o, REASON_ERR_MISMATCH, "they cannot be compared");
    o.against = tiny; /* another architecture does not matter */
    reason_model *other = open_tiny("llama", &t);
    assert_true(measure(other, text, &o).kl_mean > 0);
    reason_model_free(other);
    t.no_weights = true;
    other = open_tiny("qwen3", &t);
    refuse(tiny, text, &(reason_perplexity_options){.size = sizeof o, .against = other},
           REASON_ERR_MISMATCH, "no weights");
    refuse(other, text, NULL, REASON_ERR_MISMATCH, "no weights");
    reason_model_free(other);
    t = (tiny_options){.no_tokenizer = true, .n_vocab = TINY_N_TOKENS};
    other = open_tiny("qwen3", &t);
    refuse(other, text, NULL, REASON_ERR_UNSUPPORTED, "no tokenizer");
    o.against = other;
    refuse(tiny, text, &o, REASON_ERR_MISMATCH, "cannot be compared");
    reason_model_free(other);
    t = (tiny_options){.n_ctx = 40};
    other = open_tiny("qwen3", &t);
    o.against = other;
    o.n_ctx = 41;
    refuse(tiny, text, &o, REASON_ERR_LIMIT, "was made for 40");
    o.n_ctx = 0;
    assert_int_equal(measure(tiny, text, &o).n_ctx, 40);
    reason_model_free(other);
    t.n_ctx = 2;
    other = open_tiny("qwen3", &t);
    refuse(other, text, NULL, REASON_ERR_LIMIT, "chunks of 2 tokens");
    reason_model_free(other);
    reason_model_free(tiny);
}

/* One token is spelt differently. */
static void test_convert_perplexity__a_token_differs(void **state) {
    (void)state;
    tiny_model m;
    tiny_options t = {0};
    reason_model *tiny = open_tiny("qwen3", &t), *other;
    reason_perplexity_options o = options_of(0, 1);
    tiny_model_make("qwen3", &t, &m);
    m.file.data[gguf_find(&m.file, "</think>", 8) + 2] = 'T';
    char *path = gguf_save(&m.file);
    assert_ok(reason_model_open(path, NULL, &other));
    gguf_remove(path);
    o.against = other;
    refuse(tiny, text, &o, REASON_ERR_MISMATCH, "token 272 is \"</think>\"");
    reason_model_free(other);
    reason_model_free(tiny);
    tiny_model_free(&m);
}

/* Weights that make logits no numbers. */
static void test_convert_perplexity__not_finite(void **state) {
    (void)state;
    tiny_model m;
    tiny_options t = {0};
    reason_model *other, *tiny = open_tiny("qwen3", &t);
    reason_perplexity_options o = options_of(0, 1);
    tiny_model_make("qwen3", &t, &m);
    const float nan = NAN;
    memcpy(m.file.data + tiny_model_find(&m, "output.weight")->at, &nan, sizeof nan);
    char *path = gguf_save(&m.file);
    assert_ok(reason_model_open(path, NULL, &other));
    gguf_remove(path);
    refuse(other, text, &o, REASON_ERR_FORMAT, "are not finite");
    o.against = other;
    refuse(tiny, text, &o, REASON_ERR_FORMAT, "are not finite");
    reason_model_free(other);
    reason_model_free(tiny);
    tiny_model_free(&m);
}

/* ---- memory ---- */

/* Beside the model and its keys and values: rows of 32 positions, never of the text. */
static void test_convert_perplexity__memory(void **state) {
    (void)state;
    test_heap heap;
    reason_perplexity_options o = options_of(512, 8);
    o.n_threads = 1;
    heap_use(&heap);
    (void)measure(shipped, text, &o);
    size_t peak = atomic_load(&heap.peak), row = 605 * sizeof(float);
    heap_end(&heap);
    if (peak > (4 << 20) + 32 * row)
        fail_msg("%zu bytes at most; logits of a chunk would be %zu", peak, 512 * row);
}

static void test_convert_perplexity__memory_refused(void **state) {
    (void)state;
    test_heap heap;
    reason_perplexity_options o = options_of(60, 1);
    reason_perplexity_result r = {.size = sizeof r};
    o.against = q4_k;
    o.separator = "\n%%\n";
    heap_use(&heap);
    for (size_t at = 1;; at++) {
        atomic_store(&heap.n_calls, 0);
        heap.fail_at = at;
        reason_status status = reason_perplexity(shipped, text, -1, &o, &r);
        assert_int_equal(atomic_load(&heap.n_blocks), 0);
        if (atomic_load(&heap.n_calls) < at) {
            assert_int_equal(status, REASON_OK);
            break;
        }
        if (status != REASON_OK)
            assert_int_equal(status, REASON_ERR_NO_MEMORY);
    }
    heap.fail_at = 0;
    heap_end(&heap);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_convert_perplexity__second_halves),
        cmocka_unit_test(test_convert_perplexity__all_positions),
        cmocka_unit_test(test_convert_perplexity__keys_and_values),
        cmocka_unit_test(test_convert_perplexity__documents),
        cmocka_unit_test(test_convert_perplexity__against_itself),
        cmocka_unit_test(test_convert_perplexity__threads_and_levels),
        cmocka_unit_test(test_convert_perplexity__short_texts),
        cmocka_unit_test(test_convert_perplexity__cancel),
        cmocka_unit_test(test_convert_perplexity__arguments),
        cmocka_unit_test(test_convert_perplexity__models),
        cmocka_unit_test(test_convert_perplexity__a_token_differs),
        cmocka_unit_test(test_convert_perplexity__not_finite),
        cmocka_unit_test(test_convert_perplexity__memory),
        cmocka_unit_test(test_convert_perplexity__memory_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
