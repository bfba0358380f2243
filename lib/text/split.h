/* Splits: what the single regular expressions of pre-tokenizers do, as functions. For the
 * text room's pretokenize.c alone. */
#ifndef REASON_TEXT_SPLIT_H
#define REASON_TEXT_SPLIT_H

#include <stdbool.h>

#include "text/unicode.h"

/* A set of characters: classes, and ranges beside them, in order. */
typedef struct rsn_char_set {
    unsigned classes;
    const int32_t (*ranges)[2]; /* first and last character, [n_ranges] */
    size_t n_ranges;
} rsn_char_set;

/* One expression and its parameters; each function says which it reads. */
typedef struct rsn_split {
    /* Where the piece of s[0..n) that begins at `at` ends: a match, or the text before
     * the next match. at < n, and the result is above `at`. */
    size_t (*cut)(const struct rsn_split *sp, const char *s, size_t n, size_t at);
    unsigned letters;      /* classes of what a word is made of */
    size_t max_digits; /* most numbers in a row that make one piece */
    const char *tail;  /* characters that stay with symbols before them */
    bool contractions; /* 's 't 're 've 'm 'll 'd in any case are taken together */
    bool space;        /* one white space may stand before a run */
    rsn_char_set set;  /* what a run is made of */
    size_t min, max;   /* its length in characters */
} rsn_split;

typedef size_t (*rsn_split_match)(const rsn_split *sp, const char *s, size_t n,
                                  size_t at);

/* The cut of an expression that leaves text between its matches: `match` gives the end of
 * the match that begins at a position, or the position itself if there is none. */
size_t rsn_split_gap(rsn_split_match match, const rsn_split *sp, const char *s, size_t n,
                     size_t at);

/* split_words.c: expressions that tell words, numbers, symbols and white space apart. */
size_t rsn_split_gpt2(const rsn_split *sp, const char *s, size_t n, size_t at);
size_t rsn_split_lines(const rsn_split *sp, const char *s, size_t n, size_t at);
size_t rsn_split_cased(const rsn_split *sp, const char *s, size_t n, size_t at);
size_t rsn_split_deepseek3(const rsn_split *sp, const char *s, size_t n, size_t at);

/* split_runs.c: expressions that take runs of one set out of the text. */
size_t rsn_split_runs(const rsn_split *sp, const char *s, size_t n, size_t at);
size_t rsn_split_trailing(const rsn_split *sp, const char *s, size_t n, size_t at);

#endif
