/* Owns what a vocabulary is as a whole: its parts, its special ids and the order in which
 * a text goes through them. Bytes of tokens are tokens.c's, pieces pretokenize.c's, what
 * becomes of text bpe.c's, spm.c's and unigram.c's, special tokens in text special.c's.
 * Invariant: nothing changes after rsn_vocab_new(). */
#include "text/vocab.h"

#include <math.h>
#include <string.h>

#include "base/array.h"
#include "base/log.h"
#include "text/bpe.h"
#include "text/pattern.h"
#include "text/prepare.h"
#include "text/pretokenize.h"
#include "text/special.h"
#include "text/spm.h"
#include "text/unigram.h"

struct rsn_vocab {
    rsn_tokens tokens;
    rsn_special special;
    const struct tokenizer_model *model;
    rsn_prepare prepare;
    const rsn_pretokenizer *pre; /* of bpe; NULL: */
    rsn_pattern *pattern;        /* this cuts */
    rsn_bpe bpe;                 /* of these three the one that the model is */
    rsn_spm spm;
    rsn_unigram unigram;
    int32_t bos, eos, eot, eom, unk, pad;
    bool add_bos, add_eos, add_space, space_once;
};

/* Memory of encoding, for one text. */
typedef struct encode_scratch {
    rsn_prepare_scratch prepare;
    rsn_merge_scratch bpe;
    rsn_spm_scratch spm;
    rsn_unigram_scratch unigram;
} encode_scratch;

/* A way of tokenizing: how tokens are spelt, what it makes of a source, and of text that
 * holds no special token, with a space before it or not. */
typedef struct tokenizer_model {
    const char *name; /* of tokenizer.ggml.model */
    rsn_spelling spelling;
    /* What holds where a file is silent. An id counts only if its token is a control
     * token. */
    int32_t bos, eos, pad;
    bool add_bos, add_eos, add_space;
    reason_status (*init)(rsn_vocab *v, const rsn_vocab_source *src);
    reason_status (*encode)(const rsn_vocab *v, const char *text, size_t n, bool prefixed,
                            encode_scratch *scratch, rsn_vocab_ids *out);
} tokenizer_model;

/* ---- the models ---- */

static reason_status find_pre(rsn_vocab *v, const rsn_vocab_source *src) {
    if (src->n_patterns)
        return rsn_pattern_new(src->patterns, src->n_patterns, &v->pattern);
    v->pre = rsn_pretokenizer_find(src->pre);
    if (!v->pre)
        return rsn_fail(REASON_ERR_UNSUPPORTED,
                        "tokenizer.ggml.pre: pre-tokenizer %s is not supported",
                        rsn_quote(src->pre, strlen(src->pre)).text);
    if (!src->pre)
        rsn_log(REASON_LOG_WARNING,
                "tokenizer.ggml.pre is absent: the pre-tokenizer \"default\" may not be "
                "what the model was trained with");
    v->add_bos = v->pre->adds_bos;
    return REASON_OK;
}

static reason_status init_gpt2(rsn_vocab *v, const rsn_vocab_source *src) {
    reason_status status = find_pre(v, src);
    if (status != REASON_OK) return status;
    bool whole = v->pre && v->pre->whole_tokens;
    if (src->whole_tokens) whole = src->whole_tokens > 0;
    return rsn_bpe_init(&v->bpe, &v->tokens, src->merges, src->n_merges, v->unk, whole);
}

static reason_status encode_patterns(const rsn_vocab *v, const char *text, size_t n,
                                     encode_scratch *scratch, rsn_vocab_ids *out) {
    rsn_pattern_run *run;
    reason_status status = rsn_pattern_begin(v->pattern, text, n, &run);
    for (size_t at = 0, end = 0; at < n && status == REASON_OK; at = end) {
        status = rsn_pattern_next(run, at, &end);
        if (status == REASON_OK)
            status = rsn_bpe_encode(&v->bpe, text + at, end - at, &scratch->bpe, out);
    }
    rsn_pattern_end(run);
    return status;
}

