/* Draws tokens from logits. Order: bias, penalties, temperature, top-k, top-p, min-p. */
#ifndef REASON_DECODE_SAMPLER_H
#define REASON_DECODE_SAMPLER_H

#include "kernels/table.h"
#include "reason/reason.h"

/* What drawing works in; nothing of it is kept from one position to the next. */
typedef struct rsn_sampler {
    const rsn_kernels *kernels;
    const reason_sampling *params; /* of the position at hand, */
    uint32_t sample;               /* and which sample of the seed it belongs to */
    size_t n_vocab;
    float *logits;     /* [n_vocab], as changed for this position */
    float *shares;     /* [n_vocab], exp((logit - max) / temperature) */
    int32_t *order;    /* [n_vocab], candidates, best first */
    int32_t *spare;    /* [n_vocab], for sorting */
    uint32_t *seen;    /* [n_vocab], zero between calls */
    double log_norm;   /* of the model's own distribution */
} rsn_sampler;

/* INVALID_ARG for parameters that make no sense. */
reason_status rsn_sampling_check(const reason_sampling *params, size_t n_vocab);
reason_status rsn_sampler_init(rsn_sampler *s, size_t n_vocab,
                               const rsn_kernels *kernels);
/* What a sampler holds. */
size_t rsn_sampler_bytes(size_t n_vocab);
void rsn_sampler_free(rsn_sampler *s);

/* Takes the logits of a position: the model's own ones, [n_vocab]; `history` are the
 * tokens before it, [n_history]. Afterwards s->logits may be changed until tokens are
 * drawn. `params` were checked, and are borrowed until the next position. */
void rsn_sampler_begin(rsn_sampler *s, const reason_sampling *params, uint32_t sample,
                       const float *logits, const int32_t *history, size_t n_history);
/* Never draw this token at this position. */
void rsn_sampler_ban(rsn_sampler *s, int32_t id);
/* Draws; the same (seed, sample, position, draw) gives the same token. *logprob is its natural
 * log-prob under the distribution it was drawn from, 0 if greedy. Returns -1 if no token
 * has a share. */
int32_t rsn_sampler_draw(rsn_sampler *s, uint64_t position, uint32_t draw,
                         float *logprob);
/* Natural log-prob of a token under the model's own distribution, for logits given to
 * begin. */
float rsn_sampler_logprob(const rsn_sampler *s, const float *logits, int32_t id);

/* The likeliest token, the smaller id of equals; -1 if none has a share. */
int32_t rsn_best_token(const rsn_kernels *kernels, const float *logits, size_t n);

/* log(sum(exp(logits))), using scratch [n]. */
double rsn_log_sum_exp(const rsn_kernels *kernels, const float *logits, size_t n,
                       float *scratch);

#endif
