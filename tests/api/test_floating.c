/* A host may round upwards, flush small numbers to zero, or trap. No call computes
 * otherwise for it, on no thread, and the host finds its control word as it was, flags
 * included. */
#include "api/support.h"

#include <signal.h>
#include <unistd.h>

/* ---- the control word of this machine ---- */

#if defined(__SSE2__) && defined(__GNUC__)
#include <xmmintrin.h>

/* MXCSR below, the x87 control word above. */
static uint64_t get_control(void) {
    uint16_t x87;
    __asm__ volatile("fnstcw %0" : "=m"(x87));
    return (uint64_t)x87 << 32 | _mm_getcsr();
}

static void set_control(uint64_t word) {
    const uint16_t x87 = (uint16_t)(word >> 32);
    __asm__ volatile("fldcw %0" : : "m"(x87));
    _mm_setcsr((unsigned)word);
}

enum { MASK_ALL = 0x1F80, UP = 0x4000, DOWN = 0x2000, CUT = 0x6000, FLUSH = 0x8040 };
#define X87(word) ((uint64_t)(word) << 32)

static const struct {
    const char *name;
    uint64_t word;
} controls[] = {
    {"rounds up", X87(0x0B7F) | MASK_ALL | UP},
    {"rounds down", X87(0x077F) | MASK_ALL | DOWN},
    {"rounds to zero, flushes", X87(0x0F7F) | MASK_ALL | CUT | FLUSH},
    {"flushes", X87(0x037F) | MASK_ALL | FLUSH},
    {"traps all", X87(0x0340) | 0},
    {"traps all, rounds up, flushes", X87(0x0B40) | UP | FLUSH},
    {"short x87", X87(0x007F) | MASK_ALL},
    {"flags are up", X87(0x037F) | MASK_ALL | 0x3F},
};
#define HAS_CONTROL 1

#elif defined(__aarch64__) && defined(__GNUC__)

static uint64_t get_control(void) {
    uint64_t word;
    __asm__ volatile("mrs %0, fpcr" : "=r"(word));
    return word;
}

static void set_control(uint64_t word) {
    __asm__ volatile("msr fpcr, %0" : : "r"(word) : "memory");
}

static const struct {
    const char *name;
    uint64_t word;
} controls[] = {
    {"rounds up", UINT64_C(1) << 22},
    {"rounds down", UINT64_C(2) << 22},
    {"rounds to zero, flushes", UINT64_C(3) << 22 | UINT64_C(1) << 24},
    {"flushes", UINT64_C(1) << 24},
};
#define HAS_CONTROL 1

#else
#define HAS_CONTROL 0
#endif

#if HAS_CONTROL

/* A word for the length of one call. The word is read again before anything else
 * computes. */
#define WITH_CONTROL(index, call)                                                        \
    do {                                                                                 \
        const uint64_t own_ = get_control();                                             \
        set_control(controls[index].word);                                               \
        const uint64_t set_ = get_control();                                             \
        call;                                                                            \
        const uint64_t left_ = get_control();                                            \
        set_control(own_);                                                               \
        if (left_ != set_)                                                               \
            fail_msg("%s: %#llx before, %#llx after", controls[index].name,              \
                     (unsigned long long)set_, (unsigned long long)left_);               \
    } while (0)

enum { N_TOKENS = 70 };

static size_t n_vocab;
static int32_t tokens[N_TOKENS];

static float *logits_of(reason_model *model, int32_t threads) {
    float *rows = malloc(N_TOKENS * n_vocab * sizeof *rows);
    reason_session *session = open_session(model, threads);
    assert_non_null(rows);
    assert_ok(reason_session_logits(session, tokens, N_TOKENS, rows));
    reason_session_free(session);
    return rows;
}

static int set_up(void **state) {
    reason_model *model = open_model(REASON_CPU_AUTO);
    (void)state;
    n_vocab = (size_t)model_int(model, "n_vocab");
    fill_tokens(model, tokens, N_TOKENS);
    reason_model_free(model);
    return 0;
}

