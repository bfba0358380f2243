/* Queries against a part of a block in AVX2; the code is attention_impl.h. 16 registers:
 * a tile keeps 4 sums of 16 lanes in 8 of them.
 * Invariant: the same bits as attention_generic.c. */
#include "kernels/attention.h"

#if defined(__AVX2__)

#include "kernels/lanes_avx2.h"

#define LANES_NAME(x) x##_avx2
#define QUERY_TILE 2
#define KEY_TILE(n_queries) ((n_queries) == 2 ? 2 : 4)
#define VALUE_TILE 2

/* Lane j takes in lane j + 8 and j + 4. */
RSN_INLINE __m128 fold_to_four(lanes v) {
    __m256 s8 = _mm256_add_ps(v.low, v.high);
    return _mm_add_ps(_mm256_castps256_ps128(s8), _mm256_extractf128_ps(s8, 1));
}

/* Lane j takes in lane j + 2, of two at once. */
RSN_INLINE __m128 fold_to_two(__m128 a, __m128 b) {
    return _mm_add_ps(_mm_movelh_ps(a, b), _mm_movehl_ps(b, a));
}

RSN_INLINE void fold_four(const lanes *sums, float *out) {
    __m128 ab = fold_to_two(fold_to_four(sums[0]), fold_to_four(sums[1]));
    __m128 cd = fold_to_two(fold_to_four(sums[2]), fold_to_four(sums[3]));
    _mm_storeu_ps(out,
                  _mm_add_ps(_mm_shuffle_ps(ab, cd, 0x88), _mm_shuffle_ps(ab, cd, 0xDD)));
}

#include "kernels/attention_impl.h"

#endif
