/* Reads hyper-parameters. Owns their keys, defaults and limits, but for RoPE's.
 * Invariant: after a success every product of two of these numbers fits 63 bits. */
#include "model/hparams.h"

#include <float.h>
#include <math.h>

#include "model/keys.h"

/* One row per whole number: key suffix, its place, limits. A default of 0 means the key
 * is needed; -1 that a later rule fills it. */
static const struct {
    const char *suffix;
    size_t offset;
    int64_t min, max, fallback;
} NUMBERS[] = {
    {"block_count", offsetof(rsn_hparams, n_layers), 1, 4096, 0},
    {"embedding_length", offsetof(rsn_hparams, n_embd), 1, 1 << 20, 0},
    {"feed_forward_length", offsetof(rsn_hparams, n_ff), 1, 1 << 24, 0},
    {"attention.head_count", offsetof(rsn_hparams, n_heads), 1, 1 << 14, 0},
    {"attention.head_count_kv", offsetof(rsn_hparams, n_heads_kv), 1, 1 << 14, -1},
    {"attention.key_length", offsetof(rsn_hparams, head_dim), 1, 1 << 14, -1},
    {"rope.dimension_count", offsetof(rsn_hparams, n_rot), 2, 1 << 14, -1},
    {"context_length", offsetof(rsn_hparams, n_ctx), 1, 1 << 27, 0},
    {"vocab_size", offsetof(rsn_hparams, n_vocab), 1, 1 << 24, -1},
};

/* Numbers that a file may also give as one per layer. */
static bool may_be_per_layer(size_t row) {
    return NUMBERS[row].offset == offsetof(rsn_hparams, n_ff) ||
           NUMBERS[row].offset == offsetof(rsn_hparams, n_heads) ||
           NUMBERS[row].offset == offsetof(rsn_hparams, n_heads_kv);
}

/* The one number of a list of equal ones, a number per layer. */
static reason_status read_per_layer(const rsn_gguf *g, const char *key, size_t row,
                                    size_t n_layers, int64_t *value) {
    const int32_t *items = NULL;
    size_t n = 0;
    reason_status status = rsn_gguf_ints(g, key, &items, &n);
    if (status != REASON_OK)
        return status;
    if (n != n_layers)
        return rsn_fail(REASON_ERR_FORMAT, "key %s has %zu numbers for %zu layers", key,
                        n, n_layers);
    for (size_t i = 1; i < n; i++)
        if (items[i] != items[0])
            return rsn_fail(REASON_ERR_UNSUPPORTED,
                            "key %s is %ld in layer 0 and %ld in layer %zu: only equal "
                            "layers are supported",
                            key, (long)items[0], (long)items[i], i);
    if (items[0] < NUMBERS[row].min || items[0] > NUMBERS[row].max)
        return rsn_fail(REASON_ERR_FORMAT,
                        "key %s is %ld in every layer, %lld to %lld allowed", key,
                        (long)items[0], (long long)NUMBERS[row].min,
                        (long long)NUMBERS[row].max);
    *value = items[0];
    return REASON_OK;
}

static reason_status read_number(const rsn_gguf *g, const char *arch, size_t row,
                                 rsn_hparams *hp) {
    rsn_key key;
    int64_t value = -1;
    reason_status status = rsn_key_make(&key, arch, NUMBERS[row].suffix);
    if (status != REASON_OK)
        return status;
    const rsn_gguf_pair *pair = rsn_gguf_find(g, key.text);
    if (pair && pair->type == RSN_GGUF_ARRAY && may_be_per_layer(row))
        status = read_per_layer(g, key.text, row, hp->n_layers, &value);
    else
        status = rsn_gguf_int(g, key.text, NUMBERS[row].min, NUMBERS[row].max, &value);
    if (status == REASON_OK && value < 0 && NUMBERS[row].fallback == 0)
        status = rsn_fail(REASON_ERR_FORMAT, "key %s is missing", key.text);
    size_t number = value < 0 ? 0 : (size_t)value;
    memcpy((char *)hp + NUMBERS[row].offset, &number, sizeof number);
    return status;
}

static reason_status read_eps(const rsn_gguf *g, const char *arch, rsn_hparams *hp) {
    rsn_key key;
    double eps = -1;
    reason_status status = rsn_key_make(&key, arch, "attention.layer_norm_rms_epsilon");
    if (status == REASON_OK)
        status = rsn_gguf_float(g, key.text, &eps);
    if (status == REASON_OK && !((float)eps > 0 && eps < 1))
        status = rsn_fail(REASON_ERR_FORMAT, "key %s is %s", key.text,
                          eps == -1 ? "missing" : "outside (0, 1)");
    hp->rms_eps = (float)eps;
    return status;
}

/* --- scales and caps ---------------------------------------------------------------- */

