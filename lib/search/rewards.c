/* Rewards of a search. Owns how a reward model is asked and what of a sample it sees.
 * Invariant: the pool is the host's or the reward's, never both's, as they may share it. */
#include "search/rewards.h"

#include <string.h>

#include "decode/sequence.h"
#include "kernels/mathd.h"
#include "text/detokenize.h"

static double share_of(const rsn_scores *scores, double x) {
    const rsn_score_kind *kind = rsn_score_kind_of(scores->kind);
    bool bare = strcmp(scores->transform, rsn_transform_name(RSN_TRANSFORM_NONE)) == 0;
    if (kind->ahead)
        return rsn_expd(x);
    return kind->head && bare ? 1 / (1 + rsn_expd(-x)) : x;
}

static reason_status ask(const rsn_rewarder *r, const reason_score_request *request,
                         rsn_scores **scores) {
    rsn_cancel also = {NULL, &r->host->cancel, NULL};
    const rsn_score_asked asked = {request, r->prompt, &also};
    rsn_session_end_work(r->host);
    reason_status status = rsn_score(r->session, &asked, scores);
    rsn_session_begin_work(r->host);
    return status == REASON_OK ? status : rsn_fail_within(status, "the reward model");
}

static reason_status list_texts(const rsn_text *texts, size_t n, const char ***list,
                                int64_t **lengths) {
    *list = rsn_alloc2(n, sizeof **list);
    *lengths = rsn_alloc2(n, sizeof **lengths);
    if (!*list || !*lengths)
        return REASON_ERR_NO_MEMORY;
    for (size_t i = 0; i < n; i++) {
        (*list)[i] = texts[i].data;
        (*lengths)[i] = (int64_t)texts[i].n;
    }
    return REASON_OK;
}

reason_status rsn_rewards(rsn_rewarder *r, const rsn_text *texts, size_t n, bool shares,
                          double *out) {
    reason_score_request request = *r->how;
    rsn_scores *scores = NULL;
    const char **list;
    int64_t *lengths;
    if (n == 0)
        return REASON_OK;
    reason_status status = list_texts(texts, n, &list, &lengths);
    request.responses = list;
    request.response_bytes = lengths;
    request.n_responses = n;
    request.progress = NULL;
    request.cancel = r->prompt->cancel;
    if (status == REASON_OK)
        status = ask(r, &request, &scores);
    for (size_t i = 0; scores && i < n; i++)
        out[i] = shares ? share_of(scores, scores->list[i].score) : scores->list[i].score;
    if (scores)
        r->n_run += scores->usage.computed_tokens;
    rsn_scores_free(scores);
    rsn_free(list);
    rsn_free(lengths);
    return status;
}

reason_status rsn_sample_text(const rsn_model *model, const rsn_result *sample,
                              bool answer_only, rsn_str *out) {
    rsn_text open = model->tags.open;
    rsn_utf8_gate gate = {0};
    rsn_str text = {0};
    if (answer_only) {
        rsn_str_add(out, rsn_str_text(&sample->answer), sample->answer.n);
        return out->failed ? rsn_fail_memory(sample->answer.n) : REASON_OK;
    }
    for (size_t i = 0; i < sample->n_tokens; i++) {
        rsn_text written = rsn_written(model, sample->tokens[i].id);
        rsn_utf8_gate_feed(&gate, written.data, written.n, &text);
    }
    rsn_utf8_gate_finish(&gate, &text);
    bool begun = open.n > 0 && text.n >= open.n &&
                 memmem(text.data, text.n, open.data, open.n) != NULL;
    if (!begun && sample->thinking.n > 0)
        rsn_str_add(out, open.data, open.n);
    rsn_str_add(out, rsn_str_text(&text), text.n);
    bool failed = out->failed || text.failed;
    rsn_str_free(&text);
    return failed ? rsn_fail_memory(out->n) : REASON_OK;
}
