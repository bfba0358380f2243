/* Growing arrays without macros that hide control flow: one function that makes room. */
#ifndef REASON_BASE_ARRAY_H
#define REASON_BASE_ARRAY_H

#include "base/alloc.h"

/* Makes room in *items (of `size` bytes each, *cap of them) for `need` items, at least
 * doubling. On failure nothing changes and NO_MEMORY is returned. */
reason_status rsn_grow(void **items, size_t *cap, size_t need, size_t size);

/* RSN_PUSH_ROOM(&a.items, &a.cap, a.n + 1): the same with the item size taken from the
 * pointer. */
#define RSN_GROW(items, cap, need)                                                       \
    rsn_grow((void **)(items), (cap), (need), sizeof **(items))

#endif
