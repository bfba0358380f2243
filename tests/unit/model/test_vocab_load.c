/* Tokenizer keys of a file: which lists and ids are refused, and that a refused id is
 * never used. */
#include "support.h"

/* A file that is a vocabulary alone, so that bytes may move in it. */
static void make_vocab(tiny_model *m) {
    const tiny_options o = {.no_weights = true};
    tiny_model_make("qwen3", &o, m);
}

static void put_pair(tiny_model *m, const gguf_bytes *pair) {
    gguf_put(&m->file, pair->data, pair->n);
    gguf_set_number(&m->file, 16, m->file.data[16] + 1u, 8);
}

/* Takes a key out of sight, keeping its length. */
static void hide_key(tiny_model *m, const char *key) {
    m->file.data[gguf_find_value(&m->file, key) - 5] = '!';
}

#define TOKENS "tokenizer.ggml.tokens"
#define TYPES "tokenizer.ggml.token_type"

static void test_model_vocab_load__sound(void **state) {
    (void)state;
    tiny_model m;
    make_vocab(&m);
    char *path = gguf_save(&m.file);
    reason_model *model;
    check_ok(reason_model_open(path, NULL, &model));
    const rsn_vocab *v = model->vocab;
    assert_int_equal(rsn_vocab_size(v), TINY_N_TOKENS);
    assert_int_equal(rsn_vocab_eos(v), TINY_IM_END);
    assert_int_equal(rsn_vocab_bos(v), -1);
    assert_int_equal(rsn_vocab_pad(v), TINY_ENDOFTEXT);
    assert_true(rsn_vocab_is_control(v, TINY_IM_START));
    assert_true(rsn_vocab_is_special(v, TINY_THINK) &&
                !rsn_vocab_is_control(v, TINY_THINK));
    for (int byte = 0; byte < 256; byte++) {
        rsn_text text = rsn_vocab_bytes(v, byte);
        assert_int_equal(text.n, 1);
        assert_int_equal((uint8_t)text.data[0], byte);
    }
    int32_t *ids;
    size_t n;
    check_ok(
        reason_tokenize(model, "Wait the<think>", -1, REASON_TOKENS_SPECIAL, &ids, &n));
    const int32_t wanted[] = {TINY_MERGED + 11, 'i', 't', TINY_MERGED + 3, TINY_THINK};
    assert_int_equal(n, COUNT(wanted));
    assert_memory_equal(ids, wanted, sizeof wanted);
    reason_free(ids);
    reason_model_free(model);
    gguf_remove(path);
    tiny_model_free(&m);
}

/* Case 21: lists that are shorter or longer than the tokens, or of another type. */
static void test_model_vocab_load__list_lengths(void **state) {
    (void)state;
    static const int changes[] = {-1, 1, -TINY_N_TOKENS, -TINY_N_TOKENS + 1,
                                  TINY_N_TOKENS};
    for (size_t i = 0; i < COUNT(changes); i++) {
        tiny_model m;
        make_vocab(&m);
        size_t at = gguf_find_value(&m.file, TYPES),
               n = (size_t)(TINY_N_TOKENS + changes[i]);
        uint8_t zeros[4 * TINY_N_TOKENS] = {0};
        gguf_set_number(&m.file, at + 4, n, 8);
        if (changes[i] < 0)
            gguf_cut(&m.file, at + 12, 4 * (size_t)-changes[i]);
        else
            gguf_insert(&m.file, at + 12, zeros, 4 * (size_t)changes[i]);
        REFUSED(&m.file, REASON_ERR_FORMAT, TYPES, TOKENS, number(n),
                number(TINY_N_TOKENS));
        tiny_model_free(&m);
    }
}

