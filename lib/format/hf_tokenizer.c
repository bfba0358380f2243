/* Owns which files a tokenizer is read from, and the pairs that what they say becomes.
 * The files are their readers', the list of tokens by id hf_place.c's. Invariant: pairs
 * that a vocabulary is made of are there in full or not at all. */
#include "format/hf_tokenizer.h"

#include <string.h>

#include "format/gguf_keys.h"
#include "format/hf_draft.h"
#include "format/hf_place.h"

/* ---- files ---- */

/* What classes of tokenizers do whose files do not say it: these are byte-level. */
static reason_status apply_class(rsn_hf_draft *d) {
    static const struct {
        const char *name, *pre;
        bool nfc;
    } classes[] = {
        {"GPT2Tokenizer", "gpt-2", false},
        {"GPT2TokenizerFast", "gpt-2", false},
        {"Qwen2Tokenizer", "qwen2", true},
        {"Qwen2TokenizerFast", "qwen2", true},
    };
    rsn_text name = d->tokenizer_class;
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
        if (strlen(classes[i].name) != name.n ||
            memcmp(classes[i].name, name.data, name.n) != 0)
            continue;
        const char *patterns[RSN_HF_MAX_PATTERNS];
        bool whole;
        const rsn_text pre = {classes[i].pre, strlen(classes[i].pre)};
        size_t n = rsn_hf_pattern_find(pre, patterns, &whole);
        reason_status status = REASON_OK;
        for (size_t k = 0; k < n && status == REASON_OK; k++)
            status = rsn_hf_add_pattern(d, patterns[k], strlen(patterns[k]));
        d->nfc = classes[i].nfc;
        return status;
    }
    return rsn_fail(REASON_ERR_UNSUPPORTED,
                    "vocab.json and merges.txt of tokenizer class %s, which is not "
                    "known; tokenizer.json would tell",
                    rsn_quote(name.data, name.n).text);
}

static reason_status read_files(rsn_hf_draft *d, const char *folder, bool *found) {
    bool by_class = false;
    reason_status status = rsn_hf_read_tokenizer(d, folder, found);
    bool whole = *found; /* it lists added tokens, too */
    if (status == REASON_OK && !*found) {
        status = rsn_hf_read_vocabulary(d, folder, &by_class);
        *found = by_class;
    }
    if (status == REASON_OK && !*found)
        status = rsn_hf_read_sentencepiece(d, folder, found);
    if (status == REASON_OK && *found)
        status = rsn_hf_read_settings(d, folder);
    if (status == REASON_OK && *found && !whole)
        status = rsn_hf_read_added(d, folder); /* settings know them better */
    return status == REASON_OK && by_class ? apply_class(d) : status;
}

/* ---- pairs ---- */

static void add_switch(rsn_pairs *p, const char *key, bool value) {
    if (value)
        rsn_pairs_bool(p, key, true);
}

static void add_lists(const rsn_hf_draft *d, const rsn_hf_place *place, rsn_pairs *p) {
    const char *model = d->byte_level                  ? "gpt2"
                        : d->model == RSN_HF_UNIGRAM ? "t5"
                                                       : "llama";
    rsn_pairs_text(p, "tokenizer.ggml.model", (rsn_text){model, strlen(model)});
    rsn_pairs_texts(p, "tokenizer.ggml.tokens", place->texts, place->n);
    rsn_pairs_items(p, "tokenizer.ggml.token_type", RSN_GGUF_I32, place->types, place->n);
    if (place->scores)
        rsn_pairs_items(p, "tokenizer.ggml.scores", RSN_GGUF_F32, place->scores,
                        place->n);
    if (d->model == RSN_HF_BPE)
        rsn_pairs_texts(p, d->byte_level ? "tokenizer.ggml.merges" : RSN_KEY_MERGES,
                        place->merges, place->n_merges);
}

/* What cuts texts, by name or as patterns. */
static reason_status add_patterns(const rsn_hf_draft *d, rsn_pairs *p) {
    bool whole = false;
    rsn_text name =
        rsn_hf_pattern_name(d->patterns, d->n_patterns, d->ignore_merges, &whole);
    if (d->n_patterns == 0)
        return rsn_fail(REASON_ERR_UNSUPPORTED, "pre_tokenizer: no step cuts the text");
    if (name.n == 0 && d->drops_between)
        return rsn_fail(REASON_ERR_UNSUPPORTED,
                        "pre_tokenizer: behavior \"Removed\" with pattern %s",
                        rsn_quote(d->patterns[0].data, d->patterns[0].n).text);
    if (name.n) {
        rsn_pairs_text(p, "tokenizer.ggml.pre", name);
    } else { /* a name that nobody takes for another */
        rsn_text *list = rsn_arena_calloc2(p->arena, d->n_patterns, sizeof *list);
        if (!list)
            return REASON_ERR_NO_MEMORY;
        memcpy(list, d->patterns, d->n_patterns * sizeof *list);
        rsn_pairs_text(p, "tokenizer.ggml.pre", (rsn_text){"pattern", 7});
        rsn_pairs_texts(p, RSN_KEY_PATTERN, list, d->n_patterns);
    }
    if (whole != d->ignore_merges)
        rsn_pairs_bool(p, RSN_KEY_WHOLE_TOKENS, d->ignore_merges);
    return REASON_OK;
}

