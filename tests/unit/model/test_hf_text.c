/* Texts of Hugging Face folders: what their tokenizers and chat templates make of texts,
 * compared with what Transformers made of them (tests/oracle). Byte-level ones of the
 * forms of Llama 3 and Qwen2, SentencePiece's in the forms of Llama 2, Mistral and Gemma,
 * and a SentencePiece file alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "opening.h"
#include "support/hf_folder.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { MAX_TEXTS = 64 };

static const char *const FOLDERS[] = {
    "llama",  "llama-sharded", "llama-sentencepiece", "mistral",        "mistral-window",
    "qwen2",  "qwen2-yarn",    "qwen3",               "gemma",          "gemma2",
    "gemma3", "phi3",          "phi3-longrope",       "granite",        "olmo2",
    "olmo3",  "smollm3",       "glm4",                "seed_oss",       "bitnet-online",
    "bitnet-offline",          "bitnet-llama",
};
static const char *const LATER[] = {
    "llama", "llama-sharded", "mistral", "mistral-window", "qwen2", "qwen3", "gemma",
    "phi3",
};

/* --- the texts ---------------------------------------------------------------------- */

typedef struct texts {
    rsn_str items[MAX_TEXTS];
    size_t n;
} texts;

static void free_texts(texts *t) {
    for (size_t i = 0; i < t->n; i++)
        rsn_str_free(&t->items[i]);
}

/* A list of strings. */
static void read_texts(const char *name, texts *t) {
    static char file[1 << 16];
    char *path = hf_path(name, NULL);
    FILE *in = fopen(path, "rb");
    assert_non_null(in);
    size_t n = fread(file, 1, sizeof file, in);
    assert_true(n > 0 && n < sizeof file && fclose(in) == 0);
    free(path);
    rsn_json json;
    reason_status status = REASON_OK;
    rsn_json_init(&json, file, n);
    t->n = 0;
    assert_int_equal(rsn_json_next(&json, &status), RSN_JSON_ARRAY_BEGIN);
    while (rsn_json_next(&json, &status) == RSN_JSON_STRING) {
        assert_true(t->n < MAX_TEXTS);
        t->items[t->n] = (rsn_str){0};
        rsn_str_add(&t->items[t->n++], json.text.data, json.text.n);
    }
    check_ok(status);
    rsn_json_free(&json);
}

/* --- comparing ---------------------------------------------------------------------- */

static void print_ids(const char *who, const int32_t *ids, size_t n) {
    print_message("  %s:", who);
    for (size_t i = 0; i < n; i++)
        print_message(" %d", (int)ids[i]);
    print_message("\n");
}

/* Whether the text becomes these ids; prints both if not. */
static bool has_ids(const reason_model *model, const char *text, size_t n_bytes,
                    uint32_t flags, const int32_t *wanted, size_t n_wanted) {
    int32_t *ids;
    size_t n;
    check_ok(reason_tokenize(model, text, (int64_t)n_bytes, flags, &ids, &n));
    bool equal = n == n_wanted && (n == 0 || memcmp(ids, wanted, n * sizeof *ids) == 0);
    if (!equal) {
        print_message("\"%.*s\"\n", (int)n_bytes, text);
        print_ids("wanted", wanted, n_wanted);
        print_ids("found", ids, n);
    }
    reason_free(ids);
    return equal;
}

/* How many texts differ; with begin and end of text or without. */
static size_t count_different(const reason_model *model, const char *name, const texts *t,
                              bool bare) {
    uint32_t flags = REASON_TOKENS_SPECIAL | (bare ? 0 : REASON_TOKENS_BOS_EOS);
    size_t n, n_ends, n_different = 0;
    const char *file = "expected.npz";
    int32_t *ids = hf_ints(name, file, bare ? "bare_ids" : "text_ids", &n);
    int32_t *ends = hf_ints(name, file, bare ? "bare_ends" : "text_ends", &n_ends);
    assert_true(ids && ends && n_ends == t->n);
    for (size_t i = 0, at = 0; i < t->n; at = (size_t)ends[i++])
        n_different += !has_ids(model, rsn_str_text(&t->items[i]), t->items[i].n, flags,
                                ids + at, (size_t)ends[i] - at);
    free(ids);
    free(ends);
    return n_different;
}

/* The prompt of the first conversation, rendered and split. */
static void check_prompt(const reason_model *model, const char *name) {
    reason_message message;
    reason_template_request request;
    const reason_message *messages[] = {&message};
    char *text;
    size_t n_text, n, n_ids;
    check_ok(reason_message_init(&message, sizeof message));
    check_ok(reason_template_request_init(&request, sizeof request));
    message.role = "user";
    message.content = "What is 6 * 7?";
    request.messages = messages;
    request.n_messages = 1;
    int32_t *wanted = hf_ints(name, "expected.npz", "prompt", &n);
    int32_t *ids = hf_ints(name, "expected.npz", "prompt_ids", &n_ids);
    assert_true(wanted && ids);
    check_ok(reason_template_render(model, &request, &text, &n_text));
    assert_int_equal(n_text, n);
    for (size_t i = 0; i < n; i++)
        assert_int_equal((unsigned char)text[i], wanted[i]);
    assert_true(has_ids(model, text, n_text, REASON_TOKENS_SPECIAL, ids, n_ids));
    reason_free(text);
    free(wanted);
    free(ids);
}

static size_t check_folder(const char *name, const char *path, const char *what) {
    reason_model *model;
    texts t;
    size_t n;
    check_ok(reason_model_open(path, NULL, &model));
    free(hf_ints(name, "expected.npz", "text_ends", &n));
    read_texts("wide-texts.json", &t);
    if (n != t.n) {
        free_texts(&t);
        read_texts("plain-texts.json", &t);
    }
    size_t n_different = count_different(model, name, &t, false);
    n_different += count_different(model, name, &t, true);
    print_message("%-20s %s: %zu of %zu texts differ\n", name, what, n_different,
                  2 * t.n);
    check_prompt(model, name);
    free_texts(&t);
    reason_model_free(model);
    return n_different;
}

static void test_model_hf_text__ids(void **state) {
    (void)state;
    size_t n_different = 0;
    for (size_t i = 0; i < COUNT(FOLDERS); i++) {
        char *path = hf_path(FOLDERS[i], NULL);
        n_different += check_folder(FOLDERS[i], path, "first release");
        free(path);
    }
    assert_int_equal(n_different, 0);
}

static void test_model_hf_text__later_release(void **state) {
    (void)state;
    size_t n_different = 0;
    for (size_t i = 0; i < COUNT(LATER); i++) {
        char *folder = hf_later(LATER[i]);
        n_different += check_folder(LATER[i], folder, "later release");
        hf_later_remove(folder);
    }
    assert_int_equal(n_different, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model_hf_text__ids),
        cmocka_unit_test(test_model_hf_text__later_release),
    };
    return cmocka_run_group_tests_name("model/hf_text", tests, NULL, NULL);
}