static void test_model_vocab_load__list_types(void **state) {
    (void)state;
    static const uint32_t types[] = {GGUF_U8, GGUF_I16, GGUF_F32, GGUF_U64, GGUF_STRING};
    for (size_t i = 0; i < COUNT(types); i++) {
        tiny_model m;
        gguf_bytes pair = {0};
        make_vocab(&m);
        hide_key(&m, TYPES);
        gguf_put_array(&pair, TYPES, types[i], TINY_N_TOKENS);
        gguf_put_zeros(&pair, (size_t)TINY_N_TOKENS * 8); /* enough for each, and all 0 */
        put_pair(&m, &pair);
        REFUSED(&m.file, REASON_ERR_FORMAT, TYPES, number(types[i]));
        gguf_free(&pair);
        tiny_model_free(&m);
    }
    static const char *const keys[] = {TOKENS, "tokenizer.ggml.merges"};
    for (size_t i = 0; i < COUNT(keys); i++) {
        tiny_model m;
        gguf_bytes pair = {0};
        make_vocab(&m);
        hide_key(&m, keys[i]);
        gguf_put_u32(&pair, keys[i], 3);
        put_pair(&m, &pair);
        REFUSED(&m.file, REASON_ERR_FORMAT, keys[i], "array of strings");
        gguf_free(&pair);
        tiny_model_free(&m);
    }
}

/* Case 21 again: scores, which this tokenizer has no use for. */
static void test_model_vocab_load__scores(void **state) {
    (void)state;
    static const struct {
        uint32_t type;
        size_t size, n;
        bool fits;
    } lists[] = {
        {GGUF_F32, 4, TINY_N_TOKENS, true},      {GGUF_F32, 4, TINY_N_TOKENS - 1, false},
        {GGUF_F32, 4, TINY_N_TOKENS + 1, false}, {GGUF_F32, 4, 0, false},
        {GGUF_U8, 1, TINY_N_TOKENS, false},      {GGUF_F64, 8, TINY_N_TOKENS, false}};
    for (size_t i = 0; i < COUNT(lists); i++) {
        tiny_model m;
        gguf_bytes pair = {0};
        make_vocab(&m);
        gguf_put_array(&pair, "tokenizer.ggml.scores", lists[i].type, lists[i].n);
        gguf_put_zeros(&pair, lists[i].n * lists[i].size);
        put_pair(&m, &pair);
        if (lists[i].fits)
            check_opens(&m.file);
        else
            REFUSED(&m.file, REASON_ERR_FORMAT, "tokenizer.ggml.scores", TOKENS,
                    number(TINY_N_TOKENS));
        gguf_free(&pair);
        tiny_model_free(&m);
    }
}

static void test_model_vocab_load__token_types(void **state) {
    (void)state;
    static const uint32_t wrong[] = {7, 255, 0x7FFFFFFF, 0xFFFFFFFF, 0x80000000};
    tiny_model m;
    make_vocab(&m);
    size_t at = gguf_find_value(&m.file, TYPES) + 12 + 4 * 200;
    for (size_t i = 0; i < COUNT(wrong); i++) {
        gguf_set_number(&m.file, at, wrong[i], 4);
        REFUSED(&m.file, REASON_ERR_FORMAT, TYPES, "[200]", "0 to 6");
    }
    tiny_model_free(&m);
}

/* Case 22: ids at and beyond the vocabulary's size. */
static void test_model_vocab_load__ids(void **state) {
    (void)state;
    static const char *const keys[] = {
        "tokenizer.ggml.bos_token_id",     "tokenizer.ggml.eos_token_id",
        "tokenizer.ggml.eot_token_id",     "tokenizer.ggml.eom_token_id",
        "tokenizer.ggml.unknown_token_id", "tokenizer.ggml.padding_token_id",
    };
    static const int64_t ids[] = {TINY_N_TOKENS,
                                  TINY_N_TOKENS + 1,
                                  INT64_C(1) << 31,
                                  INT64_C(1) << 32,
                                  UINT32_MAX,
                                  INT64_MAX,
                                  -2,
                                  INT64_MIN};
    for (size_t k = 0; k < COUNT(keys); k++)
        for (size_t i = 0; i <= COUNT(ids); i++) {
            tiny_model m;
            gguf_bytes pair = {0};
            make_vocab(&m);
            if (k == 1 || k == 5) /* the file has them */
                hide_key(&m, keys[k]);
            gguf_put_key(&pair, keys[k], GGUF_I64);
            gguf_put_number(&pair, i < COUNT(ids) ? (uint64_t)ids[i] : TINY_N_TOKENS - 1,
                            8);
            put_pair(&m, &pair);
            if (i < COUNT(ids))
                REFUSED(&m.file, REASON_ERR_FORMAT, keys[k], number(TINY_N_TOKENS - 1));
            else
                check_opens(&m.file);
            gguf_free(&pair);
            tiny_model_free(&m);
        }
}

