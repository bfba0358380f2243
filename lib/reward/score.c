/* Scoring. Owns the order of things and what is given away. Invariant: there are scores of
 * all responses, or none. */
#include "reward/score.h"

#include <string.h>

#include "base/clock.h"

static const reason_score_kind OF_HEAD[] = {[RSN_HEAD_NONE] = REASON_SCORE_HEAD,
                                            [RSN_HEAD_REWARD] = REASON_SCORE_REWARD,
                                            [RSN_HEAD_LABELS] = REASON_SCORE_LABELS,
                                            [RSN_HEAD_STEPS] = REASON_SCORE_STEPS,
                                            [RSN_HEAD_TOKENS] = REASON_SCORE_TOKENS};

static reason_status choose_kind(rsn_scoring *s, reason_score_kind *kind) {
    *kind = s->request->kind;
    if (*kind == REASON_SCORE_HEAD) {
        reason_status status = rsn_head_check(s->model);
        if (status != REASON_OK)
            return status;
        *kind = OF_HEAD[s->model->hp.head.kind];
    }
    s->kind = rsn_score_kind_of(*kind);
    return s->kind->prepare(s);
}

static reason_status list_responses(rsn_scoring *s) {
    const reason_score_request *r = s->request;
    s->list = rsn_calloc2(r->n_responses, sizeof *s->list);
    if (!s->list)
        return REASON_ERR_NO_MEMORY;
    s->n = r->n_responses;
    for (size_t i = 0; i < s->n; i++) {
        int64_t n = r->response_bytes ? r->response_bytes[i] : -1;
        s->list[i].text = (rsn_text){r->responses[i],
                                     n < 0 ? strlen(r->responses[i]) : (size_t)n};
    }
    return REASON_OK;
}

static reason_status make_room(rsn_scoring *s) {
    for (size_t i = 0; i < s->n; i++) {
        rsn_candidate *c = &s->list[i];
        c->outputs = rsn_calloc2(c->n_places, s->n_out * sizeof *c->outputs);
        if (s->kind->where != RSN_WHERE_LAST)
            c->steps = rsn_calloc2(c->n_places, sizeof *c->steps);
        if (!c->outputs || (s->kind->where != RSN_WHERE_LAST && !c->steps))
            return REASON_ERR_NO_MEMORY;
    }
    return REASON_OK;
}

/* In its own session, then in the reference's. */
static reason_status run_all(rsn_scoring *s, rsn_session *session,
                             const rsn_cancel *also) {
    rsn_session *reference =
        s->request->kind == REASON_SCORE_DPO ? s->request->reference : NULL;
    rsn_cancel second = {NULL, reference ? &reference->cancel : NULL, also};
    const rsn_cancel cancel = {s->request->cancel, &session->cancel, &second};
    rsn_session *all[] = {session, reference};
    reason_status status = rsn_cancelled(&cancel)
                               ? rsn_fail(REASON_ERR_CANCELLED, "cancelled before it began")
                               : REASON_OK;
    for (size_t i = 0; i < 2 && all[i] && status == REASON_OK; i++) {
        rsn_session_begin_work(all[i]);
        status = rsn_score_run(s, all[i], i, &cancel);
        rsn_session_end_work(all[i]);
    }
    return status;
}

static reason_status keep_labels(const rsn_scoring *s, rsn_scores *out) {
    const rsn_text *labels = s->model->hp.head.labels;
    if (!s->kind->head || !labels)
        return REASON_OK;
    out->labels = rsn_arena_calloc2(&out->arena, s->n_out, sizeof *out->labels);
    if (!out->labels)
        return REASON_ERR_NO_MEMORY;
    for (size_t i = 0; i < s->n_out; i++) {
        out->labels[i] = rsn_arena_strndup(&out->arena, labels[i].data, labels[i].n);
        if (!out->labels[i])
            return REASON_ERR_NO_MEMORY;
    }
    return REASON_OK;
}

static void give(rsn_scoring *s, reason_score_kind kind, rsn_scores *out) {
    bool likelihood = s->kind->ahead;
    for (size_t i = 0; i < s->n; i++) {
        rsn_candidate *c = &s->list[i];
        s->kind->finish(s, c);
        c->text = (rsn_text){NULL, 0}; /* it was borrowed */
    }
    out->kind = kind;
    out->transform = rsn_transform_name(s->transform);
    out->n_out = s->n_out;
    out->n_raw = likelihood ? 2 : s->n_out;
    out->has_steps = s->kind->where != RSN_WHERE_LAST;
    out->usage = s->usage;
    out->list = s->list;
    out->n = s->n;
    s->list = NULL;
    s->n = 0;
}

static void free_list(rsn_candidate *list, size_t n) {
    for (size_t i = 0; i < n; i++) {
        rsn_free(list[i].ids.items);
        rsn_free(list[i].places);
        rsn_free(list[i].outputs);
        rsn_free(list[i].steps);
    }
    rsn_free(list);
}

reason_status rsn_score(rsn_session *session, const rsn_score_asked *asked,
                        rsn_scores **scores) {
    double start = rsn_clock();
    reason_score_kind kind;
    rsn_scoring s = {.request = asked->request,
                     .prompt = asked->prompt,
                     .model = session->model,
                     .usage = {.size = sizeof s.usage}};
    rsn_scores *out = rsn_calloc2(1, sizeof *out);
    *scores = NULL;
    reason_status status = out ? choose_kind(&s, &kind) : REASON_ERR_NO_MEMORY;
    if (status == REASON_OK)
        status = list_responses(&s);
    if (status == REASON_OK)
        status = rsn_score_texts(&s);
    if (status == REASON_OK)
        status = make_room(&s);
    if (status == REASON_OK)
        status = keep_labels(&s, out);
    if (status == REASON_OK)
        status = run_all(&s, session, asked->also);
    if (status == REASON_OK) {
        give(&s, kind, out);
        out->usage.seconds = rsn_clock() - start;
        *scores = out;
        return REASON_OK;
    }
    free_list(s.list, s.n);
    rsn_scores_free(out);
    return status;
}

void rsn_scores_free(rsn_scores *scores) {
    if (!scores)
        return;
    free_list(scores->list, scores->n);
    rsn_arena_free(&scores->arena);
    rsn_free(scores);
}
