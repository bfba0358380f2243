/* Memory that is refused. Each operation runs with its first allocation refused, then its
 * second, and so on until it asks for no more; once with only that one refused, once with
 * all after it refused too. It must say NO_MEMORY with its outputs NULL, or have done
 * without; nothing may be left over; and the same call on the same handles must work as
 * soon as there is memory again, with the result it always had. */
#include "api/support.h"

#include <math.h>
#include <unistd.h>

static test_heap heap;

typedef struct handles {
    reason_model *model;
    reason_session *session;
    uint64_t sum; /* of all that the last operation gave out */
} handles;

typedef reason_status (*operation)(handles *h);

static void assert_output(const void *out, reason_status status) {
    assert_true((out != NULL) == (status == REASON_OK));
}

/* ---- the operations ---- */

static reason_status open_with(handles *h, reason_load load) {
    reason_model_options o;
    reason_model *out = (reason_model *)h;
    assert_ok(reason_model_options_init(&o, sizeof o));
    o.load = load;
    reason_status status = reason_model_open(shipped_path(), &o, &out);
    assert_output(out, status);
    if (status == REASON_OK) {
        size_t n = reason_model_n_keys(out);
        h->sum = add_bytes(0, &n, sizeof n);
        const char *text = model_text(out, "chat_template");
        h->sum = add_bytes(h->sum, text, strlen(text));
    }
    reason_model_free(out);
    return status;
}

static reason_status open_mapped(handles *h) {
    return open_with(h, REASON_LOAD_MAP);
}

static reason_status open_copied(handles *h) {
    return open_with(h, REASON_LOAD_COPY);
}

/* The path of the shipped model is put together in memory too. */
static reason_status open_shipped(handles *h) {
    char folder[4096];
    reason_model_options o;
    reason_model *out = (reason_model *)h;
    (void)snprintf(folder, sizeof folder, "%s", shipped_path());
    char *slash = strrchr(folder, '/');
    assert_non_null(slash);
    *slash = '\0';
    assert_ok(reason_model_options_init(&o, sizeof o));
    o.data_dir = folder;
    reason_status status = reason_model_open(NULL, &o, &out);
    assert_output(out, status);
    if (status == REASON_OK)
        h->sum = add_bytes(0, model_text(out, "path"), strlen(model_text(out, "path")));
    reason_model_free(out);
    return status;
}

/* A folder that Transformers wrote, in several files; its path. */
static const char *folder_path(void) {
    static char path[4096];
    const char *root = getenv("REASON_SRCDIR");
    (void)snprintf(path, sizeof path, "%s/tests/data/hf/llama-sharded", root ? root : ".");
    return path;
}

static reason_status open_folder(handles *h) {
    reason_model *out = (reason_model *)h;
    reason_status status = reason_model_open(folder_path(), NULL, &out);
    assert_output(out, status);
    if (status == REASON_OK) {
        size_t n = reason_model_n_keys(out);
        h->sum = add_bytes(0, &n, sizeof n);
    }
    reason_model_free(out);
    return status;
}

/* The folder as another one, which is not there if memory was refused. */
static reason_status export_folder(handles *h) {
    static const char *const files[] = {"config.json", "model.safetensors",
                                        "tokenizer.json", "tokenizer_config.json"};
    char folder[] = "/tmp/alloc-fail-XXXXXX";
    assert_non_null(mkdtemp(folder));
    reason_status status = reason_export(folder_path(), folder, NULL);
    h->sum = 0;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char path[64];
        (void)snprintf(path, sizeof path, "%s/%s", folder, files[i]);
        h->sum += unlink(path) == 0;
    }
    assert_int_equal(h->sum, status == REASON_OK ? 4 : 0);
    assert_int_equal(rmdir(folder), 0);
    return status;
}

static reason_status adapt(handles *h) {
    reason_derive_options o;
    reason_adapter *adapter = (reason_adapter *)h;
    reason_model *out = NULL;
    const char *path = getenv("ADAPTER");
    assert_non_null(path);
    assert_ok(reason_derive_options_init(&o, sizeof o));
    reason_status status = reason_adapter_open(h->model, path, &adapter);
    assert_output(adapter, status);
    o.adapters = &adapter;
    o.n_adapters = 1;
    if (status == REASON_OK) {
        status = reason_model_derive(h->model, &o, &out);
        assert_output(out, status);
    }
    h->sum = 1;
    reason_adapter_free(adapter);
    reason_model_free(out);
    return status;
}

