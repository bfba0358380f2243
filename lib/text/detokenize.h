/* Token ids to text, and a gate that lets bytes through as whole characters only. */
#ifndef REASON_TEXT_DETOKENIZE_H
#define REASON_TEXT_DETOKENIZE_H

#include "base/str.h"
#include "text/vocab.h"

/* Appends the bytes of ids[0..n). Control tokens are left out unless flags have
 * REASON_TOKENS_SPECIAL; user-defined tokens are always spelt out. Where encoding puts a
 * space before a text (rsn_vocab_adds_space()) one is taken off again: at the start, and
 * behind each special token. Returns INVALID_ARG
 * (an id outside the vocabulary; nothing is appended then), NO_MEMORY. */
reason_status rsn_vocab_decode(const rsn_vocab *v, const int32_t *ids, size_t n,
                               uint32_t flags, rsn_str *out);

/* Bytes come in any cut, whole characters go out: an incomplete one is held back until
 * the rest comes, each maximal invalid part becomes one U+FFFD. The same bytes give the
 * same text however they were cut. A zeroed gate is an empty one. */
typedef struct rsn_utf8_gate {
    char held[4];
    uint8_t n_held; /* 0..3 */
} rsn_utf8_gate;

/* Appends to *out, whose `failed` tells whether there was memory. */
void rsn_utf8_gate_feed(rsn_utf8_gate *gate, const char *bytes, size_t n, rsn_str *out);
/* The end of the bytes: what is held becomes U+FFFD, and the gate is empty again. */
void rsn_utf8_gate_finish(rsn_utf8_gate *gate, rsn_str *out);

#endif
