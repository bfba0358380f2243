/* Finding the tags a model thinks between: in vocabularies, and in templates of several
 * shapes. */
#include "support.h"

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
    check_ok(rsn_tags_find(model ? model->vocab : NULL, text, arena, &tags));
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
        check_ok(rsn_tags_find(NULL, (rsn_text){copy, n}, &arena, &tags));
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
                               &arena, &tags));
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
        status = rsn_tags_find(NULL, (rsn_text){source, sizeof source - 1}, &arena,
                               &tags);
        assert_int_equal(status,
                         heap.n_calls < fail_at ? REASON_OK : REASON_ERR_NO_MEMORY);
        rsn_arena_free(&arena);
        heap_end();
        assert_int_equal(heap.alive, 0);
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
    check_ok(reason_model_get_text(model, "think_source", &text, NULL));
    assert_string_equal(text, "vocabulary and template");
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
        cmocka_unit_test(test_model_tags__model),
    };
    return cmocka_run_group_tests(tests, open_models, close_models);
}