static reason_status encode_gpt2(const rsn_vocab *v, const char *text, size_t n,
                                 bool prefixed, encode_scratch *scratch,
                                 rsn_vocab_ids *out) {
    (void)prefixed; /* prepare.c has put it */
    if (v->pattern) return encode_patterns(v, text, n, scratch, out);
    reason_status status = REASON_OK;
    rsn_pretokens state = {{0}};
    for (size_t at = 0; at < n && status == REASON_OK;) {
        size_t end = rsn_pretokenize(v->pre, text, n, at, &state);
        status = rsn_bpe_encode(&v->bpe, text + at, end - at, &scratch->bpe, out);
        at = end;
    }
    return status;
}

static reason_status check_scores(const rsn_vocab *v, const rsn_vocab_source *src) {
    if (!src->scores || src->n_scores != v->tokens.n)
        return rsn_fail(REASON_ERR_FORMAT,
                        "tokenizer.ggml.scores has %zu entries, tokenizer.ggml.tokens "
                        "%zu; the tokenizer %s needs as many",
                        src->n_scores, v->tokens.n, v->model->name);
    for (size_t i = 0; i < src->n_scores; i++)
        if (!isfinite(src->scores[i]))
            return rsn_fail(REASON_ERR_FORMAT,
                            "tokenizer.ggml.scores[%zu] is %g; needed are finite numbers",
                            i, (double)src->scores[i]);
    return REASON_OK;
}

static reason_status init_llama(rsn_vocab *v, const rsn_vocab_source *src) {
    reason_status status = check_scores(v, src);
    return status ? status
                  : rsn_spm_init(&v->spm, &v->tokens, src->scores, src->rules,
                                 src->n_rules, v->unk);
}

static reason_status encode_llama(const rsn_vocab *v, const char *text, size_t n,
                                  bool prefixed, encode_scratch *scratch,
                                  rsn_vocab_ids *out) {
    return rsn_spm_encode(&v->spm, text, n, prefixed, &scratch->spm, out);
}

static reason_status init_t5(rsn_vocab *v, const rsn_vocab_source *src) {
    const rsn_unigram_source unigram = {
        .tokens = &v->tokens,
        .scores = src->scores,
        .types = src->types,
        .charsmap = src->charsmap,
        .n_charsmap = src->n_charsmap,
        .unk = v->unk,
        .collapse = src->remove_spaces,
    };
    reason_status status = check_scores(v, src);
    return status ? status : rsn_unigram_init(&v->unigram, &unigram);
}

static reason_status encode_t5(const rsn_vocab *v, const char *text, size_t n,
                               bool prefixed, encode_scratch *scratch,
                               rsn_vocab_ids *out) {
    return rsn_unigram_encode(&v->unigram, text, n, prefixed, &scratch->unigram, out);
}

static const tokenizer_model models[] = {
    {"gpt2", RSN_SPELLING_LEVEL, -1, -1, -1, false, false, false, init_gpt2, encode_gpt2},
    {"llama", RSN_SPELLING_PIECE, 1, 2, -1, true, false, true, init_llama, encode_llama},
    {"t5", RSN_SPELLING_PIECE, -1, 1, 0, false, true, false, init_t5, encode_t5},
};

static reason_status find_model(const char *name, const tokenizer_model **model) {
    if (!name)
        return rsn_fail(REASON_ERR_UNSUPPORTED,
                        "tokenizer.ggml.model is absent: the file has no tokenizer");
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        *model = &models[i];
        if (strcmp(name, models[i].name) == 0) return REASON_OK;
    }
    return rsn_fail(REASON_ERR_UNSUPPORTED,
                    "tokenizer.ggml.model: tokenizer %s is not supported; gpt2 "
                    "(byte-level BPE), llama (SentencePiece BPE) and t5 (SentencePiece "
                    "unigram) are",
                    rsn_quote(name, strlen(name)).text);
}

/* ---- making one ---- */

