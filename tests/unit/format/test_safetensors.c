/* Headers of safetensors files: what a sound one gives, and that every damaged one is
 * refused with a sentence, little memory and nothing left behind. */
#include "unit/format/support.h"

#include "format/safetensors.h"

typedef struct opened {
    rsn_arena arena;
    rsn_safetensors st;
    counted_heap heap;
} opened;

/* A file of this header and n bytes of data. */
static void make(gguf_bytes *b, const char *header, size_t n_data) {
    memset(b, 0, sizeof *b);
    gguf_put_number(b, strlen(header), 8);
    gguf_put(b, header, strlen(header));
    gguf_put_zeros(b, n_data);
}

static reason_status open_bytes(const gguf_bytes *b, opened *o) {
    rsn_file file;
    char *path = gguf_save(b);
    memset(o, 0, sizeof *o);
    assert_int_equal(rsn_file_open(path, &file), REASON_OK);
    heap_begin(&o->heap, 0, false);
    reason_status status = rsn_safetensors_read(&file, &o->arena, &o->st);
    assert_true(o->heap.peak <= ((size_t)1 << 16) + 24 * (size_t)file.size);
    rsn_file_close(&file);
    gguf_remove(path);
    return status;
}

static void close_bytes(opened *o) {
    rsn_arena_free(&o->arena);
    heap_end();
    assert_int_equal(o->heap.alive, 0);
}

static void refuse_bytes(const gguf_bytes *b, reason_status wanted,
                         const char *const *words) {
    opened o;
    reason_status status = open_bytes(b, &o);
    if (status != wanted)
        fail_msg("%s instead of %s: %s", rsn_status_name(status), rsn_status_name(wanted),
                 rsn_last_error());
    check_said(words);
    close_bytes(&o);
}

static void refuse(const char *header, size_t n_data, reason_status wanted,
                   const char *const *words) {
    gguf_bytes b;
    make(&b, header, n_data);
    refuse_bytes(&b, wanted, words);
    gguf_free(&b);
}

#define BAD(header, n_data, status, ...)                                                 \
    refuse(header, n_data, status, (const char *const[]){__VA_ARGS__, NULL})
#define FORMAT REASON_ERR_FORMAT

static void test_places(void **state) {
    (void)state;
    gguf_bytes b;
    opened o;
    make(&b,
         "{\"__metadata__\":{\"format\":\"pt\"},"
         "\"b\":{\"dtype\":\"F16\",\"shape\":[2,3],\"data_offsets\":[8,20]},"
         "\"scalar\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[20,24]},"
         "\"none\":{\"shape\":[0,7],\"data_offsets\":[8,8],\"dtype\":\"U8\"},"
         "\"a\\u0041\":{\"dtype\":\"F8_E4M3\",\"shape\":[8],\"data_offsets\":[0,8]}}   ",
         24);
    assert_int_equal(open_bytes(&b, &o), REASON_OK);
    assert_int_equal(o.st.n_tensors, 4);
    assert_int_equal(o.st.data_end, b.n);
    assert_int_equal(o.st.data_start + 24, b.n);
    const rsn_st_tensor *t = rsn_safetensors_find(&o.st, (rsn_text){"b", 1});
    assert_non_null(t);
    assert_int_equal(t->offset, o.st.data_start + 8);
    assert_int_equal(t->n_bytes, 12);
    assert_int_equal(t->n_dims, 2);
    assert_int_equal(t->shape[1], 3);
    assert_int_equal(t->dtype->weight, RSN_TYPE_F16);
    assert_string_equal(rsn_st_describe(t).text, "[2, 3]");
    t = rsn_safetensors_find(&o.st, (rsn_text){"aA", 2});
    assert_non_null(t);
    assert_string_equal(t->dtype->name, "F8_E4M3");
    assert_int_equal(t->dtype->weight, -1);
    t = rsn_safetensors_find(&o.st, (rsn_text){"scalar", 6});
    assert_int_equal(t->n_dims, 0);
    assert_null(rsn_safetensors_find(&o.st, (rsn_text){"c", 1}));
    close_bytes(&o);
    gguf_free(&b);
}

static void test_no_tensors(void **state) {
    (void)state;
    gguf_bytes b;
    opened o;
    make(&b, "{}", 0);
    assert_int_equal(open_bytes(&b, &o), REASON_OK);
    assert_int_equal(o.st.n_tensors, 0);
    close_bytes(&o);
    gguf_free(&b);
}

