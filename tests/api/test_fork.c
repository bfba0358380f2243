/* fork(2) at awkward moments. The child has one thread, none of the library's, and locks
 * that may be held by threads it does not have; it can generate all the same, and finds
 * what the parent finds. Children judge by themselves and say it in their exit status. */
#include "api/threads.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* The thread sanitizer supports no threads behind a fork: it ends such a child. */
#if defined(__SANITIZE_THREAD__)
#define CAN_FORK 0
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define CAN_FORK 0
#endif
#endif
#ifndef CAN_FORK
#define CAN_FORK 1
#endif

static reason_model *model;

static int set_up(void **state) {
    (void)state;
    model = open_model(REASON_CPU_AUTO);
    fill_expected(model);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    reason_model_free(model);
    return 0;
}

/* A child that waits for a lock nobody will open must not hang the test. */
static void assert_child_is_content(pid_t pid) {
    int status = 0;
    pid_t got = 0;
    for (int i = 0; i < 60000 && got == 0; i++) {
        const struct timespec moment = {0, 1000000};
        got = waitpid(pid, &status, WNOHANG);
        if (got == 0)
            (void)nanosleep(&moment, NULL);
    }
    if (got == 0) {
        (void)kill(pid, SIGKILL);
        (void)waitpid(pid, &status, 0);
        fail_msg("the child hung");
    }
    assert_int_equal(got, pid);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail_msg("the child ended with status %#x", (unsigned)status);
}

static bool answers_well(reason_session *session, size_t question) {
    job j = {.question = question};
    j.status = ask_once(session, question, &j);
    return is_expected(&j);
}

/* A session of its own in the child, on threads of its own. */
static bool new_session_works(void) {
    job j = {.model = model, .n_threads = 3, .question = 2, .repeats = 1};
    (void)run_job(&j);
    return is_expected(&j);
}

static reason_session *pooled_session(reason_pool *pool) {
    reason_session *session;
    reason_session_options o;
    assert_ok(reason_session_options_init(&o, sizeof o));
    o.pool = pool;
    assert_ok(reason_session_new(model, &o, &session));
    return session;
}

/* ---- between calls ---- */

static void test_api_fork__between_calls(void **state) {
    reason_pool *pool;
    (void)state;
    assert_ok(reason_pool_new(2, &pool));
    reason_session *own = open_session(model, 2), *shared = pooled_session(pool);
    assert_true(answers_well(own, 0) && answers_well(shared, 1)); /* threads are there */
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (!answers_well(own, 3))
            _exit(1);
        if (!answers_well(shared, 4))
            _exit(2);
        if (!new_session_works())
            _exit(3);
        reason_session_free(own);
        reason_session_free(shared);
        reason_pool_free(pool);
        reason_model_free(model);
        _exit(0);
    }
    assert_true(answers_well(own, 5) && answers_well(shared, 6));
    assert_child_is_content(pid);
    assert_true(answers_well(own, 7));
    reason_session_free(own);
    reason_session_free(shared);
    reason_pool_free(pool);
}

/* ---- inside a call ---- */

typedef struct splitter {
    const char *stage;
    pid_t pid; /* 0 in the child, -1 before */
} splitter;

static int split_here(void *user, const char *stage, uint64_t done, uint64_t total) {
    splitter *s = user;
    (void)total;
    if (s->pid == -1 && strcmp(stage, s->stage) == 0 &&
        (done == 3 || strcmp(stage, "prefill") == 0))
        s->pid = fork();
    return 0;
}

static bool same_result(const reason_result *a, const reason_result *b) {
    int32_t x[64], y[64];
    size_t n = result_ids(a, x, COUNT(x));
    return n > 3 && n == result_ids(b, y, COUNT(y)) && memcmp(x, y, n * sizeof *x) == 0;
}

/* Parent and child both go on with the call that was forked in its middle. */
static void check_split(reason_session *session, const char *stage) {
    splitter s = {stage, -1};
    reason_result *want, *got;
    asking a;
    ask_init(&a, "What is 67 * 75?", 40);
    assert_ok(reason_generate(session, &a.request, &want));
    assert_ok(reason_session_reset(session));
    a.request.progress = split_here;
    a.request.progress_user = &s;
    reason_status status = reason_generate(session, &a.request, &got);
    if (s.pid == 0) {
        if (status != REASON_OK || !same_result(got, want))
            _exit(1);
        if (!answers_well(session, 3))
            _exit(2);
        reason_session_free(session);
        if (!new_session_works())
            _exit(3);
        _exit(0);
    }
    assert_true(s.pid > 0);
    assert_int_equal(status, REASON_OK);
    assert_true(same_result(got, want));
    assert_true(answers_well(session, 4));
    assert_child_is_content(s.pid);
    reason_result_free(want);
    reason_result_free(got);
}

static void test_api_fork__in_the_middle_of_a_call(void **state) {
    reason_pool *pool;
    (void)state;
    assert_ok(reason_pool_new(3, &pool));
    for (int i = 0; i < 2; i++) {
        const char *stage = i ? "prefill" : "generate";
        reason_session *alone = open_session(model, 1), *own = open_session(model, 2);
        reason_session *shared = pooled_session(pool);
        check_split(alone, stage);
        check_split(own, stage);
        check_split(shared, stage);
        reason_session_free(alone);
        reason_session_free(own);
        reason_session_free(shared);
    }
    reason_pool_free(pool);
}

/* Another thread has the pool's turn at the moment of the fork. In the child its session
 * stays busy for ever, the pool does not. */
static void test_api_fork__while_another_thread_works(void **state) {
    reason_pool *pool;
    long_call c;
    (void)state;
    assert_ok(reason_pool_new(2, &pool));
    reason_session *working = pooled_session(pool), *idle = pooled_session(pool);
    init_call(&c, working, "generate", 4);
    begin_call(&c);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        size_t n;
        if (!answers_well(idle, 3))
            _exit(1);
        if (!new_session_works())
            _exit(2);
        if (reason_session_length(working, &n) != REASON_ERR_BUSY)
            _exit(3);
        reason_session_free(idle);
        _exit(0);
    }
    assert_child_is_content(pid);
    end_call(&c);
    assert_int_equal(c.status, REASON_OK);
    reason_result_free(c.result);
    assert_true(answers_well(idle, 5));
    reason_session_free(working);
    reason_session_free(idle);
    reason_pool_free(pool);
}

int main(void) {
    if (!CAN_FORK)
        return 77; /* skipped */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_api_fork__between_calls),
        cmocka_unit_test(test_api_fork__in_the_middle_of_a_call),
        cmocka_unit_test(test_api_fork__while_another_thread_works),
    };
    return cmocka_run_group_tests_name("api_fork", tests, set_up, tear_down);
}