/* -1 stands for an id that the file does not have. */
static void test_model_vocab_load__absent_ids(void **state) {
    (void)state;
    tiny_model m;
    make_vocab(&m);
    size_t at = gguf_find_value(&m.file, "tokenizer.ggml.eos_token_id");
    gguf_set_number(&m.file, at - 4, GGUF_I32, 4);
    gguf_set_number(&m.file, at, UINT32_MAX, 4);
    char *path = gguf_save(&m.file);
    reason_model *model;
    int64_t eos = 0;
    check_ok(reason_model_open(path, NULL, &model));
    check_ok(reason_model_get_int(model, "eos_token", &eos));
    assert_int_equal(eos, -1);
    reason_model_free(model);
    gguf_remove(path);
    tiny_model_free(&m);
}

/* A vocabulary of one token and no ids: bytes that no token stands for are named. */
static void test_model_vocab_load__one_token(void **state) {
    (void)state;
    gguf_bytes b = {0};
    gguf_put_header(&b, 3, 0, 4);
    gguf_put_string(&b, "general.architecture", "llama");
    gguf_put_string(&b, "tokenizer.ggml.model", "gpt2");
    gguf_put_string(&b, "tokenizer.ggml.pre", "gpt-2");
    gguf_put_array(&b, TOKENS, GGUF_STRING, 1);
    gguf_put_text(&b, "a");
    REFUSED(&b, REASON_ERR_UNSUPPORTED, "byte");
    gguf_put_u32(&b, "tokenizer.ggml.unknown_token_id", 0);
    gguf_set_number(&b, 16, 5, 8);
    check_opens(&b);
    gguf_free(&b);
}

static void test_model_vocab_load__no_tokens(void **state) {
    (void)state;
    tiny_model m;
    make_vocab(&m);
    hide_key(&m, TOKENS);
    REFUSED(&m.file, REASON_ERR_FORMAT, TOKENS, "missing");
    gguf_bytes pair = {0};
    gguf_put_array(&pair, TOKENS, GGUF_STRING, 0);
    put_pair(&m, &pair);
    REFUSED(&m.file, REASON_ERR_FORMAT, TOKENS, "empty");
    gguf_free(&pair);
    tiny_model_free(&m);
}

/* Tokenizers that are not there are named; so are values of the wrong type. */
static void test_model_vocab_load__kinds(void **state) {
    (void)state;
    static const char *const keys[] = {"tokenizer.ggml.model", "tokenizer.ggml.pre"};
    static const char *const names[][4] = {{"bert", "rwkv", "", "gpt2x"},
                                           {"llama", "gpt2", "gpt-2x", "nobody"}};
    for (size_t k = 0; k < COUNT(keys); k++) {
        for (size_t i = 0; i < COUNT(names[k]); i++) {
            tiny_model m;
            gguf_bytes pair = {0};
            make_vocab(&m);
            hide_key(&m, keys[k]);
            gguf_put_string(&pair, keys[k], names[k][i]);
            put_pair(&m, &pair);
            REFUSED(&m.file, REASON_ERR_UNSUPPORTED, keys[k], names[k][i]);
            gguf_free(&pair);
            tiny_model_free(&m);
        }
        tiny_model m;
        gguf_bytes pair = {0};
        make_vocab(&m);
        hide_key(&m, keys[k]);
        gguf_put_u32(&pair, keys[k], 1);
        put_pair(&m, &pair);
        REFUSED(&m.file, REASON_ERR_FORMAT, keys[k], "a string");
        gguf_free(&pair);
        tiny_model_free(&m);
    }
    tiny_model m; /* a file may be silent about the pre-tokenizer */
    make_vocab(&m);
    hide_key(&m, "tokenizer.ggml.pre");
    check_opens(&m.file);
    tiny_model_free(&m);
}

