/* Chat templates: what they print against tables written down from Jinja2 and against
 * published templates, what they refuse, what bounds them, and how they fail. */
#include "text/template.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "base/json.h"
#include "format/gguf.h"
#include "support/heap.h"
#include "template_cases.h"
#include "text/template_value.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const char NOW[] = "2026-01-02T03:04:05";

/* ---- rendering ---- */

static reason_status render_with(const char *source, size_t n, const char *messages,
                                 size_t n_messages, const char *variables, rsn_str *out) {
    rsn_template *t;
    const char *const all[] = {variables};
    const rsn_template_input in = {messages, n_messages, all, variables ? 1 : 0, NOW};
    reason_status status = rsn_template_compile(source, n, &t);
    if (!status) status = rsn_template_render(t, &in, out);
    rsn_template_free(t);
    return status;
}

static reason_status render(const char *source, rsn_str *out) {
    return render_with(source, strlen(source), MESSAGES, strlen(MESSAGES), VARIABLES,
                       out);
}

static void check(const char *source, const char *expected) {
    rsn_str out = {0};
    if (render(source, &out)) fail_msg("%s\n  failed: %s", source, rsn_last_error());
    if (strcmp(rsn_str_text(&out), expected) != 0) {
        fail_msg("%s\n  printed:  %s\n  expected: %s", source, rsn_str_text(&out),
                 expected);
    }
    rsn_str_free(&out);
}

static void check_table(const template_case *cases, size_t n) {
    for (size_t i = 0; i < n; i++) check(cases[i].source, cases[i].printed);
}

static void check_error(const char *source, reason_status expected, const char *says) {
    rsn_str out = {0};
    rsn_str_addz(&out, "before");
    reason_status status = render(source, &out);
    if (status != expected || !strstr(rsn_last_error(), says)) {
        fail_msg("%s\n  gave %s: %s\n  expected %s: %s", source, rsn_status_name(status),
                 status ? rsn_last_error() : rsn_str_text(&out),
                 rsn_status_name(expected), says);
    }
    assert_string_equal(rsn_str_text(&out), "before");
    rsn_str_free(&out);
}

/* ---- what Jinja2 prints ---- */

static void test_text_template__white_space(void **state) {
    (void)state;
    check_table(WHITESPACE, COUNT(WHITESPACE));
}

static void test_text_template__literals(void **state) {
    (void)state;
    check_table(LITERALS, COUNT(LITERALS));
}

static void test_text_template__operators(void **state) {
    (void)state;
    check_table(OPERATORS, COUNT(OPERATORS));
}

static void test_text_template__access(void **state) {
    (void)state;
    check_table(ACCESS, COUNT(ACCESS));
}

static void test_text_template__methods(void **state) {
    (void)state;
    check_table(METHODS, COUNT(METHODS));
}

static void test_text_template__filters(void **state) {
    (void)state;
    check_table(FILTERS, COUNT(FILTERS));
}

static void test_text_template__tests(void **state) {
    (void)state;
    check_table(TESTS, COUNT(TESTS));
}

static void test_text_template__statements(void **state) {
    (void)state;
    check_table(STATEMENTS, COUNT(STATEMENTS));
}

static void test_text_template__recursive_loops(void **state) {
    (void)state;
    check_table(RECURSION, COUNT(RECURSION));
}

static void test_text_template__subtleties(void **state) {
    (void)state;
    check_table(SUBTLETIES, COUNT(SUBTLETIES));
}

static void test_text_template__errors_of_jinja(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(ERRORS); i++) {
        check_error(ERRORS[i].source, ERRORS[i].status, ERRORS[i].says);
    }
}

/* What Transformers adds to Jinja. */
static void test_text_template__generation_blocks(void **state) {
    (void)state;
    check("a{% generation %}b{{ n }}{% endgeneration %}c", "ab7c");
    check("{% for x in l %}{% generation %}{% set y = x %}{{ loop.index }}{{ y }}"
          "{% endgeneration %}{{ y }}{% endfor %}",
          "132132");
    check_error("{% generation %}", REASON_ERR_FORMAT, "endgeneration");
}

