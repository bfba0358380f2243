/* Adapters in PEFT folders: adapter_config.json and adapter_model.safetensors, whose
 * tensors have the names of Hugging Face modules. Owns names, pairs and the layout of
 * factors; the configuration is peft_config.c's, what shapes the base wants adapter.c's.
 * Invariant: every tensor of the file is a factor of exactly one entry, or a copy of the
 * base's. */
#include <string.h>

#include "format/hf_make.h"
#include "format/hf_names.h"
#include "format/safetensors.h"
#include "model/adapter.h"
#include "model/peft_config.h"

#define PREFIX "base_model.model."

/* What stands behind a module's name; the second of a pair is the first's other half. */
static const char *const SUFFIXES[] = {".lora_A.weight", ".lora_B.weight",
                                       ".lora_embedding_A", ".lora_embedding_B",
                                       ".base_layer.weight"};

enum { COPY = 4, N_SUFFIXES };

typedef struct reader {
    rsn_adapter *ad;
    const rsn_gguf *base;
    rsn_peft_config config;
    rsn_safetensors st;
    const rsn_hf_family *family;
    int64_t n_heads, n_heads_kv;
    rsn_str name; /* room for one */
} reader;

/* --- the base ----------------------------------------------------------------------- */

static reason_status read_heads(reader *r, rsn_text arch) {
    static const char *const keys[] = {"attention.head_count", "attention.head_count_kv"};
    int64_t *heads[] = {&r->n_heads, &r->n_heads_kv};
    reason_status status = REASON_OK;
    for (int i = 0; i < 2 && status == REASON_OK; i++) {
        rsn_str_cut(&r->name, 0);
        rsn_str_add(&r->name, arch.data, arch.n);
        rsn_str_addf(&r->name, ".%s", keys[i]);
        *heads[i] = r->n_heads; /* as many where the second is not there */
        const rsn_gguf_pair *pair = rsn_gguf_find(r->base, rsn_str_text(&r->name));
        status = r->name.failed ? REASON_ERR_NO_MEMORY : REASON_OK;
        if (status == REASON_OK && pair && pair->type != RSN_GGUF_ARRAY)
            status = rsn_gguf_int(r->base, rsn_str_text(&r->name), 1, INT32_MAX, heads[i]);
    }
    return status;
}

static reason_status look_at_base(reader *r) {
    rsn_text arch = {0};
    reason_status status = rsn_gguf_string(r->base, "general.architecture", &arch);
    if (status != REASON_OK)
        return status;
    r->family = arch.data ? rsn_hf_family_of(arch.data, false) : NULL;
    if (!r->family)
        return rsn_fail(REASON_ERR_UNSUPPORTED,
                        "folders of adapters for the architecture %s are not supported",
                        rsn_quote(arch.data ? arch.data : "", arch.n).text);
    return r->family->bits & RSN_HF_PERMUTED ? read_heads(r, arch) : REASON_OK;
}

/* --- names -------------------------------------------------------------------------- */

static int suffix_of(rsn_text name) {
    for (int i = 0; i < N_SUFFIXES; i++) {
        size_t n = strlen(SUFFIXES[i]);
        if (name.n > n && memcmp(name.data + name.n - n, SUFFIXES[i], n) == 0)
            return i;
    }
    return -1;
}

/* "model.layers.0.self_attn.q_proj" of a factor's name. */
static reason_status module_of(const rsn_st_tensor *t, int suffix, rsn_text *module) {
    size_t first = sizeof PREFIX - 1;
    if (suffix < 0)
        return rsn_fail(REASON_ERR_UNSUPPORTED,
                        "tensor %s is no factor of an adapter; modules that were saved "
                        "whole are not supported",
                        rsn_quote(t->name.data, t->name.n).text);
    if (t->name.n <= first + strlen(SUFFIXES[suffix]) ||
        memcmp(t->name.data, PREFIX, first) != 0)
        return rsn_fail(REASON_ERR_UNSUPPORTED, "tensor %s: names begin with " PREFIX,
                        rsn_quote(t->name.data, t->name.n).text);
    *module = (rsn_text){t->name.data + first,
                         t->name.n - first - strlen(SUFFIXES[suffix])};
    return REASON_OK;
}

/* The other factor; NULL, with or without memory. */
static const rsn_st_tensor *find_other(reader *r, const rsn_st_tensor *t, int suffix) {
    rsn_str_cut(&r->name, 0);
    rsn_str_add(&r->name, t->name.data, t->name.n - strlen(SUFFIXES[suffix]));
    rsn_str_addz(&r->name, SUFFIXES[suffix ^ 1]);
    rsn_text name = {rsn_str_text(&r->name), r->name.n};
    return r->name.failed ? NULL : rsn_safetensors_find(&r->st, name);
}

