/* The JSON pull parser: events of known texts, everything it must refuse, and random
 * damage judged by a second, slow, recursive reader that shares nothing with it. */
#include "support.h"

#include <math.h>
#include <stdio.h>

#include "base/json.h"
#include "base/utf8.h"

/* ---- events as text: {k=name s=text i=1 d=1.5 t f n [ ] } ---- */

static void render_event(rsn_str *out, const rsn_json *j, rsn_json_kind kind) {
    static const char *const plain[] = {
        [RSN_JSON_OBJECT_BEGIN] = "{ ", [RSN_JSON_OBJECT_END] = "} ",
        [RSN_JSON_ARRAY_BEGIN] = "[ ",  [RSN_JSON_ARRAY_END] = "] ",
        [RSN_JSON_TRUE] = "t ",         [RSN_JSON_FALSE] = "f ",
        [RSN_JSON_NULL] = "n "};
    if (kind == RSN_JSON_KEY || kind == RSN_JSON_STRING) {
        rsn_str_addz(out, kind == RSN_JSON_KEY ? "k=" : "s=");
        rsn_str_add(out, rsn_str_text(&j->text), j->text.n);
        rsn_str_addc(out, ' ');
    } else if (kind == RSN_JSON_INT) {
        assert_true(j->number == (double)j->integer);
        rsn_str_addf(out, "i=%lld ", (long long)j->integer);
    } else if (kind == RSN_JSON_FLOAT) {
        rsn_str_addf(out, "d=%.17g ", j->number);
    } else {
        rsn_str_addz(out, plain[kind]);
    }
}

/* Reads a text that lies at the very end of a block; the events go to `out` unless it is
 * NULL. Returns how it ended. */
static reason_status read_all(const char *text, size_t n, rsn_str *out, size_t *at) {
    char *copy = test_malloc(n ? n : 1);
    memcpy(copy, text, n);
    rsn_json j;
    reason_status status = REASON_OK;
    rsn_json_kind kind;
    rsn_json_init(&j, copy, n);
    (void)rsn_fail(REASON_OK, "none");
    while ((kind = rsn_json_next(&j, &status)) > RSN_JSON_ERROR) {
        assert_int_equal(status, REASON_OK);
        assert_true(j.at <= n);
        if (out) render_event(out, &j, kind);
    }
    assert_int_equal(kind == RSN_JSON_ERROR, status != REASON_OK);
    if (status) assert_non_null(strstr(rsn_last_error(), "JSON"));
    reason_status again = REASON_OK; /* the end is repeated, whichever it is */
    assert_int_equal(rsn_json_next(&j, &again), kind);
    assert_int_equal(again, status);
    if (at) *at = j.at;
    rsn_json_free(&j);
    test_free(copy);
    return status;
}

static void check_events(const char *text, size_t n, const char *events,
                         size_t n_events) {
    rsn_str out = {0};
    if (read_all(text, n, &out, NULL)) fail_msg("%s: %s", text, rsn_last_error());
    if (out.n != n_events || memcmp(rsn_str_text(&out), events, n_events) != 0)
        fail_msg("%s: %s", text, rsn_str_text(&out));
    rsn_str_free(&out);
}

