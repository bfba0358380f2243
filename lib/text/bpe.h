/* Byte-pair merging: the pieces of a text become tokens. */
#ifndef REASON_TEXT_BPE_H
#define REASON_TEXT_BPE_H

#include "text/rules.h"
#include "text/vocab.h"

typedef struct rsn_bpe {
    const rsn_tokens *tokens; /* borrowed */
    rsn_rules rules;
    int32_t byte_token[256]; /* what a byte is before merging; -1: it has no token */
    int32_t unk;             /* given for such a byte; -1: there is no such byte */
    bool whole_tokens;       /* a piece that is a token is taken as it is */
} rsn_bpe;

/* unk: -1 if there is none. Leaves *b to rsn_bpe_free() in any case; the tokens must
 * outlive it. Returns FORMAT, LIMIT, UNSUPPORTED, NO_MEMORY. */
reason_status rsn_bpe_init(rsn_bpe *b, const rsn_tokens *tokens, const rsn_text *merges,
                           size_t n_merges, int32_t unk, bool whole_tokens);
size_t rsn_bpe_held(const rsn_bpe *b); /* bytes of memory behind it */
void rsn_bpe_free(rsn_bpe *b);

/* Appends the tokens of one piece, 1 <= n <= RSN_VOCAB_MAX_TEXT; time O(n log n). The
 * pair of the smallest rank merges first, of equal ones the leftmost. Returns
 * NO_MEMORY. */
reason_status rsn_bpe_encode(const rsn_bpe *b, const char *piece, size_t n,
                             rsn_merge_scratch *scratch, rsn_vocab_ids *out);

#endif
