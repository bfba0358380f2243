/*
 * Owns how adapters are named on the command line and put on a model. What they do is the
 * library's. Invariant: without any the model is the one that was opened.
 */
#include "adapters.h"

#include <float.h>
#include <stdlib.h>
#include <string.h>

int rsn_cli_adapters_read(const struct rsn_cli_list *texts,
                          struct rsn_cli_adapters *adapters) {
    *adapters = (struct rsn_cli_adapters){.n = 0};
    for (size_t i = 0; i < texts->n_items; i++) {
        const char *text = texts->items[i], *split = strrchr(text, '=');
        float *scale = &adapters->scales[i];
        if (!split || !rsn_cli_read_float(split + 1, -(double)FLT_MAX, (double)FLT_MAX, scale)) {
            split = text + strlen(text);
            *scale = 1;
        }
        adapters->paths[i] = strndup(text, (size_t)(split - text));
        if (!adapters->paths[i]) return rsn_cli_fail_memory();
        adapters->n++;
    }
    return RSN_CLI_OK;
}

void rsn_cli_adapters_free(struct rsn_cli_adapters *adapters) {
    for (size_t i = 0; i < adapters->n; i++) free(adapters->paths[i]);
    adapters->n = 0;
}

static int derive(const struct rsn_cli_adapters *adapters, reason_model *model,
                  reason_model **derived) {
    reason_adapter *open[RSN_CLI_LIST_CAP] = {NULL};
    reason_derive_options o;
    reason_status status = reason_derive_options_init(&o, sizeof o);
    o.adapters = open;
    o.adapter_scales = adapters->scales;
    o.n_adapters = adapters->n;
    for (size_t i = 0; i < adapters->n && status == REASON_OK; i++)
        status = reason_adapter_open(model, adapters->paths[i], &open[i]);
    if (status == REASON_OK) status = reason_model_derive(model, &o, derived);
    int code = status == REASON_OK ? RSN_CLI_OK : rsn_cli_fail_library();
    for (size_t i = 0; i < adapters->n; i++) reason_adapter_free(open[i]);
    return code;
}

int rsn_cli_adapters_apply(const struct rsn_cli_list *texts, reason_model **model) {
    struct rsn_cli_adapters adapters;
    reason_model *derived = NULL;
    if (texts->n_items == 0) return RSN_CLI_OK;
    int code = rsn_cli_adapters_read(texts, &adapters);
    if (code == RSN_CLI_OK) code = derive(&adapters, *model, &derived);
    rsn_cli_adapters_free(&adapters);
    reason_model_free(*model);
    *model = derived;
    return code;
}
