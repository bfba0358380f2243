/* A vocabulary as a whole: special ids, text with special tokens, round trips, damaged
 * sources, memory that fails, and another engine's ids for its own test texts. */
#include "text/vocab.h"

#include <math.h>
#include <pthread.h>

#include "charsmap_fixture.h"
#include "text/detokenize.h"

static const char *const PRES[] = {"gpt-2",        "llama-bpe",   "qwen2",  "qwen35",
                                   "deepseek-llm", "deepseek-v3", "gpt-4o", "default"};
enum { N_PRES = sizeof PRES / sizeof *PRES };

static int32_t find(const rsn_vocab *v, const char *spelling) {
    return rsn_vocab_find(v, spelling, strlen(spelling));
}

/* Checks the ids of a text, given as their spellings. */
static void check_ids(const rsn_vocab *v, const char *text, uint32_t flags,
                      const char *const *expected, size_t n_expected) {
    rsn_vocab_ids ids = {0};
    assert_int_equal(rsn_vocab_encode(v, text, strlen(text), flags, &ids), REASON_OK);
    assert_int_equal(ids.n, n_expected);
    for (size_t i = 0; i < n_expected; i++)
        assert_int_equal(ids.items[i], find(v, expected[i]));
    rsn_free(ids.items);
}
#define CHECK_IDS(v, text, flags, ...)                                             \
    check_ids(v, text, flags, (const char *const[]){__VA_ARGS__},                  \
              sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

/* ---- what a vocabulary says of itself ---- */

static void test_text_vocab__asking(void **state) {
    (void)state;
    fixture f;
    fixture_small(&f, "qwen2");
    int32_t unk = fixture_tokenz(&f, "<unk>", 2);
    f.src.unk = unk;
    rsn_vocab *v = fixture_new(&f);
    assert_int_equal(rsn_vocab_size(v), f.src.n_tokens);
    assert_int_equal(rsn_vocab_bos(v), f.src.bos);
    assert_int_equal(rsn_vocab_eos(v), f.src.eos);
    assert_int_equal(rsn_vocab_pad(v), f.src.pad);
    assert_int_equal(rsn_vocab_unk(v), unk);
    assert_int_equal(rsn_vocab_eot(v), -1);
    assert_int_equal(rsn_vocab_eom(v), -1);
    int32_t start = find(v, "<|im_start|>"), think = find(v, "<think>");
    assert_true(rsn_vocab_is_control(v, start) && rsn_vocab_is_special(v, start));
    assert_true(!rsn_vocab_is_control(v, think) && rsn_vocab_is_special(v, think));
    assert_true(rsn_vocab_is_control(v, unk));
    assert_false(rsn_vocab_is_special(v, 'a'));
    assert_memory_equal(rsn_vocab_bytes(v, think).data, "<think>", 7);
    rsn_text the = rsn_vocab_bytes(v, find(v, "\xC4\xA0the"));
    assert_int_equal(the.n, 4);
    assert_memory_equal(the.data, " the", 4);
    int32_t outside[] = {-1, INT32_MIN, INT32_MAX, (int32_t)rsn_vocab_size(v)};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(rsn_vocab_bytes(v, outside[i]).n, 0);
        assert_false(rsn_vocab_is_control(v, outside[i]));
        assert_false(rsn_vocab_is_special(v, outside[i]));
        assert_false(rsn_vocab_is_end(v, outside[i]));
    }
    assert_int_equal(find(v, "<thin"), -1);
    assert_int_equal(find(v, ""), -1);
    fixture_free(&f);
    rsn_vocab_free(v);
    rsn_vocab_free(NULL);
}

