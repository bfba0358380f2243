/* Owns what config.json says of an exported model: hf_config.c and hf_rope.c, the other
 * way. Invariant: what the architecture's classes assume by themselves is written all the
 * same, as their defaults have changed between releases. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "convert/export.h"
#include "format/hf_rope.h"

/* --- JSON --------------------------------------------------------------------------- */

typedef struct object {
    rsn_str text;
    const char *indent;
} object;

static void add_key(object *o, const char *key) {
    rsn_str_addf(&o->text, "%s\n%s\"%s\": ", o->text.data[o->text.n - 1] == '{' ? "" : ",",
                 o->indent, key);
}

static void add_text(object *o, const char *key, rsn_text value) {
    add_key(o, key);
    rsn_json_quote(&o->text, value.data, value.n, false);
}

static void add_word(object *o, const char *key, const char *value) {
    add_text(o, key, (rsn_text){value, strlen(value)});
}

static void add_int(object *o, const char *key, int64_t value) {
    add_key(o, key);
    rsn_str_addf(&o->text, "%lld", (long long)value);
}

static void add_bool(object *o, const char *key, bool value) {
    add_key(o, key);
    rsn_str_addz(&o->text, value ? "true" : "false");
}

/* The shortest decimal that is this float again, in any locale. */
static void put_float(rsn_str *out, float value) {
    rsn_str text = {0};
    for (int digits = 1; digits <= 9; digits++) {
        rsn_str_cut(&text, 0);
        rsn_str_addf(&text, "%.*g", digits, (double)value);
        float back = 0;
        if (text.failed || (sscanf(text.data, "%f", &back) == 1 && back == value))
            break;
    }
    for (size_t i = 0; i < text.n; i++) {
        bool part = strchr("+-0123456789e", text.data[i]) != NULL;
        if (part)
            rsn_str_addc(out, text.data[i]);
        else if (out->n > 0 && out->data[out->n - 1] != '.')
            rsn_str_addc(out, '.'); /* a decimal point of several bytes is one */
    }
    out->failed |= text.failed;
    rsn_str_free(&text);
}

static void add_float(object *o, const char *key, double value) {
    add_key(o, key);
    put_float(&o->text, (float)value);
}

static void add_floats(object *o, const char *key, const float *values, size_t n) {
    add_key(o, key);
    for (size_t i = 0; i < n; i++) {
        rsn_str_addz(&o->text, i ? ", " : "[");
        put_float(&o->text, values[i]);
    }
    rsn_str_addc(&o->text, ']');
}

/* An object inside; what is added goes into it until it is ended. */
static void begin(object *o, const char *key) {
    add_key(o, key);
    rsn_str_addc(&o->text, '{');
    o->indent = "    ";
}

static void end(object *o) {
    o->indent = "  ";
    rsn_str_addz(&o->text, "\n  }");
}

/* --- RoPE --------------------------------------------------------------------------- */

static const float *factors_of(const rsn_export *e, const char *name) {
    const rsn_gguf_tensor *t = rsn_gguf_find_tensor(&e->g, name);
    if (!t || t->type->type != RSN_TYPE_F32 || t->ne[0] != e->hp.n_rot / 2)
        return NULL;
    return (const float *)(const void *)rsn_tensor_bytes(&e->g, e->blobs, t);
}

/* What Llama 3's factors are made of. */
typedef struct llama3 {
    double factor, low, high;
    int64_t n_ctx_orig;
} llama3;

static bool makes(const llama3 *l, const rsn_hparams *hp, const float *factors) {
    for (size_t i = 0; i < hp->n_rot / 2; i++) {
        double f = rsn_hf_llama3_factor(hp->rope.base, hp->n_rot, i, l->factor, l->low,
                                        l->high, l->n_ctx_orig);
        if (fabs(f - (double)factors[i]) > 1e-4 * f)
            return false;
    }
    return true;
}

