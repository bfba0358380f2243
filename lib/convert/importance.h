/* How much each input of a matrix matters: the mean square of what was multiplied with
 * each column while a model ran over a text. Read from both layouts that are in use,
 * written in the newer one. */
#ifndef REASON_CONVERT_IMPORTANCE_H
#define REASON_CONVERT_IMPORTANCE_H

#include "base/arena.h"
#include "base/str.h"

typedef struct rsn_importance_entry {
    rsn_text name; /* of the weight tensor, "blk.0.attn_q.weight"; NUL-terminated as well;
                      first, so that its address is the entry's */
    size_t n;      /* columns of all matrices */
    size_t n_matrices; /* of a tensor of experts; else 1; n is a multiple */
    float *mean_square; /* [n], finite, at least 0 */
    float *count;       /* [n_matrices] rows of activations that were seen */
} rsn_importance_entry;

/* A zeroed one is empty. */
typedef struct rsn_importance {
    rsn_arena arena; /* everything below but the list itself lives in it */
    rsn_importance_entry *entries;
    size_t n_entries, cap;
    const rsn_text *datasets; /* [n_datasets], the texts that were run */
    size_t n_datasets;
    uint32_t chunk_count, chunk_size; /* pieces of text, tokens in each; 0: not said */
} rsn_importance;

/* Adds an entry of zeros; the pointer is valid until the next one is added. */
reason_status rsn_importance_add(rsn_importance *imp, const char *name, size_t n_name,
                                 size_t n, size_t n_matrices,
                                 rsn_importance_entry **entry);
/* Adds the name of a text. */
reason_status rsn_importance_add_dataset(rsn_importance *imp, const char *name);
/* NULL if there is none of this name. */
const rsn_importance_entry *rsn_importance_find(const rsn_importance *imp,
                                                const char *name, size_t n_name);

/* FORMAT, LIMIT, IO, NO_MEMORY, UNSUPPORTED; on failure *imp is empty. */
reason_status rsn_importance_read(const char *path, rsn_importance *imp);
/* Writes a GGUF file with tensors NAME.in_sum2 and NAME.counts. IO, NO_MEMORY. */
reason_status rsn_importance_write(const char *path, const rsn_importance *imp);
void rsn_importance_free(rsn_importance *imp);

#endif
