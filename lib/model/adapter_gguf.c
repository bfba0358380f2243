/* Adapters in GGUF files: tensors NAME.lora_a and NAME.lora_b beside each other, NAME
 * being the base's. Owns names, pairs, metadata and the layout of factors; what shapes the
 * base wants is adapter.c's. Invariant: every tensor of the file is a factor of exactly
 * one entry. */
#include <float.h>
#include <string.h>

#include "model/adapter.h"

#define SUFFIX_A ".lora_a"
#define SUFFIX_B ".lora_b"

enum { N_SUFFIX = sizeof SUFFIX_A - 1 };

/* The text under a key that has to be there. */
static reason_status read_text(const rsn_gguf *g, const char *key, rsn_text *text) {
    *text = (rsn_text){NULL, 0};
    reason_status status = rsn_gguf_string(g, key, text);
    if (status == REASON_OK && !text->data)
        status = rsn_fail(REASON_ERR_FORMAT, "key %s is missing", key);
    return status;
}

static reason_status check_kind(const rsn_gguf *g) {
    rsn_text type, kind;
    reason_status status = read_text(g, "general.type", &type);
    if (status == REASON_OK && !rsn_text_is(type, "adapter"))
        return rsn_fail(REASON_ERR_FORMAT, "key general.type is %s, adapter expected",
                        rsn_quote(type.data, type.n).text);
    if (status == REASON_OK)
        status = read_text(g, "adapter.type", &kind);
    if (status == REASON_OK && !rsn_text_is(kind, "lora"))
        return rsn_fail(REASON_ERR_UNSUPPORTED,
                        "adapters of type %s are not supported (key adapter.type), lora "
                        "is",
                        rsn_quote(kind.data, kind.n).text);
    if (status == REASON_OK && rsn_gguf_find(g, "adapter.alora.invocation_tokens"))
        return rsn_fail(REASON_ERR_UNSUPPORTED,
                        "adapters that begin at certain tokens are not supported (key "
                        "adapter.alora.invocation_tokens)");
    return status;
}

static reason_status check_architecture(const rsn_gguf *g, const rsn_gguf *base) {
    rsn_text own, wanted;
    reason_status status = read_text(g, "general.architecture", &own);
    if (status == REASON_OK)
        status = read_text(base, "general.architecture", &wanted);
    if (status != REASON_OK || rsn_gguf_compare(&own, &wanted) == 0)
        return status;
    return rsn_fail(REASON_ERR_MISMATCH, "it is for models of architecture %s, not %s",
                    rsn_quote(own.data, own.n).text,
                    rsn_quote(wanted.data, wanted.n).text);
}

/* Files without the key, or with 0 there, have their scale in the factors. */
static reason_status read_alpha(const rsn_gguf *g, double *alpha) {
    *alpha = 0;
    reason_status status = rsn_gguf_float(g, "adapter.lora.alpha", alpha);
    if (status == REASON_OK && !(*alpha >= -FLT_MAX && *alpha <= FLT_MAX))
        status = rsn_fail(REASON_ERR_FORMAT,
                          "key adapter.lora.alpha is %g, a finite float expected", *alpha);
    return status;
}

/* A factor as it lies in the file; other types than floats are decoded. */
static reason_status view(rsn_adapter *ad, const rsn_gguf_tensor *t, rsn_matrix *m) {
    const uint8_t *bytes = ad->blob.data + (t->offset - ad->gguf.parts->data_start);
    if (t->ne[2] != 1 || t->ne[3] != 1)
        return rsn_fail(REASON_ERR_FORMAT, "tensor %s has %u dimensions, 2 expected",
                        rsn_quote(t->name.data, t->name.n).text, (unsigned)t->n_dims);
    if (t->type->tail_bytes)
        return rsn_fail(REASON_ERR_UNSUPPORTED, "tensor %s has type %s, floats expected",
                        rsn_quote(t->name.data, t->name.n).text, t->type->name);
    *m = (rsn_matrix){.data = bytes,
                      .type = t->type,
                      .cols = (size_t)t->ne[0],
                      .rows = (size_t)t->ne[1],
                      .row_bytes = rsn_type_row_bytes(t->type, (size_t)t->ne[0])};
    if (t->type->decode)
        return REASON_OK;
    float *values = rsn_arena_calloc2(&ad->arena, m->rows * m->cols, sizeof *values);
    if (!values)
        return REASON_ERR_NO_MEMORY;
    rsn_type_decode(t->type, bytes, values, m->rows * m->cols);
    m->data = (const unsigned char *)values;
    m->type = rsn_type_info_get(RSN_TYPE_F32);
    m->row_bytes = m->cols * sizeof *values;
    return REASON_OK;
}

/* The two factors of an entry. That of the embedding has a row for each token in its a,
 * and b has one for each dimension: b a of ours is a b^T of theirs. */
