/* Tables of normalizations: what a sound one replaces, and that one of any bytes neither
 * reads beyond itself nor takes long. */
#include "text/charsmap.h"

#include "charsmap_fixture.h"

static void check(const rsn_charsmap *m, const char *s, size_t n) {
    size_t longest = 0;
    const char *to = NULL;
    for (size_t i = 0; i < N_CHARSMAP_RULES; i++) {
        size_t len = strlen(CHARSMAP_RULES[i].from);
        if (len <= longest || len > n || memcmp(CHARSMAP_RULES[i].from, s, len) != 0)
            continue;
        longest = len;
        to = CHARSMAP_RULES[i].to;
    }
    rsn_text by = {NULL, 0};
    assert_int_equal(rsn_charsmap_find(m, s, n, &by), longest);
    if (!longest) return;
    assert_int_equal(by.n, strlen(to));
    assert_memory_equal(by.data, to, by.n);
}

static void test_text_charsmap__longest_rule(void **state) {
    (void)state;
    size_t n;
    uint8_t *table = charsmap_make(CHARSMAP_RULES, N_CHARSMAP_RULES, &n);
    rsn_charsmap m;
    assert_int_equal(rsn_charsmap_init(&m, table, n), REASON_OK);
    free(table); /* it was copied */
    for (size_t i = 0; i < N_CHARSMAP_RULES; i++) {
        const char *s = CHARSMAP_RULES[i].from;
        for (size_t k = 0; k <= strlen(s); k++) check(&m, s, k);
        char longer[64];
        snprintf(longer, sizeof longer, "%sx", s);
        check(&m, longer, strlen(longer));
    }
    uint64_t random = 11;
    for (int i = 0; i < 20000; i++) {
        char s[8];
        size_t length = fixture_random(&random) % 8 + 1;
        for (size_t k = 0; k < length; k++) {
            const char *from =
                CHARSMAP_RULES[fixture_random(&random) % N_CHARSMAP_RULES].from;
            s[k] = from[fixture_random(&random) % (strlen(from) + 1)];
        }
        check(&m, s, length);
    }
    rsn_charsmap_free(&m);
    assert_int_equal(rsn_charsmap_init(&m, NULL, 0), REASON_OK);
    rsn_text by;
    assert_int_equal(rsn_charsmap_find(&m, "A", 1, &by), 0);
    rsn_charsmap_free(&m);
}

static void refuse(const uint8_t *bytes, size_t n, reason_status status,
                   const char *part) {
    rsn_charsmap m;
    uint8_t *exact = fixture_check(malloc(n)); /* so that a read beyond is seen */
    memcpy(exact, bytes, n);
    assert_int_equal(rsn_charsmap_init(&m, exact, n), status);
    if (!strstr(rsn_last_error(), part))
        fail_msg("\"%s\" does not say \"%s\"", rsn_last_error(), part);
    rsn_charsmap_free(&m);
    free(exact);
}

static void test_text_charsmap__damaged(void **state) {
    (void)state;
    size_t n;
    uint8_t *table = charsmap_make(CHARSMAP_RULES, N_CHARSMAP_RULES, &n);
    for (size_t i = 1; i <= 4; i++)
        refuse(table, i, REASON_ERR_FORMAT, "precompiled_charsmap");
    refuse(table, n - 1, REASON_ERR_FORMAT, "has no end");
    refuse(table, 40, REASON_ERR_FORMAT, "in a table of 40");
    static const uint32_t sizes[] = {0, 1, 2, 3, 5, UINT32_MAX, UINT32_MAX - 3, 1u << 31};
    uint8_t kept[4];
    memcpy(kept, table, 4);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        for (int k = 0; k < 4; k++) table[k] = (uint8_t)(sizes[i] >> 8 * k);
        refuse(table, n, REASON_ERR_FORMAT, "precompiled_charsmap");
    }
    for (uint32_t size = (uint32_t)n - 7; size <= n; size++) {
        for (int k = 0; k < 4; k++) table[k] = (uint8_t)(size >> 8 * k);
        refuse(table, n, REASON_ERR_FORMAT, "precompiled_charsmap");
    }
    free(table);
    uint8_t *large = fixture_check(calloc(1, 8 + 258));
    large[0] = 4;
    memset(large + 8, 'x', 256);
    refuse(large, 8 + 257, REASON_ERR_LIMIT, "256 bytes; the limit is 255");
    large[8 + 255] = 0;
    rsn_charsmap m;
    assert_int_equal(rsn_charsmap_init(&m, large, 8 + 257), REASON_OK);
    rsn_charsmap_free(&m);
    free(large);
}