static const struct {
    const char *text, *events;
} events_of[] = {
    {"{}", "{ } "},
    {"[]", "[ ] "},
    {" \t\r\n[ \n] ", "[ ] "},
    {"null", "n "},
    {" true ", "t "},
    {"[false,null]", "[ f n ] "},
    {"\"\"", "s= "},
    {"{\"a\":1,\"b\":[2,{\"c\":\"d\"}],\"\":{}}",
     "{ k=a i=1 k=b [ i=2 { k=c s=d } ] k= { } } "},
    {"[[[[]]],[],{}]", "[ [ [ [ ] ] ] [ ] { } ] "},
    {"{\"a\":{\"b\":{}},\"a\":[]}", "{ k=a { k=b { } } k=a [ ] } "},
    {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "s=\"\\/\b\f\n\r\t "},
    {"\"a\\u0041\\u00e9\\u20AC\\uFFFD\"", "s=aA\xC3\xA9\xE2\x82\xAC\xEF\xBF\xBD "},
    {"\"\\ud83d\\ude00\\uD83D\\uDE00\"", "s=\xF0\x9F\x98\x80\xF0\x9F\x98\x80 "},
    {"\"\\udbff\\udfff\"", "s=\xF4\x8F\xBF\xBF "},
    {"\"\\ud800\"", "s=\xEF\xBF\xBD "},         /* lone high */
    {"\"\\udc00x\"", "s=\xEF\xBF\xBDx "},       /* lone low */
    {"\"\\ud800\\n\"", "s=\xEF\xBF\xBD\n "},    /* high, other escape */
    {"\"\\ud800\\u0058\"", "s=\xEF\xBF\xBDX "}, /* high, no low */
    {"\"\\ud800\\ud800\\udc00\"", "s=\xEF\xBF\xBD\xF0\x90\x80\x80 "},
    {"\"\\udc00\\ud800\"", "s=\xEF\xBF\xBD\xEF\xBF\xBD "}, /* the wrong way round */
    {"\"\x7F\xC2\x80\xF4\x8F\xBF\xBF\"", "s=\x7F\xC2\x80\xF4\x8F\xBF\xBF "},
    {"[0,-0,1,-1,10,1234567890]", "[ i=0 i=0 i=1 i=-1 i=10 i=1234567890 ] "},
    {"9223372036854775807", "i=9223372036854775807 "},
    {"-9223372036854775808", "i=-9223372036854775808 "},
    {"9223372036854775808", "d=9.2233720368547758e+18 "},
    {"-9223372036854775809", "d=-9.2233720368547758e+18 "},
    {"123456789012345678901234567890", "d=1.2345678901234568e+29 "},
    {"[0.5,-0.0,1.0,1e2,1E+2,12e-1]", "[ d=0.5 d=-0 d=1 d=100 d=100 d=1.2 ] "},
    {"[1e-400,1.7976931348623157e308]", "[ d=0 d=1.7976931348623157e+308 ] "},
    {"[0.1,1e23,5e-324]",
     "[ d=0.10000000000000001 d=9.9999999999999992e+22 d=4.9406564584124654e-324 ] "},
};

static void test_base_json__events(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(events_of); i++)
        check_events(events_of[i].text, strlen(events_of[i].text), events_of[i].events,
                     strlen(events_of[i].events));
    check_events("\"a\\u0000b\"", 10, "s=a\0b ", 6);
}

static const char *const refused[] = {
    "", " ", "[", "]", "{", "}", "[1", "[1,", "[,1]", "[1,]", "[1,,2]", "[,]", "[1 2]",
    "[1}", "{]", "[\"a\"", "[\"\": 1]", "[]]", "[1]x", "[] []", "1 2", "nullnull", "[:]",
    "{\"a\"}", "{\"a\":}", "{\"a\" 1}", "{\"a\",1}", "{:1}", "{1:1}", "{a:1}", "{'a':1}",
    "{\"a\":1,}", "{,\"a\":1}", "{\"a\":1,,\"b\":2}", "{\"a\":1 \"b\":2}", "{\"a\":1]",
    "{\"a\":1", "{\"a\":", "{\"a\"", "{\"a", "{\"a\":1}}", "{null:1}", "{[]:1}",
    "{\"a\"::1}", "nul", "nulL", "Null", "NULL", "tru", "TRUE", "truee", "fals", "n", "t",
    "f", "None", "undefined", "NaN", "nan", "Infinity", "-Infinity", "inf", "-nan", "+1",
    "++1", "--1", "-", "-a", "- 1", "01", "-01", "00", "1.", "1.e1", ".5", "-.5", "1e",
    "1e+", "1e-", "1E", "1e1.5", "1..2", "0x10", "0b1", "1_000", "1,000", "1a", "1e1e1",
    "1+1", "0e", "1.5.", "\xEF\xBC\x91", "1e400", "-1e400", "[1e99999999999999999999]",
    "\"", "\"a", "\"\\\"", "\"\\", "\"\\u", "\"\\u0", "\"\\u00", "\"\\u000", "\"\\u0000",
    "\"\\a\"", "\"\\x41\"", "\"\\'\"", "\"\\0\"", "\"\\ \"", "\"\\\n\"", "\"\\u004\"",
    "\"\\u004g\"", "\"\\u 041\"", "\"\\u+041\"", "\"\\U0041\"", "\"\\ud800\\u\"",
    "\"\\ud800\\u12\"", "\"\\ud800\\\"", "\"\n\"", "\"\t\"", "\"\x01\"", "\"\x1F\"",
    "\"a\r\"", "{\"a\nb\":1}", "'a'", "`a`", "a", "\"a\"b", "\"a\" \"b\"", "\"\x80\"",
    "\"\xC0\x80\"", "\"\xED\xA0\x80\"", "\"\xF4\x90\x80\x80\"", "\"\xFF\"",
    "\"\xE2\x82\"", "\"\xC3\"", "{\"\x80\":1}", "\xEF\xBB\xBF[]", "\xFE\xFF",
    "[1]\xC2\xA0", "\xC2\xA0[1]", "\v1", "\f1", "// c\n1", "/* c */1", "1 // c", "#1",
    "[1;2]", "(1)", "{\"a\":1;}", "<a/>", "*", "\\", "\"\\\\", "[\"\\\\\"",
    "\xE2\x80\xA8[]",
};

