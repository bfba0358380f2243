/* The arithmetic before the first token. Owns defaults, contradictions and the division
 * of the room; the controller only keeps to it. Invariant: what is forced at the start
 * and the answer's right fit the room that the rules state; a budget above 0 leaves room
 * for both tags as well. */
#include "decode/rules.h"

#include <string.h>

#include "base/array.h"
#include "decode/policy.h"

enum { DEFAULT_MIN_ANSWER = 32 };

static const rsn_text DEFAULT_WAIT = {"Wait", 4};

reason_status rsn_rules_mode(const rsn_model *model, const reason_thinking *th,
                             int32_t max_tokens, reason_think_mode *mode) {
    if (th->mode < REASON_THINK_AUTO || th->mode > REASON_THINK_OFF ||
        th->effort < REASON_EFFORT_NONE || th->effort > REASON_EFFORT_HIGH)
        return rsn_fail(REASON_ERR_INVALID_ARG,
                        "mode %d or effort %d is none of its enum", (int)th->mode,
                        (int)th->effort);
    if (th->budget < -1 || th->min_tokens < 0 || th->min_answer < -1 || th->grace < 0 ||
        th->max_waits < 0 || th->advice_tokens < 0 || max_tokens < 0)
        return rsn_fail(REASON_ERR_INVALID_ARG,
                        "budget %d (-1 or more), min_tokens %d, min_answer %d (-1 or "
                        "more), grace %d, max_waits %d, advice_tokens %d, max_tokens %d: below "
                        "what is allowed",
                        th->budget, th->min_tokens, th->min_answer, th->grace,
                        th->max_waits, th->advice_tokens, max_tokens);
    if (max_tokens > 0 && th->min_answer > max_tokens)
        return rsn_fail(REASON_ERR_INVALID_ARG, "min_answer %d exceeds max_tokens %d",
                        th->min_answer, max_tokens);
    if (th->thought && (th->mode == REASON_THINK_OFF || th->budget == 0))
        return rsn_fail(REASON_ERR_INVALID_ARG,
                        "a thought is given to a model that is not to think");
    reason_status status = rsn_policies_check(th);
    if (status != REASON_OK)
        return status;
    if (model->tags.open.n == 0 &&
        (th->budget >= 0 || th->mode == REASON_THINK_ON || th->thought))
        return rsn_fail(REASON_ERR_MISMATCH, "the model has no thinking tags in its "
                                             "vocabulary or template, so a budget or "
                                             "a forced mode cannot be kept");
    *mode = th->budget == 0 ? REASON_THINK_OFF
            : th->thought   ? REASON_THINK_ON
                            : th->mode;
    return REASON_OK;
}

/* --- token lists ------------------------------------------------------------------- */

/* Whether the tokens from `first` on stand for exactly this text; a file's tokens need
 * not hold every byte. */
static bool spells(const rsn_vocab *vocab, const rsn_vocab_ids *ids, size_t first,
                   const rsn_str *text) {
    size_t at = 0;
    for (size_t i = first; i < ids->n; i++) {
        rsn_text part = rsn_vocab_bytes(vocab, ids->items[i]);
        if (part.n > text->n - at ||
            memcmp(rsn_str_text(text) + at, part.data, part.n) != 0)
            return false;
        at += part.n;
    }
    return at == text->n;
}

/* Appends the ids of texts joined, tags among them. */
static reason_status encode(const rsn_model *model, const rsn_text *parts, size_t n,
                            rsn_vocab_ids *ids) {
    rsn_str text = {0};
    size_t first = ids->n;
    for (size_t i = 0; i < n; i++)
        rsn_str_add(&text, parts[i].data, parts[i].n);
    reason_status status = REASON_OK;
    if (text.failed)
        status = rsn_fail_memory(text.n);
    else
        status = rsn_vocab_encode(model->vocab, rsn_str_text(&text), text.n,
                                  REASON_TOKENS_SPECIAL | RSN_VOCAB_GOES_ON, ids);
    if (status == REASON_OK && !spells(model->vocab, ids, first, &text))
        status = rsn_fail(REASON_ERR_MISMATCH,
                          "the model's tokenizer cannot spell its thinking tags");
    rsn_str_free(&text);
    return status;
}

/* How many bytes at the start of text are an end of the tag, not all of it. */
static size_t tag_end(rsn_text text, rsn_text tag) {
    for (size_t n = tag.n < text.n ? tag.n - 1 : text.n; n > 0; n--)
        if (memcmp(text.data, tag.data + tag.n - n, n) == 0)
            return n;
    return 0;
}

