/* Many sessions at once, two callers in one session, and the order in which things are
 * freed. */
#include "api/threads.h"

#include <dirent.h>
#include <time.h>
#include <unistd.h>

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

/* ---- sessions side by side ---- */

/* Runs all jobs at once and expects each to find what a single thread found. */
static void run_jobs(job *jobs, size_t n) {
    pthread_t threads[64];
    assert_true(n <= COUNT(threads));
    for (size_t i = 0; i < n; i++)
        start(&threads[i], run_job, &jobs[i]);
    for (size_t i = 0; i < n; i++)
        (void)pthread_join(threads[i], NULL);
    for (size_t i = 0; i < n; i++)
        if (!is_expected(&jobs[i]))
            fail_msg("thread %zu: %s, %zu tokens", i, reason_status_name(jobs[i].status),
                     jobs[i].n_ids);
}

static void test_api_threads__many_sessions(void **state) {
    job jobs[32];
    (void)state;
    for (size_t i = 0; i < COUNT(jobs); i++)
        jobs[i] = (job){.model = model,
                        .n_threads = i % 8 == 0 ? 2 : 1,
                        .question = i % N_QUESTIONS,
                        .repeats = SANITIZED ? 1 : 4};
    run_jobs(jobs, COUNT(jobs));
}

static void test_api_threads__one_pool(void **state) {
    job jobs[4];
    reason_pool *pool;
    (void)state;
    assert_ok(reason_pool_new(3, &pool));
    for (size_t i = 0; i < COUNT(jobs); i++) {
        reason_session_options o;
        jobs[i] = (job){.question = i, .repeats = SANITIZED ? 2 : 8};
        assert_ok(reason_session_options_init(&o, sizeof o));
        o.pool = pool;
        o.n_threads = 1; /* ignored: the pool's number counts */
        assert_ok(reason_session_new(model, &o, &jobs[i].session));
    }
    reason_pool_free(pool); /* the sessions keep it */
    run_jobs(jobs, COUNT(jobs));
    for (size_t i = 0; i < COUNT(jobs); i++)
        reason_session_free(jobs[i].session);
}

/* A model is read by all at once: text and metadata too. */
static void *read_model(void *arg) {
    size_t *n_good = arg;
    for (int i = 0; i < 50; i++) {
        int32_t *ids;
        char *text;
        size_t n_ids, n_bytes;
        int64_t value;
        if (reason_tokenize(model, "What is 12 + 34?", -1, 0, &ids, &n_ids) != REASON_OK)
            return NULL;
        reason_status status = reason_detokenize(model, ids, n_ids, 0, &text, &n_bytes);
        *n_good += status == REASON_OK && strcmp(text, "What is 12 + 34?") == 0 &&
                   reason_model_get_int(model, "n_vocab", &value) == REASON_OK;
        reason_free(ids);
        reason_free(text);
    }
    return NULL;
}

static void test_api_threads__one_model(void **state) {
    pthread_t threads[8];
    size_t n_good[COUNT(threads)] = {0};
    (void)state;
    for (size_t i = 0; i < COUNT(threads); i++)
        start(&threads[i], read_model, &n_good[i]);
    for (size_t i = 0; i < COUNT(threads); i++) {
        (void)pthread_join(threads[i], NULL);
        assert_int_equal(n_good[i], 50);
    }
}

/* ---- busy ---- */

static void test_api_threads__second_caller_gets_busy(void **state) {
    reason_session *session = open_session(model, 2), *fork = session;
    reason_result *result;
    size_t n = 7;
    uint64_t bytes = 7;
    const int32_t id = 5;
    asking a;
    long_call c;
    (void)state;
    init_call(&c, session, "generate", 3);
    begin_call(&c);
    ask_init(&a, "What is 1 + 1?", 4);
    assert_status(reason_generate(session, &a.request, &result), REASON_ERR_BUSY);
    assert_null(result);
    assert_status(reason_session_logits(session, &id, 1, NULL), REASON_ERR_BUSY);
    assert_status(reason_session_length(session, &n), REASON_ERR_BUSY);
    assert_int_equal(n, 0);
    assert_status(reason_session_kv_bytes(session, &bytes), REASON_ERR_BUSY);
    assert_int_equal(bytes, 0);
    assert_status(reason_session_truncate(session, 0), REASON_ERR_BUSY);
    assert_status(reason_session_reset(session), REASON_ERR_BUSY);
    assert_status(reason_session_fork(session, &fork), REASON_ERR_BUSY);
    assert_null(fork);
    end_call(&c);
    assert_int_equal(c.status, REASON_OK);
    assert_int_not_equal(reason_result_finish(c.result), REASON_FINISH_CANCELLED);
    reason_result_free(c.result);
    assert_ok(reason_generate(session, &a.request, &result)); /* it is free again */
    reason_result_free(result);
    reason_session_free(session);
}