static void test_base_json__refuses(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(refused); i++) {
        const char *text = refused[i];
        size_t at;
        if (read_all(text, strlen(text), NULL, &at) != REASON_ERR_FORMAT)
            fail_msg("accepted: %s", text);
        assert_true(at <= strlen(text));
    }
    assert_int_equal(read_all("1\0", 2, NULL, NULL), REASON_ERR_FORMAT);
    assert_int_equal(read_all("[\0]", 3, NULL, NULL), REASON_ERR_FORMAT);
    assert_int_equal(read_all("\"\0\"", 3, NULL, NULL), REASON_ERR_FORMAT);
    assert_int_equal(read_all("\"\\\0\"", 4, NULL, NULL), REASON_ERR_FORMAT);
    assert_int_equal(read_all("\0", 1, NULL, NULL), REASON_ERR_FORMAT);
}

static void test_base_json__says_where(void **state) {
    (void)state;
    static const struct {
        const char *text;
        size_t at;
        const char *said;
    } cases[] = {
        {"[1,2,x]", 5, "byte 5: found \"x\", expected a value"},
        {"{\"a\":1", 6, "ends at byte 6"},
        {"{\"a\" 1}", 5, "byte 5: found \"1\", expected ':'"},
        {"\"ab\xFFz\"", 3, "byte 3: found \"\\xff\", expected valid UTF-8"},
        {"\"ab\\q\"", 4, "byte 4: found \"q\""},
        {"[1] 2", 4, "expected the end"},
        {"[1,-x]", 4, "byte 4: found \"x\", expected a digit"},
        {"[1,1e999]", 3, "byte 3: the number \"1e999\""},
        {"[1}", 2, "expected ',' or ']'"},
        {"{\"a\":1]", 6, "expected ',' or '}'"},
        {"{1}", 1, "expected a key"},
        {"\"a\nb\"", 2, "byte 2: found \"\\x0a\""},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        size_t at;
        const char *text = cases[i].text;
        assert_int_equal(read_all(text, strlen(text), NULL, &at), REASON_ERR_FORMAT);
        assert_int_equal(at, cases[i].at);
        if (!strstr(rsn_last_error(), cases[i].said)) fail_msg("%s", rsn_last_error());
    }
}

/* ---- depth ---- */

