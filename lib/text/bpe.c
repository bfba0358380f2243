/* Owns the merge rules of byte-level vocabularies and their application to a piece. Where
 * pieces begin and end is left to pretokenize.c, the order of merges to merge.h, special
 * tokens to vocab.c. */
#include "text/bpe.h"

#include <string.h>

#include "text/byte_level.h"

static inline uint64_t pair_key(int32_t left, int32_t right) {
    return (uint64_t)(uint32_t)left << 24 | (uint32_t)right;
}

/* ---- merging ---- */

/* A symbol whose id is -1 is a byte that is no token; it never merges. */
static inline uint32_t find_rank(const void *how, const rsn_symbol *syms, size_t at) {
    const rsn_bpe *b = how;
    int32_t left = syms[at].id, right = syms[syms[at].next].id;
    if (left < 0 || right < 0) return RSN_MERGE_NONE;
    return rsn_key_map_find(&b->ranks, pair_key(left, right));
}

static inline void join(const void *how, rsn_symbol *syms, size_t at) {
    const rsn_bpe *b = how;
    syms[at].id = b->merged[syms[at].rank];
}

static void list_bytes(const rsn_bpe *b, const char *piece, size_t n, rsn_symbol *syms) {
    for (size_t i = 0; i < n; i++) {
        syms[i].id = b->byte_token[(unsigned char)piece[i]];
        syms[i].prev = i ? (uint32_t)i - 1 : RSN_MERGE_NONE;
        syms[i].next = i + 1 < n ? (uint32_t)i + 1 : RSN_MERGE_NONE;
    }
}

reason_status rsn_bpe_encode(const rsn_bpe *b, const char *piece, size_t n,
                             rsn_merge_scratch *scratch, rsn_vocab_ids *out) {
    out->steps++;
    int32_t whole = n == 1 ? b->byte_token[(unsigned char)*piece] : -1;
    if (whole < 0 && b->whole_tokens) whole = rsn_tokens_find_bytes(b->tokens, piece, n);
    if (whole >= 0) return rsn_vocab_push(out, whole);
    reason_status status = rsn_merge_reserve(scratch, n);
    if (status != REASON_OK) return status;
    rsn_symbol *syms = scratch->symbols;
    list_bytes(b, piece, n, syms);
    out->steps += rsn_merge_run(scratch, find_rank, join, b);
    for (uint32_t at = 0; at != RSN_MERGE_NONE && status == REASON_OK; at = syms[at].next)
        status = rsn_vocab_push(out, syms[at].id < 0 ? b->unk : syms[at].id);
    return status;
}

/* ---- loading ---- */

/* Checks a line "left right" and gives the place of its one space. */
static reason_status check_merge(rsn_text line, size_t index, size_t *space) {
    if (line.n > 2 * RSN_TOKENS_MAX_BYTES + 1)
        return rsn_fail(REASON_ERR_LIMIT,
                        "tokenizer.ggml.merges[%zu]: merge of %zu bytes; the limit is %d",
                        index, line.n, 2 * RSN_TOKENS_MAX_BYTES + 1);
    const char *at = line.n ? memchr(line.data, ' ', line.n) : NULL;
    *space = at ? (size_t)(at - line.data) : 0;
    if (!at || *space == 0 || *space + 1 == line.n ||
        memchr(at + 1, ' ', line.n - *space - 1))
        return rsn_fail(REASON_ERR_FORMAT,
                        "tokenizer.ggml.merges[%zu]: %s; needed are two tokens with one "
                        "space between them",
                        index, rsn_quote(line.data, line.n).text);
    return REASON_OK;
}

/* Adds the rule of a line, which buffer is long enough for. Parts and result are tokens
 * that merging may make; a rule that has others could never be used. */
static void add_merge(rsn_bpe *b, rsn_text line, size_t space, char *buffer) {
    size_t n_left = 0, n_right = 0;
    if (!rsn_byte_level_decode(line.data, space, buffer, &n_left)) return;
    if (!rsn_byte_level_decode(line.data + space + 1, line.n - space - 1, buffer + n_left,
                               &n_right))
        return;
    int32_t merged = rsn_tokens_find_bytes(b->tokens, buffer, n_left + n_right);
    if (merged < 0) return;
    int32_t left = rsn_tokens_find_bytes(b->tokens, buffer, n_left);
    int32_t right = rsn_tokens_find_bytes(b->tokens, buffer + n_left, n_right);
    if (left < 0 || right < 0) return;
    uint32_t rank = (uint32_t)b->n_ranks;
    if (rsn_key_map_add(&b->ranks, pair_key(left, right), rank) == rank)
        b->merged[b->n_ranks++] = merged;
}

static reason_status load_merges(rsn_bpe *b, const rsn_text *merges, size_t n) {
    if (n > RSN_BPE_MAX_MERGES)
        return rsn_fail(REASON_ERR_LIMIT,
                        "tokenizer.ggml.merges: %zu merges; the limit is %d", n,
                        RSN_BPE_MAX_MERGES);
    reason_status status = rsn_key_map_init(&b->ranks, n, b->tokens->seed);
    if (status != REASON_OK) return status;
    char *buffer = rsn_alloc(2 * RSN_TOKENS_MAX_BYTES + 1);
    b->merged = rsn_alloc2(n, sizeof *b->merged);
    if (!buffer || !b->merged) status = REASON_ERR_NO_MEMORY;
    for (size_t i = 0; i < n && status == REASON_OK; i++) {
        size_t space = 0;
        status = check_merge(merges[i], i, &space);
        if (status == REASON_OK) add_merge(b, merges[i], space, buffer);
    }
    rsn_free(buffer);
    return status;
}

reason_status rsn_bpe_init(rsn_bpe *b, const rsn_tokens *tokens, const rsn_text *merges,
                           size_t n_merges, int32_t unk, bool whole_tokens) {
    memset(b, 0, sizeof *b);
    b->tokens = tokens;
    b->unk = unk;
    b->whole_tokens = whole_tokens;
    for (int byte = 0; byte < 256; byte++) {
        char c = (char)byte;
        b->byte_token[byte] = rsn_tokens_find_bytes(tokens, &c, 1);
        if (b->byte_token[byte] < 0 && unk < 0)
            return rsn_fail(REASON_ERR_UNSUPPORTED,
                            "tokenizer.ggml.tokens: no token stands for byte 0x%02X, and "
                            "there is no tokenizer.ggml.unknown_token_id",
                            (unsigned)byte);
    }
    return load_merges(b, merges, n_merges);
}

size_t rsn_bpe_held(const rsn_bpe *b) {
    return rsn_key_map_held(&b->ranks) + b->n_ranks * sizeof *b->merged;
}

void rsn_bpe_free(rsn_bpe *b) {
    rsn_key_map_free(&b->ranks);
    rsn_free(b->merged);
    b->merged = NULL;
}
