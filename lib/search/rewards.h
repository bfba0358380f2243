/* What texts are worth to a search, by a model in a session of its own or by a callback. */
#ifndef REASON_SEARCH_REWARDS_H
#define REASON_SEARCH_REWARDS_H

#include "decode/result.h"
#include "reward/score.h"

typedef struct rsn_rewarder {
    rsn_session *session; /* claimed; NULL: there is none. It may be the host */
    const reason_score_request *how; /* complete; what it says of prompt and responses is
                                        not looked at */
    const reason_request *prompt; /* of the search */
    rsn_session *host; /* of the search: entered; its work rests meanwhile */
    uint64_t n_run;    /* tokens, so far */
} rsn_rewarder;

/* Scores of n texts. `shares`: as numbers that are 0 or more, a sigmoid of heads without a
 * transform and exp of likelihoods. What rsn_score() returns. */
reason_status rsn_rewards(rsn_rewarder *r, const rsn_text *texts, size_t n, bool shares,
                          double *scores);

/* All that a sample wrote, or its answer alone. A block that the prompt had opened has its
 * tag. *out.failed if there is no memory. */
reason_status rsn_sample_text(const rsn_model *model, const rsn_result *sample,
                              bool answer_only, rsn_str *out);

#endif
