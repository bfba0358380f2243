/* Owns the methods of lists, dicts and the helpers of loops, and which table belongs
 * to which kind. Methods of text are left to template_text_methods.c and
 * template_split_methods.c, those of loops to template_loop.c. Invariant: no method
 * changes a value, but for cyclers. */
#include <math.h>
#include <string.h>

#include "text/template_loop.h"
#include "text/template_native.h"
#include "text/template_value.h"

/* ---- lists, tuples and ranges ---- */

static reason_status count_item(const rsn_tpl_call *c, rsn_tv *out) {
    rsn_ti *it;
    rsn_tv item;
    int64_t n = 0;
    if (rsn_ti_of(c->run, c->self, &it)) return c->run->failed;
    for (;;) {
        bool equal;
        if (rsn_tpl_charge(c->run, 1) || rsn_ti_next(c->run, it, &item)) {
            return c->run->failed;
        }
        if (item.kind == RSN_TV_MISSING) break;
        equal = rsn_tv_same(&item, &c->v[0]);
        if (!equal && rsn_tv_equal(c->run, &item, &c->v[0], &equal)) {
            return c->run->failed;
        }
        n += equal;
    }
    *out = rsn_tv_int(n);
    return REASON_OK;
}

static int64_t clamp_index(int64_t at, int64_t n) {
    if (at < 0) at = at + n < 0 ? 0 : at + n;
    return at > n ? n : at;
}

static reason_status index_item(const rsn_tpl_call *c, rsn_tv *out) {
    rsn_tl *items;
    int64_t start = 0, stop = INT64_MAX;
    if (rsn_tv_collect(c->run, c->self, &items) ||
        rsn_tpl_int_arg(c->run, &c->v[1], "start", &start) ||
        rsn_tpl_int_arg(c->run, &c->v[2], "stop", &stop)) {
        return c->run->failed;
    }
    start = clamp_index(start, (int64_t)items->n);
    stop = clamp_index(stop, (int64_t)items->n);
    for (int64_t i = start; i < stop; i++) {
        bool equal = rsn_tv_same(&items->items[i], &c->v[0]);
        if (!equal && rsn_tv_equal(c->run, &items->items[i], &c->v[0], &equal)) {
            return c->run->failed;
        }
        if (equal) {
            *out = rsn_tv_int(i);
            return REASON_OK;
        }
    }
    return rsn_tpl_raise(c->run, "the value is not in the %s", rsn_tv_type_name(c->self));
}

static reason_status copy_list(const rsn_tpl_call *c, rsn_tv *out) {
    rsn_tl *copy;
    if (rsn_tv_collect(c->run, c->self, &copy)) return c->run->failed;
    *out = rsn_tv_list(RSN_TV_LIST, copy);
    return REASON_OK;
}

/* ---- dicts ---- */

static reason_status get_entry(const rsn_tpl_call *c, rsn_tv *out) {
    if (rsn_td_get(c->run, c->self->as.dict, c->v[0], out)) return c->run->failed;
    if (out->kind == RSN_TV_MISSING) {
        *out = c->v[1].kind == RSN_TV_MISSING ? rsn_tv_of(RSN_TV_NONE) : c->v[1];
    }
    return REASON_OK;
}

static reason_status make_view(const rsn_tpl_call *c, rsn_tv_view view, rsn_tv *out) {
    *out = *c->self;
    out->kind = RSN_TV_VIEW;
    out->flag = (uint8_t)view;
    return REASON_OK;
}

static reason_status dict_items(const rsn_tpl_call *c, rsn_tv *out) {
    return make_view(c, RSN_VIEW_ITEMS, out);
}

static reason_status dict_keys(const rsn_tpl_call *c, rsn_tv *out) {
    return make_view(c, RSN_VIEW_KEYS, out);
}

static reason_status dict_values(const rsn_tpl_call *c, rsn_tv *out) {
    return make_view(c, RSN_VIEW_VALUES, out);
}

static reason_status copy_dict(const rsn_tpl_call *c, rsn_tv *out) {
    const rsn_td *from = c->self->as.dict;
    rsn_td *copy = rsn_td_new(c->run);
    if (!copy) return c->run->failed;
    for (size_t i = 0; i < from->n; i++) {
        if (rsn_td_set(c->run, copy, from->entries[i].key, from->entries[i].value)) break;
    }
    *out = rsn_tv_dict(copy);
    return c->run->failed;
}

