/* Structs that grow. A host of another version passes another size: too small is refused,
 * larger is taken if what lies behind is zero, and no byte outside of the stated size is
 * touched or read. Blocks are exactly as large as they say, so that a sanitizer sees a
 * read beyond. */
#include "api/support.h"

#include <unistd.h>

static reason_model *model;
static reason_session *session;
static reason_result *result;

static int set_up(void **state) {
    asking a;
    (void)state;
    model = open_model(REASON_CPU_AUTO);
    session = open_session(model, 1);
    ask_init(&a, "What is 3 + 4?", 4);
    a.request.thinking = NULL;
    assert_ok(reason_generate(session, &a.request, &result));
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    reason_result_free(result);
    reason_session_free(session);
    reason_model_free(model);
    return 0;
}

/* ---- one row for each struct that goes in ---- */

static reason_status init_model_options(void *p, size_t n) {
    return reason_model_options_init(p, n);
}
static reason_status init_message(void *p, size_t n) {
    return reason_message_init(p, n);
}
static reason_status init_template_request(void *p, size_t n) {
    return reason_template_request_init(p, n);
}
static reason_status init_session_options(void *p, size_t n) {
    return reason_session_options_init(p, n);
}
static reason_status init_thinking(void *p, size_t n) {
    return reason_thinking_init(p, n);
}
static reason_status init_sampling(void *p, size_t n) {
    return reason_sampling_init(p, n);
}
static reason_status init_request(void *p, size_t n) {
    return reason_request_init(p, n);
}
static reason_status init_perplexity_options(void *p, size_t n) {
    return reason_perplexity_options_init(p, n);
}
static reason_status init_imatrix_options(void *p, size_t n) {
    return reason_imatrix_options_init(p, n);
}

static reason_status init_score(void *p, size_t n) {
    return reason_score_request_init(p, n);
}

static reason_status init_quantize(void *p, size_t n) {
    return reason_quantize_options_init(p, n);
}
static reason_status init_export(void *p, size_t n) {
    return reason_export_options_init(p, n);
}
static reason_status init_elo(void *p, size_t n) {
    return reason_elo_options_init(p, n);
}
static reason_status init_judge(void *p, size_t n) {
    return reason_judge_request_init(p, n);
}
static reason_status init_tournament(void *p, size_t n) {
    return reason_tournament_options_init(p, n);
}

/* Each of these passes the struct to the library with the rest of the call sound. */

static reason_status use_model_options(void *p) {
    reason_model *out;
    reason_status status = reason_model_open(shipped_path(), p, &out);
    assert_true((out != NULL) == (status == REASON_OK));
    reason_model_free(out);
    return status;
}

static reason_status render(reason_template_request *r) {
    char *text;
    size_t n;
    reason_status status = reason_template_render(NULL, r, &text, &n);
    assert_true((text != NULL) == (status == REASON_OK));
    reason_free(text);
    return status;
}

static reason_status use_message(void *p) {
    reason_template_request r;
    const reason_message *one[] = {p};
    /* The size alone may be wrong, so only what lies inside of it is set. */
    if (*(size_t *)p >= sizeof(reason_message)) {
        ((reason_message *)p)->role = "user";
        ((reason_message *)p)->content = "x";
    }
    assert_ok(reason_template_request_init(&r, sizeof r));
    r.messages = one;
    r.n_messages = 1;
    r.template_text = "ok";
    return render(&r);
}

static reason_status use_template_request(void *p) {
    reason_template_request *r = p;
    if (r->size >= sizeof *r) {
        r->messages_json = "[]";
        r->template_text = "ok";
    }
    return render(r);
}

static reason_status use_session_options(void *p) {
    reason_session *out;
    reason_status status = reason_session_new(model, p, &out);
    assert_true((out != NULL) == (status == REASON_OK));
    reason_session_free(out);
    return status;
}

static reason_status generate(const reason_request *request) {
    reason_result *out;
    reason_status status = reason_generate(session, request, &out);
    assert_true((out != NULL) == (status == REASON_OK));
    reason_result_free(out);
    return status;
}

static reason_status use_thinking(void *p) {
    asking a;
    ask_init(&a, "What is 3 + 4?", 2);
    a.request.thinking = p;
    return generate(&a.request);
}

static reason_status use_quantize(void *p) {
    char path[] = "/tmp/api-options-XXXXXX";
    close(mkstemp(path));
    reason_status status = reason_quantize(shipped_path(), path, p);
    unlink(path);
    return status;
}

