/* Owns the table of weight types and the names of all published ones. Codecs are in the
 * file of each family. Invariant: row i of the table is type i. */
#include "quant/types.h"

#include "quant/codecs.h"

static const rsn_type_info TYPES[RSN_N_TYPES] = {
    [RSN_TYPE_F32] = {RSN_TYPE_F32, "F32", 0, 1, 4, RSN_ACT_F32, rsn_quant_f32_decode,
                      rsn_quant_f32_encode},
    [RSN_TYPE_F16] = {RSN_TYPE_F16, "F16", 1, 1, 2, RSN_ACT_F32, rsn_quant_f16_decode,
                      rsn_quant_f16_encode},
    [RSN_TYPE_BF16] = {RSN_TYPE_BF16, "BF16", 30, 1, 2, RSN_ACT_F32,
                       rsn_quant_bf16_decode, rsn_quant_bf16_encode},
    [RSN_TYPE_Q8_0] = {RSN_TYPE_Q8_0, "Q8_0", 8, 32, 34, RSN_ACT_Q8_32,
                       rsn_quant_q8_0_decode, rsn_quant_q8_0_encode},
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
    [37] = "I8_S",
    [38] = "TL1",
    [39] = "TL2 or MXFP4", /* two projects gave out this number */
};

const rsn_type_info *rsn_type_info_get(rsn_type type) {
    return (unsigned)type < RSN_N_TYPES ? &TYPES[type] : NULL;
}

const rsn_type_info *rsn_type_by_ggml(uint32_t id) {
    for (size_t i = 0; i < RSN_N_TYPES; i++) {
        if (TYPES[i].ggml_id == id) return &TYPES[i];
    }
    return NULL;
}

const char *rsn_type_ggml_name(uint32_t id) {
    size_t n = sizeof GGML_NAMES / sizeof *GGML_NAMES;
    return id < n ? GGML_NAMES[id] : "unknown";
}
