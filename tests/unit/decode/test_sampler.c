/* The sampler against a slow reference: everything in float64, a full sort, and the same
 * random number, so that not only shares but the very token must agree. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "decode/sampler.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static uint64_t random_next(uint64_t *state) {
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *state >> 33;
}

static double random_unit(uint64_t *state) {
    return (double)random_next(state) / 2147483648.0;
}

static const rsn_kernels *kernels(void) {
    return rsn_kernels_for(REASON_CPU_GENERIC);
}

static reason_sampling defaults(void) {
    reason_sampling p = {.size = sizeof p};
    assert_int_equal(reason_sampling_init(&p, sizeof p), REASON_OK);
    p.temperature = 1;
    p.top_p = 1;
    return p;
}

static reason_sampling asked; /* of the sampler that was made last */

static rsn_sampler sampler_of(const reason_sampling *p, size_t n) {
    rsn_sampler s;
    asked = *p;
    assert_int_equal(rsn_sampling_check(p, n), REASON_OK);
    assert_int_equal(rsn_sampler_init(&s, n, kernels()), REASON_OK);
    return s;
}

/* --- the reference ------------------------------------------------------------------ */

enum { MAX_VOCAB = 200000 };

typedef struct candidate {
    double share;
    int32_t id;
} candidate;

typedef struct reference {
    candidate
        all[MAX_VOCAB]; /* [n] that can be drawn, in the order in which they are drawn */
    size_t n;
    double mass;
    double edge; /* how near top-k, top-p or min-p came to deciding otherwise, relative */
} reference;

static reference ref;

static int by_share(const void *a, const void *b) {
    const candidate *x = a, *y = b;
    if (x->share != y->share)
        return x->share < y->share ? 1 : -1;
    return x->id < y->id ? -1 : 1;
}

/* Logits as bias and penalties leave them; in float32, as they are the sampler's
 * definition. */
static void change_logits(const reason_sampling *p, const float *logits, size_t n,
                          const int32_t *history, size_t n_history, float *out) {
    memcpy(out, logits, n * sizeof *out);
    for (size_t i = 0; i < p->n_bias; i++)
        out[p->bias_tokens[i]] += p->bias_values[i];
    size_t first = 0;
    if (p->penalty_window >= 0 && n_history > (size_t)p->penalty_window)
        first = n_history - (size_t)p->penalty_window;
    for (size_t id = 0; id < n; id++) {
        size_t times = 0;
        for (size_t i = first; i < n_history; i++)
            times += history[i] == (int32_t)id;
        if (times == 0)
            continue;
        out[id] = out[id] > 0 ? out[id] / p->repeat_penalty : out[id] * p->repeat_penalty;
        out[id] -= p->presence_penalty + p->frequency_penalty * (float)times;
    }
}

static void note_edge(double a, double b) {
    double near = fabs(a - b) / (fabs(b) + DBL_MIN);
    ref.edge = near < ref.edge ? near : ref.edge;
}

static double sum_shares(size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += ref.all[i].share;
    return sum;
}

/* Temperature, top-k, top-p, min-p one after the other. */
static void make_reference(const reason_sampling *p, const float *logits, size_t n) {
    double max = -(double)INFINITY;
    ref.n = 0;
    ref.edge = 1;
    for (size_t i = 0; i < n; i++)
        max = (double)logits[i] > max ? (double)logits[i] : max;
    for (size_t i = 0; i < n; i++) {
        double below = ((double)logits[i] - max) / (double)p->temperature;
        if (below > -100) /* NaN is not */
            ref.all[ref.n++] = (candidate){exp(below), (int32_t)i};
    }
    if (p->top_k > 0 || p->top_p < 1 || p->min_p > 0)
        qsort(ref.all, ref.n, sizeof *ref.all, by_share);
    if (p->top_k > 0 && (size_t)p->top_k < ref.n) {
        if (ref.all[p->top_k].share < ref.all[p->top_k - 1].share)
            note_edge(ref.all[p->top_k].share, ref.all[p->top_k - 1].share);
        ref.n = (size_t)p->top_k;
    }
    if (p->top_p < 1) {
        double goal = (double)p->top_p * sum_shares(ref.n), sum = 0;
        size_t end = 0;
        while (end < ref.n && (end == 0 || sum < goal)) {
            sum += ref.all[end++].share;
            note_edge(sum, goal);
        }
        ref.n = end;
    }
    for (size_t i = 0; i < ref.n && p->min_p > 0; i++) {
        double least = (double)p->min_p * ref.all[0].share;
        note_edge(ref.all[i].share, least);
        if (ref.all[i].share < least)
            ref.n = i;
    }
    ref.mass = sum_shares(ref.n);
}

