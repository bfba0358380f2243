/* Owns chunks of memory that are given back together. Whether an arena is bounded is left
 * to its user. Invariant: `chunks` is the chunk that small requests are cut from and
 * `used` is how much of it is gone; large requests get chunks of their own behind it. */
#include "base/arena.h"

#include <stdalign.h>
#include <string.h>

#include "base/checked.h"

enum { GRAIN = 16, CHUNK_MIN = 4096, CHUNK_MAX = 1 << 20 };

struct rsn_arena_chunk {
    struct rsn_arena_chunk *next;
    size_t size; /* of data */
    alignas(16) unsigned char data[];
};

static struct rsn_arena_chunk *new_chunk(size_t size) {
    /* The aligned allocation, because a host's allocator may promise less than 16. */
    struct rsn_arena_chunk *chunk = rsn_alloc_aligned(sizeof *chunk + size);
    if (!chunk) return NULL;
    chunk->next = NULL;
    chunk->size = size;
    return chunk;
}

/* Memory held stays within about twice what was handed out: a chunk is as large as all
 * before. */
static size_t next_chunk_size(const rsn_arena *a) {
    if (a->total < CHUNK_MIN) return CHUNK_MIN;
    return a->total < CHUNK_MAX ? a->total : CHUNK_MAX;
}

static bool round_request(const rsn_arena *a, size_t n_bytes, size_t *size) {
    if (n_bytes > PTRDIFF_MAX - sizeof(struct rsn_arena_chunk) - 2 * GRAIN) {
        (void)rsn_fail_memory(n_bytes);
        return false;
    }
    *size = n_bytes ? (n_bytes + GRAIN - 1) / GRAIN * GRAIN : GRAIN;
    if (a->limit && (a->total > a->limit || *size > a->limit - a->total)) {
        (void)rsn_fail(REASON_ERR_NO_MEMORY,
                       "not enough memory: %zu bytes beside %zu exceed the limit of %zu",
                       n_bytes, a->total, a->limit);
        return false;
    }
    return true;
}

void *rsn_arena_alloc(rsn_arena *a, size_t n_bytes) {
    size_t size;
    if (!round_request(a, n_bytes, &size)) return NULL;
    struct rsn_arena_chunk *head = a->chunks;
    if (head && size <= head->size - a->used) {
        void *p = head->data + a->used;
        a->used += size;
        a->total += size;
        return p;
    }
    size_t chunk_size = next_chunk_size(a);
    bool alone = head && size > chunk_size / 4;
    if (alone || size > chunk_size) chunk_size = size;
    struct rsn_arena_chunk *chunk = new_chunk(chunk_size);
    if (!chunk) return NULL;
    if (alone) { /* the rest of the newest chunk stays in use */
        chunk->next = head->next;
        head->next = chunk;
    } else {
        chunk->next = head;
        a->chunks = chunk;
        a->used = size;
    }
    a->total += size;
    return chunk->data;
}

void *rsn_arena_calloc2(rsn_arena *a, size_t n, size_t size) {
    uint64_t product;
    size_t n_bytes;
    if (!rsn_mul_u64(n, size, &product) || !rsn_to_size(product, &n_bytes)) {
        (void)rsn_fail(REASON_ERR_NO_MEMORY,
                       "not enough memory for %zu items of %zu bytes", n, size);
        return NULL;
    }
    void *p = rsn_arena_alloc(a, n_bytes);
    if (p) memset(p, 0, n_bytes);
    return p;
}

char *rsn_arena_strndup(rsn_arena *a, const char *text, size_t n_bytes) {
    if (n_bytes == SIZE_MAX) {
        (void)rsn_fail_memory(n_bytes);
        return NULL;
    }
    char *copy = rsn_arena_alloc(a, n_bytes + 1);
    if (!copy) return NULL;
    if (n_bytes) memcpy(copy, text, n_bytes);
    copy[n_bytes] = '\0';
    return copy;
}

size_t rsn_arena_held(const rsn_arena *a) {
    size_t held = 0;
    for (const struct rsn_arena_chunk *chunk = a->chunks; chunk; chunk = chunk->next)
        held += sizeof *chunk + chunk->size;
    return held;
}

void rsn_arena_free(rsn_arena *a) {
    struct rsn_arena_chunk *chunk = a->chunks;
    while (chunk) {
        struct rsn_arena_chunk *next = chunk->next;
        rsn_free_aligned(chunk);
        chunk = next;
    }
    a->chunks = NULL;
    a->used = 0;
    a->total = 0;
}
