/* Owns how tokenizer.json is read. What its steps mean is hf_steps.c's, how the parts fit
 * each other hf_tokenizer.c's. Invariant: whatever a file lists is counted against the
 * limits of hf_draft.h before memory is taken for more. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "format/hf_steps.h"

typedef struct reader {
    rsn_hf_draft *d;
    rsn_hf_steps normalizer, pre_tokenizer, post_processor;
    rsn_text type;
    rsn_hf_entry added; /* the one that is read */
    bool special;
    rsn_text unk;
    bool fuse_unk;
    rsn_str pair; /* the merge that is read */
    size_t n_pair;
} reader;

static rsn_text text_of(const rsn_json *j) {
    return (rsn_text){rsn_str_text(&j->text), j->text.n};
}

/* ---- model ---- */

/* ["token", score] */
static reason_status read_piece(void *user, rsn_json *j, rsn_json_kind kind) {
    reader *r = user;
    rsn_hf_entries *list = &r->d->vocabulary;
    reason_status status = REASON_OK;
    if (kind != RSN_JSON_ARRAY_BEGIN || rsn_json_next(j, &status) != RSN_JSON_STRING)
        return status ? status : rsn_hf_json_fail(j, "pair of a token and its score");
    status = rsn_hf_add_entry(r->d, list,
                              &(rsn_hf_entry){.text = text_of(j),
                                              .id = (int32_t)list->n,
                                              .type = RSN_HF_NORMAL});
    if (status != REASON_OK)
        return status;
    kind = rsn_json_next(j, &status);
    bool number = kind == RSN_JSON_INT || kind == RSN_JSON_FLOAT;
    if (status == REASON_OK && (!number || !(fabs(j->number) <= FLT_MAX)))
        return rsn_hf_json_fail(j, "score within the range of a float");
    list->items[list->n - 1].score = (float)j->number;
    if (status == REASON_OK && rsn_json_next(j, &status) != RSN_JSON_ARRAY_END)
        return status ? status : rsn_hf_json_fail(j, "pair of a token and its score");
    return status;
}

static reason_status read_vocab(void *user, rsn_json *j, rsn_json_kind kind) {
    rsn_hf_draft *d = ((reader *)user)->d;
    if (kind == RSN_JSON_OBJECT_BEGIN)
        return rsn_hf_read_ids(d, &d->vocabulary, RSN_HF_NORMAL, j, kind);
    d->model = RSN_HF_UNIGRAM;
    return rsn_hf_json_array(j, kind, read_piece, user);
}

static reason_status read_part(void *user, rsn_json *j, rsn_json_kind kind) {
    reader *r = user;
    if (kind != RSN_JSON_STRING || r->n_pair == 2)
        return rsn_hf_json_fail(j, "merge of two tokens");
    if (r->n_pair++ == 1)
        rsn_str_addc(&r->pair, ' ');
    rsn_str_add(&r->pair, rsn_str_text(&j->text), j->text.n);
    return r->pair.failed ? REASON_ERR_NO_MEMORY : REASON_OK;
}

/* "left right" or ["left", "right"] */
static reason_status read_merge(void *user, rsn_json *j, rsn_json_kind kind) {
    reader *r = user;
    if (kind == RSN_JSON_STRING)
        return rsn_hf_add_merge(r->d, rsn_str_text(&j->text), j->text.n);
    rsn_str_cut(&r->pair, 0);
    r->n_pair = 0;
    reason_status status = rsn_hf_json_array(j, kind, read_part, r);
    if (status != REASON_OK)
        return status;
    return rsn_hf_add_merge(r->d, rsn_str_text(&r->pair), r->pair.n);
}

static reason_status read_merges(void *user, rsn_json *j, rsn_json_kind kind) {
    ((reader *)user)->d->model = RSN_HF_BPE;
    return rsn_hf_json_array(j, kind, read_merge, user);
}

static reason_status read_type(void *user, rsn_json *j, rsn_json_kind kind) {
    reader *r = user;
    return rsn_hf_json_string(j, kind, r->d->arena, &r->type);
}

static reason_status read_unk_token(void *user, rsn_json *j, rsn_json_kind kind) {
    reader *r = user;
    return rsn_hf_json_string(j, kind, r->d->arena, &r->unk);
}

static reason_status read_unk_id(void *user, rsn_json *j, rsn_json_kind kind) {
    return rsn_hf_json_id(j, kind, &((reader *)user)->d->unk_id);
}

