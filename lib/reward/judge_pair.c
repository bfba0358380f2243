/* Pairs. Owns the orders in which two responses are shown, and how verdicts count.
 * Invariant: a verdict that cannot be read has no vote, and without votes nobody wins. */
#include <math.h>

#include "base/rng.h"
#include "reward/judge.h"

/* A draw at a position that no token of a verdict has. */
static bool is_turned(const rsn_judge *j, uint64_t place, uint32_t vote) {
    uint64_t seed = rsn_rng_seed(j->sampling->seed, place);
    return rsn_rng_uniform(seed, vote, UINT64_MAX, 0) < 0.5;
}

size_t rsn_pair_ask(rsn_judge *j, size_t a, size_t b, uint64_t place,
                    rsn_judge_question questions[RSN_PAIR_QUESTIONS]) {
    const reason_judge_request *r = j->request;
    uint32_t n_votes = (uint32_t)r->n_votes, n_turned = 0;
    size_t n = 0;
    for (uint32_t vote = 0; r->order == REASON_ORDER_RANDOM && vote < n_votes; vote++)
        n_turned += is_turned(j, 2 * place, vote);
    const uint32_t counts[2] = {
        r->order == REASON_ORDER_RANDOM ? n_votes - n_turned : n_votes,
        r->order == REASON_ORDER_BOTH ? n_votes : n_turned};
    for (size_t turned = 0; turned < 2; turned++)
        if (counts[turned] > 0)
            questions[n++] = (rsn_judge_question){.judge = j,
                                            .first = turned ? b : a,
                                            .second = turned ? a : b,
                                            .n_votes = counts[turned],
                                            .place = 2 * place + turned};
    return n;
}

reason_verdict rsn_ruling_on(const rsn_judge_question *q, const rsn_ruling *ruling,
                             size_t a) {
    bool turned = q->first != a;
    switch (ruling->verdict) {
    case REASON_VERDICT_1: return turned ? REASON_VERDICT_2 : REASON_VERDICT_1;
    case REASON_VERDICT_2: return turned ? REASON_VERDICT_1 : REASON_VERDICT_2;
    default: return ruling->verdict;
    }
}

rsn_tally rsn_pair_count(const rsn_judge_question *questions, size_t n,
                         const rsn_ruling *rulings) {
    rsn_tally t = {0};
    const rsn_ruling *at = rulings;
    bool turned = questions[0].place % 2 == 1;
    size_t a = turned ? questions[0].second : questions[0].first;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < questions[i].n_votes; k++, at++) {
            reason_verdict verdict = rsn_ruling_on(&questions[i], at, a);
            t.votes_a += verdict == REASON_VERDICT_1;
            t.votes_b += verdict == REASON_VERDICT_2;
            t.n_ties += verdict == REASON_VERDICT_TIE;
            t.n_invalid += verdict == REASON_VERDICT_NONE;
            t.n_first += at->verdict == REASON_VERDICT_1;
        }
    if (questions[0].judge->request->order != REASON_ORDER_BOTH)
        return t;
    for (size_t k = 0; k < questions[0].n_votes; k++) {
        const rsn_ruling *other = &rulings[questions[0].n_votes + k];
        reason_verdict one = rsn_ruling_on(&questions[0], &rulings[k], a);
        reason_verdict two = rsn_ruling_on(&questions[1], other, a);
        bool both = one != REASON_VERDICT_NONE && two != REASON_VERDICT_NONE;
        t.n_both += both;
        t.n_agree += both && one == two;
    }
    return t;
}

double rsn_tally_score(const rsn_tally *t) {
    return t->votes_a > t->votes_b ? 1 : t->votes_a < t->votes_b ? 0 : 0.5;
}

static double share(uint64_t part, uint64_t whole) {
    return whole > 0 ? (double)part / (double)whole : (double)NAN;
}

double rsn_tally_agreement(const rsn_tally *t) {
    return share(t->n_agree, t->n_both);
}

double rsn_tally_first_rate(const rsn_tally *t) {
    return share(t->n_first, t->votes_a + t->votes_b);
}
