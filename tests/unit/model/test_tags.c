/* Finding the tags a model thinks between: in vocabularies, and in templates of several
 * shapes. */
#include "support.h"

#include "support/kin_vocab.h"

static char *path;
static reason_model *with_tags, *without;

static int open_models(void **state) {
    (void)state;
    tiny_model m;
    const tiny_options o = {.no_weights = true};
    tiny_model_make("qwen3", &o, &m);
    path = gguf_save(&m.file);
    if (reason_model_open(path, NULL, &with_tags) != REASON_OK)
        return -1;
    gguf_remove(path);
    /* The other vocabulary has one of the two, which is not enough. */
    m.file.data[gguf_find(&m.file, "</think>", 8) + 2] = 'T';
    path = gguf_save(&m.file);
    tiny_model_free(&m);
    return reason_model_open(path, NULL, &without) == REASON_OK ? 0 : -1;
}

static int close_models(void **state) {
    (void)state;
    reason_model_free(with_tags);
    reason_model_free(without);
    gguf_remove(path);
    return 0;
}

static void check_text(rsn_text found, const char *wanted) {
    if (found.n != strlen(wanted) ||
        (found.n && memcmp(found.data, wanted, found.n) != 0))
        fail_msg("\"%.*s\" instead of \"%s\"", (int)found.n, found.data, wanted);
}

static rsn_tags find_in(const reason_model *model, const char *source, rsn_arena *arena) {
    rsn_tags tags;
    rsn_text text = {source, source ? strlen(source) : 0};
    check_ok(rsn_tags_find(model ? model->vocab : NULL, text, NULL, arena, &tags));
    return tags;
}

