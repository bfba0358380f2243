/* Owns the filters over what can be iterated: order, groups, first and last, sums.
 * Those that pick items by a test are left to template_pick_filters.c, sorting itself
 * to template_sort.c. Invariant: what Jinja makes a generator of does nothing before
 * its first item is asked for. */
#include <string.h>

#include "text/template_native.h"
#include "text/template_value.h"

/* ---- sorted ---- */

/* "a,b.c": several paths; the key is the list of what they lead to. */
static reason_status multi_key(rsn_tpl_run *run, const rsn_tpl_path *paths, size_t n,
                               const rsn_tv *v, rsn_tv *out) {
    rsn_tl *key = rsn_tl_new(run, n);
    if (!key) return run->failed;
    for (size_t i = 0; i < n; i++) {
        if (rsn_tpl_follow(run, &paths[i], v, &key->items[i])) return run->failed;
    }
    key->n = n;
    *out = rsn_tv_list(RSN_TV_LIST, key);
    return REASON_OK;
}

static reason_status read_paths(rsn_tpl_run *run, const rsn_tv *attribute, bool lower,
                                rsn_tpl_path **out, size_t *n) {
    const rsn_ts *s = attribute->kind == RSN_TV_STR ? attribute->as.s : NULL;
    size_t commas = 0, from = 0;
    for (size_t i = 0; s && i < s->n; i++) commas += s->data[i] == ',';
    rsn_tpl_path *paths = rsn_tpl_alloc(run, commas + 1, sizeof *paths);
    *n = commas + 1;
    *out = paths;
    for (size_t k = 0; paths && k <= commas; k++) {
        paths[k] = (rsn_tpl_path){NULL, 0, rsn_tv_of(RSN_TV_MISSING), lower};
        if (!s) return rsn_tpl_read_path(run, attribute, paths);
        size_t to = from;
        while (to < s->n && s->data[to] != ',') to++;
        if (rsn_tpl_read_steps(run, s->data + from, to - from, &paths[k])) break;
        from = to + 1;
    }
    return run->failed;
}

static reason_status filter_sort(const rsn_tpl_call *c, rsn_tv *out) {
    rsn_tl *items;
    rsn_tpl_path *paths;
    size_t n;
    int64_t reverse = 0;
    if (rsn_tpl_int_arg(c->run, &c->v[0], "reverse", &reverse) ||
        read_paths(c->run, &c->v[2], !rsn_tv_flag_arg(&c->v[1], false), &paths, &n) ||
        rsn_tv_collect(c->run, c->self, &items)) {
        return c->run->failed;
    }
    rsn_tv *keys = rsn_tpl_alloc(c->run, items->n, sizeof *keys);
    for (size_t i = 0; keys && i < items->n; i++) {
        if (multi_key(c->run, paths, n, &items->items[i], &keys[i])) {
            return c->run->failed;
        }
    }
    *out = rsn_tv_list(RSN_TV_LIST, items);
    if (c->run->failed) return c->run->failed;
    return rsn_tpl_sort(c->run, items->items, keys, items->n, reverse != 0);
}

static reason_status keys_of(rsn_tpl_run *run, const rsn_tpl_path *path,
                             const rsn_tl *items, rsn_tv **out) {
    rsn_tv *keys = rsn_tpl_alloc(run, items->n, sizeof *keys);
    *out = keys;
    for (size_t i = 0; keys && i < items->n; i++) {
        if (rsn_tpl_follow(run, path, &items->items[i], &keys[i])) break;
    }
    return run->failed;
}

