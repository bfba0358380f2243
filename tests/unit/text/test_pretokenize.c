/* The scanners against the regular expressions that define them, run by PCRE2. */
#include "text/pretokenize.h"

#include <pthread.h>
#include <stdio.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/utf8.h"
#include "text/unicode.h"
#include "vocab_fixture.h"

static const struct {
    const char *name, *pattern;
} DEFINITIONS[] = {
    {"gpt-2", "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| "
              "?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"},
    {"llama-bpe",
     "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}|"
     " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"},
    {"qwen2", "'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}|"
              " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"},
};
enum { N_DEFINITIONS = sizeof DEFINITIONS / sizeof *DEFINITIONS };

typedef struct definition {
    const rsn_pretokenizer *scanner;
    pcre2_code *code;
    pcre2_match_data *data;
} definition;

static definition load_definition(int i) {
    int error;
    PCRE2_SIZE offset;
    definition d;
    d.scanner = rsn_pretokenizer_find(DEFINITIONS[i].name);
    assert_non_null(d.scanner);
    d.code = pcre2_compile((PCRE2_SPTR)DEFINITIONS[i].pattern, PCRE2_ZERO_TERMINATED,
                           PCRE2_UTF | PCRE2_UCP, &error, &offset, NULL);
    assert_non_null(d.code);
    pcre2_jit_compile(d.code, PCRE2_JIT_COMPLETE); /* slower without, not different */
    d.data = pcre2_match_data_create(4, NULL);
    assert_non_null(d.data);
    return d;
}

static void free_definition(definition *d) {
    pcre2_match_data_free(d->data);
    pcre2_code_free(d->code);
}

/* PCRE2 takes valid text only: each byte that is none becomes U+FFFD, which is a symbol.
 * at[] says for each byte of the copy where it comes from. */
static size_t make_valid(const char *s, size_t n, char *copy, size_t *at) {
    size_t made = 0;
    for (size_t i = 0; i < n;) {
        int32_t cp;
        size_t len = rsn_utf8_decode(s + i, n - i, &cp);
        const char *from = cp < 0 ? "\xEF\xBF\xBD" : s + i;
        size_t n_from = cp < 0 ? 3 : len;
        if (cp < 0) len = 1;
        for (size_t k = 0; k < n_from; k++) {
            copy[made] = from[k];
            at[made++] = i;
        }
        i += len;
    }
    at[made] = n;
    return made;
}

static void show(const char *s, size_t n) {
    for (size_t i = 0; i < n; i++) print_error("%02X ", (unsigned char)s[i]);
    print_error("\n");
}

/* Cuts s[0..n) both ways; copy and at are buffers of 3n + 1. */
static void compare(const definition *d, const char *s, size_t n, char *copy,
                    size_t *at) {
    size_t n_copy = make_valid(s, n, copy, at), pos = 0, ours = 0;
    PCRE2_SIZE *ends = pcre2_get_ovector_pointer(d->data);
    while (pos < n_copy) {
        int found = pcre2_match(d->code, (PCRE2_SPTR)copy, n_copy, pos,
                                PCRE2_NO_UTF_CHECK, d->data, NULL);
        assert_true(found > 0);
        assert_int_equal(ends[0], pos); /* the expressions leave nothing out */
        pos = ends[1];
        size_t end = rsn_pretokenize(d->scanner, s, n, ours);
        if (end != at[pos]) {
            show(s, n);
            fail_msg("%s: the piece at %zu ends at %zu, PCRE2 says %zu",
                     d->scanner->names, ours, end, at[pos]);
        }
        ours = end;
    }
    assert_int_equal(ours, n);
}

static const char *const PARTS[] = {
    "a", "b", "s", "S", "t", "T", "m", "d", "D", "r", "e", "R", "E", "v", "V", "l", "L",
    "z", "'", "'s", "'S", "'re", "'LL", "'Ve", "'\xC5\xBF", "\xC5\xBF", "'\xE2\x84\xAA",
    "\xE2\x80\x99", "0", "7", "12", "\xD9\xA3", "\xC2\xBD", "\xE2\x85\xA7",
    "\xE0\xA5\xAA", "\xF0\x9D\x9F\x8E", " ", " ", " ", "  ", "   ", "\t", "\n", "\n",
    "\r", "\r\n", "\n\n", "\x0B", "\x0C", "\x1C", "\xC2\x85", "\xC2\xA0",
    "\xE2\x80\xA8", "\xE2\x80\xA9", "\xE3\x80\x80", "\xE2\x80\x83", "\xE1\x9A\x80",
    "\xE2\x80\x8B", "\xE2\x80\x8D", "\xEF\xBB\xBF", "\xC2\xAD", ".", ",", "!", "?", "-",
    "_", "(", "$", "+", "=", "<|", "|>", "/", "\"", "``", "\xE4\xB8\xAD",
    "\xE6\x96\x87", "\xE3\x81\x82", "\xED\x95\x9C", "\xE3\x80\x82", "\xD0\xB6",
    "\xC3\xA9", "e\xCC\x81", "\xCC\x88", "\xE0\xA4\xBE", "\xCA\xB0", "\xC7\x85",
    "\xDF\xB1", "\xF0\x9F\x99\x82", "\xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x94\xAC",
    "\xE2\x82\xAC", "\xF0\x90\x8D\x88", "\xF0\xA0\x80\x80", "\xEE\x80\x80", "\x7F",
    "\x01",
};
enum { N_PARTS = sizeof PARTS / sizeof *PARTS };

