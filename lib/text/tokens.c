/* Owns the bytes of all tokens and the index over them. Which tokens may follow from text
 * is left to bpe.c (merging) and special.c (spellings in text). Invariant: a token is
 * indexed under its bytes and whether they came from the byte alphabet, the first of
 * equal ones only; that flag and the bytes together are as good as the spelling. */
#include "text/tokens.h"

#include <string.h>

#include "text/byte_level.h"
#include "text/key_map.h"

/* FNV-1a from a seed; finish_hash() mixes its high bits down. */
static inline uint64_t start_hash(const rsn_tokens *t, bool level) {
    return t->seed ^ (level ? UINT64_C(0x9E3779B97F4A7C15) : 0);
}

static inline uint64_t step_hash(uint64_t hash, uint8_t byte) {
    return (hash ^ byte) * UINT64_C(0x100000001B3);
}

/* The slot where a search that failed at an empty one ended, or the one that holds the
 * token. */
static size_t find_slot(const rsn_tokens *t, uint64_t hash, const char *bytes, size_t n,
                        bool level) {
    hash = rsn_mix64(hash);
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

static uint64_t hash_bytes(const rsn_tokens *t, const char *bytes, size_t n, bool level) {
    uint64_t hash = start_hash(t, level);
    for (size_t i = 0; i < n; i++) hash = step_hash(hash, (uint8_t)bytes[i]);
    return hash;
}

int32_t rsn_tokens_find_bytes(const rsn_tokens *t, const char *bytes, size_t n) {
    if (n > t->longest) return -1; /* so that a long piece is not hashed in vain */
    return t->slots[find_slot(t, hash_bytes(t, bytes, n, true), bytes, n, true)].id;
}

/* Whether the spelling s[0..n) stands for exactly these bytes. */
static bool spells(const char *s, size_t n, rsn_text bytes) {
    size_t at = 0;
    for (size_t i = 0; i < bytes.n; i++) {
        uint8_t byte;
        size_t len = at < n ? rsn_byte_level_next(s + at, n - at, &byte) : 0;
        if (len == 0 || byte != (uint8_t)bytes.data[i]) return false;
        at += len;
    }
    return at == n;
}

/* As rsn_tokens_find_bytes() for a spelling in the byte alphabet, without a copy. */
static int32_t find_level(const rsn_tokens *t, const char *s, size_t n) {
    uint64_t hash = start_hash(t, true);
    for (size_t at = 0; at < n;) {
        uint8_t byte;
        size_t len = rsn_byte_level_next(s + at, n - at, &byte);
        if (len == 0) return -1;
        hash = step_hash(hash, byte);
        at += len;
    }
    hash = rsn_mix64(hash);
    uint32_t tag = (uint32_t)(hash >> 32);
    size_t i = (size_t)hash & t->mask;
    for (; t->slots[i].id >= 0; i = (i + 1) & t->mask) {
        int32_t id = t->slots[i].id;
        bool level = (t->flags[id] & RSN_TOKEN_BYTES) != 0;
        if (t->slots[i].tag == tag && level && spells(s, n, rsn_tokens_get(t, id)))
            return id;
    }
    return -1;
}

int32_t rsn_tokens_find_spelling(const rsn_tokens *t, const char *spelling, size_t n) {
    if (n == 0 || n > RSN_TOKENS_MAX_BYTES) return -1;
    uint64_t hash = hash_bytes(t, spelling, n, false);
    int32_t plain = t->slots[find_slot(t, hash, spelling, n, false)].id;
    int32_t level = find_level(t, spelling, n);
    return plain < 0 || (level >= 0 && level < plain) ? level : plain;
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

/* The flags that a type of the file means; 0 (undefined), 5 (unused) and 6 (byte, which
 * belongs to other tokenizer models) are as good as normal. */
static reason_status read_type(const int32_t *types, size_t i, uint8_t *flags) {
    static const uint8_t meaning[] = {
        0, 0, RSN_TOKEN_CONTROL, RSN_TOKEN_CONTROL, RSN_TOKEN_USER, 0, 0};
    int32_t type = types ? types[i] : 1;
    if (type < 0 || type >= (int32_t)sizeof meaning)
        return rsn_fail(REASON_ERR_FORMAT,
                        "tokenizer.ggml.token_type[%zu]: type %d; allowed are 0 to %zu",
                        i, (int)type, sizeof meaning - 1);
    *flags = meaning[type];
    return REASON_OK;
}

static reason_status copy_tokens(rsn_tokens *t, const rsn_text *spellings,
                                 const int32_t *types) {
    uint32_t end = 0;
    for (size_t i = 0; i < t->n; i++) {
        rsn_text s = spellings[i];
        char *to = t->bytes + end;
        size_t n = 0;
        reason_status status = read_type(types, i, &t->flags[i]);
        if (status != REASON_OK) return status;
        if (!(t->flags[i] & RSN_TOKEN_SPECIAL) && s.n &&
            rsn_byte_level_decode(s.data, s.n, to, &n)) {
            t->flags[i] |= RSN_TOKEN_BYTES;
        } else if ((n = s.n) > 0) {
            memcpy(to, s.data, n);
        }
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
        uint64_t hash = hash_bytes(t, token.data, token.n, level);
        rsn_token_slot *slot = &t->slots[find_slot(t, hash, token.data, token.n, level)];
        if (token.n && slot->id < 0)
            *slot = (rsn_token_slot){(uint32_t)(rsn_mix64(hash) >> 32), (int32_t)id};
    }
}

reason_status rsn_tokens_init(rsn_tokens *t, const rsn_text *spellings,
                              const int32_t *types, size_t n, uint64_t seed) {
    *t = (rsn_tokens){.n = n, .seed = seed};
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