/* The candidate at a random number; *edge: how near another one was. */
static size_t reference_pick(double u, double *edge) {
    double sum = 0;
    *edge = 1;
    for (size_t i = 0; i < ref.n; i++) {
        sum += ref.all[i].share;
        double away = fabs(u - sum / ref.mass);
        *edge = away < *edge ? away : *edge;
        if (u * ref.mass < sum)
            return i;
    }
    return ref.n - 1;
}

/* Draws `times` tokens and holds each against the reference. Returns how many were no
 * close call. */
static size_t compare_draws(rsn_sampler *s, size_t times) {
    size_t clear = 0;
    for (size_t i = 0; i < times; i++) {
        double edge, u = rsn_rng_uniform(s->params->seed, 0, i, 3);
        float logprob;
        int32_t id = rsn_sampler_draw(s, i, 3, &logprob);
        size_t at = reference_pick(u, &edge);
        if (edge < 1e-5)
            continue;
        assert_int_equal(id, ref.all[at].id);
        double expected = log(ref.all[at].share / ref.mass);
        assert_true(fabs((double)logprob - expected) <= 1e-4 * (1 + fabs(expected)));
        assert_true(logprob <= 0);
        clear++;
    }
    return clear;
}

/* One random sampler over random logits. */
static size_t compare_random(uint64_t *seed, size_t n, bool coarse) {
    static float logits[MAX_VOCAB], changed[MAX_VOCAB];
    static const float temperatures[] = {0.1f, 0.6f, 1, 2},
                       top_ps[] = {1, 0.95f, 0.5f, 0.999f},
                       min_ps[] = {0, 0, 0.05f, 0.5f};
    static const int32_t top_ks[] = {0, 0, 1, 5, 40, 300};
    int32_t history[100], bias_tokens[3];
    float bias_values[3];
    reason_sampling p = defaults();
    double spread = 1 + 9 * random_unit(seed);
    for (size_t i = 0; i < n; i++) {
        double x =
            spread * (random_unit(seed) + random_unit(seed) + random_unit(seed) - 1.5);
        logits[i] = (float)(coarse ? floor(x) : x); /* coarse: many ties */
    }
    p.temperature = temperatures[random_next(seed) % COUNT(temperatures)];
    p.top_p = top_ps[random_next(seed) % COUNT(top_ps)];
    p.min_p = min_ps[random_next(seed) % COUNT(min_ps)];
    p.top_k = top_ks[random_next(seed) % COUNT(top_ks)];
    p.repeat_penalty = random_next(seed) % 2 ? 1.3f : 1;
    p.presence_penalty = random_next(seed) % 2 ? 0.4f : 0;
    p.frequency_penalty = random_next(seed) % 2 ? 0.2f : 0;
    p.penalty_window = (int32_t)(random_next(seed) % 120) - 1;
    p.seed = random_next(seed);
    for (size_t i = 0; i < COUNT(history); i++)
        history[i] = (int32_t)(random_next(seed) % (n < 30 ? n : 30));
    for (size_t i = 0; i < COUNT(bias_tokens); i++) {
        bias_tokens[i] = (int32_t)(random_next(seed) % n);
        bias_values[i] = random_next(seed) % 3 ? 1.5f : -INFINITY;
    }
    p.bias_tokens = bias_tokens;
    p.bias_values = bias_values;
    p.n_bias = n > 3 ? COUNT(bias_tokens) : 0;
    change_logits(&p, logits, n, history, COUNT(history), changed);
    make_reference(&p, changed, n);
    if (ref.edge < 1e-5)
        return 0;
    rsn_sampler s = sampler_of(&p, n);
    rsn_sampler_begin(&s, &asked, 0, logits, history, COUNT(history));
    assert_memory_equal(s.logits, changed, n * sizeof *changed);
    size_t clear = compare_draws(&s, 40);
    rsn_sampler_free(&s);
    return clear;
}

