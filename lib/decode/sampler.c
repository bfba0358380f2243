/* Sampling. Owns how logits become one token; which tokens are allowed is the thinking
 * controller's. Invariant: every sum has one fixed order, and ties go to the smaller id,
 * so the same logits and (seed, sample, position, draw) give the same token everywhere. */
#include "decode/sampler.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "kernels/mathd.h"
#include "quant/half.h"

/* Candidates are collected above a share of the best one, then sorted; when they do not
 * carry enough mass the share drops by this factor. Below the last one nothing is left of
 * float32. */
static const float FIRST_CUT = 0x1p-10f, CUT_STEP = 0x1p-10f, LAST_CUT = 0x1p-120f;

reason_status rsn_sampling_check(const reason_sampling *p, size_t n_vocab) {
    if (!(p->temperature >= 0) || isinf(p->temperature))
        return rsn_fail(REASON_ERR_INVALID_ARG, "temperature %g, 0 or more expected",
                        (double)p->temperature);
    if (p->top_k < 0)
        return rsn_fail(REASON_ERR_INVALID_ARG, "top_k %d, 0 or more expected", p->top_k);
    if (!(p->top_p > 0 && p->top_p <= 1))
        return rsn_fail(REASON_ERR_INVALID_ARG,
                        "top_p %g, above 0 and at most 1 expected", (double)p->top_p);
    if (!(p->min_p >= 0 && p->min_p <= 1))
        return rsn_fail(REASON_ERR_INVALID_ARG, "min_p %g, 0 to 1 expected",
                        (double)p->min_p);
    if (!(p->repeat_penalty > 0) || isinf(p->repeat_penalty) ||
        !isfinite(p->presence_penalty) || !isfinite(p->frequency_penalty))
        return rsn_fail(
            REASON_ERR_INVALID_ARG,
            "repeat_penalty %g (above 0), presence_penalty %g and frequency_penalty %g "
            "must be finite",
            (double)p->repeat_penalty, (double)p->presence_penalty,
            (double)p->frequency_penalty);
    if (p->penalty_window < -1)
        return rsn_fail(REASON_ERR_INVALID_ARG, "penalty_window %d, -1 or more expected",
                        p->penalty_window);
    if (p->n_bias > 0 && (!p->bias_tokens || !p->bias_values))
        return rsn_fail(REASON_ERR_INVALID_ARG, "n_bias is %zu but a bias array is NULL",
                        p->n_bias);
    for (size_t i = 0; i < p->n_bias; i++)
        if (p->bias_tokens[i] < 0 || (size_t)p->bias_tokens[i] >= n_vocab ||
            isnan(p->bias_values[i]))
            return rsn_fail(REASON_ERR_INVALID_ARG,
                            "bias %zu: token %d with %g, 0 to %zu expected", i,
                            p->bias_tokens[i], (double)p->bias_values[i], n_vocab - 1);
    return REASON_OK;
}

reason_status rsn_sampler_init(rsn_sampler *s, size_t n_vocab,
                               const rsn_kernels *kernels) {
    memset(s, 0, sizeof *s);
    s->kernels = kernels;
    s->n_vocab = n_vocab;
    s->logits = rsn_alloc_aligned(n_vocab * sizeof *s->logits);
    s->shares = rsn_alloc_aligned(n_vocab * sizeof *s->shares);
    s->order = rsn_alloc2(n_vocab, sizeof *s->order);
    s->spare = rsn_alloc2(n_vocab, sizeof *s->spare);
    s->seen = rsn_calloc2(n_vocab, sizeof *s->seen);
    if (s->logits && s->shares && s->order && s->spare && s->seen)
        return REASON_OK;
    rsn_sampler_free(s);
    return REASON_ERR_NO_MEMORY;
}

size_t rsn_sampler_bytes(size_t n_vocab) {
    const rsn_sampler *s = NULL;
    return n_vocab *
           (sizeof *s->logits + sizeof *s->shares + sizeof *s->order + sizeof *s->spare +
            sizeof *s->seen);
}

