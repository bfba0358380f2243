/* Scores of responses to one prompt. A kind of score is a row of a table: where in a
 * sequence something is read, what, and what is made of it.
 *
 *     score_text.c   prompt and responses become sequences of tokens, and places in them
 *     score_run.c    sequences go through the network, and what is read there is kept
 *     score_*.c      the kinds
 *     score.c        the order of these, and what is given away
 */
#ifndef REASON_REWARD_SCORE_H
#define REASON_REWARD_SCORE_H

#include "base/arena.h"
#include "decode/session.h"
#include "reward/guards.h"

/* What is asked for, structs complete. Borrowed. */
typedef struct rsn_score_asked {
    const reason_score_request *request;
    const reason_request *prompt;
    const rsn_cancel *also; /* watched too, as the last one; NULL: nothing */
} rsn_score_asked;

/* A response in its sequence. */
typedef struct rsn_candidate {
    rsn_text text;     /* borrowed */
    rsn_vocab_ids ids; /* the whole sequence */
    size_t n_prompt;   /* where the response begins, */
    size_t end;        /* and where it ends: behind it is the suffix */
    uint64_t *places;  /* [n_places], rising: tokens that something is said of */
    size_t n_places, places_cap;
    double *outputs; /* [n_places][n_out] */
    double *steps;   /* [n_places], of kinds that have steps; else NULL */
    double score, raw[2];
    rsn_guards guards;
} rsn_candidate;

struct rsn_score_kind;

typedef struct rsn_scoring {
    const reason_score_request *request;
    const reason_request *prompt;
    const rsn_model *model;
    const struct rsn_score_kind *kind;
    rsn_transform transform;
    size_t label; /* the output that is the score */
    size_t n_out; /* of a place, from all runs */
    int32_t yes, no;
    double beta;
    rsn_candidate *list; /* [n] */
    size_t n;
    size_t n_shared; /* first tokens that all have */
    bool open;       /* the prompt ends inside a thought */
    reason_score_usage usage;
} rsn_scoring;

/* Which tokens of a sequence something is said of. */
typedef enum rsn_where {
    RSN_WHERE_LAST,
    RSN_WHERE_STEPS,   /* the step token, or the last of a step */
    RSN_WHERE_RESPONSE /* each of the response */
} rsn_where;

typedef struct rsn_score_kind {
    const char *name;
    rsn_where where;
    bool head;  /* it reads the head's outputs; else logits */
    bool ahead; /* it is read before the token that it is of */
    /* What the model must have; sets n_out and what reading needs. */
    reason_status (*prepare)(rsn_scoring *s);
    /* Of logits [n_vocab] at a place of token `token`: out [what one run adds]. NULL: the
     * head. `tools` has room for a worker. */
    void (*read)(const rsn_scoring *s, const float *logits, int32_t token,
                 rsn_sampler *tools, double *out);
    /* From outputs to steps and score. */
    void (*finish)(const rsn_scoring *s, rsn_candidate *c);
} rsn_score_kind;

/* score_kinds.c: the row of a kind, NULL for other numbers; the kind of a head. */
const rsn_score_kind *rsn_score_kind_of(reason_score_kind kind);
const char *rsn_aggregate_name(reason_aggregate aggregate); /* NULL for other numbers */
double rsn_score_aggregate(reason_aggregate how, const double *x, size_t n); /* n >= 1 */

/* score_heads.c */
reason_status rsn_score_prepare_reward(rsn_scoring *s);
reason_status rsn_score_prepare_labels(rsn_scoring *s);
reason_status rsn_score_prepare_steps(rsn_scoring *s);
reason_status rsn_score_prepare_tokens(rsn_scoring *s);
void rsn_score_finish_last(const rsn_scoring *s, rsn_candidate *c);
void rsn_score_finish_many(const rsn_scoring *s, rsn_candidate *c);

/* score_yesno.c */
reason_status rsn_score_prepare_yesno(rsn_scoring *s);
void rsn_score_read_yesno(const rsn_scoring *s, const float *logits, int32_t token,
                          rsn_sampler *tools, double *out);
void rsn_score_finish_yesno(const rsn_scoring *s, rsn_candidate *c);

/* score_likelihood.c */
reason_status rsn_score_prepare_logprob(rsn_scoring *s);
reason_status rsn_score_prepare_simpo(rsn_scoring *s);
reason_status rsn_score_prepare_dpo(rsn_scoring *s);
void rsn_score_read_logprob(const rsn_scoring *s, const float *logits, int32_t token,
                            rsn_sampler *tools, double *out);
void rsn_score_finish_logprob(const rsn_scoring *s, rsn_candidate *c);
void rsn_score_finish_mean(const rsn_scoring *s, rsn_candidate *c);
void rsn_score_finish_dpo(const rsn_scoring *s, rsn_candidate *c);

/* score_text.c: sequences, places and guards of every response. INVALID_ARG, MISMATCH, and
 * what rendering returns. */
reason_status rsn_score_texts(rsn_scoring *s);

/* score_run.c: runs all sequences in an entered session and puts what it reads at each
 * place into outputs [column ..] of the place. CONTEXT_FULL, NO_MEMORY, CANCELLED, FORMAT. */
reason_status rsn_score_run(rsn_scoring *s, rsn_session *session, size_t column,
                            const rsn_cancel *cancel);

typedef struct reason_scores {
    rsn_arena arena;
    reason_score_kind kind;
    const char *transform; /* static */
    const char **labels;   /* [n_out] or NULL */
    size_t n_out;
    rsn_candidate *list; /* [n]; no text */
    size_t n, n_raw;
    bool has_steps;
    reason_score_usage usage;
} rsn_scores;

/* The session must be claimed, and the reference too if there is one; their work is not
 * begun. */
reason_status rsn_score(rsn_session *session, const rsn_score_asked *asked,
                        rsn_scores **scores);
void rsn_scores_free(rsn_scores *scores);

#endif
