/* Owns RoPE's frequencies: their keys, the kinds of scaling, and the tables a model keeps
 * of them. Invariant: a table depends on the file alone. Which of SHORT and LONG a
 * session takes follows from its context's size, never from how many tokens there are,
 * so that a token's key is the same however the timeline came about. */
#include "model/rope_scaling.h"

#include <float.h>
#include <math.h>

#include "kernels/mathd.h"
#include "model/keys.h"

#define PI 0x1.921fb54442d18p+1

/* --- keys --------------------------------------------------------------------------- */

static const struct {
    const char *name;
    rsn_rope_kind kind;
} KINDS[] = {{"none", RSN_ROPE_PLAIN},
             {"linear", RSN_ROPE_LINEAR},
             {"yarn", RSN_ROPE_YARN},
             {"longrope", RSN_ROPE_LONGROPE}};

static const struct {
    const char *suffix;
    size_t offset;
    double min, max, fallback;
} FLOATS[] = {
    {"rope.freq_base", offsetof(rsn_rope_config, base), 1, 1e12, 10000},
    {"rope.freq_base_swa", offsetof(rsn_rope_config, local_base), 1, 1e12, 0},
    {"rope.scale_linear", offsetof(rsn_rope_config, factor), 1e-3, 1e6, 1},
    {"rope.scaling.factor", offsetof(rsn_rope_config, factor), 1e-3, 1e6, -1},
    {"rope.scaling.yarn_beta_fast", offsetof(rsn_rope_config, beta_fast), 1e-3, 1e6, 32},
    {"rope.scaling.yarn_beta_slow", offsetof(rsn_rope_config, beta_slow), 1e-3, 1e6, 1},
    {"rope.scaling.attn_factor", offsetof(rsn_rope_config, attn_factor), 1e-3, 1e3, 0},
    {"rope.scaling.yarn_attn_factor", offsetof(rsn_rope_config, yarn_attn_factor), 1e-3,
     1e3, 0},
};

/* A fallback of -1 leaves what an earlier row found. */
static reason_status read_floats(const rsn_gguf *g, const char *arch,
                                 rsn_rope_config *config) {
    reason_status status = REASON_OK;
    for (size_t i = 0; i < sizeof FLOATS / sizeof *FLOATS && status == REASON_OK; i++) {
        rsn_key key;
        double *place = (double *)(void *)((char *)config + FLOATS[i].offset);
        if ((status = rsn_key_make(&key, arch, FLOATS[i].suffix)) != REASON_OK)
            return status;
        if (FLOATS[i].fallback != -1)
            *place = FLOATS[i].fallback;
        if (!rsn_gguf_find(g, key.text))
            continue;
        status = rsn_gguf_float(g, key.text, place);
        if (status == REASON_OK && !(*place >= FLOATS[i].min && *place <= FLOATS[i].max))
            status = rsn_fail(REASON_ERR_FORMAT, "key %s is %g, %g to %g allowed",
                              key.text, *place, FLOATS[i].min, FLOATS[i].max);
    }
    return status;
}

static reason_status read_kind(const rsn_gguf *g, const char *arch,
                               rsn_rope_config *config) {
    rsn_key key;
    rsn_text type = {0};
    reason_status status = rsn_key_make(&key, arch, "rope.scaling.type");
    if (status == REASON_OK)
        status = rsn_gguf_string(g, key.text, &type);
    /* Files without a type mean a linear one if they have a factor. */
    config->kind = config->factor != 1 ? RSN_ROPE_LINEAR : RSN_ROPE_PLAIN;
    if (status != REASON_OK || !type.data)
        return status;
    for (size_t i = 0; i < sizeof KINDS / sizeof *KINDS; i++)
        if (type.n == strlen(KINDS[i].name) &&
            memcmp(type.data, KINDS[i].name, type.n) == 0) {
            config->kind = KINDS[i].kind;
            return REASON_OK;
        }
    return rsn_fail(REASON_ERR_UNSUPPORTED,
                    "key %s is %s; none, linear, yarn and longrope are supported",
                    key.text, rsn_quote(type.data, type.n).text);
}

