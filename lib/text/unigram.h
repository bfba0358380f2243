/* SentencePiece's unigram model: of all ways to cut a text into tokens the one whose
 * scores add up to most. */
#ifndef REASON_TEXT_UNIGRAM_H
#define REASON_TEXT_UNIGRAM_H

#include "text/charsmap.h"
#include "text/fallback.h"
#include "text/trie.h"

typedef struct rsn_unigram {
    rsn_fallback fallback;
    rsn_trie trie;
    rsn_charsmap charsmap;
    float *scores;  /* [n tokens] */
    double unknown; /* the score of a character without a token */
    bool collapse;  /* spaces at the edges go, several in a row are one */
    bool words;     /* no token goes on into a next word */
} rsn_unigram;

typedef struct rsn_unigram_scratch {
    rsn_str text;                      /* normalized */
    struct rsn_unigram_best *best; /* by place in a word */
    size_t best_cap;
} rsn_unigram_scratch;

typedef struct rsn_unigram_source {
    const rsn_tokens *tokens; /* must outlive the model */
    const float *scores;      /* [tokens->n] finite */
    const int32_t *types;     /* NULL: all normal */
    const uint8_t *charsmap;
    size_t n_charsmap;
    int32_t unk; /* -1: there is none */
    bool collapse;
} rsn_unigram_source;

/* Leaves *u to rsn_unigram_free() in any case. Returns FORMAT, LIMIT, UNSUPPORTED,
 * NO_MEMORY. */
reason_status rsn_unigram_init(rsn_unigram *u, const rsn_unigram_source *src);
size_t rsn_unigram_held(const rsn_unigram *u); /* bytes of memory behind it */
void rsn_unigram_free(rsn_unigram *u);

/* Appends the tokens of a text, n <= RSN_VOCAB_MAX_TEXT, `prefixed` with a space or not;
 * time O(n * longest token). Of equal sums the one whose last token is longest is taken,
 * as SentencePiece does. Returns LIMIT, NO_MEMORY. */
reason_status rsn_unigram_encode(const rsn_unigram *u, const char *text, size_t n,
                                 bool prefixed, rsn_unigram_scratch *scratch,
                                 rsn_vocab_ids *out);
void rsn_unigram_scratch_free(rsn_unigram_scratch *scratch);

#endif
