/* Text in and out: tokens of any bytes, and chat templates, through the public calls.
 * What a tokenizer or a template should give in detail is tested beside them; here it is
 * about flags, lengths, hostile text, and which failure is called what. */
#include "api/support.h"

#include <pthread.h>
#include <unistd.h>

static reason_model *model;

static int set_up(void **state) {
    (void)state;
    model = open_model(REASON_CPU_AUTO);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    reason_model_free(model);
    return 0;
}

/* ---- tokens ---- */

enum { ALL_FLAGS = REASON_TOKENS_SPECIAL | REASON_TOKENS_BOS_EOS };

/* There and back, twice; returns how many tokens that were. */
static size_t check_round_trip(const char *text, size_t n, uint32_t flags) {
    int32_t *ids, *again;
    size_t n_ids, n_again, n_bytes;
    char *back;
    assert_ok(reason_tokenize(model, text, (int64_t)n, flags, &ids, &n_ids));
    assert_ok(reason_tokenize(model, text, (int64_t)n, flags, &again, &n_again));
    assert_int_equal(n_ids, n_again);
    assert_memory_equal(ids, again, n_ids * sizeof *ids);
    assert_ok(
        reason_detokenize(model, ids, n_ids, REASON_TOKENS_SPECIAL, &back, &n_bytes));
    if (n_bytes != n || memcmp(back, text, n) != 0)
        fail_msg("%zu bytes came back as %zu others", n, n_bytes);
    assert_int_equal(back[n_bytes], '\0');
    reason_free(ids);
    reason_free(again);
    reason_free(back);
    return n_ids;
}

#define BYTES(literal) literal, sizeof literal - 1

