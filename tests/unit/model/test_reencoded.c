/* The model that ships in every block type: it still answers, and the types of five bits
 * and more answer about as well as F16. Prints a table; REASON_N=500 gives the one in
 * docs/QUANTIZATION.md. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/model.h"
#include "opening.h"
#include "support/gguf_build.h"
#include "support/reencode.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

enum { MAX_IDS = 1024, N_LINES = 60 };

/* general.file_type of a model of the type; how many questions are asked and the fewest
 * answers that have to be right. Three values are too few for a model that was not
 * trained for them: of those types it only counts that they run. I2_S takes ternary
 * matrices alone, so all of these stay F16. */
static const struct {
    const char *name;
    int file_type, n_questions, least_right;
} TYPES[] = {
    {"F32", 0, 20, 18},   {"F16", 1, 100, 90},    {"BF16", 32, 20, 18},
    {"Q8_0", 7, 100, 90}, {"Q6_K", 18, 100, 90},  {"Q5_K", 16, 100, 90},
    {"Q5_1", 9, 20, 18},  {"Q5_0", 8, 20, 18},    {"Q4_K", 14, 20, 17},
    {"Q4_1", 3, 20, 18},  {"IQ4_NL", 25, 20, 16}, {"IQ4_XS", 30, 20, 17},
    {"Q4_0", 2, 20, 18},  {"Q3_K", 11, 20, 17},   {"Q2_K", 10, 20, 14},
    {"TQ2_0", 37, 20, 0}, {"TQ1_0", 36, 20, 0},   {"I2_S", 40, 20, 18},
};

typedef struct figures {
    size_t n_asked, n_right;
    double thinking; /* tokens a question */
    size_t n_equal;  /* outputs of the greedy list that F16 weights give too */
    double same;     /* share of their tokens that are the best ones */
} figures;

static FILE *open_source(const char *name) {
    const char *folder = getenv("REASON_SRCDIR");
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/%s", folder && *folder ? folder : ".", name);
    FILE *file = fopen(path, "rb");
    if (!file)
        fail_msg("%s cannot be opened", path);
    return file;
}

/* --- questions ---------------------------------------------------------------------- */

/* Greedily, in auto mode; whether the answer is the expected one. */
static bool ask(reason_session *session, const char *question, const char *answer,
                double *thinking_tokens) {
    reason_request request;
    reason_thinking thinking;
    reason_sampling sampling;
    reason_result *result;
    reason_usage usage = {.size = sizeof usage};
    check_ok(reason_request_init(&request, sizeof request));
    check_ok(reason_thinking_init(&thinking, sizeof thinking));
    check_ok(reason_sampling_init(&sampling, sizeof sampling));
    thinking.mode = REASON_THINK_AUTO;
    sampling.temperature = 0;
    request.prompt = question;
    request.thinking = &thinking;
    request.sampling = &sampling;
    check_ok(reason_generate(session, &request, &result));
    check_ok(reason_result_usage(result, &usage));
    *thinking_tokens += (double)usage.thinking_tokens;
    bool right = strcmp(reason_result_answer(result, NULL), answer) == 0;
    reason_result_free(result);
    return right;
}

static void ask_questions(reason_session *session, size_t most, figures *f) {
    FILE *file = open_source("examples/data/questions.tsv");
    char line[1024];
    while (f->n_asked < most && fgets(line, sizeof line, file)) {
        char *answer = strchr(line, '\t');
        assert_non_null(answer);
        *answer++ = '\0';
        answer[strcspn(answer, "\t\n")] = '\0';
        f->n_right += ask(session, line, answer, &f->thinking);
        f->n_asked++;
    }
    assert_int_equal(f->n_asked, most);
    f->thinking /= (double)f->n_asked;
    assert_int_equal(fclose(file), 0);
}

/* --- greedy outputs ----------------------------------------------------------------- */

/* The list of whole numbers behind a key of one line of JSON. */
static size_t read_ids(const char *line, const char *key, int32_t *ids) {
    const char *at = strstr(line, key);
    assert_non_null(at);
    at = strchr(at, '[');
    assert_non_null(at);
    size_t n = 0;
    for (char *end; *at != ']'; at = end) {
        assert_true(n < MAX_IDS);
        ids[n++] = (int32_t)strtol(at + 1, &end, 10);
        assert_true(end > at + 1);
    }
    return n;
}

static size_t best_of(const float *logits, size_t n) {
    size_t best = 0;
    for (size_t i = 1; i < n; i++)
        best = logits[i] > logits[best] ? i : best;
    return best;
}

/* At each place of a stored greedy output, whether its token is the best one here too. */
static void compare_greedy(reason_session *session, size_t n_vocab, size_t n_lines,
                           figures *f) {
    static char line[1 << 16];
    static int32_t ids[2 * MAX_IDS];
    float *logits = calloc(MAX_IDS * n_vocab, sizeof *logits);
    FILE *file = open_source("tests/data/reason-tiny-greedy.jsonl");
    size_t n_all = 0, n_same = 0;
    assert_non_null(logits);
    for (size_t l = 0; l < n_lines; l++) {
        assert_non_null(fgets(line, sizeof line, file));
        size_t n_prompt = read_ids(line, "\"prompt_ids\"", ids), same = 0;
        size_t n = read_ids(line, "\"ids\"", ids + n_prompt);
        assert_true(n_prompt + n <= MAX_IDS);
        check_ok(reason_session_reset(session));
        check_ok(reason_session_logits(session, ids, n_prompt + n - 1, logits));
        for (size_t i = 0; i < n; i++)
            same += best_of(logits + (n_prompt - 1 + i) * n_vocab, n_vocab) ==
                    (size_t)ids[n_prompt + i];
        n_all += n;
        n_same += same;
        f->n_equal += same == n;
    }
    f->same = (double)n_same / (double)n_all;
    assert_int_equal(fclose(file), 0);
    free(logits);
}

