/* Files of a Hugging Face folder that are damaged or mean harm: each is refused with a
 * sentence that names the file, nothing is kept, and memory stays bounded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/heap.h"
#include "support/hf_plan.h"

#define BYTES_LEVEL \
    "\"pre_tokenizer\":{\"type\":\"ByteLevel\",\"add_prefix_space\":false}"
#define MODEL(vocab, merges) \
    "\"model\":{\"type\":\"BPE\",\"vocab\":{" vocab "},\"merges\":[" merges "]}"
#define VOCAB "\"a\":0,\"b\":1,\"ab\":2"
#define GOOD "{" MODEL(VOCAB, "\"a b\"") "," BYTES_LEVEL
#define ADDED(list) GOOD ",\"added_tokens\":[" list "]}"

/* Reading may take this beside a multiple of the bytes that are there. */
enum { FIXED_BYTES = 16 << 20 };

static reason_status try_folder(const hf_folder *f, size_t n_bytes, size_t n_vocab) {
    counted_heap heap;
    rsn_gguf g;
    heap_begin(&heap, 0, false);
    reason_status status = hf_plan(f->path, n_vocab, &g);
    rsn_arena_free(&g.arena);
    heap_end();
    assert_int_equal(heap.alive, 0);
    assert_true(heap.peak <= FIXED_BYTES + 7 * n_bytes);
    return status;
}

static void check_said(const char *name, reason_status status, reason_status wanted,
                       const char *const *words) {
    if (status != wanted)
        fail_msg("%s: %s instead of %s: %s", name, rsn_status_name(status),
                 rsn_status_name(wanted), rsn_last_error());
    for (size_t i = 0; i < 3 && words[i]; i++)
        if (!strstr(rsn_last_error(), words[i]))
            fail_msg("%s: \"%s\" is not in: %s", name, words[i], rsn_last_error());
}

/* ---- JSON ---- */

typedef struct hostile_case {
    const char *name, *file, *text;
    size_t n; /* of the text; 0: up to its NUL */
    reason_status status;
    const char *words[3];
} hostile_case;