static void test_decode_sampler__as_the_reference(void **state) {
    (void)state;
    static const size_t sizes[] = {1, 2, 3, 17, 100, 1000, 5000};
    uint64_t seed = 20250101;
    size_t clear = 0, runs = getenv("REASON_SLOW") ? 140 : 1400;
    for (size_t i = 0; i < runs; i++)
        clear += compare_random(&seed, sizes[i % COUNT(sizes)], i % 3 == 0);
    assert_true(clear > runs * 30); /* close calls are few */
}

static void test_decode_sampler__huge_vocabularies(void **state) {
    (void)state;
    uint64_t seed = 7;
    size_t clear = 0;
    for (int i = 0; i < 6; i++)
        clear += compare_random(&seed, MAX_VOCAB, i % 2 == 0);
    assert_true(clear > 40);
}

/* --- frequencies -------------------------------------------------------------------- */

/* Chi-square of 100,000 draws against the reference's shares. */
static double chi_square(const reason_sampling *p, const float *logits, size_t n,
                         size_t *freedom) {
    enum { DRAWS = 100000, MOST = 64 };
    double counts[MOST] = {0}, sum = 0;
    rsn_sampler s = sampler_of(p, n);
    rsn_sampler_begin(&s, &asked, 0, logits, NULL, 0);
    make_reference(p, logits, n);
    assert_true(n <= MOST);
    for (size_t i = 0; i < DRAWS; i++) {
        float logprob;
        int32_t id = rsn_sampler_draw(&s, i, 0, &logprob);
        assert_in_range(id, 0, n - 1);
        counts[id]++;
    }
    for (size_t i = 0; i < ref.n; i++) {
        double expected = DRAWS * ref.all[i].share / ref.mass;
        double away = counts[ref.all[i].id] - expected;
        sum += away * away / expected;
        counts[ref.all[i].id] = 0;
    }
    for (size_t i = 0; i < n; i++)
        assert_true(counts[i] == 0); /* nothing that should not be drawn */
    *freedom = ref.n - 1;
    rsn_sampler_free(&s);
    return sum;
}

static void test_decode_sampler__frequencies(void **state) {
    (void)state;
    float logits[16];
    for (size_t i = 0; i < COUNT(logits); i++)
        logits[i] = (float)((i * 7) % 16) * 0.25f;
    /* With k degrees of freedom the sum is below k + 4 sqrt(2 k) but for a chance in
     * thousands; the seeds are fixed, so this does not flicker. */
    for (int i = 0; i < 6; i++) {
        reason_sampling p = defaults();
        size_t freedom;
        p.seed = (uint64_t)i + 11;
        p.temperature = i % 2 ? 0.7f : 1;
        p.top_k = i == 2 ? 6 : 0;
        p.top_p = i == 3 ? 0.8f : 1;
        p.min_p = i == 4 ? 0.2f : 0;
        double sum = chi_square(&p, logits, COUNT(logits), &freedom);
        assert_true(freedom >= 3);
        assert_true(sum < (double)freedom + 4 * sqrt(2 * (double)freedom));
    }
}

static void test_decode_sampler__wrong_frequencies_are_noticed(void **state) {
    (void)state; /* the check above can fail: shares of another temperature */
    float logits[16];
    for (size_t i = 0; i < COUNT(logits); i++)
        logits[i] = (float)((i * 7) % 16) * 0.25f;
    reason_sampling p = defaults();
    rsn_sampler s = sampler_of(&p, COUNT(logits));
    rsn_sampler_begin(&s, &asked, 0, logits, NULL, 0);
    p.temperature = 1.05f;
    make_reference(&p, logits, COUNT(logits));
    double counts[COUNT(logits)] = {0}, sum = 0;
    for (size_t i = 0; i < 100000; i++) {
        float logprob;
        counts[rsn_sampler_draw(&s, i, 0, &logprob)]++;
    }
    for (size_t i = 0; i < ref.n; i++) {
        double expected = 100000 * ref.all[i].share / ref.mass;
        sum += (counts[ref.all[i].id] - expected) * (counts[ref.all[i].id] - expected) /
               expected;
    }
    assert_true(sum > 15 + 4 * sqrt(30.0));
    rsn_sampler_free(&s);
}