/* ---- numbers, cyclers ---- */

static reason_status is_whole(const rsn_tpl_call *c, rsn_tv *out) {
    *out = rsn_tv_bool(isfinite(c->self->as.f) && c->self->as.f == floor(c->self->as.f));
    return REASON_OK;
}

static reason_status next_in_cycle(const rsn_tpl_call *c, rsn_tv *out) {
    rsn_tl *items = c->self->as.list;
    *out = items->items[items->at];
    items->at = (items->at + 1) % items->n;
    return REASON_OK;
}

static reason_status reset_cycle(const rsn_tpl_call *c, rsn_tv *out) {
    c->self->as.list->at = 0;
    *out = rsn_tv_of(RSN_TV_NONE);
    return REASON_OK;
}

/* Rows without a function but with parameters change their object, which the sandbox
 * forbids. */
static const rsn_tpl_native list_methods[] = {
    {"index", index_item, "value start stop /", 1},
    {"count", count_item, "value /", 1},
    {"copy", copy_list, "", 0},
    {"append", NULL, "", 0},
    {"clear", NULL, "", 0},
    {"extend", NULL, "", 0},
    {"insert", NULL, "", 0},
    {"pop", NULL, "", 0},
    {"remove", NULL, "", 0},
    {"reverse", NULL, "", 0},
    {"sort", NULL, "", 0},
    {NULL, NULL, NULL, 0},
};

static const rsn_tpl_native tuple_methods[] = {
    {"index", index_item, "value start stop /", 1},
    {"count", count_item, "value /", 1},
    {NULL, NULL, NULL, 0},
};

static const rsn_tpl_native dict_methods[] = {
    {"items", dict_items, "", 0}, {"get", get_entry, "key default /", 1},
    {"keys", dict_keys, "", 0},   {"values", dict_values, "", 0},
    {"copy", copy_dict, "", 0},   {"clear", NULL, "", 0},
    {"pop", NULL, "", 0},         {"popitem", NULL, "", 0},
    {"setdefault", NULL, "", 0},  {"update", NULL, "", 0},
    {"fromkeys", NULL, NULL, 0},  {NULL, NULL, NULL, 0},
};

static const rsn_tpl_native int_methods[] = {
    {"as_integer_ratio", NULL, NULL, 0}, {"bit_count", NULL, NULL, 0},
    {"bit_length", NULL, NULL, 0},       {"conjugate", NULL, NULL, 0},
    {"from_bytes", NULL, NULL, 0},       {"to_bytes", NULL, NULL, 0},
    {NULL, NULL, NULL, 0},
};

static const rsn_tpl_native float_methods[] = {
    {"is_integer", is_whole, "", 0},
    {"as_integer_ratio", NULL, NULL, 0},
    {"conjugate", NULL, NULL, 0},
    {"fromhex", NULL, NULL, 0},
    {"hex", NULL, NULL, 0},
    {NULL, NULL, NULL, 0},
};

static const rsn_tpl_native cycler_methods[] = {
    {"next", next_in_cycle, "", 0},
    {"reset", reset_cycle, "", 0},
    {NULL, NULL, NULL, 0},
};

const rsn_tpl_native *rsn_tpl_find_method(rsn_tv_kind kind, const char *name, size_t n) {
    const rsn_tpl_native *row = NULL;
    switch (kind) {
    case RSN_TV_STR:
        row = rsn_tpl_find_row(rsn_tpl_text_methods, name, n);
        return row ? row : rsn_tpl_find_row(rsn_tpl_split_methods, name, n);
    case RSN_TV_LIST: return rsn_tpl_find_row(list_methods, name, n);
    case RSN_TV_TUPLE:
    case RSN_TV_RANGE: return rsn_tpl_find_row(tuple_methods, name, n);
    case RSN_TV_DICT: return rsn_tpl_find_row(dict_methods, name, n);
    case RSN_TV_BOOL:
    case RSN_TV_INT: return rsn_tpl_find_row(int_methods, name, n);
    case RSN_TV_FLOAT: return rsn_tpl_find_row(float_methods, name, n);
    case RSN_TV_CYCLER: return rsn_tpl_find_row(cycler_methods, name, n);
    case RSN_TV_LOOP: return rsn_tpl_find_row(rsn_tpl_loop_methods, name, n);
    default: return row;
    }
}
