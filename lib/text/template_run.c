/* Owns the stack machine: what each instruction does. Calls are left to
 * template_call.c, output and the render as a whole to template_render.c, what values
 * do to the files of values. Invariant: the machine calls itself only for the tests of
 * loops, at most RSN_TPL_MAX_TESTS deep; each instruction is a step, and steps are
 * bounded. */
#include <string.h>

#include "text/template_vm.h"

/* ---- stack and frames ---- */

reason_status rsn_vm_push(rsn_tpl_vm *vm, rsn_tv v) {
    if (vm->n == vm->cap) {
        size_t cap = vm->cap ? vm->cap * 2 : 64;
        rsn_tv *stack = rsn_tpl_alloc(vm->run, cap, sizeof *stack);
        if (!stack) return vm->run->failed;
        if (vm->n) memcpy(stack, vm->stack, vm->n * sizeof *stack);
        vm->stack = stack;
        vm->cap = cap;
    }
    vm->stack[vm->n++] = v;
    return vm->run->failed;
}

rsn_tpl_frame *rsn_vm_new_frame(rsn_tpl_vm *vm, uint32_t scope, rsn_tpl_frame *parent) {
    const rsn_tpl_scope *sc = &vm->t->scopes[scope];
    rsn_tpl_frame *frame =
        rsn_tpl_alloc(vm->run, 1, sizeof *frame + sc->n_vars * sizeof frame->vars[0]);
    if (!frame) return NULL;
    frame->scope = sc;
    frame->parent = parent;
    for (uint32_t i = 0; i < sc->n_vars; i++) frame->vars[i] = rsn_tv_of(RSN_TV_MISSING);
    return frame;
}

static reason_status look_up_input(rsn_tpl_run *run, const rsn_ts *name, rsn_tv *out) {
    if (rsn_td_get_text(run, run->vars, name, out)) return run->failed;
    if (out->kind != RSN_TV_MISSING) return REASON_OK;
    const rsn_tpl_native *native = rsn_tpl_find_global(name->data, name->n);
    if (native) {
        *out = rsn_tv_of(RSN_TV_FUNCTION);
        out->as.native = native;
    }
    return REASON_OK;
}

static rsn_tpl_frame *frame_out(rsn_tpl_frame *frame, unsigned hops) {
    while (hops--) frame = frame->parent;
    return frame;
}

reason_status rsn_vm_begin_frame(rsn_tpl_vm *vm, rsn_tpl_frame *frame) {
    const rsn_tpl_scope *sc = frame->scope;
    if (rsn_tpl_charge(vm->run, sc->n_vars)) return vm->run->failed;
    for (uint32_t i = 0; i < sc->n_vars; i++) {
        const rsn_tpl_var *var = &sc->vars[i];
        if (var->begin == RSN_BEGIN_UNSET) {
            frame->vars[i] = rsn_tv_of(RSN_TV_MISSING);
        } else if (var->begin == RSN_BEGIN_OUTER) {
            frame->vars[i] = frame_out(frame, var->hops)->vars[var->slot];
        } else if (var->begin == RSN_BEGIN_INPUT &&
                   look_up_input(vm->run, var->name, &frame->vars[i])) {
            return vm->run->failed;
        }
    }
    return REASON_OK;
}

/* ---- instructions ---- */

typedef reason_status (*op_fn)(rsn_tpl_vm *vm, const rsn_insn *insn);

static reason_status do_text(rsn_tpl_vm *vm, const rsn_insn *insn) {
    const rsn_ts *s = vm->t->consts[insn->arg].as.s;
    return rsn_vm_print(vm->run, s->data, s->n);
}

static reason_status do_print(rsn_tpl_vm *vm, const rsn_insn *insn) {
    const rsn_ts *s;
    const rsn_tv v = rsn_vm_pop(vm);
    if (insn->n && v.kind != RSN_TV_STR) {
        return rsn_tpl_raise(vm->run, "a block must give str to print, not '%s'",
                             rsn_tv_type_name(&v));
    }
    if (rsn_tv_str(vm->run, &v, &s)) return vm->run->failed;
    return rsn_vm_print(vm->run, s->data, s->n);
}