/* A host's text for inside the block: it must not end the block, also not behind a half
 * tag that the model has written. */
static reason_status encode_inside(const rsn_model *model, rsn_text text,
                                   const char *name, rsn_vocab_ids *ids) {
    const rsn_tags *tags = &model->tags;
    if (text.n > 0 && (memmem(text.data, text.n, tags->close.data, tags->close.n) ||
                       memmem(text.data, text.n, tags->open.data, tags->open.n)))
        return rsn_fail(REASON_ERR_INVALID_ARG, "%s holds a thinking tag", name);
    size_t end = tag_end(text, tags->close);
    if (end > 0)
        return rsn_fail(REASON_ERR_INVALID_ARG,
                        "%s begins with %s, which could complete a closing tag", name,
                        rsn_quote(text.data, end).text);
    return text.n > 0 ? rsn_vocab_encode(model->vocab, text.data, text.n,
                                         RSN_VOCAB_GOES_ON, ids)
                      : REASON_OK;
}

static rsn_text text_of(const char *z) {
    return (rsn_text){z ? z : "", z ? strlen(z) : 0};
}

static reason_status make_ids(const rsn_model *model, const reason_thinking *th,
                              const rsn_prompt *prompt, rsn_rule_ids *ids) {
    const rsn_tags *t = &model->tags;
    /* What an open prompt lacks of an empty block: nothing of it, or the rest. */
    rsn_text rest = t->empty;
    if (prompt->open && prompt->tail.n <= t->empty.n &&
        memcmp(t->empty.data, prompt->tail.data, prompt->tail.n) == 0) {
        rest.data += prompt->tail.n;
        rest.n -= prompt->tail.n;
    } else if (prompt->open) {
        rest.n = 0;
    }
    reason_status status;
    if ((status = encode(model, &t->opener, 1, &ids->opening)) ||
        (status = encode(model, &t->closer, 1, &ids->closing)) ||
        (status = encode(model, &t->silence, 1, &ids->silence)) ||
        (status = encode(model, (rsn_text[]){rest, t->closer}, 2, &ids->empty_rest)) ||
        (status = encode(model, (rsn_text[]){t->before_open, t->open}, 2, &ids->probe)))
        return status;
    ids->n_probe_open = ids->probe.n;
    if ((!t->family->no_block &&
         (status = encode(model, (rsn_text[]){t->empty, t->close}, 2, &ids->probe))) ||
        (status =
             encode_inside(model, th->wait_text ? text_of(th->wait_text) : DEFAULT_WAIT,
                           "wait_text", &ids->wait)))
        return status;
    return encode_inside(model, text_of(th->close_text), "close_text", &ids->close_text);
}

/* Appends the ids of another list. */
static reason_status join(const rsn_vocab_ids *from, rsn_vocab_ids *to) {
    reason_status status = RSN_GROW(&to->items, &to->cap, to->n + from->n);
    if (status == REASON_OK && from->n > 0)
        memcpy(to->items + to->n, from->items, from->n * sizeof *from->items);
    to->n += status == REASON_OK ? from->n : 0;
    return status;
}

/* Those of policies: a thought that is given, and what asks for an answer. */
static reason_status make_policy_ids(const rsn_model *model, const reason_thinking *th,
                                     const rsn_prompt *prompt, rsn_rule_ids *ids) {
    rsn_text probe = text_of(th->probe_text);
    reason_status status = REASON_OK;
    if (th->thought && !prompt->open)
        status = join(&ids->opening, &ids->thought);
    if (status == REASON_OK && th->thought)
        status = encode_inside(model, text_of(th->thought), "thought", &ids->thought);
    if (status == REASON_OK)
        status = join(&ids->closing, &ids->question);
    if (status == REASON_OK && probe.n > 0)
        status = rsn_vocab_encode(model->vocab, probe.data, probe.n, RSN_VOCAB_GOES_ON,
                                  &ids->question);
    return status;
}

void rsn_rule_ids_free(rsn_rule_ids *ids) {
    rsn_free(ids->opening.items);
    rsn_free(ids->closing.items);
    rsn_free(ids->silence.items);
    rsn_free(ids->empty_rest.items);
    rsn_free(ids->wait.items);
    rsn_free(ids->close_text.items);
    rsn_free(ids->probe.items);
    rsn_free(ids->thought.items);
    rsn_free(ids->question.items);
}

