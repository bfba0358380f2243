/* What a core can do at most: loops that do nothing but the instructions that the
 * products live on. Benchmarks divide by these, so that a share of the machine can be
 * stated. */
#ifndef REASON_KERNELS_PEAK_H
#define REASON_KERNELS_PEAK_H

#include <stddef.h>
#include <stdint.h>

#include "reason/reason.h"

typedef struct rsn_peak {
    reason_cpu level;
    /* Run `rounds` rounds; return the operations done, a multiply-add counted as two. */
    uint64_t (*int8)(uint64_t rounds);
    uint64_t (*float32)(uint64_t rounds);
} rsn_peak;

/* The loops of a level, or of the next lower one that this build has. */
const rsn_peak *rsn_peak_for(reason_cpu level);

/* Reads n bytes in order and returns something that depends on them. */
uint64_t rsn_peak_read(const unsigned char *bytes, size_t n);

extern const rsn_peak rsn_peak_generic, rsn_peak_avx2, rsn_peak_avxvnni, rsn_peak_avx512,
    rsn_peak_neon;

/* A place results go to, so that no loop is optimized away. */
extern _Atomic uint64_t rsn_peak_sink;

#endif