static reason_status do_const(rsn_tpl_vm *vm, const rsn_insn *insn) {
    return rsn_vm_push(vm, vm->t->consts[insn->arg]);
}

static reason_status do_load(rsn_tpl_vm *vm, const rsn_insn *insn) {
    const rsn_tpl_frame *frame = frame_out(vm->frame, insn->n);
    rsn_tv v = frame->vars[insn->arg];
    if (v.kind == RSN_TV_MISSING) {
        v = rsn_tv_undefined(RSN_UNDEF_NAME, frame->scope->vars[insn->arg].name, 0);
    }
    return rsn_vm_push(vm, v);
}

static reason_status do_store(rsn_tpl_vm *vm, const rsn_insn *insn) {
    vm->frame->vars[insn->arg] = rsn_vm_pop(vm);
    return REASON_OK;
}

static reason_status do_store_attr(rsn_tpl_vm *vm, const rsn_insn *insn) {
    const rsn_tv space = rsn_vm_pop(vm), v = rsn_vm_pop(vm);
    if (space.kind != RSN_TV_NAMESPACE) {
        return rsn_tpl_raise(vm->run, "cannot assign attribute on non-namespace object");
    }
    return rsn_td_set(vm->run, space.as.dict, vm->t->consts[insn->arg], v);
}

static reason_status do_attr(rsn_tpl_vm *vm, const rsn_insn *insn) {
    rsn_tv v = rsn_vm_pop(vm), out;
    if (rsn_tv_attr(vm->run, &v, vm->t->consts[insn->arg].as.s, &out)) {
        return vm->run->failed;
    }
    return rsn_vm_push(vm, out);
}

static reason_status do_item(rsn_tpl_vm *vm, const rsn_insn *insn) {
    rsn_tv key = rsn_vm_pop(vm), v = rsn_vm_pop(vm), out;
    (void)insn;
    if (rsn_tv_subscript(vm->run, &v, &key, &out)) return vm->run->failed;
    return rsn_vm_push(vm, out);
}

static reason_status do_slice(rsn_tpl_vm *vm, const rsn_insn *insn) {
    rsn_tv out;
    (void)insn;
    vm->n -= 4;
    const rsn_tv *v = &vm->stack[vm->n];
    if (rsn_tv_slice(vm->run, &v[0], &v[1], &out)) return vm->run->failed;
    return rsn_vm_push(vm, out);
}

static reason_status make_list(rsn_tpl_vm *vm, size_t n, rsn_tv_kind kind) {
    rsn_tl *list = rsn_tl_new(vm->run, n);
    if (!list || rsn_tpl_charge(vm->run, n)) return vm->run->failed;
    vm->n -= n;
    if (n) memcpy(list->items, &vm->stack[vm->n], n * sizeof *list->items);
    list->n = n;
    return rsn_vm_push(vm, rsn_tv_list(kind, list));
}

static reason_status do_list(rsn_tpl_vm *vm, const rsn_insn *insn) {
    return make_list(vm, insn->arg, RSN_TV_LIST);
}

static reason_status do_tuple(rsn_tpl_vm *vm, const rsn_insn *insn) {
    return make_list(vm, insn->arg, RSN_TV_TUPLE);
}

static reason_status do_dict(rsn_tpl_vm *vm, const rsn_insn *insn) {
    rsn_td *dict = rsn_td_new(vm->run);
    if (!dict) return vm->run->failed;
    vm->n -= 2 * (size_t)insn->arg;
    for (size_t i = 0; i < insn->arg; i++) {
        const rsn_tv *pair = &vm->stack[vm->n + 2 * i];
        if (rsn_td_set(vm->run, dict, pair[0], pair[1])) return vm->run->failed;
    }
    return rsn_vm_push(vm, rsn_tv_dict(dict));
}

