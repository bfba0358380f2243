/* Owns reading parts of values: attributes, items, slices and membership, with the
 * sandbox's rule of what a template may not see. Invariant: nothing is reached that is
 * not an entry, a row of a method table or a named property; all else is undefined. */
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "text/template_native.h"
#include "text/template_value.h"

/* ---- attributes ---- */

static reason_status bind_method(rsn_tpl_run *run, const rsn_tv *v, const rsn_ts *name,
                                 rsn_tv *out) {
    const rsn_tpl_native *row =
        rsn_tpl_find_method((rsn_tv_kind)v->kind, name->data, name->n);
    if (!row) return REASON_OK;
    if (!row->fn && row->params) { /* it would change the value */
        *out = rsn_tv_undefined(RSN_UNDEF_UNSAFE, name, v->kind);
        return REASON_OK;
    }
    if (!row->fn) {
        return rsn_tpl_failed(run,
                              rsn_fail(REASON_ERR_UNSUPPORTED,
                                       "the method %s of '%s' is not there in templates",
                                       row->name, rsn_tv_type_name(v)));
    }
    rsn_tpl_method *method = rsn_tpl_alloc(run, 1, sizeof *method);
    if (!method) return run->failed;
    *method = (rsn_tpl_method){*v, row};
    *out = rsn_tv_of(RSN_TV_METHOD);
    out->as.method = method;
    return REASON_OK;
}

/* Attributes that are data: those of ranges, of numbers, and of groups as groupby
 * gives them. */
static void read_property(const rsn_tv *v, const rsn_ts *name, rsn_tv *out) {
    if (v->kind == RSN_TV_RANGE) {
        if (rsn_ts_is(name, "start")) *out = rsn_tv_int(v->as.range->start);
        else if (rsn_ts_is(name, "stop")) *out = rsn_tv_int(v->as.range->stop);
        else if (rsn_ts_is(name, "step")) *out = rsn_tv_int(v->as.range->step);
    } else if (rsn_tv_is_number(v)) {
        bool whole = rsn_tv_is_int(v);
        if (rsn_ts_is(name, "real")) *out = whole ? rsn_tv_int(rsn_tv_as_int(v)) : *v;
        else if (rsn_ts_is(name, "imag")) *out = whole ? rsn_tv_int(0) : rsn_tv_float(0);
        else if (whole && rsn_ts_is(name, "numerator")) {
            *out = rsn_tv_int(rsn_tv_as_int(v));
        } else if (whole && rsn_ts_is(name, "denominator")) *out = rsn_tv_int(1);
    } else if (v->kind == RSN_TV_TUPLE && v->flag && v->as.list->n == 2) {
        if (rsn_ts_is(name, "grouper")) *out = v->as.list->items[0];
        else if (rsn_ts_is(name, "list")) *out = v->as.list->items[1];
    } else if (v->kind == RSN_TV_CYCLER) {
        if (rsn_ts_is(name, "current")) *out = v->as.list->items[v->as.list->at];
        else if (rsn_ts_is(name, "pos")) *out = rsn_tv_int((int64_t)v->as.list->at);
    }
}

/* The names that every object of Python has, or most. Seeing them is what the sandbox
 * forbids. */
static bool is_inner_name(const rsn_ts *name) {
    static const char names[] =
        " __abs__ __add__ __and__ __bool__ __call__ __class__ __closure__ __code__"
        " __contains__ __defaults__ __delattr__ __delitem__ __dict__ __dir__ __doc__"
        " __eq__ __format__ __func__ __ge__ __getattribute__ __getitem__ __getnewargs__"
        " __getstate__ __globals__ __gt__ __hash__ __iadd__ __init__ __init_subclass__"
        " __int__ __ior__ __iter__ __le__ __len__ __lt__ __mod__ __module__ __mul__"
        " __name__ __ne__ __new__ __next__ __or__ __qualname__ __reduce__ __reduce_ex__"
        " __repr__ __reversed__ __rmod__ __rmul__ __ror__ __self__ __setattr__"
        " __setitem__ __sizeof__ __slots__ __str__ __subclasshook__ __weakref__ ";
    if (name->n < 5 || memchr(name->data, ' ', name->n)) return false;
    const char *p = memmem(names, sizeof names - 1, name->data, name->n);
    return p && p[-1] == ' ' && p[name->n] == ' ';
}

