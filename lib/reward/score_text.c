/* From a prompt and responses to sequences of tokens. Owns where in a sequence the response
 * is and which of its tokens a kind reads. Left to others: the template and the tokenizer,
 * and what is read. Invariant: a sequence depends on the prompt and its own response alone,
 * so that the others change no score. */
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/json.h"
#include "decode/prompt.h"
#include "reward/score.h"
#include "reward/steps.h"

/* What all responses have in common while their sequences are made. */
typedef struct builder {
    rsn_scoring *s;
    rsn_prompt prompt;  /* up to where a response is generated */
    rsn_str messages;   /* the conversation as a JSON array that is not closed */
    rsn_text step;      /* spelling of the step token; n = 0: there is none */
    rsn_cuts cuts;      /* of the response at hand */
    rsn_str body, text; /* it as it goes into the sequence; all that is tokenized */
} builder;

enum { FLAGS = REASON_TOKENS_SPECIAL };

/* --- the text ------------------------------------------------------------------------ */

static void trim_end(rsn_str *s) {
    while (s->n > 0 && strchr(" \t\r\n", s->data[s->n - 1]))
        rsn_str_cut(s, s->n - 1);
}

/* Takes the bracket off, so that a message can be put behind the others. */
static reason_status open_list(rsn_str *json) {
    trim_end(json);
    if (json->n == 0 || json->data[json->n - 1] != ']')
        return rsn_fail(REASON_ERR_FORMAT, "messages: a JSON array is expected");
    rsn_str_cut(json, json->n - 1);
    trim_end(json);
    if (json->n > 0 && json->data[json->n - 1] != '[')
        rsn_str_addc(json, ',');
    return json->failed ? rsn_fail_memory(json->n) : REASON_OK;
}

static reason_status render(builder *b) {
    static const char no_prompt[] = "{\"add_generation_prompt\":false}";
    const reason_request *r = b->s->prompt;
    rsn_str json = {0};
    rsn_str_add(&json, rsn_str_text(&b->messages), b->messages.n);
    rsn_str_addz(&json, "{\"role\":\"assistant\",\"content\":");
    rsn_json_quote(&json, rsn_str_text(&b->body), b->body.n, false);
    rsn_str_addz(&json, "}]");
    const rsn_render what = {.template_text = r->template_text,
                             .messages_json = rsn_str_text(&json),
                             .variables = {r->variables_json, no_prompt},
                             .now = r->now};
    reason_status status = json.failed ? rsn_fail_memory(json.n)
                                       : rsn_prompt_render(b->s->model, &what, &b->text);
    rsn_str_free(&json);
    return status;
}

/* Where the steps of the response are; the separator is the caller's, or the step token
 * where the response has it. */
static reason_status cut_steps(builder *b, const rsn_candidate *c) {
    const char *given = b->s->request->step_separator;
    rsn_text separator = given ? (rsn_text){given, strlen(given)} : (rsn_text){"", 0};
    if (!given && b->step.n > 0 &&
        memmem(c->text.data, c->text.n, b->step.data, b->step.n))
        separator = b->step;
    return rsn_steps_cut(&b->s->model->tags, c->text, b->s->open, separator, &b->cuts);
}

/* The response, with a step token behind each step where the model has one. */
static reason_status write_body(builder *b, const rsn_candidate *c) {
    bool marked = b->s->kind->where == RSN_WHERE_STEPS && b->step.n > 0;
    rsn_str_cut(&b->body, 0);
    for (size_t i = 0; marked && i < b->cuts.n; i++) {
        const rsn_cut *cut = &b->cuts.items[i];
        rsn_str_add(&b->body, c->text.data + cut->begin, cut->content - cut->begin);
        rsn_str_add(&b->body, b->step.data, b->step.n);
    }
    if (!marked)
        rsn_str_add(&b->body, c->text.data, c->text.n);
    return b->body.failed ? rsn_fail_memory(c->text.n) : REASON_OK;
}

static reason_status write_text(builder *b, const rsn_candidate *c) {
    reason_status status = write_body(b, c);
    rsn_str_cut(&b->text, 0);
    if (status != REASON_OK)
        return status;
    if (!b->s->prompt->text)
        return render(b);
    rsn_str_add(&b->text, rsn_str_text(&b->body), b->body.n);
    return b->text.failed ? rsn_fail_memory(b->body.n) : REASON_OK;
}

