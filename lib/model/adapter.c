/* Owns the life of an adapter, whether it fits a model, and what several do together. What is in its file is the
 * matter of adapter_gguf.c and adapter_peft.c. Invariant: every entry of one that was handed out has a matrix
 * of the model it was opened for, and its shape. */
#include "model/adapter.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/fingerprint.h"

static int by_name(const void *key, const void *item) {
    return rsn_gguf_compare(key, *(const rsn_text *const *)item);
}

const rsn_delta *rsn_adapter_find(const rsn_adapter *adapter, const char *name) {
    rsn_text wanted = {name, strlen(name)};
    const rsn_text *const *found = bsearch(&wanted, adapter->order, adapter->n_entries,
                                           sizeof *adapter->order, by_name);
    return found ? &((const rsn_adapter_entry *)(const void *)*found)->delta : NULL;
}

const rsn_gguf_tensor *rsn_adapter_changed(const rsn_gguf *base, const char *name) {
    const rsn_gguf_tensor *t = rsn_gguf_find_tensor(base, name);
    if (!t && strcmp(name, "output.weight") == 0)
        t = rsn_gguf_find_tensor(base, "token_embd.weight");
    return t;
}

static reason_status check_entry(const rsn_adapter_entry *e, const rsn_gguf *base) {
    const rsn_matrix *a = &e->delta.a, *b = &e->delta.b;
    const rsn_gguf_tensor *t = rsn_adapter_changed(base, e->name.data);
    rsn_quoted name = rsn_quote(e->name.data, e->name.n);
    if (!t)
        return rsn_fail(REASON_ERR_MISMATCH,
                        "it changes tensor %s, which the model does not have", name.text);
    if (t->ne[1] == 1 || t->ne[2] != 1 || t->ne[3] != 1)
        return rsn_fail(REASON_ERR_UNSUPPORTED,
                        "it changes tensor %s, which is no matrix in the model",
                        name.text);
    if (a->rows != b->cols)
        return rsn_fail(REASON_ERR_FORMAT,
                        "the factors of %s have the ranks %zu and %zu, two equal ones "
                        "expected",
                        name.text, a->rows, b->cols);
    if (a->cols != t->ne[0] || b->rows != t->ne[1])
        return rsn_fail(REASON_ERR_MISMATCH,
                        "its change of tensor %s has shape [%zu, %zu], [%llu, %llu] "
                        "expected as in the model",
                        name.text, a->cols, b->rows, (unsigned long long)t->ne[0],
                        (unsigned long long)t->ne[1]);
    return REASON_OK;
}

reason_status rsn_adapter_fits(const rsn_adapter *adapter, const rsn_gguf *base) {
    for (size_t i = 0; i < adapter->n_entries; i++) {
        reason_status status = check_entry(&adapter->entries[i], base);
        if (status != REASON_OK)
            return rsn_fail_within(status, adapter->path);
    }
    return REASON_OK;
}

reason_status rsn_adapter_transpose(rsn_adapter *adapter, const rsn_matrix *m,
                                    rsn_matrix *out) {
    float *values = rsn_arena_calloc2(&adapter->arena, m->rows * m->cols, sizeof *values);
    size_t each = m->row_bytes / m->cols;
    if (!values)
        return REASON_ERR_NO_MEMORY;
    for (size_t r = 0; r < m->rows; r++)
        for (size_t c = 0; c < m->cols; c++)
            rsn_type_decode(m->type, m->data + r * m->row_bytes + c * each,
                            &values[c * m->rows + r], 1);
    *out = (rsn_matrix){.data = (const unsigned char *)values,
                        .type = rsn_type_info_get(RSN_TYPE_F32),
                        .rows = m->cols,
                        .cols = m->rows,
                        .row_bytes = m->rows * sizeof *values};
    return REASON_OK;
}

/* --- several together --------------------------------------------------------------- */

float rsn_adapters_scale(const rsn_adapters *adapters, size_t i) {
    return adapters->scales ? adapters->scales[i] : 1;
}

reason_status rsn_adapters_check(const rsn_adapters *adapters, const rsn_gguf *base) {
    for (size_t i = 0; i < adapters->n; i++) {
        const rsn_adapter *ad = adapters->list[i];
        float scale = rsn_adapters_scale(adapters, i);
        reason_status status = rsn_adapter_fits(ad, base);
        if (status != REASON_OK)
            return status;
        for (size_t j = 0; j < ad->n_entries; j++)
            if (!isfinite(scale * ad->entries[j].delta.scale))
                return rsn_fail(REASON_ERR_INVALID_ARG,
                                "%s: scale %g with the adapter's own %g, a finite product "
                                "expected",
                                ad->path, (double)scale,
                                (double)ad->entries[j].delta.scale);
    }
    return REASON_OK;
}

