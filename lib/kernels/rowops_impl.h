/* Operations on rows of floats, written in the lanes of the header included before
 * (lanes_<isa>.h). The includer defines LANES_NAME(x), x with the instruction set
 * appended. Each function takes 16 floats at a time and the rest of the row in a padded
 * copy; all reads of a step come before its write, so that a row may be its own result
 * where table.h allows it. Invariant: the same bits as rowops_generic.c. */
#include <math.h>

#include "kernels/lanes_math.h"
#include "kernels/product.h"
#include "kernels/rowops.h"

float LANES_NAME(rsn_dot)(const float *a, const float *b, size_t n) {
    lanes sum = fill_lanes(0);
    size_t i = 0;
    for (; i + 16 <= n; i += 16) sum = fuse(load_f32(a + i), load_f32(b + i), sum);
    if (i < n)
        sum = fuse(load_first(a + i, n - i, 0), load_first(b + i, n - i, 0), sum);
    return fold_sum(sum);
}

void LANES_NAME(rsn_add_scaled)(float *y, const float *x, float s, size_t n) {
    lanes factor = fill_lanes(s);
    size_t i = 0;
    for (; i + 16 <= n; i += 16)
        store_f32(y + i, fuse(factor, load_f32(x + i), load_f32(y + i)));
    if (i == n) return;
    lanes x_last = load_first(x + i, n - i, 0), y_last = load_first(y + i, n - i, 0);
    store_first(y + i, n - i, fuse(factor, x_last, y_last));
}

void LANES_NAME(rsn_add)(float *y, const float *x, size_t n) {
    size_t i = 0;
    for (; i + 16 <= n; i += 16) store_f32(y + i, add(load_f32(y + i), load_f32(x + i)));
    if (i == n) return;
    lanes sum = add(load_first(y + i, n - i, 0), load_first(x + i, n - i, 0));
    store_first(y + i, n - i, sum);
}

void LANES_NAME(rsn_scale)(float *x, float s, size_t n) {
    lanes factor = fill_lanes(s);
    size_t i = 0;
    for (; i + 16 <= n; i += 16) store_f32(x + i, mul(load_f32(x + i), factor));
    if (i < n) store_first(x + i, n - i, mul(load_first(x + i, n - i, 0), factor));
}

void LANES_NAME(rsn_f16_from_f32)(const float *x, uint16_t *out, size_t n) {
    size_t i = 0;
    for (; i + 16 <= n; i += 16) store_f16(out + i, load_f32(x + i));
    if (i < n) store_first_f16(out + i, n - i, load_first(x + i, n - i, 0));
}

void LANES_NAME(rsn_f32_from_f16)(const uint16_t *x, float *out, size_t n) {
    size_t i = 0;
    for (; i + 16 <= n; i += 16) store_f32(out + i, load_f16(x + i));
    if (i < n) store_first(out + i, n - i, load_first_f16(x + i, n - i));
}

void LANES_NAME(rsn_f32_from_q8_0)(const void *x, float *out, size_t n) {
    const uint8_t *block = x;
    for (size_t i = 0; i + 32 <= n; i += 32, block += 34) {
        lanes scale = fill_lanes(rsn_f16_to_f32(rsn_load_u16(block)));
        store_f32(out + i, mul(scale, load_i8(block + 2)));
        store_f32(out + i + 16, mul(scale, load_i8(block + 18)));
    }
}

void LANES_NAME(rsn_f32_from_q4_0)(const void *x, float *out, size_t n) {
    const uint8_t *block = x;
    lanes eight = fill_lanes(8);
    for (size_t i = 0; i + 32 <= n; i += 32, block += 18) {
        lanes scale = fill_lanes(rsn_f16_to_f32(rsn_load_u16(block))), low, high;
        load_nibbles(block + 2, &low, &high);
        store_f32(out + i, mul(scale, sub(low, eight)));
        store_f32(out + i + 16, mul(scale, sub(high, eight)));
    }
}

void LANES_NAME(rsn_rms_norm)(const float *x, const float *w, float *out, size_t n,
                              float eps) {
    float mean = LANES_NAME(rsn_dot)(x, x, n) / (float)n;
    lanes inverse = fill_lanes(1.0f / sqrtf(mean + eps));
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        store_f32(out + i, mul(mul(load_f32(x + i), inverse), load_f32(w + i)));
    }
    if (i == n) return;
    lanes scaled = mul(load_first(x + i, n - i, 0), inverse);
    store_first(out + i, n - i, mul(scaled, load_first(w + i, n - i, 0)));
}

