/* Owns the slots of a map of 64-bit keys; what keys and values mean is left to who fills
 * it. Invariant: at least half of the slots are empty, so every search ends. */
#include "text/key_map.h"

#include <string.h>

reason_status rsn_key_map_init(rsn_key_map *m, size_t n, uint64_t seed) {
    size_t slots = 2;
    while (slots / 2 < n) {
        if (slots > SIZE_MAX / 4) return rsn_fail_memory(SIZE_MAX);
        slots *= 2;
    }
    *m = (rsn_key_map){rsn_alloc2(slots, sizeof *m->keys), NULL, slots - 1, seed};
    if (m->keys) m->values = rsn_alloc2(slots, sizeof *m->values);
    if (!m->values) {
        rsn_key_map_free(m);
        return REASON_ERR_NO_MEMORY;
    }
    memset(m->keys, 0xFF, slots * sizeof *m->keys);
    return REASON_OK;
}

size_t rsn_key_map_held(const rsn_key_map *m) {
    return m->keys ? (m->mask + 1) * (sizeof *m->keys + sizeof *m->values) : 0;
}

void rsn_key_map_free(rsn_key_map *m) {
    rsn_free(m->keys);
    rsn_free(m->values);
    *m = (rsn_key_map){NULL, NULL, 0, 0};
}

uint32_t rsn_key_map_add(rsn_key_map *m, uint64_t key, uint32_t value) {
    size_t i = (size_t)rsn_mix64(key ^ m->seed) & m->mask;
    while (m->keys[i] != UINT64_MAX) {
        if (m->keys[i] == key) return m->values[i];
        i = (i + 1) & m->mask;
    }
    m->keys[i] = key;
    m->values[i] = value;
    return value;
}
