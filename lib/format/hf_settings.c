/* Owns the small files beside a tokenizer: tokenizer_config.json,
 * special_tokens_map.json, generation_config.json, config.json and the chat templates.
 * What the spellings in them are as ids is hf_tokenizer.c's. Invariant: of a thing that
 * several files say, the first one that is read counts. */
#include <string.h>

#include "format/hf_draft.h"

/* A spelling in an object, where it stands by itself or in "content". */
typedef struct role_reader {
    rsn_arena *arena;
    rsn_text *to;
} role_reader;

static reason_status read_spelling(void *user, rsn_json *j, rsn_json_kind kind) {
    role_reader *r = user;
    return rsn_hf_json_string(j, kind, r->arena, r->to);
}

static reason_status read_role(rsn_hf_draft *d, rsn_hf_role role, rsn_json *j,
                               rsn_json_kind kind) {
    static const rsn_hf_field content[] = {{"content", read_spelling}};
    role_reader reader = {d->arena, &d->roles[role]};
    if (d->roles[role].n)
        return rsn_json_skip(j, kind);
    if (kind == RSN_JSON_OBJECT_BEGIN)
        return rsn_hf_json_object(j, kind, content, 1, &reader);
    return rsn_hf_json_string(j, kind, d->arena, reader.to);
}

#define ROLE(name, role)                                                                 \
    static reason_status read_##name(void *user, rsn_json *j, rsn_json_kind kind) {      \
        return read_role(user, role, j, kind);                                           \
    }
ROLE(bos, RSN_HF_BOS)
ROLE(eos, RSN_HF_EOS)
ROLE(unk, RSN_HF_UNK)
ROLE(pad, RSN_HF_PAD)
ROLE(sep, RSN_HF_SEP)
ROLE(cls, RSN_HF_CLS)
ROLE(mask, RSN_HF_MASK)

#define ROLES                                                                            \
    {"bos_token", read_bos}, {"eos_token", read_eos}, {"unk_token", read_unk},           \
        {"pad_token", read_pad}, {"sep_token", read_sep}, {"cls_token", read_cls},       \
        {"mask_token", read_mask}

/* ---- switches ---- */

static reason_status read_switch(rsn_json *j, rsn_json_kind kind, int *to) {
    bool value = false;
    reason_status status = rsn_hf_json_bool(j, kind, &value);
    if (status == REASON_OK && kind != RSN_JSON_NULL)
        *to = value;
    return status;
}

static reason_status read_add_bos(void *user, rsn_json *j, rsn_json_kind kind) {
    return read_switch(j, kind, &((rsn_hf_draft *)user)->add_bos);
}

static reason_status read_add_eos(void *user, rsn_json *j, rsn_json_kind kind) {
    return read_switch(j, kind, &((rsn_hf_draft *)user)->add_eos);
}

static reason_status read_add_space(void *user, rsn_json *j, rsn_json_kind kind) {
    return read_switch(j, kind, &((rsn_hf_draft *)user)->add_space);
}

static reason_status read_legacy(void *user, rsn_json *j, rsn_json_kind kind) {
    return read_switch(j, kind, &((rsn_hf_draft *)user)->legacy);
}

static reason_status read_class(void *user, rsn_json *j, rsn_json_kind kind) {
    rsn_hf_draft *d = user;
    return rsn_hf_json_string(j, kind, d->arena, &d->tokenizer_class);
}

/* ---- templates ---- */

static const rsn_text DEFAULT = {"default", 7};

typedef struct template_reader {
    rsn_hf_draft *d;
    rsn_text name, source;
} template_reader;

static reason_status read_name(void *user, rsn_json *j, rsn_json_kind kind) {
    template_reader *r = user;
    return rsn_hf_json_string(j, kind, r->d->arena, &r->name);
}

static reason_status read_source(void *user, rsn_json *j, rsn_json_kind kind) {
    template_reader *r = user;
    return rsn_hf_json_string(j, kind, r->d->arena, &r->source);
}

static reason_status read_named(void *user, rsn_json *j, rsn_json_kind kind) {
    static const rsn_hf_field fields[] = {{"name", read_name}, {"template", read_source}};
    template_reader r = {.d = user};
    reason_status status = rsn_hf_json_object(j, kind, fields, 2, &r);
    if (status == REASON_OK && (!r.name.data || !r.source.data))
        status = rsn_hf_json_fail(j, "template with \"name\" and \"template\"");
    return status ? status : rsn_hf_add_template(r.d, r.name, r.source);
}

