/* Fingerprints: the same for one model however it is loaded, split or called, another for
 * everything that decides keys and values. */
#include "unit/model/support.h"

static uint64_t fingerprint_at(const char *path, reason_load load, reason_cpu cpu) {
    reason_model_options o;
    reason_model *model;
    check_ok(reason_model_options_init(&o, sizeof o));
    o.load = load;
    o.cpu = cpu;
    check_ok(reason_model_open(path, &o, &model));
    uint64_t fingerprint = model->fingerprint;
    reason_model_free(model);
    return fingerprint;
}

static uint64_t fingerprint_of(const gguf_bytes *file) {
    char *path = gguf_save(file);
    uint64_t fingerprint = fingerprint_at(path, REASON_LOAD_MAP, REASON_CPU_AUTO);
    gguf_remove(path);
    return fingerprint;
}

/* Copied weights are packed in place, for the instruction set. */
static void test_model_fingerprint__does_not_depend_on_loading(void **state) {
    (void)state;
    const tiny_options o = {.type = GGML_Q8_0, .n_embd = 128, .n_ff = 128};
    static const size_t halves[] = {9, 10};
    tiny_model m;
    split_model s = {0};
    tiny_model_make("qwen3", &o, &m);
    char *path = gguf_save(&m.file);
    uint64_t one = fingerprint_at(path, REASON_LOAD_MAP, REASON_CPU_GENERIC);
    assert_true(one != 0);
    for (int cpu = REASON_CPU_AUTO; cpu <= REASON_CPU_NEON; cpu++)
        for (int load = REASON_LOAD_MAP; load <= REASON_LOAD_COPY; load++)
            assert_true(fingerprint_at(path, (reason_load)load, (reason_cpu)cpu) == one);
    size_t parts[] = {halves[0], m.n_tensors - halves[0]};
    split_make(&m, parts, COUNT(parts), &s);
    split_save(&s);
    assert_true(fingerprint_at(split_path(&s, 0), REASON_LOAD_MAP, REASON_CPU_AUTO) ==
                one);
    split_free(&s);
    gguf_remove(path);
    tiny_model_free(&m);
}

/* A byte at either end of every tensor counts. */
static void test_model_fingerprint__every_tensor_counts(void **state) {
    (void)state;
    tiny_model m;
    tiny_model_make("qwen3", NULL, &m);
    uint64_t one = fingerprint_of(&m.file);
    for (size_t i = 0; i < m.n_tensors; i++) {
        const tiny_tensor *t = &m.tensors[i];
        size_t n = (size_t)(t->ne[0] * t->ne[1]) * sizeof(float);
        for (int end = 0; end < 2; end++) {
            size_t at = t->at + (end ? n - sizeof(float) : 0);
            m.file.data[at] ^= 1;
            assert_true(fingerprint_of(&m.file) != one);
            m.file.data[at] ^= 1;
        }
    }
    assert_true(fingerprint_of(&m.file) == one);
    tiny_model_free(&m);
}

static void test_model_fingerprint__metadata(void **state) {
    (void)state;
    tiny_options o = {0};
    tiny_model m;
    tiny_model_make("qwen3", &o, &m);
    uint64_t one = fingerprint_of(&m.file);
    tiny_model_free(&m);
    o.chat_template = "{{ messages }}"; /* decides no key and no value */
    tiny_model_make("qwen3", &o, &m);
    assert_true(fingerprint_of(&m.file) == one);
    tiny_model_free(&m);
    o.rope_base = 20000;
    tiny_model_make("qwen3", &o, &m);
    assert_true(fingerprint_of(&m.file) != one);
    tiny_model_free(&m);
    o.rope_base = 0;
    o.n_ctx = 257;
    tiny_model_make("qwen3", &o, &m);
    assert_true(fingerprint_of(&m.file) != one);
    tiny_model_free(&m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model_fingerprint__does_not_depend_on_loading),
        cmocka_unit_test(test_model_fingerprint__every_tensor_counts),
        cmocka_unit_test(test_model_fingerprint__metadata),
    };
    return cmocka_run_group_tests_name("model_fingerprint", tests, NULL, NULL);
}
