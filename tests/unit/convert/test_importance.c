/* Importance files: both layouts read, the newer one written and read again, damage
 * refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "convert/importance.h"
#include "support/gguf_build.h"

static void put_i32(gguf_bytes *b, int32_t value) {
    gguf_put(b, &value, sizeof value);
}

static void put_entry(gguf_bytes *b, const char *name, int32_t calls, int32_t n) {
    put_i32(b, (int32_t)strlen(name));
    gguf_put(b, name, strlen(name));
    put_i32(b, calls);
    put_i32(b, n);
    for (int32_t i = 0; i < n; i++) {
        float value = (float)(i + 1);
        gguf_put(b, &value, sizeof value);
    }
}

static gguf_bytes old_file(void) {
    gguf_bytes b = {0};
    put_i32(&b, 2);
    put_entry(&b, "blk.0.attn_q.weight", 2, 4);
    put_entry(&b, "output.weight", 0, 3);
    put_i32(&b, 7);
    put_i32(&b, 5);
    gguf_put(&b, "a.txt", 5);
    return b;
}

static reason_status read_bytes(const gguf_bytes *b, rsn_importance *imp) {
    char *path = gguf_save(b);
    reason_status status = rsn_importance_read(path, imp);
    if (status != REASON_OK)
        assert_int_equal(strncmp(rsn_last_error(), path, strlen(path)), 0);
    unlink(path);
    free(path);
    return status;
}

static void test_convert_importance__old_layout(void **state) {
    (void)state;
    gguf_bytes b = old_file();
    rsn_importance imp;
    assert_int_equal(read_bytes(&b, &imp), REASON_OK);
    assert_int_equal(imp.n_entries, 2);
    const rsn_importance_entry *e = rsn_importance_find(&imp, "blk.0.attn_q.weight", 19);
    assert_non_null(e);
    assert_int_equal(e->n, 4);
    assert_float_equal(e->mean_square[3], 2, 0); /* 4 over 2 calls */
    e = rsn_importance_find(&imp, "output.weight", 13);
    assert_float_equal(e->mean_square[2], 3, 0); /* no calls: means already */
    assert_int_equal(imp.chunk_count, 7);
    assert_int_equal(imp.n_datasets, 1);
    assert_string_equal(imp.datasets[0].data, "a.txt");
    assert_null(rsn_importance_find(&imp, "output", 6));
    rsn_importance_free(&imp);
    gguf_free(&b);
}

static void test_convert_importance__written_and_read(void **state) {
    (void)state;
    rsn_importance imp = {.chunk_count = 3, .chunk_size = 512}, back;
    rsn_importance_entry *e;
    gguf_bytes nothing = {0};
    char *path = gguf_save(&nothing); /* an existing target is replaced */
    assert_int_equal(rsn_importance_add(&imp, "a.weight", 8, 5, 1, &e), REASON_OK);
    for (size_t i = 0; i < 5; i++) e->mean_square[i] = (float)i * 0.25f;
    e->count[0] = 8;
    assert_int_equal(rsn_importance_add(&imp, "exps.weight", 11, 6, 2, &e), REASON_OK);
    for (size_t i = 0; i < 6; i++) e->mean_square[i] = (float)i;
    e->count[0] = 4;
    e->count[1] = 2;
    assert_int_equal(rsn_importance_add_dataset(&imp, "one"), REASON_OK);
    assert_int_equal(rsn_importance_add_dataset(&imp, "two"), REASON_OK);
    assert_int_equal(rsn_importance_write(path, &imp), REASON_OK);
    assert_int_equal(rsn_importance_read(path, &back), REASON_OK);
    assert_int_equal(back.n_entries, 2);
    for (size_t k = 0; k < 2; k++) {
        const rsn_importance_entry *a = &imp.entries[k], *b = &back.entries[k];
        assert_string_equal(a->name.data, b->name.data);
        assert_int_equal(a->n, b->n);
        assert_int_equal(a->n_matrices, b->n_matrices);
        assert_memory_equal(a->mean_square, b->mean_square, a->n * sizeof(float));
        assert_memory_equal(a->count, b->count, a->n_matrices * sizeof(float));
    }
    assert_int_equal(back.chunk_count, 3);
    assert_int_equal(back.chunk_size, 512);
    assert_int_equal(back.n_datasets, 2);
    assert_string_equal(back.datasets[1].data, "two");
    rsn_importance_free(&imp);
    rsn_importance_free(&back);
    unlink(path);
    free(path);
}

/* Every cut of an older file is refused, but where its text at the end is missing. */
static void test_convert_importance__cut_short(void **state) {
    (void)state;
    gguf_bytes b = old_file();
    size_t whole = b.n, entries = whole - 13;
    for (b.n = 0; b.n < whole; b.n++) {
        rsn_importance imp;
        reason_status status = read_bytes(&b, &imp);
        assert_int_equal(status, b.n == entries ? REASON_OK : REASON_ERR_FORMAT);
        rsn_importance_free(&imp);
    }
    gguf_free(&b);
}

static void test_convert_importance__bad_values(void **state) {
    (void)state;
    static const float bad[] = {-1, 1e38f * 10, 0.0f / 0.0f};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        gguf_bytes b = {0};
        rsn_importance imp;
        put_i32(&b, 1);
        put_entry(&b, "w", 1, 2);
        memcpy(b.data + b.n - 4, &bad[i], 4);
        assert_int_equal(read_bytes(&b, &imp), REASON_ERR_FORMAT);
        gguf_free(&b);
    }
    rsn_importance imp;
    char none[] = "/nowhere/at/all";
    assert_int_equal(rsn_importance_read(none, &imp), REASON_ERR_IO);
    assert_int_equal(rsn_importance_write(none, &imp), REASON_ERR_IO);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_convert_importance__old_layout),
        cmocka_unit_test(test_convert_importance__written_and_read),
        cmocka_unit_test(test_convert_importance__cut_short),
        cmocka_unit_test(test_convert_importance__bad_values),
    };
    return cmocka_run_group_tests_name("convert/importance", tests, NULL, NULL);
}
