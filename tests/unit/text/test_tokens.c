/* The byte alphabet, the map of keys, and the tokens with their index. */
#include "text/tokens.h"

#include "text/byte_level.h"
#include "text/key_map.h"
#include "text/rolling_hash.h"
#include "vocab_fixture.h"

static void test_text_byte_level__every_byte_and_nothing_else(void **state) {
    (void)state;
    char spelling[512], bytes[512];
    for (int b = 0; b < 256; b++) {
        char c = (char)b;
        size_t n = fixture_spell(&c, 1, spelling), n_bytes;
        uint8_t byte;
        assert_int_equal(rsn_byte_level_next(spelling, n, &byte), n);
        assert_int_equal(byte, b);
        assert_int_equal(rsn_byte_level_next(spelling, 1, &byte), n == 1 ? 1 : 0);
        assert_true(rsn_byte_level_decode(spelling, n, bytes, &n_bytes));
        assert_int_equal(n_bytes, 1);
    }
    /* Of all one- and two-byte strings exactly the 256 spellings are characters of it. */
    size_t found = 0;
    for (unsigned a = 0; a < 256; a++) {
        for (unsigned b = 0; b < 256; b++) {
            char s[2] = {(char)a, (char)b};
            uint8_t byte;
            size_t n = rsn_byte_level_next(s, 2, &byte);
            if (n == 0 || (n == 1 && b)) continue;
            found++;
            assert_int_equal(fixture_spell((char *)&byte, 1, spelling), n);
            assert_memory_equal(spelling, s, n);
        }
    }
    assert_int_equal(found, 256);
}

static void test_text_byte_level__decode_stops_at_a_stranger(void **state) {
    (void)state;
    static const char *const bad[] = {"ab ",        "ab\xE2\x96\x81", "ab\xC2\xAD",
                                      "ab\xC5\x84", "ab\xC4",         "ab\xFF",
                                      "ab\x7F",     "ab\xC2\x80"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char out[16];
        size_t n;
        assert_false(rsn_byte_level_decode(bad[i], strlen(bad[i]), out, &n));
        assert_int_equal(n, 2);
    }
}

static void test_text_key_map__holds_what_was_added_first(void **state) {
    (void)state;
    enum { N = 5000 };
    uint64_t keys[N], random = 5;
    rsn_key_map m;
    assert_int_equal(rsn_key_map_init(&m, N, 77), REASON_OK);
    for (uint32_t i = 0; i < N; i++) {
        keys[i] = i % 3 ? i * 0x100000000u : fixture_random(&random);
        rsn_key_map_add(&m, keys[i], i);
    }
    for (uint32_t i = 0; i < N; i++) {
        uint32_t first = 0;
        while (keys[first] != keys[i]) first++;
        assert_int_equal(rsn_key_map_find(&m, keys[i]), first);
        assert_int_equal(rsn_key_map_add(&m, keys[i], N), first);
        assert_int_equal(rsn_key_map_find(&m, keys[i] ^ (UINT64_C(1) << 63)),
                         RSN_KEY_MAP_NONE);
    }
    rsn_key_map_free(&m);
    assert_int_equal(rsn_key_map_init(&m, 0, 0), REASON_OK);
    assert_int_equal(rsn_key_map_find(&m, 0), RSN_KEY_MAP_NONE);
    rsn_key_map_free(&m);
}

static rsn_text text(const char *s) {
    return (rsn_text){s, strlen(s)};
}

static void check(const rsn_tokens *t, int32_t id, const char *bytes) {
    rsn_text got = rsn_tokens_get(t, id);
    assert_int_equal(got.n, strlen(bytes));
    assert_memory_equal(got.data, bytes, got.n);
}

