/* Owns the writing of files. What is in them, and checking it before it counts, is the
 * caller's matter. Invariant: the target's name leads to the old file or to the whole new
 * one, never to a part, and no failure leaves a file behind. */
#if !defined(_FILE_OFFSET_BITS)
/* Before any system header: offsets beyond 2 GiB everywhere. */
#define _FILE_OFFSET_BITS 64
#endif

#include "base/replace.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/str.h"

/* The disk is asked to begin on what is written in steps of FLUSH_STEP, so that it works
 * while the next bytes are computed and the last wait is short. */
enum { WRITE_MAX = 1 << 30, FLUSH_STEP = 1 << 25, N_NAMES = 1000 };

static reason_status fail_system(const rsn_replace *r, const char *what, int error) {
    return rsn_fail(REASON_ERR_IO, "%s: %s: %s", r->path, what,
                    rsn_describe_errno(error).text);
}

/* --- before the first byte ---------------------------------------------------------- */

/* The folder of a path, to be freed; NULL without memory. */
static char *folder_of(const char *path) {
    const char *slash = strrchr(path, '/');
    if (!slash)
        return rsn_strndup(".", 1);
    return rsn_strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

/* A process that writes beyond its limit gets a signal, and a full disk is found out
 * late: both are looked at before. */
static reason_status check_room(const char *path, const char *folder, uint64_t expected) {
    struct statvfs space;
    struct rlimit limit;
    if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
        expected > limit.rlim_cur)
        return rsn_fail(REASON_ERR_IO,
                        "%s: needs %" PRIu64 " bytes, this process may write files of "
                        "%" PRIu64,
                        path, expected, (uint64_t)limit.rlim_cur);
    if (statvfs(folder, &space))
        return rsn_fail(REASON_ERR_IO, "%s: its folder %s cannot be looked at: %s", path,
                        folder, rsn_describe_errno(errno).text);
    /* Some file systems do not know their size and say 0 of 0. */
    if (space.f_blocks > 0 && expected / space.f_frsize > space.f_bavail)
        return rsn_fail(REASON_ERR_IO,
                        "%s: needs %" PRIu64 " bytes, its file system has %" PRIu64
                        " free",
                        path, expected, (uint64_t)space.f_bavail * space.f_frsize);
    return REASON_OK;
}

/* What is there already may be a regular file; its mode is kept. */
static reason_status check_target(const char *path, mode_t *mode) {
    struct stat info;
    *mode = 0;
    if (stat(path, &info))
        return REASON_OK;
    if (!S_ISREG(info.st_mode))
        return rsn_fail(REASON_ERR_IO, "%s: is there and no regular file", path);
    *mode = info.st_mode & 07777;
    return REASON_OK;
}

/* A name beside the target that nobody has. */
static reason_status open_beside(rsn_replace *r) {
    rsn_str name = {0};
    for (unsigned i = 0; i < N_NAMES; i++) {
        rsn_str_cut(&name, 0);
        rsn_str_addf(&name, "%s.%ld-%u.part", r->path, (long)getpid(), i);
        if (name.failed)
            break;
        do {
            r->fd = open(rsn_str_text(&name), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
                         0666);
        } while (r->fd < 0 && errno == EINTR);
        if (r->fd >= 0 || errno != EEXIST)
            break;
    }
    if (name.failed) {
        rsn_str_free(&name);
        return rsn_fail_memory(name.n);
    }
    if (r->fd < 0) {
        int error = errno;
        rsn_str_free(&name);
        return fail_system(r, "cannot be written", error);
    }
    r->beside = rsn_str_take(&name);
    return REASON_OK;
}

reason_status rsn_replace_begin(const char *path, uint64_t expected, rsn_replace *r) {
    mode_t mode = 0;
    *r = (rsn_replace){.fd = -1};
    r->path = rsn_strndup(path, strlen(path));
    char *folder = folder_of(path);
    reason_status status = r->path && folder ? REASON_OK : REASON_ERR_NO_MEMORY;
    if (status == REASON_OK)
        status = check_room(path, folder, expected);
    if (status == REASON_OK)
        status = check_target(path, &mode);
    if (status == REASON_OK)
        status = open_beside(r);
    if (status == REASON_OK && mode && fchmod(r->fd, mode))
        status = fail_system(r, "the mode of the old file cannot be kept", errno);
    rsn_free(folder);
    if (status != REASON_OK)
        rsn_replace_abandon(r);
    return status;
}

/* --- writing ------------------------------------------------------------------------ */

static void start_flush(rsn_replace *r) {
#if defined(__linux__)
    if (r->n_bytes - r->flushed < FLUSH_STEP)
        return;
    /* Only a hint: whether all arrived is found out by fsync. */
    (void)sync_file_range(r->fd, (off_t)r->flushed, (off_t)(r->n_bytes - r->flushed),
                          SYNC_FILE_RANGE_WRITE);
#endif
    r->flushed = r->n_bytes;
}

reason_status rsn_replace_write(rsn_replace *r, const void *bytes, size_t n) {
    const char *from = bytes;
    while (n > 0) {
        ssize_t done = write(r->fd, from, n < WRITE_MAX ? n : WRITE_MAX);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return fail_system(r, "cannot be written", done < 0 ? errno : ENOSPC);
        from += done;
        n -= (size_t)done;
        r->n_bytes += (uint64_t)done;
    }
    start_flush(r);
    return REASON_OK;
}

/* The new name is durable once its folder is. Not all file systems can do that; the file
 * itself is safe by then. */
static void sync_folder(const char *path) {
    char *folder = folder_of(path);
    int fd = folder ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (fd >= 0) {
        (void)fsync(fd);
        (void)close(fd);
    }
    rsn_free(folder);
}

reason_status rsn_replace_commit(rsn_replace *r) {
    reason_status status = REASON_OK;
    if (fsync(r->fd))
        status = fail_system(r, "cannot be made durable", errno);
    int fd = r->fd;
    r->fd = -1;
    if (close(fd) && status == REASON_OK)
        status = fail_system(r, "cannot be closed", errno);
    if (status == REASON_OK && rename(r->beside, r->path))
        status = fail_system(r, "cannot be renamed to", errno);
    if (status == REASON_OK) {
        rsn_free(r->beside);
        r->beside = NULL;
        sync_folder(r->path);
    }
    rsn_replace_abandon(r);
    return status;
}

void rsn_replace_abandon(rsn_replace *r) {
    if (r->fd >= 0)
        (void)close(r->fd);
    if (r->beside)
        (void)unlink(r->beside);
    rsn_free(r->beside);
    rsn_free(r->path);
    *r = (rsn_replace){.fd = -1};
}

bool rsn_same_file(const char *a, const char *b) {
    struct stat x, y;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev &&
           x.st_ino == y.st_ino;
}
