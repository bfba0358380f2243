/* Heads in files: what keys and shapes are taken, what is refused, and which calls a model
 * without a head, or without logits, turns down. */
#include "support.h"

/* Pairs of one key or none. */
typedef struct pairs {
    gguf_bytes bytes;
    uint32_t n;
} pairs;

static void put_text(pairs *p, const char *key, const char *value) {
    gguf_put_string(&p->bytes, key, value);
    p->n++;
}

static void put_number_pair(pairs *p, const char *key, uint32_t value) {
    gguf_put_u32(&p->bytes, key, value);
    p->n++;
}

static void put_labels(pairs *p, size_t n) {
    gguf_put_array(&p->bytes, "llama.classifier.output_labels", GGUF_STRING, n);
    for (size_t i = 0; i < n; i++)
        gguf_put_text(&p->bytes, i ? "no" : "yes");
    p->n++;
}

static void make(tiny_options o, const pairs *p, tiny_model *m) {
    o.pairs = &p->bytes;
    o.n_pairs = p->n;
    tiny_model_make("llama", &o, m);
}

static void expect_text(const reason_model *model, const char *key, const char *wanted) {
    const char *text;
    check_ok(reason_model_get_text(model, key, &text, NULL));
    assert_string_equal(text, wanted);
}

static void expect_number(const reason_model *model, const char *key, int64_t wanted) {
    int64_t number;
    check_ok(reason_model_get_int(model, key, &number));
    assert_int_equal(number, wanted);
}

/* --- what is read -------------------------------------------------------------------- */

typedef struct expected {
    tiny_options o;
    const char *kind_key, *kind, *activation, *transform;
} expected;

