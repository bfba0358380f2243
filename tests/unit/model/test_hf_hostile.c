/* Hugging Face folders in which one thing is wrong: each is refused with a status, a
 * sentence that names file and entry, little memory, and nothing left behind. The folder
 * that is spoilt is llama-sharded of tests/data/hf, without its tokenizer. */
#include "support.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/hf_folder.h"

#define SOURCE "llama-sharded"
#define CONFIG "config.json"
#define INDEX "model.safetensors.index.json"
#define SHARD(i) "model-0000" #i "-of-00004.safetensors"

static const char *const FILES[] = {CONFIG, INDEX, SHARD(1), SHARD(2), SHARD(3), SHARD(4)};

typedef struct content {
    char *data;
    size_t n;
} content;

static content read_file(const char *path) {
    content c = {0};
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    c.n = (size_t)ftell(file);
    rewind(file);
    c.data = calloc(c.n + 1, 1);
    assert_non_null(c.data);
    assert_int_equal(fread(c.data, 1, c.n, file), c.n);
    (void)fclose(file);
    return c;
}

static void write_file(const char *folder, const char *name, const void *data, size_t n) {
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, n, file), n);
    assert_int_equal(fclose(file), 0);
}

/* The first place of `old` becomes `new`; it must be there. */
static void replace(content *c, const char *old, const char *new) {
    size_t n_old = strlen(old), n_new = strlen(new), at = 0;
    while (at + n_old <= c->n && memcmp(c->data + at, old, n_old) != 0)
        at++;
    if (at + n_old > c->n)
        fail_msg("\"%s\" is not in the file", old);
    char *data = calloc(c->n - n_old + n_new + 1, 1);
    assert_non_null(data);
    memcpy(data, c->data, at);
    memcpy(data + at, new, n_new);
    memcpy(data + at + n_new, c->data + at + n_old, c->n - at - n_old);
    free(c->data);
    c->data = data;
    c->n = c->n - n_old + n_new;
}

/* --- a folder ----------------------------------------------------------------------- */

static char folder[] = "/tmp/reason-hf-XXXXXX";

static void empty_folder(void) {
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    for (struct dirent *e; (e = readdir(dir)) != NULL;)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            assert_int_equal(unlinkat(dirfd(dir), e->d_name, 0), 0);
    (void)closedir(dir);
}

/* The source's files, with one of them changed, or left out where `new` is NULL. */
static size_t fill_folder(const char *name, const char *old, const char *new) {
    size_t sum = 0;
    empty_folder();
    for (size_t i = 0; i < COUNT(FILES); i++) {
        char *path = hf_path(SOURCE, FILES[i]);
        content c = read_file(path);
        bool changed = name && strcmp(name, FILES[i]) == 0;
        if (changed && new)
            replace(&c, old, new);
        if (!changed || new)
            write_file(folder, FILES[i], c.data, c.n);
        sum += c.n;
        free(c.data);
        free(path);
    }
    return sum;
}

static reason_status open_folder(const char *path, size_t n_bytes) {
    reason_status status = try_path(path, n_bytes, REASON_LOAD_MAP);
    assert_int_equal(try_path(path, n_bytes, REASON_LOAD_COPY), status);
    return status;
}

static void refuse(const char *name, const char *old, const char *new,
                   reason_status wanted, const char *const *words) {
    reason_status status = open_folder(folder, fill_folder(name, old, new));
    if (status != wanted)
        fail_msg("%s: %s instead of %s: %s", new ? new : "-", rsn_status_name(status),
                 rsn_status_name(wanted), reason_last_error());
    check_said(words);
}

#define BAD(name, old, new, status, ...)                                                 \
    refuse(name, old, new, status, (const char *const[]){__VA_ARGS__, NULL})
#define FORMAT REASON_ERR_FORMAT
#define UNSUPPORTED REASON_ERR_UNSUPPORTED

static void test_sound(void **state) {
    (void)state;
    check_ok(open_folder(folder, fill_folder(NULL, NULL, NULL)));
}

/* --- config.json -------------------------------------------------------------------- */

