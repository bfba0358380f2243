/* F32, F16 and BF16 rows: exact there and back, at any address, nothing written behind
 * the end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

#include "quant/half.h"
#include "quant/types.h"

enum { N = 67 };

static const rsn_type PLAIN[] = {RSN_TYPE_F32, RSN_TYPE_F16, RSN_TYPE_BF16};

/* Numbers that all three types hold. */
static void fill(float *x) {
    for (size_t i = 0; i < N; i++) x[i] = ldexpf((float)((int)i - 30), (int)(i % 9) - 4);
}

static void test_quant_plain__round_trip_at_any_address(void **unused) {
    (void)unused;
    float x[N], back[N + 1];
    uint8_t bytes[4 * N + 16];
    fill(x);
    for (size_t t = 0; t < 3; t++) {
        const rsn_type_info *info = rsn_type_info_get(PLAIN[t]);
        for (size_t offset = 0; offset < 8; offset++) {
            for (size_t n = 0; n <= N; n++) {
                memset(bytes, 0xA5, sizeof bytes);
                info->encode(x, NULL, bytes + offset, n);
                size_t end = offset + n * info->block_bytes;
                for (size_t i = 0; i < offset; i++) assert_int_equal(bytes[i], 0xA5);
                for (size_t i = end; i < sizeof bytes; i++)
                    assert_int_equal(bytes[i], 0xA5);
                back[n] = 12345;
                info->decode(bytes + offset, back, n);
                if (n) assert_memory_equal(back, x, n * sizeof *x);
                assert_true(back[n] == 12345);
            }
        }
    }
}

static void test_quant_plain__bytes(void **unused) {
    (void)unused;
    const float x[2] = {1, -2.5f};
    uint8_t bytes[8];
    rsn_type_info_get(RSN_TYPE_F16)->encode(x, NULL, bytes, 2);
    assert_memory_equal(bytes, "\x00\x3C\x00\xC1", 4);
    rsn_type_info_get(RSN_TYPE_BF16)->encode(x, NULL, bytes, 2);
    assert_memory_equal(bytes, "\x80\x3F\x20\xC0", 4);
    rsn_type_info_get(RSN_TYPE_F32)->encode(x, NULL, bytes, 2);
    assert_memory_equal(bytes, "\x00\x00\x80\x3F\x00\x00\x20\xC0", 8);
}

/* Half the distance to the neighbour: 2^-11 of the number, 2^-8 in BF16. */
static void test_quant_plain__rounding_error(void **unused) {
    (void)unused;
    for (float x = 1e-3f; x < 6e4f; x *= 1.0037f) {
        uint8_t bytes[2];
        float back;
        rsn_type_info_get(RSN_TYPE_F16)->encode(&x, NULL, bytes, 1);
        rsn_type_info_get(RSN_TYPE_F16)->decode(bytes, &back, 1);
        assert_true(fabsf(back - x) <= x * 0x1p-11f);
        rsn_type_info_get(RSN_TYPE_BF16)->encode(&x, NULL, bytes, 1);
        rsn_type_info_get(RSN_TYPE_BF16)->decode(bytes, &back, 1);
        assert_true(fabsf(back - x) <= x * 0x1p-8f);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quant_plain__round_trip_at_any_address),
        cmocka_unit_test(test_quant_plain__bytes),
        cmocka_unit_test(test_quant_plain__rounding_error),
    };
    return cmocka_run_group_tests_name("quant/plain", tests, NULL, NULL);
}
