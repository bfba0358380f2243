/* Tokenizers of folders that tests/oracle/make_hf_tokenizers.py made: the ids of every
 * text are those of the packages that made them, and the pairs say what the files say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "format/gguf_keys.h"
#include "format/hf_draft.h"
#include "support/heap.h"
#include "support/hf_plan.h"
#include "text/pretokenize.h"

static const char *const FOLDERS[] = {
    "first",  "gemma", "gpt2-prefix", "llama2", "llama3",  "model-bpe", "model-unigram",
    "older",  "pattern", "qwen",      "starcoder", "two-patterns", "unigram", "words"};
enum { N_FOLDERS = sizeof FOLDERS / sizeof *FOLDERS };

static const char *folder_of(const char *name) {
    static char path[4096];
    const char *source = getenv("REASON_SRCDIR");
    (void)snprintf(path, sizeof path, "%s/tests/data/hf-tokenizers/%s",
                   source ? source : ".", name);
    return path;
}

/* ---- ids ---- */

static size_t read_hex(char *s) {
    size_t n = s[0] == '-' ? 0 : strspn(s, "0123456789abcdef") / 2;
    for (size_t i = 0; i < n; i++) {
        char digits[3] = {s[2 * i], s[2 * i + 1], 0};
        s[i] = (char)strtoul(digits, NULL, 16);
    }
    return n;
}

static void check_line(const rsn_vocab *v, const char *name, char *line, uint32_t flags) {
    char *rest = line + strcspn(line, " \n");
    size_t n = read_hex(line), i = 0;
    rsn_vocab_ids ids = {0};
    assert_int_equal(rsn_vocab_encode(v, line, n, flags, &ids), REASON_OK);
    for (char *at = rest; *at == ' '; i++) {
        long id = strtol(at, &at, 10);
        if (i >= ids.n || ids.items[i] != id)
            fail_msg("%s: \"%.*s\": id %zu of %zu is not %ld", name, (int)n, line, i,
                     ids.n, id);
    }
    if (i != ids.n)
        fail_msg("%s: \"%.*s\": %zu ids instead of %zu", name, (int)n, line, ids.n, i);
    rsn_free(ids.items);
}

static void check_folder(const char *name) {
    rsn_vocab *v;
    char path[4200], line[1 << 14];
    size_t n_lines = 0;
    reason_status status = hf_vocab(folder_of(name), 0, &v);
    if (status == REASON_ERR_UNSUPPORTED && strstr(rsn_last_error(), "without PCRE2"))
        return; /* nor is there anything to compare */
    if (status != REASON_OK)
        fail_msg("%s: %s", name, rsn_last_error());
    (void)snprintf(path, sizeof path, "%s/expected.txt", folder_of(name));
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    /* SentencePiece knows no special tokens in text. */
    uint32_t flags = strncmp(name, "model", 5) == 0 ? 0 : REASON_TOKENS_SPECIAL;
    for (; fgets(line, sizeof line, file); n_lines++) {
        if (strcmp(line, "edges\n") == 0)
            flags |= REASON_TOKENS_BOS_EOS;
        else
            check_line(v, name, line, flags);
    }
    assert_true(n_lines > 60);
    (void)fclose(file);
    rsn_vocab_free(v);
}

static void test_format_hf_tokenizer__ids(void **state) {
    (void)state;
    for (size_t i = 0; i < N_FOLDERS; i++)
        check_folder(FOLDERS[i]);
}

/* ---- pairs ---- */

static void open_plan(const char *name, size_t n_vocab, rsn_gguf *g) {
    if (hf_plan(folder_of(name), n_vocab, g) != REASON_OK)
        fail_msg("%s: %s", name, rsn_last_error());
}

static void check_text(const rsn_gguf *g, const char *key, const char *wanted) {
    const rsn_gguf_pair *p = rsn_gguf_find(g, key);
    if (!p || p->type != RSN_GGUF_STRING || strcmp(p->as.text.data, wanted) != 0)
        fail_msg("%s is not %s", key, wanted);
}

static void check_int(const rsn_gguf *g, const char *key, int64_t wanted) {
    const rsn_gguf_pair *p = rsn_gguf_find(g, key);
    if (!p || p->as.i != wanted)
        fail_msg("%s is %lld, not %lld", key, p ? (long long)p->as.i : -1,
                 (long long)wanted);
}

