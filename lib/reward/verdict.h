/* What a judge's text says. */
#ifndef REASON_REWARD_VERDICT_H
#define REASON_REWARD_VERDICT_H

#include "base/str.h"

/* Which of two marks stands last in the text: 0 or 1; -1: neither is there. Letters match
 * in either case, white space does not count, and where both begin in one place the longer
 * one is meant. */
int rsn_verdict_of(rsn_text text, const char *const marks[2]);
/* The number in the last box, if it is within [low, high]; else NaN. */
double rsn_verdict_score(rsn_text text, double low, double high);

#endif