static const char *const INVALID[] = {"\xFF",    "\xC0",         "\x80",
                                      "\xBF",    "\xE2\x82",     "\xF0\x9F\x99",
                                      "\xC3",    "\xED\xA0\x80", "\xF4\x90\x80\x80",
                                      "\xE0\x80"};
enum { N_INVALID = sizeof INVALID / sizeof *INVALID };

/* Appends something random. Characters from anywhere are left out if one of the libraries
 * does not have them yet, or as U+180E (see test_unicode.c). */
static size_t add_random(uint64_t *random, bool invalid, pcre2_code *assigned,
                         pcre2_match_data *data, char *to) {
    uint32_t choice = fixture_random(random) % 100;
    if (invalid && choice < 15) {
        const char *s = INVALID[fixture_random(random) % N_INVALID];
        memcpy(to, s, strlen(s));
        return strlen(s);
    }
    if (choice < 80) {
        const char *s = PARTS[fixture_random(random) % N_PARTS];
        memcpy(to, s, strlen(s));
        return strlen(s);
    }
    if (choice < 90) {
        to[0] = (char)(fixture_random(random) % 128);
        return 1;
    }
    for (;;) {
        uint32_t range = fixture_random(random) % 2 ? 0x3100 : 0x20000;
        int32_t cp = (int32_t)(fixture_random(random) % range);
        size_t n = rsn_utf8_encode(cp, to);
        if (n == 0 || cp == 0x180E) continue;
        /* \p{Cn} of PCRE2 and OTHER of utf8proc agree in class, so only the newer letters
         * and numbers of utf8proc have to go. */
        bool known =
            pcre2_match(assigned, (PCRE2_SPTR)to, n, 0, PCRE2_ANCHORED, data, NULL) > 0;
        if (known || rsn_unicode_class(cp) == RSN_UNICODE_OTHER) return n;
    }
}

static void compare_random(int which, bool invalid, size_t n_total, uint64_t seed) {
    enum { MAX = 8192 };
    definition d = load_definition(which);
    int error;
    PCRE2_SIZE offset;
    pcre2_code *assigned = pcre2_compile((PCRE2_SPTR) "[^\\p{Cn}]", PCRE2_ZERO_TERMINATED,
                                         PCRE2_UTF | PCRE2_UCP, &error, &offset, NULL);
    pcre2_match_data *data = pcre2_match_data_create(1, NULL);
    char *text = fixture_check(malloc(MAX + 64)),
         *copy = fixture_check(malloc(3 * MAX + 256));
    size_t *at = fixture_check(malloc((3 * MAX + 256) * sizeof *at)), done = 0;
    while (done < n_total) {
        /* Mostly short texts: their ends, where look-ahead matters, are then many. */
        size_t want =
            fixture_random(&seed) % 8 ? fixture_random(&seed) % 64 + 1 : MAX / 2;
        size_t n = 0, characters = 0;
        while (characters < want && n < MAX) {
            n += add_random(&seed, invalid, assigned, data, text + n);
            characters++;
        }
        char *exact = fixture_check(malloc(n)); /* so that a read beyond is seen */
        memcpy(exact, text, n);
        compare(&d, exact, n, copy, at);
        free(exact);
        done += characters;
    }
    free(text);
    free(copy);
    free(at);
    pcre2_match_data_free(data);
    pcre2_code_free(assigned);
    free_definition(&d);
}

static void test_text_pretokenize__random_text(void **state) {
    (void)state;
    for (int i = 0; i < N_DEFINITIONS; i++)
        compare_random(i, false, 1200000, 11 + (uint64_t)i);
}

static void test_text_pretokenize__random_text_with_invalid_bytes(void **state) {
    (void)state;
    for (int i = 0; i < N_DEFINITIONS; i++)
        compare_random(i, true, 1200000, 23 + (uint64_t)i);
}

/* Every text of up to five of these: all turns that the expressions can take. */
static void test_text_pretokenize__all_short_texts(void **state) {
    (void)state;
    static const char *const symbols[] = {
        "a",   "s", "L", "'", "1", " ", "\n", "\r", "\t", ".", "\xC5\xBF", "\xE3\x80\x80",
        "\xFF"};
    enum { N = sizeof symbols / sizeof *symbols, DEPTH = 5 };
    char copy[64];
    size_t at[64];
    for (int i = 0; i < N_DEFINITIONS; i++) {
        definition d = load_definition(i);
        for (size_t length = 1, count = N; length <= DEPTH; length++, count *= N) {
            for (size_t index = 0; index < count; index++) {
                char text[4 * DEPTH];
                size_t n = 0, rest = index;
                for (size_t k = 0; k < length; k++, rest /= N) {
                    const char *s = symbols[rest % N];
                    memcpy(text + n, s, strlen(s));
                    n += strlen(s);
                }
                compare(&d, text, n, copy, at);
            }
        }
        free_definition(&d);
    }
}

