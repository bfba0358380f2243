/* One generation, a token at a time: what it wants to have run through the network, and
 * what it makes of the logits. Whoever runs the network does, for each token,
 *
 *     rsn_sequence_poll(q)              its callbacks, who may want an end
 *     rsn_sequence_choose(q, sampler)   the next token; any thread
 *     rsn_sequence_flush(q)             the host's stream callback
 *     rsn_sequence_run(q, most, &run)   what is to be run, and
 *     rsn_sequence_given(q, rows)       what that gave
 *
 * until it is done, and rsn_sequence_finish(). generate.c does it for one, batch.c for
 * many; a sequence gives the same result either way. */
#ifndef REASON_DECODE_SEQUENCE_H
#define REASON_DECODE_SEQUENCE_H

#include "decode/output.h"
#include "decode/policy.h"
#include "decode/result.h"
#include "decode/rules.h"
#include "decode/sampler.h"
#include "decode/session.h"

/* What the tokens that wait are, or were. */
typedef enum rsn_stage {
    RSN_PROMPT,  /* its prompt */
    RSN_ASIDE,   /* a question to the model, forgotten again */
    RSN_WRITING, /* its output */
    RSN_DONE
} rsn_stage;

typedef struct rsn_sequence {
    const rsn_model *model;
    const reason_request *request; /* with the three below borrowed */
    const reason_thinking *thinking;
    const reason_sampling *sampling;
    const rsn_inserts *inserts;
    uint32_t sample; /* of the request */
    rsn_cancel cancel;
    rsn_timeline *line; /* borrowed; NULL before it has begun */
    rsn_stage stage;
    rsn_prompt prompt;
    rsn_rule_ids ids;
    rsn_think_rules rules;
    rsn_think think;
    rsn_sampler *sampler; /* borrowed while it chooses */
    rsn_output output;
    rsn_result *result;
    const float *rows;   /* logits that were not looked at yet; NULL: none */
    rsn_policies policies;
    rsn_aside aside; /* its logits are `rows` until the next token is chosen */
    bool cancelled;
    double since;  /* when its clock was read */
    double *spend; /* what the time since then counts as */
} rsn_sequence;

/* What an output token writes: nothing for a control token, unless it is part of a tag. */
rsn_text rsn_written(const rsn_model *model, int32_t id);

/* A request whose structs are complete (api/ has read them). */
typedef struct rsn_asked {
    const reason_request *request;
    const reason_thinking *thinking;
    const reason_sampling *sampling;
    const rsn_inserts *inserts; /* texts of others in the request; NULL: none */
    const int32_t *written; /* [n_written], of an output that is to go on: behind the
                               prompt, and part of it; NULL: none */
    size_t n_written;
} rsn_asked;

/* Everything that can be done before there is a timeline: checks, renders and tokenizes.
 * What was asked outlives the sequence. What fails is closed again. */
reason_status rsn_sequence_open(rsn_sequence *q, const rsn_session *session,
                                size_t n_ctx, const rsn_asked *asked, uint32_t sample);
void rsn_sequence_close(rsn_sequence *q);
/* Continues a timeline, which keeps what it shares with the prompt. NO_MEMORY. */
reason_status rsn_sequence_begin(rsn_sequence *q, rsn_timeline *line);
/* Whether its output has a first token. */
static inline bool rsn_sequence_has_begun(const rsn_sequence *q) {
    return q->think.n_tokens > 0;
}
/* Tokens that the timeline will have unless the output is long. */
size_t rsn_sequence_likely(const rsn_sequence *q);

/* Reports progress. A wish to stop is CANCELLED before the first token, later it makes
 * the sequence done. */
reason_status rsn_sequence_poll(rsn_sequence *q);
/* Makes of logits, if there are new ones, the next tokens to wait. NO_MEMORY; whatever a
 * threshold's mode is refused for. */
reason_status rsn_sequence_choose(rsn_sequence *q, rsn_sampler *sampler);
/* An end from outside. */
void rsn_sequence_cancel(rsn_sequence *q);
/* Its cache was taken away: everything has to be run again, and then it goes on as if
 * nothing had been. */
void rsn_sequence_rewind(rsn_sequence *q);
/* Hands text to the stream callback. */
void rsn_sequence_flush(rsn_sequence *q);
/* The next run, of `most` tokens at most; n = 0: none. */
void rsn_sequence_run(rsn_sequence *q, size_t most, rsn_run *run);
/* The run was done, and these are its rows; they stay valid until tokens are chosen. */
void rsn_sequence_given(rsn_sequence *q, const float *rows);
/* The end: labels, counts, and the rest of the text. Gives the result away. */
reason_status rsn_sequence_finish(rsn_sequence *q, rsn_result **result);

#endif
