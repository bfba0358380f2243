/* Owns the bytes of all tokens and the index over them. Which tokens may follow from text
 * is left to bpe.c, spm.c and unigram.c, special tokens in text to special.c. Invariant:
 * a token is indexed under its bytes and whether it was spelt by the rules, the first of
 * equal ones only; that flag and the bytes together are as good as the spelling. */
#include "text/tokens.h"

#include <string.h>

#include "text/byte_level.h"
#include "text/key_map.h"
#include "text/piece.h"
#include "text/rolling_hash.h"

/* Where a search begins, from the hash of the bytes. */
static inline uint64_t spread(const rsn_tokens *t, uint64_t hash, bool level) {
    return rsn_mix64(hash ^ t->seed ^ (level ? UINT64_C(0x9E3779B97F4A7C15) : 0));
}

/* One byte of a spelling; 0 if it is not by the rules. */
static inline size_t read_spelling(const rsn_tokens *t, const char *s, size_t n,
                                   uint8_t *byte) {
    return t->spelling == RSN_SPELLING_PIECE ? rsn_piece_next(s, n, byte)
                                             : rsn_byte_level_next(s, n, byte);
}

/* The slot where a search that failed at an empty one ended, or the one that holds the
 * token. */
static size_t find_slot(const rsn_tokens *t, uint64_t hash, const char *bytes, size_t n,
                        bool level) {
    hash = spread(t, hash, level);
    uint32_t tag = (uint32_t)(hash >> 32);
    size_t i = (size_t)hash & t->mask;
    for (; t->slots[i].id >= 0; i = (i + 1) & t->mask) {
        if (t->slots[i].tag != tag) continue;
        int32_t id = t->slots[i].id;
        rsn_text token = rsn_tokens_get(t, id);
        if (token.n == n && level == !!(t->flags[id] & RSN_TOKEN_BYTES) &&
            memcmp(token.data, bytes, n) == 0)
            break;
    }
    return i;
}

static uint64_t hash_bytes(const rsn_tokens *t, const char *bytes, size_t n) {
    uint64_t hash = 0;
    for (size_t i = 0; i < n; i++) hash = rsn_hash_step(t->base, hash, (uint8_t)bytes[i]);
    return hash;
}

size_t rsn_tokens_sought_bytes(const rsn_tokens *t, int32_t id) {
    rsn_text token = rsn_tokens_get(t, id);
    size_t n = token.n;
    for (size_t i = 0; i < token.n && (t->flags[id] & RSN_TOKEN_LITERAL); i++)
        n += token.data[i] == ' ' ? 2 : 0;
    return n;
}

int32_t rsn_tokens_find_hash(const rsn_tokens *t, uint64_t hash, const char *bytes,
                             size_t n) {
    return t->slots[find_slot(t, hash, bytes, n, true)].id;
}

int32_t rsn_tokens_find_bytes(const rsn_tokens *t, const char *bytes, size_t n) {
    if (n > t->longest) return -1; /* so that a long piece is not hashed in vain */
    return rsn_tokens_find_hash(t, hash_bytes(t, bytes, n), bytes, n);
}

bool rsn_tokens_are_words(const rsn_tokens *t) {
    for (size_t id = 0; id < t->n; id++) {
        rsn_text token = rsn_tokens_get(t, (int32_t)id);
        if ((t->flags[id] & RSN_TOKEN_BYTES) &&
            rsn_piece_word(token.data, token.n, 0) < token.n)
            return false;
    }
    return true;
}

/* Whether the spelling s[0..n) stands for exactly these bytes. */
static bool spells(const rsn_tokens *t, const char *s, size_t n, rsn_text bytes) {
    size_t at = 0;
    for (size_t i = 0; i < bytes.n; i++) {
        uint8_t byte;
        size_t len = at < n ? read_spelling(t, s + at, n - at, &byte) : 0;
        if (len == 0 || byte != (uint8_t)bytes.data[i]) return false;
        at += len;
    }
    return at == n;
}

