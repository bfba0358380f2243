/* Owns a render from its input to its output, and the output that is kept for set
 * blocks and macros. The machine is left to template_run.c. Invariant: on failure
 * `out` is as it was before. */
#include <stdio.h>
#include <string.h>

#include "text/template_vm.h"

/* ---- output ---- */

reason_status rsn_vm_print(rsn_tpl_run *run, const char *s, size_t n) {
    rsn_str *out = run->out;
    if (n > RSN_TEMPLATE_MAX_OUTPUT ||
        out->n - run->out_base > RSN_TEMPLATE_MAX_OUTPUT - n) {
        return rsn_tpl_failed(run, rsn_fail(REASON_ERR_LIMIT,
                                            "the template prints more than %d bytes",
                                            RSN_TEMPLATE_MAX_OUTPUT));
    }
    rsn_str_add(out, s, n);
    if (out->failed) return rsn_tpl_failed(run, REASON_ERR_NO_MEMORY);
    return rsn_tpl_charge(run, n / 16);
}

reason_status rsn_vm_capture(rsn_tpl_vm *vm) {
    if (vm->n_captures == vm->captures_cap) {
        size_t cap = vm->captures_cap ? vm->captures_cap * 2 : 16;
        size_t *captures = rsn_tpl_alloc(vm->run, cap, sizeof *captures);
        if (!captures) return vm->run->failed;
        if (vm->n_captures) {
            memcpy(captures, vm->captures, vm->n_captures * sizeof *captures);
        }
        vm->captures = captures;
        vm->captures_cap = cap;
    }
    vm->captures[vm->n_captures++] = vm->run->out->n;
    return REASON_OK;
}

reason_status rsn_vm_captured(rsn_tpl_vm *vm, rsn_tv *out) {
    rsn_str *s = vm->run->out;
    size_t from = vm->captures[--vm->n_captures];
    reason_status st = rsn_tv_copy(vm->run, rsn_str_text(s) + from, s->n - from, out);
    rsn_str_cut(s, from);
    return st;
}

void rsn_vm_drop_captures(rsn_tpl_vm *vm, size_t keep) {
    if (vm->n_captures <= keep) return;
    rsn_str_cut(vm->run->out, vm->captures[keep]);
    vm->n_captures = keep;
}

/* ---- a render ---- */

static reason_status read_variables(rsn_tpl_run *run, const rsn_template_input *in) {
    rsn_tv v;
    run->vars = rsn_td_new(run);
    if (!run->vars) return run->failed;
    if (in->messages_json) {
        const rsn_ts *name;
        if (rsn_tpl_read_json(run, in->messages_json, in->n_messages_json, &v)) {
            return rsn_tpl_failed(run, rsn_fail_within(run->failed, "messages"));
        }
        if (rsn_ts_share(run, "messages", 8, &name) ||
            rsn_td_set(run, run->vars, rsn_tv_text(name), v)) {
            return run->failed;
        }
    }
    for (size_t i = 0; i < in->n_variables; i++) {
        const char *json = in->variables_json[i];
        if (rsn_tpl_read_json(run, json, strlen(json), &v)) {
            return rsn_tpl_failed(run,
                                  rsn_fail_within(run->failed, "template variables"));
        }
        if (v.kind != RSN_TV_DICT) {
            return rsn_tpl_failed(
                run, rsn_fail(REASON_ERR_FORMAT,
                              "template variables must be a JSON object, found "
                              "a %s",
                              rsn_tv_type_name(&v)));
        }
        for (size_t k = 0; k < v.as.dict->n; k++) {
            const rsn_td_entry *e = &v.as.dict->entries[k];
            if (rsn_td_set(run, run->vars, e->key, e->value)) return run->failed;
        }
    }
    return REASON_OK;
}

static reason_status run_code(rsn_tpl_run *run) {
    char where[32];
    rsn_tpl_vm *vm = rsn_tpl_alloc(run, 1, sizeof *vm);
    if (!vm) return run->failed;
    memset(vm, 0, sizeof *vm);
    vm->run = run;
    vm->t = run->t;
    reason_status st = rsn_vm_execute(vm);
    if (!st) return REASON_OK;
    (void)snprintf(where, sizeof where, "template line %u", vm->line);
    return rsn_fail_within(rsn_tpl_failed(run, st), where);
}

reason_status rsn_template_render(const rsn_template *t, const rsn_template_input *in,
                                  rsn_str *out) {
    rsn_tpl_run run = {
        .t = t, .steps = RSN_TEMPLATE_MAX_STEPS, .out = out, .out_base = out->n};
    reason_status st = rsn_tpl_set_now(&run, in->now);
    if (!st) st = read_variables(&run, in);
    if (!st) st = run_code(&run);
    rsn_arena_free(&run.arena);
    rsn_str_free(&run.scratch);
    if (st) {
        rsn_str_cut(out, run.out_base);
        out->failed = false;
    }
    return st;
}
