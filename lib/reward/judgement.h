/* Judgements: what verdicts on the responses of one request come to. */
#ifndef REASON_REWARD_JUDGEMENT_H
#define REASON_REWARD_JUDGEMENT_H

#include "reward/judge.h"

typedef struct rsn_judged {
    size_t first, second, item;
    uint32_t vote;
    rsn_ruling ruling;
} rsn_judged;

typedef struct reason_judgement {
    reason_judge_kind kind;
    size_t n_responses, n_items;
    rsn_judged *verdicts; /* [n_verdicts] */
    size_t n_verdicts;
    rsn_tally tally; /* of a pair */
    rsn_judge_usage usage;
    double seconds;
} rsn_judgement;

/* Runs n judges together. The session must be entered; NULL if all call back. judgements
 * [n], all NULL after a failure. */
reason_status rsn_judge_all(rsn_session *session, rsn_judge *const *judges, size_t n,
                            rsn_judgement **judgements);
void rsn_judgement_free(rsn_judgement *judgement);

/* Both fill all fields but the size. */
void rsn_judgement_summary(const rsn_judgement *j, reason_judgement_summary *out);
/* Item -1: the response as a whole. */
void rsn_judgement_score(const rsn_judgement *j, size_t response, int32_t item,
                         reason_judge_score *out);

#endif
