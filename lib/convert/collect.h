/* How large the inputs of every product of weights are while a model reads a text: what
 * an importance matrix is made of. */
#ifndef REASON_CONVERT_COLLECT_H
#define REASON_CONVERT_COLLECT_H

#include "base/pool.h"
#include "model/model.h"

/* Of one tensor. */
typedef struct rsn_column_sums {
    rsn_text name;     /* lives as the model does */
    size_t cols;
    double *sums;      /* [cols], squares of each input column, over all tokens */
    uint64_t n_tokens; /* that were added; 0: it was never multiplied */
} rsn_column_sums;

typedef struct rsn_collected {
    const rsn_gguf_tensor *tensors; /* [n], of the model */
    rsn_column_sums *items;         /* [n], of each of them */
    size_t n;
    double *sums;                  /* of all items */
    reason_imatrix_result figures; /* all but the size */
} rsn_collected;

typedef struct rsn_collection {
    rsn_model *model;
    const char *text;
    size_t n_bytes;
    rsn_pool *pool; /* not entered */
    const reason_imatrix_options *options; /* checked, but for n_ctx */
} rsn_collection;

/* Runs every chunk of the text from an empty context and adds up. Statuses as
 * reason_imatrix(), but for the file's; on failure *out is empty. */
reason_status rsn_collect(const rsn_collection *what, rsn_collected *out);
/* Writes an importance file of what was multiplied; `dataset` names the text, NULL:
 * nothing does. IO, NO_MEMORY. */
reason_status rsn_collected_write(const rsn_collected *c, const char *dataset,
                                  const char *path);
void rsn_collected_free(rsn_collected *c);

#endif