static reason_status do_binary(rsn_tpl_vm *vm, const rsn_insn *insn) {
    rsn_tv b = rsn_vm_pop(vm), a = rsn_vm_pop(vm), out;
    if (rsn_tv_binary(vm->run, (rsn_tpl_binop)insn->n, &a, &b, &out)) {
        return vm->run->failed;
    }
    return rsn_vm_push(vm, out);
}

static reason_status do_negate(rsn_tpl_vm *vm, const rsn_insn *insn) {
    rsn_tv a = rsn_vm_pop(vm), out;
    if (rsn_tv_negate(vm->run, &a, insn->n, &out)) return vm->run->failed;
    return rsn_vm_push(vm, out);
}

static reason_status do_not(rsn_tpl_vm *vm, const rsn_insn *insn) {
    const rsn_tv a = rsn_vm_pop(vm);
    (void)insn;
    return rsn_vm_push(vm, rsn_tv_bool(!rsn_tv_truth(&a)));
}

static reason_status do_concat(rsn_tpl_vm *vm, const rsn_insn *insn) {
    rsn_tb b = {vm->run, NULL, 0, 0};
    rsn_tv out;
    vm->n -= insn->arg;
    for (size_t i = 0; i < insn->arg && !rsn_tpl_charge(vm->run, 1); i++) {
        rsn_tb_str(&b, &vm->stack[vm->n + i]);
    }
    if (rsn_tb_finish(&b, &out)) return vm->run->failed;
    return rsn_vm_push(vm, out);
}

static reason_status do_compare(rsn_tpl_vm *vm, const rsn_insn *insn) {
    rsn_tv b = rsn_vm_pop(vm), a = rsn_vm_pop(vm);
    bool yes;
    if (rsn_tv_compare(vm->run, (rsn_tpl_cmp)insn->n, &a, &b, &yes)) {
        return vm->run->failed;
    }
    if (insn->op == RSN_OP_CHAIN && rsn_vm_push(vm, b)) return vm->run->failed;
    return rsn_vm_push(vm, rsn_tv_bool(yes));
}

static reason_status do_drop_under(rsn_tpl_vm *vm, const rsn_insn *insn) {
    const rsn_tv top = rsn_vm_pop(vm);
    (void)insn;
    vm->stack[vm->n - 1] = top;
    return REASON_OK;
}

static reason_status do_jump(rsn_tpl_vm *vm, const rsn_insn *insn) {
    vm->pc = insn->arg;
    return REASON_OK;
}

static reason_status do_jump_false(rsn_tpl_vm *vm, const rsn_insn *insn) {
    const rsn_tv v = rsn_vm_pop(vm);
    if (!rsn_tv_truth(&v)) vm->pc = insn->arg;
    return REASON_OK;
}

static reason_status do_logic(rsn_tpl_vm *vm, const rsn_insn *insn) {
    bool decides = rsn_tv_truth(&vm->stack[vm->n - 1]) == (insn->op == RSN_OP_OR);
    if (decides) vm->pc = insn->arg;
    else vm->n--;
    return REASON_OK;
}

static reason_status do_no_else(rsn_tpl_vm *vm, const rsn_insn *insn) {
    rsn_tv v;
    (void)insn;
    if (rsn_tv_hint(vm->run, "the inline if-expression was false and has no else", &v)) {
        return vm->run->failed;
    }
    return rsn_vm_push(vm, v);
}

static reason_status do_filter(rsn_tpl_vm *vm, const rsn_insn *insn) {
    return rsn_vm_call_native(vm, &vm->t->sites[insn->arg], "filter");
}

static reason_status do_test(rsn_tpl_vm *vm, const rsn_insn *insn) {
    return rsn_vm_call_native(vm, &vm->t->sites[insn->arg], "test");
}

