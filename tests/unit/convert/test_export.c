/* Models written as folders: what a folder of Transformers becomes as a GGUF file and as a
 * folder again gives the same logits, bit for bit, and the same bytes in the end; models of
 * other types within what their types can hold; what has no place is refused by name, and
 * nothing is left behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "reason/reason.h"
#include "support/gguf_build.h"
#include "support/hf_folder.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { N_TOKENS = 12, MAX_PATH = 256 };

static char root[] = "/tmp/reason-export-XXXXXX";

static void check_ok(reason_status status) {
    if (status != REASON_OK)
        fail_msg("%s", reason_last_error());
}

static void check_said(reason_status status, reason_status wanted, const char *word) {
    if (status != wanted || !strstr(reason_last_error(), word))
        fail_msg("%s: %s", reason_status_name(status), reason_last_error());
}

static void name_file(char path[MAX_PATH], const char *name) {
    (void)snprintf(path, MAX_PATH, "%s/%s", root, name);
}

/* A folder of files, or a file. */
static void remove_all(const char *path) {
    DIR *dir = opendir(path);
    for (struct dirent *e; dir && (e = readdir(dir)) != NULL;)
        if (e->d_name[0] != '.')
            (void)unlinkat(dirfd(dir), e->d_name, 0);
    if (dir)
        (void)closedir(dir);
    (void)remove(path);
}

static size_t count_entries(const char *path) {
    size_t n = 0;
    DIR *dir = opendir(path);
    assert_non_null(dir);
    for (struct dirent *e; (e = readdir(dir)) != NULL;)
        n += e->d_name[0] != '.';
    (void)closedir(dir);
    return n;
}

static void to_gguf(const char *in, const char *out, const char *type) {
    reason_quantize_options o;
    check_ok(reason_quantize_options_init(&o, sizeof o));
    o.type = type;
    check_ok(reason_quantize(in, out, &o));
}

static reason_status to_folder(const char *in, const char *out, const char *type) {
    reason_export_options o;
    check_ok(reason_export_options_init(&o, sizeof o));
    o.type = type;
    return reason_export(in, out, &o);
}

/* Logits of a few tokens, to be freed. */
static float *logits_of(const char *path, size_t *n) {
    reason_model *model;
    reason_session *session;
    reason_session_options o;
    int32_t ids[N_TOKENS];
    int64_t n_vocab = 0;
    for (int i = 0; i < N_TOKENS; i++)
        ids[i] = 5 + 7 * i;
    check_ok(reason_model_open(path, NULL, &model));
    check_ok(reason_model_get_int(model, "n_vocab", &n_vocab));
    check_ok(reason_session_options_init(&o, sizeof o));
    o.kv_type = REASON_KV_F32;
    o.n_threads = 1;
    check_ok(reason_session_new(model, &o, &session));
    *n = N_TOKENS * (size_t)n_vocab;
    float *logits = calloc(*n, sizeof *logits);
    assert_non_null(logits);
    check_ok(reason_session_logits(session, ids, N_TOKENS, logits));
    reason_session_free(session);
    reason_model_free(model);
    return logits;
}

static double distance(const char *a, const char *b) {
    size_t n, n_b;
    double differ = 0, total = 0;
    float *x = logits_of(a, &n), *y = logits_of(b, &n_b);
    assert_int_equal(n, n_b);
    for (size_t i = 0; i < n; i++) {
        differ += ((double)x[i] - (double)y[i]) * ((double)x[i] - (double)y[i]);
        total += (double)x[i] * (double)x[i];
    }
    free(x);
    free(y);
    return sqrt(differ / total);
}

static bool same_bytes(const char *a, const char *b) {
    FILE *x = fopen(a, "rb"), *y = fopen(b, "rb");
    int c, d;
    assert_true(x && y);
    do {
        c = fgetc(x);
        d = fgetc(y);
    } while (c == d && c != EOF);
    (void)fclose(x);
    (void)fclose(y);
    return c == d;
}

/* --- there and back ----------------------------------------------------------------- */

static const struct {
    const char *name;
    bool bytes; /* the second file is the first; else config.json said less than ours */
    bool head;  /* instead of logits */
} FOLDERS[] = {
    {"llama", true, false},          {"llama-sharded", true, false},
    {"mistral-window", true, false}, {"qwen2", true, false},
    {"qwen2-yarn", false, false},    {"qwen3", true, false},
    {"gemma", true, false},          {"gemma2", false, false},
    {"gemma3", false, false},        {"phi3", true, false},
    {"phi3-longrope", true, false},  {"granite", true, false},
    {"smollm3", true, false},        {"glm4", true, false},
    {"seed_oss", true, false},       {"olmo2", true, false},
    {"olmo3", false, false},         {"bitnet-offline", true, false},
    {"bitnet-online", true, false},  {"bitnet-llama", true, false},
    {"llama-reward", true, true},    {"qwen3-labels", true, true},
    {"llama-tokens", true, true},    {"qwen2-math-reward", true, true},
    {"qwen2-math-process", true, true},
};

