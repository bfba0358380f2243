/* Reads the header of a safetensors file: 8 bytes of length, JSON, data. Owns every check
 * of ranges and shapes. Invariant: no allocation is sized by a number from the file before
 * that was compared with the file's size. */
#include "format/safetensors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/checked.h"
#include "base/json.h"
#include "format/gguf.h"

enum { LENGTH_BYTES = 8 };

static const rsn_st_dtype DTYPES[] = {
    {"F32", 32, RSN_TYPE_F32}, {"F16", 16, RSN_TYPE_F16}, {"BF16", 16, RSN_TYPE_BF16},
    {"F8_E4M3", 8, -1},        {"F8_E5M2", 8, -1},        {"U8", 8, -1},
    {"I8", 8, -1},             {"BOOL", 8, -1},           {"U16", 16, -1},
    {"I16", 16, -1},           {"U32", 32, -1},           {"I32", 32, -1},
    {"U64", 64, -1},           {"I64", 64, -1},           {"F64", 64, -1},
};

const rsn_st_dtype *rsn_st_dtype_find(rsn_text name) {
    for (size_t i = 0; i < sizeof DTYPES / sizeof *DTYPES; i++)
        if (rsn_text_is(name, DTYPES[i].name))
            return &DTYPES[i];
    return NULL;
}

rsn_st_shape_text rsn_st_describe(const rsn_st_tensor *t) {
    rsn_st_shape_text out = {"["};
    size_t n = 1;
    for (uint32_t d = 0; d < t->n_dims; d++)
        n += (size_t)snprintf(out.text + n, sizeof out.text - n, "%s%llu", d ? ", " : "",
                              (unsigned long long)t->shape[d]);
    (void)snprintf(out.text + n, sizeof out.text - n, "]");
    return out;
}

typedef struct reader {
    rsn_json json;
    rsn_arena *arena;
    rsn_st_tensor *items; /* grows on the heap, moves to the arena when all are there */
    size_t n, cap;
    uint64_t data_bytes; /* of the file behind the header */
} reader;

/* Where the parser stands in the file. */
static unsigned long long at(const reader *r) {
    return (unsigned long long)r->json.at + LENGTH_BYTES;
}

static reason_status next(reader *r, rsn_json_kind *kind) {
    reason_status status = REASON_OK;
    *kind = rsn_json_next(&r->json, &status);
    return *kind == RSN_JSON_ERROR ? status : REASON_OK;
}

static reason_status expect(reader *r, rsn_json_kind wanted, const char *what) {
    rsn_json_kind kind;
    reason_status status = next(r, &kind);
    if (status == REASON_OK && kind != wanted)
        status = rsn_fail(REASON_ERR_FORMAT, "header at offset %llu: %s expected", at(r),
                          what);
    return status;
}

/* --- one tensor --------------------------------------------------------------------- */

static reason_status fail_tensor(const reader *r, const rsn_st_tensor *t,
                                 const char *what) {
    return rsn_fail(REASON_ERR_FORMAT, "tensor %s at offset %llu: %s",
                    rsn_quote(t->name.data, t->name.n).text, at(r), what);
}

static reason_status read_dtype(reader *r, rsn_st_tensor *t) {
    rsn_json_kind kind;
    reason_status status = next(r, &kind);
    if (status != REASON_OK)
        return status;
    if (kind != RSN_JSON_STRING)
        return fail_tensor(r, t, "dtype is no string");
    t->dtype = rsn_st_dtype_find((rsn_text){rsn_str_text(&r->json.text), r->json.text.n});
    if (!t->dtype)
        return rsn_fail(REASON_ERR_UNSUPPORTED, "tensor %s at offset %llu: dtype %s",
                        rsn_quote(t->name.data, t->name.n).text, at(r),
                        rsn_quote(r->json.text.data, r->json.text.n).text);
    return REASON_OK;
}

/* A list of at most `max` numbers from 0 to 2^63 - 1. */
static reason_status read_numbers(reader *r, const rsn_st_tensor *t, const char *what,
                                  uint64_t *out, uint32_t max, uint32_t *n) {
    rsn_json_kind kind;
    reason_status status = next(r, &kind);
    *n = 0;
    if (status == REASON_OK && kind != RSN_JSON_ARRAY_BEGIN)
        return fail_tensor(r, t, what);
    while (status == REASON_OK && (status = next(r, &kind)) == REASON_OK &&
           kind != RSN_JSON_ARRAY_END) {
        if (kind != RSN_JSON_INT || r->json.integer < 0 || *n == max)
            return fail_tensor(r, t, what);
        out[(*n)++] = (uint64_t)r->json.integer;
    }
    return status;
}