static void test_text_vocab__ends(void **state) {
    (void)state;
    static const char *const ends[] = {
        "<|im_end|>",    "<|eot_id|>", "<|end_of_text|>", "</s>",
        "<|endoftext|>", "<|end|>",    "<end_of_turn>",   "<eos>"};
    fixture f;
    fixture_init(&f, "qwen2");
    fixture_alphabet(&f);
    for (size_t i = 0; i < 8; i++) fixture_tokenz(&f, ends[i], 3);
    int32_t user = fixture_tokenz(&f, "<|eom_id|>", 4);
    int32_t other = fixture_tokenz(&f, "<|im_start|>", 3);
    f.src.eos = 'e';
    f.src.eot = 't';
    f.src.eom = 'm';
    f.src.pad = f.src.bos = 'p';
    rsn_vocab *v = fixture_new(&f);
    for (size_t i = 0; i < 8; i++) assert_true(rsn_vocab_is_end(v, find(v, ends[i])));
    assert_true(rsn_vocab_is_end(v, 'e') && rsn_vocab_is_end(v, 't'));
    assert_true(rsn_vocab_is_end(v, 'm'));
    assert_false(rsn_vocab_is_end(v, user)); /* not a control token */
    assert_false(rsn_vocab_is_end(v, other));
    assert_false(rsn_vocab_is_end(v, 'p'));
    rsn_vocab_free(v);
    /* With <|return|> there, <|end|> only ends a part. */
    int32_t whole = fixture_tokenz(&f, "<|return|>", 3);
    v = fixture_new(&f);
    assert_true(rsn_vocab_is_end(v, whole));
    assert_false(rsn_vocab_is_end(v, find(v, "<|end|>")));
    rsn_vocab_free(v);
    fixture_free(&f);
}

/* ---- encoding ---- */

static void test_text_vocab__special_tokens_in_text(void **state) {
    (void)state;
    rsn_vocab *v = fixture_small_vocab("qwen2");
    CHECK_IDS(v, "<think>the</think>", REASON_TOKENS_SPECIAL, "<think>", "the",
              "</think>");
    CHECK_IDS(v, "<think>", 0, "<", "th", "in", "k", ">");
    CHECK_IDS(v, "a<|im_end|><|im_end|>a", REASON_TOKENS_SPECIAL, "a", "<|im_end|>",
              "<|im_end|>", "a");
    CHECK_IDS(v, "<|im_end|", REASON_TOKENS_SPECIAL, "<", "|", "i", "m", "_", "e", "n",
              "d", "|");
    rsn_vocab_free(v);
    /* Of tokens that overlap the first begun wins, of those begun together the longest.
     */
    fixture f;
    fixture_init(&f, "qwen2");
    fixture_alphabet(&f);
    fixture_tokenz(&f, "<a", 3);
    fixture_tokenz(&f, "<a>", 4);
    fixture_tokenz(&f, "a><", 3);
    fixture_tokenz(&f, "><b", 3);
    v = fixture_new(&f);
    CHECK_IDS(v, "<a><b", REASON_TOKENS_SPECIAL, "<a>", "<", "b");
    CHECK_IDS(v, "<a<a>a><", REASON_TOKENS_SPECIAL, "<a", "<a>", "a><");
    CHECK_IDS(v, "xa><b", REASON_TOKENS_SPECIAL, "x", "a><", "b");
    fixture_free(&f);
    rsn_vocab_free(v);
}

static void test_text_vocab__begin_and_end(void **state) {
    (void)state;
    for (int add = 0; add < 4; add++) {
        fixture f;
        fixture_small(&f, "qwen2");
        f.src.add_bos = add & 1;
        f.src.add_eos = (add & 2) != 0;
        rsn_vocab *v = fixture_new(&f);
        assert_int_equal(rsn_vocab_adds_eos(v), (add & 2) != 0);
        for (uint32_t flags = 0; flags < 4; flags++) {
            rsn_vocab_ids ids = {0};
            bool both = flags & REASON_TOKENS_BOS_EOS;
            assert_int_equal(rsn_vocab_encode(v, "a", 1, flags, &ids), REASON_OK);
            size_t bos = both && (add & 1), eos = both && (add & 2);
            assert_int_equal(ids.n, 1 + bos + eos);
            assert_int_equal(ids.items[bos], 'a');
            if (bos) assert_int_equal(ids.items[0], f.src.bos);
            if (eos) assert_int_equal(ids.items[ids.n - 1], f.src.eos);
            rsn_free(ids.items);
        }
        rsn_vocab_free(v);
        f.src.bos = f.src.eos = -1; /* asked for but not there: nothing is added */
        v = fixture_new(&f);
        assert_false(rsn_vocab_adds_eos(v));
        CHECK_IDS(v, "a", REASON_TOKENS_BOS_EOS, "a");
        rsn_vocab_free(v);
        fixture_free(&f);
    }
}