/* --- tokens -------------------------------------------------------------------------- */

static reason_status add_place(rsn_candidate *c, size_t at) {
    reason_status status = RSN_GROW(&c->places, &c->places_cap, c->n_places + 1);
    if (status == REASON_OK)
        c->places[c->n_places++] = at;
    return status;
}

/* Tokenizes bytes [from, to) of the text, which goes on from what the sequence has. */
static reason_status encode(const builder *b, size_t from, size_t to, rsn_candidate *c) {
    return rsn_vocab_encode(b->s->model->vocab, rsn_str_text(&b->text) + from, to - from,
                            FLAGS | (c->ids.n > 0 ? RSN_VOCAB_GOES_ON : 0), &c->ids);
}

/* Where a step ends in the text, from `at` on: templates may change what is around it. */
static size_t find_step(const builder *b, const rsn_candidate *c, const rsn_cut *cut,
                        size_t at) {
    const char *text = rsn_str_text(&b->text), *step = c->text.data + cut->begin;
    size_t n = cut->content - cut->begin, behind = cut->content;
    while (n > 0 && strchr(" \t\r\n", step[n - 1])) {
        n--;
        behind--;
    }
    while (n > 0 && strchr(" \t\r\n", *step)) {
        step++;
        n--;
    }
    const char *hit = memmem(text + at, b->text.n - at, step, n);
    if (!hit)
        return 0;
    at = (size_t)(hit - text) + n;
    while (at < b->text.n && behind < cut->end && text[at] == c->text.data[behind]) {
        at++;
        behind++;
    }
    return at;
}

/* Each step is tokenized for itself, so that one token is its last. */
static reason_status encode_steps(builder *b, rsn_candidate *c) {
    size_t at = 0, begin = 0;
    reason_status status = REASON_OK;
    if (!b->s->prompt->text) {
        const char *a = rsn_str_text(&b->prompt.text), *t = rsn_str_text(&b->text);
        size_t most = b->prompt.text.n < b->text.n ? b->prompt.text.n : b->text.n;
        while (begin < most && a[begin] == t[begin])
            begin++;
    }
    for (size_t i = 0; i < b->cuts.n && status == REASON_OK; i++) {
        size_t end = find_step(b, c, &b->cuts.items[i], begin);
        if (end == 0)
            return rsn_fail(REASON_ERR_MISMATCH,
                            "the chat template leaves out or changes step %zu", i);
        status = encode(b, at, end, c);
        if (status == REASON_OK)
            status = add_place(c, c->ids.n - 1);
        at = begin = end;
    }
    return status == REASON_OK ? encode(b, at, b->text.n, c) : status;
}

/* Templates put the end of a turn behind the response, and sometimes more: what follows
 * the last token that ends a turn is nobody's. */
static void find_end(const builder *b, rsn_candidate *c) {
    c->end = c->ids.n;
    for (size_t i = c->ids.n; !b->s->prompt->text && i > c->n_prompt; i--)
        if (rsn_vocab_is_end(b->s->model->vocab, c->ids.items[i - 1])) {
            c->end = i;
            return;
        }
}

static reason_status push_all(rsn_vocab_ids *to, const rsn_vocab_ids *from) {
    reason_status status = RSN_GROW(&to->items, &to->cap, to->n + from->n);
    if (status != REASON_OK || from->n == 0)
        return status;
    memcpy(to->items + to->n, from->items, from->n * sizeof *to->items);
    to->n += from->n;
    return REASON_OK;
}

static reason_status encode_all(builder *b, rsn_candidate *c) {
    const char *suffix = b->s->request->suffix ? b->s->request->suffix : "";
    const rsn_vocab_ids *prompt = &b->prompt.ids;
    bool cut = b->s->kind->where == RSN_WHERE_STEPS && b->step.n == 0, plain = b->s->prompt->text;
    reason_status status = plain ? push_all(&c->ids, prompt) : REASON_OK;
    if (status == REASON_OK)
        status = cut ? encode_steps(b, c) : encode(b, 0, b->text.n, c);
    if (status != REASON_OK)
        return status;
    size_t most = prompt->n < c->ids.n ? prompt->n : c->ids.n;
    c->n_prompt = rsn_same_tokens(prompt->items, c->ids.items, most);
    if (c->n_prompt == 0 && b->s->kind->ahead)
        c->n_prompt = 1; /* nothing says how likely a first token is */
    find_end(b, c);
    return rsn_vocab_encode(b->s->model->vocab, suffix, strlen(suffix),
                            FLAGS | RSN_VOCAB_GOES_ON, &c->ids);
}