/* Keys of our own, else the two that were published. */
static reason_status find_llama3(const rsn_export *e, const float *factors, llama3 *out) {
    static const llama3 PUBLISHED[] = {{8, 1, 4, 8192}, {32, 1, 4, 8192}};
    *out = (llama3){0, 1, 4, 8192};
    reason_status status =
        rsn_gguf_float(&e->g, RSN_HF_LLAMA3 "factor", &out->factor);
    if (status == REASON_OK)
        status = rsn_gguf_float(&e->g, RSN_HF_LLAMA3 "low_freq_factor", &out->low);
    if (status == REASON_OK)
        status = rsn_gguf_float(&e->g, RSN_HF_LLAMA3 "high_freq_factor", &out->high);
    if (status == REASON_OK)
        status = rsn_gguf_int(&e->g, RSN_HF_LLAMA3 "original_context_length", 1, 1 << 27,
                              &out->n_ctx_orig);
    if (status != REASON_OK)
        return status;
    for (size_t i = 0; i < 2 && out->factor == 0; i++)
        if (makes(&PUBLISHED[i], &e->hp, factors))
            *out = PUBLISHED[i];
    if (out->factor > 0 && makes(out, &e->hp, factors))
        return REASON_OK;
    return rsn_fail(REASON_ERR_UNSUPPORTED,
                    "%s: tensor rope_freqs.weight is of no scaling that config.json can "
                    "name",
                    e->in);
}

static reason_status add_llama3(const rsn_export *e, object *o, const float *factors) {
    llama3 l;
    reason_status status = find_llama3(e, factors, &l);
    if (status != REASON_OK)
        return status;
    begin(o, "rope_scaling");
    add_word(o, "rope_type", "llama3");
    add_float(o, "factor", l.factor);
    add_float(o, "low_freq_factor", l.low);
    add_float(o, "high_freq_factor", l.high);
    add_int(o, "original_max_position_embeddings", l.n_ctx_orig);
    end(o);
    return REASON_OK;
}

static void add_scaling(const rsn_export *e, object *o) {
    const rsn_rope_config *c = &e->hp.rope;
    begin(o, "rope_scaling");
    add_word(o, "rope_type", c->kind == RSN_ROPE_YARN ? "yarn" : "linear");
    add_float(o, "factor", c->factor);
    if (c->kind == RSN_ROPE_YARN) {
        add_int(o, "original_max_position_embeddings", (int64_t)c->n_ctx_orig);
        add_float(o, "beta_fast", c->beta_fast);
        add_float(o, "beta_slow", c->beta_slow);
        double own = 0.1 * log(c->factor > 1 ? c->factor : 1) + 1;
        double given = c->attn_factor > 0 ? c->attn_factor : 1;
        if (c->attn_factor > 0 || c->yarn_attn_factor > 0)
            add_float(o, "attention_factor",
                      given * (c->yarn_attn_factor > 0 ? c->yarn_attn_factor : own));
    }
    end(o);
}

static void add_longrope(const rsn_export *e, object *o, const float *short_ctx,
                         const float *long_ctx) {
    add_int(o, "original_max_position_embeddings", (int64_t)e->hp.rope.n_ctx_orig);
    begin(o, "rope_scaling");
    add_word(o, "type", "longrope"); /* these three and no others, or it is refused */
    add_floats(o, "short_factor", short_ctx, e->hp.n_rot / 2);
    add_floats(o, "long_factor", long_ctx, e->hp.n_rot / 2);
    end(o);
}

static reason_status add_rope(const rsn_export *e, object *o) {
    const rsn_rope_config *c = &e->hp.rope;
    const float *all = factors_of(e, "rope_freqs.weight");
    const float *short_ctx = factors_of(e, "rope_factors_short.weight");
    const float *long_ctx = factors_of(e, "rope_factors_long.weight");
    add_float(o, "rope_theta", c->base);
    if (c->local_base != c->base)
        add_float(o, "rope_local_base_freq", c->local_base);
    if (e->hp.n_rot != e->hp.head_dim)
        add_float(o, "partial_rotary_factor",
                  (double)e->hp.n_rot / (double)e->hp.head_dim);
    if (all)
        return add_llama3(e, o, all);
    if (short_ctx && long_ctx && c->attn_factor > 0)
        return rsn_fail(REASON_ERR_UNSUPPORTED,
                        "%s: key rope.scaling.attn_factor has no place in config.json",
                        e->in);
    if (short_ctx && long_ctx)
        add_longrope(e, o, short_ctx, long_ctx);
    else if (c->kind == RSN_ROPE_LINEAR || c->kind == RSN_ROPE_YARN)
        add_scaling(e, o);
    return REASON_OK;
}