static void test_head__defaults(void **state) {
    (void)state;
    const expected rows[] = {
        {{.head_out = 1}, NULL, "reward", "none", "none"},
        {{.head_out = 3}, NULL, "labels", "none", "none"},
        {{.head_out = 2}, "steps", "steps", "none", "softmax"},
        {{.head_out = 1}, "steps", "steps", "none", "none"},
        {{.head_out = 1, .head_hidden = 48}, NULL, "reward", "tanh", "none"},
        {{.head_out = 2, .head_hidden = 80, .head_bias = true, .head_norm = true},
         "tokens", "tokens", "tanh", "none"},
        {{.head_out = 1, .no_output = true}, NULL, "reward", "none", "none"},
        {{.tied = true}, NULL, "none", "none", "none"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        pairs p = {0};
        tiny_model m;
        reason_model *model;
        if (rows[i].kind_key)
            put_text(&p, "reason.head.kind", rows[i].kind_key);
        make(rows[i].o, &p, &m);
        char *path = gguf_save(&m.file);
        check_ok(reason_model_open(path, NULL, &model));
        expect_text(model, "head", rows[i].kind);
        expect_text(model, "head_activation", rows[i].activation);
        expect_text(model, "head_transform", rows[i].transform);
        expect_number(model, "head_outputs", rows[i].o.head_out);
        expect_number(model, "head_step_token", -1);
        expect_number(model, "has_logits", !rows[i].o.no_output);
        reason_model_free(model);
        gguf_remove(path);
        tiny_model_free(&m);
        gguf_free(&p.bytes);
    }
}

static void test_head__keys(void **state) {
    (void)state;
    pairs p = {0};
    tiny_model m;
    reason_model *model;
    put_text(&p, "reason.head.kind", "steps");
    put_text(&p, "reason.head.activation", "relu");
    put_text(&p, "reason.head.transform", "sigmoid");
    put_number_pair(&p, "reason.head.step_token", TINY_IM_START);
    put_number_pair(&p, "llama.pooling_type", 4);
    put_labels(&p, 2);
    make((tiny_options){.head_out = 2, .head_hidden = 64}, &p, &m);
    char *path = gguf_save(&m.file);
    check_ok(reason_model_open(path, NULL, &model));
    expect_text(model, "head", "steps");
    expect_text(model, "head_activation", "relu");
    expect_text(model, "head_transform", "sigmoid");
    expect_number(model, "head_step_token", TINY_IM_START);
    assert_int_equal(model->hp.head.labels[0].n, 3);
    reason_model_free(model);
    gguf_remove(path);
    tiny_model_free(&m);
    gguf_free(&p.bytes);
}

/* --- what is refused ----------------------------------------------------------------- */

static void refuse_text(const char *key, const char *value, uint32_t n_out,
                        reason_status status, const char *word) {
    pairs p = {0};
    tiny_model m;
    put_text(&p, key, value);
    make((tiny_options){.head_out = n_out}, &p, &m);
    REFUSED(&m.file, status, key, word);
    tiny_model_free(&m);
    gguf_free(&p.bytes);
}

static void refuse_number(const char *key, uint32_t value, reason_status status,
                          const char *word) {
    pairs p = {0};
    tiny_model m;
    put_number_pair(&p, key, value);
    make((tiny_options){.head_out = 2}, &p, &m);
    REFUSED(&m.file, status, key, word);
    tiny_model_free(&m);
    gguf_free(&p.bytes);
}

static void test_head__bad_keys(void **state) {
    (void)state;
    pairs p = {0};
    tiny_model m;
    refuse_text("reason.head.kind", "rewards", 1, REASON_ERR_UNSUPPORTED,
                "one of reward, labels, steps, tokens");
    refuse_text("reason.head.kind", "reward", 2, REASON_ERR_FORMAT, "2 rows");
    refuse_text("reason.head.kind", "none", 1, REASON_ERR_UNSUPPORTED, "reward");
    refuse_text("reason.head.kind", "steps", 0, REASON_ERR_FORMAT, "cls.output.weight");
    refuse_text("reason.head.activation", "swish", 1, REASON_ERR_UNSUPPORTED, "tanh");
    refuse_text("reason.head.transform", "", 1, REASON_ERR_UNSUPPORTED, "softmax");
    refuse_text("reason.head.step_token", "5", 1, REASON_ERR_FORMAT, "step_token");
    refuse_number("reason.head.step_token", TINY_N_TOKENS, REASON_ERR_FORMAT, "272");
    refuse_number("llama.pooling_type", 1, REASON_ERR_UNSUPPORTED, "mean");
    refuse_number("llama.pooling_type", 2, REASON_ERR_UNSUPPORTED, "first token");
    refuse_number("llama.pooling_type", 9, REASON_ERR_FORMAT, "9");
    put_labels(&p, 3);
    make((tiny_options){.head_out = 2}, &p, &m);
    REFUSED(&m.file, REASON_ERR_FORMAT, "output_labels", "3 names", "2 rows");
    tiny_model_free(&m);
    gguf_free(&p.bytes);
}

/* Each tensor in turn is gone, by another name, or has another shape. */
static void test_head__bad_tensors(void **state) {
    (void)state;
    const struct {
        const char *name, *said;
        reason_status status;
    } rows[] = {{"cls.weight", "cls.bias", REASON_ERR_FORMAT},
                {"cls.output.weight", "cls.output.weight is missing", REASON_ERR_FORMAT},
                {"cls.bias", "cls.bia!", REASON_ERR_UNSUPPORTED},
                {"cls.norm.weight", "cls.norm.weigh!", REASON_ERR_UNSUPPORTED},
                {"cls.output.bias", "cls.output.bia!", REASON_ERR_UNSUPPORTED}};
    const tiny_options o = {.head_out = 3,
                            .head_hidden = 48,
                            .head_bias = true,
                            .head_norm = true,
                            .alignment = 4096,
                            .type = GGML_F16};
    tiny_model m;
    tiny_model_make("llama", &o, &m);
    check_opens(&m.file);
    for (size_t i = 0; i < COUNT(rows); i++) {
        size_t at = gguf_find_tensor(&m.file, rows[i].name);
        uint8_t right = m.file.data[at - 1];
        m.file.data[at - 1] = '!';
        REFUSED(&m.file, rows[i].status, rows[i].said);
        m.file.data[at - 1] = right;
        uint64_t ne = tiny_model_find(&m, rows[i].name)->ne[0];
        gguf_set_number(&m.file, at + 4, ne / 3, 8);
        REFUSED(&m.file, REASON_ERR_FORMAT, "cls.");
        gguf_set_number(&m.file, at + 4, ne, 8);
    }
    check_opens(&m.file);
    tiny_model_free(&m);
}

static void test_head__only_with_output(void **state) {
    (void)state;
    pairs p = {0};
    tiny_model m;
    gguf_put_bool(&p.bytes, "reason.head.only", true);
    p.n = 1;
    make((tiny_options){.head_out = 1}, &p, &m);
    REFUSED(&m.file, REASON_ERR_FORMAT, "reason.head.only", "output.weight");
    tiny_model_free(&m);
    make((tiny_options){.tied = true}, &p, &m);
    REFUSED(&m.file, REASON_ERR_FORMAT, "reason.head.only", "cls.output.weight");
    tiny_model_free(&m);
    gguf_free(&p.bytes);
}

/* --- calls that the model cannot serve ------------------------------------------------ */

static void expect_no_logits(reason_status status) {
    assert_int_equal(status, REASON_ERR_MISMATCH);
    check_said((const char *const[]){"output.weight", NULL});
}

static void test_head__no_logits(void **state) {
    (void)state;
    const tiny_options o = {.head_out = 1, .no_output = true, .type = GGML_Q8_0,
                            .vector_type = GGML_F16};
    char *path = build_tiny_model("qwen2", &o), *whole = build_tiny_model("qwen2", NULL);
    reason_model *model, *other;
    reason_session *session;
    reason_result *result;
    reason_request request;
    reason_session_options options;
    reason_perplexity_result perplexity = {.size = sizeof perplexity};
    const int32_t tokens[] = {1, 2, 3};
    float *logits = calloc(3 * TINY_N_TOKENS, sizeof *logits);
    assert_non_null(logits);
    check_ok(reason_model_open(path, NULL, &model));
    check_ok(reason_model_open(whole, NULL, &other));
    check_ok(reason_session_new(model, NULL, &session));
    expect_no_logits(reason_session_logits(session, tokens, 3, logits));
    check_ok(reason_session_logits(session, tokens, 3, NULL));
    expect_no_logits(reason_sessions_logits(&session, tokens, 1, logits));
    check_ok(reason_sessions_logits(&session, tokens, 1, NULL));
    check_ok(reason_request_init(&request, sizeof request));
    request.text = "What is the answer?";
    expect_no_logits(reason_generate(session, &request, &result));
    const reason_request *list = &request;
    expect_no_logits(reason_generate_batch(session, &list, 1, &result));
    expect_no_logits(
        reason_perplexity(model, "the and the other", -1, NULL, &perplexity));
    check_ok(reason_session_options_init(&options, sizeof options));
    options.n_guess = 2;
    options.draft = model;
    reason_session *guessed;
    expect_no_logits(reason_session_new(other, &options, &guessed));
    reason_session_free(session);
    reason_model_free(model);
    reason_model_free(other);
    free(logits);
    gguf_remove(path);
    gguf_remove(whole);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_head__defaults),
        cmocka_unit_test(test_head__keys),
        cmocka_unit_test(test_head__bad_keys),
        cmocka_unit_test(test_head__bad_tensors),
        cmocka_unit_test(test_head__only_with_output),
        cmocka_unit_test(test_head__no_logits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
