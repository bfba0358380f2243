/* Prompts. Owns which template runs with which variables, and what its text says about
 * thinking; the template engine and the tokenizer do the work. */
#include "decode/prompt.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"

static void add_field(rsn_str *json, const char *key, const char *value, bool first) {
    rsn_str_addf(json, "%s\"%s\":", first ? "" : ",", key);
    rsn_json_quote(json, value, strlen(value), false);
}

reason_status rsn_messages_json(const reason_message *const *messages, size_t n,
                                rsn_str *json) {
    rsn_str_addc(json, '[');
    for (size_t i = 0; i < n; i++) {
        rsn_str_addz(json, i ? ",{" : "{");
        add_field(json, "role", messages[i]->role, true);
        add_field(json, "content", messages[i]->content, false);
        if (messages[i]->reasoning)
            add_field(json, "reasoning_content", messages[i]->reasoning, false);
        rsn_str_addc(json, '}');
    }
    rsn_str_addc(json, ']');
    return json->failed ? rsn_fail_memory(json->n) : REASON_OK;
}

/* --- the template ------------------------------------------------------------------ */

/* The template to use: *own is one compiled here, to be freed. */
static reason_status pick_template(const rsn_model *model, const char *text,
                                   rsn_template **own, const rsn_template **use) {
    *own = NULL;
    if (text) {
        reason_status status = rsn_template_compile(text, strlen(text), own);
        *use = *own;
        return status;
    }
    if (!model || model->template_source.n == 0)
        return rsn_fail(REASON_ERR_MISMATCH,
                        "the model has no chat template; give plain text, or a template");
    *use = model->chat;
    if (model->chat)
        return REASON_OK;
    /* It did not compile when the model was opened: say why now. */
    reason_status status =
        rsn_template_compile(model->template_source.data, model->template_source.n, own);
    *use = *own;
    return status;
}

/* Templates take anything for `messages`; the interface takes a list. */
static reason_status check_list(const char *json) {
    const char *at = json + strspn(json, " \t\r\n");
    if (*at == '[')
        return REASON_OK;
    return rsn_fail(REASON_ERR_FORMAT,
                    "messages: found %s where a JSON array is expected",
                    rsn_quote(at, strlen(at)).text);
}

/* What Transformers defines whether the caller says so or not. */
static const char always_defined[] = "{\"tools\":null,\"documents\":null}";

static reason_status render(const rsn_model *model, const rsn_template *chat,
                            const rsn_render *what, rsn_str *text) {
    rsn_str defaults = {0};
    const char *layers[4] = {always_defined};
    size_t n = 1;
    reason_status status = rsn_model_token_variables(model, &defaults);
    layers[n++] = rsn_str_text(&defaults);
    for (size_t i = 0; i < sizeof what->variables / sizeof *what->variables; i++)
        if (what->variables[i])
            layers[n++] = what->variables[i];
    rsn_template_input in = {.messages_json = what->messages_json,
                             .n_messages_json =
                                 what->messages_json ? strlen(what->messages_json) : 0,
                             .variables_json = layers,
                             .n_variables = n,
                             .now = what->now};
    if (status == REASON_OK && what->messages_json)
        status = check_list(what->messages_json);
    if (status == REASON_OK)
        status = rsn_template_render(chat, &in, text);
    rsn_str_free(&defaults);
    return status;
}

reason_status rsn_prompt_render(const rsn_model *model, const rsn_render *what,
                                rsn_str *text) {
    rsn_template *own;
    const rsn_template *chat;
    reason_status status = pick_template(model, what->template_text, &own, &chat);
    if (status == REASON_OK)
        status = render(model, chat, what, text);
    rsn_template_free(own);
    return status;
}

/* --- variables about thinking ------------------------------------------------------ */

static void add_variable(rsn_str *json, const char *name, const char *value) {
    rsn_str_addf(json, "%s\"%s\":%s", json->n > 1 ? "," : "", name, value);
}