/* Bytes at random, and sound tables with bytes changed: answers stay within bounds. */
static void test_text_charsmap__any_bytes(void **state) {
    (void)state;
    size_t n_sound;
    uint8_t *sound = charsmap_make(CHARSMAP_RULES, N_CHARSMAP_RULES, &n_sound);
    uint64_t random = 5;
    size_t found = 0;
    for (int i = 0; i < 30000; i++) {
        size_t n = i % 2 ? n_sound : 4 + 4 * (fixture_random(&random) % 64 + 1) + 9;
        uint8_t *table = fixture_check(malloc(n));
        if (i % 2) {
            memcpy(table, sound, n);
            for (int k = 0; k < 40; k++)
                table[4 + fixture_random(&random) % (n - 5)] =
                    (uint8_t)fixture_random(&random);
        } else {
            for (size_t k = 0; k < n; k++)
                table[k] =
                    (uint8_t)(fixture_random(&random) % 3 ? 0 : fixture_random(&random));
            for (int k = 0; k < 4; k++) table[k] = (uint8_t)((n - 13) >> 8 * k);
            table[n - 1] = 0;
        }
        rsn_charsmap m;
        if (rsn_charsmap_init(&m, table, n) == REASON_OK) {
            char s[100];
            for (size_t k = 0; k < sizeof s; k++) s[k] = (char)fixture_random(&random);
            for (size_t k = 0; k < 50; k++) {
                rsn_text by;
                size_t len = rsn_charsmap_find(&m, s + k, sizeof s - k, &by);
                assert_true(len <= RSN_CHARSMAP_MAX_KEY);
                if (len) assert_true(by.n <= RSN_CHARSMAP_MAX_TEXT);
                if (len)
                    assert_true(by.data >= m.texts &&
                                by.data + by.n < m.texts + m.n_texts);
                found += len > 0;
            }
        }
        rsn_charsmap_free(&m);
        free(table);
    }
    assert_true(found > 1000);
    free(sound);
}

/* A unit that leads to itself would follow a text to its end from every place. */
static void test_text_charsmap__a_loop(void **state) {
    (void)state;
    /* 512 units that all say: byte 'a', a value here, offset 0 in the second half. */
    enum { UNITS = 512 };
    uint8_t table[4 + 4 * UNITS + 2] = {0};
    table[1] = 4 * UNITS >> 8;
    for (size_t i = 0; i < UNITS; i++) {
        table[4 + 4 * i] = 'a';
        table[4 + 4 * i + 1] = 1 | ('a' & 63) << 2;
        table[4 + 4 * i + 2] = 'a' >> 6;
    }
    rsn_charsmap m;
    assert_int_equal(rsn_charsmap_init(&m, table, sizeof table), REASON_OK);
    char s[200];
    memset(s, 'a', sizeof s);
    rsn_text by;
    assert_true(rsn_charsmap_find(&m, s, sizeof s, &by) <= RSN_CHARSMAP_MAX_KEY);
    rsn_charsmap_free(&m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_charsmap__longest_rule),
        cmocka_unit_test(test_text_charsmap__damaged),
        cmocka_unit_test(test_text_charsmap__any_bytes),
        cmocka_unit_test(test_text_charsmap__a_loop),
    };
    return cmocka_run_group_tests_name("text_charsmap", tests, NULL, NULL);
}