/* To where nothing can be written: options are looked at before. */
static reason_status use_export(void *p) {
    reason_status status = reason_export(shipped_path(), "/dev/null/x", p);
    return status == REASON_ERR_IO ? REASON_OK : status;
}

static reason_status use_elo(void *p) {
    static const uint32_t a[] = {0}, b[] = {1};
    static const double score[] = {1};
    double ratings[2];
    return reason_elo(a, b, score, 1, 2, p, ratings);
}

static int first_wins(void *user, const char *query, const char *a, const char *b) {
    (void)user;
    (void)query;
    (void)a;
    (void)b;
    return REASON_VERDICT_1;
}

static const char *const TWO[] = {"a", "b"};

static void fill_judge(reason_judge_request *r) {
    r->query = "q";
    r->responses = TWO;
    r->n_responses = 2;
    r->judge = first_wins;
}

static reason_status use_judge(void *p) {
    reason_judge_request *r = p;
    reason_judgement *out;
    if (r->size >= sizeof *r)
        fill_judge(r);
    reason_status status = reason_judge(NULL, r, &out);
    assert_true((out != NULL) == (status == REASON_OK));
    reason_judgement_free(out);
    return status;
}

static reason_status use_tournament(void *p) {
    reason_judge_request r;
    reason_tournament *out;
    assert_ok(reason_judge_request_init(&r, sizeof r));
    fill_judge(&r);
    reason_status status = reason_tournament_run(NULL, &r, p, &out);
    assert_true((out != NULL) == (status == REASON_OK));
    reason_tournament_free(out);
    return status;
}

static reason_status use_sampling(void *p) {
    asking a;
    ask_init(&a, "What is 3 + 4?", 2);
    a.request.sampling = p;
    return generate(&a.request);
}

static reason_status use_request(void *p) {
    reason_request *r = p;
    if (r->size >= sizeof *r) {
        r->text = "1 + 2 =";
        r->max_tokens = 2;
    }
    return generate(r);
}

static reason_status use_perplexity_options(void *p) {
    reason_perplexity_result r = {.size = sizeof r};
    reason_status status = reason_perplexity(model, "12+34=46", -1, p, &r);
    assert_true((r.n_scored > 0) == (status == REASON_OK));
    return status;
}

static reason_status use_imatrix_options(void *p) {
    return reason_imatrix(model, "12+34=46", -1, "/dev/null/x", p, NULL) == REASON_ERR_IO
               ? REASON_OK
               : REASON_ERR_INVALID_ARG;
}

static reason_status use_score(void *p) {
    asking a;
    reason_scores *out;
    const char *const responses[] = {"7"};
    reason_score_request *r = p;
    ask_init(&a, "What is 3 + 4?", 2);
    if (r->size >= sizeof *r) {
        r->prompt = &a.request;
        r->responses = responses;
        r->n_responses = 1;
        r->kind = REASON_SCORE_LOGPROB;
    }
    reason_status status = reason_score(session, r, &out);
    assert_true((out != NULL) == (status == REASON_OK));
    reason_scores_free(out);
    return status;
}

static const struct {
    const char *name;
    size_t size;
    reason_status (*init)(void *p, size_t n);
    reason_status (*use)(void *p);
} inputs[] = {
    {"model_options", sizeof(reason_model_options), init_model_options,
     use_model_options},
    {"message", sizeof(reason_message), init_message, use_message},
    {"template_request", sizeof(reason_template_request), init_template_request,
     use_template_request},
    {"session_options", sizeof(reason_session_options), init_session_options,
     use_session_options},
    {"thinking", sizeof(reason_thinking), init_thinking, use_thinking},
    {"sampling", sizeof(reason_sampling), init_sampling, use_sampling},
    {"request", sizeof(reason_request), init_request, use_request},
    {"perplexity_options", sizeof(reason_perplexity_options), init_perplexity_options,
     use_perplexity_options},
    {"imatrix_options", sizeof(reason_imatrix_options), init_imatrix_options,
     use_imatrix_options},
    {"quantize", sizeof(reason_quantize_options), init_quantize, use_quantize},
    {"export", sizeof(reason_export_options), init_export, use_export},
    {"elo", sizeof(reason_elo_options), init_elo, use_elo},
    {"judge", sizeof(reason_judge_request), init_judge, use_judge},
    {"tournament", sizeof(reason_tournament_options), init_tournament, use_tournament},
    {"score", sizeof(reason_score_request), init_score, use_score},
};