static reason_status filter_dictsort(const rsn_tpl_call *c, rsn_tv *out) {
    rsn_tv by_value = rsn_tv_int(0), *keys, view = *c->self;
    rsn_tl *pairs;
    int64_t reverse = 0;
    if (rsn_tpl_int_arg(c->run, &c->v[2], "reverse", &reverse)) return c->run->failed;
    if (c->v[1].kind != RSN_TV_MISSING) {
        bool text = c->v[1].kind == RSN_TV_STR;
        if (text && rsn_ts_is(c->v[1].as.s, "value")) by_value = rsn_tv_int(1);
        else if (!text || !rsn_ts_is(c->v[1].as.s, "key")) {
            return rsn_tpl_raise(c->run,
                                 "dictsort() sorts by either \"key\" or \"value\"");
        }
    }
    if (view.kind == RSN_TV_UNDEFINED) return rsn_tpl_raise_undefined(c->run, &view);
    if (view.kind != RSN_TV_DICT) {
        return rsn_tpl_raise(c->run, "dictsort wants a dict, not '%s'",
                             rsn_tv_type_name(&view));
    }
    view.kind = RSN_TV_VIEW;
    view.flag = RSN_VIEW_ITEMS;
    rsn_tpl_path path = {&by_value, 1, rsn_tv_of(RSN_TV_MISSING),
                         !rsn_tv_flag_arg(&c->v[0], false)};
    if (rsn_tv_collect(c->run, &view, &pairs) || keys_of(c->run, &path, pairs, &keys)) {
        return c->run->failed;
    }
    *out = rsn_tv_list(RSN_TV_LIST, pairs);
    return rsn_tpl_sort(c->run, pairs->items, keys, pairs->n, reverse != 0);
}

/* One group: a pair that also answers to .grouper and .list. */
static reason_status push_group(const rsn_tpl_call *c, rsn_tl *groups,
                                const rsn_tpl_path *path, const rsn_tv *items, size_t n) {
    rsn_tl *pair = rsn_tl_new(c->run, 2), *members = rsn_tl_new(c->run, n);
    rsn_tpl_path exact = *path;
    if (!pair || !members) return c->run->failed;
    memcpy(members->items, items, n * sizeof *items);
    members->n = n;
    exact.lower = false; /* the name of the group is that of its first member */
    if (rsn_tpl_follow(c->run, &exact, &items[0], &pair->items[0])) return c->run->failed;
    pair->items[1] = rsn_tv_list(RSN_TV_LIST, members);
    pair->n = 2;
    rsn_tv group = rsn_tv_list(RSN_TV_TUPLE, pair);
    group.flag = 1;
    return rsn_tl_push(c->run, groups, group);
}

static reason_status filter_groupby(const rsn_tpl_call *c, rsn_tv *out) {
    rsn_tpl_path path = {NULL, 0, c->v[1], !rsn_tv_flag_arg(&c->v[2], false)};
    rsn_tl *items, *groups = rsn_tl_new(c->run, 0);
    rsn_tv *keys;
    if (!groups || rsn_tpl_read_path(c->run, &c->v[0], &path) ||
        rsn_tv_collect(c->run, c->self, &items) || keys_of(c->run, &path, items, &keys) ||
        rsn_tpl_sort(c->run, items->items, keys, items->n, false)) {
        return c->run->failed;
    }
    for (size_t from = 0, to; from < items->n; from = to) {
        bool equal = true;
        for (to = from + 1; to < items->n; to++) {
            if (rsn_tv_equal(c->run, &keys[from], &keys[to], &equal)) {
                return c->run->failed;
            }
            if (!equal) break;
        }
        if (push_group(c, groups, &path, &items->items[from], to - from)) {
            return c->run->failed;
        }
    }
    *out = rsn_tv_list(RSN_TV_LIST, groups);
    return REASON_OK;
}

/* ---- one of many ---- */

static reason_status extreme(const rsn_tpl_call *c, bool largest, rsn_tv *out) {
    rsn_tpl_path path = {NULL, 0, rsn_tv_of(RSN_TV_MISSING),
                         !rsn_tv_flag_arg(&c->v[0], false)};
    rsn_tl *items;
    rsn_tv *keys;
    size_t best = 0;
    int order;
    if (rsn_tpl_read_path(c->run, &c->v[1], &path) ||
        rsn_tv_collect(c->run, c->self, &items) || keys_of(c->run, &path, items, &keys)) {
        return c->run->failed;
    }
    if (items->n == 0) {
        return rsn_tv_hint(c->run, "No aggregated item, sequence was empty.", out);
    }
    for (size_t i = 1; i < items->n; i++) {
        if (rsn_tpl_charge(c->run, 1) ||
            rsn_tv_order(c->run, &keys[i], &keys[best], largest ? ">" : "<", &order)) {
            return c->run->failed;
        }
        if (order == (largest ? 1 : -1)) best = i;
    }
    *out = items->items[best];
    return REASON_OK;
}

