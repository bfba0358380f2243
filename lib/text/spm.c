/* Owns what merges in a text of SentencePiece's: which neighbours are a token and how it
 * ranks, where no rules do (rules.c). The order of merges is merge.h's, characters
 * without a token fallback.c's. A symbol's number is the place of its first byte, and it
 * goes up to the next one's. Invariant: a symbol of more than one character is a token.
 */
#include "text/spm.h"

#include <string.h>

#include "base/utf8.h"
#include "text/piece.h"
#include "text/rolling_hash.h"

/* A piece while it is merged. */
typedef struct piece {
    const rsn_spm *m;
    const char *s;
    size_t n;
    const uint64_t *hash; /* [n + 1] of s[0..i) */
} piece;

/* The token that s[from..to) is, -1 if it is none. */
static inline int32_t find_token(const piece *p, size_t from, size_t to) {
    size_t n = to - from;
    if (n > p->m->tokens->longest) return -1;
    uint64_t hash = rsn_hash_behind(p->hash[to], p->hash[from], p->m->power[n]);
    return rsn_tokens_find_hash(p->m->tokens, hash, p->s + from, n);
}

static inline size_t end_of(const piece *p, const rsn_symbol *syms, size_t at) {
    return syms[at].next == RSN_MERGE_NONE ? p->n : syms[at].next;
}

static inline uint32_t find_rank(const void *how, const rsn_symbol *syms, size_t at) {
    const piece *p = how;
    int32_t id = find_token(p, at, end_of(p, syms, syms[at].next));
    return id < 0 ? RSN_MERGE_NONE : p->m->rank[id];
}

/* Two symbols that are one need no more than that the second is left out. */
static inline void join(const void *how, rsn_symbol *syms, size_t at) {
    (void)how;
    (void)syms;
    (void)at;
}

static void list_characters(const piece *p, rsn_symbol *syms, uint64_t *hash) {
    uint64_t base = p->m->tokens->base;
    uint32_t before = RSN_MERGE_NONE;
    hash[0] = 0;
    for (size_t at = 0; at < p->n;) {
        int32_t cp;
        size_t len = rsn_utf8_decode(p->s + at, p->n - at, &cp);
        if (cp < 0) len = 1; /* bytes of no character stand alone */
        for (size_t i = at; i < at + len; i++)
            hash[i + 1] = rsn_hash_step(base, hash[i], (uint8_t)p->s[i]);
        syms[at].id = p->m->by_rules ? find_token(p, at, at + len) : -1;
        syms[at].prev = before;
        syms[at].next = at + len < p->n ? (uint32_t)(at + len) : RSN_MERGE_NONE;
        before = (uint32_t)at;
        at += len;
    }
}

static reason_status encode_piece(const rsn_spm *m, const char *s, size_t n,
                                  rsn_spm_scratch *scratch, bool *unknown,
                                  rsn_vocab_ids *out) {
    reason_status status = rsn_merge_reserve(&scratch->merge, n);
    if (status == REASON_OK) status = RSN_GROW(&scratch->hash, &scratch->hash_cap, n + 1);
    if (status != REASON_OK) return status;
    const piece p = {m, s, n, scratch->hash};
    rsn_symbol *syms = scratch->merge.symbols;
    list_characters(&p, syms, scratch->hash);
    out->steps += n + (m->by_rules ? rsn_merge_run(&scratch->merge, rsn_rules_rank,
                                                  rsn_rules_join, &m->rules)
                                  : rsn_merge_run(&scratch->merge, find_rank, join, &p));
    for (uint32_t at = 0; at != RSN_MERGE_NONE && status == REASON_OK;
         at = syms[at].next) {
        size_t end = end_of(&p, syms, at);
        int32_t id = find_token(&p, at, end);
        if (id < 0) {
            status = rsn_fallback_push(&m->fallback, s + at, end - at, unknown, out);
        } else {
            *unknown = false;
            status = rsn_vocab_push(out, id);
        }
    }
    return status;
}

reason_status rsn_spm_encode(const rsn_spm *m, const char *text, size_t n, bool prefixed,
                             rsn_spm_scratch *scratch, rsn_vocab_ids *out) {
    reason_status status = REASON_OK;
    bool unknown = false;
    for (size_t at = 0; at < n && status == REASON_OK;) {
        size_t end = m->words ? rsn_piece_word(text, n, at) : n;
        if (at == 0 && prefixed) {
            rsn_str_cut(&scratch->first, 0);
            rsn_str_addc(&scratch->first, ' ');
            rsn_str_add(&scratch->first, text, end);
            if (scratch->first.failed) return rsn_fail_memory(end);
            status = encode_piece(m, scratch->first.data, scratch->first.n, scratch,
                                  &unknown, out);
        } else {
            status = encode_piece(m, text + at, end - at, scratch, &unknown, out);
        }
        at = end;
    }
    return status;
}

void rsn_spm_scratch_free(rsn_spm_scratch *scratch) {
    rsn_merge_free(&scratch->merge);
    rsn_free(scratch->hash);
    rsn_str_free(&scratch->first);
    *scratch = (rsn_spm_scratch){0};
}

/* ---- loading ---- */

/* The order of ranks is the reverse of that of scores, which are finite. Bits of floats
 * order as their values do, negative ones the other way round. */
static uint32_t rank_of(float score) {
    uint32_t bits;
    score += 0.0f; /* -0 is 0 */
    memcpy(&bits, &score, sizeof bits);
    return bits >> 31 ? bits : ~bits & (UINT32_MAX >> 1);
}

reason_status rsn_spm_init(rsn_spm *m, const rsn_tokens *tokens, const float *scores,
                           const rsn_text *rules, size_t n_rules, int32_t unk) {
    *m = (rsn_spm){.tokens = tokens};
    reason_status status = rsn_fallback_init(&m->fallback, tokens, unk);
    if (status != REASON_OK) return status;
    m->rank = rsn_alloc2(tokens->n, sizeof *m->rank);
    m->power = rsn_alloc2(tokens->longest + 1, sizeof *m->power);
    if (!m->rank || !m->power) return REASON_ERR_NO_MEMORY;
    m->power[0] = 1;
    for (size_t i = 1; i <= tokens->longest; i++)
        m->power[i] = rsn_hash_multiply(m->power[i - 1], tokens->base);
    for (size_t i = 0; i < tokens->n; i++) m->rank[i] = rank_of(scores[i]);
    m->words = rsn_tokens_are_words(tokens);
    m->by_rules = n_rules > 0;
    return n_rules ? rsn_rules_init(&m->rules, tokens, rules, n_rules,
                                    "reason.tokenizer.merges")
                   : REASON_OK;
}

size_t rsn_spm_held(const rsn_spm *m) {
    if (!m->rank) return 0;
    return rsn_rules_held(&m->rules) + m->tokens->n * sizeof *m->rank +
           (m->tokens->longest + 1) * sizeof *m->power;
}

void rsn_spm_free(rsn_spm *m) {
    rsn_rules_free(&m->rules);
    rsn_free(m->rank);
    rsn_free(m->power);
    *m = (rsn_spm){0};
}
