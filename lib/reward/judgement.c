/* Judgements. Owns which questions a request is, and figures over their verdicts. Left to
 * judge.c: asking them. Invariant: a judgement is that of its request alone, whatever was
 * judged along with it. */
#include "reward/judgement.h"

#include <math.h>

#include "base/clock.h"
#include "reward/statistics.h"

/* --- questions ----------------------------------------------------------------------- */

static size_t items_of(const reason_judge_request *r) {
    return r->kind == REASON_JUDGE_CHECKLIST ? r->n_checklist : 1;
}

static size_t most_questions(const reason_judge_request *r) {
    return r->kind == REASON_JUDGE_PAIR ? RSN_PAIR_QUESTIONS
                                        : r->n_responses * items_of(r);
}

/* Writes the questions of a judge; returns how many. */
static size_t write_questions(rsn_judge *j, rsn_judge_question *out) {
    const reason_judge_request *r = j->request;
    size_t n = 0;
    if (r->kind == REASON_JUDGE_PAIR)
        return rsn_pair_ask(j, 0, 1, 0, out);
    for (size_t i = 0; i < r->n_responses; i++)
        for (size_t item = 0; item < items_of(r); item++, n++)
            out[n] = (rsn_judge_question){.judge = j,
                                    .first = i,
                                    .second = i,
                                    .item = item,
                                    .n_votes = (uint32_t)r->n_votes,
                                    .place = n};
    return n;
}

/* All judges' questions, one list. */
typedef struct docket {
    rsn_judge_question *questions;
    rsn_ruling *rulings;
    size_t *counts; /* [judges] questions of each */
    size_t n_questions, n_rulings;
} docket;

static reason_status make_docket(rsn_judge *const *judges, size_t n, docket *d) {
    size_t most = 0;
    for (size_t i = 0; i < n; i++)
        most += most_questions(judges[i]->request);
    d->questions = rsn_alloc2(most, sizeof *d->questions);
    d->counts = rsn_alloc2(n, sizeof *d->counts);
    if (!d->questions || !d->counts)
        return REASON_ERR_NO_MEMORY;
    for (size_t i = 0; i < n; i++) {
        rsn_judge_question *own = d->questions + d->n_questions;
        d->counts[i] = write_questions(judges[i], own);
        for (size_t k = 0; k < d->counts[i]; k++)
            judges[i]->n_total += own[k].n_votes;
        d->n_questions += d->counts[i];
        d->n_rulings += judges[i]->n_total;
    }
    d->rulings = rsn_calloc2(d->n_rulings, sizeof *d->rulings);
    return d->rulings ? REASON_OK : REASON_ERR_NO_MEMORY;
}

static void free_docket(docket *d) {
    for (size_t i = 0; d->rulings && i < d->n_rulings; i++)
        rsn_result_free(d->rulings[i].result);
    rsn_free(d->questions);
    rsn_free(d->rulings);
    rsn_free(d->counts);
}

/* --- judgements ---------------------------------------------------------------------- */

/* Takes the results of the rulings. */
static rsn_judgement *make_judgement(const rsn_judge *judge,
                                     const rsn_judge_question *questions, size_t n,
                                     rsn_ruling *rulings) {
    rsn_judgement *j = rsn_calloc2(1, sizeof *j);
    if (!j || !(j->verdicts = rsn_calloc2(judge->n_total, sizeof *j->verdicts))) {
        rsn_free(j);
        return NULL;
    }
    j->kind = judge->request->kind;
    j->n_responses = judge->request->n_responses;
    j->n_items = items_of(judge->request);
    if (j->kind == REASON_JUDGE_PAIR)
        j->tally = rsn_pair_count(questions, n, rulings);
    for (size_t i = 0; i < n; i++)
        for (uint32_t k = 0; k < questions[i].n_votes; k++, rulings++) {
            const rsn_judge_question *q = &questions[i];
            rsn_judged *v = &j->verdicts[j->n_verdicts++];
            *v = (rsn_judged){q->first, q->second, q->item, k, *rulings};
            if (j->kind == REASON_JUDGE_PAIR)
                v->ruling.verdict = rsn_ruling_on(q, rulings, 0);
            if (rulings->result)
                rsn_judge_usage_add(&j->usage, rulings->result);
            rulings->result = NULL;
        }
    return j;
}