static void test_model_tags__sources(void **state) {
    (void)state;
    static const char both[] = "{{ '<think>\\n\\n</think>\\n\\n' }}",
                      open[] = "{{ '<think>' }}";
    const struct {
        const reason_model *model;
        const char *source, *wanted;
    } cases[] = {
        {NULL, NULL, "none"},
        {NULL, "", "none"},
        {NULL, open, "none"},
        {without, open, "none"},
        {without, NULL, "none"},
        {with_tags, NULL, "vocabulary"},
        {with_tags, "no tags here", "vocabulary"},
        {with_tags, open, "vocabulary"},
        {NULL, both, "template"},
        {without, both, "template"},
        {with_tags, both, "vocabulary and template"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        rsn_arena arena = {0};
        rsn_tags tags = find_in(cases[i].model, cases[i].source, &arena);
        bool found = strcmp(cases[i].wanted, "none") != 0;
        assert_string_equal(tags.source, cases[i].wanted);
        check_text(tags.open, found ? "<think>" : "");
        check_text(tags.close, found ? "</think>" : "");
        check_text(tags.after_open, found ? "\n" : "");
        check_text(tags.empty, found ? "\n\n" : "");
        check_text(tags.after_close, found ? "\n\n" : "");
        rsn_arena_free(&arena);
    }
}

/* What can be read off the literals of a template; where it is silent, the family's
 * habit. */
static void test_model_tags__templates(void **state) {
    (void)state;
    static const struct {
        const char *source, *after_open, *empty, *after_close;
    } cases[] = {
        /* an empty block in a literal with escapes */
        {"{%- if off %}{{- '<think>\\n\\n</think>\\n\\n' }}{%- endif %}", "\n", "\n\n",
         "\n\n"},
        {"{{ \"<think> </think> \" }}", "\n", " ", " "},
        {"{{ '<think></think>' }}", "\n", "", ""},
        {"{{ '<think>\\t\\n</think>\\n' }}", "\n", "\t\n", "\n"},
        /* the same as text outside of literals */
        {"<think>\n\n</think>\n\nanswer", "\n", "\n\n", "\n\n"},
        /* a prompt that ends with the opener */
        {"{{ '<|Assistant|><think>\\n' }}</think>", "\n", "\n\n", "\n\n"},
        {"{{ '<think>\\n\\n' }} {{ '</think>' }}", "\n\n", "\n\n", "\n\n"},
        {"{{ \"<think> \" }} {{ '</think>' }}", " ", "\n\n", "\n\n"},
        {"{{ '<think>' }} {{ '</think>' }}", "\n", "\n\n", "\n\n"},
        /* both, in either order, and the first of each counts */
        {"{{ '<think>\\n\\n\\n' }}{{ '<think>\\n</think>\\n' }}", "\n\n\n", "\n", "\n"},
        {"{{ '<think>\\n</think>\\n' }}{{ '<think> ' }}{{ '<think>  ' }}", " ", "\n",
         "\n"},
        {"{{ '<think></think>\\n' }}{{ '<think>\\n</think>' }}", "\n", "", "\n"},
        /* the history of a conversation says nothing about either */
        {"{{ c.split('</think>')[-1] }}{{ '<think>\\n' + r + '\\n</think>\\n\\n' }}",
         "\n", "\n\n", "\n\n"},
        {"{{ '<think>' + r + '</think>' }}", "\n", "\n\n", "\n\n"},
        {"<think>\n\n\nthoughts\n</think>", "\n", "\n\n", "\n\n"},
        {"{{ '<think> ' ~ r }}{{ '<think>  x' }}</think>", " ", "\n\n", "\n\n"},
        {"{{ '<think>  x' }}{{ '<think> ' }}</think>", " ", "\n\n", "\n\n"},
        /* cut off anywhere */
        {"</think><think>", "\n", "\n\n", "\n\n"},
        {"</think><think>\\", "\n", "\n\n", "\n\n"},
        {"</think><think>\\n", "\n", "\n\n", "\n\n"},
        {"<think></think>\\", "\n", "", ""},
        {"<think>\\n</think", "", "", ""}, /* the closer is not there: no tags */
        {"</think><think>\\r'", "\n", "\n\n", "\n\n"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        rsn_arena arena = {0};
        rsn_tags tags = find_in(NULL, cases[i].source, &arena);
        check_text(tags.after_open, cases[i].after_open);
        check_text(tags.empty, cases[i].empty);
        check_text(tags.after_close, cases[i].after_close);
        rsn_arena_free(&arena);
    }
}

/* Every beginning of a template, in memory that ends where it does. */
static void test_model_tags__truncated(void **state) {
    (void)state;
    static const char whole[] =
        "</think>{{ '<think>\\n \\n</think>\\n\\n' }}{{ '<think>\\n' }}";
    for (size_t n = 0; n < sizeof whole; n++) {
        rsn_arena arena = {0};
        rsn_tags tags;
        char *copy = malloc(n ? n : 1);
        assert_non_null(copy);
        memcpy(copy, whole, n);
        check_ok(rsn_tags_find(NULL, (rsn_text){copy, n}, NULL, &arena, &tags));
        assert_int_equal(tags.open.n > 0, n >= strlen("</think>{{ '<think>"));
        free(copy); /* nothing found points into it */
        if (n == sizeof whole - 1) {
            check_text(tags.empty, "\n \n");
            check_text(tags.after_close, "\n\n");
        }
        rsn_arena_free(&arena);
    }
}

/* A mebibyte of nothing but tags costs memory in proportion to it. */
static void test_model_tags__many(void **state) {
    (void)state;
    static const char *const parts[] = {"<think>", "<think> ", "<think></think>", "<",
                                        "<think>\\n"};
    for (size_t i = 0; i < COUNT(parts); i++) {
        gguf_bytes source = {0};
        rsn_arena arena = {0};
        rsn_tags tags;
        while (source.n < (size_t)1 << 20)
            gguf_put(&source, parts[i], strlen(parts[i]));
        gguf_put(&source, "</think>", 8);
        check_ok(rsn_tags_find(NULL, (rsn_text){(const char *)source.data, source.n},
                               NULL, &arena, &tags));
        assert_int_equal(tags.open.n > 0, strlen(parts[i]) > 1);
        assert_true(arena.total <= 4 * source.n);
        rsn_arena_free(&arena);
        gguf_free(&source);
    }
}

static void test_model_tags__alloc_fails(void **state) {
    (void)state;
    static const char source[] = "{{ '<think>\\n\\n</think>\\n' }}{{ '<think>\\n' }}";
    reason_status status = REASON_ERR_NO_MEMORY;
    for (size_t fail_at = 1; status != REASON_OK; fail_at++) {
        counted_heap heap;
        rsn_arena arena = {0};
        rsn_tags tags;
        heap_begin(&heap, fail_at, true);
        status = rsn_tags_find(NULL, (rsn_text){source, sizeof source - 1}, NULL, &arena,
                               &tags);
        assert_int_equal(status,
                         heap.n_calls < fail_at ? REASON_OK : REASON_ERR_NO_MEMORY);
        rsn_arena_free(&arena);
        heap_end();
        assert_int_equal(heap.alive, 0);
    }
}

/* --- families ----------------------------------------------------------------------- */

static rsn_tags find_all(const rsn_vocab *vocab, const char *source, rsn_arena *arena) {
    rsn_tags tags;
    rsn_template *chat = NULL;
    if (source)
        check_ok(rsn_template_compile(source, strlen(source), &chat));
    check_ok(rsn_tags_find(vocab, (rsn_text){source, source ? strlen(source) : 0}, chat,
                           arena, &tags));
    rsn_template_free(chat);
    return tags;
}

static void check_family(const rsn_tags *tags, const kin *k, const char *source) {
    if (strcmp(tags->family->name, k->family) != 0)
        fail_msg("%s instead of %s", tags->family->name, k->family);
    assert_string_equal(tags->source, source);
}

static void test_model_tags__every_family_by_its_template(void **state) {
    (void)state;
    for (size_t i = 0; i < N_KIN; i++) {
        rsn_arena arena = {0};
        rsn_tags tags = find_all(NULL, KIN[i].chat, &arena);
        check_family(&tags, &KIN[i], "template");
        check_text(tags.opener, KIN[i].opener);
        check_text(tags.closer, KIN[i].closer);
        check_text(tags.silence, KIN[i].silence);
        assert_string_equal(tags.switch_name, KIN[i].off);
        assert_string_equal(tags.effort_name, KIN[i].effort);
        rsn_arena_free(&arena);
    }
}

/* Where its tags are tokens. A template that says nothing does not hide them. */
static void test_model_tags__every_family_by_its_vocabulary(void **state) {
    (void)state;
    static const char *const texts[] = {"granite-3.3", "granite-3.2", "nemotron",
                                        "smollm3"}; /* have no tokens that tell */
    for (size_t i = 0; i < N_KIN; i++) {
        bool as_text = false;
        for (size_t j = 0; j < COUNT(texts); j++)
            as_text = as_text || strcmp(texts[j], KIN[i].family) == 0;
        rsn_arena arena = {0};
        rsn_vocab *vocab = kin_vocab(&KIN[i]);
        rsn_tags tags = find_all(vocab, KIN[i].chat, &arena);
        check_family(&tags, &KIN[i], as_text ? "template" : "vocabulary and template");
        if (!as_text) {
            tags = find_all(vocab, NULL, &arena);
            check_family(&tags, &KIN[i], "vocabulary");
            tags = find_all(vocab, "{{ messages[0].content }}", &arena);
            check_family(&tags, &KIN[i], "vocabulary");
            assert_string_equal(tags.switch_name, "");
            assert_string_equal(tags.effort_name, "");
        }
        rsn_vocab_free(vocab);
        rsn_arena_free(&arena);
    }
}

/* Every pair of a template of one family and a vocabulary of another: the template says
 * what the model does. */
static void test_model_tags__template_beats_vocabulary(void **state) {
    (void)state;
    for (size_t i = 0; i < N_KIN; i++) {
        rsn_vocab *vocab = kin_vocab(&KIN[i]);
        for (size_t j = 0; j < N_KIN; j++) {
            rsn_arena arena = {0};
            rsn_tags tags = find_all(vocab, KIN[j].chat, &arena);
            assert_string_equal(tags.family->name, KIN[j].family);
            rsn_arena_free(&arena);
        }
        rsn_vocab_free(vocab);
    }
}

/* Two pairs in one place: the table's order, in which rows that say more come first. */
static void test_model_tags__order_of_the_table(void **state) {
    (void)state;
    static const struct {
        const char *source, *family;
    } cases[] = {
        {"<think></think>", "think"},
        {"<think></think><thought></thought>", "exaone-deep"},
        {"<think></think>[THINK][/THINK]", "mistral"},
        {"<think></think>[THINK]", "think"}, /* half of a pair is none */
        {"<seed:think></seed:think>[THINK][/THINK]", "seed-oss"},
        {"<think></think>[gMASK]<|im_start|>", "glm"},
        {"<think></think><|im_middle|><|im_start|>", "kimi-k2"},
        {"<think></think><response></response>", "think"},
        {"<think></think><response></response>]~b]", "minimax"},
        {"<think></think><response></response><|start_of_role|>", "granite-3.3"},
        {"<|channel|>analysis<|message|>", "none"},
        {"<|channel|>analysis<|message|><|channel|>final<|message|><think></think>",
         "harmony"},
        {"Here is my thought process:", "none"},
        {"<start_of_turn>model", "none"},
        {"", "none"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        rsn_arena arena = {0};
        rsn_tags tags = find_in(NULL, cases[i].source, &arena);
        if (strcmp(tags.family->name, cases[i].family) != 0)
            fail_msg("%s: %s instead of %s", cases[i].source, tags.family->name,
                     cases[i].family);
        rsn_arena_free(&arena);
    }
}

/* The last row that a row could hide behind comes after it. */
static void test_model_tags__no_row_is_out_of_reach(void **state) {
    (void)state;
    assert_int_equal(N_KIN + 1, rsn_n_families); /* hunyuan has two */
    for (size_t i = 0; i < rsn_n_families; i++) {
        char source[256] = "";
        rsn_arena arena = {0};
        for (size_t j = 0; j < RSN_FAMILY_SIGNS && rsn_families[i].signs[j]; j++)
            strcat(source, rsn_families[i].signs[j]);
        rsn_tags tags = find_in(NULL, source, &arena);
        assert_string_equal(tags.family->name, rsn_families[i].name);
        rsn_arena_free(&arena);
    }
}

static void test_model_tags__parts(void **state) {
    (void)state;
    static const struct {
        const char *family, *text;
        bool found;
    } cases[] = {
        {"harmony", "<|channel|>", true},   {"harmony", "<|message|>", true},
        {"harmony", "<|start|>", true},     {"harmony", "<|end|>", true},
        {"harmony", "<|return|>", false},   {"harmony", "<|call|>", false},
        {"harmony", "<|constrain|>", false}, {"harmony", "", false},
        {"qwen", "<think>", true},          {"qwen", "</think>", true},
        {"qwen", "<|im_end|>", false},      {"granite-3.3", "<response>", true},
        {"granite-3.3", "</response>", true}, {"gemma-4", "<turn|>", false},
        {"seed-oss", "<seed:cot_budget_reflect>", true},
        {"gemma-4", "<|channel>", true},
        {"glm", "<|observation|>", false},  {"hunyuan", "</answer>", true},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        rsn_arena arena = {0};
        rsn_tags tags = find_in(NULL, kin_of(cases[i].family)->chat, &arena);
        rsn_text text = {cases[i].text, strlen(cases[i].text)};
        assert_int_equal(rsn_tags_have(&tags, text), cases[i].found);
        rsn_arena_free(&arena);
    }
}

/* Tokens that end a generation. */
static void test_model_tags__end_tokens(void **state) {
    (void)state;
    static const struct {
        const char *family, *ends;
    } cases[] = {
        {"harmony", "<|return|> <|call|>"}, /* <|end|> ends thoughts */
        {"glm", "<|endoftext|> <|user|> <|observation|>"},
        {"qwen", "<|im_end|> <|endoftext|>"},
        {"deepseek", "<\uff5cend\u2581of\u2581sentence\uff5c>"},
        {"seed-oss", "<seed:eos>"},
        {"mistral", "</s>"},
        {"gemma-4", "<turn|>"},
        {"exaone-deep", "[|endofturn|]"},
        {"minimax", "[e~["},
        {"nemotron", "<SPECIAL_12>"},
        {"think", "<|end|>"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        fixture f;
        rsn_arena arena = {0};
        kin_fixture(&f, kin_of(cases[i].family), NULL);
        f.src.eos = -1; /* by their names alone */
        rsn_vocab *vocab = fixture_new(&f);
        rsn_tags tags = find_all(vocab, NULL, &arena);
        check_text(tags.end_tokens, cases[i].ends);
        rsn_vocab_free(vocab);
        rsn_arena_free(&arena);
        fixture_free(&f);
    }
}

/* Published templates, where they are. */
static void test_model_tags__published_templates(void **state) {
    (void)state;
    static const struct {
        const char *file, *family, *off, *effort;
    } cases[] = {
        {"GLM-4.6", "glm", "enable_thinking", ""},
        {"HuggingFaceTB-SmolLM3-3B", "smollm3", "enable_thinking", ""},
        {"Qwen-QwQ-32B", "qwen", "enable_thinking", ""},
        {"Qwen-Qwen2.5-7B-Instruct", "none", "", ""},
        {"Qwen-Qwen3-0.6B", "qwen", "enable_thinking", ""},
        {"Qwen3.5-4B", "qwen", "enable_thinking", ""},
        {"deepseek-ai-DeepSeek-R1-Distill-Llama-8B", "deepseek", "", ""},
        {"deepseek-ai-DeepSeek-R1-Distill-Qwen-32B", "deepseek", "enable_thinking", ""},
        {"ibm-granite-granite-3.3-2B-Instruct", "granite-3.3", "thinking", ""},
        {"meta-llama-Llama-3.2-3B-Instruct", "none", "", ""},
        {"microsoft-Phi-3.5-mini-instruct", "none", "", ""},
        {"openai-gpt-oss-120b", "harmony", "", "reasoning_effort"},
    };
    if (!getenv("REASON_GOLDEN"))
        skip();
    for (size_t i = 0; i < COUNT(cases); i++) {
        rsn_arena arena = {0};
        char name[96];
        size_t n;
        (void)snprintf(name, sizeof name, "templates/%s.jinja", cases[i].file);
        char *source = fixture_golden(name, &n);
        if (!source)
            fail_msg("cannot read %s", name);
        rsn_tags tags = find_all(NULL, source, &arena);
        if (strcmp(tags.family->name, cases[i].family) != 0)
            fail_msg("%s: %s instead of %s", cases[i].file, tags.family->name,
                     cases[i].family);
        assert_string_equal(tags.switch_name, cases[i].off);
        assert_string_equal(tags.effort_name, cases[i].effort);
        free(source);
        rsn_arena_free(&arena);
    }
}

/* What a whole model says about them. */
static void test_model_tags__model(void **state) {
    (void)state;
    const tiny_options o = {.no_weights = true,
                            .chat_template = "{{ '<think>\\n\\n</think>\\n\\n' }}"};
    char *file = build_tiny_model("qwen3", &o);
    reason_model *model;
    const char *text;
    int64_t thinks = 0;
    check_ok(reason_model_open(file, NULL, &model));
    check_ok(reason_model_get_int(model, "has_thinking", &thinks));
    assert_int_equal(thinks, 1);
    check_ok(reason_model_get_text(model, "think_open", &text, NULL));
    assert_string_equal(text, "<think>");
    check_ok(reason_model_get_text(model, "think_close", &text, NULL));
    assert_string_equal(text, "</think>");
    static const char *const texts[][2] = {
        {"think_source", "vocabulary and template"},
        {"think_family", "think"}, /* the template has the tags and no more */
        {"think_switch", ""},
        {"think_effort", ""},
        {"think_opener", "<think>\n"},
        {"think_closer", "</think>\n\n"},
        {"think_silence", "<think>\n\n</think>\n\n"},
        {"answer_marks", ""},
    };
    for (size_t i = 0; i < COUNT(texts); i++) {
        check_ok(reason_model_get_text(model, texts[i][0], &text, NULL));
        assert_string_equal(text, texts[i][1]);
    }
    check_ok(reason_model_get_text(model, "end_tokens", &text, NULL));
    assert_non_null(strstr(text, "<|im_end|>"));
    reason_model_free(model);
    gguf_remove(file);
    check_ok(reason_model_get_int(without, "has_thinking", &thinks));
    assert_int_equal(thinks, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model_tags__sources),
        cmocka_unit_test(test_model_tags__templates),
        cmocka_unit_test(test_model_tags__truncated),
        cmocka_unit_test(test_model_tags__many),
        cmocka_unit_test(test_model_tags__alloc_fails),
        cmocka_unit_test(test_model_tags__every_family_by_its_template),
        cmocka_unit_test(test_model_tags__every_family_by_its_vocabulary),
        cmocka_unit_test(test_model_tags__template_beats_vocabulary),
        cmocka_unit_test(test_model_tags__order_of_the_table),
        cmocka_unit_test(test_model_tags__no_row_is_out_of_reach),
        cmocka_unit_test(test_model_tags__parts),
        cmocka_unit_test(test_model_tags__end_tokens),
        cmocka_unit_test(test_model_tags__published_templates),
        cmocka_unit_test(test_model_tags__model),
    };
    return cmocka_run_group_tests(tests, open_models, close_models);
}
