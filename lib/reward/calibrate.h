/* Whether chances of being better are what they say, and how lengths bend them. */
#ifndef REASON_REWARD_CALIBRATE_H
#define REASON_REWARD_CALIBRATE_H

#include "base/status.h"

/* margins [n] are of the first of a pair over the second, labels [n] the share of judges
 * who like the first better. Fills all fields but the size. */
void rsn_calibrate(const double *margins, const double *labels, size_t n,
                   reason_calibration *out);

/* lengths of both sides and difficulties (or NULL), [n]; fills all fields but the size. */
void rsn_win_rate(const double *scores, const double *lengths_a, const double *lengths_b,
                  const double *difficulties, size_t n, double penalty,
                  reason_win_rates *out);

double rsn_tie_by_length(double score, double length_a, double length_b, double most,
                         double small);

#endif
