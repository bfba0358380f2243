/* Operations on rows of floats, for each instruction set. Only dispatch.c chooses among
 * them; what they compute is said in table.h. */
#ifndef REASON_KERNELS_ROWOPS_H
#define REASON_KERNELS_ROWOPS_H

#include "kernels/table.h"

/* The end of a sum in the 16 lanes of table.h, for plain C. */
enum { RSN_LANES = 16 };
static inline float rsn_fold_lanes(float *s) {
    for (size_t half = RSN_LANES / 2; half > 0; half /= 2) {
        for (size_t j = 0; j < half; j++) s[j] += s[j + half];
    }
    return s[0];
}

#define RSN_DECLARE_ROWOPS(isa)                                                          \
    float rsn_dot_##isa(const float *a, const float *b, size_t n);                       \
    void rsn_add_scaled_##isa(float *y, const float *x, float s, size_t n);              \
    void rsn_add_##isa(float *y, const float *x, size_t n);                              \
    void rsn_scale_##isa(float *x, float s, size_t n);                                   \
    void rsn_f16_from_f32_##isa(const float *x, uint16_t *out, size_t n);                \
    void rsn_f32_from_f16_##isa(const uint16_t *x, float *out, size_t n);                \
    void rsn_f32_from_q8_0_##isa(const void *x, float *out, size_t n);                   \
    void rsn_f32_from_q4_0_##isa(const void *x, float *out, size_t n);                   \
    void rsn_rms_norm_##isa(const float *x, const float *w, float *out, size_t n,        \
                            float eps);                                                  \
    void rsn_rope_##isa(float *x, size_t n_rot, const float *cos_row,                    \
                        const float *sin_row, bool adjacent);                            \
    void rsn_silu_mul_##isa(const float *gate, const float *up, float *out, size_t n);   \
    void rsn_relu2_mul_##isa(const float *gate, const float *up, float *out, size_t n);  \
    void rsn_gelu_mul_##isa(const float *gate, const float *up, float *out, size_t n);   \
    void rsn_soft_cap_##isa(float *x, float cap, size_t n);                              \
    void rsn_hadamard_##isa(float *x, size_t n);                                         \
    float rsn_sum_magnitudes_##isa(const float *x, size_t n);                            \
    void rsn_scale_clipped_##isa(const float *x, float s, float low, float high,         \
                                 float *out, size_t n);                                  \
    float rsn_max_##isa(const float *x, size_t n);                                       \
    float rsn_exp_sum_##isa(float *x, float shift, size_t n);

/* Two of them are steps of quantize_q4_row and in no table: sum_magnitudes gives the sum
 * of |x| in 16 lanes, scale_clipped writes x * s with what is beyond a limit put on it. */
RSN_DECLARE_ROWOPS(generic)
RSN_DECLARE_ROWOPS(avx2)
RSN_DECLARE_ROWOPS(avx512)
RSN_DECLARE_ROWOPS(neon)

/* Values of a block of `hadamard`: the largest power of two that divides n > 0. */
static inline size_t rsn_hadamard_block(size_t n) {
    return n & (~n + 1);
}

#endif
