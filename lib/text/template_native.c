/* Owns how C functions are found and called: rows of tables, the binding of arguments
 * to their parameters, and the global functions. What filters, tests and methods do is
 * left to their own files. Invariant: a function sees only parameters that its row
 * names. */
#include "text/template_native.h"

#include <string.h>

#include "text/template.h"

const rsn_tpl_native *rsn_tpl_find_row(const rsn_tpl_native *rows, const char *name,
                                       size_t n) {
    for (; rows->name; rows++) {
        if (strlen(rows->name) == n && memcmp(rows->name, name, n) == 0) return rows;
    }
    return NULL;
}

const rsn_tpl_native *rsn_tpl_find_filter(const char *name, size_t n) {
    const rsn_tpl_native *row = rsn_tpl_find_row(rsn_tpl_text_filters, name, n);
    if (!row) row = rsn_tpl_find_row(rsn_tpl_number_filters, name, n);
    if (!row) row = rsn_tpl_find_row(rsn_tpl_list_filters, name, n);
    return row ? row : rsn_tpl_find_row(rsn_tpl_pick_filters, name, n);
}

const rsn_tpl_native *rsn_tpl_find_test(const char *name, size_t n) {
    return rsn_tpl_find_row(rsn_tpl_tests, name, n);
}

/* ---- arguments ---- */

reason_status rsn_tpl_int_arg(rsn_tpl_run *run, const rsn_tv *v, const char *what,
                              int64_t *out) {
    if (v->kind == RSN_TV_MISSING) return REASON_OK;
    if (v->kind == RSN_TV_UNDEFINED) return rsn_tpl_raise_undefined(run, v);
    if (!rsn_tv_is_int(v)) {
        return rsn_tpl_raise(run, "%s must be a whole number, not '%s'", what,
                             rsn_tv_type_name(v));
    }
    *out = rsn_tv_as_int(v);
    return REASON_OK;
}

reason_status rsn_tpl_text_arg(rsn_tpl_run *run, const rsn_tv *v, const char *what,
                               const rsn_ts **out) {
    if (v->kind == RSN_TV_MISSING) return REASON_OK;
    if (v->kind == RSN_TV_UNDEFINED) return rsn_tpl_raise_undefined(run, v);
    if (v->kind != RSN_TV_STR) {
        return rsn_tpl_raise(run, "%s must be str, not '%s'", what, rsn_tv_type_name(v));
    }
    *out = v->as.s;
    return REASON_OK;
}

/* One row's parameters, split. */
typedef struct params {
    rsn_text names[RSN_TPL_MAX_PARAMS];
    int n, n_positional; /* how many, and how many may be given by position */
    bool named;          /* may be given by name */
} params;

static params split_params(const char *list) {
    params p = {{{NULL, 0}}, 0, 0, true};
    bool behind_star = false;
    while (*list) {
        size_t n = strcspn(list, " ");
        if (*list == '*') {
            behind_star = true;
        } else if (*list == '/') {
            p.named = false;
        } else if (p.n < RSN_TPL_MAX_PARAMS) {
            p.names[p.n++] = (rsn_text){list, n};
            if (!behind_star) p.n_positional++;
        }
        list += n + (list[n] == ' ');
    }
    return p;
}

static reason_status bind_named(rsn_tpl_run *run, const rsn_tpl_native *native,
                                const params *p, const rsn_tpl_args *args, rsn_tv *v) {
    for (size_t k = 0; k < args->n_kw; k++) {
        const rsn_ts *name = args->names[k];
        int i = 0;
        while (i < p->n && (p->names[i].n != name->n ||
                            memcmp(p->names[i].data, name->data, name->n) != 0)) {
            i++;
        }
        if (i == p->n || !p->named) {
            return rsn_tpl_raise(run, "%s() got an unexpected keyword argument %s",
                                 native->name, rsn_quote(name->data, name->n).text);
        }
        if (v[i].kind != RSN_TV_MISSING) {
            return rsn_tpl_raise(run, "%s() got multiple values for argument %s",
                                 native->name, rsn_quote(name->data, name->n).text);
        }
        v[i] = args->values[k];
    }
    return REASON_OK;
}