static void test_config_json(void **state) {
    (void)state;
    BAD(CONFIG, "", NULL, REASON_ERR_IO, CONFIG, "cannot be opened");
    BAD(CONFIG, "{", "[", FORMAT, CONFIG);
    BAD(CONFIG, "{", "{\"a\": 1e999,", FORMAT, CONFIG, "byte");
    BAD(CONFIG, "{", "{\"a\": \"\x80\",", FORMAT, CONFIG, "byte");
    BAD(CONFIG, "\n}", "", FORMAT, CONFIG);
    BAD(CONFIG, "\"num_hidden_layers\": 2", "\"num_hidden_layers\": {\"a\": [[[1]]]}",
        FORMAT, CONFIG, "num_hidden_layers is missing");
    char *deep = calloc(1, 200000);
    assert_non_null(deep);
    memset(deep, '[', 150000);
    memcpy(deep, "{\"a\":", 5);
    BAD(CONFIG, "{", deep, REASON_ERR_LIMIT, CONFIG, "deep");
    free(deep);
    char *many = calloc(1, 400000);
    assert_non_null(many);
    size_t n = (size_t)sprintf(many, "{\"a\": [0");
    for (size_t i = 0; i < 140000; i++)
        n += (size_t)sprintf(many + n, ",0");
    (void)sprintf(many + n, "],");
    BAD(CONFIG, "{", many, REASON_ERR_LIMIT, CONFIG, "131072");
    free(many);
}

static void test_config_class(void **state) {
    (void)state;
    BAD(CONFIG, "LlamaForCausalLM", "LlamaForImages", UNSUPPORTED, CONFIG,
        "\"LlamaForImages\"", "Qwen3", "ForProcessRewardModel");
    BAD(CONFIG, "LlamaForCausalLM", "", UNSUPPORTED, CONFIG);
    BAD(CONFIG, "\"LlamaForCausalLM\"", "1", FORMAT, CONFIG, "architectures");
    BAD(CONFIG, "[\n  \"LlamaForCausalLM\"\n ]", "[]", FORMAT, CONFIG, "0 classes");
    BAD(CONFIG, "[\n  \"LlamaForCausalLM\"\n ]", "\"LlamaForCausalLM\"", FORMAT, CONFIG,
        "architectures", "a list");
    BAD(CONFIG, "LlamaForCausalLM", "BitNetForCausalLM", UNSUPPORTED, CONFIG, "\"silu\"",
        "relu2");
    BAD(CONFIG, "{", "{\"quantization_config\": {\"quant_method\": \"awq\"},", UNSUPPORTED,
        "quant_method", "\"awq\"");
    BAD(CONFIG, "{",
        "{\"quantization_config\": {\"quant_method\": \"bitnet\", \"linear_class\": "
        "\"x\"},",
        UNSUPPORTED, "linear_class");
    BAD(CONFIG, "{", "{\"mlp_bias\": true,", UNSUPPORTED, "mlp_bias");
}

static void test_config_numbers(void **state) {
    (void)state;
    static const char *const KEYS[] = {"hidden_size", "num_hidden_layers",
                                       "num_attention_heads", "intermediate_size",
                                       "max_position_embeddings", "vocab_size"};
    static const char *const VALUES[] = {"0", "-1", "1.5", "1e3", "\"32\"", "[32]",
                                         "9223372036854775808", "true"};
    for (size_t i = 0; i < COUNT(KEYS); i++) {
        char old[64], new[96];
        (void)snprintf(old, sizeof old, "\"%s\": ", KEYS[i]);
        (void)snprintf(new, sizeof new, "\"old_%s\": ", KEYS[i]);
        BAD(CONFIG, old, new, FORMAT, CONFIG, KEYS[i], "missing");
        for (size_t j = 0; j < COUNT(VALUES); j++) {
            (void)snprintf(new, sizeof new, "\"%s\": %s, \"x\": ", KEYS[i], VALUES[j]);
            BAD(CONFIG, old, new, FORMAT, CONFIG, KEYS[i]);
        }
    }
    BAD(CONFIG, "\"num_attention_heads\": 2", "\"num_attention_heads\": 3", FORMAT, "rows");
    BAD(CONFIG, "\"num_key_value_heads\": 1", "\"num_key_value_heads\": 2", FORMAT,
        "attn_k.weight");
    BAD(CONFIG, "\"vocab_size\": 145", "\"vocab_size\": 146", FORMAT, "token_embd");
    BAD(CONFIG, "\"num_hidden_layers\": 2", "\"num_hidden_layers\": 3", FORMAT, "blk.2.");
    BAD(CONFIG, "\"num_hidden_layers\": 2", "\"num_hidden_layers\": 1", UNSUPPORTED,
        "blk.1.");
    BAD(CONFIG, "\"rms_norm_eps\": 1e-05", "\"rms_norm_eps\": -1", FORMAT, "rms_norm_eps");
    BAD(CONFIG, "\"rope_theta\": 10000.0", "\"rope_theta\": 0", FORMAT, "rope_theta");
    BAD(CONFIG, "\"tie_word_embeddings\": true", "\"tie_word_embeddings\": false", FORMAT,
        "lm_head.weight");
    BAD(CONFIG, "\"tie_word_embeddings\": true", "\"tie_word_embeddings\": 1", FORMAT,
        "tie_word_embeddings");
}