static void test_text_vocab__appends_and_takes_nothing(void **state) {
    (void)state;
    rsn_vocab *v = fixture_small_vocab("gpt-2");
    rsn_vocab_ids ids = {0};
    assert_int_equal(rsn_vocab_encode(v, NULL, 0, 3, &ids), REASON_OK);
    assert_int_equal(ids.n, 0);
    assert_int_equal(rsn_vocab_encode(v, "a", 1, 0, &ids), REASON_OK);
    assert_int_equal(rsn_vocab_encode(v, "b", 1, REASON_TOKENS_SPECIAL, &ids), REASON_OK);
    assert_int_equal(ids.n, 2);
    assert_int_equal(ids.items[0], 'a');
    assert_int_equal(ids.items[1], 'b');
    /* Refused before a byte of it is read. */
    assert_int_equal(rsn_vocab_encode(v, "x", RSN_VOCAB_MAX_TEXT + 1, 0, &ids),
                     REASON_ERR_LIMIT);
    assert_int_equal(ids.n, 2);
    rsn_free(ids.items);
    rsn_vocab_free(v);
}

/* ---- round trips ---- */

/* Without assertions, because threads use it. */
static bool round_trips(const rsn_vocab *v, const char *s, size_t n, uint32_t flags) {
    rsn_vocab_ids ids = {0};
    rsn_str back = {0};
    bool same = rsn_vocab_encode(v, s, n, flags, &ids) == REASON_OK;
    /* Plain text never becomes a special token. */
    for (size_t i = 0; i < ids.n && !(flags & REASON_TOKENS_SPECIAL); i++)
        same = same && !rsn_vocab_is_special(v, ids.items[i]);
    same = same && rsn_vocab_decode(v, ids.items, ids.n, flags, &back) == REASON_OK;
    same = same && back.n == n && memcmp(rsn_str_text(&back), s, n) == 0;
    rsn_free(ids.items);
    rsn_str_free(&back);
    return same;
}

static void test_text_vocab__round_trips(void **state) {
    (void)state;
    static const char *const parts[] = {"<|im_end|>",
                                        "<think>", "<|im_", "the", " ", "\n", "aaaa",
                                        "\xC3\xA9", "\xE2\x82", "\xE2\x82\xAC",
                                        "\xF0\x9F\x99\x82", "\xF0\x9F", "\xED\xA0\x80",
                                        "\xC0\xAF", "\xFF", "\x80", "\xF4\x90\x80\x80",
                                        "\xE0\x80\x80", "\xF8\x88\x80\x80\x80",
                                        "\xC4\xA0", "'s", "10",
                                        "\r\n"};
    for (int p = 0; p < N_PRES; p++) {
        rsn_vocab *v = fixture_small_vocab(PRES[p]);
        for (int a = 0; a < 256; a++) {
            char s[2] = {(char)a, 0};
            assert_true(round_trips(v, s, 1, 0));
            for (int b = 0; b < 256; b++) {
                s[1] = (char)b;
                assert_true(round_trips(v, s, 2, (uint32_t)b & 1));
            }
        }
        uint64_t random = 31;
        for (int i = 0; i < 4000; i++) {
            char s[512];
            size_t n = 0, want = fixture_random(&random) % 40;
            for (size_t k = 0; k < want; k++) {
                size_t which = fixture_random(&random) % (sizeof parts / sizeof *parts);
                const char *part = parts[which];
                if (fixture_random(&random) % 2) {
                    memcpy(s + n, part, strlen(part));
                    n += strlen(part);
                } else {
                    s[n++] = (char)fixture_random(&random);
                }
            }
            assert_true(round_trips(v, s, n, fixture_random(&random) & 1));
        }
        rsn_vocab_free(v);
    }
}

