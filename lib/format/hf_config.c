/* Translates config.json. Owns which of its entries become which keys, and which values
 * would need code that is not there. Invariant: a key that the architecture's own defaults
 * would get wrong is written. */
#include "format/hf_config.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "format/hf_rope.h"

enum { MAX_LABELS = 4096 };

typedef struct reader {
    rsn_hf_config *c;
    rsn_pairs *pairs;
    int64_t n_ctx;
} reader;

/* "{arch}.{suffix}" in `key`. */
typedef struct key_text {
    char text[128];
} key_text;

static key_text key_of(const reader *r, const char *suffix) {
    key_text key;
    (void)snprintf(key.text, sizeof key.text, "%s.%s", r->c->arch, suffix);
    return key;
}

static reason_status fail_value(const reader *r, const char *name, const char *why) {
    return rsn_fail(REASON_ERR_UNSUPPORTED, "%s: %s %s", r->c->json.path, name, why);
}

/* --- which model -------------------------------------------------------------------- */

static reason_status read_class(reader *r) {
    const rsn_flat *json = &r->c->json;
    const rsn_flat_value *classes = NULL;
    size_t n = 0;
    reason_status status =
        rsn_flat_list(json, "architectures", RSN_FLAT_TEXT, &classes, &n);
    if (status == REASON_OK && n != 1)
        return rsn_fail(REASON_ERR_FORMAT,
                        "%s: architectures has %zu classes, one expected", json->path, n);
    if (status == REASON_OK &&
        (status = rsn_hf_family_find(classes[0].text, &r->c->family, &r->c->task)) !=
            REASON_OK)
        return rsn_fail_within(status, json->path);
    if (status == REASON_OK)
        r->c->arch = r->c->family->arch;
    return status;
}

/* quantization_config: only ternary weights of BitNet's kind are known. */
static reason_status read_quantization(reader *r) {
    const rsn_flat *json = &r->c->json;
    rsn_text method = {0}, class = {"bitlinear", 9}, mode = {"offline", 7};
    reason_status status = rsn_flat_text(json, "quantization_config.quant_method", &method);
    if (status != REASON_OK || !method.data)
        return status;
    if (!rsn_text_is(method, "bitnet") || !(r->c->family->bits & RSN_HF_TERNARY))
        return rsn_fail(REASON_ERR_UNSUPPORTED,
                        "%s: quantization_config.quant_method is %s; bitnet is supported, "
                        "of BitNet and Llama models",
                        json->path, rsn_quote(method.data, method.n).text);
    status = rsn_flat_text(json, "quantization_config.linear_class", &class);
    if (status == REASON_OK)
        status = rsn_flat_text(json, "quantization_config.quantization_mode", &mode);
    if (status != REASON_OK)
        return status;
    if (rsn_text_is(class, "bitlinear"))
        r->c->ternary = RSN_HF_DIVIDE;
    else if (!rsn_text_is(class, "autobitlinear"))
        return fail_value(r, "quantization_config.linear_class",
                          "is neither bitlinear nor autobitlinear");
    else
        r->c->ternary = rsn_text_is(mode, "online") ? RSN_HF_ONLINE : RSN_HF_MULTIPLY;
    if (!rsn_text_is(mode, "online") && !rsn_text_is(mode, "offline"))
        return fail_value(r, "quantization_config.quantization_mode",
                          "is neither online nor offline");
    /* Of architectures that do not say so themselves. */
    if (!(r->c->family->bits & RSN_HF_RELU2))
        rsn_pairs_u32(r->pairs, "reason.activation_bits", 8);
    bool norms = false;
    status = rsn_flat_bool(json, "quantization_config.use_rms_norm", &norms);
    if (status == REASON_OK && norms)
        status = fail_value(r, "quantization_config.use_rms_norm",
                            "is true: norms within projections are not supported");
    return status;
}

/* --- numbers ------------------------------------------------------------------------ */

#define PLACE(field) offsetof(rsn_hf_config, field)