static void test_text_template__names_what_is_not_there(void **state) {
    (void)state;
    static const struct {
        const char *source, *name;
    } cases[] = {
        {"{% include 'a' %}", "include"},
        {"{% from 'a' import b %}", "from"},
        {"{% block a %}{% endblock %}", "block"},
        {"{% autoescape true %}{% endautoescape %}", "autoescape"},
        {"{% do l.append(1) %}", "do"},
        {"{{ l | random }}", "random"},
        {"{{ l | pprint }}", "pprint"},
        {"{{ s | wordwrap(3) }}", "wordwrap"},
        {"{{ s | nothing_like_it }}", "nothing_like_it"},
        {"{{ s is nothing_like_it }}", "nothing_like_it"},
        {"{{ s.encode() }}", "encode"},
        {"{{ lipsum() }}", "lipsum"},
        {"{{ n.bit_length() }}", "bit_length"},
        {"{{ t.conjugate() }}", "conjugate"},
        {"{{ f.hex() }}", "hex"},
        {"{{ '\\N{DASH}' }}", "\\N"},
        {"{% if t %}{{ s | pprint }}{% endif %}", "pprint"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        check_error(cases[i].source, REASON_ERR_UNSUPPORTED, cases[i].name);
    }
    check("{% if fa %}{{ s | pprint }}{% endif %}", "");
}

static void test_text_template__says_the_line(void **state) {
    (void)state;
    check_error("a\n\n{{ b.c }}", REASON_ERR_TEMPLATE, "template line 3: ");
    check_error("a\r\n{# \n #}\n{% set x = -%}", REASON_ERR_FORMAT, "template line 4: ");
    check_error("{{ 'a\nb' }}{{ 'c", REASON_ERR_FORMAT, "template line 2: ");
    check_error("{% raw %}\n\n{% endraw %}{% nope %}", REASON_ERR_FORMAT, "line 3: ");
    check_error("\n{%- if t -%}\n\n{{ raise_exception('a b') }}{% endif %}",
                REASON_ERR_TEMPLATE, "template line 4: a b");
}

/* ---- input ---- */

static void test_text_template__merges_variables(void **state) {
    (void)state;
    rsn_template *t;
    rsn_str out = {0};
    static const char source[] = "{{ a }}{{ b }}{{ c }}{{ messages }}|";
    const char *const variables[] = {"{\"a\": 1, \"b\": 1}", "{\"b\": 2, \"c\": [2]}",
                                     " {\"a\": \"x\"} "};
    rsn_template_input in = {NULL, 0, variables, 3, NULL};
    assert_int_equal(rsn_template_compile(source, strlen(source), &t), REASON_OK);
    assert_int_equal(rsn_template_render(t, &in, &out), REASON_OK);
    in.messages_json = "[1, 2]  and more";
    in.n_messages_json = 6;
    in.n_variables = 1;
    assert_int_equal(rsn_template_render(t, &in, &out), REASON_OK);
    assert_string_equal(out.data, "x2[2]|11[1, 2]|");
    rsn_template_free(t);
    rsn_str_free(&out);
}

static void test_text_template__refuses_bad_input(void **state) {
    (void)state;
    static const struct {
        const char *messages, *variables, *now, *says;
    } cases[] = {
        {"[1,", "{}", NULL, "messages: JSON"},
        {"", "{}", NULL, "messages: JSON"},
        {"[]", "{\"a\":}", NULL, "variables: JSON"},
        {"[]", "[1]", NULL, "must be a JSON object, found a list"},
        {"[]", "\"\xff\"", NULL, "variables: JSON"},
        {"[]", "{}", "", "2026-01-02T03:04:05"},
        {"[]", "{}", "2026-01-02 03:04:05", "2026-01-02 03:04:05"},
        {"[]", "{}", "2026-13-02T03:04:05", "2026-13"},
        {"[]", "{}", "2026-02-29T03:04:05", "2026-02-29"},
        {"[]", "{}", "2026-01-02T24:04:05", "T24"},
        {"[]", "{}", "2026-01-02T03:04:05Z", "05Z"},
        {"[]", "{}", "2026-0a-02T03:04:05", "0a"},
    };
    rsn_template *t;
    assert_int_equal(rsn_template_compile("x", 1, &t), REASON_OK);
    for (size_t i = 0; i < COUNT(cases); i++) {
        rsn_str out = {0};
        const char *const variables[] = {cases[i].variables};
        const rsn_template_input in = {cases[i].messages, strlen(cases[i].messages),
                                       variables, 1, cases[i].now};
        assert_int_equal(rsn_template_render(t, &in, &out), REASON_ERR_FORMAT);
        assert_non_null(strstr(rsn_last_error(), cases[i].says));
        assert_int_equal(out.n, 0);
        rsn_str_free(&out);
    }
    rsn_template_free(t);
    assert_int_equal(rsn_template_compile("a\xC3(", 3, &t), REASON_ERR_FORMAT);
    assert_null(t);
    assert_non_null(strstr(rsn_last_error(), "UTF-8 at byte 1"));
}

static void test_text_template__mentions(void **state) {
    (void)state;
    static const char source[] =
        "{% macro m(arg, def=in_default) %}{{ in_macro }}{% endmacro %}"
        "{% set stored = 1 %}{% for x in seq if in_test %}{% endfor %}{{ a.attribute }}"
        "{{ f(keyword=value) }}{% if not enable_thinking %}{% endif %}{# comment #}text"
        "{% set both = 1 %}{{ both }}{% filter indent(width) %}{% endfilter %}";
    static const char *const read[] = {
        "in_default", "in_macro", "seq",  "in_test", "a",
        "f",          "value",    "both", "width",   "enable_thinking"};
    static const char *const not_read[] = {
        "m",    "arg",       "def",    "stored", "x",    "keyword", "comment",
        "text", "attribute", "indent", "",       "loop", "caller"};
    rsn_template *t;
    assert_int_equal(rsn_template_compile(source, strlen(source), &t), REASON_OK);
    for (size_t i = 0; i < COUNT(read); i++) {
        assert_true(rsn_template_mentions(t, read[i]));
    }
    for (size_t i = 0; i < COUNT(not_read); i++) {
        assert_false(rsn_template_mentions(t, not_read[i]));
    }
    rsn_template_free(t);
    rsn_template_free(NULL);
}

/* Without `now` the clock is read: the day is today, or tomorrow if midnight passed. */
static void test_text_template__reads_the_clock(void **state) {
    (void)state;
    rsn_template *t;
    bool found = false;
    static const char source[] = "{{ strftime_now('%Y-%m-%d') }}";
    assert_int_equal(rsn_template_compile(source, strlen(source), &t), REASON_OK);
    for (int attempt = 0; attempt < 2 && !found; attempt++) {
        char today[16];
        rsn_str out = {0};
        struct tm tm;
        time_t now = time(NULL);
        assert_non_null(localtime_r(&now, &tm));
        assert_int_equal(strftime(today, sizeof today, "%Y-%m-%d", &tm), 10);
        assert_int_equal(rsn_template_render(t, &(rsn_template_input){0}, &out),
                         REASON_OK);
        found = strcmp(out.data, today) == 0;
        rsn_str_free(&out);
    }
    assert_true(found);
    rsn_template_free(t);
}

/* ---- against slow references ---- */

/* Python's slice by its definition: the indices from start on, by step, that lie inside
 * and before stop. */
static void slice_slowly(int n, const int *start, const int *stop, int step, char *out) {
    int lo = step < 0 ? -1 : 0, hi = step < 0 ? n - 1 : n;
    int from = step < 0 ? n - 1 : 0, to = step < 0 ? -1 : n;
    if (start) from = *start;
    if (stop) to = *stop;
    if (start && from < 0) from += n;
    if (stop && to < 0) to += n;
    from = from < lo ? lo : from > hi ? hi : from;
    to = to < lo ? lo : to > hi ? hi : to;
    for (int i = from; step < 0 ? i > to : i < to; i += step) *out++ = (char)('a' + i);
    *out = '\0';
}

static void add_slice(rsn_str *source, rsn_str *expected, int n, const int *start,
                      const int *stop, int step) {
    char part[16];
    rsn_str_addf(source, "{{ 'abcd'[:%d][", n);
    if (start) rsn_str_addf(source, "%d", *start);
    rsn_str_addc(source, ':');
    if (stop) rsn_str_addf(source, "%d", *stop);
    rsn_str_addf(source, ":%d] }} ", step);
    slice_slowly(n, start, stop, step, part);
    rsn_str_addf(expected, "%s ", part);
}

static void test_text_template__slices_as_defined(void **state) {
    (void)state;
    for (int n = 0; n <= 4; n++) {
        rsn_str source = {0}, expected = {0};
        for (int start = -6; start <= 6; start++) {
            for (int stop = -6; stop <= 6; stop++) {
                for (int step = -3; step <= 3; step++) {
                    if (step == 0) continue;
                    add_slice(&source, &expected, n, start < 6 ? &start : NULL,
                              stop < 6 ? &stop : NULL, step);
                }
            }
        }
        assert_false(source.failed || expected.failed);
        check(source.data, expected.data);
        rsn_str_free(&source);
        rsn_str_free(&expected);
    }
}

/* The first precision at which the C library's own text reads back. */
static void test_text_template__floats_are_shortest(void **state) {
    (void)state;
    uint64_t seed = 88172645463325252u;
    for (int i = 0; i < 20000; i++) {
        char text[32], slow[64];
        double f, back;
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        uint64_t bits =
            i % 4 == 0 ? seed & 0x800FFFFFFFFFFFFFu : seed; /* some subnormal */
        memcpy(&f, &bits, sizeof f);
        if (i % 4 == 1) f = (double)(int64_t)(seed % 100000) / 100;
        if (!isfinite(f)) continue;
        int digits = 1;
        do {
            (void)snprintf(slow, sizeof slow, "%.*e", digits - 1, f);
        } while (strtod(slow, NULL) != f && ++digits <= 17);
        size_t n = rsn_tpl_float_text(f, text);
        assert_true(n < sizeof text && text[n] == '\0');
        back = strtod(text, NULL);
        assert_memory_equal(&back, &f, sizeof f);
        int n_digits = 0, zeros = 0;
        for (const char *p = text; *p && *p != 'e'; p++) {
            if (*p == '0' && n_digits == 0) continue;
            if (*p < '0' || *p > '9') continue;
            n_digits++;
            zeros = *p == '0' ? zeros + 1 : 0;
        }
        if (f != 0) assert_int_equal(n_digits - zeros, digits);
    }
}

/* Every 17th day of 60 years, as strftime of the C library has it. */
static void test_text_template__dates_as_strftime(void **state) {
    (void)state;
    /* no constant: compilers know only the directives of ISO C */
    char source[256], format[128] = "%A %a %B %b %C %D %d %e %F %G %g %H %I %j %k %l %M "
                                    "%m %p %R %S %T %U %u %V %W %w %Y %y %-d %_m %%";
    rsn_template *t;
    (void)snprintf(source, sizeof source, "{{ strftime_now('%s') }}", format);
    assert_int_equal(rsn_template_compile(source, strlen(source), &t), REASON_OK);
    for (int64_t day = 0; day < 60 * 365; day += 17) {
        char now[32], expected[512];
        rsn_str out = {0};
        struct tm tm;
        time_t when = (time_t)(631152000 + day * 86400 + day * 977 % 86400);
        assert_non_null(gmtime_r(&when, &tm));
        assert_int_equal(strftime(now, sizeof now, "%Y-%m-%dT%H:%M:%S", &tm), 19);
        assert_true(strftime(expected, sizeof expected, format, &tm) > 0);
        const rsn_template_input in = {.now = now};
        assert_int_equal(rsn_template_render(t, &in, &out), REASON_OK);
        assert_string_equal(out.data, expected);
        rsn_str_free(&out);
    }
    rsn_template_free(t);
}

/* A dict of 3000 entries, some overwritten, found again one by one. */
static void test_text_template__large_dicts(void **state) {
    (void)state;
    rsn_str variables = {0}, out = {0};
    rsn_str_addz(&variables, "{\"d\": {");
    for (int i = 0; i < 3000; i++) {
        rsn_str_addf(&variables, "%s\"k%d\": %d", i ? ", " : "", i % 2900, i);
    }
    rsn_str_addz(&variables, "}}");
    static const char source[] =
        "{% set ns = namespace(bad=0) %}{% for i in range(2900) %}"
        "{% if d['k' ~ i] != (i + 2900 if i < 100 else i) %}{% set ns.bad = ns.bad + 1 %}"
        "{% endif %}{% if 'x' ~ i in d %}{% set ns.bad = ns.bad + 1 %}{% endif %}"
        "{% endfor %}{{ ns.bad }} {{ d | length }} {{ (d | list)[99:101] }}";
    assert_false(variables.failed);
    assert_int_equal(render_with(source, strlen(source), NULL, 0, variables.data, &out),
                     REASON_OK);
    assert_string_equal(out.data, "0 2900 ['k99', 'k100']");
    rsn_str_free(&variables);
    rsn_str_free(&out);
}

/* ---- hostile templates ---- */

typedef struct hostile {
    const char *before, *repeated, *after; /* `repeated` n times */
    int n;
    reason_status status;
    const char *says;
} hostile;

static const hostile HOSTILE[] = {
    {"{% for i in range(1000000000) %}{% endfor %}", "", "", 0, REASON_ERR_LIMIT,
     "100000"},
    {"{{ range(10**12) }}", "", "", 0, REASON_ERR_LIMIT, "1000000000000 items"},
    {"", "{% for i in range(100000) %}", "", 2, REASON_ERR_FORMAT, "endfor"},
    {"{% for i in range(100000) %}{% for k in range(100000) %}{% endfor %}{% endfor %}",
     "", "", 0, REASON_ERR_LIMIT, "10000000 steps"},
    {"{% for i in range(100000) %}{% for k in range(100000) "
     "%}0123456789012345678901234567"
     "89{% endfor %}{% endfor %}",
     "", "", 0, REASON_ERR_LIMIT, "16777216 bytes"},
    {"{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "", "", 0, REASON_ERR_LIMIT,
     "64 deep"},
    {"{% for x in [1] recursive %}{{ loop([x]) }}{% endfor %}", "", "", 0,
     REASON_ERR_LIMIT, "64 deep"},
    {"{% for x in l recursive %}{{ loop(l) if loop.depth < 20 }}{% endfor %}", "", "", 0,
     REASON_ERR_LIMIT, "67108864 bytes"},
    {"{% macro m() %}{% for a in [1] if m() %}{% endfor %}{% endmacro %}{{ m() }}", "",
     "", 0, REASON_ERR_LIMIT, "8 deep"},
    {"{% set ns = namespace(s='x') %}{% for i in range(99) %}{% set ns.s = ns.s + ns.s %}"
     "{% endfor %}",
     "", "", 0, REASON_ERR_LIMIT, "67108864 bytes"},
    {"{% set ns = namespace(s=[1]) %}{% for i in range(99) %}{% set ns.s = ns.s + ns.s %}"
     "{% endfor %}",
     "", "", 0, REASON_ERR_LIMIT, "67108864 bytes"},
    {"{{ 'x' * 10**9 }}", "", "", 0, REASON_ERR_LIMIT, "67108864 bytes"},
    {"{{ [1] * 10**18 }}", "", "", 0, REASON_ERR_LIMIT, "67108864 bytes"},
    {"{{ 'a'.center(10**9) }}", "", "", 0, REASON_ERR_LIMIT, "67108864 bytes"},
    {"{{ '%999999999d' % 5 }}", "", "", 0, REASON_ERR_LIMIT, "places"},
    {"{{ '{:.999999999f}'.format(5) }}", "", "", 0, REASON_ERR_LIMIT, "places"},
    {"{% set ns = namespace(x=[]) %}{% for i in range(9999) %}{% set ns.x = [ns.x] %}"
     "{% endfor %}{{ ns.x }}",
     "", "", 0, REASON_ERR_LIMIT, "160 levels"},
    {"{% set ns = namespace(x=[], y=[]) %}{% for i in range(9999) %}{% set ns.x = [ns.x] "
     "%}"
     "{% set ns.y = [ns.y] %}{% endfor %}{{ ns.x == ns.y }}",
     "", "", 0, REASON_ERR_LIMIT, "160 levels"},
    {"{% set ns = namespace(x=()) %}{% for i in range(9999) %}{% set ns.x = (ns.x,) %}"
     "{% endfor %}{{ {}[ns.x] }}",
     "", "", 0, REASON_ERR_LIMIT, "160 levels"},
    {"{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] "
     "%}"
     "{% endfor %}{{ ns.x | tojson }}",
     "", "", 0, REASON_ERR_LIMIT, "steps"},
    {"{% set ns = namespace() %}{% set ns.x = ns %}{{ ns }}", "", "", 0, REASON_ERR_LIMIT,
     "160 levels"},
    {"{% set ns = namespace(x=[1]) %}{% for i in range(9999) %}{% set ns.x = ns.x | "
     "map('string') %}{% endfor %}{{ ns.x | list }}",
     "", "", 0, REASON_ERR_LIMIT, "64 filters"},
    {"{% set s = 'a' * 1000000 %}{% set p = 'a' * 5000 ~ 'b' ~ 'a' * 5000 %}{{ "
     "s.rfind(p) }}",
     "", "", 0, REASON_ERR_LIMIT, "steps"},
    {"{% set s = 'a' * 999999 %}{% for i in range(99999) %}{{ s ~ 'b' == s ~ 'c' }}"
     "{% endfor %}",
     "", "", 0, REASON_ERR_LIMIT, ""},
    {"{{ 9223372036854775807 + 1 }}", "", "", 0, REASON_ERR_LIMIT, "64 bits"},
    {"{{ (-9223372036854775807 - 1) // -1 }}", "", "", 0, REASON_ERR_LIMIT, "64 bits"},
    {"{{ 9223372036854775808 }}", "", "", 0, REASON_ERR_LIMIT, "64 bits"},
    {"{{ 2 ** 64 }}", "", "", 0, REASON_ERR_LIMIT, "64 bits"},
    {"{{ ", "(", "", 100000, REASON_ERR_LIMIT, "64 levels"},
    {"{{ ", "[", "", 100000, REASON_ERR_LIMIT, "64 levels"},
    {"{{ ", "not ", "1 }}", 100000, REASON_ERR_LIMIT, "64 levels"},
    {"{{ ", "-", "1 }}", 100000, REASON_ERR_LIMIT, "64 levels"},
    {"{{ 1", " if 1", " }}", 100000, REASON_ERR_LIMIT, "64 levels"},
    {"{{ 1", " if 0 else 1", " }}", 50000, REASON_ERR_LIMIT, "64 levels"},
    {"", "{% if 1 %}", "", 50000, REASON_ERR_LIMIT, "64 levels"},
    {"{% for ", "(", "", 100000, REASON_ERR_LIMIT, "64 levels"},
    {"{{ 1", " + 1", " }}", 200000, REASON_OK, "200001"},
    {"{{ 'a'", " ~ 'a'", " | length }}", 100000, REASON_OK, "a"},
    {"{{ 1", " and 1", " }}", 100000, REASON_OK, "1"},
    {"{{ 1", " == 1", " }}", 100000, REASON_OK, "True"},
    {"{{ 'a'", "|upper", " }}", 100000, REASON_OK, "A"},
    {"{{ 'a'", "[0]", " }}", 100000, REASON_OK, "a"},
    {"{{ 'a'", " 'a'", " }}", 200000, REASON_OK, "a"},
    {"{% if 0 %}", "{% elif 0 %}", "{% else %}x{% endif %}", 50000, REASON_OK, "x"},
    {"{{ [", "1,", "] | length }}", 300000, REASON_OK, "300000"},
    {"", "{% set a = 1 %}", "{{ a }}", 60000, REASON_OK, "1"},
    {"", "x", "", RSN_TEMPLATE_MAX_SOURCE, REASON_OK, "x"},
    {"", "x", "", RSN_TEMPLATE_MAX_SOURCE + 1, REASON_ERR_LIMIT, "1048577 bytes"},
    {"", "{#", "", 400000, REASON_ERR_FORMAT, "comment"},
    {"{% raw %}", "{% ", "", 300000, REASON_ERR_FORMAT, "raw"},
    {"{{ ''.__class__.__mro__ }}", "", "", 0, REASON_ERR_UNSUPPORTED, "__class__"},
    {"{{ '{0.__class__.x}'.format(1) }}", "", "", 0, REASON_ERR_UNSUPPORTED, "__class__"},
    {"{{ cycler.__init__.__globals__ }}", "", "", 0, REASON_ERR_UNSUPPORTED, "__init__"},
    {"{{ l.append(1) }}", "", "", 0, REASON_ERR_UNSUPPORTED, "append"},
    {"{{ (s | attr('__class__')).x }}", "", "", 0, REASON_ERR_UNSUPPORTED, "__class__"},
};

static void check_hostile(const hostile *h) {
    rsn_str source = {0}, out = {0};
    rsn_str_addz(&source, h->before);
    for (int i = 0; i < h->n; i++) rsn_str_addz(&source, h->repeated);
    rsn_str_addz(&source, h->after);
    assert_false(source.failed);
    clock_t start = clock();
    reason_status status = render(source.data, &out);
    double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
    const char *said = status ? rsn_last_error() : rsn_str_text(&out);
    if (status != h->status || !strstr(said, h->says)) {
        fail_msg("%.60s%.20s: %s, %.200s", h->before, h->repeated,
                 rsn_status_name(status), said);
    }
    if (seconds > 10) { /* some tenths without sanitizers */
        fail_msg("%.60s%.20s takes %.1f seconds", h->before, h->repeated, seconds);
    }
    rsn_str_free(&source);
    rsn_str_free(&out);
}

static void test_text_template__hostile(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(HOSTILE); i++) check_hostile(&HOSTILE[i]);
}