static reason_status find_place(reader *r, rsn_text module, rsn_hf_place *place) {
    rsn_str_cut(&r->name, 0);
    rsn_str_add(&r->name, module.data, module.n);
    rsn_str_addz(&r->name, ".weight");
    if (r->name.failed)
        return REASON_ERR_NO_MEMORY;
    rsn_text name = {rsn_str_text(&r->name), r->name.n};
    if (rsn_hf_name_find(r->family->bits, name, place))
        return REASON_OK;
    return rsn_fail(REASON_ERR_MISMATCH,
                    "it changes module %s, which models of the architecture %s do not "
                    "have",
                    rsn_quote(module.data, module.n).text, r->family->arch);
}

/* --- factors ------------------------------------------------------------------------ */

/* A factor as it lies in the file. */
static reason_status view(const reader *r, const rsn_st_tensor *t, rsn_matrix *m) {
    const rsn_type_info *type =
        t->dtype->weight < 0 ? NULL : rsn_type_info_get((rsn_type)t->dtype->weight);
    if (!type || !type->decode)
        return rsn_fail(REASON_ERR_UNSUPPORTED,
                        "tensor %s has type %s; F32, F16 and BF16 are supported",
                        rsn_quote(t->name.data, t->name.n).text, t->dtype->name);
    if (t->n_dims != 2 || t->n_bytes == 0)
        return rsn_fail(REASON_ERR_FORMAT,
                        "tensor %s has shape %s at offset %llu, two dimensions expected",
                        rsn_quote(t->name.data, t->name.n).text, rsn_st_describe(t).text,
                        (unsigned long long)t->offset);
    *m = (rsn_matrix){.data = r->ad->blob.data + (t->offset - r->st.data_start),
                      .type = type,
                      .rows = (size_t)t->shape[0],
                      .cols = (size_t)t->shape[1],
                      .row_bytes = rsn_type_row_bytes(type, (size_t)t->shape[1])};
    return REASON_OK;
}

/* Rows of B in the order of the base's file. */
static reason_status order_rows(const reader *r, rsn_hf_role role, rsn_matrix *b) {
    size_t n_heads = role == RSN_HF_QUERY ? (size_t)r->n_heads
                     : role == RSN_HF_KEY ? (size_t)r->n_heads_kv
                                          : 0;
    if (!(r->family->bits & RSN_HF_PERMUTED) || n_heads == 0)
        return REASON_OK;
    if (b->rows % (2 * n_heads) != 0)
        return rsn_fail(REASON_ERR_MISMATCH,
                        "a factor of q or k has %zu rows, no even number for each of %zu "
                        "heads",
                        b->rows, n_heads);
    unsigned char *rows = rsn_arena_calloc2(&r->ad->arena, b->rows, b->row_bytes);
    if (!rows)
        return REASON_ERR_NO_MEMORY;
    for (size_t i = 0; i < b->rows; i++)
        memcpy(rows + i * b->row_bytes,
               b->data + rsn_make_source_row(b->rows, n_heads, i) * b->row_bytes,
               b->row_bytes);
    b->data = rows;
    return REASON_OK;
}

/* b a of an embedding is the transposed product of its two factors. */
static reason_status read_factors(const reader *r, const rsn_st_tensor *a,
                                  const rsn_st_tensor *b, bool flipped,
                                  rsn_hf_role role, rsn_delta *d) {
    rsn_matrix first, second;
    reason_status status = view(r, a, &first);
    if (status == REASON_OK)
        status = view(r, b, &second);
    if (status != REASON_OK)
        return status;
    if (!flipped) {
        d->a = first;
        d->b = second;
        return order_rows(r, role, &d->b);
    }
    status = rsn_adapter_transpose(r->ad, &first, &d->b);
    return status == REASON_OK ? rsn_adapter_transpose(r->ad, &second, &d->a) : status;
}