/* "source", [{"name": "...", "template": "source"}, ...] or {"name": "source", ...} */
static reason_status read_member(void *user, rsn_json *j, rsn_json_kind kind) {
    template_reader r = {.d = user};
    reason_status status = REASON_OK;
    r.name = (rsn_text){rsn_arena_strndup(r.d->arena, rsn_str_text(&j->text), j->text.n),
                        j->text.n};
    if (!r.name.data)
        return REASON_ERR_NO_MEMORY;
    kind = rsn_json_next(j, &status);
    if (status == REASON_OK)
        status = read_source(&r, j, kind);
    return status || !r.source.data ? status
                                    : rsn_hf_add_template(r.d, r.name, r.source);
}

static reason_status read_template(void *user, rsn_json *j, rsn_json_kind kind) {
    static const rsn_hf_field any[] = {{NULL, read_member}};
    template_reader r = {.d = user};
    if (kind == RSN_JSON_ARRAY_BEGIN)
        return rsn_hf_json_array(j, kind, read_named, user);
    if (kind == RSN_JSON_OBJECT_BEGIN)
        return rsn_hf_json_object(j, kind, any, 1, user);
    reason_status status = read_source(&r, j, kind);
    return status || !r.source.data ? status
                                    : rsn_hf_add_template(r.d, DEFAULT, r.source);
}

static reason_status read_template_file(rsn_hf_draft *d, const char *folder) {
    static const char name[] = "chat_template.jinja";
    rsn_blob blob;
    bool found;
    reason_status status = rsn_hf_has(folder, name, &found);
    if (status == REASON_OK && found)
        status = rsn_hf_load(folder, name, &blob);
    if (!found || status != REASON_OK)
        return status;
    const char *copy =
        rsn_arena_strndup(d->arena, (const char *)blob.data, blob.size);
    if (copy)
        status = rsn_hf_add_template(d, DEFAULT, (rsn_text){copy, blob.size});
    else
        status = REASON_ERR_NO_MEMORY;
    rsn_blob_free(&blob);
    return status;
}

/* ---- added_tokens_decoder: {"7": {"content": "<s>", ...}, ...} ---- */

typedef struct added_reader {
    rsn_arena *arena;
    rsn_hf_entry entry;
    bool special, lstrip, rstrip;
} added_reader;

static reason_status read_content(void *user, rsn_json *j, rsn_json_kind kind) {
    added_reader *r = user;
    return rsn_hf_json_string(j, kind, r->arena, &r->entry.text);
}

static reason_status read_special(void *user, rsn_json *j, rsn_json_kind kind) {
    return rsn_hf_json_bool(j, kind, &((added_reader *)user)->special);
}

static reason_status read_lstrip(void *user, rsn_json *j, rsn_json_kind kind) {
    return rsn_hf_json_bool(j, kind, &((added_reader *)user)->lstrip);
}

static reason_status read_rstrip(void *user, rsn_json *j, rsn_json_kind kind) {
    return rsn_hf_json_bool(j, kind, &((added_reader *)user)->rstrip);
}

static bool read_key(const rsn_json *j, int32_t *id) {
    const char *s = rsn_str_text(&j->text);
    *id = 0;
    if (j->text.n == 0 || j->text.n > 9)
        return false;
    for (size_t i = 0; i < j->text.n; i++) {
        if (s[i] < '0' || s[i] > '9')
            return false;
        *id = *id * 10 + (s[i] - '0');
    }
    return true;
}

static reason_status read_added(void *user, rsn_json *j, rsn_json_kind kind) {
    static const rsn_hf_field fields[] = {
        {"content", read_content}, {"special", read_special},
        {"lstrip", read_lstrip},   {"rstrip", read_rstrip}};
    rsn_hf_draft *d = user;
    added_reader r = {.arena = d->arena};
    reason_status status = REASON_OK;
    if (!read_key(j, &r.entry.id))
        return rsn_hf_json_fail(j, "key that is a token id");
    kind = rsn_json_next(j, &status);
    if (status == REASON_OK)
        status = rsn_hf_json_object(j, kind, fields, 4, &r);
    if (status == REASON_OK && r.entry.text.n == 0)
        status = rsn_hf_json_fail(j, "added token with \"content\"");
    r.entry.type = r.special ? RSN_HF_CONTROL : RSN_HF_USER;
    r.entry.trims = (uint8_t)(r.lstrip * RSN_HF_LSTRIP | r.rstrip * RSN_HF_RSTRIP);
    return status ? status : rsn_hf_add_entry(d, &d->added, &r.entry);
}

