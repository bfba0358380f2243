/* Owns what stands around the model in tokenizer.json, and tokenizer_config.json and
 * generation_config.json. The model is hf_write_model.c's. Invariant: nothing is written
 * before everything is made, and what the files cannot say is refused. */
#include "format/hf_tokenizer_write.h"

#include <string.h>

#include "base/replace.h"
#include "base/utf8.h"
#include "format/gguf_keys.h"
#include "format/hf_write.h"

#define SPACE "\xE2\x96\x81"

static const char *truth(bool value) {
    return value ? "true" : "false";
}

/* ---- the plan ---- */

static reason_status read_scores(rsn_hf_writing *w) {
    const rsn_gguf_pair *p = rsn_gguf_find(w->g, "tokenizer.ggml.scores");
    if (p && p->type == RSN_GGUF_ARRAY && p->item == RSN_GGUF_F32 && p->n == w->n_tokens)
        w->scores = p->as.items;
    if (w->scores || w->byte_level)
        return REASON_OK;
    return rsn_fail(REASON_ERR_FORMAT,
                    "key tokenizer.ggml.scores is no array of %zu f32, one for each "
                    "entry of tokenizer.ggml.tokens",
                    w->n_tokens);
}

static reason_status read_tokens(rsn_hf_writing *w) {
    size_t n_types = 0;
    reason_status status =
        rsn_gguf_strings(w->g, "tokenizer.ggml.tokens", &w->tokens, &w->n_tokens);
    if (status == REASON_OK)
        status = rsn_gguf_ints(w->g, "tokenizer.ggml.token_type", &w->types, &n_types);
    if (status != REASON_OK)
        return status;
    if (w->n_tokens == 0 || (w->types && n_types != w->n_tokens))
        return rsn_fail(REASON_ERR_FORMAT,
                        "key tokenizer.ggml.token_type has %zu entries, "
                        "tokenizer.ggml.tokens %zu",
                        n_types, w->n_tokens);
    for (size_t i = 0; i < w->n_tokens; i++) {
        size_t bad;
        if (!rsn_utf8_valid(w->tokens[i].data, w->tokens[i].n, &bad))
            return rsn_fail(REASON_ERR_UNSUPPORTED,
                            "key tokenizer.ggml.tokens: token %zu, %s, is no UTF-8, "
                            "which JSON needs",
                            i, rsn_quote(w->tokens[i].data, w->tokens[i].n).text);
    }
    w->n_written = w->n_tokens;
    while (w->n_written > 1 && rsn_hf_type(w, w->n_written - 1) == RSN_HF_UNUSED)
        w->n_written--;
    return REASON_OK;
}

/* The order of names has equal ones in any order; here the first must come first. */
static reason_status sort_tokens(rsn_hf_writing *w) {
    size_t same;
    w->order =
        rsn_gguf_sort(&w->arena, w->tokens, sizeof *w->tokens, w->n_written, &same);
    if (!w->order)
        return REASON_ERR_NO_MEMORY;
    for (size_t i = 0; i < w->n_written && same;) {
        size_t end = i + 1, least = i;
        for (; end < w->n_written && rsn_gguf_compare(w->order[i], w->order[end]) == 0;
             end++)
            least = w->order[end] < w->order[least] ? end : least;
        const rsn_text *first = w->order[least];
        w->order[least] = w->order[i];
        w->order[i] = first;
        i = end;
    }
    return REASON_OK;
}

static reason_status read_merges(rsn_hf_writing *w) {
    if (w->unigram)
        return REASON_OK;
    reason_status status = rsn_gguf_strings(
        w->g, w->byte_level ? "tokenizer.ggml.merges" : RSN_KEY_MERGES, &w->merges,
        &w->n_merges);
    if (status == REASON_OK && !w->byte_level && !w->merges)
        status = rsn_hf_make_rules(w);
    return status;
}