static reason_status read_byte_fallback(void *user, rsn_json *j, rsn_json_kind kind) {
    return rsn_hf_json_bool(j, kind, &((reader *)user)->d->byte_fallback);
}

static reason_status read_ignore_merges(void *user, rsn_json *j, rsn_json_kind kind) {
    return rsn_hf_json_bool(j, kind, &((reader *)user)->d->ignore_merges);
}

static reason_status read_fuse_unk(void *user, rsn_json *j, rsn_json_kind kind) {
    return rsn_hf_json_bool(j, kind, &((reader *)user)->fuse_unk);
}

/* Fields that change what merging gives, where they are neither null nor empty. */
static reason_status refuse_text(void *user, rsn_json *j, rsn_json_kind kind) {
    (void)user;
    if (kind == RSN_JSON_NULL || (kind == RSN_JSON_STRING && j->text.n == 0))
        return REASON_OK;
    return rsn_fail(REASON_ERR_UNSUPPORTED,
                    "JSON: byte %zu: a prefix or suffix of parts of words", j->at);
}

static reason_status refuse_dropout(void *user, rsn_json *j, rsn_json_kind kind) {
    (void)user;
    bool number = kind == RSN_JSON_INT || kind == RSN_JSON_FLOAT;
    if (kind == RSN_JSON_NULL || (number && j->number == 0))
        return REASON_OK;
    return rsn_fail(REASON_ERR_UNSUPPORTED, "JSON: byte %zu: merging with dropout",
                    j->at);
}

static reason_status read_model(void *user, rsn_json *j, rsn_json_kind kind) {
    static const rsn_hf_field fields[] = {
        {"type", read_type},
        {"vocab", read_vocab},
        {"merges", read_merges},
        {"unk_token", read_unk_token},
        {"unk_id", read_unk_id},
        {"byte_fallback", read_byte_fallback},
        {"ignore_merges", read_ignore_merges},
        {"fuse_unk", read_fuse_unk},
        {"dropout", refuse_dropout},
        {"continuing_subword_prefix", refuse_text},
        {"end_of_word_suffix", refuse_text},
    };
    return rsn_hf_json_object(j, kind, fields, sizeof fields / sizeof *fields, user);
}

/* ---- added tokens ---- */

static reason_status read_added_id(void *user, rsn_json *j, rsn_json_kind kind) {
    int64_t id = -1;
    reason_status status = rsn_hf_json_id(j, kind, &id);
    ((reader *)user)->added.id = (int32_t)id;
    return status;
}

static reason_status read_content(void *user, rsn_json *j, rsn_json_kind kind) {
    reader *r = user;
    return rsn_hf_json_string(j, kind, r->d->arena, &r->added.text);
}

static reason_status read_special(void *user, rsn_json *j, rsn_json_kind kind) {
    return rsn_hf_json_bool(j, kind, &((reader *)user)->special);
}

static reason_status read_trim(void *user, rsn_json *j, rsn_json_kind kind, int trim) {
    bool set = false;
    reason_status status = rsn_hf_json_bool(j, kind, &set);
    if (set)
        ((reader *)user)->added.trims |= (uint8_t)trim;
    return status;
}

static reason_status read_lstrip(void *user, rsn_json *j, rsn_json_kind kind) {
    return read_trim(user, j, kind, RSN_HF_LSTRIP);
}

static reason_status read_rstrip(void *user, rsn_json *j, rsn_json_kind kind) {
    return read_trim(user, j, kind, RSN_HF_RSTRIP);
}

static reason_status refuse_single_word(void *user, rsn_json *j, rsn_json_kind kind) {
    (void)user;
    bool set = false;
    reason_status status = rsn_hf_json_bool(j, kind, &set);
    if (status == REASON_OK && set)
        status = rsn_fail(REASON_ERR_UNSUPPORTED,
                          "JSON: byte %zu: an added token with \"single_word\"", j->at);
    return status;
}

static const rsn_hf_field ADDED[] = {
    {"id", read_added_id},   {"content", read_content},
    {"special", read_special}, {"lstrip", read_lstrip},
    {"rstrip", read_rstrip}, {"single_word", refuse_single_word},
};
enum { N_ADDED = sizeof ADDED / sizeof *ADDED };

