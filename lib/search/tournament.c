/* Tournaments. Owns the rounds, the count of games and the final order; who meets whom is
 * tournament_methods.c's, verdicts are reward/judge.c's. Invariant: what is asked about
 * two candidates depends on which they are and on nothing that was played before. */
#include "search/tournament.h"

#include <math.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/clock.h"

reason_status rsn_tournament_add(rsn_tournament *t, size_t one, size_t other) {
    reason_status status = RSN_GROW(&t->games, &t->games_cap, t->n_games + 1);
    if (status == REASON_OK)
        t->games[t->n_games++] = (rsn_game){.a = one < other ? one : other,
                                            .b = one < other ? other : one,
                                            .round = t->n_rounds};
    return status;
}

/* --- playing ------------------------------------------------------------------------- */

/* Questions of games [from, n_games), and how many each has. */
typedef struct round_of {
    rsn_judge_question *questions;
    uint8_t *counts;
    rsn_ruling *rulings;
    size_t n_questions, n_rulings;
} round_of;

static bool make_round(const rsn_tournament *t, rsn_judge *judge, size_t from,
                       round_of *r) {
    size_t n = t->n_games - from;
    r->questions = rsn_alloc2(n, RSN_PAIR_QUESTIONS * sizeof *r->questions);
    r->counts = rsn_alloc2(n, sizeof *r->counts);
    if (!r->questions || !r->counts)
        return false;
    for (size_t i = 0; i < n; i++) {
        const rsn_game *g = &t->games[from + i];
        rsn_judge_question *own = r->questions + r->n_questions;
        size_t count = rsn_pair_ask(judge, g->a, g->b, (uint64_t)g->a * t->n + g->b, own);
        for (size_t k = 0; k < count; k++)
            r->n_rulings += own[k].n_votes;
        r->counts[i] = (uint8_t)count;
        r->n_questions += count;
    }
    r->rulings = rsn_alloc2(r->n_rulings, sizeof *r->rulings);
    return r->rulings != NULL;
}

static void add_tally(rsn_tally *to, const rsn_tally *t) {
    to->votes_a += t->votes_a;
    to->votes_b += t->votes_b;
    to->n_ties += t->n_ties;
    to->n_invalid += t->n_invalid;
    to->n_first += t->n_first;
    to->n_both += t->n_both;
    to->n_agree += t->n_agree;
}

static void count_game(rsn_tournament *t, rsn_game *g) {
    rsn_candidate *a = &t->candidates[g->a], *b = &t->candidates[g->b];
    g->score = rsn_tally_score(&g->tally);
    a->n_won += g->score == 1;
    b->n_lost += g->score == 1;
    a->n_drawn += g->score == 0.5;
    b->n_drawn += g->score == 0.5;
    a->n_lost += g->score == 0;
    b->n_won += g->score == 0;
    add_tally(&t->tally, &g->tally);
}

static void count_round(rsn_tournament *t, size_t from, const round_of *r) {
    const rsn_judge_question *questions = r->questions;
    const rsn_ruling *rulings = r->rulings;
    for (size_t i = from; i < t->n_games; i++) {
        size_t n = r->counts[i - from];
        t->games[i].tally = rsn_pair_count(questions, n, rulings);
        for (size_t k = 0; k < n; k++)
            rulings += questions[k].n_votes;
        questions += n;
        count_game(t, &t->games[i]);
    }
}

static reason_status play_round(rsn_session *session, rsn_judge *judge, rsn_tournament *t,
                                size_t from) {
    round_of r = {NULL, NULL, NULL, 0, 0};
    reason_status status =
        make_round(t, judge, from, &r) ? REASON_OK : REASON_ERR_NO_MEMORY;
    if (status == REASON_OK)
        status = rsn_judge_ask(session, r.questions, r.n_questions, false, r.rulings,
                               &t->usage);
    if (status == REASON_OK)
        count_round(t, from, &r);
    rsn_free(r.questions);
    rsn_free(r.counts);
    rsn_free(r.rulings);
    t->n_rounds++;
    return status;
}

static reason_status play(rsn_session *session, rsn_judge *judge, rsn_tournament *t) {
    reason_status status = REASON_OK;
    for (size_t from = 0; status == REASON_OK; from = t->n_games) {
        status = rsn_tournament_pair(t);
        if (status != REASON_OK || t->n_games == from)
            return status;
        status = play_round(session, judge, t, from);
    }
    return status;
}

/* --- the whole ----------------------------------------------------------------------- */

static int compare(const void *one, const void *other) {
    const rsn_candidate *a = one, *b = other;
    if (a->rating != b->rating)
        return a->rating > b->rating ? -1 : 1;
    if (a->n_won != b->n_won)
        return a->n_won > b->n_won ? -1 : 1;
    return a->candidate < b->candidate ? -1 : 1;
}

static reason_status run(rsn_session *session, rsn_judge *judge, rsn_tournament *t) {
    uint64_t per_game = judge->request->order == REASON_ORDER_BOTH ? 2 : 1;
    t->candidates = rsn_calloc2(t->n, sizeof *t->candidates);
    if (!t->candidates)
        return REASON_ERR_NO_MEMORY;
    for (size_t i = 0; i < t->n; i++)
        t->candidates[i] = (rsn_candidate){.candidate = i, .error = (double)NAN};
    judge->n_total =
        rsn_tournament_games(t) * per_game * (uint64_t)judge->request->n_votes;
    reason_status status = rsn_tournament_draw(t);
    if (status == REASON_OK)
        status = play(session, judge, t);
    if (status == REASON_OK)
        status = rsn_tournament_rate(t);
    if (status == REASON_OK)
        qsort(t->candidates, t->n, sizeof *t->candidates, compare);
    return status;
}

reason_status rsn_tournament_run(rsn_session *session, rsn_judge *judge,
                                 const reason_tournament_options *options,
                                 const reason_elo_options *elo,
                                 rsn_tournament **tournament) {
    double start = rsn_clock();
    rsn_tournament *t = rsn_calloc2(1, sizeof *t);
    *tournament = NULL;
    if (!t)
        return REASON_ERR_NO_MEMORY;
    t->options = options;
    t->elo = elo;
    t->n = judge->request->n_responses;
    reason_status status = run(session, judge, t);
    rsn_free(t->bracket);
    t->options = NULL;
    t->elo = NULL;
    t->bracket = NULL;
    t->seconds = rsn_clock() - start;
    if (status != REASON_OK)
        rsn_tournament_free(t);
    else
        *tournament = t;
    return status;
}

void rsn_tournament_free(rsn_tournament *t) {
    if (!t)
        return;
    rsn_free(t->candidates);
    rsn_free(t->games);
    rsn_free(t);
}

void rsn_tournament_usage(const rsn_tournament *t, reason_tournament_usage *out) {
    const rsn_tally *all = &t->tally;
    out->n_games = t->n_games;
    out->n_rounds = t->n_rounds;
    out->n_verdicts = all->votes_a + all->votes_b + all->n_ties + all->n_invalid;
    out->n_invalid = all->n_invalid;
    out->prompt_tokens = t->usage.prompt_tokens;
    out->cached_tokens = t->usage.cached_tokens;
    out->thinking_tokens = t->usage.thinking_tokens;
    out->answer_tokens = t->usage.answer_tokens;
    out->markup_tokens = t->usage.markup_tokens;
    out->agreement = rsn_tally_agreement(all);
    out->first_rate = rsn_tally_first_rate(all);
    out->converged = t->converged;
    out->seconds = t->seconds;
}
