/* What is to be known of a response beside its score. */
#ifndef REASON_REWARD_GUARDS_H
#define REASON_REWARD_GUARDS_H

#include "model/model.h"

/* A response cut at the model's own tags. */
typedef struct rsn_parts {
    rsn_text thought; /* of a response that has one; n = 0: none */
    rsn_text answer;  /* all that is behind it, or all */
    bool has_thought, closed;
} rsn_parts;

/* `open`: what stands before the text has opened a thought. The closing tag belongs to
 * neither part. */
rsn_parts rsn_parts_of(const rsn_tags *tags, rsn_text text, bool open);

/* Runs of so many tokens are compared. */
enum { RSN_REPEATED_RUN = 4 };

typedef struct rsn_guards {
    size_t n_bytes;
    size_t n_tokens, n_thinking, n_answer, n_control; /* tokens */
    bool closed, has_answer;
    double repeated; /* 1 - different / all runs of 4 tokens */
} rsn_guards;

/* NO_MEMORY, and what tokenizing returns. */
reason_status rsn_guards_look(const rsn_model *model, rsn_text text, bool open,
                              rsn_guards *guards);

#endif