/* ---- SentencePiece ---- */

#define SP "\xE2\x96\x81"

static void test_text_vocab__space_prefix(void **state) {
    (void)state;
    fixture f;
    fixture_pieces(&f, "llama", true);
    rsn_vocab *v = fixture_new(&f); /* the family's habit: a space, a begin, no end */
    assert_true(rsn_vocab_adds_space(v));
    CHECK_IDS(v, "the ing", 0, SP "the", SP, "ing");
    CHECK_IDS(v, " the", 0, SP, SP "the");
    CHECK_IDS(v, "the", REASON_TOKENS_BOS_EOS, "<s>", SP "the");
    CHECK_IDS(v, "the", RSN_VOCAB_GOES_ON, "t", "he");
    CHECK_IDS(v, "</s>", 0, SP, "<0x3C>", "<0x2F>", "<0x73>", "<0x3E>");
    /* Each text between special tokens is one of its own, an empty one is none. */
    CHECK_IDS(v, "<s>the<think> the</think></s>b", REASON_TOKENS_SPECIAL, "<s>",
              SP "the", "<think>", SP, SP "the", "</think>", "</s>", SP "b");
    CHECK_IDS(v, "<s>the<think>", REASON_TOKENS_SPECIAL | RSN_VOCAB_GOES_ON, "<s>", "t",
              "he", "<think>");
    rsn_vocab_ids ids = {0};
    assert_int_equal(rsn_vocab_encode(v, "", 0, 3, &ids), REASON_OK);
    assert_int_equal(ids.n, 1); /* the begin of text alone */
    rsn_free(ids.items);
    rsn_vocab_free(v);
    f.src.space_prefix = 0;
    f.src.add_bos = 0;
    f.src.add_eos = 1;
    v = fixture_new(&f);
    assert_false(rsn_vocab_adds_space(v));
    CHECK_IDS(v, "the<think>in", 3, "t", "he", "<think>", "in", "</s>");
    rsn_vocab_free(v);
    f.src.model = "t5"; /* no space, no begin, an end */
    f.src.space_prefix = f.src.add_bos = f.src.add_eos = -1;
    f.src.eos = 2;
    v = fixture_new(&f);
    assert_false(rsn_vocab_adds_space(v));
    CHECK_IDS(v, "an", REASON_TOKENS_BOS_EOS, "an", "</s>");
    rsn_vocab_free(v);
    fixture_free(&f);
}

/* With byte tokens every byte string comes back, also where special tokens are found and
 * spaces added; but for U+2581, which is a space (below). */
static void test_text_vocab__pieces_round_trip(void **state) {
    (void)state;
    static const char *const parts[] = {
        "<s>", "</s>",   "<think>", "</think>", "<unk>", " ",
        "  ",  " the",   "ing",     "\xE2\x96\x82", "\xE2", "\n",
        "b",   "<0x41>", "<0x0A>",  "\xE2\x96", "\x82",  "\xFF"};
    for (int kind = 0; kind < 4; kind++) {
        fixture f;
        fixture_pieces(&f, kind % 2 ? "t5" : "llama", true);
        f.src.space_prefix = kind < 2;
        rsn_vocab *v = fixture_new(&f);
        uint64_t random = 31;
        for (int i = 0; i < 4000; i++) {
            char s[512];
            size_t n = 0, want = fixture_random(&random) % 20;
            for (size_t k = 0; k < want; k++) {
                const char *part =
                    parts[fixture_random(&random) % (sizeof parts / sizeof *parts)];
                if (fixture_random(&random) % 4) {
                    memcpy(s + n, part, strlen(part));
                    n += strlen(part);
                } else {
                    s[n++] = (char)fixture_random(&random);
                }
            }
            assert_true(round_trips(v, s, n, fixture_random(&random) & 1));
        }
        rsn_vocab_free(v);
        fixture_free(&f);
    }
}