static reason_status give(rsn_judge *const *judges, size_t n, docket *d, double start,
                          rsn_judgement **out) {
    const rsn_judge_question *questions = d->questions;
    rsn_ruling *rulings = d->rulings;
    for (size_t i = 0; i < n; i++) {
        out[i] = make_judgement(judges[i], questions, d->counts[i], rulings);
        if (!out[i])
            return REASON_ERR_NO_MEMORY;
        out[i]->seconds = rsn_clock() - start;
        questions += d->counts[i];
        rulings += judges[i]->n_total;
    }
    return REASON_OK;
}

reason_status rsn_judge_all(rsn_session *session, rsn_judge *const *judges, size_t n,
                            rsn_judgement **judgements) {
    double start = rsn_clock();
    docket d = {0};
    rsn_judge_usage all = {0}; /* each has its own below */
    reason_status status = make_docket(judges, n, &d);
    if (status == REASON_OK)
        status = rsn_judge_ask(session, d.questions, d.n_questions, true, d.rulings, &all);
    if (status == REASON_OK)
        status = give(judges, n, &d, start, judgements);
    free_docket(&d);
    for (size_t i = 0; status != REASON_OK && i < n; i++) {
        rsn_judgement_free(judgements[i]);
        judgements[i] = NULL;
    }
    return status;
}

void rsn_judgement_free(rsn_judgement *j) {
    if (!j)
        return;
    for (size_t i = 0; i < j->n_verdicts; i++)
        rsn_result_free(j->verdicts[i].ruling.result);
    rsn_free(j->verdicts);
    rsn_free(j);
}

/* --- figures ------------------------------------------------------------------------- */

void rsn_judgement_summary(const rsn_judgement *j, reason_judgement_summary *out) {
    const rsn_tally *t = &j->tally;
    uint64_t valid = t->votes_a + t->votes_b + t->n_ties;
    double for_a = (double)t->votes_a + (double)t->n_ties / 2;
    out->votes_1 = t->votes_a;
    out->votes_2 = t->votes_b;
    out->n_ties = t->n_ties;
    out->n_invalid = t->n_invalid;
    out->winner = t->votes_a > t->votes_b ? 1 : t->votes_a < t->votes_b ? 2 : 0;
    out->share = valid > 0 ? for_a / (double)valid : (double)NAN;
    rsn_wilson(out->share, (double)valid, &out->share_low, &out->share_high);
    out->agreement = rsn_tally_agreement(t);
    out->first_rate = rsn_tally_first_rate(t);
    out->prompt_tokens = j->usage.prompt_tokens;
    out->cached_tokens = j->usage.cached_tokens;
    out->thinking_tokens = j->usage.thinking_tokens;
    out->answer_tokens = j->usage.answer_tokens;
    out->markup_tokens = j->usage.markup_tokens;
    out->seconds = j->seconds;
}

/* What counts for a score: a response, and an item or all. */
typedef struct column {
    const rsn_judgement *j;
    size_t response, item;
} column;

static double verdict_value(const void *user, size_t i) {
    const column *c = user;
    const rsn_judged *v = &c->j->verdicts[i];
    return v->first == c->response && v->item == c->item ? v->ruling.value : (double)NAN;
}

static rsn_mean item_mean(const rsn_judgement *j, size_t response, size_t item) {
    const column c = {j, response, item};
    return rsn_mean_of(j->n_verdicts, verdict_value, &c);
}

static double item_value(const void *user, size_t i) {
    const column *c = user;
    return item_mean(c->j, c->response, i).mean;
}

void rsn_judgement_score(const rsn_judgement *j, size_t response, int32_t item,
                         reason_judge_score *out) {
    const column all = {j, response, 0};
    bool one = item >= 0 || j->kind == REASON_JUDGE_SCORE;
    rsn_mean m = one ? item_mean(j, response, item >= 0 ? (size_t)item : 0)
                     : rsn_mean_of(j->n_items, item_value, &all);
    out->mean = m.mean;
    out->spread = m.sd;
    out->n_valid = out->n_invalid = 0;
    for (size_t i = 0; i < j->n_verdicts; i++) {
        const rsn_judged *v = &j->verdicts[i];
        if (v->first != response || (item >= 0 && v->item != (size_t)item))
            continue;
        (*(isnan(v->ruling.value) ? &out->n_invalid : &out->n_valid))++;
    }
}