static reason_status read_ids(rsn_vocab *v, const rsn_vocab_source *src) {
    const struct {
        const char *key;
        int64_t id;
        int32_t *to;
    } ids[] = {
        {"bos_token_id", src->bos, &v->bos},     {"eos_token_id", src->eos, &v->eos},
        {"eot_token_id", src->eot, &v->eot},     {"eom_token_id", src->eom, &v->eom},
        {"unknown_token_id", src->unk, &v->unk}, {"padding_token_id", src->pad, &v->pad},
    };
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        if (ids[i].id < -1 || ids[i].id >= (int64_t)v->tokens.n)
            return rsn_fail(REASON_ERR_FORMAT,
                            "tokenizer.ggml.%s: id %lld; the vocabulary has ids 0 to %zu",
                            ids[i].key, (long long)ids[i].id, v->tokens.n - 1);
        *ids[i].to = (int32_t)ids[i].id;
    }
    return REASON_OK;
}

/* What the model's family takes an id for if the file does not say. */
static void default_id(rsn_vocab *v, int32_t *to, int32_t id) {
    if (*to < 0 && rsn_vocab_is_control(v, id)) *to = id;
}

static void default_ids(rsn_vocab *v, const rsn_vocab_source *src) {
    default_id(v, &v->bos, v->model->bos);
    default_id(v, &v->eos, v->model->eos);
    default_id(v, &v->pad, v->model->pad);
    if (v->model->spelling != RSN_SPELLING_PIECE || !src->types) return;
    for (size_t i = 0; i < v->tokens.n && v->unk < 0; i++)
        if (src->types[i] == 2) v->unk = (int32_t)i;
}

static void mark_end(rsn_vocab *v, int32_t id) {
    if (id >= 0) v->tokens.flags[id] |= RSN_TOKEN_END;
}

static bool has_control(const rsn_vocab *v, const char *name) {
    return rsn_vocab_is_control(v, rsn_vocab_find(v, name, strlen(name)));
}

static reason_status mark_list(rsn_vocab *v, const char *key, const int32_t *ids,
                               size_t n, uint8_t flag) {
    for (size_t i = 0; i < n; i++) {
        if (ids[i] < 0 || (size_t)ids[i] >= v->tokens.n)
            return rsn_fail(REASON_ERR_FORMAT,
                            "%s[%zu]: id %d; the vocabulary has ids 0 to %zu", key, i,
                            (int)ids[i], v->tokens.n - 1);
        v->tokens.flags[ids[i]] |= flag;
    }
    return REASON_OK;
}

/* What files of our own making say of single tokens. */
static reason_status mark_lists(rsn_vocab *v, const rsn_vocab_source *src) {
    reason_status status = mark_list(v, "reason.tokenizer.end_ids", src->ends,
                                     src->n_ends, RSN_TOKEN_END);
    if (status == REASON_OK)
        status = mark_list(v, "reason.tokenizer.lstrip_ids", src->lstrip, src->n_lstrip,
                           RSN_TOKEN_LSTRIP);
    if (status == REASON_OK)
        status = mark_list(v, "reason.tokenizer.rstrip_ids", src->rstrip, src->n_rstrip,
                           RSN_TOKEN_RSTRIP);
    return status;
}

/* Files often name one end of generation where the model has several, so control tokens
 * of well-known names are ends as well. Some of the names mean something else to other
 * families: these are ends only where a token that tells is there (`with`), or is not
 * (`without`). */
static void mark_ends(rsn_vocab *v) {
    static const struct {
        const char *name, *with, *without;
    } ends[] = {
        {"<|im_end|>", NULL, NULL},
        {"<|endoftext|>", NULL, NULL},
        {"<|end_of_text|>", NULL, NULL},
        {"<|end_of_turn|>", NULL, NULL},
        {"<|END_OF_TURN_TOKEN|>", NULL, NULL},
        {"<end_of_turn>", NULL, NULL},
        {"<turn|>", NULL, NULL},
        {"[|endofturn|]", NULL, NULL},
        {"<|eot_id|>", NULL, NULL},
        {"<|eom_id|>", NULL, NULL},
        {"<|eot|>", NULL, NULL},
        {"<|EOT|>", NULL, NULL},
        {"<EOT>", NULL, NULL},
        {"<eos>", NULL, NULL},
        {"</s>", NULL, NULL},
        {"<seed:eos>", NULL, NULL},
        {"[e~[", NULL, NULL},
        {"<SPECIAL_12>", "<SPECIAL_11>", NULL},
        {"<\uff5cend\u2581of\u2581sentence\uff5c>", NULL, NULL},
        {"<|return|>", NULL, NULL},
        {"<|call|>", NULL, NULL},
        /* where messages have several parts it ends a part, thoughts among them */
        {"<|end|>", NULL, "<|return|>"},
        /* the model goes on as somebody else */
        {"<|user|>", "[gMASK]", NULL},
        {"<|observation|>", "[gMASK]", NULL},
    };
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        bool counts = (!ends[i].with || has_control(v, ends[i].with)) &&
                      (!ends[i].without || !has_control(v, ends[i].without));
        if (counts && has_control(v, ends[i].name))
            mark_end(v, rsn_vocab_find(v, ends[i].name, strlen(ends[i].name)));
    }
    mark_end(v, v->eos);
    mark_end(v, v->eot);
    mark_end(v, v->eom);
}

