/*
 * Owns the translation between the command line and how responses are scored. Invariant: a
 * value that was not given is the library's default.
 */
#include "scoring.h"

#define AT(field) offsetof(struct rsn_cli_scoring, field)

static const struct rsn_cli_choice kinds[] = {{"head", REASON_SCORE_HEAD},
                                              {"reward", REASON_SCORE_REWARD},
                                              {"labels", REASON_SCORE_LABELS},
                                              {"steps", REASON_SCORE_STEPS},
                                              {"tokens", REASON_SCORE_TOKENS},
                                              {"yesno", REASON_SCORE_YESNO},
                                              {"logprob", REASON_SCORE_LOGPROB},
                                              {"mean_logprob", REASON_SCORE_MEAN_LOGPROB},
                                              {"simpo", REASON_SCORE_SIMPO},
                                              {"dpo", REASON_SCORE_DPO},
                                              {NULL, 0}};
static const struct rsn_cli_choice transforms[] = {{"model", REASON_TRANSFORM_MODEL},
                                                   {"none", REASON_TRANSFORM_NONE},
                                                   {"sigmoid", REASON_TRANSFORM_SIGMOID},
                                                   {"softmax", REASON_TRANSFORM_SOFTMAX},
                                                   {NULL, 0}};
static const struct rsn_cli_choice aggregates[] = {{"last", REASON_AGGREGATE_LAST},
                                                   {"min", REASON_AGGREGATE_MIN},
                                                   {"product", REASON_AGGREGATE_PRODUCT},
                                                   {"mean", REASON_AGGREGATE_MEAN},
                                                   {NULL, 0}};

const struct rsn_cli_option rsn_cli_scoring_rows[RSN_CLI_N_SCORING_ROWS] = {
    {"kind", 0, RSN_CLI_CHOICE, AT(kind), 0, 0, kinds, "KIND",
     "head (what the model's head gives), reward, labels,\nsteps, tokens, yesno, logprob, "
     "mean_logprob, simpo,\ndpo; default head"},
    {"transform", 0, RSN_CLI_CHOICE, AT(transform), 0, 0, transforms, "NAME",
     "of a head's outputs: model (what its file says),\nnone, sigmoid, softmax; default "
     "model"},
    {"label", 0, RSN_CLI_INT, AT(label), -1, INT32_MAX, NULL, "N",
     "the output that is the score; default -1: 0, of\nsteps with two outputs 1"},
    {"aggregate", 0, RSN_CLI_CHOICE, AT(aggregate), 0, 0, aggregates, "NAME",
     "of steps and tokens: last, min, product, mean;\ndefault last"},
    {"separator", 0, RSN_CLI_TEXT, AT(separator), 0, 0, NULL, "TEXT",
     "stands between steps; default: the model's step\ntoken, or a blank line"},
    {"suffix", 0, RSN_CLI_TEXT, AT(suffix), 0, 0, NULL, "TEXT",
     "stands behind each response"},
    {"yes", 0, RSN_CLI_TEXT, AT(yes), 0, 0, NULL, "TEXT",
     "of yesno, one token; default \"yes\""},
    {"no", 0, RSN_CLI_TEXT, AT(no), 0, 0, NULL, "TEXT", "the other one; default \"no\""},
    {"beta", 0, RSN_CLI_FLOAT, AT(beta), 0, 1e6, NULL, "X",
     "of simpo and dpo; default 0: 2 and 0.1"},
};

int rsn_cli_scoring_request(const struct rsn_cli_scoring *options,
                            reason_score_request *r) {
    if (reason_score_request_init(r, sizeof *r) != REASON_OK) return rsn_cli_fail_library();
    r->kind = (reason_score_kind)options->kind;
    r->transform = (reason_score_transform)options->transform;
    r->label = options->label;
    r->aggregate = (reason_aggregate)options->aggregate;
    r->step_separator = options->separator;
    r->suffix = options->suffix;
    r->yes = options->yes;
    r->no = options->no;
    r->beta = options->beta;
    return RSN_CLI_OK;
}
