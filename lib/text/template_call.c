/* Owns calls: gathering arguments from the stack, binding those of macros, entering
 * and leaving them; recursive loops are entered and left as macros are. C functions bind
 * their own (template_native.c). Invariant: what runs so has one entry in vm->returns,
 * and there are at most RSN_TEMPLATE_MAX_CALLS. */
#include <string.h>

#include "text/template_vm.h"

/* ---- arguments ---- */

static size_t site_values(const rsn_tpl_site *site) {
    return site->n_pos + (size_t)site->n_kw + site->star + site->double_star;
}

static reason_status add_star(rsn_tpl_run *run, const rsn_tv *star, rsn_tpl_args *args) {
    rsn_tl *more;
    if (rsn_tv_collect(run, star, &more)) return run->failed;
    rsn_tv *pos = rsn_tpl_alloc(run, args->n_pos + more->n, sizeof *pos);
    if (!pos) return run->failed;
    if (args->n_pos) memcpy(pos, args->pos, args->n_pos * sizeof *pos);
    if (more->n) memcpy(pos + args->n_pos, more->items, more->n * sizeof *pos);
    args->pos = pos;
    args->n_pos += more->n;
    return REASON_OK;
}

static reason_status add_double_star(rsn_tpl_run *run, const rsn_tv *mapping,
                                     rsn_tpl_args *args) {
    if (mapping->kind != RSN_TV_DICT) {
        return rsn_tpl_raise(run, "argument after ** must be a mapping, not %s",
                             rsn_tv_type_name(mapping));
    }
    const rsn_td *dict = mapping->as.dict;
    size_t n = args->n_kw + dict->n;
    rsn_tv *values = rsn_tpl_alloc(run, n, sizeof *values);
    const rsn_ts **names = rsn_tpl_alloc(run, n, sizeof *names);
    if (run->failed || rsn_tpl_charge(run, n)) return run->failed;
    if (args->n_kw) {
        memcpy(values, args->values, args->n_kw * sizeof *values);
        memcpy(names, args->names, args->n_kw * sizeof *names);
    }
    for (size_t i = 0; i < dict->n; i++) {
        const rsn_td_entry *e = &dict->entries[i];
        if (e->key.kind != RSN_TV_STR) {
            return rsn_tpl_raise(run, "keywords must be strings");
        }
        for (size_t k = 0; k < args->n_kw; k++) {
            if (!rsn_ts_equal(names[k], e->key.as.s)) continue;
            return rsn_tpl_raise(run, "got multiple values for keyword argument %s",
                                 rsn_quote(e->key.as.s->data, e->key.as.s->n).text);
        }
        names[args->n_kw + i] = e->key.as.s;
        values[args->n_kw + i] = e->value;
    }
    args->values = values;
    args->names = names;
    args->n_kw = n;
    return REASON_OK;
}

/* What stands on the stack for a site. Stays valid after it is popped: the stack's
 * memory is never given back, and nothing is pushed before the callee has read it. */
static reason_status gather(rsn_tpl_vm *vm, const rsn_tpl_site *site,
                            rsn_tpl_args *args) {
    const rsn_tv *first = vm->stack + vm->n - site_values(site);
    const rsn_tv *next = first + site->n_pos + site->n_kw;
    *args =
        (rsn_tpl_args){first, site->n_pos, site->names, first + site->n_pos, site->n_kw};
    if (site->star && add_star(vm->run, next++, args)) return vm->run->failed;
    if (site->double_star && add_double_star(vm->run, next, args)) return vm->run->failed;
    return REASON_OK;
}

/* ---- filters and tests ---- */

reason_status rsn_vm_call_native(rsn_tpl_vm *vm, const rsn_tpl_site *site,
                                 const char *what) {
    rsn_tpl_args args;
    rsn_tv result;
    if (!site->native) {
        return rsn_tpl_failed(
            vm->run, rsn_fail(REASON_ERR_UNSUPPORTED, "no %s named %s is there", what,
                              rsn_quote(site->name->data, site->name->n).text));
    }
    if (gather(vm, site, &args)) return vm->run->failed;
    const rsn_tv self = vm->stack[vm->n - site_values(site) - 1];
    if (rsn_tpl_call_native(vm->run, site->native, &self, &args, &result)) {
        return vm->run->failed;
    }
    vm->n -= site_values(site) + 1;
    return rsn_vm_push(vm, result);
}

/* ---- macros ---- */

void rsn_tpl_macro_repr(rsn_tb *b, const rsn_tpl_macro *macro) {
    const rsn_ts *name = macro->info->name;
    rsn_tb_addz(b, "<Macro ");
    if (name) {
        rsn_tv text = rsn_tv_text(name);
        rsn_tb_repr(b, &text);
    } else {
        rsn_tb_addz(b, "anonymous");
    }
    rsn_tb_addc(b, '>');
}