#define FORMAT REASON_ERR_FORMAT
#define TOK "tokenizer.json"
static const hostile_case CASES[] = {
    {"good", TOK, GOOD "}", 0, REASON_OK, {NULL}},
    {"empty", TOK, "", 0, FORMAT, {TOK, "byte 0"}},
    {"no object", TOK, "[]", 0, FORMAT, {TOK, "object"}},
    {"cut short", TOK, "{" MODEL(VOCAB, "\"a b\""), 0, FORMAT, {TOK, "byte"}},
    {"text behind", TOK, GOOD "} x", 0, FORMAT, {TOK, "end of the text"}},
    {"no model", TOK, "{" BYTES_LEVEL "}", 0, REASON_ERR_UNSUPPORTED, {TOK, "model"}},
    {"empty vocab", TOK, "{" MODEL("", "") "," BYTES_LEVEL "}", 0,
     REASON_ERR_UNSUPPORTED, {TOK}},
    {"another model", TOK, "{\"model\":{\"type\":\"WordPiece\",\"vocab\":{\"a\":0}}}", 0,
     REASON_ERR_UNSUPPORTED, {TOK, "WordPiece"}},
    {"model is text", TOK, "{\"model\":\"BPE\"}", 0, FORMAT, {TOK, "object"}},
    {"id is text", TOK, "{" MODEL("\"a\":\"0\"", "") "}", 0, FORMAT, {TOK, "token id"}},
    {"id is null", TOK, "{" MODEL("\"a\":null", "") "}", 0, FORMAT, {TOK, "token id"}},
    {"id is a fraction", TOK, "{" MODEL("\"a\":0.5", "") "}", 0, FORMAT, {TOK, "id"}},
    {"id is negative", TOK, "{" MODEL("\"a\":-1", "") "}", 0, FORMAT, {TOK, "-1"}},
    {"id of 10^9", TOK, "{" MODEL("\"a\":1000000000", "") "," BYTES_LEVEL "}", 0, FORMAT,
     {"1000000000", "allowed are 0 to"}},
    {"id of 10^18", TOK, "{" MODEL("\"a\":1000000000000000000", "") "}", 0, FORMAT,
     {TOK, "1000000000000000000"}},
    {"id of 1e400", TOK, "{" MODEL("\"a\":1e400", "") "}", 0, FORMAT, {TOK, "1e400"}},
    {"one id twice", TOK, "{" MODEL("\"a\":0,\"b\":0", "") "," BYTES_LEVEL "}", 0, FORMAT,
     {"\"b\"", "same id"}},
    {"one token twice", TOK, "{" MODEL("\"a\":0,\"a\":1", "") "," BYTES_LEVEL "}", 0,
     FORMAT, {"\"a\"", "twice"}},
    {"two lone surrogates", TOK,
     "{" MODEL("\"\\ud800\":0,\"\\udfff\":1", "") "," BYTES_LEVEL "}", 0, FORMAT,
     {"twice"}},
    {"an empty token", TOK, "{" MODEL("\"\":0", "") "," BYTES_LEVEL "}", 0, FORMAT,
     {"empty token"}},
    {"a token with a NUL", TOK, "{" MODEL("\"a\\u0000b\":0", "") "," BYTES_LEVEL "}", 0,
     REASON_OK, {NULL}},
    {"a NUL byte", TOK, "{\"model\0\":1}", sizeof "{\"model\0\":1}" - 1, FORMAT, {TOK}},
    {"invalid UTF-8", TOK, "{\"model\":{\"vocab\":{\"\xC3(\":0}}}", 0, FORMAT,
     {TOK, "UTF-8"}},
    {"a surrogate as bytes", TOK, "{\"model\":{\"vocab\":{\"\xED\xA0\x80\":0}}}", 0,
     FORMAT, {TOK, "UTF-8"}},
    {"gaps", TOK, "{" MODEL("\"a\":0,\"b\":60000", "") "," BYTES_LEVEL "}", 0, REASON_OK,
     {NULL}},
    {"a merge of one", TOK, "{" MODEL(VOCAB, "\"ab\"") "}", 0, FORMAT, {TOK, "merge 0"}},
    {"a merge of three", TOK, "{" MODEL(VOCAB, "\"a b c\"") "}", 0, FORMAT,
     {TOK, "merge 0"}},
    {"a list of three", TOK, "{" MODEL(VOCAB, "[\"a\",\"b\",\"c\"]") "}", 0, FORMAT,
     {TOK, "merge"}},
    {"a list of one", TOK, "{" MODEL(VOCAB, "[\"a\"]") "}", 0, FORMAT, {TOK, "merge"}},
    {"a list in a list", TOK, "{" MODEL(VOCAB, "[[\"a\"],\"b\"]") "}", 0, FORMAT,
     {TOK, "merge"}},
    {"a merge of a number", TOK, "{" MODEL(VOCAB, "7") "}", 0, FORMAT, {TOK, "array"}},
    {"a merge naming no token", TOK,
     "{" MODEL(VOCAB, "\"x y\",\"a b\"") "," BYTES_LEVEL "}", 0, REASON_OK, {NULL}},
    {"dropout", TOK, "{\"model\":{\"dropout\":0.1}}", 0, REASON_ERR_UNSUPPORTED,
     {TOK, "dropout"}},
    {"a suffix of words", TOK, "{\"model\":{\"end_of_word_suffix\":\"</w>\"}}", 0,
     REASON_ERR_UNSUPPORTED, {TOK, "suffix"}},
    {"whole tokens of pieces", TOK,
     "{\"model\":{\"vocab\":{\"a\":0},\"merges\":[],\"ignore_merges\":true}}", 0,
     REASON_ERR_UNSUPPORTED, {TOK, "ignore_merges"}},
    {"unknown ones in a row", TOK,
     "{\"model\":{\"vocab\":{\"a\":0},\"merges\":[],\"unk_token\":\"a\"}}", 0,
     REASON_ERR_UNSUPPORTED, {TOK, "fuse_unk"}},
    {"a score of text", TOK, "{\"model\":{\"vocab\":[[\"a\",\"b\"]]}}", 0, FORMAT,
     {TOK, "score"}},
    {"a piece of one", TOK, "{\"model\":{\"vocab\":[[\"a\"]]}}", 0, FORMAT, {TOK}},
    {"a piece of three", TOK, "{\"model\":{\"vocab\":[[\"a\",1,2]]}}", 0, FORMAT, {TOK}},
    {"a score of 1e99", TOK,
     "{\"model\":{\"type\":\"Unigram\",\"vocab\":[[\"a\",1e99]]}}", 0, FORMAT,
     {TOK, "score"}},
    {"an unknown id outside", TOK,
     "{\"model\":{\"type\":\"Unigram\",\"unk_id\":5,\"vocab\":[[\"a\",0]]}}", 0, FORMAT,
     {"unk_token", "id 5"}},
    {"added: no content", TOK, ADDED("{\"id\":3}"), 0, FORMAT, {TOK, "content"}},
    {"added: no id", TOK, ADDED("{\"content\":\"<x>\"}"), 0, FORMAT, {TOK, "\"id\""}},
    {"added: another id", TOK, ADDED("{\"id\":3,\"content\":\"ab\"}"), 0, FORMAT,
     {"\"ab\"", "another id"}},
    {"added: a taken id", TOK, ADDED("{\"id\":1,\"content\":\"<x>\"}"), 0, FORMAT,
     {"<x>", "same id"}},
    {"added: in a circle", TOK,
     ADDED("{\"id\":3,\"content\":\"<x>\"},{\"id\":4,\"content\":\"<y>\"},"
           "{\"id\":4,\"content\":\"<x>\"},{\"id\":3,\"content\":\"<y>\"}"), 0, FORMAT,
     {"same id"}},
    {"added: an id beyond", TOK, ADDED("{\"id\":999999999,\"content\":\"<x>\"}"), 0,
     FORMAT, {"999999999"}},
    {"added: the same twice", TOK,
     ADDED("{\"id\":3,\"content\":\"<x>\"},{\"id\":3,\"content\":\"<x>\"}"), 0, REASON_OK,
     {NULL}},
    {"added: no object", TOK, ADDED("7"), 0, FORMAT, {TOK, "object"}},
    {"added: single words", TOK,
     ADDED("{\"id\":3,\"content\":\"<x>\",\"single_word\":true}"), 0,
     REASON_ERR_UNSUPPORTED, {TOK, "single_word"}},
    {"a step without a type", TOK, "{\"normalizer\":{\"x\":1}}", 0, FORMAT,
     {TOK, "type"}},
    {"an unknown normalizer", TOK,
     GOOD ",\"normalizer\":{\"type\":\"Lowercase\"}}", 0, REASON_ERR_UNSUPPORTED,
     {TOK, "normalizer", "Lowercase"}},
    {"an unknown pre-tokenizer", TOK,
     "{" MODEL(VOCAB, "") ",\"pre_tokenizer\":{\"type\":\"BertPreTokenizer\"}}", 0,
     REASON_ERR_UNSUPPORTED, {TOK, "pre_tokenizer", "Bert"}},
    {"an unknown processor", TOK,
     GOOD ",\"post_processor\":{\"type\":\"BertProcessing\"}}", 0,
     REASON_ERR_UNSUPPORTED, {TOK, "post_processor", "Bert"}},
    {"sequences in sequences", TOK,
     "{\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"Sequence\","
     "\"normalizers\":[]}]}}", 0, REASON_ERR_UNSUPPORTED, {TOK, "sequence"}},
    {"a behavior that merges", TOK,
     "{" MODEL(VOCAB, "") ",\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":"
     "{\"Regex\":\"x\"},\"behavior\":\"MergedWithNext\"}}", 0, REASON_ERR_UNSUPPORTED,
     {TOK, "Split", "Isolated"}},
    {"bad base64", TOK,
     "{\"model\":{\"type\":\"Unigram\",\"vocab\":[[\"a\",0]]},\"normalizer\":{\"type\":"
     "\"Precompiled\",\"precompiled_charsmap\":\"A*==\"}}", 0, FORMAT, {TOK, "base64"}},
    {"a processor's token", TOK,
     GOOD ",\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[{"
          "\"SpecialToken\":{\"id\":\"<x>\"}},{\"Sequence\":{}}]}}", 0, FORMAT,
     {"post_processor", "<x>"}},
    {"two of a processor's", TOK,
     GOOD ",\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[{"
          "\"SpecialToken\":{\"id\":\"a\"}},{\"SpecialToken\":{\"id\":\"b\"}}]}}", 0,
     REASON_ERR_UNSUPPORTED, {TOK, "post_processor"}},
    {"settings: decoder's key", "tokenizer_config.json",
     "{\"added_tokens_decoder\":{\"x\":{\"content\":\"<x>\"}}}", 0, FORMAT,
     {"tokenizer_config.json", "key"}},
    {"settings: decoder's long key", "tokenizer_config.json",
     "{\"added_tokens_decoder\":{\"99999999999999\":{\"content\":\"<x>\"}}}", 0, FORMAT,
     {"tokenizer_config.json", "key"}},
    {"settings: template of a number", "tokenizer_config.json",
     "{\"chat_template\":7}", 0, FORMAT, {"tokenizer_config.json", "string"}},
    {"settings: template without a name", "tokenizer_config.json",
     "{\"chat_template\":[{\"template\":\"x\"}]}", 0, FORMAT,
     {"tokenizer_config.json", "name"}},
    {"settings: eos is a list", "tokenizer_config.json", "{\"eos_token\":[\"a\"]}", 0,
     FORMAT, {"tokenizer_config.json", "string"}},
    {"settings: eos is no token", "tokenizer_config.json", "{\"eos_token\":\"<no>\"}", 0,
     REASON_OK, {NULL}},
    {"settings: a huge number", "tokenizer_config.json",
     "{\"model_max_length\":1000000000000000019884624838656}", 0, REASON_OK, {NULL}},
    {"ends outside", "generation_config.json", "{\"eos_token_id\":[0,77]}", 0, FORMAT,
     {"eos_token", "77"}},
    {"ends of text", "generation_config.json", "{\"eos_token_id\":[\"a\"]}", 0, FORMAT,
     {"generation_config.json", "token id"}},
    {"bos outside", "config.json", "{\"bos_token_id\":77}", 0, FORMAT,
     {"bos_token", "77"}},
};
enum { N_CASES = sizeof CASES / sizeof *CASES };