static reason_status read_plan(rsn_hf_writing *w, rsn_text model) {
    w->byte_level = rsn_text_is(model, "gpt2");
    w->unigram = rsn_text_is(model, "t5");
    bool pieces = rsn_text_is(model, "llama");
    if (!w->byte_level && !w->unigram && !pieces)
        return rsn_fail(REASON_ERR_UNSUPPORTED,
                        "key tokenizer.ggml.model: tokenizer %s cannot be written",
                        rsn_quote(model.data, model.n).text);
    reason_status status = read_tokens(w);
    if (status == REASON_OK)
        status = read_scores(w);
    if (status == REASON_OK)
        status = sort_tokens(w);
    return status == REASON_OK ? read_merges(w) : status;
}

/* ---- added tokens ---- */

enum { LITERAL = 4 }; /* beside RSN_HF_LSTRIP and RSN_HF_RSTRIP */

/* What lists of ids say of each token. */
static reason_status read_marks(rsn_hf_writing *w, uint8_t **marks) {
    static const struct {
        const char *key;
        uint8_t mark;
    } lists[] = {{RSN_KEY_LSTRIP_IDS, RSN_HF_LSTRIP},
                 {RSN_KEY_RSTRIP_IDS, RSN_HF_RSTRIP},
                 {RSN_KEY_LITERAL_IDS, LITERAL}};
    reason_status status = REASON_OK;
    *marks = rsn_arena_calloc2(&w->arena, w->n_tokens, 1);
    if (!*marks)
        return REASON_ERR_NO_MEMORY;
    for (size_t i = 0; i < sizeof lists / sizeof *lists && status == REASON_OK; i++) {
        const int32_t *ids = NULL;
        size_t n = 0;
        status = rsn_gguf_ints(w->g, lists[i].key, &ids, &n);
        for (size_t k = 0; k < n && status == REASON_OK; k++)
            if (ids[k] >= 0 && (size_t)ids[k] < w->n_tokens)
                (*marks)[ids[k]] |= lists[i].mark;
    }
    return status;
}

static reason_status write_added(rsn_hf_writing *w) {
    uint8_t *marks;
    bool first = true;
    reason_status status = read_marks(w, &marks);
    rsn_str_addz(&w->json, "\"added_tokens\":[");
    for (size_t id = 0; id < w->n_written && status == REASON_OK; id++) {
        int32_t type = rsn_hf_type(w, id);
        bool special = type == RSN_HF_CONTROL || type == RSN_HF_UNKNOWN;
        bool added = special || type == RSN_HF_USER || (marks[id] & LITERAL);
        if (!added || rsn_hf_find(w, w->tokens[id]) != id)
            continue;
        rsn_str_addf(&w->json, "%s{\"id\":%zu,\"content\":", first ? "\n" : ",\n", id);
        rsn_json_quote(&w->json, w->tokens[id].data, w->tokens[id].n, false);
        rsn_str_addf(&w->json,
                     ",\"single_word\":false,\"lstrip\":%s,\"rstrip\":%s,"
                     "\"normalized\":false,\"special\":%s}",
                     truth(marks[id] & RSN_HF_LSTRIP), truth(marks[id] & RSN_HF_RSTRIP),
                     truth(special));
        first = false;
    }
    rsn_str_addz(&w->json, "],\n");
    return status;
}

/* ---- steps ---- */

static void write_base64(rsn_str *out, const uint8_t *bytes, size_t n) {
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < n; i += 3) {
        uint32_t bits = (uint32_t)bytes[i] << 16;
        if (i + 1 < n)
            bits |= (uint32_t)bytes[i + 1] << 8;
        if (i + 2 < n)
            bits |= bytes[i + 2];
        for (size_t k = 0; k < 4; k++)
            rsn_str_addc(out, i + k > n ? '=' : digits[bits >> (18 - 6 * k) & 63]);
    }
}

/* One step of a sequence; *any: there is one before it. */
static void begin_step(rsn_str *out, bool *any) {
    rsn_str_addz(out, *any ? "," : "");
    *any = true;
}

typedef struct switches {
    bool nfc, once, missing, collapse;
} switches;

