/* The table of kinds. Owns names and what each row reads where; what is made of that is in
 * a file of its own for heads, judges that say yes or no, and likelihoods. */
#include "reward/score.h"

static const rsn_score_kind KINDS[] = {
    [REASON_SCORE_HEAD] = {.name = "head"},
    [REASON_SCORE_REWARD] = {"reward", RSN_WHERE_LAST, true, false,
                             rsn_score_prepare_reward, NULL, rsn_score_finish_last},
    [REASON_SCORE_LABELS] = {"labels", RSN_WHERE_LAST, true, false,
                             rsn_score_prepare_labels, NULL, rsn_score_finish_last},
    [REASON_SCORE_STEPS] = {"steps", RSN_WHERE_STEPS, true, false,
                            rsn_score_prepare_steps, NULL, rsn_score_finish_many},
    [REASON_SCORE_TOKENS] = {"tokens", RSN_WHERE_RESPONSE, true, false,
                             rsn_score_prepare_tokens, NULL, rsn_score_finish_many},
    [REASON_SCORE_YESNO] = {"yesno", RSN_WHERE_LAST, false, false,
                            rsn_score_prepare_yesno, rsn_score_read_yesno,
                            rsn_score_finish_yesno},
    [REASON_SCORE_LOGPROB] = {"logprob", RSN_WHERE_RESPONSE, false, true,
                              rsn_score_prepare_logprob, rsn_score_read_logprob,
                              rsn_score_finish_logprob},
    [REASON_SCORE_MEAN_LOGPROB] = {"mean_logprob", RSN_WHERE_RESPONSE, false, true,
                                   rsn_score_prepare_logprob, rsn_score_read_logprob,
                                   rsn_score_finish_mean},
    [REASON_SCORE_SIMPO] = {"simpo", RSN_WHERE_RESPONSE, false, true,
                            rsn_score_prepare_simpo, rsn_score_read_logprob,
                            rsn_score_finish_mean},
    [REASON_SCORE_DPO] = {"dpo", RSN_WHERE_RESPONSE, false, true, rsn_score_prepare_dpo,
                          rsn_score_read_logprob, rsn_score_finish_dpo},
};

static const char *const AGGREGATES[] = {[REASON_AGGREGATE_LAST] = "last",
                                         [REASON_AGGREGATE_MIN] = "min",
                                         [REASON_AGGREGATE_PRODUCT] = "product",
                                         [REASON_AGGREGATE_MEAN] = "mean"};

const rsn_score_kind *rsn_score_kind_of(reason_score_kind kind) {
    return (size_t)kind < sizeof KINDS / sizeof *KINDS ? &KINDS[kind] : NULL;
}

const char *rsn_aggregate_name(reason_aggregate aggregate) {
    return (size_t)aggregate < sizeof AGGREGATES / sizeof *AGGREGATES
               ? AGGREGATES[aggregate]
               : NULL;
}

double rsn_score_aggregate(reason_aggregate how, const double *x, size_t n) {
    double min = x[0], product = 1, sum = 0;
    for (size_t i = 0; i < n; i++) {
        min = x[i] < min ? x[i] : min;
        product *= x[i];
        sum += x[i];
    }
    switch (how) {
    case REASON_AGGREGATE_LAST: return x[n - 1];
    case REASON_AGGREGATE_MIN: return min;
    case REASON_AGGREGATE_PRODUCT: return product;
    case REASON_AGGREGATE_MEAN: return sum / (double)n;
    }
    return x[n - 1];
}