static void test_format_hf_hostile__json(void **state) {
    (void)state;
    for (size_t i = 0; i < N_CASES; i++) {
        const hostile_case *c = &CASES[i];
        hf_folder f;
        size_t n = c->n ? c->n : strlen(c->text);
        hf_folder_make(&f);
        hf_folder_put(&f, "tokenizer.json", GOOD "}", sizeof GOOD "}" - 1);
        hf_folder_put(&f, c->file, c->text, n);
        check_said(c->name, try_folder(&f, n, 0), c->status, c->words);
        hf_folder_remove(&f);
    }
}

/* Every prefix of a good file is refused, and every byte may be another. */
static void test_format_hf_hostile__cut_and_changed(void **state) {
    static const char good[] =
        GOOD ",\"normalizer\":{\"type\":\"NFC\"},\"added_tokens\":[{\"id\":3,\"content\":"
             "\"<x>\",\"special\":true}]}";
    (void)state;
    hf_folder f;
    hf_folder_make(&f);
    for (size_t n = 0; n < sizeof good - 2; n++) {
        hf_folder_put(&f, "tokenizer.json", good, n);
        assert_int_equal(try_folder(&f, n, 0), REASON_ERR_FORMAT);
    }
    for (size_t i = 0; i < sizeof good - 1; i++) {
        static const char others[] = "\"\\{}[]:,0e-\x00\xFF";
        for (size_t k = 0; k < sizeof others - 1; k++) {
            char text[sizeof good];
            memcpy(text, good, sizeof good);
            text[i] = others[k];
            hf_folder_put(&f, "tokenizer.json", text, sizeof good - 1);
            (void)try_folder(&f, sizeof good, 0);
        }
    }
    hf_folder_remove(&f);
}

