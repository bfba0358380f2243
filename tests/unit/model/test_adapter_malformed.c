/* Adapters that are damaged, of other kinds or for other models: each is refused with a
 * sentence that names what it was, and nothing is left of it. */
#include "support.h"
#include "support/tiny_adapter.h"

typedef struct fixture {
    tiny_model m;
    char *path;
    reason_model *model;
} fixture;

static int set_up(void **state) {
    static fixture f;
    tiny_model_make("llama", &(tiny_options){.n_layers = 1}, &f.m);
    f.path = gguf_save(&f.m.file);
    check_ok(reason_model_open(f.path, NULL, &f.model));
    *state = &f;
    return 0;
}

static int tear_down(void **state) {
    fixture *f = *state;
    reason_model_free(f->model);
    gguf_remove(f->path);
    tiny_model_free(&f->m);
    return 0;
}

static void make(const fixture *f, const tiny_adapter_options *o, tiny_adapter *a) {
    static const tiny_adapter_options small = {.alpha = 8, .only = "attn_q.weight"};
    tiny_adapter_make(&f->m, o ? o : &small, a);
}

/* Opens what the bytes are now and drops them. */
static reason_status try_adapter(const fixture *f, tiny_adapter *a) {
    counted_heap heap;
    reason_adapter *adapter = (reason_adapter *)(void *)&heap;
    const char *path = tiny_adapter_save(a);
    heap_begin(&heap, 0, false);
    reason_status status = reason_adapter_open(f->model, path, &adapter);
    assert_true(heap.peak <= ((size_t)16 << 20) + 2 * a->file.n);
    if (status != REASON_OK) {
        assert_null(adapter);
        if (strncmp(reason_last_error(), path, strlen(path)) != 0 ||
            strstr(reason_last_error() + 1, path)) /* once */
            fail_msg("%s", reason_last_error());
    }
    reason_adapter_free(adapter);
    heap_end();
    assert_int_equal(heap.alive, 0);
    return status;
}

static void refuse(const fixture *f, tiny_adapter *a, reason_status wanted,
                   const char *word) {
    reason_status status = try_adapter(f, a);
    if (status != wanted)
        fail_msg("%s instead of %s (%s): %s", reason_status_name(status),
                 reason_status_name(wanted), word,
                 status == REASON_OK ? "" : reason_last_error());
    check_said((const char *const[]){word, NULL});
    tiny_adapter_free(a);
}

static void test_adapter_malformed__sound(void **state) {
    tiny_adapter a;
    make(*state, NULL, &a);
    check_ok(try_adapter(*state, &a));
    tiny_adapter_free(&a);
}

/* --- metadata ----------------------------------------------------------------------- */

static void rename_key(tiny_adapter *a, const char *key) {
    a->file.data[gguf_find(&a->file, key, strlen(key))] ^= 1;
}

static void test_adapter_malformed__keys(void **state) {
    static const char *const keys[] = {"general.architecture", "general.type",
                                       "adapter.type"};
    for (size_t i = 0; i < COUNT(keys); i++) {
        tiny_adapter a;
        char word[64];
        make(*state, NULL, &a);
        rename_key(&a, keys[i]);
        (void)snprintf(word, sizeof word, "key %s is missing", keys[i]);
        refuse(*state, &a, REASON_ERR_FORMAT, word);
    }
}

/* The text under a key, of the same length. */
static void set_text(tiny_adapter *a, const char *key, const char *text) {
    memcpy(a->file.data + gguf_find_value(&a->file, key) + 8, text, strlen(text));
}

static void test_adapter_malformed__kinds(void **state) {
    tiny_adapter a;
    make(*state, NULL, &a);
    set_text(&a, "general.type", "imatrix");
    refuse(*state, &a, REASON_ERR_FORMAT, "general.type is \"imatrix\"");
    make(*state, NULL, &a);
    set_text(&a, "adapter.type", "loha");
    refuse(*state, &a, REASON_ERR_UNSUPPORTED, "loha");
    make(*state, &(tiny_adapter_options){.arch = "qwen2"}, &a);
    refuse(*state, &a, REASON_ERR_MISMATCH, "architecture \"qwen2\", not \"llama\"");
}