static void test_api_floating__the_control_word_matters(void **state) {
    /* Otherwise the rest of this file would show nothing. */
    volatile float one = 1, three = 3, tiny = 1e-30f;
    volatile float small = tiny * 1e-10f, up, down, flushed;
    (void)state;
    const uint64_t own = get_control();
    set_control(controls[0].word);
    up = one / three;
    set_control(controls[1].word);
    down = one / three;
    set_control(controls[3].word);
    flushed = tiny * 1e-10f;
    set_control(own);
    assert_true(up > down);
    assert_true(small > 0 && flushed == 0);
}

/* On each level, on one thread and on three. */
static void test_api_floating__logits(void **state) {
    (void)state;
    for (int level = REASON_CPU_GENERIC; level < N_LEVELS; level++) {
        if (!has_level((reason_cpu)level))
            continue;
        reason_model *model = open_model((reason_cpu)level);
        float *want = logits_of(model, 1),
              *rows = malloc(N_TOKENS * n_vocab * sizeof *rows);
        assert_non_null(rows);
        for (size_t i = 0; i < COUNT(controls); i++) {
            reason_session *session = open_session(model, i % 2 ? 3 : 1);
            reason_status status;
            WITH_CONTROL(i,
                         status = reason_session_logits(session, tokens, N_TOKENS, rows));
            assert_ok(status);
            if (memcmp(rows, want, N_TOKENS * n_vocab * sizeof *rows) != 0)
                fail_msg("%s, a host that %s: other logits", level_names[level],
                         controls[i].name);
            reason_session_free(session);
        }
        free(rows);
        free(want);
        reason_model_free(model);
    }
}

/* The angles by which positions are told apart are computed while loading. */
static void test_api_floating__model_open(void **state) {
    reason_model *model = open_model(REASON_CPU_AUTO);
    float *want = logits_of(model, 1);
    (void)state;
    reason_model_free(model);
    for (size_t i = 0; i < COUNT(controls); i++) {
        reason_status status;
        WITH_CONTROL(i, status = reason_model_open(shipped_path(), NULL, &model));
        assert_ok(status);
        float *got = logits_of(model, 1);
        if (memcmp(got, want, N_TOKENS * n_vocab * sizeof *got) != 0)
            fail_msg("opened by a host that %s: other logits", controls[i].name);
        free(got);
        reason_model_free(model);
    }
    free(want);
}

/* A host's callbacks run with the library's control word; one that they leave behind is
 * theirs. */
static int change_control(void *user, const char *stage, uint64_t done, uint64_t total) {
    const size_t *index = user;
    (void)stage, (void)done, (void)total;
    if (*index < COUNT(controls))
        set_control(controls[*index].word);
    return 0;
}

static int change_control_too(void *user, const reason_piece *piece) {
    (void)piece;
    return change_control(user, NULL, 0, 0);
}

typedef struct outcome {
    size_t n;
    int32_t ids[64];
    float logprobs[64], sampled[64];
    double p_think;
} outcome;

static void generate(reason_model *model, int32_t threads, size_t host, size_t callback,
                     outcome *out) {
    reason_session *session = open_session(model, threads);
    reason_result *result;
    reason_status status;
    asking a;
    memset(out, 0, sizeof *out);
    ask_init(&a, "What is 67 * 75?", COUNT(out->ids));
    a.sampling.temperature = 0.8f;
    a.sampling.repeat_penalty = 1.1f;
    a.thinking.close_temperature = 0.7f;
    a.request.progress = change_control;
    a.request.progress_user = &callback;
    a.request.stream = change_control_too;
    a.request.stream_user = &callback;
    if (host < COUNT(controls))
        WITH_CONTROL(host, status = reason_generate(session, &a.request, &result));
    else
        status = reason_generate(session, &a.request, &result);
    assert_ok(status);
    out->n = result_ids(result, out->ids, COUNT(out->ids));
    out->p_think = reason_result_p_think(result);
    for (size_t i = 0; i < out->n; i++) {
        reason_token token = {.size = sizeof token};
        assert_ok(reason_result_token(result, i, &token));
        out->logprobs[i] = token.logprob;
        out->sampled[i] = token.sampled_logprob;
    }
    reason_result_free(result);
    reason_session_free(session);
}