static reason_status new_session(handles *h) {
    reason_session_options o;
    reason_session *out = (reason_session *)h;
    assert_ok(reason_session_options_init(&o, sizeof o));
    o.n_threads = 3;
    o.memory_limit = 1 << 20;
    reason_status status = reason_session_new(h->model, &o, &out);
    assert_output(out, status);
    h->sum = 1;
    reason_session_free(out);
    return status;
}

static reason_status new_small_things(handles *h) {
    reason_cancel_token *token = (reason_cancel_token *)h;
    reason_pool *pool = (reason_pool *)h;
    reason_status status = reason_cancel_token_new(&token);
    assert_output(token, status);
    reason_cancel_token_free(token);
    if (status != REASON_OK)
        return status;
    status = reason_pool_new(4, &pool);
    assert_output(pool, status);
    reason_pool_free(pool);
    h->sum = 1;
    return status;
}

static reason_status tokenize(handles *h) {
    int32_t *ids = (int32_t *)h;
    size_t n = 7;
    reason_status status = reason_tokenize(
        h->model,
        "<|im_start|>What is 12 + 34? \xff It is \xe2\x82\xac 46, said Ana.\n\n", -1,
        REASON_TOKENS_SPECIAL | REASON_TOKENS_BOS_EOS, &ids, &n);
    assert_output(ids, status);
    if (status == REASON_OK)
        h->sum = add_bytes(n, ids, n * sizeof *ids);
    else
        assert_int_equal(n, 0);
    reason_free(ids);
    return status;
}

static reason_status detokenize(handles *h) {
    int32_t ids[600];
    char *text = (char *)h;
    size_t n = 7;
    for (size_t i = 0; i < COUNT(ids); i++)
        ids[i] = (int32_t)i;
    reason_status status = reason_detokenize(h->model, ids, COUNT(ids),
                                             REASON_TOKENS_SPECIAL, &text, &n);
    assert_output(text, status);
    if (status == REASON_OK)
        h->sum = add_bytes(n, text, n);
    else
        assert_int_equal(n, 0);
    reason_free(text);
    return status;
}

static reason_status render_with(handles *h, const char *template_text) {
    reason_message system, user, assistant;
    reason_template_request r;
    char *text = (char *)h;
    size_t n = 7;
    const reason_message *messages[] = {&system, &user, &assistant, &user};
    assert_ok(reason_message_init(&system, sizeof system));
    assert_ok(reason_message_init(&user, sizeof user));
    assert_ok(reason_message_init(&assistant, sizeof assistant));
    assert_ok(reason_template_request_init(&r, sizeof r));
    system.role = "system", system.content = "Be \"brief\".";
    user.role = "user", user.content = "What is 3 + 4?";
    assistant.role = "assistant", assistant.content = "7", assistant.reasoning = "3+4=7";
    r.messages = messages;
    r.n_messages = COUNT(messages);
    r.variables_json =
        "{\"enable_thinking\": false, \"n\": [1, 2.5, null, {\"a\": \"b\"}]}";
    r.now = "2026-01-02T03:04:05";
    r.template_text = template_text;
    reason_status status = reason_template_render(h->model, &r, &text, &n);
    assert_output(text, status);
    if (status == REASON_OK)
        h->sum = add_bytes(n, text, n);
    else
        assert_int_equal(n, 0);
    reason_free(text);
    return status;
}

static reason_status render_own(handles *h) {
    return render_with(h, NULL);
}

static reason_status render_given(handles *h) {
    return render_with(
        h, "{% macro line(m) %}{{ m.role ~ ': ' ~ m.content | trim }}{% endmacro %}"
           "{% set ns = namespace(k = 0) %}"
           "{% for m in messages if m.role != 'system' %}{{ line(m) }}\n"
           "{% set ns.k = ns.k + 1 %}{% endfor %}"
           "{{ ns.k }} {{ n | tojson }} {{ 'a,b' .split(',') | join('+') }}");
}

/* The operations on sessions leave them as they were, so that they can run again. */