/* --- room -------------------------------------------------------------------------- */

static size_t minus(size_t a, size_t b) {
    return a > b ? a - b : 0;
}

static rsn_ids view(const rsn_vocab_ids *ids) {
    return (rsn_ids){ids->items, ids->n};
}

/* The answer's right. CONTEXT_FULL if it does not fit beside `n_closer` tokens of a
 * closing tag; where these have to come (`must`), max_tokens has to hold both as well. */
static reason_status set_answer(const reason_thinking *th, int32_t max_tokens,
                                size_t n_prompt, size_t n_ctx, size_t n_closer, bool must,
                                rsn_think_rules *r) {
    bool by_default = th->min_answer < 0;
    r->min_answer = by_default ? DEFAULT_MIN_ANSWER : (size_t)th->min_answer;
    if (by_default && max_tokens > 0 && r->min_answer + n_closer > (size_t)max_tokens)
        r->min_answer = minus((size_t)max_tokens, n_closer);
    size_t held = (size_t)th->chunk + (size_t)th->chunk_keep;
    if (n_prompt >= n_ctx || n_closer + r->min_answer + held > n_ctx - n_prompt)
        return rsn_fail(
            REASON_ERR_CONTEXT_FULL,
            "a prompt of %zu tokens, %zu of thinking tags, %zu of a chunk and %zu kept for "
            "the answer do not fit the context of %zu",
            n_prompt, n_closer, held, r->min_answer, n_ctx);
    if (must && n_closer + r->min_answer > r->room)
        return rsn_fail(
            REASON_ERR_INVALID_ARG,
            "max_tokens %d cannot hold %zu tokens that close the prompt's block and "
            "min_answer %zu",
            max_tokens, n_closer, r->min_answer);
    return REASON_OK;
}

static size_t effort_share(reason_effort effort, size_t room) {
    switch (effort) {
    case REASON_EFFORT_LOW: return room / 4;
    case REASON_EFFORT_MEDIUM: return room / 2;
    default: return room;
    }
}

/* The room of blocks, and the budget in force. */
static void set_budget(const reason_thinking *th, size_t n_open, rsn_prompt *prompt,
                       rsn_think_rules *r) {
    size_t room = minus(r->room, n_open + r->closing.n + r->min_answer);
    r->budget = room;
    if (th->effort != REASON_EFFORT_NONE &&
        prompt->effort_use != REASON_EFFORT_TEMPLATE) {
        r->budget = effort_share(th->effort, room);
        prompt->effort_use = REASON_EFFORT_BUDGET;
    }
    if (th->budget >= 0 && (size_t)th->budget < r->budget)
        r->budget = (size_t)th->budget;
    if (r->mode == REASON_THINK_OFF)
        r->budget = 0;
}

/* What is forced at the start when there is to be no thinking. */
static rsn_ids silence(const rsn_rule_ids *ids, const rsn_prompt *prompt) {
    if (prompt->open)
        return view(&ids->empty_rest);
    if (prompt->closed || prompt->off_by_template)
        return (rsn_ids){0};
    return view(&ids->silence);
}

/* A thought that is given is the whole of the thinking, or refused. */
static reason_status set_thought(const rsn_prompt *prompt, const rsn_rule_ids *ids,
                                 rsn_think_rules *r) {
    size_t n = ids->thought.n - (prompt->open ? 0 : ids->opening.n);
    if (n > r->budget)
        return rsn_fail(REASON_ERR_INVALID_ARG,
                        "a thought of %zu tokens is beyond the budget in force, %zu", n,
                        r->budget);
    r->thought = view(&ids->thought);
    return REASON_OK;
}

/* The rules of a generation that may think; *thinks false: there is no room for one token
 * of it. */
static reason_status set_thinking(const reason_thinking *th, int32_t max_tokens,
                                  size_t n_ctx, rsn_prompt *prompt,
                                  const rsn_rule_ids *ids, rsn_think_rules *r,
                                  bool *thinks) {
    rsn_ids quiet = silence(ids, prompt);
    bool opens = r->mode == REASON_THINK_ON && !prompt->open;
    size_t closers = prompt->open && quiet.n > ids->closing.n ? quiet.n : ids->closing.n;
    reason_status status =
        set_answer(th, max_tokens, prompt->ids.n, n_ctx, closers, prompt->open, r);
    if (status != REASON_OK)
        return status;
    set_budget(th, prompt->open ? 0 : ids->opening.n, prompt, r);
    *thinks = r->budget > 0 || (r->mode == REASON_THINK_AUTO && !prompt->open);
    if (*thinks && opens)
        r->first = view(&ids->opening);
    return th->thought ? set_thought(prompt, ids, r) : REASON_OK;
}

