/* Evaluations on the shipped model: counts against single generations, figures against
 * hand computations, what is known is not run again, and what is refused. */
#include "api/support.h"

#include <math.h>

enum { N = 7, MOST_TOKENS = 120, SAMPLES = 3 };

static const struct {
    const char *question, *answer, *kind;
    int32_t size;
} ROWS[N] = {
    {"What is 12 + 30?", "42", "add", 2},
    {"What is 67 * 75?", "5025", "multiply", 2},
    {"What is 3 + 4?", "8", "add", 1},
    {"What is 0 * 6?", "0", "multiply", 1},
    {"What is 44277 - 5633?", "38644", NULL, 5},
    {"What is 5 + 5?", "10.0", "add", 1},
    {"What is 76 * 57?", "4332", "multiply", 2},
};

typedef struct fixture {
    reason_model *model;
    reason_session *session;
    asking a;
    reason_task tasks[N];
    const reason_task *list[N];
    reason_evaluate_options options;
} fixture;

/* Tells of finished tasks, and stops after some. */
typedef struct listener {
    size_t n_done, stop_after, n_progress;
    reason_task_result results[N];
    bool told[N];
    reason_session *session;
    uint64_t done, total;
} listener;

static int listen_to(void *user, size_t task, const reason_task_result *result) {
    listener *l = user;
    size_t n;
    assert_false(l->told[task]);
    l->told[task] = true;
    l->results[task] = *result;
    if (l->session)
        assert_status(reason_session_length(l->session, &n), REASON_ERR_BUSY);
    return ++l->n_done == l->stop_after;
}

static int see_progress(void *user, const char *stage, uint64_t done, uint64_t total) {
    listener *l = user;
    assert_string_equal(stage, "evaluate");
    l->n_progress++;
    l->done = done;
    l->total = total;
    return 0;
}

static void set_up(fixture *f) {
    memset(f, 0, sizeof *f);
    f->model = open_model(REASON_CPU_AUTO);
    f->session = open_session(f->model, 2);
    ask_init(&f->a, "", MOST_TOKENS);
    f->a.request.text = NULL;
    for (size_t i = 0; i < N; i++) {
        assert_ok(reason_task_init(&f->tasks[i], sizeof f->tasks[i]));
        f->tasks[i].question = ROWS[i].question;
        f->tasks[i].answer = ROWS[i].answer;
        f->tasks[i].kind = ROWS[i].kind;
        f->tasks[i].task_size = ROWS[i].size;
        f->tasks[i].answers = i == 5 ? REASON_ANSWER_NUMBER : REASON_ANSWER_AUTO;
        f->list[i] = &f->tasks[i];
    }
    assert_ok(reason_evaluate_options_init(&f->options, sizeof f->options));
}

static void tear_down(fixture *f) {
    reason_session_free(f->session);
    reason_model_free(f->model);
}

static reason_evaluation *evaluate(fixture *f) {
    reason_evaluation *e;
    assert_ok(reason_evaluate(f->session, &f->a.request, f->list, N, &f->options, &e));
    assert_int_equal(reason_evaluation_n_tasks(e), N);
    return e;
}

static reason_task_result result_of(const reason_evaluation *e, size_t i) {
    reason_task_result r = {.size = sizeof r};
    assert_ok(reason_evaluation_task(e, i, &r));
    return r;
}

static reason_evaluation_summary summary_of(const reason_evaluation *e, const char *kind,
                                            int32_t size) {
    reason_evaluation_summary s = {.size = sizeof s};
    assert_ok(reason_evaluation_summary_of(e, kind, size, &s));
    return s;
}

static void assert_near(double found, double wanted, double error) {
    if (!(fabs(found - wanted) <= error))
        fail_msg("%.12g, %.12g expected", found, wanted);
}

/* --- one at a time --------------------------------------------------------------------- */

