/* Writing GGUF files: every kind of value comes back, nothing is left by a failure, and an
 * old file stays until the new one is whole. */
#include <dirent.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "format/gguf_write.h"
#include "support.h"

/* A folder of its own, so that files that should not be there are seen. */
static char folder[] = "/tmp/gguf-write-XXXXXX";
static char target[64];

static int set_up(void **state) {
    (void)state;
    if (!mkdtemp(folder)) return 1;
    (void)snprintf(target, sizeof target, "%s/out.gguf", folder);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    unlink(target);
    return rmdir(folder); /* fails if anything else is left */
}

static size_t count_files(void) {
    DIR *d = opendir(folder);
    size_t n = 0;
    while (readdir(d)) n++;
    closedir(d);
    return n - 2;
}

static rsn_gguf_tensor tensor_of(const char *name, rsn_type type, uint64_t a, uint64_t b) {
    return (rsn_gguf_tensor){.name = {name, strlen(name)},
                             .n_dims = b > 1 ? 2 : 1,
                             .ne = {a, b, 1, 1},
                             .type = rsn_type_info_get(type)};
}

static void check_pair(const rsn_gguf_pair *a, const rsn_gguf_pair *b) {
    assert_string_equal(a->key.data, b->key.data);
    assert_int_equal(a->type, b->type);
    assert_int_equal(a->n, b->n);
    if (a->type == RSN_GGUF_ARRAY) {
        assert_int_equal(a->item, b->item);
        for (uint64_t i = 0; a->item == RSN_GGUF_STRING && i < a->n; i++)
            assert_int_equal(rsn_gguf_compare(&a->as.texts[i], &b->as.texts[i]), 0);
    } else if (a->type == RSN_GGUF_STRING) {
        assert_string_equal(a->as.text.data, b->as.text.data);
    } else {
        assert_memory_equal(&a->as, &b->as, 8);
    }
}

/* The file of the corpus that has every type of value, written again from its plan. */
static void test_format_gguf_write__carries_metadata_over(void **state) {
    (void)state;
    char path[512];
    rsn_file file;
    rsn_gguf g, back;
    rsn_gguf_writer w;
    const char *root = getenv("REASON_SRCDIR");
    (void)snprintf(path, sizeof path, "%s/tests/fuzz/corpus/gguf/metadata",
                   root ? root : ".");
    assert_int_equal(rsn_file_open(path, &file), REASON_OK);
    assert_int_equal(rsn_gguf_open(&file, path, false, &g), REASON_OK);
    assert_true(g.n_pairs > 5);
    rsn_gguf_content c = {g.pairs, g.n_pairs, NULL, 0};
    assert_int_equal(rsn_gguf_write_begin(target, &c, &w), REASON_OK);
    assert_int_equal(rsn_gguf_write_commit(&w, NULL, NULL), REASON_OK);
    rsn_file_close(&file);
    assert_int_equal(rsn_file_open(target, &file), REASON_OK);
    assert_int_equal(rsn_gguf_open(&file, target, false, &back), REASON_OK);
    assert_int_equal(back.n_pairs, g.n_pairs);
    for (size_t i = 0; i < g.n_pairs; i++) check_pair(&g.pairs[i], &back.pairs[i]);
    rsn_gguf_free(&g);
    rsn_gguf_free(&back);
    rsn_file_close(&file);
}

static void write_two(const rsn_gguf_content *c, const uint8_t *data, size_t step) {
    rsn_gguf_writer w;
    assert_int_equal(rsn_gguf_write_begin(target, c, &w), REASON_OK);
    for (size_t i = 0; i < c->n_tensors; i++)
        for (size_t at = 0, n; at < c->tensors[i].n_bytes; at += n) {
            n = (size_t)c->tensors[i].n_bytes - at;
            n = n < step ? n : step;
            assert_int_equal(rsn_gguf_write_data(&w, data + at, n), REASON_OK);
        }
    assert_int_equal(rsn_gguf_write_commit(&w, NULL, NULL), REASON_OK);
}

static void test_format_gguf_write__data_in_pieces(void **state) {
    (void)state;
    uint8_t data[600], back[600];
    rsn_gguf_tensor list[] = {tensor_of("a", RSN_TYPE_F32, 33, 1),
                              tensor_of("b", RSN_TYPE_Q8_0, 64, 3)};
    rsn_gguf_pair pair = rsn_gguf_pair_u32("general.alignment", 64);
    rsn_gguf_content c = {&pair, 1, list, 2};
    for (size_t i = 0; i < sizeof data; i++) data[i] = (uint8_t)(i * 7 + 1);
    for (size_t step = 1; step < 100; step += 13) {
        rsn_file file;
        rsn_gguf g;
        write_two(&c, data, step);
        assert_int_equal(rsn_file_open(target, &file), REASON_OK);
        assert_int_equal(rsn_gguf_open(&file, target, false, &g), REASON_OK);
        for (size_t i = 0; i < 2; i++) {
            assert_int_equal(g.tensors[i].offset % 64, 0);
            assert_int_equal(rsn_file_read(&file, g.tensors[i].offset, back,
                                           (size_t)g.tensors[i].n_bytes),
                             REASON_OK);
            assert_memory_equal(back, data, (size_t)g.tensors[i].n_bytes);
        }
        rsn_gguf_free(&g);
        rsn_file_close(&file);
    }
    assert_int_equal(count_files(), 1);
}

