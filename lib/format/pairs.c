/* Owns how the list grows. Invariant: every key and text in it ends with a NUL, as in a
 * plan that was read from a GGUF file. */
#include "format/pairs.h"

#include <string.h>

enum { FIRST_ROOM = 64 };

/* Room for one more; outgrown lists stay in the arena, together as large as the last. */
static rsn_gguf_pair *make_room(rsn_pairs *p) {
    if (p->n == p->cap) {
        size_t cap = p->cap ? 2 * p->cap : FIRST_ROOM;
        rsn_gguf_pair *items = rsn_arena_calloc2(p->arena, cap, sizeof *items);
        if (!items)
            return NULL;
        if (p->n > 0)
            memcpy(items, p->items, p->n * sizeof *items);
        p->items = items;
        p->cap = cap;
    }
    return &p->items[p->n];
}

static rsn_gguf_pair *add(rsn_pairs *p, const char *key, rsn_gguf_type type) {
    rsn_gguf_pair *pair = p->failed ? NULL : make_room(p);
    const char *copy = pair ? rsn_arena_strndup(p->arena, key, strlen(key)) : NULL;
    if (!copy) {
        p->failed = true;
        return NULL;
    }
    p->n++;
    *pair = (rsn_gguf_pair){.key = {copy, strlen(key)}, .type = type, .n = 1};
    return pair;
}

void rsn_pairs_text(rsn_pairs *p, const char *key, rsn_text value) {
    rsn_gguf_pair *pair = add(p, key, RSN_GGUF_STRING);
    if (!pair)
        return;
    pair->as.text =
        (rsn_text){rsn_arena_strndup(p->arena, value.data, value.n), value.n};
    p->failed |= !pair->as.text.data;
}

void rsn_pairs_u32(rsn_pairs *p, const char *key, uint32_t value) {
    rsn_gguf_pair *pair = add(p, key, RSN_GGUF_U32);
    if (pair)
        pair->as.i = value;
}

void rsn_pairs_f32(rsn_pairs *p, const char *key, double value) {
    rsn_gguf_pair *pair = add(p, key, RSN_GGUF_F32);
    if (pair)
        pair->as.f = (double)(float)value;
}

void rsn_pairs_bool(rsn_pairs *p, const char *key, bool value) {
    rsn_gguf_pair *pair = add(p, key, RSN_GGUF_BOOL);
    if (pair)
        pair->as.i = value;
}

void rsn_pairs_texts(rsn_pairs *p, const char *key, const rsn_text *values, size_t n) {
    rsn_gguf_pair *pair = add(p, key, RSN_GGUF_ARRAY);
    if (!pair)
        return;
    pair->item = RSN_GGUF_STRING;
    pair->n = n;
    pair->as.texts = values;
}

void rsn_pairs_items(rsn_pairs *p, const char *key, rsn_gguf_type item, const void *items,
                     size_t n) {
    rsn_gguf_pair *pair = add(p, key, RSN_GGUF_ARRAY);
    if (!pair)
        return;
    pair->item = item;
    pair->n = n;
    pair->as.items = items;
}

const rsn_gguf_pair *rsn_pairs_find(const rsn_pairs *p, const char *key) {
    for (size_t i = 0; i < p->n; i++)
        if (strcmp(p->items[i].key.data, key) == 0)
            return &p->items[i];
    return NULL;
}
