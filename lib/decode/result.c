/* Frees results; sequence.c fills them, the public accessors read them. */
#include "decode/result.h"

#include <string.h>

#include "base/array.h"

static void put_before(rsn_str *text, const rsn_str *before) {
    rsn_str all = {0};
    rsn_str_add(&all, rsn_str_text(before), before->n);
    rsn_str_add(&all, rsn_str_text(text), text->n);
    rsn_str_free(text);
    *text = all;
}

static void add_usage(reason_usage *to, const reason_usage *before) {
    to->prompt_tokens = before->prompt_tokens;
    to->cached_tokens = before->cached_tokens;
    to->budget = before->budget;
    to->effort_use = before->effort_use;
    to->thinking_tokens += before->thinking_tokens;
    to->answer_tokens += before->answer_tokens;
    to->markup_tokens += before->markup_tokens;
    to->prefill_s += before->prefill_s;
    to->thinking_s += before->thinking_s;
    to->answer_s += before->answer_s;
    to->probe_tokens += before->probe_tokens;
    to->guessed_tokens += before->guessed_tokens;
    to->accepted_tokens += before->accepted_tokens;
}

reason_status rsn_result_prepend(rsn_result *r, const rsn_result *before) {
    size_t n = before->n_tokens;
    reason_status status = RSN_GROW(&r->tokens, &r->tokens_cap, r->n_tokens + n);
    if (status != REASON_OK)
        return status;
    memmove(r->tokens + n, r->tokens, r->n_tokens * sizeof *r->tokens);
    memcpy(r->tokens, before->tokens, n * sizeof *r->tokens);
    r->n_tokens += n;
    put_before(&r->thinking, &before->thinking);
    put_before(&r->answer, &before->answer);
    r->p_think = before->p_think;
    add_usage(&r->usage, &before->usage);
    return r->thinking.failed || r->answer.failed ? rsn_fail_memory(r->thinking.n)
                                                  : REASON_OK;
}

void rsn_result_free(rsn_result *result) {
    if (!result)
        return;
    rsn_str_free(&result->thinking);
    rsn_str_free(&result->answer);
    rsn_free(result->tokens);
    for (size_t i = 0; i < result->n_more; i++)
        rsn_result_free(result->more[i]);
    rsn_free(result->more);
    rsn_free(result);
}