/* What a task's result has to be, by generations of its own in a session of its own. */
static reason_task_result alone(fixture *f, size_t i) {
    uint64_t n_samples = (uint64_t)f->options.n_samples;
    reason_task_result t = {.size = sizeof t, .n_samples = n_samples};
    reason_session *session = open_session(f->model, 1);
    reason_request request = f->a.request;
    reason_sampling sampling = f->a.sampling;
    reason_result *result;
    double sum = 0, n_p = 0;
    sampling.seed += i * UINT64_C(0x9E3779B97F4A7C15);
    request.sampling = &sampling;
    request.prompt = ROWS[i].question;
    request.n_samples = f->options.n_samples;
    request.progress = NULL;
    assert_ok(reason_generate(session, &request, &result));
    for (size_t k = 0; k < reason_result_n_samples(result); k++) {
        const reason_result *r = reason_result_sample(result, k);
        reason_usage u = {.size = sizeof u};
        bool right;
        assert_ok(reason_result_usage(r, &u));
        assert_ok(reason_answer_check(reason_result_answer(r, NULL), ROWS[i].answer,
                                      f->tasks[i].answers, &right));
        t.n_right += right;
        t.n_thought += u.thinking_tokens > 0;
        t.thinking_tokens += u.thinking_tokens;
        t.answer_tokens += u.answer_tokens;
        t.probe_tokens += u.probe_tokens;
        t.total_tokens += reason_result_n_tokens(r);
        sum += isnan(reason_result_p_think(r)) ? 0 : reason_result_p_think(r);
        n_p += !isnan(reason_result_p_think(r));
    }
    t.p_think = n_p > 0 ? sum / n_p : (double)NAN;
    reason_result_free(result);
    reason_session_free(session);
    return t;
}

static void expect_alone(fixture *f) {
    reason_evaluation *e = evaluate(f);
    for (size_t i = 0; i < N; i++) {
        reason_task_result found = result_of(e, i), wanted = alone(f, i);
        assert_memory_equal(&found, &wanted, sizeof found);
    }
    reason_evaluation_free(e);
}

static void test_api_evaluate__results_are_those_alone(void **state) {
    (void)state;
    fixture f;
    set_up(&f);
    expect_alone(&f);
    f.a.thinking.mode = REASON_THINK_ON;
    f.a.thinking.exit_confidence = 0.9f;
    expect_alone(&f);
    f.a.thinking.mode = REASON_THINK_AUTO;
    f.a.sampling.temperature = 1.3f;
    f.a.sampling.seed = 5;
    f.options.n_samples = SAMPLES;
    expect_alone(&f);
    tear_down(&f);
}

/* A session with one place has slices of few tasks. */
static void test_api_evaluate__slices_change_nothing(void **state) {
    (void)state;
    fixture f;
    listener one = {0}, many = {0};
    set_up(&f);
    reason_session_options o;
    assert_ok(reason_session_options_init(&o, sizeof o));
    o.n_parallel = 1;
    f.a.sampling.temperature = 1.2f;
    f.options.n_samples = 12;
    f.options.done = listen_to;
    f.options.done_user = &many;
    reason_evaluation_free(evaluate(&f));
    reason_session_free(f.session);
    assert_ok(reason_session_new(f.model, &o, &f.session));
    f.options.done_user = &one;
    reason_evaluation_free(evaluate(&f));
    assert_int_equal(one.n_done, N);
    assert_memory_equal(one.results, many.results, sizeof one.results);
    tear_down(&f);
}

/* --- figures --------------------------------------------------------------------------- */

/* Results that are all known, of a request that would be refused if it ran: every figure can
 * be computed by hand. */
static reason_evaluation *known_ones(fixture *f, reason_task_result *results) {
    static const reason_task_result *known[N];
    listener l = {0};
    for (size_t i = 0; i < N; i++) {
        results[i].size = sizeof *results;
        known[i] = &results[i];
    }
    f->options.known = known;
    f->options.done = listen_to;
    f->options.done_user = &l;
    f->a.thinking.budget = -7;
    reason_evaluation *e = evaluate(f);
    f->a.thinking.budget = -1;
    assert_int_equal(l.n_done, 0);
    f->options.known = NULL;
    f->options.done = NULL;
    return e;
}