static void test_api_floating__generate(void **state) {
    const size_t none = COUNT(controls);
    reason_model *model = open_model(REASON_CPU_AUTO);
    static outcome want, got;
    (void)state;
    generate(model, 1, none, none, &want);
    assert_true(want.n > 8 && want.p_think > 0);
    for (size_t i = 0; i < COUNT(controls); i++) {
        generate(model, i % 2 ? 2 : 1, i, none, &got);
        if (memcmp(&got, &want, sizeof got) != 0)
            fail_msg("a host that %s: another text", controls[i].name);
        generate(model, i % 2 ? 1 : 2, i, COUNT(controls) - 1 - i, &got);
        if (memcmp(&got, &want, sizeof got) != 0)
            fail_msg("a callback that %s: another text",
                     controls[COUNT(controls) - 1 - i].name);
    }
    reason_model_free(model);
}

/* Templates divide, round and print fractions. */
static void test_api_floating__template(void **state) {
    reason_template_request r;
    char *want, *got;
    size_t n;
    reason_status status;
    (void)state;
    assert_ok(reason_template_request_init(&r, sizeof r));
    r.messages_json = "[]";
    r.variables_json = "{\"x\": 0.1, \"y\": 1e-310}";
    r.template_text =
        "{{ x / 3 }} {{ 2 / 3 }} {{ x * 3 }} {{ y }} {{ (1 / 3) | round(3) }}";
    assert_ok(reason_template_render(NULL, &r, &want, &n));
    for (size_t i = 0; i < COUNT(controls); i++) {
        WITH_CONTROL(i, status = reason_template_render(NULL, &r, &got, &n));
        assert_ok(status);
        assert_string_equal(got, want);
        reason_free(got);
    }
    reason_free(want);
}

/* The calls that compute nothing leave the word alone too. */
static void test_api_floating__all_calls_restore(void **state) {
    reason_model *model = open_model(REASON_CPU_AUTO);
    reason_session *session = open_session(model, 2), *fork;
    int32_t *ids;
    size_t n;
    char *text;
    double value;
    reason_machine machine = {.size = sizeof machine};
    (void)state;
    assert_ok(reason_session_logits(session, tokens, 4, NULL));
    for (size_t i = 0; i < COUNT(controls); i++) {
        WITH_CONTROL(i, (void)reason_tokenize(model, "1.5 and 2", -1, 0, &ids, &n));
        WITH_CONTROL(i, (void)reason_detokenize(model, ids, n, 0, &text, &n));
        WITH_CONTROL(i,
                     (void)reason_model_get_float(model, "qwen3.rope.freq_base", &value));
        WITH_CONTROL(i, (void)reason_session_fork(session, &fork));
        WITH_CONTROL(i, (void)reason_session_truncate(fork, 2));
        WITH_CONTROL(i, (void)reason_session_length(fork, &n));
        WITH_CONTROL(i, reason_session_free(fork));
        WITH_CONTROL(i,
                     (void)reason_session_logits(session, tokens, 0, NULL)); /* refused */
        WITH_CONTROL(i, (void)reason_session_truncate(session, 1000000));
        reason_free(ids);
        reason_free(text);
    }
    WITH_CONTROL(0, (void)reason_machine_measure(NULL, &machine));
    assert_true(machine.float_ops_s > 0);
    reason_session_free(session);
    reason_model_free(model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_api_floating__the_control_word_matters),
        cmocka_unit_test(test_api_floating__logits),
        cmocka_unit_test(test_api_floating__model_open),
        cmocka_unit_test(test_api_floating__generate),
        cmocka_unit_test(test_api_floating__template),
        cmocka_unit_test(test_api_floating__all_calls_restore),
    };
    return cmocka_run_group_tests_name("api_floating", tests, set_up, NULL);
}

#else

static void test_api_floating__not_here(void **state) {
    (void)state;
    skip();
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_api_floating__not_here)};
    return cmocka_run_group_tests_name("api_floating", tests, NULL, NULL);
}

#endif