typedef struct pusher {
    reason_session *session;
    size_t n_ok, n_busy, n_other;
} pusher;

static void *push_tokens(void *arg) {
    pusher *p = arg;
    for (int i = 0; i < 100; i++) {
        const int32_t id = 50 + i % 8;
        reason_status status = reason_session_logits(p->session, &id, 1, NULL);
        p->n_ok += status == REASON_OK;
        p->n_busy += status == REASON_ERR_BUSY;
        p->n_other += status != REASON_OK && status != REASON_ERR_BUSY;
    }
    return NULL;
}

/* Whoever comes first works; every token that was taken is there, and no other. */
static void test_api_threads__two_in_one_session(void **state) {
    pusher pushers[2] = {{0}};
    pthread_t threads[2];
    reason_session *session = open_session(model, 1);
    (void)state;
    for (size_t i = 0; i < COUNT(threads); i++) {
        pushers[i].session = session;
        start(&threads[i], push_tokens, &pushers[i]);
    }
    for (size_t i = 0; i < COUNT(threads); i++)
        (void)pthread_join(threads[i], NULL);
    assert_int_equal(pushers[0].n_other + pushers[1].n_other, 0);
    assert_int_equal(session_length(session), pushers[0].n_ok + pushers[1].n_ok);
    assert_true(pushers[0].n_ok + pushers[1].n_ok > 0);
    reason_session_free(session);
}

/* ---- freeing ---- */

static void test_api_threads__model_freed_before_its_sessions(void **state) {
    test_heap heap;
    job j = {.question = 1};
    (void)state;
    heap_use(&heap);
    reason_model *own = open_model(REASON_CPU_AUTO);
    reason_session *session = open_session(own, 2), *fork;
    reason_model_free(own);
    j.status = ask_once(session, j.question, &j);
    assert_true(is_expected(&j));
    assert_ok(reason_session_fork(session, &fork));
    reason_session_free(session);
    j.n_ids = 0;
    j.status = ask_once(fork, j.question, &j);
    assert_true(is_expected(&j));
    assert_true(atomic_load(&heap.n_blocks) > 0);
    reason_session_free(fork);
    heap_end(&heap);
}

/* The call goes on to its end; then everything goes. */
static void test_api_threads__session_freed_while_it_runs(void **state) {
    static const char *const stages[] = {"prefill", "generate"};
    (void)state;
    for (size_t i = 0; i < COUNT(stages); i++) {
        test_heap heap;
        long_call c;
        heap_use(&heap);
        reason_model *own = open_model(REASON_CPU_AUTO);
        init_call(&c, open_session(own, 2), stages[i], 0);
        begin_call(&c);
        reason_session_free(c.session);
        reason_model_free(own);
        end_call(&c);
        assert_int_equal(c.status, REASON_OK);
        assert_true(reason_result_n_tokens(c.result) > 3);
        reason_result_free(c.result);
        heap_end(&heap);
    }
}

static int free_session(void *user, const char *stage, uint64_t done, uint64_t total) {
    (void)total;
    if (strcmp(stage, "generate") == 0 && done == 2)
        reason_session_free(user);
    return 0;
}

static void test_api_threads__session_freed_by_its_own_callback(void **state) {
    test_heap heap;
    reason_result *result;
    asking a;
    (void)state;
    heap_use(&heap);
    reason_model *own = open_model(REASON_CPU_AUTO);
    reason_session *session = open_session(own, 1);
    ask_init(&a, "What is 67 * 75?", 16);
    a.request.progress = free_session;
    a.request.progress_user = session;
    assert_ok(reason_generate(session, &a.request, &result));
    reason_model_free(own);
    assert_int_equal(reason_result_n_tokens(result), 16);
    reason_result_free(result);
    heap_end(&heap);
}

