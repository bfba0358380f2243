/* How well a model tells a text beforehand, and how far it is from another model. */
#ifndef REASON_CONVERT_PERPLEXITY_H
#define REASON_CONVERT_PERPLEXITY_H

#include "base/pool.h"
#include "model/model.h"

typedef struct rsn_judged {
    rsn_model *model, *against; /* against: NULL: nothing to compare with */
    const char *text;
    size_t n_bytes;
    rsn_pool *pool; /* not entered */
    const reason_perplexity_options *options; /* checked, but for n_ctx */
} rsn_judged;

/* Fills all fields of *result but its size. Statuses as reason_perplexity(). */
reason_status rsn_perplexity(const rsn_judged *what, reason_perplexity_result *result);

#endif