reason_status rsn_tv_own_attr(rsn_tpl_run *run, const rsn_tv *v, const rsn_ts *name,
                              rsn_tv *out) {
    *out = rsn_tv_of(RSN_TV_MISSING);
    reason_status st = rsn_tpl_charge(run, 1);
    if (st) return st;
    if (v->kind == RSN_TV_NAMESPACE) {
        st = rsn_td_get_text(run, v->as.dict, name, out);
    } else if (name->n > 1 && name->data[0] == '_' && name->data[1] == '_') {
        if (is_inner_name(name)) *out = rsn_tv_undefined(RSN_UNDEF_UNSAFE, name, v->kind);
        return REASON_OK;
    } else if (v->kind == RSN_TV_LOOP) {
        st = rsn_tpl_loop_attr(run, v, name, out);
    } else if (v->kind == RSN_TV_MACRO) {
        st = rsn_tpl_macro_attr(run, v, name, out);
    } else {
        read_property(v, name, out);
    }
    if (!st && out->kind == RSN_TV_MISSING) st = bind_method(run, v, name, out);
    if (!st && out->kind != RSN_TV_MISSING && name->n && name->data[0] == '_') {
        *out = rsn_tv_undefined(RSN_UNDEF_UNSAFE, name, v->kind);
    }
    return st;
}

reason_status rsn_tv_attr(rsn_tpl_run *run, const rsn_tv *v, const rsn_ts *name,
                          rsn_tv *out) {
    if (v->kind == RSN_TV_UNDEFINED) return rsn_tpl_raise_undefined(run, v);
    if (rsn_tv_own_attr(run, v, name, out)) return run->failed;
    if (out->kind == RSN_TV_MISSING && v->kind == RSN_TV_DICT) {
        if (rsn_td_get_text(run, v->as.dict, name, out)) return run->failed;
    }
    if (out->kind == RSN_TV_MISSING) {
        *out = rsn_tv_undefined(RSN_UNDEF_ATTR, name, v->kind);
    }
    return REASON_OK;
}

/* ---- items ---- */

static reason_status is_hashable(rsn_tpl_run *run, const rsn_tv *v, bool *yes) {
    *yes = v->kind != RSN_TV_LIST && v->kind != RSN_TV_DICT && v->kind != RSN_TV_VIEW;
    if (v->kind != RSN_TV_TUPLE) return REASON_OK;
    if (rsn_tpl_enter(run)) return run->failed;
    for (size_t i = 0; i < v->as.list->n && *yes && !rsn_tpl_charge(run, 1); i++) {
        (void)is_hashable(run, &v->as.list->items[i], yes);
    }
    rsn_tpl_leave(run);
    return run->failed;
}

static reason_status char_at(rsn_tpl_run *run, const rsn_tv *v, size_t index,
                             rsn_tv *out) {
    const rsn_ts *s = v->as.s;
    size_t from = rsn_ts_offset(s, index);
    size_t to =
        from + rsn_ts_offset(&(rsn_ts){s->data + from, s->n - from, s->chars - index}, 1);
    if (s->chars != s->n && rsn_tpl_charge_bytes(run, to)) return run->failed;
    if (rsn_tv_share(run, s->data + from, to - from, out)) return run->failed;
    out->flag = v->flag;
    return REASON_OK;
}

static reason_status item_at(rsn_tpl_run *run, const rsn_tv *v, int64_t index,
                             rsn_tv *out) {
    size_t n;
    (void)rsn_tv_length(v, &n);
    if (index < 0) index += (int64_t)n;
    if (index < 0 || (uint64_t)index >= n) return REASON_OK;
    size_t i = (size_t)index;
    if (v->kind == RSN_TV_STR) return char_at(run, v, i, out);
    if (v->kind == RSN_TV_RANGE) {
        *out = rsn_tv_int(v->as.range->start + (int64_t)i * v->as.range->step);
    } else {
        *out = v->as.list->items[i];
    }
    return REASON_OK;
}

static reason_status missing_item(rsn_tpl_run *run, const rsn_tv *v, const rsn_tv *key,
                                  rsn_tv *out) {
    if (key->kind == RSN_TV_STR) {
        *out = rsn_tv_undefined(RSN_UNDEF_ATTR, key->as.s, v->kind);
        return REASON_OK;
    }
    const rsn_ts *text;
    if (rsn_tv_is_number(key)) {
        if (rsn_tv_str(run, key, &text)) return run->failed;
        *out = rsn_tv_undefined(RSN_UNDEF_ELEMENT, text, v->kind);
        return REASON_OK;
    }
    if (rsn_tv_hint(run, "a value has no such element", out)) return run->failed;
    return REASON_OK;
}

