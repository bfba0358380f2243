/* Reads a GGUF header into a plan. Owns every check of counts, offsets and shapes; leaves
 * the meaning of keys and names to the model room. Invariant: no allocation and no loop
 * is sized by a number from the file before that number was compared with the bytes that
 * are left. */
#include "format/gguf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"

enum { READ_BUFFER = 1 << 16 };

/* Smallest records that the format allows: they bound how many can follow. */
enum { MIN_PAIR_BYTES = 8 + 1 + 4 + 1, MIN_TENSOR_BYTES = 8 + 1 + 4 + 8 + 4 + 8 };

static const struct {
    const char *name;
    uint8_t bytes; /* 0: not of a fixed size */
} TYPES[RSN_GGUF_N_TYPES] = {
    {"u8", 1},  {"i8", 1},  {"u16", 2},  {"i16", 2},    {"u32", 4},
    {"i32", 4}, {"f32", 4}, {"bool", 1}, {"string", 0}, {"array", 0},
    {"u64", 8}, {"i64", 8}, {"f64", 8},
};

typedef struct reader {
    const rsn_file *file;
    uint64_t at;           /* next byte to hand out */
    uint64_t start, end;   /* what the buffer holds */
    uint8_t *buffer;
    rsn_arena *arena;
    uint64_t alignment;
    bool i2_s_b;
} reader;

static uint64_t bytes_left(const reader *r) {
    return r->file->size - r->at;
}

static reason_status fail_short(const reader *r, uint64_t n, const char *what) {
    return rsn_fail(
        REASON_ERR_FORMAT,
        "too short: %s at offset %llu needs %llu bytes, the file of %llu has %llu left",
        what, (unsigned long long)r->at, (unsigned long long)n,
        (unsigned long long)r->file->size, (unsigned long long)bytes_left(r));
}

static reason_status refill(reader *r) {
    uint64_t n = bytes_left(r) < READ_BUFFER ? bytes_left(r) : READ_BUFFER;
    r->start = r->end = r->at;
    reason_status status = rsn_file_read(r->file, r->at, r->buffer, (size_t)n);
    if (status == REASON_OK)
        r->end = r->at + n;
    return status;
}

/* Copies the next n bytes; they must be there. */
static reason_status take(reader *r, void *out, uint64_t n, const char *what) {
    if (n > bytes_left(r))
        return fail_short(r, n, what);
    if (n > READ_BUFFER) {
        reason_status status = rsn_file_read(r->file, r->at, out, (size_t)n);
        r->at += n;
        return status;
    }
    uint8_t *to = out;
    while (n > 0) {
        if (r->at < r->start || r->at >= r->end) {
            reason_status status = refill(r);
            if (status != REASON_OK)
                return status;
        }
        uint64_t part = r->end - r->at < n ? r->end - r->at : n;
        memcpy(to, r->buffer + (r->at - r->start), (size_t)part);
        to += part;
        r->at += part;
        n -= part;
    }
    return REASON_OK;
}

