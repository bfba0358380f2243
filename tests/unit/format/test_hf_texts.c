/* Tokenizers that Transformers wrote (tests/oracle/README.md): the ids of every text are
 * those that it gave, with what goes before and behind a text and without. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/json.h"
#include "support/hf_folder.h"
#include "support/hf_plan.h"

enum { MAX_TEXTS = 64 };

typedef struct texts {
    char *items[MAX_TEXTS];
    size_t sizes[MAX_TEXTS];
    size_t n;
} texts;

/* A list of strings. */
static void read_texts(const char *name, texts *t) {
    static char json[1 << 18];
    char *path = hf_path(name, NULL);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t n = fread(json, 1, sizeof json, file);
    assert_true(n < sizeof json);
    (void)fclose(file);
    free(path);
    rsn_json j;
    reason_status status;
    rsn_json_init(&j, json, n);
    assert_int_equal(rsn_json_next(&j, &status), RSN_JSON_ARRAY_BEGIN);
    for (t->n = 0; rsn_json_next(&j, &status) == RSN_JSON_STRING; t->n++) {
        assert_true(t->n < MAX_TEXTS);
        t->sizes[t->n] = j.text.n;
        t->items[t->n] = malloc(j.text.n + 1);
        assert_non_null(t->items[t->n]);
        memcpy(t->items[t->n], rsn_str_text(&j.text), j.text.n);
    }
    assert_int_equal(status, REASON_OK);
    rsn_json_free(&j);
}

static void free_texts(texts *t) {
    for (size_t i = 0; i < t->n; i++)
        free(t->items[i]);
}

static void check_text(const char *name, const rsn_vocab *v, const char *text, size_t n,
                       uint32_t flags, const int32_t *wanted, size_t n_wanted) {
    rsn_vocab_ids ids = {0};
    assert_int_equal(rsn_vocab_encode(v, text, n, flags, &ids), REASON_OK);
    if (ids.n != n_wanted ||
        (n_wanted && memcmp(ids.items, wanted, n_wanted * sizeof *wanted) != 0))
        fail_msg("%s: \"%.*s\": other ids than Transformers'", name, (int)n, text);
    rsn_free(ids.items);
}

static void check_array(const char *name, const rsn_vocab *v, const texts *lists,
                        const char *array, uint32_t flags) {
    char ends_name[32];
    size_t n, n_ends, from = 0;
    (void)snprintf(ends_name, sizeof ends_name, "%s_ends", array);
    int32_t *ends = hf_ints(name, "expected.npz", ends_name, &n_ends);
    (void)snprintf(ends_name, sizeof ends_name, "%s_ids", array);
    int32_t *ids = hf_ints(name, "expected.npz", ends_name, &n);
    assert_true(ends && ids);
    const texts *t = n_ends == lists[0].n ? &lists[0] : &lists[1];
    assert_int_equal(t->n, n_ends);
    for (size_t i = 0; i < n_ends; i++) {
        size_t end = (size_t)ends[i];
        assert_true(end >= from && end <= n);
        check_text(name, v, t->items[i], t->sizes[i], flags, ids + from, end - from);
        from = end;
    }
    assert_int_equal(from, n);
    free(ends);
    free(ids);
}

static void test_format_hf_texts__ids(void **state) {
    static const char *const names[] = {
        "bitnet-llama", "bitnet-offline", "bitnet-online",       "gemma",
        "gemma2",       "gemma3",         "glm4",                "granite",
        "llama",        "llama-sharded",  "llama-sentencepiece", "mistral",
        "olmo2",        "olmo3",          "phi3",                "phi3-longrope",
        "qwen2",        "qwen2-yarn",     "qwen3",               "seed_oss",
        "smollm3"};
    texts lists[2];
    (void)state;
    read_texts("wide-texts.json", &lists[0]);
    read_texts("plain-texts.json", &lists[1]);
    assert_int_not_equal(lists[0].n, lists[1].n);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        rsn_vocab *v;
        char *folder = hf_path(names[i], NULL);
        if (hf_vocab(folder, 0, &v) != REASON_OK)
            fail_msg("%s: %s", names[i], rsn_last_error());
        const uint32_t special = REASON_TOKENS_SPECIAL;
        check_array(names[i], v, lists, "text", special | REASON_TOKENS_BOS_EOS);
        check_array(names[i], v, lists, "bare", special);
        rsn_vocab_free(v);
        free(folder);
    }
    free_texts(&lists[0]);
    free_texts(&lists[1]);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_format_hf_texts__ids)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
