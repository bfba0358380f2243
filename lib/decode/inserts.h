/* Texts that others wrote, within a prompt: answers that are to be judged, say. A request
 * has a mark where each belongs. Templates see the marks alone, so that no text can do
 * anything to them, and no part of a text becomes a special token or a tag. */
#ifndef REASON_DECODE_INSERTS_H
#define REASON_DECODE_INSERTS_H

#include "text/vocab.h"

typedef struct rsn_inserts {
    const rsn_text *texts; /* [n] */
    size_t n;
} rsn_inserts;

/* Appends the mark of text i. */
void rsn_insert_mark(rsn_str *out, size_t i);
/* Whether a text has what marks are made of, and so cannot have marks put into it. */
bool rsn_insert_has_mark(const char *text);
/* Puts the texts into what was rendered; spans (one after the other, to be freed) are
 * where they stand then. MISMATCH: a text is nowhere; LIMIT; NO_MEMORY. */
reason_status rsn_inserts_put(const rsn_inserts *inserts, rsn_str *text,
                              rsn_vocab_spans *spans);

#endif