static void test_decode_sampler__same_key_same_token(void **state) {
    (void)state;
    float logits[50], logprob;
    int32_t first[200];
    size_t n_other = 0;
    for (size_t i = 0; i < COUNT(logits); i++)
        logits[i] = (float)(i % 5) * 0.1f;
    reason_sampling p = defaults();
    p.seed = 42;
    for (int turn = 0; turn < 2; turn++) {
        rsn_sampler s = sampler_of(&p, COUNT(logits));
        rsn_sampler_begin(&s, &asked, 0, logits, NULL, 0);
        for (size_t i = 0; i < COUNT(first); i++) {
            int32_t id = rsn_sampler_draw(&s, i, 0, &logprob);
            if (turn == 0)
                first[i] = id;
            assert_int_equal(id, first[i]);
            n_other += rsn_sampler_draw(&s, i, 1, &logprob) != id;
        }
        rsn_sampler_free(&s);
    }
    assert_true(n_other > 300); /* another draw at the same place is another number */
}

/* --- edges -------------------------------------------------------------------------- */

static int32_t draw_one(const reason_sampling *p, const float *logits, size_t n,
                        float *logprob) {
    rsn_sampler s = sampler_of(p, n);
    rsn_sampler_begin(&s, &asked, 0, logits, NULL, 0);
    int32_t id = rsn_sampler_draw(&s, 0, 0, logprob);
    rsn_sampler_free(&s);
    return id;
}

static void test_decode_sampler__greedy_takes_the_smaller_id_of_ties(void **state) {
    (void)state;
    float logits[40] = {0}, logprob = 1;
    reason_sampling p = defaults();
    p.temperature = 0;
    for (size_t i = 0; i < COUNT(logits); i++)
        logits[i] = i >= 9 && i % 3 == 0 ? 5.0f : -1.0f;
    assert_int_equal(draw_one(&p, logits, COUNT(logits), &logprob), 9);
    assert_true(logprob == 0);
    p.top_k = 1; /* of candidates as well */
    p.temperature = 1;
    assert_int_equal(draw_one(&p, logits, COUNT(logits), &logprob), 9);
    assert_true(logprob == 0);
}

static void test_decode_sampler__nothing_allowed(void **state) {
    (void)state;
    float logits[5], logprob;
    for (int greedy = 0; greedy < 2; greedy++) {
        for (size_t i = 0; i < COUNT(logits); i++)
            logits[i] = i % 2 ? -INFINITY : NAN;
        reason_sampling p = defaults();
        p.temperature = greedy ? 0 : 1;
        assert_int_equal(draw_one(&p, logits, COUNT(logits), &logprob), -1);
    }
}

static void test_decode_sampler__banned_tokens_never_come(void **state) {
    (void)state;
    float logits[6] = {9, 8, 7, 6, 5, 4}, logprob;
    reason_sampling p = defaults();
    rsn_sampler s = sampler_of(&p, COUNT(logits));
    rsn_sampler_begin(&s, &asked, 0, logits, NULL, 0);
    for (int32_t i = 0; i < 6; i++) {
        for (uint64_t at = 0; at < 200; at++) {
            int32_t id = rsn_sampler_draw(&s, at, 0, &logprob);
            assert_in_range(id, i, 5);
        }
        rsn_sampler_ban(&s, i);
    }
    assert_int_equal(rsn_sampler_draw(&s, 0, 0, &logprob), -1);
    rsn_sampler_begin(&s, &asked, 0, logits, NULL, 0); /* bans are of one position */
    p.temperature = 0;
    assert_int_equal(rsn_sampler_draw(&s, 0, 0, &logprob) >= 0, 1);
    rsn_sampler_free(&s);
}