static void test_api_text__hostile_bytes(void **state) {
    static const struct {
        const char *text;
        size_t n;
    } rows[] = {
        {BYTES("")},
        {BYTES("\0")},
        {BYTES("a\0b\0\0c")},
        {BYTES("\xe2\x82")},                  /* half of a character, at the end */
        {BYTES("x\xe2\x82y")},                /* and in the middle */
        {BYTES("\xf0\x9f\x98")},              /* three of four bytes */
        {BYTES("\x80\xbf\x80")},              /* continuations of nothing */
        {BYTES("\xc0\xaf \xe0\x80\xaf")},     /* over-long */
        {BYTES("\xc1\xbf \xf0\x80\x80\xaf")}, /* over-long */
        {BYTES("\xed\xa0\x80\xed\xbf\xbf")},  /* surrogates */
        {BYTES("\xf4\x90\x80\x80")},          /* beyond U+10FFFF */
        {BYTES("\xf8\x88\x80\x80\x80")},      /* five bytes */
        {BYTES("\xff\xfe\xfd")},
        {BYTES("\xef\xbf\xbd\xef\xbf\xbe\xef\xbb\xbf")},
        {BYTES("\r\n\r \t\v\f\n \n  \n\n\n x  ")},
        {BYTES("\xcc\x81\xcc\x81 e\xcc\x81")}, /* marks without and with a letter */
        {BYTES("<|im_end|")},
        {BYTES("<<|im_end|>|im_end|>")},
        {BYTES("<|im_start|>\xff<|im_end|>")},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        for (uint32_t flags = 0; flags <= ALL_FLAGS; flags++) {
            /* In a block of its own size: a read beyond is seen. */
            char *exact = malloc(rows[i].n ? rows[i].n : 1);
            assert_non_null(exact);
            memcpy(exact, rows[i].text, rows[i].n);
            (void)check_round_trip(exact, rows[i].n, flags);
            free(exact);
        }
}

static void test_api_text__random_bytes(void **state) {
    uint64_t x = 0x9E3779B97F4A7C15u;
    char text[96];
    (void)state;
    for (int round = 0; round < 3000; round++) {
        size_t n = 0, most = x >> 40 & 63;
        for (; n < most; n++) {
            x ^= x << 13, x ^= x >> 7, x ^= x << 17;
            /* Half of them whatever comes, half of them text with tags. */
            text[n] = round % 2 ? (char)(x >> 24)
                                : "<|im_end>thk \n19/a\xe2\x82\xac"[x >> 24 & 15];
        }
        (void)check_round_trip(text, n, (uint32_t)round % 4);
        x += 0x9E3779B97F4A7C15u;
    }
}

static void test_api_text__flags(void **state) {
    int32_t *ids, *plain;
    size_t n, n_plain, n_bytes;
    char *text;
    (void)state;
    const int32_t eos = (int32_t)model_int(model, "eos_token");
    assert_ok(reason_tokenize(model, "7<|im_end|>", -1, 0, &plain, &n_plain));
    assert_true(n_plain > 2);
    for (size_t i = 0; i < n_plain; i++)
        assert_int_not_equal(plain[i], eos);
    assert_ok(reason_tokenize(model, "7<|im_end|>", -1, REASON_TOKENS_SPECIAL, &ids, &n));
    assert_int_equal(n, 2);
    assert_int_equal(ids[1], eos);
    /* On the way back a special token is spelt or left out; plain text always stays. */
    assert_ok(reason_detokenize(model, ids, n, 0, &text, &n_bytes));
    assert_string_equal(text, "7");
    assert_int_equal(n_bytes, 1);
    reason_free(text);
    assert_ok(reason_detokenize(model, plain, n_plain, 0, &text, &n_bytes));
    assert_string_equal(text, "7<|im_end|>");
    reason_free(text);
    reason_free(ids);
    reason_free(plain);
    /* This model wants neither a begin nor an end of text, as its file says. */
    assert_int_equal(model_int(model, "tokenizer.ggml.add_bos_token"), 0);
    assert_ok(reason_tokenize(model, "7", 1, REASON_TOKENS_BOS_EOS, &ids, &n));
    assert_int_equal(n, 1);
    reason_free(ids);
}

static void test_api_text__lengths(void **state) {
    int32_t *whole, *part;
    size_t n_whole, n_part;
    (void)state;
    assert_ok(reason_tokenize(model, "What is 3?", -1, 0, &whole, &n_whole));
    assert_ok(reason_tokenize(model, "What is 3? And 4?", 10, 0, &part, &n_part));
    assert_int_equal(n_whole, n_part);
    assert_memory_equal(whole, part, n_whole * sizeof *whole);
    reason_free(whole);
    reason_free(part);
}

/* A list that is cut inside a character gives the bytes it has. */
static void test_api_text__half_a_character(void **state) {
    static const char euro[] = "\xe2\x82\xac";
    int32_t *ids;
    size_t n, n_bytes;
    char *text;
    (void)state;
    assert_ok(reason_tokenize(model, euro, -1, 0, &ids, &n));
    assert_int_equal(n, 3); /* the small vocabulary has no token for it */
    for (size_t k = 0; k <= n; k++) {
        assert_ok(reason_detokenize(model, ids, k, 0, &text, &n_bytes));
        assert_int_equal(n_bytes, k);
        assert_memory_equal(text, euro, k);
        assert_int_equal(text[k], '\0');
        reason_free(text);
    }
    reason_free(ids);
}

/* ---- long text on a small stack ---- */

typedef struct long_text {
    const char *unit;
    size_t n, n_ids;
    bool good;
} long_text;

static void *run_long_text(void *arg) {
    long_text *t = arg;
    size_t unit = strlen(t->unit), n_back = 0;
    char *text = malloc(t->n), *back = NULL;
    int32_t *ids = NULL;
    if (!text)
        return NULL;
    for (size_t i = 0; i < t->n; i++)
        text[i] = t->unit[i % unit];
    t->good = reason_tokenize(model, text, (int64_t)t->n, ALL_FLAGS, &ids, &t->n_ids) ==
                  REASON_OK &&
              reason_detokenize(model, ids, t->n_ids, ALL_FLAGS, &back, &n_back) ==
                  REASON_OK &&
              n_back == t->n && memcmp(back, text, t->n) == 0;
    reason_free(ids);
    reason_free(back);
    free(text);
    return NULL;
}

/* Runs fn on a stack of 256 KiB, or what a sanitizer needs beside. */
static void run_on_small_stack(void *(*fn)(void *), void *arg) {
    pthread_t thread;
    pthread_attr_t attr;
    assert_int_equal(pthread_attr_init(&attr), 0);
    assert_int_equal(pthread_attr_setstacksize(&attr, SANITIZED ? 1 << 20 : 1 << 18), 0);
    assert_int_equal(pthread_create(&thread, &attr, fn, arg), 0);
    (void)pthread_join(thread, NULL);
    (void)pthread_attr_destroy(&attr);
}

static void test_api_text__long_text(void **state) {
    static const char *const units[] = {"a", "\n", "us", " ", "<", "\xff", "9", "'S"};
    (void)state;
    for (size_t i = 0; i < COUNT(units); i++) {
        long_text t = {.unit = units[i], .n = SANITIZED ? 1 << 18 : 1 << 21};
        run_on_small_stack(run_long_text, &t);
        assert_true(t.good);
        assert_true(t.n_ids > 0 && t.n_ids <= t.n);
    }
}

/* ---- templates ---- */

/* Renders and gives the text, or NULL and the status. */
static char *render(const reason_model *with, const reason_template_request *r,
                    reason_status *status) {
    char *text = (char *)&text;
    size_t n = 7;
    *status = reason_template_render(with, r, &text, &n);
    assert_true((text != NULL) == (*status == REASON_OK));
    assert_int_equal(n, text ? strlen(text) : 0);
    return text;
}

static void init_request(reason_template_request *r, const char *template_text) {
    assert_ok(reason_template_request_init(r, sizeof *r));
    r->template_text = template_text;
    r->messages_json = "[]";
}

/* What a template makes of these variables. */
static void check_render(const char *template_text, const char *variables,
                         const char *now, const char *want) {
    reason_template_request r;
    reason_status status;
    init_request(&r, template_text);
    r.variables_json = variables;
    r.now = now;
    char *text = render(NULL, &r, &status);
    if (status != REASON_OK)
        fail_msg("%s: %s", template_text, reason_last_error());
    assert_string_equal(text, want);
    reason_free(text);
}

static const char turns[] = "<|im_start|>system\nBe \"brief\".<|im_end|>\n"
                            "<|im_start|>user\nWhat is\n3 + 4?<|im_end|>\n";
static const char turns_json[] =
    "[{\"role\": \"system\", \"content\": \"Be \\\"brief\\\".\"},"
    " {\"role\": \"user\", \"content\": \"What is\\n3 + 4?\", \"unknown\": [1, {}]}]";

static void test_api_text__messages(void **state) {
    reason_message system, user;
    const reason_message *messages[] = {&system, &user};
    reason_template_request r;
    reason_status status;
    char want[256];
    (void)state;
    assert_ok(reason_message_init(&system, sizeof system));
    assert_ok(reason_message_init(&user, sizeof user));
    system.role = "system", system.content = "Be \"brief\".";
    user.role = "user", user.content = "What is\n3 + 4?";
    (void)snprintf(want, sizeof want, "%s<|im_start|>assistant\n", turns);
    init_request(&r, NULL);
    r.messages_json = NULL;
    r.messages = messages;
    r.n_messages = COUNT(messages);
    char *from_structs = render(model, &r, &status);
    assert_ok(status);
    assert_string_equal(from_structs, want);
    r.messages = NULL;
    r.n_messages = 0;
    r.messages_json = turns_json;
    char *from_json = render(model, &r, &status);
    assert_ok(status);
    assert_string_equal(from_json, want);
    reason_free(from_structs);
    reason_free(from_json);
    r.variables_json = "{\"add_generation_prompt\": false}";
    char *without = render(model, &r, &status);
    assert_ok(status);
    assert_string_equal(without, turns);
    reason_free(without);
    r.variables_json = "{\"enable_thinking\": false}";
    char *off = render(model, &r, &status);
    assert_ok(status);
    assert_non_null(strstr(off, "<think>\n\n</think>"));
    reason_free(off);
}

static void test_api_text__message_reasoning(void **state) {
    reason_message with, without;
    const reason_message *messages[] = {&with, &without};
    reason_template_request r;
    reason_status status;
    (void)state;
    assert_ok(reason_message_init(&with, sizeof with));
    assert_ok(reason_message_init(&without, sizeof without));
    with.role = without.role = "assistant";
    with.content = without.content = "7";
    with.reasoning = "3+4=7\n\"\\";
    init_request(&r, "{% for m in messages %}[{{ m.reasoning_content is defined }}"
                     "{{ m.reasoning_content }}]{% endfor %}");
    r.messages_json = NULL;
    r.messages = messages;
    r.n_messages = COUNT(messages);
    char *text = render(NULL, &r, &status);
    assert_ok(status);
    assert_string_equal(text, "[True3+4=7\n\"\\][False]");
    reason_free(text);
}

static void test_api_text__variables(void **state) {
    reason_template_request r;
    reason_status status;
    (void)state;
    check_render("{{ a }} {{ b.c[1] }} {{ add_generation_prompt }} {{ nope is defined }}",
                 "{\"a\": 3, \"b\": {\"c\": [1, \"two\"]}}", NULL, "3 two True False");
    check_render("{{ strftime_now('%d %b %Y, %H:%M') }}", NULL, "2026-01-02T03:04:05",
                 "02 Jan 2026, 03:04");
    check_render("", NULL, NULL, "");
    check_render("{{ tools is defined }} {{ tools }} {{ documents }}", NULL, NULL,
                 "True None None");
    check_render("{{ tools }} {{ documents }}", "{\"tools\": [1]}", NULL, "[1] None");
    init_request(&r, "{{ bos_token }}|{{ eos_token }}|{{ messages | length }}");
    char *text = render(model, &r, &status);
    assert_ok(status);
    assert_string_equal(text, "<|endoftext|>|<|im_end|>|0");
    reason_free(text);
    r.variables_json = "{\"bos_token\": \"mine\", \"eos_token\": null}";
    text = render(model, &r, &status);
    assert_ok(status);
    assert_string_equal(text, "mine|None|0");
    reason_free(text);
}

/* ---- failures by name ---- */

static void check_failure(const char *template_text, reason_status want,
                          reason_status or_this) {
    reason_template_request r;
    reason_status status;
    init_request(&r, template_text);
    char *text = render(model, &r, &status);
    reason_free(text);
    if (status != want && status != or_this)
        fail_msg("%.60s: %s (%s), %s expected", template_text, reason_status_name(status),
                 reason_last_error(), reason_status_name(want));
    assert_true(status == REASON_OK || reason_last_error()[0] != '\0');
    /* The next one works. */
    check_render("{{ 1 + 1 }}", NULL, NULL, "2");
}

static void test_api_text__template_failures(void **state) {
    const reason_status format = REASON_ERR_FORMAT, limit = REASON_ERR_LIMIT;
    const reason_status unsupported = REASON_ERR_UNSUPPORTED,
                        raised = REASON_ERR_TEMPLATE;
    (void)state;
    check_failure("{{ raise_exception('tools are not for this model') }}", raised,
                  raised);
    assert_non_null(reason_last_error());
    check_failure("{% if %}", format, format);
    check_failure("{{ 1 + }}", format, format);
    check_failure("{% for m in messages %}", format, format);
    check_failure("{{ 'open", format, format);
    check_failure("\xff\xfe", format, format);
    check_failure("{% import 'os' as os %}", unsupported, format);
    check_failure("{% include '/etc/passwd' %}", unsupported, format);
    check_failure("{{ ''.__class__.__mro__[1].__subclasses__() }}", format, unsupported);
    check_failure("{{ messages.__init__.__globals__ }}", format, unsupported);
    check_failure("{{ ''['__class__']['__mro__'] }}", format, unsupported);
    check_failure("{{ 'a' | no_such_filter }}", unsupported, format);
    check_failure("{% for i in range(1000000000) %}x{% endfor %}", limit, limit);
    check_failure("{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}"
                  "{% endfor %}",
                  limit, limit);
    check_failure("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", limit, limit);
    check_failure("{% set ns = namespace(x='aaaaaaaaaaaaaaaa') %}{% for i in range(64) %}"
                  "{% set ns.x = ns.x ~ ns.x %}{% endfor %}{{ ns.x }}",
                  limit, limit);
    check_failure("{{ 'x' * 1000000000000 }}", limit, limit);
    check_failure("{{ 1 / 0 }}", raised, raised);
}

/* The words of an exception get to the host. */
static void test_api_text__raised_words(void **state) {
    reason_template_request r;
    reason_status status;
    (void)state;
    init_request(&r, "{{ raise_exception('tools are not for this model') }}");
    char *text = render(model, &r, &status);
    assert_null(text);
    assert_int_equal(status, REASON_ERR_TEMPLATE);
    assert_non_null(strstr(reason_last_error(), "tools are not for this model"));
}

static void *run_deep(void *arg) {
    reason_status *status = arg;
    reason_template_request r;
    char *text;
    size_t n_bytes, n = 100000;
    char *deep = malloc(2 * n + 64);
    if (!deep || reason_template_request_init(&r, sizeof r) != REASON_OK)
        return NULL;
    memset(deep, '[', n);
    deep[n] = '\0';
    r.messages_json = deep;
    r.template_text = "{{ messages }}";
    status[0] = reason_template_render(NULL, &r, &text, &n_bytes);
    memset(deep + n, ']', n);
    deep[2 * n] = '\0';
    status[1] = reason_template_render(NULL, &r, &text, &n_bytes);
    memcpy(deep, "{{ ", 3);
    memset(deep + 3, '(', n);
    deep[n + 3] = '\0';
    r.messages_json = "[]";
    r.template_text = deep;
    status[2] = reason_template_render(NULL, &r, &text, &n_bytes);
    for (size_t i = 0; i < n; i += 5)
        memcpy(deep + i, "{%if ", 5);
    status[3] = reason_template_render(NULL, &r, &text, &n_bytes);
    free(deep);
    return NULL;
}

/* Depth that comes from outside does not become depth of the stack. */
static void test_api_text__deep_nesting(void **state) {
    reason_status status[4] = {REASON_OK, REASON_OK, REASON_OK, REASON_OK};
    (void)state;
    run_on_small_stack(run_deep, status);
    for (size_t i = 0; i < COUNT(status); i++)
        if (status[i] != REASON_ERR_LIMIT && status[i] != REASON_ERR_FORMAT)
            fail_msg("case %zu: %s", i, reason_status_name(status[i]));
}

static void test_api_text__bad_json(void **state) {
    static const char *const bad[] = {"",
                                      "[",
                                      "{}",
                                      "[1",
                                      "[{\"role\": }]",
                                      "nonsense",
                                      "[] []",
                                      "[{\"role\": \"\xff\"}]",
                                      "[\"\\ud800\"]x",
                                      "3",
                                      "null"};
    reason_template_request r;
    reason_status status;
    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        init_request(&r, "x");
        r.messages_json = bad[i];
        reason_free(render(NULL, &r, &status));
        if (status != REASON_ERR_FORMAT)
            fail_msg("messages %s: %s", bad[i], reason_status_name(status));
        if (strcmp(bad[i], "{}") == 0)
            continue;
        init_request(&r, "x");
        r.variables_json = bad[i];
        reason_free(render(NULL, &r, &status));
        if (status != REASON_ERR_FORMAT)
            fail_msg("variables %s: %s", bad[i], reason_status_name(status));
    }
    init_request(&r, "{{ strftime_now('%Y') }}");
    r.now = "yesterday";
    reason_free(render(NULL, &r, &status));
    assert_int_equal(status, REASON_ERR_FORMAT);
    init_request(&r, NULL);
    reason_free(render(NULL, &r, &status));
    assert_int_equal(status, REASON_ERR_MISMATCH); /* no model, no template */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_api_text__hostile_bytes),
        cmocka_unit_test(test_api_text__random_bytes),
        cmocka_unit_test(test_api_text__flags),
        cmocka_unit_test(test_api_text__lengths),
        cmocka_unit_test(test_api_text__half_a_character),
        cmocka_unit_test(test_api_text__long_text),
        cmocka_unit_test(test_api_text__messages),
        cmocka_unit_test(test_api_text__message_reasoning),
        cmocka_unit_test(test_api_text__variables),
        cmocka_unit_test(test_api_text__template_failures),
        cmocka_unit_test(test_api_text__raised_words),
        cmocka_unit_test(test_api_text__deep_nesting),
        cmocka_unit_test(test_api_text__bad_json),
    };
    return cmocka_run_group_tests_name("api_text", tests, set_up, tear_down);
}