static reason_status read_decoder(void *user, rsn_json *j, rsn_json_kind kind) {
    static const rsn_hf_field any[] = {{NULL, read_added}};
    return kind == RSN_JSON_NULL ? REASON_OK : rsn_hf_json_object(j, kind, any, 1, user);
}

/* ---- ids by number ---- */

static reason_status add_end(void *user, rsn_json *j, rsn_json_kind kind) {
    rsn_hf_draft *d = user;
    int64_t id = -1;
    reason_status status = rsn_hf_json_id(j, kind, &id);
    if (status != REASON_OK || id < 0)
        return status;
    for (size_t i = 0; i < d->n_ends; i++)
        if (d->ends[i] == id)
            return REASON_OK;
    if (d->n_ends == RSN_HF_MAX_ENDS)
        return rsn_fail(REASON_ERR_LIMIT, "JSON: byte %zu: more than %d tokens that end",
                        j->at, RSN_HF_MAX_ENDS);
    d->ends[d->n_ends++] = id;
    return REASON_OK;
}

static reason_status read_eos_id(void *user, rsn_json *j, rsn_json_kind kind) {
    if (((rsn_hf_draft *)user)->n_ends)
        return rsn_json_skip(j, kind);
    return kind == RSN_JSON_ARRAY_BEGIN ? rsn_hf_json_array(j, kind, add_end, user)
                                        : add_end(user, j, kind);
}

static reason_status read_role_id(rsn_hf_draft *d, rsn_hf_role role, rsn_json *j,
                                  rsn_json_kind kind) {
    if (kind != RSN_JSON_INT || j->integer < 0) /* a list, or -1 for none */
        return rsn_json_skip(j, kind);
    return d->role_ids[role] < 0 ? rsn_hf_json_id(j, kind, &d->role_ids[role])
                                 : REASON_OK;
}

static reason_status read_bos_id(void *user, rsn_json *j, rsn_json_kind kind) {
    return read_role_id(user, RSN_HF_BOS, j, kind);
}

static reason_status read_pad_id(void *user, rsn_json *j, rsn_json_kind kind) {
    return read_role_id(user, RSN_HF_PAD, j, kind);
}

static const rsn_hf_field IDS[] = {{"eos_token_id", read_eos_id},
                                   {"bos_token_id", read_bos_id},
                                   {"pad_token_id", read_pad_id}};
static const rsn_hf_field ROLE_FIELDS[] = {ROLES};
static const rsn_hf_field TEMPLATE[] = {{"chat_template", read_template}};
static const rsn_hf_field CONFIG[] = {
    ROLES,
    {"chat_template", read_template},
    {"added_tokens_decoder", read_decoder},
    {"add_bos_token", read_add_bos},
    {"add_eos_token", read_add_eos},
    {"add_prefix_space", read_add_space},
    {"legacy", read_legacy},
    {"tokenizer_class", read_class},
};
#define ROWS(fields) fields, sizeof(fields) / sizeof *(fields)

reason_status rsn_hf_read_settings(rsn_hf_draft *d, const char *folder) {
    static const struct {
        const char *name;
        const rsn_hf_field *fields;
        size_t n;
    } files[] = {
        {"tokenizer_config.json", ROWS(CONFIG)},
        {"chat_template.json", ROWS(TEMPLATE)},
        {"special_tokens_map.json", ROWS(ROLE_FIELDS)},
        {"generation_config.json", ROWS(IDS)},
        {"config.json", ROWS(IDS)},
    };
    reason_status status = read_template_file(d, folder);
    for (size_t i = 0; i < sizeof files / sizeof *files && status == REASON_OK; i++) {
        bool found;
        status = rsn_hf_json_file(folder, files[i].name, &found, files[i].fields,
                                  files[i].n, d);
    }
    return status;
}
