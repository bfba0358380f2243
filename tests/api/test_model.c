/* What can be asked of a model, and models from files that are not quite the shipped one:
 * without tensors, with a template that does not compile, copied into memory. */
#include "api/support.h"

#include <unistd.h>

/* ---- what a model says ---- */

static void test_api_model__numbers(void **state) {
    static const struct {
        const char *key;
        int64_t value;
    } rows[] = {
        {"n_vocab", 605},
        {"n_layers", 4},
        {"n_embd", 256},
        {"n_heads", 4},
        {"n_heads_kv", 2},
        {"head_dim", 64},
        {"n_ff", 512},
        {"context_length", 512},
        {"bos_token", 600},
        {"eos_token", 602},
        {"has_thinking", 1},
        {"has_template", 1},
        {"has_weights", 1},
        {"activation_bits", 0},
        {"hadamard", 0},
        {"kv_bytes_per_token", 4 * 2 * 2 * 64 * 2},
        {"qwen3.block_count", 4},
        {"tokenizer.ggml.add_bos_token", 0},
        {"general.alignment", 32},
    };
    reason_model *model = open_model(REASON_CPU_AUTO);
    int64_t value = 7;
    double number = 7;
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_int_equal(model_int(model, rows[i].key), rows[i].value);
    assert_true(model_int(model, "n_parameters") > 2000000);
    assert_int_equal(model_int(model, "weights_bytes") / model_int(model, "n_parameters"),
                     2);
    assert_true(model_int(model, "decode_bytes_per_token") > 0);
    assert_true(model_int(model, "decode_bytes_per_token") <=
                model_int(model, "weights_bytes"));
    assert_ok(reason_model_get_float(model, "qwen3.rope.freq_base", &number));
    assert_true(number == 10000);
    assert_status(reason_model_get_int(model, "no.such.key", &value),
                  REASON_ERR_MISMATCH);
    assert_int_equal(value, 0);
    assert_status(reason_model_get_int(model, "general.name", &value),
                  REASON_ERR_MISMATCH);
    assert_status(reason_model_get_int(model, "tokenizer.ggml.tokens", &value),
                  REASON_ERR_MISMATCH);
    assert_status(reason_model_get_int(model, "", &value), REASON_ERR_MISMATCH);
    assert_int_equal(value, 0);
    number = 7;
    assert_status(reason_model_get_float(model, "general.name", &number),
                  REASON_ERR_MISMATCH);
    assert_true(number == 0);
    assert_status(reason_model_get_float(model, "no.such.key", &number),
                  REASON_ERR_MISMATCH);
    reason_model_free(model);
}

static void test_api_model__texts(void **state) {
    static const char *const absent[] = {"no.such.key", "", "qwen3.block_count",
                                         "tokenizer.ggml.tokens"};
    reason_model *model = open_model(REASON_CPU_GENERIC);
    (void)state;
    assert_string_equal(model_text(model, "architecture"), "qwen3");
    assert_string_equal(model_text(model, "path"), shipped_path());
    assert_string_equal(model_text(model, "cpu"), "generic");
    assert_string_equal(model_text(model, "think_open"), "<think>");
    assert_string_equal(model_text(model, "think_close"), "</think>");
    assert_true(strlen(model_text(model, "think_source")) > 0);
    assert_non_null(strstr(model_text(model, "chat_template"), "<|im_start|>"));
    assert_string_equal(model_text(model, "chat_template"),
                        model_text(model, "tokenizer.chat_template"));
    assert_string_equal(model_text(model, "general.name"), "reason-tiny");
    for (size_t i = 0; i < COUNT(absent); i++) {
        const char *text = "x";
        size_t n = 7;
        assert_status(reason_model_get_text(model, absent[i], &text, &n),
                      REASON_ERR_MISMATCH);
        assert_null(text);
        assert_int_equal(n, 0);
    }
    const char *text;
    size_t n;
    assert_ok(reason_model_get_text(model, "chat_template", &text, &n));
    assert_int_equal(n, strlen(text));
    reason_model_free(model);
}

static void test_api_model__keys(void **state) {
    reason_model *model = open_model(REASON_CPU_AUTO);
    size_t n = reason_model_n_keys(model), n_read = 0;
    (void)state;
    assert_true(n > 10);
    for (size_t i = 0; i < n; i++) {
        const char *key = reason_model_key(model, i), *text;
        int64_t number;
        double fraction;
        assert_non_null(key);
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(key, reason_model_key(model, k));
        n_read += reason_model_get_text(model, key, &text, NULL) == REASON_OK ||
                  reason_model_get_int(model, key, &number) == REASON_OK ||
                  reason_model_get_float(model, key, &fraction) == REASON_OK;
    }
    assert_true(n_read >= n - 4); /* all but lists */
    assert_null(reason_model_key(model, n));
    assert_null(reason_model_key(model, SIZE_MAX));
    reason_model_free(model);
}

/* ---- other files ---- */

typedef struct log_lines {
    size_t n;
    bool good;
} log_lines;

static void take_line(void *user, reason_log_level level, const char *line) {
    log_lines *log = user;
    log->n++;
    log->good = log->good && line && line[0] && !strchr(line, '\n') &&
                level >= REASON_LOG_DEBUG && level <= REASON_LOG_WARNING;
}

/* A file of the shipped model's metadata with one part of it changed: `from` becomes
 * `to`, which is as long, and `cut` leaves the tensors out. */
