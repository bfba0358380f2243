/* Scores of models that say yes or no: of two tokens, the share of the first. Owns which
 * tokens these are. */
#include <string.h>

#include "kernels/mathd.h"
#include "reward/score.h"

/* The one token of a text. */
static reason_status find_token(const rsn_model *model, const char *text, int32_t *id) {
    rsn_vocab_ids ids = {0};
    reason_status status =
        rsn_vocab_encode(model->vocab, text, strlen(text),
                         REASON_TOKENS_SPECIAL | RSN_VOCAB_GOES_ON, &ids);
    if (status == REASON_OK && ids.n != 1)
        status = rsn_fail(REASON_ERR_INVALID_ARG,
                          "%s is %zu tokens of %s, 1 expected: see yes and no",
                          rsn_quote(text, strlen(text)).text, ids.n, model->gguf.path);
    if (status == REASON_OK)
        *id = ids.items[0];
    rsn_free(ids.items);
    return status;
}

reason_status rsn_score_prepare_yesno(rsn_scoring *s) {
    const char *yes = s->request->yes ? s->request->yes : "yes";
    const char *no = s->request->no ? s->request->no : "no";
    reason_status status = rsn_logits_check(s->model);
    s->n_out = 2;
    s->transform = RSN_TRANSFORM_SOFTMAX;
    if (status == REASON_OK)
        status = find_token(s->model, yes, &s->yes);
    return status == REASON_OK ? find_token(s->model, no, &s->no) : status;
}

void rsn_score_read_yesno(const rsn_scoring *s, const float *logits, int32_t token,
                          rsn_sampler *tools, double *out) {
    (void)token;
    (void)tools;
    out[0] = (double)logits[s->yes];
    out[1] = (double)logits[s->no];
}

void rsn_score_finish_yesno(const rsn_scoring *s, rsn_candidate *c) {
    (void)s;
    c->score = 1 / (1 + rsn_expd(c->outputs[1] - c->outputs[0]));
}
