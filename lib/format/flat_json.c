/* Owns how JSON is flattened. Invariant: the parser's depth limit bounds the stack of
 * paths, the file's size all else. */
#include "format/flat_json.h"

#include <string.h>

#include "base/array.h"
#include "base/json.h"

typedef struct flattener {
    rsn_json json;
    rsn_arena *arena;
    rsn_str path;
    size_t ends[RSN_JSON_MAX_DEPTH + 1]; /* the path's length at each open object */
    size_t depth;
    rsn_flat_value *items; /* grows on the heap */
    size_t n, cap;
} flattener;

static reason_status next(flattener *f, rsn_json_kind *kind) {
    reason_status status = REASON_OK;
    *kind = rsn_json_next(&f->json, &status);
    return *kind == RSN_JSON_ERROR ? status : REASON_OK;
}

static reason_status push(flattener *f, rsn_text path, rsn_flat_value **value) {
    if (f->n == RSN_FLAT_MAX_VALUES)
        return rsn_fail(REASON_ERR_LIMIT, "has more than %d values", RSN_FLAT_MAX_VALUES);
    reason_status status = RSN_GROW(&f->items, &f->cap, f->n + 1);
    if (status != REASON_OK)
        return status;
    *value = &f->items[f->n++];
    memset(*value, 0, sizeof **value);
    (*value)->path = path;
    return REASON_OK;
}

/* A value that is no object and no list. */
static reason_status set_scalar(flattener *f, rsn_json_kind kind, rsn_flat_value *v) {
    v->kind = kind == RSN_JSON_NULL     ? RSN_FLAT_NULL
              : kind == RSN_JSON_STRING ? RSN_FLAT_TEXT
              : kind == RSN_JSON_INT    ? RSN_FLAT_INT
              : kind == RSN_JSON_FLOAT  ? RSN_FLAT_FLOAT
                                        : RSN_FLAT_BOOL;
    v->i = kind == RSN_JSON_INT ? f->json.integer : kind == RSN_JSON_TRUE;
    v->f = f->json.number;
    if (kind != RSN_JSON_STRING)
        return REASON_OK;
    v->text.n = f->json.text.n;
    v->text.data =
        rsn_arena_strndup(f->arena, rsn_str_text(&f->json.text), f->json.text.n);
    return v->text.data ? REASON_OK : REASON_ERR_NO_MEMORY;
}

static bool is_open(rsn_json_kind kind) {
    return kind == RSN_JSON_OBJECT_BEGIN || kind == RSN_JSON_ARRAY_BEGIN;
}

static reason_status read_list(flattener *f, rsn_text path) {
    rsn_json_kind kind;
    rsn_flat_value *v;
    size_t at = f->n;
    reason_status status = push(f, path, &v);
    if (status != REASON_OK)
        return status;
    v->kind = RSN_FLAT_LIST;
    while ((status = next(f, &kind)) == REASON_OK && kind != RSN_JSON_ARRAY_END) {
        if (is_open(kind)) {
            f->items[at].kind = RSN_FLAT_OTHER;
            status = rsn_json_skip(&f->json, kind);
        } else if ((status = push(f, path, &v)) == REASON_OK) {
            v->item = true;
            status = set_scalar(f, kind, v);
        }
        if (status != REASON_OK)
            return status;
    }
    f->items[at].n = f->n - at - 1;
    return status;
}

/* The value of the key that the parser holds. */
static reason_status read_member(flattener *f) {
    rsn_json_kind kind;
    rsn_flat_value *v;
    if (f->depth > 0)
        rsn_str_addc(&f->path, '.');
    rsn_str_add(&f->path, rsn_str_text(&f->json.text), f->json.text.n);
    if (f->path.failed)
        return REASON_ERR_NO_MEMORY;
    reason_status status = next(f, &kind);
    if (status != REASON_OK)
        return status;
    if (kind == RSN_JSON_OBJECT_BEGIN) {
        f->ends[++f->depth] = f->path.n;
        return REASON_OK;
    }
    rsn_text path = {rsn_arena_strndup(f->arena, f->path.data, f->path.n), f->path.n};
    if (!path.data)
        return REASON_ERR_NO_MEMORY;
    if (kind == RSN_JSON_ARRAY_BEGIN)
        status = read_list(f, path);
    else if ((status = push(f, path, &v)) == REASON_OK)
        status = set_scalar(f, kind, v);
    rsn_str_cut(&f->path, f->ends[f->depth]);
    return status;
}

static reason_status flatten(flattener *f) {
    rsn_json_kind kind;
    reason_status status = next(f, &kind);
    if (status == REASON_OK && kind != RSN_JSON_OBJECT_BEGIN)
        return rsn_fail(REASON_ERR_FORMAT, "JSON: an object expected at the top");
    while (status == REASON_OK && (status = next(f, &kind)) == REASON_OK) {
        if (kind == RSN_JSON_KEY) {
            status = read_member(f);
        } else if (f->depth == 0) { /* the top object ended */
            return next(f, &kind);
        } else {
            f->depth--;
            rsn_str_cut(&f->path, f->ends[f->depth]);
        }
    }
    return status;
}

static reason_status flatten_text(const char *text, size_t n, rsn_arena *arena,
                                  rsn_flat *flat) {
    flattener f = {.arena = arena};
    rsn_json_init(&f.json, text, n);
    reason_status status = flatten(&f);
    flat->items = rsn_arena_calloc2(arena, f.n, sizeof *flat->items);
    if (status == REASON_OK && !flat->items)
        status = REASON_ERR_NO_MEMORY;
    if (status == REASON_OK && f.n > 0)
        memcpy(flat->items, f.items, f.n * sizeof *flat->items);
    flat->n = status == REASON_OK ? f.n : 0;
    rsn_json_free(&f.json);
    rsn_str_free(&f.path);
    rsn_free(f.items);
    return status;
}

