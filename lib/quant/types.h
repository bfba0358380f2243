/* The table of weight types: how many weights share a block, how large a block is, and
 * how it is read and written. Everything else in the library asks this table instead of
 * knowing types. */
#ifndef REASON_QUANT_TYPES_H
#define REASON_QUANT_TYPES_H

#include <stddef.h>
#include <stdint.h>

typedef enum rsn_type {
    RSN_TYPE_F32,
    RSN_TYPE_F16,
    RSN_TYPE_BF16,
    RSN_TYPE_Q8_0,
    RSN_N_TYPES
} rsn_type;

/* What the other factor of a product with this type is. */
typedef enum rsn_act {
    RSN_ACT_F32,  /* float32, used as it is */
    RSN_ACT_Q8_32 /* 8 bits with one float32 scale for 32 values */
} rsn_act;

typedef struct rsn_type_info {
    rsn_type type;
    const char *name;   /* as in files and on the command line, "Q8_0" */
    uint32_t ggml_id;   /* its number in GGUF files */
    size_t block_elems; /* weights in a block; a row is a whole number of blocks */
    size_t block_bytes;
    rsn_act act;
    /* n weights, a multiple of block_elems. Neither src nor dst of blocks need be
     * aligned; any bytes may be decoded, any floats encoded. */
    void (*decode)(const void *src, float *dst, size_t n);
    void (*encode)(const float *src, void *dst, size_t n);
} rsn_type_info;

/* NULL if `type` is none of the enum. */
const rsn_type_info *rsn_type_info_get(rsn_type type);
/* The type with this number in GGUF files; NULL if this version does not handle it. */
const rsn_type_info *rsn_type_by_ggml(uint32_t id);
/* A name for messages, also of types that are not handled or were removed; "unknown"
 * otherwise. */
const char *rsn_type_ggml_name(uint32_t id);

#endif
