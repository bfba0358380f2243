/* Owns how a GGUF file is written. What goes into it is the caller's; how it gets its
 * name is base/replace.h's. Invariant: what stands under the name at the end was read
 * back and is, tensor by tensor, what was given. */
#include "format/gguf_write.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"

/* Sizes of values by type; 0: not fixed. */
static const uint8_t VALUE_BYTES[RSN_GGUF_N_TYPES] = {1, 1, 2, 2, 4, 4, 4,
                                                      1, 0, 0, 8, 8, 8};
enum { FORMAT_VERSION = 3, ALIGNMENT = 32, READ_STEP = 1 << 22 };

/* --- checksums ---------------------------------------------------------------------- */

static uint64_t mix(uint64_t lane, uint64_t word) {
    lane = (lane ^ word) * 0x9E3779B97F4A7C15u;
    return lane ^ lane >> 32;
}

static void sum_step(uint64_t *lanes, const uint8_t *bytes) {
    for (int i = 0; i < 4; i++) {
        uint64_t word;
        memcpy(&word, bytes + 8 * i, sizeof word);
        lanes[i] = mix(lanes[i], word);
    }
}

static void sum_add(rsn_gguf_sum *s, const uint8_t *bytes, size_t n) {
    size_t held = (size_t)(s->n % sizeof s->rest);
    s->n += n;
    if (held > 0) {
        size_t part = sizeof s->rest - held < n ? sizeof s->rest - held : n;
        memcpy(s->rest + held, bytes, part);
        bytes += part;
        n -= part;
        if (held + part < sizeof s->rest)
            return;
        sum_step(s->lanes, s->rest);
    }
    for (; n >= sizeof s->rest; bytes += sizeof s->rest, n -= sizeof s->rest)
        sum_step(s->lanes, bytes);
    memcpy(s->rest, bytes, n);
}

/* The checksum; the next one starts. */
static uint64_t sum_take(rsn_gguf_sum *s) {
    size_t held = (size_t)(s->n % sizeof s->rest);
    memset(s->rest + held, 0, sizeof s->rest - held);
    sum_step(s->lanes, s->rest);
    uint64_t all = s->n;
    for (int i = 0; i < 4; i++)
        all = mix(all, s->lanes[i]);
    *s = (rsn_gguf_sum){0};
    return all;
}

/* --- the header --------------------------------------------------------------------- */

static void put_number(rsn_str *s, uint64_t value, size_t n_bytes) {
    for (size_t i = 0; i < n_bytes; i++)
        rsn_str_addc(s, (char)(value >> (8 * i) & 0xFF));
}

static void put_text(rsn_str *s, const char *data, size_t n) {
    put_number(s, n, 8);
    rsn_str_add(s, data, n);
}

static void put_array(rsn_str *s, const rsn_gguf_pair *p) {
    put_number(s, p->item, 4);
    put_number(s, p->n, 8);
    if (p->item != RSN_GGUF_STRING)
        rsn_str_add(s, p->as.items, (size_t)p->n * VALUE_BYTES[p->item]);
    for (uint64_t i = 0; p->item == RSN_GGUF_STRING && i < p->n; i++)
        put_text(s, p->as.texts[i].data, p->as.texts[i].n);
}

static void put_pair(rsn_str *s, const rsn_gguf_pair *p) {
    float single = (float)p->as.f;
    put_text(s, p->key.data, p->key.n);
    put_number(s, p->type, 4);
    switch (p->type) {
    case RSN_GGUF_STRING: put_text(s, p->as.text.data, p->as.text.n); break;
    case RSN_GGUF_ARRAY: put_array(s, p); break;
    case RSN_GGUF_F32: rsn_str_add(s, (const char *)&single, sizeof single); break;
    case RSN_GGUF_F64: rsn_str_add(s, (const char *)&p->as.f, sizeof p->as.f); break;
    default: put_number(s, (uint64_t)p->as.i, VALUE_BYTES[p->type]);
    }
}

static void put_tensor(rsn_str *s, const rsn_gguf_tensor *t, uint64_t data_start) {
    put_text(s, t->name.data, t->name.n);
    put_number(s, t->n_dims, 4);
    for (uint32_t d = 0; d < t->n_dims; d++)
        put_number(s, t->ne[d], 8);
    put_number(s, t->type->ggml_id, 4);
    put_number(s, t->offset - data_start, 8);
}

static uint64_t alignment_of(const rsn_gguf_content *c) {
    static const char key[] = "general.alignment";
    for (size_t i = 0; i < c->n_pairs; i++)
        if (c->pairs[i].key.n == sizeof key - 1 &&
            memcmp(c->pairs[i].key.data, key, sizeof key - 1) == 0)
            return (uint64_t)c->pairs[i].as.i; /* a reader has checked it */
    return ALIGNMENT;
}

bool rsn_gguf_tensor_bytes(const rsn_type_info *type, const uint64_t *ne,
                           uint64_t *n_bytes) {
    uint64_t n = ne[0] / type->block_elems;
    return ne[0] % type->block_elems == 0 && rsn_mul_u64(n, ne[1], &n) &&
           rsn_mul_u64(n, ne[2], &n) && rsn_mul_u64(n, ne[3], &n) &&
           rsn_mul_u64(n, type->block_bytes, &n) &&
           rsn_add_u64(n, type->tail_bytes, n_bytes) && *n_bytes <= INT64_MAX;
}