static void test_base_json__depth(void **state) {
    (void)state;
    static char text[400];
    for (size_t depth = 120; depth <= 140; depth++) {
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        const reason_status status = read_all(text, 2 * depth, NULL, NULL);
        assert_int_equal(status,
                         depth <= RSN_JSON_MAX_DEPTH ? REASON_OK : REASON_ERR_LIMIT);
    }
    assert_non_null(strstr(rsn_last_error(), "128"));
    rsn_str s = {0};
    for (int i = 0; i < RSN_JSON_MAX_DEPTH;
         i++) /* both kinds in turn, so every bit counts */
        rsn_str_addz(&s, i % 3 == 1 ? "{\"a\":" : "[");
    rsn_str_addc(&s, '1');
    for (int i = RSN_JSON_MAX_DEPTH; i-- > 0;) rsn_str_addc(&s, i % 3 == 1 ? '}' : ']');
    assert_int_equal(read_all(s.data, s.n, NULL, NULL), REASON_OK);
    for (size_t at = s.n - RSN_JSON_MAX_DEPTH; at < s.n; at++) { /* and is checked */
        const char kept = s.data[at];
        s.data[at] = kept == ']' ? '}' : ']';
        assert_int_equal(read_all(s.data, s.n, NULL, NULL), REASON_ERR_FORMAT);
        s.data[at] = kept;
    }
    rsn_str_free(&s);
}

static void test_base_json__many_open_brackets(void **state) {
    (void)state;
    enum { N = 100000 };
    char *text = test_malloc(N * 6);
    memset(text, '[', N);
    assert_int_equal(read_all(text, N, NULL, NULL), REASON_ERR_LIMIT);
    for (size_t i = 0; i < N; i++) memcpy(text + i * 5, "{\"\":[", 5);
    assert_int_equal(read_all(text, N * 5, NULL, NULL), REASON_ERR_LIMIT);
    text[0] = '['; /* wide instead of deep is no problem */
    for (size_t i = 0; i < N; i++) memcpy(text + 1 + i * 3, "[],", 3);
    text[3 * N] = ']';
    assert_int_equal(read_all(text, 3 * N + 1, NULL, NULL), REASON_OK);
    test_free(text);
}

/* ---- a slow reader to compare with; depth is small where it is used ---- */

typedef struct slow {
    const char *p, *end;
    reason_status status; /* of the first failure */
    int depth;
} slow;

static int slow_fail(slow *s, reason_status status) {
    if (!s->status) s->status = status;
    return 0;
}

static void slow_space(slow *s) {
    while (s->p < s->end && *s->p && strchr(" \t\r\n", *s->p)) s->p++;
}

static int slow_is(slow *s, const char *word) {
    size_t n = strlen(word);
    if ((size_t)(s->end - s->p) < n || memcmp(s->p, word, n) != 0) return 0;
    s->p += n;
    return 1;
}

static int slow_hex4(slow *s) {
    for (int i = 0; i < 4; i++, s->p++)
        if (s->p == s->end || !*s->p || !strchr("0123456789abcdefABCDEF", *s->p))
            return 0;
    return 1;
}

static int slow_string(slow *s) {
    if (!slow_is(s, "\"")) return slow_fail(s, REASON_ERR_FORMAT);
    while (s->p < s->end && *s->p != '"') {
        if ((unsigned char)*s->p < 0x20) return slow_fail(s, REASON_ERR_FORMAT);
        if (*s->p != '\\') {
            int32_t cp;
            s->p += rsn_utf8_decode(s->p, (size_t)(s->end - s->p), &cp);
            if (cp < 0) return slow_fail(s, REASON_ERR_FORMAT);
            continue;
        }
        s->p++;
        if (slow_is(s, "u")) {
            if (!slow_hex4(s)) return slow_fail(s, REASON_ERR_FORMAT);
        } else if (s->p == s->end || !*s->p || !strchr("\"\\/bfnrt", *s->p++)) {
            return slow_fail(s, REASON_ERR_FORMAT);
        }
    }
    return slow_is(s, "\"") ? 1 : slow_fail(s, REASON_ERR_FORMAT);
}

static int slow_digits(slow *s) {
    const char *from = s->p;
    while (s->p < s->end && *s->p >= '0' && *s->p <= '9') s->p++;
    return s->p > from;
}

