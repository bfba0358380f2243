/* Typed reads of metadata: every value type, every limit, and what is said about wrong
 * ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "format/gguf.h"
#include "support/gguf_build.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Whole numbers of each type: their key, type, bytes and value. */
static const struct {
    const char *key;
    uint32_t type;
    size_t n_bytes;
    int64_t value;
} INTS[] = {
    {"u8", GGUF_U8, 1, 255},          {"i8", GGUF_I8, 1, -128},
    {"u16", GGUF_U16, 2, 65535},      {"i16", GGUF_I16, 2, -32768},
    {"u32", GGUF_U32, 4, UINT32_MAX}, {"i32", GGUF_I32, 4, INT32_MIN},
    {"u64", GGUF_U64, 8, INT64_MAX},  {"i64", GGUF_I64, 8, INT64_MIN},
    {"minus.one", GGUF_I64, 8, -1},   {"zero", GGUF_U8, 1, 0},
};

typedef struct fixture {
    char *path;
    rsn_gguf g;
} fixture;

static void put_lists(gguf_bytes *b) {
    gguf_put_array(b, "strings", GGUF_STRING, 3);
    gguf_put_text(b, "one");
    gguf_put_text(b, "");
    gguf_put_text(b, "three");
    gguf_put_array(b, "i32s", GGUF_I32, 3);
    for (int i = 0; i < 3; i++)
        gguf_put_number(b, (uint64_t)(i - 1), 4);
    gguf_put_array(b, "u32s", GGUF_U32, 2);
    gguf_put_number(b, 7, 4);
    gguf_put_number(b, 8, 4);
    gguf_put_array(b, "u8s", GGUF_U8, 2);
    gguf_put_number(b, 0, 2);
    gguf_put_array(b, "f32s", GGUF_F32, 0);
    gguf_put_array(b, "no.strings", GGUF_STRING, 0);
}

static int open_values(void **state) {
    static fixture f;
    gguf_bytes b = {0};
    double pi = 3.141592653589793;
    uint64_t bits;
    memcpy(&bits, &pi, sizeof bits);
    gguf_put_header(&b, 3, 0, COUNT(INTS) + 13);
    for (size_t i = 0; i < COUNT(INTS); i++) {
        gguf_put_key(&b, INTS[i].key, INTS[i].type);
        gguf_put_number(&b, (uint64_t)INTS[i].value, INTS[i].n_bytes);
    }
    gguf_put_bool(&b, "yes", true);
    gguf_put_bool(&b, "no", false);
    gguf_put_f32(&b, "f32", -0.75f);
    gguf_put_key(&b, "f64", GGUF_F64);
    gguf_put_number(&b, bits, 8);
    gguf_put_f32(&b, "nan", NAN);
    gguf_put_string(&b, "string", "some text");
    gguf_put_string(&b, "empty", "");
    put_lists(&b);
    f.path = gguf_save(&b);
    gguf_free(&b);
    rsn_file file;
    if (rsn_file_open(f.path, &file) != REASON_OK ||
        rsn_gguf_open(&file, f.path, false, &f.g) != REASON_OK)
        return -1;
    rsn_file_close(&file);
    *state = &f;
    return 0;
}

static int close_values(void **state) {
    fixture *f = *state;
    rsn_gguf_free(&f->g);
    gguf_remove(f->path);
    return 0;
}

static void check_said(const char *a, const char *b) {
    assert_non_null(strstr(rsn_last_error(), a));
    assert_non_null(strstr(rsn_last_error(), b));
}

