/* Reads a tokenizer's keys. Owns their names and the check that the lists fit each other;
 * what the lists mean is the text room's. */
#include "model/model.h"

#include <string.h>

#include "format/gguf_keys.h"

/* One row per special id: key and place. */
static const struct {
    const char *key;
    size_t offset;
} IDS[] = {
    {"tokenizer.ggml.bos_token_id", offsetof(rsn_vocab_source, bos)},
    {"tokenizer.ggml.eos_token_id", offsetof(rsn_vocab_source, eos)},
    {"tokenizer.ggml.eot_token_id", offsetof(rsn_vocab_source, eot)},
    {"tokenizer.ggml.eom_token_id", offsetof(rsn_vocab_source, eom)},
    {"tokenizer.ggml.unknown_token_id", offsetof(rsn_vocab_source, unk)},
    {"tokenizer.ggml.padding_token_id", offsetof(rsn_vocab_source, pad)},
};

static reason_status read_ids(const rsn_gguf *g, rsn_vocab_source *src) {
    reason_status status = REASON_OK;
    for (size_t i = 0; i < sizeof IDS / sizeof *IDS && status == REASON_OK; i++) {
        int64_t id = -1;
        status = rsn_gguf_int(g, IDS[i].key, -1, (int64_t)src->n_tokens - 1, &id);
        memcpy((char *)src + IDS[i].offset, &id, sizeof id);
    }
    return status;
}

/* Byte-level BPE has no use for scores, but a list that does not fit the tokens is
 * damage. */
static reason_status read_scores(const rsn_gguf *g, rsn_vocab_source *src) {
    const rsn_gguf_pair *scores = rsn_gguf_find(g, "tokenizer.ggml.scores");
    if (!scores)
        return REASON_OK;
    if (scores->type != RSN_GGUF_ARRAY || scores->item != RSN_GGUF_F32 ||
        scores->n != src->n_tokens)
        return rsn_fail(
            REASON_ERR_FORMAT,
            "key tokenizer.ggml.scores at offset %llu is no array of %zu f32, one for "
            "each entry of tokenizer.ggml.tokens",
            (unsigned long long)scores->offset, src->n_tokens);
    src->scores = scores->as.items;
    src->n_scores = src->n_tokens;
    return REASON_OK;
}

static reason_status read_lists(const rsn_gguf *g, rsn_vocab_source *src) {
    reason_status status =
        rsn_gguf_strings(g, "tokenizer.ggml.tokens", &src->tokens, &src->n_tokens);
    if (status == REASON_OK && src->n_tokens == 0)
        status =
            rsn_fail(REASON_ERR_FORMAT, "key tokenizer.ggml.tokens is missing or empty");
    if (status == REASON_OK)
        status =
            rsn_gguf_ints(g, "tokenizer.ggml.token_type", &src->types, &src->n_types);
    if (status == REASON_OK)
        status = read_scores(g, src);
    if (status == REASON_OK)
        status =
            rsn_gguf_strings(g, "tokenizer.ggml.merges", &src->merges, &src->n_merges);
    if (status == REASON_OK)
        status = rsn_gguf_strings(g, RSN_KEY_MERGES, &src->rules, &src->n_rules);
    if (status == REASON_OK)
        status = rsn_gguf_strings(g, RSN_KEY_PATTERN, &src->patterns, &src->n_patterns);
    if (status == REASON_OK)
        status = rsn_gguf_bytes(g, "tokenizer.ggml.precompiled_charsmap", &src->charsmap,
                                &src->n_charsmap);
    return status;
}

static reason_status read_id_lists(const rsn_gguf *g, rsn_vocab_source *src) {
    reason_status status = rsn_gguf_ints(g, RSN_KEY_END_IDS, &src->ends, &src->n_ends);
    if (status == REASON_OK)
        status = rsn_gguf_ints(g, RSN_KEY_LSTRIP_IDS, &src->lstrip, &src->n_lstrip);
    if (status == REASON_OK)
        status = rsn_gguf_ints(g, RSN_KEY_RSTRIP_IDS, &src->rstrip, &src->n_rstrip);
    if (status == REASON_OK)
        status = rsn_gguf_ints(g, RSN_KEY_LITERAL_IDS, &src->literal, &src->n_literal);
    return status;
}

/* 0 or 1; -1 where the file is silent. */
static reason_status read_switch(const rsn_gguf *g, const char *key, int *out) {
    bool value = false;
    reason_status status = rsn_gguf_bool(g, key, &value);
    *out = rsn_gguf_find(g, key) ? value : -1;
    return status;
}

static reason_status read_switches(const rsn_gguf *g, rsn_vocab_source *src) {
    reason_status status = read_switch(g, "tokenizer.ggml.add_bos_token", &src->add_bos);
    if (status == REASON_OK)
        status = read_switch(g, "tokenizer.ggml.add_eos_token", &src->add_eos);
    if (status == REASON_OK)
        status = read_switch(g, "tokenizer.ggml.add_space_prefix", &src->space_prefix);
    if (status == REASON_OK)
        status = rsn_gguf_bool(g, "tokenizer.ggml.remove_extra_whitespaces",
                               &src->remove_spaces);
    bool whole = false;
    if (status == REASON_OK)
        status = rsn_gguf_bool(g, RSN_KEY_WHOLE_TOKENS, &whole);
    if (rsn_gguf_find(g, RSN_KEY_WHOLE_TOKENS))
        src->whole_tokens = whole ? 1 : -1;
    if (status == REASON_OK)
        status = rsn_gguf_bool(g, RSN_KEY_NFC, &src->nfc);
    if (status == REASON_OK)
        status = rsn_gguf_bool(g, RSN_KEY_PREFIX_ONCE, &src->prefix_once);
    if (status == REASON_OK)
        status = rsn_gguf_bool(g, RSN_KEY_PREFIX_MISSING, &src->prefix_missing);
    return status;
}

reason_status rsn_vocab_load(const rsn_gguf *g, rsn_vocab **vocab) {
    *vocab = NULL;
    rsn_vocab_source src = {0};
    rsn_text model = {0}, pre = {0};
    reason_status status = rsn_gguf_string(g, "tokenizer.ggml.model", &model);
    if (status != REASON_OK || !model.data)
        return status;
    if ((status = rsn_gguf_string(g, "tokenizer.ggml.pre", &pre)) != REASON_OK ||
        (status = read_lists(g, &src)) != REASON_OK ||
        (status = read_ids(g, &src)) != REASON_OK ||
        (status = read_id_lists(g, &src)) != REASON_OK ||
        (status = read_switches(g, &src)) != REASON_OK)
        return status;
    src.model = model.data;
    src.pre = pre.data;
    return rsn_vocab_new(&src, vocab);
}