static void append(rsn_lowrank *low, const rsn_delta *delta) {
    low->deltas[low->n++] = *delta;
    low->rank += delta->a.rows;
}

reason_status rsn_adapters_gather(const rsn_adapters *adapters, const char *name,
                                  size_t first, size_t rows, const rsn_lowrank *before,
                                  rsn_arena *arena, rsn_lowrank **low) {
    size_t most = adapters->n + (before ? before->n : 0);
    rsn_lowrank *all = rsn_arena_calloc2(arena, 1, sizeof *all + most * sizeof *all->deltas);
    *low = NULL;
    if (!all)
        return REASON_ERR_NO_MEMORY;
    for (size_t i = 0; before && i < before->n; i++)
        append(all, &before->deltas[i]);
    for (size_t i = 0; i < adapters->n; i++) {
        const rsn_delta *found = rsn_adapter_find(adapters->list[i], name);
        float scale = rsn_adapters_scale(adapters, i);
        if (!found || found->scale * scale == 0)
            continue;
        rsn_delta delta = *found;
        delta.scale *= scale;
        delta.b.data += first * delta.b.row_bytes;
        delta.b.rows = rows;
        append(all, &delta);
    }
    *low = all->n > 0 ? all : NULL;
    return REASON_OK;
}

/* --- life --------------------------------------------------------------------------- */

/* What it does, by samples of its factors. */
static uint64_t sum_up(const rsn_adapter *adapter) {
    uint64_t hash = rsn_fingerprint_add(RSN_FINGERPRINT_NONE, &adapter->n_entries,
                                        sizeof adapter->n_entries);
    for (size_t i = 0; i < adapter->n_entries; i++) {
        const rsn_adapter_entry *e =
            (const rsn_adapter_entry *)(const void *)adapter->order[i];
        const rsn_matrix *factors[] = {&e->delta.a, &e->delta.b};
        hash = rsn_fingerprint_add(hash, e->name.data, e->name.n + 1);
        hash = rsn_fingerprint_add(hash, &e->delta.scale, sizeof e->delta.scale);
        for (int j = 0; j < 2; j++)
            hash = rsn_fingerprint_samples(hash, factors[j]->data,
                                           factors[j]->rows * factors[j]->row_bytes);
    }
    return hash;
}

static reason_status read_all(const char *path, const rsn_gguf *base,
                              const rsn_cancel *cancel, rsn_adapter *adapter) {
    size_t same; /* names were told apart by the file's reader */
    adapter->path = rsn_arena_strndup(&adapter->arena, path, strlen(path));
    if (!adapter->path)
        return REASON_ERR_NO_MEMORY;
    reason_status status = rsn_file_is_folder(path)
                               ? rsn_adapter_read_peft(path, base, cancel, adapter)
                               : rsn_adapter_read_gguf(path, base, cancel, adapter);
    if (status == REASON_OK && adapter->n_entries == 0)
        status = rsn_fail(REASON_ERR_FORMAT, "%s: it has no tensors", path);
    if (status == REASON_OK)
        status = rsn_adapter_fits(adapter, base);
    if (status != REASON_OK)
        return status;
    adapter->order = rsn_gguf_sort(&adapter->arena, &adapter->entries->name,
                                   sizeof *adapter->entries, adapter->n_entries, &same);
    if (!adapter->order)
        return REASON_ERR_NO_MEMORY;
    adapter->fingerprint = sum_up(adapter);
    return REASON_OK;
}

reason_status rsn_adapter_open(const char *path, const rsn_gguf *base,
                               const rsn_cancel *cancel, rsn_adapter **adapter) {
    *adapter = NULL;
    rsn_adapter *made = rsn_calloc2(1, sizeof *made);
    if (!made)
        return REASON_ERR_NO_MEMORY;
    atomic_init(&made->users, 1);
    reason_status status = read_all(path, base, cancel, made);
    if (status == REASON_OK)
        *adapter = made;
    else
        rsn_adapter_release(made);
    return status;
}

rsn_adapter *rsn_adapter_retain(rsn_adapter *adapter) {
    atomic_fetch_add_explicit(&adapter->users, 1, memory_order_relaxed);
    return adapter;
}

void rsn_adapter_release(rsn_adapter *adapter) {
    if (!adapter ||
        atomic_fetch_sub_explicit(&adapter->users, 1, memory_order_acq_rel) != 1)
        return;
    rsn_blob_free(&adapter->blob);
    rsn_gguf_free(&adapter->gguf);
    rsn_arena_free(&adapter->arena);
    rsn_free(adapter);
}
