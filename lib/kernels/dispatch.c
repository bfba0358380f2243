/* Owns the choice of kernels: one table per level, and the only place that knows which
 * function serves which level. Which level to run is base/cpu.h's matter; the build says
 * with RSN_HAVE_* which ones it compiled. Invariant: a table holds nothing its level's
 * CPUs cannot run. */
#include "kernels/attention.h"
#include "kernels/encode.h"
#include "kernels/product.h"
#include "kernels/q8.h"
#include "kernels/rowops.h"

#define ENCODER(type, stem, isa) [RSN_TYPE_##type] = rsn_encode_##stem##_##isa,
#define ENCODERS(isa) .encode = {RSN_ENCODED_TYPES(ENCODER, isa)}
#define PRODUCT(isa, type, stem) [RSN_TYPE_##type] = rsn_product_##stem##_##isa,

/* Products of blocks come from one instruction set, all else from another: AVX-VNNI has
 * nothing for floats. */
#define LEVEL(blocks_isa, isa)                                                           \
    .product = {RSN_BLOCK_TYPES(PRODUCT, blocks_isa) RSN_FLOAT_TYPES(PRODUCT, isa)},     \
    .quantize_q8 = rsn_quantize_q8_##isa, .quantize_q8_256 = rsn_quantize_q8_256_##isa,  \
    .quantize_q8_row = rsn_quantize_q8_row_##isa,                                        \
    .quantize_q4_row = rsn_quantize_q4_row_##isa, .hadamard = rsn_hadamard_##isa,        \
    .dot = rsn_dot_##isa, .add_scaled = rsn_add_scaled_##isa, .add = rsn_add_##isa,      \
    .scale = rsn_scale_##isa, .f16_from_f32 = rsn_f16_from_f32_##isa,                    \
    .f32_from_q8_0 = rsn_f32_from_q8_0_##isa,                                            \
    .f32_from_q4_0 = rsn_f32_from_q4_0_##isa,                                            \
    .f32_from_f16 = rsn_f32_from_f16_##isa, .rms_norm = rsn_rms_norm_##isa,              \
    .rope = rsn_rope_##isa, .silu_mul = rsn_silu_mul_##isa,                              \
    .relu2_mul = rsn_relu2_mul_##isa, .gelu_mul = rsn_gelu_mul_##isa,                    \
    .soft_cap = rsn_soft_cap_##isa, .max = rsn_max_##isa,                                \
    .exp_sum = rsn_exp_sum_##isa, .attend = rsn_attend_##isa

static const rsn_kernels GENERIC = {.level = REASON_CPU_GENERIC, .group_rows = 1,
                                    LEVEL(generic, generic)};

#if defined(RSN_HAVE_AVX2)
static const rsn_kernels AVX2 = {.level = REASON_CPU_AVX2, .group_rows = 8,
                                 ENCODERS(avx2), LEVEL(avx2, avx2)};
#endif

#if defined(RSN_HAVE_AVXVNNI) && defined(RSN_HAVE_AVX2)
static const rsn_kernels AVXVNNI = {.level = REASON_CPU_AVXVNNI, .group_rows = 8,
                                    ENCODERS(avx2), LEVEL(avxvnni, avx2)};
#endif

#if defined(RSN_HAVE_AVX512) && defined(RSN_HAVE_AVX2)
static const rsn_kernels AVX512 = {.level = REASON_CPU_AVX512, .group_rows = 16,
                                   ENCODERS(avx512), LEVEL(avx512, avx512)};
#endif

#if defined(RSN_HAVE_NEON)
static const rsn_kernels NEON = {.level = REASON_CPU_NEON, .group_rows = 4,
                                 ENCODERS(neon), LEVEL(neon, neon)};
#endif

const rsn_kernels *rsn_kernels_for(reason_cpu level) {
    switch (level) {
#if defined(RSN_HAVE_NEON)
    case REASON_CPU_NEON: return &NEON;
#endif
    case REASON_CPU_AVX512:
#if defined(RSN_HAVE_AVX512) && defined(RSN_HAVE_AVX2)
        return &AVX512;
#elif defined(RSN_HAVE_AVX2)
        return &AVX2; /* AVX-512 does not promise AVX-VNNI */
#else
        return &GENERIC;
#endif
    case REASON_CPU_AVXVNNI:
#if defined(RSN_HAVE_AVXVNNI) && defined(RSN_HAVE_AVX2)
        return &AVXVNNI;
#elif defined(RSN_HAVE_AVX2)
        return &AVX2;
#else
        return &GENERIC;
#endif
    case REASON_CPU_AVX2:
#if defined(RSN_HAVE_AVX2)
        return &AVX2;
#else
        return &GENERIC;
#endif
    default: return &GENERIC;
    }
}

size_t rsn_act_row_bytes(rsn_act kind, size_t k) {
    if (kind == RSN_ACT_F32) return k * sizeof(float);
    size_t bytes = kind == RSN_ACT_Q8_32
                       ? rsn_q8_sums_at(k) + k / RSN_Q8_BLOCK * sizeof(int32_t)
                       : rsn_q8_256_digits_at(k) + rsn_q8_256_blocks(k) * RSN_Q8_256_DIGITS;
    return (bytes + 63) / 64 * 64;
}