static int slow_number(slow *s) {
    char copy[512];
    const char *from = s->p;
    (void)slow_is(s, "-");
    if (!slow_is(s, "0") && !slow_digits(s)) return slow_fail(s, REASON_ERR_FORMAT);
    if (slow_is(s, ".") && !slow_digits(s)) return slow_fail(s, REASON_ERR_FORMAT);
    if (slow_is(s, "e") || slow_is(s, "E")) {
        (void)(slow_is(s, "+") || slow_is(s, "-"));
        if (!slow_digits(s)) return slow_fail(s, REASON_ERR_FORMAT);
    }
    size_t n = (size_t)(s->p - from);
    assert_true(n < sizeof copy);
    memcpy(copy, from, n);
    copy[n] = '\0';
    return isinf(strtod(copy, NULL)) ? slow_fail(s, REASON_ERR_FORMAT) : 1;
}

static int slow_value(slow *s);

static int slow_members(slow *s, int object) {
    if (s->depth++ == RSN_JSON_MAX_DEPTH) return slow_fail(s, REASON_ERR_LIMIT);
    slow_space(s);
    int first = 1;
    while (!slow_is(s, object ? "}" : "]")) {
        if (!first && !slow_is(s, ",")) return slow_fail(s, REASON_ERR_FORMAT);
        first = 0;
        slow_space(s);
        if (object) {
            if (!slow_string(s)) return 0;
            slow_space(s);
            if (!slow_is(s, ":")) return slow_fail(s, REASON_ERR_FORMAT);
        }
        if (!slow_value(s)) return 0;
        slow_space(s);
    }
    s->depth--;
    return 1;
}

static int slow_value(slow *s) {
    slow_space(s);
    if (slow_is(s, "{")) return slow_members(s, 1);
    if (slow_is(s, "[")) return slow_members(s, 0);
    if (slow_is(s, "true") || slow_is(s, "false") || slow_is(s, "null")) return 1;
    if (s->p < s->end && *s->p == '"') return slow_string(s);
    return slow_number(s);
}

static reason_status slow_read(const char *text, size_t n) {
    slow s = {text, text + n, REASON_OK, 0};
    if (!slow_value(&s)) return s.status;
    slow_space(&s);
    return s.p == s.end ? REASON_OK : REASON_ERR_FORMAT;
}

static const char sample[] = "{ \"name\": \"x\\u00e9\\ud83d\\ude00\\n\", \"list\": [1, "
                             "-2.5e+3, 0, true, false, null,\n"
                             "  {\"a\": {}, \"b\": []}, \"\xE2\x82\xAC\"],\r\n\t\"n\": "
                             "-9223372036854775808, \"\": 1e-7 }";

/* Each start of the sample is incomplete, and said to end where it ends. */
static void test_base_json__every_truncation(void **state) {
    (void)state;
    const size_t n = sizeof sample - 1;
    assert_int_equal(read_all(sample, n, NULL, NULL), REASON_OK);
    for (size_t k = 0; k < n; k++) {
        size_t at;
        assert_int_equal(read_all(sample, k, NULL, &at), REASON_ERR_FORMAT);
        assert_true(at <= k && at + 6 >= k);
        assert_int_equal(slow_read(sample, k), REASON_ERR_FORMAT);
    }
}

static void test_base_json__every_byte_changed(void **state) {
    (void)state;
    char text[sizeof sample];
    memcpy(text, sample, sizeof sample);
    const size_t n = sizeof sample - 1;
    size_t n_valid = 0;
    for (size_t at = 0; at < n; at++) {
        for (int c = 0; c < 256; c++) {
            text[at] = (char)c;
            reason_status expected = slow_read(text, n);
            if (read_all(text, n, NULL, NULL) != expected)
                fail_msg("byte %zu is %d: %s", at, c, rsn_status_name(expected));
            n_valid += expected == REASON_OK;
        }
        text[at] = sample[at];
    }
    assert_in_range(n_valid, n, n * 256 / 2); /* both answers are common */
}

