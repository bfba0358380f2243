/* The decode loop. Owns the order of prompt, controller, sampler and network for one
 * request, the result's bookkeeping and its clock. Invariant: every token that is pushed
 * is in the result, in order, with the label the controller gave it. */
#include "decode/generate.h"

#include <math.h>
#include <string.h>

#include "base/array.h"
#include "base/clock.h"
#include "decode/output.h"
#include "decode/rules.h"
#include "decode/sampler.h"
#include "kernels/mathd.h"

/* Tokens of output whose memory is reserved beforehand; longer outputs grow as they go.
 */
enum { RESERVED = 1024 };

typedef struct generation {
    rsn_session *session;
    const rsn_model *model;
    const reason_request *request;
    const reason_thinking *thinking;
    rsn_cancel cancel;
    rsn_prompt prompt;
    rsn_rule_ids ids;
    rsn_think_rules rules;
    rsn_think think;
    rsn_sampler sampler;
    rsn_output output;
    rsn_result *result;
    bool done;
} generation;

static size_t few(size_t n) {
    return n < RESERVED ? n : RESERVED;
}

/* The text a token adds: control tokens add none, unless they are part of a tag. */
static rsn_text text_of(const rsn_model *m, int32_t id) {
    rsn_text text = rsn_vocab_bytes(m->vocab, id);
    bool is_silent = text.n == 0 || (rsn_vocab_is_control(m->vocab, id) &&
                                     !rsn_tags_have(&m->tags, text));
    return is_silent ? (rsn_text){"", 0} : text;
}

static void on_span(void *user, reason_label label, const char *text, size_t n) {
    generation *g = user;
    rsn_output_add(&g->output, label, text, n);
}

/* --- before the first token -------------------------------------------------------- */

/* Keeps what the session already holds of the prompt, and computes the rest. The last
 * token is always computed: its logits are needed. */
static reason_status prefill(generation *g) {
    rsn_session *s = g->session;
    const rsn_vocab_ids *ids = &g->prompt.ids;
    size_t same = 0, most = ids->n - 1 < s->kv.n ? ids->n - 1 : s->kv.n;
    while (same < most && s->tokens[same] == ids->items[same])
        same++;
    rsn_session_truncate(s, same);
    reason_status status = rsn_session_reserve(s, ids->n + few(g->rules.room));
    rsn_append what = {.tokens = ids->items + same,
                       .n = ids->n - same,
                       .logits = s->logits,
                       .cancel = &g->cancel,
                       .progress = g->request->progress,
                       .progress_user = g->request->progress_user};
    g->result->usage.prompt_tokens = ids->n;
    g->result->usage.cached_tokens = same;
    return status == REASON_OK ? rsn_session_append(s, &what) : status;
}

/* log P of ids[from .. to) when row i of logits predicts ids[i]. */
static double log_share(const rsn_sampler *s, const float *first, const float *rows,
                        const int32_t *ids, size_t from, size_t to) {
    double sum = 0;
    for (size_t i = from; i < to; i++) {
        const float *logits = i == 0 ? first : rows + (i - 1) * s->n_vocab;
        sum += (double)logits[ids[i]] -
               rsn_log_sum_exp(s->kernels, logits, s->n_vocab, s->shares);
    }
    return sum;
}

/* The model's own probability of thinking: the opening tag and an empty block are run
 * through the network and forgotten again. */
static reason_status measure_p_think(generation *g) {
    const rsn_vocab_ids *probe = &g->ids.probe;
    rsn_session *s = g->session;
    size_t n = probe->n, at = s->kv.n;
    g->result->p_think = (double)NAN;
    if (g->rules.open.n == 0 || g->rules.mode != REASON_THINK_AUTO || g->prompt.open ||
        g->prompt.closed || n < 1 || at + n - 1 > s->setup.n_ctx)
        return REASON_OK;
    float *rows = rsn_alloc2((n - 1) * s->model->hp.n_vocab + 1, sizeof *rows);
    if (!rows)
        return REASON_ERR_NO_MEMORY;
    rsn_append what = {.tokens = probe->items,
                       .n = n - 1,
                       .logits = rows,
                       .all = true,
                       .cancel = &g->cancel};
    reason_status status = n > 1 ? rsn_session_append(s, &what) : REASON_OK;
    rsn_session_truncate(s, at);
    if (status == REASON_OK) {
        double opens =
            log_share(&g->sampler, s->logits, rows, probe->items, 0, g->ids.n_probe_open);
        double empty =
            log_share(&g->sampler, s->logits, rows, probe->items, g->ids.n_probe_open, n);
        double declines = n > g->ids.n_probe_open ? rsn_expd(empty) : 0;
        g->result->p_think = rsn_expd(opens) * (1 - declines);
    }
    rsn_free(rows);
    return status;
}