reason_status rsn_tpl_macro_attr(rsn_tpl_run *run, const rsn_tv *v, const rsn_ts *name,
                                 rsn_tv *out) {
    const rsn_tpl_macro_info *info = v->as.macro->info;
    if (rsn_ts_is(name, "name")) {
        *out = info->name ? rsn_tv_text(info->name) : rsn_tv_of(RSN_TV_NONE);
    } else if (rsn_ts_is(name, "caller")) {
        *out = rsn_tv_bool(info->caller != RSN_TPL_NONE || info->named_caller);
    } else if (rsn_ts_is(name, "catch_kwargs")) {
        *out = rsn_tv_bool(info->kwargs != RSN_TPL_NONE);
    } else if (rsn_ts_is(name, "catch_varargs")) {
        *out = rsn_tv_bool(info->varargs != RSN_TPL_NONE);
    } else if (rsn_ts_is(name, "arguments")) {
        rsn_tl *list = rsn_tl_new(run, info->n_params);
        if (!list) return run->failed;
        for (uint32_t i = 0; i < info->n_params; i++) {
            list->items[list->n++] = rsn_tv_text(info->params[i]);
        }
        *out = rsn_tv_list(RSN_TV_TUPLE, list);
    }
    return REASON_OK;
}

/* Takes the keyword argument of this name; MISSING if there is none. */
static rsn_tv take_named(const rsn_tpl_args *args, bool *taken, const rsn_ts *name) {
    for (size_t i = 0; i < args->n_kw; i++) {
        if (taken[i] || !rsn_ts_equal(args->names[i], name)) continue;
        taken[i] = true;
        return args->values[i];
    }
    return rsn_tv_of(RSN_TV_MISSING);
}

static reason_status bind_caller(rsn_tpl_run *run, const rsn_tpl_macro_info *info,
                                 const rsn_tpl_args *args, bool *taken,
                                 rsn_tpl_frame *frame) {
    rsn_tv *caller = &frame->vars[info->caller];
    *caller = take_named(args, taken, &(rsn_ts){"caller", 6, 6});
    if (caller->kind != RSN_TV_MISSING && caller->kind != RSN_TV_NONE) return REASON_OK;
    return rsn_tv_hint(run, "No caller defined", caller);
}

static reason_status bind_rest(rsn_tpl_run *run, const rsn_tpl_macro_info *info,
                               const rsn_tpl_args *args, const bool *taken,
                               rsn_tpl_frame *frame) {
    const rsn_ts *name = info->name ? info->name : &(rsn_ts){"caller", 6, 6};
    rsn_quoted quoted = rsn_quote(name->data, name->n);
    rsn_td *dict = info->kwargs != RSN_TPL_NONE ? rsn_td_new(run) : NULL;
    for (size_t i = 0; i < args->n_kw && !run->failed; i++) {
        if (taken[i]) continue;
        if (!dict) {
            return rsn_tpl_raise(run, "macro %s takes no keyword argument %s",
                                 quoted.text,
                                 rsn_quote(args->names[i]->data, args->names[i]->n).text);
        }
        (void)rsn_td_set(run, dict, rsn_tv_text(args->names[i]), args->values[i]);
    }
    if (run->failed) return run->failed;
    if (dict) frame->vars[info->kwargs] = rsn_tv_dict(dict);
    size_t more = args->n_pos > info->n_params ? args->n_pos - info->n_params : 0;
    if (info->varargs != RSN_TPL_NONE) {
        rsn_tl *list = rsn_tl_new(run, more);
        if (!list) return run->failed;
        if (more) {
            memcpy(list->items, args->pos + info->n_params, more * sizeof *list->items);
        }
        list->n = more;
        frame->vars[info->varargs] = rsn_tv_list(RSN_TV_TUPLE, list);
    } else if (more) {
        return rsn_tpl_raise(run, "macro %s takes not more than %u argument(s)",
                             quoted.text, info->n_params);
    }
    return REASON_OK;
}

static reason_status bind_macro(rsn_tpl_run *run, const rsn_tpl_macro_info *info,
                                const rsn_tpl_args *args, rsn_tpl_frame *frame) {
    bool *taken = rsn_tpl_alloc(run, args->n_kw, sizeof *taken);
    if (!taken) return run->failed;
    memset(taken, 0, args->n_kw * sizeof *taken);
    for (uint32_t i = 0; i < info->n_params; i++) {
        frame->vars[info->slots[i]] =
            i < args->n_pos ? args->pos[i] : take_named(args, taken, info->params[i]);
    }
    if (rsn_tpl_charge(run, info->n_params * (args->n_kw + 1))) return run->failed;
    if (info->caller != RSN_TPL_NONE && bind_caller(run, info, args, taken, frame)) {
        return run->failed;
    }
    return bind_rest(run, info, args, taken, frame);
}

static reason_status check_depth(rsn_tpl_vm *vm) {
    if (vm->n_returns < RSN_TEMPLATE_MAX_CALLS) return REASON_OK;
    return rsn_tpl_failed(
        vm->run, rsn_fail(REASON_ERR_LIMIT,
                          "macros and recursive loops call one another more than %d deep",
                          RSN_TEMPLATE_MAX_CALLS));
}