static void test_format_gguf_get__int(void **state) {
    const rsn_gguf *g = &((fixture *)*state)->g;
    for (size_t i = 0; i < COUNT(INTS); i++) {
        int64_t value = 12345, v = INTS[i].value;
        assert_int_equal(rsn_gguf_int(g, INTS[i].key, INT64_MIN, INT64_MAX, &value),
                         REASON_OK);
        assert_true(value == v);
        assert_int_equal(rsn_gguf_int(g, INTS[i].key, v, v, &value), REASON_OK);
        value = 12345;
        if (v < INT64_MAX) {
            assert_int_equal(rsn_gguf_int(g, INTS[i].key, v + 1, INT64_MAX, &value),
                             REASON_ERR_FORMAT);
            check_said(INTS[i].key, "allowed");
        }
        if (v > INT64_MIN)
            assert_int_equal(rsn_gguf_int(g, INTS[i].key, INT64_MIN, v - 1, &value),
                             REASON_ERR_FORMAT);
        assert_int_equal(value, 12345);
    }
}

static void test_format_gguf_get__absent(void **state) {
    const rsn_gguf *g = &((fixture *)*state)->g;
    int64_t i = 7;
    bool flag = true;
    double f = 0.5;
    rsn_text text = {"here", 4};
    const rsn_text *texts = &text;
    const int32_t ids[1] = {3}, *p = ids;
    size_t n = 1;
    assert_int_equal(rsn_gguf_int(g, "absent", 0, 0, &i), REASON_OK);
    assert_int_equal(rsn_gguf_bool(g, "absent", &flag), REASON_OK);
    assert_int_equal(rsn_gguf_float(g, "absent", &f), REASON_OK);
    assert_int_equal(rsn_gguf_string(g, "absent", &text), REASON_OK);
    assert_int_equal(rsn_gguf_strings(g, "absent", &texts, &n), REASON_OK);
    assert_int_equal(rsn_gguf_ints(g, "absent", &p, &n), REASON_OK);
    assert_int_equal(i, 7);
    assert_true(flag);
    assert_true(f == 0.5);
    assert_ptr_equal(texts, &text);
    assert_ptr_equal(p, ids);
    assert_int_equal(n, 1);
    assert_memory_equal(text.data, "here", 4);
}

static void test_format_gguf_get__others(void **state) {
    const rsn_gguf *g = &((fixture *)*state)->g;
    bool flag = false;
    double f = 0;
    rsn_text text = {0};
    assert_int_equal(rsn_gguf_bool(g, "yes", &flag), REASON_OK);
    assert_true(flag);
    assert_int_equal(rsn_gguf_bool(g, "no", &flag), REASON_OK);
    assert_false(flag);
    assert_int_equal(rsn_gguf_float(g, "f32", &f), REASON_OK);
    assert_true(f == -0.75);
    assert_int_equal(rsn_gguf_float(g, "f64", &f), REASON_OK);
    assert_true(f == 3.141592653589793);
    assert_int_equal(rsn_gguf_float(g, "nan", &f), REASON_OK);
    assert_true(isnan(f));
    assert_int_equal(rsn_gguf_string(g, "string", &text), REASON_OK);
    assert_int_equal(text.n, 9);
    assert_string_equal(text.data, "some text");
    assert_int_equal(rsn_gguf_string(g, "empty", &text), REASON_OK);
    assert_int_equal(text.n, 0);
    assert_string_equal(text.data, "");
}

static void test_format_gguf_get__lists(void **state) {
    const rsn_gguf *g = &((fixture *)*state)->g;
    const rsn_text *texts = NULL;
    const int32_t *ints = NULL;
    size_t n = 0;
    assert_int_equal(rsn_gguf_strings(g, "strings", &texts, &n), REASON_OK);
    assert_int_equal(n, 3);
    assert_int_equal(texts[0].n, 3);
    assert_memory_equal(texts[0].data, "one", 3);
    assert_int_equal(texts[1].n, 0);
    assert_memory_equal(texts[2].data, "three", 5);
    assert_int_equal(rsn_gguf_strings(g, "no.strings", &texts, &n), REASON_OK);
    assert_int_equal(n, 0);
    assert_int_equal(rsn_gguf_ints(g, "i32s", &ints, &n), REASON_OK);
    assert_int_equal(n, 3);
    assert_int_equal(ints[0], -1);
    assert_int_equal(ints[2], 1);
    assert_int_equal(rsn_gguf_ints(g, "u32s", &ints, &n), REASON_OK);
    assert_int_equal(n, 2);
    assert_int_equal(ints[1], 8);
    const uint8_t *bytes = NULL;
    const rsn_gguf_pair *pair = rsn_gguf_find(g, "u8s");
    assert_int_equal(rsn_gguf_bytes(g, "u8s", &bytes, &n), REASON_OK);
    assert_int_equal(n, pair->n);
    assert_ptr_equal(bytes, pair->as.items);
}

