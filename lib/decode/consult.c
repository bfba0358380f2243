/* What a generation's policies want of it: asides and what they decide. Owns when the model
 * is asked, and what the answers change. Left to others: the policies' own rules. Invariant:
 * while a question runs the text's own logits wait in the aside, and afterwards the text
 * goes on from them. */
#include "decode/consult.h"

#include "kernels/mathd.h"

rsn_view rsn_consult_view(const rsn_sequence *q) {
    return (rsn_view){.how = q->thinking,
                      .think = &q->think,
                      .output = q->result->tokens,
                      .n_output = q->result->n_tokens,
                      .closing = q->ids.closing.n ? q->ids.closing.items[0] : -1,
                      .tools = q->sampler};
}

static void start_writing(rsn_sequence *q) {
    q->stage = q->rules.room == 0 ? RSN_DONE : RSN_WRITING;
}

/* What an aside without shares takes at most beyond the text. */
static bool aside_fits(const rsn_sequence *q, size_t n) {
    return q->line->n + n <= q->line->kv.n_ctx;
}

static bool wants_p_think(const rsn_sequence *q) {
    return q->rules.open.n > 0 && q->rules.mode == REASON_THINK_AUTO && !q->prompt.open &&
           !q->prompt.closed && q->ids.probe.n >= 1 && aside_fits(q, q->ids.probe.n - 1);
}

/* The mode that the threshold stands for; AUTO: the model draws. What was asked for still
 * is no thinking that was denied. */
static reason_status apply_threshold(rsn_sequence *q) {
    const reason_request *r = q->request;
    reason_think_mode mode = rsn_policies_decide(q->thinking, q->result->p_think);
    if (mode == REASON_THINK_AUTO)
        return REASON_OK;
    rsn_span_fn emit = q->think.emit;
    rsn_rule_ids_free(&q->ids);
    rsn_think_free(&q->think);
    q->think = (rsn_think){0};
    reason_status status =
        rsn_rules_make(q->model, q->thinking, r->max_tokens, q->line->kv.n_ctx, mode,
                       &q->prompt, &q->ids, &q->rules);
    q->rules.silenced_by = RSN_CLOSE_NONE;
    q->result->usage.budget = (int64_t)q->rules.budget;
    return status == REASON_OK ? rsn_think_init(&q->think, &q->rules, emit, q) : status;
}

/* The model's own probability of thinking: of the opening tag, and not of an empty block
 * behind it. */
static reason_status take_p_think(rsn_sequence *q) {
    double opens = 0, empty = 0;
    size_t n_open = q->ids.n_probe_open, n = q->ids.probe.n;
    for (size_t i = 0; i < n; i++)
        *(i < n_open ? &opens : &empty) += q->aside.shares[i];
    double declines = n > n_open ? rsn_expd(empty) : 0;
    q->result->p_think = rsn_expd(opens) * (1 - declines);
    start_writing(q);
    return apply_threshold(q);
}

/* The answer: the text goes on where it was. */
static reason_status end_question(rsn_sequence *q) {
    reason_status status = REASON_OK;
    q->result->usage.probe_tokens += q->aside.n_tokens;
    q->rows = q->aside.logits;
    if (rsn_sequence_has_begun(q)) {
        const rsn_view view = rsn_consult_view(q);
        q->stage = RSN_WRITING;
        if (rsn_policies_exit(&q->policies, &view, &q->aside))
            rsn_think_close(&q->think, RSN_CLOSE_EXIT);
    } else {
        status = take_p_think(q);
    }
    return status;
}

static reason_status ask(rsn_sequence *q, const rsn_question *question) {
    reason_status status =
        rsn_aside_begin(&q->aside, question, q->rows, q->sampler, q->line);
    if (status != REASON_OK)
        return status;
    q->stage = RSN_ASIDE;
    q->rows = NULL;
    return rsn_aside_is_done(&q->aside, q->line) ? end_question(q) : REASON_OK;
}

reason_status rsn_consult_aside(rsn_sequence *q) {
    bool done;
    reason_status status = rsn_aside_take(&q->aside, q->rows, q->model->vocab, q->sampler,
                                          q->line, &done);
    q->rows = NULL;
    return status == REASON_OK && done ? end_question(q) : status;
}

reason_status rsn_consult_prompt(rsn_sequence *q) {
    const rsn_question opens = {q->ids.probe.items, q->ids.probe.n, true, 0};
    if (wants_p_think(q))
        return ask(q, &opens);
    start_writing(q);
    return REASON_OK;
}

void rsn_consult_loop(rsn_sequence *q) {
    const rsn_view view = rsn_consult_view(q);
    if (!rsn_policies_repeat(&q->policies, &view))
        return;
    if (rsn_think_in_block(&q->think)) {
        rsn_think_close(&q->think, RSN_CLOSE_LOOP);
    } else {
        q->result->answer_end = REASON_FINISH_LOOP;
        q->stage = RSN_DONE;
    }
}

reason_status rsn_consult_token(rsn_sequence *q, bool *waits) {
    const rsn_view view = rsn_consult_view(q);
    size_t n_answer;
    *waits = false;
    if (!rsn_sequence_has_begun(q) || !rsn_policies_ask(&q->policies, &view, &n_answer) ||
        !aside_fits(q, q->ids.question.n + n_answer))
        return REASON_OK;
    const rsn_question question = {q->ids.question.items, q->ids.question.n, false,
                                   n_answer};
    *waits = true;
    return ask(q, &question);
}

reason_status rsn_consult_chunk(rsn_sequence *q) {
    const rsn_result *r = q->result;
    size_t keep, carry, n_prompt = q->prompt.ids.n;
    reason_status status = REASON_OK;
    if (!rsn_think_in_block(&q->think) ||
        !rsn_policies_forget(q->thinking, q->line->n - n_prompt, &keep, &carry))
        return REASON_OK;
    q->rows = NULL; /* of another text */
    rsn_timeline_truncate(q->line, n_prompt + keep);
    for (size_t i = r->n_tokens - carry; i < r->n_tokens && status == REASON_OK; i++)
        status = rsn_timeline_add(q->line, &r->tokens[i].id, 1);
    return status;
}