static reason_status filter_min(const rsn_tpl_call *c, rsn_tv *out) {
    return extreme(c, false, out);
}

static reason_status filter_max(const rsn_tpl_call *c, rsn_tv *out) {
    return extreme(c, true, out);
}

static reason_status filter_first(const rsn_tpl_call *c, rsn_tv *out) {
    rsn_ti *it;
    if (rsn_ti_of(c->run, c->self, &it) || rsn_ti_next(c->run, it, out)) {
        return c->run->failed;
    }
    if (out->kind != RSN_TV_MISSING) return REASON_OK;
    return rsn_tv_hint(c->run, "No first item, sequence was empty.", out);
}

static reason_status filter_last(const rsn_tpl_call *c, rsn_tv *out) {
    rsn_tv minus = rsn_tv_int(-1);
    rsn_tl *items;
    if (c->self->kind == RSN_TV_ITER) {
        return rsn_tpl_raise(c->run, "'generator' object is not reversible");
    }
    if (c->self->kind == RSN_TV_STR || rsn_tv_is_seq(c->self)) {
        if (rsn_tv_subscript(c->run, c->self, &minus, out)) return c->run->failed;
    } else {
        if (rsn_tv_collect(c->run, c->self, &items)) return c->run->failed;
        *out = items->n ? items->items[items->n - 1] : rsn_tv_of(RSN_TV_UNDEFINED);
    }
    if (out->kind != RSN_TV_UNDEFINED) return REASON_OK;
    size_t n;
    if (rsn_tv_length(c->self, &n) && n > 0) {
        return REASON_OK; /* the item itself is undefined */
    }
    return rsn_tv_hint(c->run, "No last item, sequence was empty.", out);
}

/* ---- all of them ---- */

static reason_status filter_list(const rsn_tpl_call *c, rsn_tv *out) {
    rsn_tl *items;
    if (rsn_tv_collect(c->run, c->self, &items)) return c->run->failed;
    *out = rsn_tv_list(RSN_TV_LIST, items);
    return REASON_OK;
}

static reason_status filter_reverse(const rsn_tpl_call *c, rsn_tv *out) {
    rsn_tv bounds[3] = {rsn_tv_of(RSN_TV_NONE), rsn_tv_of(RSN_TV_NONE), rsn_tv_int(-1)};
    if (c->self->kind == RSN_TV_STR) return rsn_tv_slice(c->run, c->self, bounds, out);
    if (rsn_ti_reversed(c->run, c->self, out) || c->self->kind != RSN_TV_ITER) {
        return c->run->failed;
    }
    rsn_tl *items; /* what cannot be walked backwards becomes a list */
    if (rsn_tv_collect(c->run, out, &items)) return c->run->failed;
    *out = rsn_tv_list(RSN_TV_LIST, items);
    return REASON_OK;
}

static reason_status filter_join(const rsn_tpl_call *c, rsn_tv *out) {
    rsn_tpl_path path = {NULL, 0, rsn_tv_of(RSN_TV_MISSING), false};
    const rsn_ts *between = &(rsn_ts){"", 0, 0};
    rsn_tb b = {c->run, NULL, 0, 0};
    rsn_ti *it;
    rsn_tv item, part;
    if (rsn_tpl_read_path(c->run, &c->v[1], &path) || rsn_ti_of(c->run, c->self, &it)) {
        return c->run->failed;
    }
    if (c->v[0].kind != RSN_TV_MISSING && rsn_tv_str(c->run, &c->v[0], &between)) {
        return c->run->failed;
    }
    for (size_t i = 0;; i++) {
        if (rsn_tpl_charge(c->run, 1) || rsn_ti_next(c->run, it, &item)) {
            return c->run->failed;
        }
        if (item.kind == RSN_TV_MISSING) break;
        if (rsn_tpl_follow(c->run, &path, &item, &part)) return c->run->failed;
        if (i) rsn_tb_add(&b, between->data, between->n);
        rsn_tb_str(&b, &part);
    }
    return rsn_tb_finish(&b, out);
}

