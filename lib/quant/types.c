/* Owns the table of weight types and the names of all published ones. Codecs are in the
 * file of each family. Invariant: row i of the table is type i. */
#include "quant/types.h"

#include "quant/codecs.h"

#define FLOATS(type_, name_, id, bytes, stem)                                            \
    [RSN_TYPE_##type_] = {.type = RSN_TYPE_##type_,                                      \
                          .name = name_,                                                 \
                          .ggml_id = id,                                                 \
                          .block_elems = 1,                                              \
                          .block_bytes = bytes,                                          \
                          .act = RSN_ACT_F32,                                            \
                          .decode = rsn_quant_##stem##_decode,                           \
                          .encode = rsn_quant_##stem##_encode}

#define BLOCKS(type_, name_, id, elems, bytes, group, act_, stem, min, tail)             \
    [RSN_TYPE_##type_] = {.type = RSN_TYPE_##type_,                                      \
                          .name = name_,                                                 \
                          .ggml_id = id,                                                 \
                          .block_elems = elems,                                          \
                          .block_bytes = bytes,                                          \
                          .group_elems = group,                                          \
                          .act = RSN_ACT_##act_,                                         \
                          .expand = rsn_quant_##stem##_expand,                           \
                          .encode = rsn_quant_##stem##_encode,                           \
                          .has_min = min,                                                \
                          .tail_bytes = tail}

static const rsn_type_info TYPES[RSN_N_TYPES] = {
    FLOATS(F32, "F32", 0, 4, f32),
    FLOATS(F16, "F16", 1, 2, f16),
    FLOATS(BF16, "BF16", 30, 2, bf16),
    BLOCKS(Q4_0, "Q4_0", 2, 32, 18, 32, Q8_32, q4_0, false, 0),
    BLOCKS(Q4_1, "Q4_1", 3, 32, 20, 32, Q8_32, q4_1, true, 0),
    BLOCKS(Q5_0, "Q5_0", 6, 32, 22, 32, Q8_32, q5_0, false, 0),
    BLOCKS(Q5_1, "Q5_1", 7, 32, 24, 32, Q8_32, q5_1, true, 0),
    BLOCKS(Q8_0, "Q8_0", 8, 32, 34, 32, Q8_32, q8_0, false, 0),
    BLOCKS(Q2_K, "Q2_K", 10, 256, 84, 16, Q8_256, q2_k, true, 0),
    BLOCKS(Q3_K, "Q3_K", 11, 256, 110, 16, Q8_256, q3_k, false, 0),
    BLOCKS(Q4_K, "Q4_K", 12, 256, 144, 32, Q8_256, q4_k, true, 0),
    BLOCKS(Q5_K, "Q5_K", 13, 256, 176, 32, Q8_256, q5_k, true, 0),
    BLOCKS(Q6_K, "Q6_K", 14, 256, 210, 16, Q8_256, q6_k, false, 0),
    BLOCKS(IQ4_NL, "IQ4_NL", 20, 32, 18, 32, Q8_32, iq4_nl, false, 0),
    BLOCKS(IQ4_XS, "IQ4_XS", 23, 256, 136, 32, Q8_256, iq4_xs, false, 0),
    BLOCKS(TQ1_0, "TQ1_0", 34, 256, 54, 256, Q8_256, tq1_0, false, 0),
    BLOCKS(TQ2_0, "TQ2_0", 35, 256, 66, 256, Q8_256, tq2_0, false, 0),
    BLOCKS(I2_S, "I2_S", 36, 128, 32, 128, Q8_ROW, i2_s, false, 32),
    BLOCKS(I2_S_B, "I2_S layout B", RSN_NO_GGML_ID, 64, 16, 64, Q8_ROW, i2_s_b,
           false, 32),
};

static const char *const GGML_NAMES[] = {
    [0] = "F32",
    [1] = "F16",
    [2] = "Q4_0",
    [3] = "Q4_1",
    [4] = "Q4_2 (removed)",
    [5] = "Q4_3 (removed)",
    [6] = "Q5_0",
    [7] = "Q5_1",
    [8] = "Q8_0",
    [9] = "Q8_1",
    [10] = "Q2_K",
    [11] = "Q3_K",
    [12] = "Q4_K",
    [13] = "Q5_K",
    [14] = "Q6_K",
    [15] = "Q8_K",
    [16] = "IQ2_XXS",
    [17] = "IQ2_XS",
    [18] = "IQ3_XXS",
    [19] = "IQ1_S",
    [20] = "IQ4_NL",
    [21] = "IQ3_S",
    [22] = "IQ2_S",
    [23] = "IQ4_XS",
    [24] = "I8",
    [25] = "I16",
    [26] = "I32",
    [27] = "I64",
    [28] = "F64",
    [29] = "IQ1_M",
    [30] = "BF16",
    [31] = "Q4_0_4_4 (removed)",
    [32] = "Q4_0_4_8 (removed)",
    [33] = "Q4_0_8_8 (removed)",
    [34] = "TQ1_0",
    [35] = "TQ2_0",
    [36] = "I2_S",
    /* two projects gave out these numbers */
    [37] = "I8_S or IQ4_NL_4_8 (removed)",
    [38] = "TL1 or IQ4_NL_8_8 (removed)",
    [39] = "TL2 or MXFP4",
};

const rsn_type_info *rsn_type_info_get(rsn_type type) {
    return (unsigned)type < RSN_N_TYPES ? &TYPES[type] : NULL;
}

const rsn_type_info *rsn_type_by_ggml(uint32_t id) {
    for (size_t i = 0; i < RSN_N_TYPES && id != RSN_NO_GGML_ID; i++) {
        if (TYPES[i].ggml_id == id) return &TYPES[i];
    }
    return NULL;
}

const char *rsn_type_ggml_name(uint32_t id) {
    size_t n = sizeof GGML_NAMES / sizeof *GGML_NAMES;
    return id < n ? GGML_NAMES[id] : "unknown";
}

size_t rsn_type_row_bytes(const rsn_type_info *info, size_t n) {
    return n / info->block_elems * info->block_bytes;
}

static void decode_block(const rsn_type_info *info, const uint8_t *src, float *dst) {
    rsn_block block;
    info->expand(src, &block);
    for (size_t g = 0; g < info->block_elems / info->group_elems; g++) {
        const float scale = block.d * (float)block.scale[g];
        const float min = block.dmin * (float)block.min[g];
        for (size_t i = g * info->group_elems; i < (g + 1) * info->group_elems; i++) {
            float weight = scale * (float)block.q[i];
            dst[i] = info->has_min ? weight - min : weight;
        }
    }
}

void rsn_type_decode(const rsn_type_info *info, const void *src, float *dst, size_t n) {
    if (info->decode) {
        info->decode(src, dst, n);
        return;
    }
    const uint8_t *in = src;
    for (size_t i = 0; i + info->block_elems <= n; i += info->block_elems) {
        decode_block(info, in, dst + i);
        in += info->block_bytes;
    }
}
