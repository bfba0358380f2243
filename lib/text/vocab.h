/* A vocabulary: text to token ids and back. Immutable once made, so any number of threads
 * may use one. Its tokenizer is byte-level BPE, or SentencePiece's BPE or unigram model.
 */
#ifndef REASON_TEXT_VOCAB_H
#define REASON_TEXT_VOCAB_H

#include "base/str.h"

typedef struct rsn_vocab rsn_vocab;

/* What a model file says about its tokenizer; borrowed during rsn_vocab_new() only. */
typedef struct rsn_vocab_source {
    const char *model;      /* tokenizer.ggml.model: "gpt2", "llama", "t5" */
    const char *pre;        /* tokenizer.ggml.pre: "qwen2", "gpt-2", ...; NULL: absent */
    const rsn_text *tokens; /* spellings; index = id */
    size_t n_tokens;
    /* 1 normal 2 unknown 3 control 4 user-defined 5 unused 6 byte; NULL: all normal */
    const int32_t *types;
    size_t n_types;
    const rsn_text *merges; /* "left right"; index = rank; of "gpt2" */
    size_t n_merges;
    const rsn_text *rules; /* of "llama": what merges in the place of scores, likewise */
    size_t n_rules;
    const rsn_text *patterns; /* of "gpt2": in the place of `pre` (pattern.h) */
    size_t n_patterns;
    const float *scores; /* of "llama" and "t5"; NULL: absent */
    size_t n_scores;
    const uint8_t *charsmap; /* of "t5" */
    size_t n_charsmap;
    int64_t bos, eos, eot, eom, unk, pad; /* -1: absent */
    const int32_t *ends; /* what else ends a generation */
    size_t n_ends;
    const int32_t *lstrip, *rstrip; /* special tokens that take in white space around */
    size_t n_lstrip, n_rstrip;
    const int32_t *literal; /* tokens that text becomes, and whose spelling is special */
    size_t n_literal;
    /* Of "gpt2": a piece that is a token stays one (1), merges (-1); 0: as `pre` does. */
    int whole_tokens;
    int add_bos,
        add_eos; /* what REASON_TOKENS_BOS_EOS adds: 0, 1, or -1: as the family does */
    /* A space before each text; likewise. Byte-level families have one only if it is
     * `prefix_missing`. */
    int space_prefix;
    bool prefix_once;    /* not behind special tokens */
    bool prefix_missing; /* not where there is one */
    bool nfc;            /* texts are composed */
    bool remove_spaces; /* of "t5": those at the edges, and all but one of several */
} rsn_vocab_source;

/* A growing list of ids. A zeroed one is empty; items are the owner's to rsn_free(). */
typedef struct rsn_vocab_ids {
    int32_t *items;
    size_t n, cap;
    uint64_t steps; /* look-ups and moves that merging has cost so far; tests bound it */
} rsn_vocab_ids;

/* Stretches of a text, in order and apart. A zeroed list is empty; items are the owner's
 * to rsn_free(). */
typedef struct rsn_vocab_span {
    size_t at, n;
} rsn_vocab_span;
typedef struct rsn_vocab_spans {
    rsn_vocab_span *items;
    size_t n, cap;
} rsn_vocab_spans;

/* The longest text that can be encoded at once. */
#define RSN_VOCAB_MAX_TEXT ((size_t)INT32_MAX)

/* For rsn_vocab_encode(), beside the REASON_TOKENS_ bits: the text goes on from another,
 * so no space is put before it. */
#define RSN_VOCAB_GOES_ON (UINT32_C(1) << 31)

/* Returns FORMAT, LIMIT, UNSUPPORTED (a model or pre-tokenizer that is not there, by
 * name; a byte that no token stands for, if there is no unknown token), NO_MEMORY. Merges
 * whose parts or result are no tokens are ignored, as are those that would make a special
 * token out of plain text. Of several tokens of one spelling the first counts. */
reason_status rsn_vocab_new(const rsn_vocab_source *src, rsn_vocab **out);
/* Bytes of memory behind it; 0 for NULL. */
size_t rsn_vocab_held(const rsn_vocab *v);
void rsn_vocab_free(rsn_vocab *v);

size_t rsn_vocab_size(const rsn_vocab *v);
/* The special ids; -1: the vocabulary has none. */
int32_t rsn_vocab_bos(const rsn_vocab *v);
int32_t rsn_vocab_eos(const rsn_vocab *v);
int32_t rsn_vocab_eot(const rsn_vocab *v);
int32_t rsn_vocab_eom(const rsn_vocab *v);
int32_t rsn_vocab_unk(const rsn_vocab *v);
int32_t rsn_vocab_pad(const rsn_vocab *v);

/* Whether a space is put before a text, and before what follows a special token in it. */
bool rsn_vocab_adds_space(const rsn_vocab *v);
/* The former only, not the latter. */
bool rsn_vocab_adds_space_once(const rsn_vocab *v);

/* Whether REASON_TOKENS_BOS_EOS puts the begin of text before a text, and the end of text
 * behind it. */
bool rsn_vocab_adds_bos(const rsn_vocab *v);
bool rsn_vocab_adds_eos(const rsn_vocab *v);

/* These take any number; one outside the vocabulary is nothing and has no bytes. */
bool rsn_vocab_is_end(const rsn_vocab *v, int32_t id);     /* ends a generation */
bool rsn_vocab_is_control(const rsn_vocab *v, int32_t id); /* or unknown (type 2) */
bool rsn_vocab_is_special(const rsn_vocab *v, int32_t id); /* control or user-defined */
bool rsn_vocab_is_unknown(const rsn_vocab *v, int32_t id); /* may stand for any text */
/* The bytes a token stands for; of special tokens their spelling. They live as v does. */
rsn_text rsn_vocab_bytes(const rsn_vocab *v, int32_t id);

/* The first token of this spelling, special or not, as the file spells it: " the" is
 * "\u0120the". -1 if there is none. */
int32_t rsn_vocab_find(const rsn_vocab *v, const char *spelling, size_t n);

/* Appends one id. Returns NO_MEMORY. */
reason_status rsn_vocab_push(rsn_vocab_ids *out, int32_t id);

/* Appends the ids of text[0..n), any bytes. flags are REASON_TOKENS_ bits and
 * RSN_VOCAB_GOES_ON. Without REASON_TOKENS_SPECIAL text never becomes a special token,
 * except the unknown token. On failure (NO_MEMORY; LIMIT above RSN_VOCAB_MAX_TEXT, or for
 * a pattern that takes too many steps) the list is as it was. */
reason_status rsn_vocab_encode(const rsn_vocab *v, const char *text, size_t n,
                               uint32_t flags, rsn_vocab_ids *out);
/* The same, but for special tokens: none that begins, ends or lies in one of the spans is
 * one. Where none would be, the ids are those of rsn_vocab_encode(). */
reason_status rsn_vocab_encode_around(const rsn_vocab *v, const char *text, size_t n,
                                      const rsn_vocab_spans *spans, uint32_t flags,
                                      rsn_vocab_ids *out);

#endif
