/* The encoders of encode_impl.h as the table of types has them: the definition that those
 * of the instruction sets are tested against. */
#include "quant/codecs.h"

#define ENCODE_NAME(stem) rsn_quant_##stem##_encode
#include "quant/encode_impl.h"