/* Factors of some architectures; `trait` 0: of any. */
static const struct {
    const char *suffix;
    size_t offset;
    unsigned trait;
    double min;
} FACTORS[] = {
    {"attention.scale", offsetof(rsn_hparams, attn_scale), 0, 1e-6},
    {"attn_logit_softcapping", offsetof(rsn_hparams, attn_cap), 0, 0},
    {"final_logit_softcapping", offsetof(rsn_hparams, logit_cap), 0, 0},
    {"embedding_scale", offsetof(rsn_hparams, embed_scale), RSN_TRAIT_SCALES, 1e-6},
    {"residual_scale", offsetof(rsn_hparams, residual_scale), RSN_TRAIT_SCALES, 1e-6},
    {"logit_scale", offsetof(rsn_hparams, logit_scale), RSN_TRAIT_SCALES, 1e-6},
};

#define MAX_FACTOR 1e6

static reason_status read_factor(const rsn_gguf *g, const char *arch, unsigned bits,
                                 size_t row, rsn_hparams *hp) {
    rsn_key key;
    float *place = (float *)(void *)((char *)hp + FACTORS[row].offset);
    double value = (double)*place, min = FACTORS[row].min;
    reason_status status = rsn_key_make(&key, arch, FACTORS[row].suffix);
    if (status != REASON_OK || !rsn_gguf_find(g, key.text))
        return status;
    if (FACTORS[row].trait & ~bits)
        return rsn_fail(REASON_ERR_UNSUPPORTED,
                        "key %s is none that this architecture has here", key.text);
    status = rsn_gguf_float(g, key.text, &value);
    if (status == REASON_OK && !(value >= min && value <= MAX_FACTOR))
        status = rsn_fail(REASON_ERR_FORMAT, "key %s is %g, %g to %g allowed", key.text,
                          value, min, MAX_FACTOR);
    *place = (float)value;
    return status;
}

static reason_status read_factors(const rsn_gguf *g, const char *arch,
                                  const rsn_traits *traits, rsn_hparams *hp) {
    bool wide = traits->wide_layers == hp->n_layers;
    size_t dims = wide ? hp->n_embd / hp->n_heads : hp->head_dim;
    hp->embed_scale = hp->residual_scale = hp->logit_scale = 1;
    if (traits->bits & RSN_TRAIT_EMBD_ROOT)
        hp->embed_scale = sqrtf((float)hp->n_embd);
    hp->attn_scale = (float)(1.0 / sqrt((double)(dims > 0 ? dims : 1)));
    hp->attn_cap = (float)traits->attn_cap;
    hp->logit_cap = (float)traits->logit_cap;
    reason_status status = REASON_OK;
    for (size_t i = 0; i < sizeof FACTORS / sizeof *FACTORS && status == REASON_OK; i++)
        status = read_factor(g, arch, traits->bits, i, hp);
    if (traits->bits & RSN_TRAIT_SCALES)
        hp->logit_scale = 1 / hp->logit_scale;
    return status;
}

/* --- windows ------------------------------------------------------------------------ */

/* Whether layers have a window, one bool each: only lists with a period are supported. */
static reason_status read_pattern_list(const rsn_gguf_pair *pair, rsn_hparams *hp) {
    const unsigned char *windowed = pair->as.items;
    if (pair->item != RSN_GGUF_BOOL || pair->n != hp->n_layers)
        return rsn_fail(REASON_ERR_FORMAT,
                        "key %s at offset %llu is an array of %llu of type %d, one bool "
                        "for each of %zu layers expected",
                        pair->key.data, (unsigned long long)pair->offset,
                        (unsigned long long)pair->n, (int)pair->item, hp->n_layers);
    hp->window_period = 0;
    for (size_t i = 0; i < hp->n_layers && hp->window_period == 0; i++)
        if (!windowed[i])
            hp->window_period = i + 1;
    for (size_t i = 0; i < hp->n_layers; i++) {
        bool sees_all = hp->window_period > 0 && (i + 1) % hp->window_period == 0;
        if (sees_all == (windowed[i] != 0))
            return rsn_fail(REASON_ERR_UNSUPPORTED,
                            "key %s at offset %llu has no period (layer %zu)",
                            pair->key.data, (unsigned long long)pair->offset, i);
    }
    return REASON_OK;
}

static reason_status read_pattern(const rsn_gguf *g, const char *arch, rsn_hparams *hp) {
    rsn_key key;
    int64_t period = (int64_t)hp->window_period;
    reason_status status = rsn_key_make(&key, arch, "attention.sliding_window_pattern");
    if (status != REASON_OK)
        return status;
    const rsn_gguf_pair *pair = rsn_gguf_find(g, key.text);
    if (pair && pair->type == RSN_GGUF_ARRAY)
        return read_pattern_list(pair, hp);
    status = rsn_gguf_int(g, key.text, 0, 4096, &period);
    hp->window_period = (size_t)period;
    return status;
}

