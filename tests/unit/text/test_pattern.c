/* Expressions run by PCRE2: pieces against hand-written scanners of the same expressions,
 * expressions that match nothing, and those that would take for ever. */
#include "text/pattern.h"

#include <time.h>

#include "text/pretokenize.h"
#include "vocab_fixture.h"

static rsn_pattern *make(const char *const *expressions, size_t n) {
    rsn_text texts[RSN_PATTERN_MAX];
    rsn_pattern *p;
    for (size_t i = 0; i < n; i++)
        texts[i] = (rsn_text){expressions[i], strlen(expressions[i])};
    if (rsn_pattern_new(texts, n, &p) != REASON_OK) fail_msg("%s", rsn_last_error());
    return p;
}

/* The pieces, with a bar between them. */
static void check_pieces(const char *const *expressions, size_t n, const char *s,
                         const char *wanted) {
    rsn_pattern *p = make(expressions, n);
    rsn_pattern_run *run;
    char found[200];
    size_t size = strlen(s), made = 0;
    assert_int_equal(rsn_pattern_begin(p, s, size, &run), REASON_OK);
    for (size_t at = 0, end = 0; at < size; at = end) {
        assert_int_equal(rsn_pattern_next(run, at, &end), REASON_OK);
        assert_true(end > at && end <= size);
        if (at) found[made++] = '|';
        memcpy(found + made, s + at, end - at);
        made += end - at;
    }
    found[made] = '\0';
    assert_string_equal(found, wanted);
    rsn_pattern_end(run);
    rsn_pattern_free(p);
}
#define PIECES(s, wanted, ...)                                                           \
    check_pieces((const char *const[]){__VA_ARGS__},                                     \
                 sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *), s, wanted)

/* Pieces that the tokenizers package 0.23 gives for pre_tokenizers.Split(Regex(...),
 * "isolated"), one after the other. */
static void test_text_pattern__pieces(void **state) {
    (void)state;
    PIECES("ab12cd", "ab|12|cd", "[0-9]+");
    PIECES("ab12cd", "ab12cd", "x");
    PIECES("ab12cd", "a|b|1|2|c|d", ".");
    PIECES("axxb", "a|xx|b", "x*");
    PIECES("ab", "a|b", "");
    PIECES("abc", "a|b|c", "(?=b)|(?=c)");
    PIECES("ab12cd34", "a|b|1|2|c|d|3|4", "[0-9]+", ".");
    PIECES("ab12", "ab|12", "[0-9]+", "ab12"); /* a piece ends what the next one sees */
    PIECES("ab  c", "ab| | c", "\\s+(?!\\S)| ?\\w+");
    PIECES("ab c", "ab| |c", "\\w+", "(?<=b) "); /* nor what is before it */
    PIECES("a\nb\n", "a|\n|b|\n", "^b$|\\n");
}

static const char LINES[] =
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}|"
    " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

static void test_text_pattern__like_scanners(void **state) {
    static const char *const parts[] = {"a", "B", "'s", "'LL", "12", "3", " ", "  ", "\n",
                                        "\r\n", "!", "...", "\xC3\xA9", "\xE4\xB8\xAD",
                                        "\xCC\x81", "\t", "\xC2\xA0", "\xE2\x80\xA8"};
    (void)state;
    const char *lines = LINES;
    rsn_pattern *p = make(&lines, 1);
    const rsn_pretokenizer *scanner = rsn_pretokenizer_find("llama-bpe");
    uint64_t random = 3;
    for (int i = 0; i < 20000; i++) {
        char s[128];
        size_t n = 0, want = 1 + fixture_random(&random) % 20;
        for (size_t k = 0; k < want; k++) {
            size_t which = fixture_random(&random) % (sizeof parts / sizeof *parts);
            const char *part = parts[which];
            memcpy(s + n, part, strlen(part));
            n += strlen(part);
        }
        rsn_pattern_run *run;
        rsn_pretokens told = {{0}};
        assert_int_equal(rsn_pattern_begin(p, s, n, &run), REASON_OK);
        for (size_t at = 0, end; at < n; at = end) {
            assert_int_equal(rsn_pattern_next(run, at, &end), REASON_OK);
            assert_int_equal(end, rsn_pretokenize(scanner, s, n, at, &told));
        }
        rsn_pattern_end(run);
    }
    rsn_pattern_free(p);
}

