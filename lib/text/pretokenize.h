/* Cutting text into the pieces that merging never crosses. Each pre-tokenizer is what a
 * published regular expression does, or several of them, each applied to the pieces of
 * the one before; written by hand: linear in the text, a flat stack, no allocation.
 * Invalid UTF-8 goes through byte by byte, each byte being a symbol. */
#ifndef REASON_TEXT_PRETOKENIZE_H
#define REASON_TEXT_PRETOKENIZE_H

#include "text/split.h"

enum { RSN_PRETOKENIZE_SPLITS = 6 };

/* A row of the table: names that files use (tokenizer.ggml.pre) and what they mean. */
typedef struct rsn_pretokenizer {
    const char *names; /* apart by one space */
    const rsn_split *splits[RSN_PRETOKENIZE_SPLITS]; /* in order; NULL: no more */
    bool whole_tokens; /* a piece that is a token is taken as it is, without merging */
    bool adds_bos;     /* models of this family want a begin of text, if their file is
                          silent */
} rsn_pretokenizer;

/* The pre-tokenizer of that name, NULL if there is none; that of "default" for NULL and
 * the empty name. */
const rsn_pretokenizer *rsn_pretokenizer_find(const char *name);

/* Where the present piece of each split ends. A zeroed one stands at the start. */
typedef struct rsn_pretokens {
    size_t end[RSN_PRETOKENIZE_SPLITS];
} rsn_pretokens;

/* Where the piece of s[0..n) that begins at `at` ends; at < n, and the result is above
 * `at`. `at` must be 0 or the end of the piece before; *state goes from piece to piece.
 */
size_t rsn_pretokenize(const rsn_pretokenizer *p, const char *s, size_t n, size_t at,
                       rsn_pretokens *state);

#endif