static reason_status logits(handles *h) {
    int32_t ids[70];
    size_t n_vocab = (size_t)model_int(h->model, "n_vocab"),
           length = session_length(h->session);
    float *rows = malloc(COUNT(ids) * n_vocab * sizeof *rows);
    assert_non_null(rows);
    for (size_t i = 0; i < COUNT(ids); i++)
        ids[i] = (int32_t)(i * 7);
    reason_status status = reason_session_logits(h->session, ids, COUNT(ids), rows);
    if (status == REASON_OK) {
        h->sum = add_bytes(0, rows, COUNT(ids) * n_vocab * sizeof *rows);
        assert_ok(reason_session_truncate(h->session, length));
    }
    assert_int_equal(session_length(h->session), length);
    free(rows);
    return status;
}

static int take_piece(void *user, const reason_piece *piece) {
    handles *h = user;
    h->sum = add_bytes(h->sum, piece->text, piece->n_bytes);
    return 0;
}

static reason_status generate_with(handles *h, asking *a) {
    reason_result *out = (reason_result *)h;
    h->sum = 0;
    a->request.stream = take_piece;
    a->request.stream_user = h;
    reason_status status = reason_generate(h->session, &a->request, &out);
    assert_output(out, status);
    if (status == REASON_OK) {
        int32_t ids[64];
        h->sum = add_bytes(h->sum, ids, result_ids(out, ids, COUNT(ids)) * sizeof *ids);
        h->sum = add_bytes(h->sum, reason_result_thinking(out, NULL),
                           strlen(reason_result_thinking(out, NULL)));
        h->sum = add_bytes(h->sum, reason_result_answer(out, NULL),
                           strlen(reason_result_answer(out, NULL)));
    }
    reason_result_free(out);
    return status;
}

static reason_status generate_text(handles *h) {
    asking a;
    ask_init(&a, "What is 67 * 75?", 8);
    return generate_with(h, &a);
}

/* All parts of a request that take memory of their own. */
static reason_status generate_all(handles *h) {
    static const int32_t ids[] = {1, 2};
    static const float values[] = {1.5f, -INFINITY};
    static const char *const stops[] = {"never seen", "nor this"};
    asking a;
    ask_init(&a, "", 24);
    a.request.text = NULL;
    a.request.prompt = "What is 67 * 75?";
    a.request.system = "Be brief.";
    a.request.variables_json = "{\"x\": 1}";
    a.request.stops = stops;
    a.request.n_stops = COUNT(stops);
    a.sampling.temperature = 0.9f;
    a.sampling.top_k = 40;
    a.sampling.repeat_penalty = 1.1f;
    a.sampling.bias_tokens = ids;
    a.sampling.bias_values = values;
    a.sampling.n_bias = COUNT(ids);
    a.thinking.mode = REASON_THINK_ON;
    a.thinking.budget = 9;
    a.thinking.min_tokens = 4;
    a.thinking.min_answer = 8;
    a.thinking.wait_text = "so";
    a.thinking.close_text = ".";
    a.thinking.exit_agreement = 3;
    a.thinking.probe_every = 2;
    a.thinking.probe_text = "so ";
    a.thinking.loop_guard = 4;
    a.thinking.chunk = 6;
    return generate_with(h, &a);
}

/* Two tasks in both modes, of which one has a kind. */
static reason_status evaluate(handles *h) {
    asking a;
    reason_task tasks[2];
    const reason_task *list[] = {&tasks[0], &tasks[1]};
    reason_evaluate_options o;
    reason_evaluation *out = (reason_evaluation *)h;
    ask_init(&a, "", 6);
    a.request.text = NULL;
    assert_ok(reason_evaluate_options_init(&o, sizeof o));
    o.hybrid = true;
    for (size_t i = 0; i < COUNT(tasks); i++) {
        assert_ok(reason_task_init(&tasks[i], sizeof tasks[i]));
        tasks[i].question = i == 0 ? "What is 3 + 4?" : "What is 67 * 75?";
        tasks[i].answer = "7";
        tasks[i].kind = i == 0 ? "add" : NULL;
    }
    reason_status status =
        reason_evaluate(h->session, &a.request, list, COUNT(list), &o, &out);
    assert_output(out, status);
    for (size_t i = 0; i < reason_evaluation_n_tasks(out); i++) {
        reason_task_result r = {.size = sizeof r};
        assert_ok(reason_evaluation_task(out, i, &r));
        h->sum = add_bytes(i == 0 ? 0 : h->sum, &r, sizeof r);
    }
    reason_evaluation_free(out);
    return status;
}

