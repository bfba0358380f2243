/* Thoughts from an adviser: what it is asked, what becomes of what it writes, and when it
 * is not asked at all. */
#include "unit/decode/ask.h"

/* The prompt that the adviser read last. */
static rsn_str asked;

static void script_listen(scripted *m, const int32_t *history, size_t n, float *logits) {
    if (asked.n == 0)
        for (size_t i = 0; i < n; i++) {
            rsn_text part = rsn_vocab_bytes(m->model.vocab, history[i]);
            rsn_str_add(&asked, part.data, part.n);
        }
    script_loop(m, history, n, logits);
}

/* An adviser that writes this for ever, wherever its prompt ends. */
static scripted *new_adviser(int32_t *ids, const char *text) {
    scripted *m = scripted_kin(script_listen, kin_of("qwen"), NULL);
    for (m->n_ids = 0; text[m->n_ids]; m->n_ids++)
        ids[m->n_ids] = (unsigned char)text[m->n_ids];
    m->ids = ids;
    return m;
}

typedef struct pair {
    ask a;
    scripted *m, *adviser;
    int32_t ids[64], letters[4];
    reason_session *session;
} pair;

static void pair_begin(pair *p, const char *writes) {
    memset(p, 0, sizeof *p);
    p->m = scripted_kin(script_loop, kin_of("qwen"), NULL);
    p->letters[0] = 'y';
    p->m->ids = p->letters;
    p->m->n_ids = 1;
    p->adviser = new_adviser(p->ids, writes);
    p->session = scripted_session(p->adviser, 1000, 64);
    ask_begin(&p->a, p->m, "", 500);
    p->a.request.text = NULL;
    p->a.request.prompt = "What?";
    p->a.request.max_tokens = 60;
    p->a.thinking.adviser = p->session;
    p->a.thinking.advice_tokens = 12;
}

static void pair_end(pair *p) {
    rsn_str_free(&asked);
    ask_end(&p->a);
    reason_session_free(p->session);
    scripted_free(p->adviser);
    scripted_free(p->m);
}

static void test_decode_advice__becomes_the_thought(void **state) {
    (void)state;
    pair p;
    pair_begin(&p, "z");
    ask_ok(&p.a);
    assert_string_equal(reason_result_thinking(p.a.result, NULL), "zzzzzzzzzzzz");
    assert_int_equal(usage_of(&p.a).thinking_tokens, 12);
    assert_true(usage_of(&p.a).answer_tokens > 0);
    assert_true(isnan(reason_result_p_think(p.a.result)));
    pair_end(&p);
}

/* The same conversation in each of its forms gives the same thought; the adviser's own
 * system message comes before it. */
static void test_decode_advice__every_form_of_a_request(void **state) {
    (void)state;
    pair p;
    reason_message user, system;
    const reason_message *const list[] = {&system, &user};
    assert_int_equal(reason_message_init(&user, sizeof user), REASON_OK);
    assert_int_equal(reason_message_init(&system, sizeof system), REASON_OK);
    user.role = "user";
    user.content = "What?";
    system.role = "system";
    system.content = "Be brief.";
    for (int form = 0; form < 3; form++) {
        size_t n_tokens;
        pair_begin(&p, "z");
        p.a.thinking.advice_prompt = "Only steps.";
        p.a.request.prompt = form == 0 ? "What?" : NULL;
        p.a.request.messages = form == 1 ? list + 1 : NULL;
        p.a.request.n_messages = form == 1 ? 1 : 0;
        p.a.request.messages_json =
            form == 2 ? " [{\"role\": \"user\", \"content\": \"What?\"}]" : NULL;
        ask_ok(&p.a);
        assert_string_equal(reason_result_thinking(p.a.result, NULL), "zzzzzzzzzzzz");
        assert_int_equal(reason_session_length(p.session, &n_tokens), REASON_OK);
        assert_non_null(strstr(rsn_str_text(&asked), "Only steps.<|im_end|>\n<|im_start|>user\nWhat?"));
        assert_int_equal(n_tokens, 0); /* it ran as a batch: the timeline is its own */
        pair_end(&p);
    }
    pair_begin(&p, "z");
    p.a.request.prompt = NULL;
    p.a.request.text = "plain";
    expect_refused(&p.a, REASON_ERR_INVALID_ARG, "the adviser: ");
    p.a.request.text = NULL;
    p.a.request.messages_json = "{}";
    expect_refused(&p.a, REASON_ERR_FORMAT, "messages_json");
    p.a.request.messages_json = NULL;
    p.a.request.messages = list;
    p.a.request.n_messages = 2;
    ask_ok(&p.a);
    pair_end(&p);
}

static void test_decode_advice__gives_up(void **state) {
    (void)state;
    pair p;
    pair_begin(&p, "<STOP>");
    p.a.thinking.mode = REASON_THINK_ON; /* it thinks itself: y */
    p.a.thinking.budget = 5;
    ask_ok(&p.a);
    assert_string_equal(reason_result_thinking(p.a.result, NULL), "yyyyy");
    pair_end(&p);
}