static reason_status read_added(void *user, rsn_json *j, rsn_json_kind kind) {
    reader *r = user;
    r->added = (rsn_hf_entry){.id = -1};
    r->special = false;
    reason_status status = rsn_hf_json_object(j, kind, ADDED, N_ADDED, r);
    if (status == REASON_OK && (r->added.id < 0 || r->added.text.n == 0))
        status = rsn_hf_json_fail(j, "added token with \"id\" and \"content\"");
    r->added.type = r->special ? RSN_HF_CONTROL : RSN_HF_USER;
    return status ? status : rsn_hf_add_entry(r->d, &r->d->added, &r->added);
}

static reason_status read_added_list(void *user, rsn_json *j, rsn_json_kind kind) {
    if (kind == RSN_JSON_NULL)
        return REASON_OK;
    return rsn_hf_json_array(j, kind, read_added, user);
}

/* ---- the file ---- */

static reason_status read_normalizer(void *user, rsn_json *j, rsn_json_kind kind) {
    return rsn_hf_steps_read(&((reader *)user)->normalizer, j, kind);
}

static reason_status read_pre_tokenizer(void *user, rsn_json *j, rsn_json_kind kind) {
    return rsn_hf_steps_read(&((reader *)user)->pre_tokenizer, j, kind);
}

static reason_status read_post_processor(void *user, rsn_json *j, rsn_json_kind kind) {
    return rsn_hf_steps_read(&((reader *)user)->post_processor, j, kind);
}

static reason_status check_model(const reader *r) {
    static const char *const names[] = {
        [RSN_HF_NO_MODEL] = "", [RSN_HF_BPE] = "BPE", [RSN_HF_UNIGRAM] = "Unigram"};
    const char *name = names[r->d->model];
    if (r->d->model == RSN_HF_NO_MODEL || r->d->vocabulary.n == 0 ||
        (r->type.n && (r->type.n != strlen(name) ||
                       memcmp(r->type.data, name, r->type.n) != 0)))
        return rsn_fail(REASON_ERR_UNSUPPORTED,
                        "model %s: supported are BPE with \"vocab\" and \"merges\", and "
                        "Unigram with \"vocab\"",
                        rsn_quote(r->type.data, r->type.n).text);
    return REASON_OK;
}

/* What only byte-level models have, and what only models whose bytes are all tokens may
 * leave out. */
static reason_status check_pieces(const reader *r) {
    const rsn_hf_draft *d = r->d;
    if (d->byte_level || d->model != RSN_HF_BPE)
        return REASON_OK;
    if (d->ignore_merges)
        return rsn_fail(REASON_ERR_UNSUPPORTED,
                        "model: \"ignore_merges\" of a model that is not byte-level");
    if (r->unk.n && !r->fuse_unk && !d->byte_fallback)
        return rsn_fail(REASON_ERR_UNSUPPORTED,
                        "model: an unknown token for each of several characters in a row "
                        "(\"fuse_unk\" is false)");
    return REASON_OK;
}

static reason_status apply(reader *r) {
    rsn_hf_draft *d = r->d;
    reason_status status = check_model(r);
    if (status == REASON_OK)
        status = rsn_hf_steps_normalize(&r->normalizer, d);
    if (status == REASON_OK)
        status = rsn_hf_steps_cut(&r->pre_tokenizer, d);
    if (status == REASON_OK)
        status = rsn_hf_steps_finish(&r->post_processor, d);
    if (status == REASON_OK)
        status = check_pieces(r);
    if (r->unk.n)
        d->roles[RSN_HF_UNK] = r->unk;
    return status;
}

static void init_reader(reader *r, rsn_hf_draft *d) {
    *r = (reader){.d = d};
    r->normalizer.arena = r->pre_tokenizer.arena = r->post_processor.arena = d->arena;
}

reason_status rsn_hf_read_tokenizer(rsn_hf_draft *d, const char *folder, bool *found) {
    static const rsn_hf_field fields[] = {
        {"model", read_model},
        {"added_tokens", read_added_list},
        {"normalizer", read_normalizer},
        {"pre_tokenizer", read_pre_tokenizer},
        {"post_processor", read_post_processor},
    };
    reader *r = rsn_alloc(sizeof *r);
    if (!r)
        return REASON_ERR_NO_MEMORY;
    init_reader(r, d);
    reason_status status = rsn_hf_json_file(folder, "tokenizer.json", found, fields,
                                            sizeof fields / sizeof *fields, r);
    if (status == REASON_OK && *found) {
        status = apply(r);
        if (status != REASON_OK && status != REASON_ERR_NO_MEMORY)
            rsn_fail_within(status, "tokenizer.json");
    }
    rsn_str_free(&r->pair);
    rsn_free(r);
    return status;
}
