/* The public function that makes importance matrices. */
#include <string.h>

#include "api/options.h"
#include "convert/collect.h"

static const reason_imatrix_options OPTIONS = {.size = sizeof OPTIONS};

reason_status reason_imatrix_options_init(reason_imatrix_options *options, size_t size) {
    return rsn_options_init(options, size, &OPTIONS, sizeof OPTIONS, "options");
}

static reason_status collect_and_write(reason_model *model, const char *text,
                                       int64_t n_bytes, const char *path,
                                       const reason_imatrix_options *o,
                                       reason_imatrix_result *figures) {
    rsn_collected found = {0};
    rsn_collection what = {.model = model,
                           .text = text ? text : "",
                           .n_bytes = n_bytes < 0 ? strlen(text) : (size_t)n_bytes,
                           .options = o};
    reason_status status = rsn_pool_get(o->pool, o->n_threads, &what.pool);
    if (status == REASON_OK)
        status = rsn_collect(&what, &found);
    if (status == REASON_OK)
        status = rsn_collected_write(&found, o->dataset, path);
    *figures = found.figures;
    rsn_collected_free(&found);
    rsn_pool_release(what.pool);
    return status;
}

reason_status reason_imatrix(reason_model *model, const char *text, int64_t n_bytes,
                             const char *path, const reason_imatrix_options *options,
                             reason_imatrix_result *result) {
    reason_imatrix_options o = OPTIONS;
    reason_imatrix_result r = {.size = sizeof r};
    reason_status status =
        result ? rsn_options_write(result, &r, sizeof r, "result") : REASON_OK;
    if (status != REASON_OK)
        return status;
    if (!model || (!text && n_bytes != 0) || !path)
        return rsn_fail_null("model, text or path");
    status = rsn_options_read(options, &o, sizeof o, "options");
    if (status == REASON_OK)
        status = rsn_check_chunks(o.n_ctx, 2, o.n_chunks);
    if (status == REASON_OK)
        status = rsn_check_length(n_bytes);
    if (status == REASON_OK)
        status = rsn_check_weights(model);
    if (status == REASON_OK)
        status = collect_and_write(model, text, n_bytes, path, &o, &r);
    return status == REASON_OK && result
               ? rsn_options_write(result, &r, sizeof r, "result")
               : status;
}