static void test_api_evaluate__figures_by_hand(void **state) {
    (void)state;
    const double none = (double)NAN;
    reason_task_result r[N];
    fixture f;
    set_up(&f);
    /* right: 5 of 7, of "add" 2 of 3, of "multiply" 2 of 3; tokens 0, 10, ... 60 */
    for (size_t i = 0; i < N; i++)
        r[i] = (reason_task_result){.n_samples = 1, .n_right = i != 2 && i != 3,
                                    .n_thought = i % 2, .thinking_tokens = 10 * i,
                                    .answer_tokens = 2, .probe_tokens = 7 * (i == 6),
                                    .total_tokens = 10 * i + 4,
                                    .p_think = i < 2 ? 0.25 + 0.5 * (double)i : none};
    reason_evaluation *e = known_ones(&f, r);
    reason_evaluation_summary s = summary_of(e, NULL, -1);
    assert_int_equal(s.n, 7);
    assert_near(s.accuracy, 5.0 / 7, 1e-15);
    assert_near(s.accuracy_low, 0.358934, 1e-6);
    assert_near(s.accuracy_high, 0.917781, 1e-6);
    assert_near(s.pass_at_k, 5.0 / 7, 1e-15);
    assert_near(s.thinking_tokens, 30, 1e-12);
    assert_near(s.thinking_tokens_se, sqrt(2800.0 / 6 / 7), 1e-12);
    assert_near(s.answer_tokens, 2, 0);
    assert_near(s.answer_tokens_se, 0, 0);
    assert_near(s.probe_tokens, 1, 1e-15);
    assert_near(s.total_tokens, 34, 1e-12);
    assert_near(s.think_rate, 3.0 / 7, 1e-15);
    assert_near(s.p_think, 0.5, 1e-15);
    assert_true(isnan(s.hybrid_accuracy) && isnan(s.hybrid_accuracy_low));
    s = summary_of(e, "add", -1);
    assert_int_equal(s.n, 3);
    assert_near(s.thinking_tokens, (0.0 + 20 + 50) / 3, 1e-12);
    s = summary_of(e, "add", 1);
    assert_int_equal(s.n, 2);
    assert_near(s.accuracy, 0.5, 0);
    s = summary_of(e, NULL, 2);
    assert_int_equal(s.n, 3);
    s = summary_of(e, NULL, 5);
    assert_int_equal(s.n, 1);
    assert_true(isnan(s.thinking_tokens_se) && isnan(s.p_think));
    assert_near(s.accuracy_high, 1, 1e-15);
    assert_near(s.accuracy_low, 0.206549, 1e-6); /* 1 / (1 + 1.96^2) */
    s = summary_of(e, "divide", -1);
    assert_int_equal(s.n, 0);
    assert_true(isnan(s.accuracy) && isnan(s.accuracy_low) && isnan(s.total_tokens));
    reason_evaluation_free(e);
    tear_down(&f);
}

/* The examples of Newcombe 1998, table I, method 3. */
static void test_api_evaluate__wilson_intervals(void **state) {
    (void)state;
    static const struct {
        size_t right, n;
        double low, high;
    } rows[] = {{81, 263, 0.2553, 0.3662}, {15, 148, 0.0624, 0.1605},
                {0, 20, 0, 0.1611}, {1, 29, 0.0061, 0.1718}};
    static const reason_task *tasks[263];
    static const reason_task_result *known[263];
    reason_task_result right = {.size = sizeof right, .n_samples = 1, .n_right = 1};
    reason_task_result wrong = {.size = sizeof wrong, .n_samples = 1};
    fixture f;
    set_up(&f);
    f.options.known = known;
    for (size_t k = 0; k < COUNT(rows); k++) {
        reason_evaluation *e;
        for (size_t i = 0; i < rows[k].n; i++) {
            tasks[i] = &f.tasks[0];
            known[i] = i < rows[k].right ? &right : &wrong;
        }
        assert_ok(reason_evaluate(f.session, &f.a.request, tasks, rows[k].n, &f.options,
                                  &e));
        reason_evaluation_summary s = summary_of(e, NULL, -1);
        assert_near(s.accuracy_low, rows[k].low, 5e-5);
        assert_near(s.accuracy_high, rows[k].high, 5e-5);
        reason_evaluation_free(e);
    }
    tear_down(&f);
}