/* --- parts -------------------------------------------------------------------------- */

static bool has_tensor(const rsn_export *e, const char *name) {
    return rsn_gguf_find_tensor(&e->g, name) != NULL;
}

static uint64_t vocab_rows(const rsn_export *e) {
    const rsn_gguf_tensor *t = rsn_gguf_find_tensor(&e->g, "token_embd.weight");
    return e->hp.n_vocab > 0 || !t ? e->hp.n_vocab : t->ne[1];
}

static void add_class(const rsn_export *e, object *o) {
    static const char *const DTYPES[RSN_N_TYPES] = {[RSN_TYPE_F32] = "float32",
                                                    [RSN_TYPE_F16] = "float16",
                                                    [RSN_TYPE_BF16] = "bfloat16"};
    add_key(o, "architectures");
    rsn_str_addf(&o->text, "[\"%s%s\"]", e->family->stem, rsn_hf_task_suffix(e->task));
    add_word(o, "model_type", e->family->type);
    add_word(o, "torch_dtype", DTYPES[e->main->weight]);
}

static void add_sizes(const rsn_export *e, object *o) {
    const rsn_hparams *hp = &e->hp;
    const char *act = e->family->bits & RSN_HF_GELU    ? "gelu_pytorch_tanh"
                      : e->family->bits & RSN_HF_RELU2 ? "relu2"
                                                       : "silu";
    add_int(o, "num_hidden_layers", (int64_t)hp->n_layers);
    add_int(o, "hidden_size", (int64_t)hp->n_embd);
    add_int(o, "intermediate_size", (int64_t)hp->n_ff);
    add_int(o, "num_attention_heads", (int64_t)hp->n_heads);
    add_int(o, "num_key_value_heads", (int64_t)hp->n_heads_kv);
    add_int(o, "head_dim", (int64_t)hp->head_dim);
    add_int(o, "max_position_embeddings", (int64_t)hp->n_ctx);
    add_int(o, "vocab_size", (int64_t)vocab_rows(e));
    add_float(o, "rms_norm_eps", (double)hp->rms_eps);
    add_word(o, "hidden_act", act);
    if (e->family->bits & RSN_HF_GELU)
        add_word(o, "hidden_activation", act);
    add_bool(o, "attention_bias", has_tensor(e, "blk.0.attn_q.bias"));
    add_bool(o, "tie_word_embeddings",
             e->task == RSN_HF_CAUSAL && !has_tensor(e, "output.weight"));
}

/* Scales, caps: entries of some families. */
static void add_scales(const rsn_export *e, object *o) {
    const rsn_hparams *hp = &e->hp;
    if (e->arch->traits.bits & RSN_TRAIT_SCALES) {
        add_float(o, "embedding_multiplier", (double)hp->embed_scale);
        add_float(o, "residual_multiplier", (double)hp->residual_scale);
        add_float(o, "attention_multiplier", (double)hp->attn_scale);
        add_float(o, "logits_scaling", 1 / (double)hp->logit_scale);
    }
    if ((e->family->bits & RSN_HF_GELU) && (e->family->bits & RSN_HF_POST_NORMS))
        add_float(o, "query_pre_attn_scalar",
                  1 / ((double)hp->attn_scale * (double)hp->attn_scale));
    if (hp->attn_cap > 0)
        add_float(o, "attn_logit_softcapping", (double)hp->attn_cap);
    if (hp->logit_cap > 0)
        add_float(o, "final_logit_softcapping", (double)hp->logit_cap);
}