/* Flips a byte of the unfinished file before it is compared. */
static void test_format_gguf_write__damage_is_found(void **state) {
    (void)state;
    uint8_t data[132] = {1, 2, 3};
    rsn_gguf_tensor list[] = {tensor_of("a", RSN_TYPE_F32, 33, 1)};
    rsn_gguf_content c = {NULL, 0, list, 1};
    rsn_gguf_writer w;
    struct stat before, after;
    write_two(&c, data, 50);
    assert_int_equal(stat(target, &before), 0);
    for (long at = 4; at < 190; at += 31) {
        assert_int_equal(rsn_gguf_write_begin(target, &c, &w), REASON_OK);
        assert_int_equal(rsn_gguf_write_data(&w, data, sizeof data), REASON_OK);
        FILE *file = fopen(w.file.beside, "r+b");
        fseek(file, at, SEEK_SET);
        int old = fgetc(file);
        fseek(file, at, SEEK_SET);
        fputc(old ^ 0x40, file);
        fclose(file);
        assert_int_not_equal(rsn_gguf_write_commit(&w, NULL, NULL), REASON_OK);
    }
    assert_int_equal(stat(target, &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
    assert_int_equal(count_files(), 1);
}

static reason_status stop(void *user, uint64_t done, uint64_t total) {
    (void)user;
    assert_true(done <= total);
    return rsn_fail(REASON_ERR_CANCELLED, "enough");
}

static void test_format_gguf_write__failures(void **state) {
    (void)state;
    uint8_t data[132] = {0};
    rsn_gguf_tensor list[] = {tensor_of("a", RSN_TYPE_F32, 33, 1),
                              tensor_of("a", RSN_TYPE_F32, 33, 1)};
    rsn_gguf_content c = {NULL, 0, list, 2};
    rsn_gguf_writer w;
    struct rlimit all, few;
    assert_int_equal(rsn_gguf_write_begin(target, &c, &w), REASON_ERR_INVALID_ARG);
    c.n_tensors = 1;
    assert_int_equal(rsn_gguf_write_begin("/nowhere/x", &c, &w), REASON_ERR_IO);
    assert_int_equal(rsn_gguf_write_begin("/dev/full", &c, &w), REASON_ERR_IO);
    assert_int_equal(rsn_gguf_write_begin(folder, &c, &w), REASON_ERR_IO);
    list[0].ne[0] = 1ull << 61;
    assert_int_equal(rsn_gguf_write_begin(target, &c, &w), REASON_ERR_LIMIT);
    list[0].ne[0] = 1ull << 55;
    assert_int_equal(rsn_gguf_write_begin(target, &c, &w), REASON_ERR_IO); /* no room */
    list[0].ne[0] = 33;
    assert_int_equal(rsn_gguf_write_begin(target, &c, &w), REASON_OK);
    assert_int_equal(rsn_gguf_write_commit(&w, NULL, NULL), REASON_ERR_INTERNAL);
    assert_int_equal(rsn_gguf_write_begin(target, &c, &w), REASON_OK);
    assert_int_equal(rsn_gguf_write_data(&w, data, sizeof data), REASON_OK);
    assert_int_equal(rsn_gguf_write_commit(&w, stop, NULL), REASON_ERR_CANCELLED);
    /* The limit falls after it was looked at: as a disk that fills up. */
    assert_int_equal(rsn_gguf_write_begin(target, &c, &w), REASON_OK);
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &all);
    few = all;
    few.rlim_cur = 100;
    setrlimit(RLIMIT_FSIZE, &few);
    assert_int_equal(rsn_gguf_write_data(&w, data, sizeof data), REASON_ERR_IO);
    rsn_gguf_write_abandon(&w);
    assert_int_equal(rsn_gguf_write_begin(target, &c, &w), REASON_ERR_IO);
    setrlimit(RLIMIT_FSIZE, &all);
    signal(SIGXFSZ, SIG_DFL);
    assert_int_equal(count_files(), 1); /* of the test before */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_format_gguf_write__carries_metadata_over),
        cmocka_unit_test(test_format_gguf_write__data_in_pieces),
        cmocka_unit_test(test_format_gguf_write__damage_is_found),
        cmocka_unit_test(test_format_gguf_write__failures),
    };
    return cmocka_run_group_tests_name("format/gguf_write", tests, set_up, tear_down);
}