/* The compiler makes vectors of this one: neighbours have to change places. */
static void rotate_adjacent(float *x, size_t n_pairs, const float *cos_row,
                            const float *sin_row) {
    for (size_t i = 0; i < n_pairs; i++) {
        float a = x[2 * i], b = x[2 * i + 1];
        x[2 * i] = a * cos_row[i] - b * sin_row[i];
        x[2 * i + 1] = a * sin_row[i] + b * cos_row[i];
    }
}

void LANES_NAME(rsn_rope)(float *x, size_t n_rot, const float *cos_row,
                          const float *sin_row, bool adjacent) {
    size_t n_pairs = n_rot / 2, i = 0;
    float *y = x + n_pairs;
    if (adjacent) {
        rotate_adjacent(x, n_pairs, cos_row, sin_row);
        return;
    }
    for (; i + 16 <= n_pairs; i += 16) {
        lanes a = load_f32(x + i), b = load_f32(y + i);
        lanes c = load_f32(cos_row + i), s = load_f32(sin_row + i);
        store_f32(x + i, sub(mul(a, c), mul(b, s)));
        store_f32(y + i, add(mul(a, s), mul(b, c)));
    }
    if (i == n_pairs) return;
    size_t n = n_pairs - i;
    lanes a = load_first(x + i, n, 0), b = load_first(y + i, n, 0);
    lanes c = load_first(cos_row + i, n, 0), s = load_first(sin_row + i, n, 0);
    store_first(x + i, n, sub(mul(a, c), mul(b, s)));
    store_first(y + i, n, add(mul(a, s), mul(b, c)));
}

RSN_INLINE lanes silu_lanes(lanes gate) {
    lanes exponential = exp_lanes(sub(fill_lanes(0), gate));
    return divide(gate, add(fill_lanes(1.0f), exponential));
}

void LANES_NAME(rsn_silu_mul)(const float *gate, const float *up, float *out, size_t n) {
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        store_f32(out + i, mul(silu_lanes(load_f32(gate + i)), load_f32(up + i)));
    }
    if (i == n) return;
    lanes last = silu_lanes(load_first(gate + i, n - i, 0));
    store_first(out + i, n - i, mul(last, load_first(up + i, n - i, 0)));
}

RSN_INLINE lanes relu2_lanes(lanes gate) {
    lanes positive = max(fill_lanes(0), gate); /* this way round NaN stays */
    return mul(positive, positive);
}

void LANES_NAME(rsn_relu2_mul)(const float *gate, const float *up, float *out, size_t n) {
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        store_f32(out + i, mul(relu2_lanes(load_f32(gate + i)), load_f32(up + i)));
    }
    if (i == n) return;
    lanes last = relu2_lanes(load_first(gate + i, n - i, 0));
    store_first(out + i, n - i, mul(last, load_first(up + i, n - i, 0)));
}

RSN_INLINE lanes gelu_lanes(lanes gate) {
    lanes cubic = mul(fill_lanes(RSN_GELU_CUBIC), mul(gate, gate));
    cubic = add(cubic, fill_lanes(RSN_GELU_LINEAR));
    return divide(gate, add(fill_lanes(1.0f), exp_lanes(mul(gate, cubic))));
}

void LANES_NAME(rsn_gelu_mul)(const float *gate, const float *up, float *out, size_t n) {
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        store_f32(out + i, mul(gelu_lanes(load_f32(gate + i)), load_f32(up + i)));
    }
    if (i == n) return;
    lanes last = gelu_lanes(load_first(gate + i, n - i, 0));
    store_first(out + i, n - i, mul(last, load_first(up + i, n - i, 0)));
}

RSN_INLINE lanes cap_lanes(lanes x, lanes cap) {
    return mul(cap, tanh_lanes(divide(x, cap)));
}

void LANES_NAME(rsn_soft_cap)(float *x, float cap, size_t n) {
    lanes caps = fill_lanes(cap);
    size_t i = 0;
    for (; i + 16 <= n; i += 16) store_f32(x + i, cap_lanes(load_f32(x + i), caps));
    if (i < n) store_first(x + i, n - i, cap_lanes(load_first(x + i, n - i, 0), caps));
}

