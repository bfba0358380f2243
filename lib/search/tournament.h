/* Tournaments: many candidates ranked by a judge of pairs. */
#ifndef REASON_SEARCH_TOURNAMENT_H
#define REASON_SEARCH_TOURNAMENT_H

#include "reward/judge.h"

typedef struct rsn_game {
    size_t a, b; /* a < b */
    size_t round;
    rsn_tally tally;
    double score; /* of a */
} rsn_game;

/* How candidates have done so far, and what that is worth. */
typedef struct rsn_candidate {
    size_t candidate;
    double rating, error;
    uint64_t n_won, n_lost, n_drawn;
} rsn_candidate;

typedef struct reason_tournament {
    const reason_tournament_options *options; /* these three while it runs only */
    const reason_elo_options *elo;
    size_t *bracket; /* [n_bracket] who is left, in the bracket's order */
    size_t n_bracket;
    rsn_candidate *candidates; /* [n], by response, in the end the best first */
    size_t n;
    rsn_game *games; /* [n_games] */
    size_t n_games, games_cap, n_rounds;
    bool converged;
    rsn_tally tally; /* of all games */
    rsn_judge_usage usage;
    double seconds;
} rsn_tournament;

/* Ranks the responses of a judge of pairs, 2 or more; all structs are complete and
 * checked. The session must be entered; NULL if the judge calls back. */
reason_status rsn_tournament_run(rsn_session *session, rsn_judge *judge,
                                 const reason_tournament_options *options,
                                 const reason_elo_options *elo,
                                 rsn_tournament **tournament);
void rsn_tournament_free(rsn_tournament *t);
/* Fills all fields but the size. */
void rsn_tournament_usage(const rsn_tournament *t, reason_tournament_usage *out);

/* --- tournament_methods.c: a method is a row of a table ------------------------------ */

/* NULL for a number that is no method. */
const char *rsn_tournament_name(reason_tournament_method method);
/* How many games there will be. */
uint64_t rsn_tournament_games(const rsn_tournament *t);
/* Makes the bracket. NO_MEMORY, LIMIT. */
reason_status rsn_tournament_draw(rsn_tournament *t);
/* Appends the games of the next round, which may be none: it is over. NO_MEMORY. */
reason_status rsn_tournament_pair(rsn_tournament *t);
/* Appends one game of the next round. NO_MEMORY. */
reason_status rsn_tournament_add(rsn_tournament *t, size_t one, size_t other);
/* Makes ratings of all games. NO_MEMORY. */
reason_status rsn_tournament_rate(rsn_tournament *t);

#endif