void rsn_sampler_free(rsn_sampler *s) {
    rsn_free_aligned(s->logits);
    rsn_free_aligned(s->shares);
    rsn_free(s->order);
    rsn_free(s->spare);
    rsn_free(s->seen);
    memset(s, 0, sizeof *s);
}

double rsn_log_sum_exp(const rsn_kernels *kernels, const float *logits, size_t n,
                       float *scratch) {
    float max = kernels->max(logits, n);
    if (isinf(max)) /* all of the mass, or none, is at infinity */
        return (double)max;
    memcpy(scratch, logits, n * sizeof *scratch);
    return (double)max + rsn_logd((double)kernels->exp_sum(scratch, max, n));
}

static void penalize(rsn_sampler *s, const int32_t *history, size_t n) {
    const reason_sampling *p = s->params;
    if (p->repeat_penalty == 1 && p->presence_penalty == 0 && p->frequency_penalty == 0)
        return;
    if (p->penalty_window >= 0 && n > (size_t)p->penalty_window) {
        history += n - (size_t)p->penalty_window;
        n = (size_t)p->penalty_window;
    }
    for (size_t i = 0; i < n; i++)
        s->seen[history[i]]++;
    for (size_t i = 0; i < n; i++) {
        int32_t id = history[i];
        if (s->seen[id] == 0)
            continue;
        float *logit = &s->logits[id];
        *logit = *logit > 0 ? *logit / p->repeat_penalty : *logit * p->repeat_penalty;
        *logit -= p->presence_penalty + p->frequency_penalty * (float)s->seen[id];
        s->seen[id] = 0;
    }
}

void rsn_sampler_begin(rsn_sampler *s, const reason_sampling *params, uint32_t sample,
                       const float *logits, const int32_t *history, size_t n_history) {
    s->params = params;
    s->sample = sample;
    s->log_norm = rsn_log_sum_exp(s->kernels, logits, s->n_vocab, s->shares);
    memcpy(s->logits, logits, s->n_vocab * sizeof *logits);
    for (size_t i = 0; i < s->params->n_bias; i++)
        s->logits[s->params->bias_tokens[i]] += s->params->bias_values[i];
    penalize(s, history, n_history);
}

void rsn_sampler_ban(rsn_sampler *s, int32_t id) {
    s->logits[id] = -INFINITY;
}

float rsn_sampler_logprob(const rsn_sampler *s, const float *logits, int32_t id) {
    double own = (double)logits[id];
    return own == s->log_norm ? 0 : (float)(own - s->log_norm);
}

int32_t rsn_best_token(const rsn_kernels *kernels, const float *logits, size_t n) {
    float max = kernels->max(logits, n);
    if (max == -INFINITY)
        return -1;
    size_t at = 0;
    while (logits[at] != max)
        at++;
    return (int32_t)at;
}

enum { DIGIT_BITS = 11, N_DIGITS = 3, DIGITS = 1 << DIGIT_BITS };

/* Shares are at most 1 and above 0: as whole numbers their bits have the same order. */
static uint32_t digit_of(const rsn_sampler *s, int32_t id, int digit) {
    return ~rsn_float_bits(s->shares[id]) >> DIGIT_BITS * digit & (DIGITS - 1);
}

/* Best first, the smaller id of equals: a radix sort from the lowest digit up, which keeps
 * the order of equals, and candidates come with rising ids. */
static void sort_candidates(rsn_sampler *s, size_t n) {
    uint32_t starts[N_DIGITS][DIGITS] = {{0}};
    for (size_t i = 0; i < n; i++)
        for (int d = 0; d < N_DIGITS; d++)
            starts[d][digit_of(s, s->order[i], d)]++;
    for (int d = 0; d < N_DIGITS && n > 0; d++) {
        if (starts[d][digit_of(s, s->order[0], d)] == n)
            continue; /* all have the same digit */
        uint32_t sum = 0;
        for (size_t i = 0; i < DIGITS; i++) {
            uint32_t count = starts[d][i];
            starts[d][i] = sum;
            sum += count;
        }
        for (size_t i = 0; i < n; i++)
            s->spare[starts[d][digit_of(s, s->order[i], d)]++] = s->order[i];
        int32_t *swap = s->order;
        s->order = s->spare;
        s->spare = swap;
    }
}

