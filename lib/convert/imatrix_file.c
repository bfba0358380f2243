/* Owns the bytes of an importance matrix: header, entries and two tensors for each matrix,
 * put together in memory and written beside the file's name, then renamed. Invariant: the
 * bytes depend on the sums and names alone. */
#include "convert/imatrix_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { ALIGNMENT = 32, GGUF_VERSION = 3, MAX_NAMES = 100 };

/* --- bytes -------------------------------------------------------------------------- */

static void put_number(rsn_str *s, uint64_t value, size_t n_bytes) {
    for (size_t i = 0; i < n_bytes; i++)
        rsn_str_addc(s, (char)(value >> 8 * i & 0xFF));
}

static void put_text(rsn_str *s, const char *text, size_t n) {
    put_number(s, n, 8);
    rsn_str_add(s, text, n);
}

static void put_key(rsn_str *s, const char *key, rsn_gguf_type type) {
    put_text(s, key, strlen(key));
    put_number(s, type, 4);
}

static void put_float(rsn_str *s, float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    put_number(s, bits, 4);
}

static void pad(rsn_str *s) {
    while (s->n % ALIGNMENT != 0 && !s->failed)
        rsn_str_addc(s, '\0');
}

static uint64_t padded(uint64_t n) {
    return (n + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static void put_entries(rsn_str *s, const rsn_collected *c, const char *dataset) {
    put_key(s, "general.type", RSN_GGUF_STRING);
    put_text(s, "imatrix", strlen("imatrix"));
    put_key(s, "imatrix.datasets", RSN_GGUF_ARRAY);
    put_number(s, RSN_GGUF_STRING, 4);
    put_number(s, dataset != NULL, 8);
    if (dataset)
        put_text(s, dataset, strlen(dataset));
    put_key(s, "imatrix.chunk_count", RSN_GGUF_U32);
    put_number(s, c->figures.n_chunks, 4);
    put_key(s, "imatrix.chunk_size", RSN_GGUF_U32);
    put_number(s, c->figures.n_ctx, 4);
}

/* A tensor's name, shape and place; returns where the next one is. */
static uint64_t put_tensor(rsn_str *s, rsn_text name, const char *suffix, size_t n,
                           uint64_t offset) {
    put_number(s, name.n + strlen(suffix), 8);
    rsn_str_add(s, name.data, name.n);
    rsn_str_addz(s, suffix);
    put_number(s, 1, 4);
    put_number(s, n, 8);
    put_number(s, rsn_type_info_get(RSN_TYPE_F32)->ggml_id, 4);
    put_number(s, offset, 8);
    return padded(offset + n * sizeof(float));
}

static void put_file(rsn_str *s, const rsn_collected *c, const char *dataset) {
    uint64_t offset = 0;
    rsn_str_addz(s, "GGUF");
    put_number(s, GGUF_VERSION, 4);
    put_number(s, 2 * c->figures.n_tensors, 8);
    put_number(s, 4, 8);
    put_entries(s, c, dataset);
    for (size_t i = 0; i < c->n; i++) {
        if (c->items[i].n_tokens == 0)
            continue;
        offset = put_tensor(s, c->items[i].name, ".in_sum2", c->items[i].cols, offset);
        offset = put_tensor(s, c->items[i].name, ".counts", 1, offset);
    }
    pad(s);
    for (size_t i = 0; i < c->n && !s->failed; i++) {
        if (c->items[i].n_tokens == 0)
            continue;
        for (size_t k = 0; k < c->items[i].cols; k++)
            put_float(s, (float)c->items[i].sums[k]);
        pad(s);
        put_float(s, (float)c->items[i].n_tokens);
        pad(s);
    }
}

/* --- the file ----------------------------------------------------------------------- */

static reason_status fail_io(const char *path, const char *what) {
    return rsn_fail(REASON_ERR_IO, "%s: %s: %s", path, what, strerror(errno));
}

/* A new file beside `path`; its name goes to `temp`. */
static reason_status open_beside(const char *path, rsn_str *temp, int *fd) {
    *fd = -1;
    for (int i = 0; i < MAX_NAMES && *fd < 0; i++) {
        rsn_str_cut(temp, 0);
        rsn_str_addf(temp, "%s.part-%ld-%d", path, (long)getpid(), i);
        if (temp->failed)
            return REASON_ERR_NO_MEMORY;
        *fd = open(rsn_str_text(temp), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (*fd < 0 && errno != EEXIST)
            break;
    }
    return *fd < 0 ? fail_io(path, "cannot be created") : REASON_OK;
}

static reason_status write_all(int fd, const char *path, const char *bytes, size_t n) {
    for (size_t at = 0; at < n;) {
        ssize_t done = write(fd, bytes + at, n - at);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return fail_io(path, "cannot be written");
        at += (size_t)done;
    }
    return REASON_OK;
}

static reason_status replace(const char *path, const char *bytes, size_t n) {
    rsn_str temp = {0};
    int fd;
    reason_status status = open_beside(path, &temp, &fd);
    if (status == REASON_OK) {
        status = write_all(fd, path, bytes, n);
        if (status == REASON_OK && fsync(fd) != 0)
            status = fail_io(path, "cannot be written");
        if (close(fd) != 0 && status == REASON_OK)
            status = fail_io(path, "cannot be written");
        if (status == REASON_OK && rename(rsn_str_text(&temp), path) != 0)
            status = fail_io(path, "cannot be replaced");
        if (status != REASON_OK)
            (void)unlink(rsn_str_text(&temp));
    }
    rsn_str_free(&temp);
    return status;
}

reason_status rsn_imatrix_write(const char *path, const rsn_collected *c,
                                const char *dataset) {
    rsn_str s = {0};
    put_file(&s, c, dataset);
    reason_status status =
        s.failed ? REASON_ERR_NO_MEMORY : replace(path, rsn_str_text(&s), s.n);
    rsn_str_free(&s);
    return status;
}