static int64_t id_of(const rsn_gguf *g, const char *token) {
    const rsn_gguf_pair *p = rsn_gguf_find(g, "tokenizer.ggml.tokens");
    for (size_t i = 0; i < p->n; i++)
        if (p->as.texts[i].n == strlen(token) &&
            memcmp(p->as.texts[i].data, token, p->as.texts[i].n) == 0)
            return (int64_t)i;
    return -1;
}

static int32_t type_of(const rsn_gguf *g, const char *token) {
    const rsn_gguf_pair *p = rsn_gguf_find(g, "tokenizer.ggml.token_type");
    return ((const int32_t *)p->as.items)[id_of(g, token)];
}

static void test_format_hf_tokenizer__byte_level_pairs(void **state) {
    rsn_gguf g;
    (void)state;
    open_plan("qwen", 500, &g);
    check_text(&g, "tokenizer.ggml.model", "gpt2");
    check_text(&g, "tokenizer.ggml.pre", "qwen2");
    check_int(&g, RSN_KEY_NFC, 1);
    check_int(&g, "tokenizer.ggml.eos_token_id", id_of(&g, "<|end|>"));
    check_int(&g, "tokenizer.ggml.padding_token_id", id_of(&g, "<|user|>"));
    check_int(&g, "tokenizer.ggml.add_bos_token", 0);
    assert_null(rsn_gguf_find(&g, "tokenizer.ggml.bos_token_id"));
    assert_null(rsn_gguf_find(&g, "tokenizer.ggml.scores"));
    assert_null(rsn_gguf_find(&g, RSN_KEY_PATTERN));
    assert_non_null(strstr(rsn_gguf_find(&g, "tokenizer.chat_template")->as.text.data,
                           "for m in messages"));
    assert_int_equal(type_of(&g, "<|end|>"), 3);
    assert_int_equal(type_of(&g, "<think>"), 4);
    assert_int_equal(type_of(&g, "t"), 1);
    assert_int_equal(rsn_gguf_find(&g, "tokenizer.ggml.tokens")->n, 500);
    assert_int_equal(id_of(&g, "[PAD499]"), 499);
    assert_int_equal(type_of(&g, "[PAD499]"), 5);
    rsn_arena_free(&g.arena);

    open_plan("llama3", 0, &g);
    check_text(&g, "tokenizer.ggml.pre", "llama-bpe");
    check_int(&g, "tokenizer.ggml.add_bos_token", 1);
    check_text(&g, "tokenizer.chat_template.tool_use",
               "tools {% for m in messages %}<|{{ m.role }}|>{{ m.content }}<|end|>"
               "{% endfor %}");
    assert_int_equal(rsn_gguf_find(&g, "tokenizer.chat_templates")->n, 1);
    rsn_arena_free(&g.arena);

    open_plan("pattern", 0, &g);
    assert_int_equal(rsn_gguf_find(&g, RSN_KEY_PATTERN)->n, 1);
    assert_int_equal(rsn_gguf_find(&g, RSN_KEY_LSTRIP_IDS)->n, 2);
    assert_int_equal(rsn_gguf_find(&g, RSN_KEY_RSTRIP_IDS)->n, 2);
    rsn_arena_free(&g.arena);
}

static void test_format_hf_tokenizer__sentencepiece_pairs(void **state) {
    rsn_gguf g;
    (void)state;
    open_plan("llama2", 0, &g);
    check_text(&g, "tokenizer.ggml.model", "llama");
    check_int(&g, "tokenizer.ggml.bos_token_id", 1);
    check_int(&g, "tokenizer.ggml.unknown_token_id", 0);
    check_int(&g, "tokenizer.ggml.add_space_prefix", 1);
    check_int(&g, "tokenizer.ggml.add_eos_token", 1);
    assert_int_equal(type_of(&g, "<unk>"), 2);
    assert_int_equal(type_of(&g, "</s>"), 3);
    assert_int_equal(type_of(&g, "<0x0A>"), 6);
    /* The first rule makes the token of the best score. */
    const rsn_gguf_pair *scores = rsn_gguf_find(&g, "tokenizer.ggml.scores");
    const rsn_gguf_pair *rules = rsn_gguf_find(&g, RSN_KEY_MERGES);
    size_t n_best = 0;
    for (size_t i = 0; i < scores->n; i++)
        n_best += ((const float *)scores->as.items)[i] >= 0;
    assert_int_equal(n_best, 1);
    assert_true(rules->n > 50);
    rsn_arena_free(&g.arena);

    open_plan("model-unigram", 0, &g);
    check_text(&g, "tokenizer.ggml.model", "t5");
    check_int(&g, "tokenizer.ggml.remove_extra_whitespaces", 1);
    assert_null(rsn_gguf_find(&g, "tokenizer.ggml.add_bos_token"));
    rsn_arena_free(&g.arena);
}