/* Whole numbers; fallback 0: must be there, -1: may be missing. */
static const struct {
    const char *name, *suffix;
    int64_t max, fallback;
    size_t place; /* 0: nowhere */
} NUMBERS[] = {
    {"num_hidden_layers", "block_count", 4096, 0, PLACE(n_layers)},
    {"hidden_size", "embedding_length", 1 << 20, 0, 0},
    {"intermediate_size", "feed_forward_length", 1 << 24, 0, 0},
    {"num_attention_heads", "attention.head_count", 1 << 14, 0, PLACE(n_heads)},
    {"num_key_value_heads", "attention.head_count_kv", 1 << 14, -1, PLACE(n_heads_kv)},
    {"head_dim", NULL, 1 << 14, -1, PLACE(head_dim)},
    {"max_position_embeddings", "context_length", 1 << 27, 0, 0},
    {"vocab_size", "vocab_size", 1 << 24, 0, PLACE(n_vocab)},
};

static reason_status read_numbers(reader *r) {
    for (size_t i = 0; i < sizeof NUMBERS / sizeof *NUMBERS; i++) {
        int64_t value = -1;
        reason_status status =
            rsn_flat_int(&r->c->json, NUMBERS[i].name, 1, NUMBERS[i].max, &value);
        if (status != REASON_OK)
            return status;
        if (value < 0 && NUMBERS[i].fallback == 0)
            return rsn_fail(REASON_ERR_FORMAT, "%s: %s is missing", r->c->json.path,
                            NUMBERS[i].name);
        if (NUMBERS[i].place)
            memcpy((char *)r->c + NUMBERS[i].place, &value, sizeof value);
        if (value > 0 && NUMBERS[i].suffix)
            rsn_pairs_u32(r->pairs, key_of(r, NUMBERS[i].suffix).text, (uint32_t)value);
        if (strcmp(NUMBERS[i].name, "max_position_embeddings") == 0)
            r->n_ctx = value;
    }
    return REASON_OK;
}

/* Heads that share, and their size. */
static reason_status relate(reader *r) {
    rsn_hf_config *c = r->c;
    int64_t width = 0;
    reason_status status = rsn_flat_int(&c->json, "hidden_size", 1, 1 << 20, &width);
    if (c->n_heads_kv < 0)
        c->n_heads_kv = c->n_heads;
    if (c->head_dim < 0)
        c->head_dim = c->family->head_dim ? c->family->head_dim : width / c->n_heads;
    rsn_pairs_u32(r->pairs, key_of(r, "attention.key_length").text,
                  (uint32_t)c->head_dim);
    rsn_pairs_u32(r->pairs, key_of(r, "attention.value_length").text,
                  (uint32_t)c->head_dim);
    return status;
}

/* Other numbers, written where they are there. */
static const struct {
    const char *name, *suffix;
} FLOATS[] = {
    {"rms_norm_eps", "attention.layer_norm_rms_epsilon"},
    {"attn_logit_softcapping", "attn_logit_softcapping"},
    {"final_logit_softcapping", "final_logit_softcapping"},
    {"embedding_multiplier", "embedding_scale"},
    {"residual_multiplier", "residual_scale"},
    {"attention_multiplier", "attention.scale"},
    {"logits_scaling", "logit_scale"},
};

static reason_status read_floats(reader *r) {
    reason_status status = REASON_OK;
    for (size_t i = 0; i < sizeof FLOATS / sizeof *FLOATS && status == REASON_OK; i++) {
        double value = -1;
        status = rsn_flat_float(&r->c->json, FLOATS[i].name, 0, 1e6, &value);
        if (status == REASON_OK && value >= 0)
            rsn_pairs_f32(r->pairs, key_of(r, FLOATS[i].suffix).text, value);
    }
    double scalar = 0;
    if (status == REASON_OK)
        status = rsn_flat_float(&r->c->json, "query_pre_attn_scalar", 1e-6, 1e12, &scalar);
    if (status == REASON_OK && scalar > 0)
        rsn_pairs_f32(r->pairs, key_of(r, "attention.scale").text, 1 / sqrt(scalar));
    return status;
}

/* --- what is not supported ---------------------------------------------------------- */