static void test_decode_advice__not_asked(void **state) {
    (void)state;
    pair p;
    pair_begin(&p, "z");
    p.a.thinking.mode = REASON_THINK_OFF;
    ask_ok(&p.a);
    assert_int_equal(usage_of(&p.a).thinking_tokens, 0);
    p.a.thinking.mode = REASON_THINK_AUTO;
    p.a.thinking.budget = 0;
    ask_ok(&p.a);
    p.a.thinking.budget = -1;
    p.a.thinking.thought = "given";
    ask_ok(&p.a);
    assert_string_equal(reason_result_thinking(p.a.result, NULL), "given");
    assert_int_equal(p.adviser->n_forwards, 0);
    pair_end(&p);
}

/* Beyond the budget it is refused, as any thought that is given. */
static void test_decode_advice__beyond_the_budget(void **state) {
    (void)state;
    pair p;
    pair_begin(&p, "z");
    p.a.thinking.budget = 11;
    expect_refused(&p.a, REASON_ERR_INVALID_ARG, "thought of 12 tokens");
    pair_end(&p);
}

/* Requests of a list ask together, each with its own conversation. */
static void test_decode_advice__in_a_batch(void **state) {
    (void)state;
    pair p;
    reason_request requests[3];
    const reason_request *list[3];
    reason_result *results[3];
    reason_thinking plain;
    pair_begin(&p, "z");
    plain = p.a.thinking;
    plain.adviser = NULL;
    plain.mode = REASON_THINK_OFF;
    for (size_t i = 0; i < 3; i++) {
        requests[i] = p.a.request;
        list[i] = &requests[i];
    }
    requests[1].thinking = &plain;
    requests[2].n_samples = 2;
    assert_int_equal(reason_generate_batch(p.a.session, list, 3, results), REASON_OK);
    assert_string_equal(reason_result_thinking(results[0], NULL), "zzzzzzzzzzzz");
    assert_string_equal(reason_result_thinking(results[1], NULL), "");
    for (size_t i = 0; i < 2; i++)
        assert_string_equal(
            reason_result_thinking(reason_result_sample(results[2], i), NULL),
            "zzzzzzzzzzzz");
    for (size_t i = 0; i < 3; i++)
        reason_result_free(results[i]);
    reason_search_result *found;
    assert_int_equal(reason_search(p.a.session, &p.a.request, NULL, &found), REASON_OK);
    assert_string_equal(
        reason_result_thinking(reason_search_samples(found), NULL), "zzzzzzzzzzzz");
    reason_search_result_free(found);
    pair_end(&p);
}

/* What it was asked with may be gone when it runs. */
static void test_decode_advice__submitted(void **state) {
    (void)state;
    pair p;
    uint64_t ticket, found;
    reason_result *result;
    char probe[] = "so", prompt[] = "What?";
    pair_begin(&p, "z");
    p.a.request.prompt = prompt;
    p.a.thinking.probe_text = probe;
    p.a.thinking.exit_agreement = 2;
    assert_int_equal(reason_submit(p.a.session, &p.a.request, &ticket), REASON_OK);
    memset(probe, '?', sizeof probe);
    memset(prompt, '?', sizeof prompt);
    memset(&p.a.thinking, 0xFF, sizeof p.a.thinking);
    assert_int_equal(reason_poll(p.a.session, -1, &found, &result), REASON_OK);
    assert_int_equal(found, ticket);
    assert_string_equal(reason_result_thinking(result, NULL), "zzzzzzzzzzzz");
    reason_result_free(result);
    pair_end(&p);
}

static int ask_from_within(void *user, const reason_piece *piece) {
    pair *p = user;
    reason_result *result;
    (void)piece;
    reason_request r = p->a.request;
    reason_thinking how = p->a.thinking;
    r.stream = NULL;
    r.thinking = &how;
    how.adviser = p->a.session; /* which is in use */
    assert_int_equal(reason_generate(p->session, &r, &result), REASON_ERR_BUSY);
    assert_non_null(strstr(reason_last_error(), "the adviser: "));
    return 1;
}

static void test_decode_advice__busy(void **state) {
    (void)state;
    pair p;
    pair_begin(&p, "z");
    p.a.request.stream = ask_from_within;
    p.a.request.stream_user = &p;
    p.a.thinking.adviser = NULL;
    ask_ok(&p.a);
    pair_end(&p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decode_advice__becomes_the_thought),
        cmocka_unit_test(test_decode_advice__every_form_of_a_request),
        cmocka_unit_test(test_decode_advice__gives_up),
        cmocka_unit_test(test_decode_advice__not_asked),
        cmocka_unit_test(test_decode_advice__beyond_the_budget),
        cmocka_unit_test(test_decode_advice__in_a_batch),
        cmocka_unit_test(test_decode_advice__submitted),
        cmocka_unit_test(test_decode_advice__busy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
