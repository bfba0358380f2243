/* Derived models. Owns the list of layers, the vectors behind them and which matrices
 * adapters change. Left to others: the weights, which stay the base's, and the factors,
 * which stay the adapters'. Invariant: keys and values belong to a place in the list,
 * windows and positions to the layer of the file. */
#include "model/derive.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/alloc.h"
#include "model/fingerprint.h"

static reason_status check(const rsn_model *base, const rsn_derive *how) {
    size_t n_layers = base->hp.n_layers, n_embd = base->hp.n_embd;
    for (size_t i = 0; i < how->n; i++)
        if (how->layers[i] < 0 || (size_t)how->layers[i] >= n_layers)
            return rsn_fail(REASON_ERR_INVALID_ARG, "layer %d at %zu, 0 to %zu expected",
                            how->layers[i], i, n_layers - 1);
    for (size_t i = 0; how->control && i < how->n * n_embd; i++)
        if (!isfinite(how->control[i]))
            return rsn_fail(REASON_ERR_INVALID_ARG,
                            "control has %g at layer %zu, dimension %zu",
                            (double)how->control[i], i / n_embd, i % n_embd);
    return rsn_adapters_check(&how->adapters, &base->gguf);
}

/* --- layers ------------------------------------------------------------------------- */

/* A row of zeros steers nothing. */
static bool is_zero(const float *x, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (x[i] != 0)
            return false;
    return true;
}

static reason_status list_layers(rsn_model *d, const rsn_derive *how) {
    size_t width = d->hp.n_embd, n = how->n;
    const rsn_layer *from = d->base->weights.layers;
    rsn_layer *list = rsn_arena_calloc2(&d->arena, n, sizeof *list);
    float *rows =
        how->control ? rsn_arena_calloc2(&d->arena, n * width, sizeof *rows) : NULL;
    if (!list || (how->control && !rows))
        return REASON_ERR_NO_MEMORY;
    if (rows)
        memcpy(rows, how->control, n * width * sizeof *rows);
    for (size_t i = 0; i < n; i++) {
        list[i] = from[how->layers[i]];
        if (rows && !is_zero(rows + i * width, width))
            list[i].steer = rows + i * width;
    }
    d->weights.layers = list;
    d->hp.n_layers = n;
    /* another network has other keys and values */
    d->fingerprint = rsn_fingerprint_add(d->fingerprint, how->layers,
                                         n * sizeof *how->layers);
    if (rows)
        d->fingerprint =
            rsn_fingerprint_add(d->fingerprint, rows, n * width * sizeof *rows);
    return REASON_OK;
}

/* --- adapters ----------------------------------------------------------------------- */

/* Puts the changes of tensor `name` to those that m, rows of it, has already. *at: the
 * first place of a token's memory that no matrix of the layer has taken. */
static reason_status change(rsn_model *d, const rsn_derive *how, const char *name,
                            size_t *at, rsn_matrix *m) {
    rsn_lowrank *low;
    reason_status status = rsn_adapters_gather(&how->adapters, name, m->first_row,
                                               m->rows, m->low, &d->arena, &low);
    m->low = low;
    if (status != REASON_OK || !low)
        return status;
    low->shared = m->first_row > 0;
    *at += low->shared ? 0 : low->rank;
    low->at = *at - low->rank;
    return REASON_OK;
}

static reason_status change_layer(rsn_model *d, const rsn_derive *how, rsn_layer *layer,
                                  size_t *at) {
    reason_status status = REASON_OK;
    rsn_matrix *m;
    for (size_t i = 0; status == REASON_OK && (m = rsn_layer_matrix(layer, i)); i++)
        status = change(d, how, m->tensor->name.data, at, m);
    return status;
}

static void widen(rsn_weights *w, size_t width) {
    w->low_width = width > w->low_width ? width : w->low_width;
}

static reason_status change_all(rsn_model *d, const rsn_derive *how) {
    rsn_weights *w = &d->weights;
    size_t alone = 0, output = 0;
    reason_status status = change(d, how, "token_embd.weight", &alone, &w->embedding);
    if (status == REASON_OK)
        status = change(d, how, "output.weight", &output, &w->output);
    widen(w, output);
    for (size_t i = 0; i < d->hp.n_layers && status == REASON_OK; i++) {
        size_t at = 0;
        status = change_layer(d, how, &w->layers[i], &at);
        widen(w, at);
    }
    return status;
}

/* Keeps the adapters with the model and applies them. */
static reason_status adapt(rsn_model *d, const rsn_derive *how) {
    size_t n = how->adapters.n;
    if (n == 0)
        return REASON_OK;
    d->adapters = rsn_arena_calloc2(&d->arena, n, sizeof *d->adapters);
    if (!d->adapters)
        return REASON_ERR_NO_MEMORY;
    for (; d->n_adapters < n; d->n_adapters++) {
        size_t i = d->n_adapters;
        float scale = rsn_adapters_scale(&how->adapters, i);
        d->adapters[i] = rsn_adapter_retain(how->adapters.list[i]);
        d->fingerprint = rsn_fingerprint_add(d->fingerprint, &d->adapters[i]->fingerprint,
                                             sizeof d->adapters[i]->fingerprint);
        d->fingerprint = rsn_fingerprint_add(d->fingerprint, &scale, sizeof scale);
    }
    return change_all(d, how);
}

reason_status rsn_model_derive(rsn_model *base, const rsn_derive *how,
                               rsn_model **derived) {
    *derived = NULL;
    reason_status status = check(base, how);
    if (status != REASON_OK)
        return status;
    rsn_model *d = rsn_calloc2(1, sizeof *d);
    if (!d)
        return REASON_ERR_NO_MEMORY;
    /* All but the count, which others may be changing. */
    size_t first = offsetof(rsn_model, base);
    memcpy((char *)d + first, (const char *)base + first, sizeof *d - first);
    memset(&d->arena, 0, sizeof d->arena);
    atomic_init(&d->users, 1);
    d->base = rsn_model_retain(base);
    d->adapters = NULL;
    d->n_adapters = 0;
    status = list_layers(d, how);
    if (status == REASON_OK)
        status = adapt(d, how);
    if (status == REASON_OK)
        *derived = d;
    else
        rsn_model_release(d);
    return status;
}