/* As in SentencePiece and in the tokenizers package. */
static void test_text_vocab__the_sign_for_a_space_is_one(void **state) {
    (void)state;
    static const char *const texts[][2] = {{"a" SP "b", "a b"},
                                           {SP SP " the", "   the"},
                                           {"ing" SP, "ing "},
                                           {"\xE2\x96" SP "\x81", "\xE2\x96 \x81"}};
    for (int kind = 0; kind < 2; kind++) {
        fixture f;
        fixture_pieces(&f, kind ? "t5" : "llama", true);
        rsn_vocab *v = fixture_new(&f);
        for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
            rsn_vocab_ids ids[2] = {{0}};
            for (int k = 0; k < 2; k++)
                assert_int_equal(rsn_vocab_encode(v, texts[i][k], strlen(texts[i][k]), 0,
                                                  &ids[k]),
                                 REASON_OK);
            assert_int_equal(ids[0].n, ids[1].n);
            assert_memory_equal(ids[0].items, ids[1].items, ids[0].n * sizeof(int32_t));
            rsn_free(ids[0].items);
            rsn_free(ids[1].items);
        }
        rsn_vocab_free(v);
        fixture_free(&f);
    }
}

static void test_text_vocab__unknown_characters(void **state) {
    (void)state;
    fixture f;
    fixture_pieces(&f, "llama", false);
    rsn_vocab *v = fixture_new(&f);
    assert_int_equal(rsn_vocab_unk(v), 0); /* its type says so, no key does */
    assert_true(rsn_vocab_is_unknown(v, 0));
    assert_false(rsn_vocab_is_unknown(v, 1));
    CHECK_IDS(v, "xyz axb", 0, SP, "<unk>", SP "a", "<unk>", "b");
    rsn_vocab_ids ids = {0};
    rsn_str text = {0};
    assert_int_equal(rsn_vocab_encode(v, "ax b", 4, 0, &ids), REASON_OK);
    assert_int_equal(rsn_vocab_decode(v, ids.items, ids.n, REASON_TOKENS_SPECIAL, &text),
                     REASON_OK);
    assert_string_equal(rsn_str_text(&text), "a<unk> b"); /* the space is the text's */
    rsn_str_free(&text);
    rsn_free(ids.items);
    rsn_vocab_free(v);
    fixture_free(&f);
}

/* Ids that the family takes where the file has none count only for control tokens. */
static void test_text_vocab__default_ids(void **state) {
    (void)state;
    fixture f;
    fixture_pieces(&f, "llama", true);
    rsn_vocab *v = fixture_new(&f);
    assert_int_equal(rsn_vocab_bos(v), 1);
    assert_int_equal(rsn_vocab_eos(v), 2);
    assert_true(rsn_vocab_is_end(v, 2));
    rsn_vocab_free(v);
    f.types[2] = 1;
    v = fixture_new(&f);
    assert_int_equal(rsn_vocab_eos(v), -1);
    rsn_vocab_free(v);
    fixture_free(&f);
    /* A vocabulary of one token: no id of the family is in it. */
    static const char *const models[] = {"llama", "t5"};
    for (int i = 0; i < 2; i++) {
        fixture_init(&f, NULL);
        f.src.model = models[i];
        f.src.add_bos = f.src.add_eos = 1;
        fixture_scored(&f, "a", 1, 2, 0);
        v = fixture_new(&f);
        assert_int_equal(rsn_vocab_bos(v), -1);
        assert_int_equal(rsn_vocab_eos(v), -1);
        assert_int_equal(rsn_vocab_unk(v), 0);
        CHECK_IDS(v, "xyz", 3, "a");
        rsn_vocab_free(v);
        f.types[0] = 1;
        v = (rsn_vocab *)(uintptr_t)&f;
        assert_int_equal(rsn_vocab_new(&f.src, &v), REASON_ERR_UNSUPPORTED);
        assert_non_null(strstr(rsn_last_error(), "<0x00>"));
        assert_null(v);
        fixture_free(&f);
    }
}