/* A model is no adapter, and an adapter no model. */
static void test_adapter_malformed__models(void **state) {
    fixture *f = *state;
    tiny_adapter a;
    reason_adapter *adapter;
    reason_model *model;
    assert_int_equal(reason_adapter_open(f->model, f->path, &adapter), REASON_ERR_FORMAT);
    assert_null(adapter);
    make(f, NULL, &a);
    assert_int_equal(reason_model_open(tiny_adapter_save(&a), NULL, &model),
                     REASON_ERR_UNSUPPORTED);
    check_said((const char *const[]){"adapter", NULL});
    tiny_adapter_free(&a);
}

static void test_adapter_malformed__begins_at_tokens(void **state) {
    gguf_bytes pair = {0};
    tiny_adapter a;
    make(*state, NULL, &a);
    gguf_put_array(&pair, "adapter.alora.invocation_tokens", GGUF_U32, 1);
    gguf_put_number(&pair, 3, 4);
    gguf_insert(&a.file, 24, pair.data, pair.n);
    gguf_set_number(&a.file, 16, 5, 8);
    /* What follows is aligned as before: the refusal comes first. */
    while (a.file.n % 32)
        gguf_put_zeros(&a.file, 1);
    refuse(*state, &a, REASON_ERR_UNSUPPORTED, "alora.invocation_tokens");
    gguf_free(&pair);
}

static void test_adapter_malformed__alpha(void **state) {
    static const uint32_t bits[] = {0x7FC00000, 0xFFC00001, 0x7F800000, 0xFF800000};
    tiny_adapter a;
    for (size_t i = 0; i < COUNT(bits); i++) {
        make(*state, NULL, &a);
        gguf_set_number(&a.file, gguf_find_value(&a.file, "adapter.lora.alpha"), bits[i],
                        4);
        refuse(*state, &a, REASON_ERR_FORMAT, "a finite float expected");
    }
    make(*state, NULL, &a);
    gguf_set_number(&a.file, gguf_find_value(&a.file, "adapter.lora.alpha") - 4, GGUF_U32,
                    4);
    refuse(*state, &a, REASON_ERR_FORMAT, "adapter.lora.alpha");
}

/* --- tensors ------------------------------------------------------------------------ */

static void set_name(tiny_adapter *a, const char *name, size_t at, const char *text) {
    memcpy(a->file.data + gguf_find(&a->file, name, strlen(name)) + at, text,
           strlen(text));
}

static void test_adapter_malformed__names(void **state) {
    static const struct {
        const char *name, *text; /* put at its place */
        size_t at;
        reason_status status;
        const char *word;
    } rows[] = {
        {"blk.0.attn_q.weight.lora_a", "c", 25, REASON_ERR_UNSUPPORTED, "is no factor"},
        {"blk.0.attn_q.weight.lora_a", "X", 18, REASON_ERR_FORMAT,
         "without its other factor"},
        {"blk.0.attn_q.weight.lora_b", "7", 4, REASON_ERR_FORMAT,
         "without its other factor"},
    };
    tiny_adapter a;
    for (size_t i = 0; i < COUNT(rows); i++) {
        make(*state, NULL, &a);
        set_name(&a, rows[i].name, rows[i].at, rows[i].text);
        refuse(*state, &a, rows[i].status, rows[i].word);
    }
    make(*state, NULL, &a); /* both are renamed */
    set_name(&a, "blk.0.attn_q.weight.lora_a", 4, "9");
    set_name(&a, "blk.0.attn_q.weight.lora_b", 4, "9");
    refuse(*state, &a, REASON_ERR_MISMATCH, "blk.9.attn_q.weight");
    make(*state, &(tiny_adapter_options){.only = "no such tensor"}, &a);
    refuse(*state, &a, REASON_ERR_FORMAT, "no tensors");
    /* a vector of the model, by its length */
    make(*state, &(tiny_adapter_options){.only = "ffn_gate.weight", .rank = 1}, &a);
    set_name(&a, "blk.0.ffn_gate.weight.lora_a", 6, "ffn_norm");
    set_name(&a, "blk.0.ffn_gate.weight.lora_b", 6, "ffn_norm");
    refuse(*state, &a, REASON_ERR_UNSUPPORTED, "no matrix");
}