/* ---- SentencePiece ---- */

#define SCORES "tokenizer.ggml.scores"

/* What differs from a sound file. */
typedef struct pieces {
    const char *model;
    const char *byte_token; /* instead of "<0x41>" */
    size_t n_scores;        /* 0: as many as tokens */
    bool as_u8, as_i32;     /* scores of another type */
    float score;            /* of token 4 */
    const char *wrong_key;  /* a key of another type than it has to be */
} pieces;

static void put_pieces(gguf_bytes *b, const pieces *p) {
    static const char *const tokens[] = {"<unk>", "<s>", "</s>", "\xE2\x96\x81\x61", "a"};
    static const int32_t types[] = {2, 3, 3, 1, 1};
    enum { N = COUNT(tokens) + 1 };
    size_t n_scores = p->n_scores ? p->n_scores : N;
    gguf_put_header(b, 3, 0, 7 + (p->wrong_key != NULL));
    gguf_put_string(b, "general.architecture", "llama");
    gguf_put_string(b, "tokenizer.ggml.model", p->model);
    gguf_put_array(b, TOKENS, GGUF_STRING, N);
    for (size_t i = 0; i < COUNT(tokens); i++) gguf_put_text(b, tokens[i]);
    gguf_put_text(b, p->byte_token);
    gguf_put_array(b, TYPES, GGUF_I32, N);
    for (size_t i = 0; i < COUNT(tokens); i++) gguf_put_number(b, (uint32_t)types[i], 4);
    gguf_put_number(b, 6, 4);
    gguf_put_array(b, SCORES, p->as_u8 ? GGUF_U8 : p->as_i32 ? GGUF_I32 : GGUF_F32,
                   n_scores);
    for (size_t i = 0; i < n_scores; i++) {
        float score = i == 4 ? p->score : -1 - (float)i;
        gguf_put(b, &score, p->as_u8 ? 1 : 4);
    }
    gguf_put_bool(b, "tokenizer.ggml.remove_extra_whitespaces", false);
    gguf_put_bool(b, "tokenizer.ggml.add_eos_token", true);
    if (p->wrong_key)
        gguf_put_string(b, p->wrong_key, "true");
}

static void test_model_vocab_load__pieces(void **state) {
    (void)state;
    static const char *const models[] = {"llama", "t5"};
    for (size_t i = 0; i < COUNT(models); i++) {
        gguf_bytes b = {0};
        const pieces p = {.model = models[i], .byte_token = "<0x41>", .score = -4};
        put_pieces(&b, &p);
        check_opens(&b);
        char *path = gguf_save(&b);
        reason_model *model;
        check_ok(reason_model_open(path, NULL, &model));
        int32_t *ids;
        size_t n, n_bytes;
        char *text;
        uint32_t flags = REASON_TOKENS_SPECIAL | REASON_TOKENS_BOS_EOS;
        check_ok(reason_tokenize(model, "a aAA</s>", -1, flags, &ids, &n));
        /* "llama" adds a space and a begin of text; the other ends ids differ. */
        static const int32_t wanted[2][7] = {{1, 3, 3, 5, 5, 2, 2}, {4, 3, 5, 5, 2, 1}};
        assert_int_equal(n, 7 - i);
        assert_memory_equal(ids, wanted[i], n * sizeof *ids);
        check_ok(
            reason_detokenize(model, ids, n - 1, REASON_TOKENS_SPECIAL, &text, &n_bytes));
        assert_string_equal(text, i ? "a aAA</s>" : "<s>a aAA</s>");
        reason_free(text);
        reason_free(ids);
        reason_model_free(model);
        gguf_remove(path);
        gguf_free(&b);
    }
}

