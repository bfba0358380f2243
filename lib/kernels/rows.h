/* Registers with a 32-bit lane for each row of a group, in which products of blocks are
 * written: the types, and what they can do in any instruction set. Included by
 * rows_<isa>.h after GROUP_ROWS is defined; everything is inlined. */
#ifndef REASON_KERNELS_ROWS_H
#define REASON_KERNELS_ROWS_H

#include <stdbool.h>
#include <string.h>

#include "kernels/inline.h"
#include "kernels/q8.h"

/* Of the halves in front of a packed block. */
#define HALVES_BYTES (2 * (size_t)GROUP_ROWS)

/* Operators work on all lanes. A lane is a word, four codes or a pair of 16-bit values;
 * shifts are of words, so whoever shifts codes masks what came in from the next one. */
typedef uint32_t rows __attribute__((vector_size(4 * GROUP_ROWS)));
typedef int32_t signed_rows __attribute__((vector_size(4 * GROUP_ROWS)));
typedef float row_floats __attribute__((vector_size(4 * GROUP_ROWS)));
typedef uint8_t row_bytes __attribute__((vector_size(4 * GROUP_ROWS)));
typedef int8_t signed_row_bytes __attribute__((vector_size(4 * GROUP_ROWS)));
typedef int16_t row_pairs __attribute__((vector_size(4 * GROUP_ROWS)));
/* A number of 16 bits for each row. */
typedef uint16_t row_halves __attribute__((vector_size(2 * GROUP_ROWS)));

/* The same word in every lane. */
RSN_INLINE rows fill_rows(uint32_t word) {
    return (rows){0} + word;
}

/* Four bytes in every lane. */
RSN_INLINE rows fill_from(const void *p) {
    uint32_t word;
    memcpy(&word, p, sizeof word);
    return fill_rows(word);
}

/* The same float in every lane. As a word: adding a zero is no nothing with floats. */
RSN_INLINE row_floats fill_floats(const void *p) {
    return (row_floats)fill_from(p);
}

RSN_INLINE row_floats load_floats(const float *p) {
    row_floats v;
    memcpy(&v, p, sizeof v);
    return v;
}

RSN_INLINE void store_floats(float *p, row_floats v) {
    memcpy(p, &v, sizeof v);
}

/* Only the first n rows are written. */
RSN_INLINE void store_first_floats(float *p, size_t n, row_floats v) {
    memcpy(p, &v, n * sizeof *p);
}

/* 16 bits each of two words. */
RSN_INLINE rows pair(rows low, rows high) {
    return (low & 0xFFFFu) | high << 16;
}

/* Bit `from` of every byte moved to bit `to` and alone. */
RSN_INLINE rows move_bit(rows v, unsigned from, unsigned to) {
    rows moved = from > to ? v >> (from - to) : v << (to - from);
    return moved & 0x01010101u << to;
}

/* Byte n of each lane as a word. */
RSN_INLINE rows byte_of(rows v, unsigned n) {
    return v >> 8 * n & 0xFFu;
}

RSN_INLINE rows signed_byte_of(rows v, unsigned n) {
    return (rows)((signed_rows)(v << (24 - 8 * n)) >> 24);
}

#endif