static void test_api_evaluate__several_samples_by_hand(void **state) {
    (void)state;
    static const uint64_t right[N] = {4, 0, 1, 4, 4, 2, 4};
    reason_task_result r[N];
    double squares = 0;
    fixture f;
    set_up(&f);
    f.options.n_samples = 4;
    for (size_t i = 0; i < N; i++) {
        double d = (double)right[i] / 4 - 19.0 / 28;
        r[i] = (reason_task_result){.n_samples = 4, .n_right = right[i],
                                    .thinking_tokens = 8, .n_thought = 2};
        squares += d * d;
    }
    reason_evaluation *e = known_ones(&f, r);
    reason_evaluation_summary s = summary_of(e, NULL, -1);
    double half = 1.959963984540054 * sqrt(squares / 6 / 7);
    assert_near(s.accuracy, 19.0 / 28, 1e-15);
    assert_near(s.accuracy_low, 19.0 / 28 - half, 1e-12);
    assert_near(s.accuracy_high, fmin(19.0 / 28 + half, 1), 1e-12);
    assert_near(s.pass_at_k, 6.0 / 7, 1e-15);
    assert_near(s.thinking_tokens, 2, 1e-15);
    assert_near(s.think_rate, 0.5, 1e-15);
    s = summary_of(e, "multiply", -1); /* 0, 4, 4: the normal interval passes 1 */
    assert_near(s.accuracy, 2.0 / 3, 1e-15);
    assert_near(s.accuracy_high, 1, 0);
    reason_evaluation_free(e);
    tear_down(&f);
}

static void test_api_evaluate__hybrid_by_hand(void **state) {
    (void)state;
    /* on right, on tokens, off right, off tokens, thought, whether auto picked well */
    static const uint64_t rows[N][6] = {
        {4, 90, 1, 20, 4, 1}, /* thinking is better, and was picked */
        {4, 90, 1, 20, 2, 0}, /* half of the samples are no pick of it */
        {1, 10, 3, 90, 0, 1}, /* not thinking is better, whatever it costs */
        {4, 90, 4, 20, 4, 0}, /* equal, and thinking costs more */
        {4, 20, 4, 90, 3, 1}, /* equal, and thinking costs less */
        {4, 20, 4, 20, 0, 1}, /* equal in all: not to think */
        {3, 90, 2, 20, 4, 1}, /* thinking is better by a quarter */
    };
    reason_task_result r[N];
    fixture f;
    set_up(&f);
    f.options.n_samples = 4;
    f.options.hybrid = true;
    double well = 0;
    for (size_t i = 0; i < N; i++) {
        r[i] = (reason_task_result){.n_samples = 4, .on_right = rows[i][0],
                                    .on_tokens = rows[i][1], .off_right = rows[i][2],
                                    .off_tokens = rows[i][3], .n_thought = rows[i][4]};
        well += (double)rows[i][5];
    }
    reason_evaluation *e = known_ones(&f, r);
    assert_near(summary_of(e, NULL, -1).hybrid_accuracy, well / N, 1e-15);
    assert_near(summary_of(e, NULL, -1).hybrid_accuracy_low, 0.358934, 1e-6);
    reason_evaluation_free(e);
    f.options.margin = 0.25; /* now the last one is a tie, and thinking costs more */
    e = known_ones(&f, r);
    assert_near(summary_of(e, NULL, -1).hybrid_accuracy, (well - 1) / N, 1e-15);
    reason_evaluation_free(e);
    tear_down(&f);
}