/* What an effort and a budget mean to this template. One that counts tokens is told the
 * budget rather than the effort, which then becomes a share of the room. */
static void add_effort(const rsn_template *chat, const rsn_effort_variable *effort,
                       const reason_thinking *th, rsn_prompt *prompt, rsn_str *json) {
    if (!rsn_template_mentions(chat, effort->name))
        return;
    if (effort->takes_budget && th->budget > 0) {
        char budget[16];
        (void)snprintf(budget, sizeof budget, "%d", (int)th->budget);
        add_variable(json, effort->name, budget);
    } else if (th->effort != REASON_EFFORT_NONE) {
        add_variable(json, effort->name, effort->values[th->effort - 1]);
        prompt->effort_use = REASON_EFFORT_TEMPLATE;
    }
}

/* What a mode and an effort mean to this template, as a JSON object; whether it has a
 * switch. */
static reason_status thinking_variables(const rsn_template *chat,
                                        const rsn_family *family,
                                        reason_think_mode mode, const reason_thinking *th,
                                        rsn_prompt *prompt, rsn_str *json,
                                        bool *switched) {
    rsn_str_addc(json, '{');
    for (size_t i = 0; i < RSN_FAMILY_SWITCHES && family->switches[i].name; i++) {
        const rsn_switch *s = &family->switches[i];
        const char *value = mode == REASON_THINK_ON    ? s->on
                            : mode == REASON_THINK_OFF ? s->off
                                                       : NULL;
        if (value && rsn_template_mentions(chat, s->name)) {
            add_variable(json, s->name, value);
            *switched = true;
        }
    }
    if (mode != REASON_THINK_OFF || !family->effort->takes_budget)
        add_effort(chat, family->effort, th, prompt, json);
    rsn_str_addc(json, '}');
    return json->failed ? rsn_fail_memory(json->n) : REASON_OK;
}

reason_status rsn_conversation_json(const reason_request *r, rsn_str *json) {
    if (r->messages_json) {
        rsn_str_addz(json, r->messages_json);
        return json->failed ? rsn_fail_memory(json->n) : REASON_OK;
    }
    if (r->messages)
        return rsn_messages_json(r->messages, r->n_messages, json);
    reason_message system = {sizeof system, "system", r->system, NULL};
    reason_message user = {sizeof user, "user", r->prompt, NULL};
    const reason_message *both[] = {&system, &user};
    return rsn_messages_json(r->system ? both : both + 1, r->system ? 2 : 1, json);
}

/* Renders the request with the variables of a mode. */
static reason_status render_mode(const rsn_model *model, const rsn_template *chat,
                                 const reason_request *r, const char *messages,
                                 reason_think_mode mode, const reason_thinking *th,
                                 rsn_prompt *prompt, bool *switched) {
    rsn_str variables = {0};
    reason_status status = thinking_variables(chat, model->tags.family, mode, th, prompt,
                                              &variables, switched);
    rsn_render what = {.messages_json = messages,
                       .variables = {rsn_str_text(&variables), r->variables_json},
                       .now = r->now};
    if (status == REASON_OK)
        status = render(model, chat, &what, &prompt->text);
    rsn_str_free(&variables);
    return status;
}

/* Whether the switch made a difference: a template may read its variable and yet go by a
 * system message, or by what the host has set. */
static reason_status compare_switched(const rsn_model *model, const rsn_template *chat,
                                      const reason_request *r, const char *messages,
                                      const reason_thinking *th, rsn_prompt *prompt) {
    bool switched = false;
    rsn_prompt on = {0};
    reason_status status =
        render_mode(model, chat, r, messages, REASON_THINK_ON, th, &on, &switched);
    prompt->off_by_template =
        status != REASON_OK || on.text.n != prompt->text.n ||
        memcmp(rsn_str_text(&on.text), rsn_str_text(&prompt->text), on.text.n) != 0;
    rsn_prompt_free(&on);
    return status == REASON_ERR_NO_MEMORY ? status : REASON_OK;
}

