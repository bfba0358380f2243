/* Owns the writing of a model in another block type. Reading is the library's; what the
 * new bytes mean is quant's. Invariant: tensors keep their order and shapes. */
#include "support/reencode.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/gguf.h"
#include "support/gguf_build.h"

/* general.file_type of a model whose matrices are all of a type. */
static const uint32_t FILE_TYPES[RSN_N_TYPES] = {
    [RSN_TYPE_F32] = 0,    [RSN_TYPE_F16] = 1,    [RSN_TYPE_BF16] = 32,
    [RSN_TYPE_Q4_0] = 2,   [RSN_TYPE_Q4_1] = 3,   [RSN_TYPE_Q5_0] = 8,
    [RSN_TYPE_Q5_1] = 9,   [RSN_TYPE_Q8_0] = 7,   [RSN_TYPE_Q2_K] = 10,
    [RSN_TYPE_Q3_K] = 11,  [RSN_TYPE_Q4_K] = 14,  [RSN_TYPE_Q5_K] = 16,
    [RSN_TYPE_Q6_K] = 18,  [RSN_TYPE_IQ4_NL] = 25, [RSN_TYPE_IQ4_XS] = 30,
    [RSN_TYPE_TQ1_0] = 36, [RSN_TYPE_TQ2_0] = 37, [RSN_TYPE_I2_S] = 40,
};

typedef struct source {
    rsn_gguf g;
    rsn_blob file; /* all of it */
} source;

typedef struct encoded {
    const rsn_type_info *type;
    gguf_bytes bytes;
} encoded;

const rsn_type_info *reencode_type(const char *name) {
    for (unsigned i = 0; i < RSN_N_TYPES; i++) {
        const rsn_type_info *info = rsn_type_info_get((rsn_type)i);
        if (info->ggml_id != RSN_NO_GGML_ID && strcmp(info->name, name) == 0)
            return info;
    }
    return NULL;
}

static void *claim(size_t n, size_t size) {
    void *p = calloc(n ? n : 1, size);
    if (!p)
        abort();
    return p;
}

/* --- reading ------------------------------------------------------------------------ */

static reason_status load(const char *path, source *s) {
    rsn_file file;
    memset(s, 0, sizeof *s);
    reason_status status = rsn_file_open(path, &file);
    if (status != REASON_OK)
        return status;
    if ((status = rsn_gguf_open(&file, path, false, &s->g)) == REASON_OK)
        status = rsn_blob_load(&file, 0, (size_t)file.size, true, NULL, &s->file);
    rsn_file_close(&file);
    return status;
}

static void unload(source *s) {
    rsn_blob_free(&s->file);
    rsn_gguf_free(&s->g);
}

static uint64_t value_bytes(const rsn_gguf_pair *p) {
    static const uint64_t sizes[RSN_GGUF_N_TYPES] = {1, 1, 2, 2, 4, 4, 4,
                                                     1, 0, 0, 8, 8, 8};
    if (p->type == RSN_GGUF_STRING)
        return 8 + p->as.text.n;
    if (p->type != RSN_GGUF_ARRAY)
        return sizes[p->type];
    uint64_t n = 12 + p->n * sizes[p->item];
    for (uint64_t i = 0; p->item == RSN_GGUF_STRING && i < p->n; i++)
        n += 8 + p->as.texts[i].n;
    return n;
}

/* All weights of a tensor. */
static float *decode_all(const source *s, const rsn_gguf_tensor *t, size_t n) {
    const uint8_t *bytes = s->file.data + t->offset;
    float *x = claim(n, sizeof *x), scale = 1;
    rsn_type_decode(t->type, bytes, x, n);
    if (t->type->tail_bytes)
        memcpy(&scale, bytes + t->n_bytes - t->type->tail_bytes, sizeof scale);
    for (size_t i = 0; i < n && scale != 1; i++)
        x[i] *= scale;
    return x;
}

/* --- encoding ----------------------------------------------------------------------- */

/* The scale of a tensor whose weights are it, 0 or its negative; 0 for others. */
static float ternary_scale(const float *x, size_t n) {
    float scale = 0;
    for (size_t i = 0; i < n; i++)
        scale = fmaxf(scale, fabsf(x[i]));
    for (size_t i = 0; i < n; i++)
        if (x[i] != 0 && fabsf(x[i]) != scale)
            return 0;
    return scale;
}