static void fill_judge(reason_judge_request *r) {
    static const char *const responses[] = {"7", "<|im_end|>8", "nine"};
    assert_ok(reason_judge_request_init(r, sizeof *r));
    r->query = "What is 3 + 4?";
    r->responses = responses;
    r->n_responses = 2;
    r->n_votes = 1; /* few: each allocation of each of them is refused in turn */
    r->max_tokens = 2;
    r->system = "Judge.";
    r->prompt = "{query} 1: {response_1} 2: {response_2}";
}

static reason_status judge(handles *h) {
    reason_judge_request r;
    reason_judgement *out = (reason_judgement *)h;
    fill_judge(&r);
    reason_status status = reason_judge(h->session, &r, &out);
    assert_output(out, status);
    for (size_t i = 0; i < reason_judgement_n_verdicts(out); i++) {
        reason_judge_verdict v = {.size = sizeof v};
        assert_ok(reason_judgement_verdict(out, i, &v));
        size_t n;
        const char *text = reason_result_answer(v.result, &n);
        h->sum = add_bytes(i == 0 ? 0 : h->sum, text, n);
    }
    reason_judgement_free(out);
    return status;
}

static reason_status check_items(handles *h) {
    static const char *const items[] = {"is a number", "is 7"};
    reason_judge_request r;
    reason_judgement *out = (reason_judgement *)h;
    fill_judge(&r);
    r.kind = REASON_JUDGE_CHECKLIST;
    r.prompt = "{response} {item} {checklist}";
    r.checklist = items;
    r.n_checklist = COUNT(items);
    r.n_responses = 1;
    reason_status status = reason_judge(h->session, &r, &out);
    assert_output(out, status);
    h->sum = reason_judgement_n_verdicts(out);
    reason_judgement_free(out);
    return status;
}

static reason_status play(handles *h) {
    reason_judge_request r;
    reason_tournament_options o;
    reason_tournament *out = (reason_tournament *)h;
    fill_judge(&r);
    r.n_responses = 3;
    r.order = REASON_ORDER_GIVEN;
    assert_ok(reason_tournament_options_init(&o, sizeof o));
    o.method = REASON_TOURNAMENT_BRADLEY_TERRY;
    reason_status status = reason_tournament_run(h->session, &r, &o, &out);
    assert_output(out, status);
    for (size_t i = 0; i < reason_tournament_n_candidates(out); i++) {
        reason_candidate c = {.size = sizeof c};
        assert_ok(reason_tournament_candidate(out, i, &c));
        h->sum = add_bytes(i == 0 ? 0 : h->sum, &c.rating, sizeof c.rating);
    }
    reason_tournament_free(out);
    return status;
}

/* Two responses in a conversation; heads are the unit test's. */
static reason_status score(handles *h) {
    asking a;
    reason_score_request r;
    reason_scores *out = (reason_scores *)h;
    const char *const responses[] = {"<think>3 + 4</think>7", "8"};
    ask_init(&a, "", 2);
    a.request.text = NULL;
    a.request.prompt = "What is 3 + 4?";
    assert_ok(reason_score_request_init(&r, sizeof r));
    r.prompt = &a.request;
    r.responses = responses;
    r.n_responses = COUNT(responses);
    r.kind = REASON_SCORE_LOGPROB;
    reason_status status = reason_score(h->session, &r, &out);
    assert_output(out, status);
    h->sum = 0;
    for (size_t i = 0; i < reason_scores_n(out); i++) {
        reason_scored s = {.size = sizeof s};
        assert_ok(reason_scores_at(out, i, &s));
        h->sum = add_bytes(h->sum, &s.score, sizeof s.score);
        h->sum = add_bytes(h->sum, s.raw, s.n_raw * sizeof *s.raw);
    }
    reason_scores_free(out);
    return status;
}

