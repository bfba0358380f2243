/* Owns the second opinion about GGUF bytes. Clear and slow: every rule is one line, sums
 * are 128 bits wide, names and places are compared pair by pair. Invariant: nothing
 * outside of the n bytes is read. */
#include "support/gguf_reference.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

__extension__ typedef unsigned __int128 wide;

enum { MAX_RECORDS = 65536, MAX_NAME = 65535 };

typedef struct cursor {
    const uint8_t *data;
    size_t n, at;
    gguf_reference *r;
    bool cut; /* the bytes ended, or the rest cannot be read */
} cursor;

uint64_t reference_number(const uint8_t *data, size_t at, size_t width) {
    uint64_t value = 0;
    for (size_t i = 0; i < width; i++)
        value |= (uint64_t)data[at + i] << 8 * i;
    return value;
}

size_t reference_width(uint32_t type) {
    static const size_t widths[13] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
    return type < 13 ? widths[type] : 0;
}

static void stop(cursor *c, unsigned why) {
    c->r->wrong |= why;
    c->cut = true;
}

/* The next integer; 0 once the bytes have ended. */
static uint64_t take(cursor *c, size_t width) {
    if (c->cut || c->n - c->at < width) {
        stop(c, REF_FORMAT);
        return 0;
    }
    c->r->fields[c->r->n_fields++] = (ref_field){c->at, width};
    c->at += width;
    return reference_number(c->data, c->at - width, width);
}

static ref_text take_text(cursor *c) {
    uint64_t n = take(c, 8);
    if (c->cut || n > c->n - c->at) {
        stop(c, REF_FORMAT);
        return (ref_text){NULL, 0};
    }
    ref_text text = {(const char *)c->data + c->at, (size_t)n};
    c->at += (size_t)n;
    return text;
}

static bool same_text(ref_text a, ref_text b) {
    return a.n == b.n && memcmp(a.data, b.data, a.n) == 0;
}

static bool is_name(ref_text text) {
    return text.n > 0 && text.n <= MAX_NAME && !memchr(text.data, 0, text.n);
}

/* ---- metadata ---- */

static void take_items(cursor *c, ref_pair *p) {
    for (uint64_t i = 0; i < p->n && !c->cut; i++) {
        if (p->item == 8)
            (void)take_text(c);
        else
            (void)take(c, reference_width(p->item));
        if (p->item == 6 || p->item == 12)
            c->r->n_fields -= !c->cut; /* a float is no integer */
    }
}

static void take_array(cursor *c, ref_pair *p) {
    c->r->item_types[c->r->n_item_types++] = c->at;
    p->item = (uint32_t)take(c, 4);
    p->n = take(c, 8);
    p->items = c->at;
    if (c->cut || p->item > 12 || p->item == 9)
        stop(c, REF_FORMAT);
    else
        take_items(c, p);
}

static void take_value(cursor *c, ref_pair *p) {
    p->at = p->items = c->at;
    p->n = 1;
    if (p->type > 12) {
        stop(c, REF_FORMAT);
    } else if (p->type == 8) {
        p->n = take_text(c).n;
    } else if (p->type == 9) {
        take_array(c, p);
    } else {
        uint64_t value = take(c, reference_width(p->type));
        if ((p->type == 7 && value > 1) || (p->type == 10 && value > INT64_MAX))
            c->r->wrong |= REF_FORMAT;
    }
}

static void take_pairs(cursor *c, uint64_t count) {
    gguf_reference *r = c->r;
    for (uint64_t i = 0; i < count && !c->cut; i++) {
        ref_pair *p = &r->pairs[r->n_pairs];
        memset(p, 0, sizeof *p);
        p->key = take_text(c);
        p->type = (uint32_t)take(c, 4);
        if (c->cut)
            return;
        take_value(c, p);
        if (!is_name(p->key))
            r->wrong |= REF_FORMAT;
        for (size_t j = 0; j < r->n_pairs; j++)
            if (same_text(r->pairs[j].key, p->key))
                r->wrong |= REF_FORMAT;
        if (!c->cut)
            r->n_pairs++;
    }
}

static uint64_t find_alignment(cursor *c) {
    static const ref_text key = {"general.alignment", 17};
    for (size_t i = 0; i < c->r->n_pairs; i++) {
        const ref_pair *p = &c->r->pairs[i];
        if (!same_text(p->key, key))
            continue;
        bool integer = p->type <= 5 || p->type == 10 || p->type == 11;
        uint64_t value =
            integer ? reference_number(c->data, p->at, reference_width(p->type)) : 0;
        bool negative = (p->type == 1 && value >> 7) || (p->type == 3 && value >> 15) ||
                        (p->type == 5 && value >> 31) || (p->type == 11 && value >> 63);
        for (uint64_t power = 8; power <= 1 << 20; power *= 2)
            if (value == power && !negative)
                return value;
        c->r->wrong |= REF_FORMAT;
    }
    return 32;
}

/* ---- tensors ---- */