static reason_status fill_vocab(rsn_vocab *v, const rsn_vocab_source *src) {
    reason_status status = find_model(src->model, &v->model);
    if (status != REASON_OK) return status;
    if (src->types && src->n_types != src->n_tokens)
        return rsn_fail(REASON_ERR_FORMAT,
                        "tokenizer.ggml.token_type has %zu entries, "
                        "tokenizer.ggml.tokens %zu; needed are as many",
                        src->n_types, src->n_tokens);
    /* The address differs from run to run and nobody outside knows it, which is all that
     * a seed of hash tables has to do; no result depends on it. */
    uint64_t seed = rsn_mix64((uint64_t)(uintptr_t)v);
    v->add_bos = v->model->add_bos;
    status = rsn_tokens_init(&v->tokens, v->model->spelling, src->tokens, src->types,
                             src->n_tokens, seed);
    if (status == REASON_OK) status = read_ids(v, src);
    if (status != REASON_OK) return status;
    default_ids(v, src);
    status = v->model->init(v, src);
    if (status == REASON_OK)
        status = mark_list(v, "reason.tokenizer.literal_ids", src->literal,
                           src->n_literal, RSN_TOKEN_LITERAL);
    if (status == REASON_OK) status = rsn_special_init(&v->special, &v->tokens);
    if (status != REASON_OK) return status;
    if (src->add_bos >= 0) v->add_bos = src->add_bos > 0;
    v->add_eos = src->add_eos < 0 ? v->model->add_eos : src->add_eos > 0;
    v->add_space = src->space_prefix < 0 ? v->model->add_space : src->space_prefix > 0;
    bool level = v->model->spelling == RSN_SPELLING_LEVEL;
    if (level && !src->prefix_missing) v->add_space = false;
    v->space_once = src->prefix_once;
    v->prepare = (rsn_prepare){
        .nfc = src->nfc,
        .spelt = !level,
        .replace = v->model->encode == encode_llama,
        .missing = src->prefix_missing,
        .put = level,
    };
    mark_ends(v);
    return mark_lists(v, src);
}

reason_status rsn_vocab_new(const rsn_vocab_source *src, rsn_vocab **out) {
    *out = NULL;
    rsn_vocab *v = rsn_calloc2(1, sizeof *v);
    if (!v) return REASON_ERR_NO_MEMORY;
    reason_status status = fill_vocab(v, src);
    if (status == REASON_OK) {
        *out = v;
    } else {
        rsn_vocab_free(v);
    }
    return status;
}

size_t rsn_vocab_held(const rsn_vocab *v) {
    return v ? sizeof *v + rsn_tokens_held(&v->tokens) + rsn_special_held(&v->special) +
                   rsn_bpe_held(&v->bpe) + rsn_spm_held(&v->spm) +
                   rsn_unigram_held(&v->unigram) + rsn_pattern_held(v->pattern)
             : 0;
}

void rsn_vocab_free(rsn_vocab *v) {
    if (!v) return;
    rsn_bpe_free(&v->bpe);
    rsn_spm_free(&v->spm);
    rsn_unigram_free(&v->unigram);
    rsn_special_free(&v->special);
    rsn_pattern_free(v->pattern);
    rsn_tokens_free(&v->tokens);
    rsn_free(v);
}

/* ---- asking it ---- */

size_t rsn_vocab_size(const rsn_vocab *v) {
    return v->tokens.n;
}