static reason_status bind(rsn_tpl_run *run, const rsn_tpl_native *native,
                          const rsn_tpl_args *args, rsn_tv *v) {
    params p = split_params(native->params);
    for (int i = 0; i < RSN_TPL_MAX_PARAMS; i++) v[i] = rsn_tv_of(RSN_TV_MISSING);
    if (args->n_pos > (size_t)p.n_positional) {
        return rsn_tpl_raise(run, "%s() takes at most %d arguments (%zu given)",
                             native->name, p.n_positional, args->n_pos);
    }
    for (size_t i = 0; i < args->n_pos; i++) v[i] = args->pos[i];
    if (bind_named(run, native, &p, args, v)) return run->failed;
    for (int i = 0; i < native->n_required; i++) {
        if (v[i].kind == RSN_TV_MISSING) {
            return rsn_tpl_raise(run, "%s() is missing the argument '%.*s'", native->name,
                                 (int)p.names[i].n, p.names[i].data);
        }
    }
    return REASON_OK;
}

reason_status rsn_tpl_call_native(rsn_tpl_run *run, const rsn_tpl_native *native,
                                  const rsn_tv *self, const rsn_tpl_args *args,
                                  rsn_tv *out) {
    rsn_tv v[RSN_TPL_MAX_PARAMS];
    *out = rsn_tv_of(RSN_TV_NONE);
    if (rsn_tpl_charge(run, 1)) return run->failed;
    if (!native->fn) {
        return rsn_tpl_failed(run,
                              rsn_fail(REASON_ERR_UNSUPPORTED,
                                       "'%s' is not there in templates", native->name));
    }
    if (native->params && bind(run, native, args, v)) return run->failed;
    rsn_tpl_call call = {run, self, native->params ? v : NULL, args};
    reason_status st = native->fn(&call, out);
    return st ? rsn_tpl_failed(run, st) : run->failed;
}

/* ---- global functions ---- */

static reason_status raise_exception(const rsn_tpl_call *c, rsn_tv *out) {
    const rsn_ts *message;
    (void)out;
    if (rsn_tv_str(c->run, &c->v[0], &message)) return c->run->failed;
    return rsn_tpl_raise(c->run, "%.*s", message->n > 600 ? 600 : (int)message->n,
                         message->data);
}

static reason_status strftime_now(const rsn_tpl_call *c, rsn_tv *out) {
    const rsn_ts *format = NULL;
    if (rsn_tpl_text_arg(c->run, &c->v[0], "strftime() argument 1", &format)) {
        return c->run->failed;
    }
    return rsn_tpl_strftime(c->run, format, out);
}

static reason_status copy_entries(rsn_tpl_run *run, const rsn_td *from, rsn_td *to) {
    for (size_t i = 0; i < from->n; i++) {
        if (rsn_td_set(run, to, from->entries[i].key, from->entries[i].value)) break;
    }
    return run->failed;
}

/* dict() of something that gives pairs. */
static reason_status add_pairs(rsn_tpl_run *run, const rsn_tv *pairs, rsn_td *to) {
    rsn_ti *it;
    rsn_tv item;
    if (rsn_ti_of(run, pairs, &it)) return run->failed;
    for (;;) {
        rsn_tl *pair;
        if (rsn_tpl_charge(run, 1) || rsn_ti_next(run, it, &item)) return run->failed;
        if (item.kind == RSN_TV_MISSING) return REASON_OK;
        if (rsn_tv_collect(run, &item, &pair)) return run->failed;
        if (pair->n != 2) {
            return rsn_tpl_raise(run, "a pair for dict() has %zu items, 2 is required",
                                 pair->n);
        }
        if (rsn_td_set(run, to, pair->items[0], pair->items[1])) return run->failed;
    }
}

static reason_status make_dict(const rsn_tpl_call *c, rsn_tv *out) {
    const rsn_tpl_args *a = c->args;
    rsn_td *dict = rsn_td_new(c->run);
    if (!dict) return c->run->failed;
    if (a->n_pos > 1) {
        return rsn_tpl_raise(c->run, "dict expected at most 1 argument, got %zu",
                             a->n_pos);
    }
    if (a->n_pos && a->pos[0].kind == RSN_TV_UNDEFINED) {
        return rsn_tpl_raise_undefined(c->run, &a->pos[0]);
    }
    if (a->n_pos) {
        reason_status st = a->pos[0].kind == RSN_TV_DICT
                               ? copy_entries(c->run, a->pos[0].as.dict, dict)
                               : add_pairs(c->run, &a->pos[0], dict);
        if (st) return st;
    }
    for (size_t i = 0; i < a->n_kw; i++) {
        if (rsn_td_set(c->run, dict, rsn_tv_text(a->names[i]), a->values[i])) {
            return c->run->failed;
        }
    }
    *out = rsn_tv_dict(dict);
    return REASON_OK;
}