/* Memory of an ordinary output, so that the loop takes none. */
static reason_status reserve_output(generation *g) {
    enum { BYTES_PER_TOKEN = 4, PIECE = 256 };
    rsn_result *r = g->result;
    size_t n = few(g->rules.room), n_bytes = n * BYTES_PER_TOKEN;
    reason_status status = RSN_GROW(&r->tokens, &r->tokens_cap, n);
    rsn_str_reserve(&r->thinking, n_bytes);
    rsn_str_reserve(&r->answer, n_bytes);
    rsn_str_reserve(&g->output.piece, PIECE);
    rsn_str_reserve(&g->output.held, PIECE);
    return status == REASON_OK ? rsn_output_status(&g->output) : status;
}

static reason_status prepare(generation *g, const reason_sampling *sampling) {
    const reason_request *r = g->request;
    reason_think_mode mode;
    reason_status status = rsn_rules_mode(g->model, g->thinking, r->max_tokens, &mode);
    if (status == REASON_OK && rsn_cancelled(&g->cancel))
        status = rsn_fail(REASON_ERR_CANCELLED, "cancelled before the first token");
    if (status == REASON_OK)
        status = rsn_sampler_init(&g->sampler, sampling, g->model->hp.n_vocab,
                                  g->model->kernels);
    if (status == REASON_OK)
        status = rsn_prompt_build(g->model, r, mode, g->thinking, &g->prompt);
    if (status == REASON_OK)
        status =
            rsn_rules_make(g->model, g->thinking, r->max_tokens, g->session->setup.n_ctx,
                           mode, &g->prompt, &g->ids, &g->rules);
    if (status == REASON_OK)
        status = rsn_think_init(&g->think, &g->rules, on_span, g);
    if (status == REASON_OK)
        status = reserve_output(g);
    g->result->usage.budget = g->rules.open.n ? (int64_t)g->rules.budget : -1;
    g->result->usage.effort_use = g->prompt.effort_use;
    return status;
}

/* --- one token --------------------------------------------------------------------- */

/* The closing tag's own bias and temperature: its log-odds against everything else are
 * divided by the temperature, then the bias is added. */
static void adjust_close(generation *g) {
    float bias = g->thinking->close_bias, temperature = g->thinking->close_temperature;
    if (!rsn_think_in_block(&g->think) || (bias == 0 && temperature == 1))
        return;
    float *logits = g->sampler.logits;
    int32_t id = g->ids.closing.items[0];
    float own = logits[id];
    logits[id] = -INFINITY;
    double others = rsn_log_sum_exp(g->sampler.kernels, logits, g->sampler.n_vocab,
                                    g->sampler.shares);
    if (!isinf(others)) /* else there is nothing to weigh it against */
        own = (float)(others + ((double)own - others) / (double)temperature);
    logits[id] = own + bias;
}

/* Draws until the controller is content. *id -1: nothing is to be pushed. */
static reason_status draw(generation *g, int32_t *id, bool *ends,
                          float *sampled_logprob) {
    rsn_session *s = g->session;
    reason_status status = REASON_OK;
    adjust_close(g);
    for (uint32_t turn = 0; status == REASON_OK; turn++) {
        *id = rsn_sampler_draw(&g->sampler, g->think.n_tokens, turn, sampled_logprob);
        if (*id < 0) { /* nothing is allowed here any more */
            g->done = true;
            return REASON_OK;
        }
        bool is_end = rsn_vocab_is_end(s->model->vocab, *id);
        rsn_verdict verdict =
            rsn_think_judge(&g->think, text_of(g->model, *id), is_end, &status);
        *ends = verdict == RSN_END;
        if (verdict == RSN_ACCEPT || verdict == RSN_END)
            return status;
        if (verdict == RSN_REPLACE) {
            *id = -1;
            return status;
        }
        rsn_sampler_ban(&g->sampler, *id);
    }
    return status;
}

static reason_status note_token(generation *g, int32_t id, reason_origin origin,
                                float sampled_logprob) {
    rsn_result *r = g->result;
    reason_status status = RSN_GROW(&r->tokens, &r->tokens_cap, r->n_tokens + 1);
    if (status != REASON_OK)
        return status;
    float logprob = rsn_sampler_logprob(&g->sampler, g->session->logits, id);
    r->tokens[r->n_tokens++] = (rsn_result_token){.id = id,
                                                  .label = REASON_LABEL_MARKUP,
                                                  .origin = origin,
                                                  .logprob = logprob,
                                                  .sampled_logprob = sampled_logprob};
    return REASON_OK;
}

/* Pushes a token and, unless it was the last, runs it through the network. */
static reason_status take(generation *g, int32_t id, reason_origin origin, bool ends,
                          float sampled_logprob) {
    reason_status status = note_token(g, id, origin, sampled_logprob);
    if (status == REASON_OK)
        status = rsn_think_push(&g->think, text_of(g->model, id), ends);
    if (status == REASON_OK)
        status = rsn_output_status(&g->output);
    g->done = ends || g->output.stopped || g->output.refused ||
              g->think.n_tokens >= g->rules.room;
    if (status != REASON_OK || g->done)
        return status;
    rsn_append what = {
        .tokens = &id, .n = 1, .logits = g->session->logits, .cancel = &g->cancel};
    return rsn_session_append(g->session, &what);
}