static const struct {
    uint32_t id;
    uint32_t elems, bytes, tail; /* of a block; behind the rows */
} TYPES[] = {
    {0, 1, 4, 0},      {1, 1, 2, 0},      {2, 32, 18, 0},    {3, 32, 20, 0},
    {6, 32, 22, 0},    {7, 32, 24, 0},    {8, 32, 34, 0},    {10, 256, 84, 0},
    {11, 256, 110, 0}, {12, 256, 144, 0}, {13, 256, 176, 0}, {14, 256, 210, 0},
    {20, 32, 18, 0},   {23, 256, 136, 0}, {30, 1, 2, 0},     {34, 256, 54, 0},
    {35, 256, 66, 0},  {36, 128, 32, 32},
};

static void check_size(cursor *c, ref_tensor *t) {
    wide elements = 1;
    for (size_t d = 0; d < 4; d++) {
        if (t->ne[d] == 0 || t->ne[d] > INT64_MAX || elements > INT64_MAX) {
            c->r->wrong |= REF_FORMAT;
            return;
        }
        elements *= t->ne[d];
    }
    size_t i = 0;
    while (i < sizeof TYPES / sizeof *TYPES && TYPES[i].id != t->type)
        i++;
    if (i == sizeof TYPES / sizeof *TYPES) {
        c->r->wrong |= REF_UNSUPPORTED | (elements > INT64_MAX ? REF_FORMAT : 0);
        return;
    }
    wide bytes = elements / TYPES[i].elems * TYPES[i].bytes + TYPES[i].tail;
    if (elements > INT64_MAX || t->ne[0] % TYPES[i].elems != 0 || bytes > INT64_MAX)
        c->r->wrong |= REF_FORMAT;
    t->n_bytes = (uint64_t)bytes;
}

static void take_tensors(cursor *c, uint64_t count, uint64_t alignment) {
    gguf_reference *r = c->r;
    for (uint64_t i = 0; i < count && !c->cut; i++) {
        ref_tensor *t = &r->tensors[r->n_tensors];
        memset(t, 0, sizeof *t);
        t->name = take_text(c);
        t->n_dims = (uint32_t)take(c, 4);
        if (t->n_dims < 1 || t->n_dims > 4)
            stop(c, REF_FORMAT);
        for (size_t d = 0; d < 4; d++)
            t->ne[d] = d < t->n_dims && !c->cut ? take(c, 8) : 1;
        t->type = (uint32_t)take(c, 4);
        t->offset = take(c, 8);
        if (c->cut)
            return;
        if (!is_name(t->name) || t->offset % alignment != 0)
            r->wrong |= REF_FORMAT;
        for (size_t j = 0; j < r->n_tensors; j++)
            if (same_text(r->tensors[j].name, t->name))
                r->wrong |= REF_FORMAT;
        check_size(c, t);
        r->n_tensors++;
    }
}

/* Offsets count from the end of the header, rounded up. */
static void place(cursor *c, uint64_t alignment) {
    gguf_reference *r = c->r;
    r->data_start = c->at;
    if (r->n_tensors > 0)
        r->data_start = (c->at + alignment - 1) / alignment * alignment;
    r->data_end = r->data_start;
    for (size_t i = 0; i < r->n_tensors && !r->wrong; i++) {
        wide end = (wide)r->data_start + r->tensors[i].offset + r->tensors[i].n_bytes;
        if (end > c->n) {
            r->wrong |= REF_FORMAT;
            return;
        }
        r->tensors[i].offset += r->data_start;
        r->data_end = end > r->data_end ? (uint64_t)end : r->data_end;
    }
    for (size_t i = 0; i < r->n_tensors && !r->wrong; i++)
        for (size_t j = 0; j < i; j++) {
            const ref_tensor *a = &r->tensors[i], *b = &r->tensors[j];
            if (a->offset < b->offset + b->n_bytes && b->offset < a->offset + a->n_bytes)
                r->wrong |= REF_FORMAT;
        }
}

static void *grow(void *old, size_t n, size_t size) {
    void *p = realloc(old, (n + 1) * size);
    if (!p)
        abort();
    return p;
}

void reference_read(const uint8_t *data, size_t n, gguf_reference *r) {
    *r = (gguf_reference){.pairs = grow(r->pairs, n / 13, sizeof *r->pairs),
                          .tensors = grow(r->tensors, n / 24, sizeof *r->tensors),
                          .fields = grow(r->fields, n, sizeof *r->fields),
                          .item_types = grow(r->item_types, n / 12, sizeof(size_t))};
    cursor c = {data, n, 0, r, false};
    if (n < 4 || memcmp(data, "GGUF", 4) != 0) {
        stop(&c, REF_FORMAT);
        return;
    }
    c.at = 4;
    r->version = (uint32_t)take(&c, 4);
    if (!c.cut && r->version != 2 && r->version != 3)
        stop(&c, REF_UNSUPPORTED);
    uint64_t n_tensors = take(&c, 8), n_pairs = take(&c, 8);
    if (c.cut)
        return;
    if (n_tensors > MAX_RECORDS || n_pairs > MAX_RECORDS)
        r->wrong |= REF_LIMIT;
    take_pairs(&c, n_pairs);
    uint64_t alignment = find_alignment(&c);
    take_tensors(&c, n_tensors, alignment);
    r->header_end = c.at;
    if (!c.cut)
        place(&c, alignment);
}

void reference_free(gguf_reference *r) {
    free(r->pairs);
    free(r->tensors);
    free(r->fields);
    free(r->item_types);
    *r = (gguf_reference){0};
}