static reason_status render_request(const rsn_model *model, const reason_request *r,
                                    reason_think_mode mode, const reason_thinking *th,
                                    rsn_prompt *prompt) {
    rsn_template *own;
    const rsn_template *chat;
    rsn_str json = {0};
    bool switched = false;
    reason_status status = pick_template(model, r->template_text, &own, &chat);
    if (status == REASON_OK)
        status = rsn_conversation_json(r, &json);
    const char *messages = rsn_str_text(&json);
    if (status == REASON_OK)
        status = render_mode(model, chat, r, messages, mode, th, prompt, &switched);
    if (status == REASON_OK && switched && mode == REASON_THINK_OFF)
        status = compare_switched(model, chat, r, messages, th, prompt);
    rsn_str_free(&json);
    rsn_template_free(own);
    return status;
}

/* --- what the text says ------------------------------------------------------------ */

static const char *find_last(rsn_text in, rsn_text what) {
    const char *hit = NULL, *next = in.data;
    while (next && what.n > 0) {
        next = memmem(next, in.n - (size_t)(next - in.data), what.data, what.n);
        hit = next ? next++ : hit;
    }
    return hit;
}

static bool only_space(const char *text, const char *end) {
    while (text < end &&
           (*text == ' ' || *text == '\n' || *text == '\t' || *text == '\r'))
        text++;
    return text == end;
}

static bool is_text(rsn_text a, rsn_text b) {
    return a.n == b.n && a.n > 0 && memcmp(a.data, b.data, a.n) == 0;
}

/* Where the last turn begins: behind the last token that begins turns, or the last
 * control token that is no part of a tag. Earlier turns may speak of tags without having
 * a block open. */
static size_t last_turn(const rsn_model *model, const rsn_prompt *p) {
    rsn_text turn = model->tags.family->turn;
    size_t at = p->text.n;
    for (size_t i = p->ids.n; i-- > 0;) {
        int32_t id = p->ids.items[i];
        rsn_text bytes = rsn_vocab_bytes(model->vocab, id);
        if (turn.n > 0 ? is_text(bytes, turn)
                       : rsn_vocab_is_control(model->vocab, id) &&
                             !rsn_tags_have(&model->tags, bytes))
            break;
        at -= bytes.n < at ? bytes.n : at;
    }
    return at;
}

/* Whether the last mark of the turn is a header's. */
static bool ends_in_header(const rsn_model *model, const rsn_prompt *p, rsn_text text) {
    const rsn_tags *tags = &model->tags;
    rsn_text turn = tags->family->turn;
    bool begun = turn.n > 0 && text.n < p->text.n, header = false;
    const char *last = NULL;
    for (size_t i = 0; i < tags->n_marks; i++) {
        const rsn_mark *mark = &tags->family->marks[i];
        const char *hit = find_last(text, mark->text);
        if (hit ? !last || hit > last : !last && begun && is_text(mark->text, turn))
            header = mark->header;
        last = hit && (!last || hit > last) ? hit : last;
    }
    return header;
}

static void read_blocks(const rsn_model *model, rsn_prompt *p) {
    const rsn_tags *tags = &model->tags;
    size_t from = last_turn(model, p);
    from = from > p->others_end ? from : p->others_end; /* others open no block */
    rsn_text text = {rsn_str_text(&p->text) + from, p->text.n - from};
    const char *end = text.data + text.n;
    const char *open = find_last(text, tags->open), *close = find_last(text, tags->close),
               *answer = find_last(text, tags->family->answer_open);
    p->open = open && (!close || close < open);
    p->closed = !p->open && ((close && only_space(close + tags->close.n, end)) || answer);
    p->in_header = !p->open && ends_in_header(model, p, text);
    if (p->open) {
        p->tail.data = open + tags->open.n;
        p->tail.n = (size_t)(end - p->tail.data);
    }
}