/* How a text is changed before it is cut. */
static void add_changes(const rsn_hf_draft *d, rsn_pairs *p) {
    bool prefix = d->prefix, once = d->prefix_once;
    if (d->by_family && d->legacy == 0) /* a tokenizer.json says it itself */
        once = true;
    if (d->add_space >= 0)
        prefix = d->byte_level ? d->add_space > 0 : prefix && d->add_space > 0;
    if (!d->byte_level || prefix)
        rsn_pairs_bool(p, "tokenizer.ggml.add_space_prefix", prefix);
    add_switch(p, RSN_KEY_PREFIX_MISSING, prefix && (d->prefix_missing || d->byte_level));
    add_switch(p, RSN_KEY_PREFIX_ONCE, prefix && once);
    add_switch(p, RSN_KEY_NFC, d->nfc);
    add_switch(p, "tokenizer.ggml.remove_extra_whitespaces", d->collapse);
    if (d->charsmap.n)
        rsn_pairs_items(p, "tokenizer.ggml.precompiled_charsmap", RSN_GGUF_U8,
                        d->charsmap.data, d->charsmap.n);
}

static void add_ids(const rsn_hf_draft *d, const rsn_hf_place *place, rsn_pairs *p) {
    static const char *const keys[RSN_HF_N_ROLES] = {
        [RSN_HF_BOS] = "tokenizer.ggml.bos_token_id",
        [RSN_HF_EOS] = "tokenizer.ggml.eos_token_id",
        [RSN_HF_UNK] = "tokenizer.ggml.unknown_token_id",
        [RSN_HF_PAD] = "tokenizer.ggml.padding_token_id",
        [RSN_HF_SEP] = "tokenizer.ggml.seperator_token_id",
        [RSN_HF_CLS] = "tokenizer.ggml.cls_token_id",
        [RSN_HF_MASK] = "tokenizer.ggml.mask_token_id",
    };
    static const char *const lists[] = {RSN_KEY_END_IDS, RSN_KEY_LSTRIP_IDS,
                                        RSN_KEY_RSTRIP_IDS, RSN_KEY_LITERAL_IDS};
    const rsn_hf_ids *ids[] = {&place->ends, &place->lstrip, &place->rstrip,
                               &place->literal};
    for (size_t i = 0; i < RSN_HF_N_ROLES; i++)
        if (place->roles[i] >= 0)
            rsn_pairs_u32(p, keys[i], (uint32_t)place->roles[i]);
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
        if (ids[i]->n)
            rsn_pairs_items(p, lists[i], RSN_GGUF_I32, ids[i]->items, ids[i]->n);
    if (d->add_bos >= 0 || !d->by_family)
        rsn_pairs_bool(p, "tokenizer.ggml.add_bos_token",
                       d->add_bos < 0 ? d->before.n > 0 : d->add_bos > 0);
    if (d->add_eos >= 0 || !d->by_family)
        rsn_pairs_bool(p, "tokenizer.ggml.add_eos_token",
                       d->add_eos < 0 ? d->after.n > 0 : d->add_eos > 0);
}

static void add_named_template(rsn_pairs *p, const rsn_hf_template *t) {
    rsn_str key = {0};
    rsn_str_addz(&key, "tokenizer.chat_template.");
    rsn_str_add(&key, t->name.data, t->name.n);
    rsn_pairs_text(p, rsn_str_text(&key), t->source);
    p->failed |= key.failed;
    rsn_str_free(&key);
}

static reason_status add_templates(const rsn_hf_draft *d, rsn_pairs *p) {
    rsn_text *names = rsn_arena_calloc2(p->arena, d->n_templates + 1, sizeof *names);
    size_t n = 0;
    if (!names)
        return REASON_ERR_NO_MEMORY;
    for (size_t i = 0; i < d->n_templates; i++) {
        const rsn_hf_template *t = &d->templates[i];
        if (memchr(t->name.data, '\0', t->name.n) || t->name.n > 64)
            return rsn_fail(REASON_ERR_LIMIT,
                            "chat template %s: a name of more than 64 characters",
                            rsn_quote(t->name.data, t->name.n).text);
        if (rsn_text_is(t->name, "default")) {
            rsn_pairs_text(p, "tokenizer.chat_template", t->source);
        } else {
            names[n++] = t->name;
            add_named_template(p, t);
        }
    }
    if (n)
        rsn_pairs_texts(p, "tokenizer.chat_templates", names, n);
    return REASON_OK;
}

static reason_status add_pairs(rsn_hf_draft *d, size_t n_vocab, rsn_pairs *p) {
    rsn_hf_place place = {0};
    reason_status status = rsn_hf_place_tokens(d, n_vocab, &place);
    if (status != REASON_OK)
        return status;
    add_lists(d, &place, p);
    add_changes(d, p);
    add_ids(d, &place, p);
    status = d->byte_level ? add_patterns(d, p) : REASON_OK;
    if (status == REASON_OK)
        status = add_templates(d, p);
    return status == REASON_OK && p->failed ? REASON_ERR_NO_MEMORY : status;
}

reason_status rsn_hf_tokenizer(const char *folder, size_t n_vocab, rsn_pairs *pairs,
                               bool *found) {
    rsn_hf_draft *d = rsn_alloc(sizeof *d);
    size_t before = pairs->n;
    *found = false;
    if (!d)
        return REASON_ERR_NO_MEMORY;
    rsn_hf_draft_init(d, pairs->arena);
    reason_status status = read_files(d, folder, found);
    if (status == REASON_OK && *found)
        status = add_pairs(d, n_vocab, pairs);
    if (status != REASON_OK)
        pairs->n = before;
    if (status != REASON_OK && status != REASON_ERR_NO_MEMORY)
        rsn_fail_within(status, folder);
    rsn_hf_draft_free(d);
    rsn_free(d);
    return status;
}
