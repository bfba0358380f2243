/* Quantizing by the interface: every type loads again and answers, failures leave the
 * target as it was and nothing beside it, rules and fallbacks do what they say, and the
 * bytes do not depend on threads or instruction set. */
#include "api/support.h"

#include <dirent.h>
#include <math.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/api-quantize-XXXXXX";
static char target[64], second[64];

static int set_up(void **state) {
    (void)state;
    if (!mkdtemp(folder)) return -1;
    (void)snprintf(target, sizeof target, "%s/out.gguf", folder);
    (void)snprintf(second, sizeof second, "%s/second.gguf", folder);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    unlink(target);
    unlink(second);
    return rmdir(folder);
}

static size_t count_files(void) {
    DIR *d = opendir(folder);
    size_t n = 0;
    while (readdir(d)) n++;
    closedir(d);
    return n - 2;
}

static reason_quantize_options options_of(const char *type) {
    reason_quantize_options o;
    assert_ok(reason_quantize_options_init(&o, sizeof o));
    o.type = type;
    return o;
}

static char *read_all(const char *path, size_t *n) {
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    *n = (size_t)ftell(file);
    char *bytes = malloc(*n);
    rewind(file);
    assert_int_equal(fread(bytes, 1, *n, file), *n);
    fclose(file);
    return bytes;
}

/* ---- what comes out ---- */

typedef struct seen {
    size_t n, n_fallback, n_rule, n_mix;
    double worst;
    char of_down[16]; /* the type of the first ffn_down */
} seen;

static int watch(void *user, const reason_quantize_tensor *t) {
    seen *s = user;
    assert_int_equal(t->size, sizeof *t);
    s->n++;
    s->n_fallback += strcmp(t->reason, "fallback") == 0;
    s->n_rule += strcmp(t->reason, "rule") == 0;
    s->n_mix += strcmp(t->reason, "mix") == 0;
    s->worst = t->relative > s->worst ? t->relative : s->worst;
    assert_true(t->max_error >= t->rmse);
    assert_true(isnan(t->weighted_rmse));
    assert_int_equal(t->n_nan, 0);
    if (strcmp(t->reason, "kept") == 0) assert_true(t->rmse == 0);
    if (strcmp(t->name, "blk.0.ffn_down.weight") == 0)
        (void)snprintf(s->of_down, sizeof s->of_down, "%s", t->to);
    return 0;
}

/* A name, the first ffn_down of a file of it, and what its worst tensor may lose. */
static const struct {
    const char *type, *down;
    double worst;
    int64_t file_type;
} KINDS[] = {
    {"F32", "F32", 0, 0},          {"F16", "F16", 0, 1},
    {"BF16", "BF16", 0.003, 32},   {"Q8_0", "Q8_0", 0.01, 7},
    {"Q6_K", "Q6_K", 0.02, 18},    {"Q5_K_M", "Q5_K", 0.045, 17},
    {"Q5_K_S", "Q5_K", 0.045, 16}, {"Q5_1", "Q5_1", 0.05, 9},
    {"Q5_0", "Q5_0", 0.05, 8},     {"Q4_K_M", "Q4_K", 0.085, 15},
    {"Q4_K_S", "Q4_K", 0.085, 14}, {"Q4_1", "Q4_1", 0.095, 3},
    {"Q4_0", "Q4_0", 0.1, 2},      {"IQ4_NL", "IQ4_NL", 0.09, 25},
    {"IQ4_XS", "IQ4_XS", 0.09, 30}, {"Q3_K_L", "Q5_K", 0.17, 13},
    {"Q3_K_M", "Q4_K", 0.17, 12},  {"Q3_K_S", "Q3_K", 0.17, 11},
    {"Q2_K", "Q3_K", 0.3, 10},     {"Q2_K_S", "Q2_K", 0.3, 21},
    {"TQ1_0", "TQ1_0", 0.7, 36},   {"TQ2_0", "TQ2_0", 0.7, 37},
    {"I2_S", "I2_S", 0.7, 40},
};

static void test_api_quantize__every_type(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(KINDS); i++) {
        seen s = {0};
        reason_model *model;
        int64_t file_type = -1, version = -1;
        reason_quantize_options o = options_of(KINDS[i].type);
        o.report = watch;
        o.report_user = &s;
        assert_ok(reason_quantize(shipped_path(), target, &o));
        assert_true(s.n > 40);
        assert_string_equal(s.of_down, KINDS[i].down);
        assert_true(s.worst <= KINDS[i].worst);
        assert_int_equal(s.n_fallback, 0);
        assert_ok(reason_model_open(target, NULL, &model));
        assert_ok(reason_model_get_int(model, "general.file_type", &file_type));
        assert_ok(reason_model_get_int(model, "general.quantization_version", &version));
        assert_int_equal(file_type, KINDS[i].file_type);
        assert_int_equal(version, 2);
        reason_model_free(model);
    }
    assert_int_equal(count_files(), 1);
}