static reason_status do_call(rsn_tpl_vm *vm, const rsn_insn *insn) {
    return rsn_vm_call(vm, &vm->t->sites[insn->arg]);
}

static reason_status do_macro(rsn_tpl_vm *vm, const rsn_insn *insn) {
    rsn_tpl_macro *macro = rsn_tpl_alloc(vm->run, 1, sizeof *macro);
    if (!macro) return vm->run->failed;
    *macro = (rsn_tpl_macro){&vm->t->macros[insn->arg], vm->frame};
    rsn_tv v = rsn_tv_of(RSN_TV_MACRO);
    v.as.macro = macro;
    return rsn_vm_push(vm, v);
}

static reason_status do_enter(rsn_tpl_vm *vm, const rsn_insn *insn) {
    rsn_tpl_frame *frame = rsn_vm_new_frame(vm, insn->arg, vm->frame);
    if (!frame || rsn_vm_begin_frame(vm, frame)) return vm->run->failed;
    vm->frame = frame;
    return REASON_OK;
}

static reason_status do_leave(rsn_tpl_vm *vm, const rsn_insn *insn) {
    (void)insn;
    vm->frame = vm->frame->parent;
    return REASON_OK;
}

/* The items of what is unpacked are pushed last first, so that the first target finds
 * its own on top. */
static reason_status do_unpack(rsn_tpl_vm *vm, const rsn_insn *insn) {
    const rsn_tv v = rsn_vm_pop(vm);
    rsn_tl *items;
    if (rsn_tv_collect(vm->run, &v, &items)) return vm->run->failed;
    if (items->n != insn->arg) {
        return rsn_tpl_raise(vm->run, "cannot unpack %zu values into %u names", items->n,
                             insn->arg);
    }
    for (size_t i = items->n; i-- > 0;) {
        if (rsn_vm_push(vm, items->items[i])) return vm->run->failed;
    }
    return REASON_OK;
}

static reason_status do_capture(rsn_tpl_vm *vm, const rsn_insn *insn) {
    (void)insn;
    return rsn_vm_capture(vm);
}

static reason_status do_captured(rsn_tpl_vm *vm, const rsn_insn *insn) {
    rsn_tv v;
    (void)insn;
    if (rsn_vm_captured(vm, &v)) return vm->run->failed;
    return rsn_vm_push(vm, v);
}

static reason_status do_param(rsn_tpl_vm *vm, const rsn_insn *insn) {
    if (vm->frame->vars[vm->macro->slots[insn->n]].kind != RSN_TV_MISSING) {
        vm->pc = insn->arg;
    }
    return REASON_OK;
}

static reason_status do_no_param(rsn_tpl_vm *vm, const rsn_insn *insn) {
    rsn_tv *v = &vm->frame->vars[vm->macro->slots[insn->n]];
    if (v->kind != RSN_TV_MISSING) return REASON_OK;
    *v = rsn_tv_undefined(RSN_UNDEF_PARAM, vm->macro->params[insn->n], 0);
    return REASON_OK;
}

static reason_status do_return(rsn_tpl_vm *vm, const rsn_insn *insn) {
    (void)insn;
    return rsn_vm_return(vm);
}

static reason_status do_stop(rsn_tpl_vm *vm, const rsn_insn *insn) {
    (void)insn;
    vm->stopped = true;
    return REASON_OK;
}

/* ---- loops ---- */

/* The state of a loop's test: which loop, and the frame it runs in. */
typedef struct loop_test {
    rsn_tpl_vm *vm;
    const rsn_tpl_for *info;
    rsn_tpl_frame *frame;
} loop_test;

