/* Owns Q8_0: 32 weights as signed bytes behind one half-precision scale, weight = scale *
 * byte. The product kernels have their own readers and are tested against this one.
 * Invariant: encoding any floats gives bytes in [-127, 127]; files may also hold -128. */
#include "quant/codecs.h"
#include "quant/half.h"

enum { BLOCK = 32 };

void rsn_quant_q8_0_expand(const void *src, rsn_block *block) {
    const uint8_t *in = src;
    block->d = rsn_f16_to_f32(rsn_load_u16(in));
    block->dmin = 0;
    block->scale[0] = 1;
    block->min[0] = 0;
    memcpy(block->q, in + 2, BLOCK);
}
