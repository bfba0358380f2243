/* Methods of tournaments. Owns who meets whom, and what comes of it; playing is
 * tournament.c's. Invariant: who meets whom depends on the seed, the number of candidates
 * and, in a knockout, the results of the rounds before. */
#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "reward/rank.h"
#include "search/tournament.h"

enum { DEFAULT_OPPONENTS = 4 };

/* --- everyone, or some --------------------------------------------------------------- */

static uint64_t count_all(const rsn_tournament *t) {
    return (uint64_t)t->n * (t->n - 1) / 2;
}

static reason_status pair_all(rsn_tournament *t) {
    reason_status status = REASON_OK;
    for (size_t a = 0; a < t->n && t->n_rounds == 0; a++)
        for (size_t b = a + 1; b < t->n && status == REASON_OK; b++)
            status = rsn_tournament_add(t, a, b);
    return status;
}

/* Opponents of each: as many as wanted, but for parity. */
static size_t opponents_of(const rsn_tournament *t) {
    int32_t wanted = t->options->n_opponents;
    size_t m = wanted > 0 ? (size_t)wanted : DEFAULT_OPPONENTS;
    m = m < t->n - 1 ? m : t->n - 1;
    return m + (m % 2 == 1 && t->n % 2 == 1);
}

static uint64_t count_sampled(const rsn_tournament *t) {
    return (uint64_t)t->n * opponents_of(t) / 2;
}

/* On a circle everyone meets the next ones on either side; an odd one more is the one
 * across. */
static reason_status pair_sampled(rsn_tournament *t) {
    size_t m = opponents_of(t), n = t->n;
    reason_status status = REASON_OK;
    if (t->n_rounds > 0)
        return REASON_OK;
    for (size_t away = 1; away <= m / 2; away++)
        for (size_t i = 0; i < n && status == REASON_OK; i++)
            status = rsn_tournament_add(t, t->bracket[i], t->bracket[(i + away) % n]);
    for (size_t i = 0; m % 2 == 1 && i < n / 2 && status == REASON_OK; i++)
        status = rsn_tournament_add(t, t->bracket[i], t->bracket[i + n / 2]);
    return status;
}

/* --- knockout ------------------------------------------------------------------------ */

static uint64_t count_knockout(const rsn_tournament *t) {
    return t->n - 1;
}

/* Whether the first of the two who met in a game goes on. */
static bool goes_on(const rsn_game *g, size_t first) {
    return g->score == 0.5 || (g->score > 0.5) == (g->a == first);
}

/* Leaves the winners of the last round in the bracket. Who was left over comes first, and
 * so meets someone now. */
static void keep_winners(rsn_tournament *t) {
    const rsn_game *games = t->games + t->n_games - t->n_bracket / 2;
    size_t n = t->n_bracket / 2, over = t->n_bracket % 2;
    size_t left = t->bracket[t->n_bracket - 1];
    for (size_t i = 0; i < n; i++) {
        size_t first = t->bracket[2 * i], second = t->bracket[2 * i + 1];
        t->bracket[i] = goes_on(&games[i], first) ? first : second;
    }
    if (over) {
        memmove(t->bracket + 1, t->bracket, n * sizeof *t->bracket);
        t->bracket[0] = left;
    }
    t->n_bracket = n + over;
    for (size_t i = 0; i < t->n_bracket; i++)
        t->candidates[t->bracket[i]].rating++;
}

static reason_status pair_knockout(rsn_tournament *t) {
    reason_status status = REASON_OK;
    if (t->n_rounds > 0)
        keep_winners(t);
    for (size_t i = 0; i + 1 < t->n_bracket && status == REASON_OK; i += 2)
        status = rsn_tournament_add(t, t->bracket[i], t->bracket[i + 1]);
    return status;
}

static reason_status keep_rounds(rsn_tournament *t) {
    t->converged = true;
    return REASON_OK;
}

/* --- ratings ------------------------------------------------------------------------- */

/* Games as columns. */
typedef struct columns {
    uint32_t *a, *b;
    double *scores;
    double *ratings, *errors; /* [candidates] */
} columns;

static void free_columns(columns *c) {
    rsn_free(c->a);
    rsn_free(c->b);
    rsn_free(c->scores);
    rsn_free(c->ratings);
    rsn_free(c->errors);
}

