/* A block of weights as integers: what decoding and every product start from. */
#ifndef REASON_QUANT_BLOCK_H
#define REASON_QUANT_BLOCK_H

#include <stdint.h>

enum { RSN_BLOCK_ELEMS = 256, RSN_BLOCK_GROUPS = 16 };

/* weight[i] = (d * scale[g]) * q[i] - (dmin * min[g]), g the group of i. A type without
 * minimums leaves dmin and min at 0. Any bytes of a file give some block. */
typedef struct rsn_block {
    int8_t q[RSN_BLOCK_ELEMS];
    int16_t scale[RSN_BLOCK_GROUPS]; /* in [-128, 127] */
    int16_t min[RSN_BLOCK_GROUPS];   /* in [0, 63] */
    float d, dmin;
} rsn_block;

#endif