/* ---- sizes ---- */

static void put_repeated(hf_folder *f, const char *before, const char *part, size_t n,
                         const char *after, size_t *n_bytes) {
    size_t size = strlen(before) + n * strlen(part) + strlen(after);
    char *text = malloc(size + 1);
    assert_non_null(text);
    char *at = text + sprintf(text, "%s", before);
    for (size_t i = 0; i < n; i++)
        at += sprintf(at, "%s", part);
    (void)sprintf(at, "%s", after);
    hf_folder_put(f, "tokenizer.json", text, size);
    free(text);
    *n_bytes = size;
}

static void test_format_hf_hostile__much_of_it(void **state) {
    hf_folder f;
    size_t n;
    (void)state;
    hf_folder_make(&f);
    put_repeated(&f, "{\"x\":", "[", 100000, "", &n);
    assert_int_equal(try_folder(&f, n, 0), REASON_ERR_LIMIT);
    put_repeated(&f, "{\"normalizer\":", "{\"normalizers\":[", 60, "", &n);
    assert_int_equal(try_folder(&f, n, 0), REASON_ERR_UNSUPPORTED);
    put_repeated(&f, "{\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[",
                 "{\"type\":\"NFC\"},", 100, "{\"type\":\"NFC\"}]}}", &n);
    assert_int_equal(try_folder(&f, n, 0), REASON_ERR_LIMIT);
    put_repeated(&f, "{\"model\":{\"vocab\":{\"", "a", 70000, "\":0}}}", &n);
    assert_int_equal(try_folder(&f, n, 0), REASON_ERR_LIMIT);
    put_repeated(&f, "{" MODEL(VOCAB, "\"a b\""), ",\"merges\":[]", 0, "}", &n);
    (void)try_folder(&f, n, 0);
    put_repeated(&f, "{\"model\":{\"vocab\":{\"a\":0,\"b\":1},\"merges\":[\"a b\"",
                 ",\"a b\"", 1000000, "]}," BYTES_LEVEL "}", &n);
    assert_int_equal(try_folder(&f, n, 0), REASON_OK);
    hf_folder_remove(&f);
}

