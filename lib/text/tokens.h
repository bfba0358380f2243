/* The tokens of a vocabulary: bytes, type and the way back from bytes to id. */
#ifndef REASON_TEXT_TOKENS_H
#define REASON_TEXT_TOKENS_H

#include "base/str.h"

enum {
    RSN_TOKENS_MAX = 1 << 24,       /* ids fit 24 bits, so two of them fit a key */
    RSN_TOKENS_MAX_BYTES = 1 << 16, /* of one token's spelling */

    /* Flags of a token. Unknown tokens (type 2) are control tokens: never part of an
     * answer. */
    RSN_TOKEN_CONTROL = 1,
    RSN_TOKEN_USER = 2,    /* user-defined */
    RSN_TOKEN_SPECIAL = 3, /* either of the two */
    RSN_TOKEN_END = 4,     /* ends a generation */
    RSN_TOKEN_BYTES = 8,   /* text may become it: not special, and spelt by the rules */
    RSN_TOKEN_BYTE = 16,   /* stands for a byte that is part of no other token */
    RSN_TOKEN_LSTRIP = 32, /* takes in white space before it */
    RSN_TOKEN_RSTRIP = 64, /* and behind it */
    RSN_TOKEN_LITERAL = 128, /* its spelling in text is it, as a special token's is */
};

/* How tokens that are not special are spelt: in the byte alphabet of byte_level.h, or as
 * SentencePiece does (piece.h). */
typedef enum rsn_spelling { RSN_SPELLING_LEVEL, RSN_SPELLING_PIECE } rsn_spelling;

typedef struct rsn_token_slot {
    uint32_t tag; /* the hash's upper half */
    int32_t id;   /* -1: empty */
} rsn_token_slot;

typedef struct rsn_tokens {
    size_t n;
    rsn_spelling spelling;
    char *bytes;     /* of all tokens, one behind the other */
    uint32_t *start; /* token i is bytes[start[i] .. start[i + 1]); [n + 1] */
    uint8_t *flags;  /* [n] */
    size_t longest;  /* bytes of the longest token */
    rsn_token_slot *slots;
    size_t mask; /* slots - 1 */
    uint64_t seed, base; /* base: of the hash, see rolling_hash.h */
    int32_t byte_token[256]; /* the first RSN_TOKEN_BYTE of a byte; -1: there is none */
} rsn_tokens;

/* Copies n spellings; types may be NULL (all normal). A normal token that is spelt by the
 * rules becomes the bytes it stands for; any other stays as it is spelt. Byte tokens
 * (type 6) are SentencePiece's; one that is spelt otherwise is a normal token.
 * Returns FORMAT, LIMIT, NO_MEMORY, and leaves *t to rsn_tokens_free() in any case. */
reason_status rsn_tokens_init(rsn_tokens *t, rsn_spelling spelling,
                              const rsn_text *spellings, const int32_t *types, size_t n,
                              uint64_t seed);
size_t rsn_tokens_held(const rsn_tokens *t); /* bytes of memory behind it */
void rsn_tokens_free(rsn_tokens *t);

static inline rsn_text rsn_tokens_get(const rsn_tokens *t, int32_t id) {
    return (rsn_text){t->bytes + t->start[id], t->start[id + 1] - t->start[id]};
}

/* Bytes of the text that is looked for as this token: with U+2581 for each space of one
 * that is RSN_TOKEN_LITERAL. */
size_t rsn_tokens_sought_bytes(const rsn_tokens *t, int32_t id);

/* The bytes of a spelling by the rules, at most s.n; false if it is not. */
bool rsn_tokens_decode(const rsn_tokens *t, rsn_text s, char *to, size_t *n);

/* The first token that text may become and that is exactly these bytes, -1 if there is
 * none. */
int32_t rsn_tokens_find_bytes(const rsn_tokens *t, const char *bytes, size_t n);
/* The same where their hash is known. */
int32_t rsn_tokens_find_hash(const rsn_tokens *t, uint64_t hash, const char *bytes,
                             size_t n);

/* Whether no token that text may become has a space behind anything else: a text may then
 * be cut before such spaces. */
bool rsn_tokens_are_words(const rsn_tokens *t);

/* The first token of any kind that was spelt so, -1 if there is none. */
int32_t rsn_tokens_find_spelling(const rsn_tokens *t, const char *spelling, size_t n);

#endif
