/* Files: what opens, what is refused, and blobs of every place and size. */
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/file.h"

enum { SIZE = 20000 };

static char folder[] = "reason-test-file-XXXXXX";
static uint8_t content[SIZE];

static const char *path_of(const char *name) {
    static char path[100];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void write_file(const char *name, const void *bytes, size_t n) {
    int fd = open(path_of(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, n), n);
    assert_int_equal(close(fd), 0);
}

static int make_files(void **state) {
    (void)state;
    uint64_t seed = 61;
    for (size_t i = 0; i < SIZE; i++) content[i] = (uint8_t)random_next(&seed);
    if (!mkdtemp(folder)) return -1;
    write_file("data", content, SIZE);
    write_file("empty", content, 0);
    return 0;
}

static int remove_files(void **state) {
    (void)state;
    static const char *const names[] = {"data", "empty",  "pipe",    "link",
                                        "loop", "socket", "shrinks", "sparse"};
    for (size_t i = 0; i < COUNT(names); i++) (void)remove(path_of(names[i]));
    return rmdir(folder);
}

static int count_open(void) {
    int n = 0;
    for (int fd = 0; fd < 256; fd++) n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

static void check_refused(const char *path, const char *said) {
    rsn_file file = {5, 5};
    const int n_open = count_open();
    assert_int_equal(rsn_file_open(path, &file), REASON_ERR_IO);
    assert_int_equal(file.fd, -1);
    assert_int_equal(file.size, 0);
    assert_int_equal(count_open(), n_open);
    assert_non_null(strstr(rsn_last_error(), path));
    if (!strstr(rsn_last_error(), said)) fail_msg("%s", rsn_last_error());
    rsn_file_close(&file);
}

static void test_base_file__refuses_what_is_no_file(void **state) {
    (void)state;
    check_refused("/nowhere/at/all", strerror(ENOENT));
    check_refused("", strerror(ENOENT));
    check_refused(folder, "a folder");
    check_refused("/dev/null", "a device");
    check_refused("/dev/zero", "a device");
    assert_int_equal(mkfifo(path_of("pipe"), 0600), 0);
    check_refused(path_of("pipe"), "a pipe"); /* and at once, though nobody writes */
    assert_int_equal(symlink("loop", path_of("loop")), 0);
    check_refused(path_of("loop"), strerror(ELOOP));
    check_refused(path_of("data/below"), strerror(ENOTDIR));
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path_of("socket"));
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    check_refused(path_of("socket"), strerror(ENXIO));
    assert_int_equal(close(fd), 0);
    char *longest = test_malloc(10000);
    memset(longest, 'x', 9999);
    longest[9999] = '\0';
    rsn_file file;
    assert_int_equal(rsn_file_open(longest, &file), REASON_ERR_IO);
    test_free(longest);
}

static void test_base_file__opens(void **state) {
    (void)state;
    rsn_file file;
    assert_int_equal(rsn_file_open(path_of("data"), &file), REASON_OK);
    assert_int_equal(file.size, SIZE);
    assert_true(fcntl(file.fd, F_GETFD) & FD_CLOEXEC);
    const int fd = file.fd;
    rsn_file_close(&file);
    assert_int_equal(file.fd, -1);
    assert_int_equal(fcntl(fd, F_GETFD), -1);
    rsn_file_close(&file);
    assert_int_equal(symlink("data", path_of("link")), 0);
    assert_int_equal(rsn_file_open(path_of("link"), &file), REASON_OK);
    assert_int_equal(file.size, SIZE);
    rsn_file_close(&file);
}

static void test_base_file__reads_at_offsets(void **state) {
    (void)state;
    rsn_file file;
    uint8_t out[SIZE + 1];
    uint64_t seed = 67;
    assert_int_equal(rsn_file_open(path_of("data"), &file), REASON_OK);
    for (int i = 0; i < 2000; i++) {
        size_t at = random_below(&seed, SIZE + 1), n = random_below(&seed, SIZE + 1 - at);
        assert_int_equal(rsn_file_read(&file, at, out, n), REASON_OK);
        assert_memory_equal(out, content + at, n);
    }
    assert_int_equal(rsn_file_read(&file, SIZE, NULL, 0), REASON_OK);
    assert_int_equal(rsn_file_read(&file, 0, out, SIZE + 1), REASON_ERR_IO);
    assert_non_null(strstr(rsn_last_error(), "20000"));
    assert_int_equal(rsn_file_read(&file, SIZE, out, 1), REASON_ERR_IO);
    assert_int_equal(rsn_file_read(&file, UINT64_MAX, out, 1), REASON_ERR_IO);
    assert_int_equal(rsn_file_read(&file, INT64_MAX, out, 1), REASON_ERR_IO);
    assert_int_equal(rsn_file_read(&file, UINT64_MAX - 5, out, 10), REASON_ERR_IO);
    rsn_file_close(&file);
    assert_int_equal(rsn_file_read(&file, 0, out, 1), REASON_ERR_IO); /* closed */
    assert_non_null(strstr(rsn_last_error(), strerror(EBADF)));
}

static void check_blob(const rsn_file *file, size_t at, size_t n, bool map) {
    rsn_blob blob;
    assert_int_equal(rsn_blob_load(file, at, n, map, NULL, &blob), REASON_OK);
    assert_int_equal(blob.size, n);
    assert_non_null(blob.data);
    assert_int_equal(blob.mapped, map && n > 0);
    if (!map) assert_int_equal((uintptr_t)blob.data % 64, 0);
    assert_memory_equal(blob.data, content + at, n);
    rsn_blob_free(&blob);
    assert_null(blob.data);
    assert_int_equal(blob.size, 0);
    rsn_blob_free(&blob);
}

static void test_base_file__blobs(void **state) {
    (void)state;
    static const size_t places[] = {0, 1, 63, 64, 4095, 4096, 4097, 8192, 19999, 20000};
    rsn_file file;
    uint64_t seed = 71;
    assert_int_equal(rsn_file_open(path_of("data"), &file), REASON_OK);
    for (int map = 0; map < 2; map++) {
        for (size_t i = 0; i < COUNT(places); i++)
            for (size_t k = i; k < COUNT(places); k++)
                check_blob(&file, places[i], places[k] - places[i], map);
        for (int i = 0; i < 500; i++) {
            size_t at = random_below(&seed, SIZE + 1);
            check_blob(&file, at, random_below(&seed, SIZE + 1 - at), map);
        }
    }
    rsn_file_close(&file);
    assert_int_equal(rsn_file_open(path_of("empty"), &file), REASON_OK);
    check_blob(&file, 0, 0, false);
    check_blob(&file, 0, 0, true);
    rsn_file_close(&file);
}

static void test_base_file__blob_outlives_the_file(void **state) {
    (void)state;
    for (int map = 0; map < 2; map++) {
        rsn_file file;
        rsn_blob blob;
        assert_int_equal(rsn_file_open(path_of("data"), &file), REASON_OK);
        assert_int_equal(rsn_blob_load(&file, 5, 10000, map, NULL, &blob), REASON_OK);
        rsn_file_close(&file);
        assert_memory_equal(blob.data, content + 5, 10000);
        rsn_blob_free(&blob);
    }
}

/* Sizes that the file does not have are refused before any memory is taken. */
static void test_base_file__blobs_outside_the_file(void **state) {
    (void)state;
    static const struct {
        uint64_t at;
        size_t n;
    } bad[] = {
        {0, SIZE + 1},   {SIZE, 1},         {SIZE + 1, 0},   {1, SIZE},
        {1, SIZE_MAX},   {SIZE, SIZE_MAX},  {UINT64_MAX, 1}, {UINT64_MAX, SIZE_MAX},
        {UINT64_MAX, 0}, {INT64_MAX, 4096}, {0, SIZE_MAX}};
    test_heap heap;
    rsn_file file;
    heap_use(&heap, 0);
    assert_int_equal(rsn_file_open(path_of("data"), &file), REASON_OK);
    for (size_t i = 0; i < COUNT(bad); i++) {
        for (int map = 0; map < 2; map++) {
            rsn_blob blob = {content, 1, true, NULL, 0};
            reason_status status = rsn_blob_load(&file, bad[i].at, bad[i].n, map, NULL, &blob);
            assert_int_equal(status, REASON_ERR_IO);
            assert_null(blob.data);
            assert_int_equal(blob.size, 0);
            rsn_blob_free(&blob);
        }
    }
    assert_int_equal(heap.n_calls, 0);
    rsn_file_close(&file);
    heap_end(&heap);
}

static void test_base_file__a_file_that_shrank(void **state) {
    (void)state;
    test_heap heap;
    heap_use(&heap, 0);
    for (int map = 0; map < 2; map++) {
        rsn_file file;
        rsn_blob blob;
        uint8_t out[200];
        write_file("shrinks", content, 10000);
        assert_int_equal(rsn_file_open(path_of("shrinks"), &file), REASON_OK);
        assert_int_equal(truncate(path_of("shrinks"), 5000), 0);
        assert_int_equal(rsn_blob_load(&file, 0, 10000, map, NULL, &blob), REASON_ERR_IO);
        assert_non_null(strstr(rsn_last_error(), "shrank"));
        assert_null(blob.data);
        assert_int_equal(rsn_blob_load(&file, 0, 5001, map, NULL, &blob), REASON_ERR_IO);
        assert_int_equal(rsn_file_read(&file, 4900, out, 101), REASON_ERR_IO);
        assert_non_null(strstr(rsn_last_error(), "shrank while it was read"));
        assert_int_equal(rsn_blob_load(&file, 0, 5000, map, NULL, &blob), REASON_OK);
        assert_memory_equal(blob.data, content, 5000);
        rsn_blob_free(&blob);
        rsn_file_close(&file);
    }
    heap_end(&heap);
}

/* A copy looks at the flag; a mapping is done before anybody could set it. */
static void test_base_file__copy_cancelled(void **state) {
    (void)state;
    test_heap heap;
    rsn_file file;
    rsn_blob blob;
    reason_cancel_token token = {true};
    const rsn_cancel cancel = {.token = &token};
    heap_use(&heap, 0);
    assert_int_equal(rsn_file_open(path_of("data"), &file), REASON_OK);
    assert_int_equal(rsn_blob_load(&file, 7, 1000, false, &cancel, &blob),
                     REASON_ERR_CANCELLED);
    assert_non_null(strstr(rsn_last_error(), "0 of 1000"));
    assert_null(blob.data);
    atomic_store(&token.set, false);
    assert_int_equal(rsn_blob_load(&file, 7, 1000, false, &cancel, &blob), REASON_OK);
    assert_memory_equal(blob.data, content + 7, 1000);
    rsn_blob_free(&blob);
    rsn_file_close(&file);
    heap_end(&heap);
}

static void test_base_file__no_memory(void **state) {
    (void)state;
    test_heap heap;
    rsn_file file;
    rsn_blob blob;
    heap_use(&heap, 1);
    assert_int_equal(rsn_file_open(path_of("data"), &file), REASON_OK);
    assert_int_equal(rsn_blob_load(&file, 0, 100, false, NULL, &blob),
                     REASON_ERR_NO_MEMORY);
    assert_null(blob.data);
    assert_int_equal(rsn_blob_load(&file, 0, 100, true, NULL, &blob),
                     REASON_OK); /* takes none */
    rsn_blob_free(&blob);
    rsn_file_close(&file);
    heap_end(&heap);
}

/* Offsets beyond 4 GiB, in a file that takes no room. */
static void test_base_file__large_offsets(void **state) {
    (void)state;
    const uint64_t at = (UINT64_C(5) << 30) + 12345;
    int fd = open(path_of("sparse"), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    ssize_t put = pwrite(fd, content, 100, (off_t)at);
    assert_int_equal(close(fd), 0);
    if (put != 100) skip(); /* a file system without large files */
    rsn_file file;
    assert_int_equal(rsn_file_open(path_of("sparse"), &file), REASON_OK);
    assert_int_equal(file.size, at + 100);
    for (int map = 0; map < 2; map++) {
        rsn_blob blob;
        assert_int_equal(rsn_blob_load(&file, at, 100, map, NULL, &blob), REASON_OK);
        assert_memory_equal(blob.data, content, 100);
        rsn_blob_free(&blob);
    }
    rsn_file_close(&file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_base_file__refuses_what_is_no_file),
        cmocka_unit_test(test_base_file__opens),
        cmocka_unit_test(test_base_file__reads_at_offsets),
        cmocka_unit_test(test_base_file__blobs),
        cmocka_unit_test(test_base_file__blob_outlives_the_file),
        cmocka_unit_test(test_base_file__blobs_outside_the_file),
        cmocka_unit_test(test_base_file__a_file_that_shrank),
        cmocka_unit_test(test_base_file__copy_cancelled),
        cmocka_unit_test(test_base_file__no_memory),
        cmocka_unit_test(test_base_file__large_offsets),
    };
    return cmocka_run_group_tests_name("base/file", tests, make_files, remove_files);
}