reason_status rsn_tv_subscript(rsn_tpl_run *run, const rsn_tv *v, const rsn_tv *key,
                               rsn_tv *out) {
    bool hashable = true;
    *out = rsn_tv_of(RSN_TV_MISSING);
    if (v->kind == RSN_TV_UNDEFINED) return rsn_tpl_raise_undefined(run, v);
    if (v->kind == RSN_TV_DICT) {
        if (is_hashable(run, key, &hashable)) return run->failed;
        if (hashable && rsn_td_get(run, v->as.dict, *key, out)) return run->failed;
    } else if (rsn_tv_is_int(key) &&
               (v->kind == RSN_TV_STR || rsn_tv_is_seq(v) || v->kind == RSN_TV_RANGE)) {
        if (item_at(run, v, rsn_tv_as_int(key), out)) return run->failed;
    }
    if (out->kind == RSN_TV_MISSING && key->kind == RSN_TV_STR) {
        if (rsn_tv_own_attr(run, v, key->as.s, out)) return run->failed;
    }
    if (out->kind == RSN_TV_MISSING) return missing_item(run, v, key, out);
    return REASON_OK;
}

/* ---- slices ---- */

typedef struct slice {
    int64_t start, stop, step;
    size_t n; /* items taken */
} slice;

static int64_t clamp_bound(int64_t at, int64_t n, bool backward) {
    if (at < 0) {
        at += n;
        if (at < 0) at = backward ? -1 : 0;
    } else if (at >= n) {
        at = backward ? n - 1 : n;
    }
    return at;
}

static reason_status read_slice(rsn_tpl_run *run, const rsn_tv bounds[3], size_t length,
                                slice *s) {
    int64_t n = (int64_t)length;
    for (int i = 0; i < 3; i++) {
        if (bounds[i].kind != RSN_TV_NONE && !rsn_tv_is_int(&bounds[i])) {
            return rsn_tpl_raise(run, "slice indices must be integers or None, not '%s'",
                                 rsn_tv_type_name(&bounds[i]));
        }
    }
    s->step = bounds[2].kind == RSN_TV_NONE ? 1 : rsn_tv_as_int(&bounds[2]);
    if (s->step == 0) return rsn_tpl_raise(run, "slice step cannot be zero");
    if (s->step < -INT64_MAX) s->step = -INT64_MAX;
    bool backward = s->step < 0;
    int64_t start = backward ? n - 1 : 0, stop = backward ? -1 : n;
    if (bounds[0].kind != RSN_TV_NONE) {
        start = clamp_bound(rsn_tv_as_int(&bounds[0]), n, backward);
    }
    if (bounds[1].kind != RSN_TV_NONE) {
        stop = clamp_bound(rsn_tv_as_int(&bounds[1]), n, backward);
    }
    s->start = start;
    s->stop = stop;
    int64_t span = backward ? start - stop : stop - start;
    int64_t width = backward ? -s->step : s->step;
    s->n = span > 0 ? (size_t)((span - 1) / width) + 1 : 0;
    return REASON_OK;
}

static reason_status slice_text(rsn_tpl_run *run, const rsn_tv *v, const slice *sl,
                                rsn_tv *out) {
    const rsn_ts *s = v->as.s;
    reason_status st;
    if (sl->step == 1) {
        size_t from = rsn_ts_offset(s, sl->n ? (size_t)sl->start : 0);
        rsn_ts rest = {s->data + from, s->n - from,
                       s->chars - (sl->n ? (size_t)sl->start : 0)};
        st = rsn_tv_share(run, rest.data, rsn_ts_offset(&rest, sl->n), out);
        if (!st) st = rsn_tpl_charge_bytes(run, s->n);
    } else {
        rsn_tb b = {run, NULL, 0, 0};
        /* Where each character begins, so that any step is one look. */
        size_t *starts = rsn_tpl_alloc(run, s->chars + 1, sizeof *starts);
        if (!starts || rsn_tpl_charge(run, s->n + sl->n)) return run->failed;
        size_t k = 0;
        for (size_t i = 0; i < s->n; i++) {
            if (((unsigned char)s->data[i] & 0xC0) != 0x80) starts[k++] = i;
        }
        starts[k] = s->n;
        for (size_t i = 0; i < sl->n; i++) {
            size_t at = (size_t)(sl->start + (int64_t)i * sl->step);
            rsn_tb_add(&b, s->data + starts[at], starts[at + 1] - starts[at]);
        }
        st = rsn_tb_finish(&b, out);
    }
    out->flag = v->flag;
    return st;
}

static reason_status slice_items(rsn_tpl_run *run, const rsn_tv *v, const slice *sl,
                                 rsn_tv *out) {
    if (rsn_tpl_charge(run, sl->n)) return run->failed;
    rsn_tl *list = rsn_tl_new(run, sl->n);
    if (!list) return run->failed;
    for (size_t i = 0; i < sl->n; i++) {
        list->items[i] = v->as.list->items[sl->start + (int64_t)i * sl->step];
    }
    list->n = sl->n;
    *out = rsn_tv_list((rsn_tv_kind)v->kind, list);
    return REASON_OK;
}

