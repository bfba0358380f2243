/* Derived models. Owns the list of layers and the vectors behind them. Left to others: the
 * weights, which stay the base's. Invariant: keys and values belong to a place in the list,
 * windows and positions to the layer of the file. */
#include "model/derive.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "model/fingerprint.h"

static reason_status check(const rsn_model *base, const int32_t *layers, size_t n,
                           const float *control) {
    size_t n_layers = base->hp.n_layers;
    for (size_t i = 0; i < n; i++)
        if (layers[i] < 0 || (size_t)layers[i] >= n_layers)
            return rsn_fail(REASON_ERR_INVALID_ARG, "layer %d at %zu, 0 to %zu expected",
                            layers[i], i, n_layers - 1);
    for (size_t i = 0; control && i < n * base->hp.n_embd; i++)
        if (!isfinite(control[i]))
            return rsn_fail(REASON_ERR_INVALID_ARG,
                            "control has %g at layer %zu, dimension %zu",
                            (double)control[i], i / base->hp.n_embd,
                            i % base->hp.n_embd);
    return REASON_OK;
}

/* A row of zeros steers nothing. */
static bool is_zero(const float *x, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (x[i] != 0)
            return false;
    return true;
}

static reason_status list_layers(rsn_model *d, const int32_t *layers, size_t n,
                                 const float *control) {
    size_t width = d->hp.n_embd;
    const rsn_layer *from = d->base->weights.layers;
    rsn_layer *list = rsn_arena_calloc2(&d->arena, n, sizeof *list);
    float *rows = control ? rsn_arena_calloc2(&d->arena, n * width, sizeof *rows) : NULL;
    if (!list || (control && !rows))
        return REASON_ERR_NO_MEMORY;
    if (rows)
        memcpy(rows, control, n * width * sizeof *rows);
    for (size_t i = 0; i < n; i++) {
        list[i] = from[layers[i]];
        if (rows && !is_zero(rows + i * width, width))
            list[i].steer = rows + i * width;
    }
    d->weights.layers = list;
    d->hp.n_layers = n;
    /* another network has other keys and values */
    d->fingerprint = rsn_fingerprint_add(d->fingerprint, layers, n * sizeof *layers);
    if (rows)
        d->fingerprint =
            rsn_fingerprint_add(d->fingerprint, rows, n * width * sizeof *rows);
    return REASON_OK;
}

reason_status rsn_model_derive(rsn_model *base, const int32_t *layers, size_t n,
                               const float *control, rsn_model **derived) {
    *derived = NULL;
    reason_status status = check(base, layers, n, control);
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
    status = list_layers(d, layers, n, control);
    if (status == REASON_OK)
        *derived = d;
    else
        rsn_model_release(d);
    return status;
}