static void test_format_hf_hostile__vocabulary_sizes(void **state) {
    hf_folder f;
    (void)state;
    hf_folder_make(&f);
    hf_folder_put(&f, "tokenizer.json", GOOD "}", sizeof GOOD "}" - 1);
    assert_int_equal(try_folder(&f, 200, 2), REASON_ERR_FORMAT); /* the third is beyond */
    assert_int_equal(try_folder(&f, 200, 3), REASON_OK);
    assert_int_equal(try_folder(&f, 200, 60000), REASON_OK);
    assert_int_equal(try_folder(&f, 200, 1000000000), REASON_ERR_LIMIT);
    assert_int_equal(try_folder(&f, 200, SIZE_MAX), REASON_ERR_LIMIT);
    hf_folder_remove(&f);
}

/* ---- older files ---- */

static void test_format_hf_hostile__older_files(void **state) {
    static const struct {
        const char *merges, *class_name;
        reason_status status;
    } cases[] = {
        {"#version: 0.2\na b\n", "GPT2Tokenizer", REASON_OK},
        {"a b\r\n\r\n", "GPT2Tokenizer", REASON_OK},
        {"", "Qwen2Tokenizer", REASON_OK},
        {"a\n", "GPT2Tokenizer", REASON_ERR_FORMAT},
        {"a b\n#version: 0.2\n", "GPT2Tokenizer", REASON_OK}, /* a rule like others */
        {"a b c\n", "GPT2Tokenizer", REASON_ERR_FORMAT},
        {"a  b\n", "GPT2Tokenizer", REASON_ERR_FORMAT},
        {"a b\n", "BartTokenizer", REASON_ERR_UNSUPPORTED},
        {"a b\n", "", REASON_ERR_UNSUPPORTED},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        hf_folder f;
        char settings[100];
        int n = snprintf(settings, sizeof settings, "{\"tokenizer_class\":\"%s\"}",
                         cases[i].class_name);
        hf_folder_make(&f);
        hf_folder_put(&f, "vocab.json", "{" VOCAB "}", sizeof "{" VOCAB "}" - 1);
        hf_folder_put(&f, "merges.txt", cases[i].merges, strlen(cases[i].merges));
        hf_folder_put(&f, "tokenizer_config.json", settings, (size_t)n);
        reason_status status = try_folder(&f, 200, 0);
        if (status != cases[i].status)
            fail_msg("case %zu: %s: %s", i, rsn_status_name(status), rsn_last_error());
        hf_folder_remove(&f);
    }
}

static void test_format_hf_hostile__no_tokenizer(void **state) {
    rsn_gguf g;
    hf_folder f;
    (void)state;
    hf_folder_make(&f);
    hf_folder_put(&f, "config.json", "{}", 2);
    assert_int_equal(hf_plan(f.path, 0, &g), REASON_ERR_IO); /* the helper's own word */
    assert_non_null(strstr(rsn_last_error(), "no tokenizer"));
    rsn_arena_free(&g.arena);
    hf_folder_remove(&f);
    assert_int_equal(hf_plan("/nonexistent", 0, &g), REASON_ERR_IO);
    rsn_arena_free(&g.arena);
}

