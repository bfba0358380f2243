/* Several samples of one request, and the answer that they choose. */
#ifndef REASON_SEARCH_SEARCH_H
#define REASON_SEARCH_SEARCH_H

#include "decode/batch.h"
#include "reward/answer.h"
#include "search/rewards.h"

typedef struct rsn_search_answer {
    rsn_str text; /* normal form */
    double weight;
    uint64_t n_samples;
    size_t sample; /* the best of them */
    double best;   /* how good that is */
} rsn_search_answer;

typedef struct reason_search_result {
    rsn_result *samples;
    rsn_search_answer *answers; /* [n_answers], the winner first */
    size_t n_answers, answers_cap;
    reason_search_usage usage;
} rsn_search_result;

/* What is asked, structs complete; the request says how many samples. */
typedef struct rsn_search_asked {
    const rsn_asked *asked;
    const reason_search_options *options;
    const reason_score_request *scoring; /* of a reward model */
} rsn_search_asked;

/* Runs a search. The session must be entered, and a reward's claimed if it is another. */
reason_status rsn_search(rsn_session *session, const rsn_search_asked *asked,
                         rsn_search_result **result);
void rsn_search_result_free(rsn_search_result *result);
/* INVALID_ARG; the number of samples and n_first in force. */
reason_status rsn_search_check(const reason_search_options *options, size_t n_samples);
/* NULL for a number that is no method. */
const char *rsn_search_name(reason_search_method method);

double rsn_pass_at_k(uint64_t n, uint64_t right, uint64_t k);

#endif
