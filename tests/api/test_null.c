/* Calling mistakes: every required pointer NULL in turn, every size field wrong in every
 * way, every number and enum out of range. Each is INVALID_ARG with a sentence, outputs
 * are NULL or 0, and the handles that were part of the call still work afterwards. */
#include "api/support.h"

#include <math.h>
#include <unistd.h>

typedef struct world {
    reason_model *model;
    reason_session *session;
    reason_result *result;
} world;

static int set_up(void **state) {
    world *w = calloc(1, sizeof *w);
    asking a;
    if (!w)
        return -1;
    *state = w;
    w->model = open_model(REASON_CPU_AUTO);
    w->session = open_session(w->model, 1);
    ask_init(&a, "What is 3 + 4?", 4);
    a.request.thinking = NULL;
    assert_ok(reason_generate(w->session, &a.request, &w->result));
    return 0;
}

static int tear_down(void **state) {
    world *w = *state;
    reason_result_free(w->result);
    reason_session_free(w->session);
    reason_model_free(w->model);
    free(w);
    return 0;
}

/* INVALID_ARG with a sentence of this call, not of one before. */
#define assert_refused(call)                                                             \
    do {                                                                                 \
        reason_session *none_;                                                           \
        (void)reason_session_new(NULL, NULL,                                             \
                                 &none_); /* leaves a sentence that is known */          \
        char before_[64];                                                                \
        (void)snprintf(before_, sizeof before_, "%s", reason_last_error());              \
        assert_status(call, REASON_ERR_INVALID_ARG);                                     \
        assert_true(reason_last_error()[0] != '\0');                                     \
        if (strstr(#call, "reason_session_new") == NULL)                                 \
            assert_string_not_equal(reason_last_error(), before_);                       \
    } while (0)

static char marked; /* what an output holds before the call */
#define MARK ((void *)&marked)

/* ---- required pointers ---- */

static void test_api_null__process(void **state) {
    (void)state;
    assert_refused(reason_cancel_token_new(NULL));
    assert_refused(reason_pool_new(1, NULL));
    reason_allocator a = {.size = sizeof a};
    assert_refused(reason_set_allocator(&a)); /* all three functions are missing */
    assert_refused(reason_machine_measure(NULL, NULL));
    assert_refused(reason_model_options_init(NULL, sizeof(reason_model_options)));
    assert_refused(reason_message_init(NULL, sizeof(reason_message)));
    assert_refused(reason_template_request_init(NULL, sizeof(reason_template_request)));
    assert_refused(reason_session_options_init(NULL, sizeof(reason_session_options)));
    assert_refused(reason_thinking_init(NULL, sizeof(reason_thinking)));
    assert_refused(reason_sampling_init(NULL, sizeof(reason_sampling)));
    assert_refused(reason_request_init(NULL, sizeof(reason_request)));
    assert_refused(
        reason_perplexity_options_init(NULL, sizeof(reason_perplexity_options)));
}

static void test_api_null__model(void **state) {
    const world *w = *state;
    int64_t number = 7;
    double value = 7;
    const char *text = MARK;
    size_t n = 7;
    assert_refused(reason_model_open(shipped_path(), NULL, NULL));
    assert_refused(reason_model_get_int(NULL, "n_vocab", &number));
    assert_int_equal(number, 0);
    number = 7;
    assert_refused(reason_model_get_int(w->model, NULL, &number));
    assert_int_equal(number, 0);
    assert_refused(reason_model_get_int(w->model, "n_vocab", NULL));
    assert_refused(reason_model_get_float(NULL, "general.name", &value));
    assert_true(value == 0);
    value = 7;
    assert_refused(reason_model_get_float(w->model, NULL, &value));
    assert_true(value == 0);
    assert_refused(reason_model_get_float(w->model, "general.name", NULL));
    assert_refused(reason_model_get_text(NULL, "path", &text, &n));
    assert_null(text);
    assert_int_equal(n, 0);
    text = MARK, n = 7;
    assert_refused(reason_model_get_text(w->model, NULL, &text, &n));
    assert_null(text);
    assert_int_equal(n, 0);
    assert_refused(reason_model_get_text(w->model, "path", NULL, &n));
    assert_int_equal(reason_model_n_keys(NULL), 0);
    assert_null(reason_model_key(NULL, 0));
}

static void test_api_null__tokens(void **state) {
    const world *w = *state;
    const int32_t id = 1;
    int32_t *ids = MARK;
    char *text = MARK;
    size_t n = 7;
    assert_refused(reason_tokenize(NULL, "a", 1, 0, &ids, &n));
    assert_null(ids);
    assert_int_equal(n, 0);
    ids = MARK, n = 7;
    assert_refused(reason_tokenize(w->model, NULL, 1, 0, &ids, &n));
    assert_null(ids);
    assert_int_equal(n, 0);
    ids = MARK;
    assert_refused(reason_tokenize(w->model, NULL, -1, 0, &ids, &n));
    assert_null(ids);
    n = 7;
    assert_refused(reason_tokenize(w->model, "a", 1, 0, NULL, &n));
    assert_int_equal(n, 0);
    ids = MARK;
    assert_refused(reason_tokenize(w->model, "a", 1, 0, &ids, NULL));
    assert_null(ids);
    n = 7;
    assert_refused(reason_detokenize(NULL, &id, 1, 0, &text, &n));
    assert_null(text);
    assert_int_equal(n, 0);
    text = MARK;
    assert_refused(reason_detokenize(w->model, NULL, 1, 0, &text, &n));
    assert_null(text);
    assert_refused(reason_detokenize(w->model, &id, 1, 0, NULL, &n));
    assert_refused(reason_detokenize(w->model, &id, 1, 0, &text, NULL));
}

static void test_api_null__template(void **state) {
    const world *w = *state;
    reason_template_request r;
    char *text = MARK;
    size_t n = 7;
    assert_ok(reason_template_request_init(&r, sizeof r));
    r.messages_json = "[]";
    r.template_text = "ok";
    assert_refused(reason_template_render(w->model, NULL, &text, &n));
    assert_null(text);
    assert_int_equal(n, 0);
    assert_refused(reason_template_render(w->model, &r, NULL, &n));
    text = MARK;
    assert_refused(reason_template_render(w->model, &r, &text, NULL));
    assert_null(text);
    r.messages_json = NULL; /* neither of the two */
    text = MARK;
    assert_refused(reason_template_render(w->model, &r, &text, &n));
    assert_null(text);
    const reason_message *none[] = {NULL};
    r.messages = none;
    r.n_messages = 1;
    assert_refused(reason_template_render(w->model, &r, &text, &n));
    r.messages_json = "[]"; /* both */
    assert_refused(reason_template_render(w->model, &r, &text, &n));
    reason_message m;
    assert_ok(reason_message_init(&m, sizeof m));
    const reason_message *one[] = {&m};
    r.messages_json = NULL;
    r.messages = one;
    m.role = "user";
    assert_refused(reason_template_render(w->model, &r, &text, &n));
    m.role = NULL;
    m.content = "x";
    assert_refused(reason_template_render(w->model, &r, &text, &n));
}

static void test_api_null__session(void **state) {
    const world *w = *state;
    reason_session *out = MARK;
    size_t n = 7;
    uint64_t bytes = 7;
    const int32_t id = 1;
    assert_refused(reason_session_new(NULL, NULL, &out));
    assert_null(out);
    assert_refused(reason_session_new(w->model, NULL, NULL));
    assert_refused(reason_session_reset(NULL));
    assert_refused(reason_session_truncate(NULL, 0));
    out = MARK;
    assert_refused(reason_session_fork(NULL, &out));
    assert_null(out);
    assert_refused(reason_session_fork(w->session, NULL));
    assert_refused(reason_session_length(NULL, &n));
    assert_int_equal(n, 0);
    assert_refused(reason_session_length(w->session, NULL));
    assert_refused(reason_session_kv_bytes(NULL, &bytes));
    assert_int_equal(bytes, 0);
    assert_refused(reason_session_kv_bytes(w->session, NULL));
    assert_refused(reason_session_logits(NULL, &id, 1, NULL));
    assert_refused(reason_session_logits(w->session, NULL, 1, NULL));
    reason_cancel(NULL);
}

static void test_api_null__generate(void **state) {
    const world *w = *state;
    reason_result *out = MARK;
    reason_usage usage = {.size = sizeof usage};
    reason_token token = {.size = sizeof token};
    const char *const no_text[] = {"a", NULL};
    const int32_t ids[] = {1};
    const float values[] = {1};
    asking a;
    ask_init(&a, "What is 3 + 4?", 2);
    assert_refused(reason_generate(NULL, &a.request, &out));
    assert_null(out);
    out = MARK;
    assert_refused(reason_generate(w->session, NULL, &out));
    assert_null(out);
    assert_refused(reason_generate(w->session, &a.request, NULL));
    a.request.n_stops = 1;
    out = MARK;
    assert_refused(reason_generate(w->session, &a.request, &out));
    assert_null(out);
    a.request.stops = no_text;
    a.request.n_stops = 2;
    assert_refused(reason_generate(w->session, &a.request, &out));
    ask_init(&a, "What is 3 + 4?", 2);
    a.sampling.n_bias = 1;
    assert_refused(reason_generate(w->session, &a.request, &out));
    a.sampling.bias_tokens = ids;
    assert_refused(reason_generate(w->session, &a.request, &out));
    a.sampling.bias_tokens = NULL;
    a.sampling.bias_values = values;
    assert_refused(reason_generate(w->session, &a.request, &out));
    ask_init(&a, "What is 3 + 4?", 2);
    a.request.text = NULL; /* no source at all, then two */
    assert_refused(reason_generate(w->session, &a.request, &out));
    a.request.text = "a";
    a.request.prompt = "b";
    assert_refused(reason_generate(w->session, &a.request, &out));
    a.request.prompt = NULL;
    a.request.system = "a system message without a prompt";
    assert_refused(reason_generate(w->session, &a.request, &out));
    assert_refused(reason_result_usage(NULL, &usage));
    assert_refused(reason_result_usage(w->result, NULL));
    assert_refused(reason_result_token(NULL, 0, &token));
    assert_refused(reason_result_token(w->result, 0, NULL));
}

/* Batches, submitted requests and searches: nothing is run and nothing left behind. */
static void test_api_null__many(void **state) {
    const world *w = *state;
    asking a;
    reason_result *out = MARK;
    reason_search_result *found = MARK;
    uint64_t ticket = 7;
    size_t n = 7;
    ask_init(&a, "What is 3 + 4?", 2);
    const reason_request *const list[] = {&a.request}, *const none[] = {NULL};
    assert_refused(reason_generate_batch(NULL, list, 1, &out));
    assert_null(out);
    assert_refused(reason_generate_batch(w->session, NULL, 1, &out));
    assert_refused(reason_generate_batch(w->session, none, 1, &out));
    assert_refused(reason_generate_batch(w->session, list, 0, &out));
    assert_refused(reason_generate_batch(w->session, list, 1, NULL));
    assert_refused(reason_submit(NULL, &a.request, &ticket));
    assert_int_equal(ticket, 0);
    assert_refused(reason_submit(w->session, NULL, &ticket));
    assert_refused(reason_submit(w->session, &a.request, NULL));
    out = MARK;
    assert_refused(reason_poll(NULL, 0, &ticket, &out));
    assert_null(out);
    assert_refused(reason_poll(w->session, 0, NULL, &out));
    assert_refused(reason_poll(w->session, 0, &ticket, NULL));
    assert_refused(reason_withdraw(NULL, 1));
    assert_refused(reason_withdraw(w->session, 0));
    assert_refused(reason_withdraw(w->session, 99));
    assert_refused(reason_pending(NULL, &n));
    assert_int_equal(n, 0);
    assert_refused(reason_pending(w->session, NULL));
    assert_refused(reason_search(NULL, &a.request, NULL, &found));
    assert_null(found);
    assert_refused(reason_search(w->session, NULL, NULL, &found));
    assert_refused(reason_search(w->session, &a.request, NULL, NULL));
    assert_ok(reason_generate_batch(w->session, list, 1, &out));
    reason_result_free(out);
}

static void test_api_null__score(void **state) {
    const world *w = *state;
    asking a;
    reason_score_request r;
    reason_scores *scores = MARK;
    reason_scored scored = {.size = sizeof scored};
    reason_scored_step step = {.size = sizeof step};
    reason_score_usage usage = {.size = sizeof usage};
    const char *const responses[] = {"7", "8"}, *const none[] = {"7", NULL};
    const int64_t lengths[] = {-1, -2};
    ask_init(&a, "What is 3 + 4?", 2);
    assert_refused(reason_score_request_init(NULL, sizeof r));
    assert_ok(reason_score_request_init(&r, sizeof r));
    assert_refused(reason_score(NULL, &r, &scores));
    assert_null(scores);
    assert_refused(reason_score(w->session, NULL, &scores));
    assert_refused(reason_score(w->session, &r, NULL));
    assert_refused(reason_score(w->session, &r, &scores)); /* no prompt */
    r.prompt = &a.request;
    r.kind = REASON_SCORE_LOGPROB;
    r.n_responses = 2;
    assert_refused(reason_score(w->session, &r, &scores)); /* no responses */
    r.responses = none;
    assert_refused(reason_score(w->session, &r, &scores));
    r.responses = responses;
    r.response_bytes = lengths;
    assert_refused(reason_score(w->session, &r, &scores));
    r.response_bytes = NULL;
    a.request.size = 8;
    assert_refused(reason_score(w->session, &r, &scores));
    a.request.size = sizeof a.request;
    r.beta = (float)NAN;
    assert_refused(reason_score(w->session, &r, &scores));
    r.beta = -1;
    assert_refused(reason_score(w->session, &r, &scores));
    r.beta = 0;
    r.label = -2;
    assert_refused(reason_score(w->session, &r, &scores));
    r.label = -1;
    r.transform = (reason_score_transform)4;
    assert_refused(reason_score(w->session, &r, &scores));
    r.transform = (reason_score_transform)0;
    r.aggregate = (reason_aggregate)-1;
    assert_refused(reason_score(w->session, &r, &scores));
    r.aggregate = (reason_aggregate)0;
    r.step_separator = "";
    assert_refused(reason_score(w->session, &r, &scores));
    r.step_separator = NULL;
    assert_ok(reason_score(w->session, &r, &scores));
    assert_refused(reason_scores_at(NULL, 0, &scored));
    assert_refused(reason_scores_at(scores, 2, &scored));
    assert_refused(reason_scores_at(scores, 0, NULL));
    assert_refused(reason_scores_step(NULL, 0, 0, &step));
    assert_refused(reason_scores_step(scores, 2, 0, &step));
    assert_refused(reason_scores_step(scores, 0, 1, &step));
    assert_refused(reason_scores_step(scores, 0, 0, NULL));
    assert_refused(reason_scores_usage(NULL, &usage));
    assert_refused(reason_scores_usage(scores, NULL));
    assert_int_equal(reason_scores_n(NULL), 0);
    assert_int_equal(reason_scores_kind(NULL), REASON_SCORE_HEAD);
    assert_string_equal(reason_scores_transform(NULL), "none");
    assert_null(reason_scores_label(NULL, 0));
    assert_null(reason_scores_label(scores, 0));
    assert_string_equal(reason_score_kind_name((reason_score_kind)99), "unknown");
    assert_string_equal(reason_aggregate_name((reason_aggregate)99), "unknown");
    reason_scores_free(scores);
    reason_scores_free(NULL);
}

static void test_api_null__evaluate(void **state) {
    const world *w = *state;
    asking a;
    reason_task task;
    reason_evaluation *out = MARK;
    reason_evaluation_summary summary = {.size = sizeof summary};
    reason_evaluation_difference difference = {.size = sizeof difference};
    reason_task_result result = {.size = sizeof result};
    ask_init(&a, "", 8);
    a.request.text = NULL;
    assert_refused(reason_task_init(NULL, sizeof task));
    assert_refused(reason_evaluate_options_init(NULL, sizeof(reason_evaluate_options)));
    assert_ok(reason_task_init(&task, sizeof task));
    const reason_task *const list[] = {&task}, *const none[] = {NULL};
    assert_refused(reason_evaluate(w->session, &a.request, list, 1, NULL, &out));
    assert_null(out); /* neither a question nor an answer */
    task.question = "What is 3 + 4?";
    assert_refused(reason_evaluate(w->session, &a.request, list, 1, NULL, &out));
    task.answer = "7";
    assert_refused(reason_evaluate(NULL, &a.request, list, 1, NULL, &out));
    assert_refused(reason_evaluate(w->session, NULL, list, 1, NULL, &out));
    assert_refused(reason_evaluate(w->session, &a.request, NULL, 1, NULL, &out));
    assert_refused(reason_evaluate(w->session, &a.request, none, 1, NULL, &out));
    assert_refused(reason_evaluate(w->session, &a.request, list, 0, NULL, &out));
    assert_refused(reason_evaluate(w->session, &a.request, list, 1, NULL, NULL));
    assert_ok(reason_evaluate(w->session, &a.request, list, 1, NULL, &out));
    assert_refused(reason_evaluation_task(NULL, 0, &result));
    assert_refused(reason_evaluation_task(out, 1, &result));
    assert_refused(reason_evaluation_task(out, 0, NULL));
    assert_refused(reason_evaluation_summary_of(NULL, NULL, -1, &summary));
    assert_refused(reason_evaluation_summary_of(out, NULL, -1, NULL));
    assert_refused(reason_evaluation_compare(NULL, out, &difference));
    assert_refused(reason_evaluation_compare(out, NULL, &difference));
    assert_refused(reason_evaluation_compare(out, out, NULL));
    assert_int_equal(reason_evaluation_n_tasks(NULL), 0);
    reason_evaluation_free(NULL);
    reason_evaluation_free(out);
}

static void test_api_null__rankings(void **state) {
    (void)state;
    const uint32_t a[] = {0}, b[] = {1};
    const double x[] = {1};
    double out[2];
    bool converged = true;
    reason_calibration c = {.size = sizeof c};
    reason_win_rates rates = {.size = sizeof rates};
    assert_refused(reason_elo_options_init(NULL, sizeof(reason_elo_options)));
    assert_refused(reason_elo(NULL, b, x, 1, 2, NULL, out));
    assert_refused(reason_elo(a, NULL, x, 1, 2, NULL, out));
    assert_refused(reason_elo(a, b, NULL, 1, 2, NULL, out));
    assert_refused(reason_elo(a, b, x, 1, 2, NULL, NULL));
    assert_refused(reason_bradley_terry(NULL, b, x, 1, 2, 1, out, NULL, &converged));
    assert_false(converged);
    assert_refused(reason_bradley_terry(a, NULL, x, 1, 2, 1, out, NULL, NULL));
    assert_refused(reason_bradley_terry(a, b, NULL, 1, 2, 1, out, NULL, NULL));
    assert_refused(reason_bradley_terry(a, b, x, 1, 2, 1, NULL, NULL, NULL));
    assert_ok(reason_bradley_terry(a, b, x, 1, 2, 1, out, NULL, NULL));
    assert_refused(reason_calibrate(NULL, x, 1, &c));
    assert_refused(reason_calibrate(x, NULL, 1, &c));
    assert_refused(reason_calibrate(x, x, 1, NULL));
    c.size = 0;
    assert_refused(reason_calibrate(x, x, 1, &c));
    assert_refused(reason_win_rate(NULL, x, x, NULL, 1, 1, &rates));
    assert_refused(reason_win_rate(x, NULL, x, NULL, 1, 1, &rates));
    assert_refused(reason_win_rate(x, x, NULL, NULL, 1, 1, &rates));
    assert_refused(reason_win_rate(x, x, x, NULL, 1, 1, NULL));
}

static void test_api_null__judge(void **state) {
    const world *w = *state;
    static const char *const two[] = {"a", "b"};
    reason_judge_request r;
    reason_judgement *out = MARK;
    reason_judgement_summary summary = {.size = sizeof summary};
    reason_judge_score score = {.size = sizeof score};
    reason_judge_verdict verdict = {.size = sizeof verdict};
    assert_refused(reason_judge_request_init(NULL, sizeof r));
    assert_ok(reason_judge_request_init(&r, sizeof r));
    r.responses = two;
    r.n_responses = 2;
    r.max_tokens = 8;
    r.system = "";
    r.prompt = "{query} {response_1} {response_2}";
    const reason_judge_request *const list[] = {&r}, *const none[] = {NULL};
    assert_refused(reason_judge(w->session, &r, &out)); /* no query */
    assert_null(out);
    r.query = "q";
    assert_refused(reason_judge(NULL, &r, &out));
    assert_refused(reason_judge(w->session, NULL, &out));
    assert_refused(reason_judge(w->session, &r, NULL));
    assert_refused(reason_judge_batch(NULL, list, 1, &out));
    assert_refused(reason_judge_batch(w->session, NULL, 1, &out));
    assert_refused(reason_judge_batch(w->session, none, 1, &out));
    assert_refused(reason_judge_batch(w->session, list, 0, &out));
    assert_refused(reason_judge_batch(w->session, list, 1, NULL));
    r.responses = NULL;
    assert_refused(reason_judge(w->session, &r, &out));
    r.responses = two;
    r.n_checklist = 1;
    assert_refused(reason_judge(w->session, &r, &out));
    r.n_checklist = 0;
    assert_ok(reason_judge(w->session, &r, &out));
    assert_refused(reason_judgement_summary_of(NULL, &summary));
    assert_refused(reason_judgement_summary_of(out, NULL));
    assert_refused(reason_judgement_score(NULL, 0, -1, &score));
    assert_refused(reason_judgement_score(out, 0, -1, &score)); /* a pair */
    assert_refused(reason_judgement_verdict(NULL, 0, &verdict));
    assert_refused(reason_judgement_verdict(out, 2, &verdict));
    assert_refused(reason_judgement_verdict(out, 0, NULL));
    assert_int_equal(reason_judgement_n_verdicts(NULL), 0);
    reason_judgement_free(NULL);
    reason_judgement_free(out);
}

static void test_api_null__tournament(void **state) {
    const world *w = *state;
    static const char *const two[] = {"a", "b"};
    reason_judge_request r;
    reason_tournament *out = MARK;
    reason_candidate candidate = {.size = sizeof candidate};
    reason_tournament_game game = {.size = sizeof game};
    reason_tournament_usage usage = {.size = sizeof usage};
    assert_refused(
        reason_tournament_options_init(NULL, sizeof(reason_tournament_options)));
    assert_ok(reason_judge_request_init(&r, sizeof r));
    r.query = "q";
    r.responses = two;
    r.n_responses = 2;
    r.max_tokens = 8;
    r.system = "";
    r.prompt = "{response_1} {response_2}";
    assert_refused(reason_tournament_run(NULL, &r, NULL, &out));
    assert_null(out);
    assert_refused(reason_tournament_run(w->session, NULL, NULL, &out));
    assert_refused(reason_tournament_run(w->session, &r, NULL, NULL));
    assert_ok(reason_tournament_run(w->session, &r, NULL, &out));
    assert_refused(reason_tournament_candidate(NULL, 0, &candidate));
    assert_refused(reason_tournament_candidate(out, 2, &candidate));
    assert_refused(reason_tournament_candidate(out, 0, NULL));
    assert_refused(reason_tournament_game_at(NULL, 0, &game));
    assert_refused(reason_tournament_game_at(out, 1, &game));
    assert_refused(reason_tournament_game_at(out, 0, NULL));
    assert_refused(reason_tournament_usage_of(NULL, &usage));
    assert_refused(reason_tournament_usage_of(out, NULL));
    assert_int_equal(reason_tournament_n_candidates(NULL), 0);
    reason_tournament_free(NULL);
    reason_tournament_free(out);
}

static void test_api_null__derived(void **state) {
    const world *w = *state;
    reason_model *out = MARK;
    float row[4096];
    assert_refused(reason_derive_options_init(NULL, sizeof(reason_derive_options)));
    assert_refused(reason_model_derive(NULL, NULL, &out));
    assert_null(out);
    assert_refused(reason_model_derive(w->model, NULL, NULL));
    assert_refused(reason_model_embedding(NULL, 1, row));
    assert_refused(reason_model_embedding(w->model, 1, NULL));
    assert_refused(reason_model_embedding(w->model, -1, row));
    assert_refused(reason_session_inputs(NULL, row, 1, NULL));
    assert_refused(reason_session_inputs(w->session, NULL, 1, NULL));
    assert_refused(reason_session_inputs(w->session, row, 0, NULL));
    assert_refused(reason_session_save(NULL, "x"));
    assert_refused(reason_session_save(w->session, NULL));
    assert_refused(reason_session_load(NULL, "x"));
    assert_refused(reason_session_load(w->session, NULL));
}

static void test_api_null__adapters(void **state) {
    const world *w = *state;
    reason_adapter *out = MARK, *none = NULL;
    reason_model *derived = MARK;
    reason_derive_options o;
    assert_refused(reason_adapter_open(NULL, "x", &out));
    assert_null(out);
    assert_refused(reason_adapter_open(w->model, NULL, &out));
    assert_refused(reason_adapter_open(w->model, "x", NULL));
    assert_status(reason_adapter_open(w->model, shipped_path(), &out), REASON_ERR_FORMAT);
    assert_status(reason_adapter_open(w->model, "no/such/file", &out), REASON_ERR_IO);
    assert_null(out);
    assert_ok(reason_derive_options_init(&o, sizeof o));
    o.n_adapters = 1;
    assert_refused(reason_model_derive(w->model, &o, &derived));
    assert_null(derived);
    o.adapters = &none;
    assert_refused(reason_model_derive(w->model, &o, &derived));
    o.n_adapters = 65;
    assert_refused(reason_model_derive(w->model, &o, &derived));
    reason_adapter_free(NULL);
}

static void test_api_null__perplexity(void **state) {
    const world *w = *state;
    reason_perplexity_result r = {.size = sizeof r, .n_text = 7};
    assert_refused(reason_perplexity(NULL, "12+34", -1, NULL, &r));
    assert_int_equal(r.n_text, 0);
    assert_refused(reason_perplexity(w->model, NULL, -1, NULL, &r));
    assert_refused(reason_perplexity(w->model, NULL, 3, NULL, &r));
    assert_refused(reason_perplexity(w->model, NULL, 0, NULL, &r)); /* an empty text */
    assert_refused(reason_perplexity(w->model, "12+34", -2, NULL, &r));
    assert_refused(reason_perplexity(w->model, "12+34", -1, NULL, NULL));
    assert_ok(reason_perplexity(w->model, "12+34", -1, NULL, &r));
}

static void test_api_null__export(void **state) {
    (void)state;
    assert_refused(reason_export_options_init(NULL, sizeof(reason_export_options)));
    assert_refused(reason_export(NULL, "/dev/null/x", NULL));
    assert_refused(reason_export(shipped_path(), NULL, NULL));
    assert_status(reason_export(shipped_path(), "/dev/null/x", NULL), REASON_ERR_IO);
}

static void test_api_null__imatrix(void **state) {
    const world *w = *state;
    const char *path = "/dev/null/x"; /* cannot be written */
    reason_imatrix_result r = {.size = sizeof r, .n_text = 7};
    assert_refused(reason_imatrix_options_init(NULL, sizeof(reason_imatrix_options)));
    assert_refused(reason_imatrix(NULL, "12+34", -1, path, NULL, &r));
    assert_int_equal(r.n_text, 0);
    assert_refused(reason_imatrix(w->model, NULL, -1, path, NULL, &r));
    assert_refused(reason_imatrix(w->model, NULL, 0, path, NULL, &r)); /* no tokens */
    assert_refused(reason_imatrix(w->model, "12+34", -2, path, NULL, &r));
    assert_refused(reason_imatrix(w->model, "12+34", -1, NULL, NULL, &r));
    r.size = 0;
    assert_refused(reason_imatrix(w->model, "12+34", -1, path, NULL, &r));
    assert_status(reason_imatrix(w->model, "12+34", -1, path, NULL, NULL), REASON_ERR_IO);
}

/* What has a documented value for NULL, and what takes NULL as a default. */
static void test_api_null__null_is_fine(void **state) {
    world *w = *state;
    size_t n = 7;
    int32_t *ids;
    char *text;
    reason_cancel_token_free(NULL);
    reason_cancel_token_set(NULL);
    reason_cancel_token_reset(NULL);
    assert_false(reason_cancel_token_is_set(NULL));
    reason_pool_free(NULL);
    reason_model_free(NULL);
    reason_session_free(NULL);
    reason_result_free(NULL);
    reason_free(NULL);
    reason_set_log(NULL, NULL);
    assert_ok(reason_set_allocator(NULL));
    assert_string_equal(reason_result_thinking(NULL, &n), "");
    assert_int_equal(n, 0);
    n = 7;
    assert_string_equal(reason_result_answer(NULL, &n), "");
    assert_int_equal(n, 0);
    assert_int_equal(reason_result_n_tokens(NULL), 0);
    assert_true(isnan(reason_result_p_think(NULL)));
    assert_string_equal(reason_finish_name(reason_result_finish(NULL)), "cancelled");
    assert_string_equal(reason_finish_name(reason_result_answer_end(NULL)), "cancelled");
    assert_non_null(reason_result_thinking(w->result, NULL));
    assert_non_null(reason_result_answer(w->result, NULL));
    assert_ok(reason_tokenize(w->model, NULL, 0, 0, &ids, &n));
    assert_int_equal(n, 0);
    reason_free(ids);
    assert_ok(reason_detokenize(w->model, NULL, 0, 0, &text, &n));
    assert_string_equal(text, "");
    reason_free(text);
}

/* ---- numbers and enums ---- */

static void test_api_null__model_options(void **state) {
    (void)state;
    static const int loads[] = {-1, 2, 1 << 30}, cpus[] = {-1, 6, 1 << 30};
    reason_model *out = MARK;
    reason_model_options o;
    assert_ok(reason_model_options_init(&o, sizeof o));
    for (size_t i = 0; i < COUNT(loads); i++) {
        o.load = (reason_load)loads[i];
        out = MARK;
        assert_refused(reason_model_open(shipped_path(), &o, &out));
        assert_null(out);
    }
    o.load = REASON_LOAD_MAP;
    for (size_t i = 0; i < COUNT(cpus); i++) {
        o.cpu = (reason_cpu)cpus[i];
        assert_refused(reason_model_open(shipped_path(), &o, &out));
        assert_null(out);
    }
    reason_pool *pool = MARK;
    assert_refused(reason_pool_new(-1, &pool));
    assert_null(pool);
    pool = MARK;
    assert_refused(reason_pool_new(1025, &pool));
    assert_null(pool);
}

static void test_api_null__session_options(void **state) {
    const world *w = *state;
    static const struct {
        int32_t n_ctx, n_threads, n_chunk;
        int kv_type;
        reason_status status;
    } rows[] = {
        {-1, 1, 0, 0, REASON_ERR_INVALID_ARG},
        {INT32_MIN, 1, 0, 0, REASON_ERR_INVALID_ARG},
        {INT32_MAX, 1, 0, 0, REASON_ERR_LIMIT},
        {0, -1, 0, 0, REASON_ERR_INVALID_ARG},
        {0, 1025, 0, 0, REASON_ERR_INVALID_ARG},
        {0, 1, -1, 0, REASON_ERR_INVALID_ARG},
        {0, 1, INT32_MAX, 0, REASON_ERR_INVALID_ARG},
        {0, 1, 0, -1, REASON_ERR_INVALID_ARG},
        {0, 1, 0, 4, REASON_ERR_INVALID_ARG},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        reason_session *out = MARK;
        reason_session_options o;
        assert_ok(reason_session_options_init(&o, sizeof o));
        o.n_ctx = rows[i].n_ctx;
        o.n_threads = rows[i].n_threads;
        o.n_chunk = rows[i].n_chunk;
        o.kv_type = (reason_kv_type)rows[i].kv_type;
        assert_status(reason_session_new(w->model, &o, &out), rows[i].status);
        assert_null(out);
    }
    reason_session *out = MARK;
    reason_session_options o;
    assert_ok(reason_session_options_init(&o, sizeof o));
    o.memory_limit = 1;
    assert_status(reason_session_new(w->model, &o, &out), REASON_ERR_NO_MEMORY);
    assert_null(out);
}

static void test_api_null__ids_and_lengths(void **state) {
    const world *w = *state;
    const int32_t bad[] = {-1, INT32_MIN, INT32_MAX,
                           (int32_t)model_int(w->model, "n_vocab")};
    int32_t *ids = MARK;
    size_t n = 7, length = session_length(w->session);
    for (size_t i = 0; i < COUNT(bad); i++) {
        char *text = MARK;
        const int32_t mixed[] = {1, 2, bad[i]};
        assert_refused(reason_detokenize(w->model, mixed, 3, 0, &text, &n));
        assert_null(text);
        assert_int_equal(n, 0);
        assert_refused(reason_session_logits(w->session, mixed, 3, NULL));
        assert_int_equal(session_length(w->session), length);
    }
    assert_refused(reason_session_logits(w->session, bad, 0, NULL));
    assert_refused(reason_session_truncate(w->session, length + 1));
    assert_refused(reason_session_truncate(w->session, SIZE_MAX));
    assert_int_equal(session_length(w->session), length);
    assert_refused(reason_tokenize(w->model, "a", -2, 0, &ids, &n));
    assert_refused(reason_tokenize(w->model, "a", INT64_MIN, 0, &ids, &n));
    assert_refused(reason_tokenize(w->model, "a", 1, 4, &ids, &n));
    assert_refused(reason_tokenize(w->model, "a", 1, UINT32_MAX, &ids, &n));
    assert_null(ids);
    char *text = MARK;
    assert_refused(reason_detokenize(w->model, NULL, 0, 1u << 31, &text, &n));
    assert_null(text);
    reason_token token = {.size = sizeof token};
    assert_refused(
        reason_result_token(w->result, reason_result_n_tokens(w->result), &token));
    assert_refused(reason_result_token(w->result, SIZE_MAX, &token));
}

static void test_api_null__thinking(void **state) {
    const world *w = *state;
    static const struct {
        int mode, effort;
        int32_t budget, min_tokens, min_answer, grace, max_tokens;
        float close_temperature, close_bias;
    } rows[] = {
        {-1, 0, -1, 0, -1, 0, 4, 1, 0},  {3, 0, -1, 0, -1, 0, 4, 1, 0},
        {0, -1, -1, 0, -1, 0, 4, 1, 0},  {0, 4, -1, 0, -1, 0, 4, 1, 0},
        {0, 0, -2, 0, -1, 0, 4, 1, 0},   {0, 0, INT32_MIN, 0, -1, 0, 4, 1, 0},
        {0, 0, -1, -1, -1, 0, 4, 1, 0},  {0, 0, -1, 0, -2, 0, 4, 1, 0},
        {0, 0, -1, 0, -1, -1, 4, 1, 0},  {0, 0, -1, 0, -1, 0, -1, 1, 0},
        {0, 0, -1, 0, 5, 0, 4, 1, 0},    {0, 0, -1, 0, -1, 0, 4, 0, 0},
        {0, 0, -1, 0, -1, 0, 4, -1, 0},  {0, 0, -1, 0, -1, 0, 4, NAN, 0},
        {0, 0, -1, 0, -1, 0, 4, 1, NAN},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        reason_result *out = MARK;
        asking a;
        ask_init(&a, "What is 3 + 4?", rows[i].max_tokens);
        a.thinking.mode = (reason_think_mode)rows[i].mode;
        a.thinking.effort = (reason_effort)rows[i].effort;
        a.thinking.budget = rows[i].budget;
        a.thinking.min_tokens = rows[i].min_tokens;
        a.thinking.min_answer = rows[i].min_answer;
        a.thinking.grace = rows[i].grace;
        a.thinking.close_temperature = rows[i].close_temperature;
        a.thinking.close_bias = rows[i].close_bias;
        assert_refused(reason_generate(w->session, &a.request, &out));
        assert_null(out);
    }
}

static void test_api_null__sampling(void **state) {
    const world *w = *state;
    static const int32_t outside[] = {-1};
    static const float one[] = {1};
    static const reason_sampling rows[] = {
        /* size, temperature, top_k, top_p, min_p, repeat, presence, frequency, window */
        {sizeof rows[0], -1, 0, 1, 0, 1, 0, 0, 64, NULL, NULL, 0, 0},
        {sizeof rows[0], NAN, 0, 1, 0, 1, 0, 0, 64, NULL, NULL, 0, 0},
        {sizeof rows[0], INFINITY, 0, 1, 0, 1, 0, 0, 64, NULL, NULL, 0, 0},
        {sizeof rows[0], 1, -1, 1, 0, 1, 0, 0, 64, NULL, NULL, 0, 0},
        {sizeof rows[0], 1, 0, 0, 0, 1, 0, 0, 64, NULL, NULL, 0, 0},
        {sizeof rows[0], 1, 0, 1.5f, 0, 1, 0, 0, 64, NULL, NULL, 0, 0},
        {sizeof rows[0], 1, 0, NAN, 0, 1, 0, 0, 64, NULL, NULL, 0, 0},
        {sizeof rows[0], 1, 0, 1, -0.5f, 1, 0, 0, 64, NULL, NULL, 0, 0},
        {sizeof rows[0], 1, 0, 1, 2, 1, 0, 0, 64, NULL, NULL, 0, 0},
        {sizeof rows[0], 1, 0, 1, 0, 0, 0, 0, 64, NULL, NULL, 0, 0},
        {sizeof rows[0], 1, 0, 1, 0, NAN, 0, 0, 64, NULL, NULL, 0, 0},
        {sizeof rows[0], 1, 0, 1, 0, 1, INFINITY, 0, 64, NULL, NULL, 0, 0},
        {sizeof rows[0], 1, 0, 1, 0, 1, 0, NAN, 64, NULL, NULL, 0, 0},
        {sizeof rows[0], 1, 0, 1, 0, 1, 0, 0, -2, NULL, NULL, 0, 0},
        {sizeof rows[0], 1, 0, 1, 0, 1, 0, 0, 64, outside, one, 1, 0},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        reason_result *out = MARK;
        asking a;
        ask_init(&a, "What is 3 + 4?", 2);
        a.sampling = rows[i];
        assert_refused(reason_generate(w->session, &a.request, &out));
        assert_null(out);
    }
}

static void test_api_null__request(void **state) {
    const world *w = *state;
    static const char *const empty_stop[] = {""};
    reason_result *out = MARK;
    asking a;
    ask_init(&a, "What is 3 + 4?", 2);
    a.request.n_text = -2;
    assert_refused(reason_generate(w->session, &a.request, &out));
    assert_null(out);
    ask_init(&a, "What is 3 + 4?", 2);
    a.request.stops = empty_stop;
    a.request.n_stops = 1;
    assert_refused(reason_generate(w->session, &a.request, &out));
    ask_init(&a, "What is 3 + 4?", 2);
    a.thinking.wait_text = "a </think> inside";
    assert_refused(reason_generate(w->session, &a.request, &out));
    a.thinking.wait_text = NULL;
    a.thinking.close_text = "a <think> inside";
    assert_refused(reason_generate(w->session, &a.request, &out));
    assert_null(out);
    /* After all of it the session still does what it is for. */
    ask_init(&a, "What is 3 + 4?", 4);
    a.request.thinking = NULL;
    assert_ok(reason_generate(w->session, &a.request, &out));
    assert_string_equal(reason_result_thinking(out, NULL),
                        reason_result_thinking(w->result, NULL));
    assert_string_equal(reason_result_answer(out, NULL),
                        reason_result_answer(w->result, NULL));
    reason_result_free(out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_api_null__process),
        cmocka_unit_test(test_api_null__model),
        cmocka_unit_test(test_api_null__tokens),
        cmocka_unit_test(test_api_null__template),
        cmocka_unit_test(test_api_null__session),
        cmocka_unit_test(test_api_null__generate),
        cmocka_unit_test(test_api_null__many),
        cmocka_unit_test(test_api_null__score),
        cmocka_unit_test(test_api_null__evaluate),
        cmocka_unit_test(test_api_null__rankings),
        cmocka_unit_test(test_api_null__judge),
        cmocka_unit_test(test_api_null__tournament),
        cmocka_unit_test(test_api_null__derived),
        cmocka_unit_test(test_api_null__adapters),
        cmocka_unit_test(test_api_null__perplexity),
        cmocka_unit_test(test_api_null__export),
        cmocka_unit_test(test_api_null__imatrix),
        cmocka_unit_test(test_api_null__null_is_fine),
        cmocka_unit_test(test_api_null__model_options),
        cmocka_unit_test(test_api_null__session_options),
        cmocka_unit_test(test_api_null__ids_and_lengths),
        cmocka_unit_test(test_api_null__thinking),
        cmocka_unit_test(test_api_null__sampling),
        cmocka_unit_test(test_api_null__request),
    };
    return cmocka_run_group_tests_name("api_null", tests, set_up, tear_down);
}
