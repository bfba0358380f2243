/* Owns the floating-point control word of a thread for the length of a call. When to
 * enter and leave is left to the public calls and the pool. Invariant: leave puts back
 * exactly what enter found, exception flags included. */
#include "base/fpstate.h"

#if defined(__SSE2__) && defined(__GNUC__)
#include <xmmintrin.h>

/* Nearest, all exceptions masked and none raised, subnormals kept. */
enum { MXCSR_DEFAULT = 0x1F80 };

/* The old unit too: the C library asks it for the rounding mode when it formats numbers.
 * Nearest, full precision, all exceptions masked. */
enum { X87_DEFAULT = 0x37F };

static void set_x87(uint16_t word) {
    __asm__ volatile("fldcw %0" : : "m"(word));
}

/* The low half is MXCSR, the high half the x87 control word. */
rsn_fpstate rsn_fpstate_enter(void) {
    uint16_t x87;
    __asm__ volatile("fnstcw %0" : "=m"(x87));
    rsn_fpstate saved = (rsn_fpstate)x87 << 32 | _mm_getcsr();
    set_x87(X87_DEFAULT);
    _mm_setcsr(MXCSR_DEFAULT);
    return saved;
}

void rsn_fpstate_leave(rsn_fpstate saved) {
    set_x87((uint16_t)(saved >> 32));
    _mm_setcsr((unsigned)saved);
}

#elif defined(__aarch64__) && defined(__GNUC__)

/* The low half is FPCR (all zero: nearest, nothing flushed or trapped), the high half
 * FPSR. */
rsn_fpstate rsn_fpstate_enter(void) {
    uint64_t control, flags;
    const uint64_t none = 0;
    __asm__ volatile("mrs %0, fpcr" : "=r"(control));
    __asm__ volatile("mrs %0, fpsr" : "=r"(flags));
    __asm__ volatile("msr fpcr, %0" : : "r"(none) : "memory");
    return (flags & UINT32_MAX) << 32 | (control & UINT32_MAX);
}

void rsn_fpstate_leave(rsn_fpstate saved) {
    const uint64_t control = saved & UINT32_MAX, flags = saved >> 32;
    __asm__ volatile("msr fpcr, %0" : : "r"(control) : "memory");
    __asm__ volatile("msr fpsr, %0" : : "r"(flags) : "memory");
}

#else
#include <fenv.h>

/* Standard C knows no more than the rounding mode that fits a number. */
rsn_fpstate rsn_fpstate_enter(void) {
    int mode = fegetround();
    (void)fesetround(FE_TONEAREST);
    return (rsn_fpstate)(unsigned)mode;
}

void rsn_fpstate_leave(rsn_fpstate saved) {
    (void)fesetround((int)saved);
}

#endif