static reason_status read_field(reader *r, rsn_st_tensor *t, uint64_t range[2],
                                unsigned *seen) {
    static const char *const NAMES[] = {"dtype", "shape", "data_offsets"};
    const char *key = rsn_str_text(&r->json.text);
    uint32_t n = 0, field = 0;
    while (field < 3 && strcmp(NAMES[field], key) != 0)
        field++;
    if (field == 3 || (*seen & 1u << field))
        return fail_tensor(r, t,
                           "dtype, shape and data_offsets expected, each of them once");
    *seen |= 1u << field;
    if (field == 0)
        return read_dtype(r, t);
    if (field == 1)
        return read_numbers(r, t, "shape is no list of at most 8 sizes", t->shape,
                            RSN_ST_MAX_DIMS, &t->n_dims);
    reason_status status = read_numbers(
        r, t, "data_offsets is no list of two offsets, begin and end", range, 2, &n);
    return status == REASON_OK && n != 2
               ? fail_tensor(r, t, "data_offsets is no list of two offsets")
               : status;
}

/* Bytes of the shape against those of the range, and the range against the file. */
static reason_status check_tensor(const reader *r, rsn_st_tensor *t,
                                  const uint64_t range[2]) {
    uint64_t bits = t->dtype->bits;
    bool fits = true;
    for (uint32_t d = 0; d < t->n_dims; d++)
        fits = fits && rsn_mul_u64(bits, t->shape[d], &bits);
    if (range[0] > range[1] || range[1] > r->data_bytes)
        return rsn_fail(REASON_ERR_FORMAT,
                        "tensor %s: data_offsets are %llu to %llu, the file has %llu "
                        "bytes of data",
                        rsn_quote(t->name.data, t->name.n).text,
                        (unsigned long long)range[0], (unsigned long long)range[1],
                        (unsigned long long)r->data_bytes);
    t->offset = range[0]; /* of the data, until the header's end is known */
    t->n_bytes = range[1] - range[0];
    if (!fits || bits / 8 != t->n_bytes)
        return rsn_fail(REASON_ERR_FORMAT,
                        "tensor %s: data_offsets have %llu bytes, the shape %s of %s "
                        "needs another number",
                        rsn_quote(t->name.data, t->name.n).text,
                        (unsigned long long)t->n_bytes, rsn_st_describe(t).text,
                        t->dtype->name);
    return REASON_OK;
}

/* The key was read. */
static reason_status read_tensor(reader *r) {
    if (r->n == RSN_ST_MAX_TENSORS)
        return rsn_fail(REASON_ERR_LIMIT, "header has more than %d tensors",
                        RSN_ST_MAX_TENSORS);
    reason_status status = RSN_GROW(&r->items, &r->cap, r->n + 1);
    if (status != REASON_OK)
        return status;
    rsn_st_tensor *t = &r->items[r->n];
    uint64_t range[2] = {0, 0};
    unsigned seen = 0;
    rsn_json_kind kind;
    memset(t, 0, sizeof *t);
    t->name.n = r->json.text.n;
    t->name.data =
        rsn_arena_strndup(r->arena, rsn_str_text(&r->json.text), r->json.text.n);
    if (!t->name.data)
        return REASON_ERR_NO_MEMORY;
    if (t->name.n == 0 || strlen(t->name.data) != t->name.n)
        return fail_tensor(r, t, "a name without NUL expected");
    status = expect(r, RSN_JSON_OBJECT_BEGIN, "the object of a tensor");
    while (status == REASON_OK && (status = next(r, &kind)) == REASON_OK &&
           kind != RSN_JSON_OBJECT_END)
        status = read_field(r, t, range, &seen);
    if (status == REASON_OK && seen != 7)
        status = fail_tensor(r, t, "dtype, shape and data_offsets are needed");
    r->n++;
    return status == REASON_OK ? check_tensor(r, t, range) : status;
}

/* Texts about the file, which nothing here needs. */
static reason_status skip_metadata(reader *r) {
    rsn_json_kind kind;
    reason_status status = expect(r, RSN_JSON_OBJECT_BEGIN, "an object of texts");
    while (status == REASON_OK && (status = next(r, &kind)) == REASON_OK &&
           kind != RSN_JSON_OBJECT_END)
        status = expect(r, RSN_JSON_STRING, "a text of __metadata__");
    return status;
}

/* --- all of them -------------------------------------------------------------------- */

static reason_status read_all(reader *r) {
    rsn_json_kind kind;
    bool seen = false;
    reason_status status =
        expect(r, RSN_JSON_OBJECT_BEGIN, "an object, one entry for each tensor,");
    while (status == REASON_OK && (status = next(r, &kind)) == REASON_OK &&
           kind != RSN_JSON_OBJECT_END) {
        bool about = strcmp(rsn_str_text(&r->json.text), "__metadata__") == 0;
        if (about && seen)
            return rsn_fail(REASON_ERR_FORMAT, "header: __metadata__ is there twice");
        seen |= about;
        status = about ? skip_metadata(r) : read_tensor(r);
    }
    return status == REASON_OK ? expect(r, RSN_JSON_END, "the end of the header")
                               : status;
}