static reason_status check_activation(const reader *r) {
    unsigned bits = r->c->family->bits;
    const char *wanted = bits & RSN_HF_GELU    ? "gelu_pytorch_tanh"
                         : bits & RSN_HF_RELU2 ? "relu2"
                                               : "silu";
    rsn_text found = {0};
    reason_status status = rsn_flat_text(&r->c->json, "hidden_act", &found);
    /* Gemma's own name of it, which counts before the other. */
    if (status == REASON_OK && (bits & RSN_HF_GELU))
        status = rsn_flat_text(&r->c->json, "hidden_activation", &found);
    if (status != REASON_OK || !found.data || rsn_text_is(found, wanted))
        return status;
    if ((bits & RSN_HF_GELU) && rsn_text_is(found, "gelu")) /* as first published, in error */
        return REASON_OK;
    return rsn_fail(REASON_ERR_UNSUPPORTED,
                    "%s: the activation is %s, of this family %s is supported",
                    r->c->json.path, rsn_quote(found.data, found.n).text, wanted);
}

/* Switches that must be off. */
static const char *const OFF[] = {"use_bidirectional_attention", "use_qk_norm",
                                  "attention_out_bias", "mlp_bias"};

static reason_status check_switches(const reader *r) {
    for (size_t i = 0; i < sizeof OFF / sizeof *OFF; i++) {
        bool on = false;
        const rsn_flat_value *v = rsn_flat_find(&r->c->json, OFF[i]);
        reason_status status =
            v && v->kind != RSN_FLAT_BOOL ? REASON_OK
                                          : rsn_flat_bool(&r->c->json, OFF[i], &on);
        if (status != REASON_OK)
            return status;
        if (on)
            return fail_value(r, OFF[i], "is true, which is not supported");
    }
    return REASON_OK;
}

/* SmolLM3: every fourth layer is without RoPE. */
static reason_status check_no_rope(const reader *r) {
    const rsn_flat_value *items = NULL;
    size_t n = 0;
    reason_status status =
        rsn_flat_list(&r->c->json, "no_rope_layers", RSN_FLAT_INT, &items, &n);
    for (size_t i = 0; i < n && status == REASON_OK; i++)
        if ((items[i].i == 0) != ((i + 1) % 4 == 0))
            status = fail_value(r, "no_rope_layers",
                                "is no list in which every fourth layer is 0");
    return status;
}

/* --- windows ------------------------------------------------------------------------ */

/* Which layers have one, as an array of bools. */
static reason_status add_layer_types(reader *r, const rsn_flat_value *types, size_t n) {
    uint8_t *windowed = rsn_arena_calloc2(r->pairs->arena, n, 1);
    if (!windowed)
        return REASON_ERR_NO_MEMORY;
    if ((int64_t)n != r->c->n_layers)
        return rsn_fail(REASON_ERR_FORMAT, "%s: layer_types has %zu items for %lld layers",
                        r->c->json.path, n, (long long)r->c->n_layers);
    for (size_t i = 0; i < n; i++) {
        windowed[i] = rsn_text_is(types[i].text, "sliding_attention");
        if (!windowed[i] && !rsn_text_is(types[i].text, "full_attention"))
            return rsn_fail(REASON_ERR_UNSUPPORTED,
                            "%s: item %zu of layer_types is %s; sliding_attention and "
                            "full_attention are supported",
                            r->c->json.path, i,
                            rsn_quote(types[i].text.data, types[i].text.n).text);
    }
    rsn_pairs_items(r->pairs, key_of(r, "attention.sliding_window_pattern").text,
                    RSN_GGUF_BOOL, windowed, n);
    return REASON_OK;
}

/* Families with windows that nothing here has a place for: only a file without counts. */
static reason_status check_no_window(const reader *r, int64_t window) {
    bool used = false;
    int64_t from = r->c->n_layers;
    reason_status status = rsn_flat_bool(&r->c->json, "use_sliding_window", &used);
    if (status == REASON_OK)
        status = rsn_flat_int(&r->c->json, "max_window_layers", 0, 4096, &from);
    if (status == REASON_OK && used && window > 0 && window < r->n_ctx &&
        from < r->c->n_layers)
        status = fail_value(r, "use_sliding_window",
                            "is true, which is not supported of this family");
    return status;
}