/* ---- damaged sources ---- */

static void refuse(const fixture *f, reason_status status, const char *part) {
    rsn_vocab *v = (rsn_vocab *)(uintptr_t)f;
    assert_int_equal(rsn_vocab_new(&f->src, &v), status);
    assert_null(v);
    if (!strstr(rsn_last_error(), part))
        fail_msg("\"%s\" does not say \"%s\"", rsn_last_error(), part);
}

static void test_text_vocab__models_that_are_not_there(void **state) {
    (void)state;
    static const char *const models[] = {"bert", "rwkv", "plamo2", "", "GPT2", "gpt2 "};
    static const char *const pres[] = {"gpt2", "kimi-k2", "qwen2 ", "unheard-of"};
    fixture f;
    fixture_small(&f, "qwen2");
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        f.src.model = models[i];
        refuse(&f, REASON_ERR_UNSUPPORTED, models[i]);
        refuse(&f, REASON_ERR_UNSUPPORTED, "gpt2 (byte-level BPE), llama");
    }
    f.src.model = NULL;
    refuse(&f, REASON_ERR_UNSUPPORTED, "tokenizer.ggml.model is absent");
    f.src.model = "gpt2";
    for (size_t i = 0; i < sizeof pres / sizeof *pres; i++) {
        f.src.pre = pres[i];
        refuse(&f, REASON_ERR_UNSUPPORTED, pres[i]);
    }
    fixture_free(&f);
}

/* A file that names no pre-tokenizer is taken as other engines take it. */
static void test_text_vocab__no_pre_tokenizer(void **state) {
    (void)state;
    static const char *const pres[] = {NULL, "", "default"};
    for (size_t i = 0; i < sizeof pres / sizeof *pres; i++) {
        fixture f;
        fixture_small(&f, pres[i]);
        f.src.add_bos = -1;
        rsn_vocab *v = fixture_new(&f);
        CHECK_IDS(v, "an 10", REASON_TOKENS_BOS_EOS, "an", "\xC4\xA0", "10");
        rsn_vocab_free(v);
        fixture_free(&f);
    }
}

static void test_text_vocab__ids_and_types_that_do_not_fit(void **state) {
    (void)state;
    fixture f;
    fixture_small(&f, "qwen2");
    struct {
        int64_t *id;
        const char *key;
    } ids[] = {{&f.src.bos, "bos_token_id"},     {&f.src.eos, "eos_token_id"},
               {&f.src.eot, "eot_token_id"},     {&f.src.eom, "eom_token_id"},
               {&f.src.unk, "unknown_token_id"}, {&f.src.pad, "padding_token_id"}};
    int64_t bad[] = {(int64_t)f.src.n_tokens, -2, INT64_MAX, INT64_MIN, (int64_t)1 << 32};
    for (size_t i = 0; i < 6; i++) {
        int64_t kept = *ids[i].id;
        for (size_t k = 0; k < 5; k++) {
            *ids[i].id = bad[k];
            refuse(&f, REASON_ERR_FORMAT, ids[i].key);
        }
        *ids[i].id = kept;
    }
    f.src.n_types--;
    refuse(&f, REASON_ERR_FORMAT, "tokenizer.ggml.token_type has 283");
    refuse(&f, REASON_ERR_FORMAT, "tokenizer.ggml.tokens 284");
    f.src.n_types = 0;
    refuse(&f, REASON_ERR_FORMAT, "tokenizer.ggml.token_type has 0");
    f.src.types = NULL; /* absent: all are normal */
    rsn_vocab *v = fixture_new(&f);
    assert_false(rsn_vocab_is_special(v, find(v, "<think>")));
    rsn_vocab_free(v);
    size_t n_tokens = f.src.n_tokens;
    f.src.n_tokens = 0;
    refuse(&f, REASON_ERR_FORMAT, "tokenizer.ggml.tokens");
    f.src.n_tokens = n_tokens;
    fixture_free(&f);
    fixture_init(&f, "qwen2");
    fixture_tokenz(&f, "a", 1);
    refuse(&f, REASON_ERR_UNSUPPORTED, "byte 0x00");
    f.src.unk = 0;
    v = fixture_new(&f);
    CHECK_IDS(v, "xay", 0, "a", "a", "a");
    rsn_vocab_free(v);
    fixture_free(&f);
}

