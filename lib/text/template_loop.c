/* Owns the variable `loop`: positions, neighbours, cycle and changed. Running the loop
 * is left to template_run.c. Invariant: looking ahead draws each item once; it is kept
 * until it is due. */
#include "text/template_loop.h"

#include <stdio.h>
#include <string.h>

reason_status rsn_tpl_loop_step(rsn_tpl_run *run, rsn_tpl_loop *loop, rsn_tv *item) {
    if (loop->after.kind != RSN_TV_MISSING) {
        *item = loop->after;
        loop->after = rsn_tv_of(RSN_TV_MISSING);
    } else if (rsn_ti_next(run, loop->it, item)) {
        return run->failed;
    }
    if (item->kind == RSN_TV_MISSING) return REASON_OK;
    loop->index0++;
    loop->before = loop->current;
    loop->current = *item;
    return REASON_OK;
}

static reason_status peek(rsn_tpl_run *run, rsn_tpl_loop *loop) {
    if (loop->after.kind != RSN_TV_MISSING) return REASON_OK;
    return rsn_ti_next(run, loop->it, &loop->after);
}

/* What has no length is drawn to its end and walked on from the list. */
reason_status rsn_tpl_loop_length(rsn_tpl_run *run, rsn_tpl_loop *loop, size_t *n) {
    if (!loop->has_length && !rsn_tv_length(&loop->over, &loop->length)) {
        rsn_tl *rest;
        rsn_tv drawn = rsn_tv_iter(loop->it);
        if (rsn_tv_collect(run, &drawn, &rest)) return run->failed;
        drawn = rsn_tv_list(RSN_TV_LIST, rest);
        if (rsn_ti_of(run, &drawn, &loop->it)) return run->failed;
        loop->length =
            rest->n + (size_t)(loop->index0 + 1) + (loop->after.kind != RSN_TV_MISSING);
    }
    loop->has_length = true;
    *n = loop->length;
    return REASON_OK;
}

void rsn_tpl_loop_repr(rsn_tb *b, rsn_tpl_loop *loop) {
    char text[64];
    size_t n;
    if (rsn_tpl_loop_length(b->run, loop, &n)) return;
    (void)snprintf(text, sizeof text, "<LoopContext %lld/%zu>",
                   (long long)loop->index0 + 1, n);
    rsn_tb_addz(b, text);
}

/* ---- attributes ---- */

typedef reason_status (*property_fn)(rsn_tpl_run *run, rsn_tpl_loop *loop, rsn_tv *out);

static reason_status get_index(rsn_tpl_run *run, rsn_tpl_loop *loop, rsn_tv *out) {
    *out = rsn_tv_int(loop->index0 + 1);
    return run->failed;
}

static reason_status get_index0(rsn_tpl_run *run, rsn_tpl_loop *loop, rsn_tv *out) {
    *out = rsn_tv_int(loop->index0);
    return run->failed;
}

static reason_status get_length(rsn_tpl_run *run, rsn_tpl_loop *loop, rsn_tv *out) {
    size_t n = 0;
    reason_status st = rsn_tpl_loop_length(run, loop, &n);
    *out = rsn_tv_int((int64_t)n);
    return st;
}

static reason_status get_revindex(rsn_tpl_run *run, rsn_tpl_loop *loop, rsn_tv *out) {
    reason_status st = get_length(run, loop, out);
    out->as.i -= loop->index0;
    return st;
}

static reason_status get_revindex0(rsn_tpl_run *run, rsn_tpl_loop *loop, rsn_tv *out) {
    reason_status st = get_length(run, loop, out);
    out->as.i -= loop->index0 + 1;
    return st;
}

static reason_status get_first(rsn_tpl_run *run, rsn_tpl_loop *loop, rsn_tv *out) {
    *out = rsn_tv_bool(loop->index0 == 0);
    return run->failed;
}

static reason_status get_last(rsn_tpl_run *run, rsn_tpl_loop *loop, rsn_tv *out) {
    reason_status st = peek(run, loop);
    *out = rsn_tv_bool(loop->after.kind == RSN_TV_MISSING);
    return st;
}

static reason_status get_previtem(rsn_tpl_run *run, rsn_tpl_loop *loop, rsn_tv *out) {
    if (loop->index0 <= 0) return rsn_tv_hint(run, "there is no previous item", out);
    *out = loop->before;
    return REASON_OK;
}

static reason_status get_nextitem(rsn_tpl_run *run, rsn_tpl_loop *loop, rsn_tv *out) {
    if (peek(run, loop)) return run->failed;
    if (loop->after.kind == RSN_TV_MISSING) {
        return rsn_tv_hint(run, "there is no next item", out);
    }
    *out = loop->after;
    return REASON_OK;
}

static reason_status get_depth(rsn_tpl_run *run, rsn_tpl_loop *loop, rsn_tv *out) {
    *out = rsn_tv_int(loop->depth0 + 1);
    return run->failed;
}

static reason_status get_depth0(rsn_tpl_run *run, rsn_tpl_loop *loop, rsn_tv *out) {
    *out = rsn_tv_int(loop->depth0);
    return run->failed;
}

static const struct {
    const char *name;
    property_fn get;
} properties[] = {
    {"index", get_index},       {"index0", get_index0},     {"first", get_first},
    {"last", get_last},         {"length", get_length},     {"previtem", get_previtem},
    {"nextitem", get_nextitem}, {"revindex", get_revindex}, {"revindex0", get_revindex0},
    {"depth", get_depth},       {"depth0", get_depth0},
};

reason_status rsn_tpl_loop_attr(rsn_tpl_run *run, const rsn_tv *v, const rsn_ts *name,
                                rsn_tv *out) {
    for (size_t i = 0; i < sizeof properties / sizeof *properties; i++) {
        if (rsn_ts_is(name, properties[i].name)) {
            return properties[i].get(run, v->as.loop, out);
        }
    }
    return REASON_OK;
}

/* ---- methods ---- */

static reason_status cycle(const rsn_tpl_call *c, rsn_tv *out) {
    const rsn_tpl_args *a = c->args;
    if (a->n_pos == 0 || a->n_kw) {
        return rsn_tpl_raise(c->run, "no items for cycling given");
    }
    int64_t index = c->self->as.loop->index0;
    *out = a->pos[index < 0 ? 0 : (size_t)index % a->n_pos];
    return REASON_OK;
}

static reason_status changed(const rsn_tpl_call *c, rsn_tv *out) {
    const rsn_tpl_args *a = c->args;
    rsn_tpl_loop *loop = c->self->as.loop;
    bool equal = false;
    rsn_tl *given = rsn_tl_new(c->run, a->n_pos);
    if (!given) return c->run->failed;
    if (a->n_kw) return rsn_tpl_raise(c->run, "changed() takes no keyword arguments");
    if (a->n_pos) memcpy(given->items, a->pos, a->n_pos * sizeof *a->pos);
    given->n = a->n_pos;
    rsn_tv now = rsn_tv_list(RSN_TV_TUPLE, given);
    if (rsn_tv_equal(c->run, &loop->changed, &now, &equal)) return c->run->failed;
    if (!equal) loop->changed = now;
    *out = rsn_tv_bool(!equal);
    return REASON_OK;
}

const rsn_tpl_native rsn_tpl_loop_methods[] = {
    {"cycle", cycle, NULL, 0},
    {"changed", changed, NULL, 0},
    {NULL, NULL, NULL, 0},
};
