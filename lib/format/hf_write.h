/* A tokenizer while it is written as JSON: the plan's lists, and what the parts of the
 * writer share. */
#ifndef REASON_FORMAT_HF_WRITE_H
#define REASON_FORMAT_HF_WRITE_H

#include "format/hf_draft.h"
#include "format/hf_tokenizer_write.h"

typedef struct rsn_hf_writing {
    const rsn_gguf *g;
    const rsn_hf_known *known;
    rsn_arena arena;
    rsn_str json;
    bool byte_level, unigram; /* neither: SentencePiece's BPE */
    const rsn_text *tokens;
    const int32_t *types; /* NULL: all normal */
    const float *scores;  /* [n_tokens]; NULL: none */
    size_t n_tokens;
    size_t n_written; /* without the unused ones at the end */
    const rsn_text *merges;
    size_t n_merges;
    const rsn_text **order; /* tokens[0 .. n_written), sorted; of equal ones by id */
} rsn_hf_writing;

int32_t rsn_hf_type(const rsn_hf_writing *w, size_t id);
/* The first token of that text; n_written if there is none. */
size_t rsn_hf_find(const rsn_hf_writing *w, rsn_text text);

/* hf_write_model.c: appends the value of "model". */
reason_status rsn_hf_write_model(rsn_hf_writing *w);

/* hf_rules.c: the rules that the scores of a SentencePiece vocabulary mean, the best
 * token first: every way to make a token of two others. They live in the arena. */
reason_status rsn_hf_make_rules(rsn_hf_writing *w);

#endif
