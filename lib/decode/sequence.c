/* One generation. Owns the order of prompt, controller and sampler, the result's
 * bookkeeping and its clock; the network and the timeline's memory are its driver's, what
 * policies want of it is consult.c's.
 * Invariant: every token that is pushed is in the result, in order, with the label the
 * controller gave it. */
#include "decode/sequence.h"

#include <math.h>
#include <string.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/fpstate.h"
#include "decode/consult.h"

/* Tokens of output whose memory is reserved beforehand; longer outputs grow as they go.
 */
enum { RESERVED = 1024 };

static size_t few(size_t n) {
    return n < RESERVED ? n : RESERVED;
}

/* The text a token adds: control tokens add none, unless they are part of a tag. */
rsn_text rsn_written(const rsn_model *m, int32_t id) {
    rsn_text text = rsn_vocab_bytes(m->vocab, id);
    bool is_silent = text.n == 0 || (rsn_vocab_is_control(m->vocab, id) &&
                                     !rsn_tags_have(&m->tags, text));
    return is_silent ? (rsn_text){"", 0} : text;
}

static void on_span(void *user, reason_label label, const char *text, size_t n) {
    rsn_sequence *q = user;
    rsn_output_add(&q->output, label, text, n);
}

/* --- before the first token -------------------------------------------------------- */

/* Memory of an ordinary output, so that the loop takes none. */
static reason_status reserve_output(rsn_sequence *q) {
    enum { BYTES_PER_TOKEN = 4, PIECE = 256 };
    rsn_result *r = q->result;
    size_t n = few(q->rules.room), n_bytes = n * BYTES_PER_TOKEN;
    reason_status status = RSN_GROW(&r->tokens, &r->tokens_cap, n);
    rsn_str_reserve(&r->thinking, n_bytes);
    rsn_str_reserve(&r->answer, n_bytes);
    rsn_str_reserve(&q->output.piece, PIECE);
    rsn_str_reserve(&q->output.held, PIECE);
    return status == REASON_OK ? rsn_output_status(&q->output) : status;
}

static reason_status prepare(rsn_sequence *q, size_t n_ctx, const rsn_asked *asked) {
    const reason_request *r = q->request;
    reason_think_mode mode;
    reason_status status = rsn_rules_mode(q->model, q->thinking, r->max_tokens, &mode);
    if (status == REASON_OK && rsn_cancelled(&q->cancel))
        status = rsn_fail(REASON_ERR_CANCELLED, "cancelled before the first token");
    if (status == REASON_OK)
        status = rsn_sampling_check(q->sampling, q->model->hp.n_vocab);
    if (status == REASON_OK)
        status = rsn_prompt_build(q->model, r, mode, q->thinking, q->inserts,
                                  &q->prompt);
    if (status == REASON_OK && asked->n_written > 0)
        status = rsn_prompt_extend(q->model, asked->written, asked->n_written, &q->prompt);
    if (status == REASON_OK)
        status = rsn_rules_make(q->model, q->thinking, r->max_tokens, n_ctx, mode,
                                &q->prompt, &q->ids, &q->rules);
    if (status == REASON_OK)
        status = rsn_think_init(&q->think, &q->rules, on_span, q);
    if (status == REASON_OK)
        status = rsn_policies_init(&q->policies, q->thinking);
    if (status == REASON_OK)
        status = reserve_output(q);
    return status;
}