static void test_base_json__random_damage(void **state) {
    (void)state;
    static const char alphabet[] = "{}[]\",:\\u0123456789eE+-.truefalsn \n\x80\xC3\xA9/b";
    uint64_t seed = 53;
    size_t n_valid = 0;
    for (int round = 0; round < 100000; round++) {
        char text[sizeof sample + 16];
        size_t n = sizeof sample - 1;
        memcpy(text, sample, n);
        if (round % 2) { /* a text of its own instead of a damaged one */
            n = random_below(&seed, 12);
            for (size_t i = 0; i < n; i++)
                text[i] = alphabet[random_below(&seed, sizeof alphabet - 1)];
        }
        for (size_t k = round % 2 ? 0 : 1 + random_below(&seed, 3); k > 0; k--) {
            size_t at = random_below(&seed, n), len = random_below(&seed, n - at);
            if (random_below(&seed, 2)) { /* cut a piece out, or write one character */
                memmove(text + at, text + at + len % 8, n - at - len % 8);
                n -= len % 8;
            } else {
                text[at] = alphabet[random_below(&seed, sizeof alphabet - 1)];
            }
        }
        reason_status expected = slow_read(text, n);
        if (read_all(text, n, NULL, NULL) != expected)
            fail_msg("%.*s: %s", (int)n, text, rsn_status_name(expected));
        n_valid += expected == REASON_OK;
    }
    assert_in_range(n_valid, 1000, 50000);
}

/* ---- the rest ---- */

static void test_base_json__skip(void **state) {
    (void)state;
    static const char *const values[] = {"1",
                                         "\"x\"",
                                         "null",
                                         "[]",
                                         "{}",
                                         "[1,[2,{\"k\":[]}]]",
                                         "{\"a\":{\"b\":[1,2]},\"c\":\"}]\"}"};
    for (size_t i = 0; i < COUNT(values); i++) {
        for (int by_key = 0; by_key < 2; by_key++) {
            char text[200];
            rsn_json j;
            reason_status status;
            int n = snprintf(text, sizeof text, "{\"skip\":%s,\"next\":7}", values[i]);
            rsn_json_init(&j, text, (size_t)n);
            assert_int_equal(rsn_json_next(&j, &status), RSN_JSON_OBJECT_BEGIN);
            rsn_json_kind kind = rsn_json_next(&j, &status);
            assert_int_equal(kind, RSN_JSON_KEY);
            if (!by_key) kind = rsn_json_next(&j, &status);
            assert_int_equal(rsn_json_skip(&j, kind), REASON_OK);
            assert_int_equal(j.depth, 1);
            assert_int_equal(rsn_json_next(&j, &status), RSN_JSON_KEY);
            assert_string_equal(rsn_str_text(&j.text), "next");
            rsn_json_free(&j);
        }
    }
}

static void test_base_json__skip_of_damage(void **state) {
    (void)state;
    static const char *const bad[] = {"{\"a\":[1,[2,}", "{\"a\":[1,2",
                                      "{\"a\":", "{\"a\":tru"};
    for (size_t i = 0; i < COUNT(bad); i++) {
        rsn_json j;
        reason_status status;
        rsn_json_init(&j, bad[i], strlen(bad[i]));
        (void)rsn_json_next(&j, &status);
        assert_int_equal(rsn_json_next(&j, &status), RSN_JSON_KEY);
        assert_int_equal(rsn_json_skip(&j, RSN_JSON_KEY), REASON_ERR_FORMAT);
        assert_int_equal(rsn_json_skip(&j, RSN_JSON_ERROR), REASON_ERR_FORMAT);
        rsn_json_free(&j);
    }
}

