/* Reads hyper-parameters. Owns their keys, defaults and limits. Invariant: after a
 * success every product of two of these numbers fits 63 bits. */
#include "model/hparams.h"

#include <string.h>

enum { MAX_KEY = 160 };

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

static reason_status make_key(char *key, const char *arch, const char *suffix) {
    size_t n = strlen(arch), m = strlen(suffix);
    if (n + m + 2 > MAX_KEY)
        return rsn_fail(REASON_ERR_UNSUPPORTED, "architecture name of %zu bytes", n);
    memcpy(key, arch, n);
    key[n] = '.';
    memcpy(key + n + 1, suffix, m + 1);
    return REASON_OK;
}

static reason_status read_number(const rsn_gguf *g, const char *arch, size_t row,
                                 rsn_hparams *hp) {
    char key[MAX_KEY];
    int64_t value = -1;
    reason_status status = make_key(key, arch, NUMBERS[row].suffix);
    if (status == REASON_OK)
        status = rsn_gguf_int(g, key, NUMBERS[row].min, NUMBERS[row].max, &value);
    if (status == REASON_OK && value < 0 && NUMBERS[row].fallback == 0)
        status = rsn_fail(REASON_ERR_FORMAT, "key %s is missing", key);
    size_t number = value < 0 ? 0 : (size_t)value;
    memcpy((char *)hp + NUMBERS[row].offset, &number, sizeof number);
    return status;
}

static reason_status read_floats(const rsn_gguf *g, const char *arch, rsn_hparams *hp) {
    char key[MAX_KEY];
    double eps = -1;
    reason_status status = make_key(key, arch, "attention.layer_norm_rms_epsilon");
    if (status == REASON_OK)
        status = rsn_gguf_float(g, key, &eps);
    if (status == REASON_OK && !((float)eps > 0 && eps < 1))
        status = rsn_fail(REASON_ERR_FORMAT, "key %s is %s", key,
                          eps == -1 ? "missing" : "outside (0, 1)");
    hp->rms_eps = (float)eps;
    hp->rope_base = 10000.0;
    if (status == REASON_OK &&
        (status = make_key(key, arch, "rope.freq_base")) == REASON_OK)
        status = rsn_gguf_float(g, key, &hp->rope_base);
    if (status == REASON_OK && !(hp->rope_base >= 1 && hp->rope_base <= 1e12))
        status = rsn_fail(REASON_ERR_FORMAT, "key %s is outside 1 to 1e12", key);
    return status;
}

/* RoPE scaling of any kind would change every logit: named, not ignored. */
static reason_status refuse_scaling(const rsn_gguf *g, const char *arch) {
    char key[MAX_KEY];
    rsn_text type = {"none", 4};
    reason_status status = make_key(key, arch, "rope.scaling.type");
    if (status == REASON_OK)
        status = rsn_gguf_string(g, key, &type);
    if (status == REASON_OK && (type.n != 4 || memcmp(type.data, "none", 4) != 0))
        status =
            rsn_fail(REASON_ERR_UNSUPPORTED, "key %s is %s, only \"none\" is supported",
                     key, rsn_quote(type.data, type.n).text);
    return status;
}

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
    char key[MAX_KEY];
    int64_t value_length = (int64_t)hp->head_dim;
    reason_status status = make_key(key, arch, "attention.value_length");
    if (status == REASON_OK)
        status = rsn_gguf_int(g, key, 1, 1 << 14, &value_length);
    if (status == REASON_OK && (size_t)value_length != hp->head_dim)
        status =
            rsn_fail(REASON_ERR_UNSUPPORTED,
                     "key %s is %lld while keys have %zu: only equal sizes are supported",
                     key, (long long)value_length, hp->head_dim);
    return status;
}

reason_status rsn_hparams_read(const rsn_gguf *g, const char *arch, rsn_hparams *hp) {
    memset(hp, 0, sizeof *hp);
    reason_status status = REASON_OK;
    for (size_t i = 0; i < sizeof NUMBERS / sizeof *NUMBERS && status == REASON_OK; i++)
        status = read_number(g, arch, i, hp);
    if (status == REASON_OK)
        status = read_floats(g, arch, hp);
    if (status == REASON_OK)
        status = refuse_scaling(g, arch);
    if (status == REASON_OK)
        status = relate(g, arch, hp);
    return status;
}