static void write_variant(const char *from, const char *to, bool cut, char *path,
                          size_t cap) {
    FILE *f = fopen(shipped_path(), "rb");
    assert_non_null(f);
    assert_int_equal(fseek(f, 0, SEEK_END), 0);
    size_t n = (size_t)ftell(f);
    rewind(f);
    char *bytes = malloc(n);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, n, f), n);
    (void)fclose(f);
    if (cut) { /* the template is the last of the pairs; behind it begin the tensors */
        reason_model *model = open_model(REASON_CPU_AUTO);
        size_t n_keys = reason_model_n_keys(model), n_text;
        const char *text;
        assert_string_equal(reason_model_key(model, n_keys - 1),
                            "tokenizer.chat_template");
        assert_ok(reason_model_get_text(model, "chat_template", &text, &n_text));
        const char *at = memmem(bytes, n, text, n_text);
        assert_non_null(at);
        n = (size_t)(at - bytes) + n_text;
        memset(bytes + 8, 0, 8); /* their number */
        reason_model_free(model);
    }
    if (from) {
        char *at = memmem(bytes, n, from, strlen(from));
        assert_non_null(at);
        assert_int_equal(strlen(from), strlen(to));
        memcpy(at, to, strlen(to));
    }
    const char *folder = getenv("TMPDIR");
    (void)snprintf(path, cap, "%s/reason-test-XXXXXX", folder ? folder : "/tmp");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, n), n);
    (void)close(fd);
    free(bytes);
}

/* A template that does not compile is worth a line, and spoils only what needs it. */
static void test_api_model__log(void **state) {
    char path[512];
    log_lines log = {0, true};
    reason_model *model;
    (void)state;
    write_variant("{%- for m in messages %}", "{%- for m in messages XX", false, path,
                  sizeof path);
    reason_set_log(take_line, &log);
    assert_ok(reason_model_open(path, NULL, &model));
    assert_true(log.n > 0 && log.good);
    reason_set_log(NULL, NULL);
    size_t n = log.n;
    reason_model *again;
    assert_ok(reason_model_open(path, NULL, &again));
    assert_int_equal(log.n, n);
    reason_session *session = open_session(again, 1);
    reason_result *result;
    asking a;
    ask_init(&a, "", 4);
    a.request.text = "1 + 2 =";
    assert_ok(reason_generate(session, &a.request, &result));
    reason_result_free(result);
    a.request.text = NULL;
    a.request.prompt = "1 + 2";
    assert_status(reason_generate(session, &a.request, &result), REASON_ERR_FORMAT);
    assert_null(result);
    reason_session_free(session);
    reason_model_free(again);
    reason_model_free(model);
    (void)unlink(path);
}

/* A file without tensors: text works, sessions are a mismatch. */
static void test_api_model__vocabulary(void **state) {
    char path[512];
    reason_model *whole = open_model(REASON_CPU_AUTO), *words;
    reason_session *session = (reason_session *)path;
    int32_t *a, *b;
    size_t n_a, n_b;
    (void)state;
    write_variant(NULL, NULL, true, path, sizeof path);
    assert_ok(reason_model_open(path, NULL, &words));
    (void)unlink(path);
    assert_int_equal(model_int(words, "has_weights"), 0);
    assert_int_equal(model_int(words, "has_template"), 1);
    assert_int_equal(model_int(words, "has_thinking"), 1);
    assert_int_equal(model_int(words, "n_vocab"), model_int(whole, "n_vocab"));
    assert_int_equal(model_int(words, "weights_bytes"), 0);
    assert_int_equal(model_int(words, "n_parameters"), 0);
    assert_ok(reason_tokenize(whole, "What is 12 + 34?<|im_end|>", -1, 1, &a, &n_a));
    assert_ok(reason_tokenize(words, "What is 12 + 34?<|im_end|>", -1, 1, &b, &n_b));
    assert_int_equal(n_a, n_b);
    assert_memory_equal(a, b, n_a * sizeof *a);
    reason_free(a);
    reason_free(b);
    assert_status(reason_session_new(words, NULL, &session), REASON_ERR_MISMATCH);
    assert_null(session);
    reason_model_free(words);
    reason_model_free(whole);
}

/* Mapped or copied, it is the same model; a copied one outlives its file. */
static void test_api_model__load_copy(void **state) {
    static float a[8192], b[8192];
    char path[512];
    reason_model_options o;
    reason_model *mapped = open_model(REASON_CPU_AUTO), *copied;
    const int32_t ids[] = {601, 262, 10};
    size_t n = COUNT(ids) * (size_t)model_int(mapped, "n_vocab");
    (void)state;
    assert_true(n <= COUNT(a));
    write_variant(NULL, NULL, false, path, sizeof path);
    assert_ok(reason_model_options_init(&o, sizeof o));
    o.load = REASON_LOAD_COPY;
    assert_ok(reason_model_open(path, &o, &copied));
    assert_int_equal(truncate(path, 100), 0);
    (void)unlink(path);
    reason_session *s = open_session(mapped, 1), *t = open_session(copied, 1);
    assert_ok(reason_session_logits(s, ids, COUNT(ids), a));
    assert_ok(reason_session_logits(t, ids, COUNT(ids), b));
    assert_memory_equal(a, b, n * sizeof *a);
    reason_session_free(s);
    reason_session_free(t);
    reason_model_free(mapped);
    reason_model_free(copied);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_api_model__numbers),
        cmocka_unit_test(test_api_model__texts),
        cmocka_unit_test(test_api_model__keys),
        cmocka_unit_test(test_api_model__log),
        cmocka_unit_test(test_api_model__vocabulary),
        cmocka_unit_test(test_api_model__load_copy),
    };
    return cmocka_run_group_tests_name("api_model", tests, NULL, NULL);
}