static int by_place(const void *a, const void *b) {
    const rsn_st_tensor *x = a, *y = b;
    int order = (x->offset > y->offset) - (x->offset < y->offset);
    return order ? order : (x->n_bytes > y->n_bytes) - (x->n_bytes < y->n_bytes);
}

/* Each begins where the one before ends, the last one ends where the file does. */
static reason_status check_places(const reader *r) {
    uint64_t end = 0;
    for (size_t i = 0; i < r->n; i++) {
        const rsn_st_tensor *t = &r->items[i];
        if (t->offset != end)
            return rsn_fail(REASON_ERR_FORMAT,
                            "tensor %s begins at byte %llu of the data, %s; %llu expected",
                            rsn_quote(t->name.data, t->name.n).text,
                            (unsigned long long)t->offset,
                            t->offset < end ? "inside another" : "behind a gap",
                            (unsigned long long)end);
        end += t->n_bytes;
    }
    if (end != r->data_bytes)
        return rsn_fail(REASON_ERR_FORMAT,
                        "the tensors have %llu bytes, the file has %llu of data",
                        (unsigned long long)end, (unsigned long long)r->data_bytes);
    return REASON_OK;
}

static reason_status keep(const reader *r, rsn_safetensors *st) {
    size_t same;
    st->tensors = rsn_arena_calloc2(r->arena, r->n, sizeof *st->tensors);
    if (!st->tensors)
        return REASON_ERR_NO_MEMORY;
    st->n_tensors = r->n;
    for (size_t i = 0; i < r->n; i++) {
        st->tensors[i] = r->items[i];
        st->tensors[i].offset += st->data_start;
    }
    st->order = rsn_gguf_sort(r->arena, &st->tensors[0].name, sizeof *st->tensors, r->n,
                              &same);
    if (!st->order)
        return REASON_ERR_NO_MEMORY;
    if (same > 0)
        return rsn_fail(REASON_ERR_FORMAT, "tensor %s is there twice",
                        rsn_quote(st->order[same]->data, st->order[same]->n).text);
    return REASON_OK;
}

/* The JSON's length, compared with the file. */
static reason_status read_length(const rsn_file *file, uint64_t *n) {
    uint8_t b[LENGTH_BYTES];
    if (file->size < LENGTH_BYTES)
        return rsn_fail(REASON_ERR_FORMAT, "too short: %llu bytes, at least %d expected",
                        (unsigned long long)file->size, LENGTH_BYTES);
    reason_status status = rsn_file_read(file, 0, b, sizeof b);
    if (status != REASON_OK)
        return status;
    *n = 0;
    for (int i = LENGTH_BYTES - 1; i >= 0; i--)
        *n = *n << 8 | b[i];
    if (*n < 2 || *n > file->size - LENGTH_BYTES)
        return rsn_fail(REASON_ERR_FORMAT,
                        "length of the header at offset 0 is %llu, 2 to %llu allowed in "
                        "this file",
                        (unsigned long long)*n,
                        (unsigned long long)(file->size - LENGTH_BYTES));
    if (*n > RSN_ST_MAX_HEADER)
        return rsn_fail(REASON_ERR_LIMIT,
                        "length of the header at offset 0 is %llu, at most %d are read",
                        (unsigned long long)*n, RSN_ST_MAX_HEADER);
    return REASON_OK;
}

reason_status rsn_safetensors_read(const rsn_file *file, rsn_arena *arena,
                                   rsn_safetensors *st) {
    uint64_t n = 0;
    memset(st, 0, sizeof *st);
    reason_status status = read_length(file, &n);
    if (status != REASON_OK)
        return status;
    char *text = rsn_alloc2((size_t)n, 1);
    if (!text)
        return REASON_ERR_NO_MEMORY;
    st->data_start = LENGTH_BYTES + n;
    st->data_end = file->size;
    reader r = {.arena = arena, .data_bytes = file->size - st->data_start};
    rsn_json_init(&r.json, text, (size_t)n);
    status = rsn_file_read(file, LENGTH_BYTES, text, (size_t)n);
    if (status == REASON_OK)
        status = read_all(&r);
    if (status == REASON_OK && r.n > 0)
        qsort(r.items, r.n, sizeof *r.items, by_place);
    if (status == REASON_OK)
        status = check_places(&r);
    if (status == REASON_OK)
        status = keep(&r, st);
    rsn_json_free(&r.json);
    rsn_free(text);
    rsn_free(r.items);
    return status;
}

const rsn_st_tensor *rsn_safetensors_find(const rsn_safetensors *st, rsn_text name) {
    return rsn_gguf_find_sorted(st->order, st->n_tensors, name);
}
