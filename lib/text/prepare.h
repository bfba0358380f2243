/* What happens to a text, or to a part of it between special tokens, before it is cut. */
#ifndef REASON_TEXT_PREPARE_H
#define REASON_TEXT_PREPARE_H

#include "text/nfc.h"

typedef struct rsn_prepare {
    bool nfc;     /* it is composed */
    bool spelt;   /* U+2581 in a text counts as a space, and */
    bool replace; /* becomes one here, not by the tokenizer's model */
    bool missing; /* a space is put before it only where there is none */
    bool put;     /* the space is put here, not by the tokenizer's model */
} rsn_prepare;

typedef struct rsn_prepare_scratch {
    rsn_str composed, text;
    rsn_nfc nfc;
} rsn_prepare_scratch;

/* Changes *text and *prefixed, which says whether a space is wanted before it; the new
 * text may lie in the scratch. NO_MEMORY. */
reason_status rsn_prepare_text(const rsn_prepare *p, rsn_text *text, bool *prefixed,
                               rsn_prepare_scratch *scratch);
void rsn_prepare_scratch_free(rsn_prepare_scratch *scratch);

#endif