static reason_status make_namespace(const rsn_tpl_call *c, rsn_tv *out) {
    if (make_dict(c, out)) return c->run->failed;
    out->kind = RSN_TV_NAMESPACE;
    return REASON_OK;
}

static reason_status make_range(const rsn_tpl_call *c, rsn_tv *out) {
    int64_t start = 0, stop = 0, step = 1;
    rsn_tpl_run *run = c->run;
    bool one = c->v[1].kind == RSN_TV_MISSING;
    if (rsn_tpl_int_arg(run, &c->v[0], "an argument of range()", one ? &stop : &start) ||
        rsn_tpl_int_arg(run, &c->v[1], "an argument of range()", &stop) ||
        rsn_tpl_int_arg(run, &c->v[2], "an argument of range()", &step)) {
        return run->failed;
    }
    if (step == 0) return rsn_tpl_raise(run, "range() arg 3 must not be zero");
    uint64_t n = 0, width = step > 0 ? (uint64_t)step : 0 - (uint64_t)step;
    if (step > 0 && start < stop) n = ((uint64_t)stop - (uint64_t)start - 1) / width + 1;
    if (step < 0 && start > stop) n = ((uint64_t)start - (uint64_t)stop - 1) / width + 1;
    if (n > RSN_TEMPLATE_MAX_RANGE) {
        return rsn_tpl_failed(run,
                              rsn_fail(REASON_ERR_LIMIT,
                                       "range() of %llu items, at most %d are allowed",
                                       (unsigned long long)n, RSN_TEMPLATE_MAX_RANGE));
    }
    rsn_tpl_range *r = rsn_tpl_alloc(run, 1, sizeof *r);
    if (!r) return run->failed;
    *r = (rsn_tpl_range){start, stop, step, (size_t)n};
    *out = rsn_tv_of(RSN_TV_RANGE);
    out->as.range = r;
    return REASON_OK;
}

static reason_status make_cycler(const rsn_tpl_call *c, rsn_tv *out) {
    const rsn_tpl_args *a = c->args;
    if (a->n_pos == 0 || a->n_kw) {
        return rsn_tpl_raise(c->run, "cycler() wants items, given by position");
    }
    rsn_tl *items = rsn_tl_new(c->run, a->n_pos);
    if (!items) return c->run->failed;
    memcpy(items->items, a->pos, a->n_pos * sizeof *a->pos);
    items->n = a->n_pos;
    *out = rsn_tv_list(RSN_TV_CYCLER, items);
    return REASON_OK;
}

static reason_status make_joiner(const rsn_tpl_call *c, rsn_tv *out) {
    rsn_tl *state = rsn_tl_new(c->run, 1);
    rsn_tv separator = c->v[0];
    if (!state) return c->run->failed;
    if (separator.kind == RSN_TV_MISSING && rsn_tv_share(c->run, ", ", 2, &separator)) {
        return c->run->failed;
    }
    state->items[0] = separator;
    state->n = 1;
    *out = rsn_tv_list(RSN_TV_JOINER, state);
    return REASON_OK;
}

static const rsn_tpl_native globals[] = {
    {"raise_exception", raise_exception, "message", 1},
    {"strftime_now", strftime_now, "format", 1},
    {"namespace", make_namespace, NULL, 0},
    {"dict", make_dict, NULL, 0},
    {"range", make_range, "start stop step /", 1},
    {"cycler", make_cycler, NULL, 0},
    {"joiner", make_joiner, "sep", 0},
    {"lipsum", NULL, NULL, 0},
    {NULL, NULL, NULL, 0},
};

const rsn_tpl_native *rsn_tpl_find_global(const char *name, size_t n) {
    return rsn_tpl_find_row(globals, name, n);
}