/* ---- threads and their stacks ---- */

/* The deepest there is of each kind: syntax, macros inside tests inside macros,
 * values. */
static void *run_deep(void *arg) {
    rsn_str source = {0}, out = {0};
    (void)arg;
    for (int i = 0; i < 30; i++) rsn_str_addz(&source, "{% if (1) %}{% with %}");
    rsn_str_addz(&source, "{{ [[1 or -2 ** 3 * 4 ~ 5 + 6 == 7 and 8]] }}");
    for (int i = 0; i < 30; i++) rsn_str_addz(&source, "{% endwith %}{% endif %}");
    rsn_str_addz(&source, "{{ ");
    for (int i = 0; i < 60; i++) {
        rsn_str_addz(&source, "1 or 2 and 3 == 4 + 5 ~ 6 * 7 ** (");
    }
    rsn_str_addz(&source, "[0]");
    for (int i = 0; i < 60; i++) rsn_str_addz(&source, ")");
    rsn_str_addz(&source,
                 " }}{% macro m(n) %}{% for x in [1] if n < 1 or m(n - 1) or 1 %}{{ "
                 "x }}{% endfor %}{% endmacro %}{{ m(6) }}{% macro k(n) %}{{ k(n - 1)"
                 " if n else '.' }}{% endmacro %}{{ k(62) }}"
                 "{% set ns = namespace(x=[1]) %}{% for i in range(150) %}"
                 "{% set ns.x = [ns.x] %}{% endfor %}{{ ns.x == [ns.x][0] }}"
                 "{{ ns.x | tojson | length }}{{ (ns.x ~ '') | length }}");
    reason_status status = render(rsn_str_text(&source), &out);
    char *result = rsn_strndup(status ? rsn_last_error() : rsn_str_text(&out),
                               status ? strlen(rsn_last_error()) : out.n);
    rsn_str_free(&source);
    rsn_str_free(&out);
    return result;
}

