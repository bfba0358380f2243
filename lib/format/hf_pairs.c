/* Owns how pairs are appended to a list. Which keys there are is left to the readers.
 * Invariant: keys and single texts are NUL-terminated, as in a plan read from GGUF. */
#include "format/hf_pairs.h"

#include <string.h>

static reason_status add(rsn_hf_pairs *p, const char *key, rsn_gguf_pair pair) {
    if (p->n == p->cap) {
        size_t cap = p->cap ? 2 * p->cap : 32;
        rsn_gguf_pair *items = rsn_arena_calloc2(p->arena, cap, sizeof *items);
        if (!items)
            return REASON_ERR_NO_MEMORY;
        if (p->n)
            memcpy(items, p->items, p->n * sizeof *items);
        p->items = items;
        p->cap = cap;
    }
    size_t n = strlen(key);
    pair.key = (rsn_text){rsn_arena_strndup(p->arena, key, n), n};
    if (!pair.key.data)
        return REASON_ERR_NO_MEMORY;
    p->items[p->n++] = pair;
    return REASON_OK;
}

reason_status rsn_hf_pairs_text(rsn_hf_pairs *p, const char *key, const char *text,
                                size_t n) {
    char *copy = rsn_arena_strndup(p->arena, text, n);
    if (!copy)
        return REASON_ERR_NO_MEMORY;
    return add(p, key,
               (rsn_gguf_pair){.type = RSN_GGUF_STRING, .n = 1, .as.text = {copy, n}});
}

reason_status rsn_hf_pairs_bool(rsn_hf_pairs *p, const char *key, bool value) {
    return add(p, key, (rsn_gguf_pair){.type = RSN_GGUF_BOOL, .n = 1, .as.i = value});
}

reason_status rsn_hf_pairs_u32(rsn_hf_pairs *p, const char *key, uint32_t value) {
    return add(p, key, (rsn_gguf_pair){.type = RSN_GGUF_U32, .n = 1, .as.i = value});
}

reason_status rsn_hf_pairs_texts(rsn_hf_pairs *p, const char *key, const rsn_text *texts,
                                 size_t n) {
    return add(p, key,
               (rsn_gguf_pair){.type = RSN_GGUF_ARRAY,
                               .item = RSN_GGUF_STRING,
                               .n = n,
                               .as.texts = texts});
}

reason_status rsn_hf_pairs_numbers(rsn_hf_pairs *p, const char *key, rsn_gguf_type item,
                                   const void *numbers, size_t n) {
    return add(p, key,
               (rsn_gguf_pair){
                   .type = RSN_GGUF_ARRAY, .item = item, .n = n, .as.items = numbers});
}