static void test_text_tokens__spellings_and_bytes(void **state) {
    (void)state;
    /* U+0120 is the space of the alphabet, U+2581 is not of it, U+00E9 is the byte E9. */
    rsn_text s[] = {text("a"),
                    text("\xC4\xA0"
                         "a"),
                    text("\xE2\x96\x81"
                         "a"),
                    text("a b"),
                    text("\xC4\xA0"),
                    text("\xC4\xA0"
                         "a"),
                    text("<x>"),
                    text(""),
                    text("\xC3\xA9"),
                    text("<x>"),
                    text("\xC4\xA0<y>"),
                    text(" "),
                    text("<0xZZ>")};
    int32_t types[] = {1, 1, 1, 1, 1, 1, 3, 1, 0, 1, 4, 5, 6};
    enum { N = sizeof s / sizeof *s };
    rsn_tokens t;
    assert_int_equal(rsn_tokens_init(&t, RSN_SPELLING_LEVEL, s, types, N, 123),
                     REASON_OK);
    check(&t, 1, " a");
    check(&t, 2, "\xE2\x96\x81" "a");
    check(&t, 3, "a b");
    check(&t, 7, "");
    check(&t, 8, "\xE9");
    check(&t, 10, "\xC4\xA0<y>"); /* special: as it is spelt */
    check(&t, 12, "<0xZZ>");
    assert_int_equal(t.longest, 6);
    assert_int_equal(t.flags[6], RSN_TOKEN_CONTROL);
    assert_int_equal(t.flags[10], RSN_TOKEN_USER);
    assert_int_equal(t.flags[1], RSN_TOKEN_BYTES);
    assert_int_equal(t.flags[2], 0);
    assert_int_equal(rsn_tokens_find_bytes(&t, " a", 2), 1); /* not 5: the first wins */
    assert_int_equal(rsn_tokens_find_bytes(&t, " ", 1),
                     4); /* not 11: not of the alphabet */
    assert_int_equal(rsn_tokens_find_bytes(&t, "<x>", 3), 9); /* not 6: special */
    assert_int_equal(rsn_tokens_find_bytes(&t, "a b", 3), -1);
    assert_int_equal(rsn_tokens_find_bytes(&t, "b", 1), -1);
    assert_int_equal(rsn_tokens_find_bytes(&t, "", 0), -1);
    for (int32_t i = 0; i < N; i++) {
        int32_t first = 0;
        while (s[first].n != s[i].n || memcmp(s[first].data, s[i].data, s[i].n) != 0)
            first++;
        if (s[i].n == 0) first = -1;
        assert_int_equal(rsn_tokens_find_spelling(&t, s[i].data, s[i].n), first);
    }
    assert_int_equal(rsn_tokens_find_spelling(&t, "\xC4\xA0" "ab", 4), -1);
    assert_int_equal(rsn_tokens_find_spelling(&t, "\xC4", 1), -1);
    assert_int_equal(rsn_tokens_find_spelling(&t, "\xE9", 1), -1);
    rsn_tokens_free(&t);
}

/* Many tokens, found again and told from what is not there. */
static void test_text_tokens__index_against_a_search(void **state) {
    (void)state;
    fixture f;
    fixture_init(&f, "gpt-2");
    uint64_t random = 9;
    for (int i = 0; i < 1500; i++) {
        char bytes[4];
        size_t n = fixture_random(&random) % 4 + 1;
        for (size_t k = 0; k < n; k++)
            bytes[k] = (char)(fixture_random(&random) % 5 + 30);
        fixture_bytes_token(&f, bytes, n);
    }
    rsn_tokens t;
    assert_int_equal(
        rsn_tokens_init(&t, RSN_SPELLING_LEVEL, f.tokens, f.types, f.src.n_tokens, 4),
        REASON_OK);
    for (int i = 0; i < 3000; i++) {
        char bytes[4], spelling[8];
        size_t n = fixture_random(&random) % 4 + 1;
        for (size_t k = 0; k < n; k++)
            bytes[k] = (char)(fixture_random(&random) % 6 + 30);
        size_t n_spelling = fixture_spell(bytes, n, spelling);
        int32_t expected = -1;
        for (size_t id = f.src.n_tokens; id-- > 0;)
            if (f.tokens[id].n == n_spelling &&
                memcmp(f.tokens[id].data, spelling, n_spelling) == 0)
                expected = (int32_t)id;
        assert_int_equal(rsn_tokens_find_bytes(&t, bytes, n), expected);
        assert_int_equal(rsn_tokens_find_spelling(&t, spelling, n_spelling), expected);
    }
    rsn_tokens_free(&t);
    fixture_free(&f);
}