/* Runs the code of a test in the midst of whatever asks for the loop's next item. */
static reason_status run_test(loop_test *test, rsn_tv item, bool *pass) {
    rsn_tpl_vm *vm = test->vm;
    rsn_tpl_frame *frame = vm->frame;
    uint32_t pc = vm->pc;
    if (vm->n_tests == RSN_TPL_MAX_TESTS) {
        return rsn_tpl_failed(vm->run,
                              rsn_fail(REASON_ERR_LIMIT,
                                       "tests of loops run within one another %d deep",
                                       RSN_TPL_MAX_TESTS));
    }
    if (rsn_vm_push(vm, item)) return vm->run->failed;
    vm->n_tests++;
    vm->frame = test->frame;
    vm->pc = test->info->test_at;
    reason_status st = rsn_vm_execute(vm);
    vm->stopped = false;
    vm->n_tests--;
    vm->frame = frame;
    vm->pc = pc;
    if (st) return st;
    const rsn_tv result = rsn_vm_pop(vm);
    *pass = rsn_tv_truth(&result);
    return REASON_OK;
}

static reason_status next_passing(rsn_tpl_run *run, rsn_ti *it, rsn_tv *out) {
    bool pass = false;
    while (!pass) {
        if (rsn_tpl_charge(run, 1) || rsn_ti_next(run, it->inner, out)) {
            return run->failed;
        }
        if (out->kind == RSN_TV_MISSING) return REASON_OK;
        if (run_test(it->state, *out, &pass)) return run->failed;
    }
    return REASON_OK;
}

static reason_status filter_loop(rsn_tpl_vm *vm, rsn_tpl_loop *loop) {
    loop_test *test = rsn_tpl_alloc(vm->run, 1, sizeof *test);
    rsn_tpl_frame *frame = rsn_vm_new_frame(vm, (uint32_t)loop->info->test, vm->frame);
    if (!test || !frame || rsn_vm_begin_frame(vm, frame)) return vm->run->failed;
    *test = (loop_test){vm, loop->info, frame};
    if (rsn_ti_make(vm->run, next_passing, loop->it, test, &loop->it)) {
        return vm->run->failed;
    }
    loop->over = rsn_tv_iter(loop->it);
    return REASON_OK;
}

static reason_status do_for(rsn_tpl_vm *vm, const rsn_insn *insn) {
    const rsn_tpl_for *info = &vm->t->fors[insn->arg];
    const rsn_tv over = rsn_vm_pop(vm), missing = rsn_tv_of(RSN_TV_MISSING);
    int64_t depth0 = info->recursive ? rsn_vm_pop(vm).as.i : 0;
    rsn_tpl_loop *loop = rsn_tpl_alloc(vm->run, 1, sizeof *loop);
    rsn_tpl_frame *body = rsn_vm_new_frame(vm, info->body, vm->frame);
    if (!loop || !body) return vm->run->failed;
    *loop = (rsn_tpl_loop){.info = info,
                           .outer = vm->frame,
                           .body = body,
                           .over = over,
                           .index0 = -1,
                           .depth0 = depth0,
                           .before = missing,
                           .current = missing,
                           .after = missing,
                           .changed = missing,
                           .n_captures = vm->n_captures};
    if (rsn_ti_of(vm->run, &over, &loop->it)) return vm->run->failed;
    if (info->test != RSN_TPL_NONE && filter_loop(vm, loop)) return vm->run->failed;
    rsn_tv v = rsn_tv_of(RSN_TV_LOOP);
    v.as.loop = loop;
    if (info->loop != RSN_TPL_NONE) body->vars[info->loop] = v;
    return rsn_vm_push(vm, v);
}

static reason_status do_recurse(rsn_tpl_vm *vm, const rsn_insn *insn) {
    const rsn_tv over = rsn_vm_pop(vm);
    return rsn_vm_recurse(vm, &vm->t->fors[insn->arg], vm->frame, over, 0);
}