/* As rsn_tokens_find_bytes() for a spelling by the rules, without a copy. */
static int32_t find_level(const rsn_tokens *t, const char *s, size_t n) {
    uint64_t hash = 0;
    for (size_t at = 0; at < n;) {
        uint8_t byte;
        size_t len = read_spelling(t, s + at, n - at, &byte);
        if (len == 0) return -1;
        hash = rsn_hash_step(t->base, hash, byte);
        at += len;
    }
    hash = spread(t, hash, true);
    uint32_t tag = (uint32_t)(hash >> 32);
    size_t i = (size_t)hash & t->mask;
    for (; t->slots[i].id >= 0; i = (i + 1) & t->mask) {
        int32_t id = t->slots[i].id;
        bool level = (t->flags[id] & RSN_TOKEN_BYTES) != 0;
        if (t->slots[i].tag == tag && level && spells(t, s, n, rsn_tokens_get(t, id)))
            return id;
    }
    return -1;
}

static int32_t find_byte(const rsn_tokens *t, const char *s, size_t n) {
    int byte = rsn_piece_byte(s, n);
    return byte < 0 ? -1 : t->byte_token[byte];
}

int32_t rsn_tokens_find_spelling(const rsn_tokens *t, const char *spelling, size_t n) {
    if (n == 0 || n > RSN_TOKENS_MAX_BYTES) return -1;
    uint64_t hash = hash_bytes(t, spelling, n);
    int32_t found[] = {t->slots[find_slot(t, hash, spelling, n, false)].id,
                       find_level(t, spelling, n), find_byte(t, spelling, n)};
    int32_t first = -1;
    for (int i = 0; i < 3; i++)
        if (found[i] >= 0 && (first < 0 || found[i] < first)) first = found[i];
    return first;
}

static reason_status check_sizes(const rsn_text *spellings, size_t n, uint64_t *total) {
    if (n == 0)
        return rsn_fail(REASON_ERR_FORMAT,
                        "tokenizer.ggml.tokens: no token; needed is at least one");
    if (n > RSN_TOKENS_MAX)
        return rsn_fail(REASON_ERR_LIMIT,
                        "tokenizer.ggml.tokens: %zu tokens; the limit is %d", n,
                        RSN_TOKENS_MAX);
    for (size_t i = 0; i < n; i++) {
        if (spellings[i].n > RSN_TOKENS_MAX_BYTES)
            return rsn_fail(REASON_ERR_LIMIT,
                            "tokenizer.ggml.tokens[%zu]: a token of %zu bytes; the limit "
                            "is %d", i, spellings[i].n, RSN_TOKENS_MAX_BYTES);
        *total += spellings[i].n;
    }
    if (*total > UINT32_MAX)
        return rsn_fail(REASON_ERR_LIMIT,
                        "tokenizer.ggml.tokens: %llu bytes in all; the limit is %llu",
                        (unsigned long long)*total, (unsigned long long)UINT32_MAX);
    return REASON_OK;
}

/* The flags that a type of the file means; 0 (undefined) and 5 (unused) are as good as
 * normal, and so is 6 (byte) in the byte alphabet. */
static reason_status read_type(const rsn_tokens *t, const int32_t *types, size_t i,
                               rsn_text spelling, uint8_t *flags) {
    static const uint8_t meaning[] = {
        0, 0, RSN_TOKEN_CONTROL, RSN_TOKEN_CONTROL, RSN_TOKEN_USER, 0, 0};
    int32_t type = types ? types[i] : 1;
    if (type < 0 || type >= (int32_t)sizeof meaning)
        return rsn_fail(REASON_ERR_FORMAT,
                        "tokenizer.ggml.token_type[%zu]: type %d; allowed are 0 to %zu",
                        i, (int)type, sizeof meaning - 1);
    *flags = meaning[type];
    if (type == 6 && t->spelling == RSN_SPELLING_PIECE &&
        rsn_piece_byte(spelling.data, spelling.n) >= 0)
        *flags = RSN_TOKEN_BYTE;
    return REASON_OK;
}