static float *logits_of(const char *path, size_t n) {
    static const int32_t tokens[] = {1, 20, 30, 40};
    reason_model *model;
    reason_session *session;
    float *out = calloc(COUNT(tokens) * n, sizeof *out);
    assert_ok(reason_model_open(path, NULL, &model));
    session = open_session(model, 1);
    assert_ok(reason_session_logits(session, tokens, COUNT(tokens), out));
    reason_session_free(session);
    reason_model_free(model);
    return out;
}

static double distance(const char *type) {
    reason_quantize_options o = options_of(type);
    reason_model *model;
    int64_t n = 0;
    double off = 0, all = 0;
    assert_ok(reason_quantize(shipped_path(), target, &o));
    assert_ok(reason_model_open(target, NULL, &model));
    assert_ok(reason_model_get_int(model, "n_vocab", &n));
    reason_model_free(model);
    float *a = logits_of(shipped_path(), (size_t)n), *b = logits_of(target, (size_t)n);
    for (size_t i = 0; i < 4 * (size_t)n; i++) {
        off += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
        all += (double)a[i] * (double)a[i];
    }
    free(a);
    free(b);
    return sqrt(off / all);
}

static void test_api_quantize__logits_stay_close(void **state) {
    (void)state;
    assert_true(distance("F32") < 1e-6);
    assert_true(distance("Q8_0") < 0.03);
    assert_true(distance("Q4_K_M") < 0.25);
}

/* ---- same bytes ---- */

static void compare_with(reason_quantize_options *o) {
    size_t n, m;
    assert_ok(reason_quantize(shipped_path(), second, o));
    char *a = read_all(target, &n), *b = read_all(second, &m);
    assert_int_equal(n, m);
    assert_memory_equal(a, b, n);
    free(a);
    free(b);
}

static void test_api_quantize__same_bytes(void **state) {
    (void)state;
    static const char *const types[] = {"Q4_K_M", "Q3_K_M", "IQ4_XS", "Q2_K", "Q4_0",
                                        "Q8_0"};
    for (size_t i = 0; i < COUNT(types); i++) {
        reason_quantize_options o = options_of(types[i]);
        o.n_threads = 1;
        o.cpu = REASON_CPU_GENERIC;
        assert_ok(reason_quantize(shipped_path(), target, &o));
        o.cpu = REASON_CPU_AUTO;
        compare_with(&o);
        o.n_threads = 3;
        o.cpu = REASON_CPU_AVX2;
        compare_with(&o);
    }
}

/* ---- rules ---- */

static void test_api_quantize__rules(void **state) {
    (void)state;
    static const char *const good[] = {"ffn_(down|up)=Q8_0", "blk\\.0\\.=Q6_K"};
    static const char *const bad[] = {"Q8_0", "=Q8_0", "a=", "a=Q4_K_M", "(=Q8_0"};
    seen s = {0};
    reason_quantize_options o = options_of("Q4_0");
    o.rules = good;
    o.n_rules = 2;
    o.report = watch;
    o.report_user = &s;
    assert_ok(reason_quantize(shipped_path(), target, &o));
    assert_string_equal(s.of_down, "Q8_0"); /* the first rule that matches */
    assert_int_equal(s.n_rule, 4 * 2 + 5);
    assert_int_equal(s.n_mix, 1); /* the output matrix */
    o.n_rules = 1;
    for (size_t i = 0; i < COUNT(bad); i++) {
        o.rules = &bad[i];
        assert_status(reason_quantize(shipped_path(), second, &o),
                      REASON_ERR_INVALID_ARG);
    }
}

static void test_api_quantize__pure_and_again(void **state) {
    (void)state;
    seen s = {0};
    reason_quantize_options o = options_of("Q4_K_M");
    o.pure = true;
    o.report = watch;
    o.report_user = &s;
    assert_ok(reason_quantize(shipped_path(), target, &o));
    assert_int_equal(s.n_mix, 0);
    assert_string_equal(s.of_down, "Q4_K");
    o.type = "Q8_0";
    assert_status(reason_quantize(target, second, &o), REASON_ERR_INVALID_ARG);
    o.requantize = true;
    assert_ok(reason_quantize(target, second, &o));
}