reason_status rsn_sequence_open(rsn_sequence *q, const rsn_session *session,
                                size_t n_ctx, const rsn_asked *asked, uint32_t sample) {
    const reason_request *request = asked->request;
    *q = (rsn_sequence){.model = session->model,
                        .request = request,
                        .thinking = asked->thinking,
                        .sampling = asked->sampling,
                        .inserts = asked->inserts,
                        .sample = sample,
                        .cancel = {request->cancel, &session->cancel, NULL},
                        .result = rsn_calloc2(1, sizeof *q->result),
                        .since = rsn_clock()};
    if (!q->result)
        return REASON_ERR_NO_MEMORY;
    rsn_result *r = q->result;
    r->p_think = (double)NAN;
    r->answer_end = REASON_FINISH_LENGTH;
    q->output = (rsn_output){.thinking = &r->thinking,
                             .answer = &r->answer,
                             .stops = request->stops,
                             .n_stops = request->n_stops,
                             .stream = request->stream,
                             .stream_user = request->stream_user,
                             .sample = sample};
    reason_status status = rsn_logits_check(q->model);
    if (status == REASON_OK)
        status = prepare(q, n_ctx, asked);
    r->usage.prompt_tokens = q->prompt.ids.n;
    r->usage.budget = q->rules.open.n ? (int64_t)q->rules.budget : -1;
    r->usage.effort_use = q->prompt.effort_use;
    r->usage.prefill_s = rsn_clock() - q->since;
    if (status != REASON_OK)
        rsn_sequence_close(q);
    return status;
}

void rsn_sequence_close(rsn_sequence *q) {
    rsn_prompt_free(&q->prompt);
    rsn_rule_ids_free(&q->ids);
    rsn_think_free(&q->think);
    rsn_output_free(&q->output);
    rsn_policies_free(&q->policies);
    rsn_result_free(q->result);
    rsn_aside_end(&q->aside, q->line);
    memset(q, 0, sizeof *q);
}

/* The last token of the prompt is always computed: its logits are needed. */
reason_status rsn_sequence_begin(rsn_sequence *q, rsn_timeline *line) {
    const rsn_vocab_ids *ids = &q->prompt.ids;
    size_t same = rsn_timeline_match(line, ids->items, ids->n - 1);
    q->line = line;
    q->result->usage.cached_tokens = same;
    q->since = rsn_clock();
    q->spend = &q->result->usage.prefill_s;
    rsn_timeline_truncate(line, same);
    return rsn_timeline_add(line, ids->items + same, ids->n - same);
}

size_t rsn_sequence_likely(const rsn_sequence *q) {
    size_t n = q->prompt.ids.n + few(q->rules.room), n_ctx = q->line->kv.n_ctx;
    return n < n_ctx ? n : n_ctx;
}

/* --- one token --------------------------------------------------------------------- */

/* Draws until the controller is content. *id -1: nothing is to be pushed. */
static reason_status draw(rsn_sequence *q, int32_t *id, bool *ends,
                          float *sampled_logprob) {
    reason_status status = REASON_OK;
    const rsn_view view = rsn_consult_view(q);
    if (rsn_think_in_block(&q->think))
        rsn_policies_adjust(&view, q->sampler->logits);
    for (uint32_t turn = 0; status == REASON_OK; turn++) {
        *id = rsn_sampler_draw(q->sampler, q->think.n_tokens, turn, sampled_logprob);
        if (*id < 0) { /* nothing is allowed here any more */
            q->stage = RSN_DONE;
            return REASON_OK;
        }
        bool is_end = rsn_vocab_is_end(q->model->vocab, *id);
        rsn_verdict verdict =
            rsn_think_judge(&q->think, rsn_written(q->model, *id), is_end, &status);
        *ends = verdict == RSN_END;
        if (verdict == RSN_ACCEPT || verdict == RSN_END)
            return status;
        if (verdict == RSN_REPLACE) {
            *id = -1;
            return status;
        }
        rsn_sampler_ban(q->sampler, *id);
    }
    return status;
}

static reason_status note_token(rsn_sequence *q, int32_t id, reason_origin origin,
                                float sampled_logprob) {
    rsn_result *r = q->result;
    reason_status status = RSN_GROW(&r->tokens, &r->tokens_cap, r->n_tokens + 1);
    if (status != REASON_OK)
        return status;
    float logprob = rsn_sampler_logprob(q->sampler, q->rows, id);
    r->tokens[r->n_tokens++] = (rsn_result_token){.id = id,
                                                  .label = REASON_LABEL_MARKUP,
                                                  .origin = origin,
                                                  .logprob = logprob,
                                                  .sampled_logprob = sampled_logprob};
    return REASON_OK;
}

