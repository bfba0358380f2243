/* One generation through the public calls: the ways to say the same thing give the same
 * output, and what the accessors say about it agrees with itself. The rules of thinking
 * and of sampling have tests of their own beside the code. */
#include "api/support.h"

static reason_model *model;
static reason_session *session;

static int set_up(void **state) {
    (void)state;
    model = open_model(REASON_CPU_AUTO);
    session = open_session(model, 2);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    reason_session_free(session);
    reason_model_free(model);
    return 0;
}

static const char question[] = "What is 67 * 75?";

/* In a session that knows nothing yet. */
static reason_result *run(const asking *a) {
    reason_result *result;
    assert_ok(reason_session_reset(session));
    assert_ok(reason_generate(session, &a->request, &result));
    assert_non_null(result);
    return result;
}

static void assert_equal(const reason_result *a, const reason_result *b) {
    int32_t x[128], y[128];
    size_t n = result_ids(a, x, COUNT(x));
    assert_true(n > 4);
    assert_int_equal(n, result_ids(b, y, COUNT(y)));
    assert_memory_equal(x, y, n * sizeof *x);
    assert_string_equal(reason_result_thinking(a, NULL), reason_result_thinking(b, NULL));
    assert_string_equal(reason_result_answer(a, NULL), reason_result_answer(b, NULL));
    assert_int_equal(reason_result_finish(a), reason_result_finish(b));
    reason_usage u = {.size = sizeof u}, v = {.size = sizeof v};
    assert_ok(reason_result_usage(a, &u));
    assert_ok(reason_result_usage(b, &v));
    assert_int_equal(u.prompt_tokens, v.prompt_tokens);
}

/* Prompt, messages, JSON and the template's text written by hand are one conversation. */
static void test_api_generate__sources(void **state) {
    reason_message message;
    const reason_message *messages[] = {&message};
    asking text, prompt, array, json;
    (void)state;
    ask_init(&text, question, 128);
    prompt = array = json = text;
    reason_request *const requests[] = {&prompt.request, &array.request, &json.request};
    const asking *const askings[] = {&prompt, &array, &json};
    assert_ok(reason_message_init(&message, sizeof message));
    message.role = "user";
    message.content = question;
    for (size_t i = 0; i < COUNT(requests); i++)
        requests[i]->text = NULL;
    prompt.request.prompt = question;
    array.request.messages = messages;
    array.request.n_messages = 1;
    json.request.messages_json =
        "[{\"role\": \"user\", \"content\": \"What is 67 * 75?\"}]";
    reason_result *want = run(&text);
    assert_string_equal(reason_result_answer(want, NULL), "5025");
    for (size_t i = 0; i < COUNT(askings); i++) {
        reason_result *got = run(askings[i]);
        assert_equal(got, want);
        reason_result_free(got);
    }
    reason_result_free(want);
}

/* A system message is the turn before; a template of the request's own replaces the
 * model's. */
static void test_api_generate__system_and_template(void **state) {
    char text[1024];
    asking by_hand, by_system, by_template;
    (void)state;
    ask_init(&by_hand, question, 64);
    by_system = by_template = by_hand;
    (void)snprintf(text, sizeof text, "<|im_start|>system\nBe brief.<|im_end|>\n%s",
                   by_hand.text);
    by_hand.request.text = text;
    by_system.request.text = by_template.request.text = NULL;
    by_system.request.prompt = by_template.request.prompt = question;
    by_system.request.system = "Be brief.";
    by_template.request.template_text =
        "<|im_start|>system\n{{ tone }}<|im_end|>\n{% for m in messages %}<|im_start|>"
        "{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
        "<|im_start|>assistant{{ nl }}"; /* a last line break would go, as in Jinja */
    by_template.request.variables_json = "{\"tone\": \"Be brief.\", \"nl\": \"\\n\"}";
    reason_result *want = run(&by_hand), *system = run(&by_system),
                  *own = run(&by_template);
    assert_equal(system, want);
    assert_equal(own, want);
    reason_result_free(want);
    reason_result_free(system);
    reason_result_free(own);
}

/* Of a text with a length, what lies behind it is not read. */
static void test_api_generate__text_of_a_length(void **state) {
    asking whole, part;
    (void)state;
    ask_init(&whole, question, 64);
    part = whole;
    size_t n = strlen(whole.text);
    memcpy(part.text, whole.text, n);
    memcpy(part.text + n, "and more", 8);
    part.request.text = part.text;
    part.request.n_text = (int64_t)n;
    whole.request.text = whole.text;
    reason_result *a = run(&whole), *b = run(&part);
    assert_equal(a, b);
    reason_result_free(a);
    reason_result_free(b);
}

/* ---- what the accessors say ---- */

typedef struct pieces {
    char text[3][1024]; /* by label */
    size_t n[3];
} pieces;

static int collect(void *user, const reason_piece *piece) {
    pieces *p = user;
    size_t label = (size_t)piece->label;
    if (label > 2 || piece->n_bytes == 0 || strlen(piece->text) != piece->n_bytes ||
        p->n[label] + piece->n_bytes >= sizeof p->text[0])
        return 1;
    memcpy(p->text[label] + p->n[label], piece->text, piece->n_bytes + 1);
    p->n[label] += piece->n_bytes;
    return 0;
}