/* Case 16: the length of the header. */
static void test_lengths(void **state) {
    (void)state;
    static const uint64_t LENGTHS[] = {0, 1, 3, UINT64_C(1) << 63, UINT64_MAX,
                                       UINT64_MAX - 7};
    for (size_t i = 0; i < COUNT(LENGTHS); i++) {
        gguf_bytes b;
        make(&b, "{}", 0);
        gguf_set_number(&b, 0, LENGTHS[i], 8);
        refuse_bytes(&b, FORMAT,
                     (const char *const[]){"length of the header at offset 0",
                                           number(LENGTHS[i]), NULL});
        gguf_free(&b);
    }
    for (size_t n = 0; n < 8; n++) {
        gguf_bytes b;
        make(&b, "{}", 0);
        b.n = n;
        refuse_bytes(&b, FORMAT, (const char *const[]){"too short", number(n), NULL});
        gguf_free(&b);
    }
}

/* The same above the limit, in a sparse file that is as large as it says. */
static void test_limit(void **state) {
    (void)state;
    gguf_bytes b;
    rsn_file file;
    rsn_arena arena = {0};
    rsn_safetensors st;
    make(&b, "{}", 0);
    uint64_t n = RSN_ST_MAX_HEADER + UINT64_C(1);
    gguf_set_number(&b, 0, n, 8);
    char *path = gguf_save(&b);
    assert_int_equal(truncate(path, (off_t)(n + 8)), 0);
    assert_int_equal(rsn_file_open(path, &file), REASON_OK);
    assert_int_equal(rsn_safetensors_read(&file, &arena, &st), REASON_ERR_LIMIT);
    check_said((const char *const[]){"100000001", "100000000", NULL});
    rsn_file_close(&file);
    gguf_remove(path);
    gguf_free(&b);
}

/* Case 17: other JSON, and too deep. */
static void test_json(void **state) {
    (void)state;
    BAD("[1, 2]", 0, FORMAT, "object");
    BAD("\"text\"", 0, FORMAT, "object");
    BAD("{\"a\": 1}", 0, FORMAT, "object of a tensor");
    BAD("{\"a\": {}}", 0, FORMAT, "\"a\"", "needed");
    BAD("{} x", 0, FORMAT, "byte");
    BAD("{}{}", 0, FORMAT, "byte");
    BAD("{\"a\"", 0, FORMAT, "byte");
    BAD("  ", 0, FORMAT, "byte");
    BAD("{\"\xff\": {\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[0,1]}}", 1, FORMAT, "byte");
    BAD("{\"a\\u0000b\": {\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[0,1]}}", 1,
        FORMAT, "NUL");
    BAD("{\"\": {\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[0,1]}}", 1, FORMAT, "offset");
    BAD("{\"__metadata__\": [1]}", 0, FORMAT, "texts");
    BAD("{\"__metadata__\": {\"a\": 1}}", 0, FORMAT, "__metadata__");
    BAD("{\"__metadata__\": {}, \"__metadata__\": {}}", 0, FORMAT, "twice");
    enum { DEEP = 100000 };
    char *deep = malloc(DEEP + 1);
    assert_non_null(deep);
    memset(deep, '[', DEEP);
    deep[DEEP] = '\0';
    refuse(deep, 0, FORMAT, (const char *const[]){NULL});
    memcpy(deep, "{\"a\":", 5);
    refuse(deep, 0, FORMAT, (const char *const[]){NULL});
    free(deep);
}

/* Case 18: ranges. */
static void test_ranges(void **state) {
    (void)state;
#define U8(name, n, from, to)                                                            \
    "\"" name "\":{\"dtype\":\"U8\",\"shape\":[" #n "],\"data_offsets\":[" #from "," #to \
    "]}"
    BAD("{" U8("a", 4, 4, 0) "}", 4, FORMAT, "\"a\"", "4 to 0");
    BAD("{" U8("a", 5, 0, 5) "}", 4, FORMAT, "\"a\"", "0 to 5", "4 bytes");
    BAD("{" U8("a", 4, 0, 4) "," U8("b", 3, 5, 8) "}", 8, FORMAT, "\"b\"", "gap");
    BAD("{" U8("a", 4, 0, 4) "," U8("b", 5, 3, 8) "}", 8, FORMAT, "\"b\"", "inside");
    BAD("{" U8("a", 4, 0, 4) "," U8("b", 4, 0, 4) "}", 4, FORMAT, "inside");
    BAD("{" U8("a", 4, 0, 4) "}", 5, FORMAT, "4 bytes", "5 of data");
    BAD("{" U8("a", 4, 1, 5) "}", 5, FORMAT, "\"a\"", "gap");
    BAD("{" U8("a", 0, 2, 2) "," U8("b", 4, 0, 4) "}", 4, FORMAT, "\"a\"", "inside");
    BAD("{" U8("a", 2, 0, 2) "," U8("a", 2, 2, 4) "}", 4, FORMAT, "\"a\"", "twice");
    BAD("{" U8("a", 4, 0, 18446744073709551616) "}", 4, FORMAT, "\"a\"", "offsets");
    BAD("{" U8("a", 4, -4, 0) "}", 4, FORMAT, "\"a\"", "offsets");
    BAD("{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0]}}", 4, FORMAT,
        "\"a\"", "two offsets");
    BAD("{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4,4]}}", 4, FORMAT,
        "\"a\"", "two offsets");
    BAD("{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"shape\":[4],\"data_offsets\":[0,4]}}",
        4, FORMAT, "\"a\"", "once");
    BAD("{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4],\"x\":1}}", 4,
        FORMAT, "\"a\"");
}