/* The counts of both modes are those of evaluations in these modes. */
static void test_api_evaluate__hybrid_counts_both_modes(void **state) {
    (void)state;
    fixture f;
    set_up(&f);
    f.a.sampling.temperature = 1;
    f.options.n_samples = 2;
    reason_evaluation *own = evaluate(&f);
    f.options.hybrid = true;
    reason_evaluation *all = evaluate(&f);
    f.options.hybrid = false;
    f.a.thinking.mode = REASON_THINK_ON;
    reason_evaluation *on = evaluate(&f);
    f.a.thinking.mode = REASON_THINK_OFF;
    reason_evaluation *off = evaluate(&f);
    uint64_t n_thought = 0, n_not = 0;
    for (size_t i = 0; i < N; i++) {
        reason_task_result r = result_of(all, i), auto_r = result_of(own, i);
        assert_int_equal(r.on_right, result_of(on, i).n_right);
        assert_int_equal(r.on_tokens, result_of(on, i).total_tokens);
        assert_int_equal(r.off_right, result_of(off, i).n_right);
        assert_int_equal(r.off_tokens, result_of(off, i).total_tokens);
        r.on_right = r.on_tokens = r.off_right = r.off_tokens = 0;
        assert_memory_equal(&r, &auto_r, sizeof r);
        n_thought += r.n_thought;
        n_not += r.n_samples - r.n_thought;
    }
    assert_true(n_thought > 0 && n_not > 0);
    reason_evaluation_free(own);
    reason_evaluation_free(all);
    reason_evaluation_free(on);
    reason_evaluation_free(off);
    tear_down(&f);
}

static void test_api_evaluate__compare_by_hand(void **state) {
    (void)state;
    reason_task_result r[N], q[N];
    reason_evaluation_difference d = {.size = sizeof d};
    fixture f;
    set_up(&f);
    /* accuracy differs by 1 in 3 tasks and by -1 in one; thinking by -i; total by 5 */
    for (size_t i = 0; i < N; i++) {
        r[i] = (reason_task_result){.n_samples = 1, .n_right = i == 3,
                                    .thinking_tokens = 50, .total_tokens = i};
        q[i] = (reason_task_result){.n_samples = 1, .n_right = i < 3,
                                    .thinking_tokens = 50 - i, .total_tokens = i + 5};
    }
    reason_evaluation *a = known_ones(&f, r), *b = known_ones(&f, q);
    assert_ok(reason_evaluation_compare(a, b, &d));
    /* mean 2/7; squares 4 - 7 (2/7)^2 */
    double half = 1.959963984540054 * sqrt((4 - 4.0 / 7) / 6 / 7);
    assert_near(d.accuracy, 2.0 / 7, 1e-15);
    assert_near(d.accuracy_low, 2.0 / 7 - half, 1e-12);
    assert_near(d.accuracy_high, 2.0 / 7 + half, 1e-12);
    assert_near(d.thinking_tokens, -3, 1e-12);
    half = 1.959963984540054 * sqrt(28.0 / 6 / 7);
    assert_near(d.thinking_tokens_high, half - 3, 1e-12);
    assert_near(d.total_tokens, 5, 1e-12);
    assert_near(d.total_tokens_low, 5, 1e-12);
    f.list[0] = f.list[1];
    reason_evaluation *few;
    assert_ok(reason_evaluate(f.session, &f.a.request, f.list, 1, NULL, &few));
    assert_status(reason_evaluation_compare(a, few, &d), REASON_ERR_INVALID_ARG);
    assert_status(reason_evaluation_compare(NULL, few, &d), REASON_ERR_INVALID_ARG);
    reason_evaluation_free(a);
    reason_evaluation_free(b);
    reason_evaluation_free(few);
    tear_down(&f);
}

/* --- stopping and going on ------------------------------------------------------------- */