static bool make_columns(const rsn_tournament *t, columns *c) {
    c->a = rsn_alloc2(t->n_games, sizeof *c->a);
    c->b = rsn_alloc2(t->n_games, sizeof *c->b);
    c->scores = rsn_alloc2(t->n_games, sizeof *c->scores);
    c->ratings = rsn_alloc2(t->n, sizeof *c->ratings);
    c->errors = rsn_alloc2(t->n, sizeof *c->errors);
    if (!c->a || !c->b || !c->scores || !c->ratings || !c->errors)
        return false;
    for (size_t i = 0; i < t->n_games; i++) {
        c->a[i] = (uint32_t)t->games[i].a;
        c->b[i] = (uint32_t)t->games[i].b;
        c->scores[i] = t->games[i].score;
    }
    for (size_t i = 0; i < t->n; i++)
        c->errors[i] = (double)NAN;
    return true;
}

static reason_status rate_columns(rsn_tournament *t, bool strengths) {
    columns c = {NULL, NULL, NULL, NULL, NULL};
    reason_status status = make_columns(t, &c) ? REASON_OK : REASON_ERR_NO_MEMORY;
    const rsn_games games = {c.a, c.b, c.scores, t->n_games, t->n};
    t->converged = true;
    if (status == REASON_OK)
        status = strengths ? rsn_bradley_terry(&games, t->options->prior, c.ratings,
                                               c.errors, &t->converged)
                           : rsn_elo(&games, t->elo, c.ratings);
    for (size_t i = 0; status == REASON_OK && i < t->n; i++) {
        t->candidates[i].rating = c.ratings[i];
        t->candidates[i].error = c.errors[i];
    }
    free_columns(&c);
    return status;
}

static reason_status rate_elo(rsn_tournament *t) {
    return rate_columns(t, false);
}

static reason_status rate_strengths(rsn_tournament *t) {
    return rate_columns(t, true);
}

/* --- the table ----------------------------------------------------------------------- */

static const struct {
    const char *name;
    uint64_t (*count)(const rsn_tournament *t);
    reason_status (*pair)(rsn_tournament *t);
    reason_status (*rate)(rsn_tournament *t);
    size_t most; /* candidates */
} METHODS[] = {
    [REASON_TOURNAMENT_ELO] = {"elo", count_all, pair_all, rate_elo, UINT32_MAX},
    [REASON_TOURNAMENT_BRADLEY_TERRY] = {"bradley-terry", count_all, pair_all,
                                         rate_strengths, RSN_RANK_MAX_PLAYERS},
    [REASON_TOURNAMENT_KNOCKOUT] = {"knockout", count_knockout, pair_knockout, keep_rounds,
                                    UINT32_MAX},
    [REASON_TOURNAMENT_SAMPLED] = {"sampled", count_sampled, pair_sampled, rate_strengths,
                                   RSN_RANK_MAX_PLAYERS},
};

const char *rsn_tournament_name(reason_tournament_method method) {
    return (size_t)method < sizeof METHODS / sizeof *METHODS ? METHODS[method].name
                                                              : NULL;
}

uint64_t rsn_tournament_games(const rsn_tournament *t) {
    return METHODS[t->options->method].count(t);
}

reason_status rsn_tournament_draw(rsn_tournament *t) {
    if (t->n > METHODS[t->options->method].most)
        return rsn_fail(REASON_ERR_LIMIT, "%zu candidates, %zu at most", t->n,
                        METHODS[t->options->method].most);
    t->bracket = rsn_alloc2(t->n, sizeof *t->bracket);
    if (!t->bracket)
        return REASON_ERR_NO_MEMORY;
    t->n_bracket = t->n;
    for (size_t i = 0; i < t->n; i++)
        t->bracket[i] = i;
    rsn_rng_shuffle(t->options->seed, 0, t->bracket, t->n);
    return REASON_OK;
}

reason_status rsn_tournament_pair(rsn_tournament *t) {
    return METHODS[t->options->method].pair(t);
}

reason_status rsn_tournament_rate(rsn_tournament *t) {
    return METHODS[t->options->method].rate(t);
}
