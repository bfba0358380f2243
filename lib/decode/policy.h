/* Ways to think beyond what thinking.c promises (the budget, the answer's right, waiting):
 * one file and one row of a table each, put in force by a field of reason_thinking. They
 * compose: whoever wants the block closed first gets it closed. */
#ifndef REASON_DECODE_POLICY_H
#define REASON_DECODE_POLICY_H

#include "decode/aside.h"
#include "decode/result.h"
#include "decode/thinking.h"

/* What a policy sees before a token is chosen. */
typedef struct rsn_view {
    const reason_thinking *how;
    const rsn_think *think; /* where the text is */
    const rsn_result_token *output; /* [n_output], all tokens so far */
    size_t n_output;
    int32_t closing;    /* the closing tag's first token */
    rsn_sampler *tools; /* for arithmetic */
} rsn_view;

typedef struct rsn_policy {
    reason_status (*check)(const reason_thinking *how); /* INVALID_ARG, naming the field */
    bool (*in_force)(const reason_thinking *how);
    size_t (*state)(const reason_thinking *how); /* bytes, zero at first; NULL: none */
    /* What it does; those it does not do are NULL. The mode that a model's probability of
     * thinking stands for; AUTO: the token is drawn. */
    reason_think_mode (*decides)(const reason_thinking *how, double p_think);
    /* Changes logits inside a block. */
    void (*adjusts)(const rsn_view *v, float *logits);
    /* Whether the text goes nowhere any more. */
    bool (*repeats)(const rsn_view *v, void *state);
    /* After a step of thinking: whether to close, by what an aside behind a closing tag
     * says. `answers`: it needs an answer there, not only how certain its begin is. */
    bool (*exits)(const rsn_view *v, void *state, const rsn_aside *aside);
    bool answers;
    /* Whether of the `n` tokens of output that a block has behind the prompt only the
     * first *keep and the last *carry are to stay. */
    bool (*forgets)(const reason_thinking *how, size_t n, size_t *keep, size_t *carry);
} rsn_policy;

/* policy_*.c */
extern const rsn_policy rsn_policy_close, rsn_policy_loop, rsn_policy_confidence,
    rsn_policy_entropy, rsn_policy_variance, rsn_policy_agreement, rsn_policy_threshold,
    rsn_policy_chunk;

enum { RSN_N_POLICIES = 8 };

/* Those of one generation. */
typedef struct rsn_policies {
    void *states[RSN_N_POLICIES]; /* NULL: not in force, or without one */
    size_t asked_at;              /* THINK tokens at the last aside */
} rsn_policies;

/* Tokens of an answer that an aside draws at most. */
size_t rsn_policy_probe(const reason_thinking *how);
reason_status rsn_policies_check(const reason_thinking *how);
reason_status rsn_policies_init(rsn_policies *p, const reason_thinking *how);
void rsn_policies_free(rsn_policies *p);

/* As the members of rsn_policy, for all that are in force. */
reason_think_mode rsn_policies_decide(const reason_thinking *how, double p_think);
void rsn_policies_adjust(const rsn_view *v, float *logits);
bool rsn_policies_repeat(rsn_policies *p, const rsn_view *v);
bool rsn_policies_forget(const reason_thinking *how, size_t n, size_t *keep,
                         size_t *carry);
/* Whether an aside is due now, and the tokens of an answer that it needs. */
bool rsn_policies_ask(const rsn_policies *p, const rsn_view *v, size_t *n_answer);
/* What came of it: whether the block is to close. */
bool rsn_policies_exit(rsn_policies *p, const rsn_view *v, const rsn_aside *aside);

#endif
