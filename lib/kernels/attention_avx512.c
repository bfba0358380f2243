/* Queries against a part of a block in AVX-512; the code is attention_impl.h. 32
 * registers: a tile keeps 16 sums.
 * Invariant: the same bits as attention_generic.c. */
#include "kernels/attention.h"

#if defined(__AVX512F__)

#include "kernels/lanes_avx512.h"

#define LANES_NAME(x) x##_avx512
#define QUERY_TILE 4
#define KEY_TILE(n_queries) 4
#define VALUE_TILE 4

/* Lane j takes in lane j + 8, of two at once. */
RSN_INLINE __m512 fold_to_eight(__m512 a, __m512 b) {
    return _mm512_add_ps(_mm512_shuffle_f32x4(a, b, 0x44),
                         _mm512_shuffle_f32x4(a, b, 0xEE));
}

RSN_INLINE void fold_four(const lanes *sums, float *out) {
    __m512 ab = fold_to_eight(sums[0], sums[1]), cd = fold_to_eight(sums[2], sums[3]);
    /* Four lanes of each, after those 4 further were taken in. */
    __m512 s4 = _mm512_add_ps(_mm512_shuffle_f32x4(ab, cd, 0x88),
                              _mm512_shuffle_f32x4(ab, cd, 0xDD));
    __m512 s2 = _mm512_add_ps(s4, _mm512_permute_ps(s4, 0x4E));
    __m512 s1 = _mm512_add_ps(s2, _mm512_permute_ps(s2, 0xB1));
    _mm_storeu_ps(out, _mm512_castps512_ps128(_mm512_maskz_compress_ps(0x1111, s1)));
}

#include "kernels/attention_impl.h"

#endif