static reason_status read_window(reader *r) {
    const rsn_flat_value *types = NULL;
    size_t n_types = 0;
    int64_t window = 0, period = r->c->family->window_period;
    const rsn_flat *json = &r->c->json;
    reason_status status = rsn_flat_int(json, "sliding_window", 0, 1 << 27, &window);
    if (status != REASON_OK)
        return status;
    if (!(r->c->family->bits & RSN_HF_WINDOWS))
        return check_no_window(r, window);
    if (window == 0)
        return REASON_OK;
    rsn_pairs_u32(r->pairs, key_of(r, "attention.sliding_window").text, (uint32_t)window);
    status = rsn_flat_int(json, "sliding_window_pattern", 1, 4096, &period);
    if (status == REASON_OK)
        status = rsn_flat_int(json, "_sliding_window_pattern", 1, 4096, &period);
    if (status == REASON_OK)
        status = rsn_flat_list(json, "layer_types", RSN_FLAT_TEXT, &types, &n_types);
    if (status == REASON_OK && period > 0 && types)
        return add_layer_types(r, types, n_types);
    if (status == REASON_OK && period > 0)
        rsn_pairs_u32(r->pairs, key_of(r, "attention.sliding_window_pattern").text,
                      (uint32_t)period);
    return status;
}

/* --- heads -------------------------------------------------------------------------- */

#define LABELS "id2label."

/* The number of a label's path; -1: it is no label. */
static int64_t label_number(const rsn_flat_value *v) {
    const char *at = v->path.data;
    int64_t number = 0;
    if (v->item || strncmp(at, LABELS, sizeof LABELS - 1) != 0)
        return -1;
    at += sizeof LABELS - 1;
    for (const char *d = at; *d; d++) {
        if (*d < '0' || *d > '9' || number > MAX_LABELS)
            return -1;
        number = 10 * number + (*d - '0');
    }
    return *at ? number : -1;
}

static reason_status count_labels(const rsn_flat *json, int64_t *n) {
    *n = 0;
    for (size_t i = 0; i < json->n; i++) {
        int64_t number = label_number(&json->items[i]);
        *n = number >= *n ? number + 1 : *n;
    }
    reason_status status = rsn_flat_int(json, "num_labels", 1, MAX_LABELS, n);
    *n = *n > 0 ? *n : 2; /* the classes' own default */
    if (status == REASON_OK && *n > MAX_LABELS)
        status = rsn_fail(REASON_ERR_LIMIT,
                          "%s: id2label has a label %lld, at most %d are read", json->path,
                          (long long)*n - 1, MAX_LABELS);
    return status;
}

/* Those that config.json does not name are "LABEL_n", as in the classes. */
static reason_status fill_labels(const rsn_flat *json, rsn_arena *arena, rsn_text *labels,
                                 int64_t n) {
    for (size_t i = 0; i < json->n; i++) {
        const rsn_flat_value *v = &json->items[i];
        int64_t number = label_number(v);
        if (number >= 0 && number < n && v->kind == RSN_FLAT_TEXT)
            labels[number] = v->text;
    }
    for (int64_t i = 0; i < n; i++) {
        char name[32];
        if (labels[i].data)
            continue;
        (void)snprintf(name, sizeof name, "LABEL_%lld", (long long)i);
        labels[i] =
            (rsn_text){rsn_arena_strndup(arena, name, strlen(name)), strlen(name)};
        if (!labels[i].data)
            return REASON_ERR_NO_MEMORY;
    }
    return REASON_OK;
}