int32_t rsn_vocab_bos(const rsn_vocab *v) {
    return v->bos;
}

int32_t rsn_vocab_eos(const rsn_vocab *v) {
    return v->eos;
}

int32_t rsn_vocab_eot(const rsn_vocab *v) {
    return v->eot;
}

int32_t rsn_vocab_eom(const rsn_vocab *v) {
    return v->eom;
}

int32_t rsn_vocab_unk(const rsn_vocab *v) {
    return v->unk;
}

int32_t rsn_vocab_pad(const rsn_vocab *v) {
    return v->pad;
}

static bool has_flag(const rsn_vocab *v, int32_t id, int flags) {
    return id >= 0 && (size_t)id < v->tokens.n && (v->tokens.flags[id] & flags);
}

bool rsn_vocab_adds_space(const rsn_vocab *v) {
    return v->add_space;
}

bool rsn_vocab_adds_space_once(const rsn_vocab *v) {
    return v->space_once;
}

bool rsn_vocab_adds_bos(const rsn_vocab *v) {
    return v->add_bos && v->bos >= 0;
}

bool rsn_vocab_adds_eos(const rsn_vocab *v) {
    return v->add_eos && v->eos >= 0;
}

bool rsn_vocab_is_end(const rsn_vocab *v, int32_t id) {
    return has_flag(v, id, RSN_TOKEN_END);
}

bool rsn_vocab_is_control(const rsn_vocab *v, int32_t id) {
    return has_flag(v, id, RSN_TOKEN_CONTROL);
}

bool rsn_vocab_is_special(const rsn_vocab *v, int32_t id) {
    return has_flag(v, id, RSN_TOKEN_SPECIAL);
}

bool rsn_vocab_is_unknown(const rsn_vocab *v, int32_t id) {
    bool lossless = v->spm.fallback.lossless || v->unigram.fallback.lossless;
    return id >= 0 && id == v->unk && !lossless;
}

rsn_text rsn_vocab_bytes(const rsn_vocab *v, int32_t id) {
    if (id < 0 || (size_t)id >= v->tokens.n) return (rsn_text){"", 0};
    return rsn_tokens_get(&v->tokens, id);
}

int32_t rsn_vocab_find(const rsn_vocab *v, const char *spelling, size_t n) {
    return rsn_tokens_find_spelling(&v->tokens, spelling, n);
}

/* ---- encoding ---- */

reason_status rsn_vocab_push(rsn_vocab_ids *out, int32_t id) {
    reason_status status = RSN_GROW(&out->items, &out->cap, out->n + 1);
    if (status == REASON_OK) out->items[out->n++] = id;
    return status;
}

/* A text without special tokens. */
static reason_status encode_plain(const rsn_vocab *v, const char *text, size_t n,
                                  bool prefixed, encode_scratch *scratch,
                                  rsn_vocab_ids *out) {
    rsn_text now = {text, n};
    reason_status status =
        rsn_prepare_text(&v->prepare, &now, &prefixed, &scratch->prepare);
    if (status == REASON_OK && now.n > RSN_VOCAB_MAX_TEXT)
        status = rsn_fail(REASON_ERR_LIMIT,
                          "text that becomes more than %zu bytes when it is prepared",
                          RSN_VOCAB_MAX_TEXT);
    return status ? status
                  : v->model->encode(v, now.data, now.n, prefixed, scratch, out);
}

/* Where the white space that a token takes in begins and ends. */
static size_t trim_left(const char *s, size_t from, size_t at) {
    while (at > from) {
        size_t last = at - 1;
        rsn_unicode kind;
        while (last > from && ((unsigned char)s[last] & 0xC0) == 0x80 && at - last < 4)
            last--;
        if (rsn_unicode_next(s + last, at - last, &kind) != at - last ||
            kind != RSN_UNICODE_SPACE)
            break;
        at = last;
    }
    return at;
}

static size_t trim_right(const char *s, size_t n, size_t at) {
    while (at < n) {
        rsn_unicode kind;
        size_t len = rsn_unicode_next(s + at, n - at, &kind);
        if (kind != RSN_UNICODE_SPACE) break;
        at += len;
    }
    return at;
}

