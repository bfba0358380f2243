/* The public function that writes a model in other types. */
#include <string.h>

#include "api/options.h"
#include "base/cpu.h"
#include "convert/quantize.h"

static const reason_quantize_options DEFAULTS = {.size = sizeof DEFAULTS,
                                                 .type = "Q4_K_M"};

reason_status reason_quantize_options_init(reason_quantize_options *options,
                                           size_t size) {
    return rsn_options_init(options, size, &DEFAULTS, sizeof DEFAULTS, "options");
}

static reason_status check(const char *in, const char *out,
                           const reason_quantize_options *o) {
    if (!in || !out)
        return rsn_fail_null("in or out");
    if (o->n_rules > 0 && !o->rules)
        return rsn_fail_null("rules");
    if (o->n_adapters > 0 && !o->adapters)
        return rsn_fail_null("adapters");
    for (size_t i = 0; i < o->n_adapters; i++)
        if (!o->adapters[i])
            return rsn_fail_null("an adapter");
    if (o->cpu < REASON_CPU_AUTO || o->cpu > REASON_CPU_NEON)
        return rsn_fail(REASON_ERR_INVALID_ARG, "cpu %d is none of its enum",
                        (int)o->cpu);
    if (o->i2_s < REASON_I2_S_A || o->i2_s > REASON_I2_S_B)
        return rsn_fail(REASON_ERR_INVALID_ARG, "i2_s %d is none of its enum",
                        (int)o->i2_s);
    return REASON_OK;
}

static reason_status read_targets(const reason_quantize_options *o, rsn_targets *t) {
    const char *name = o->type ? o->type : DEFAULTS.type;
    t->pure = o->pure;
    t->mix = rsn_mix_find(name);
    if (!t->mix)
        return rsn_fail(REASON_ERR_INVALID_ARG,
                        "type %s is none that files can be quantized to; Q8_0, Q6_K, "
                        "Q4_K_M and others are (docs/QUANTIZATION.md)",
                        rsn_quote(name, strlen(name)).text);
    t->rules = rsn_calloc2(o->n_rules, sizeof *t->rules);
    if (!t->rules)
        return REASON_ERR_NO_MEMORY;
    for (size_t i = 0; i < o->n_rules; i++) {
        reason_status status = o->rules[i] ? rsn_rule_read(o->rules[i], &t->rules[i])
                                           : rsn_fail_null("a rule");
        if (status != REASON_OK)
            return status;
        t->n_rules++;
    }
    return REASON_OK;
}

reason_status reason_quantize(const char *in, const char *out,
                              const reason_quantize_options *options) {
    reason_quantize_options o = DEFAULTS;
    rsn_quantize q = {.in = in, .out = out};
    reason_status status = rsn_options_read(options, &o, sizeof o, "options");
    if (status == REASON_OK)
        status = check(in, out, &o);
    if (status == REASON_OK)
        status = read_targets(&o, &q.targets);
    if (status == REASON_OK)
        status = rsn_pool_new(o.n_threads, &q.pool);
    if (status == REASON_OK) {
        rsn_cancel cancel = {.token = o.cancel};
        q.imatrix = o.imatrix;
        q.adapters = o.adapters;
        q.adapter_scales = o.adapter_scales;
        q.n_adapters = o.n_adapters;
        q.requantize = o.requantize;
        q.i2_s_b = o.i2_s == REASON_I2_S_B;
        q.kernels = rsn_kernels_for(rsn_cpu_pick(o.cpu));
        q.cancel = &cancel;
        q.report = o.report;
        q.report_user = o.report_user;
        q.progress = o.progress;
        q.progress_user = o.progress_user;
        rsn_pool_enter(q.pool);
        status = rsn_quantize_run(&q);
        rsn_pool_leave(q.pool);
    }
    rsn_pool_release(q.pool);
    for (size_t i = 0; i < q.targets.n_rules; i++)
        rsn_rule_free(&q.targets.rules[i]);
    rsn_free(q.targets.rules);
    return status;
}