static reason_status read_labels(reader *r) {
    int64_t n = 0;
    rsn_arena *arena = r->pairs->arena;
    reason_status status = count_labels(&r->c->json, &n);
    if (status != REASON_OK)
        return status;
    rsn_text *labels = rsn_arena_calloc2(arena, (size_t)n, sizeof *labels);
    if (!labels)
        return REASON_ERR_NO_MEMORY;
    r->c->n_outputs = n;
    status = fill_labels(&r->c->json, arena, labels, n);
    if (status == REASON_OK)
        rsn_pairs_texts(r->pairs, key_of(r, "classifier.output_labels").text, labels,
                        (size_t)n);
    return status;
}

static void add_text(reader *r, const char *key, const char *value) {
    rsn_pairs_text(r->pairs, key, (rsn_text){value, strlen(value)});
}

/* What stands on top, and what its outputs mean. */
static reason_status read_head(reader *r) {
    rsn_text problem = {0};
    rsn_hf_task task = r->c->task;
    if (task == RSN_HF_CAUSAL)
        return REASON_OK;
    reason_status status = REASON_OK;
    if (task == RSN_HF_SEQUENCE || task == RSN_HF_TOKENS)
        status = read_labels(r);
    else
        r->c->n_outputs = task == RSN_HF_REWARD ? 1 : 2;
    if (status == REASON_OK)
        status = rsn_flat_text(&r->c->json, "problem_type", &problem);
    if (status != REASON_OK)
        return status;
    bool scalar = r->c->n_outputs == 1, regression = rsn_text_is(problem, "regression");
    rsn_pairs_bool(r->pairs, "reason.head.only", true);
    add_text(r, "reason.head.kind",
             task == RSN_HF_TOKENS           ? "tokens"
             : task == RSN_HF_PROCESS_REWARD ? "steps"
             : scalar                        ? "reward"
                                             : "labels");
    add_text(r, "reason.head.transform",
             scalar || regression                                ? "none"
             : rsn_text_is(problem, "multi_label_classification") ? "sigmoid"
                                                                 : "softmax");
    if (task == RSN_HF_REWARD || task == RSN_HF_PROCESS_REWARD)
        add_text(r, "reason.head.activation", "relu");
    if (task == RSN_HF_SEQUENCE || task == RSN_HF_REWARD)
        rsn_pairs_u32(r->pairs, key_of(r, "pooling_type").text, 4);
    return REASON_OK;
}

/* --- all of it ---------------------------------------------------------------------- */

static reason_status read_tied(reader *r) {
    const rsn_flat_value *v = rsn_flat_find(&r->c->json, "tie_word_embeddings");
    bool tied = false;
    reason_status status = rsn_flat_bool(&r->c->json, "tie_word_embeddings", &tied);
    r->c->tied = v ? tied : -1;
    return status;
}

static reason_status read_all(reader *r) {
    static reason_status (*const STEPS[])(reader *) = {
        read_class, read_quantization, read_numbers, relate,   read_floats,
        read_tied,  read_window,       read_head};
    reason_status status = REASON_OK;
    for (size_t i = 0; i < sizeof STEPS / sizeof *STEPS && status == REASON_OK; i++)
        status = STEPS[i](r);
    if (status == REASON_OK)
        status = check_activation(r);
    if (status == REASON_OK)
        status = check_switches(r);
    if (status == REASON_OK)
        status = check_no_rope(r);
    return status == REASON_OK ? rsn_hf_rope_read(r->pairs, r->n_ctx, r->c) : status;
}

reason_status rsn_hf_config_read(const char *folder, rsn_pairs *pairs,
                                 rsn_hf_config *config) {
    reader r = {.c = config, .pairs = pairs};
    rsn_str path = {0};
    memset(config, 0, sizeof *config);
    rsn_str_addf(&path, "%s/config.json", folder);
    reason_status status = path.failed
                               ? REASON_ERR_NO_MEMORY
                               : rsn_flat_read(path.data, pairs->arena, &config->json);
    rsn_str_free(&path);
    if (status == REASON_OK)
        status = read_all(&r);
    if (status == REASON_OK) {
        rsn_pairs_text(pairs, "general.architecture",
                       (rsn_text){config->arch, strlen(config->arch)});
        status = pairs->failed ? REASON_ERR_NO_MEMORY : REASON_OK;
    }
    return status;
}