/* Every reader on every key: it reads the types that are its own and names the key of
 * others. */
static void test_format_gguf_get__wrong_types(void **state) {
    const rsn_gguf *g = &((fixture *)*state)->g;
    for (size_t k = 0; k < g->n_pairs; k++) {
        const rsn_gguf_pair *pair = &g->pairs[k];
        const char *key = pair->key.data;
        int64_t i;
        bool flag;
        double f;
        rsn_text text;
        const rsn_text *texts;
        const int32_t *ints;
        const uint8_t *bytes;
        size_t n;
        bool array = pair->type == RSN_GGUF_ARRAY, string = pair->type == RSN_GGUF_STRING;
        bool real = pair->type == RSN_GGUF_F32 || pair->type == RSN_GGUF_F64;
        bool boolean = pair->type == RSN_GGUF_BOOL;
        const struct {
            reason_status status;
            bool right;
        } reads[] = {
            {rsn_gguf_int(g, key, INT64_MIN, INT64_MAX, &i),
             !array && !string && !real && !boolean},
            {rsn_gguf_bool(g, key, &flag), boolean},
            {rsn_gguf_float(g, key, &f), real},
            {rsn_gguf_string(g, key, &text), string},
            {rsn_gguf_strings(g, key, &texts, &n),
             array && pair->item == RSN_GGUF_STRING},
            {rsn_gguf_ints(g, key, &ints, &n),
             array && (pair->item == RSN_GGUF_I32 || pair->item == RSN_GGUF_U32)},
            {rsn_gguf_bytes(g, key, &bytes, &n),
             array && (pair->item == RSN_GGUF_I8 || pair->item == RSN_GGUF_U8)},
        };
        for (size_t j = 0; j < COUNT(reads); j++)
            assert_int_equal(reads[j].status,
                             reads[j].right ? REASON_OK : REASON_ERR_FORMAT);
    }
    const int32_t *ints;
    size_t n;
    assert_int_equal(rsn_gguf_ints(g, "u8s", &ints, &n), REASON_ERR_FORMAT);
    check_said("u8s", "32-bit integers");
    assert_int_equal(rsn_gguf_ints(g, "string", &ints, &n), REASON_ERR_FORMAT);
    check_said("string", "32-bit integers");
}

static void test_format_gguf_get__compare(void **state) {
    (void)state;
    static const rsn_text rising[] = {
        {"", 0},   {"\0", 1}, {"\0a", 2},  {"a", 1},    {"a\0", 2},
        {"ab", 2}, {"b", 1},  {"\x7f", 1}, {"\xff", 1}, {"\xff\xff", 2}};
    for (size_t i = 0; i < COUNT(rising); i++)
        for (size_t j = 0; j < COUNT(rising); j++) {
            int order = rsn_gguf_compare(&rising[i], &rising[j]);
            assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_format_gguf_get__int),
        cmocka_unit_test(test_format_gguf_get__absent),
        cmocka_unit_test(test_format_gguf_get__others),
        cmocka_unit_test(test_format_gguf_get__lists),
        cmocka_unit_test(test_format_gguf_get__wrong_types),
        cmocka_unit_test(test_format_gguf_get__compare),
    };
    return cmocka_run_group_tests(tests, open_values, close_values);
}