/* Case 23: a byte token that is spelt otherwise is ordinary text. */
static void test_model_vocab_load__byte_spellings(void **state) {
    (void)state;
    static const char *const spellings[] = {"<0x-1>", "<0xZZ>", "<0x1>", "<0x041>", ""};
    for (size_t i = 0; i < COUNT(spellings); i++) {
        gguf_bytes b = {0};
        const pieces p = {.model = "llama", .byte_token = spellings[i], .score = -4};
        put_pieces(&b, &p);
        char *path = gguf_save(&b);
        reason_model *model;
        check_ok(reason_model_open(path, NULL, &model));
        rsn_text text = rsn_vocab_bytes(model->vocab, 5);
        assert_int_equal(text.n, strlen(spellings[i]));
        assert_memory_equal(text.data, spellings[i], text.n);
        int32_t *ids;
        size_t n;
        check_ok(reason_tokenize(model, "\x01\x1f", 2, 0, &ids, &n));
        assert_int_equal(ids[n - 1], 0); /* the unknown token */
        reason_free(ids);
        reason_model_free(model);
        gguf_remove(path);
        gguf_free(&b);
    }
}

/* Case 21 where scores are used. */
static void test_model_vocab_load__piece_scores(void **state) {
    (void)state;
    const struct {
        pieces p;
        const char *words[3];
    } cases[] = {
        {{.n_scores = 5}, {SCORES, TOKENS, "6 f32"}},
        {{.n_scores = 7}, {SCORES, TOKENS, "6 f32"}},
        {{.as_u8 = true}, {SCORES, TOKENS, "6 f32"}},
        {{.as_i32 = true}, {SCORES, TOKENS, "6 f32"}},
        {{.score = NAN}, {SCORES "[4]", "nan", "finite"}},
        {{.score = INFINITY}, {SCORES "[4]", "inf", "finite"}},
        {{.wrong_key = "tokenizer.ggml.add_space_prefix"},
         {"tokenizer.ggml.add_space_prefix", "a bool", ""}},
        {{.wrong_key = "tokenizer.ggml.precompiled_charsmap"},
         {"tokenizer.ggml.precompiled_charsmap", "array of bytes", ""}},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        pieces p = cases[i].p;
        for (int k = 0; k < 2; k++) {
            gguf_bytes b = {0};
            p.model = k ? "t5" : "llama";
            p.byte_token = "<0x41>";
            put_pieces(&b, &p);
            REFUSED(&b, REASON_ERR_FORMAT, cases[i].words[0], cases[i].words[1],
                    cases[i].words[2]);
            gguf_free(&b);
        }
    }
    gguf_bytes b = {0};
    const pieces p = {.model = "t5", .byte_token = "<0x41>"};
    put_pieces(&b, &p);
    b.data[gguf_find_value(&b, SCORES) - 5] = '!'; /* no scores at all */
    REFUSED(&b, REASON_ERR_FORMAT, SCORES " has 0", TOKENS);
    gguf_free(&b);
}

