/*
 * Owns standard output and the files that the command writes. Left to the callers: what
 * is written. Invariant: lost output is never a success; either an error of standard
 * output is remembered until rsn_cli_output_finish() turns it into exit code 1, or the
 * file's calls say it.
 */
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* errno of the first failed write to standard output; 0 while all went well. */
static int output_error;

void rsn_cli_output_start(void) {
    /* Opened the wrong way round: a use of a closed stream must fail, not vanish. */
    static const int modes[3] = {O_WRONLY, O_RDONLY, O_RDONLY};
    for (int fd = 0; fd < 3; fd++) {
        if (fcntl(fd, F_GETFD) != -1 || errno != EBADF) continue;
        if (open("/dev/null", modes[fd]) == -1) return;
    }
}

static void remember_error(void) {
    if (output_error == 0) output_error = errno ? errno : EIO;
}

void rsn_cli_write(FILE *to, const char *bytes, size_t n_bytes) {
    if (n_bytes == 0 || (to == stdout && output_error != 0)) return;
    errno = 0;
    if (fwrite(bytes, 1, n_bytes, to) != n_bytes && to == stdout) remember_error();
}

int rsn_cli_print(const char *format, ...) {
    if (output_error != 0) return 0;
    va_list list;
    va_start(list, format);
    errno = 0;
    int n = vprintf(format, list);
    va_end(list);
    if (n < 0) remember_error();
    return n < 0 ? 0 : n;
}

void rsn_cli_flush(void) {
    if (output_error != 0) return;
    errno = 0;
    if (fflush(stdout) != 0) remember_error();
}

bool rsn_cli_output_failed(void) {
    return output_error != 0;
}

int rsn_cli_output_finish(int code) {
    rsn_cli_flush();
    errno = 0;
    if (ferror(stdout)) remember_error();
    /* Some file systems say that they are full only when the file is closed. A stream
       that was closed all along and never written to is no loss. */
    if (fclose(stdout) != 0 && errno != EBADF) remember_error();
    if (output_error == 0) return code;
    if (output_error != EPIPE)
        rsn_cli_say("cannot write standard output: %s", strerror(output_error));
    return code == RSN_CLI_OK ? RSN_CLI_FAILED : code;
}

/* ------------------------------------------------------------ files */

static int fail_file(const struct rsn_cli_file *file, int error) {
    return rsn_cli_fail("cannot write '%s': %s", file->name, strerror(error));
}

static mode_t default_mode(void) {
    mode_t mask = umask(0);
    umask(mask);
    return 0666 & ~mask;
}

static int open_beside(struct rsn_cli_file *file, mode_t mode) {
    static const char suffix[] = ".XXXXXX";
    size_t n = strlen(file->path);
    file->temp = malloc(n + sizeof suffix);
    if (!file->temp) return rsn_cli_fail_memory();
    memcpy(file->temp, file->path, n);
    memcpy(file->temp + n, suffix, sizeof suffix);
    int fd = mkstemp(file->temp);
    if (fd == -1) {
        int error = errno;
        free(file->temp);
        file->temp = NULL;
        return fail_file(file, error);
    }
    if (fchmod(fd, mode) == 0) file->stream = fdopen(fd, "wb");
    if (file->stream) return RSN_CLI_OK;
    int error = errno;
    close(fd);
    return fail_file(file, error);
}

int rsn_cli_file_create(const char *name, struct rsn_cli_file *file) {
    *file = (struct rsn_cli_file){.name = name};
    if (strcmp(name, "-") == 0) {
        file->stream = stdout;
        return RSN_CLI_OK;
    }
    struct stat info;
    bool exists = stat(name, &info) == 0;
    if (exists && !S_ISREG(info.st_mode)) {
        /* Renaming over /dev/null or a named pipe would replace it by a file. */
        file->stream = fopen(name, "wb");
        return file->stream ? RSN_CLI_OK : fail_file(file, errno);
    }
    /* Through a link to the file it names: the link stays a link. */
    file->path = exists ? realpath(name, NULL) : strdup(name);
    if (!file->path) return fail_file(file, errno);
    int code = open_beside(file, exists ? info.st_mode & 0777 : default_mode());
    if (code != RSN_CLI_OK) rsn_cli_file_abandon(file);
    return code;
}

int rsn_cli_file_write(struct rsn_cli_file *file, const void *bytes, size_t n_bytes) {
    if (file->stream == stdout) {
        rsn_cli_write(stdout, bytes, n_bytes);
        return rsn_cli_output_failed() ? RSN_CLI_FAILED : RSN_CLI_OK;
    }
    errno = 0;
    if (fwrite(bytes, 1, n_bytes, file->stream) == n_bytes) return RSN_CLI_OK;
    return fail_file(file, errno ? errno : EIO);
}

int rsn_cli_file_commit(struct rsn_cli_file *file) {
    if (file->stream == stdout) {
        *file = (struct rsn_cli_file){0};
        return RSN_CLI_OK;
    }
    int error = 0;
    errno = 0;
    if (fflush(file->stream) != 0) error = errno ? errno : EIO;
    /* The name must not point at a file whose bytes a power cut could still take away. */
    if (!error && file->path && fsync(fileno(file->stream)) != 0) error = errno;
    if (fclose(file->stream) != 0 && !error) error = errno ? errno : EIO;
    file->stream = NULL;
    if (!error && file->path && rename(file->temp, file->path) != 0) error = errno;
    if (error) {
        fail_file(file, error);
        rsn_cli_file_abandon(file);
        return RSN_CLI_FAILED;
    }
    free(file->path);
    free(file->temp);
    *file = (struct rsn_cli_file){0};
    return RSN_CLI_OK;
}

void rsn_cli_file_abandon(struct rsn_cli_file *file) {
    if (file->stream && file->stream != stdout) fclose(file->stream);
    if (file->temp) unlink(file->temp);
    free(file->path);
    free(file->temp);
    *file = (struct rsn_cli_file){0};
}
