/* A map from 64-bit keys to 32-bit values that is filled once and then only read: the
 * merges of a vocabulary, the edges of a trie. Open addressing, at most half full. */
#ifndef REASON_TEXT_KEY_MAP_H
#define REASON_TEXT_KEY_MAP_H

#include "base/alloc.h"

/* What rsn_key_map_find() says when there is no such key; no value may be this. */
#define RSN_KEY_MAP_NONE UINT32_MAX

typedef struct rsn_key_map {
    uint64_t *keys;
    uint32_t *values;
    size_t mask; /* slots - 1 */
    /* Not known to who made the file, who could else choose keys that collide. */
    uint64_t seed;
} rsn_key_map;

/* An empty map with room for `n` keys. */
reason_status rsn_key_map_init(rsn_key_map *m, size_t n, uint64_t seed);
size_t rsn_key_map_held(const rsn_key_map *m); /* bytes of memory behind it */
void rsn_key_map_free(rsn_key_map *m);

/* Adds key -> value if the key is new and returns the key's value. No key may be
 * UINT64_MAX, and no more different keys may be added than there is room for. */
uint32_t rsn_key_map_add(rsn_key_map *m, uint64_t key, uint32_t value);

/* Spreads every bit of x over the whole word. */
static inline uint64_t rsn_mix64(uint64_t x) {
    x ^= x >> 32;
    x *= UINT64_C(0xD6E8FEB86659FD93);
    x ^= x >> 32;
    x *= UINT64_C(0xD6E8FEB86659FD93);
    return x ^ x >> 32;
}

static inline uint32_t rsn_key_map_find(const rsn_key_map *m, uint64_t key) {
    for (size_t i = (size_t)rsn_mix64(key ^ m->seed) & m->mask;; i = (i + 1) & m->mask) {
        if (m->keys[i] == key) return m->values[i];
        if (m->keys[i] == UINT64_MAX) return RSN_KEY_MAP_NONE;
    }
}

#endif