static reason_status slice_range(rsn_tpl_run *run, const rsn_tv *v, const slice *sl,
                                 rsn_tv *out) {
    const rsn_tpl_range *from = v->as.range;
    rsn_tpl_range *r = rsn_tpl_alloc(run, 1, sizeof *r);
    int64_t start, step, stop;
    if (!r) return run->failed;
    if (__builtin_mul_overflow(sl->start, from->step, &start) ||
        __builtin_add_overflow(start, from->start, &start) ||
        __builtin_mul_overflow(sl->step, from->step, &step) ||
        __builtin_mul_overflow(sl->stop, from->step, &stop) ||
        __builtin_add_overflow(stop, from->start, &stop)) {
        return rsn_tpl_raise(run, "a slice of a range is out of bounds");
    }
    *r = (rsn_tpl_range){start, stop, step, sl->n};
    *out = rsn_tv_of(RSN_TV_RANGE);
    out->as.range = r;
    return REASON_OK;
}

reason_status rsn_tv_slice(rsn_tpl_run *run, const rsn_tv *v, const rsn_tv bounds[3],
                           rsn_tv *out) {
    slice s = {0, 0, 1, 0};
    size_t n = 0;
    bool sliceable = v->kind == RSN_TV_STR || rsn_tv_is_seq(v) || v->kind == RSN_TV_RANGE;
    if (v->kind == RSN_TV_UNDEFINED) return rsn_tpl_raise_undefined(run, v);
    if (!sliceable) {
        return rsn_tpl_raise(run, "'%s' object has no slices", rsn_tv_type_name(v));
    }
    (void)rsn_tv_length(v, &n);
    if (read_slice(run, bounds, n, &s)) return run->failed;
    if (v->kind == RSN_TV_STR) return slice_text(run, v, &s, out);
    if (v->kind == RSN_TV_RANGE) return slice_range(run, v, &s, out);
    return slice_items(run, v, &s, out);
}

/* ---- membership ---- */

static bool in_range(const rsn_tpl_range *r, const rsn_tv *v) {
    if (!rsn_tv_is_number(v) || r->n == 0) return false;
    if (v->kind == RSN_TV_FLOAT && !(v->as.f >= -9e18 && v->as.f <= 9e18)) return false;
    int64_t i = v->kind == RSN_TV_FLOAT ? (int64_t)v->as.f : rsn_tv_as_int(v);
    if (v->kind == RSN_TV_FLOAT && (double)i != v->as.f) return false;
    int64_t last = r->start + (int64_t)(r->n - 1) * r->step;
    if (r->step > 0 ? i < r->start || i > last : i > r->start || i < last) return false;
    uint64_t width = r->step > 0 ? (uint64_t)r->step : 0 - (uint64_t)r->step;
    uint64_t away =
        r->step > 0 ? (uint64_t)i - (uint64_t)r->start : (uint64_t)r->start - (uint64_t)i;
    return away % width == 0;
}

static reason_status among(rsn_tpl_run *run, const rsn_tv *box, const rsn_tv *v,
                           bool *found) {
    rsn_ti *it;
    rsn_tv item;
    if (rsn_ti_of(run, box, &it)) return run->failed;
    while (!*found) {
        if (rsn_tpl_charge(run, 1) || rsn_ti_next(run, it, &item)) return run->failed;
        if (item.kind == RSN_TV_MISSING) break;
        *found = rsn_tv_same(&item, v);
        if (!*found && rsn_tv_equal(run, &item, v, found)) return run->failed;
    }
    return REASON_OK;
}

reason_status rsn_tv_contains(rsn_tpl_run *run, const rsn_tv *box, const rsn_tv *v,
                              bool *found) {
    rsn_tv value;
    *found = false;
    if (box->kind == RSN_TV_STR) {
        if (v->kind != RSN_TV_STR) {
            return rsn_tpl_raise(run,
                                 "'in <string>' requires string as left operand, not %s",
                                 rsn_tv_type_name(v));
        }
        const rsn_ts *s = box->as.s, *part = v->as.s;
        *found = part->n == 0 || (s->n && memmem(s->data, s->n, part->data, part->n));
        return rsn_tpl_charge_bytes(run, s->n + part->n);
    }
    if (box->kind == RSN_TV_DICT ||
        (box->kind == RSN_TV_VIEW && box->flag == RSN_VIEW_KEYS)) {
        if (rsn_td_get(run, box->as.dict, *v, &value)) return run->failed;
        *found = value.kind != RSN_TV_MISSING;
        return REASON_OK;
    }
    if (box->kind == RSN_TV_RANGE) {
        *found = in_range(box->as.range, v);
        return REASON_OK;
    }
    if (!rsn_tv_iterable(box)) {
        return rsn_tpl_raise(run, "argument of type '%s' is not iterable",
                             rsn_tv_type_name(box));
    }
    return among(run, box, v, found);
}