static reason_status filter_sum(const rsn_tpl_call *c, rsn_tv *out) {
    rsn_tpl_path path = {NULL, 0, rsn_tv_of(RSN_TV_MISSING), false};
    rsn_ti *it;
    rsn_tv item, part, sum = c->v[1].kind == RSN_TV_MISSING ? rsn_tv_int(0) : c->v[1];
    if (sum.kind == RSN_TV_STR) return rsn_tpl_raise(c->run, "sum() can't sum strings");
    if (rsn_tpl_read_path(c->run, &c->v[0], &path) || rsn_ti_of(c->run, c->self, &it)) {
        return c->run->failed;
    }
    for (;;) {
        if (rsn_tpl_charge(c->run, 1) || rsn_ti_next(c->run, it, &item)) {
            return c->run->failed;
        }
        if (item.kind == RSN_TV_MISSING) break;
        rsn_tv left = sum;
        if (rsn_tpl_follow(c->run, &path, &item, &part) ||
            rsn_tv_binary(c->run, RSN_BIN_ADD, &left, &part, &sum)) {
            return c->run->failed;
        }
    }
    *out = sum;
    return REASON_OK;
}

/* ---- generators: nothing happens, and nothing fails, before the first item is asked for
 * ---- */

typedef struct generator {
    rsn_tpl_fn fn; /* gives all items as a list */
    rsn_tv self, v[RSN_TPL_MAX_PARAMS];
    rsn_ti *items; /* NULL: not begun */
} generator;

static reason_status next_generated(rsn_tpl_run *run, rsn_ti *it, rsn_tv *out) {
    generator *g = it->state;
    if (!g->items) {
        const rsn_tpl_call call = {run, &g->self, g->v, NULL};
        rsn_tv all;
        if (g->fn(&call, &all) || rsn_ti_of(run, &all, &g->items)) return run->failed;
    }
    return rsn_ti_next(run, g->items, out);
}

static reason_status generate(const rsn_tpl_call *c, rsn_tpl_fn fn, rsn_tv *out) {
    rsn_ti *it, *inner = c->self->kind == RSN_TV_ITER ? c->self->as.iter : NULL;
    generator *g = rsn_tpl_alloc(c->run, 1, sizeof *g);
    if (!g) return c->run->failed;
    *g = (generator){.fn = fn, .self = *c->self};
    memcpy(g->v, c->v, sizeof g->v);
    if (rsn_ti_make(c->run, next_generated, inner, g, &it)) return c->run->failed;
    *out = rsn_tv_iter(it);
    return REASON_OK;
}

static reason_status list_unique(const rsn_tpl_call *c, rsn_tv *out) {
    rsn_tpl_path path = {NULL, 0, rsn_tv_of(RSN_TV_MISSING),
                         !rsn_tv_flag_arg(&c->v[0], false)};
    rsn_tl *items, *kept = rsn_tl_new(c->run, 0);
    rsn_td *seen = rsn_td_new(c->run);
    rsn_tv *keys, before;
    if (!kept || !seen || rsn_tpl_read_path(c->run, &c->v[1], &path) ||
        rsn_tv_collect(c->run, c->self, &items) || keys_of(c->run, &path, items, &keys)) {
        return c->run->failed;
    }
    for (size_t i = 0; i < items->n; i++) {
        if (rsn_td_get(c->run, seen, keys[i], &before)) return c->run->failed;
        if (before.kind != RSN_TV_MISSING) continue;
        if (rsn_td_set(c->run, seen, keys[i], rsn_tv_bool(true)) ||
            rsn_tl_push(c->run, kept, items->items[i])) {
            return c->run->failed;
        }
    }
    *out = rsn_tv_list(RSN_TV_LIST, kept);
    return REASON_OK;
}

static reason_status filter_unique(const rsn_tpl_call *c, rsn_tv *out) {
    return generate(c, list_unique, out);
}

/* ---- rows and columns ---- */

/* items[from..from+n) as a list, filled up to `width` if there is something to fill
 * with. */
static reason_status push_row(rsn_tpl_run *run, rsn_tl *rows, const rsn_tv *items,
                              size_t n, int64_t width, const rsn_tv *fill) {
    rsn_tl *row = rsn_tl_new(run, n);
    if (!row || rsn_tpl_charge(run, n + 1)) return run->failed;
    if (n) memcpy(row->items, items, n * sizeof *items);
    row->n = n;
    for (int64_t i = (int64_t)n; rsn_tv_given(fill) && i < width; i++) {
        if (rsn_tpl_charge(run, 1) || rsn_tl_push(run, row, *fill)) return run->failed;
    }
    return rsn_tl_push(run, rows, rsn_tv_list(RSN_TV_LIST, row));
}

