/* Least-squares fits of floats by a block of integers (block.h): scales are chosen so
 * that the sum of squared errors is small. Slow and exact; in double, so that neither
 * huge nor tiny weights overflow or vanish on the way. */
#ifndef REASON_QUANT_FIT_H
#define REASON_QUANT_FIT_H

#include <stddef.h>

#include "quant/block.h"

/* What a type can hold. */
typedef struct rsn_fit_shape {
    size_t elems, group_elems; /* weights of a block, of a group */
    int q_low, q_high;         /* range of the integers */
    const signed char *values; /* [16], ascending, what they may be; NULL: all in range */
    int scale_low, scale_high; /* range of group scales; of minimums [0, scale_high] */
} rsn_fit_shape;

/* Fills the whole block; d and dmin are halves. Weights that are not finite: d is NaN.
 * The first is for types without minimums: the group with the largest scale gets
 * scale_low. The second is for types with minimums: q_low and scale_low are 0. */
void rsn_fit_scales(const float *x, const rsn_fit_shape *shape, rsn_block *block);
void rsn_fit_scales_and_minimums(const float *x, const rsn_fit_shape *shape,
                                 rsn_block *block);

#endif