static void add_layers(const rsn_export *e, object *o) {
    const rsn_hparams *hp = &e->hp;
    if (hp->window > 0) {
        add_int(o, "sliding_window", (int64_t)hp->window);
        add_key(o, "layer_types");
        for (size_t i = 0; i < hp->n_layers; i++)
            rsn_str_addf(&o->text, "%s\"%s\"", i ? ", " : "[",
                         rsn_has_window(hp, i) ? "sliding_attention" : "full_attention");
        rsn_str_addc(&o->text, ']');
    } else {
        add_key(o, "sliding_window");
        rsn_str_addz(&o->text, "null");
    }
    if (hp->nope_period > 0) {
        add_key(o, "no_rope_layers");
        for (size_t i = 0; i < hp->n_layers; i++)
            rsn_str_addf(&o->text, "%s%d", i ? ", " : "[", rsn_has_rope(hp, i));
        rsn_str_addc(&o->text, ']');
    }
}

static void add_quantization(const rsn_export *e, object *o) {
    if (!e->ternary)
        return;
    begin(o, "quantization_config");
    add_word(o, "quant_method", "bitnet");
    add_word(o, "linear_class",
             e->family->bits & RSN_HF_RELU2 ? "autobitlinear" : "bitlinear");
    add_word(o, "quantization_mode", "offline");
    end(o);
}

/* Labels by number; where the source names none, as the classes do. */
static reason_status add_head(const rsn_export *e, object *o) {
    const rsn_text *labels = NULL;
    size_t n = 0;
    rsn_text transform = {0};
    rsn_str key = {0};
    if (e->task != RSN_HF_SEQUENCE && e->task != RSN_HF_TOKENS)
        return REASON_OK;
    rsn_str_addf(&key, "%s.classifier.output_labels", e->arch->name);
    reason_status status =
        key.failed ? REASON_ERR_NO_MEMORY : rsn_gguf_strings(&e->g, key.data, &labels, &n);
    rsn_str_free(&key);
    if (status == REASON_OK)
        status = rsn_gguf_string(&e->g, "reason.head.transform", &transform);
    if (status != REASON_OK)
        return status;
    if (transform.n == 7 && e->n_outputs > 1)
        add_word(o, "problem_type",
                 memcmp(transform.data, "sigmoid", 7) == 0
                     ? "multi_label_classification"
                     : "single_label_classification");
    else if (transform.n == 4)
        add_word(o, "problem_type", "regression");
    begin(o, "id2label");
    for (size_t i = 0; i < e->n_outputs; i++) {
        char number[24], name[32];
        (void)snprintf(number, sizeof number, "%zu", i);
        (void)snprintf(name, sizeof name, "LABEL_%zu", i);
        add_text(o, number, i < n ? labels[i] : (rsn_text){name, strlen(name)});
    }
    end(o);
    return REASON_OK;
}

/* --- ids ---------------------------------------------------------------------------- */

static const struct {
    const char *key, *name;
} IDS[] = {{"tokenizer.ggml.bos_token_id", "bos_token_id"},
           {"tokenizer.ggml.eos_token_id", "eos_token_id"},
           {"tokenizer.ggml.padding_token_id", "pad_token_id"}};

static reason_status add_ids(const rsn_export *e, object *o) {
    for (size_t i = 0; i < sizeof IDS / sizeof *IDS; i++) {
        int64_t id = -1;
        reason_status status = rsn_gguf_int(&e->g, IDS[i].key, -1, INT32_MAX, &id);
        if (status != REASON_OK)
            return status;
        if (id >= 0) {
            add_int(o, IDS[i].name, id);
        } else { /* or the classes' own defaults count, which may be no tokens at all */
            add_key(o, IDS[i].name);
            rsn_str_addz(&o->text, "null");
        }
    }
    return REASON_OK;
}

/* --- the file ----------------------------------------------------------------------- */

reason_status rsn_export_config(rsn_export *e) {
    object o = {.indent = "  "};
    rsn_str_addc(&o.text, '{');
    if (o.text.failed)
        return REASON_ERR_NO_MEMORY;
    add_class(e, &o);
    add_sizes(e, &o);
    add_scales(e, &o);
    add_layers(e, &o);
    add_quantization(e, &o);
    reason_status status = add_rope(e, &o);
    if (status == REASON_OK)
        status = add_head(e, &o);
    if (status == REASON_OK)
        status = add_ids(e, &o);
    rsn_str_addz(&o.text, "\n}\n");
    if (status == REASON_OK)
        status = rsn_export_file(e, "config.json", &o.text);
    rsn_str_free(&o.text);
    return status;
}