static reason_status read_entry(reader *r, const rsn_st_tensor *a, const rsn_st_tensor *b,
                                int suffix, rsn_text module) {
    rsn_adapter_entry *e = &r->ad->entries[r->ad->n_entries];
    rsn_hf_place place;
    reason_status status = find_place(r, module, &place);
    if (status != REASON_OK)
        return status;
    bool flipped = suffix >= 2, embeds = strcmp(place.name->gguf, "token_embd.weight") == 0;
    if (flipped != embeds)
        return rsn_fail(REASON_ERR_FORMAT, "module %s has factors of %s",
                        rsn_quote(module.data, module.n).text,
                        flipped ? "an embedding" : "a matrix, not of an embedding");
    rsn_hf_name_text name = rsn_hf_name_make_gguf(&place);
    e->name.n = strlen(name.text);
    e->name.data = rsn_arena_strndup(&r->ad->arena, name.text, e->name.n);
    if (!e->name.data)
        return REASON_ERR_NO_MEMORY;
    status = read_factors(r, a, b, flipped, place.name->role, &e->delta);
    if (status == REASON_OK)
        status = rsn_peft_scale(&r->config, module, e->delta.a.rows, &e->delta.scale);
    r->ad->n_entries += status == REASON_OK;
    return status;
}

/* Where an embedding or the output is changed, PEFT writes the base's weights too. They are
 * of no use, unless there are more rows than the model has. */
static reason_status check_copy(reader *r, const rsn_st_tensor *t, rsn_text module) {
    rsn_hf_place place;
    reason_status status = find_place(r, module, &place);
    if (status != REASON_OK)
        return status;
    rsn_hf_name_text name = rsn_hf_name_make_gguf(&place);
    const rsn_gguf_tensor *of = rsn_adapter_changed(r->base, name.text);
    if (of && t->n_dims == 2 && t->shape[0] == of->ne[1] && t->shape[1] == of->ne[0])
        return REASON_OK;
    return rsn_fail(REASON_ERR_MISMATCH,
                    "tensor %s has shape %s, the model's %s another: the adapter is for a "
                    "model with more or fewer tokens",
                    rsn_quote(t->name.data, t->name.n).text, rsn_st_describe(t).text,
                    name.text);
}

static reason_status read_tensor(reader *r, const rsn_st_tensor *t) {
    int suffix = suffix_of(t->name);
    rsn_text module = {NULL, 0};
    reason_status status = module_of(t, suffix, &module);
    if (status != REASON_OK)
        return status;
    if (suffix == COPY)
        return check_copy(r, t, module);
    const rsn_st_tensor *other = find_other(r, t, suffix);
    if (r->name.failed)
        return REASON_ERR_NO_MEMORY;
    if (!other)
        return rsn_fail(REASON_ERR_FORMAT, "tensor %s is there without its other factor",
                        rsn_quote(t->name.data, t->name.n).text);
    return suffix % 2 == 0 ? read_entry(r, t, other, suffix, module) : REASON_OK;
}

/* --- the folder --------------------------------------------------------------------- */

static reason_status read_tensors(reader *r, const rsn_file *file,
                                  const rsn_cancel *cancel) {
    rsn_adapter *ad = r->ad;
    reason_status status = rsn_safetensors_read(file, &ad->arena, &r->st);
    if (status == REASON_OK)
        status = look_at_base(r);
    if (status == REASON_OK)
        status = rsn_blob_load(file, r->st.data_start,
                               (size_t)(r->st.data_end - r->st.data_start), false, cancel,
                               &ad->blob);
    if (status != REASON_OK)
        return status;
    ad->entries =
        rsn_arena_calloc2(&ad->arena, r->st.n_tensors / 2 + 1, sizeof *ad->entries);
    if (!ad->entries)
        return REASON_ERR_NO_MEMORY;
    for (size_t i = 0; i < r->st.n_tensors && status == REASON_OK; i++)
        status = read_tensor(r, &r->st.tensors[i]);
    return status;
}

reason_status rsn_adapter_read_peft(const char *folder, const rsn_gguf *base,
                                    const rsn_cancel *cancel, rsn_adapter *ad) {
    reader r = {.ad = ad, .base = base};
    rsn_file file = {.fd = -1};
    rsn_str path = {0};
    reason_status status = rsn_peft_config_read(folder, &ad->arena, &r.config);
    rsn_str_addf(&path, "%s/adapter_model.safetensors", folder);
    if (status == REASON_OK && path.failed)
        status = REASON_ERR_NO_MEMORY;
    if (status == REASON_OK)
        status = rsn_file_open(rsn_str_text(&path), &file);
    if (status == REASON_OK) {
        status = read_tensors(&r, &file, cancel);
        if (status != REASON_OK && status != REASON_ERR_NO_MEMORY)
            rsn_fail_within(status, rsn_str_text(&path));
        rsn_file_close(&file);
    }
    rsn_str_free(&r.name);
    rsn_str_free(&path);
    return status;
}