static reason_status read_switches(const rsn_gguf *g, switches *s) {
    const struct {
        const char *key;
        bool *to;
    } rows[] = {{RSN_KEY_NFC, &s->nfc},
                {RSN_KEY_PREFIX_ONCE, &s->once},
                {RSN_KEY_PREFIX_MISSING, &s->missing},
                {"tokenizer.ggml.remove_extra_whitespaces", &s->collapse}};
    reason_status status = REASON_OK;
    for (size_t i = 0; i < sizeof rows / sizeof *rows && status == REASON_OK; i++)
        status = rsn_gguf_bool(g, rows[i].key, rows[i].to);
    return status;
}

static reason_status write_normalizer(rsn_hf_writing *w, const switches *s) {
    const uint8_t *map = NULL;
    size_t n_map = 0;
    bool any = false, prefix = w->known->add_space && !w->byte_level && !s->missing;
    reason_status status =
        rsn_gguf_bytes(w->g, "tokenizer.ggml.precompiled_charsmap", &map, &n_map);
    rsn_str *out = &w->json;
    rsn_str_addz(out, "\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[");
    if (s->nfc)
        begin_step(out, &any), rsn_str_addz(out, "{\"type\":\"NFC\"}");
    if (w->unigram && n_map) {
        begin_step(out, &any);
        rsn_str_addz(out, "{\"type\":\"Precompiled\",\"precompiled_charsmap\":\"");
        write_base64(out, map, n_map);
        rsn_str_addz(out, "\"}");
    }
    if (w->unigram && s->collapse) {
        begin_step(out, &any);
        rsn_str_addz(out, "{\"type\":\"Replace\",\"pattern\":{\"Regex\":\"\\\\A +| +"
                          "\\\\z\"},\"content\":\"\"},{\"type\":\"Replace\",\"pattern\":{"
                          "\"Regex\":\" {2,}\"},\"content\":\" \"}");
    }
    if (prefix)
        begin_step(out, &any),
            rsn_str_addz(out, "{\"type\":\"Prepend\",\"prepend\":\"" SPACE "\"}");
    if (!w->byte_level) {
        begin_step(out, &any);
        rsn_str_addz(out, "{\"type\":\"Replace\",\"pattern\":{\"String\":\" \"},"
                          "\"content\":\"" SPACE "\"}");
    }
    rsn_str_addz(out, "]},\n");
    return status;
}

/* What cuts a byte-level text, as the plan says it. */
static reason_status find_patterns(const rsn_hf_writing *w, rsn_text *patterns,
                                   size_t *n) {
    const rsn_text *own = NULL;
    const char *named[RSN_HF_MAX_PATTERNS];
    rsn_text pre = {"default", 7};
    bool whole;
    reason_status status = rsn_gguf_strings(w->g, RSN_KEY_PATTERN, &own, n);
    if (status == REASON_OK)
        status = rsn_gguf_string(w->g, "tokenizer.ggml.pre", &pre);
    if (status != REASON_OK)
        return status;
    if (*n > RSN_HF_MAX_PATTERNS)
        return rsn_fail(REASON_ERR_LIMIT, "key " RSN_KEY_PATTERN ": %zu patterns", *n);
    for (size_t i = 0; i < *n; i++)
        patterns[i] = own[i];
    if (*n)
        return REASON_OK;
    *n = rsn_hf_pattern_find(pre, named, &whole);
    for (size_t i = 0; i < *n; i++)
        patterns[i] = (rsn_text){named[i], strlen(named[i])};
    return *n ? REASON_OK
              : rsn_fail(REASON_ERR_UNSUPPORTED,
                         "key tokenizer.ggml.pre: the patterns of %s are not known",
                         rsn_quote(pre.data, pre.n).text);
}