static reason_status read_window(const rsn_gguf *g, const char *arch,
                                 const rsn_traits *traits, rsn_hparams *hp) {
    rsn_key key;
    int64_t window = (int64_t)traits->window;
    reason_status status = rsn_key_make(&key, arch, "attention.sliding_window");
    if (status == REASON_OK)
        status = rsn_gguf_int(g, key.text, 0, 1 << 27, &window);
    if (status != REASON_OK)
        return status;
    if (!(traits->bits & RSN_TRAIT_WINDOWS)) {
        /* One as wide as the context changes nothing. */
        if (window > 0 && (size_t)window < hp->n_ctx)
            return rsn_fail(REASON_ERR_UNSUPPORTED,
                            "key %s is %lld, architecture %s runs without windows only",
                            key.text, (long long)window, arch);
        return REASON_OK;
    }
    hp->window = (size_t)window;
    hp->window_period = traits->window_period;
    return read_pattern(g, arch, hp);
}

/* --- keys of our own ---------------------------------------------------------------- */

/* Bits of activations, where the architecture or the file says that they are rounded, and
 * BitNet v2's H-BitLinear (arXiv 2504.18415). */
static reason_status read_activations(const rsn_gguf *g, const char *arch,
                                      const rsn_traits *traits, rsn_hparams *hp) {
    bool rows = (traits->bits & RSN_TRAIT_ACTS_ROW) ||
                rsn_gguf_find(g, RSN_KEY_ACTIVATION_BITS);
    if (!(traits->bits & RSN_TRAIT_ACTS_ROW) && rsn_gguf_find(g, RSN_KEY_HADAMARD))
        return rsn_fail(REASON_ERR_UNSUPPORTED,
                        "key %s is none that architecture %s has here", RSN_KEY_HADAMARD,
                        arch);
    int64_t bits = 8;
    reason_status status = rsn_gguf_int(g, RSN_KEY_ACTIVATION_BITS, 1, 32, &bits);
    if (status == REASON_OK && bits != 8 && bits != 4)
        status = rsn_fail(REASON_ERR_UNSUPPORTED,
                          "key %s is %lld: only 4 and 8 bits are supported",
                          RSN_KEY_ACTIVATION_BITS, (long long)bits);
    hp->act_bits = rows ? (unsigned)bits : 0;
    return status == REASON_OK ? rsn_gguf_bool(g, RSN_KEY_HADAMARD, &hp->hadamard)
                               : status;
}

/* --- all of them -------------------------------------------------------------------- */

/* Numbers that follow from others, and what they must satisfy together. */
static reason_status relate(const rsn_gguf *g, const char *arch, rsn_hparams *hp) {
    if (hp->n_heads_kv == 0)
        hp->n_heads_kv = hp->n_heads;
    if (hp->head_dim == 0)
        hp->head_dim = hp->n_embd / hp->n_heads;
    if (hp->n_rot == 0)
        hp->n_rot = hp->head_dim;
    if (hp->n_heads % hp->n_heads_kv != 0)
        return rsn_fail(REASON_ERR_FORMAT,
                        "%zu query heads are not a multiple of %zu key heads",
                        hp->n_heads, hp->n_heads_kv);
    if (hp->n_rot < 2 || hp->n_rot > hp->head_dim || hp->n_rot % 2 != 0)
        return rsn_fail(REASON_ERR_FORMAT,
                        "RoPE turns %zu of %zu dimensions; an even part is allowed",
                        hp->n_rot, hp->head_dim);
    rsn_key key;
    int64_t value_length = (int64_t)hp->head_dim;
    reason_status status = rsn_key_make(&key, arch, "attention.value_length");
    if (status == REASON_OK)
        status = rsn_gguf_int(g, key.text, 1, 1 << 14, &value_length);
    if (status == REASON_OK && (size_t)value_length != hp->head_dim)
        status =
            rsn_fail(REASON_ERR_UNSUPPORTED,
                     "key %s is %lld while keys have %zu: only equal sizes are supported",
                     key.text, (long long)value_length, hp->head_dim);
    return status;
}

reason_status rsn_hparams_read(const rsn_gguf *g, const char *arch,
                               const rsn_traits *traits, rsn_hparams *hp) {
    memset(hp, 0, sizeof *hp);
    reason_status status = REASON_OK;
    for (size_t i = 0; i < sizeof NUMBERS / sizeof *NUMBERS && status == REASON_OK; i++)
        status = read_number(g, arch, i, hp);
    if (status == REASON_OK)
        status = read_eps(g, arch, hp);
    if (status == REASON_OK)
        status = rsn_rope_read(g, arch, traits, hp->n_ctx, &hp->rope);
    if (status == REASON_OK)
        status = relate(g, arch, hp);
    if (status == REASON_OK)
        status = read_factors(g, arch, traits, hp);
    if (status == REASON_OK)
        status = read_window(g, arch, traits, hp);
    if (status == REASON_OK)
        status = read_activations(g, arch, traits, hp);
    if (status == REASON_OK)
        status = rsn_head_read(g, arch, hp->n_embd, &hp->head);
    hp->nope_period = traits->nope_period;
    return status;
}
