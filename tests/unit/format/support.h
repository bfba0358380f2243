/* What the tests of this folder share: opening files made of bytes, with everything
 * checked that must hold whatever is in them. */
#ifndef REASON_TESTS_FORMAT_SUPPORT_H
#define REASON_TESTS_FORMAT_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <unistd.h>

#include "format/gguf.h"
#include "support/gguf_build.h"
#include "support/heap.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* What reading may take at most: fixed buffers, and a multiple of the bytes that are
 * there. */
static inline size_t allowed_bytes(size_t n_file) {
    size_t tight = ((size_t)256 << 10) + 16 * n_file;
    size_t stated = ((size_t)16 << 20) + 2 * n_file;
    return tight < stated ? tight : stated;
}

/* Opens a file and checks what every opening must keep: memory bounded, nothing left
 * after a failure, and a sentence with the file's name. */
static inline reason_status open_path(const char *path, rsn_gguf *g, counted_heap *heap) {
    static const rsn_gguf empty;
    rsn_file file;
    assert_int_equal(rsn_file_open(path, &file), REASON_OK);
    memset(g, 0xA5, sizeof *g);
    heap_begin(heap, 0, false);
    reason_status status = rsn_gguf_open(&file, path, false, g);
    assert_true(heap->peak <= allowed_bytes((size_t)file.size));
    assert_true(heap->n_calls <= 64 + (size_t)file.size / 8);
    rsn_file_close(&file);
    if (status != REASON_OK) {
        assert_int_equal(heap->alive, 0);
        assert_memory_equal(g, &empty, sizeof empty);
        assert_int_equal(strncmp(rsn_last_error(), path, strlen(path)), 0);
    }
    return status;
}

static inline void close_it(rsn_gguf *g, const counted_heap *heap) {
    rsn_gguf_free(g);
    heap_end();
    assert_int_equal(heap->alive, 0);
}

static inline reason_status try_bytes(const gguf_bytes *b) {
    rsn_gguf g;
    counted_heap heap;
    char *path = gguf_save(b);
    reason_status status = open_path(path, &g, &heap);
    close_it(&g, &heap);
    gguf_remove(path);
    return status;
}

static inline void check_said(const char *const *words) {
    for (; *words; words++)
        if (!strstr(rsn_last_error(), *words))
            fail_msg("\"%s\" is not in: %s", *words, rsn_last_error());
}

static inline void check_refused(const gguf_bytes *b, reason_status wanted,
                                 const char *const *words) {
    reason_status status = try_bytes(b);
    if (status != wanted)
        fail_msg("%s instead of %s: %s", rsn_status_name(status), rsn_status_name(wanted),
                 rsn_last_error());
    check_said(words);
}

/* REFUSED(&bytes, status, "word", ...): the words must be in the sentence. */
#define REFUSED(b, status, ...) \
    check_refused(b, status, (const char *const[]){__VA_ARGS__, NULL})

static inline void check_opens(const gguf_bytes *b) {
    if (try_bytes(b) != REASON_OK)
        fail_msg("%s", rsn_last_error());
}

/* Fewer than 2 KiB: one layer of llama and no tokenizer. */
static inline void make_seed(tiny_model *m) {
    const tiny_options o = {.n_layers = 1,
                            .n_embd = 8,
                            .n_heads = 2,
                            .n_heads_kv = 1,
                            .head_dim = 4,
                            .n_ff = 8,
                            .n_ctx = 32,
                            .n_vocab = 8,
                            .tied = true,
                            .no_tokenizer = true};
    tiny_model_make("llama", &o, m);
}

/* Text of a number, good until the fourth next call. */
static inline const char *number(uint64_t n) {
    static char text[4][24];
    static size_t at;
    at = (at + 1) % 4;
    (void)snprintf(text[at], sizeof *text, "%llu", (unsigned long long)n);
    return text[at];
}

#endif