static reason_status write_cuts(rsn_hf_writing *w, bool prefix) {
    rsn_text patterns[RSN_HF_MAX_PATTERNS];
    size_t n = 0;
    rsn_str *out = &w->json;
    reason_status status = find_patterns(w, patterns, &n);
    if (status != REASON_OK)
        return status;
    bool whole;
    rsn_text name = rsn_hf_pattern_name(patterns, n, false, &whole);
    bool words = prefix && rsn_text_is(name, "gpt-2");
    if (prefix && !words)
        return rsn_fail(REASON_ERR_UNSUPPORTED,
                        "key tokenizer.ggml.add_space_prefix: a space before a text that "
                        "is cut otherwise than by gpt-2");
    rsn_str_addz(out, "\"pre_tokenizer\":{\"type\":\"Sequence\",\"pretokenizers\":[");
    for (size_t i = 0; i < n && !words; i++) {
        rsn_str_addz(out, "{\"type\":\"Split\",\"pattern\":{\"Regex\":");
        rsn_json_quote(out, patterns[i].data, patterns[i].n, false);
        rsn_str_addz(out, "},\"behavior\":\"Isolated\",\"invert\":false},");
    }
    rsn_str_addf(out,
                 "{\"type\":\"ByteLevel\",\"add_prefix_space\":%s,\"trim_offsets\":false,"
                 "\"use_regex\":%s}]},\n",
                 truth(prefix), truth(words));
    return REASON_OK;
}

static reason_status write_pre_tokenizer(rsn_hf_writing *w, const switches *s) {
    bool prefix = w->known->add_space;
    if (w->byte_level)
        return write_cuts(w, prefix);
    if (s->once && !s->missing && prefix)
        return rsn_fail(REASON_ERR_UNSUPPORTED,
                        "key " RSN_KEY_PREFIX_ONCE ": a space before the first part of a "
                        "text even where there is one");
    if (!prefix || !s->missing) {
        rsn_str_addz(&w->json, "\"pre_tokenizer\":null,\n");
        return REASON_OK;
    }
    rsn_str_addf(&w->json,
                 "\"pre_tokenizer\":{\"type\":\"Metaspace\",\"replacement\":\"" SPACE
                 "\",\"prepend_scheme\":\"%s\",\"split\":false},\n",
                 s->once ? "first" : "always");
    return REASON_OK;
}

static void write_decoder(rsn_hf_writing *w) {
    if (w->byte_level) {
        rsn_str_addz(&w->json, "\"decoder\":{\"type\":\"ByteLevel\",\"add_prefix_space\":"
                               "false,\"trim_offsets\":false,\"use_regex\":false},\n");
        return;
    }
    rsn_str_addz(&w->json, "\"decoder\":{\"type\":\"Sequence\",\"decoders\":[{\"type\":"
                           "\"Replace\",\"pattern\":{\"String\":\"" SPACE "\"},"
                           "\"content\":\" \"},{\"type\":\"ByteFallback\"},{\"type\":"
                           "\"Fuse\"}");
    if (w->known->add_space)
        rsn_str_addz(&w->json, ",{\"type\":\"Strip\",\"content\":\" \",\"start\":1,"
                               "\"stop\":0}");
    rsn_str_addz(&w->json, "]},\n");
}

/* ---- what is put around a text ---- */

static void write_special(rsn_hf_writing *w, int64_t id, int type_id) {
    rsn_text text = w->tokens[id];
    rsn_str_addz(&w->json, "{\"SpecialToken\":{\"id\":");
    rsn_json_quote(&w->json, text.data, text.n, false);
    rsn_str_addf(&w->json, ",\"type_id\":%d}}", type_id);
}

static void write_template(rsn_hf_writing *w, char which, int type_id) {
    const rsn_hf_known *k = w->known;
    if (k->add_bos)
        write_special(w, k->bos, type_id);
    rsn_str_addf(&w->json, "%s{\"Sequence\":{\"id\":\"%c\",\"type_id\":%d}}",
                 k->add_bos ? "," : "", which, type_id);
    if (k->add_eos) {
        rsn_str_addc(&w->json, ',');
        write_special(w, k->eos, type_id);
    }
}

