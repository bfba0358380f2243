/* What rowops_impl.h needs beside single instructions: exp, tanh, the ends of rows,
 * written in the lanes of the header included before (lanes_<isa>.h). */
#ifndef REASON_KERNELS_LANES_MATH_H
#define REASON_KERNELS_LANES_MATH_H

#include "kernels/mathf.h"

/* rsn_expf() in every lane, step for step. */
RSN_INLINE lanes exp_lanes(lanes x) {
    lanes round = fill_lanes(RSN_EXPF_ROUND);
    x = max(fill_lanes(RSN_EXPF_LOW), x);
    x = min(fill_lanes(RSN_EXPF_HIGH), x);
    lanes biased = add(mul(x, fill_lanes(RSN_EXPF_LOG2E)), round);
    lanes n = sub(biased, round);
    lanes r = sub(x, mul(n, fill_lanes(RSN_EXPF_LN2_HIGH)));
    r = sub(r, mul(n, fill_lanes(RSN_EXPF_LN2_LOW)));
    lanes p = fill_lanes(RSN_EXPF_C4);
    p = add(mul(p, r), fill_lanes(RSN_EXPF_C3));
    p = add(mul(p, r), fill_lanes(RSN_EXPF_C2));
    p = add(mul(p, r), fill_lanes(RSN_EXPF_C1));
    p = add(mul(p, r), fill_lanes(RSN_EXPF_C0));
    p = add(fill_lanes(1.0f), add(r, mul(mul(r, r), p)));
    return scale_by_power(p, biased, round);
}

/* rsn_tanhf() in every lane, step for step. */
RSN_INLINE lanes tanh_lanes(lanes x) {
    lanes zero = fill_lanes(0), one = fill_lanes(1.0f);
    lanes z = mul(x, x), p = fill_lanes(RSN_TANHF_C4);
    p = add(mul(p, z), fill_lanes(RSN_TANHF_C3));
    p = add(mul(p, z), fill_lanes(RSN_TANHF_C2));
    p = add(mul(p, z), fill_lanes(RSN_TANHF_C1));
    p = add(mul(p, z), fill_lanes(RSN_TANHF_C0));
    lanes near = add(x, mul(mul(x, z), p));
    lanes size = select_greater(zero, x, sub(zero, x), x);
    lanes e = exp_lanes(add(size, size));
    lanes far = sub(one, divide(fill_lanes(2.0f), add(one, e)));
    far = select_greater(zero, x, sub(zero, far), far);
    return select_greater(fill_lanes(RSN_TANHF_NEAR), size, near, far);
}

/* n < 16 floats, then `rest` in the other lanes. */
RSN_INLINE lanes load_first(const float *p, size_t n, float rest) {
    float padded[16];
    store_f32(padded, fill_lanes(rest));
    memcpy(padded, p, n * sizeof *p);
    return load_f32(padded);
}

RSN_INLINE lanes load_first_f16(const uint16_t *p, size_t n) {
    uint16_t padded[16] = {0};
    memcpy(padded, p, n * sizeof *p);
    return load_f16(padded);
}

/* Only the first n < 16 lanes are written. */
RSN_INLINE void store_first(float *p, size_t n, lanes v) {
    float padded[16];
    store_f32(padded, v);
    memcpy(p, padded, n * sizeof *p);
}

RSN_INLINE void store_first_f16(uint16_t *p, size_t n, lanes v) {
    uint16_t padded[16];
    store_f16(padded, v);
    memcpy(p, padded, n * sizeof *p);
}

#endif
