/* Where a text is cut: chunks, documents, and the begin of text in front of each. The
 * vocabulary has a token for every byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/alloc.h"
#include "convert/chunks.h"
#include "support/gguf_build.h"

enum { BOS = TINY_ENDOFTEXT };

static rsn_model *plain, *with_bos;

static rsn_model *open_tiny(bool bos) {
    gguf_bytes pairs = {0};
    gguf_put_u32(&pairs, "tokenizer.ggml.bos_token_id", BOS);
    tiny_options o = {.n_layers = 1, .n_ctx = 64, .pairs = &pairs, .n_pairs = 1};
    rsn_model *model = NULL;
    tiny_model m;
    tiny_model_make("llama", &o, &m);
    m.file.data[gguf_find_value(&m.file, "tokenizer.ggml.add_bos_token")] = bos;
    char *path = gguf_save(&m.file);
    if (reason_model_open(path, NULL, &model) != REASON_OK)
        fail_msg("%s", reason_last_error());
    gguf_remove(path);
    tiny_model_free(&m);
    gguf_free(&pairs);
    return model;
}

static int set_up(void **state) {
    (void)state;
    plain = open_tiny(false);
    with_bos = open_tiny(true);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    reason_model_free(plain);
    reason_model_free(with_bos);
    return 0;
}

/* Capitals, which no merge joins. */
static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

static rsn_chunks make(const rsn_model *model, const rsn_chunks_setup *setup) {
    rsn_chunks c;
    if (rsn_chunks_make(model, setup, &c) != REASON_OK)
        fail_msg("%s", reason_last_error());
    return c;
}

/* The chunks as text, a bar behind each, '<' for the begin of text. */
static void check(const rsn_model *model, const rsn_chunks_setup *setup,
                  const char *expected) {
    rsn_chunks c = make(model, setup);
    char text[256];
    size_t n = 0, n_tokens = 0, longest = 0;
    for (size_t i = 0; i < c.n; i++) {
        for (size_t t = 0; t < c.items[i].n; t++) {
            rsn_text bytes = rsn_vocab_bytes(model->vocab, c.items[i].tokens[t]);
            bool bos = c.items[i].tokens[t] == BOS;
            assert_true(bos || bytes.n == 1);
            text[n++] = bos ? '<' : bytes.data[0];
        }
        text[n++] = '|';
        n_tokens += c.items[i].n;
        longest = c.items[i].n > longest ? c.items[i].n : longest;
    }
    text[n] = '\0';
    assert_string_equal(text, expected);
    assert_int_equal(c.n_tokens, n_tokens);
    assert_int_equal(c.longest, longest);
    rsn_chunks_free(&c);
}

static rsn_chunks_setup setup_of(const char *text, size_t size) {
    return (rsn_chunks_setup){
        .text = text, .n_bytes = strlen(text), .size = size, .least = 1};
}