static size_t collect(rsn_sampler *s, float cut, double *mass) {
    size_t n = 0;
    *mass = 0;
    for (size_t i = 0; i < s->n_vocab; i++)
        if (s->shares[i] >= cut && s->shares[i] > 0) {
            s->order[n++] = (int32_t)i;
            *mass += (double)s->shares[i];
        }
    return n;
}

/* Sorted candidates that are enough for top-k and top-p, and the first of them that
 * survive. */
static size_t choose_candidates(rsn_sampler *s, double total) {
    const reason_sampling *p = s->params;
    size_t want = p->top_k > 0 ? (size_t)p->top_k : s->n_vocab, n = 0;
    double mass = 0;
    /* The best share is 1: without top-k nothing below min-p is looked at. */
    float floor = p->top_k == 0 ? p->min_p : 0;
    for (float cut = FIRST_CUT;; cut *= CUT_STEP) {
        cut = cut > floor ? cut : floor;
        n = collect(s, cut < LAST_CUT ? 0 : cut, &mass);
        /* Of top-k all are needed: what they sum up to is what top-p is a part of. */
        bool enough = p->top_k == 0 && p->top_p < 1 && mass >= (double)p->top_p * total;
        if (cut < LAST_CUT || cut == floor || n >= want || enough)
            break;
    }
    sort_candidates(s, n);
    n = n < want ? n : want;
    double kept = 0, top = 0;
    for (size_t i = 0; i < n; i++)
        kept += (double)s->shares[s->order[i]];
    /* top-p is a part of what top-k left; without top-k that is everything. */
    double goal = (double)p->top_p * (p->top_k > 0 ? kept : total);
    size_t end = 0;
    while (end < n && (p->top_p == 1 || end == 0 || top < goal)) {
        if (s->shares[s->order[end]] < p->min_p * s->shares[s->order[0]])
            break;
        top += (double)s->shares[s->order[end++]];
    }
    return end;
}

static int32_t pick(rsn_sampler *s, size_t n, double u, float *logprob) {
    double mass = 0, sum = 0;
    for (size_t i = 0; i < n; i++)
        mass += (double)s->shares[s->order[i]];
    size_t at = 0;
    for (; at + 1 < n; at++) {
        sum += (double)s->shares[s->order[at]];
        if (u * mass < sum)
            break;
    }
    *logprob = (float)rsn_logd((double)s->shares[s->order[at]] / mass);
    return s->order[at];
}

int32_t rsn_sampler_draw(rsn_sampler *s, uint64_t position, uint32_t draw,
                         float *logprob) {
    const reason_sampling *p = s->params;
    *logprob = 0;
    int32_t top = rsn_best_token(s->kernels, s->logits, s->n_vocab);
    if (top < 0 || p->temperature == 0)
        return top;
    float max = s->logits[top];
    for (size_t i = 0; i < s->n_vocab;
         i++) { /* NaN has no share; infinity has all of it */
        float below = s->logits[i] == max ? 0 : (s->logits[i] - max) / p->temperature;
        s->shares[i] = below <= 0 ? below : -INFINITY;
    }
    double total = (double)s->kernels->exp_sum(s->shares, 0, s->n_vocab);
    double u = rsn_rng_uniform(p->seed, s->sample, position, draw);
    size_t n;
    if (p->top_k == 0 && p->top_p == 1 && p->min_p == 0)
        n = collect(s, 0, &total); /* no order is needed */
    else
        n = choose_candidates(s, total);
    return pick(s, n, u, logprob);
}