static void write_post_processor(rsn_hf_writing *w) {
    const rsn_hf_known *k = w->known;
    const int64_t ids[] = {k->add_bos ? k->bos : -1, k->add_eos ? k->eos : -1};
    bool any = false;
    if (!k->add_bos && !k->add_eos) {
        rsn_str_addz(&w->json, "\"post_processor\":null,\n");
        return;
    }
    rsn_str_addz(&w->json, "\"post_processor\":{\"type\":\"TemplateProcessing\","
                           "\"single\":[");
    write_template(w, 'A', 0);
    rsn_str_addz(&w->json, "],\"pair\":[");
    write_template(w, 'A', 0);
    rsn_str_addc(&w->json, ',');
    write_template(w, 'B', 1);
    rsn_str_addz(&w->json, "],\"special_tokens\":{");
    for (size_t i = 0; i < 2; i++) {
        if (ids[i] < 0 || (i == 1 && ids[0] == ids[1]))
            continue;
        rsn_text text = w->tokens[ids[i]];
        begin_step(&w->json, &any);
        rsn_json_quote(&w->json, text.data, text.n, false);
        rsn_str_addz(&w->json, ":{\"id\":");
        rsn_json_quote(&w->json, text.data, text.n, false);
        rsn_str_addf(&w->json, ",\"ids\":[%lld],\"tokens\":[", (long long)ids[i]);
        rsn_json_quote(&w->json, text.data, text.n, false);
        rsn_str_addz(&w->json, "]}");
    }
    rsn_str_addz(&w->json, "}},\n");
}

/* ---- files ---- */

static reason_status make_tokenizer(rsn_hf_writing *w) {
    switches s = {0};
    reason_status status = read_switches(w->g, &s);
    rsn_str_addz(&w->json,
                 "{\"version\":\"1.0\",\"truncation\":null,\"padding\":null,\n");
    if (status == REASON_OK)
        status = write_added(w);
    if (status == REASON_OK)
        status = write_normalizer(w, &s);
    if (status == REASON_OK)
        status = write_pre_tokenizer(w, &s);
    write_post_processor(w);
    write_decoder(w);
    rsn_str_addz(&w->json, "\"model\":");
    if (status == REASON_OK)
        status = rsn_hf_write_model(w);
    rsn_str_addz(&w->json, "}\n");
    return status == REASON_OK && w->json.failed ? REASON_ERR_NO_MEMORY : status;
}

static void write_role(const rsn_hf_writing *w, rsn_str *out, const char *name,
                       int64_t id) {
    rsn_str_addf(out, "  \"%s\": ", name);
    if (id < 0)
        rsn_str_addz(out, "null");
    else
        rsn_json_quote(out, w->tokens[id].data, w->tokens[id].n, false);
    rsn_str_addz(out, ",\n");
}

/* A template for everything is a string; where there are named ones too it is a list. */
static reason_status write_templates(const rsn_gguf *g, rsn_str *out) {
    const rsn_text *names = NULL;
    size_t n = 0;
    rsn_text source = {0};
    bool any = false;
    reason_status status = rsn_gguf_string(g, "tokenizer.chat_template", &source);
    if (status == REASON_OK)
        status = rsn_gguf_strings(g, "tokenizer.chat_templates", &names, &n);
    if (status != REASON_OK || (!source.data && !n))
        return status;
    rsn_str_addz(out, n ? "  \"chat_template\": [" : "  \"chat_template\": ");
    if (source.data && n) {
        begin_step(out, &any);
        rsn_str_addz(out, "{\"name\": \"default\", \"template\": ");
    }
    if (source.data)
        rsn_json_quote(out, source.data, source.n, false);
    rsn_str_addz(out, source.data && n ? "}" : "");
    for (size_t i = 0; i < n && status == REASON_OK; i++) {
        rsn_str key = {0};
        rsn_text named = {0};
        rsn_str_addz(&key, "tokenizer.chat_template.");
        rsn_str_add(&key, names[i].data, names[i].n);
        status = key.failed ? REASON_ERR_NO_MEMORY
                            : rsn_gguf_string(g, rsn_str_text(&key), &named);
        rsn_str_free(&key);
        if (!named.data)
            continue;
        begin_step(out, &any);
        rsn_str_addz(out, "{\"name\": ");
        rsn_json_quote(out, names[i].data, names[i].n, false);
        rsn_str_addz(out, ", \"template\": ");
        rsn_json_quote(out, named.data, named.n, false);
        rsn_str_addz(out, "}");
    }
    rsn_str_addz(out, n ? "],\n" : ",\n");
    return status;
}