/* Goes on at `at`, to come back to here with what is printed from now on. */
static reason_status go_to(rsn_tpl_vm *vm, uint32_t at, rsn_tpl_frame *frame,
                           const rsn_tpl_macro_info *macro) {
    vm->returns[vm->n_returns++] =
        (rsn_tpl_return){vm->pc, vm->frame, vm->macro, vm->n_captures};
    vm->frame = frame;
    vm->macro = macro;
    vm->pc = at;
    return rsn_vm_capture(vm);
}

static reason_status enter_macro(rsn_tpl_vm *vm, const rsn_tpl_macro *macro,
                                 const rsn_tpl_args *args, size_t to_pop) {
    const rsn_tpl_macro_info *info = macro->info;
    if (check_depth(vm)) return vm->run->failed;
    rsn_tpl_frame *frame = rsn_vm_new_frame(vm, info->scope, macro->closure);
    if (!frame || bind_macro(vm->run, info, args, frame) ||
        rsn_vm_begin_frame(vm, frame)) {
        return vm->run->failed;
    }
    vm->n -= to_pop;
    return go_to(vm, info->at, frame, info);
}

reason_status rsn_vm_recurse(rsn_tpl_vm *vm, const rsn_tpl_for *info,
                             rsn_tpl_frame *outer, rsn_tv over, int64_t depth0) {
    if (check_depth(vm) || rsn_vm_push(vm, rsn_tv_int(depth0)) || rsn_vm_push(vm, over)) {
        return vm->run->failed;
    }
    return go_to(vm, info->at, outer, vm->macro);
}

/* loop(items): the same loop one deeper, from within its body or wherever `loop` got
 * to. */
static reason_status enter_loop(rsn_tpl_vm *vm, const rsn_tpl_loop *loop,
                                const rsn_tpl_args *args, size_t to_pop) {
    if (!loop->info->recursive) {
        return rsn_tpl_raise(vm->run, "only a loop marked as recursive can be called");
    }
    bool by_name = args->n_kw == 1 && rsn_ts_is(args->names[0], "iterable");
    if (args->n_pos + args->n_kw != 1 || (args->n_kw && !by_name)) {
        return rsn_tpl_raise(vm->run, "loop() takes one argument, what to loop over");
    }
    const rsn_tv over = by_name ? args->values[0] : args->pos[0];
    vm->n -= to_pop;
    return rsn_vm_recurse(vm, loop->info, loop->outer, over, loop->depth0 + 1);
}

reason_status rsn_vm_return(rsn_tpl_vm *vm) {
    rsn_tv output;
    const rsn_tpl_return *r = &vm->returns[vm->n_returns - 1];
    if (rsn_vm_captured(vm, &output)) return vm->run->failed;
    rsn_vm_drop_captures(vm, r->n_captures);
    vm->n_returns--;
    vm->pc = r->pc;
    vm->frame = r->frame;
    vm->macro = r->macro;
    return rsn_vm_push(vm, output);
}

/* ---- calls ---- */

static reason_status join_next(rsn_tpl_run *run, rsn_tl *joiner, rsn_tv *out) {
    if (joiner->at++) {
        *out = joiner->items[0];
        return REASON_OK;
    }
    return rsn_tv_share(run, "", 0, out);
}

static reason_status call_value(rsn_tpl_vm *vm, const rsn_tv *callee,
                                const rsn_tpl_args *args, rsn_tv *out) {
    rsn_tpl_run *run = vm->run;
    switch ((rsn_tv_kind)callee->kind) {
    case RSN_TV_FUNCTION:
        return rsn_tpl_call_native(run, callee->as.native, NULL, args, out);
    case RSN_TV_METHOD:
        return rsn_tpl_call_native(run, callee->as.method->native,
                                   &callee->as.method->self, args, out);
    case RSN_TV_JOINER:
        if (args->n_pos || args->n_kw) {
            return rsn_tpl_raise(run, "a joiner takes no arguments");
        }
        return join_next(run, callee->as.list, out);
    case RSN_TV_UNDEFINED: return rsn_tpl_raise_undefined(run, callee);
    default:
        return rsn_tpl_raise(run, "'%s' object is not callable",
                             rsn_tv_type_name(callee));
    }
}

reason_status rsn_vm_call(rsn_tpl_vm *vm, const rsn_tpl_site *site) {
    rsn_tpl_args args;
    rsn_tv result;
    size_t to_pop = site_values(site) + 1;
    const rsn_tv callee = vm->stack[vm->n - to_pop];
    if (gather(vm, site, &args)) return vm->run->failed;
    if (callee.kind == RSN_TV_MACRO) {
        return enter_macro(vm, callee.as.macro, &args, to_pop);
    }
    if (callee.kind == RSN_TV_LOOP) {
        return enter_loop(vm, callee.as.loop, &args, to_pop);
    }
    if (call_value(vm, &callee, &args, &result)) return vm->run->failed;
    vm->n -= to_pop;
    return rsn_vm_push(vm, result);
}
