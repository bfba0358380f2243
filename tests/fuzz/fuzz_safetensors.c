/* Any bytes as a safetensors file: refused with a sentence, or every tensor lies in the
 * file, has the bytes of its shape and is found by its name, and all of them fill it. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "format/safetensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(int truth, const char *what) {
    if (truth)
        return;
    (void)fprintf(stderr, "fuzz_safetensors: %s: %s\n", what, rsn_last_error());
    abort();
}

static void check(const rsn_safetensors *st, uint64_t size) {
    uint64_t at = st->data_start;
    demand(st->data_end == size && at >= 10, "data has another place");
    for (size_t i = 0; i < st->n_tensors; i++) {
        const rsn_st_tensor *t = &st->tensors[i];
        uint64_t bits = t->dtype->bits;
        for (uint32_t d = 0; d < t->n_dims; d++)
            bits *= t->shape[d];
        demand(t->offset == at && t->n_bytes == bits / 8, "a tensor has another place");
        demand(t->n_bytes <= size - at, "a tensor leaves the file");
        demand(rsn_safetensors_find(st, t->name) == t, "a tensor is not found");
        at += t->n_bytes;
    }
    demand(at == size, "bytes belong to no tensor");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static int fd = -1;
    static char path[64];
    rsn_file file;
    rsn_arena arena = {0};
    rsn_safetensors st;
    if (fd < 0) {
        fd = memfd_create("fuzz", MFD_CLOEXEC);
        (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    }
    demand(ftruncate(fd, 0) == 0 && pwrite(fd, data, size, 0) == (ssize_t)size, "no file");
    demand(rsn_file_open(path, &file) == REASON_OK, "the file does not open");
    if (rsn_safetensors_read(&file, &arena, &st) == REASON_OK)
        check(&st, size);
    else
        demand(rsn_last_error()[0] != '\0', "an error has no sentence");
    rsn_arena_free(&arena);
    rsn_file_close(&file);
    return 0;
}