/* Finds special tokens in what is outside of the spans, from the end to the start. */
static reason_status scan_around(const rsn_vocab *v, const char *text, size_t n,
                                 const rsn_vocab_spans *spans, rsn_special_hits *hits) {
    reason_status status = REASON_OK;
    size_t end = n;
    for (size_t i = spans->n + 1; i-- > 0 && status == REASON_OK;) {
        size_t from = i > 0 ? spans->items[i - 1].at + spans->items[i - 1].n : 0;
        size_t before = hits->n;
        status = rsn_special_scan(&v->special, text + from, end - from, hits);
        for (size_t k = before; k < hits->n; k++)
            hits->items[k].at += from;
        if (i > 0) end = spans->items[i - 1].at;
    }
    return status;
}

/* Text with its special tokens taken out: of those that overlap the one that begins
 * first, of those that begin together the longest. What is between them are texts of
 * their own, each prefixed unless the prefix comes once. */
static reason_status encode_special(const rsn_vocab *v, const char *text, size_t n,
                                    const rsn_vocab_spans *spans, bool prefixed,
                                    encode_scratch *scratch, rsn_vocab_ids *out) {
    rsn_special_hits hits = {0};
    size_t at = 0;
    reason_status status = scan_around(v, text, n, spans, &hits);
    for (size_t i = hits.n; i-- > 0 && status == REASON_OK;) {
        rsn_special_hit hit = hits.items[i];
        if (hit.at < at) continue;
        uint8_t flags = v->tokens.flags[hit.id];
        size_t end = flags & RSN_TOKEN_LSTRIP ? trim_left(text, at, hit.at) : hit.at;
        status = encode_plain(v, text + at, end - at, prefixed, scratch, out);
        if (status == REASON_OK) status = rsn_vocab_push(out, hit.id);
        at = hit.at + rsn_tokens_sought_bytes(&v->tokens, hit.id);
        if (flags & RSN_TOKEN_RSTRIP) at = trim_right(text, n, at);
        prefixed = prefixed && !v->space_once;
    }
    rsn_free(hits.items);
    if (status != REASON_OK) return status;
    return encode_plain(v, text + at, n - at, prefixed, scratch, out);
}

static void free_scratch(encode_scratch *scratch) {
    rsn_prepare_scratch_free(&scratch->prepare);
    rsn_merge_free(&scratch->bpe);
    rsn_spm_scratch_free(&scratch->spm);
    rsn_unigram_scratch_free(&scratch->unigram);
}

reason_status rsn_vocab_encode(const rsn_vocab *v, const char *text, size_t n,
                               uint32_t flags, rsn_vocab_ids *out) {
    static const rsn_vocab_spans none = {0};
    return rsn_vocab_encode_around(v, text, n, &none, flags, out);
}

reason_status rsn_vocab_encode_around(const rsn_vocab *v, const char *text, size_t n,
                                      const rsn_vocab_spans *spans, uint32_t flags,
                                      rsn_vocab_ids *out) {
    if (n > RSN_VOCAB_MAX_TEXT)
        return rsn_fail(REASON_ERR_LIMIT, "text of %zu bytes; the limit is %zu", n,
                        RSN_VOCAB_MAX_TEXT);
    if (n == 0) text = "";
    size_t before = out->n;
    encode_scratch scratch = {0};
    reason_status status = REASON_OK;
    bool edges = (flags & REASON_TOKENS_BOS_EOS) != 0;
    bool bos = edges && rsn_vocab_adds_bos(v);
    bool eos = edges && rsn_vocab_adds_eos(v);
    bool prefixed = v->add_space && !(flags & RSN_VOCAB_GOES_ON);
    if (bos) status = rsn_vocab_push(out, v->bos);
    if (status == REASON_OK && (flags & REASON_TOKENS_SPECIAL)) {
        status = encode_special(v, text, n, spans, prefixed, &scratch, out);
    } else if (status == REASON_OK) {
        status = encode_plain(v, text, n, prefixed, &scratch, out);
    }
    if (status == REASON_OK && eos) status = rsn_vocab_push(out, v->eos);
    free_scratch(&scratch);
    if (status != REASON_OK) out->n = before;
    return status;
}
