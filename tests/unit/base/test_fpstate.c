/* The floating-point state: results inside do not depend on what the host has set. */
#include "support.h"

#include <fenv.h>
#include <float.h>

#include "base/fpstate.h"

#if defined(__SSE2__)
#include <xmmintrin.h>
#endif

/* Through memory, so that the compiler cannot work them out beforehand. */
static volatile double one = 1.0, three = 3.0, tiny = DBL_MIN;

static void test_base_fpstate__rounds_to_nearest(void **state) {
    (void)state;
    static const int modes[] = {FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};
    const double third = one / three;
    for (size_t i = 0; i < COUNT(modes); i++) {
        assert_int_equal(fesetround(modes[i]), 0);
        const double host = one / -three;
        rsn_fpstate saved = rsn_fpstate_enter();
        const int inside_mode = fegetround();
        const double inside = one / three, inside_negative = one / -three;
        rsn_fpstate_leave(saved);
        const int after_mode = fegetround();
        const double after = one / -three;
        (void)fesetround(FE_TONEAREST);
        assert_int_equal(inside_mode, FE_TONEAREST);
        assert_true(inside == third && inside_negative == -third);
        assert_int_equal(after_mode, modes[i]);
        assert_true(host == after);
    }
}

static void test_base_fpstate__nests(void **state) {
    (void)state;
    (void)fesetround(FE_UPWARD);
    rsn_fpstate outer = rsn_fpstate_enter();
    rsn_fpstate inner = rsn_fpstate_enter();
    rsn_fpstate_leave(inner);
    const int between = fegetround();
    rsn_fpstate_leave(outer);
    const int after = fegetround();
    (void)fesetround(FE_TONEAREST);
    assert_int_equal(between, FE_TONEAREST);
    assert_int_equal(after, FE_UPWARD);
}

/* The bits that flush subnormal numbers to zero, which audio hosts like to set. */
static void test_base_fpstate__keeps_subnormals(void **state) {
    (void)state;
#if defined(__SSE2__)
    const unsigned before = _mm_getcsr(), host = before | 0x8040; /* FTZ and DAZ */
    _mm_setcsr(host);
    const double flushed = tiny / three;
    rsn_fpstate saved = rsn_fpstate_enter();
    const double kept = tiny / three, back = kept * three;
    rsn_fpstate_leave(saved);
    const unsigned after = _mm_getcsr();
    _mm_setcsr(before);
    assert_true(flushed == 0.0);
    assert_true(kept > 0.0 && back > 0.0);
    assert_int_equal(after & 0xFFC0, host & 0xFFC0);
#else
    (void)tiny;
    skip();
#endif
}

/* Exceptions neither trap inside nor leave a mark outside. */
static void test_base_fpstate__leaves_no_flags(void **state) {
    (void)state;
#if defined(__SSE2__)
    volatile double zero = 0.0;
    (void)feclearexcept(FE_ALL_EXCEPT);
    const unsigned before = _mm_getcsr();
    _mm_setcsr(before & ~(unsigned)(1 << 9)); /* division by zero would trap */
    const unsigned host = _mm_getcsr();
    rsn_fpstate saved = rsn_fpstate_enter();
    const double inside = one / zero;
    rsn_fpstate_leave(saved);
    const unsigned after = _mm_getcsr();
    _mm_setcsr(before);
    assert_true(inside > DBL_MAX);
    assert_int_equal(after, host);
#else
    skip();
#endif
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_base_fpstate__rounds_to_nearest),
        cmocka_unit_test(test_base_fpstate__nests),
        cmocka_unit_test(test_base_fpstate__keeps_subnormals),
        cmocka_unit_test(test_base_fpstate__leaves_no_flags),
    };
    return cmocka_run_group_tests_name("base/fpstate", tests, NULL, NULL);
}