static reason_status read_factors(rsn_adapter *ad, const rsn_gguf_tensor *a,
                                  const rsn_gguf_tensor *b, rsn_adapter_entry *e) {
    rsn_delta *d = &e->delta;
    bool flipped = rsn_text_is(e->name, "token_embd.weight");
    rsn_matrix across;
    reason_status status = view(ad, a, flipped ? &d->b : &d->a);
    if (status == REASON_OK)
        status = view(ad, b, flipped ? &across : &d->b);
    if (status == REASON_OK && flipped)
        status = rsn_adapter_transpose(ad, &across, &d->a);
    return status;
}

static reason_status read_entry(rsn_adapter *ad, const rsn_gguf_tensor *a,
                                const rsn_gguf_tensor *b, double alpha) {
    rsn_adapter_entry *e = &ad->entries[ad->n_entries];
    size_t n = a->name.n - N_SUFFIX;
    e->name = (rsn_text){rsn_arena_strndup(&ad->arena, a->name.data, n), n};
    if (!e->name.data)
        return REASON_ERR_NO_MEMORY;
    reason_status status = read_factors(ad, a, b, e);
    if (status != REASON_OK)
        return status;
    e->delta.scale = alpha != 0 ? (float)(alpha / (double)e->delta.a.rows) : 1;
    ad->n_entries++;
    return REASON_OK;
}

static bool has_suffix(const rsn_gguf_tensor *t, const char *suffix) {
    return t->name.n > N_SUFFIX &&
           memcmp(t->name.data + t->name.n - N_SUFFIX, suffix, N_SUFFIX) == 0;
}

/* Tensor t's other half; `name` is room for its name. */
static reason_status find_other(const rsn_gguf *g, const rsn_gguf_tensor *t, char *name,
                                const rsn_gguf_tensor **other) {
    bool is_a = has_suffix(t, SUFFIX_A);
    if (!is_a && !has_suffix(t, SUFFIX_B))
        return rsn_fail(REASON_ERR_UNSUPPORTED,
                        "tensor %s is no factor: its name ends in neither " SUFFIX_A
                        " nor " SUFFIX_B,
                        rsn_quote(t->name.data, t->name.n).text);
    memcpy(name, t->name.data, t->name.n - N_SUFFIX);
    memcpy(name + t->name.n - N_SUFFIX, is_a ? SUFFIX_B : SUFFIX_A, N_SUFFIX + 1);
    *other = rsn_gguf_find_tensor(g, name);
    if (!*other)
        return rsn_fail(REASON_ERR_FORMAT, "tensor %s is there without its other factor",
                        rsn_quote(t->name.data, t->name.n).text);
    return REASON_OK;
}

static reason_status read_entries(rsn_adapter *ad, double alpha) {
    const rsn_gguf *g = &ad->gguf;
    char *name = rsn_alloc(RSN_GGUF_MAX_NAME + 1);
    reason_status status = name ? REASON_OK : REASON_ERR_NO_MEMORY;
    ad->entries = rsn_arena_calloc2(&ad->arena, g->n_tensors / 2 + 1, sizeof *ad->entries);
    if (!ad->entries)
        status = REASON_ERR_NO_MEMORY;
    for (size_t i = 0; i < g->n_tensors && status == REASON_OK; i++) {
        const rsn_gguf_tensor *t = &g->tensors[i], *other;
        status = find_other(g, t, name, &other);
        if (status == REASON_OK && has_suffix(t, SUFFIX_A))
            status = read_entry(ad, t, other, alpha);
    }
    rsn_free(name);
    return status;
}

/* What the plan says, and what it says is there. */
static reason_status read_plan(const rsn_file *file, const rsn_gguf *base,
                               const rsn_cancel *cancel, rsn_adapter *ad) {
    const rsn_gguf_part *part = ad->gguf.parts;
    double alpha;
    reason_status status = check_kind(&ad->gguf);
    if (status == REASON_OK)
        status = check_architecture(&ad->gguf, base);
    if (status == REASON_OK)
        status = read_alpha(&ad->gguf, &alpha);
    if (status == REASON_OK)
        status = rsn_blob_load(file, part->data_start,
                               (size_t)(part->data_end - part->data_start), false, cancel,
                               &ad->blob);
    return status == REASON_OK ? read_entries(ad, alpha) : status;
}

reason_status rsn_adapter_read_gguf(const char *path, const rsn_gguf *base,
                                    const rsn_cancel *cancel, rsn_adapter *ad) {
    rsn_file file;
    reason_status status = rsn_file_open(path, &file);
    if (status != REASON_OK)
        return status;
    status = rsn_gguf_open(&file, path, false, &ad->gguf);
    if (status == REASON_OK) {
        status = read_plan(&file, base, cancel, ad);
        if (status != REASON_OK && status != REASON_ERR_NO_MEMORY)
            rsn_fail_within(status, path);
    }
    rsn_file_close(&file);
    return status;
}