enum { FILL = 0xA5, TAIL = 24 };

static unsigned char *filled(size_t n) {
    unsigned char *p = malloc(n ? n : 1);
    assert_non_null(p);
    memset(p, FILL, n ? n : 1);
    return p;
}

static void assert_all(const unsigned char *p, size_t begin, size_t end, int value) {
    for (size_t i = begin; i < end; i++)
        if (p[i] != value)
            fail_msg("byte %zu is %d, %d expected", i, p[i], value);
}

/* A struct of this size as its init leaves it, in a block of exactly that many bytes. */
static unsigned char *initialized(size_t i, size_t n) {
    unsigned char *p = filled(n);
    assert_ok(inputs[i].init(p, n));
    return p;
}

/* ---- cases ---- */

static void test_api_options__init_stays_inside(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(inputs); i++) {
        const size_t full = inputs[i].size;
        unsigned char *reference = initialized(i, full);
        for (size_t n = 0; n <= full + TAIL; n++) {
            unsigned char *p = filled(full + TAIL + 8);
            reason_status status = inputs[i].init(p, n);
            assert_all(p, n, full + TAIL + 8, FILL);
            if (n < full) {
                assert_int_equal(status, REASON_ERR_INVALID_ARG);
                assert_all(p, 0, n, FILL);
            } else {
                size_t stated;
                memcpy(&stated, p, sizeof stated);
                assert_int_equal(status, REASON_OK);
                assert_int_equal(stated, n);
                assert_memory_equal(p + sizeof n, reference + sizeof n, full - sizeof n);
                assert_all(p, full, n, 0);
            }
            free(p);
        }
        free(reference);
    }
}

static void test_api_options__defaults_are_those_documented(void **state) {
    reason_session_options s;
    reason_thinking t;
    reason_sampling p;
    reason_request r;
    reason_model_options m;
    reason_perplexity_options j;
    reason_imatrix_options i;
    reason_score_request c;
    (void)state;
    assert_ok(reason_score_request_init(&c, sizeof c));
    assert_true(!c.prompt && !c.responses && !c.response_bytes && c.n_responses == 0 &&
                c.kind == REASON_SCORE_HEAD && c.transform == REASON_TRANSFORM_MODEL &&
                c.label == -1 && c.aggregate == REASON_AGGREGATE_LAST &&
                !c.step_separator && !c.suffix && !c.yes && !c.no && c.beta == 0 &&
                !c.reference && !c.progress && !c.cancel);
    assert_ok(reason_session_options_init(&s, sizeof s));
    assert_true(s.n_ctx == 0 && s.n_threads == 0 && !s.pool &&
                s.kv_type == REASON_KV_F16 && s.n_chunk == 0 && s.memory_limit == 0 &&
                s.n_parallel == 0 && s.n_guess == 0 && s.lookup == 0 && !s.draft);
    assert_ok(reason_thinking_init(&t, sizeof t));
    assert_true(t.mode == REASON_THINK_AUTO && t.budget == -1 &&
                t.effort == REASON_EFFORT_NONE && t.min_tokens == 0 && !t.wait_text &&
                t.min_answer == -1 && t.grace == 0 && !t.close_text &&
                t.close_bias == 0 && t.close_temperature == 1);
    assert_true(t.max_waits == 0 && !t.thought && t.think_threshold == 0 &&
                t.exit_confidence == 0 && t.exit_entropy == 0 && t.exit_variance == 0 &&
                t.exit_agreement == 0 && t.probe_every == 0 && t.probe_tokens == 0 &&
                !t.probe_text && t.loop_guard == 0 && t.chunk == 0 &&
                t.chunk_carry == 0 && t.chunk_keep == 0 && !t.adviser &&
                !t.advice_prompt && t.advice_tokens == 0);
    assert_ok(reason_sampling_init(&p, sizeof p));
    assert_true(p.temperature == 0.6f && p.top_k == 0 && p.top_p == 0.95f &&
                p.min_p == 0 && p.repeat_penalty == 1 && p.presence_penalty == 0 &&
                p.frequency_penalty == 0 && p.penalty_window == 64 && !p.bias_tokens &&
                !p.bias_values && p.n_bias == 0 && p.seed == 0);
    assert_ok(reason_request_init(&r, sizeof r));
    assert_true(r.n_text == -1 && r.max_tokens == 0 && !r.prompt && !r.text &&
                !r.thinking && !r.sampling && r.n_stops == 0 && !r.stream &&
                !r.progress && !r.cancel);
    assert_ok(reason_model_options_init(&m, sizeof m));
    assert_true(m.load == REASON_LOAD_MAP && m.cpu == REASON_CPU_AUTO && !m.data_dir &&
                !m.cancel && !m.progress);
    assert_ok(reason_perplexity_options_init(&j, sizeof j));
    assert_true(j.n_ctx == 0 && j.n_chunks == 0 && !j.all_positions && !j.special &&
                !j.separator && !j.against && j.n_threads == 0 && !j.pool &&
                j.kv_type == REASON_KV_F16 && !j.cancel && !j.progress);
    assert_ok(reason_imatrix_options_init(&i, sizeof i));
    assert_true(i.n_ctx == 0 && i.n_chunks == 0 && !i.special && !i.separator &&
                !i.dataset && i.n_threads == 0 && !i.pool && !i.cancel && !i.progress);
}

