/* Memory that is given back all at once: parsed headers, syntax trees, template values.
 */
#ifndef REASON_BASE_ARENA_H
#define REASON_BASE_ARENA_H

#include "base/alloc.h"

typedef struct rsn_arena {
    struct rsn_arena_chunk *chunks; /* newest first */
    size_t used;                    /* bytes used of the newest chunk */
    size_t total;                   /* bytes handed out */
    size_t limit;                   /* most bytes to hand out; 0: no limit */
} rsn_arena;

/* A zeroed rsn_arena is an empty one. */
void *rsn_arena_alloc(rsn_arena *a, size_t n_bytes); /* 16-byte aligned, not zeroed */
void *rsn_arena_calloc2(rsn_arena *a, size_t n, size_t size); /* zeroed */
char *rsn_arena_strndup(rsn_arena *a, const char *text, size_t n_bytes);
size_t rsn_arena_held(const rsn_arena *a); /* bytes of memory behind it */
void rsn_arena_free(rsn_arena *a); /* leaves it empty */

#endif
