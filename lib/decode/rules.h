/* From a request's numbers to the controller's rules: which tokens can be forced, how
 * much room there is, and what budget is left of it. */
#ifndef REASON_DECODE_RULES_H
#define REASON_DECODE_RULES_H

#include "decode/prompt.h"
#include "decode/thinking.h"

/* Token lists that the rules point into. */
typedef struct rsn_rule_ids {
    rsn_vocab_ids opening, closing, silence, empty_rest, wait, close_text;
    rsn_vocab_ids thought; /* with its opening tag, of a prompt that has none */
    rsn_vocab_ids question; /* closing tag and the begin of an answer, for early exits */
    rsn_vocab_ids probe; /* opening tag and an empty block's rest, for p_think */
    size_t n_probe_open; /* how many of `probe` are the opening tag */
} rsn_rule_ids;

/* The mode in force: a budget of 0 is OFF. Checks what does not depend on the prompt:
 * INVALID_ARG, MISMATCH (a budget or ON without tags). */
reason_status rsn_rules_mode(const rsn_model *model, const reason_thinking *thinking,
                             int32_t max_tokens, reason_think_mode *mode);

/* Works out the rules for a prompt in a context of n_ctx tokens. `ids` is filled and must
 * outlive the rules, even after a failure. INVALID_ARG, CONTEXT_FULL, NO_MEMORY. */
reason_status rsn_rules_make(const rsn_model *model, const reason_thinking *thinking,
                             int32_t max_tokens, size_t n_ctx, reason_think_mode mode,
                             rsn_prompt *prompt, rsn_rule_ids *ids,
                             rsn_think_rules *rules);
void rsn_rule_ids_free(rsn_rule_ids *ids);

#endif
