/* SentencePiece's table of normalizations (tokenizer.ggml.precompiled_charsmap): which
 * characters of a text are replaced by which. */
#ifndef REASON_TEXT_CHARSMAP_H
#define REASON_TEXT_CHARSMAP_H

#include "base/str.h"

enum {
    RSN_CHARSMAP_MAX_KEY = 64,   /* bytes of what can be replaced at once */
    RSN_CHARSMAP_MAX_TEXT = 255, /* of what takes its place */
};

typedef struct rsn_charsmap {
    uint32_t *units; /* [n_units] a double array; its values are places in texts[] */
    size_t n_units;
    char *texts; /* [n_texts], each ended by a NUL */
    size_t n_texts;
} rsn_charsmap;

/* Copies and checks a table of n bytes; n = 0 is a table that replaces nothing. Leaves *m
 * to rsn_charsmap_free() in any case. Returns FORMAT, LIMIT, NO_MEMORY. */
reason_status rsn_charsmap_init(rsn_charsmap *m, const uint8_t *bytes, size_t n);
void rsn_charsmap_free(rsn_charsmap *m);

/* How many bytes at s[0..n) are replaced, the longest stretch there is; *by takes their
 * place and lives as the table does. 0: none. */
size_t rsn_charsmap_find(const rsn_charsmap *m, const char *s, size_t n, rsn_text *by);

#endif