static void check_pieces(const char *name, const char *text, const char *expected) {
    const rsn_pretokenizer *p = rsn_pretokenizer_find(name);
    assert_non_null(p);
    char joined[256];
    size_t made = 0, n = strlen(text);
    for (size_t at = 0; at < n;) {
        size_t end = rsn_pretokenize(p, text, n, at);
        assert_true(end > at && end <= n);
        if (at) joined[made++] = '^';
        memcpy(joined + made, text + at, end - at);
        made += end - at;
        at = end;
    }
    joined[made] = '\0';
    assert_string_equal(joined, expected);
}

static void test_text_pretokenize__by_hand(void **state) {
    (void)state;
    check_pieces("gpt-2", "I'll say 'S 2024  times!\n\n x",
                 "I^'ll^ say^ '^S^ 2024^ ^ times^!^\n\n^ x");
    check_pieces("llama-bpe", "I'LL say 2024  times!\n\n x",
                 "I^'LL^ say^ ^202^4^ ^ times^!\n\n^ x");
    check_pieces("qwen2", "I'll say 24\t(x)\n \n  y",
                 "I^'ll^ say^ ^2^4^\t^(x^)\n^ \n^ ^ y");
    check_pieces("llama-bpe", "'\xC5\xBF" "a", "'\xC5\xBF^a");
    check_pieces("gpt-2", "'\xC5\xBF" "a", "'^\xC5\xBF" "a");
    check_pieces("qwen2", "a \xFF\xFE" "b", "a^ \xFF\xFE^b");
    check_pieces("qwen2", "\xFF" "b\xFF", "\xFF" "b^\xFF");
}

static void test_text_pretokenize__names(void **state) {
    (void)state;
    static const char *const known[] = {"gpt-2",    "llama-bpe", "llama3",
                                        "llama-v3", "qwen2",     "deepseek-r1-qwen"};
    static const char *const unknown[] = {
        "",        "default",         "llama", "qwen",        "qwen2 ",
        "gpt-2 x", "llama3 llama-v3", " ",     "deepseek-llm"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        assert_non_null(rsn_pretokenizer_find(known[i]));
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
        assert_null(rsn_pretokenizer_find(unknown[i]));
    assert_null(rsn_pretokenizer_find(NULL));
    assert_ptr_equal(rsn_pretokenizer_find("llama3"), rsn_pretokenizer_find("llama-bpe"));
    assert_ptr_equal(rsn_pretokenizer_find("deepseek-r1-qwen"),
                     rsn_pretokenizer_find("qwen2"));
}

/* Texts whose pieces are found by looking far ahead: were any of them looked at again
 * from each piece, 4 MiB would take hours. The thread's stack is 256 KiB. */
static void *cut_hostile(void *result) {
    static const char *const unit[] = {
        "a",  " ", "\n",           " \n",  "\n ",      "1",  ".",    ".\n",
        " a", "'", "\xE3\x80\x80", "\xFF", "\xE2\x82", "'s", "   \r"};
    enum { SIZE = 4 << 20 };
    char *text = fixture_check(malloc(SIZE));
    for (size_t u = 0; u < sizeof unit / sizeof *unit; u++) {
        size_t n_unit = strlen(unit[u]);
        for (size_t i = 0; i < SIZE; i++) text[i] = unit[u][i % n_unit];
        text[SIZE - 1] = 'x';
        for (int i = 0; i < N_DEFINITIONS; i++) {
            const rsn_pretokenizer *p = rsn_pretokenizer_find(DEFINITIONS[i].name);
            size_t at = 0;
            while (at < SIZE) at = rsn_pretokenize(p, text, SIZE, at);
            if (at != SIZE) *(bool *)result = false;
        }
    }
    free(text);
    return NULL;
}

static void test_text_pretokenize__long_texts_on_a_small_stack(void **state) {
    (void)state;
    pthread_attr_t attr;
    pthread_t thread;
    bool right = true;
    assert_int_equal(pthread_attr_init(&attr), 0);
    assert_int_equal(pthread_attr_setstacksize(&attr, 256 * 1024), 0);
    assert_int_equal(pthread_create(&thread, &attr, cut_hostile, &right), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    pthread_attr_destroy(&attr);
    assert_true(right);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_pretokenize__by_hand),
        cmocka_unit_test(test_text_pretokenize__names),
        cmocka_unit_test(test_text_pretokenize__all_short_texts),
        cmocka_unit_test(test_text_pretokenize__random_text),
        cmocka_unit_test(test_text_pretokenize__random_text_with_invalid_bytes),
        cmocka_unit_test(test_text_pretokenize__long_texts_on_a_small_stack),
    };
    return cmocka_run_group_tests_name("text_pretokenize", tests, NULL, NULL);
}
