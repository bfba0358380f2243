/* What kernels ask of the compiler. */
#ifndef REASON_KERNELS_INLINE_H
#define REASON_KERNELS_INLINE_H

#include <stddef.h>
#include <stdint.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define RSN_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define RSN_SANITIZED 1
#endif
#endif

/* Kernels are templates by inlining: tile sizes and types arrive as constants. Not where a
 * sanitizer instruments every copy: the compiler would take many minutes. */
#if defined(RSN_SANITIZED)
#define RSN_INLINE static inline
#else
#define RSN_INLINE static inline __attribute__((always_inline))
#endif

/* For rare paths that would bloat the templates. */
#define RSN_NOINLINE static __attribute__((noinline))

/* Before a loop with few, constant turns whose arrays are to live in registers. */
#if defined(RSN_SANITIZED)
#define RSN_UNROLL
#define RSN_UNROLL_64
#define RSN_ROLLED
#elif defined(__clang__)
#define RSN_UNROLL _Pragma("clang loop unroll(full)")
#define RSN_UNROLL_64 RSN_UNROLL
#define RSN_ROLLED _Pragma("clang loop unroll(disable)")
#else
#define RSN_UNROLL _Pragma("GCC unroll 16")
#define RSN_UNROLL_64 _Pragma("GCC unroll 64")
#define RSN_ROLLED _Pragma("GCC unroll 1")
#endif

/* Asks for the cache lines of n bytes (a constant) from p + offset on, which may lie
 * behind the end of anything. A product reads several rows at once, in steps too small
 * for the hardware to foresee, so it asks for the next rows in the order of addresses:
 * twice the speed from memory. */
RSN_INLINE void prefetch_bytes(const void *p, size_t offset, size_t n) {
    uintptr_t at = (uintptr_t)p + offset;
    RSN_UNROLL
    for (size_t i = 0; i < n; i += 64) __builtin_prefetch((const void *)(at + i));
}

/* The same for n bytes that may be many, line by line: unrolled, so many requests come at
 * once that the core drops some. That halved the speed from memory. */
RSN_INLINE void prefetch_block(const void *p, size_t n) {
    uintptr_t at = (uintptr_t)p;
    RSN_ROLLED
    for (size_t i = 0; i < n; i += 64) __builtin_prefetch((const void *)(at + i));
}

#endif