static void test_text_template__needs_little_stack(void **state) {
    (void)state;
    pthread_attr_t attr;
    pthread_t thread;
    void *result;
    size_t size = (size_t)256 << 10;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    size *= 8; /* frames with guards around every variable */
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
    size *= 8;
#endif
#endif
    assert_int_equal(pthread_attr_init(&attr), 0);
    assert_int_equal(pthread_attr_setstacksize(&attr, size), 0);
    assert_int_equal(pthread_create(&thread, &attr, run_deep, NULL), 0);
    assert_int_equal(pthread_join(thread, &result), 0);
    assert_int_equal(pthread_attr_destroy(&attr), 0);
    assert_string_equal(result, "[[1]]11.True303303");
    rsn_free(result);
}

typedef struct shared_render {
    const rsn_template *t;
    int first;
    int n_wrong;
} shared_render;

static void *render_shared(void *arg) {
    shared_render *shared = arg;
    for (int i = shared->first; i < shared->first + 200; i++) {
        char variables[64], expected[64];
        rsn_str out = {0};
        const char *const all[] = {variables};
        const rsn_template_input in = {NULL, 0, all, 1, NOW};
        (void)snprintf(variables, sizeof variables, "{\"n\": %d}", i);
        (void)snprintf(expected, sizeof expected, "%d%d%d-constant", i, i + 1, i + 2);
        reason_status status = rsn_template_render(shared->t, &in, &out);
        shared->n_wrong += status || strcmp(rsn_str_text(&out), expected) != 0;
        rsn_str_free(&out);
    }
    return NULL;
}