static reason_status fork_session(handles *h) {
    int32_t id = 5;
    float *row = malloc((size_t)model_int(h->model, "n_vocab") * sizeof *row);
    reason_session *out = (reason_session *)h;
    assert_non_null(row);
    reason_status status = reason_session_fork(h->session, &out);
    assert_output(out, status);
    if (status == REASON_OK) { /* it is a session of its own, whose block is copied now */
        assert_int_equal(session_length(out), session_length(h->session));
        status = reason_session_logits(out, &id, 1, row);
        if (status == REASON_OK)
            h->sum = add_bytes(0, row,
                               (size_t)model_int(h->model, "n_vocab") * sizeof *row);
    }
    reason_session_free(out);
    free(row);
    return status;
}

/* ---- the loop ---- */

/* What the operation works on; memory is there. */
static void begin(handles *h, bool with_model, bool with_session) {
    static const int32_t ids[] = {601, 262, 10, 274, 272, 32, 54};
    memset(h, 0, sizeof *h);
    if (with_model)
        h->model = open_model(REASON_CPU_AUTO);
    if (with_session) {
        h->session = open_session(h->model, 2);
        assert_ok(reason_session_logits(h->session, ids, COUNT(ids), NULL));
    }
}

static void end(handles *h) {
    reason_session_free(h->session);
    reason_model_free(h->model);
}

/* One refusal, from `fail_at` on. False if the operation never got that far. */
static bool refuse(operation run, handles *h, size_t fail_at, bool for_ever,
                   uint64_t want) {
    reason_session *kept = h->session;
    if (kept) /* sessions grow, so each refusal gets a new one at the same point */
        assert_ok(reason_session_fork(kept, &h->session));
    size_t n_blocks = atomic_load(&heap.n_blocks);
    atomic_store(&heap.n_calls, 0);
    heap.for_ever = for_ever;
    heap.fail_at = fail_at;
    reason_status status = run(h);
    heap.fail_at = 0;
    bool reached = atomic_load(&heap.n_calls) >= fail_at;
    if (status == REASON_OK)
        assert_true(h->sum == want);
    else if (status != REASON_ERR_NO_MEMORY || !strstr(reason_last_error(), "memory"))
        fail_msg("refusal %zu: %s (%s)", fail_at, reason_status_name(status),
                 reason_last_error());
    if (!reached)
        assert_int_equal(status, REASON_OK);
    if (!kept)
        assert_int_equal(atomic_load(&heap.n_blocks), n_blocks);
    assert_ok(run(h));
    assert_true(h->sum == want);
    if (kept) {
        reason_session_free(h->session);
        h->session = kept;
    }
    return reached;
}

/* At least `at_least` allocations are refused: an operation that takes no memory any more
 * would pass without being tested. */
static void refuse_each(operation run, bool with_model, bool with_session,
                        size_t at_least) {
    handles h;
    heap_use(&heap);
    begin(&h, with_model, with_session);
    assert_ok(run(&h));
    uint64_t want = h.sum;
    for (int for_ever = 0; for_ever < 2; for_ever++) {
        size_t n_bytes = atomic_load(&heap.n_bytes), n = 1;
        while (refuse(run, &h, n, for_ever, want)) {
            assert_int_equal(atomic_load(&heap.n_bytes), n_bytes);
            n++;
        }
        print_message("%zu allocations refused, %s\n", n - 1,
                      for_ever ? "with all that follow" : "each alone");
        assert_true(n - 1 >= at_least);
    }
    end(&h);
    heap_end(&heap);
}

static void test_api_alloc_fail__model_open(void **state) {
    (void)state;
    refuse_each(open_mapped, false, false, 10);
    refuse_each(open_copied, false, false, 10);
    refuse_each(open_shipped, false, false, 10);
}

static void test_api_alloc_fail__folders(void **state) {
    (void)state;
    refuse_each(open_folder, false, false, 100);
    refuse_each(export_folder, false, false, 100);
}

static void test_api_alloc_fail__adapters(void **state) {
    (void)state;
    if (!getenv("ADAPTER"))
        skip();
    refuse_each(adapt, true, false, 8);
}

static void test_api_alloc_fail__session_new(void **state) {
    (void)state;
    refuse_each(new_session, true, false, 3);
    refuse_each(new_small_things, false, false, 2);
}

static void test_api_alloc_fail__tokens(void **state) {
    (void)state;
    refuse_each(tokenize, true, false, 1);
    refuse_each(detokenize, true, false, 1);
}

