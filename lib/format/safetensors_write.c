/* Owns the header's bytes. Invariant: tensors follow each other without gaps, and data
 * begins at a multiple of 64. */
#include "format/safetensors_write.h"

#include "base/checked.h"
#include "base/json.h"

enum { ALIGNMENT = 64, LENGTH_BYTES = 8 };

/* Sets n_bytes, and offset from the start of data. */
static reason_status place(rsn_st_tensor *tensors, size_t n, uint64_t *total) {
    *total = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t bits = tensors[i].dtype->bits;
        bool fits = true;
        for (uint32_t d = 0; d < tensors[i].n_dims; d++)
            fits = fits && rsn_mul_u64(bits, tensors[i].shape[d], &bits);
        tensors[i].n_bytes = bits / 8;
        tensors[i].offset = *total;
        if (!fits || !rsn_add_u64(*total, tensors[i].n_bytes, total))
            return rsn_fail(REASON_ERR_LIMIT, "tensor %s is too large",
                            tensors[i].name.data);
    }
    return REASON_OK;
}

static void add_tensor(rsn_str *s, const rsn_st_tensor *t) {
    rsn_str_addc(s, ',');
    rsn_json_quote(s, t->name.data, t->name.n, false);
    rsn_str_addf(s, ":{\"dtype\":\"%s\",\"shape\":[", t->dtype->name);
    for (uint32_t d = 0; d < t->n_dims; d++)
        rsn_str_addf(s, "%s%llu", d ? "," : "", (unsigned long long)t->shape[d]);
    rsn_str_addf(s, "],\"data_offsets\":[%llu,%llu]}", (unsigned long long)t->offset,
                 (unsigned long long)(t->offset + t->n_bytes));
}

/* The length, which is filled in last, and the JSON, with spaces up to where data begins. */
static void make_header(rsn_str *s, const rsn_st_tensor *tensors, size_t n) {
    for (int i = 0; i < LENGTH_BYTES; i++)
        rsn_str_addc(s, '\0');
    /* Readers of other projects look for this entry. */
    rsn_str_addz(s, "{\"__metadata__\":{\"format\":\"pt\"}");
    for (size_t i = 0; i < n; i++)
        add_tensor(s, &tensors[i]);
    rsn_str_addc(s, '}');
    while (s->n % ALIGNMENT != 0 && !s->failed)
        rsn_str_addc(s, ' ');
    for (int i = 0; i < LENGTH_BYTES && !s->failed; i++)
        s->data[i] = (char)((s->n - LENGTH_BYTES) >> (8 * i));
}

reason_status rsn_st_write_begin(const char *path, rsn_st_tensor *tensors, size_t n,
                                 rsn_st_writer *w) {
    rsn_str header = {0};
    *w = (rsn_st_writer){.file = {.fd = -1}};
    reason_status status = place(tensors, n, &w->total);
    if (status == REASON_OK) {
        make_header(&header, tensors, n);
        status = header.failed ? REASON_ERR_NO_MEMORY : REASON_OK;
    }
    w->total += header.n;
    for (size_t i = 0; i < n; i++)
        tensors[i].offset += header.n;
    if (status == REASON_OK)
        status = rsn_replace_begin(path, w->total, &w->file);
    if (status == REASON_OK)
        status = rsn_replace_write(&w->file, header.data, header.n);
    rsn_str_free(&header);
    if (status != REASON_OK)
        rsn_st_write_abandon(w);
    return status;
}

reason_status rsn_st_write_data(rsn_st_writer *w, const void *bytes, size_t n) {
    return rsn_replace_write(&w->file, bytes, n);
}

reason_status rsn_st_write_commit(rsn_st_writer *w) {
    reason_status status = REASON_OK;
    if (w->file.n_bytes != w->total)
        status = rsn_fail(REASON_ERR_INTERNAL, "%llu bytes of %llu were written",
                          (unsigned long long)w->file.n_bytes,
                          (unsigned long long)w->total);
    if (status == REASON_OK)
        return rsn_replace_commit(&w->file);
    rsn_st_write_abandon(w);
    return status;
}

void rsn_st_write_abandon(rsn_st_writer *w) {
    rsn_replace_abandon(&w->file);
}