/* --- places -------------------------------------------------------------------------- */

/* Heads are trained on batches: they read the last token that is not the padding one, which
 * is the end of text in some vocabularies, and then is not read. */
static size_t last_token(const builder *b, const rsn_candidate *c) {
    int32_t pad = rsn_vocab_pad(b->s->model->vocab);
    size_t at = c->ids.n - 1;
    while (b->s->kind->head && at > 0 && c->ids.items[at] == pad)
        at--;
    return at;
}

static reason_status find_places(const builder *b, rsn_candidate *c) {
    const rsn_score_kind *kind = b->s->kind;
    int32_t step = b->s->model->hp.head.step_token;
    reason_status status = REASON_OK;
    if (kind->where == RSN_WHERE_LAST)
        status = add_place(c, last_token(b, c));
    for (size_t i = c->n_prompt; i < c->end && status == REASON_OK; i++)
        if (kind->where == RSN_WHERE_RESPONSE ||
            (kind->where == RSN_WHERE_STEPS && b->step.n > 0 && c->ids.items[i] == step))
            status = add_place(c, i);
    if (status == REASON_OK && c->n_places == 0)
        return rsn_fail(REASON_ERR_INVALID_ARG, "it has no %s to be scored",
                        kind->where == RSN_WHERE_STEPS ? "step" : "token");
    return status;
}

static reason_status build(builder *b, rsn_candidate *c) {
    reason_status status =
        b->s->kind->where == RSN_WHERE_STEPS ? cut_steps(b, c) : REASON_OK;
    if (status == REASON_OK)
        status = write_text(b, c);
    if (status == REASON_OK)
        status = encode_all(b, c);
    if (status == REASON_OK)
        status = find_places(b, c);
    return status == REASON_OK
               ? rsn_guards_look(b->s->model, c->text, b->s->open, &c->guards)
               : status;
}

/* --- all ----------------------------------------------------------------------------- */

static reason_status begin(builder *b) {
    static const reason_thinking plain = {
        .size = sizeof plain, .budget = -1, .min_answer = -1, .close_temperature = 1};
    rsn_scoring *s = b->s;
    reason_status status =
        rsn_prompt_build(s->model, s->prompt, REASON_THINK_AUTO, &plain, NULL, &b->prompt);
    s->open = b->prompt.open;
    s->usage.prompt_tokens = b->prompt.ids.n;
    if (status == REASON_OK && s->model->hp.head.step_token >= 0)
        b->step = rsn_vocab_bytes(s->model->vocab, s->model->hp.head.step_token);
    if (status == REASON_OK && !s->prompt->text)
        status = rsn_conversation_json(s->prompt, &b->messages);
    if (status == REASON_OK && !s->prompt->text)
        status = open_list(&b->messages);
    return status;
}

static void share(rsn_scoring *s) {
    const rsn_vocab_ids *first = &s->list[0].ids;
    s->n_shared = first->n;
    for (size_t i = 0; i < s->n; i++) {
        const rsn_vocab_ids *ids = &s->list[i].ids;
        size_t most = s->n_shared < ids->n ? s->n_shared : ids->n;
        s->n_shared = rsn_same_tokens(first->items, ids->items, most);
        s->usage.tokens += ids->n;
    }
    s->usage.shared_tokens = s->n_shared;
}

reason_status rsn_score_texts(rsn_scoring *s) {
    builder b = {.s = s};
    char place[48];
    reason_status status = begin(&b);
    for (size_t i = 0; i < s->n && status == REASON_OK; i++) {
        status = build(&b, &s->list[i]);
        if (status != REASON_OK && status != REASON_ERR_NO_MEMORY) {
            (void)snprintf(place, sizeof place, "response %zu", i);
            status = rsn_fail_within(status, place);
        }
    }
    if (status == REASON_OK)
        share(s);
    rsn_prompt_free(&b.prompt);
    rsn_str_free(&b.messages);
    rsn_free(b.cuts.items);
    rsn_str_free(&b.body);
    rsn_str_free(&b.text);
    return status;
}
