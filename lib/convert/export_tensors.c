/* Owns the weights of an exported model: names, types, and the ways back from what the
 * format room made of a folder's (hf_make.h). Invariant: a float that keeps its type keeps
 * its bits. */
#include <math.h>
#include <string.h>

#include "convert/export.h"
#include "format/hf_names.h"
#include "format/safetensors_write.h"

/* A tensor on its way. */
typedef struct item {
    const rsn_gguf_tensor *from;
    rsn_hf_place place;
    bool packed;
    float scale;    /* of packed ones */
    size_t n_heads; /* whose rows go back from neighbours to halves; 0: none do */
} item;

typedef struct writing {
    rsn_export *e;
    item *items;
    rsn_st_tensor *tensors; /* [n], two for each packed one: weights, then scale */
    size_t n_items, n;
    rsn_st_writer writer;
    float *row;
    uint8_t *bytes; /* of a row, or of a quarter of packed rows */
    uint64_t done, total;
} writing;

static const rsn_st_dtype *dtype_of(const char *name) {
    return rsn_st_dtype_find((rsn_text){name, strlen(name)});
}

/* --- rows of the source ------------------------------------------------------------- */

static size_t rows_of(const rsn_gguf_tensor *t) {
    return (size_t)(t->ne[1] * t->ne[2] * t->ne[3]);
}

static void decode_row(const rsn_export *e, const rsn_gguf_tensor *t, size_t i,
                       float *row) {
    const uint8_t *bytes = rsn_tensor_bytes(&e->g, e->blobs, t);
    size_t n = (size_t)t->ne[0];
    rsn_type_decode(t->type, bytes + i * rsn_type_row_bytes(t->type, n), row, n);
    if (t->type->tail_bytes == 0)
        return;
    float scale;
    memcpy(&scale, bytes + t->n_bytes - t->type->tail_bytes, sizeof scale);
    for (size_t k = 0; k < n; k++)
        row[k] *= scale;
}

/* Row i of a folder's tensor in the source: hf_make.c's move, undone. */
static size_t source_row(const item *it, size_t i) {
    if (it->n_heads == 0)
        return i;
    size_t n = it->from->n_dims > 1 ? rows_of(it->from) : (size_t)it->from->ne[0];
    size_t dim = n / it->n_heads, in_head = i % dim;
    return i - in_head + in_head % (dim / 2) * 2 + in_head / (dim / 2);
}

/* --- what matrices are -------------------------------------------------------------- */

static bool is_matrix(const rsn_gguf_tensor *t) {
    return t->n_dims > 1;
}

static bool is_projection(const rsn_hf_place *place) {
    rsn_hf_role role = place->name->role;
    return place->layer >= 0 &&
           (role == RSN_HF_QUERY || role == RSN_HF_KEY || role == RSN_HF_MATRIX);
}

/* The type that most weights of the model have decides what config.json names. */
reason_status rsn_export_look(rsn_export *e) {
    uint64_t counts[RSN_N_TYPES] = {0}, most = 0;
    const rsn_type_info *type = rsn_type_info_get(RSN_TYPE_F32);
    for (size_t i = 0; i < e->g.n_tensors; i++) {
        const rsn_gguf_tensor *t = &e->g.tensors[i];
        if (!is_matrix(t) || (e->ternary && strncmp(t->name.data, "blk.", 4) == 0))
            continue; /* packed, so it has none of the types to choose from */
        uint64_t *n = &counts[t->type->type];
        *n += t->n_bytes;
        if (*n > most) {
            most = *n;
            type = t->type;
        }
    }
    e->main = e->dtype                      ? e->dtype
              : type->type == RSN_TYPE_F32  ? dtype_of("F32")
              : type->type == RSN_TYPE_BF16 ? dtype_of("BF16")
                                            : dtype_of("F16");
    return REASON_OK;
}

static const rsn_st_dtype *matrix_dtype(const rsn_export *e, const rsn_gguf_tensor *t) {
    if (e->dtype)
        return e->dtype;
    return t->type->type == RSN_TYPE_F32    ? dtype_of("F32")
           : t->type->type == RSN_TYPE_BF16 ? dtype_of("BF16")
                                            : dtype_of("F16");
}

/* A vector has the type of the matrices if that changes no value of it. */
static const rsn_st_dtype *vector_dtype(const rsn_export *e, const item *it, float *row) {
    const rsn_type_info *type = rsn_type_info_get((rsn_type)e->main->weight);
    bool one = (e->family->bits & RSN_HF_NORM_ONE) && it->place.name->role == RSN_HF_NORM;
    decode_row(e, it->from, 0, row);
    for (size_t i = 0; i < (size_t)it->from->ne[0]; i++) {
        uint8_t bytes[4];
        float x = one ? row[i] - 1 : row[i], back;
        type->encode(&x, NULL, bytes, 1);
        rsn_type_decode(type, bytes, &back, 1);
        if (back != x)
            return dtype_of("F32");
    }
    return e->main;
}