/* Sizes, and offsets from where data will start; returns where it ends, 0 if that is
 * beyond what numbers hold. */
static uint64_t place_tensors(const rsn_gguf_content *c, uint64_t start, uint64_t align) {
    uint64_t at = start;
    for (size_t i = 0; i < c->n_tensors; i++) {
        rsn_gguf_tensor *t = &c->tensors[i];
        t->offset = at;
        if (!rsn_gguf_tensor_bytes(t->type, t->ne, &t->n_bytes) ||
            !rsn_add_u64(at, t->n_bytes, &at) || !rsn_round_up_u64(at, align, &at) ||
            at > INT64_MAX)
            return 0;
    }
    return at;
}

static uint64_t header_bytes(const rsn_gguf_content *c, const rsn_str *pairs) {
    uint64_t n = pairs->n;
    for (size_t i = 0; i < c->n_tensors; i++)
        n += 8 + c->tensors[i].name.n + 4 + 8 * c->tensors[i].n_dims + 4 + 8;
    return n;
}

/* All bytes before the data, padded; *total: of the whole file. */
static reason_status make_header(const rsn_gguf_content *c, rsn_str *s, uint64_t *total) {
    uint64_t align = alignment_of(c), start = 0;
    rsn_str_add(s, "GGUF", 4);
    put_number(s, FORMAT_VERSION, 4);
    put_number(s, c->n_tensors, 8);
    put_number(s, c->n_pairs, 8);
    for (size_t i = 0; i < c->n_pairs; i++)
        put_pair(s, &c->pairs[i]);
    if (!rsn_round_up_u64(header_bytes(c, s), align, &start) ||
        (*total = place_tensors(c, start, align)) == 0)
        return rsn_fail(REASON_ERR_LIMIT, "the tensors have more than 2^63 bytes in all");
    for (size_t i = 0; i < c->n_tensors; i++)
        put_tensor(s, &c->tensors[i], start);
    while (!s->failed && s->n < start)
        rsn_str_addc(s, '\0');
    return s->failed ? rsn_fail_memory((size_t)start) : REASON_OK;
}

static reason_status check_names(const rsn_gguf_content *c) {
    rsn_arena arena = {0};
    size_t same_pair = 0, same_tensor = 0;
    /* Names are first in both, and there may be none. */
    const rsn_text *keys = (const void *)c->pairs, *names = (const void *)c->tensors;
    bool sorted =
        rsn_gguf_sort(&arena, keys, sizeof *c->pairs, c->n_pairs, &same_pair) &&
        rsn_gguf_sort(&arena, names, sizeof *c->tensors, c->n_tensors, &same_tensor);
    rsn_arena_free(&arena);
    if (!sorted)
        return REASON_ERR_NO_MEMORY;
    return same_pair || same_tensor
               ? rsn_fail(REASON_ERR_INVALID_ARG, "two %s to be written have one name",
                          same_pair ? "metadata entries" : "tensors")
               : REASON_OK;
}

/* --- writing ------------------------------------------------------------------------ */

reason_status rsn_gguf_write_begin(const char *path, const rsn_gguf_content *content,
                                   rsn_gguf_writer *w) {
    rsn_str header = {0};
    *w = (rsn_gguf_writer){.file = {.fd = -1}, .content = content};
    w->sums = rsn_calloc2(content->n_tensors, sizeof *w->sums);
    reason_status status = w->sums ? check_names(content) : REASON_ERR_NO_MEMORY;
    if (status == REASON_OK)
        status = make_header(content, &header, &w->total);
    if (status == REASON_OK)
        status = rsn_replace_begin(path, w->total, &w->file);
    if (status == REASON_OK)
        status = rsn_replace_write(&w->file, header.data, header.n);
    rsn_str_free(&header);
    if (status != REASON_OK)
        rsn_gguf_write_abandon(w);
    return status;
}

/* Zeros up to the next tensor or the end. */
static reason_status pad(rsn_gguf_writer *w) {
    static const uint8_t zeros[4096];
    const rsn_gguf_content *c = w->content;
    uint64_t end = w->next < c->n_tensors ? c->tensors[w->next].offset : w->total;
    reason_status status = REASON_OK;
    while (status == REASON_OK && w->file.n_bytes < end) {
        uint64_t n = end - w->file.n_bytes;
        status = rsn_replace_write(&w->file, zeros,
                                   n < sizeof zeros ? (size_t)n : sizeof zeros);
    }
    return status;
}

reason_status rsn_gguf_write_data(rsn_gguf_writer *w, const void *bytes, size_t n) {
    const rsn_gguf_content *c = w->content;
    const rsn_gguf_tensor *t = &c->tensors[w->next];
    if (w->next >= c->n_tensors || n > t->n_bytes - w->sum.n)
        return rsn_fail(REASON_ERR_INTERNAL, "data beyond the end of tensor %zu of %zu",
                        w->next, c->n_tensors);
    sum_add(&w->sum, bytes, n);
    reason_status status = rsn_replace_write(&w->file, bytes, n);
    if (status != REASON_OK || w->sum.n < t->n_bytes)
        return status;
    w->sums[w->next++] = sum_take(&w->sum);
    return pad(w);
}