static reason_status read_yarn(const rsn_gguf *g, const char *arch,
                               const rsn_rope_config *config) {
    rsn_key key;
    double ext_factor = 1;
    reason_status status = rsn_key_make(&key, arch, "rope.scaling.yarn_ext_factor");
    if (status == REASON_OK)
        status = rsn_gguf_float(g, key.text, &ext_factor);
    if (status == REASON_OK && ext_factor != 1)
        status = rsn_fail(REASON_ERR_UNSUPPORTED, "key %s is %g, only 1 is supported",
                          key.text, ext_factor);
    if (status == REASON_OK && config->beta_fast < config->beta_slow)
        status = rsn_fail(REASON_ERR_FORMAT,
                          "key %s.rope.scaling.yarn_beta_fast is %g, below "
                          "%s.rope.scaling.yarn_beta_slow, which is %g",
                          arch, config->beta_fast, arch, config->beta_slow);
    if (status == REASON_OK && config->base <= 1)
        status = rsn_fail(REASON_ERR_FORMAT,
                          "key %s.rope.freq_base is %g, above 1 expected with YaRN", arch,
                          config->base);
    return status;
}

reason_status rsn_rope_read(const rsn_gguf *g, const char *arch, const rsn_traits *traits,
                            size_t n_ctx, rsn_rope_config *config) {
    rsn_key key;
    int64_t n_ctx_orig = (int64_t)n_ctx;
    reason_status status = read_floats(g, arch, config);
    if (status == REASON_OK)
        status = read_kind(g, arch, config);
    if (status == REASON_OK)
        status = rsn_key_make(&key, arch, "rope.scaling.original_context_length");
    if (status == REASON_OK)
        status = rsn_gguf_int(g, key.text, 1, 1 << 27, &n_ctx_orig);
    if (status == REASON_OK && config->kind == RSN_ROPE_YARN)
        status = read_yarn(g, arch, config);
    config->n_ctx_orig = (size_t)n_ctx_orig;
    if (config->local_base == 0)
        config->local_base = traits->local_base > 0 ? traits->local_base : config->base;
    config->local_unscaled = (traits->bits & RSN_TRAIT_LOCAL_UNSCALED) != 0;
    config->local_differs = config->local_unscaled || config->local_base != config->base;
    return status;
}

/* --- tables ------------------------------------------------------------------------- */

/* The dimension that turns `turns` times within the original context. */
static double dimension_of(const rsn_rope_config *c, size_t n_rot, double turns) {
    return (double)n_rot * rsn_logd((double)c->n_ctx_orig / (turns * 2 * PI)) /
           (2 * rsn_logd(c->base));
}

/* How far frequency i is interpolated: 0 for fast ones, 1 for slow ones. */
static double yarn_ramp(const rsn_rope_config *c, size_t n_rot, size_t i) {
    double low = floor(dimension_of(c, n_rot, c->beta_fast));
    double high = ceil(dimension_of(c, n_rot, c->beta_slow));
    low = low > 0 ? low : 0;
    high = high < (double)n_rot - 1 ? high : (double)n_rot - 1;
    double width = high - low > 0.001 ? high - low : 0.001;
    double at = ((double)i - low) / width;
    return at < 0 ? 0 : at > 1 ? 1 : at;
}

static double scaled(const rsn_rope_config *c, size_t n_rot, size_t i, double frequency) {
    if (c->kind == RSN_ROPE_LINEAR)
        return frequency / c->factor;
    if (c->kind != RSN_ROPE_YARN)
        return frequency;
    double ramp = yarn_ramp(c, n_rot, i);
    return frequency / c->factor * ramp + frequency * (1 - ramp);
}

