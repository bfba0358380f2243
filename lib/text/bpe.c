/* Owns how the bytes of a piece become tokens. The rules are rules.c's; where pieces
 * begin and end is left to pretokenize.c, the order of merges to merge.h, special tokens
 * to vocab.c. */
#include "text/bpe.h"

#include <string.h>

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
    out->steps += rsn_merge_run(scratch, rsn_rules_rank, rsn_rules_join, &b->rules);
    for (uint32_t at = 0; at != RSN_MERGE_NONE && status == REASON_OK; at = syms[at].next)
        status = rsn_vocab_push(out, syms[at].id < 0 ? b->unk : syms[at].id);
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
    return rsn_rules_init(&b->rules, tokens, merges, n_merges, "tokenizer.ggml.merges");
}

size_t rsn_bpe_held(const rsn_bpe *b) {
    return rsn_rules_held(&b->rules);
}

void rsn_bpe_free(rsn_bpe *b) {
    rsn_rules_free(&b->rules);
}
