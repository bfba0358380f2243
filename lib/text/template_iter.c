/* Owns walking over values one item at a time. Filters that make iterators of their
 * own keep them beside the filter. Invariant: an iterator that has ended stays ended,
 * and iterators inside one another are at most RSN_TEMPLATE_MAX_NESTING, so drawing
 * from one needs little stack. */
#include <string.h>

#include "base/utf8.h"
#include "text/template.h"
#include "text/template_value.h"

static reason_status end_here(rsn_tpl_run *run, rsn_ti *it, rsn_tv *out) {
    (void)it;
    *out = rsn_tv_of(RSN_TV_MISSING);
    return run->failed;
}

static reason_status next_item(rsn_tpl_run *run, rsn_ti *it, rsn_tv *out) {
    const rsn_tl *list = it->source.as.list;
    if (it->at >= list->n) return end_here(run, it, out);
    *out = list->items[it->at++];
    return REASON_OK;
}

/* Characters of safe markup are plain text, as they are when Python walks over it. */
static reason_status next_char(rsn_tpl_run *run, rsn_ti *it, rsn_tv *out) {
    const rsn_ts *s = it->source.as.s;
    if (it->at >= s->n) return end_here(run, it, out);
    size_t end = it->at + 1;
    while (end < s->n && ((unsigned char)s->data[end] & 0xC0) == 0x80) end++;
    reason_status st = rsn_tv_share(run, s->data + it->at, end - it->at, out);
    it->at = end;
    return st;
}

static reason_status next_entry(rsn_tpl_run *run, rsn_ti *it, rsn_tv *out) {
    const rsn_td *dict = it->source.as.dict;
    if (it->at >= dict->n) return end_here(run, it, out);
    const rsn_td_entry *e = &dict->entries[it->at++];
    if (it->source.kind == RSN_TV_VIEW && it->source.flag == RSN_VIEW_ITEMS) {
        return rsn_tv_item(run, e, out);
    }
    *out = it->source.kind == RSN_TV_VIEW && it->source.flag == RSN_VIEW_VALUES ? e->value
                                                                                : e->key;
    return REASON_OK;
}

static reason_status next_number(rsn_tpl_run *run, rsn_ti *it, rsn_tv *out) {
    const rsn_tpl_range *r = it->source.as.range;
    if (it->at >= r->n) return end_here(run, it, out);
    *out = rsn_tv_int(r->start + (int64_t)it->at++ * r->step);
    return REASON_OK;
}

static rsn_ti_next_fn walker_of(const rsn_tv *v) {
    switch ((rsn_tv_kind)v->kind) {
    case RSN_TV_UNDEFINED: return end_here;
    case RSN_TV_STR: return next_char;
    case RSN_TV_LIST:
    case RSN_TV_TUPLE: return next_item;
    case RSN_TV_DICT:
    case RSN_TV_VIEW: return next_entry;
    case RSN_TV_RANGE: return next_number;
    default: return NULL;
    }
}

bool rsn_tv_iterable(const rsn_tv *v) {
    return v->kind == RSN_TV_ITER || walker_of(v) != NULL;
}

reason_status rsn_ti_make(rsn_tpl_run *run, rsn_ti_next_fn next, rsn_ti *inner,
                          void *state, rsn_ti **out) {
    rsn_ti *it = rsn_tpl_alloc(run, 1, sizeof *it);
    *out = it;
    if (!it) return run->failed;
    *it = (rsn_ti){next,  rsn_tv_of(RSN_TV_NONE),      inner, 0,
                   state, inner ? inner->depth + 1 : 0};
    if (it->depth > RSN_TEMPLATE_MAX_NESTING) {
        return rsn_tpl_failed(run, rsn_fail(REASON_ERR_LIMIT,
                                            "more than %d filters draw from one another",
                                            RSN_TEMPLATE_MAX_NESTING));
    }
    return REASON_OK;
}

reason_status rsn_ti_of(rsn_tpl_run *run, const rsn_tv *v, rsn_ti **out) {
    *out = NULL;
    if (v->kind == RSN_TV_ITER) {
        *out = v->as.iter;
        return REASON_OK;
    }
    rsn_ti_next_fn next = walker_of(v);
    if (!next) {
        return rsn_tpl_raise(run, "'%s' object is not iterable", rsn_tv_type_name(v));
    }
    if (rsn_ti_make(run, next, NULL, NULL, out)) return run->failed;
    (*out)->source = *v;
    return REASON_OK;
}

static reason_status next_from_end(rsn_tpl_run *run, rsn_ti *it, rsn_tv *out) {
    rsn_tl *items = it->state;
    if (items->n == 0) return end_here(run, it, out);
    *out = items->items[--items->n];
    return REASON_OK;
}

reason_status rsn_ti_reversed(rsn_tpl_run *run, const rsn_tv *v, rsn_tv *out) {
    rsn_tl *items;
    rsn_ti *it;
    if (rsn_tv_collect(run, v, &items) ||
        rsn_ti_make(run, next_from_end, NULL, items, &it)) {
        return run->failed;
    }
    /* Python walks backwards by index, and what indexing gives of markup is markup. */
    for (size_t i = 0; v->kind == RSN_TV_STR && i < items->n; i++) {
        items->items[i].flag = v->flag;
    }
    *out = rsn_tv_iter(it);
    return REASON_OK;
}

reason_status rsn_tv_collect(rsn_tpl_run *run, const rsn_tv *v, rsn_tl **out) {
    rsn_ti *it;
    rsn_tv item;
    size_t n = 0;
    *out = NULL;
    if (rsn_ti_of(run, v, &it)) return run->failed;
    if (rsn_tv_is_seq(v)) n = v->as.list->n;
    rsn_tl *list = rsn_tl_new(run, n);
    while (list) {
        if (rsn_tpl_charge(run, 1) || rsn_ti_next(run, it, &item)) break;
        if (item.kind == RSN_TV_MISSING) {
            *out = list;
            return REASON_OK;
        }
        if (rsn_tl_push(run, list, item)) break;
    }
    return run->failed;
}