static void test_config_rope(void **state) {
    (void)state;
#define BAD_ROPE(text, status, ...)                                                      \
    BAD(CONFIG, "\"rope_scaling\": null", "\"rope_scaling\": " text, status, __VA_ARGS__)
    BAD_ROPE("{\"rope_type\": \"dynamic\", \"factor\": 2}", UNSUPPORTED,
        "rope_scaling.rope_type", "\"dynamic\"");
    BAD_ROPE("{\"rope_type\": \"linear\"}", FORMAT, "factor", "missing");
    BAD_ROPE("{\"rope_type\": \"linear\", \"factor\": \"2\"}", FORMAT, "factor");
    BAD_ROPE("{\"rope_type\": \"linear\", \"factor\": 0}", FORMAT, "factor");
    BAD_ROPE("{\"rope_type\": \"yarn\", \"factor\": 2, \"mscale\": 1}",
        UNSUPPORTED, "mscale");
    BAD_ROPE("{\"rope_type\": \"llama3\", \"factor\": 2, \"low_freq_factor\": 4,"
                     "\"high_freq_factor\": 4}",
        FORMAT, "high_freq_factor");
    BAD_ROPE("{\"type\": \"longrope\", \"short_factor\": [1], \"long_factor\": "
                     "[1]}",
        FORMAT, "short_factor", "8 expected");
    BAD_ROPE("{\"type\": \"longrope\", \"short_factor\": [1,1,1,1,1,1,1,0], "
                     "\"long_factor\": [1,1,1,1,1,1,1,1]}",
        FORMAT, "short_factor", "item 7");
    BAD_ROPE("{\"rope_type\": 5}", FORMAT, "rope_type");
}

/* --- the index: case 20, and others of its kind ------------------------------------- */

static void test_index(void **state) {
    (void)state;
    static const char *const OUTSIDE[] = {"../../etc/passwd", "/etc/passwd", "..", ".", "",
                                          "a/../b", "sub/x", "..\\\\x"};
    for (size_t i = 0; i < COUNT(OUTSIDE); i++)
        BAD(INDEX, SHARD(4), OUTSIDE[i], FORMAT, INDEX, "input_layernorm",
            "in the folder expected");
    BAD(INDEX, "\"" SHARD(4) "\"", "7", FORMAT, INDEX, "no text");
    BAD(INDEX, "\"" SHARD(4) "\"", "\"a\\u0000b\"", FORMAT, INDEX);
    BAD(INDEX, SHARD(4), "nowhere.safetensors", REASON_ERR_IO, "nowhere.safetensors");
    BAD(INDEX, SHARD(4), SHARD(1), FORMAT, INDEX, "is not in", SHARD(1));
    BAD(INDEX, "model.layers.1.input_layernorm", "model.layers.1.output_layernorm", FORMAT,
        INDEX, "output_layernorm", "is not in");
    BAD(INDEX, "weight_map", "weight_list", FORMAT, INDEX, "weight_map");
    BAD(INDEX, "{", "[", FORMAT, INDEX);
    BAD(INDEX, "", NULL, REASON_ERR_IO, "model.safetensors");
    BAD(SHARD(3), "", NULL, REASON_ERR_IO, SHARD(3));
    char *many = calloc(1, 100000);
    assert_non_null(many);
    size_t n = (size_t)sprintf(many, "\"weight_map\": {");
    for (int i = 0; i < 300; i++)
        n += (size_t)sprintf(many + n, "\"t%d\": \"s%d.safetensors\",", i, i);
    BAD(INDEX, "\"weight_map\": {", many, REASON_ERR_LIMIT, INDEX, "255");
    free(many);
}

