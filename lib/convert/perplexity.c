/* Owns the run over the chunks of a text: one session for each model, logits of a few
 * positions at a time, and a verdict for each token that is scored. What a token's logits
 * mean is likelihood.c's. Invariant: verdicts are added up in the order of the text, after
 * all of them are there, so figures do not depend on threads.
 *
 * Scored of a chunk of n tokens are those at n/2 + 1 .. n - 1, each by the logits of the
 * token before it, or with all positions those at 1 .. n - 1. */
#include "convert/perplexity.h"

#include <math.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "convert/chunks.h"
#include "convert/likelihood.h"
#include "decode/session.h"
#include "kernels/mathd.h"
#include "reward/statistics.h"

/* Positions whose logits are held at once. */
enum { PIECE = 32 };

/* What is kept of a token that was scored; natural logs. */
typedef struct verdict {
    double nll[2];     /* minus the log-probability, of the model and the other one */
    double divergence; /* KL(the other || the model) */
    double ratio;      /* nll[0] - nll[1] */
    double difference; /* of the token's probability, the model's minus the other's */
    double same;       /* 1: both have the same best token */
} verdict;

typedef struct side {
    const rsn_model *model;
    rsn_session *session;
    float *logits; /* [PIECE][n_vocab] */
    double seconds;
    size_t n_run; /* tokens */
} side;

typedef struct run {
    const rsn_judged *what;
    rsn_chunks chunks;
    side sides[2];
    size_t n_sides;
    verdict *verdicts; /* of all chunks, filled up to n */
    size_t n;
    const rsn_chunk *chunk; /* the one that is run, */
    size_t at, end;         /* and the positions of it whose logits are there */
    rsn_watch watch;
} run;

/* --- a few positions ---------------------------------------------------------------- */

/* The first position of a chunk whose logits score a token. */
static size_t first_of(const run *r, const rsn_chunk *chunk) {
    return r->what->options->all_positions ? 0 : chunk->n / 2;
}

/* The same of the piece that is run; its end if there is none. */
static size_t first_scored(const run *r) {
    size_t first = first_of(r, r->chunk);
    return first < r->at ? r->at : first < r->end ? first : r->end;
}

static verdict judge(const run *r, size_t position) {
    size_t n_vocab = r->sides[0].model->hp.n_vocab, row = position - r->at;
    size_t token = (size_t)r->chunk->tokens[position + 1];
    verdict v = {0};
    rsn_odds odds[2];
    for (size_t i = 0; i < r->n_sides; i++) {
        odds[i] = rsn_odds_read(r->sides[i].logits + row * n_vocab, n_vocab);
        v.nll[i] = -rsn_odds_logprob(&odds[i], token);
    }
    if (r->n_sides == 1)
        return v;
    v.divergence = rsn_odds_divergence(&odds[1], &odds[0]);
    v.ratio = v.nll[0] - v.nll[1];
    v.difference = rsn_expd(-v.nll[0]) - rsn_expd(-v.nll[1]);
    v.same = odds[0].top == odds[1].top;
    return v;
}

/* A job over the pool: workers take positions. */
static void judge_share(void *arg, int ith, int count) {
    const run *r = arg;
    size_t begin, end, first = first_scored(r);
    rsn_pool_share(r->end - first, 1, ith, count, &begin, &end);
    for (size_t i = begin; i < end; i++)
        r->verdicts[r->n + i] = judge(r, first + i);
}

/* What logits that are no numbers gave is no number either. */
static reason_status check_verdicts(const run *r, size_t n) {
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < r->n_sides; k++)
            if (!isfinite(r->verdicts[r->n + i].nll[k]))
                return rsn_fail(REASON_ERR_FORMAT,
                                "%s: logits after token %zu of a chunk are not finite",
                                r->sides[k].model->gguf.path, first_scored(r) + i);
    return REASON_OK;
}

static reason_status run_side(run *r, side *s) {
    bool scored = first_scored(r) < r->end;
    rsn_append what = {.tokens = r->chunk->tokens + r->at,
                       .n = r->end - r->at,
                       .logits = scored ? s->logits : NULL,
                       .all = true,
                       .cancel = r->watch.cancel};
    double start = rsn_clock();
    reason_status status = rsn_session_append(s->session, &what);
    s->seconds += rsn_clock() - start;
    s->n_run += what.n;
    return status == REASON_OK ? rsn_watch_report(&r->watch, what.n) : status;
}

static reason_status run_piece(run *r) {
    reason_status status = REASON_OK;
    for (size_t i = 0; i < r->n_sides && status == REASON_OK; i++)
        status = run_side(r, &r->sides[i]);
    size_t n = r->end - first_scored(r);
    if (status != REASON_OK || n == 0)
        return status;
    rsn_pool_run(r->what->pool, judge_share, r);
    status = check_verdicts(r, n);
    r->n += n;
    return status;
}

/* The last token of a chunk is told, but tells nothing. */
static reason_status run_chunk(run *r, size_t index) {
    r->chunk = &r->chunks.items[index];
    size_t last = r->chunk->n - 1;
    reason_status status = REASON_OK;
    for (size_t i = 0; i < r->n_sides; i++)
        rsn_timeline_truncate(&r->sides[i].session->line, 0);
    for (r->at = 0; r->at < last && status == REASON_OK; r->at = r->end) {
        r->end = last - r->at < PIECE ? last : r->at + PIECE;
        status = run_piece(r);
    }
    return status;
}

/* --- figures ------------------------------------------------------------------------ */

static rsn_mean mean_of(const run *r, const double *first) {
    return rsn_mean_of_column(first, sizeof(verdict), r->n);
}