static void test_api_alloc_fail__template(void **state) {
    (void)state;
    refuse_each(render_own, true, false, 4);
    refuse_each(render_given, true, false, 4);
}

static void test_api_alloc_fail__logits(void **state) {
    (void)state;
    refuse_each(logits, true, true, 2);
}

static void test_api_alloc_fail__fork(void **state) {
    (void)state;
    refuse_each(fork_session, true, true, 4);
}

static void test_api_alloc_fail__generate(void **state) {
    (void)state;
    refuse_each(generate_text, true, true, 8);
    refuse_each(generate_all, true, true, 8);
}

static void test_api_alloc_fail__judge(void **state) {
    (void)state;
    refuse_each(judge, true, true, 12);
    refuse_each(check_items, true, true, 12);
    refuse_each(play, true, true, 16);
}

static void test_api_alloc_fail__evaluate(void **state) {
    (void)state;
    refuse_each(evaluate, true, true, 12);
}

static void test_api_alloc_fail__score(void **state) {
    (void)state;
    refuse_each(score, true, true, 12);
}

/* ---- none at all ---- */

typedef struct steps {
    uint64_t first, last;     /* of which the counts are compared */
    size_t at_first, at_last; /* allocations up to there */
} steps;

static int count_steps(void *user, const char *stage, uint64_t done, uint64_t total) {
    steps *s = user;
    (void)total;
    if (strcmp(stage, "generate") != 0)
        return 0;
    if (done == s->first)
        s->at_first = atomic_load(&heap.n_calls);
    if (done == s->last)
        s->at_last = atomic_load(&heap.n_calls);
    return 0;
}

/* A hundred tokens of output take no memory beyond what was there after the first two.
 * What would end a block or the text is forbidden, so that it goes on. */
static void check_steps(handles *h, reason_think_mode mode) {
    static const char ends[] = "</think><|im_end|><|im_start|><think>";
    steps s = {2, 110, 0, 0};
    float values[8];
    int32_t *ids;
    size_t n_ids;
    reason_result *result;
    asking a;
    assert_ok(reason_tokenize(h->model, ends, -1, REASON_TOKENS_SPECIAL, &ids, &n_ids));
    assert_true(n_ids <= COUNT(values));
    for (size_t i = 0; i < n_ids; i++)
        values[i] = -INFINITY;
    ask_init(&a, "What is 67 * 75?", 160);
    a.thinking.mode = mode;
    a.sampling.bias_tokens = ids;
    a.sampling.bias_values = values;
    a.sampling.n_bias = n_ids;
    a.request.progress = count_steps;
    a.request.progress_user = &s;
    assert_ok(reason_generate(h->session, &a.request, &result));
    assert_true(reason_result_n_tokens(result) > s.last);
    print_message("%zu allocations before step %d, %zu more by step %d\n", s.at_first,
                  (int)s.first, s.at_last - s.at_first, (int)s.last);
    assert_true(s.at_first > 0);
    assert_int_equal(s.at_last, s.at_first);
    reason_result_free(result);
    reason_free(ids);
}

static void test_api_alloc_fail__none_per_token(void **state) {
    handles h;
    (void)state;
    heap_use(&heap);
    begin(&h, true, true);
    check_steps(&h, REASON_THINK_AUTO);
    check_steps(&h, REASON_THINK_ON);
    end(&h);
    heap_end(&heap);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_api_alloc_fail__model_open),
        cmocka_unit_test(test_api_alloc_fail__folders),
        cmocka_unit_test(test_api_alloc_fail__adapters),
        cmocka_unit_test(test_api_alloc_fail__session_new),
        cmocka_unit_test(test_api_alloc_fail__tokens),
        cmocka_unit_test(test_api_alloc_fail__template),
        cmocka_unit_test(test_api_alloc_fail__logits),
        cmocka_unit_test(test_api_alloc_fail__fork),
        cmocka_unit_test(test_api_alloc_fail__generate),
        cmocka_unit_test(test_api_alloc_fail__evaluate),
        cmocka_unit_test(test_api_alloc_fail__judge),
        cmocka_unit_test(test_api_alloc_fail__score),
        cmocka_unit_test(test_api_alloc_fail__none_per_token),
    };
    return cmocka_run_group_tests_name("api_alloc_fail", tests, NULL, NULL);
}