static void test_there_and_back(void **state) {
    (void)state;
    char file[MAX_PATH], folder[MAX_PATH], again[MAX_PATH];
    name_file(again, "again.gguf");
    for (size_t i = 0; i < COUNT(FOLDERS); i++) {
        /* A model's name is that of its folder or file. */
        char *source = hf_path(FOLDERS[i].name, NULL), name[64];
        (void)snprintf(name, sizeof name, "%s.gguf", FOLDERS[i].name);
        name_file(file, name);
        name_file(folder, FOLDERS[i].name);
        to_gguf(source, file, "keep");
        check_ok(to_folder(file, folder, NULL));
        to_gguf(folder, again, "keep");
        if (same_bytes(file, again) != FOLDERS[i].bytes)
            fail_msg("%s: the same bytes: %d", FOLDERS[i].name, !FOLDERS[i].bytes);
        if (!FOLDERS[i].head) {
            assert_true(distance(source, file) == 0);
            assert_true(distance(source, folder) == 0);
            assert_true(distance(source, again) == 0);
        }
        remove_all(file);
        remove_all(folder);
        remove_all(again);
        free(source);
    }
}

/* --- types -------------------------------------------------------------------------- */

static void test_types(void **state) {
    (void)state;
    static const struct {
        const char *type;
        double allowed;
    } TYPES[] = {{NULL, 0}, {"F32", 0}, {"f16", 2e-2}, {"BF16", 1e-1}};
    const tiny_options o = {.type = GGML_F32};
    char *path = build_tiny_model("qwen3", &o), folder[MAX_PATH];
    name_file(folder, "typed");
    for (size_t i = 0; i < COUNT(TYPES); i++) {
        check_ok(to_folder(path, folder, TYPES[i].type));
        double d = distance(path, folder);
        assert_true(d <= TYPES[i].allowed && (d > 0) == (TYPES[i].allowed > 0));
        remove_all(folder);
    }
    gguf_remove(path);
}

/* Blocks become F16, whose steps are finer than theirs; or F32, exactly. */
static void test_blocks(void **state) {
    (void)state;
    const tiny_options o = {.type = GGML_Q8_0};
    char *path = build_tiny_model("llama", &o), folder[MAX_PATH], exact[MAX_PATH];
    name_file(folder, "half");
    name_file(exact, "exact");
    check_ok(to_folder(path, folder, NULL));
    check_ok(to_folder(path, exact, "F32"));
    assert_true(distance(exact, folder) < 2e-2);
    assert_true(distance(path, exact) < 5e-2); /* its products round activations */
    remove_all(folder);
    remove_all(exact);
    gguf_remove(path);
}

/* --- what is refused ---------------------------------------------------------------- */

static void test_refused(void **state) {
    (void)state;
    char folder[MAX_PATH];
    name_file(folder, "refused");
    const struct {
        const char *arch;
        tiny_options options;
        const char *word;
    } CASES[] = {
        {"bitnet", {0}, "bitnet"}, /* no class is that */
        {"bitnet-b1.58", {0}, "other values than three"},
        {"bitnet-b1.58", {.act_bits = 4}, "4 bits"},
        {"llama", {.rope_factors = true}, "rope_freqs.weight"},
    };
    for (size_t i = 0; i < COUNT(CASES); i++) {
        char *path = build_tiny_model(CASES[i].arch, &CASES[i].options);
        check_said(to_folder(path, folder, NULL), REASON_ERR_UNSUPPORTED, CASES[i].word);
        gguf_remove(path);
        assert_int_equal(count_entries(root), 0);
    }
    char *path = build_tiny_model("qwen3", NULL);
    check_said(to_folder(path, folder, "Q8_0"), REASON_ERR_INVALID_ARG, "BF16");
    check_said(to_folder("/nowhere/model.gguf", folder, NULL), REASON_ERR_IO, "/nowhere");
    check_said(to_folder(path, "/nowhere/folder", NULL), REASON_ERR_IO, "/nowhere");
    check_said(to_folder(path, path, NULL), REASON_ERR_INVALID_ARG, "is there");
    assert_int_equal(count_entries(root), 0);
    gguf_remove(path);
}

/* A folder with files in it stays as it is. */
static void test_target_stays(void **state) {
    (void)state;
    char *path = build_tiny_model("qwen3", NULL), folder[MAX_PATH];
    name_file(folder, "twice");
    check_ok(to_folder(path, folder, NULL));
    size_t n = count_entries(folder);
    check_said(to_folder(path, folder, NULL), REASON_ERR_INVALID_ARG, "empty folder");
    assert_int_equal(count_entries(folder), n);
    assert_int_equal(count_entries(root), 1);
    remove_all(folder);
    gguf_remove(path);
}

static int stop_at_once(void *user, const char *stage, uint64_t done, uint64_t total) {
    assert_string_equal(stage, "export");
    assert_true(done <= total);
    return ++*(int *)user == 3;
}

static void test_cancelled(void **state) {
    (void)state;
    char *path = build_tiny_model("qwen3", NULL), folder[MAX_PATH];
    int n_calls = 0;
    reason_export_options o;
    name_file(folder, "cancelled");
    check_ok(reason_export_options_init(&o, sizeof o));
    o.progress = stop_at_once;
    o.progress_user = &n_calls;
    assert_int_equal(reason_export(path, folder, &o), REASON_ERR_CANCELLED);
    assert_int_equal(n_calls, 3);
    assert_int_equal(count_entries(root), 0);
    gguf_remove(path);
}

static int make_root(void **state) {
    (void)state;
    return mkdtemp(root) ? 0 : -1;
}

static int remove_root(void **state) {
    (void)state;
    return rmdir(root);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_and_back), cmocka_unit_test(test_types),
        cmocka_unit_test(test_blocks),         cmocka_unit_test(test_refused),
        cmocka_unit_test(test_target_stays),   cmocka_unit_test(test_cancelled),
    };
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
