/* From who beat whom to ratings. */
#ifndef REASON_REWARD_RANK_H
#define REASON_REWARD_RANK_H

#include <stdbool.h>

#include "base/status.h"

/* Most players whose strengths are fitted: their matrix takes 8 MiB. */
enum { RSN_RANK_MAX_PLAYERS = 1024 };

/* Games between players; scores are of player a: 1 won, 0 lost, anything between. */
typedef struct rsn_games {
    const uint32_t *a, *b;
    const double *scores;
    size_t n, n_players;
} rsn_games;

/* INVALID_ARG: nobody plays, a player that is not there or plays itself, a score outside
 * of 0 to 1. */
reason_status rsn_games_check(const rsn_games *games);

/* The chance that a is better than b. */
double rsn_preference(double reward_a, double reward_b, double temperature);

/* ratings [n_players]. NO_MEMORY. */
reason_status rsn_elo(const rsn_games *games, const reason_elo_options *options,
                      double *ratings);
/* strengths and errors [n_players], errors may be NULL; *converged false: the last step
 * was larger than it should be. NO_MEMORY, LIMIT. */
reason_status rsn_bradley_terry(const rsn_games *games, double prior, double *strengths,
                                double *errors, bool *converged);

#endif