/* Any bytes are cut somewhere. */
static void test_text_pattern__invalid_bytes(void **state) {
    (void)state;
    const char *lines = LINES;
    rsn_pattern *p = make(&lines, 1);
    uint64_t random = 9;
    for (int i = 0; i < 5000; i++) {
        char s[64];
        size_t n = 1 + fixture_random(&random) % 60;
        for (size_t k = 0; k < n; k++) s[k] = (char)fixture_random(&random);
        rsn_pattern_run *run;
        assert_int_equal(rsn_pattern_begin(p, s, n, &run), REASON_OK);
        for (size_t at = 0, end; at < n; at = end) {
            assert_int_equal(rsn_pattern_next(run, at, &end), REASON_OK);
            assert_true(end > at && end <= n);
        }
        rsn_pattern_end(run);
    }
    rsn_pattern_free(p);
}

static reason_status run_all(const rsn_pattern *p, const char *s, size_t n) {
    rsn_pattern_run *run;
    reason_status status = rsn_pattern_begin(p, s, n, &run);
    for (size_t at = 0, end; at < n && status == REASON_OK; at = end)
        status = rsn_pattern_next(run, at, &end);
    rsn_pattern_end(run);
    return status;
}

/* What takes the square of the length or more is refused in time. */
static void test_text_pattern__hostile_expressions(void **state) {
    static const char *const expressions[] = {
        "(a+)+[xy]",         "(a*)*[xy]",         "(a|aa)+[xy]",
        "(.*a){20}[xy]",     "[^Z]*[YZ]",         "(?=.*Z)a",
        "(a+a+)+[bc]",       "(\\w+\\s?)*[!?]",   "(?:a?){200}a{200}[YZ]",
        "(?<=(a))x|.*?[YZ]", "a{256}[bc]",        "(?:a(?:a(?:a|b)*)*)*[xy]",
        "(?:(?=(a+))a)*[xy]", "(a)(?1)*?[xy]",
    };
    (void)state;
    size_t n = 200000, refused = 0;
    char *s = malloc(n);
    assert_non_null(s);
    memset(s, 'a', n);
    for (size_t i = 0; i < sizeof expressions / sizeof *expressions; i++) {
        rsn_pattern *p = make(&expressions[i], 1);
        clock_t begun = clock();
        reason_status status = run_all(p, s, n);
        assert_true(status == REASON_OK || status == REASON_ERR_LIMIT);
        refused += status == REASON_ERR_LIMIT;
        double seconds = (double)(clock() - begun) / CLOCKS_PER_SEC;
        if (seconds > 20) fail_msg("%s took %.1f s", expressions[i], seconds);
        rsn_pattern_free(p);
    }
    assert_true(refused >= 10);
    free(s);
}

static void test_text_pattern__refused_expressions(void **state) {
    static const struct {
        const char *expression;
        reason_status status;
    } cases[] = {
        {"(", REASON_ERR_UNSUPPORTED},       {"[a", REASON_ERR_UNSUPPORTED},
        {"a{1000}", REASON_ERR_LIMIT},       {"a{1,99999}", REASON_ERR_LIMIT},
        {"\\C", REASON_ERR_UNSUPPORTED},     {"(?<a", REASON_ERR_UNSUPPORTED},
        {"\xFF", REASON_ERR_UNSUPPORTED},    {"\\p{Nonsense}", REASON_ERR_UNSUPPORTED},
        {"(?1)", REASON_ERR_UNSUPPORTED},    {"\\", REASON_ERR_UNSUPPORTED},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rsn_pattern *p;
        rsn_text e = {cases[i].expression, strlen(cases[i].expression)};
        assert_int_equal(rsn_pattern_new(&e, 1, &p), cases[i].status);
        assert_null(p);
        assert_non_null(strstr(rsn_last_error(), "reason.tokenizer.pattern[0]"));
    }
    char deep[400] = "";
    for (int i = 0; i < 150; i++) deep[i] = '(', deep[150 + i] = ')';
    rsn_pattern *p;
    rsn_text e = {deep, 300};
    assert_int_equal(rsn_pattern_new(&e, 1, &p), REASON_ERR_UNSUPPORTED);
    assert_int_equal(rsn_pattern_new(&e, 0, &p), REASON_ERR_FORMAT);
    assert_int_equal(rsn_pattern_new(&e, RSN_PATTERN_MAX + 1, &p), REASON_ERR_FORMAT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_pattern__pieces),
        cmocka_unit_test(test_text_pattern__like_scanners),
        cmocka_unit_test(test_text_pattern__invalid_bytes),
        cmocka_unit_test(test_text_pattern__hostile_expressions),
        cmocka_unit_test(test_text_pattern__refused_expressions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
