/* Scores of likelihoods: how probable a model, or one model rather than another, finds the
 * tokens of a response. Owns what is added up. Invariant: sums go from the first token to
 * the last, in double. */
#include "reward/score.h"

static const double BETA_SIMPO = 2, BETA_DPO = 0.1;

static reason_status prepare(rsn_scoring *s, size_t n_out, double beta) {
    s->n_out = n_out;
    s->beta = s->request->beta > 0 ? (double)s->request->beta : beta;
    return rsn_logits_check(s->model);
}

reason_status rsn_score_prepare_logprob(rsn_scoring *s) {
    reason_status status = prepare(s, 1, 1);
    s->beta = 1;
    return status;
}

reason_status rsn_score_prepare_simpo(rsn_scoring *s) {
    return prepare(s, 1, BETA_SIMPO);
}

reason_status rsn_score_prepare_dpo(rsn_scoring *s) {
    const rsn_model *reference = s->request->reference->model;
    reason_status status = prepare(s, 2, BETA_DPO);
    if (status == REASON_OK)
        status = rsn_logits_check(reference);
    if (status == REASON_OK)
        status = rsn_model_alike(s->model, reference);
    return status;
}

void rsn_score_read_logprob(const rsn_scoring *s, const float *logits, int32_t token,
                            rsn_sampler *tools, double *out) {
    (void)s;
    double own = (double)logits[token], all = rsn_log_sum_exp(tools->kernels, logits,
                                                              tools->n_vocab,
                                                              tools->shares);
    *out = own == all ? 0 : own - all;
}

static double sum_of(const rsn_candidate *c, size_t n_out, size_t column) {
    double sum = 0;
    for (size_t i = 0; i < c->n_places; i++)
        sum += c->outputs[i * n_out + column];
    return sum;
}

static void add_up(rsn_candidate *c) {
    for (size_t i = 0; i < c->n_places; i++)
        c->steps[i] = c->outputs[i];
    c->raw[0] = sum_of(c, 1, 0);
    c->raw[1] = c->raw[0] / (double)c->n_places;
}

void rsn_score_finish_logprob(const rsn_scoring *s, rsn_candidate *c) {
    add_up(c);
    c->score = s->beta * c->raw[0];
}

void rsn_score_finish_mean(const rsn_scoring *s, rsn_candidate *c) {
    add_up(c);
    c->score = s->beta * c->raw[1];
}

void rsn_score_finish_dpo(const rsn_scoring *s, rsn_candidate *c) {
    for (size_t i = 0; i < c->n_places; i++)
        c->steps[i] = c->outputs[2 * i] - c->outputs[2 * i + 1];
    c->raw[0] = sum_of(c, 2, 0);
    c->raw[1] = sum_of(c, 2, 1);
    c->score = s->beta * (c->raw[0] - c->raw[1]);
}