static void test_api_threads__result_outlives_all(void **state) {
    test_heap heap;
    reason_result *result;
    asking a;
    char thinking[512], answer[512];
    (void)state;
    heap_use(&heap);
    reason_model *own = open_model(REASON_CPU_AUTO);
    reason_session *session = open_session(own, 2);
    ask_init(&a, "What is 67 * 75?", 96);
    assert_ok(reason_generate(session, &a.request, &result));
    (void)snprintf(thinking, sizeof thinking, "%s", reason_result_thinking(result, NULL));
    (void)snprintf(answer, sizeof answer, "%s", reason_result_answer(result, NULL));
    assert_true(thinking[0] != '\0' && answer[0] != '\0');
    reason_session_free(session);
    reason_model_free(own);
    assert_string_equal(reason_result_thinking(result, NULL), thinking);
    assert_string_equal(reason_result_answer(result, NULL), answer);
    for (size_t i = 0; i < reason_result_n_tokens(result); i++) {
        reason_token token = {.size = sizeof token};
        assert_ok(reason_result_token(result, i, &token));
    }
    reason_usage usage = {.size = sizeof usage};
    assert_ok(reason_result_usage(result, &usage));
    assert_true(usage.prompt_tokens > 0);
    reason_result_free(result);
    heap_end(&heap);
}

/* ---- many sessions after each other ---- */

/* Entries of a folder of /proc/self: open files, threads. */
static size_t count_entries(const char *path) {
    size_t n = 0;
    DIR *folder = opendir(path);
    assert_non_null(folder);
    while (readdir(folder))
        n++;
    (void)closedir(folder);
    return n;
}

static size_t count_maps(void) {
    size_t n = 0;
    FILE *f = fopen("/proc/self/maps", "r");
    assert_non_null(f);
    for (int c; (c = getc(f)) != EOF;)
        n += c == '\n';
    (void)fclose(f);
    return n;
}

/* A thread that was joined is gone from the list a moment later. */
static size_t count_threads(size_t wanted) {
    size_t n = 0;
    for (int i = 0; i < 1000; i++) {
        const struct timespec moment = {0, 1000000};
        if ((n = count_entries("/proc/self/task")) <= wanted)
            break;
        (void)nanosleep(&moment, NULL);
    }
    return n;
}

/* Every tenth session also computes, on two threads. */
static void churn(size_t n) {
    const int32_t id = 5;
    for (size_t i = 0; i < n; i++) {
        reason_session *session = open_session(model, 2);
        if (i % 10 == 0)
            assert_ok(reason_session_logits(session, &id, 1, NULL));
        reason_session_free(session);
    }
}

static void test_api_threads__ten_thousand_sessions(void **state) {
    static test_heap heap;
    (void)state;
    reason_model *outer = model;
    heap_use(&heap);
    model = open_model(REASON_CPU_AUTO);
    churn(200);
    size_t n_blocks = atomic_load(&heap.n_blocks), n_bytes = atomic_load(&heap.n_bytes);
    size_t n_maps = count_maps(), n_files = count_entries("/proc/self/fd");
    size_t n_threads = count_threads(0);
    churn(SANITIZED ? 1000 : 10000);
    assert_int_equal(atomic_load(&heap.n_blocks), n_blocks);
    assert_int_equal(atomic_load(&heap.n_bytes), n_bytes);
    assert_int_equal(count_entries("/proc/self/fd"), n_files);
    assert_int_equal(count_threads(n_threads), n_threads);
    size_t maps_now = count_maps(); /* the C library may keep a stack or an arena */
    print_message("%zu mappings before, %zu after\n", n_maps, maps_now);
    if (!SANITIZED)
        assert_true(maps_now <= n_maps + 8);
    reason_model_free(model);
    model = outer;
    heap_end(&heap);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_api_threads__many_sessions),
        cmocka_unit_test(test_api_threads__one_pool),
        cmocka_unit_test(test_api_threads__one_model),
        cmocka_unit_test(test_api_threads__second_caller_gets_busy),
        cmocka_unit_test(test_api_threads__two_in_one_session),
        cmocka_unit_test(test_api_threads__model_freed_before_its_sessions),
        cmocka_unit_test(test_api_threads__session_freed_while_it_runs),
        cmocka_unit_test(test_api_threads__session_freed_by_its_own_callback),
        cmocka_unit_test(test_api_threads__result_outlives_all),
        cmocka_unit_test(test_api_threads__ten_thousand_sessions),
    };
    return cmocka_run_group_tests_name("api_threads", tests, set_up, tear_down);
}
