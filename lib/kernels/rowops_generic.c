/* Operations on rows of floats in plain C: the definition that the other instruction sets
 * are tested against, and what runs on CPUs without one of them. Invariant: sums go in
 * the 16 lanes of table.h. */
#include "kernels/rowops.h"

#include <math.h>

#include "kernels/mathf.h"
#include "kernels/product.h"

enum { LANES = RSN_LANES };

static float sum_in_lanes(const float *x, size_t n) {
    float s[LANES] = {0};
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        for (size_t j = 0; j < LANES; j++) s[j] += x[i + j];
    }
    for (size_t j = 0; i + j < n; j++) s[j] += x[i + j];
    return rsn_fold_lanes(s);
}

static void take_larger(float *s, const float *x, size_t n) {
    for (size_t j = 0; j < n; j++) s[j] = x[j] > s[j] ? x[j] : s[j];
}

float rsn_dot_generic(const float *a, const float *b, size_t n) {
    float s[LANES] = {0};
    for (size_t i = 0; i < n; i++) s[i % LANES] = rsn_fmaf(a[i], b[i], s[i % LANES]);
    for (size_t i = n; i % LANES; i++) s[i % LANES] += 0.0f; /* may turn -0 into +0 */
    return rsn_fold_lanes(s);
}

void rsn_add_scaled_generic(float *y, const float *x, float s, size_t n) {
    for (size_t i = 0; i < n; i++) y[i] = rsn_fmaf(s, x[i], y[i]);
}

void rsn_add_generic(float *y, const float *x, size_t n) {
    for (size_t i = 0; i < n; i++) y[i] += x[i];
}

void rsn_scale_generic(float *x, float s, size_t n) {
    for (size_t i = 0; i < n; i++) x[i] *= s;
}

void rsn_f16_from_f32_generic(const float *x, uint16_t *out, size_t n) {
    for (size_t i = 0; i < n; i++) out[i] = rsn_f16_from_f32(x[i]);
}

void rsn_f32_from_f16_generic(const uint16_t *x, float *out, size_t n) {
    for (size_t i = 0; i < n; i++) out[i] = rsn_f16_to_f32(x[i]);
}

void rsn_f32_from_q8_0_generic(const void *x, float *out, size_t n) {
    rsn_type_decode(rsn_type_info_get(RSN_TYPE_Q8_0), x, out, n);
}

void rsn_f32_from_q4_0_generic(const void *x, float *out, size_t n) {
    rsn_type_decode(rsn_type_info_get(RSN_TYPE_Q4_0), x, out, n);
}

void rsn_rms_norm_generic(const float *x, const float *w, float *out, size_t n,
                          float eps) {
    float inverse = 1.0f / sqrtf(rsn_dot_generic(x, x, n) / (float)n + eps);
    for (size_t i = 0; i < n; i++) out[i] = x[i] * inverse * w[i];
}

void rsn_rope_generic(float *x, size_t n_rot, const float *cos_row, const float *sin_row,
                      bool adjacent) {
    size_t n_pairs = n_rot / 2, step = adjacent ? 2 : 1, apart = adjacent ? 1 : n_pairs;
    for (size_t i = 0; i < n_pairs; i++) {
        float a = x[step * i], b = x[step * i + apart];
        x[step * i] = a * cos_row[i] - b * sin_row[i];
        x[step * i + apart] = a * sin_row[i] + b * cos_row[i];
    }
}

void rsn_silu_mul_generic(const float *gate, const float *up, float *out, size_t n) {
    for (size_t i = 0; i < n; i++) {
        out[i] = gate[i] / (1.0f + rsn_expf(-gate[i])) * up[i];
    }
}

void rsn_relu2_mul_generic(const float *gate, const float *up, float *out, size_t n) {
    for (size_t i = 0; i < n; i++) {
        float positive = rsn_selectf(0.0f > gate[i], 0.0f, gate[i]);
        out[i] = positive * positive * up[i];
    }
}

void rsn_gelu_mul_generic(const float *gate, const float *up, float *out, size_t n) {
    for (size_t i = 0; i < n; i++) {
        float cubic = RSN_GELU_CUBIC * (gate[i] * gate[i]) + RSN_GELU_LINEAR;
        out[i] = gate[i] / (1.0f + rsn_expf(gate[i] * cubic)) * up[i];
    }
}

void rsn_soft_cap_generic(float *x, float cap, size_t n) {
    for (size_t i = 0; i < n; i++) x[i] = cap * rsn_tanhf(x[i] / cap);
}

/* Pairs (x[i], x[i + h]), i < h. */
static void add_and_subtract(float *x, size_t h) {
    for (size_t i = 0; i < h; i++) {
        float a = x[i], b = x[i + h];
        x[i] = a + b;
        x[i + h] = a - b;
    }
}

void rsn_hadamard_generic(float *x, size_t n) {
    if (n == 0) return;
    size_t block = rsn_hadamard_block(n);
    for (size_t h = 1; h < block; h *= 2) {
        for (size_t i = 0; i < n; i += 2 * h) add_and_subtract(x + i, h);
    }
    rsn_scale_generic(x, sqrtf(1.0f / (float)block), n);
}

float rsn_sum_magnitudes_generic(const float *x, size_t n) {
    float s[LANES] = {0};
    for (size_t i = 0; i < n; i++) s[i % LANES] += fabsf(x[i]);
    return rsn_fold_lanes(s);
}

void rsn_scale_clipped_generic(const float *x, float s, float low, float high, float *out,
                               size_t n) {
    for (size_t i = 0; i < n; i++) {
        float value = x[i] * s;
        value = value > low ? value : low;
        out[i] = value < high ? value : high;
    }
}

float rsn_max_generic(const float *x, size_t n) {
    float s[LANES];
    for (size_t j = 0; j < LANES; j++) s[j] = -INFINITY;
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) take_larger(s, x + i, LANES);
    take_larger(s, x + i, n - i);
    for (size_t half = LANES / 2; half > 0; half /= 2) take_larger(s, s + half, half);
    return s[0];
}

float rsn_exp_sum_generic(float *x, float shift, size_t n) {
    for (size_t i = 0; i < n; i++) x[i] = rsn_expf(x[i] - shift);
    return sum_in_lanes(x, n);
}
