/* What the model would go on with, if: tokens that are run behind a timeline and forgotten
 * again. The logits that the text itself goes on from are kept meanwhile. */
#ifndef REASON_DECODE_ASIDE_H
#define REASON_DECODE_ASIDE_H

#include "decode/sampler.h"
#include "decode/timeline.h"
#include "text/vocab.h"

/* What is asked. Borrowed. */
typedef struct rsn_question {
    const int32_t *given; /* [n_given], 1 or more: what is written behind the text */
    size_t n_given;
    bool shares; /* only how likely each of them is; else what comes behind them */
    size_t most; /* tokens of that, drawn greedily; 0: only how certain the first is */
} rsn_question;

typedef struct rsn_aside {
    rsn_question question;
    double *shares;       /* [n_given] natural logs, if asked for */
    int32_t *answer;      /* [n_answer], without a token that ends a generation */
    size_t n_answer;
    double answer_logprob; /* the sum of theirs */
    double entropy; /* in nats, of the first token behind what was given */
    float *logits;  /* [n_vocab], of the text */
    size_t from;    /* length of the text */
    size_t n_seen;   /* logits that were looked at */
    size_t n_tokens; /* that were run, once it is done */
} rsn_aside; /* a zeroed one asks nothing */

/* Writes the question behind a text all of which has been run, whose last logits are
 * given. NO_MEMORY. */
reason_status rsn_aside_begin(rsn_aside *a, const rsn_question *question,
                              const float *logits, rsn_sampler *tools,
                              rsn_timeline *line);
/* Looks at logits [rows][n_vocab]: those of all tokens since the last time where shares
 * are asked for, else of the last one. *done: nothing more is to be run, and the timeline
 * is the text again. NO_MEMORY. */
reason_status rsn_aside_take(rsn_aside *a, const float *rows, const rsn_vocab *vocab,
                             rsn_sampler *tools, rsn_timeline *line, bool *done);
/* Nothing is to be run for it: it was answered before any pass. */
static inline bool rsn_aside_is_done(const rsn_aside *a, const rsn_timeline *line) {
    return line->n == a->from;
}
/* Gives up and forgets; also frees what an answered one holds. */
void rsn_aside_end(rsn_aside *a, rsn_timeline *line);

#endif