/* All ids of a list end a generation, and the template file goes before the others. */
static void test_format_hf_tokenizer__older_files(void **state) {
    rsn_gguf g;
    rsn_vocab *v;
    (void)state;
    open_plan("older", 0, &g);
    check_text(&g, "tokenizer.ggml.pre", "qwen2");
    int64_t end = id_of(&g, "<|end|>"), user = id_of(&g, "<|user|>");
    check_int(&g, "tokenizer.ggml.eos_token_id", end);
    assert_non_null(strstr(rsn_gguf_find(&g, "tokenizer.chat_template")->as.text.data,
                           "for m in messages"));
    assert_int_equal(rsn_vocab_load(&g, &v), REASON_OK);
    assert_true(rsn_vocab_is_end(v, (int32_t)end));
    assert_true(rsn_vocab_is_end(v, (int32_t)user));
    assert_false(rsn_vocab_is_end(v, (int32_t)id_of(&g, "<think>")));
    assert_int_equal(type_of(&g, "<|user|>"), 3);
    assert_int_equal(type_of(&g, "<think>"), 4);
    rsn_vocab_free(v);
    rsn_arena_free(&g.arena);
}

/* ---- the two tables of pre-tokenizers ---- */

/* Every name whose patterns are known is one that cuts texts, with the same word on whole
 * tokens, and its patterns get a name that means the same. */
static void test_format_hf_tokenizer__names_of_patterns(void **state) {
    static const char *const names[] = {
        "gpt-2",  "llama-bpe", "smaug-bpe", "qwen2",       "qwen35",         "seed-coder",
        "tekken", "gpt-4o",    "minicpm5",  "deepseek-v3", "deepseek-coder", "falcon",
        "smollm", "jina-v2-de", "deepseek-r1-qwen"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *patterns[RSN_HF_MAX_PATTERNS];
        rsn_text texts[RSN_HF_MAX_PATTERNS];
        bool whole, again;
        const rsn_text name = {names[i], strlen(names[i])};
        size_t n = rsn_hf_pattern_find(name, patterns, &whole);
        assert_true(n > 0);
        const rsn_pretokenizer *pre = rsn_pretokenizer_find(names[i]);
        assert_non_null(pre);
        assert_int_equal(pre->whole_tokens, whole);
        for (size_t k = 0; k < n; k++)
            texts[k] = (rsn_text){patterns[k], strlen(patterns[k])};
        rsn_text found = rsn_hf_pattern_name(texts, n, whole, &again);
        char found_name[64] = "";
        memcpy(found_name, found.data, found.n);
        assert_ptr_equal(rsn_pretokenizer_find(found_name), pre);
        assert_int_equal(again, whole);
    }
}

/* ---- memory ---- */

static void test_format_hf_tokenizer__failing_allocations(void **state) {
    static const char *const names[] = {"older", "llama2", "model-bpe", "first"};
    (void)state;
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        reason_status status = REASON_ERR_NO_MEMORY;
        for (size_t i = 1; status != REASON_OK; i++) {
            counted_heap heap;
            rsn_vocab *v;
            heap_begin(&heap, i, false);
            status = hf_vocab(folder_of(names[k]), 0, &v);
            rsn_vocab_free(v);
            heap_end();
            assert_int_equal(heap.alive, 0);
            assert_true(status == REASON_OK || status == REASON_ERR_NO_MEMORY);
            assert_true(i < 20000);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_format_hf_tokenizer__ids),
        cmocka_unit_test(test_format_hf_tokenizer__byte_level_pairs),
        cmocka_unit_test(test_format_hf_tokenizer__sentencepiece_pairs),
        cmocka_unit_test(test_format_hf_tokenizer__older_files),
        cmocka_unit_test(test_format_hf_tokenizer__names_of_patterns),
        cmocka_unit_test(test_format_hf_tokenizer__failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