static void test_convert_chunks__sizes(void **state) {
    (void)state;
    rsn_chunks_setup s = setup_of(letters, 8);
    check(plain, &s, "ABCDEFGH|IJKLMNOP|QRSTUVWX|");
    check(with_bos, &s, "<ABCDEFG|<IJKLMNO|<QRSTUVW|");
    s.size = 13;
    check(plain, &s, "ABCDEFGHIJKLM|NOPQRSTUVWXYZ|");
    s.size = 26;
    check(plain, &s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ|");
    s.size = 1000; /* shorter than a chunk */
    check(plain, &s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ|");
    check(with_bos, &s, "<ABCDEFGHIJKLMNOPQRSTUVWXYZ|");
    s.size = 8;
    s.most = 2;
    check(plain, &s, "ABCDEFGH|IJKLMNOP|");
    s.most = 4;
    check(plain, &s, "ABCDEFGH|IJKLMNOP|QRSTUVWX|");
}

static void test_convert_chunks__documents(void **state) {
    (void)state;
    rsn_chunks_setup s = setup_of("ABC##DEFGHIJKL####M#N##", 4);
    s.separator = "##";
    s.least = 2;
    check(plain, &s, "ABC|DEFG|HIJK|M#N|");
    check(with_bos, &s, "<ABC|<DEF|<HIJ|<M#N|");
    s.least = 4;
    check(plain, &s, "DEFG|HIJK|");
    s.most = 1;
    check(plain, &s, "DEFG|");
    rsn_chunks_setup t = setup_of("##", 4);
    t.separator = "##";
    check(with_bos, &t, "<|<|"); /* two empty documents */
    t = setup_of("AB#", 4);
    t.separator = "##";
    check(plain, &t, "AB#|");
    t.separator = "a separator that is longer than the text";
    check(plain, &t, "AB#|");
    t.separator = "A";
    check(plain, &t, "B#|");
}

static void test_convert_chunks__special(void **state) {
    (void)state;
    rsn_chunks_setup s = setup_of("A<think>B", 100);
    rsn_chunks c = make(plain, &s);
    assert_true(c.n_text > 3);
    rsn_chunks_free(&c);
    s.special = true;
    c = make(plain, &s);
    assert_int_equal(c.n_text, 3);
    assert_int_equal(c.tokens[1], TINY_THINK);
    rsn_chunks_free(&c);
}

static void refuse(const rsn_model *model, const rsn_chunks_setup *setup,
                   reason_status status, const char *words) {
    rsn_chunks c;
    assert_int_equal(rsn_chunks_make(model, setup, &c), status);
    if (!strstr(reason_last_error(), words))
        fail_msg("\"%s\" does not say \"%s\"", reason_last_error(), words);
    assert_null(c.tokens);
    assert_null(c.items);
}

static void test_convert_chunks__refused(void **state) {
    (void)state;
    rsn_chunks_setup s = setup_of("", 8);
    s.least = 2;
    refuse(plain, &s, REASON_ERR_INVALID_ARG, "a text of 0 tokens, at least 2 expected");
    refuse(with_bos, &s, REASON_ERR_INVALID_ARG, "a text of 1 tokens");
    s = setup_of("A#BC#", 8);
    s.separator = "#";
    s.least = 3;
    refuse(plain, &s, REASON_ERR_INVALID_ARG, "a text of 2 tokens, at least 3 expected");
    s.separator = "";
    refuse(plain, &s, REASON_ERR_INVALID_ARG, "separator of documents is empty");
    s = setup_of(letters, 2);
    s.least = 3;
    refuse(plain, &s, REASON_ERR_LIMIT, "chunks of 2 tokens");
}

/* --- who is told -------------------------------------------------------------------- */

static int stop_at(void *user, const char *stage, uint64_t done, uint64_t total) {
    assert_string_equal(stage, "stage");
    assert_int_equal(total, 10);
    return done >= *(uint64_t *)user;
}

static void test_convert_chunks__watch(void **state) {
    (void)state;
    struct reason_cancel_token token;
    atomic_init(&token.set, false);
    rsn_cancel cancel = {.token = &token};
    uint64_t last = 5;
    rsn_watch w = {"stage", &cancel, stop_at, &last, 0, 10};
    assert_int_equal(rsn_watch_begin(&w), REASON_OK);
    assert_int_equal(rsn_watch_report(&w, 4), REASON_OK);
    assert_int_equal(rsn_watch_report(&w, 1), REASON_ERR_CANCELLED);
    assert_non_null(strstr(reason_last_error(), "5 of 10 tokens"));
    w.progress = NULL;
    assert_int_equal(rsn_watch_report(&w, 1), REASON_OK);
    atomic_store(&token.set, true);
    assert_int_equal(rsn_watch_report(&w, 0), REASON_ERR_CANCELLED);
    assert_int_equal(rsn_watch_begin(&w), REASON_ERR_CANCELLED);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_convert_chunks__sizes),
        cmocka_unit_test(test_convert_chunks__documents),
        cmocka_unit_test(test_convert_chunks__special),
        cmocka_unit_test(test_convert_chunks__refused),
        cmocka_unit_test(test_convert_chunks__watch),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