static void test_text_vocab__scores_that_do_not_fit(void **state) {
    (void)state;
    static const char *const models[] = {"llama", "t5"};
    for (int i = 0; i < 2; i++) {
        fixture f;
        fixture_pieces(&f, models[i], true);
        float kept = f.scores[7];
        static const float bad[] = {NAN, INFINITY, -INFINITY};
        for (int k = 0; k < 3; k++) {
            f.scores[7] = bad[k];
            refuse(&f, REASON_ERR_FORMAT, "tokenizer.ggml.scores[7] is");
        }
        f.scores[7] = kept;
        f.src.n_scores--;
        refuse(&f, REASON_ERR_FORMAT, "tokenizer.ggml.scores has");
        refuse(&f, REASON_ERR_FORMAT, "tokenizer.ggml.tokens");
        f.src.scores = NULL;
        f.src.n_scores = 0;
        refuse(&f, REASON_ERR_FORMAT, "tokenizer.ggml.scores has 0");
        fixture_free(&f);
    }
}

/* ---- memory ---- */

static void fail_each_allocation(const fixture *f) {
    static const char text[] =
        "<think>in the beginning</think><|im_end|> and aaaaab banana";
    bool done = false;
    long points = 0;
    for (long at = 1; !done; at++) {
        fixture_memory memory = {.fail = at};
        fixture_hook(&memory);
        rsn_vocab *v = NULL;
        reason_status status = rsn_vocab_new(&f->src, &v);
        done = memory.calls < at;
        assert_int_equal(status, done ? REASON_OK : REASON_ERR_NO_MEMORY);
        assert_int_equal(v == NULL, !done);
        rsn_vocab_free(v);
        assert_int_equal(memory.live, 0);
        points++;
    }
    assert_true(points > 10);
    rsn_alloc_set(NULL);
    rsn_vocab *v = fixture_new(f);
    points = 0;
    done = false;
    for (long at = 1; !done; at++) {
        fixture_memory memory = {.fail = at};
        rsn_vocab_ids ids = {0};
        fixture_hook(&memory);
        reason_status status =
            rsn_vocab_encode(v, text, sizeof text - 1, REASON_TOKENS_SPECIAL, &ids);
        done = memory.calls < at;
        assert_int_equal(status, done ? REASON_OK : REASON_ERR_NO_MEMORY);
        assert_int_equal(ids.n > 0, done);
        memory.fail = 0; /* a list that failed can be used again */
        assert_int_equal(rsn_vocab_encode(v, "ab", 2, 0, &ids), REASON_OK);
        rsn_free(ids.items);
        assert_int_equal(memory.live, 0);
        points++;
    }
    assert_true(points > 4);
    rsn_alloc_set(NULL);
    rsn_vocab_free(v);
}

static void test_text_vocab__every_allocation_may_fail(void **state) {
    (void)state;
    size_t n;
    uint8_t *table = charsmap_make(CHARSMAP_RULES, N_CHARSMAP_RULES, &n);
    for (int kind = 0; kind < 3; kind++) {
        fixture f;
        if (kind == 0) fixture_small(&f, "qwen2");
        if (kind) fixture_pieces(&f, kind == 1 ? "llama" : "t5", true);
        f.src.charsmap = kind == 2 ? table : NULL;
        f.src.n_charsmap = kind == 2 ? n : 0;
        f.src.space_prefix = 1;
        fail_each_allocation(&f);
        fixture_free(&f);
    }
    free(table);
}

/* ---- threads ---- */