static reason_status make_settings(const rsn_hf_writing *w, rsn_str *out) {
    const rsn_hf_known *k = w->known;
    rsn_str_addz(out, "{\n");
    write_role(w, out, "bos_token", k->bos);
    write_role(w, out, "eos_token", k->eos);
    write_role(w, out, "unk_token", k->unk);
    write_role(w, out, "pad_token", k->pad);
    rsn_str_addf(out, "  \"add_bos_token\": %s,\n  \"add_eos_token\": %s,\n",
                 truth(k->add_bos), truth(k->add_eos));
    reason_status status = write_templates(w->g, out);
    rsn_str_addz(out, "  \"clean_up_tokenization_spaces\": false,\n"
                      "  \"tokenizer_class\": \"PreTrainedTokenizerFast\"\n}\n");
    return status == REASON_OK && out->failed ? REASON_ERR_NO_MEMORY : status;
}

/* Empty where eos alone ends a generation. */
static reason_status make_ends(const rsn_hf_writing *w, rsn_str *out) {
    const int32_t *ends = NULL;
    size_t n = 0;
    bool any = false;
    reason_status status = rsn_gguf_ints(w->g, RSN_KEY_END_IDS, &ends, &n);
    if (status != REASON_OK || n == 0)
        return status;
    rsn_str_addz(out, "{\n  \"eos_token_id\": [");
    if (w->known->eos >= 0)
        begin_step(out, &any), rsn_str_addf(out, "%lld", (long long)w->known->eos);
    for (size_t i = 0; i < n; i++)
        begin_step(out, &any), rsn_str_addf(out, "%d", (int)ends[i]);
    rsn_str_addz(out, "]\n}\n");
    return out->failed ? REASON_ERR_NO_MEMORY : REASON_OK;
}

static reason_status write_file(const char *folder, const char *name,
                                const rsn_str *text) {
    char *path = NULL;
    rsn_replace file = {.fd = -1};
    reason_status status = rsn_hf_path(folder, name, &path);
    if (status == REASON_OK)
        status = rsn_replace_begin(path, text->n, &file);
    if (status == REASON_OK)
        status = rsn_replace_write(&file, rsn_str_text(text), text->n);
    if (status == REASON_OK)
        status = rsn_replace_commit(&file);
    rsn_replace_abandon(&file);
    rsn_free(path);
    return status;
}

static reason_status check_known(const rsn_hf_writing *w) {
    const int64_t ids[] = {w->known->bos, w->known->eos, w->known->unk, w->known->pad};
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
        if (ids[i] >= (int64_t)w->n_written)
            return rsn_fail(REASON_ERR_FORMAT,
                            "special token of id %lld; the vocabulary has ids 0 to %zu",
                            (long long)ids[i], w->n_written - 1);
    return REASON_OK;
}

reason_status rsn_hf_tokenizer_write(const rsn_gguf *g, const rsn_hf_known *known,
                                     const char *folder, bool *written) {
    rsn_hf_writing w = {.g = g, .known = known};
    rsn_str settings = {0}, ends = {0};
    rsn_text model = {0};
    reason_status status = rsn_gguf_string(g, "tokenizer.ggml.model", &model);
    *written = false;
    if (status != REASON_OK || !model.data)
        return status;
    if ((status = read_plan(&w, model)) == REASON_OK &&
        (status = check_known(&w)) == REASON_OK &&
        (status = make_tokenizer(&w)) == REASON_OK &&
        (status = make_settings(&w, &settings)) == REASON_OK &&
        (status = make_ends(&w, &ends)) == REASON_OK &&
        (status = write_file(folder, "tokenizer.json", &w.json)) == REASON_OK)
        status = write_file(folder, "tokenizer_config.json", &settings);
    if (status == REASON_OK && ends.n)
        status = write_file(folder, "generation_config.json", &ends);
    *written = status == REASON_OK;
    rsn_str_free(&w.json);
    rsn_str_free(&settings);
    rsn_str_free(&ends);
    rsn_arena_free(&w.arena);
    return status;
}