/* The defaults, no struct at all and the struct as init left it are one and the same. */
static void test_api_options__null_means_defaults(void **state) {
    asking a;
    reason_result *with, *without;
    (void)state;
    ask_init(&a, "What is 12 + 9?", 24);
    assert_ok(reason_sampling_init(&a.sampling, sizeof a.sampling));
    assert_ok(reason_generate(session, &a.request, &with));
    a.request.sampling = NULL;
    a.request.thinking = NULL;
    assert_ok(reason_generate(session, &a.request, &without));
    assert_string_equal(reason_result_thinking(with, NULL),
                        reason_result_thinking(without, NULL));
    assert_string_equal(reason_result_answer(with, NULL),
                        reason_result_answer(without, NULL));
    reason_result_free(with);
    reason_result_free(without);
}

static void test_api_options__too_small_is_refused(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(inputs); i++) {
        const size_t full = inputs[i].size;
        const size_t sizes[] = {0, 1, 4, 7, 8, full / 2, full - 8, full - 1};
        for (size_t k = 0; k < COUNT(sizes); k++) {
            /* The block is as small as the host says, but for the size field itself. */
            size_t n = sizes[k] < sizeof(size_t) ? sizeof(size_t) : sizes[k];
            unsigned char *p = filled(n);
            memset(p, 0, n);
            memcpy(p, &sizes[k], sizeof sizes[k]);
            reason_status status = inputs[i].use(p);
            free(p);
            if (status != REASON_ERR_INVALID_ARG)
                fail_msg("%s of %zu bytes: %s", inputs[i].name, sizes[k],
                         reason_status_name(status));
        }
    }
}

static void test_api_options__larger_is_taken_if_the_tail_is_zero(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(inputs); i++)
        for (size_t more = 0; more <= TAIL; more += TAIL / 3) {
            unsigned char *p = initialized(i, inputs[i].size + more);
            reason_status status = inputs[i].use(p);
            free(p);
            if (status != REASON_OK)
                fail_msg("%s with %zu bytes more: %s", inputs[i].name, more,
                         reason_last_error());
        }
}

static void test_api_options__unknown_fields_are_refused(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(inputs); i++)
        for (size_t at = 0; at < TAIL; at++) {
            unsigned char *p = initialized(i, inputs[i].size + TAIL);
            p[inputs[i].size + at] = at % 2 ? 1 : 0x80;
            reason_status status = inputs[i].use(p);
            free(p);
            if (status != REASON_ERR_INVALID_ARG)
                fail_msg("%s with tail byte %zu set: %s", inputs[i].name, at,
                         reason_status_name(status));
        }
}

static void *give(void *user, size_t n) {
    (void)user;
    return malloc(n);
}
static void *give_again(void *user, void *p, size_t n) {
    (void)user;
    return realloc(p, n);
}
static void take_back(void *user, void *p) {
    (void)user;
    free(p);
}