static encoded encode_matrix(const source *s, const rsn_gguf_tensor *t,
                             const rsn_type_info *type) {
    size_t n = (size_t)(t->ne[0] * t->ne[1] * t->ne[2] * t->ne[3]);
    float *x = decode_all(s, t, n), scale = 1;
    if (type->tail_bytes)
        scale = ternary_scale(x, n);
    if (t->ne[0] % type->block_elems != 0 || scale == 0)
        type = rsn_type_info_get(RSN_TYPE_F16);
    else
        for (size_t i = 0; i < n && scale != 1; i++)
            x[i] /= scale;
    encoded e = {.type = type};
    gguf_put_zeros(&e.bytes, rsn_type_row_bytes(type, n));
    type->encode(x, NULL, e.bytes.data, n);
    if (type->tail_bytes) {
        gguf_put(&e.bytes, &scale, sizeof scale);
        gguf_put_zeros(&e.bytes, type->tail_bytes - sizeof scale);
    }
    free(x);
    return e;
}

static encoded encode_tensor(const source *s, const rsn_gguf_tensor *t,
                             const rsn_type_info *type, reencode_report *report) {
    encoded e = {.type = t->type};
    if (t->n_dims == 1) {
        gguf_put(&e.bytes, s->file.data + t->offset, (size_t)t->n_bytes);
        return e;
    }
    e = encode_matrix(s, t, type);
    report->n_encoded += e.type == type;
    report->n_kept += e.type != type;
    return e;
}

/* --- writing ------------------------------------------------------------------------ */

/* Header and pairs: the file's own bytes, with another file type in them or behind. */
static void put_pairs(const source *s, const rsn_type_info *type, gguf_bytes *b) {
    const rsn_gguf_pair *last = s->g.n_pairs ? &s->g.pairs[s->g.n_pairs - 1] : NULL;
    size_t end = last ? (size_t)(last->offset + value_bytes(last)) : 24;
    const rsn_gguf_pair *old = rsn_gguf_find(&s->g, "general.file_type");
    gguf_put(b, s->file.data, end);
    if (old && value_bytes(old) == 4) {
        gguf_set_number(b, (size_t)old->offset, FILE_TYPES[type->type], 4);
    } else if (!old) {
        gguf_put_u32(b, "general.file_type", FILE_TYPES[type->type]);
        gguf_set_number(b, 16, s->g.n_pairs + 1, 8);
    }
}

static void put_tensors(const source *s, const encoded *list, size_t alignment,
                        gguf_bytes *b) {
    uint64_t offset = 0;
    for (size_t i = 0; i < s->g.n_tensors; i++) {
        const rsn_gguf_tensor *t = &s->g.tensors[i];
        gguf_put_tensor(b, t->name.data, t->n_dims, t->ne, list[i].type->ggml_id, offset);
        offset += (list[i].bytes.n + alignment - 1) / alignment * alignment;
    }
    for (size_t i = 0; i < s->g.n_tensors; i++) {
        gguf_pad(b, alignment);
        gguf_put(b, list[i].bytes.data, list[i].bytes.n);
    }
    gguf_pad(b, alignment);
}

static reason_status save(const char *path, const gguf_bytes *b) {
    FILE *file = fopen(path, "wb");
    bool whole = file && fwrite(b->data, 1, b->n, file) == b->n;
    if (file && fclose(file) != 0)
        whole = false;
    return whole ? REASON_OK : rsn_fail(REASON_ERR_IO, "%s cannot be written", path);
}

reason_status reencode_model(const char *in, const char *out, const rsn_type_info *type,
                             reencode_report *report) {
    source s;
    gguf_bytes b = {0};
    int64_t alignment = 32;
    double weights = 0, bits = 0;
    memset(report, 0, sizeof *report);
    reason_status status = load(in, &s);
    if (status == REASON_OK)
        status = rsn_gguf_int(&s.g, "general.alignment", 1, 1 << 16, &alignment);
    encoded *list = claim(s.g.n_tensors, sizeof *list);
    for (size_t i = 0; i < s.g.n_tensors && status == REASON_OK; i++) {
        const rsn_gguf_tensor *t = &s.g.tensors[i];
        list[i] = encode_tensor(&s, t, type, report);
        if (t->n_dims > 1) {
            bits += 8.0 * (double)list[i].bytes.n;
            weights += (double)t->ne[0] * (double)t->ne[1];
        }
    }
    if (status == REASON_OK) {
        put_pairs(&s, type, &b);
        put_tensors(&s, list, (size_t)alignment, &b);
        report->bits = weights > 0 ? bits / weights : 0;
        report->n_bytes = b.n;
        status = save(out, &b);
    }
    for (size_t i = 0; i < s.g.n_tensors; i++)
        gguf_free(&list[i].bytes);
    free(list);
    gguf_free(&b);
    unload(&s);
    return status;
}