/* --- comparing ---------------------------------------------------------------------- */

static reason_status fail_compare(const rsn_gguf_writer *w, const char *name) {
    return rsn_fail(REASON_ERR_IO,
                    "%s: reading it again gives other bytes than were written (%s); the "
                    "disk or the memory may be damaged",
                    w->file.path, name);
}

static reason_status compare_header(const rsn_gguf_writer *w, const rsn_gguf *g) {
    const rsn_gguf_content *c = w->content;
    if (g->n_pairs != c->n_pairs || g->n_tensors != c->n_tensors)
        return fail_compare(w, "the header");
    for (size_t i = 0; i < c->n_tensors; i++) {
        const rsn_gguf_tensor *a = &g->tensors[i], *b = &c->tensors[i];
        if (rsn_gguf_compare(&a->name, &b->name) != 0 || a->offset != b->offset ||
            a->n_bytes != b->n_bytes || a->type != b->type ||
            memcmp(a->ne, b->ne, sizeof a->ne) != 0)
            return fail_compare(w, b->name.data);
    }
    return REASON_OK;
}

static reason_status compare_tensor(rsn_gguf_writer *w, const rsn_file *file, size_t i,
                                    uint8_t *buffer, rsn_gguf_tell_fn tell, void *user) {
    const rsn_gguf_tensor *t = &w->content->tensors[i];
    reason_status status = REASON_OK;
    for (uint64_t done = 0; done < t->n_bytes && status == REASON_OK;) {
        uint64_t n = t->n_bytes - done < READ_STEP ? t->n_bytes - done : READ_STEP;
        status = rsn_file_read(file, t->offset + done, buffer, (size_t)n);
        sum_add(&w->sum, buffer, (size_t)n);
        done += n;
        if (status == REASON_OK && tell)
            status = tell(user, t->offset + done, w->total);
    }
    uint64_t sum = sum_take(&w->sum);
    return status == REASON_OK && sum != w->sums[i] ? fail_compare(w, t->name.data)
                                                    : status;
}

static reason_status compare(rsn_gguf_writer *w, rsn_gguf_tell_fn tell, void *user) {
    rsn_file file = {-1, 0};
    rsn_gguf g = {0};
    uint8_t *buffer = rsn_alloc(READ_STEP);
    reason_status status = buffer ? REASON_OK : REASON_ERR_NO_MEMORY;
    if (status == REASON_OK)
        status = rsn_file_open(w->file.beside, &file);
    if (status == REASON_OK)
        status = rsn_gguf_open(&file, w->file.path, false, &g);
    if (status == REASON_OK)
        status = file.size == w->total ? compare_header(w, &g)
                                       : fail_compare(w, "the size");
    for (size_t i = 0; i < w->content->n_tensors && status == REASON_OK; i++)
        status = compare_tensor(w, &file, i, buffer, tell, user);
    rsn_gguf_free(&g);
    rsn_file_close(&file);
    rsn_free(buffer);
    return status;
}

reason_status rsn_gguf_write_commit(rsn_gguf_writer *w, rsn_gguf_tell_fn tell,
                                    void *user) {
    reason_status status = REASON_OK;
    if (w->next != w->content->n_tensors)
        status = rsn_fail(REASON_ERR_INTERNAL, "data of %zu tensors of %zu was written",
                          w->next, w->content->n_tensors);
    if (status == REASON_OK)
        status = compare(w, tell, user);
    if (status == REASON_OK)
        status = rsn_replace_commit(&w->file);
    rsn_gguf_write_abandon(w);
    return status;
}

void rsn_gguf_write_abandon(rsn_gguf_writer *w) {
    rsn_replace_abandon(&w->file);
    rsn_free(w->sums);
    w->sums = NULL;
}

/* --- pairs -------------------------------------------------------------------------- */

static rsn_gguf_pair make_pair(const char *key, rsn_gguf_type type) {
    return (rsn_gguf_pair){.key = {key, strlen(key)}, .type = type, .n = 1};
}

rsn_gguf_pair rsn_gguf_pair_u32(const char *key, uint32_t value) {
    rsn_gguf_pair p = make_pair(key, RSN_GGUF_U32);
    p.as.i = value;
    return p;
}

rsn_gguf_pair rsn_gguf_pair_text(const char *key, const char *value) {
    rsn_gguf_pair p = make_pair(key, RSN_GGUF_STRING);
    p.as.text = (rsn_text){value, strlen(value)};
    return p;
}

rsn_gguf_pair rsn_gguf_pair_texts(const char *key, const rsn_text *values, size_t n) {
    rsn_gguf_pair p = make_pair(key, RSN_GGUF_ARRAY);
    p.item = RSN_GGUF_STRING;
    p.n = n;
    p.as.texts = values;
    return p;
}