/* Pushes a token; unless it was the last, or was guessed, it waits to be run. */
static reason_status take(rsn_sequence *q, int32_t id, reason_origin origin, bool ends,
                          float sampled_logprob) {
    reason_status status = note_token(q, id, origin, sampled_logprob);
    if (status == REASON_OK)
        status = rsn_think_push(&q->think, rsn_written(q->model, id), ends);
    if (status == REASON_OK)
        status = rsn_output_status(&q->output);
    rsn_consult_loop(q);
    if (ends || q->output.stopped || q->think.n_tokens >= q->rules.room)
        q->stage = RSN_DONE;
    const float *next = q->rows + q->model->hp.n_vocab;
    q->rows = NULL;
    rsn_aside_end(&q->aside, q->line);
    if (status != REASON_OK || q->stage == RSN_DONE)
        return status;
    if (rsn_timeline_meet(q->line, id)) { /* so what comes after it is there as well */
        q->rows = next;
        q->result->usage.accepted_tokens++;
    } else {
        status = rsn_timeline_add(q->line, &id, 1);
    }
    if (status == REASON_OK)
        status = rsn_consult_chunk(q);
    if (q->line->n >= q->line->kv.n_ctx) /* after chunks the room may be larger */
        q->stage = RSN_DONE;
    return status;
}

/* A forced token, or one that is drawn, or none if forced ones are to come instead. */
static reason_status choose_token(rsn_sequence *q) {
    int32_t id;
    bool ends = false;
    float sampled_logprob = 0;
    bool waits;
    reason_status status = rsn_consult_token(q, &waits);
    if (status != REASON_OK || waits)
        return status;
    rsn_sampler_begin(q->sampler, q->sampling, q->sample, q->rows, q->line->tokens,
                      q->line->n);
    if (rsn_think_forced(&q->think, &id))
        return take(q, id, REASON_FORCED, false, 0);
    status = draw(q, &id, &ends, &sampled_logprob);
    if (status != REASON_OK || id < 0)
        return status;
    q->result->answer_end = ends ? REASON_FINISH_EOS : REASON_FINISH_LENGTH;
    return take(q, id, REASON_SAMPLED, ends, sampled_logprob);
}

static void spend_until(rsn_sequence *q, double now) {
    if (!q->spend) /* it never began */
        return;
    *q->spend += now - q->since;
    q->since = now;
}

static reason_status choose_timed(rsn_sequence *q) {
    spend_until(q, rsn_clock());
    bool in_block = rsn_think_in_block(&q->think);
    reason_status status = choose_token(q);
    in_block = in_block || rsn_think_in_block(&q->think);
    q->spend =
        in_block ? &q->result->usage.thinking_s : &q->result->usage.answer_s;
    return status;
}

reason_status rsn_sequence_choose(rsn_sequence *q, rsn_sampler *sampler) {
    if (!q->rows)
        return REASON_OK;
    q->sampler = sampler;
    switch (q->stage) {
    case RSN_PROMPT: return rsn_consult_prompt(q);
    case RSN_ASIDE: return rsn_consult_aside(q);
    case RSN_WRITING: return choose_timed(q);
    case RSN_DONE: break;
    }
    return REASON_OK;
}

/* --- what the driver asks ------------------------------------------------------------ */

static bool wants_end(const rsn_sequence *q, const char *stage, size_t done,
                      size_t total) {
    const reason_request *r = q->request;
    if (rsn_cancelled(&q->cancel) || !r->progress)
        return rsn_cancelled(&q->cancel);
    int stop = r->progress(r->progress_user, stage, done, total);
    rsn_fpstate_again();
    return stop != 0 || rsn_cancelled(&q->cancel);
}

reason_status rsn_sequence_poll(rsn_sequence *q) {
    if (rsn_sequence_has_begun(q) || q->stage == RSN_WRITING) {
        if (q->stage != RSN_DONE &&
            wants_end(q, "generate", q->think.n_tokens, q->rules.room))
            rsn_sequence_cancel(q);
        return REASON_OK;
    }
    size_t cached = q->result->usage.cached_tokens, done = q->line->kv.n - cached,
           total = q->prompt.ids.n - cached;
    if (q->stage == RSN_PROMPT && wants_end(q, "prefill", done, total))
        return rsn_fail(REASON_ERR_CANCELLED, "cancelled after %zu of %zu tokens", done,
                        total);
    return REASON_OK;
}

