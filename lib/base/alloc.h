/* Every allocation of the library goes through here, so that a host can replace the
 * allocator and tests can make the n-th allocation fail. All return NULL on failure and
 * set the thread's last error; n = 0 gives a valid pointer. */
#ifndef REASON_BASE_ALLOC_H
#define REASON_BASE_ALLOC_H

#include "base/status.h"

void *rsn_alloc(size_t n_bytes);
void *rsn_alloc2(size_t n, size_t size);  /* n * size bytes, overflow checked */
void *rsn_calloc2(size_t n, size_t size); /* the same, zeroed */
void *rsn_resize2(void *p, size_t n, size_t size);
void rsn_free(void *p); /* NULL is fine */
/* 64-byte aligned, for kernels; freed by rsn_free_aligned only. */
void *rsn_alloc_aligned(size_t n_bytes);
void rsn_free_aligned(void *p);
char *rsn_strndup(const char *text, size_t n_bytes); /* NUL-terminated copy */

reason_status rsn_alloc_set(
    const reason_allocator *allocator); /* NULL: malloc and friends */

#endif
