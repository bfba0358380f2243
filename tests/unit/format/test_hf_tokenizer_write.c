/* Tokenizers written into a folder and read again: the same ids, the same pairs where
 * these count. That other readers take the files the same way is compare_tokenizers.py's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "format/gguf_keys.h"
#include "support/heap.h"
#include "support/hf_plan.h"

static const char *folder_of(const char *name) {
    static char path[4096];
    const char *source = getenv("REASON_SRCDIR");
    (void)snprintf(path, sizeof path, "%s/tests/data/hf-tokenizers/%s",
                   source ? source : ".", name);
    return path;
}

typedef struct tokenizer {
    rsn_gguf g;
    rsn_vocab *v;
} tokenizer;

/* False: a library without PCRE2 cannot run the tokenizer's patterns. */
static bool try_folder(const char *folder, tokenizer *t) {
    reason_status status = hf_plan(folder, 0, &t->g);
    if (status == REASON_OK)
        status = rsn_vocab_load(&t->g, &t->v);
    if (status == REASON_OK)
        return true;
    rsn_arena_free(&t->g.arena);
    if (status != REASON_ERR_UNSUPPORTED || !strstr(rsn_last_error(), "without PCRE2"))
        fail_msg("%s: %s", folder, rsn_last_error());
    return false;
}

static void open_folder(const char *folder, tokenizer *t) {
    assert_true(try_folder(folder, t));
}

static void close_folder(tokenizer *t) {
    rsn_vocab_free(t->v);
    rsn_arena_free(&t->g.arena);
}

/* The three files that the writer may make. */
static void make_target(hf_folder *f) {
    hf_folder_make(f);
    hf_folder_put(f, "tokenizer.json", "", 0);
    hf_folder_put(f, "tokenizer_config.json", "", 0);
    hf_folder_put(f, "generation_config.json", "{}", 2);
}

static void compare_text(const tokenizer *a, const tokenizer *b, const char *name,
                         const char *text, size_t n, uint32_t flags) {
    rsn_vocab_ids ids[2] = {{0}};
    assert_int_equal(rsn_vocab_encode(a->v, text, n, flags, &ids[0]), REASON_OK);
    assert_int_equal(rsn_vocab_encode(b->v, text, n, flags, &ids[1]), REASON_OK);
    size_t i = 0;
    while (i < ids[0].n && i < ids[1].n && ids[0].items[i] == ids[1].items[i])
        i++;
    if (i < ids[0].n || i < ids[1].n)
        fail_msg("%s: \"%.*s\": ids differ from %zu on", name, (int)n, text, i);
    rsn_free(ids[0].items);
    rsn_free(ids[1].items);
}

static const char *const PARTS[] = {
    "the", " of", "ing", " ", "  ", "\n", "\t", "a", "aaaa", "'s", "12", "3", "\xC3\xA9",
    "e\xCC\x81", "\xE4\xB8\xAD", "\xF0\x9F\x99\x82", "<|end|>", "<think>", "</think>",
    "<s>", "</s>", "<|l|>", "<|r|>", "<|lr|>", "<unk>", "\xFF", ".", "->", "  \n  "};

static void compare_vocabs(const tokenizer *a, const tokenizer *b, const char *name) {
    uint64_t random = 11;
    for (int i = 0; i < 2000; i++) {
        char text[256];
        size_t n = 0;
        for (int k = 0; k < 14; k++) {
            random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
            const char *part = PARTS[(random >> 33) % (sizeof PARTS / sizeof *PARTS)];
            if (i % 3 == 0 && part[0] == '<')
                continue;
            memcpy(text + n, part, strlen(part));
            n += strlen(part);
        }
        compare_text(a, b, name, text, n, (uint32_t)i % 4);
    }
    assert_int_equal(rsn_vocab_size(a->v), rsn_vocab_size(b->v));
    for (int32_t id = 0; (size_t)id < rsn_vocab_size(a->v); id++) {
        assert_int_equal(rsn_vocab_is_special(a->v, id), rsn_vocab_is_special(b->v, id));
        assert_int_equal(rsn_vocab_is_end(a->v, id), rsn_vocab_is_end(b->v, id));
        rsn_text x = rsn_vocab_bytes(a->v, id), y = rsn_vocab_bytes(b->v, id);
        assert_int_equal(x.n, y.n);
        assert_memory_equal(x.data, y.data, x.n);
    }
    assert_int_equal(rsn_vocab_eos(a->v), rsn_vocab_eos(b->v));
    assert_int_equal(rsn_vocab_pad(a->v), rsn_vocab_pad(b->v));
    assert_int_equal(rsn_vocab_adds_bos(a->v), rsn_vocab_adds_bos(b->v));
    assert_int_equal(rsn_vocab_adds_eos(a->v), rsn_vocab_adds_eos(b->v));
}

static void check_round_trip(const char *name) {
    tokenizer first, second;
    hf_folder f;
    if (!try_folder(folder_of(name), &first))
        return;
    make_target(&f);
    if (hf_write(&first.g, first.v, f.path) != REASON_OK)
        fail_msg("%s: %s", name, rsn_last_error());
    open_folder(f.path, &second);
    compare_vocabs(&first, &second, name);
    static const char *const keys[] = {"tokenizer.chat_template",
                                       "tokenizer.chat_template.tool_use",
                                       "tokenizer.ggml.pre", "tokenizer.ggml.model"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const rsn_gguf_pair *a = rsn_gguf_find(&first.g, keys[i]);
        const rsn_gguf_pair *b = rsn_gguf_find(&second.g, keys[i]);
        assert_int_equal(a == NULL, b == NULL);
        if (a)
            assert_string_equal(a->as.text.data, b->as.text.data);
    }
    close_folder(&first);
    close_folder(&second);
    hf_folder_remove(&f);
}