static void test_api_generate__accounts(void **state) {
    static pieces p;
    asking a;
    reason_usage usage = {.size = sizeof usage};
    size_t counts[3] = {0}, n, n_forced = 0;
    (void)state;
    ask_init(&a, question, 128);
    a.thinking.budget = 12;
    a.request.stream = collect;
    a.request.stream_user = &p;
    memset(&p, 0, sizeof p);
    reason_result *result = run(&a);
    assert_string_equal(reason_result_thinking(result, &n), p.text[REASON_LABEL_THINK]);
    assert_int_equal(n, p.n[REASON_LABEL_THINK]);
    assert_string_equal(reason_result_answer(result, &n), p.text[REASON_LABEL_ANSWER]);
    assert_int_equal(n, p.n[REASON_LABEL_ANSWER]);
    assert_non_null(strstr(p.text[REASON_LABEL_MARKUP], "</think>"));
    for (size_t i = 0; i < reason_result_n_tokens(result); i++) {
        reason_token token = {.size = sizeof token};
        assert_ok(reason_result_token(result, i, &token));
        counts[token.label]++;
        n_forced += token.origin == REASON_FORCED;
        assert_true(token.logprob <= 0);
        assert_true(token.sampled_logprob == 0); /* greedy or forced */
    }
    assert_ok(reason_result_usage(result, &usage));
    assert_int_equal(usage.thinking_tokens, counts[REASON_LABEL_THINK]);
    assert_int_equal(usage.answer_tokens, counts[REASON_LABEL_ANSWER]);
    assert_int_equal(usage.markup_tokens, counts[REASON_LABEL_MARKUP]);
    assert_int_equal(usage.budget, 12);
    assert_int_equal(usage.thinking_tokens, 12);
    assert_true(n_forced > 0);
    assert_string_equal(reason_finish_name(reason_result_finish(result)), "budget");
    assert_true(usage.prefill_s > 0 && usage.thinking_s > 0 && usage.answer_s > 0);
    uint64_t kv_bytes;
    assert_ok(reason_session_kv_bytes(session, &kv_bytes));
    assert_int_equal(usage.kv_bytes, kv_bytes);
    size_t n_kept = (size_t)usage.prompt_tokens + reason_result_n_tokens(result) - 1;
    assert_int_equal(session_length(session), n_kept);
    assert_true(kv_bytes >= n_kept * (uint64_t)model_int(model, "kv_bytes_per_token"));
    reason_result_free(result);
}

/* A seed is a text; another seed is another one sooner or later. */
static void test_api_generate__seeds(void **state) {
    size_t n_other = 0;
    (void)state;
    for (uint64_t seed = 0; seed < 8; seed++) {
        asking a;
        ask_init(&a, question, 64);
        a.sampling.temperature = 1.5f;
        a.sampling.top_p = 1;
        a.sampling.seed = seed;
        reason_result *first = run(&a), *second = run(&a);
        assert_equal(first, second);
        a.sampling.seed = seed + 100;
        reason_result *other = run(&a);
        n_other += strcmp(reason_result_thinking(first, NULL),
                          reason_result_thinking(other, NULL)) != 0;
        reason_result_free(first);
        reason_result_free(second);
        reason_result_free(other);
    }
    assert_true(n_other >= 4);
}

/* Text that does not fit is refused before anything is made, and the session keeps
 * working. */
static void test_api_generate__context_full(void **state) {
    static char text[8192];
    reason_session_options o;
    reason_session *small;
    reason_result *result = (reason_result *)text;
    int32_t ids[65] = {0};
    asking a;
    (void)state;
    assert_ok(reason_session_options_init(&o, sizeof o));
    o.n_ctx = 64;
    assert_ok(reason_session_new(model, &o, &small));
    ask_init(&a, question, 0);
    for (size_t i = 0; i < sizeof text - 1; i++)
        text[i] = "0123456789"[i % 10];
    a.request.text = text;
    assert_status(reason_generate(small, &a.request, &result), REASON_ERR_CONTEXT_FULL);
    assert_null(result);
    assert_non_null(strstr(reason_last_error(), "64"));
    assert_status(reason_session_logits(small, ids, 65, NULL), REASON_ERR_CONTEXT_FULL);
    assert_int_equal(session_length(small), 0);
    assert_ok(reason_session_logits(small, ids, 64, NULL));
    assert_status(reason_session_logits(small, ids, 1, NULL), REASON_ERR_CONTEXT_FULL);
    assert_int_equal(session_length(small), 64);
    ask_init(&a, "2 + 2", 0); /* the room that is left decides where it ends */
    a.thinking.min_answer = 4;
    assert_ok(reason_generate(small, &a.request, &result));
    assert_true(session_length(small) <= 64);
    reason_result_free(result);
    reason_session_free(small);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_api_generate__sources),
        cmocka_unit_test(test_api_generate__system_and_template),
        cmocka_unit_test(test_api_generate__text_of_a_length),
        cmocka_unit_test(test_api_generate__accounts),
        cmocka_unit_test(test_api_generate__seeds),
        cmocka_unit_test(test_api_generate__context_full),
    };
    return cmocka_run_group_tests_name("api_generate", tests, set_up, tear_down);
}