static reason_status do_for_next(rsn_tpl_vm *vm, const rsn_insn *insn) {
    rsn_tpl_loop *loop = vm->stack[vm->n - 1].as.loop;
    rsn_tv item;
    rsn_vm_drop_captures(vm, loop->n_captures);
    vm->frame = loop->outer; /* where a test would look */
    if (rsn_tpl_loop_step(vm->run, loop, &item)) return vm->run->failed;
    if (item.kind == RSN_TV_MISSING) {
        vm->pc = insn->arg;
        return REASON_OK;
    }
    if (rsn_vm_begin_frame(vm, loop->body)) return vm->run->failed;
    vm->frame = loop->body;
    return rsn_vm_push(vm, item);
}

static reason_status do_for_done(rsn_tpl_vm *vm, const rsn_insn *insn) {
    (void)insn;
    vm->stack[vm->n - 1].as.loop->completed = true;
    return REASON_OK;
}

static reason_status do_for_end(rsn_tpl_vm *vm, const rsn_insn *insn) {
    const rsn_tpl_loop *loop = rsn_vm_pop(vm).as.loop;
    rsn_vm_drop_captures(vm, loop->n_captures);
    vm->frame = loop->outer;
    if (loop->completed) vm->pc = insn->arg;
    return REASON_OK;
}

/* ---- the machine ---- */

static const op_fn ops[RSN_OP_N] = {
    [RSN_OP_TEXT] = do_text,
    [RSN_OP_PRINT] = do_print,
    [RSN_OP_CONST] = do_const,
    [RSN_OP_LOAD] = do_load,
    [RSN_OP_STORE] = do_store,
    [RSN_OP_STORE_ATTR] = do_store_attr,
    [RSN_OP_ATTR] = do_attr,
    [RSN_OP_ITEM] = do_item,
    [RSN_OP_SLICE] = do_slice,
    [RSN_OP_LIST] = do_list,
    [RSN_OP_TUPLE] = do_tuple,
    [RSN_OP_DICT] = do_dict,
    [RSN_OP_BINARY] = do_binary,
    [RSN_OP_NEGATE] = do_negate,
    [RSN_OP_NOT] = do_not,
    [RSN_OP_CONCAT] = do_concat,
    [RSN_OP_COMPARE] = do_compare,
    [RSN_OP_CHAIN] = do_compare,
    [RSN_OP_DROP_UNDER] = do_drop_under,
    [RSN_OP_JUMP] = do_jump,
    [RSN_OP_JUMP_FALSE] = do_jump_false,
    [RSN_OP_AND] = do_logic,
    [RSN_OP_OR] = do_logic,
    [RSN_OP_NO_ELSE] = do_no_else,
    [RSN_OP_FILTER] = do_filter,
    [RSN_OP_TEST] = do_test,
    [RSN_OP_CALL] = do_call,
    [RSN_OP_MACRO] = do_macro,
    [RSN_OP_ENTER] = do_enter,
    [RSN_OP_LEAVE] = do_leave,
    [RSN_OP_RECURSE] = do_recurse,
    [RSN_OP_FOR] = do_for,
    [RSN_OP_FOR_NEXT] = do_for_next,
    [RSN_OP_FOR_DONE] = do_for_done,
    [RSN_OP_FOR_END] = do_for_end,
    [RSN_OP_UNPACK] = do_unpack,
    [RSN_OP_CAPTURE] = do_capture,
    [RSN_OP_CAPTURED] = do_captured,
    [RSN_OP_PARAM] = do_param,
    [RSN_OP_NO_PARAM] = do_no_param,
    [RSN_OP_RETURN] = do_return,
    [RSN_OP_RETURN_TEST] = do_stop,
    [RSN_OP_END] = do_stop,
};

reason_status rsn_vm_execute(rsn_tpl_vm *vm) {
    while (!vm->stopped) {
        const rsn_insn *insn = &vm->t->code[vm->pc++];
        vm->line = insn->line;
        if (vm->run->steps-- <= 0) {
            vm->run->steps = 0;
            return rsn_tpl_charge(vm->run, 1);
        }
        reason_status st = ops[insn->op](vm, insn);
        if (st) return st;
    }
    return REASON_OK;
}
