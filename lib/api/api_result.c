/* Public functions of results: read-only access. */
#include <math.h>

#include "api/options.h"
#include "decode/result.h"

void reason_result_free(reason_result *result) {
    rsn_result_free(result);
}

size_t reason_result_n_samples(const reason_result *result) {
    return result ? 1 + result->n_more : 0;
}

const reason_result *reason_result_sample(const reason_result *result, size_t index) {
    if (!result || index > result->n_more)
        return NULL;
    return index == 0 ? result : result->more[index - 1];
}

static const char *const FINISHES[] = {"eos",       "stop", "length",    "budget",
                                      "cancelled", "loop", "early_exit"};

const char *reason_finish_name(reason_finish finish) {
    size_t i = (size_t)finish;
    return i < sizeof FINISHES / sizeof *FINISHES ? FINISHES[i] : "unknown";
}

static const char *text_of(const rsn_str *text, size_t *n_bytes) {
    if (n_bytes)
        *n_bytes = text ? text->n : 0;
    return text ? rsn_str_text(text) : "";
}

const char *reason_result_thinking(const reason_result *result, size_t *n_bytes) {
    return text_of(result ? &result->thinking : NULL, n_bytes);
}

const char *reason_result_answer(const reason_result *result, size_t *n_bytes) {
    return text_of(result ? &result->answer : NULL, n_bytes);
}

reason_finish reason_result_finish(const reason_result *result) {
    return result ? result->finish : REASON_FINISH_CANCELLED;
}

reason_finish reason_result_answer_end(const reason_result *result) {
    return result ? result->answer_end : REASON_FINISH_CANCELLED;
}

double reason_result_p_think(const reason_result *result) {
    return result ? result->p_think : (double)NAN;
}

reason_status reason_result_usage(const reason_result *result, reason_usage *usage) {
    if (!result)
        return rsn_fail_null("result");
    return rsn_options_write(usage, &result->usage, sizeof result->usage, "usage");
}

size_t reason_result_n_tokens(const reason_result *result) {
    return result ? result->n_tokens : 0;
}

reason_status reason_result_token(const reason_result *result, size_t index,
                                  reason_token *token) {
    if (!result)
        return rsn_fail_null("result");
    if (index >= result->n_tokens)
        return rsn_fail(REASON_ERR_INVALID_ARG, "token %zu, the result has %zu", index,
                        result->n_tokens);
    const rsn_result_token *from = &result->tokens[index];
    reason_token t = {sizeof t,     from->id,      from->label,
                      from->origin, from->logprob, from->sampled_logprob};
    return rsn_options_write(token, &t, sizeof t, "token");
}