static void test_text_template__many_threads(void **state) {
    (void)state;
    enum { N_THREADS = 4 };
    static const char source[] =
        "{% macro m(x) %}{{ x }}{% endmacro %}{% for i in range(3) %}{{ m(n + i) }}"
        "{% endfor %}{{ '-con' + 'stant' }}";
    rsn_template *t;
    pthread_t threads[N_THREADS];
    shared_render shared[N_THREADS];
    assert_int_equal(rsn_template_compile(source, strlen(source), &t), REASON_OK);
    for (int i = 0; i < N_THREADS; i++) {
        shared[i] = (shared_render){t, i * 1000, 0};
        assert_int_equal(pthread_create(&threads[i], NULL, render_shared, &shared[i]), 0);
    }
    for (int i = 0; i < N_THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(shared[i].n_wrong, 0);
    }
    rsn_template_free(t);
}

/* ---- memory ---- */

/* Each allocation fails once, and then from each on all do. */
static void fail_each_allocation(const char *source, bool sticky) {
    reason_status status = REASON_ERR_NO_MEMORY;
    for (size_t fail_at = 1; status; fail_at++) {
        counted_heap heap;
        rsn_str out = {0};
        heap_begin(&heap, fail_at, sticky);
        (void)rsn_fail(REASON_OK, "nothing");
        status = render(source, &out);
        if (status) assert_int_equal(out.n, 0);
        rsn_str_free(&out);
        heap_end();
        if (status && status != REASON_ERR_NO_MEMORY) {
            fail_msg("%s\n  allocation %zu: %s", source, fail_at, rsn_last_error());
        }
        assert_int_equal(heap.alive, 0);
        if (status) assert_non_null(strstr(rsn_last_error(), "memory"));
        else assert_true(heap.n_calls < fail_at); /* it got through because none failed */
    }
}