static void test_decode_sampler__nan_logits_are_never_drawn(void **state) {
    (void)state; /* and leave the others their shares */
    float logits[8] = {1, NAN, 2, NAN, 1.5f, -INFINITY, NAN, 0}, logprob;
    for (int i = 0; i < 4; i++) {
        reason_sampling p = defaults();
        p.top_p = i == 1 ? 0.99f : 1;
        p.top_k = i == 2 ? 4 : 0;
        p.min_p = i == 3 ? 0.01f : 0;
        rsn_sampler s = sampler_of(&p, COUNT(logits));
        rsn_sampler_begin(&s, &asked, 0, logits, NULL, 0);
        make_reference(&p, logits, COUNT(logits));
        assert_int_equal(ref.n, 4);
        assert_true(compare_draws(&s, 300) > 290);
        rsn_sampler_free(&s);
    }
    reason_sampling greedy = defaults();
    greedy.temperature = 0;
    assert_int_equal(draw_one(&greedy, logits, COUNT(logits), &logprob), 2);
}

static void test_decode_sampler__infinite_logits_take_all(void **state) {
    (void)state;
    float logits[6] = {1, 2, INFINITY, 3, INFINITY, -INFINITY}, logprob;
    for (int i = 0; i < 4; i++) {
        reason_sampling p = defaults();
        p.top_p = i == 1 ? 0.5f : 1;
        p.top_k = i == 2 ? 3 : 0;
        p.min_p = i == 3 ? 0.5f : 0;
        rsn_sampler s = sampler_of(&p, COUNT(logits));
        rsn_sampler_begin(&s, &asked, 0, logits, NULL, 0);
        for (uint64_t at = 0; at < 100; at++) {
            int32_t id = rsn_sampler_draw(&s, at, 0, &logprob);
            assert_true(id == 2 || (id == 4 && p.top_p == 1));
            assert_true(logprob <= 0 && logprob > -1);
        }
        assert_true(rsn_sampler_logprob(&s, logits, 2) == 0);
        assert_true(rsn_sampler_logprob(&s, logits, 0) == -INFINITY);
        rsn_sampler_free(&s);
    }
}

static void test_decode_sampler__extreme_temperatures(void **state) {
    (void)state;
    float logits[5] = {-3e38f, 3e38f, 0, 1, 3e38f}, logprob;
    static const float temperatures[] = {FLT_TRUE_MIN, FLT_MIN, 1e-6f, 1, 1e6f, FLT_MAX};
    for (size_t i = 0; i < COUNT(temperatures); i++) {
        reason_sampling p = defaults();
        p.temperature = temperatures[i];
        p.top_p = i % 2 ? 0.9f : 1;
        rsn_sampler s = sampler_of(&p, COUNT(logits));
        rsn_sampler_begin(&s, &asked, 0, logits, NULL, 0);
        for (uint64_t at = 0; at < 50; at++) {
            int32_t id = rsn_sampler_draw(&s, at, 0, &logprob);
            assert_in_range(id, 0, 4);
            assert_true(logprob <= 0 && isfinite(logprob));
            if (temperatures[i] < 2)
                assert_true(id == 1 || id == 4);
        }
        rsn_sampler_free(&s);
    }
}

static void test_decode_sampler__bias_forbids_and_forces(void **state) {
    (void)state;
    float logits[4] = {5, 4, 3, 2}, logprob;
    int32_t ids[] = {0, 2};
    float values[] = {-INFINITY, INFINITY};
    reason_sampling p = defaults();
    p.bias_tokens = ids;
    p.bias_values = values;
    p.n_bias = 2;
    assert_int_equal(draw_one(&p, logits, 4, &logprob), 2);
    assert_true(logprob == 0);
    p.n_bias = 1;
    p.temperature = 0;
    assert_int_equal(draw_one(&p, logits, 4, &logprob), 1);
}

