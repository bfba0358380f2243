/* CRC-32C against published values and against its definition, bit by bit, in pieces of
 * every length. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/crc32c.h"

static uint32_t crc_of(const void *bytes, size_t n) {
    rsn_crc32c crc;
    rsn_crc32c_begin(&crc);
    rsn_crc32c_add(&crc, bytes, n);
    return rsn_crc32c_value(&crc);
}

static uint32_t slow_crc(const unsigned char *bytes, size_t n) {
    uint32_t x = UINT32_MAX;
    for (size_t i = 0; i < n * 8; i++) {
        uint32_t bit = (bytes[i / 8] >> i % 8 & 1) ^ (x & 1);
        x = x >> 1 ^ (bit ? UINT32_C(0x82F63B78) : 0);
    }
    return ~x;
}

/* RFC 3720, B.4, and the usual check value. */
static void test_base_crc32c__published(void **state) {
    (void)state;
    unsigned char bytes[32];
    assert_int_equal(crc_of("123456789", 9), 0xE3069283);
    assert_int_equal(crc_of("", 0), 0);
    memset(bytes, 0, sizeof bytes);
    assert_int_equal(crc_of(bytes, sizeof bytes), 0x8A9136AA);
    memset(bytes, 0xFF, sizeof bytes);
    assert_int_equal(crc_of(bytes, sizeof bytes), 0x62A8AB43);
    for (unsigned i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)i;
    assert_int_equal(crc_of(bytes, sizeof bytes), 0x46DD794E);
}

static void test_base_crc32c__in_pieces(void **state) {
    (void)state;
    unsigned char bytes[67];
    rsn_crc32c crc;
    for (unsigned i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(i * 97 + i / 3);
    for (size_t n = 0; n <= sizeof bytes; n++) {
        assert_int_equal(crc_of(bytes, n), slow_crc(bytes, n));
        for (size_t cut = 0; cut <= n; cut++) {
            rsn_crc32c_begin(&crc);
            rsn_crc32c_add(&crc, bytes, cut);
            assert_int_equal(rsn_crc32c_value(&crc), slow_crc(bytes, cut));
            rsn_crc32c_add(&crc, bytes + cut, n - cut);
            assert_int_equal(rsn_crc32c_value(&crc), slow_crc(bytes, n));
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_base_crc32c__published),
        cmocka_unit_test(test_base_crc32c__in_pieces),
    };
    return cmocka_run_group_tests_name("base_crc32c", tests, NULL, NULL);
}