typedef struct worker {
    pthread_t thread;
    const rsn_vocab *v;
    bool right;
} worker;

static void *encode_much(void *arg) {
    worker *w = arg;
    w->right = true;
    for (uint32_t i = 0; i < 500 && w->right; i++)
        w->right = round_trips(w->v, "in the <think> aaab banana 10", 29, i & 1);
    return NULL;
}

static void test_text_vocab__many_threads_one_vocabulary(void **state) {
    (void)state;
    rsn_vocab *v = fixture_small_vocab("llama-bpe");
    worker workers[4];
    for (int i = 0; i < 4; i++) {
        workers[i].v = v;
        assert_int_equal(
            pthread_create(&workers[i].thread, NULL, encode_much, &workers[i]), 0);
    }
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
        assert_true(workers[i].right);
    }
    rsn_vocab_free(v);
}

/* ---- another engine's test set ---- */

static void test_text_vocab__golden(void **state) {
    (void)state;
    static const char mark[] = "\n__ggml_vocab_test__\n";
    fixture_ranks r = {0};
    size_t n_in, n_out;
    if (!fixture_load_ranks(&r, "llama3.tiktoken")) skip();
    char *in = fixture_golden("tokenizer.inp", &n_in);
    char *out = fixture_golden("llama-bpe.out", &n_out);
    assert_true(in && out);
    fixture f;
    fixture_from_ranks(&f, &r, "llama-bpe");
    rsn_vocab *v = fixture_new(&f);
    int texts = 0;
    char *line = out;
    for (char *text = in, *next; text; text = next) {
        char *end = strstr(text, mark);
        size_t n = end ? (size_t)(end - text) : strlen(text);
        next = end ? end + sizeof mark - 1 : NULL;
        rsn_vocab_ids ids = {0};
        assert_int_equal(rsn_vocab_encode(v, text, n, 0, &ids), REASON_OK);
        char *stop = line + strcspn(line, "\n");
        size_t i = 0;
        while (line < stop) {
            assert_true(i < ids.n);
            assert_int_equal(ids.items[i], strtol(line, &line, 10));
            i++;
            line += strspn(line, " ");
        }
        assert_int_equal(i, ids.n);
        line = stop + (*stop == '\n');
        rsn_free(ids.items);
        assert_true(round_trips(v, text, n, 0));
        texts++;
    }
    assert_int_equal(texts, 47);
    assert_int_equal(*line, '\0');
    assert_true(round_trips(v, in, n_in, REASON_TOKENS_SPECIAL));
    rsn_vocab_free(v);
    fixture_free(&f);
    fixture_free_ranks(&r);
    free(in);
    free(out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_vocab__asking),
        cmocka_unit_test(test_text_vocab__ends),
        cmocka_unit_test(test_text_vocab__special_tokens_in_text),
        cmocka_unit_test(test_text_vocab__begin_and_end),
        cmocka_unit_test(test_text_vocab__appends_and_takes_nothing),
        cmocka_unit_test(test_text_vocab__round_trips),
        cmocka_unit_test(test_text_vocab__space_prefix),
        cmocka_unit_test(test_text_vocab__pieces_round_trip),
        cmocka_unit_test(test_text_vocab__the_sign_for_a_space_is_one),
        cmocka_unit_test(test_text_vocab__unknown_characters),
        cmocka_unit_test(test_text_vocab__default_ids),
        cmocka_unit_test(test_text_vocab__models_that_are_not_there),
        cmocka_unit_test(test_text_vocab__no_pre_tokenizer),
        cmocka_unit_test(test_text_vocab__ids_and_types_that_do_not_fit),
        cmocka_unit_test(test_text_vocab__scores_that_do_not_fit),
        cmocka_unit_test(test_text_vocab__every_allocation_may_fail),
        cmocka_unit_test(test_text_vocab__many_threads_one_vocabulary),
        cmocka_unit_test(test_text_vocab__golden),
    };
    return cmocka_run_group_tests_name("text_vocab", tests, NULL, NULL);
}