static void test_api_evaluate__what_is_known_is_not_run(void **state) {
    (void)state;
    fixture f;
    listener first = {0}, second = {0}, whole = {0};
    const reason_task_result *known[N] = {NULL};
    reason_evaluation *e = (reason_evaluation *)&f;
    set_up(&f);
    f.a.sampling.temperature = 1;
    f.options.done = listen_to;
    f.options.done_user = &whole;
    whole.session = f.session;
    reason_evaluation *wanted = evaluate(&f);
    assert_int_equal(whole.n_done, N);
    f.options.done_user = &first;
    first.stop_after = 3;
    assert_status(
        reason_evaluate(f.session, &f.a.request, f.list, N, &f.options, &e),
        REASON_ERR_CANCELLED);
    assert_null(e);
    assert_int_equal(first.n_done, 3);
    for (size_t i = 0; i < N; i++)
        known[i] = first.told[i] ? &first.results[i] : NULL;
    f.options.known = known;
    f.options.done_user = &second;
    f.a.request.progress = see_progress;
    f.a.request.progress_user = &second;
    e = evaluate(&f);
    assert_int_equal(second.n_done, N - 3);
    assert_int_equal(second.n_progress, N - 3);
    assert_int_equal(second.done, N);
    assert_int_equal(second.total, N);
    for (size_t i = 0; i < N; i++) {
        reason_task_result a = result_of(e, i), b = result_of(wanted, i);
        assert_true(first.told[i] != second.told[i]);
        assert_memory_equal(&a, &b, sizeof a);
    }
    reason_evaluation_free(e);
    reason_evaluation_free(wanted);
    tear_down(&f);
}

static int cancel_session(void *user, const char *stage, uint64_t done, uint64_t total) {
    (void)stage;
    (void)total;
    if (done == 2)
        reason_cancel(user);
    return 0;
}

static void test_api_evaluate__cancels(void **state) {
    (void)state;
    fixture f;
    reason_evaluation *e;
    listener l = {0};
    set_up(&f);
    assert_ok(reason_cancel_token_new(&f.a.request.cancel));
    reason_cancel_token_set(f.a.request.cancel);
    f.options.done = listen_to;
    f.options.done_user = &l;
    assert_status(
        reason_evaluate(f.session, &f.a.request, f.list, N, &f.options, &e),
        REASON_ERR_CANCELLED);
    assert_int_equal(l.n_done, 0);
    reason_cancel_token_free(f.a.request.cancel);
    f.a.request.cancel = NULL;
    f.a.request.progress = cancel_session;
    f.a.request.progress_user = f.session;
    assert_status(
        reason_evaluate(f.session, &f.a.request, f.list, N, &f.options, &e),
        REASON_ERR_CANCELLED);
    assert_true(l.n_done >= 2 && l.n_done < N);
    tear_down(&f);
}

static void test_api_evaluate__asks_an_adviser(void **state) {
    (void)state;
    fixture f;
    set_up(&f);
    f.a.thinking.adviser = open_session(f.model, 1);
    f.a.thinking.advice_tokens = 12;
    f.a.thinking.budget = 40;
    reason_evaluation *e = evaluate(&f);
    for (size_t i = 0; i < N; i++) {
        reason_task_result found = result_of(e, i), wanted = alone(&f, i);
        assert_memory_equal(&found, &wanted, sizeof found);
    }
    assert_near(summary_of(e, NULL, -1).think_rate, 1, 0);
    reason_evaluation_free(e);
    reason_session_free(f.a.thinking.adviser);
    tear_down(&f);
}

/* --- refusals -------------------------------------------------------------------------- */

static void refuse(fixture *f, size_t n, reason_status status, const char *says) {
    reason_evaluation *e = (reason_evaluation *)f;
    assert_status(reason_evaluate(f->session, &f->a.request, f->list, n, &f->options, &e),
                  status);
    assert_null(e);
    if (!strstr(reason_last_error(), says))
        fail_msg("'%s', '%s' expected in it", reason_last_error(), says);
    tear_down(f);
    set_up(f);
}

