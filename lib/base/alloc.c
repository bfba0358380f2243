/* Owns the process's allocator hooks and the size arithmetic of every allocation. When
 * hooks may change is left to the caller (before any handle lives; they are not locked).
 * Invariant: the hooks never see 0 bytes, more than PTRDIFF_MAX, or a NULL to release. */
#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/checked.h"

enum { ALIGNMENT = 64 };

/* From here on large pages are asked for. */
enum { LARGE = 4 << 20 };

static void *default_alloc(void *user, size_t n_bytes) {
    (void)user;
    return malloc(n_bytes);
}

static void *default_resize(void *user, void *p, size_t n_bytes) {
    (void)user;
    return realloc(p, n_bytes);
}

static void default_release(void *user, void *p) {
    (void)user;
    free(p);
}

static reason_allocator hooks = {sizeof hooks, default_alloc, default_resize,
                                 default_release, NULL};

reason_status rsn_alloc_set(const reason_allocator *allocator) {
    if (!allocator) {
        hooks = (reason_allocator){sizeof hooks, default_alloc, default_resize,
                                   default_release, NULL};
        return REASON_OK;
    }
    if (allocator->size < sizeof *allocator)
        return rsn_fail(REASON_ERR_INVALID_ARG,
                        "allocator: size is %zu, needed are %zu bytes", allocator->size,
                        sizeof *allocator);
    if (!allocator->alloc || !allocator->resize || !allocator->release)
        return rsn_fail(REASON_ERR_INVALID_ARG,
                        "allocator: alloc, resize and release must all be given");
    hooks = *allocator;
    return REASON_OK;
}

/* n * size, at least 1; false if no object can be that large. */
static bool count_bytes(size_t n, size_t size, size_t *n_bytes) {
    uint64_t product;
    if (!rsn_mul_u64(n, size, &product) || product > PTRDIFF_MAX) {
        (void)rsn_fail(REASON_ERR_NO_MEMORY,
                       "not enough memory for %zu items of %zu bytes", n, size);
        return false;
    }
    *n_bytes = product ? (size_t)product : 1;
    return true;
}

void *rsn_alloc2(size_t n, size_t size) {
    size_t n_bytes;
    if (!count_bytes(n, size, &n_bytes)) return NULL;
    void *p = hooks.alloc(hooks.user, n_bytes);
    if (!p) (void)rsn_fail_memory(n_bytes);
    return p;
}

void *rsn_alloc(size_t n_bytes) {
    return rsn_alloc2(n_bytes, 1);
}

void *rsn_calloc2(size_t n, size_t size) {
    size_t n_bytes;
    if (!count_bytes(n, size, &n_bytes)) return NULL;
    /* calloc gets zero pages from the system untouched, which large caches gain by. */
    if (hooks.alloc == default_alloc) {
        void *p = calloc(n_bytes, 1);
        if (!p) (void)rsn_fail_memory(n_bytes);
        return p;
    }
    void *p = rsn_alloc(n_bytes);
    if (p) memset(p, 0, n_bytes);
    return p;
}

void *rsn_resize2(void *p, size_t n, size_t size) {
    if (!p) return rsn_alloc2(n, size);
    size_t n_bytes;
    if (!count_bytes(n, size, &n_bytes)) return NULL;
    void *moved = hooks.resize(hooks.user, p, n_bytes);
    if (!moved) (void)rsn_fail_memory(n_bytes);
    return moved;
}

void rsn_free(void *p) {
    if (p) hooks.release(hooks.user, p);
}

/* Large memory in large pages: fewer of them to be got and looked up. */
static void advise_large_pages(char *p, size_t n_bytes) {
#if defined(MADV_HUGEPAGE)
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t first = ((uintptr_t)p + page - 1) / page * page;
    (void)madvise((void *)first, ((uintptr_t)p + n_bytes - first) / page * page,
                  MADV_HUGEPAGE);
#else
    (void)p, (void)n_bytes;
#endif
}

void *rsn_alloc_aligned(size_t n_bytes) {
    const size_t extra = ALIGNMENT - 1 + sizeof(void *);
    if (n_bytes > PTRDIFF_MAX - extra) {
        (void)rsn_fail_memory(n_bytes);
        return NULL;
    }
    char *raw = rsn_alloc(n_bytes + extra);
    if (!raw) return NULL;
    size_t past = (uintptr_t)(raw + sizeof(void *)) % ALIGNMENT;
    char *aligned = raw + sizeof(void *) + (past ? ALIGNMENT - past : 0);
    memcpy(aligned - sizeof(void *), &raw, sizeof raw); /* for rsn_free_aligned() */
    if (n_bytes >= LARGE) advise_large_pages(aligned, n_bytes);
    return aligned;
}

void rsn_free_aligned(void *p) {
    if (!p) return;
    void *raw;
    memcpy(&raw, (char *)p - sizeof raw, sizeof raw);
    rsn_free(raw);
}

char *rsn_strndup(const char *text, size_t n_bytes) {
    if (n_bytes == SIZE_MAX) {
        (void)rsn_fail_memory(n_bytes);
        return NULL;
    }
    char *copy = rsn_alloc(n_bytes + 1);
    if (!copy) return NULL;
    if (n_bytes) memcpy(copy, text, n_bytes);
    copy[n_bytes] = '\0';
    return copy;
}
