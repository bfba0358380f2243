/* Public functions of tournaments. */
#include <math.h>

#include "api/judge_request.h"
#include "api/options.h"
#include "search/tournament.h"

static const reason_tournament_options OPTIONS = {.size = sizeof OPTIONS, .prior = 0.1};

const char *reason_tournament_method_name(reason_tournament_method method) {
    const char *name = rsn_tournament_name(method);
    return name ? name : "unknown";
}

reason_status reason_tournament_options_init(reason_tournament_options *options,
                                             size_t size) {
    return rsn_options_init(options, size, &OPTIONS, sizeof OPTIONS, "options");
}

/* --- running ------------------------------------------------------------------------- */

static reason_status read_options(const reason_tournament_options *options,
                                  reason_tournament_options *o, reason_elo_options *elo) {
    reason_status status = rsn_options_read(options, o, sizeof *o, "options");
    if (status != REASON_OK)
        return status;
    if (!rsn_tournament_name(o->method))
        return rsn_fail(REASON_ERR_INVALID_ARG, "method %d is none of its enum",
                        (int)o->method);
    if (o->n_opponents < 0 || !(isfinite(o->prior) && o->prior > 0))
        return rsn_fail(REASON_ERR_INVALID_ARG,
                        "n_opponents %d (0 or more) or prior %g (above 0)",
                        o->n_opponents, o->prior);
    return rsn_elo_read(o->elo, elo);
}

reason_status reason_tournament_run(reason_session *session,
                                    const reason_judge_request *request,
                                    const reason_tournament_options *options,
                                    reason_tournament **tournament) {
    reason_tournament_options o = OPTIONS;
    reason_elo_options elo;
    rsn_fpstate state = 0;
    if (tournament)
        *tournament = NULL;
    if (!request || !tournament)
        return rsn_fail_null("request or tournament");
    rsn_judge_complete *c = rsn_calloc2(1, sizeof *c);
    if (!c)
        return REASON_ERR_NO_MEMORY;
    reason_status status = read_options(options, &o, &elo);
    if (status == REASON_OK)
        status = rsn_judge_read(request, true, c);
    bool needed = !c->request.judge;
    if (status == REASON_OK)
        status = rsn_judge_enter(session, needed, &state);
    if (status == REASON_OK) {
        status = rsn_tournament_run(needed ? session : NULL, &c->judge, &o, &elo,
                                    tournament);
        rsn_judge_leave(session, needed, state);
    }
    rsn_judge_end(&c->judge);
    rsn_free(c);
    return status;
}

/* --- what was found ------------------------------------------------------------------ */

void reason_tournament_free(reason_tournament *tournament) {
    rsn_tournament_free(tournament);
}

size_t reason_tournament_n_candidates(const reason_tournament *tournament) {
    return tournament ? tournament->n : 0;
}

reason_status reason_tournament_candidate(const reason_tournament *tournament, size_t rank,
                                          reason_candidate *candidate) {
    if (!tournament)
        return rsn_fail_null("tournament");
    if (rank >= tournament->n)
        return rsn_fail(REASON_ERR_INVALID_ARG, "place %zu, the tournament has %zu", rank,
                        tournament->n);
    const rsn_candidate *c = &tournament->candidates[rank];
    reason_candidate out = {sizeof out, c->candidate, c->rating, c->error,
                            c->n_won,   c->n_lost,    c->n_drawn};
    return rsn_options_write(candidate, &out, sizeof out, "candidate");
}

reason_status reason_tournament_game_at(const reason_tournament *tournament, size_t index,
                                        reason_tournament_game *game) {
    if (!tournament)
        return rsn_fail_null("tournament");
    if (index >= tournament->n_games)
        return rsn_fail(REASON_ERR_INVALID_ARG, "game %zu, the tournament has %zu", index,
                        tournament->n_games);
    const rsn_game *g = &tournament->games[index];
    reason_tournament_game out = {.size = sizeof out,
                                  .a = g->a,
                                  .b = g->b,
                                  .round = (int32_t)g->round,
                                  .score = g->score,
                                  .votes_a = g->tally.votes_a,
                                  .votes_b = g->tally.votes_b,
                                  .n_ties = g->tally.n_ties,
                                  .n_invalid = g->tally.n_invalid};
    return rsn_options_write(game, &out, sizeof out, "game");
}

reason_status reason_tournament_usage_of(const reason_tournament *tournament,
                                         reason_tournament_usage *usage) {
    reason_tournament_usage out = {.size = sizeof out};
    if (!tournament)
        return rsn_fail_null("tournament");
    rsn_tournament_usage(tournament, &out);
    return rsn_options_write(usage, &out, sizeof out, "usage");
}
