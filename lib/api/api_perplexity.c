/* Public functions that judge models over a text. */
#include <math.h>
#include <string.h>

#include "api/options.h"
#include "convert/perplexity.h"

static const reason_perplexity_options OPTIONS = {.size = sizeof OPTIONS};

reason_status reason_perplexity_options_init(reason_perplexity_options *options,
                                             size_t size) {
    return rsn_options_init(options, size, &OPTIONS, sizeof OPTIONS, "options");
}

static reason_perplexity_result no_result(void) {
    const double none = (double)NAN;
    return (reason_perplexity_result){
        .size = sizeof(reason_perplexity_result),
        .perplexity = none, .perplexity_se = none, .bits_per_token = none,
        .tokens_s = none, .against_perplexity = none, .against_perplexity_se = none,
        .ratio = none, .ratio_se = none, .kl_mean = none, .kl_se = none,
        .kl_median = none, .kl_p99 = none, .kl_max = none, .same_top = none,
        .same_top_se = none, .p_difference = none, .p_difference_se = none};
}

static reason_status judge(reason_model *model, const char *text, int64_t n_bytes,
                           const reason_perplexity_options *o,
                           reason_perplexity_result *result) {
    rsn_judged what = {.model = model,
                       .against = o->against,
                       .text = text ? text : "",
                       .n_bytes = n_bytes < 0 ? strlen(text) : (size_t)n_bytes,
                       .options = o};
    reason_status status = rsn_pool_get(o->pool, o->n_threads, &what.pool);
    if (status == REASON_OK)
        status = rsn_perplexity(&what, result);
    rsn_pool_release(what.pool);
    return status;
}

reason_status reason_perplexity(reason_model *model, const char *text, int64_t n_bytes,
                                const reason_perplexity_options *options,
                                reason_perplexity_result *result) {
    reason_perplexity_options o = OPTIONS;
    reason_perplexity_result r = no_result();
    reason_status status = rsn_options_write(result, &r, sizeof r, "result");
    if (status != REASON_OK)
        return status;
    if (!model || (!text && n_bytes != 0))
        return rsn_fail_null("model or text");
    status = rsn_options_read(options, &o, sizeof o, "options");
    if (status == REASON_OK)
        status = rsn_check_chunks(o.n_ctx, 3, o.n_chunks);
    if (status == REASON_OK)
        status = rsn_check_kv_type(o.kv_type);
    if (status == REASON_OK)
        status = rsn_check_length(n_bytes);
    if (status == REASON_OK)
        status = rsn_check_weights(model);
    if (status == REASON_OK && o.against)
        status = rsn_check_weights(o.against);
    if (status == REASON_OK)
        status = judge(model, text, n_bytes, &o, &r);
    return status == REASON_OK ? rsn_options_write(result, &r, sizeof r, "result")
                               : status;
}
