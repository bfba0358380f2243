/* The process around the library: version and names, the last error of each thread, the
 * log, the allocator, what can be asked of a model and of the machine, the environment
 * variable, and that nothing is ever printed. What needs a process of its own runs this
 * program again. */
#include "api/support.h"

#include <ctype.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- names ---- */

static void test_api_process__version(void **state) {
    char built[64];
    (void)state;
    (void)snprintf(built, sizeof built, "%d.%d.%d", REASON_VERSION_MAJOR,
                   REASON_VERSION_MINOR, REASON_VERSION_PATCH);
    assert_string_equal(REASON_VERSION, built);
    assert_string_equal(reason_version(), REASON_VERSION);
}

static void test_api_process__status_names(void **state) {
    static const struct {
        int value;
        const char *name;
    } rows[] = {
        {0, "REASON_OK"},
        {-1, "REASON_ERR_INVALID_ARG"},
        {-2, "REASON_ERR_NO_MEMORY"},
        {-3, "REASON_ERR_IO"},
        {-4, "REASON_ERR_FORMAT"},
        {-5, "REASON_ERR_UNSUPPORTED"},
        {-6, "REASON_ERR_LIMIT"},
        {-7, "REASON_ERR_CONTEXT_FULL"},
        {-8, "REASON_ERR_BUSY"},
        {-9, "REASON_ERR_CANCELLED"},
        {-10, "REASON_ERR_MISMATCH"},
        {-11, "REASON_ERR_TEMPLATE"},
        {-12, "REASON_ERR_INTERNAL"},
        {-13, "unknown status"},
        {1, "unknown status"},
        {INT32_MIN, "unknown status"},
        {INT32_MAX, "unknown status"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_string_equal(reason_status_name((reason_status)rows[i].value),
                            rows[i].name);
}

static void test_api_process__finish_names(void **state) {
    static const char *const names[] = {"eos",       "stop", "length",     "budget",
                                        "cancelled", "loop", "early_exit", "unknown"};
    (void)state;
    for (size_t i = 0; i < COUNT(names); i++)
        assert_string_equal(reason_finish_name((reason_finish)i), names[i]);
    assert_string_equal(reason_finish_name((reason_finish)-1), "unknown");
}

/* ---- the last error ---- */

typedef struct thread_error {
    char before[64], after[256];
} thread_error;

static void *fail_elsewhere(void *arg) {
    thread_error *e = arg;
    reason_model *model;
    (void)snprintf(e->before, sizeof e->before, "%s", reason_last_error());
    (void)reason_model_open("/no/such/other-model.gguf", NULL, &model);
    (void)snprintf(e->after, sizeof e->after, "%s", reason_last_error());
    return NULL;
}

static void test_api_process__last_error_is_the_threads_own(void **state) {
    thread_error e = {"x", ""};
    pthread_t thread;
    reason_model *model = (reason_model *)&e;
    (void)state;
    assert_status(reason_model_open("/no/such/model.gguf", NULL, &model), REASON_ERR_IO);
    assert_null(model);
    assert_non_null(strstr(reason_last_error(), "/no/such/model.gguf"));
    assert_int_equal(pthread_create(&thread, NULL, fail_elsewhere, &e), 0);
    (void)pthread_join(thread, NULL);
    assert_string_equal(e.before, ""); /* a new thread has not failed yet */
    assert_non_null(strstr(e.after, "other-model.gguf"));
    assert_non_null(strstr(reason_last_error(), "/no/such/model.gguf"));
    model = open_model(REASON_CPU_AUTO); /* success does not clear it */
    assert_non_null(strstr(reason_last_error(), "/no/such/model.gguf"));
    reason_model_free(model);
}

/* One line, and no control characters, whatever the name that is quoted in it. */
static void test_api_process__errors_are_one_clean_line(void **state) {
    char path[6000];
    reason_model *model;
    int64_t value;
    (void)state;
    memset(path, 'x', sizeof path);
    memcpy(path, "/no/\n\x1b[31m\t\x7f\x01", 14);
    path[sizeof path - 1] = '\0';
    assert_status(reason_model_open(path, NULL, &model), REASON_ERR_IO);
    assert_true(strlen(reason_last_error()) < 1024);
    for (const char *c = reason_last_error(); *c; c++)
        assert_false(iscntrl((unsigned char)*c));
    model = open_model(REASON_CPU_AUTO);
    assert_status(reason_model_get_int(model, path, &value), REASON_ERR_MISMATCH);
    for (const char *c = reason_last_error(); *c; c++)
        assert_false(iscntrl((unsigned char)*c));
    reason_model_free(model);
}

static void test_api_process__files_that_are_none(void **state) {
    static const char *const paths[] = {"", "/", "/no/such/file", "/proc/self/mem/x"};
    reason_model_options o;
    reason_model *model;
    (void)state;
    for (size_t i = 0; i < COUNT(paths); i++) {
        model = (reason_model *)&model;
        assert_status(reason_model_open(paths[i], NULL, &model), REASON_ERR_IO);
        assert_null(model);
    }
    /* Where the shipped model is looked for is in the sentence. */
    assert_ok(reason_model_options_init(&o, sizeof o));
    o.data_dir = "/no/such/folder";
    reason_status status = reason_model_open(NULL, &o, &model);
    if (status == REASON_OK) { /* found in one of the other places */
        assert_non_null(strstr(model_text(model, "path"), "reason-tiny.gguf"));
        reason_model_free(model);
    } else {
        assert_int_equal(status, REASON_ERR_IO);
        assert_non_null(strstr(reason_last_error(), "/no/such/folder/reason-tiny.gguf"));
    }
}

/* ---- the allocator ---- */

static void test_api_process__allocator(void **state) {
    test_heap heap;
    (void)state;
    heap_use(&heap);
    reason_model *model = open_model(REASON_CPU_AUTO);
    reason_session *session = open_session(model, 2);
    assert_true(atomic_load(&heap.n_calls) > 5 && atomic_load(&heap.n_bytes) > 1000);
    reason_session_free(session);
    reason_model_free(model);
    heap_end(&heap); /* all of it came back to the allocator that gave it */
    size_t n_calls = atomic_load(&heap.n_calls);
    model = open_model(REASON_CPU_AUTO);
    reason_model_free(model);
    assert_int_equal(atomic_load(&heap.n_calls), n_calls);
}

/* ---- the machine ---- */

static void test_api_process__machine(void **state) {
    reason_pool *pool;
    reason_model *model = open_model(REASON_CPU_AUTO);
    (void)state;
    assert_ok(reason_pool_new(2, &pool));
    for (int i = 0; i < 2; i++) {
        reason_machine m = {.size = sizeof m};
        assert_ok(reason_machine_measure(i ? pool : NULL, &m));
        assert_true(m.read_bytes_s > 1e6 && m.int8_ops_s > 1e6 && m.float_ops_s > 1e6);
        assert_true(m.n_threads >= 1 && (!i || m.n_threads == 2));
        assert_string_equal(m.cpu, model_text(model, "cpu"));
        print_message("%d threads, %s: %.1f GB/s, %.1f int8 GOP/s, %.1f float GOP/s\n",
                      (int)m.n_threads, m.cpu, m.read_bytes_s / 1e9, m.int8_ops_s / 1e9,
                      m.float_ops_s / 1e9);
    }
    reason_pool_free(pool);
    reason_model_free(model);
}

/* ---- children ---- */

/* Runs this program again with a word and REASON_CPU (NULL: not set); what it writes to
 * standard output and error goes into `out`. Returns its exit status. */
static int run_again(const char *word, const char *cpu, char *out, size_t cap) {
    int ends[2], status = -1;
    size_t n = 0;
    ssize_t got;
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        int ready = cpu ? setenv("REASON_CPU", cpu, 1) : unsetenv("REASON_CPU");
        if (ready != 0 || dup2(ends[1], 1) < 0 || dup2(ends[1], 2) < 0)
            _exit(126);
        (void)close(ends[0]);
        (void)close(ends[1]);
        (void)execl("/proc/self/exe", "test_process", word, (char *)NULL);
        _exit(127);
    }
    (void)close(ends[1]);
    while (n + 1 < cap && (got = read(ends[0], out + n, cap - 1 - n)) > 0)
        n += (size_t)got;
    out[n] = '\0';
    (void)close(ends[0]);
    (void)waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* The child's part: which level each wish gets. */
static int print_levels(void) {
    for (int wish = REASON_CPU_AUTO; wish <= REASON_CPU_NEON; wish++) {
        reason_model *model;
        reason_model_options o;
        const char *level;
        if (reason_model_options_init(&o, sizeof o) != REASON_OK)
            return 1;
        o.cpu = (reason_cpu)wish;
        if (reason_model_open(shipped_path(), &o, &model) != REASON_OK ||
            reason_model_get_text(model, "cpu", &level, NULL) != REASON_OK)
            return 1;
        (void)printf("%s ", level);
        reason_model_free(model);
    }
    return 0;
}

/* The levels as numbers, from what a child printed. */
static void read_levels(const char *cpu, int levels[N_LEVELS]) {
    char out[512];
    assert_int_equal(run_again("levels", cpu, out, sizeof out), 0);
    char *word = strtok(out, " ");
    for (int i = 0; i < N_LEVELS; i++, word = strtok(NULL, " ")) {
        assert_non_null(word);
        for (levels[i] = 1; strcmp(word, level_names[levels[i]]) != 0; levels[i]++)
            assert_true(levels[i] < N_LEVELS - 1);
    }
    assert_null(word);
}

/* What both levels allow. NEON and those of x86 have only plain C in common. */
static int smaller(int a, int b) {
    if ((a == REASON_CPU_NEON) != (b == REASON_CPU_NEON))
        return REASON_CPU_GENERIC;
    return a < b ? a : b;
}

static void test_api_process__environment(void **state) {
    int free_levels[N_LEVELS], levels[N_LEVELS], best = REASON_CPU_GENERIC;
    (void)state;
    read_levels(NULL, free_levels);
    for (int wish = 1; wish < N_LEVELS; wish++) {
        assert_true(free_levels[wish] <= wish);
        best = free_levels[wish] > best ? free_levels[wish] : best;
    }
    assert_int_equal(free_levels[0], best); /* AUTO is the best there is */
    /* A ceiling lowers what is above it and leaves the rest. */
    for (int top = 1; top < N_LEVELS; top++) {
        read_levels(level_names[top], levels);
        assert_int_equal(levels[0], free_levels[top]);
        for (int wish = 1; wish < N_LEVELS; wish++)
            assert_int_equal(levels[wish], free_levels[smaller(wish, top)]);
    }
    static const char *const unknown[] = {"", "AVX2", "sse", "generic ", "99"};
    for (size_t i = 0; i < COUNT(unknown); i++) {
        read_levels(unknown[i], levels);
        assert_memory_equal(levels, free_levels, sizeof levels);
    }
}

/* The child's part: failures and successes of all kinds, whose words go nowhere. */
static int make_noise(void) {
    reason_model *model;
    reason_session *session;
    reason_result *result;
    reason_request request;
    char *text;
    size_t n;
    const int32_t bad = -1;
    (void)reason_model_open("/no/such/file", NULL, &model);
    (void)reason_model_open("/proc/self/status", NULL, &model); /* not a model */
    if (reason_model_open(shipped_path(), NULL, &model) != REASON_OK ||
        reason_session_new(model, NULL, &session) != REASON_OK ||
        reason_request_init(&request, sizeof request) != REASON_OK)
        return 1;
    (void)reason_detokenize(model, &bad, 1, 0, &text, &n);
    (void)reason_session_logits(session, &bad, 1, NULL);
    (void)reason_generate(session, &request, &result);
    request.text = "What is 3 + 4?";
    request.max_tokens = 16;
    if (reason_generate(session, &request, &result) != REASON_OK)
        return 1;
    reason_result_free(result);
    reason_session_free(session);
    reason_model_free(model);
    return 0;
}

static void test_api_process__prints_nothing(void **state) {
    char out[512];
    (void)state;
    assert_int_equal(run_again("noise", NULL, out, sizeof out), 0);
    assert_string_equal(out, "");
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_api_process__version),
        cmocka_unit_test(test_api_process__status_names),
        cmocka_unit_test(test_api_process__finish_names),
        cmocka_unit_test(test_api_process__last_error_is_the_threads_own),
        cmocka_unit_test(test_api_process__errors_are_one_clean_line),
        cmocka_unit_test(test_api_process__files_that_are_none),
        cmocka_unit_test(test_api_process__allocator),
        cmocka_unit_test(test_api_process__machine),
        cmocka_unit_test(test_api_process__environment),
        cmocka_unit_test(test_api_process__prints_nothing),
    };
    if (argc > 1 && strcmp(argv[1], "levels") == 0)
        return print_levels();
    if (argc > 1 && strcmp(argv[1], "noise") == 0)
        return make_noise();
    return cmocka_run_group_tests_name("api_process", tests, NULL, NULL);
}
