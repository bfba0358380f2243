/* The table of weight types: how many weights share a block, how large a block is, and
 * how it is read and written. Everything else in the library asks this table instead of
 * knowing types. */
#ifndef REASON_QUANT_TYPES_H
#define REASON_QUANT_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "quant/block.h"

typedef enum rsn_type {
    RSN_TYPE_F32,
    RSN_TYPE_F16,
    RSN_TYPE_BF16,
    RSN_TYPE_Q4_0,
    RSN_TYPE_Q4_1,
    RSN_TYPE_Q5_0,
    RSN_TYPE_Q5_1,
    RSN_TYPE_Q8_0,
    RSN_TYPE_Q2_K,
    RSN_TYPE_Q3_K,
    RSN_TYPE_Q4_K,
    RSN_TYPE_Q5_K,
    RSN_TYPE_Q6_K,
    RSN_TYPE_IQ4_NL,
    RSN_TYPE_IQ4_XS,
    RSN_TYPE_TQ1_0,
    RSN_TYPE_TQ2_0,
    RSN_TYPE_I2_S,
    RSN_TYPE_I2_S_B, /* I2_S as ARM builds of its project write it; files do not tell */
    RSN_N_TYPES
} rsn_type;

/* What the other factor of a product with this type is. */
typedef enum rsn_act {
    RSN_ACT_F32,    /* float32, used as it is */
    RSN_ACT_Q8_32,  /* 8 bits with one float32 scale for 32 values */
    RSN_ACT_Q8_256, /* 8 bits with one float32 scale for 256 values */
    RSN_ACT_Q8_ROW, /* laid out as Q8_256, but all scales of a row are the same */
    RSN_N_ACTS
} rsn_act;

typedef struct rsn_type_info {
    rsn_type type;
    const char *name;   /* as in files and on the command line, "Q8_0" */
    uint32_t ggml_id;   /* its number in GGUF files; RSN_NO_GGML_ID: none of its own */
    size_t block_elems; /* weights in a block; a row is a whole number of blocks */
    size_t block_bytes;
    rsn_act act;
    /* Weights are integers times a scale (expand), or floats (decode); the other is
     * NULL. Neither src nor dst of blocks need be aligned; any bytes may be decoded, any
     * floats encoded. */
    void (*decode)(const void *src, float *dst, size_t n);
    void (*expand)(const void *src, rsn_block *block);
    size_t group_elems; /* weights that share an integer scale and minimum */
    bool has_min;
    /* Bytes behind a tensor's rows that begin with one float32, the scale of all its
     * weights; decoding and products leave it out. 0: there is none. */
    size_t tail_bytes;
    /* n weights, a multiple of block_elems; with a tail, weights already divided by the
     * tensor's scale. Finite weights decode to finite ones; NaN or infinity in a block
     * makes all of it NaN, but for types with a tail, where it becomes some value.
     * `importance`, [n], finite and at least 0, says how much each weight's error counts;
     * NULL: all alike. Types that leave no choice do not look at it. */
    void (*encode)(const float *src, const float *importance, void *dst, size_t n);
} rsn_type_info;

#define RSN_NO_GGML_ID UINT32_MAX

/* NULL if `type` is none of the enum. */
const rsn_type_info *rsn_type_info_get(rsn_type type);
/* The type with this number in GGUF files; NULL if this version does not handle it. */
const rsn_type_info *rsn_type_by_ggml(uint32_t id);
/* A name for messages, also of types that are not handled or were removed; "unknown"
 * otherwise. */
const char *rsn_type_ggml_name(uint32_t id);

/* n weights, a multiple of block_elems, without the tensor's own scale. */
void rsn_type_decode(const rsn_type_info *info, const void *src, float *dst, size_t n);
/* Bytes of a row of n weights, a multiple of block_elems. */
size_t rsn_type_row_bytes(const rsn_type_info *info, size_t n);

#endif