/* SentencePiece's spellings: U+2581 for spaces, byte tokens, everything else itself. */
static void test_text_tokens__pieces(void **state) {
    (void)state;
#define SP "\xE2\x96\x81"
    rsn_text s[] = {text("a"),      text(SP "a"),     text(SP SP),      text(" a"),
                    text("<0x41>"), text("A"),        text("<0x41>"),   text("<0x-1>"),
                    text("<0xZZ>"), text("<0x1>"),    text("<0x4a>"),   text("<0x0A>"),
                    text("a"),      text(SP "<t>"),   text("\xE2\x96"), text("<0xC3>"),
                    text(""),       text("<0x042>"),  text("b" SP)};
#undef SP
    int32_t types[] = {1, 1, 1, 1, 6, 1, 6, 6, 6, 6, 6, 6, 1, 4, 1, 1, 6, 6, 1};
    enum { N = sizeof s / sizeof *s };
    rsn_tokens t;
    assert_int_equal(rsn_tokens_init(&t, RSN_SPELLING_PIECE, s, types, N - 1, 3),
                     REASON_OK);
    assert_true(rsn_tokens_are_words(&t));
    rsn_tokens_free(&t);
    assert_int_equal(rsn_tokens_init(&t, RSN_SPELLING_PIECE, s, types, N, 3), REASON_OK);
    assert_false(rsn_tokens_are_words(&t)); /* "b " */
    static const char *const bytes[N] = {
        "a",        " a",     "  ",    " a",      "A",  "A", "A",
        "<0x-1>",   "<0xZZ>", "<0x1>", "<0x4a>",  "\n", "a", "\xE2\x96\x81<t>",
        "\xE2\x96", "<0xC3>", "",      "<0x042>", "b "};
    for (int32_t i = 0; i < N; i++) {
        check(&t, i, bytes[i]);
        int32_t first = 0;
        while (s[first].n != s[i].n || memcmp(s[first].data, s[i].data, s[i].n) != 0)
            first++;
        if (s[i].n == 0) first = -1;
        assert_int_equal(rsn_tokens_find_spelling(&t, s[i].data, s[i].n), first);
    }
    for (int b = 0; b < 256; b++)
        assert_int_equal(t.byte_token[b], b == 'A' ? 4 : b == '\n' ? 11 : -1);
    assert_int_equal(t.flags[4], RSN_TOKEN_BYTE);
    assert_int_equal(t.flags[8], RSN_TOKEN_BYTES);
    assert_int_equal(t.flags[3], 0); /* a space in a spelling stands for nothing */
    assert_int_equal(rsn_tokens_find_bytes(&t, " a", 2), 1);
    assert_int_equal(rsn_tokens_find_bytes(&t, "A", 1), 5);
    assert_int_equal(rsn_tokens_find_bytes(&t, "\n", 1), -1);
    assert_int_equal(rsn_tokens_find_bytes(&t, "<0xZZ>", 6), 8);
    assert_int_equal(rsn_tokens_find_spelling(&t, "<0x0B>", 6), -1);
    rsn_tokens_free(&t);
}