static reason_status take_u32(reader *r, uint32_t *out, const char *what) {
    uint8_t b[4];
    reason_status status = take(r, b, sizeof b, what);
    if (status == REASON_OK)
        *out = (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 |
               (uint32_t)b[3] << 24;
    return status;
}

static reason_status take_u64(reader *r, uint64_t *out, const char *what) {
    uint32_t low = 0, high = 0;
    if (bytes_left(r) < 8)
        return fail_short(r, 8, what);
    reason_status status = take_u32(r, &low, what);
    if (status == REASON_OK)
        status = take_u32(r, &high, what);
    *out = (uint64_t)high << 32 | low;
    return status;
}

/* The length of a string, compared with the bytes left. */
static reason_status take_length(reader *r, uint64_t *n, const char *what) {
    uint64_t at = r->at;
    reason_status status = take_u64(r, n, what);
    if (status == REASON_OK && *n > bytes_left(r))
        return rsn_fail(
            REASON_ERR_FORMAT,
            "length of %s at offset %llu is %llu, the file has %llu bytes left", what,
            (unsigned long long)at, (unsigned long long)*n,
            (unsigned long long)bytes_left(r));
    return status;
}

static reason_status take_text(reader *r, rsn_text *out, uint64_t max, const char *what) {
    uint64_t n = 0, at = r->at;
    reason_status status = take_length(r, &n, what);
    if (status != REASON_OK)
        return status;
    if (n > max)
        return rsn_fail(REASON_ERR_FORMAT,
                        "length of %s at offset %llu is %llu, at most %llu allowed", what,
                        (unsigned long long)at, (unsigned long long)n,
                        (unsigned long long)max);
    char *text = rsn_arena_alloc(r->arena, (size_t)n + 1);
    if (!text)
        return REASON_ERR_NO_MEMORY;
    text[n] = '\0';
    out->data = text;
    out->n = (size_t)n;
    return take(r, text, n, what);
}

/* Sums the lengths of n strings, then copies them packed: two walks, so that nothing is
 * sized by a claim. */
static reason_status take_texts(reader *r, uint64_t n, const rsn_text **out) {
    uint64_t start = r->at, length = 0, total = 0;
    reason_status status = REASON_OK;
    for (uint64_t i = 0; i < n && status == REASON_OK; i++) {
        status = take_length(r, &length, "a string of an array");
        if (status == REASON_OK) {
            total += length; /* cannot wrap: each was below the file's size, and they add
                                up to it */
            r->at += length;
        }
    }
    if (status != REASON_OK)
        return status;
    rsn_text *texts = rsn_arena_calloc2(r->arena, (size_t)n, sizeof *texts);
    char *bytes = rsn_arena_alloc(r->arena, (size_t)total);
    if (!texts || !bytes)
        return REASON_ERR_NO_MEMORY;
    r->at = start;
    for (uint64_t i = 0; i < n && status == REASON_OK; i++) {
        status = take_length(r, &length, "a string of an array");
        if (status == REASON_OK && length > total)
            status = rsn_fail(REASON_ERR_IO, "the file changed while it was read");
        if (status == REASON_OK)
            status = take(r, bytes, length, "a string of an array");
        texts[i].data = bytes;
        texts[i].n = (size_t)length;
        bytes += length;
        total -= length;
    }
    *out = texts;
    return status;
}

static reason_status take_array(reader *r, rsn_gguf_pair *pair) {
    uint32_t item = 0;
    reason_status status = take_u32(r, &item, "the item type of an array");
    if (status == REASON_OK)
        status = take_u64(r, &pair->n, "the length of an array");
    if (status != REASON_OK)
        return status;
    if (item >= RSN_GGUF_N_TYPES || item == RSN_GGUF_ARRAY)
        return rsn_fail(REASON_ERR_FORMAT,
                        "item type of the array at offset %llu is %u (%s)",
                        (unsigned long long)pair->offset, item,
                        item == RSN_GGUF_ARRAY ? "arrays in arrays are not allowed"
                                               : "0 to 12 but 9 allowed");
    pair->item = (rsn_gguf_type)item;
    uint64_t size =
        TYPES[item].bytes ? TYPES[item].bytes : 8; /* a string has its length */
    if (pair->n > bytes_left(r) / size)
        return rsn_fail(
            REASON_ERR_FORMAT,
            "array at offset %llu claims %llu items of %s, the file has %llu bytes left",
            (unsigned long long)pair->offset, (unsigned long long)pair->n,
            TYPES[item].name, (unsigned long long)bytes_left(r));
    if (item == RSN_GGUF_STRING)
        return take_texts(r, pair->n, &pair->as.texts);
    void *items = rsn_arena_alloc(r->arena, (size_t)(pair->n * size));
    if (!items)
        return REASON_ERR_NO_MEMORY;
    pair->as.items = items;
    return take(r, items, pair->n * size, "the items of an array");
}

/* A number of `bytes` bytes, little-endian, as the pair's type says. */
static reason_status set_number(rsn_gguf_pair *pair, uint64_t raw) {
    switch (pair->type) {
    case RSN_GGUF_I8: pair->as.i = (int8_t)raw; break;
    case RSN_GGUF_I16: pair->as.i = (int16_t)raw; break;
    case RSN_GGUF_I32: pair->as.i = (int32_t)raw; break;
    case RSN_GGUF_F32: {
        uint32_t bits = (uint32_t)raw;
        float value;
        memcpy(&value, &bits, sizeof value);
        pair->as.f = value;
        break;
    }
    case RSN_GGUF_F64: memcpy(&pair->as.f, &raw, sizeof raw); break;
    case RSN_GGUF_BOOL:
        if (raw > 1)
            return rsn_fail(REASON_ERR_FORMAT,
                            "bool at offset %llu is %llu, 0 or 1 allowed",
                            (unsigned long long)pair->offset, (unsigned long long)raw);
        pair->as.i = (int64_t)raw;
        break;
    default:
        if (raw > INT64_MAX && pair->type == RSN_GGUF_U64)
            return rsn_fail(REASON_ERR_FORMAT,
                            "u64 at offset %llu is %llu, beyond 2^63 - 1",
                            (unsigned long long)pair->offset, (unsigned long long)raw);
        pair->as.i = (int64_t)raw;
    }
    return REASON_OK;
}

static reason_status take_value(reader *r, rsn_gguf_pair *pair) {
    pair->n = 1;
    if (pair->type == RSN_GGUF_STRING)
        return take_text(r, &pair->as.text, UINT64_MAX - 1, "a string");
    if (pair->type == RSN_GGUF_ARRAY)
        return take_array(r, pair);
    uint8_t b[8] = {0};
    reason_status status = take(r, b, TYPES[pair->type].bytes, "a value");
    uint64_t raw = 0;
    for (int i = 7; i >= 0; i--)
        raw = raw << 8 | b[i];
    return status == REASON_OK ? set_number(pair, raw) : status;
}

static reason_status take_pair(reader *r, rsn_gguf_pair *pair) {
    uint32_t type = 0;
    reason_status status = take_text(r, &pair->key, RSN_GGUF_MAX_NAME, "a key");
    if (status == REASON_OK)
        status = take_u32(r, &type, "a value type");
    if (status != REASON_OK)
        return status;
    rsn_quoted name = rsn_quote(pair->key.data, pair->key.n);
    if (pair->key.n == 0 || memchr(pair->key.data, '\0', pair->key.n))
        return rsn_fail(REASON_ERR_FORMAT,
                        "key %s before offset %llu is empty or holds a NUL", name.text,
                        (unsigned long long)r->at);
    if (type >= RSN_GGUF_N_TYPES)
        return rsn_fail(REASON_ERR_FORMAT,
                        "key %s has value type %u at offset %llu, 0 to 12 allowed",
                        name.text, type, (unsigned long long)(r->at - 4));
    pair->type = (rsn_gguf_type)type;
    pair->offset = r->at;
    status = take_value(r, pair);
    if (status == REASON_OK || status == REASON_ERR_NO_MEMORY)
        return status;
    char prefix[96] = "key ";
    strcat(prefix, name.text);
    return rsn_fail_within(status, prefix);
}

/* ne, checked: every dimension at least 1, the product of all below 2^63. */
static reason_status take_shape(reader *r, rsn_gguf_tensor *t, const char *name) {
    uint64_t at = r->at, elements = 1;
    reason_status status = take_u32(r, &t->n_dims, "a number of dimensions");
    if (status != REASON_OK)
        return status;
    if (t->n_dims < 1 || t->n_dims > RSN_GGUF_MAX_DIMS)
        return rsn_fail(REASON_ERR_FORMAT,
                        "tensor %s has %u dimensions at offset %llu, 1 to 4 allowed",
                        name, t->n_dims, (unsigned long long)at);
    for (uint32_t d = 0; d < RSN_GGUF_MAX_DIMS; d++) {
        t->ne[d] = 1;
        at = r->at;
        if (d < t->n_dims &&
            (status = take_u64(r, &t->ne[d], "a dimension")) != REASON_OK)
            return status;
        if (t->ne[d] == 0 || t->ne[d] > INT64_MAX)
            return rsn_fail(
                REASON_ERR_FORMAT,
                "dimension %u of tensor %s at offset %llu is %lld, at least 1 allowed", d,
                name, (unsigned long long)at, (long long)t->ne[d]);
        if (!rsn_mul_u64(elements, t->ne[d], &elements) || elements > INT64_MAX)
            return rsn_fail(
                REASON_ERR_FORMAT,
                "dimension %u of tensor %s at offset %llu is %llu: at most 2^63 - 1 "
                "elements allowed in all",
                d, name, (unsigned long long)at, (unsigned long long)t->ne[d]);
    }
    return REASON_OK;
}

/* What a number may mean, where it means anything, and what would be supported. */
static reason_status fail_type(uint32_t id, const char *name, uint64_t at) {
    char known[256] = "";
    for (int i = 0; i < RSN_N_TYPES; i++) {
        const rsn_type_info *info = rsn_type_info_get((rsn_type)i);
        size_t n = strlen(known);
        if (info->ggml_id != RSN_NO_GGML_ID)
            (void)snprintf(known + n, sizeof known - n, "%s%s", n ? ", " : "",
                           info->name);
    }
    const char *what = rsn_type_ggml_name(id);
    if (strcmp(what, "unknown") == 0)
        return rsn_fail(REASON_ERR_UNSUPPORTED,
                        "tensor %s has unknown type id %u at offset %llu; supported are: "
                        "%s",
                        name, id, (unsigned long long)at, known);
    return rsn_fail(REASON_ERR_UNSUPPORTED,
                    "tensor %s has type id %u, %s, at offset %llu; supported are: %s",
                    name, id, what, (unsigned long long)at, known);
}

/* The type and with it the size; `at` is where the type's number is. */
static reason_status set_type(rsn_gguf_tensor *t, uint32_t id, bool i2_s_b,
                              const char *name, uint64_t at) {
    t->type = rsn_type_by_ggml(id);
    if (!t->type)
        return fail_type(id, name, at);
    if (i2_s_b && t->type->type == RSN_TYPE_I2_S)
        t->type = rsn_type_info_get(RSN_TYPE_I2_S_B);
    uint64_t block = t->type->block_elems;
    if (t->ne[0] % block != 0)
        return rsn_fail(
            REASON_ERR_FORMAT,
            "rows of tensor %s have %llu elements, its type %s at offset %llu needs a "
            "multiple of %llu",
            name, (unsigned long long)t->ne[0], t->type->name, (unsigned long long)at,
            (unsigned long long)block);
    uint64_t blocks = t->ne[0] / block * t->ne[1] * t->ne[2] * t->ne[3];
    if (!rsn_mul_u64(blocks, t->type->block_bytes, &t->n_bytes) ||
        !rsn_add_u64(t->n_bytes, t->type->tail_bytes, &t->n_bytes) ||
        t->n_bytes > INT64_MAX)
        return rsn_fail(REASON_ERR_FORMAT,
                        "tensor %s of type %s at offset %llu has %llu blocks of %zu "
                        "bytes, at most 2^63 - 1 bytes allowed",
                        name, t->type->name, (unsigned long long)at,
                        (unsigned long long)blocks, t->type->block_bytes);
    return REASON_OK;
}

static reason_status take_tensor(reader *r, rsn_gguf_tensor *t) {
    uint32_t id = 0;
    reason_status status = take_text(r, &t->name, RSN_GGUF_MAX_NAME, "a tensor's name");
    if (status != REASON_OK)
        return status;
    rsn_quoted name = rsn_quote(t->name.data, t->name.n);
    if (t->name.n == 0 || memchr(t->name.data, '\0', t->name.n))
        return rsn_fail(REASON_ERR_FORMAT,
                        "tensor name %s before offset %llu is empty or holds a NUL",
                        name.text, (unsigned long long)r->at);
    if ((status = take_shape(r, t, name.text)) != REASON_OK ||
        (status = take_u32(r, &id, "a tensor's type")) != REASON_OK ||
        (status = take_u64(r, &t->offset, "a tensor's offset")) != REASON_OK)
        return status;
    uint64_t at = r->at - 12; /* of the type; the offset follows it */
    if (t->offset % r->alignment != 0)
        return rsn_fail(REASON_ERR_FORMAT,
                        "tensor %s has its data at %llu (at offset %llu), a multiple of "
                        "the alignment %llu allowed",
                        name.text, (unsigned long long)t->offset,
                        (unsigned long long)at + 4, (unsigned long long)r->alignment);
    return set_type(t, id, r->i2_s_b, name.text, at);
}

/* Makes the tensors' offsets absolute and compares their ends with the file's. */
static reason_status place_tensors(const reader *r, rsn_gguf *g) {
    rsn_gguf_part *part = &g->parts[0];
    if (!rsn_round_up_u64(r->at, r->alignment, &part->data_start))
        return rsn_fail(REASON_ERR_FORMAT, "tensor data would start beyond 2^64");
    if (g->n_tensors == 0)
        part->data_start = r->at;
    part->data_end = part->data_start;
    for (size_t i = 0; i < g->n_tensors; i++) {
        rsn_gguf_tensor *t = &g->tensors[i];
        uint64_t from = t->offset, end;
        if (!rsn_add_u64(from, part->data_start, &t->offset) ||
            !rsn_add_u64(t->offset, t->n_bytes, &end) || end > r->file->size)
            return rsn_fail(
                REASON_ERR_FORMAT,
                "tensor %s of %llu bytes at data offset %llu ends outside the file: data "
                "starts at %llu, the file has %llu bytes",
                rsn_quote(t->name.data, t->name.n).text, (unsigned long long)t->n_bytes,
                (unsigned long long)from, (unsigned long long)part->data_start,
                (unsigned long long)r->file->size);
        if (end > part->data_end)
            part->data_end = end;
    }
    return REASON_OK;
}

static int by_offset(const void *a, const void *b) {
    const rsn_gguf_tensor *x = *(const rsn_gguf_tensor *const *)a;
    const rsn_gguf_tensor *y = *(const rsn_gguf_tensor *const *)b;
    return (x->offset > y->offset) - (x->offset < y->offset);
}

/* Sorts names to find equal ones, and for look-ups later. */
static reason_status sort_names(rsn_arena *arena, const rsn_text *first, size_t stride,
                                size_t n, const char *what, const rsn_text ***sorted) {
    size_t same;
    const rsn_text **names = *sorted = rsn_gguf_sort(arena, first, stride, n, &same);
    if (!names)
        return REASON_ERR_NO_MEMORY;
    if (same == 0)
        return REASON_OK;
    return rsn_fail(REASON_ERR_FORMAT, "two %s have the same name: %s and %s", what,
                    rsn_quote(names[same - 1]->data, names[same - 1]->n).text,
                    rsn_quote(names[same]->data, names[same]->n).text);
}

static reason_status check_overlap(rsn_gguf *g) {
    const rsn_gguf_tensor **order =
        rsn_arena_calloc2(&g->arena, g->n_tensors, sizeof *order);
    if (!order)
        return REASON_ERR_NO_MEMORY;
    for (size_t i = 0; i < g->n_tensors; i++)
        order[i] = &g->tensors[i];
    qsort(order, g->n_tensors, sizeof *order, by_offset);
    for (size_t i = 1; i < g->n_tensors; i++)
        if (order[i - 1]->offset + order[i - 1]->n_bytes > order[i]->offset)
            return rsn_fail(
                REASON_ERR_FORMAT,
                "tensors %s and %s overlap: the first ends at %llu, the second starts at "
                "%llu",
                rsn_quote(order[i - 1]->name.data, order[i - 1]->name.n).text,
                rsn_quote(order[i]->name.data, order[i]->name.n).text,
                (unsigned long long)(order[i - 1]->offset + order[i - 1]->n_bytes),
                (unsigned long long)order[i]->offset);
    return REASON_OK;
}

static reason_status take_counts(reader *r, rsn_gguf *g, uint64_t *n_tensors,
                                 uint64_t *n_pairs) {
    uint8_t magic[4];
    reason_status status = take(r, magic, sizeof magic, "the magic GGUF");
    if (status != REASON_OK)
        return status;
    if (memcmp(magic, "GGUF", 4) != 0)
        return rsn_fail(
            REASON_ERR_FORMAT,
            "not a GGUF file: starts with %02x %02x %02x %02x, 47 47 55 46 expected",
            magic[0], magic[1], magic[2], magic[3]);
    if ((status = take_u32(r, &g->version, "the version")) != REASON_OK)
        return status;
    if ((g->version & 0xFFFF) == 0 && g->version != 0)
        return rsn_fail(
            REASON_ERR_UNSUPPORTED,
            "version 0x%08x at offset 4: the file has the other byte order (big-endian), "
            "which is not supported",
            g->version);
    if (g->version != 2 && g->version != 3)
        return rsn_fail(REASON_ERR_UNSUPPORTED,
                        "version %u at offset 4, 2 and 3 are supported", g->version);
    if ((status = take_u64(r, n_tensors, "the number of tensors")) != REASON_OK)
        return status;
    return take_u64(r, n_pairs, "the number of metadata entries");
}

static reason_status check_count(const reader *r, uint64_t n, uint64_t least,
                                 const char *what, unsigned offset) {
    if (n > bytes_left(r) / least)
        return rsn_fail(REASON_ERR_FORMAT,
                        "%s at offset %u is %llu, impossible for the %llu bytes left",
                        what, offset, (unsigned long long)n,
                        (unsigned long long)bytes_left(r));
    if (n > RSN_GGUF_MAX_RECORDS)
        return rsn_fail(REASON_ERR_LIMIT, "%s at offset %u is %llu, at most %d are read",
                        what, offset, (unsigned long long)n, RSN_GGUF_MAX_RECORDS);
    return REASON_OK;
}

static reason_status read_alignment(reader *r, const rsn_gguf *g) {
    int64_t alignment = 32;
    reason_status status = rsn_gguf_int(g, "general.alignment", RSN_GGUF_MIN_ALIGNMENT,
                                        RSN_GGUF_MAX_ALIGNMENT, &alignment);
    if (status == REASON_OK && (alignment & (alignment - 1)) != 0)
        return rsn_fail(REASON_ERR_FORMAT,
                        "key general.alignment at offset %llu is %lld, a power of two "
                        "allowed",
                        (unsigned long long)rsn_gguf_find(g, "general.alignment")->offset,
                        (long long)alignment);
    r->alignment = (uint64_t)alignment;
    return status;
}

static reason_status read_header(reader *r, rsn_gguf *g) {
    uint64_t n_tensors = 0, n_pairs = 0;
    reason_status status = take_counts(r, g, &n_tensors, &n_pairs);
    if (status != REASON_OK ||
        (status = check_count(r, n_tensors, MIN_TENSOR_BYTES, "tensor count", 8)) !=
            REASON_OK ||
        (status = check_count(r, n_pairs, MIN_PAIR_BYTES, "pair count", 16)) != REASON_OK)
        return status;
    g->pairs = rsn_arena_calloc2(&g->arena, (size_t)n_pairs, sizeof *g->pairs);
    if (!g->pairs)
        return REASON_ERR_NO_MEMORY;
    for (; g->n_pairs < n_pairs; g->n_pairs++)
        if ((status = take_pair(r, &g->pairs[g->n_pairs])) != REASON_OK)
            return status;
    if ((status = sort_names(&g->arena, &g->pairs[0].key, sizeof *g->pairs, g->n_pairs,
                             "metadata entries", &g->pair_order)) != REASON_OK ||
        (status = read_alignment(r, g)) != REASON_OK ||
        (status = check_count(r, n_tensors, MIN_TENSOR_BYTES, "tensor count", 8)) !=
            REASON_OK)
        return status;
    g->tensors = rsn_arena_calloc2(&g->arena, (size_t)n_tensors, sizeof *g->tensors);
    if (!g->tensors)
        return REASON_ERR_NO_MEMORY;
    for (; g->n_tensors < n_tensors; g->n_tensors++)
        if ((status = take_tensor(r, &g->tensors[g->n_tensors])) != REASON_OK)
            return status;
    if ((status = sort_names(&g->arena, &g->tensors[0].name, sizeof *g->tensors,
                             g->n_tensors, "tensors", &g->tensor_order)) != REASON_OK ||
        (status = place_tensors(r, g)) != REASON_OK)
        return status;
    return check_overlap(g);
}

reason_status rsn_gguf_open(const rsn_file *file, const char *path, bool i2_s_b,
                            rsn_gguf *g) {
    memset(g, 0, sizeof *g);
    reader r = {.file = file,
                .arena = &g->arena,
                .buffer = rsn_alloc(READ_BUFFER),
                .i2_s_b = i2_s_b};
    if (!r.buffer)
        return REASON_ERR_NO_MEMORY;
    g->path = rsn_arena_strndup(&g->arena, path, strlen(path));
    g->parts = rsn_arena_calloc2(&g->arena, 1, sizeof *g->parts);
    bool started = g->path && g->parts;
    if (started) {
        g->n_parts = 1;
        g->parts[0].path = g->path;
    }
    reason_status status = started ? read_header(&r, g) : REASON_ERR_NO_MEMORY;
    rsn_free(r.buffer);
    if (status == REASON_OK)
        return REASON_OK;
    rsn_gguf_free(g);
    return status == REASON_ERR_NO_MEMORY ? status : rsn_fail_within(status, path);
}

void rsn_gguf_free(rsn_gguf *g) {
    rsn_arena_free(&g->arena);
    memset(g, 0, sizeof *g);
}
