/* Owns reading files at offsets and holding parts of them, mapped or copied. What the
 * bytes mean, and whether a file may change while it is mapped, is left to the caller.
 * Invariant: no memory is taken for bytes that the file does not have, and nothing waits
 * on what is no regular file. */
#if !defined(_FILE_OFFSET_BITS)
/* Before any system header: offsets beyond 2 GiB everywhere. */
#define _FILE_OFFSET_BITS 64
#endif

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdalign.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/checked.h"

_Static_assert(sizeof(off_t) >= 8, "files may be larger than 2 GiB");

/* Most bytes of one system call; some systems refuse more than INT_MAX. COPY_STEP bytes
 * come from a slow disk in well under 50 ms: so often a copy looks whether to stop. */
enum { READ_MAX = 1 << 30, COPY_STEP = 1 << 22 };

/* strerror_r comes in two forms: GNU returns the text, POSIX fills the buffer. */
static const char *text_of_gnu(const char *text, const char *buffer) {
    (void)buffer;
    return text;
}

static const char *text_of_posix(int failed, const char *buffer) {
    return failed ? "unknown error" : buffer;
}

/* Picks by the type that strerror_r has here; only one of the two compiles to a call. */
#define TEXT_OF(call, buffer) \
    _Generic((call), char *: text_of_gnu, int: text_of_posix)((call), (buffer))

rsn_error_text rsn_describe_errno(int error) {
    rsn_error_text out;
    char buffer[sizeof out.text] = "";
    const char *text = TEXT_OF(strerror_r(error, buffer, sizeof buffer), buffer);
    size_t n = strlen(text);
    if (n >= sizeof out.text) n = sizeof out.text - 1;
    memcpy(out.text, text, n);
    out.text[n] = '\0';
    return out;
}

static const char *name_kind(mode_t mode) {
    if (S_ISDIR(mode)) return "a folder";
    if (S_ISFIFO(mode)) return "a pipe";
    if (S_ISCHR(mode) || S_ISBLK(mode)) return "a device";
    return "no regular file";
}

/* Whatever was opened, as long as it is a regular file. */
static reason_status check_regular(int fd, const char *path, uint64_t *size) {
    struct stat info;
    if (fstat(fd, &info))
        return rsn_fail(REASON_ERR_IO, "%s: cannot be looked at: %s", path,
                        rsn_describe_errno(errno).text);
    if (!S_ISREG(info.st_mode))
        return rsn_fail(REASON_ERR_IO, "%s: is %s, needed is a regular file", path,
                        name_kind(info.st_mode));
    *size = (uint64_t)info.st_size;
    return REASON_OK;
}

bool rsn_file_is_there(const char *path) {
    struct stat info;
    return stat(path, &info) == 0;
}

bool rsn_file_is_folder(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

reason_status rsn_file_open(const char *path, rsn_file *file) {
    int fd;
    file->fd = -1;
    file->size = 0;
    do { /* non-blocking, so that a pipe is refused instead of waited for */
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    } while (fd < 0 && errno == EINTR);
    if (fd < 0)
        return rsn_fail(REASON_ERR_IO, "%s: cannot be opened: %s", path,
                        rsn_describe_errno(errno).text);
    reason_status status = check_regular(fd, path, &file->size);
    if (status) {
        (void)close(fd);
        return status;
    }
    file->fd = fd;
    return REASON_OK;
}

void rsn_file_close(rsn_file *file) {
    if (file->fd >= 0) (void)close(file->fd); /* read only: nothing can be lost */
    file->fd = -1;
    file->size = 0;
}

/* [offset, offset + n) lies in a file of `size` bytes. */
static bool is_inside(uint64_t size, uint64_t offset, size_t n) {
    return offset <= size && n <= size - offset;
}

static reason_status fail_outside(const rsn_file *file, uint64_t offset, size_t n) {
    return rsn_fail(REASON_ERR_IO,
                    "%zu bytes at byte %" PRIu64 " lie outside of the file's %" PRIu64, n,
                    offset, file->size);
}

static reason_status fail_shrank(uint64_t offset, size_t n, uint64_t size) {
    return rsn_fail(REASON_ERR_IO,
                    "the file shrank while it was read: needed %zu bytes at byte %" PRIu64
                    ", it ends at %" PRIu64,
                    n, offset, size);
}

reason_status rsn_file_read(const rsn_file *file, uint64_t offset, void *out, size_t n) {
    if (!is_inside(INT64_MAX, offset, n)) return fail_outside(file, offset, n);
    size_t done = 0;
    while (done < n) {
        size_t part = n - done < READ_MAX ? n - done : READ_MAX;
        ssize_t got = pread(file->fd, (char *)out + done, part, (off_t)(offset + done));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0)
            return rsn_fail(REASON_ERR_IO, "byte %" PRIu64 " cannot be read: %s",
                            offset + done, rsn_describe_errno(errno).text);
        if (got == 0) return fail_shrank(offset, n, offset + done);
        done += (size_t)got;
    }
    return REASON_OK;
}