/* ---- importance and three values ---- */

static void put_entry(FILE *file, const char *name, int32_t n) {
    int32_t head = (int32_t)strlen(name), calls = 2;
    fwrite(&head, 4, 1, file);
    fwrite(name, 1, (size_t)head, file);
    fwrite(&calls, 4, 1, file);
    fwrite(&n, 4, 1, file);
    for (int32_t i = 0; i < n; i++) {
        float value = (float)(1 + i % 16 * (i % 16));
        fwrite(&value, 4, 1, file);
    }
}

static void make_importance(const char *path, int32_t n) {
    FILE *file = fopen(path, "wb");
    int32_t entries = 1;
    assert_non_null(file);
    fwrite(&entries, 4, 1, file);
    put_entry(file, "blk.0.ffn_up.weight", n);
    fclose(file);
}

static int keep_one(void *user, const reason_quantize_tensor *t) {
    double *errors = user;
    if (strcmp(t->name, "blk.0.ffn_up.weight") == 0) {
        errors[0] = t->rmse;
        errors[1] = t->weighted_rmse;
    } else {
        assert_true(isnan(t->weighted_rmse));
    }
    return 0;
}

static void test_api_quantize__importance(void **state) {
    (void)state;
    char path[64];
    double without[2], with[2];
    reason_model *model;
    int64_t entries = 0;
    reason_quantize_options o = options_of("Q4_K_S");
    (void)snprintf(path, sizeof path, "%s/imatrix", folder);
    o.report = keep_one;
    o.report_user = without;
    assert_ok(reason_quantize(shipped_path(), target, &o));
    o.imatrix = path;
    o.report_user = with;
    make_importance(path, 256);
    assert_ok(reason_quantize(shipped_path(), target, &o));
    assert_true(with[1] < with[0] && with[1] < 0.97 * without[0]);
    assert_true(with[0] >= without[0]);
    assert_ok(reason_model_open(target, NULL, &model));
    assert_ok(reason_model_get_int(model, "quantize.imatrix.entries_count", &entries));
    assert_int_equal(entries, 1);
    reason_model_free(model);
    make_importance(path, 255);
    assert_status(reason_quantize(shipped_path(), target, &o), REASON_ERR_MISMATCH);
    assert_status(reason_quantize(shipped_path(), path, &o), REASON_ERR_INVALID_ARG);
    unlink(path);
}

static void count_lines(void *user, reason_log_level level, const char *line) {
    if (level == REASON_LOG_WARNING && strstr(line, "three values")) ++*(int *)user;
}

/* Weights of three values stay what they are, by whatever types they go. */
static void test_api_quantize__three_values(void **state) {
    (void)state;
    static const char *const types[] = {"TQ2_0", "F16", "I2_S", "F32", "TQ1_0", "F16"};
    char *names[] = {target, second};
    int lines = 0;
    reason_quantize_options o = options_of("TQ1_0");
    seen first = {0};
    o.pure = true;
    o.report = watch;
    o.report_user = &first;
    reason_set_log(count_lines, &lines);
    assert_ok(reason_quantize(shipped_path(), target, &o));
    assert_int_equal(lines, 1);
    assert_true(first.worst > 0.3);
    o.requantize = true;
    for (size_t i = 0; i < COUNT(types); i++) {
        seen s = {0};
        o.type = types[i];
        o.report_user = &s;
        assert_ok(reason_quantize(names[i % 2], names[(i + 1) % 2], &o));
        assert_true(s.worst < 1e-3); /* scales are halves in TQ types */
    }
    assert_int_equal(lines, 1);
    reason_set_log(NULL, NULL);
}

/* ---- failures ---- */

static int stop_at(void *user, const char *stage, uint64_t done, uint64_t total) {
    const char *wanted = user;
    assert_true(done <= total);
    return strcmp(stage, wanted) == 0 && done > total / 2;
}

static int stop_report(void *user, const reason_quantize_tensor *t) {
    return strcmp(t->name, user) == 0;
}

static void fill_target(struct stat *before) {
    FILE *file = fopen(target, "wb");
    fputs("before", file);
    fclose(file);
    assert_int_equal(stat(target, before), 0);
}

static void check_target(const struct stat *before) {
    struct stat now;
    assert_int_equal(stat(target, &now), 0);
    assert_int_equal(now.st_ino, before->st_ino);
    assert_int_equal(now.st_size, 6);
    assert_int_equal(count_files(), 1);
}

