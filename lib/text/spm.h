/* SentencePiece's byte-pair encoding: scores of tokens instead of rules, or rules as
 * well. */
#ifndef REASON_TEXT_SPM_H
#define REASON_TEXT_SPM_H

#include "base/str.h"
#include "text/fallback.h"
#include "text/rules.h"

typedef struct rsn_spm {
    const rsn_tokens *tokens; /* borrowed */
    rsn_fallback fallback;
    bool by_rules;   /* they say what merges, and scores do not count */
    rsn_rules rules;
    uint32_t *rank;  /* [n tokens] by score, the best first; equal for equal scores */
    uint64_t *power; /* [longest + 1] powers of the tokens' hash base */
    bool words;      /* no token goes on into a next word */
} rsn_spm;

typedef struct rsn_spm_scratch {
    rsn_merge_scratch merge;
    uint64_t *hash; /* of what is before a byte of the piece */
    size_t hash_cap;
    rsn_str first; /* the first word with a space before it */
} rsn_spm_scratch;

/* unk: -1 if there is none; n_rules may be 0. The tokens must outlive *m, which is left
 * to rsn_spm_free() in any case. Returns UNSUPPORTED, NO_MEMORY; of rules FORMAT, LIMIT.
 */
reason_status rsn_spm_init(rsn_spm *m, const rsn_tokens *tokens, const float *scores,
                           const rsn_text *rules, size_t n_rules, int32_t unk);
size_t rsn_spm_held(const rsn_spm *m); /* bytes of memory behind it */
void rsn_spm_free(rsn_spm *m);

/* Appends the tokens of a text, n <= RSN_VOCAB_MAX_TEXT, `prefixed` with a space or not;
 * time O(n log n). Characters merge: of neighbours that together are a token those of the
 * best score first, of equal ones the leftmost; or those that the first rule has. Returns
 * NO_MEMORY. */
reason_status rsn_spm_encode(const rsn_spm *m, const char *text, size_t n, bool prefixed,
                             rsn_spm_scratch *scratch, rsn_vocab_ids *out);
void rsn_spm_scratch_free(rsn_spm_scratch *scratch);

#endif