/* The allocator has no init function; its sizes follow the same rule. */
static void test_api_options__allocator_sizes(void **state) {
    struct {
        reason_allocator a;
        unsigned char tail[TAIL];
    } big;
    (void)state;
    memset(&big, 0, sizeof big);
    big.a = (reason_allocator){sizeof big, give, give_again, take_back, NULL};
    for (size_t n = 0; n < sizeof big.a; n++) {
        big.a.size = n;
        assert_status(reason_set_allocator(&big.a), REASON_ERR_INVALID_ARG);
    }
    big.a.size = sizeof big;
    big.tail[TAIL - 1] = 1;
    assert_status(reason_set_allocator(&big.a), REASON_ERR_INVALID_ARG);
    big.tail[TAIL - 1] = 0;
    assert_ok(reason_set_allocator(&big.a));
    assert_ok(reason_set_allocator(NULL));
    void *(*const allocs[])(void *, size_t) = {give, NULL, give, give};
    void *(*const resizes[])(void *, void *, size_t) = {give_again, give_again, NULL,
                                                        give_again};
    void (*const releases[])(void *, void *) = {take_back, take_back, take_back, NULL};
    for (size_t i = 0; i < COUNT(allocs); i++) {
        reason_allocator a = {sizeof a, allocs[i], resizes[i], releases[i], NULL};
        assert_status(reason_set_allocator(&a), i ? REASON_ERR_INVALID_ARG : REASON_OK);
    }
    assert_ok(reason_set_allocator(NULL));
}

/* ---- structs that come out: the host states the size, what lies behind stays as it is
 * ---- */

static reason_status get_usage(void *p) {
    return reason_result_usage(result, p);
}
static reason_status get_token(void *p) {
    return reason_result_token(result, 0, p);
}
static reason_status get_perplexity(void *p) {
    return reason_perplexity(model, "12+34=46", -1, NULL, p);
}
static reason_status get_machine(void *p) {
    return reason_machine_measure(NULL, p);
}

static reason_scores *score_once(void) {
    asking a;
    reason_score_request r;
    reason_scores *out;
    const char *const responses[] = {"7"};
    ask_init(&a, "What is 3 + 4?", 2);
    assert_ok(reason_score_request_init(&r, sizeof r));
    r.prompt = &a.request;
    r.responses = responses;
    r.n_responses = 1;
    r.kind = REASON_SCORE_LOGPROB;
    assert_ok(reason_score(session, &r, &out));
    return out;
}
static reason_status get_scored(void *p) {
    reason_scores *scores = score_once();
    reason_status status = reason_scores_at(scores, 0, p);
    if (status == REASON_OK) /* borrowed, and not the same twice */
        ((reason_scored *)p)->raw = NULL;
    reason_scores_free(scores);
    return status;
}
static reason_status get_scored_step(void *p) {
    reason_scores *scores = score_once();
    reason_status status = reason_scores_step(scores, 0, 0, p);
    if (status == REASON_OK)
        ((reason_scored_step *)p)->raw = NULL;
    reason_scores_free(scores);
    return status;
}

static const struct {
    const char *name;
    size_t size;
    reason_status (*get)(void *p);
    bool slow;
} outputs[] = {
    {"usage", sizeof(reason_usage), get_usage, false},
    {"token", sizeof(reason_token), get_token, false},
    {"scored", sizeof(reason_scored), get_scored, false},
    {"scored_step", sizeof(reason_scored_step), get_scored_step, false},
    {"perplexity", sizeof(reason_perplexity_result), get_perplexity, false},
    {"machine", sizeof(reason_machine), get_machine, true},
};

static void test_api_options__outputs(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(outputs); i++)
        for (size_t n = 0; n <= outputs[i].size + TAIL; n++) {
            if (outputs[i].slow && n >= outputs[i].size && n < outputs[i].size + TAIL)
                continue;
            size_t block = n < sizeof n ? sizeof n : n, stated;
            unsigned char *p = filled(block);
            memcpy(p, &n, sizeof n);
            reason_status status = outputs[i].get(p);
            reason_status wanted = n < outputs[i].size ? REASON_ERR_INVALID_ARG
                                                       : REASON_OK;
            if (status != wanted)
                fail_msg("%s of %zu bytes: %s", outputs[i].name, n,
                         reason_status_name(status));
            memcpy(&stated, p, sizeof stated);
            assert_int_equal(stated, n);
            assert_all(p, n < outputs[i].size ? sizeof n : outputs[i].size, block, FILL);
            free(p);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_api_options__init_stays_inside),
        cmocka_unit_test(test_api_options__defaults_are_those_documented),
        cmocka_unit_test(test_api_options__null_means_defaults),
        cmocka_unit_test(test_api_options__too_small_is_refused),
        cmocka_unit_test(test_api_options__larger_is_taken_if_the_tail_is_zero),
        cmocka_unit_test(test_api_options__unknown_fields_are_refused),
        cmocka_unit_test(test_api_options__allocator_sizes),
        cmocka_unit_test(test_api_options__outputs),
    };
    return cmocka_run_group_tests_name("api_options", tests, set_up, tear_down);
}