/* Products by adding up bits, hashes of parts made anew. */
static void test_text_rolling_hash__parts(void **state) {
    (void)state;
    uint64_t random = 3;
    for (int i = 0; i < 4000; i++) {
        uint64_t x[2], sum = 0;
        for (int k = 0; k < 2; k++) {
            x[k] = (uint64_t)fixture_random(&random) << 32 ^ fixture_random(&random);
            x[k] = i < 9 ? RSN_HASH_PRIME - 1 - (uint64_t)(i / (k ? 3 : 1) % 3)
                         : x[k] % RSN_HASH_PRIME;
        }
        for (int bit = 61; bit-- > 0;) {
            sum = sum * 2 % RSN_HASH_PRIME;
            if (x[1] >> bit & 1) sum = (sum + x[0]) % RSN_HASH_PRIME;
        }
        assert_true(rsn_hash_multiply(x[0], x[1]) == sum);
    }
    uint8_t s[200];
    uint64_t hash[201] = {0}, power[201] = {1}, base = rsn_hash_base(UINT64_MAX);
    assert_true(base < RSN_HASH_PRIME);
    for (int i = 0; i < 200; i++) {
        s[i] = (uint8_t)fixture_random(&random);
        hash[i + 1] = rsn_hash_step(base, hash[i], s[i]);
        power[i + 1] = rsn_hash_multiply(power[i], base);
    }
    for (int from = 0; from < 200; from += 7) {
        uint64_t anew = 0;
        for (int to = from; to <= 200; to++) {
            assert_true(rsn_hash_behind(hash[to], hash[from], power[to - from]) == anew);
            if (to < 200) anew = rsn_hash_step(base, anew, s[to]);
        }
    }
}

static void expect(reason_status status, const rsn_text *s, const int32_t *types,
                   size_t n, const char *part) {
    rsn_tokens t;
    assert_int_equal(rsn_tokens_init(&t, RSN_SPELLING_LEVEL, s, types, n, 1), status);
    rsn_tokens_free(&t);
    if (!strstr(rsn_last_error(), part))
        fail_msg("\"%s\" does not say \"%s\"", rsn_last_error(), part);
}

static void test_text_tokens__limits(void **state) {
    (void)state;
    char *big = fixture_check(malloc(RSN_TOKENS_MAX_BYTES + 1));
    memset(big, 'x', RSN_TOKENS_MAX_BYTES + 1);
    rsn_text s[] = {text("a"), {big, RSN_TOKENS_MAX_BYTES}};
    int32_t types[] = {1, 1};
    rsn_tokens t;
    assert_int_equal(rsn_tokens_init(&t, RSN_SPELLING_LEVEL, s, types, 2, 1), REASON_OK);
    assert_int_equal(rsn_tokens_find_spelling(&t, big, RSN_TOKENS_MAX_BYTES), 1);
    assert_int_equal(rsn_tokens_find_bytes(&t, big, RSN_TOKENS_MAX_BYTES), 1);
    assert_int_equal(rsn_tokens_find_spelling(&t, big, RSN_TOKENS_MAX_BYTES + 1), -1);
    rsn_tokens_free(&t);
    s[1].n++;
    expect(REASON_ERR_LIMIT, s, types, 2, "tokens[1]: a token of 65537 bytes");
    s[1].n = 1;
    types[1] = 7;
    expect(REASON_ERR_FORMAT, s, types, 2, "token_type[1]: type 7");
    types[1] = -1;
    expect(REASON_ERR_FORMAT, s, types, 2, "token_type[1]: type -1");
    expect(REASON_ERR_FORMAT, s, types, 0, "tokenizer.ggml.tokens");
    expect(REASON_ERR_LIMIT, s, types, RSN_TOKENS_MAX + 1, "the limit is 16777216");
    /* 4 GiB in all, of one spelling that is counted and, as it is too much, never copied.
     */
    size_t n = (size_t)1 << 16;
    rsn_text *many = fixture_check(malloc((n + 1) * sizeof *many));
    for (size_t i = 0; i <= n; i++) many[i] = (rsn_text){big, RSN_TOKENS_MAX_BYTES};
    expect(REASON_ERR_LIMIT, many, NULL, n, "4294967296 bytes in all");
    free(many);
    free(big);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_byte_level__every_byte_and_nothing_else),
        cmocka_unit_test(test_text_byte_level__decode_stops_at_a_stranger),
        cmocka_unit_test(test_text_key_map__holds_what_was_added_first),
        cmocka_unit_test(test_text_tokens__spellings_and_bytes),
        cmocka_unit_test(test_text_tokens__index_against_a_search),
        cmocka_unit_test(test_text_tokens__pieces),
        cmocka_unit_test(test_text_rolling_hash__parts),
        cmocka_unit_test(test_text_tokens__limits),
    };
    return cmocka_run_group_tests_name("text_tokens", tests, NULL, NULL);
}
