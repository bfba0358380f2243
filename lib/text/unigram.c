/* Owns the normalization of a text and the search for its best cut. What is replaced is
 * charsmap.c's, characters without a token fallback.c's. Invariant: every boundary of
 * characters is reached, by a token or as unknown, so a cut always exists. */
#include "text/unigram.h"

#include <math.h>
#include <string.h>

#include "base/array.h"
#include "base/utf8.h"
#include "text/piece.h"

/* The best cut of a word up to some place: its sum, and its last token. */
typedef struct rsn_unigram_best {
    double sum;
    uint32_t from; /* where the last token begins; then, where the next one ends */
    int32_t id;    /* NONE: no cut ends here; UNKNOWN: a character without a token */
} best;

enum { NONE = -2, UNKNOWN = -1 };

static const double UNKNOWN_PENALTY = 10;

/* ---- normalizing ---- */

/* What becomes of U+2581 in a text: a space in tokens, but none that is collapsed. */
static const char SIGN_SPACE[] = " ";

/* The bytes at s[0..n) that are normalized together, and what becomes of them. */
static size_t normalize_one(const rsn_unigram *u, const char *s, size_t n, rsn_text *by) {
    size_t len = rsn_charsmap_find(&u->charsmap, s, n, by);
    if (len) return len;
    int32_t cp;
    len = rsn_utf8_decode(s, n, &cp);
    if (cp == 0x2581) {
        *by = (rsn_text){SIGN_SPACE, 1};
        return len;
    }
    if (cp < 0) len = 1;
    /* Bytes that are no character are kept where tokens can give them back. */
    *by = cp < 0 && !u->fallback.lossless ? (rsn_text){"\xEF\xBF\xBD", 3}
                                          : (rsn_text){s, len};
    return len;
}

/* Writes the normalized text. With `collapse` spaces at the edges are left out, and those
 * that follow a space; a text without anything else becomes nothing, without a prefix. */
static reason_status normalize(const rsn_unigram *u, const char *s, size_t n,
                               bool prefixed, rsn_str *out) {
    size_t at = 0;
    bool after_space = u->collapse;
    rsn_text by;
    rsn_str_cut(out, 0);
    while (u->collapse && at < n) {
        size_t len = normalize_one(u, s + at, n - at, &by);
        if (by.n != 1 || by.data[0] != ' ' || by.data == SIGN_SPACE) break;
        at += len;
    }
    if (at == n) return REASON_OK;
    if (prefixed) rsn_str_addc(out, ' ');
    while (at < n && !out->failed && out->n <= RSN_VOCAB_MAX_TEXT) {
        at += normalize_one(u, s + at, n - at, &by);
        bool sign = by.data == SIGN_SPACE;
        while (after_space && !sign && by.n && by.data[0] == ' ')
            by = (rsn_text){by.data + 1, by.n - 1};
        if (by.n == 0) continue;
        rsn_str_add(out, by.data, by.n);
        after_space = u->collapse && !sign && by.data[by.n - 1] == ' ';
    }
    while (u->collapse && out->n && out->data[out->n - 1] == ' ')
        rsn_str_cut(out, out->n - 1);
    if (out->failed) return rsn_fail_memory(n);
    if (out->n > RSN_VOCAB_MAX_TEXT)
        return rsn_fail(REASON_ERR_LIMIT,
                        "text that becomes more than %zu bytes when it is normalized",
                        RSN_VOCAB_MAX_TEXT);
    return REASON_OK;
}

/* ---- the search ---- */

static inline void offer(best *b, double sum, size_t from, int32_t id) {
    if (b->id != NONE && !(sum > b->sum)) return;
    *b = (best){sum, (uint32_t)from, id};
}

static size_t character_length(const char *s, size_t n) {
    int32_t cp;
    size_t len = rsn_utf8_decode(s, n, &cp);
    return cp < 0 ? 1 : len;
}

/* Fills b[0..n]. Returns the number of steps. */
static uint64_t search(const rsn_unigram *u, const char *s, size_t n, best *b) {
    uint64_t steps = 0;
    b[0] = (best){0, 0, UNKNOWN};
    for (size_t i = 1; i <= n; i++) b[i].id = NONE;
    for (size_t at = 0; at < n;) {
        size_t len = character_length(s + at, n - at);
        bool alone = false; /* the character is a token by itself */
        uint32_t state = 0;
        for (size_t end = at; end < n; end++, steps++) {
            state = rsn_trie_step(&u->trie, state, (uint8_t)s[end]);
            if (state == 0) break;
            int32_t id = u->trie.token[state];
            if (id < 0) continue;
            offer(&b[end + 1], b[at].sum + (double)u->scores[id], at, id);
            alone = alone || end + 1 == at + len;
        }
        if (!alone) offer(&b[at + len], b[at].sum + u->unknown, at, UNKNOWN);
        at += len;
        steps++;
    }
    return steps;
}