/* --- one type ----------------------------------------------------------------------- */

static figures measure(const char *path, int file_type, size_t n_questions,
                       size_t n_lines) {
    figures f = {0};
    reason_model *model;
    reason_session *session;
    reason_session_options options;
    int64_t n_vocab = 0, found = -1;
    check_ok(reason_model_open(path, NULL, &model));
    check_ok(rsn_gguf_int(&model->gguf, "general.file_type", 0, 1000, &found));
    assert_int_equal(found, file_type);
    check_ok(reason_model_get_int(model, "n_vocab", &n_vocab));
    check_ok(reason_session_options_init(&options, sizeof options));
    options.kv_type = REASON_KV_F16;
    check_ok(reason_session_new(model, &options, &session));
    ask_questions(session, n_questions, &f);
    compare_greedy(session, (size_t)n_vocab, n_lines, &f);
    reason_session_free(session);
    reason_model_free(model);
    return f;
}

/* REASON_N asks so many questions, and looks at all greedy outputs. */
static void check_type(size_t i, const char *shipped, const char *path) {
    const rsn_type_info *type = reencode_type(TYPES[i].name);
    const char *given = getenv("REASON_N");
    size_t asked = SANITIZED ? 3 : (size_t)TYPES[i].n_questions, n_lines = 10;
    reencode_report report;
    if (given && *given) {
        asked = (size_t)atoi(given);
        n_lines = N_LINES;
    }
    assert_non_null(type);
    check_ok(reencode_model(shipped, path, type, &report));
    assert_int_equal(report.n_encoded, type->tail_bytes ? 0 : 29);
    assert_int_equal(report.n_encoded + report.n_kept, 29);
    figures f = measure(path, TYPES[i].file_type, asked, n_lines);
    print_message("| %s | %.3f | %llu | %zu of %zu, %.1f%% | %.1f | %zu of %zu | "
                  "%.1f%% |\n",
                  type->name, report.bits, (unsigned long long)report.n_bytes, f.n_right,
                  f.n_asked, 100.0 * (double)f.n_right / (double)f.n_asked, f.thinking,
                  f.n_equal, n_lines, 100 * f.same);
    if (f.n_asked == (size_t)TYPES[i].n_questions &&
        f.n_right < (size_t)TYPES[i].least_right)
        fail_msg("%s: %zu of %zu right, at least %d expected", type->name, f.n_right,
                 f.n_asked, TYPES[i].least_right);
}

static void test_model_reencoded__answers(void **state) {
    (void)state;
    const char *shipped = getenv("REASON_SHIPPED");
    gguf_bytes nothing = {0};
    assert_non_null(shipped);
    print_message("| type | bits | bytes | right | THINK tokens | same output | "
                  "same token |\n|---|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < sizeof TYPES / sizeof *TYPES; i++) {
        char *path = gguf_save(&nothing);
        check_type(i, shipped, path);
        gguf_remove(path);
    }
}

/* Ternary matrices can have I2_S, and become the same bytes again. */
static void test_model_reencoded__ternary(void **state) {
    (void)state;
    const tiny_options o = {
        .type = 36, .n_layers = 1, .n_embd = 256, .n_ff = 512, .head_dim = 64};
    gguf_bytes nothing = {0};
    tiny_model m;
    reencode_report report;
    reason_model *again;
    tiny_model_make("bitnet-b1.58", &o, &m);
    char *first = gguf_save(&m.file), *second = gguf_save(&nothing);
    check_ok(reencode_model(first, second, reencode_type("I2_S"), &report));
    assert_int_equal(report.n_encoded, 9);
    again = open_unpacked(second);
    for (size_t i = 0; i < m.n_tensors; i++) {
        const rsn_gguf_tensor *t = rsn_gguf_find_tensor(&again->gguf, m.tensors[i].name);
        assert_non_null(t);
        assert_memory_equal(rsn_tensor_bytes(&again->gguf, again->blobs, t),
                            m.file.data + m.tensors[i].at, (size_t)t->n_bytes);
    }
    reason_model_free(again);
    gguf_remove(first);
    gguf_remove(second);
    tiny_model_free(&m);
}

static void test_model_reencoded__rows_that_do_not_fit(void **state) {
    (void)state;
    gguf_bytes nothing = {0};
    reencode_report report;
    reason_model *again;
    char *first = build_tiny_model("llama", NULL);
    char *second = gguf_save(&nothing);
    check_ok(reencode_model(first, second, reencode_type("Q4_K"), &report));
    assert_true(report.n_encoded == 0 && report.n_kept == 16);
    check_ok(reason_model_open(second, NULL, &again));
    reason_model_free(again);
    gguf_remove(first);
    gguf_remove(second);
    assert_null(reencode_type("Q9_K"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model_reencoded__ternary),
        cmocka_unit_test(test_model_reencoded__rows_that_do_not_fit),
        cmocka_unit_test(test_model_reencoded__answers),
    };
    return cmocka_run_group_tests_name("model/reencoded", tests, NULL, NULL);
}
