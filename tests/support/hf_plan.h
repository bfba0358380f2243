/* Folders of Hugging Face's for tests: the plan that a tokenizer becomes, and folders
 * made of texts. */
#ifndef REASON_TESTS_HF_PLAN_H
#define REASON_TESTS_HF_PLAN_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/hf_tokenizer.h"
#include "format/hf_tokenizer_write.h"
#include "model/model.h"

/* A plan of nothing but the pairs of the folder's tokenizer, to be freed with its arena;
 * IO if it has none. */
static inline reason_status hf_plan(const char *folder, size_t n_vocab, rsn_gguf *g) {
    bool found;
    size_t same;
    *g = (rsn_gguf){0};
    rsn_pairs pairs = {.arena = &g->arena};
    reason_status status = rsn_hf_tokenizer(folder, n_vocab, &pairs, &found);
    if (status == REASON_OK && !found)
        status = rsn_fail(REASON_ERR_IO, "%s: no tokenizer", folder);
    if (status != REASON_OK)
        return status;
    g->pairs = pairs.items;
    g->n_pairs = pairs.n;
    g->pair_order =
        rsn_gguf_sort(&g->arena, &g->pairs[0].key, sizeof *g->pairs, g->n_pairs, &same);
    if (!g->pair_order)
        return REASON_ERR_NO_MEMORY;
    return same ? rsn_fail(REASON_ERR_FORMAT, "a key stands twice") : REASON_OK;
}

/* The same, as a vocabulary. */
static inline reason_status hf_vocab(const char *folder, size_t n_vocab, rsn_vocab **v) {
    rsn_gguf g;
    *v = NULL;
    reason_status status = hf_plan(folder, n_vocab, &g);
    if (status == REASON_OK)
        status = rsn_vocab_load(&g, v);
    rsn_arena_free(&g.arena);
    return status;
}

/* Writes a plan's tokenizer into a folder, with what the vocabulary knows. */
static inline reason_status hf_write(const rsn_gguf *g, const rsn_vocab *v,
                                     const char *folder) {
    const rsn_hf_known known = {
        .bos = rsn_vocab_bos(v),
        .eos = rsn_vocab_eos(v),
        .unk = rsn_vocab_unk(v),
        .pad = rsn_vocab_pad(v),
        .add_bos = rsn_vocab_adds_bos(v),
        .add_eos = rsn_vocab_adds_eos(v),
        .add_space = rsn_vocab_adds_space(v),
    };
    bool written;
    return rsn_hf_tokenizer_write(g, &known, folder, &written);
}

/* ---- folders ---- */

typedef struct hf_folder {
    char path[64];
    char files[8][96];
    size_t n;
} hf_folder;

static inline void hf_folder_make(hf_folder *f) {
    f->n = 0;
    (void)snprintf(f->path, sizeof f->path, "/tmp/reason-hf-XXXXXX");
    if (!mkdtemp(f->path))
        abort();
}

static inline void hf_folder_put(hf_folder *f, const char *name, const void *bytes,
                                 size_t n) {
    size_t i = 0;
    char path[96];
    (void)snprintf(path, sizeof path, "%s/%s", f->path, name);
    while (i < f->n && strcmp(f->files[i], path) != 0)
        i++;
    if (i == sizeof f->files / sizeof *f->files)
        abort();
    memcpy(f->files[i], path, sizeof path);
    f->n += i == f->n;
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(bytes, 1, n, file) != n || fclose(file) != 0)
        abort();
}

static inline void hf_folder_remove(hf_folder *f) {
    for (size_t i = 0; i < f->n; i++)
        (void)unlink(f->files[i]);
    (void)rmdir(f->path);
}

#endif
