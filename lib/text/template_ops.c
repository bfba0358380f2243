/* Owns what values are to one another: truth, equality, order, hashing, by Python's
 * rules. Arithmetic is left to template_arith.c, reading parts of values to
 * template_access.c. Invariant: numbers that are equal hash alike, whatever their
 * types. */
#include <math.h>
#include <string.h>

#include "text/template.h"
#include "text/template_native.h"
#include "text/template_value.h"

const char *rsn_tv_type_name(const rsn_tv *v) {
    static const char *const names[RSN_TV_N_KINDS] = {
        [RSN_TV_MISSING] = "Undefined",
        [RSN_TV_UNDEFINED] = "Undefined",
        [RSN_TV_NONE] = "NoneType",
        [RSN_TV_BOOL] = "bool",
        [RSN_TV_INT] = "int",
        [RSN_TV_FLOAT] = "float",
        [RSN_TV_STR] = "str",
        [RSN_TV_LIST] = "list",
        [RSN_TV_TUPLE] = "tuple",
        [RSN_TV_DICT] = "dict",
        [RSN_TV_VIEW] = "dict view",
        [RSN_TV_RANGE] = "range",
        [RSN_TV_NAMESPACE] = "Namespace",
        [RSN_TV_ITER] = "generator",
        [RSN_TV_LOOP] = "LoopContext",
        [RSN_TV_MACRO] = "Macro",
        [RSN_TV_FUNCTION] = "function",
        [RSN_TV_METHOD] = "builtin_function_or_method",
        [RSN_TV_CYCLER] = "Cycler",
        [RSN_TV_JOINER] = "Joiner",
    };
    return names[v->kind];
}

reason_status rsn_tpl_raise_undefined(rsn_tpl_run *run, const rsn_tv *v) {
    const rsn_ts *s = v->as.s;
    const rsn_tv object = rsn_tv_of((rsn_tv_kind)v->aux);
    const char *type = v->aux == RSN_TV_NONE ? "None" : rsn_tv_type_name(&object);
    const char *noun = v->aux == RSN_TV_NONE ? "" : " object";
    if (!s) return rsn_tpl_raise(run, "a value is undefined");
    rsn_quoted q = rsn_quote(s->data, s->n);
    switch ((rsn_tv_undef)v->flag) {
    case RSN_UNDEF_NAME: return rsn_tpl_raise(run, "%s is undefined", q.text);
    case RSN_UNDEF_PARAM:
        return rsn_tpl_raise(run, "parameter %s was not provided", q.text);
    case RSN_UNDEF_ATTR:
        return rsn_tpl_raise(run, "'%s%s' has no attribute %s", type, noun, q.text);
    case RSN_UNDEF_ELEMENT:
        return rsn_tpl_raise(run, "%s%s has no element %.*s", type, noun,
                             s->n > 100 ? 100 : (int)s->n, s->data);
    case RSN_UNDEF_UNSAFE:
        /* Not something that templates do: a host must be able to tell it from their
         * errors. */
        return rsn_tpl_failed(run,
                              rsn_fail(REASON_ERR_UNSUPPORTED,
                                       "access to attribute %s of '%s' object is unsafe",
                                       q.text, type));
    default: return rsn_tpl_raise(run, "%.*s", s->n > 200 ? 200 : (int)s->n, s->data);
    }
}

bool rsn_tv_length(const rsn_tv *v, size_t *n) {
    switch ((rsn_tv_kind)v->kind) {
    case RSN_TV_UNDEFINED: *n = 0; return true;
    case RSN_TV_STR: *n = v->as.s->chars; return true;
    case RSN_TV_LIST:
    case RSN_TV_TUPLE: *n = v->as.list->n; return true;
    case RSN_TV_DICT:
    case RSN_TV_VIEW: *n = v->as.dict->n; return true;
    case RSN_TV_RANGE: *n = v->as.range->n; return true;
    default: return false;
    }
}

