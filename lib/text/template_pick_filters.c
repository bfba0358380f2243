/* Owns map, select, reject and their kin: iterators that call a filter or a test for
 * each item when it is asked for, and not before. Invariant: what the arguments name
 * is looked up at the first item, as Jinja does, so a filter over nothing never fails. */
#include <string.h>

#include "text/template_native.h"
#include "text/template_value.h"

typedef enum pick_kind { PICK_MAP, PICK_SELECT, PICK_REJECT } pick_kind;

typedef struct pick {
    pick_kind kind;
    bool by_attribute; /* the first argument is what is tested */
    bool ready;
    rsn_tpl_args args;            /* then: those of the filter or test alone */
    const rsn_tpl_native *native; /* NULL: the item, or its truth */
    rsn_tpl_path path;
} pick;

/* The row that the argument names; nothing may be missing here. */
static reason_status look_up(rsn_tpl_run *run, pick *p, const rsn_tv *name) {
    bool map = p->kind == PICK_MAP;
    if (name->kind == RSN_TV_STR) {
        p->native = map ? rsn_tpl_find_filter(name->as.s->data, name->as.s->n)
                        : rsn_tpl_find_test(name->as.s->data, name->as.s->n);
    }
    if (p->native) return REASON_OK;
    const rsn_ts *text;
    if (rsn_tv_str(run, name, &text)) return run->failed;
    return rsn_tpl_raise(run, "No %s named %s.", map ? "filter" : "test",
                         rsn_quote(text->data, text->n).text);
}

static reason_status prepare_map_attribute(rsn_tpl_run *run, pick *p) {
    rsn_tv attribute = rsn_tv_of(RSN_TV_MISSING);
    for (size_t i = 0; i < p->args.n_kw; i++) {
        const rsn_ts *name = p->args.names[i];
        if (rsn_ts_is(name, "attribute")) {
            attribute = p->args.values[i];
        } else if (rsn_ts_is(name, "default")) {
            p->path.otherwise = p->args.values[i];
        } else {
            return rsn_tpl_raise(run, "Unexpected keyword argument %s",
                                 rsn_quote(name->data, name->n).text);
        }
    }
    if (attribute.kind == RSN_TV_MISSING) {
        return rsn_tpl_raise(run, "map requires a filter argument");
    }
    return rsn_tpl_read_path(run, &attribute, &p->path);
}

static reason_status prepare(rsn_tpl_run *run, pick *p) {
    p->ready = true;
    if (p->kind == PICK_MAP && p->args.n_pos == 0) return prepare_map_attribute(run, p);
    if (p->by_attribute) {
        if (p->args.n_pos == 0) {
            return rsn_tpl_raise(run, "Missing parameter for attribute name");
        }
        if (rsn_tpl_read_path(run, &p->args.pos[0], &p->path)) return run->failed;
        p->args.pos++;
        p->args.n_pos--;
    }
    if (p->args.n_pos == 0) return REASON_OK;
    if (look_up(run, p, &p->args.pos[0])) return run->failed;
    p->args.pos++;
    p->args.n_pos--;
    return REASON_OK;
}

static reason_status next_pick(rsn_tpl_run *run, rsn_ti *it, rsn_tv *out) {
    pick *p = it->state;
    rsn_tv item, result;
    if (!p->ready && prepare(run, p)) return run->failed;
    for (;;) {
        if (rsn_tpl_charge(run, 1) || rsn_ti_next(run, it->inner, &item)) {
            return run->failed;
        }
        *out = item;
        if (item.kind == RSN_TV_MISSING) return REASON_OK;
        if (rsn_tpl_follow(run, &p->path, &item, &result)) return run->failed;
        rsn_tv subject = result;
        if (p->native &&
            rsn_tpl_call_native(run, p->native, &subject, &p->args, &result)) {
            return run->failed;
        }
        if (p->kind == PICK_MAP) {
            *out = result;
            return REASON_OK;
        }
        if (rsn_tv_truth(&result) == (p->kind == PICK_SELECT)) return REASON_OK;
    }
}

/* The arguments lie on the machine's stack, so they are copied for later. */
static reason_status keep_args(rsn_tpl_run *run, const rsn_tpl_args *from,
                               rsn_tpl_args *to) {
    rsn_tv *pos = rsn_tpl_alloc(run, from->n_pos, sizeof *pos);
    rsn_tv *values = rsn_tpl_alloc(run, from->n_kw, sizeof *values);
    if (run->failed) return run->failed;
    if (from->n_pos) memcpy(pos, from->pos, from->n_pos * sizeof *pos);
    if (from->n_kw) memcpy(values, from->values, from->n_kw * sizeof *values);
    *to = (rsn_tpl_args){pos, from->n_pos, from->names, values, from->n_kw};
    return REASON_OK;
}

/* Gives an error only when the first item is asked for. */
static reason_status next_of_nothing(rsn_tpl_run *run, rsn_ti *it, rsn_tv *out) {
    rsn_ti *none;
    *out = rsn_tv_of(RSN_TV_MISSING);
    return rsn_ti_of(run, &it->source, &none);
}

static reason_status make_pick(const rsn_tpl_call *c, pick_kind kind, bool by_attribute,
                               rsn_tv *out) {
    rsn_tpl_run *run = c->run;
    rsn_ti *inner = NULL, *it;
    rsn_tv box = *c->self;
    pick *p = rsn_tpl_alloc(run, 1, sizeof *p);
    if (!p) return run->failed;
    *p = (pick){.kind = kind, .by_attribute = by_attribute};
    p->path.otherwise = rsn_tv_of(RSN_TV_MISSING);
    if (keep_args(run, c->args, &p->args)) return run->failed;
    bool walks = rsn_tv_truth(&box) && rsn_tv_iterable(&box);
    if (walks && rsn_ti_of(run, &box, &inner)) return run->failed;
    if (rsn_ti_make(run, walks ? next_pick : next_of_nothing, inner, p, &it)) {
        return run->failed;
    }
    if (!walks) it->source = rsn_tv_truth(&box) ? box : rsn_tv_of(RSN_TV_UNDEFINED);
    *out = rsn_tv_iter(it);
    return REASON_OK;
}

static reason_status filter_map(const rsn_tpl_call *c, rsn_tv *out) {
    return make_pick(c, PICK_MAP, false, out);
}

static reason_status filter_select(const rsn_tpl_call *c, rsn_tv *out) {
    return make_pick(c, PICK_SELECT, false, out);
}

static reason_status filter_reject(const rsn_tpl_call *c, rsn_tv *out) {
    return make_pick(c, PICK_REJECT, false, out);
}

static reason_status filter_selectattr(const rsn_tpl_call *c, rsn_tv *out) {
    return make_pick(c, PICK_SELECT, true, out);
}

static reason_status filter_rejectattr(const rsn_tpl_call *c, rsn_tv *out) {
    return make_pick(c, PICK_REJECT, true, out);
}

const rsn_tpl_native rsn_tpl_pick_filters[] = {
    {"map", filter_map, NULL, 0},
    {"select", filter_select, NULL, 0},
    {"reject", filter_reject, NULL, 0},
    {"selectattr", filter_selectattr, NULL, 0},
    {"rejectattr", filter_rejectattr, NULL, 0},
    {NULL, NULL, NULL, 0},
};