static void test_api_quantize__failures(void **state) {
    (void)state;
    struct stat before;
    char quantize[] = "quantize", verify[] = "verify", name[] = "blk.1.ffn_up.weight";
    reason_quantize_options o = options_of("Q8_0");
    reason_cancel_token *token;
    unlink(second);
    fill_target(&before);
    assert_status(reason_quantize(shipped_path(), "/nowhere/x.gguf", &o), REASON_ERR_IO);
    assert_status(reason_quantize("/nowhere/x.gguf", target, &o), REASON_ERR_IO);
    assert_status(reason_quantize(shipped_path(), "/dev/full", &o), REASON_ERR_IO);
    assert_status(reason_quantize(shipped_path(), folder, &o), REASON_ERR_IO);
    assert_status(reason_quantize(target, target, &o), REASON_ERR_FORMAT);
    assert_status(reason_quantize(shipped_path(), NULL, &o), REASON_ERR_INVALID_ARG);
    assert_status(reason_quantize(NULL, target, &o), REASON_ERR_INVALID_ARG);
    o.imatrix = "/nowhere/imatrix";
    assert_status(reason_quantize(shipped_path(), target, &o), REASON_ERR_IO);
    o.imatrix = NULL;
    o.type = "Q9_K";
    assert_status(reason_quantize(shipped_path(), target, &o), REASON_ERR_INVALID_ARG);
    o.type = "Q8_0";
    o.progress = stop_at;
    o.progress_user = quantize;
    assert_status(reason_quantize(shipped_path(), target, &o), REASON_ERR_CANCELLED);
    o.progress_user = verify;
    assert_status(reason_quantize(shipped_path(), target, &o), REASON_ERR_CANCELLED);
    o.progress = NULL;
    o.report = stop_report;
    o.report_user = name;
    assert_status(reason_quantize(shipped_path(), target, &o), REASON_ERR_CANCELLED);
    o.report = NULL;
    assert_ok(reason_cancel_token_new(&token));
    reason_cancel_token_set(token);
    o.cancel = token;
    assert_status(reason_quantize(shipped_path(), target, &o), REASON_ERR_CANCELLED);
    reason_cancel_token_free(token);
    check_target(&before);
}

/* The source under its own name and under another one that leads to it. */
static void test_api_quantize__onto_the_source(void **state) {
    (void)state;
    reason_quantize_options o = options_of("Q8_0");
    size_t n, m;
    unlink(target);
    assert_ok(reason_quantize(shipped_path(), second, &o));
    o.requantize = true;
    char *before = read_all(second, &n);
    assert_int_equal(symlink(second, target), 0);
    assert_status(reason_quantize(second, second, &o), REASON_ERR_INVALID_ARG);
    assert_status(reason_quantize(second, target, &o), REASON_ERR_INVALID_ARG);
    char *after = read_all(second, &m);
    assert_int_equal(n, m);
    assert_memory_equal(before, after, n);
    free(before);
    free(after);
    unlink(target);
    unlink(second);
}

/* Halfway a write fails, as on a full disk: the limit falls after room was looked for. */
static int fill_disk(void *user, const char *stage, uint64_t done, uint64_t total) {
    (void)stage;
    (void)total;
    if (done > 1000000) setrlimit(RLIMIT_FSIZE, user);
    return 0;
}

static void test_api_quantize__full_disk(void **state) {
    (void)state;
    struct stat before;
    struct rlimit all, few;
    reason_quantize_options o = options_of("Q8_0");
    fill_target(&before);
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &all);
    few = all;
    few.rlim_cur = 300000;
    o.progress = fill_disk;
    o.progress_user = &few;
    assert_status(reason_quantize(shipped_path(), target, &o), REASON_ERR_IO);
    assert_status(reason_quantize(shipped_path(), target, &o), REASON_ERR_IO);
    setrlimit(RLIMIT_FSIZE, &all);
    signal(SIGXFSZ, SIG_DFL);
    check_target(&before);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_api_quantize__every_type),
        cmocka_unit_test(test_api_quantize__logits_stay_close),
        cmocka_unit_test(test_api_quantize__same_bytes),
        cmocka_unit_test(test_api_quantize__rules),
        cmocka_unit_test(test_api_quantize__pure_and_again),
        cmocka_unit_test(test_api_quantize__importance),
        cmocka_unit_test(test_api_quantize__three_values),
        cmocka_unit_test(test_api_quantize__failures),
        cmocka_unit_test(test_api_quantize__onto_the_source),
        cmocka_unit_test(test_api_quantize__full_disk),
    };
    return cmocka_run_group_tests_name("api/quantize", tests, set_up, tear_down);
}