static void test_decode_sampler__penalty_window(void **state) {
    (void)state;
    float logits[4] = {2, -2, 1, 0};
    static const int32_t history[] = {0, 0, 1, 3, 1};
    reason_sampling p = defaults();
    p.repeat_penalty = 2;
    p.presence_penalty = 0.5f;
    p.frequency_penalty = 0.25f;
    p.penalty_window = 3;
    rsn_sampler s = sampler_of(&p, 4);
    rsn_sampler_begin(&s, &asked, 0, logits, history, COUNT(history));
    assert_true(s.logits[0] == 2);
    assert_true(s.logits[1] == -2.0f * 2 - 0.5f - 0.5f);
    assert_true(s.logits[2] == 1);
    assert_true(s.logits[3] == -0.5f - 0.25f);
    asked.penalty_window = -1;
    rsn_sampler_begin(&s, &asked, 0, logits, history, COUNT(history));
    assert_true(s.logits[0] == 2.0f / 2 - 0.5f - 0.5f);
    asked.penalty_window = 0;
    rsn_sampler_begin(&s, &asked, 0, logits, history, COUNT(history));
    assert_memory_equal(s.logits, logits, sizeof logits);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(s.seen[i], 0);
    rsn_sampler_free(&s);
}

static void test_decode_sampler__logprob_is_of_the_models_own(void **state) {
    (void)state; /* whatever bias, penalties and temperature do */
    float logits[4] = {2, 1, 0, -30};
    static const int32_t history[] = {0};
    int32_t id = 1;
    float value = 50;
    reason_sampling p = defaults();
    p.temperature = 0.1f;
    p.repeat_penalty = 3;
    p.bias_tokens = &id;
    p.bias_values = &value;
    p.n_bias = 1;
    rsn_sampler s = sampler_of(&p, 4);
    rsn_sampler_begin(&s, &asked, 0, logits, history, 1);
    double norm = log(exp(2) + exp(1) + 1 + exp(-30));
    for (int32_t i = 0; i < 4; i++) {
        double expected = (double)logits[i] - norm;
        assert_true(fabs((double)rsn_sampler_logprob(&s, logits, i) - expected) < 1e-5);
    }
    rsn_sampler_free(&s);
}

static void test_decode_sampler__log_sum_exp(void **state) {
    (void)state;
    float scratch[20], logits[20];
    uint64_t seed = 3;
    for (size_t n = 1; n <= 20; n++) {
        double sum = 0;
        for (size_t i = 0; i < n; i++) {
            logits[i] = (float)(20 * random_unit(&seed) - 10);
            sum += exp((double)logits[i]);
        }
        assert_true(fabs(rsn_log_sum_exp(kernels(), logits, n, scratch) - log(sum)) <
                    1e-5);
    }
    for (size_t i = 0; i < 3; i++)
        logits[i] = -INFINITY;
    assert_true(rsn_log_sum_exp(kernels(), logits, 3, scratch) == -(double)INFINITY);
    logits[1] = INFINITY;
    assert_true(rsn_log_sum_exp(kernels(), logits, 3, scratch) == (double)INFINITY);
}

/* --- parameters --------------------------------------------------------------------- */

static void expect_invalid(const reason_sampling *p, const char *name) {
    assert_int_equal(rsn_sampling_check(p, 10), REASON_ERR_INVALID_ARG);
    assert_non_null(strstr(rsn_last_error(), name));
}

static void test_decode_sampler__invalid_parameters_are_named(void **state) {
    (void)state;
    static const struct {
        const char *name;
        size_t offset;
        float values[4];
    } floats[] = {
        {"temperature",
         offsetof(reason_sampling, temperature),
         {-1, -1e-9f, NAN, INFINITY}},
        {"top_p", offsetof(reason_sampling, top_p), {0, -0.1f, 1.5f, NAN}},
        {"min_p", offsetof(reason_sampling, min_p), {-0.1f, 1.1f, NAN, INFINITY}},
        {"repeat_penalty",
         offsetof(reason_sampling, repeat_penalty),
         {0, -1, NAN, INFINITY}},
        {"presence_penalty",
         offsetof(reason_sampling, presence_penalty),
         {NAN, INFINITY, -INFINITY, NAN}},
        {"frequency_penalty",
         offsetof(reason_sampling, frequency_penalty),
         {NAN, INFINITY, -INFINITY, NAN}},
    };
    for (size_t i = 0; i < COUNT(floats); i++)
        for (size_t j = 0; j < COUNT(floats[i].values); j++) {
            reason_sampling p = defaults();
            memcpy((char *)&p + floats[i].offset, &floats[i].values[j], sizeof(float));
            expect_invalid(&p, floats[i].name);
        }
    reason_sampling p = defaults();
    p.top_k = -1;
    expect_invalid(&p, "top_k");
    p = defaults();
    p.penalty_window = -2;
    expect_invalid(&p, "penalty_window");
}