static void end(rsn_sequence *q) {
    rsn_aside_end(&q->aside, q->line);
    q->rows = NULL;
    q->stage = RSN_DONE;
}

void rsn_sequence_cancel(rsn_sequence *q) {
    q->cancelled = true;
    end(q);
}

void rsn_sequence_rewind(rsn_sequence *q) {
    if (q->stage == RSN_ASIDE) { /* it will be asked again */
        rsn_aside_end(&q->aside, q->line);
        q->stage = rsn_sequence_has_begun(q) ? RSN_WRITING : RSN_PROMPT;
    }
    q->rows = NULL;
    rsn_timeline_truncate(q->line, q->line->n);
    rsn_kv_clear(&q->line->kv);
}

void rsn_sequence_flush(rsn_sequence *q) {
    rsn_output_flush(&q->output);
    if (q->output.refused)
        end(q);
}

void rsn_sequence_run(rsn_sequence *q, size_t most, rsn_run *run) {
    rsn_timeline *line = q->line;
    size_t waiting = q->stage == RSN_DONE ? 0 : rsn_timeline_waiting(line);
    bool guessed = waiting > 0 && line->n_ahead > 0;
    bool all = guessed || (q->stage == RSN_ASIDE && q->aside.question.shares);
    waiting += guessed ? line->n_ahead : 0;
    size_t n = waiting < most ? waiting : most;
    *run = (rsn_run){.kv = &line->kv,
                     .tokens = line->tokens + line->kv.n,
                     .n = n,
                     .want = all            ? RSN_WANT_ALL
                             : n == waiting ? RSN_WANT_LAST
                                            : RSN_WANT_NONE};
}

void rsn_sequence_given(rsn_sequence *q, const float *rows) {
    q->rows = rows;
    if (q->line->kv.n > q->line->n)
        q->result->usage.guessed_tokens += q->line->kv.n - q->line->n;
}

/* --- after the last token ---------------------------------------------------------- */

/* What a close that was not the model's makes of a generation. */
static const reason_finish CLOSED_BY[] = {
    [RSN_CLOSE_BUDGET] = REASON_FINISH_BUDGET,
    [RSN_CLOSE_LOOP] = REASON_FINISH_LOOP,
    [RSN_CLOSE_EXIT] = REASON_FINISH_EARLY_EXIT,
};

static void fill_result(rsn_sequence *q) {
    rsn_result *r = q->result;
    for (size_t i = 0; i < r->n_tokens; i++)
        r->tokens[i].label = rsn_think_label(&q->think, i);
    r->finish = r->answer_end;
    if (q->think.closed_by != RSN_CLOSE_NONE && r->answer_end != REASON_FINISH_CANCELLED)
        r->finish = CLOSED_BY[q->think.closed_by];
    r->usage.thinking_tokens = q->think.counts[REASON_LABEL_THINK];
    r->usage.answer_tokens = q->think.counts[REASON_LABEL_ANSWER];
    r->usage.markup_tokens = q->think.counts[REASON_LABEL_MARKUP];
    r->usage.kv_bytes = q->line ? rsn_kv_bytes(&q->line->kv) : 0;
}

reason_status rsn_sequence_finish(rsn_sequence *q, rsn_result **result) {
    *result = NULL;
    spend_until(q, rsn_clock());
    rsn_think_finish(&q->think);
    rsn_output_finish(&q->output);
    rsn_output_flush(&q->output);
    if (q->output.stopped)
        q->result->answer_end = REASON_FINISH_STOP;
    if (q->cancelled || q->output.refused)
        q->result->answer_end = REASON_FINISH_CANCELLED;
    if (q->line)
        rsn_timeline_truncate(q->line, q->line->kv.n);
    fill_result(q);
    reason_status status = rsn_output_status(&q->output);
    if (status != REASON_OK)
        return status;
    *result = q->result;
    q->result = NULL;
    return REASON_OK;
}