reason_status rsn_prompt_check(const reason_request *r) {
    int n = (r->prompt != NULL) + (r->messages != NULL) + (r->messages_json != NULL) +
            (r->text != NULL);
    if (n != 1)
        return rsn_fail(
            REASON_ERR_INVALID_ARG,
            "%d of prompt, messages, messages_json and text are given, exactly one "
            "expected",
            n);
    if (r->system && !r->prompt)
        return rsn_fail(REASON_ERR_INVALID_ARG, "system goes with prompt only");
    for (size_t i = 0; r->messages && i < r->n_messages; i++)
        if (!r->messages[i] || !r->messages[i]->role || !r->messages[i]->content)
            return rsn_fail(REASON_ERR_INVALID_ARG,
                            "message %zu is NULL or lacks role or content", i);
    return REASON_OK;
}

static reason_status encode(const rsn_model *model, const rsn_inserts *inserts,
                            uint32_t flags, rsn_prompt *prompt) {
    rsn_vocab_spans spans = {0};
    reason_status status =
        inserts ? rsn_inserts_put(inserts, &prompt->text, &spans) : REASON_OK;
    if (status == REASON_OK)
        status =
            rsn_vocab_encode_around(model->vocab, rsn_str_text(&prompt->text),
                                    prompt->text.n, &spans, flags, &prompt->ids);
    if (spans.n > 0)
        prompt->others_end = spans.items[spans.n - 1].at + spans.items[spans.n - 1].n;
    rsn_free(spans.items);
    return status;
}

reason_status rsn_prompt_build(const rsn_model *model, const reason_request *r,
                               reason_think_mode mode, const reason_thinking *thinking,
                               const rsn_inserts *inserts, rsn_prompt *prompt) {
    memset(prompt, 0, sizeof *prompt);
    reason_status status = rsn_prompt_check(r);
    if (status == REASON_OK && !model->vocab)
        status = rsn_fail(REASON_ERR_UNSUPPORTED, "the model's file has no tokenizer");
    if (status != REASON_OK)
        return status;
    uint32_t flags = REASON_TOKENS_SPECIAL; /* templates write begin and end themselves */
    if (r->text) {
        rsn_str_add(&prompt->text, r->text,
                    r->n_text < 0 ? strlen(r->text) : (size_t)r->n_text);
        status = prompt->text.failed ? rsn_fail_memory(prompt->text.n) : REASON_OK;
        flags |= REASON_TOKENS_BOS_EOS;
    } else {
        status = render_request(model, r, mode, thinking, prompt);
    }
    if (status == REASON_OK)
        status = encode(model, inserts, flags, prompt);
    /* An end of text that the tokenizer adds would close what is to be continued. */
    rsn_vocab_ids *ids = &prompt->ids;
    if (status == REASON_OK && r->text && ids->n > 0 &&
        ids->items[ids->n - 1] == rsn_vocab_eos(model->vocab) &&
        rsn_vocab_adds_eos(model->vocab))
        ids->n--;
    if (status == REASON_OK && prompt->ids.n == 0)
        status = rsn_fail(REASON_ERR_INVALID_ARG, "the prompt is empty");
    if (status == REASON_OK)
        read_blocks(model, prompt);
    return status;
}

reason_status rsn_prompt_extend(const rsn_model *model, const int32_t *ids, size_t n,
                                rsn_prompt *prompt) {
    reason_status status = REASON_OK;
    for (size_t i = 0; i < n && status == REASON_OK; i++) {
        rsn_text bytes = rsn_vocab_bytes(model->vocab, ids[i]);
        rsn_str_add(&prompt->text, bytes.data, bytes.n);
        status = rsn_vocab_push(&prompt->ids, ids[i]);
    }
    if (status == REASON_OK && prompt->text.failed)
        status = rsn_fail_memory(prompt->text.n);
    if (status == REASON_OK)
        read_blocks(model, prompt);
    return status;
}

void rsn_prompt_free(rsn_prompt *prompt) {
    rsn_str_free(&prompt->text);
    rsn_free(prompt->ids.items);
}