bool rsn_tv_truth(const rsn_tv *v) {
    size_t n;
    switch ((rsn_tv_kind)v->kind) {
    case RSN_TV_MISSING:
    case RSN_TV_NONE: return false;
    case RSN_TV_BOOL: return v->as.b;
    case RSN_TV_INT: return v->as.i != 0;
    case RSN_TV_FLOAT: return v->as.f != 0;
    default: return !rsn_tv_length(v, &n) || n > 0;
    }
}

/* ---- equality, order, hash ---- */

bool rsn_tv_same(const rsn_tv *a, const rsn_tv *b) {
    if (a->kind != b->kind || a->flag != b->flag) return false;
    switch ((rsn_tv_kind)a->kind) {
    case RSN_TV_MISSING:
    case RSN_TV_NONE: return true;
    case RSN_TV_BOOL: return a->as.b == b->as.b;
    case RSN_TV_FLOAT: return memcmp(&a->as.f, &b->as.f, sizeof a->as.f) == 0;
    case RSN_TV_UNDEFINED: return a->aux == b->aux && a->as.s == b->as.s;
    default: return a->as.i == b->as.i; /* whole numbers, and pointers: as wide as they */
    }
}

/* Exact, though a double cannot hold every int64. */
static int order_int_float(int64_t i, double f) {
    if (isnan(f)) return 2;
    if (f >= 9223372036854775808.0) return -1;
    if (f < -9223372036854775808.0) return 1;
    int64_t whole = (int64_t)f;
    if (i != whole) return i < whole ? -1 : 1;
    double rest = f - (double)whole;
    return rest > 0 ? -1 : rest < 0;
}

static int order_numbers(const rsn_tv *a, const rsn_tv *b) {
    if (rsn_tv_is_int(a) && rsn_tv_is_int(b)) {
        int64_t x = rsn_tv_as_int(a), y = rsn_tv_as_int(b);
        return (x > y) - (x < y);
    }
    if (rsn_tv_is_int(a)) return order_int_float(rsn_tv_as_int(a), b->as.f);
    if (rsn_tv_is_int(b)) {
        int order = order_int_float(rsn_tv_as_int(b), a->as.f);
        return order == 2 ? 2 : -order;
    }
    if (isnan(a->as.f) || isnan(b->as.f)) return 2;
    return (a->as.f > b->as.f) - (a->as.f < b->as.f);
}

static int order_text(const rsn_ts *a, const rsn_ts *b) {
    size_t n = a->n < b->n ? a->n : b->n;
    int order =
        n ? memcmp(a->data, b->data, n) : 0; /* UTF-8 sorts as its characters do */
    if (order) return order < 0 ? -1 : 1;
    return (a->n > b->n) - (a->n < b->n);
}

/* What two sequences differ in first: an index, or the shorter length. */
static reason_status first_difference(rsn_tpl_run *run, const rsn_tl *a, const rsn_tl *b,
                                      size_t *index) {
    size_t n = a->n < b->n ? a->n : b->n;
    for (*index = 0; *index < n; ++*index) {
        bool equal = false;
        if (rsn_tpl_charge(run, 1)) return run->failed;
        if (rsn_tv_same(&a->items[*index], &b->items[*index])) continue;
        if (rsn_tv_equal(run, &a->items[*index], &b->items[*index], &equal)) {
            return run->failed;
        }
        if (!equal) break;
    }
    return REASON_OK;
}

static reason_status equal_dicts(rsn_tpl_run *run, const rsn_td *a, const rsn_td *b,
                                 bool *equal) {
    *equal = a->n == b->n;
    for (size_t i = 0; i < a->n && *equal; i++) {
        rsn_tv other;
        if (rsn_td_get(run, b, a->entries[i].key, &other)) return run->failed;
        *equal = other.kind != RSN_TV_MISSING;
        if (!*equal || rsn_tv_same(&a->entries[i].value, &other)) continue;
        if (rsn_tv_equal(run, &a->entries[i].value, &other, equal)) return run->failed;
    }
    return REASON_OK;
}