/* A normalization table comes through, and a damaged one is refused. */
static void test_model_vocab_load__charsmap(void **state) {
    (void)state;
    for (int damaged = 0; damaged < 2; damaged++) {
        gguf_bytes b = {0};
        const pieces p = {.model = "t5", .byte_token = "<0x41>", .score = -4};
        put_pieces(&b, &p);
        gguf_put_array(&b, "tokenizer.ggml.precompiled_charsmap", GGUF_U8,
                       4 + 4 * 256 + 2);
        /* The root's offset is 1, and "B" (at 1 ^ 'B' = 'C') has a value at 'C' ^ 2. */
        uint8_t table[4 + 4 * 256 + 2] = {0, 4};
        table[4 + 1] = 1 << 2;
        table[4 + 4 * 'C'] = 'B';
        table[4 + 4 * 'C' + 1] = 1 | 2 << 2;
        table[4 + 4 * 'A' + 3] = 0x80;
        table[4 + 4 * 256] = 'a';
        table[1] = damaged ? 5 : 4;
        gguf_put(&b, table, sizeof table);
        gguf_set_number(&b, 16, 8, 8);
        if (damaged) {
            REFUSED(&b, REASON_ERR_FORMAT, "tokenizer.ggml.precompiled_charsmap", "1280");
        } else {
            char *path = gguf_save(&b);
            reason_model *model;
            int32_t *ids;
            size_t n;
            check_ok(reason_model_open(path, NULL, &model));
            check_ok(reason_tokenize(model, "B B", -1, 0, &ids, &n));
            assert_int_equal(n, 2);
            assert_int_equal(ids[0], 4);
            assert_int_equal(ids[1], 3);
            reason_free(ids);
            reason_model_free(model);
            gguf_remove(path);
        }
        gguf_free(&b);
    }
}

/* A mebibyte of the shortest tokens and merges there can be: refused or not, what it
 * takes stays within the bound that try_path() checks. */
static void test_model_vocab_load__large_lists(void **state) {
    (void)state;
    static const char *const spellings[] = {"", "a", "<0x41>"};
    static const char *const merges[] = {"a a", "i n", "i x"};
    for (size_t i = 0; i < COUNT(spellings); i++) {
        tiny_model m;
        make_vocab(&m);
        size_t at = gguf_find_value(&m.file, TOKENS), n = TINY_N_TOKENS;
        gguf_bytes more = {0};
        for (; more.n < (size_t)1 << 19; n++)
            gguf_put_text(&more, spellings[i]);
        hide_key(&m, TYPES);
        gguf_set_number(&m.file, at + 4, n, 8);
        gguf_insert(&m.file, at + 12, more.data, more.n);
        at = gguf_find_value(&m.file, "tokenizer.ggml.merges");
        gguf_free(&more);
        for (n = TINY_ENDOFTEXT - TINY_MERGED; more.n < (size_t)1 << 19; n++)
            gguf_put_text(&more, merges[i]);
        gguf_set_number(&m.file, at + 4, n, 8);
        gguf_insert(&m.file, at + 12, more.data, more.n);
        gguf_free(&more);
        check_opens(&m.file);
        tiny_model_free(&m);
    }
}

/* Without a tokenizer a model opens and computes; text is refused by name. */
static void test_model_vocab_load__none(void **state) {
    (void)state;
    const tiny_options o = {.no_tokenizer = true};
    char *path = build_tiny_model("llama", &o);
    reason_model *model;
    int32_t *ids = NULL;
    size_t n = 0;
    check_ok(reason_model_open(path, NULL, &model));
    assert_null(model->vocab);
    assert_int_equal(reason_tokenize(model, "a", 1, 0, &ids, &n), REASON_ERR_UNSUPPORTED);
    run_token(model);
    reason_model_free(model);
    gguf_remove(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model_vocab_load__sound),
        cmocka_unit_test(test_model_vocab_load__list_lengths),
        cmocka_unit_test(test_model_vocab_load__list_types),
        cmocka_unit_test(test_model_vocab_load__scores),
        cmocka_unit_test(test_model_vocab_load__token_types),
        cmocka_unit_test(test_model_vocab_load__ids),
        cmocka_unit_test(test_model_vocab_load__absent_ids),
        cmocka_unit_test(test_model_vocab_load__one_token),
        cmocka_unit_test(test_model_vocab_load__no_tokens),
        cmocka_unit_test(test_model_vocab_load__kinds),
        cmocka_unit_test(test_model_vocab_load__pieces),
        cmocka_unit_test(test_model_vocab_load__byte_spellings),
        cmocka_unit_test(test_model_vocab_load__piece_scores),
        cmocka_unit_test(test_model_vocab_load__charsmap),
        cmocka_unit_test(test_model_vocab_load__large_lists),
        cmocka_unit_test(test_model_vocab_load__none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