/* The magnitude of a tensor of three values. */
static reason_status find_scale(const rsn_export *e, const rsn_gguf_tensor *t, float *row,
                                float *scale) {
    *scale = 0;
    for (size_t i = 0; i < rows_of(t); i++) {
        decode_row(e, t, i, row);
        for (size_t k = 0; k < (size_t)t->ne[0]; k++) {
            float x = fabsf(row[k]);
            if (x != 0 && *scale == 0)
                *scale = x;
            if (x != 0 && x != *scale)
                return rsn_fail(REASON_ERR_UNSUPPORTED,
                                "tensor %s has other values than three, which a folder "
                                "with 8-bit activations cannot hold",
                                t->name.data);
        }
    }
    *scale = *scale != 0 ? *scale : 1;
    return t->ne[1] % 4 == 0 ? REASON_OK
                             : rsn_fail(REASON_ERR_UNSUPPORTED,
                                        "tensor %s has %llu rows, a multiple of 4 "
                                        "expected",
                                        t->name.data, (unsigned long long)t->ne[1]);
}

/* --- planning ----------------------------------------------------------------------- */

static reason_status name_tensor(writing *w, rsn_st_tensor *t, const char *name,
                                 const char *end) {
    rsn_str text = {0};
    rsn_str_addf(&text, "%s%s", name, end);
    t->name.n = text.n;
    t->name.data = text.failed ? NULL
                               : rsn_arena_strndup(&w->e->arena, text.data, text.n);
    rsn_str_free(&text);
    return t->name.data ? REASON_OK : REASON_ERR_NO_MEMORY;
}

static reason_status plan_packed(writing *w, item *it, const char *name) {
    rsn_st_tensor *scale = &w->tensors[w->n], *t = scale - 1;
    reason_status status = find_scale(w->e, it->from, w->row, &it->scale);
    if (status == REASON_OK)
        status = name_tensor(w, scale, name, "_scale");
    t->dtype = dtype_of("U8");
    t->shape[0] /= 4;
    scale->dtype = dtype_of("F32"); /* whatever the matrices have: it is one value */
    scale->n_dims = 1;
    scale->shape[0] = 1;
    w->n++;
    return status;
}

static reason_status plan_tensor(writing *w, const rsn_gguf_tensor *from) {
    rsn_export *e = w->e;
    item *it = &w->items[w->n_items++];
    rsn_st_tensor *t = &w->tensors[w->n++];
    bool two = e->task == RSN_HF_REWARD || e->task == RSN_HF_PROCESS_REWARD;
    unsigned bits = e->family->bits | (two ? RSN_HF_TWO_LAYERS : 0);
    it->from = from;
    if (!rsn_hf_name_find_gguf(bits, from->name, &it->place))
        return rsn_fail(REASON_ERR_UNSUPPORTED,
                        "tensor %s has no place in a folder of %s models",
                        rsn_quote(from->name.data, from->name.n).text, e->family->stem);
    if (e->family->bits & RSN_HF_PERMUTED)
        it->n_heads = it->place.name->role == RSN_HF_QUERY ? e->hp.n_heads
                      : it->place.name->role == RSN_HF_KEY ? e->hp.n_heads_kv
                                                           : 0;
    t->n_dims = from->n_dims;
    for (uint32_t d = 0; d < t->n_dims; d++)
        t->shape[d] = from->ne[t->n_dims - 1 - d];
    t->dtype = is_matrix(from) ? matrix_dtype(e, from) : vector_dtype(e, it, w->row);
    it->packed = e->ternary && is_matrix(from) && is_projection(&it->place);
    w->total += from->n_bytes;
    rsn_hf_name_text name = rsn_hf_name_make(&it->place);
    reason_status status = name_tensor(w, t, name.text, "");
    return status == REASON_OK && it->packed ? plan_packed(w, it, name.text) : status;
}

/* What config.json says instead. */
static bool is_rope(const rsn_gguf_tensor *t) {
    return strncmp(t->name.data, "rope_", 5) == 0;
}

static reason_status plan(writing *w) {
    const rsn_gguf *g = &w->e->g;
    size_t longest = 1;
    w->items = rsn_arena_calloc2(&w->e->arena, g->n_tensors, sizeof *w->items);
    w->tensors = rsn_arena_calloc2(&w->e->arena, 2 * g->n_tensors, sizeof *w->tensors);
    for (size_t i = 0; i < g->n_tensors; i++)
        longest = (size_t)g->tensors[i].ne[0] > longest ? (size_t)g->tensors[i].ne[0]
                                                        : longest;
    w->row = rsn_arena_calloc2(&w->e->arena, longest, sizeof *w->row);
    w->bytes = rsn_arena_calloc2(&w->e->arena, longest, sizeof(float));
    if (!w->items || !w->tensors || !w->row || !w->bytes)
        return REASON_ERR_NO_MEMORY;
    reason_status status = REASON_OK;
    for (size_t i = 0; i < g->n_tensors && status == REASON_OK; i++)
        if (!is_rope(&g->tensors[i]))
            status = plan_tensor(w, &g->tensors[i]);
    return status == REASON_OK || status == REASON_ERR_NO_MEMORY
               ? status
               : rsn_fail_within(status, w->e->in);
}

