/* Changes GGUF files so that they stay files: picks a field, a text, an entry or data,
 * and edits that, with lengths, counts and padding put right around it. Used by libFuzzer
 * only; one change in four is left to its own mutations of bytes. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "support/gguf_reference.h"

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size,
                               unsigned seed);

typedef struct mutator {
    uint8_t *data; /* the file, edited in place */
    size_t n, max;
    gguf_reference ref;
    uint64_t random;
} mutator;

static uint64_t draw(mutator *m, uint64_t n) {
    m->random += UINT64_C(0x9E3779B97F4A7C15);
    uint64_t x = m->random;
    x = (x ^ x >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ x >> 27) * UINT64_C(0x94D049BB133111EB);
    return n ? (x ^ x >> 31) % n : 0;
}

static void put_number(uint8_t *at, uint64_t value, size_t width) {
    for (size_t i = 0; i < width; i++)
        at[i] = (uint8_t)(value >> 8 * i);
}

/* --- edits that change lengths ------------------------------------------------------ */

static uint64_t alignment_of(const mutator *m) {
    for (size_t i = 0; i < m->ref.n_pairs; i++) {
        const ref_pair *p = &m->ref.pairs[i];
        if (p->key.n == 17 && memcmp(p->key.data, "general.alignment", 17) == 0 &&
            p->type == 4)
            return reference_number(m->data, p->at, 4);
    }
    return 32;
}

/* Replaces bytes of the header; data follows at the next aligned place. False if there is
 * no room. */
static bool splice(mutator *m, size_t at, size_t n_out, const uint8_t *in, size_t n_in) {
    uint64_t alignment = alignment_of(m);
    size_t end = m->ref.header_end, data = m->ref.data_start;
    if (m->ref.wrong || at + n_out > end || data > m->n || alignment == 0)
        return false;
    size_t new_end = end - n_out + n_in;
    size_t new_data = m->ref.n_tensors
                          ? (new_end + alignment - 1) / alignment * alignment
                          : new_end;
    size_t n_data = m->n - data;
    if (new_data + n_data > m->max)
        return false;
    uint8_t *copy = malloc(m->n);
    if (!copy)
        return false;
    memcpy(copy, m->data, m->n);
    if (n_in > 0)
        memcpy(m->data + at, in, n_in);
    memcpy(m->data + at + n_in, copy + at + n_out, end - at - n_out);
    memset(m->data + new_end, 0, new_data - new_end);
    memcpy(m->data + new_data, copy + data, n_data);
    m->n = new_data + n_data;
    free(copy);
    return true;
}

static size_t pair_start(const mutator *m, size_t i) {
    return (size_t)((const uint8_t *)m->ref.pairs[i].key.data - m->data) - 8;
}

static size_t pair_end(const mutator *m, size_t i) {
    if (i + 1 < m->ref.n_pairs)
        return pair_start(m, i + 1);
    return m->ref.n_tensors
               ? (size_t)((const uint8_t *)m->ref.tensors[0].name.data - m->data) - 8
               : m->ref.header_end;
}

static void add_to_count(mutator *m, size_t at, int change) {
    put_number(m->data + at, reference_number(m->data, at, 8) + (uint64_t)change, 8);
}

/* --- operations --------------------------------------------------------------------- */

static bool change_field(mutator *m) {
    static const uint64_t edges[] = {
        0,     1,     2,         127,        128,        255,       256,
        32767, 32768, 65535,     65536,      INT32_MAX,  0x80000000, UINT32_MAX,
        INT64_MAX,    UINT64_MAX, UINT64_C(1) << 63, UINT64_C(1) << 61};
    if (m->ref.n_fields == 0)
        return false;
    const ref_field *f = &m->ref.fields[draw(m, m->ref.n_fields)];
    const ref_field *other = &m->ref.fields[draw(m, m->ref.n_fields)];
    uint64_t value = reference_number(m->data, f->at, f->width);
    switch (draw(m, 5)) {
    case 0: value = edges[draw(m, sizeof edges / sizeof *edges)]; break;
    case 1: value += draw(m, 33) - 16; break;
    case 2: value = reference_number(m->data, other->at, other->width); break;
    case 3: value = m->n - f->at + draw(m, 17) - 8; break;
    default: value ^= UINT64_C(1) << draw(m, 8 * f->width);
    }
    put_number(m->data + f->at, value, f->width);
    return true;
}