bool rsn_tokens_decode(const rsn_tokens *t, rsn_text s, char *to, size_t *n) {
    size_t made = 0;
    for (size_t at = 0; at < s.n;) {
        uint8_t byte;
        size_t len = read_spelling(t, s.data + at, s.n - at, &byte);
        if (len == 0) return false;
        to[made++] = (char)byte;
        at += len;
    }
    *n = made;
    return made > 0;
}

static size_t copy_token(rsn_tokens *t, size_t i, rsn_text s, char *to) {
    size_t n = 0;
    if (t->flags[i] & RSN_TOKEN_BYTE) {
        int byte = rsn_piece_byte(s.data, s.n);
        if (t->byte_token[byte] < 0) t->byte_token[byte] = (int32_t)i;
        *to = (char)byte;
        return 1;
    }
    if (!(t->flags[i] & RSN_TOKEN_SPECIAL) && rsn_tokens_decode(t, s, to, &n)) {
        t->flags[i] |= RSN_TOKEN_BYTES;
        return n;
    }
    if (s.n > 0) memcpy(to, s.data, s.n);
    return s.n;
}

static reason_status copy_tokens(rsn_tokens *t, const rsn_text *spellings,
                                 const int32_t *types) {
    uint32_t end = 0;
    for (size_t i = 0; i < t->n; i++) {
        reason_status status = read_type(t, types, i, spellings[i], &t->flags[i]);
        if (status != REASON_OK) return status;
        size_t n = copy_token(t, i, spellings[i], t->bytes + end);
        t->start[i] = end;
        end += (uint32_t)n;
        if (n > t->longest) t->longest = n;
    }
    t->start[t->n] = end;
    return REASON_OK;
}

static void index_tokens(rsn_tokens *t) {
    memset(t->slots, 0xFF, (t->mask + 1) * sizeof *t->slots);
    for (size_t id = 0; id < t->n; id++) {
        rsn_text token = rsn_tokens_get(t, (int32_t)id);
        bool level = (t->flags[id] & RSN_TOKEN_BYTES) != 0;
        if (t->flags[id] & RSN_TOKEN_BYTE) continue; /* byte_token[] has them */
        uint64_t hash = hash_bytes(t, token.data, token.n);
        rsn_token_slot *slot = &t->slots[find_slot(t, hash, token.data, token.n, level)];
        if (token.n && slot->id < 0)
            *slot = (rsn_token_slot){(uint32_t)(spread(t, hash, level) >> 32),
                                     (int32_t)id};
    }
}

reason_status rsn_tokens_init(rsn_tokens *t, rsn_spelling spelling,
                              const rsn_text *spellings, const int32_t *types, size_t n,
                              uint64_t seed) {
    *t = (rsn_tokens){.n = n, .spelling = spelling, .seed = seed};
    t->base = rsn_hash_base(rsn_mix64(~seed));
    memset(t->byte_token, 0xFF, sizeof t->byte_token);
    uint64_t total = 0;
    reason_status status = check_sizes(spellings, n, &total);
    if (status != REASON_OK) return status;
    size_t slots = 2;
    while (slots / 2 < n) slots *= 2;
    t->mask = slots - 1;
    t->bytes = rsn_alloc((size_t)total);
    t->start = rsn_alloc2(n + 1, sizeof *t->start);
    t->flags = rsn_alloc(n);
    t->slots = rsn_alloc2(slots, sizeof *t->slots);
    if (!t->bytes || !t->start || !t->flags || !t->slots) return REASON_ERR_NO_MEMORY;
    status = copy_tokens(t, spellings, types);
    if (status == REASON_OK) index_tokens(t);
    return status;
}

size_t rsn_tokens_held(const rsn_tokens *t) {
    return t->start[t->n] + (t->n + 1) * sizeof *t->start + t->n +
           (t->mask + 1) * sizeof *t->slots;
}

void rsn_tokens_free(rsn_tokens *t) {
    rsn_free(t->bytes);
    rsn_free(t->start);
    rsn_free(t->flags);
    rsn_free(t->slots);
    *t = (rsn_tokens){0};
}