/* The file's size now, which may be less than when it was opened. */
static reason_status check_still_there(const rsn_file *file, uint64_t offset, size_t n) {
    struct stat info;
    if (fstat(file->fd, &info))
        return rsn_fail(REASON_ERR_IO, "the file cannot be looked at: %s",
                        rsn_describe_errno(errno).text);
    if (!is_inside((uint64_t)info.st_size, offset, n))
        return fail_shrank(offset, n, (uint64_t)info.st_size);
    return REASON_OK;
}

static reason_status map_bytes(const rsn_file *file, uint64_t offset, size_t n,
                               rsn_blob *blob) {
    long page = sysconf(_SC_PAGESIZE);
    size_t past = (size_t)(offset % (uint64_t)(page > 0 ? page : 65536));
    if (n > PTRDIFF_MAX - past) return rsn_fail_memory(n);
    void *base = mmap(NULL, n + past, PROT_READ, MAP_PRIVATE, file->fd,
                      (off_t)(offset - past));
    if (base == MAP_FAILED)
        return rsn_fail(REASON_ERR_IO,
                        "%zu bytes at byte %" PRIu64 " cannot be mapped: %s", n, offset,
                        rsn_describe_errno(errno).text);
    reason_status status = check_still_there(file, offset, n);
    if (status) {
        (void)munmap(base, n + past);
        return status;
    }
    blob->data = (uint8_t *)base + past;
    blob->mapped = true;
    blob->base = base;
    blob->base_size = n + past;
    return REASON_OK;
}

static reason_status fill_copy(const rsn_file *file, uint64_t offset, uint8_t *copy,
                               size_t n, const rsn_cancel *cancel) {
    for (size_t done = 0; done < n;) {
        size_t part = n - done < COPY_STEP ? n - done : COPY_STEP;
        if (rsn_cancelled(cancel))
            return rsn_fail(REASON_ERR_CANCELLED,
                            "cancelled after copying %zu of %zu bytes", done, n);
        reason_status status = rsn_file_read(file, offset + done, copy + done, part);
        if (status) return status;
        done += part;
    }
    return REASON_OK;
}

static reason_status copy_bytes(const rsn_file *file, uint64_t offset, size_t n,
                                const rsn_cancel *cancel, rsn_blob *blob) {
    reason_status status = check_still_there(file, offset, n);
    if (status) return status;
    uint8_t *copy = rsn_alloc_aligned(n);
    if (!copy) return REASON_ERR_NO_MEMORY;
    status = fill_copy(file, offset, copy, n, cancel);
    if (status) {
        rsn_free_aligned(copy);
        return status;
    }
    blob->data = copy;
    blob->base = copy;
    return REASON_OK;
}

reason_status rsn_blob_load(const rsn_file *file, uint64_t offset, size_t n, bool map,
                            const rsn_cancel *cancel, rsn_blob *blob) {
    static alignas(64) uint8_t nothing[64];
    *blob = (rsn_blob){NULL, 0, false, NULL, 0};
    if (!is_inside(file->size, offset, n)) return fail_outside(file, offset, n);
    if (n == 0) { /* which mmap refuses */
        blob->data = nothing;
        return REASON_OK;
    }
    reason_status status = map ? map_bytes(file, offset, n, blob)
                               : copy_bytes(file, offset, n, cancel, blob);
    if (!status) blob->size = n;
    return status;
}

void rsn_blob_forget(const uint8_t *bytes, size_t n) {
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), begin = (uintptr_t)bytes;
    uintptr_t first = (begin + page - 1) / page * page, end = (begin + n) / page * page;
    if (first < end) (void)madvise((void *)first, end - first, MADV_DONTNEED);
}

void rsn_blob_free(rsn_blob *blob) {
    if (blob->base && blob->mapped) (void)munmap(blob->base, blob->base_size);
    if (blob->base && !blob->mapped) rsn_free_aligned(blob->base);
    *blob = (rsn_blob){NULL, 0, false, NULL, 0};
}
