/* Public functions of text: tokens and chat templates. */
#include <string.h>

#include "api/options.h"
#include "base/fpstate.h"
#include "decode/prompt.h"
#include "text/detokenize.h"

enum { ALL_FLAGS = REASON_TOKENS_SPECIAL | REASON_TOKENS_BOS_EOS };

static reason_status check_vocab(const reason_model *model, uint32_t flags) {
    if (flags & ~(uint32_t)ALL_FLAGS)
        return rsn_fail(REASON_ERR_INVALID_ARG, "flags %u, bits of %u expected", flags,
                        ALL_FLAGS);
    if (!model->vocab)
        return rsn_fail(REASON_ERR_UNSUPPORTED, "the model's file has no tokenizer");
    return REASON_OK;
}

reason_status reason_tokenize(const reason_model *model, const char *text,
                              int64_t n_bytes, uint32_t flags, int32_t **ids,
                              size_t *n_ids) {
    if (ids)
        *ids = NULL;
    if (n_ids)
        *n_ids = 0;
    if (!model || !ids || !n_ids || (!text && n_bytes != 0))
        return rsn_fail_null("model, text, ids or n_ids");
    reason_status status = check_vocab(model, flags);
    if (status == REASON_OK)
        status = rsn_check_length(n_bytes);
    if (status != REASON_OK)
        return status;
    rsn_vocab_ids list = {0};
    size_t n = n_bytes < 0 ? strlen(text) : (size_t)n_bytes;
    status = rsn_vocab_encode(model->vocab, text ? text : "", n, flags, &list);
    if (status == REASON_OK && !list.items &&
        !(list.items = rsn_alloc(sizeof *list.items)))
        status = REASON_ERR_NO_MEMORY;
    if (status != REASON_OK) {
        rsn_free(list.items);
        return status;
    }
    *ids = list.items;
    *n_ids = list.n;
    return REASON_OK;
}

/* Outputs of a call that may yet fail. */
static void clear(char **text, size_t *n_bytes) {
    if (text)
        *text = NULL;
    if (n_bytes)
        *n_bytes = 0;
}

/* Hands a finished string over to the host. */
static reason_status hand_over(rsn_str *s, reason_status status, char **text,
                               size_t *n_bytes) {
    size_t n = s->n;
    *text = status == REASON_OK ? rsn_str_take(s) : NULL;
    if (status == REASON_OK && !*text)
        status = rsn_fail_memory(n);
    *n_bytes = status == REASON_OK ? n : 0;
    rsn_str_free(s);
    return status;
}

reason_status reason_detokenize(const reason_model *model, const int32_t *ids,
                                size_t n_ids, uint32_t flags, char **text,
                                size_t *n_bytes) {
    clear(text, n_bytes);
    if (!model || !text || !n_bytes || (!ids && n_ids > 0))
        return rsn_fail_null("model, ids, text or n_bytes");
    reason_status status = check_vocab(model, flags);
    if (status != REASON_OK)
        return status;
    rsn_str out = {0};
    status = rsn_vocab_decode(model->vocab, ids, n_ids, flags, &out);
    return hand_over(&out, status, text, n_bytes);
}

static const reason_message MESSAGE = {.size = sizeof MESSAGE};
static const reason_template_request REQUEST = {.size = sizeof REQUEST};

reason_status reason_message_init(reason_message *message, size_t size) {
    return rsn_options_init(message, size, &MESSAGE, sizeof MESSAGE, "message");
}

reason_status reason_template_request_init(reason_template_request *request,
                                           size_t size) {
    return rsn_options_init(request, size, &REQUEST, sizeof REQUEST, "request");
}

reason_status rsn_messages_check(const reason_message *const *messages, size_t n) {
    reason_message read = MESSAGE;
    for (size_t i = 0; i < n; i++) {
        reason_status status = messages[i] ? REASON_OK : rsn_fail_null("a message");
        if (status == REASON_OK)
            status = rsn_options_read(messages[i], &read, sizeof read, "message");
        if (status == REASON_OK && (!read.role || !read.content))
            status =
                rsn_fail(REASON_ERR_INVALID_ARG, "message %zu lacks role or content", i);
        if (status != REASON_OK)
            return status;
    }
    return REASON_OK;
}

reason_status reason_template_render(const reason_model *model,
                                     const reason_template_request *request, char **text,
                                     size_t *n_bytes) {
    reason_template_request r = REQUEST;
    rsn_str messages = {0}, out = {0};
    clear(text, n_bytes);
    if (!request || !text || !n_bytes)
        return rsn_fail_null("request, text or n_bytes");
    reason_status status = rsn_options_read(request, &r, sizeof r, "request");
    if (status == REASON_OK && (r.messages != NULL) == (r.messages_json != NULL))
        status = rsn_fail(REASON_ERR_INVALID_ARG,
                          "one of messages and messages_json is expected");
    if (status == REASON_OK && r.messages)
        status = rsn_messages_check(r.messages, r.n_messages);
    if (status == REASON_OK && r.messages)
        status = rsn_messages_json(r.messages, r.n_messages, &messages);
    rsn_render what = {.template_text = r.template_text,
                       .messages_json =
                           r.messages ? rsn_str_text(&messages) : r.messages_json,
                       .variables = {r.variables_json, NULL},
                       .now = r.now};
    rsn_fpstate saved =
        rsn_fpstate_enter(); /* templates may compute and print fractions */
    if (status == REASON_OK)
        status = rsn_prompt_render(model, &what, &out);
    rsn_fpstate_leave(saved);
    rsn_str_free(&messages);
    return hand_over(&out, status, text, n_bytes);
}
