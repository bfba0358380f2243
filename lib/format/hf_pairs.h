/* A growing list of metadata pairs: what a Hugging Face folder is translated into, so
 * that everything behind it reads one kind of plan (gguf.h). */
#ifndef REASON_FORMAT_HF_PAIRS_H
#define REASON_FORMAT_HF_PAIRS_H

#include "format/gguf.h"

typedef struct rsn_hf_pairs {
    rsn_arena *arena; /* of the list and of all that is added */
    rsn_gguf_pair *items;
    size_t n, cap;
} rsn_hf_pairs;

/* Each appends one pair. Keys and single texts are copied, arrays are borrowed and live
 * as long as the arena does. NO_MEMORY. */
reason_status rsn_hf_pairs_text(rsn_hf_pairs *p, const char *key, const char *text,
                                size_t n);
reason_status rsn_hf_pairs_bool(rsn_hf_pairs *p, const char *key, bool value);
reason_status rsn_hf_pairs_u32(rsn_hf_pairs *p, const char *key, uint32_t value);
reason_status rsn_hf_pairs_texts(rsn_hf_pairs *p, const char *key, const rsn_text *texts,
                                 size_t n);
/* Of numbers of fixed size, packed. */
reason_status rsn_hf_pairs_numbers(rsn_hf_pairs *p, const char *key, rsn_gguf_type item,
                                   const void *numbers, size_t n);

#endif