reason_status rsn_flat_read(const char *path, rsn_arena *arena, rsn_flat *flat) {
    rsn_file file;
    rsn_blob blob = {0};
    *flat = (rsn_flat){.path = rsn_arena_strndup(arena, path, strlen(path))};
    if (!flat->path)
        return REASON_ERR_NO_MEMORY;
    reason_status status = rsn_file_open(path, &file);
    if (status != REASON_OK)
        return status;
    if (file.size > RSN_FLAT_MAX_BYTES)
        status = rsn_fail(REASON_ERR_LIMIT, "has %llu bytes, at most %d are read",
                          (unsigned long long)file.size, RSN_FLAT_MAX_BYTES);
    if (status == REASON_OK)
        status = rsn_blob_load(&file, 0, (size_t)file.size, false, NULL, &blob);
    if (status == REASON_OK)
        status = flatten_text((const char *)blob.data, blob.size, arena, flat);
    rsn_blob_free(&blob);
    rsn_file_close(&file);
    return status == REASON_OK || status == REASON_ERR_NO_MEMORY
               ? status
               : rsn_fail_within(status, path);
}

reason_status rsn_flat_read_if_there(const char *path, rsn_arena *arena,
                                     rsn_flat *flat) {
    if (rsn_file_is_there(path))
        return rsn_flat_read(path, arena, flat);
    *flat = (rsn_flat){.path = rsn_arena_strndup(arena, path, strlen(path))};
    return flat->path ? REASON_OK : REASON_ERR_NO_MEMORY;
}

/* --- reads -------------------------------------------------------------------------- */

const rsn_flat_value *rsn_flat_find(const rsn_flat *flat, const char *path) {
    for (size_t i = 0; i < flat->n; i++)
        if (!flat->items[i].item && strcmp(flat->items[i].path.data, path) == 0)
            return flat->items[i].kind == RSN_FLAT_NULL ? NULL : &flat->items[i];
    return NULL;
}

static const char *const KINDS[] = {"null", "a truth value", "a whole number",
                                    "a number", "a text", "a list", "a list"};

static reason_status fail_kind(const rsn_flat *flat, const rsn_flat_value *v,
                               const char *wanted) {
    return rsn_fail(REASON_ERR_FORMAT, "%s: %s is %s, %s expected", flat->path,
                    v->path.data, KINDS[v->kind], wanted);
}

reason_status rsn_flat_int(const rsn_flat *flat, const char *path, int64_t min,
                           int64_t max, int64_t *out) {
    const rsn_flat_value *v = rsn_flat_find(flat, path);
    if (!v)
        return REASON_OK;
    if (v->kind != RSN_FLAT_INT)
        return fail_kind(flat, v, "a whole number");
    if (v->i < min || v->i > max)
        return rsn_fail(REASON_ERR_FORMAT, "%s: %s is %lld, %lld to %lld allowed",
                        flat->path, path, (long long)v->i, (long long)min,
                        (long long)max);
    *out = v->i;
    return REASON_OK;
}

reason_status rsn_flat_float(const rsn_flat *flat, const char *path, double min,
                             double max, double *out) {
    const rsn_flat_value *v = rsn_flat_find(flat, path);
    if (!v)
        return REASON_OK;
    if (v->kind != RSN_FLAT_INT && v->kind != RSN_FLAT_FLOAT)
        return fail_kind(flat, v, "a number");
    if (!(v->f >= min && v->f <= max))
        return rsn_fail(REASON_ERR_FORMAT, "%s: %s is %g, %g to %g allowed", flat->path,
                        path, v->f, min, max);
    *out = v->f;
    return REASON_OK;
}

reason_status rsn_flat_bool(const rsn_flat *flat, const char *path, bool *out) {
    const rsn_flat_value *v = rsn_flat_find(flat, path);
    if (v && v->kind != RSN_FLAT_BOOL)
        return fail_kind(flat, v, "a truth value");
    if (v)
        *out = v->i != 0;
    return REASON_OK;
}

reason_status rsn_flat_text(const rsn_flat *flat, const char *path, rsn_text *out) {
    const rsn_flat_value *v = rsn_flat_find(flat, path);
    if (v && v->kind != RSN_FLAT_TEXT)
        return fail_kind(flat, v, "a text");
    if (v)
        *out = v->text;
    return REASON_OK;
}

reason_status rsn_flat_list(const rsn_flat *flat, const char *path, rsn_flat_kind item,
                            const rsn_flat_value **items, size_t *n) {
    const rsn_flat_value *v = rsn_flat_find(flat, path);
    if (!v)
        return REASON_OK;
    if (v->kind != RSN_FLAT_LIST)
        return fail_kind(flat, v, "a list of plain values");
    for (size_t i = 1; i <= v->n; i++)
        if (v[i].kind != item && !(item == RSN_FLAT_FLOAT && v[i].kind == RSN_FLAT_INT))
            return rsn_fail(REASON_ERR_FORMAT, "%s: item %zu of %s is %s, %s expected",
                            flat->path, i - 1, path, KINDS[v[i].kind], KINDS[item]);
    *items = v + 1;
    *n = v->n;
    return REASON_OK;
}
