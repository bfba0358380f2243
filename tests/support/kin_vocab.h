/* Vocabularies of families: bytes, a few longer pieces, control tokens and tags. */
#ifndef REASON_TESTS_KIN_VOCAB_H
#define REASON_TESTS_KIN_VOCAB_H

#include "support/kin.h"
#include "unit/text/vocab_fixture.h"

/* Ids below 256 are bytes. The tokenizer splits what is no special token into bytes and
 * blank lines; `pieces` (ends with NULL) are tokens that only a model writes. */
static inline void kin_fixture(fixture *f, const kin *k, const char *const *pieces) {
    fixture_init(f, "gpt-2");
    fixture_alphabet(f);
    fixture_join(f, "\n", "\n");
    for (size_t i = 0; pieces && pieces[i]; i++)
        fixture_bytes_token(f, pieces[i], strlen(pieces[i]));
    for (size_t i = 0; i < KIN_TOKENS && k->control[i]; i++) {
        int32_t id = fixture_tokenz(f, k->control[i], 3);
        f->src.eos = i == 0 ? id : f->src.eos;
    }
    for (size_t i = 0; i < KIN_TOKENS && k->user[i]; i++)
        fixture_tokenz(f, k->user[i], 4);
}

static inline rsn_vocab *kin_vocab(const kin *k) {
    fixture f;
    kin_fixture(&f, k, NULL);
    rsn_vocab *v = fixture_new(&f);
    fixture_free(&f);
    return v;
}

#endif