/* Turns the way back from b[n] into one from b[0]: for the token that begins at i,
 * b[i].from becomes its end and b[i].id its id. */
static void turn_around(best *b, size_t n) {
    size_t end = n, from = b[n].from;
    int32_t id = b[n].id;
    for (;;) {
        best before = b[from];
        b[from].from = (uint32_t)end;
        b[from].id = id;
        if (from == 0) return;
        end = from;
        from = before.from;
        id = before.id;
    }
}

static reason_status encode_word(const rsn_unigram *u, const char *s, size_t n,
                                 rsn_unigram_scratch *scratch, bool *unknown,
                                 rsn_vocab_ids *out) {
    reason_status status = RSN_GROW(&scratch->best, &scratch->best_cap, n + 1);
    if (status != REASON_OK) return status;
    best *b = scratch->best;
    out->steps += search(u, s, n, b);
    turn_around(b, n);
    for (size_t at = 0; at < n && status == REASON_OK;) {
        size_t end = b[at].from;
        if (b[at].id == UNKNOWN) {
            status = rsn_fallback_push(&u->fallback, s + at, end - at, unknown, out);
        } else {
            *unknown = false;
            status = rsn_vocab_push(out, b[at].id);
        }
        at = end;
    }
    return status;
}

reason_status rsn_unigram_encode(const rsn_unigram *u, const char *text, size_t n,
                                 bool prefixed, rsn_unigram_scratch *scratch,
                                 rsn_vocab_ids *out) {
    rsn_str *s = &scratch->text;
    reason_status status = normalize(u, text, n, prefixed, s);
    bool unknown = false;
    for (size_t at = 0; at < s->n && status == REASON_OK;) {
        size_t end = u->words ? rsn_piece_word(s->data, s->n, at) : s->n;
        status = encode_word(u, s->data + at, end - at, scratch, &unknown, out);
        at = end;
    }
    return status;
}

void rsn_unigram_scratch_free(rsn_unigram_scratch *scratch) {
    rsn_str_free(&scratch->text);
    rsn_free(scratch->best);
    *scratch = (rsn_unigram_scratch){0};
}

/* ---- loading ---- */

/* The tokens that text may become; those of type 5 (unused) it may not. */
static reason_status load_tokens(rsn_unigram *u, const rsn_unigram_source *src) {
    const rsn_tokens *tokens = src->tokens;
    reason_status status =
        rsn_trie_init(&u->trie, tokens->n, tokens->start[tokens->n], tokens->seed);
    if (status != REASON_OK) return status;
    double least = HUGE_VAL;
    for (size_t id = 0; id < tokens->n; id++) {
        int32_t type = src->types ? src->types[id] : 1;
        if (!(tokens->flags[id] & RSN_TOKEN_BYTES) || type == 5) continue;
        if (type == 1 && (double)src->scores[id] < least) least = (double)src->scores[id];
        rsn_trie_add(&u->trie, rsn_tokens_get(tokens, (int32_t)id), (int32_t)id);
    }
    u->unknown = (least < HUGE_VAL ? least : 0) - UNKNOWN_PENALTY;
    return REASON_OK;
}

reason_status rsn_unigram_init(rsn_unigram *u, const rsn_unigram_source *src) {
    *u = (rsn_unigram){.collapse = src->collapse};
    reason_status status = rsn_fallback_init(&u->fallback, src->tokens, src->unk);
    if (status == REASON_OK)
        status = rsn_charsmap_init(&u->charsmap, src->charsmap, src->n_charsmap);
    if (status == REASON_OK) status = load_tokens(u, src);
    if (status != REASON_OK) return status;
    u->words = rsn_tokens_are_words(src->tokens);
    u->scores = rsn_alloc2(src->tokens->n, sizeof *u->scores);
    if (!u->scores) return REASON_ERR_NO_MEMORY;
    memcpy(u->scores, src->scores, src->tokens->n * sizeof *u->scores);
    return REASON_OK;
}

size_t rsn_unigram_held(const rsn_unigram *u) {
    if (!u->scores) return 0;
    return rsn_trie_held(&u->trie) + u->fallback.tokens->n * sizeof *u->scores +
           u->charsmap.n_units * sizeof *u->charsmap.units + u->charsmap.n_texts;
}

void rsn_unigram_free(rsn_unigram *u) {
    rsn_trie_free(&u->trie);
    rsn_charsmap_free(&u->charsmap);
    rsn_free(u->scores);
    *u = (rsn_unigram){0};
}