/* One turn of the loop: a forced token, or one that is drawn. */
static reason_status step(generation *g) {
    rsn_session *s = g->session;
    int32_t id;
    bool ends = false;
    float sampled_logprob = 0;
    rsn_sampler_begin(&g->sampler, s->logits, s->tokens, s->kv.n);
    if (rsn_think_forced(&g->think, &id))
        return take(g, id, REASON_FORCED, false, 0);
    reason_status status = draw(g, &id, &ends, &sampled_logprob);
    if (status != REASON_OK || id < 0)
        return status;
    g->result->answer_end = ends ? REASON_FINISH_EOS : REASON_FINISH_LENGTH;
    return take(g, id, REASON_SAMPLED, ends, sampled_logprob);
}

static bool interrupted(generation *g) {
    const reason_request *r = g->request;
    if (rsn_cancelled(&g->cancel) || !r->progress)
        return rsn_cancelled(&g->cancel);
    int stop =
        r->progress(r->progress_user, "generate", g->think.n_tokens, g->rules.room);
    rsn_fpstate_again();
    return stop != 0;
}

/* Until the end of text, a stop, the room, or a stop from outside; the last is no
 * failure. */
static reason_status run(generation *g) {
    reason_status status = REASON_OK;
    rsn_result *r = g->result;
    bool cancelled = false;
    g->done = g->rules.room == 0;
    r->answer_end = REASON_FINISH_LENGTH;
    while (!g->done && status == REASON_OK && !cancelled) {
        double start = rsn_clock();
        bool in_block = rsn_think_in_block(&g->think);
        if (!(cancelled = interrupted(g)))
            status = step(g);
        in_block = in_block || rsn_think_in_block(&g->think);
        *(in_block ? &r->usage.thinking_s : &r->usage.answer_s) += rsn_clock() - start;
    }
    cancelled = cancelled || status == REASON_ERR_CANCELLED;
    if (status == REASON_ERR_CANCELLED)
        status = REASON_OK;
    rsn_think_finish(&g->think);
    rsn_output_finish(&g->output);
    if (g->output.stopped)
        r->answer_end = REASON_FINISH_STOP;
    if (cancelled || g->output.refused)
        r->answer_end = REASON_FINISH_CANCELLED;
    return status == REASON_OK ? rsn_output_status(&g->output) : status;
}

/* --- after the last token ---------------------------------------------------------- */

static void fill_result(generation *g) {
    rsn_result *r = g->result;
    for (size_t i = 0; i < r->n_tokens; i++)
        r->tokens[i].label = rsn_think_label(&g->think, i);
    r->finish = r->answer_end;
    if (g->think.closed_by == RSN_CLOSE_BUDGET &&
        r->answer_end != REASON_FINISH_CANCELLED)
        r->finish = REASON_FINISH_BUDGET;
    r->usage.thinking_tokens = g->think.counts[REASON_LABEL_THINK];
    r->usage.answer_tokens = g->think.counts[REASON_LABEL_ANSWER];
    r->usage.markup_tokens = g->think.counts[REASON_LABEL_MARKUP];
    r->usage.kv_bytes = rsn_kv_bytes(&g->session->kv);
}

static void free_generation(generation *g) {
    rsn_prompt_free(&g->prompt);
    rsn_rule_ids_free(&g->ids);
    rsn_think_free(&g->think);
    rsn_sampler_free(&g->sampler);
    rsn_output_free(&g->output);
}

reason_status rsn_generate(rsn_session *session, const reason_request *request,
                           const reason_thinking *thinking,
                           const reason_sampling *sampling, rsn_result **result) {
    double start = rsn_clock();
    generation g = {.session = session,
                    .model = session->model,
                    .request = request,
                    .thinking = thinking,
                    .cancel = {request->cancel, &session->cancel, NULL},
                    .result = rsn_calloc2(1, sizeof *g.result)};
    *result = NULL;
    if (!g.result)
        return REASON_ERR_NO_MEMORY;
    g.output = (rsn_output){.thinking = &g.result->thinking,
                            .answer = &g.result->answer,
                            .stops = request->stops,
                            .n_stops = request->n_stops,
                            .stream = request->stream,
                            .stream_user = request->stream_user};
    reason_status status = prepare(&g, sampling);
    if (status == REASON_OK)
        status = prefill(&g);
    if (status == REASON_OK)
        status = measure_p_think(&g);
    g.result->usage.prefill_s = rsn_clock() - start;
    if (status == REASON_OK)
        status = run(&g);
    if (status == REASON_OK)
        fill_result(&g);
    free_generation(&g);
    if (status == REASON_OK)
        *result = g.result;
    else
        rsn_result_free(g.result);
    return status;
}