/* What sines and cosines are multiplied by. */
static double factor_of(const rsn_rope_config *c, size_t n_ctx) {
    double given = c->attn_factor > 0 ? c->attn_factor : 1, own = 1;
    if (c->kind == RSN_ROPE_YARN) {
        own = c->factor > 1 ? 0.1 * rsn_logd(c->factor) + 1 : 1;
        return given * (c->yarn_attn_factor > 0 ? c->yarn_attn_factor : own);
    }
    if (c->kind != RSN_ROPE_LONGROPE || c->attn_factor > 0 || n_ctx <= c->n_ctx_orig ||
        c->n_ctx_orig == 1)
        return given;
    double times = (double)n_ctx / (double)c->n_ctx_orig;
    return sqrt(1 + rsn_logd(times) / rsn_logd((double)c->n_ctx_orig));
}

static reason_status fill(const rsn_rope_config *c, size_t n_rot, const float *divisors,
                          const char *name, double *out) {
    for (size_t i = 0; i < n_rot / 2; i++) {
        double divisor = divisors ? (double)divisors[i] : 1;
        if (!(divisor > 0 && divisor <= (double)FLT_MAX))
            return rsn_fail(REASON_ERR_FORMAT,
                            "tensor %s holds %g at %zu, a number above 0 expected", name,
                            divisor, i);
        double frequency = rsn_powd(c->base, -2.0 * (double)i / (double)n_rot);
        out[i] = scaled(c, n_rot, i, frequency) / divisor;
    }
    return REASON_OK;
}

static reason_status check_factors(const rsn_rope_config *c,
                                   const rsn_rope_factors *factors) {
    if (!factors->long_ctx != !factors->short_ctx)
        return rsn_fail(REASON_ERR_FORMAT, "tensor rope_factors_%s.weight is missing",
                        factors->long_ctx ? "short" : "long");
    if (c->kind == RSN_ROPE_LONGROPE && !factors->long_ctx)
        return rsn_fail(REASON_ERR_FORMAT,
                        "tensor rope_factors_long.weight is missing, RoPE scaling is "
                        "\"longrope\"");
    bool other = c->kind == RSN_ROPE_LINEAR || c->kind == RSN_ROPE_YARN || factors->all ||
                 c->local_differs;
    if (factors->long_ctx && other)
        return rsn_fail(REASON_ERR_UNSUPPORTED,
                        "tensor rope_factors_long.weight beside another RoPE scaling");
    return REASON_OK;
}

reason_status rsn_rope_make(const rsn_rope_config *config, size_t n_rot, size_t n_ctx,
                            const rsn_rope_factors *factors, rsn_arena *arena,
                            rsn_rope ropes[RSN_N_ROPES]) {
    static const rsn_rope_config plain = {.kind = RSN_ROPE_PLAIN};
    rsn_rope_config c = *config;
    reason_status status = check_factors(&c, factors);
    if (factors->long_ctx)
        c.kind = RSN_ROPE_LONGROPE; /* older files have only the tensors */
    rsn_rope_config local = c.local_unscaled ? plain : c;
    local.base = c.local_base;
    const struct {
        const rsn_rope_config *config;
        const float *divisors;
        const char *name;
        bool there;
    } tables[RSN_N_ROPES] = {
        [RSN_ROPE_SHORT] = {&c, factors->short_ctx ? factors->short_ctx : factors->all,
                            factors->short_ctx ? "rope_factors_short.weight"
                                               : "rope_freqs.weight",
                            true},
        [RSN_ROPE_LONG] = {&c, factors->long_ctx, "rope_factors_long.weight",
                           factors->long_ctx != NULL},
        [RSN_ROPE_LOCAL] = {&local, c.local_unscaled ? NULL : factors->all,
                            "rope_freqs.weight", c.local_differs},
    };
    for (size_t i = 0; i < RSN_N_ROPES && status == REASON_OK; i++) {
        ropes[i] = (rsn_rope){NULL, factor_of(tables[i].config, n_ctx)};
        if (!tables[i].there)
            continue;
        double *out = rsn_arena_calloc2(arena, n_rot / 2, sizeof *out);
        if (!out)
            return REASON_ERR_NO_MEMORY;
        status =
            fill(tables[i].config, n_rot, tables[i].divisors, tables[i].name, out);
        ropes[i].inv_freq = out;
    }
    return status;
}
