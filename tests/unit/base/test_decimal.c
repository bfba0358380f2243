/* Decimal numbers against known bit patterns and the C library's strtod. */
#include "support.h"

#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>

#include "base/decimal.h"

static uint64_t bits_of(double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static void check_bits(const char *text, uint64_t expected) {
    double value = 123;
    assert_true(rsn_decimal_parse(text, strlen(text), &value));
    if (bits_of(value) != expected) fail_msg("%s: %a", text, value);
}

static const struct {
    const char *text;
    double value;
} known[] = {
    {"0", 0.0},
    {"-0", -0.0},
    {"0.0", 0.0},
    {"-0.000e99999", -0.0},
    {"1", 1.0},
    {"-1.5", -1.5},
    {".5", 0.5},
    {"5.", 5.0},
    {"007", 7.0},
    {"1e0", 1.0},
    {"1E+2", 100.0},
    {"1e-2", 0.01},
    {"0.1", 0.1},
    {"123456789012345", 123456789012345.0},
    {"9007199254740992", 0x1p53},
    {"9007199254740993", 0x1p53}, /* a tie: to even */
    {"9007199254740993.0000001", 0x1.0000000000001p53}, /* above it by a little */
    {"9007199254740993.00000000000000001", 0x1.0000000000001p53},
    {"9007199254740995", 0x1.0000000000002p53}, /* a tie: to even, upwards */
    {"18446744073709551615", 0x1p64},
    {"18446744073709551616", 0x1p64},
    {"1e22", 1e22},
    {"1e23", 0x1.52d02c7e14af6p+76},
    {"8.5e22", 0x1.1ffdbf6b2b2ebp+76},
    {"1.7976931348623157e308", DBL_MAX},
    {"1.7976931348623158e308", DBL_MAX},
    {"1.7976931348623159e308", INFINITY},
    {"1.797693134862315807e308", DBL_MAX},
    {"1e309", INFINITY},
    {"-1e400", -INFINITY},
    {"1e999999999999999999999999", INFINITY},
    {"0e999999999999999999999999", 0.0},
    {"1e-999999999999999999999999", 0.0},
    {"-1e-400", -0.0},
    {"2.2250738585072014e-308", DBL_MIN},
    {"2.2250738585072011e-308", 0x1.ffffffffffffep-1023},
    {"2.225073858507201e-308", 0x1.ffffffffffffep-1023},
    {"4.9406564584124654e-324", 0x1p-1074},
    {"5e-324", 0x1p-1074},
    {"2.4703282292062327e-324", 0.0}, /* just below half of the smallest */
    {"2.4703282292062328e-324", 0x1p-1074},
    {"7.4109846876186981e-324", 0x1p-1074},
    {"7.4109846876186982e-324", 0x1p-1073},
};

static void test_base_decimal__known_values(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(known); i++)
        check_bits(known[i].text, bits_of(known[i].value));
}

static void test_base_decimal__refuses(void **state) {
    (void)state;
    static const char *const bad[] = {"",    "-",    ".",     "-.",    "e5",   ".e5",
                                      "1e",  "1e+",  "1e-",   "1.2.3", "1..",  "--1",
                                      "+1",  " 1",   "1 ",    "1a",    "0x1",  "inf",
                                      "nan", "1e5.", "1e5e5", "1,5",   "1e 5", "-e1"};
    for (size_t i = 0; i < COUNT(bad); i++) {
        double value;
        if (rsn_decimal_parse(bad[i], strlen(bad[i]), &value)) fail_msg("%s", bad[i]);
    }
    double value;
    assert_false(rsn_decimal_parse("1\0", 2, &value));
    assert_false(rsn_decimal_parse(NULL, 0, &value));
    assert_true(rsn_decimal_parse("12345", 3, &value)); /* the length rules, not a NUL */
    assert_true(value == 123.0);
}

static void check_as_strtod(const char *text) {
    check_bits(text, bits_of(strtod(text, NULL)));
}

/* Every double that is printed with 17 digits comes back; with fewer, as strtod says. */
static void test_base_decimal__random_doubles(void **state) {
    (void)state;
    uint64_t seed = 23;
    for (int i = 0; i < 150000; i++) {
        char text[64];
        double value;
        uint64_t bits = random_next(&seed);
        if (i % 8 == 0) bits &= UINT64_C(0x800FFFFFFFFFFFFF); /* subnormal */
        memcpy(&value, &bits, sizeof value);
        if (!isfinite(value)) continue;
        (void)snprintf(text, sizeof text, "%.17g", value);
        check_bits(text, bits);
        (void)snprintf(text, sizeof text, "%.*g", 1 + i % 20, value);
        check_as_strtod(text);
    }
}

