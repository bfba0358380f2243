/* Owns the model of a tokenizer.json: its vocabulary and its rules. Invariant: a rule is
 * written only if its parts and its result are, since readers refuse others; of tokens of
 * one spelling the first is written. */
#include <string.h>

#include "format/gguf_keys.h"
#include "format/hf_write.h"

int32_t rsn_hf_type(const rsn_hf_writing *w, size_t id) {
    return w->types ? w->types[id] : RSN_HF_NORMAL;
}

size_t rsn_hf_find(const rsn_hf_writing *w, rsn_text text) {
    size_t low = 0, high = w->n_written;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (rsn_gguf_compare(w->order[middle], &text) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == w->n_written || rsn_gguf_compare(w->order[low], &text) != 0)
        return w->n_written;
    return (size_t)(w->order[low] - w->tokens);
}

static void write_vocabulary(rsn_hf_writing *w) {
    bool first = true;
    rsn_str_addz(&w->json, "{");
    for (size_t id = 0; id < w->n_written; id++) {
        if (rsn_hf_find(w, w->tokens[id]) != id)
            continue;
        rsn_str_addz(&w->json, first ? "\n" : ",\n");
        rsn_json_quote(&w->json, w->tokens[id].data, w->tokens[id].n, false);
        rsn_str_addf(&w->json, ":%zu", id);
        first = false;
    }
    rsn_str_addz(&w->json, "}");
}

/* The texts on both sides of a rule's one space; false if it has not one. */
static bool split_rule(rsn_text rule, rsn_text *left, rsn_text *right) {
    const char *space = rule.n ? memchr(rule.data, ' ', rule.n) : NULL;
    if (!space)
        return false;
    *left = (rsn_text){rule.data, (size_t)(space - rule.data)};
    *right = (rsn_text){space + 1, rule.n - left->n - 1};
    return true;
}

static reason_status write_merges(rsn_hf_writing *w) {
    rsn_str made = {0};
    bool first = true;
    rsn_str_addz(&w->json, "[");
    for (size_t i = 0; i < w->n_merges && !made.failed; i++) {
        rsn_text left, right;
        if (!split_rule(w->merges[i], &left, &right))
            continue;
        rsn_str_cut(&made, 0);
        rsn_str_add(&made, left.data, left.n);
        rsn_str_add(&made, right.data, right.n);
        const rsn_text token = {rsn_str_text(&made), made.n};
        if (rsn_hf_find(w, left) == w->n_written ||
            rsn_hf_find(w, right) == w->n_written ||
            rsn_hf_find(w, token) == w->n_written)
            continue;
        rsn_str_addz(&w->json, first ? "\n" : ",\n");
        rsn_json_quote(&w->json, w->merges[i].data, w->merges[i].n, false);
        first = false;
    }
    rsn_str_addz(&w->json, "]");
    reason_status status = made.failed ? REASON_ERR_NO_MEMORY : REASON_OK;
    rsn_str_free(&made);
    return status;
}

/* Nine digits tell floats apart. */
static void write_pieces(rsn_hf_writing *w) {
    static const double NEVER = -1e10; /* for what text may not become */
    rsn_str_addz(&w->json, "[");
    for (size_t id = 0; id < w->n_tokens; id++) {
        bool unused = rsn_hf_type(w, id) == RSN_HF_UNUSED;
        rsn_str_addz(&w->json, id ? ",\n[" : "\n[");
        rsn_json_quote(&w->json, w->tokens[id].data, w->tokens[id].n, false);
        rsn_str_addf(&w->json, ",%.9g]", unused ? NEVER : (double)w->scores[id]);
    }
    rsn_str_addz(&w->json, "]");
}

static bool has_bytes(const rsn_hf_writing *w) {
    for (size_t id = 0; id < w->n_tokens; id++)
        if (rsn_hf_type(w, id) == RSN_HF_BYTE)
            return true;
    return false;
}

static bool takes_whole_tokens(const rsn_hf_writing *w, reason_status *status) {
    const char *patterns[RSN_HF_MAX_PATTERNS];
    rsn_text pre = {"default", 7};
    bool whole = false;
    *status = rsn_gguf_string(w->g, "tokenizer.ggml.pre", &pre);
    (void)rsn_hf_pattern_find(pre, patterns, &whole);
    if (*status == REASON_OK)
        *status = rsn_gguf_bool(w->g, RSN_KEY_WHOLE_TOKENS, &whole);
    return whole;
}

static reason_status write_bpe(rsn_hf_writing *w) {
    reason_status status = REASON_OK;
    bool whole = w->byte_level && takes_whole_tokens(w, &status);
    bool bytes = !w->byte_level && has_bytes(w);
    rsn_str_addz(&w->json, "{\"type\":\"BPE\",\"dropout\":null,\"unk_token\":");
    if (w->known->unk >= 0) {
        rsn_text unk = w->tokens[w->known->unk];
        rsn_json_quote(&w->json, unk.data, unk.n, false);
    } else {
        rsn_str_addz(&w->json, "null");
    }
    rsn_str_addf(&w->json,
                 ",\"continuing_subword_prefix\":null,\"end_of_word_suffix\":null,"
                 "\"fuse_unk\":%s,\"byte_fallback\":%s,\"ignore_merges\":%s,\"vocab\":",
                 w->byte_level ? "false" : "true", bytes ? "true" : "false",
                 whole ? "true" : "false");
    write_vocabulary(w);
    rsn_str_addz(&w->json, ",\"merges\":");
    if (status == REASON_OK)
        status = write_merges(w);
    rsn_str_addz(&w->json, "}");
    return status;
}

reason_status rsn_hf_write_model(rsn_hf_writing *w) {
    if (!w->unigram)
        return write_bpe(w);
    rsn_str_addz(&w->json, "{\"type\":\"Unigram\",\"unk_id\":");
    if (w->known->unk >= 0)
        rsn_str_addf(&w->json, "%lld", (long long)w->known->unk);
    else
        rsn_str_addz(&w->json, "null");
    rsn_str_addf(&w->json, ",\"byte_fallback\":%s,\"vocab\":",
                 has_bytes(w) ? "true" : "false");
    write_pieces(w);
    rsn_str_addz(&w->json, "}");
    return REASON_OK;
}
