/* What becomes of a character that no token of SentencePiece stands for. */
#ifndef REASON_TEXT_FALLBACK_H
#define REASON_TEXT_FALLBACK_H

#include "text/tokens.h"
#include "text/vocab.h"

typedef struct rsn_fallback {
    const rsn_tokens *tokens; /* borrowed */
    int32_t unk;              /* -1: there is none, and every byte has its token */
    bool lossless;            /* every byte has its token: none is ever unknown */
} rsn_fallback;

/* unk: -1 if there is none. Returns UNSUPPORTED for a byte that nothing stands for. */
reason_status rsn_fallback_init(rsn_fallback *f, const rsn_tokens *tokens, int32_t unk);

/* Appends the tokens of the bytes of one character if all of them have one, otherwise the
 * unknown token: once for characters in a row. *unknown is false before the first
 * character of a text and after each one that has a token. Returns NO_MEMORY. */
reason_status rsn_fallback_push(const rsn_fallback *f, const char *bytes, size_t n,
                                bool *unknown, rsn_vocab_ids *out);

#endif