/* A text that stands behind its length: a key, a value, a name, an item. */
static bool pick_text(mutator *m, size_t *at, size_t *n) {
    size_t i = (size_t)draw(m, m->ref.n_pairs + m->ref.n_tensors);
    if (m->ref.n_pairs + m->ref.n_tensors == 0)
        return false;
    if (i >= m->ref.n_pairs) {
        const ref_tensor *t = &m->ref.tensors[i - m->ref.n_pairs];
        *at = (size_t)((const uint8_t *)t->name.data - m->data) - 8;
        *n = t->name.n;
        return true;
    }
    const ref_pair *p = &m->ref.pairs[i];
    *at = pair_start(m, i);
    *n = p->key.n;
    if (p->type == 8 && draw(m, 8)) {
        *at = p->at;
        *n = (size_t)p->n;
    }
    if (p->type == 9 && p->item == 8 && p->n > 0 && draw(m, 8)) {
        size_t item = p->items;
        for (uint64_t k = draw(m, p->n); k > 0; k--)
            item += 8 + (size_t)reference_number(m->data, item, 8);
        *at = item;
        *n = (size_t)reference_number(m->data, item, 8);
    }
    return true;
}

static bool change_text(mutator *m) {
    enum { MOST = 4096 };
    static uint8_t text[8 + MOST + 64];
    size_t at = 0, n = 0;
    if (!pick_text(m, &at, &n) || n > MOST)
        return false;
    memcpy(text + 8, m->data + at + 8, n);
    size_t n_new = LLVMFuzzerMutate(text + 8, n, n + 64);
    put_number(text, n_new, 8);
    return splice(m, at, 8 + n, text, 8 + n_new);
}

static bool drop_pair(mutator *m) {
    if (m->ref.n_pairs == 0)
        return false;
    size_t i = (size_t)draw(m, m->ref.n_pairs), start = pair_start(m, i);
    if (!splice(m, start, pair_end(m, i) - start, NULL, 0))
        return false;
    add_to_count(m, 16, -1);
    return true;
}

/* Keys that the library reads. */
static const char *const KEYS[] = {
    "general.alignment",
    "split.no",
    "split.count",
    "split.tensors.count",
    "llama.vocab_size",
    "llama.rope.scaling.type",
    "qwen3.rope.scaling.factor",
    "llama.rope.scaling.original_context_length",
    "gemma2.attention.sliding_window",
    "gemma3.attention.sliding_window_pattern",
    "granite.logit_scale",
    "llama.expert_count",
    "llama.attention.value_length",
    "qwen3.rope.dimension_count",
    "qwen2.rope.freq_base",
    "tokenizer.ggml.model",
    "tokenizer.ggml.pre",
    "tokenizer.ggml.scores",
    "tokenizer.ggml.token_type",
    "tokenizer.ggml.merges",
    "tokenizer.ggml.bos_token_id",
    "tokenizer.ggml.eot_token_id",
    "tokenizer.ggml.unknown_token_id",
    "tokenizer.ggml.add_bos_token",
    "tokenizer.ggml.add_eos_token",
    "tokenizer.ggml.add_space_prefix",
    "tokenizer.ggml.remove_extra_whitespaces",
    "tokenizer.ggml.precompiled_charsmap",
    "tokenizer.chat_template",
};