/* The rules of a generation that does not think. An empty block that would take the
 * answer's room is left out: no block can be opened anyway. */
static reason_status set_silence(const reason_thinking *th, int32_t max_tokens,
                                 size_t n_ctx, rsn_prompt *prompt,
                                 const rsn_rule_ids *ids, rsn_think_rules *r) {
    r->mode = REASON_THINK_OFF;
    r->silenced_by = th->mode == REASON_THINK_OFF ? RSN_CLOSE_NONE : RSN_CLOSE_BUDGET;
    set_budget(th, 0, prompt, r);
    r->first = silence(ids, prompt);
    r->first_space_n = 0; /* it has the white space of an empty block, not of an opener */
    size_t closers = prompt->open || r->first.n == 0 ? r->first.n : ids->closing.n;
    reason_status status =
        set_answer(th, max_tokens, prompt->ids.n, n_ctx, closers, prompt->open, r);
    if (!prompt->open && r->first.n + r->min_answer > r->room)
        r->first = (rsn_ids){0};
    return status;
}

static reason_status set_room(const reason_thinking *th, int32_t max_tokens, size_t n_ctx,
                              rsn_prompt *prompt, const rsn_rule_ids *ids,
                              rsn_think_rules *r) {
    bool thinks = false;
    reason_status status = REASON_OK;
    r->room = minus(n_ctx, prompt->ids.n);
    if (max_tokens > 0 && ((size_t)max_tokens < r->room || th->chunk > 0))
        r->room = (size_t)max_tokens;
    if (r->mode != REASON_THINK_OFF)
        status = set_thinking(th, max_tokens, n_ctx, prompt, ids, r, &thinks);
    if (status != REASON_OK || thinks)
        return status;
    return set_silence(th, max_tokens, n_ctx, prompt, ids, r);
}

/* A model without tags: everything is answer, only the room counts. */
static reason_status set_plain(int32_t max_tokens, size_t n_ctx, size_t n_prompt,
                               rsn_think_rules *r) {
    r->room = minus(n_ctx, n_prompt);
    if (r->room == 0)
        return rsn_fail(REASON_ERR_CONTEXT_FULL,
                        "a prompt of %zu tokens leaves nothing of the context of %zu",
                        n_prompt, n_ctx);
    if (max_tokens > 0 && (size_t)max_tokens < r->room)
        r->room = (size_t)max_tokens;
    return REASON_OK;
}

reason_status rsn_rules_make(const rsn_model *model, const reason_thinking *th,
                             int32_t max_tokens, size_t n_ctx, reason_think_mode mode,
                             rsn_prompt *prompt, rsn_rule_ids *ids, rsn_think_rules *r) {
    memset(ids, 0, sizeof *ids);
    memset(r, 0, sizeof *r);
    r->mode = mode;
    if (model->tags.open.n == 0)
        return set_plain(max_tokens, n_ctx, prompt->ids.n, r);
    reason_status status = make_ids(model, th, prompt, ids);
    if (status == REASON_OK)
        status = make_policy_ids(model, th, prompt, ids);
    if (status != REASON_OK)
        return status;
    r->open = model->tags.open;
    r->close = model->tags.close;
    r->before_open = model->tags.before_open;
    r->empty = model->tags.empty;
    r->after_close_n = model->tags.close_eat;
    r->marks = model->tags.family->marks;
    r->n_marks = model->tags.n_marks;
    r->min_tokens = (size_t)th->min_tokens;
    r->max_waits = (size_t)th->max_waits;
    r->grace = (size_t)th->grace;
    r->prompt_is_open = prompt->open;
    r->prompt_tail = prompt->tail;
    r->prompt_in_header = prompt->in_header;
    r->opener_n = ids->opening.n;
    r->closing = view(&ids->closing);
    r->first_space_n =
        mode == REASON_THINK_ON && !prompt->open ? model->tags.after_open.n : 0;
    r->wait = view(&ids->wait);
    r->close_text = view(&ids->close_text);
    return set_room(th, max_tokens, n_ctx, prompt, ids, r);
}