static void test_other_weights(void **state) {
    (void)state;
    size_t n = fill_folder(INDEX, "", NULL);
    write_file(folder, "pytorch_model.bin", "x", 1);
    assert_int_equal(open_folder(folder, n), UNSUPPORTED);
    check_said((const char *const[]){"pytorch_model.bin", "safetensors", NULL});
}

/* --- shards: names and types of the same length ------------------------------------- */

static void test_shards(void **state) {
    (void)state;
    BAD(SHARD(3), "gate_proj", "gate_proX", FORMAT, INDEX, "gate_proj");
    BAD(SHARD(3), "\"F16\"", "\"I16\"", UNSUPPORTED, SHARD(3), "I16");
    BAD(SHARD(3), "\"F16\"", "\"F99\"", UNSUPPORTED, SHARD(3), "\"F99\"");
    BAD(SHARD(3), "[32,32]", "[16,64]", FORMAT, "32, 32");
    BAD(SHARD(3), "[32,32]", "[32,31]", FORMAT, SHARD(3));
    /* The same tensor in two files. */
    size_t n = fill_folder(INDEX, "\"weight_map\": {",
                           "\"weight_map\": {\"x\": \"again.safetensors\",");
    char *path = hf_path(SOURCE, SHARD(4));
    content c = read_file(path);
    write_file(folder, "again.safetensors", c.data, c.n);
    assert_int_equal(open_folder(folder, n + c.n), FORMAT);
    free(c.data);
    free(path);
}

/* A folder is no file, but a file of a folder opens alone if all is in it. */
static void test_one_file(void **state) {
    (void)state;
    char inside[4096];
    size_t n = fill_folder(NULL, NULL, NULL);
    (void)snprintf(inside, sizeof inside, "%s/%s", folder, SHARD(1));
    reason_model *model;
    assert_int_equal(reason_model_open(inside, NULL, &model), FORMAT);
    check_said((const char *const[]){"tensor", "missing", NULL});
    char *path = hf_path("llama", "model.safetensors");
    check_ok(reason_model_open(path, NULL, &model));
    reason_model_free(model);
    free(path);
    (void)n;
}

/* Packed weights: case by case on the headers of bitnet-offline. */
static void test_packed(void **state) {
    (void)state;
    static const char *const NAMES[] = {CONFIG, "model.safetensors"};
    static const struct {
        size_t file;
        const char *old, *new;
        reason_status status;
        const char *word;
    } CASES[] = {
        {1, "q_proj.weight_scale", "z_proj.weight_scale", FORMAT, "q_proj.weight"},
        {1, "q_proj.weight_scale", "q_proj.weight_scalX", UNSUPPORTED, "weight_scalX"},
        {0, "\"offline\"", "\"online\"", UNSUPPORTED, "U8"},
        {0, "\"autobitlinear\"", "\"bitlinear\"", REASON_OK, ""},
    };
    for (size_t i = 0; i < COUNT(CASES); i++) {
        size_t sum = 0;
        empty_folder();
        for (size_t k = 0; k < 2; k++) {
            char *path = hf_path("bitnet-offline", NAMES[k]);
            content c = read_file(path);
            if (CASES[i].file == k)
                replace(&c, CASES[i].old, CASES[i].new);
            write_file(folder, NAMES[k], c.data, c.n);
            sum += c.n;
            free(c.data);
            free(path);
        }
        reason_status status = open_folder(folder, sum);
        if (status != CASES[i].status)
            fail_msg("%s: %s", CASES[i].new, reason_last_error());
        if (status != REASON_OK)
            check_said((const char *const[]){CASES[i].word, NULL});
    }
}

static int make_folder(void **state) {
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state) {
    (void)state;
    empty_folder();
    return rmdir(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sound),          cmocka_unit_test(test_config_json),
        cmocka_unit_test(test_config_class),   cmocka_unit_test(test_config_numbers),
        cmocka_unit_test(test_config_rope),    cmocka_unit_test(test_index),
        cmocka_unit_test(test_other_weights),  cmocka_unit_test(test_shards),
        cmocka_unit_test(test_one_file),       cmocka_unit_test(test_packed),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