/* ---- protobuf ---- */

#define PIECE "\x0A\x08\x0A\x01" "a" "\x15\x00\x00\x80\x3F" /* "a", 1.0 */
#define BPE_SPEC "\x12\x02\x18\x02\x1A\x02\x20\x00"         /* BPE, nothing collapsed */

static const struct {
    const char *name, *bytes;
    size_t n;
    reason_status status;
    const char *words[3];
} MODELS[] = {
#define BYTES(s) s, sizeof(s) - 1
    {"one piece thrice", BYTES(PIECE PIECE PIECE BPE_SPEC), REASON_ERR_FORMAT, {"twice"}},
    {"nothing", BYTES(""), FORMAT, {"tokenizer.model", "no pieces"}},
    {"a tag cut short", BYTES("\x8A"), FORMAT, {"tokenizer.model", "byte 1"}},
    {"a length cut short", BYTES("\x0A"), FORMAT, {"tokenizer.model"}},
    {"a length beyond", BYTES("\x0A\x7F" "a"), FORMAT, {"tokenizer.model", "127"}},
    {"a length of 2^64", BYTES("\x0A\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01"), FORMAT,
     {"tokenizer.model", "18446744073709551615"}},
    {"an endless number", BYTES("\x0A\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"),
     FORMAT, {"tokenizer.model", "number"}},
    {"a field of number 0", BYTES("\x02\x00"), FORMAT, {"tokenizer.model", "number"}},
    {"groups without end", BYTES("\x0B\x0B\x0B\x0B\x0B\x0B\x0B\x0B"), FORMAT,
     {"tokenizer.model", "group"}},
    {"the end of a group", BYTES("\x0C"), FORMAT, {"tokenizer.model", "group"}},
    {"a type of 7", BYTES("\x0F"), FORMAT, {"tokenizer.model"}},
    {"a piece that is a number", BYTES("\x08\x01"), FORMAT,
     {"tokenizer.model", "wire type 0"}},
    {"a text that is a number", BYTES("\x0A\x02\x08\x01"), FORMAT, {"wire type 0"}},
    {"a text beyond its piece", BYTES("\x0A\x03\x0A\x05" "a" PIECE), FORMAT,
     {"tokenizer.model", "5 bytes"}},
    {"a score cut short", BYTES("\x0A\x03\x15\x00\x00"), FORMAT, {"ends within"}},
    {"a score of NaN", BYTES("\x0A\x05\x15\x00\x00\xC0\x7F"), FORMAT, {"score"}},
    {"a type beyond", BYTES("\x0A\x02\x18\x09"), FORMAT, {"type 9"}},
    {"a type of 0", BYTES("\x0A\x02\x18\x00"), FORMAT, {"type 0"}},
    {"an empty piece", BYTES("\x0A\x00" BPE_SPEC), FORMAT, {"empty token"}},
    {"words", BYTES(PIECE "\x12\x02\x18\x03"), REASON_ERR_UNSUPPORTED, {"model type 3"}},
    {"BPE that collapses", BYTES(PIECE "\x12\x02\x18\x02"), REASON_ERR_UNSUPPORTED,
     {"normalizes"}},
    {"an unknown field", BYTES("\x9A\x7D\x03" "abc" PIECE BPE_SPEC), FORMAT,
     {"id 1"}}, /* begin of text is 1 by default, and there is one piece */
#undef BYTES
};

static void test_format_hf_hostile__protobuf(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof MODELS / sizeof *MODELS; i++) {
        hf_folder f;
        hf_folder_make(&f);
        hf_folder_put(&f, "tokenizer.model", MODELS[i].bytes, MODELS[i].n);
        check_said(MODELS[i].name, try_folder(&f, MODELS[i].n, 0), MODELS[i].status,
                   MODELS[i].words);
        hf_folder_remove(&f);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_format_hf_hostile__json),
        cmocka_unit_test(test_format_hf_hostile__cut_and_changed),
        cmocka_unit_test(test_format_hf_hostile__much_of_it),
        cmocka_unit_test(test_format_hf_hostile__vocabulary_sizes),
        cmocka_unit_test(test_format_hf_hostile__older_files),
        cmocka_unit_test(test_format_hf_hostile__no_tokenizer),
        cmocka_unit_test(test_format_hf_hostile__protobuf),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