static void compare(const run *r, double *sorted, reason_perplexity_result *out) {
    const verdict *first = r->verdicts;
    rsn_mean other = mean_of(r, &first->nll[1]), ratio = mean_of(r, &first->ratio);
    rsn_mean kl = mean_of(r, &first->divergence), same = mean_of(r, &first->same);
    rsn_mean difference = mean_of(r, &first->difference);
    out->against_perplexity = rsn_expd(other.mean);
    out->against_perplexity_se = out->against_perplexity * other.se;
    out->ratio = rsn_expd(ratio.mean);
    out->ratio_se = out->ratio * ratio.se;
    out->kl_mean = kl.mean;
    out->kl_se = kl.se;
    for (size_t i = 0; i < r->n; i++)
        sorted[i] = first[i].divergence;
    rsn_sort_doubles(sorted, r->n);
    out->kl_median = rsn_quantile(sorted, r->n, 0.5);
    out->kl_p99 = rsn_quantile(sorted, r->n, 0.99);
    out->kl_max = sorted[r->n - 1];
    out->same_top = same.mean;
    out->same_top_se = same.se;
    out->p_difference = difference.mean;
    out->p_difference_se = difference.se;
}

static reason_status add_up(const run *r, reason_perplexity_result *out) {
    const side *own = &r->sides[0];
    rsn_mean nll = mean_of(r, &r->verdicts->nll[0]);
    out->n_text = r->chunks.n_text;
    out->n_chunks = r->chunks.n;
    out->n_ctx = r->chunks.longest;
    out->n_scored = r->n;
    out->perplexity = rsn_expd(nll.mean);
    out->perplexity_se = out->perplexity * nll.se;
    out->bits_per_token = nll.mean / rsn_logd(2);
    out->tokens_s = own->seconds > 0 ? (double)own->n_run / own->seconds : (double)NAN;
    if (r->n_sides == 1)
        return REASON_OK;
    double *sorted = rsn_alloc2(r->n, sizeof *sorted);
    if (!sorted)
        return REASON_ERR_NO_MEMORY;
    compare(r, sorted, out);
    rsn_free(sorted);
    return REASON_OK;
}

/* --- the run ------------------------------------------------------------------------ */

static reason_status open_side(run *r, rsn_model *model, size_t n_ctx,
                               const rsn_type_info *kv) {
    side *s = &r->sides[r->n_sides++];
    rsn_session_setup setup = {.n_ctx = n_ctx, .n_chunk = PIECE, .kv = kv};
    s->model = model;
    reason_status status = rsn_session_new(model, r->what->pool, &setup, &s->session);
    if (status != REASON_OK)
        return status;
    s->logits = rsn_alloc2(model->hp.n_vocab, PIECE * sizeof *s->logits);
    return s->logits ? REASON_OK : REASON_ERR_NO_MEMORY;
}

static reason_status prepare(run *r) {
    const rsn_judged *what = r->what;
    const reason_perplexity_options *o = what->options;
    rsn_chunks_setup setup = {.text = what->text,
                              .n_bytes = what->n_bytes,
                              .separator = o->separator,
                              .special = o->special,
                              .most = (size_t)o->n_chunks,
                              .least = o->all_positions ? 2 : 3};
    reason_status status =
        rsn_chunk_tokens(what->model, what->against, o->n_ctx, &setup.size);
    if (status == REASON_OK)
        status = rsn_chunks_make(what->model, &setup, &r->chunks);
    if (status == REASON_OK && what->against)
        status = rsn_model_alike(what->model, what->against);
    if (status == REASON_OK)
        status = open_side(r, what->model, setup.size, rsn_kv_type(o->kv_type));
    if (status == REASON_OK && what->against)
        status = open_side(r, what->against, setup.size, rsn_kv_type(REASON_KV_F16));
    if (status != REASON_OK)
        return status;
    size_t n_verdicts = 0;
    for (size_t i = 0; i < r->chunks.n; i++)
        n_verdicts += r->chunks.items[i].n - 1 - first_of(r, &r->chunks.items[i]);
    r->verdicts = rsn_alloc2(n_verdicts, sizeof *r->verdicts);
    r->watch.total = (r->chunks.n_tokens - r->chunks.n) * r->n_sides;
    return r->verdicts ? REASON_OK : REASON_ERR_NO_MEMORY;
}

static void clean_up(run *r) {
    for (size_t i = 0; i < r->n_sides; i++) {
        rsn_session_free(r->sides[i].session);
        rsn_free(r->sides[i].logits);
    }
    rsn_free(r->verdicts);
    rsn_chunks_free(&r->chunks);
}

reason_status rsn_perplexity(const rsn_judged *what, reason_perplexity_result *result) {
    const reason_perplexity_options *o = what->options;
    rsn_cancel cancel = {.token = o->cancel};
    run r = {.what = what, .watch = {"perplexity", &cancel, o->progress, o->progress_user, 0, 0}};
    reason_status status = rsn_watch_begin(&r.watch);
    if (status == REASON_OK)
        status = prepare(&r);
    rsn_pool_enter(what->pool);
    rsn_fpstate saved = rsn_fpstate_enter();
    if (status == REASON_OK)
        status = rsn_watch_report(&r.watch, 0);
    for (size_t i = 0; i < r.chunks.n && status == REASON_OK; i++)
        status = run_chunk(&r, i);
    if (status == REASON_OK)
        status = add_up(&r, result);
    rsn_fpstate_leave(saved);
    rsn_pool_leave(what->pool);
    clean_up(&r);
    return status;
}