static void test_api_evaluate__refuses(void **state) {
    (void)state;
    fixture f;
    reason_task_result known = {.size = sizeof known, .n_samples = 2};
    const reason_task_result *list[N] = {NULL, NULL, &known};
    set_up(&f);
    refuse(&f, 0, REASON_ERR_INVALID_ARG, "n is 0");
    f.list[4] = NULL;
    refuse(&f, N, REASON_ERR_INVALID_ARG, "task 4: it is NULL");
    f.tasks[2].answer = NULL;
    refuse(&f, N, REASON_ERR_INVALID_ARG, "task 2: question or answer");
    f.tasks[2].answers = (reason_answer_kind)9;
    refuse(&f, N, REASON_ERR_INVALID_ARG, "task 2: answers 9");
    f.tasks[2].task_size = -2;
    refuse(&f, N, REASON_ERR_INVALID_ARG, "task 2: task_size -2");
    f.tasks[0].size = 8;
    refuse(&f, N, REASON_ERR_INVALID_ARG, "task 0: size of task");
    f.options.n_samples = 0;
    refuse(&f, N, REASON_ERR_INVALID_ARG, "n_samples 0");
    f.options.margin = -0.5;
    refuse(&f, N, REASON_ERR_INVALID_ARG, "margin -0.5");
    f.options.margin = (double)NAN;
    refuse(&f, N, REASON_ERR_INVALID_ARG, "margin");
    f.a.request.text = "2 + 2 =";
    refuse(&f, N, REASON_ERR_INVALID_ARG, "messages_json or text");
    f.options.hybrid = true;
    f.a.thinking.mode = REASON_THINK_ON;
    refuse(&f, N, REASON_ERR_INVALID_ARG, "hybrid needs mode AUTO");
    f.options.known = list;
    refuse(&f, N, REASON_ERR_INVALID_ARG, "task 2: known has 2 samples, 1 expected");
    known = (reason_task_result){.size = sizeof known, .n_samples = 1, .n_right = 2};
    f.options.known = list;
    refuse(&f, N, REASON_ERR_INVALID_ARG, "task 2: known counts more");
    f.a.thinking.budget = -7;
    refuse(&f, N, REASON_ERR_INVALID_ARG, "tasks 0 to 6: request 0: budget -7");
    assert_status(reason_evaluate(NULL, &f.a.request, f.list, N, NULL, NULL),
                  REASON_ERR_INVALID_ARG);
    tear_down(&f);
}

static void test_api_evaluate__accessors_refuse(void **state) {
    (void)state;
    fixture f;
    reason_task_result r = {.size = sizeof r};
    reason_evaluation_summary s = {.size = sizeof s};
    set_up(&f);
    reason_evaluation *e = evaluate(&f);
    assert_status(reason_evaluation_task(e, N, &r), REASON_ERR_INVALID_ARG);
    assert_status(reason_evaluation_task(NULL, 0, &r), REASON_ERR_INVALID_ARG);
    assert_status(reason_evaluation_summary_of(e, NULL, -2, &s), REASON_ERR_INVALID_ARG);
    s.size = 8;
    assert_status(reason_evaluation_summary_of(e, NULL, -1, &s), REASON_ERR_INVALID_ARG);
    assert_int_equal(reason_evaluation_n_tasks(NULL), 0);
    reason_evaluation_free(NULL);
    reason_evaluation_free(e);
    tear_down(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_api_evaluate__results_are_those_alone),
        cmocka_unit_test(test_api_evaluate__slices_change_nothing),
        cmocka_unit_test(test_api_evaluate__figures_by_hand),
        cmocka_unit_test(test_api_evaluate__wilson_intervals),
        cmocka_unit_test(test_api_evaluate__several_samples_by_hand),
        cmocka_unit_test(test_api_evaluate__hybrid_by_hand),
        cmocka_unit_test(test_api_evaluate__hybrid_counts_both_modes),
        cmocka_unit_test(test_api_evaluate__compare_by_hand),
        cmocka_unit_test(test_api_evaluate__what_is_known_is_not_run),
        cmocka_unit_test(test_api_evaluate__cancels),
        cmocka_unit_test(test_api_evaluate__asks_an_adviser),
        cmocka_unit_test(test_api_evaluate__refuses),
        cmocka_unit_test(test_api_evaluate__accessors_refuse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
