/* Public functions of derived models, of adapters, and of what goes into a network. */
#include "api/options.h"
#include "base/alloc.h"
#include "base/fpstate.h"
#include "model/derive.h"

enum { MAX_LAYERS = 4096, MAX_ADAPTERS = 64 };

static const reason_derive_options OPTIONS = {.size = sizeof OPTIONS};

reason_status reason_derive_options_init(reason_derive_options *options, size_t size) {
    return rsn_options_init(options, size, &OPTIONS, sizeof OPTIONS, "options");
}

/* All layers in order. */
static reason_status derive_all(reason_model *model, rsn_derive *how,
                                reason_model **derived) {
    size_t n = model->hp.n_layers;
    int32_t *layers = rsn_alloc2(n, sizeof *layers);
    if (!layers)
        return REASON_ERR_NO_MEMORY;
    for (size_t i = 0; i < n; i++)
        layers[i] = (int32_t)i;
    how->layers = layers;
    how->n = n;
    reason_status status = rsn_model_derive(model, how, derived);
    rsn_free(layers);
    return status;
}

static reason_status check_options(const reason_derive_options *o) {
    if ((o->layers || o->n_layers > 0) &&
        (!o->layers || o->n_layers == 0 || o->n_layers > MAX_LAYERS))
        return rsn_fail(REASON_ERR_INVALID_ARG, "n_layers is %zu, 1 to %d expected",
                        o->n_layers, MAX_LAYERS);
    if (o->n_adapters > MAX_ADAPTERS)
        return rsn_fail(REASON_ERR_INVALID_ARG, "n_adapters is %zu, 0 to %d expected",
                        o->n_adapters, MAX_ADAPTERS);
    if (o->n_adapters > 0 && !o->adapters)
        return rsn_fail_null("adapters");
    for (size_t i = 0; i < o->n_adapters; i++)
        if (!o->adapters[i])
            return rsn_fail_null("an adapter");
    return REASON_OK;
}

reason_status reason_model_derive(reason_model *model,
                                  const reason_derive_options *options,
                                  reason_model **derived) {
    reason_derive_options o = OPTIONS;
    if (derived)
        *derived = NULL;
    if (!model || !derived)
        return rsn_fail_null("model or derived");
    reason_status status = rsn_options_read(options, &o, sizeof o, "options");
    if (status == REASON_OK)
        status = rsn_check_weights(model);
    if (status == REASON_OK)
        status = check_options(&o);
    if (status != REASON_OK)
        return status;
    rsn_derive how = {.layers = o.layers,
                      .n = o.n_layers,
                      .control = o.control,
                      .adapters = {o.adapters, o.adapter_scales, o.n_adapters}};
    return o.layers ? rsn_model_derive(model, &how, derived)
                    : derive_all(model, &how, derived);
}

reason_status reason_adapter_open(const reason_model *model, const char *path,
                                  reason_adapter **adapter) {
    if (adapter)
        *adapter = NULL;
    if (!model || !path || !adapter)
        return rsn_fail_null("model, path or adapter");
    reason_status status = rsn_check_weights(model);
    return status == REASON_OK ? rsn_adapter_open(path, &model->gguf, NULL, adapter)
                               : status;
}

void reason_adapter_free(reason_adapter *adapter) {
    rsn_adapter_release(adapter);
}

reason_status reason_model_embedding(const reason_model *model, int32_t token,
                                     float *row) {
    if (!model || !row)
        return rsn_fail_null("model or row");
    reason_status status = rsn_check_weights(model);
    if (status != REASON_OK)
        return status;
    if (token < 0 || (size_t)token >= model->hp.n_vocab)
        return rsn_fail(REASON_ERR_INVALID_ARG, "token %d, 0 to %zu expected", token,
                        model->hp.n_vocab - 1);
    rsn_fpstate fpstate = rsn_fpstate_enter();
    rsn_model_embedding(model, (size_t)token, row);
    rsn_fpstate_leave(fpstate);
    return REASON_OK;
}