/* --- writing ------------------------------------------------------------------------ */

static reason_status tell(writing *w, uint64_t more) {
    rsn_export *e = w->e;
    w->done += more;
    if (rsn_cancelled(e->cancel) ||
        (e->progress && e->progress(e->progress_user, "export", w->done, w->total) != 0))
        return rsn_fail(REASON_ERR_CANCELLED, "cancelled after %llu of %llu bytes",
                        (unsigned long long)w->done, (unsigned long long)w->total);
    return REASON_OK;
}

static reason_status write_rows(writing *w, const item *it, const rsn_st_tensor *t) {
    const rsn_type_info *type = rsn_type_info_get((rsn_type)t->dtype->weight);
    size_t n = (size_t)it->from->ne[0];
    reason_status status = REASON_OK;
    for (size_t i = 0; i < rows_of(it->from) && status == REASON_OK; i++) {
        decode_row(w->e, it->from, source_row(it, i), w->row);
        type->encode(w->row, NULL, w->bytes, n);
        status = rsn_st_write_data(&w->writer, w->bytes, n * type->block_bytes);
        if (status == REASON_OK)
            status = tell(w, it->from->n_bytes / rows_of(it->from));
    }
    return status;
}

/* A vector's values: biases of q and k are in another order, norms may be less 1. */
static reason_status write_vector(writing *w, const item *it, const rsn_st_tensor *t) {
    const rsn_type_info *type = rsn_type_info_get((rsn_type)t->dtype->weight);
    bool one = (w->e->family->bits & RSN_HF_NORM_ONE) &&
               it->place.name->role == RSN_HF_NORM;
    reason_status status = REASON_OK;
    decode_row(w->e, it->from, 0, w->row);
    for (size_t i = 0; i < (size_t)it->from->ne[0] && status == REASON_OK; i++) {
        float x = w->row[source_row(it, i)];
        x = one ? x - 1 : x;
        type->encode(&x, NULL, w->bytes, 1);
        status = rsn_st_write_data(&w->writer, w->bytes, type->block_bytes);
    }
    return status == REASON_OK ? tell(w, it->from->n_bytes) : status;
}

/* Four rows, a quarter of all apart, in one; behind all of them the scale. */
static reason_status write_packed(writing *w, const item *it) {
    size_t quarter = rows_of(it->from) / 4, n = (size_t)it->from->ne[0];
    bool divide = !(w->e->family->bits & RSN_HF_RELU2); /* the older class of layers */
    float scale = divide ? 1 / it->scale : it->scale;
    reason_status status = REASON_OK;
    for (size_t i = 0; i < quarter && status == REASON_OK; i++) {
        memset(w->bytes, 0, n);
        for (size_t j = 0; j < 4; j++) {
            decode_row(w->e, it->from, source_row(it, i + j * quarter), w->row);
            for (size_t k = 0; k < n; k++) {
                unsigned code = w->row[k] > 0 ? 2 : w->row[k] < 0 ? 0 : 1;
                w->bytes[k] |= (uint8_t)(code << (2 * j));
            }
        }
        status = rsn_st_write_data(&w->writer, w->bytes, n);
        if (status == REASON_OK)
            status = tell(w, it->from->n_bytes / quarter);
    }
    return status == REASON_OK ? rsn_st_write_data(&w->writer, &scale, sizeof scale)
                               : status;
}

static reason_status write_all(writing *w) {
    const rsn_st_tensor *t = w->tensors;
    reason_status status = REASON_OK;
    for (size_t i = 0; i < w->n_items && status == REASON_OK; i++) {
        const item *it = &w->items[i];
        status = it->packed           ? write_packed(w, it)
                 : is_matrix(it->from) ? write_rows(w, it, t)
                                       : write_vector(w, it, t);
        t += it->packed ? 2 : 1;
    }
    return status;
}

reason_status rsn_export_tensors(rsn_export *e) {
    writing w = {.e = e, .writer = {.file = {.fd = -1}}};
    reason_status status = plan(&w);
    if (status != REASON_OK)
        return status;
    char *path = rsn_folder_inside(&e->folder, "model.safetensors");
    if (!path)
        return REASON_ERR_NO_MEMORY;
    status = rsn_st_write_begin(path, w.tensors, w.n, &w.writer);
    if (status == REASON_OK)
        status = write_all(&w);
    if (status == REASON_OK)
        status = rsn_st_write_commit(&w.writer);
    rsn_st_write_abandon(&w.writer);
    rsn_free(path);
    return status;
}
