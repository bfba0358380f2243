/* What a generation made. Plain data that outlives session and model. */
#ifndef REASON_DECODE_RESULT_H
#define REASON_DECODE_RESULT_H

#include "base/str.h"

typedef struct rsn_result_token {
    int32_t id;
    reason_label label;
    reason_origin origin;
    float logprob, sampled_logprob;
} rsn_result_token;

typedef struct reason_result {
    rsn_str thinking, answer;
    rsn_result_token *tokens; /* [n_tokens] */
    size_t n_tokens, tokens_cap;
    reason_finish finish, answer_end;
    double p_think;
    reason_usage usage;
    struct reason_result **more; /* [n_more], the other samples of its request */
    size_t n_more, more_cap;
} rsn_result;

/* Puts what was made before in front of what went on from it: tokens, texts, costs.
 * NO_MEMORY. */
reason_status rsn_result_prepend(rsn_result *result, const rsn_result *before);
void rsn_result_free(rsn_result *result);

#endif
