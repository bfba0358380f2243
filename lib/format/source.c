/* Owns which kind of source a path leads to, and loading. */
#include "format/source.h"

#include <string.h>

#include "format/hf_folder.h"
#include "format/hf_make.h"

static bool ends_with(const char *text, const char *end) {
    size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

reason_status rsn_source_open(const char *path, bool i2_s_b, rsn_gguf_watch_fn watch,
                              void *user, rsn_gguf *g, rsn_gguf_files *files) {
    if (ends_with(path, ".safetensors") || rsn_file_is_folder(path))
        return rsn_hf_open(path, watch, user, g, files);
    return rsn_gguf_open_all(path, i2_s_b, watch, user, g, files);
}

/* The part behind those of the files. */
static reason_status make_tensors(const rsn_gguf *g, const rsn_gguf_files *files,
                                  bool map, const rsn_cancel *cancel, rsn_blob *blob) {
    size_t n = (size_t)g->parts[files->n].data_end, next = 0;
    *blob = (rsn_blob){.data = rsn_alloc_aligned(n)};
    blob->base = blob->data;
    if (!blob->data)
        return REASON_ERR_NO_MEMORY;
    blob->size = n;
    memset(blob->data, 0, n); /* what lies between tensors */
    reason_status status = REASON_OK;
    for (size_t i = 0; i < g->n_tensors && status == REASON_OK; i++)
        if (g->tensors[i].part == files->n)
            status = rsn_make_run(&files->makes[next++], files->list, map, cancel,
                                  &g->tensors[i], blob->data + g->tensors[i].offset);
    if (status != REASON_OK)
        rsn_blob_free(blob);
    return status;
}

reason_status rsn_source_load(const rsn_gguf *g, const rsn_gguf_files *files, size_t i,
                              bool map, const rsn_cancel *cancel, rsn_blob *blob) {
    if (i == files->n)
        return make_tensors(g, files, map, cancel, blob);
    const rsn_gguf_part *part = &g->parts[i];
    return rsn_blob_load(&files->list[i], part->data_start,
                         (size_t)(part->data_end - part->data_start), map, cancel, blob);
}