static void test_decode_sampler__invalid_bias_is_named(void **state) {
    (void)state;
    int32_t ids[] = {3, 10};
    float values[] = {1, 1};
    reason_sampling p = defaults();
    p.n_bias = 2;
    expect_invalid(&p, "n_bias");
    p.bias_tokens = ids;
    expect_invalid(&p, "n_bias");
    p.bias_values = values;
    expect_invalid(&p, "bias 1: token 10");
    ids[1] = -1;
    expect_invalid(&p, "bias 1: token -1");
    ids[1] = 9;
    values[0] = NAN;
    expect_invalid(&p, "bias 0");
    values[0] = -INFINITY;
    rsn_sampler s = sampler_of(&p, 10);
    rsn_sampler_free(&s);
}

static size_t n_calls, fail_at, n_alive;

static void *failing_alloc(void *user, size_t n) {
    (void)user;
    void *p = ++n_calls == fail_at ? NULL : malloc(n);
    n_alive += p != NULL;
    return p;
}

static void *failing_resize(void *user, void *p, size_t n) {
    (void)user;
    return ++n_calls == fail_at ? NULL : realloc(p, n);
}

static void failing_release(void *user, void *p) {
    (void)user;
    n_alive--;
    free(p);
}

static void test_decode_sampler__every_allocation_may_fail(void **state) {
    (void)state;
    reason_allocator hooks = {sizeof hooks, failing_alloc, failing_resize,
                              failing_release, NULL};
    assert_int_equal(rsn_alloc_set(&hooks), REASON_OK);
    reason_status status = REASON_ERR_NO_MEMORY;
    for (fail_at = 1; status == REASON_ERR_NO_MEMORY; fail_at++) {
        rsn_sampler s;
        n_calls = 0;
        status = rsn_sampler_init(&s, 100, kernels());
        assert_true(status == REASON_OK || status == REASON_ERR_NO_MEMORY);
        rsn_sampler_free(&s);
        assert_int_equal(n_alive, 0);
    }
    assert_true(fail_at > 3);
    assert_int_equal(rsn_alloc_set(NULL), REASON_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decode_sampler__as_the_reference),
        cmocka_unit_test(test_decode_sampler__huge_vocabularies),
        cmocka_unit_test(test_decode_sampler__frequencies),
        cmocka_unit_test(test_decode_sampler__wrong_frequencies_are_noticed),
        cmocka_unit_test(test_decode_sampler__same_key_same_token),
        cmocka_unit_test(test_decode_sampler__greedy_takes_the_smaller_id_of_ties),
        cmocka_unit_test(test_decode_sampler__nothing_allowed),
        cmocka_unit_test(test_decode_sampler__banned_tokens_never_come),
        cmocka_unit_test(test_decode_sampler__nan_logits_are_never_drawn),
        cmocka_unit_test(test_decode_sampler__infinite_logits_take_all),
        cmocka_unit_test(test_decode_sampler__extreme_temperatures),
        cmocka_unit_test(test_decode_sampler__bias_forbids_and_forces),
        cmocka_unit_test(test_decode_sampler__penalty_window),
        cmocka_unit_test(test_decode_sampler__logprob_is_of_the_models_own),
        cmocka_unit_test(test_decode_sampler__log_sum_exp),
        cmocka_unit_test(test_decode_sampler__invalid_parameters_are_named),
        cmocka_unit_test(test_decode_sampler__invalid_bias_is_named),
        cmocka_unit_test(test_decode_sampler__every_allocation_may_fail),
    };
    return cmocka_run_group_tests_name("decode/sampler", tests, NULL, NULL);
}