static bool add_pair(mutator *m) {
    uint8_t bytes[256];
    const char *key = KEYS[draw(m, sizeof KEYS / sizeof *KEYS)];
    size_t n = 8 + strlen(key);
    uint32_t type = (uint32_t)draw(m, 13);
    put_number(bytes, strlen(key), 8);
    memcpy(bytes + 8, key, strlen(key));
    put_number(bytes + n, type, 4);
    n += 4;
    if (type == 9) {
        put_number(bytes + n, draw(m, 13), 4);
        put_number(bytes + n + 4, draw(m, 3), 8);
        n += 12;
    }
    if (type == 8) {
        put_number(bytes + n, draw(m, 3) * 4, 8);
        n += 8;
    }
    size_t width = type == 8 || type == 9 ? 8 : reference_width(type);
    put_number(bytes + n, type == 8 ? 0x74706700 : draw(m, 4), width);
    n += width;
    size_t at = m->ref.n_pairs ? pair_start(m, (size_t)draw(m, m->ref.n_pairs)) : 24;
    if (!splice(m, at, 0, bytes, n))
        return false;
    add_to_count(m, 16, 1);
    return true;
}

/* Another type for a tensor, with rows that may fit it. */
static bool change_tensor(mutator *m) {
    static const uint32_t ids[] = {0, 1, 2, 3, 6, 7, 8, 10, 11, 12, 13, 14, 20, 23, 30,
                                   34, 35, 36, 39};
    if (m->ref.n_tensors == 0)
        return false;
    const ref_tensor *t = &m->ref.tensors[draw(m, m->ref.n_tensors)];
    size_t at = (size_t)((const uint8_t *)t->name.data - m->data) + t->name.n + 4;
    put_number(m->data + at + 8 * t->n_dims, ids[draw(m, sizeof ids / sizeof *ids)], 4);
    if (draw(m, 4) == 0)
        put_number(m->data + at, 32u << draw(m, 4), 8);
    return true;
}

static bool change_data(mutator *m) {
    if (m->ref.wrong || m->ref.data_start >= m->n)
        return false;
    size_t left = m->n - (size_t)m->ref.data_start, n = 1 + (size_t)draw(m, 64);
    n = n < left ? n : left;
    uint8_t *at = m->data + m->ref.data_start + draw(m, left - n + 1);
    (void)LLVMFuzzerMutate(at, n, n);
    return true;
}

/* --- the mutator -------------------------------------------------------------------- */

static size_t mutate_file(uint8_t *data, size_t n, size_t max, uint64_t seed) {
    static bool (*const operations[])(mutator *) = {
        change_field, change_field, change_text,   change_text,
        drop_pair,    add_pair,     change_tensor, change_data};
    static mutator m; /* keeps the second reader's lists */
    m.data = data;
    m.n = n;
    m.max = max;
    m.random = seed;
    if (n >= 24 && draw(&m, 4)) {
        reference_read(data, n, &m.ref);
        for (int tries = 0; tries < 4; tries++)
            if (operations[draw(&m, sizeof operations / sizeof *operations)](&m))
                return m.n;
    }
    return LLVMFuzzerMutate(data, n, max);
}

/* One of the parts of an input that is several files. */
static size_t mutate_part(uint8_t *data, size_t n, size_t max, uint64_t seed) {
    size_t count = (size_t)reference_number(data, 4, 4), at = 8 + 4 * count;
    size_t which = (size_t)(seed % count);
    for (size_t i = 0; i < which; i++)
        at += (size_t)reference_number(data, 8 + 4 * i, 4);
    size_t n_part = (size_t)reference_number(data, 8 + 4 * which, 4);
    if (at > n || n_part > n - at || n_part == 0)
        return LLVMFuzzerMutate(data, n, max);
    size_t n_behind = n - at - n_part, room = max - n + n_part;
    uint8_t *behind = malloc(n_behind + 1);
    if (!behind)
        return n;
    memcpy(behind, data + at + n_part, n_behind);
    size_t n_new = mutate_file(data + at, n_part, room, seed / count);
    memcpy(data + at + n_new, behind, n_behind);
    put_number(data + 8 + 4 * which, n_new, 4);
    free(behind);
    return at + n_new + n_behind;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size,
                               unsigned seed) {
    bool split = size >= 24 && memcmp(data, "SPLT", 4) == 0 && data[4] >= 1 &&
                 data[4] <= 4 && !data[5] && !data[6] && !data[7];
    if (size > max_size || (split && seed % 16 == 0))
        return LLVMFuzzerMutate(data, size < max_size ? size : max_size, max_size);
    return split ? mutate_part(data, size, max_size, seed)
                 : mutate_file(data, size, max_size, seed);
}