/* Case 19: shapes. */
static void test_shapes(void **state) {
    (void)state;
#define SHAPED(dtype, shape, bytes)                                                      \
    "{\"a\":{\"dtype\":" dtype ",\"shape\":" shape ",\"data_offsets\":[0," #bytes "]}}"
    BAD(SHAPED("\"F32\"", "[1099511627776,1099511627776]", 4), 4, FORMAT, "\"a\"",
        "[1099511627776, 1099511627776]");
    BAD(SHAPED("\"F32\"", "[4611686018427387904]", 0), 0, FORMAT, "\"a\"");
    BAD(SHAPED("\"F32\"", "[-1]", 4), 4, FORMAT, "\"a\"", "sizes");
    BAD(SHAPED("\"F32\"", "[1.5]", 4), 4, FORMAT, "\"a\"", "sizes");
    BAD(SHAPED("\"F32\"", "[1e400]", 4), 4, FORMAT, "byte");
    BAD(SHAPED("\"F32\"", "[1e0]", 4), 4, FORMAT, "\"a\"", "sizes");
    BAD(SHAPED("\"F32\"", "[\"1\"]", 4), 4, FORMAT, "\"a\"", "sizes");
    BAD(SHAPED("\"F32\"", "[[1]]", 4), 4, FORMAT, "\"a\"", "sizes");
    BAD(SHAPED("\"F32\"", "[2]", 4), 4, FORMAT, "\"a\"", "[2]");
    BAD(SHAPED("\"F32\"", "[1,1,1,1,1,1,1,1,1]", 4), 4, FORMAT, "\"a\"", "8 sizes");
    BAD(SHAPED("\"F64\"", "[1]", 4), 4, FORMAT, "\"a\"", "F64");
    BAD(SHAPED("\"F4\"", "[1]", 4), 4, REASON_ERR_UNSUPPORTED, "\"a\"", "\"F4\"");
    BAD(SHAPED("\"f32\"", "[1]", 4), 4, REASON_ERR_UNSUPPORTED, "\"f32\"");
    BAD(SHAPED("3", "[1]", 4), 4, FORMAT, "\"a\"", "dtype");
    BAD(SHAPED("\"F32\"", "4", 4), 4, FORMAT, "\"a\"", "sizes");
}

/* Every byte of a sound file changed in turn, and every length cut: refused or read, never
 * worse. */
static void test_damage(void **state) {
    (void)state;
    gguf_bytes b;
    make(&b,
         "{\"a\":{\"dtype\":\"F16\",\"shape\":[2,3],\"data_offsets\":[0,12]},"
         "\"b\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[12,16]}}",
         16);
    size_t whole = b.n, n_refused = 0;
    for (size_t i = 0; i + 16 < whole; i++)
        for (unsigned flip = 1; flip < 256; flip *= 2) {
            opened o;
            b.data[i] ^= (uint8_t)flip;
            n_refused += open_bytes(&b, &o) != REASON_OK;
            close_bytes(&o);
            b.data[i] ^= (uint8_t)flip;
        }
    assert_true(n_refused > (whole - 16) * 7);
    for (b.n = 0; b.n < whole; b.n++) {
        opened o;
        assert_int_not_equal(open_bytes(&b, &o), REASON_OK);
        close_bytes(&o);
    }
    gguf_free(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_places),  cmocka_unit_test(test_no_tensors),
        cmocka_unit_test(test_lengths), cmocka_unit_test(test_limit),
        cmocka_unit_test(test_json),    cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_shapes),  cmocka_unit_test(test_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
