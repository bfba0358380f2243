/* The floating-point control word: round to nearest, no flushing of subnormals, nothing
 * trapped. Hosts change it; results must not change with them. */
#ifndef REASON_BASE_FPSTATE_H
#define REASON_BASE_FPSTATE_H

#include <stdint.h>

typedef uint64_t rsn_fpstate;

/* Sets the default and returns what was there. */
rsn_fpstate rsn_fpstate_enter(void);
void rsn_fpstate_leave(rsn_fpstate saved);

/* After a host's callback, which may have left another word behind. */
static inline void rsn_fpstate_again(void) {
    (void)rsn_fpstate_enter();
}

#endif