static void test_text_template__memory_fails(void **state) {
    (void)state;
    static const char *const sources[] = {
        "",
        "text{{ 'a' 'b' }}",
        "{% macro m(a, b=2) %}{{ a }}{{ caller(b, k=1) }}{{ kwargs }}{{ varargs }}"
        "{% endmacro %}{% call(x, k) m(1, 2, 3, q=4) %}{{ x }}{{ k }}{% endcall %}",
        "{% set ns = namespace(x='') %}{% for k, v in d.items() if k %}{% set ns.x = "
        "ns.x ~ "
        "(loop.index + 1) %}{% if loop.last %}{{ loop.length }}{% endif %}{% endfor %}{{ "
        "ns }}",
        "{{ objs | sort(attribute='v,k') | map(attribute='k') | join | upper }}{{ "
        "messages | "
        "tojson(indent=1) }}{{ '%5.1f' % f }}{{ '{:>5}'.format(n) }}{{ ls | unique | "
        "list }}",
        "{% set x %}{{ u.title() }}{{ u[::-1] }}{{ s.split('l') }}{% endset %}{% filter "
        "upper %}{{ x.replace('l', x) }}{% endfilter %}{% with a = {'b': (1, [2])} %}{{ "
        "a }}"
        "{% endwith %}{{ strftime_now('%c') }}{% for i in range(40) %}{{ [i] * 9 }}"
        "{% endfor %}",
    };
    for (size_t i = 0; i < COUNT(sources); i++) {
        fail_each_allocation(sources[i], false);
        fail_each_allocation(sources[i], true);
    }
}

