/* A text as chunks of tokens: how a model is judged, or watched, on a text that is longer
 * than its context. */
#ifndef REASON_CONVERT_CHUNKS_H
#define REASON_CONVERT_CHUNKS_H

#include "base/cancel.h"
#include "model/model.h"

typedef struct rsn_chunk {
    const int32_t *tokens; /* [n]; the first is the begin of text where the vocabulary
                              puts one before a text */
    size_t n;
} rsn_chunk;

typedef struct rsn_chunks {
    int32_t *tokens; /* [n_text] */
    size_t n_text;   /* tokens of the whole text, each document's begin of text included */
    rsn_chunk *items; /* [n] */
    size_t n, cap;
    size_t n_tokens; /* of all chunks */
    size_t longest;  /* tokens of one */
} rsn_chunks;

typedef struct rsn_chunks_setup {
    const char *text; /* [n_bytes] */
    size_t n_bytes;
    const char *separator; /* apart documents, not empty; NULL: the text is one */
    bool special; /* spellings of special tokens in it become those tokens */
    size_t size;  /* tokens of a chunk */
    size_t most;  /* chunks at most; 0: all */
    size_t least; /* tokens of a document, and so of a chunk, at least; 1 or more */
} rsn_chunks_setup;

/* Every document as whole chunks; what is left behind the last of them is dropped. One
 * that is shorter than a chunk is a chunk of its own length, or none if it has fewer than
 * `least` tokens. UNSUPPORTED: no tokenizer; INVALID_ARG: no chunk at all; LIMIT:
 * chunks of fewer tokens than `least`; NO_MEMORY. */
reason_status rsn_chunks_make(const rsn_model *model, const rsn_chunks_setup *setup,
                              rsn_chunks *chunks);
void rsn_chunks_free(rsn_chunks *chunks);

/* Tokens of a chunk: n_ctx, or where that is 0 512 or the context of the models if it is
 * shorter. LIMIT beyond the context of one. `second` may be NULL. */
reason_status rsn_chunk_tokens(const rsn_model *model, const rsn_model *second,
                               int32_t n_ctx, size_t *size);

/* Who is told while chunks are run, and who may stop it. */
typedef struct rsn_watch {
    const char *stage;
    const rsn_cancel *cancel;
    reason_progress_fn progress;
    void *progress_user;
    uint64_t done, total; /* tokens */
} rsn_watch;

/* CANCELLED if the call is not to begin. */
reason_status rsn_watch_begin(const rsn_watch *watch);
/* Reports that n more tokens are done. CANCELLED if someone wants an end. */
reason_status rsn_watch_report(rsn_watch *watch, size_t n);

#endif
