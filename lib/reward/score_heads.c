/* Scores of a head: one output at the last token, or some at each step or token. Owns which
 * head fits which kind, and the transforms. The outputs themselves are model/head.c's. */
#include <math.h>

#include "kernels/mathd.h"
#include "reward/score.h"

/* Any head can be read at any place; but one output is a reward only if it is one. */
static reason_status prepare(rsn_scoring *s) {
    const rsn_head *h = &s->model->hp.head;
    reason_status status = rsn_head_check(s->model);
    int32_t label = s->request->label;
    if (status != REASON_OK)
        return status;
    s->n_out = h->n_out;
    s->transform = s->request->transform == REASON_TRANSFORM_MODEL
                       ? h->transform
                       : (rsn_transform)(s->request->transform - REASON_TRANSFORM_NONE);
    if (label >= 0 && (size_t)label >= h->n_out)
        return rsn_fail(REASON_ERR_INVALID_ARG, "label %d, the head has %zu outputs",
                        label, h->n_out);
    s->label = label >= 0 ? (size_t)label : 0;
    return REASON_OK;
}

static reason_status refuse(const rsn_scoring *s, const char *wanted) {
    return rsn_fail(REASON_ERR_MISMATCH,
                    "kind %s, the head of %s is of kind %s with %zu outputs: %s expected",
                    s->kind->name, s->model->gguf.path,
                    rsn_head_kind_name(s->model->hp.head.kind), s->model->hp.head.n_out,
                    wanted);
}

reason_status rsn_score_prepare_reward(rsn_scoring *s) {
    reason_status status = prepare(s);
    return status == REASON_OK && s->n_out != 1 ? refuse(s, "one output") : status;
}

reason_status rsn_score_prepare_labels(rsn_scoring *s) {
    return prepare(s);
}

reason_status rsn_score_prepare_steps(rsn_scoring *s) {
    reason_status status = prepare(s);
    if (status == REASON_OK && s->request->label < 0 && s->n_out == 2)
        s->label = 1;
    return status;
}

reason_status rsn_score_prepare_tokens(rsn_scoring *s) {
    return prepare(s);
}

static double score_of(const rsn_scoring *s, const double *out) {
    double x = out[s->label], top = out[0], sum = 0;
    if (s->transform == RSN_TRANSFORM_NONE)
        return x;
    if (s->transform == RSN_TRANSFORM_SIGMOID)
        return 1 / (1 + rsn_expd(-x));
    for (size_t i = 1; i < s->n_out; i++)
        top = out[i] > top ? out[i] : top;
    for (size_t i = 0; i < s->n_out; i++)
        sum += rsn_expd(out[i] - top);
    return rsn_expd(x - top) / sum;
}

void rsn_score_finish_last(const rsn_scoring *s, rsn_candidate *c) {
    c->score = score_of(s, c->outputs);
}

void rsn_score_finish_many(const rsn_scoring *s, rsn_candidate *c) {
    for (size_t i = 0; i < c->n_places; i++)
        c->steps[i] = score_of(s, c->outputs + i * s->n_out);
    c->score = rsn_score_aggregate(s->request->aggregate, c->steps, c->n_places);
}
