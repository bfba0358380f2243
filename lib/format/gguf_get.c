/* Look-ups in a GGUF plan and typed reads of its metadata. Owns the order of names and
 * the sentences about wrong types and ranges. Invariant: what is absent leaves the
 * caller's value alone. */
#include "format/gguf.h"

#include <stdlib.h>
#include <string.h>

int rsn_gguf_compare(const rsn_text *a, const rsn_text *b) {
    size_t n = a->n < b->n ? a->n : b->n;
    int order = n ? memcmp(a->data, b->data, n) : 0;
    return order ? order : (a->n > b->n) - (a->n < b->n);
}

static int by_name(const void *a, const void *b) {
    return rsn_gguf_compare(*(const rsn_text *const *)a, *(const rsn_text *const *)b);
}

const rsn_text **rsn_gguf_sort(rsn_arena *arena, const rsn_text *first, size_t stride,
                               size_t n, size_t *same) {
    const rsn_text **names = rsn_arena_calloc2(arena, n, sizeof *names);
    *same = 0;
    if (!names)
        return NULL;
    for (size_t i = 0; i < n; i++)
        names[i] = (const rsn_text *)(const void *)((const char *)first + i * stride);
    qsort(names, n, sizeof *names, by_name);
    for (size_t i = 1; i < n && *same == 0; i++)
        if (rsn_gguf_compare(names[i - 1], names[i]) == 0)
            *same = i;
    return names;
}

uint64_t rsn_gguf_data_bytes(const rsn_gguf *g) {
    uint64_t sum = 0;
    for (size_t i = 0; i < g->n_parts; i++)
        sum += g->parts[i].data_end - g->parts[i].data_start;
    return sum;
}

const void *rsn_gguf_find_sorted(const rsn_text *const *order, size_t n,
                                 rsn_text wanted) {
    size_t low = 0, high = n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int at = rsn_gguf_compare(order[middle], &wanted);
        if (at == 0)
            return order[middle];
        if (at < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

const rsn_gguf_pair *rsn_gguf_find(const rsn_gguf *g, const char *key) {
    return rsn_gguf_find_sorted(g->pair_order, g->n_pairs,
                                (rsn_text){key, strlen(key)});
}

const rsn_gguf_tensor *rsn_gguf_find_tensor(const rsn_gguf *g, const char *name) {
    return rsn_gguf_find_sorted(g->tensor_order, g->n_tensors,
                                (rsn_text){name, strlen(name)});
}

static reason_status fail_type(const rsn_gguf_pair *pair, const char *wanted) {
    return rsn_fail(REASON_ERR_FORMAT,
                    "key %s at offset %llu has value type %d%s, %s expected",
                    pair->key.data, (unsigned long long)pair->offset, (int)pair->type,
                    pair->type == RSN_GGUF_ARRAY ? " (an array)" : "", wanted);
}

static bool is_integer(rsn_gguf_type type) {
    return type <= RSN_GGUF_I32 || type == RSN_GGUF_U64 || type == RSN_GGUF_I64;
}

reason_status rsn_gguf_int(const rsn_gguf *g, const char *key, int64_t min, int64_t max,
                           int64_t *out) {
    const rsn_gguf_pair *pair = rsn_gguf_find(g, key);
    if (!pair)
        return REASON_OK;
    if (!is_integer(pair->type))
        return fail_type(pair, "an integer");
    if (pair->as.i < min || pair->as.i > max)
        return rsn_fail(REASON_ERR_FORMAT,
                        "key %s at offset %llu is %lld, %lld to %lld allowed", key,
                        (unsigned long long)pair->offset, (long long)pair->as.i,
                        (long long)min, (long long)max);
    *out = pair->as.i;
    return REASON_OK;
}

reason_status rsn_gguf_bool(const rsn_gguf *g, const char *key, bool *out) {
    const rsn_gguf_pair *pair = rsn_gguf_find(g, key);
    if (pair && pair->type != RSN_GGUF_BOOL)
        return fail_type(pair, "a bool");
    if (pair)
        *out = pair->as.i != 0;
    return REASON_OK;
}

reason_status rsn_gguf_float(const rsn_gguf *g, const char *key, double *out) {
    const rsn_gguf_pair *pair = rsn_gguf_find(g, key);
    if (pair && pair->type != RSN_GGUF_F32 && pair->type != RSN_GGUF_F64)
        return fail_type(pair, "a float");
    if (pair)
        *out = pair->as.f;
    return REASON_OK;
}

reason_status rsn_gguf_string(const rsn_gguf *g, const char *key, rsn_text *out) {
    const rsn_gguf_pair *pair = rsn_gguf_find(g, key);
    if (pair && pair->type != RSN_GGUF_STRING)
        return fail_type(pair, "a string");
    if (pair)
        *out = pair->as.text;
    return REASON_OK;
}

static const rsn_gguf_pair *find_array(const rsn_gguf *g, const char *key,
                                       rsn_gguf_type item, rsn_gguf_type other,
                                       const char *wanted, reason_status *status) {
    const rsn_gguf_pair *pair = rsn_gguf_find(g, key);
    *status = REASON_OK;
    if (!pair)
        return NULL;
    if (pair->type != RSN_GGUF_ARRAY)
        *status = fail_type(pair, wanted);
    else if (pair->item != item && pair->item != other)
        *status =
            rsn_fail(REASON_ERR_FORMAT,
                     "key %s at offset %llu is an array of type %d, %s expected", key,
                     (unsigned long long)pair->offset, (int)pair->item, wanted);
    return *status == REASON_OK ? pair : NULL;
}

reason_status rsn_gguf_strings(const rsn_gguf *g, const char *key, const rsn_text **out,
                               size_t *n) {
    reason_status status;
    const rsn_gguf_pair *pair = find_array(g, key, RSN_GGUF_STRING, RSN_GGUF_STRING,
                                           "an array of strings", &status);
    if (pair) {
        *out = pair->as.texts;
        *n = (size_t)pair->n;
    }
    return status;
}

reason_status rsn_gguf_ints(const rsn_gguf *g, const char *key, const int32_t **out,
                            size_t *n) {
    reason_status status;
    const rsn_gguf_pair *pair = find_array(g, key, RSN_GGUF_I32, RSN_GGUF_U32,
                                           "an array of 32-bit integers", &status);
    if (pair) {
        *out = pair->as.items;
        *n = (size_t)pair->n;
    }
    return status;
}

reason_status rsn_gguf_bytes(const rsn_gguf *g, const char *key, const uint8_t **out,
                             size_t *n) {
    reason_status status;
    const rsn_gguf_pair *pair =
        find_array(g, key, RSN_GGUF_U8, RSN_GGUF_I8, "an array of bytes", &status);
    if (pair) {
        *out = pair->as.items;
        *n = (size_t)pair->n;
    }
    return status;
}
