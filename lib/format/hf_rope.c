/* Owns what a model's RoPE entries mean, in the old form and in the new one. Invariant: a
 * kind of scaling that is not known here is refused by its name. */
#include "format/hf_rope.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define TWO_PI 6.283185307179586

typedef struct reader {
    rsn_hf_config *c;
    rsn_pairs *pairs;
    const char *at;   /* where the entries are: "rope_scaling" or a newer place */
    double base;      /* rope_theta */
    int64_t n_ctx_orig;
} reader;

/* A path in config.json, or a key of the architecture. */
typedef struct name_text {
    char text[128];
} name_text;

static name_text join(const char *a, const char *b) {
    name_text name;
    (void)snprintf(name.text, sizeof name.text, "%s.%s", a, b);
    return name;
}

static reason_status read_float(const reader *r, const char *name, double min,
                                double *out) {
    return rsn_flat_float(&r->c->json, join(r->at, name).text, min, 1e12, out);
}

static void add_float(const reader *r, const char *suffix, double value) {
    rsn_pairs_f32(r->pairs, join(r->c->arch, suffix).text, value);
}

/* An entry that is written as a key where it is there. */
static reason_status pass_on(const reader *r, const char *name, const char *suffix) {
    double value = 0;
    reason_status status = read_float(r, name, 1e-6, &value);
    if (status == REASON_OK && value > 0)
        add_float(r, suffix, value);
    return status;
}

static reason_status need(const reader *r, const char *name, double min, double *out) {
    *out = 0;
    reason_status status = read_float(r, name, min, out);
    if (status == REASON_OK && *out == 0)
        status = rsn_fail(REASON_ERR_FORMAT, "%s: %s is missing", r->c->json.path,
                          join(r->at, name).text);
    return status;
}

/* --- kinds of scaling --------------------------------------------------------------- */

static reason_status read_linear(reader *r) {
    double factor;
    reason_status status = need(r, "factor", 1e-3, &factor);
    if (status == REASON_OK)
        add_float(r, "rope.scaling.factor", factor);
    return status;
}

static reason_status read_yarn(reader *r) {
    static const char *const OTHERS[] = {"mscale", "mscale_all_dim"};
    bool cut = true;
    for (size_t i = 0; i < 2; i++)
        if (rsn_flat_find(&r->c->json, join(r->at, OTHERS[i]).text))
            return rsn_fail(REASON_ERR_UNSUPPORTED, "%s: %s is not supported",
                            r->c->json.path, join(r->at, OTHERS[i]).text);
    reason_status status =
        rsn_flat_bool(&r->c->json, join(r->at, "truncate").text, &cut);
    if (status == REASON_OK && !cut)
        status = rsn_fail(REASON_ERR_UNSUPPORTED, "%s: %s is false, true is supported",
                          r->c->json.path, join(r->at, "truncate").text);
    if (status == REASON_OK)
        status = read_linear(r);
    if (status == REASON_OK)
        status = pass_on(r, "beta_fast", "rope.scaling.yarn_beta_fast");
    if (status == REASON_OK)
        status = pass_on(r, "beta_slow", "rope.scaling.yarn_beta_slow");
    return status == REASON_OK
               ? pass_on(r, "attention_factor", "rope.scaling.yarn_attn_factor")
               : status;
}

/* A list of n_rot / 2 divisors. */
static reason_status read_factors(const reader *r, const char *name, const float **out) {
    const rsn_flat_value *items = NULL;
    size_t n = 0, wanted = r->c->n_rot / 2;
    reason_status status = rsn_flat_list(&r->c->json, join(r->at, name).text,
                                         RSN_FLAT_FLOAT, &items, &n);
    if (status == REASON_OK && n != wanted)
        return rsn_fail(REASON_ERR_FORMAT, "%s: %s has %zu numbers, %zu expected",
                        r->c->json.path, join(r->at, name).text, n, wanted);
    float *factors = rsn_arena_calloc2(r->pairs->arena, n, sizeof *factors);
    if (status == REASON_OK && !factors)
        status = REASON_ERR_NO_MEMORY;
    for (size_t i = 0; i < n && status == REASON_OK; i++) {
        factors[i] = (float)items[i].f;
        if (!(items[i].f > 0 && items[i].f < 1e12))
            status = rsn_fail(REASON_ERR_FORMAT, "%s: item %zu of %s is %g, above 0 expected",
                              r->c->json.path, i, join(r->at, name).text, items[i].f);
    }
    *out = factors;
    return status;
}

static reason_status read_longrope(reader *r) {
    reason_status status = read_factors(r, "short_factor", &r->c->rope_short);
    if (status == REASON_OK)
        status = read_factors(r, "long_factor", &r->c->rope_long);
    return status == REASON_OK
               ? pass_on(r, "attention_factor", "rope.scaling.attn_factor")
               : status;
}

double rsn_hf_llama3_factor(double base, size_t n_rot, size_t i, double factor,
                            double low, double high, int64_t n_ctx_orig) {
    double turn = pow(base, -2.0 * (double)i / (double)n_rot);
    double turns = (double)n_ctx_orig * turn / TWO_PI; /* in the original context */
    double kept = (turns - low) / (high - low);
    kept = kept < 0 ? 0 : kept > 1 ? 1 : kept;
    return 1 / ((1 - kept) / factor + kept);
}

