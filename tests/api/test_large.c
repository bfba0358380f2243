/* Greedy texts of models too large to keep here: the same whatever the threads, the
 * chunks, what the session held before, and the instruction set.
 *
 *   REASON_LARGE=a.gguf:b.gguf [REASON_N=200] tests/api/test_large
 *
 * Skipped without REASON_LARGE. Some three minutes per file and plan on two cores. */
#include "api/support.h"

enum { MAX_PROMPTS = 1000, MAX_OUTPUT = 8 };

typedef struct plan {
    const char *name;
    reason_cpu cpu;
    int32_t n_threads, n_chunk;
    bool keep;     /* the session holds half of the prompt already */
    size_t sample; /* one prompt in so many */
} plan;

static const plan PLANS[] = {
    {"one thread", REASON_CPU_AUTO, 1, 64, false, 1},
    {"two threads", REASON_CPU_AUTO, 2, 64, false, 1},
    {"chunks of 7", REASON_CPU_AUTO, 2, 7, false, 1},
    {"half of the prompt kept", REASON_CPU_AUTO, 2, 64, true, 1},
    {"AVX2", REASON_CPU_AVX2, 2, 64, false, 20},
    {"AVX-VNNI", REASON_CPU_AVXVNNI, 2, 64, false, 20},
};

typedef struct output {
    size_t n;
    int32_t ids[MAX_OUTPUT];
} output;

static void write_prompt(size_t i, char *out, size_t cap) {
    static const char *const words[] = {"the",   "sum",  "of",    "12",   "and", "apples",
                                        "is",    "less", "than",  "x + y", "if", "we",
                                        "count", "them", "again", "?"};
    uint64_t state = (uint64_t)i * UINT64_C(0x9E3779B97F4A7C15) + 1;
    size_t at = 0, n = 8 + i % 25;
    for (size_t k = 0; k < n && at + 16 < cap; k++) {
        state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        at += (size_t)snprintf(out + at, cap - at, "%s%s", k ? " " : "",
                               words[state >> 60]);
    }
}

static void generate(reason_session *s, const char *text, int64_t n, output *out) {
    reason_request request;
    reason_sampling sampling;
    reason_result *result;
    assert_ok(reason_request_init(&request, sizeof request));
    assert_ok(reason_sampling_init(&sampling, sizeof sampling));
    sampling.temperature = 0;
    request.sampling = &sampling;
    request.text = text;
    request.n_text = n;
    request.max_tokens = MAX_OUTPUT;
    assert_ok(reason_generate(s, &request, &result));
    out->n = result_ids(result, out->ids, MAX_OUTPUT);
    reason_result_free(result);
}

static void run_plan(const char *path, const plan *p, size_t n, output *out) {
    reason_model *model;
    reason_session *s;
    reason_model_options how;
    reason_session_options o;
    assert_ok(reason_model_options_init(&how, sizeof how));
    how.cpu = p->cpu;
    assert_ok(reason_model_open(path, &how, &model));
    assert_ok(reason_session_options_init(&o, sizeof o));
    o.n_threads = p->n_threads;
    o.n_chunk = p->n_chunk;
    o.n_ctx = 512;
    assert_ok(reason_session_new(model, &o, &s));
    for (size_t i = 0; i < n; i += p->sample) {
        char text[512];
        output before;
        write_prompt(i, text, sizeof text);
        if (p->keep)
            generate(s, text, (int64_t)strlen(text) / 2, &before);
        else
            assert_ok(reason_session_reset(s));
        generate(s, text, -1, &out[i]);
    }
    reason_session_free(s);
    reason_model_free(model);
}

static void check_file(const char *path, size_t n) {
    static output want[MAX_PROMPTS], got[MAX_PROMPTS];
    print_message("%s\n", path);
    for (size_t p = 0; p < COUNT(PLANS); p++) {
        size_t step = PLANS[p].sample, equal = 0, n_tokens = 0, n_run = 0;
        run_plan(path, &PLANS[p], n, p ? got : want);
        for (size_t i = 0; p && i < n; i += step, n_run++)
            equal += got[i].n == want[i].n &&
                     memcmp(got[i].ids, want[i].ids, got[i].n * sizeof(int32_t)) == 0;
        for (size_t i = 0; i < n; i++)
            n_tokens += want[i].n;
        if (p)
            print_message("  %s: %zu of %zu texts equal\n", PLANS[p].name, equal, n_run);
        else
            print_message("  %zu prompts, %zu tokens of output\n", n, n_tokens);
        assert_true(equal == n_run);
    }
}

static void test_api_large__texts(void **state) {
    const char *given = getenv("REASON_N"), *list = getenv("REASON_LARGE");
    long n = given ? strtol(given, NULL, 10) : 200;
    (void)state;
    if (!list)
        skip();
    if (n < 1 || n > MAX_PROMPTS)
        fail_msg("REASON_N is %s, 1 to %d expected", given, MAX_PROMPTS);
    char paths[4096];
    (void)snprintf(paths, sizeof paths, "%s", list);
    for (char *path = strtok(paths, ":"); path; path = strtok(NULL, ":"))
        check_file(path, (size_t)n);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_api_large__texts)};
    return cmocka_run_group_tests_name("api_large", tests, NULL, NULL);
}
