/* Owns the merge rules and their application to a piece. Where pieces begin and end is
 * left to pretokenize.c, special tokens to vocab.c. Invariant: while a piece is merged,
 * each pair of neighbours that has a rule stands in the heap exactly once under its
 * present rank; entries whose rank is not their pair's any more are passed over when they
 * come up. */
#include "text/bpe.h"

#include <string.h>

#include "base/array.h"
#include "text/byte_level.h"

#define NO_RANK RSN_KEY_MAP_NONE

/* A stretch of the piece that is one token by now; stretches are a list, and dead ones
 * keep their place with NO_RANK. */
typedef struct rsn_bpe_symbol {
    int32_t id;    /* -1: a byte that is no token; it never merges */
    uint32_t rank; /* of the pair that it makes with the next one */
    uint32_t prev, next; /* NO_SYMBOL at the ends */
} symbol;

#define NO_SYMBOL UINT32_MAX

static inline uint64_t pair_key(int32_t left, int32_t right) {
    return (uint64_t)(uint32_t)left << 24 | (uint32_t)right;
}

/* ---- the heap: four children a node, because its depth is what cache misses are made of
 * ---- */

/* An entry orders by rank, then by place. */
static inline uint64_t heap_entry(uint32_t rank, size_t at) {
    return (uint64_t)rank << 32 | (uint32_t)at;
}

/* Puts `entry` where slot `at` is free, or above it. Returns the number of moves. */
static size_t sift_up(uint64_t *heap, size_t at, uint64_t entry) {
    size_t moves = 1;
    while (at > 0 && entry < heap[(at - 1) / 4]) {
        heap[at] = heap[(at - 1) / 4];
        at = (at - 1) / 4;
        moves++;
    }
    heap[at] = entry;
    return moves;
}

/* Puts `entry` where slot `at` of n is free, or below it. */
static size_t sift_down(uint64_t *heap, size_t n, size_t at, uint64_t entry) {
    size_t moves = 1;
    for (size_t child = at * 4 + 1; child < n; child = at * 4 + 1) {
        size_t end = child + 4 < n ? child + 4 : n, least = child;
        for (size_t c = child + 1; c < end; c++)
            if (heap[c] < heap[least]) least = c;
        if (entry <= heap[least]) break;
        heap[at] = heap[least];
        at = least;
        moves++;
    }
    heap[at] = entry;
    return moves;
}

/* ---- merging ---- */

static uint32_t find_rank(const rsn_bpe *b, const symbol *sym, const symbol *next) {
    if (sym->id < 0 || next->id < 0) return NO_RANK;
    return rsn_key_map_find(&b->ranks, pair_key(sym->id, next->id));
}

/* Lists the bytes of a piece and its pairs. Returns the number of heap entries. */
static size_t list_bytes(const rsn_bpe *b, const char *piece, size_t n, symbol *syms,
                         uint64_t *heap) {
    size_t n_heap = 0;
    for (size_t i = 0; i < n; i++) {
        syms[i].id = b->byte_token[(unsigned char)piece[i]];
        syms[i].rank = NO_RANK;
        syms[i].prev = i ? (uint32_t)i - 1 : NO_SYMBOL;
        syms[i].next = i + 1 < n ? (uint32_t)i + 1 : NO_SYMBOL;
        if (i == 0) continue;
        uint32_t rank = find_rank(b, &syms[i - 1], &syms[i]);
        syms[i - 1].rank = rank;
        if (rank != NO_RANK) heap[n_heap++] = heap_entry(rank, i - 1);
    }
    return n_heap;
}

/* Gives the pair that begins at `at` its rank and, if it has one, a place in the heap. */
static size_t rank_pair(const rsn_bpe *b, symbol *syms, size_t at, uint64_t *heap,
                        size_t *n_heap) {
    symbol *sym = &syms[at];
    sym->rank = sym->next == NO_SYMBOL ? NO_RANK : find_rank(b, sym, &syms[sym->next]);
    if (sym->rank == NO_RANK) return 1;
    return sift_up(heap, (*n_heap)++, heap_entry(sym->rank, at)) + 1;
}

/* A heap never outgrows 2n entries: it begins with fewer than n, and each of fewer than n
 * merges takes one out and puts at most two in. */
static uint64_t merge(const rsn_bpe *b, symbol *syms, uint64_t *heap, size_t n_heap) {
    uint64_t steps = 0;
    for (size_t i = n_heap / 4 + 1; i-- > 0;)
        if (i < n_heap) steps += sift_down(heap, n_heap, i, heap[i]);
    while (n_heap) {
        uint64_t top = heap[0];
        if (--n_heap) steps += sift_down(heap, n_heap, 0, heap[n_heap]);
        size_t at = (size_t)(top & UINT32_MAX);
        symbol *sym = &syms[at];
        if (sym->rank != (uint32_t)(top >> 32)) continue;
        symbol *gone = &syms[sym->next];
        sym->id = b->merged[sym->rank];
        sym->next = gone->next;
        gone->rank = NO_RANK;
        if (sym->next != NO_SYMBOL) syms[sym->next].prev = (uint32_t)at;
        steps += rank_pair(b, syms, at, heap, &n_heap);
        if (sym->prev != NO_SYMBOL) steps += rank_pair(b, syms, sym->prev, heap, &n_heap);
    }
    return steps;
}

reason_status rsn_bpe_push(rsn_vocab_ids *out, int32_t id) {
    reason_status status = RSN_GROW(&out->items, &out->cap, out->n + 1);
    if (status == REASON_OK) out->items[out->n++] = id;
    return status;
}

reason_status rsn_bpe_encode(const rsn_bpe *b, const char *piece, size_t n,
                             rsn_bpe_scratch *scratch, rsn_vocab_ids *out) {
    out->steps++;
    int32_t whole = n == 1 ? b->byte_token[(unsigned char)*piece] : -1;
    if (whole < 0 && b->whole_tokens) whole = rsn_tokens_find_bytes(b->tokens, piece, n);
    if (whole >= 0) return rsn_bpe_push(out, whole);
    reason_status status = RSN_GROW(&scratch->symbols, &scratch->symbols_cap, n);
    if (status == REASON_OK) status = RSN_GROW(&scratch->heap, &scratch->heap_cap, 2 * n);
    if (status != REASON_OK) return status;
    symbol *syms = scratch->symbols;
    size_t n_heap = list_bytes(b, piece, n, syms, scratch->heap);
    out->steps += n + merge(b, syms, scratch->heap, n_heap);
    for (uint32_t at = 0; at != NO_SYMBOL && status == REASON_OK; at = syms[at].next)
        status = rsn_bpe_push(out, syms[at].id < 0 ? b->unk : syms[at].id);
    return status;
}

void rsn_bpe_scratch_free(rsn_bpe_scratch *scratch) {
    rsn_free(scratch->symbols);
    rsn_free(scratch->heap);
    *scratch = (rsn_bpe_scratch){0};
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