static reason_status equal_containers(rsn_tpl_run *run, const rsn_tv *a, const rsn_tv *b,
                                      bool *equal) {
    if (rsn_tpl_enter(run)) return run->failed;
    if (a->kind == RSN_TV_DICT) {
        (void)equal_dicts(run, a->as.dict, b->as.dict, equal);
    } else {
        size_t index = 0;
        *equal = a->as.list->n == b->as.list->n;
        if (*equal) {
            (void)first_difference(run, a->as.list, b->as.list, &index);
            *equal = index == a->as.list->n;
        }
    }
    rsn_tpl_leave(run);
    return run->failed;
}

static bool equal_ranges(const rsn_tpl_range *a, const rsn_tpl_range *b) {
    if (a->n != b->n) return false;
    if (a->n == 0) return true;
    return a->start == b->start && (a->n == 1 || a->step == b->step);
}

reason_status rsn_tv_equal(rsn_tpl_run *run, const rsn_tv *a, const rsn_tv *b,
                           bool *equal) {
    *equal = false;
    if (rsn_tv_is_number(a) && rsn_tv_is_number(b)) {
        *equal = order_numbers(a, b) == 0;
        return REASON_OK;
    }
    if (a->kind != b->kind) return REASON_OK;
    switch ((rsn_tv_kind)a->kind) {
    case RSN_TV_UNDEFINED: *equal = true; return REASON_OK;
    case RSN_TV_STR:
        *equal = rsn_ts_equal(a->as.s, b->as.s);
        return rsn_tpl_charge_bytes(run, a->as.s->n == b->as.s->n ? a->as.s->n : 0);
    case RSN_TV_LIST:
    case RSN_TV_TUPLE:
    case RSN_TV_DICT: return equal_containers(run, a, b, equal);
    case RSN_TV_RANGE: *equal = equal_ranges(a->as.range, b->as.range); return REASON_OK;
    case RSN_TV_METHOD:
        *equal = a->as.method->native == b->as.method->native &&
                 rsn_tv_same(&a->as.method->self, &b->as.method->self);
        return REASON_OK;
    default: *equal = rsn_tv_same(a, b); return REASON_OK;
    }
}

static reason_status order_sequences(rsn_tpl_run *run, const rsn_tv *a, const rsn_tv *b,
                                     const char *op, int *order) {
    const rsn_tl *x = a->as.list, *y = b->as.list;
    size_t index = 0;
    if (rsn_tpl_enter(run)) return run->failed;
    if (!first_difference(run, x, y, &index)) {
        if (index < x->n && index < y->n) {
            (void)rsn_tv_order(run, &x->items[index], &y->items[index], op, order);
        } else {
            *order = (x->n > y->n) - (x->n < y->n);
        }
    }
    rsn_tpl_leave(run);
    return run->failed;
}

reason_status rsn_tv_order(rsn_tpl_run *run, const rsn_tv *a, const rsn_tv *b,
                           const char *op, int *order) {
    *order = 2;
    if (rsn_tv_is_number(a) && rsn_tv_is_number(b)) {
        *order = order_numbers(a, b);
        return REASON_OK;
    }
    if (a->kind == RSN_TV_STR && b->kind == RSN_TV_STR) {
        *order = order_text(a->as.s, b->as.s);
        return rsn_tpl_charge_bytes(run,
                                    a->as.s->n < b->as.s->n ? a->as.s->n : b->as.s->n);
    }
    if (a->kind == b->kind && rsn_tv_is_seq(a)) {
        return order_sequences(run, a, b, op, order);
    }
    if (a->kind == RSN_TV_UNDEFINED) return rsn_tpl_raise_undefined(run, a);
    if (b->kind == RSN_TV_UNDEFINED) return rsn_tpl_raise_undefined(run, b);
    return rsn_tpl_raise(run, "'%s' not supported between instances of '%s' and '%s'", op,
                         rsn_tv_type_name(a), rsn_tv_type_name(b));
}

