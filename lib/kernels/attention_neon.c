/* Queries against a part of a block in NEON; the code is attention_impl.h, which says what
 * a query and position cost. 32 registers: a tile keeps 4 sums of 16 lanes in 16 of them,
 * and two keys or values in 8. Shares of a limit were not measured: the tests ran in an
 * emulator. Invariant: the same bits as attention_generic.c. */
#include "kernels/attention.h"

#if defined(__ARM_FEATURE_DOTPROD)

#include "kernels/lanes_neon.h"

#define LANES_NAME(x) x##_neon
#define QUERY_TILE 2
#define KEY_TILE(n_queries) ((n_queries) == 2 ? 2 : 4)
#define VALUE_TILE 2

/* Lane j takes in lane j + 2, of two at once. */
RSN_INLINE float32x4_t fold_to_two(float32x4_t a, float32x4_t b) {
    return vaddq_f32(vcombine_f32(vget_low_f32(a), vget_low_f32(b)),
                     vcombine_f32(vget_high_f32(a), vget_high_f32(b)));
}

RSN_INLINE void fold_four(const lanes *sums, float *out) {
    float32x4_t ab = fold_to_two(fold_to_four(sums[0]), fold_to_four(sums[1]));
    float32x4_t cd = fold_to_two(fold_to_four(sums[2]), fold_to_four(sums[3]));
    vst1q_f32(out, vpaddq_f32(ab, cd));
}

#include "kernels/attention_impl.h"

#endif