static void test_format_hf_tokenizer_write__round_trips(void **state) {
    static const char *const names[] = {
        "first", "gemma", "gpt2-prefix", "llama2", "llama3", "model-bpe", "model-unigram",
        "older", "pattern", "qwen", "starcoder", "two-patterns", "unigram", "words"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        check_round_trip(names[i]);
}

/* ---- what cannot be written ---- */

static rsn_gguf_pair *change(tokenizer *t, const char *key) {
    return (rsn_gguf_pair *)(uintptr_t)rsn_gguf_find(&t->g, key);
}

/* The texts of a list. */
static rsn_text *texts_of(tokenizer *t, const char *key) {
    return (rsn_text *)(uintptr_t)change(t, key)->as.texts;
}

static void check_refused(tokenizer *t, reason_status wanted, const char *word) {
    hf_folder f;
    make_target(&f);
    reason_status status = hf_write(&t->g, t->v, f.path);
    if (status != wanted || !strstr(rsn_last_error(), word))
        fail_msg("%s instead of %s with %s: %s", rsn_status_name(status),
                 rsn_status_name(wanted), word, rsn_last_error());
    hf_folder_remove(&f);
}

static void test_format_hf_tokenizer_write__refused(void **state) {
    tokenizer t;
    (void)state;
    open_folder(folder_of("qwen"), &t);
    rsn_gguf_pair *pre = change(&t, "tokenizer.ggml.pre");
    rsn_text kept = pre->as.text;
    pre->as.text = (rsn_text){"deepseek-llm", 12};
    check_refused(&t, REASON_ERR_UNSUPPORTED, "deepseek-llm");
    pre->as.text = kept;
    rsn_gguf_pair *model = change(&t, "tokenizer.ggml.model");
    kept = model->as.text;
    model->as.text = (rsn_text){"bert", 4};
    check_refused(&t, REASON_ERR_UNSUPPORTED, "bert");
    model->as.text = (rsn_text){"llama", 5};
    check_refused(&t, REASON_ERR_FORMAT, "tokenizer.ggml.scores");
    model->as.text = kept;
    texts_of(&t, "tokenizer.ggml.tokens")[7] = (rsn_text){"\xFF", 1};
    check_refused(&t, REASON_ERR_UNSUPPORTED, "token 7");
    close_folder(&t);
}

static void test_format_hf_tokenizer_write__no_folder(void **state) {
    tokenizer t;
    rsn_gguf empty = {0};
    const rsn_hf_known none = {-1, -1, -1, -1, false, false, false};
    bool written = true;
    (void)state;
    open_folder(folder_of("qwen"), &t);
    assert_int_equal(hf_write(&t.g, t.v, "/nonexistent/folder"), REASON_ERR_IO);
    close_folder(&t);
    assert_int_equal(rsn_hf_tokenizer_write(&empty, &none, "/nonexistent", &written),
                     REASON_OK);
    assert_false(written);
}

/* A rule of what is no token, as GGUF files may have it, is left out: other readers
 * refuse a whole file for one. */
static void test_format_hf_tokenizer_write__rules_of_no_token(void **state) {
    tokenizer t, second;
    hf_folder f;
    (void)state;
    open_folder(folder_of("qwen"), &t);
    size_t n = change(&t, "tokenizer.ggml.merges")->n;
    texts_of(&t, "tokenizer.ggml.merges")[n - 1] = (rsn_text){"nobody knows", 12};
    make_target(&f);
    assert_int_equal(hf_write(&t.g, t.v, f.path), REASON_OK);
    open_folder(f.path, &second);
    assert_int_equal(change(&second, "tokenizer.ggml.merges")->n, n - 1);
    close_folder(&t);
    close_folder(&second);
    hf_folder_remove(&f);
}

static void test_format_hf_tokenizer_write__failing_allocations(void **state) {
    static const char *const names[] = {"llama3", "older", "model-bpe", "unigram"};
    (void)state;
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        tokenizer t;
        hf_folder f;
        reason_status status = REASON_ERR_NO_MEMORY;
        open_folder(folder_of(names[k]), &t);
        make_target(&f);
        for (size_t i = 1; status != REASON_OK; i++) {
            counted_heap heap;
            heap_begin(&heap, i, false);
            status = hf_write(&t.g, t.v, f.path);
            heap_end();
            assert_int_equal(heap.alive, 0);
            assert_true(status == REASON_OK || status == REASON_ERR_NO_MEMORY);
            assert_true(i < 20000);
        }
        close_folder(&t);
        hf_folder_remove(&f);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_format_hf_tokenizer_write__round_trips),
        cmocka_unit_test(test_format_hf_tokenizer_write__refused),
        cmocka_unit_test(test_format_hf_tokenizer_write__no_folder),
        cmocka_unit_test(test_format_hf_tokenizer_write__rules_of_no_token),
        cmocka_unit_test(test_format_hf_tokenizer_write__failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