static void test_base_json__no_memory(void **state) {
    (void)state;
    test_heap heap;
    char text[1000] = "[\"short\",\"";
    memset(text + 10, 'x', 900);
    memcpy(text + 910, "\"]", 2);
    for (size_t fail_at = 1; fail_at < 3; fail_at++) {
        rsn_json j;
        reason_status status = REASON_OK;
        heap_use(&heap, fail_at);
        rsn_json_init(&j, text, 912);
        while (rsn_json_next(&j, &status) > RSN_JSON_ERROR) continue;
        assert_int_equal(status, REASON_ERR_NO_MEMORY);
        heap.fail_at = 0;
        assert_int_equal(rsn_json_next(&j, &status), RSN_JSON_ERROR);
        assert_int_equal(status, REASON_ERR_NO_MEMORY);
        rsn_json_free(&j);
        heap_end(&heap);
    }
}

static void check_quote(const char *s, size_t n, bool ascii, const char *expected) {
    rsn_str out = {0};
    rsn_json_quote(&out, s, n, ascii);
    assert_false(out.failed);
    assert_string_equal(rsn_str_text(&out), expected);
    rsn_str_free(&out);
}

static void test_base_json__quotes(void **state) {
    (void)state;
    for (int ascii = 0; ascii < 2; ascii++) {
        check_quote(NULL, 0, ascii, "\"\"");
        check_quote("abc /'<~", 8, ascii, "\"abc /'<~\"");
        check_quote("\"\\\b\f\n\r\t", 7, ascii, "\"\\\"\\\\\\b\\f\\n\\r\\t\"");
        check_quote("\0\x01\x1F", 3, ascii, "\"\\u0000\\u0001\\u001f\"");
    }
    check_quote("\x7F\xC3\xA9\xF0\x9F\x98\x80", 7, false,
                "\"\x7F\xC3\xA9\xF0\x9F\x98\x80\"");
    check_quote("\x7F\xC3\xA9\xF0\x9F\x98\x80", 7, true,
                "\"\\u007f\\u00e9\\ud83d\\ude00\"");
    check_quote("a\x80\xE2\x82z", 5, false, "\"a\xEF\xBF\xBD\xEF\xBF\xBDz\"");
    check_quote("a\x80\xE2\x82z", 5, true, "\"a\\ufffd\\ufffdz\"");
}

/* What is quoted reads back as itself. */
static void test_base_json__quotes_round_trip(void **state) {
    (void)state;
    uint64_t seed = 59;
    for (int round = 0; round < 20000; round++) {
        char text[128];
        size_t n = 0;
        for (size_t k = random_below(&seed, 30); k > 0; k--) {
            static const int32_t most[] = {0x20, 0x80, 0x800, 0x10000, 0x110000};
            int32_t cp = (int32_t)random_below(&seed,
                                               (size_t)most[random_below(&seed, 5)]);
            n += rsn_utf8_encode(cp, text + n);
        }
        rsn_str quoted = {0};
        rsn_json_quote(&quoted, text, n, round % 2);
        rsn_json j;
        reason_status status;
        rsn_json_init(&j, quoted.data, quoted.n);
        assert_int_equal(rsn_json_next(&j, &status), RSN_JSON_STRING);
        assert_int_equal(j.text.n, n);
        assert_memory_equal(rsn_str_text(&j.text), text, n);
        assert_int_equal(rsn_json_next(&j, &status), RSN_JSON_END);
        for (size_t i = 0; round % 2 && i < quoted.n; i++)
            assert_in_range(quoted.data[i], 0x20, 0x7E);
        rsn_json_free(&j);
        rsn_str_free(&quoted);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_base_json__events),
        cmocka_unit_test(test_base_json__refuses),
        cmocka_unit_test(test_base_json__says_where),
        cmocka_unit_test(test_base_json__depth),
        cmocka_unit_test(test_base_json__many_open_brackets),
        cmocka_unit_test(test_base_json__every_truncation),
        cmocka_unit_test(test_base_json__every_byte_changed),
        cmocka_unit_test(test_base_json__random_damage),
        cmocka_unit_test(test_base_json__skip),
        cmocka_unit_test(test_base_json__skip_of_damage),
        cmocka_unit_test(test_base_json__no_memory),
        cmocka_unit_test(test_base_json__quotes),
        cmocka_unit_test(test_base_json__quotes_round_trip),
    };
    return cmocka_run_group_tests_name("base/json", tests, NULL, NULL);
}