/* ---- published templates ---- */

static char *read_golden(const char *name, size_t *n) {
    const char *folder = getenv("REASON_GOLDEN");
    char path[4096];
    if (!folder) skip();
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    if (!file) fail_msg("cannot open %s", path);
    char *data = malloc((size_t)1 << 22);
    assert_non_null(data);
    *n = fread(data, 1, (size_t)1 << 22, file);
    assert_true(*n < (size_t)1 << 22);
    assert_int_equal(fclose(file), 0);
    return data;
}

/* One line of expected.jsonl; the JSON of messages and variables as it stands there. */
typedef struct golden_line {
    char template_name[256];
    rsn_text messages, variables;
    rsn_str rendered;
    bool has_rendered, has_error;
} golden_line;

static rsn_text raw_value(rsn_json *j) {
    reason_status status;
    rsn_json_kind kind = rsn_json_next(j, &status);
    assert_true(kind == RSN_JSON_OBJECT_BEGIN || kind == RSN_JSON_ARRAY_BEGIN);
    size_t from = j->at - 1;
    assert_int_equal(rsn_json_skip(j, kind), REASON_OK);
    return (rsn_text){j->data + from, j->at - from};
}

static void read_line(const char *text, size_t n, golden_line *line) {
    rsn_json j;
    reason_status status;
    *line = (golden_line){.has_error = false};
    rsn_json_init(&j, text, n);
    assert_int_equal(rsn_json_next(&j, &status), RSN_JSON_OBJECT_BEGIN);
    while (rsn_json_next(&j, &status) == RSN_JSON_KEY) {
        if (strcmp(j.text.data, "messages") == 0) {
            line->messages = raw_value(&j);
        } else if (strcmp(j.text.data, "variables") == 0) {
            line->variables = raw_value(&j);
        } else {
            bool name = strcmp(j.text.data, "template") == 0;
            bool rendered = strcmp(j.text.data, "rendered") == 0;
            line->has_error = line->has_error || strcmp(j.text.data, "error") == 0;
            line->has_rendered = line->has_rendered || rendered;
            assert_int_equal(rsn_json_next(&j, &status), RSN_JSON_STRING);
            if (rendered) rsn_str_add(&line->rendered, rsn_str_text(&j.text), j.text.n);
            if (name) {
                (void)snprintf(line->template_name, sizeof line->template_name, "%s",
                               rsn_str_text(&j.text));
            }
        }
    }
    rsn_json_free(&j);
    assert_true(line->has_rendered != line->has_error && line->template_name[0]);
}