static reason_status read_llama3(reader *r) {
    double factor, low, high;
    reason_status status = need(r, "factor", 1e-3, &factor);
    if (status == REASON_OK)
        status = need(r, "low_freq_factor", 1e-3, &low);
    if (status == REASON_OK)
        status = need(r, "high_freq_factor", 1e-3, &high);
    if (status != REASON_OK)
        return status;
    if (high <= low)
        return rsn_fail(REASON_ERR_FORMAT,
                        "%s: %s is %g, above low_freq_factor (%g) expected",
                        r->c->json.path, join(r->at, "high_freq_factor").text, high, low);
    size_t n = r->c->n_rot / 2;
    float *factors = rsn_arena_calloc2(r->pairs->arena, n, sizeof *factors);
    if (!factors)
        return REASON_ERR_NO_MEMORY;
    for (size_t i = 0; i < n; i++)
        factors[i] = (float)rsn_hf_llama3_factor(r->base, r->c->n_rot, i, factor, low,
                                                 high, r->n_ctx_orig);
    r->c->rope_all = factors;
    /* The factors do not tell what they were made of, which the way back needs. */
    rsn_pairs_f32(r->pairs, RSN_HF_LLAMA3 "factor", factor);
    rsn_pairs_f32(r->pairs, RSN_HF_LLAMA3 "low_freq_factor", low);
    rsn_pairs_f32(r->pairs, RSN_HF_LLAMA3 "high_freq_factor", high);
    rsn_pairs_u32(r->pairs, RSN_HF_LLAMA3 "original_context_length",
                  (uint32_t)r->n_ctx_orig);
    return REASON_OK;
}

static const struct {
    const char *name; /* in config.json */
    const char *type; /* rope.scaling.type; NULL: no key */
    reason_status (*read)(reader *);
} KINDS[] = {
    {"default", NULL, NULL},
    {"linear", "linear", read_linear},
    {"yarn", "yarn", read_yarn},
    {"longrope", "longrope", read_longrope},
    {"su", "longrope", read_longrope},
    {"llama3", NULL, read_llama3},
};

static reason_status read_kind(reader *r) {
    rsn_text name = {"default", 7};
    const rsn_flat *json = &r->c->json;
    reason_status status = rsn_flat_text(json, join(r->at, "type").text, &name);
    if (status == REASON_OK)
        status = rsn_flat_text(json, join(r->at, "rope_type").text, &name);
    if (status == REASON_OK)
        status = rsn_flat_int(json, "original_max_position_embeddings", 1, 1 << 27,
                              &r->n_ctx_orig);
    if (status == REASON_OK)
        status = rsn_flat_int(json, join(r->at, "original_max_position_embeddings").text,
                              1, 1 << 27, &r->n_ctx_orig);
    for (size_t i = 0; i < sizeof KINDS / sizeof *KINDS && status == REASON_OK; i++) {
        if (!rsn_text_is(name, KINDS[i].name))
            continue;
        const char *type = KINDS[i].type;
        if (type) {
            rsn_pairs_text(r->pairs, join(r->c->arch, "rope.scaling.type").text,
                           (rsn_text){type, strlen(type)});
            rsn_pairs_u32(r->pairs,
                          join(r->c->arch, "rope.scaling.original_context_length").text,
                          (uint32_t)r->n_ctx_orig);
        }
        return KINDS[i].read ? KINDS[i].read(r) : REASON_OK;
    }
    return status != REASON_OK
               ? status
               : rsn_fail(REASON_ERR_UNSUPPORTED,
                          "%s: %s is %s; default, linear, yarn, longrope and llama3 are "
                          "supported",
                          json->path, join(r->at, "rope_type").text,
                          rsn_quote(name.data, name.n).text);
}

/* --- bases and sizes ---------------------------------------------------------------- */

static reason_status read_bases(reader *r) {
    const rsn_flat *json = &r->c->json;
    double local = 0, part = 1;
    r->base = r->c->family->rope_base > 0 ? r->c->family->rope_base : 10000;
    reason_status status = rsn_flat_float(json, "rope_theta", 1, 1e12, &r->base);
    if (status == REASON_OK)
        status = read_float(r, "rope_theta", 1, &r->base);
    if (status == REASON_OK)
        status = rsn_flat_float(json, "rope_local_base_freq", 1, 1e12, &local);
    if (status == REASON_OK)
        status = rsn_flat_float(json, "rope_parameters.sliding_attention.rope_theta", 1,
                                1e12, &local);
    if (status == REASON_OK)
        status = rsn_flat_float(json, "partial_rotary_factor", 1e-3, 1, &part);
    if (status == REASON_OK)
        status = read_float(r, "partial_rotary_factor", 1e-3, &part);
    if (status != REASON_OK)
        return status;
    r->c->n_rot = (size_t)((double)r->c->head_dim * part);
    add_float(r, "rope.freq_base", r->base);
    if (local > 0)
        add_float(r, "rope.freq_base_swa", local);
    rsn_pairs_u32(r->pairs, join(r->c->arch, "rope.dimension_count").text,
                  (uint32_t)r->c->n_rot);
    return REASON_OK;
}

/* Where this file has its entries, the newest form first. */
static const char *find_place(const rsn_flat *json) {
    static const char *const PLACES[] = {"rope_parameters.full_attention",
                                         "rope_parameters", "rope_scaling"};
    for (size_t i = 0; i < 3; i++) {
        if (rsn_flat_find(json, join(PLACES[i], "rope_type").text) ||
            rsn_flat_find(json, join(PLACES[i], "type").text) ||
            rsn_flat_find(json, join(PLACES[i], "rope_theta").text))
            return PLACES[i];
    }
    return "rope_scaling";
}

reason_status rsn_hf_rope_read(rsn_pairs *pairs, int64_t n_ctx, rsn_hf_config *config) {
    reader r = {.c = config,
                .pairs = pairs,
                .at = find_place(&config->json),
                .n_ctx_orig = n_ctx};
    reason_status status = read_bases(&r);
    return status == REASON_OK ? read_kind(&r) : status;
}
