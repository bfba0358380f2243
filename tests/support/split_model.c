/* Owns models that are split into several files. Tensors and metadata are those of a tiny
 * model. Invariant: the bytes of every tensor are those of the whole file. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/gguf_build.h"

static void put_split_keys(gguf_bytes *b, size_t no, size_t count, size_t n_tensors) {
    gguf_put_key(b, "split.no", GGUF_U16);
    gguf_put_number(b, no, 2);
    gguf_put_key(b, "split.count", GGUF_U16);
    gguf_put_number(b, count, 2);
    gguf_put_key(b, "split.tensors.count", GGUF_I32);
    gguf_put_number(b, n_tensors, 4);
}

/* The pairs of the whole file, which end where its tensors' entries begin. */
static void put_all_pairs(const tiny_model *m, gguf_bytes *b) {
    size_t end = m->n_tensors == 0 ? m->file.n
                                   : gguf_find_tensor(&m->file, m->tensors[0].name) -
                                         strlen(m->tensors[0].name) - 8;
    gguf_put(b, m->file.data + 24, end - 24);
}

/* Tensors from `first` on. */
static void put_tensors(const tiny_model *m, size_t first, size_t n, size_t alignment,
                        gguf_bytes *b) {
    uint64_t offset = 0;
    for (size_t i = first; i < first + n; i++) {
        const tiny_tensor *t = &m->tensors[i];
        gguf_put_tensor(b, t->name, t->ne[1] == 1 ? 1 : 2, t->ne, t->type, offset);
        offset += gguf_weight_bytes(t->type, (size_t)(t->ne[0] * t->ne[1]));
        offset = (offset + alignment - 1) / alignment * alignment;
    }
    for (size_t i = first; i < first + n; i++) {
        const tiny_tensor *t = &m->tensors[i];
        gguf_pad(b, alignment);
        gguf_put(b, m->file.data + t->at,
                 gguf_weight_bytes(t->type, (size_t)(t->ne[0] * t->ne[1])));
    }
}

void split_make(const tiny_model *m, const size_t *n_tensors, size_t n_parts,
                split_model *s) {
    size_t first = 0, n_pairs = 0;
    memset(s, 0, sizeof *s);
    s->n_parts = n_parts;
    for (size_t i = 0; i < 8; i++)
        n_pairs |= (size_t)m->file.data[16 + i] << 8 * i;
    for (size_t i = 0; i < n_parts; i++) {
        gguf_bytes *b = &s->parts[i];
        /* the key of the alignment is in the first part */
        size_t alignment = i == 0 && m->o.alignment ? m->o.alignment : 32;
        gguf_put_header(b, m->o.version, n_tensors[i], i == 0 ? n_pairs + 3 : 3);
        if (i == 0)
            put_all_pairs(m, b);
        put_split_keys(b, i, n_parts, m->n_tensors);
        put_tensors(m, first, n_tensors[i], alignment, b);
        first += n_tensors[i];
    }
    if (first != m->n_tensors)
        abort();
}

const char *split_path(split_model *s, size_t i) {
    (void)snprintf(s->path, sizeof s->path, "%s/tiny-%05zu-of-%05zu.gguf", s->folder,
                   i + 1, s->n_parts);
    return s->path;
}

void split_save(split_model *s) {
    const char *parent = getenv("TMPDIR");
    if (!s->folder[0]) {
        (void)snprintf(s->folder, sizeof s->folder, "%s/reason-test-XXXXXX",
                       parent && *parent && strlen(parent) < 40 ? parent : "/tmp");
        if (!mkdtemp(s->folder))
            abort();
    }
    for (size_t i = 0; i < s->n_parts; i++) {
        int fd = open(split_path(s, i), O_WRONLY | O_CREAT | O_TRUNC, 0600);
        ssize_t n = (ssize_t)s->parts[i].n;
        if (fd < 0 || write(fd, s->parts[i].data, s->parts[i].n) != n || close(fd) != 0)
            abort();
    }
}

void split_free(split_model *s) {
    for (size_t i = 0; i < s->n_parts; i++) {
        gguf_free(&s->parts[i]);
        if (s->folder[0])
            (void)unlink(split_path(s, i));
    }
    if (s->folder[0])
        (void)rmdir(s->folder);
    s->folder[0] = '\0';
}
