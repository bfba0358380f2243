/* Operations on rows of floats in NEON; the code is rowops_impl.h. All but exp and what is
 * made of it read and write more bytes, 4 to 12 an element, than they do operations. Shares
 * of a limit were not measured: the tests ran in an emulator.
 * Invariant: the same bits as rowops_generic.c. */
#include "kernels/rowops.h"

#if defined(__ARM_FEATURE_DOTPROD)

#include "kernels/lanes_neon.h"

#define LANES_NAME(x) x##_neon
#include "kernels/rowops_impl.h"

#endif
