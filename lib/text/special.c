/* Owns the automaton that finds special tokens in text. Which of overlapping finds are
 * taken is left to vocab.c. Invariant: a state stands for the bytes on its way from state
 * 0, and fail[] always leads to fewer bytes, so every walk along it ends. */
#include "text/special.h"

#include <string.h>

#include "base/array.h"

/* The state after one more byte. Each edge that leads back undoes one that led on before,
 * so a text costs at most twice as many steps as it has bytes. */
static inline uint32_t step(const rsn_special *sp, uint32_t state, uint8_t byte) {
    for (;;) {
        uint32_t next = rsn_trie_step(&sp->trie, state, byte);
        if (next || state == 0) return next;
        state = sp->fail[state];
    }
}

/* A special token while the automaton is built. */
typedef struct walk {
    rsn_text text;
    int32_t id;
    uint32_t state; /* after the bytes from its end that were looked at */
} walk;

static inline uint8_t byte_from_end(rsn_text token, size_t depth) {
    return (uint8_t)token.data[token.n - 1 - depth];
}

static void add_token(rsn_trie *trie, rsn_text token, int32_t id) {
    uint32_t state = 0;
    for (size_t i = 0; i < token.n; i++)
        state = rsn_trie_extend(trie, state, byte_from_end(token, i));
    if (state && trie->token[state] < 0) trie->token[state] = id;
}

/* Links the states, the shorter ones first: all tokens are walked together, a byte at a
 * time. Ways that tokens share are linked again, to the same end. */
static void link_states(rsn_special *sp, walk *walks, size_t n) {
    sp->fail[0] = 0;
    for (size_t depth = 0; n > 0; depth++) {
        size_t kept = 0;
        for (size_t i = 0; i < n; i++) {
            walk w = walks[i];
            if (w.text.n <= depth) continue;
            uint8_t byte = byte_from_end(w.text, depth);
            uint32_t before = w.state;
            w.state = rsn_trie_step(&sp->trie, before, byte);
            sp->fail[w.state] = before ? step(sp, sp->fail[before], byte) : 0;
            if (sp->trie.token[w.state] < 0)
                sp->trie.token[w.state] = sp->trie.token[sp->fail[w.state]];
            walks[kept++] = w;
        }
        n = kept;
    }
}

static inline bool is_sought(const rsn_tokens *t, size_t id) {
    return t->flags[id] & (RSN_TOKEN_SPECIAL | RSN_TOKEN_LITERAL);
}

/* The text of a token in `spelt`, which has room for it, or where it is. */
static rsn_text spell(const rsn_tokens *t, int32_t id, rsn_str *spelt) {
    rsn_text token = rsn_tokens_get(t, id);
    if (!(t->flags[id] & RSN_TOKEN_LITERAL)) return token;
    size_t from = spelt->n;
    for (size_t i = 0; i < token.n; i++) {
        if (token.data[i] == ' ') {
            rsn_str_add(spelt, "\xE2\x96\x81", 3);
        } else {
            rsn_str_addc(spelt, token.data[i]);
        }
    }
    return (rsn_text){spelt->data + from, spelt->n - from};
}

static reason_status build(rsn_special *sp, const rsn_tokens *t, size_t n, size_t bytes) {
    walk *walks = rsn_alloc2(n, sizeof *walks);
    rsn_str spelt = {0};
    rsn_str_reserve(&spelt, bytes); /* nothing moves while it fills */
    reason_status status = walks && !spelt.failed ? REASON_OK : REASON_ERR_NO_MEMORY;
    n = 0;
    for (size_t i = 0; i < t->n && status == REASON_OK; i++) {
        if (!is_sought(t, i)) continue;
        rsn_text text = spell(t, (int32_t)i, &spelt);
        walks[n++] = (walk){text, (int32_t)i, 0};
        add_token(&sp->trie, text, (int32_t)i);
    }
    if (status == REASON_OK) sp->fail = rsn_alloc2(sp->trie.n, sizeof *sp->fail);
    if (sp->fail) link_states(sp, walks, n);
    rsn_free(walks);
    rsn_str_free(&spelt);
    return sp->fail ? REASON_OK : REASON_ERR_NO_MEMORY;
}

reason_status rsn_special_init(rsn_special *sp, const rsn_tokens *t) {
    memset(sp, 0, sizeof *sp);
    size_t n = 0, bytes = 0;
    for (size_t i = 0; i < t->n; i++) {
        if (!is_sought(t, i)) continue;
        n++;
        bytes += rsn_tokens_sought_bytes(t, (int32_t)i);
    }
    if (bytes == 0) return REASON_OK;
    if (bytes > RSN_SPECIAL_MAX_BYTES)
        return rsn_fail(REASON_ERR_LIMIT,
                        "tokenizer.ggml.tokens: special tokens of %zu bytes in all; the "
                        "limit is %zu",
                        bytes, RSN_SPECIAL_MAX_BYTES);
    reason_status status = rsn_trie_init(&sp->trie, n, bytes, t->seed);
    return status ? status : build(sp, t, n, bytes);
}

size_t rsn_special_held(const rsn_special *sp) {
    if (!sp->fail) return 0;
    return rsn_trie_held(&sp->trie) + sp->trie.n * sizeof *sp->fail;
}

void rsn_special_free(rsn_special *sp) {
    rsn_trie_free(&sp->trie);
    rsn_free(sp->fail);
    sp->fail = NULL;
}

reason_status rsn_special_scan(const rsn_special *sp, const char *s, size_t n,
                               rsn_special_hits *hits) {
    if (sp->trie.n == 0) return REASON_OK;
    uint32_t state = 0;
    for (size_t at = n; at-- > 0;) {
        state = step(sp, state, (uint8_t)s[at]);
        if (sp->trie.token[state] < 0) continue;
        reason_status status = RSN_GROW(&hits->items, &hits->cap, hits->n + 1);
        if (status != REASON_OK) return status;
        hits->items[hits->n++] = (rsn_special_hit){at, sp->trie.token[state]};
    }
    return REASON_OK;
}