/* A stage of the transform within 16 lanes: `partner` is v with each pair's lanes
 * swapped, `signs` is 1 in a pair's first lane and -1 in its second. */
RSN_INLINE lanes butterfly(lanes v, lanes partner, const float *signs) {
    return add(partner, mul(load_f32(signs), v));
}

/* The stages of pairs up to 8 apart. */
RSN_INLINE lanes hadamard_lanes(lanes v, size_t block) {
    static const float signs[4][16] = {
        {1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1},
        {1, 1, -1, -1, 1, 1, -1, -1, 1, 1, -1, -1, 1, 1, -1, -1},
        {1, 1, 1, 1, -1, -1, -1, -1, 1, 1, 1, 1, -1, -1, -1, -1},
        {1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1, -1}};
    if (block > 1) v = butterfly(v, swap_1(v), signs[0]);
    if (block > 2) v = butterfly(v, swap_2(v), signs[1]);
    if (block > 4) v = butterfly(v, swap_4(v), signs[2]);
    if (block > 8) v = butterfly(v, swap_8(v), signs[3]);
    return v;
}

/* The stages of pairs 16 apart and more, of one block. */
static void hadamard_wide(float *x, size_t block) {
    for (size_t h = 16; h < block; h *= 2) {
        for (size_t i = 0; i < block; i += 16) {
            if (i & h) continue;
            lanes a = load_f32(x + i), b = load_f32(x + i + h);
            store_f32(x + i, add(a, b));
            store_f32(x + i + h, sub(a, b));
        }
    }
}

void LANES_NAME(rsn_hadamard)(float *x, size_t n) {
    if (n == 0) return;
    size_t block = rsn_hadamard_block(n), i = 0;
    for (; i + 16 <= n; i += 16) store_f32(x + i, hadamard_lanes(load_f32(x + i), block));
    if (i < n) /* blocks of 8 or less */
        store_first(x + i, n - i, hadamard_lanes(load_first(x + i, n - i, 0), block));
    for (i = 0; block > 16 && i < n; i += block) hadamard_wide(x + i, block);
    LANES_NAME(rsn_scale)(x, sqrtf(1.0f / (float)block), n);
}

RSN_INLINE lanes magnitude(lanes x) {
    return max(sub(fill_lanes(0), x), x); /* this way round NaN stays */
}

float LANES_NAME(rsn_sum_magnitudes)(const float *x, size_t n) {
    lanes sum = fill_lanes(0);
    size_t i = 0;
    for (; i + 16 <= n; i += 16) sum = add(sum, magnitude(load_f32(x + i)));
    if (i < n) sum = add(sum, magnitude(load_first(x + i, n - i, 0)));
    return fold_sum(sum);
}

void LANES_NAME(rsn_scale_clipped)(const float *x, float s, float low, float high,
                                   float *out, size_t n) {
    lanes factor = fill_lanes(s), least = fill_lanes(low), most = fill_lanes(high);
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        lanes value = max(mul(load_f32(x + i), factor), least);
        store_f32(out + i, min(value, most));
    }
    if (i == n) return;
    lanes value = max(mul(load_first(x + i, n - i, 0), factor), least);
    store_first(out + i, n - i, min(value, most));
}

float LANES_NAME(rsn_max)(const float *x, size_t n) {
    lanes top = fill_lanes(-INFINITY);
    size_t i = 0;
    for (; i + 16 <= n; i += 16) top = max(load_f32(x + i), top);
    if (i < n) top = max(load_first(x + i, n - i, -INFINITY), top);
    return fold_max(top);
}

float LANES_NAME(rsn_exp_sum)(float *x, float shift, size_t n) {
    lanes sum = fill_lanes(0), offset = fill_lanes(shift);
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        lanes e = exp_lanes(sub(load_f32(x + i), offset));
        store_f32(x + i, e);
        sum = add(sum, e);
    }
    if (i < n) {
        store_first(x + i, n - i, exp_lanes(sub(load_first(x + i, n - i, 0), offset)));
        sum = add(sum, load_first(x + i, n - i, 0));
    }
    return fold_sum(sum);
}