/* Exactly between two doubles, and one unit of the 1000th digit to either side. */
static void test_base_decimal__halfway(void **state) {
    (void)state;
    uint64_t seed = 29;
    for (int i = 0; i < 2000; i++) {
        static char text[2400];
        double value;
        uint64_t bits = random_next(&seed) & INT64_MAX;
        if (i % 3 == 0) bits &= UINT64_C(0x000FFFFFFFFFFFFF);
        if (i % 3 == 1)
            bits = (bits & UINT64_C(0x03FFFFFFFFFFFFFF)) | UINT64_C(0x3C) << 56;
        memcpy(&value, &bits, sizeof value);
        if (!isfinite(value) || value > 0x1p1000) continue;
        /* A long double holds the point halfway to the next double exactly. */
        const long double half =
            ((long double)value + (long double)nextafter(value, INFINITY)) / 2;
        int n = snprintf(text, sizeof text, "%.1100Lf", half);
        assert_in_range(n, 1100, sizeof text - 2);
        const uint64_t even = bits & 1 ? bits + 1 : bits;
        check_bits(text, even);
        (void)strcpy(text + n, "1");
        check_bits(text, bits + 1);
        text[n] = '\0';
        for (char *digit = text + n - 1;; digit--) { /* less one unit, with borrow */
            if (*digit == '.') continue;
            if (*digit != '0') {
                --*digit;
                break;
            }
            *digit = '9';
        }
        check_bits(text, bits);
    }
}

static void test_base_decimal__random_text(void **state) {
    (void)state;
    uint64_t seed = 31;
    for (int i = 0; i < 30000; i++) {
        char text[1400];
        size_t n = 0, n_digits = 1 + random_below(&seed, i % 50 ? 30 : 1200);
        size_t dot = random_below(&seed, n_digits * 2), zeros = random_below(&seed, 3);
        if (random_below(&seed, 2)) text[n++] = '-';
        for (size_t k = 0; k < n_digits; k++) {
            if (k == dot) text[n++] = '.';
            bool zero = zeros == 1   ? k < n_digits / 2
                        : zeros == 2 ? k > n_digits / 2
                                     : false;
            text[n++] = (char)('0' + (zero ? 0 : random_below(&seed, 10)));
        }
        int exponent = (int)random_below(&seed, 1000) - 500 - (int)n_digits / 2;
        (void)snprintf(text + n, sizeof text - n, "e%d", exponent);
        check_as_strtod(text);
    }
}

/* Digits and exponents that cancel each other out. */
static void test_base_decimal__very_long(void **state) {
    (void)state;
    enum { N = 1000000 };
    char *text = test_malloc(N + 64);
    memset(text, '0', N);
    text[0] = '1';
    (void)strcpy(text + N, "e-999999");
    check_bits(text, bits_of(1.0));
    (void)strcpy(text + N, "e-999998");
    check_bits(text, bits_of(10.0));
    memcpy(text, "0.", 2);
    (void)strcpy(text + N, "125e1000000");
    check_bits(text, bits_of(12.5));
    memset(text, '9', N);
    (void)strcpy(text + N, "e-1000000");
    check_bits(text, bits_of(1.0));
    text[0] = '0';
    text[1] = '.';
    (void)strcpy(text + N, "");
    check_bits(text, bits_of(1.0));
    test_free(text);
}

static void test_base_decimal__ignores_the_locale(void **state) {
    (void)state;
    static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "de_DE",
                                        "fr_FR.UTF-8", "fr_FR.utf8", "ru_RU.UTF-8"};
    const char *found = NULL;
    for (size_t i = 0; i < COUNT(names) && !found; i++)
        found = setlocale(LC_ALL, names[i]);
    if (!found || strcmp(localeconv()->decimal_point, ",") != 0) {
        (void)setlocale(LC_ALL, "C");
        skip(); /* no locale with a decimal comma is installed */
    }
    check_bits("1.5", bits_of(1.5));
    check_bits("1.7976931348623157e308", bits_of(DBL_MAX));
    double value;
    assert_false(rsn_decimal_parse("1,5", 3, &value));
    (void)setlocale(LC_ALL, "C");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_base_decimal__known_values),
        cmocka_unit_test(test_base_decimal__refuses),
        cmocka_unit_test(test_base_decimal__random_doubles),
        cmocka_unit_test(test_base_decimal__halfway),
        cmocka_unit_test(test_base_decimal__random_text),
        cmocka_unit_test(test_base_decimal__very_long),
        cmocka_unit_test(test_base_decimal__ignores_the_locale),
    };
    return cmocka_run_group_tests_name("base/decimal", tests, NULL, NULL);
}