static void check_golden_line(const golden_line *line) {
    char path[512], *variables;
    size_t n;
    rsn_str out = {0};
    (void)snprintf(path, sizeof path, "templates/%s", line->template_name);
    char *source = read_golden(path, &n);
    variables = rsn_strndup(line->variables.data, line->variables.n);
    reason_status status =
        render_with(source, n, line->messages.data, line->messages.n, variables, &out);
    if (line->has_error) {
        assert_int_equal(status, REASON_ERR_TEMPLATE);
    } else {
        if (status) fail_msg("%s: %s", line->template_name, rsn_last_error());
        assert_string_equal(rsn_str_text(&out), rsn_str_text(&line->rendered));
        assert_int_equal(out.n, line->rendered.n);
    }
    rsn_free(variables);
    free(source);
    rsn_str_free(&out);
}

static void test_text_template__published(void **state) {
    (void)state;
    size_t n, n_lines = 0;
    char *text = read_golden("templates/expected.jsonl", &n);
    for (char *p = text, *end; p < text + n; p = end + 1) {
        golden_line line;
        end = memchr(p, '\n', (size_t)(text + n - p));
        assert_non_null(end);
        read_line(p, (size_t)(end - p), &line);
        check_golden_line(&line);
        rsn_str_free(&line.rendered);
        n_lines++;
    }
    assert_true(n_lines >= 144);
    free(text);
}

static const char *tiny_expected(bool thinking_off) {
    return thinking_off ? "<|im_start|>user\n37 * 24?<|im_end|>\n<|im_start|>assistant\n"
                          "<think>\n\n</think>\n\n"
                        : "<|im_start|>user\n37 * 24?<|im_end|>\n<|im_start|>assistant\n";
}

static void test_text_template__of_the_shipped_model(void **state) {
    (void)state;
    const char *folder = getenv("REASON_GOLDEN");
    static const char messages[] = "[{\"role\": \"user\", \"content\": \"37 * 24?\"}]";
    char path[4096];
    rsn_file file;
    rsn_gguf g;
    rsn_text source = {0};
    if (!folder) skip();
    (void)snprintf(path, sizeof path, "%s/reason-tiny.gguf", folder);
    assert_int_equal(rsn_file_open(path, &file), REASON_OK);
    assert_int_equal(rsn_gguf_open(&file, path, false, &g), REASON_OK);
    assert_int_equal(rsn_gguf_string(&g, "tokenizer.chat_template", &source), REASON_OK);
    for (int off = 0; off < 2; off++) {
        rsn_str out = {0};
        const char *variables =
            off ? "{\"add_generation_prompt\": 1, \"enable_thinking\": false}"
                : "{\"add_generation_prompt\": 1}";
        assert_int_equal(render_with(source.data, source.n, messages, strlen(messages),
                                     variables, &out),
                         REASON_OK);
        assert_string_equal(out.data, tiny_expected(off));
        rsn_str_free(&out);
    }
    rsn_gguf_free(&g);
    rsn_file_close(&file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_template__white_space),
        cmocka_unit_test(test_text_template__literals),
        cmocka_unit_test(test_text_template__operators),
        cmocka_unit_test(test_text_template__access),
        cmocka_unit_test(test_text_template__methods),
        cmocka_unit_test(test_text_template__filters),
        cmocka_unit_test(test_text_template__tests),
        cmocka_unit_test(test_text_template__statements),
        cmocka_unit_test(test_text_template__recursive_loops),
        cmocka_unit_test(test_text_template__subtleties),
        cmocka_unit_test(test_text_template__errors_of_jinja),
        cmocka_unit_test(test_text_template__generation_blocks),
        cmocka_unit_test(test_text_template__names_what_is_not_there),
        cmocka_unit_test(test_text_template__says_the_line),
        cmocka_unit_test(test_text_template__merges_variables),
        cmocka_unit_test(test_text_template__refuses_bad_input),
        cmocka_unit_test(test_text_template__mentions),
        cmocka_unit_test(test_text_template__reads_the_clock),
        cmocka_unit_test(test_text_template__slices_as_defined),
        cmocka_unit_test(test_text_template__floats_are_shortest),
        cmocka_unit_test(test_text_template__dates_as_strftime),
        cmocka_unit_test(test_text_template__large_dicts),
        cmocka_unit_test(test_text_template__hostile),
        cmocka_unit_test(test_text_template__needs_little_stack),
        cmocka_unit_test(test_text_template__many_threads),
        cmocka_unit_test(test_text_template__memory_fails),
        cmocka_unit_test(test_text_template__published),
        cmocka_unit_test(test_text_template__of_the_shipped_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