static reason_status list_batch(const rsn_tpl_call *c, rsn_tv *out) {
    int64_t width = 0;
    rsn_tl *items, *rows = rsn_tl_new(c->run, 0);
    if (!rows || rsn_tpl_int_arg(c->run, &c->v[0], "the size of a batch", &width) ||
        rsn_tv_collect(c->run, c->self, &items)) {
        return c->run->failed;
    }
    /* A size of none makes no cuts, but for an empty first batch where it is zero. */
    if (width == 0 && items->n && push_row(c->run, rows, NULL, 0, 0, &c->v[1])) {
        return c->run->failed;
    }
    size_t step = width > 0 ? (size_t)width : width == 0 ? 1 : items->n;
    for (size_t i = 0; i < items->n; i += step) {
        size_t n = items->n - i < step ? items->n - i : step;
        if (push_row(c->run, rows, &items->items[i], n, width, &c->v[1])) {
            return c->run->failed;
        }
        if (items->n - i <= step) break;
    }
    *out = rsn_tv_list(RSN_TV_LIST, rows);
    return REASON_OK;
}

static reason_status filter_batch(const rsn_tpl_call *c, rsn_tv *out) {
    return generate(c, list_batch, out);
}

static reason_status list_slice(const rsn_tpl_call *c, rsn_tv *out) {
    int64_t n = 0;
    rsn_tl *items, *columns = rsn_tl_new(c->run, 0);
    if (!columns || rsn_tpl_int_arg(c->run, &c->v[0], "the number of slices", &n) ||
        rsn_tv_collect(c->run, c->self, &items)) {
        return c->run->failed;
    }
    if (n == 0) return rsn_tpl_raise(c->run, "division by zero");
    size_t at = 0;
    for (int64_t i = 0; i < n; i++) {
        int64_t each = (int64_t)items->n / n, extra = (int64_t)items->n % n;
        size_t take = (size_t)(each + (i < extra));
        int64_t width = i >= extra ? (int64_t)take + 1 : 0;
        if (push_row(c->run, columns, items->items + at, take, width, &c->v[1])) {
            return c->run->failed;
        }
        at += take;
    }
    *out = rsn_tv_list(RSN_TV_LIST, columns);
    return REASON_OK;
}

static reason_status filter_slice(const rsn_tpl_call *c, rsn_tv *out) {
    return generate(c, list_slice, out);
}

static reason_status list_items(const rsn_tpl_call *c, rsn_tv *out) {
    *out = *c->self;
    if (out->kind == RSN_TV_DICT) {
        out->kind = RSN_TV_VIEW;
        out->flag = RSN_VIEW_ITEMS;
    } else if (out->kind != RSN_TV_UNDEFINED) {
        return rsn_tpl_raise(c->run, "Can only get item pairs from a mapping.");
    }
    return REASON_OK;
}

static reason_status filter_items(const rsn_tpl_call *c, rsn_tv *out) {
    return generate(c, list_items, out);
}

const rsn_tpl_native rsn_tpl_list_filters[] = {
    {"list", filter_list, "", 0},
    {"join", filter_join, "d attribute", 0},
    {"first", filter_first, "", 0},
    {"last", filter_last, "", 0},
    {"items", filter_items, "", 0},
    {"reverse", filter_reverse, "", 0},
    {"sort", filter_sort, "reverse case_sensitive attribute", 0},
    {"dictsort", filter_dictsort, "case_sensitive by reverse", 0},
    {"unique", filter_unique, "case_sensitive attribute", 0},
    {"min", filter_min, "case_sensitive attribute", 0},
    {"max", filter_max, "case_sensitive attribute", 0},
    {"sum", filter_sum, "attribute start", 0},
    {"groupby", filter_groupby, "attribute default case_sensitive", 1},
    {"batch", filter_batch, "linecount fill_with", 1},
    {"slice", filter_slice, "slices fill_with", 1},
    {"random", NULL, NULL, 0},
    {NULL, NULL, NULL, 0},
};