static uint64_t mix(uint64_t h) {
    h ^= h >> 32;
    h *= 0xD6E8FEB86659FD93u;
    h ^= h >> 32;
    return h;
}

static uint64_t hash_bytes(const char *s, size_t n) {
    uint64_t h = 0x9E3779B97F4A7C15u ^ n;
    for (size_t i = 0; i < n; i++) h = (h ^ (unsigned char)s[i]) * 0x100000001B3u;
    return mix(h);
}

static uint64_t hash_float(double f) {
    uint64_t bits;
    if (f >= -9223372036854775808.0 && f < 9223372036854775808.0 && f == floor(f)) {
        return mix((uint64_t)(int64_t)f);
    }
    memcpy(&bits, &f, sizeof bits);
    return mix(bits);
}

static reason_status hash_tuple(rsn_tpl_run *run, const rsn_tl *list, uint64_t *hash) {
    if (rsn_tpl_enter(run)) return run->failed;
    *hash = 1;
    for (size_t i = 0; i < list->n; i++) {
        uint64_t h;
        if (rsn_tpl_charge(run, 1) || rsn_tv_hash(run, &list->items[i], &h)) break;
        *hash = mix(*hash * 31 + h);
    }
    rsn_tpl_leave(run);
    return run->failed;
}

reason_status rsn_tv_hash(rsn_tpl_run *run, const rsn_tv *v, uint64_t *hash) {
    *hash = 0;
    switch ((rsn_tv_kind)v->kind) {
    case RSN_TV_STR:
        *hash = hash_bytes(v->as.s->data, v->as.s->n);
        return rsn_tpl_charge_bytes(run, v->as.s->n);
    case RSN_TV_BOOL:
    case RSN_TV_INT: *hash = mix((uint64_t)rsn_tv_as_int(v)); return REASON_OK;
    case RSN_TV_FLOAT: *hash = hash_float(v->as.f); return REASON_OK;
    case RSN_TV_TUPLE: return hash_tuple(run, v->as.list, hash);
    case RSN_TV_LIST:
    case RSN_TV_DICT:
    case RSN_TV_VIEW:
        return rsn_tpl_raise(run, "unhashable type: '%s'", rsn_tv_type_name(v));
    case RSN_TV_MISSING:
    case RSN_TV_UNDEFINED:
    case RSN_TV_NONE: *hash = v->kind; return REASON_OK;
    case RSN_TV_RANGE: *hash = v->as.range->n; return REASON_OK;
    default: *hash = mix((uint64_t)(uintptr_t)v->as.list); return REASON_OK;
    }
}

reason_status rsn_tv_compare(rsn_tpl_run *run, rsn_tpl_cmp op, const rsn_tv *a,
                             const rsn_tv *b, bool *out) {
    static const char *const names[] = {"==", "!=", "<", "<=", ">", ">=", "in", "not in"};
    int order;
    *out = false;
    switch (op) {
    case RSN_CMP_EQ: return rsn_tv_equal(run, a, b, out);
    case RSN_CMP_NE:
        if (rsn_tv_equal(run, a, b, out)) return run->failed;
        *out = !*out;
        return REASON_OK;
    case RSN_CMP_IN: return rsn_tv_contains(run, b, a, out);
    case RSN_CMP_NOT_IN:
        if (rsn_tv_contains(run, b, a, out)) return run->failed;
        *out = !*out;
        return REASON_OK;
    default: break;
    }
    if (rsn_tv_order(run, a, b, names[op], &order)) return run->failed;
    if (op == RSN_CMP_LT) *out = order == -1;
    else if (op == RSN_CMP_LE) *out = order == -1 || order == 0;
    else if (op == RSN_CMP_GT) *out = order == 1;
    else *out = order == 1 || order == 0;
    return REASON_OK;
}