/* Shapes, by the entry: u32 dimensions, u64 each, u32 type, u64 offset. */
static void test_adapter_malformed__shapes(void **state) {
    static const struct {
        const char *factor;
        int dim;
        uint64_t value;
        reason_status status;
        const char *word;
    } rows[] = {
        {"lora_a", 0, 32, REASON_ERR_MISMATCH, "shape [32, 64], [64, 64] expected"},
        {"lora_a", 1, 3, REASON_ERR_FORMAT, "ranks 3 and 4"},
        {"lora_b", 0, 2, REASON_ERR_FORMAT, "ranks 4 and 2"},
        {"lora_b", 1, 63, REASON_ERR_MISMATCH, "shape [64, 63], [64, 64] expected"},
        {"lora_a", 1, 0, REASON_ERR_FORMAT, ""},
        {"lora_a", 1, UINT64_MAX, REASON_ERR_FORMAT, ""},
        {"lora_b", 1, UINT64_C(1) << 62, REASON_ERR_FORMAT, ""},
        {"lora_b", 1, 1 << 20, REASON_ERR_FORMAT, ""},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        tiny_adapter a;
        char name[64];
        make(*state, NULL, &a);
        (void)snprintf(name, sizeof name, "blk.0.attn_q.weight.%s", rows[i].factor);
        size_t at = gguf_find_tensor(&a.file, name) + 4 + 8 * (size_t)rows[i].dim;
        gguf_set_number(&a.file, at, rows[i].value, 8);
        refuse(*state, &a, rows[i].status, rows[i].word);
    }
}

static void test_adapter_malformed__three_dimensions(void **state) {
    tiny_adapter a;
    make(*state, NULL, &a);
    size_t at = gguf_find_tensor(&a.file, "blk.0.attn_q.weight.lora_a");
    uint8_t two[8] = {2};
    gguf_set_number(&a.file, at, 3, 4);
    gguf_set_number(&a.file, at + 12, 2, 8);
    gguf_insert(&a.file, at + 20, two, sizeof two);
    gguf_cut(&a.file, a.file.n - 8, 8);
    reason_status status = try_adapter(*state, &a);
    assert_int_equal(status, REASON_ERR_FORMAT);
    tiny_adapter_free(&a);
}

/* Cut anywhere, and every byte of the header changed: refused or sound, nothing else. */
static void test_adapter_malformed__bytes(void **state) {
    tiny_adapter a;
    make(*state, NULL, &a);
    size_t n = a.file.n, header = gguf_find_tensor(&a.file, "blk.0.attn_q.weight.lora_b");
    for (size_t cut = 0; cut < n; cut += 1 + cut / 16) {
        a.file.n = cut;
        assert_int_not_equal(try_adapter(*state, &a), REASON_OK);
    }
    a.file.n = n;
    for (size_t i = 0; i < header + 32; i++) {
        uint8_t kept = a.file.data[i];
        for (int bit = 0; bit < 8; bit += 7) {
            a.file.data[i] = (uint8_t)(kept ^ 1 << bit);
            (void)try_adapter(*state, &a);
        }
        a.file.data[i] = kept;
    }
    tiny_adapter_free(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_adapter_malformed__sound),
        cmocka_unit_test(test_adapter_malformed__keys),
        cmocka_unit_test(test_adapter_malformed__kinds),
        cmocka_unit_test(test_adapter_malformed__models),
        cmocka_unit_test(test_adapter_malformed__begins_at_tokens),
        cmocka_unit_test(test_adapter_malformed__alpha),
        cmocka_unit_test(test_adapter_malformed__names),
        cmocka_unit_test(test_adapter_malformed__shapes),
        cmocka_unit_test(test_adapter_malformed__three_dimensions),
        cmocka_unit_test(test_adapter_malformed__bytes),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
