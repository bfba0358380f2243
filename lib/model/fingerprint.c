/* Fingerprints of models. Owns what of a file counts. It is no defence against someone
 * who makes two models alike on purpose: weights between the samples may differ.
 * Invariant: it depends on the file alone, not on how it was loaded or for which CPU. */
#include "model/fingerprint.h"

#include <string.h>

#include "model/weights.h"

/* Few, as each may be a page that has to be read from the disk. */
enum { N_SAMPLES = 8, SAMPLE_BYTES = 32 };

uint64_t rsn_fingerprint_add(uint64_t hash, const void *bytes, size_t n) {
    const unsigned char *p = bytes;
    for (size_t i = 0; i < n; i++)
        hash = (hash ^ p[i]) * UINT64_C(0x100000001B3);
    return hash;
}

static uint64_t add_number(uint64_t hash, uint64_t value) {
    return rsn_fingerprint_add(hash, &value, sizeof value);
}

/* Its length first, so that two texts do not run into each other. */
static uint64_t add_text(uint64_t hash, rsn_text text) {
    return rsn_fingerprint_add(add_number(hash, text.n), text.data, text.n);
}

/* Whether a key begins with NAME and a dot. */
static bool is_of(rsn_text key, const char *name) {
    size_t n = strlen(name);
    return key.n > n && memcmp(key.data, name, n) == 0 && key.data[n] == '.';
}

static size_t item_bytes(rsn_gguf_type type) {
    static const size_t BYTES[RSN_GGUF_N_TYPES] = {
        [RSN_GGUF_U8] = 1,  [RSN_GGUF_I8] = 1,  [RSN_GGUF_U16] = 2,  [RSN_GGUF_I16] = 2,
        [RSN_GGUF_U32] = 4, [RSN_GGUF_I32] = 4, [RSN_GGUF_F32] = 4,  [RSN_GGUF_BOOL] = 1,
        [RSN_GGUF_U64] = 8, [RSN_GGUF_I64] = 8, [RSN_GGUF_F64] = 8};
    return BYTES[type];
}

static uint64_t add_pair(uint64_t hash, const rsn_gguf_pair *pair) {
    hash = add_text(hash, pair->key);
    hash = add_number(hash, (uint64_t)pair->type << 32 | (uint64_t)pair->item);
    if (pair->type == RSN_GGUF_STRING)
        return add_text(hash, pair->as.text);
    if (pair->type != RSN_GGUF_ARRAY)
        return rsn_fingerprint_add(hash, &pair->as, sizeof pair->as.i);
    hash = add_number(hash, pair->n);
    if (pair->item != RSN_GGUF_STRING)
        return rsn_fingerprint_add(hash, pair->as.items,
                                   (size_t)pair->n * item_bytes(pair->item));
    for (size_t i = 0; i < pair->n; i++)
        hash = add_text(hash, pair->as.texts[i]);
    return hash;
}

uint64_t rsn_fingerprint_samples(uint64_t hash, const unsigned char *data, uint64_t n) {
    if (n <= N_SAMPLES * SAMPLE_BYTES)
        return rsn_fingerprint_add(hash, data, (size_t)n);
    uint64_t last = n - SAMPLE_BYTES;
    for (uint64_t i = 0; i < N_SAMPLES; i++) {
        uint64_t at = last / (N_SAMPLES - 1) * i;
        hash = rsn_fingerprint_add(hash, data + (i + 1 < N_SAMPLES ? at : last),
                                   SAMPLE_BYTES);
    }
    return hash;
}

static uint64_t add_tensor(uint64_t hash, const rsn_gguf *g, const rsn_blob *blobs,
                           const rsn_gguf_tensor *t) {
    hash = add_text(hash, t->name);
    hash = rsn_fingerprint_add(hash, t->type->name, strlen(t->type->name) + 1);
    for (size_t i = 0; i < RSN_GGUF_MAX_DIMS; i++)
        hash = add_number(hash, t->ne[i]);
    return rsn_fingerprint_samples(hash, rsn_tensor_bytes(g, blobs, t), t->n_bytes);
}

uint64_t rsn_fingerprint(const rsn_gguf *g, const rsn_blob *blobs, const char *arch) {
    uint64_t hash = RSN_FINGERPRINT_NONE;
    for (size_t i = 0; i < g->n_pairs; i++) {
        const rsn_gguf_pair *pair = (const rsn_gguf_pair *)(const void *)g->pair_order[i];
        if (is_of(pair->key, arch) || is_of(pair->key, "reason"))
            hash = add_pair(hash, pair);
    }
    for (size_t i = 0; i < g->n_tensors; i++)
        hash = add_tensor(hash, g, blobs,
                          (const rsn_gguf_tensor *)(const void *)g->tensor_order[i]);
    return hash;
}
