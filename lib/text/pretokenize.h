/* Cutting text into the pieces that merging never crosses. Each pre-tokenizer is what a
 * published regular expression does, written by hand: linear in the text, a flat stack,
 * no allocation. Invalid UTF-8 goes through byte by byte, each byte being neither letter,
 * number nor space. */
#ifndef REASON_TEXT_PRETOKENIZE_H
#define REASON_TEXT_PRETOKENIZE_H

#include <stdbool.h>
#include <stddef.h>

/* A row of the table: names that files use (tokenizer.ggml.pre) and what they mean. */
typedef struct rsn_pretokenizer {
    const char *names;  /* apart by one space */
    size_t max_digits;  /* most numbers in a row that make one piece */
    bool whole_tokens;  /* a piece that is a token is taken as it is, without merging */
    bool adds_bos; /* models of this family want a begin of text, if their file is silent
                    */
    size_t (*cut)(const struct rsn_pretokenizer *p, const char *s, size_t n, size_t at);
} rsn_pretokenizer;

/* The pre-tokenizer of that name, NULL if there is none; name may be NULL. */
const rsn_pretokenizer *rsn_pretokenizer_find(const char *name);

/* Where the piece of s[0..n) that begins at `at` ends; at < n, and the result is above
 * `at`. `at` must be 0 or the end of the piece before. */
static inline size_t rsn_pretokenize(const rsn_pretokenizer *p, const char *s, size_t n,
                                     size_t at) {
    return p->cut(p, s, n, at);
}

#endif
