/* The machine that runs a template's code. Private to template_run.c, template_call.c and
 * template_render.c. */
#ifndef REASON_TEXT_TEMPLATE_VM_H
#define REASON_TEXT_TEMPLATE_VM_H

#include "text/template.h"
#include "text/template_code.h"
#include "text/template_loop.h"

/* A macro or recursive loop that is running: where it goes back to. */
typedef struct rsn_tpl_return {
    uint32_t pc;
    rsn_tpl_frame *frame;
    const rsn_tpl_macro_info *macro; /* that was running before */
    size_t n_captures;
} rsn_tpl_return;

enum { RSN_TPL_MAX_TESTS = 8 }; /* tests of loops that run within one another */

typedef struct rsn_tpl_vm {
    rsn_tpl_run *run;
    const struct rsn_template *t;
    uint32_t pc;
    uint32_t line; /* of the present instruction */
    rsn_tv *stack;
    size_t n, cap;
    rsn_tpl_frame *frame;
    const rsn_tpl_macro_info *macro; /* running; NULL: none */
    rsn_tpl_return returns[RSN_TEMPLATE_MAX_CALLS];
    size_t n_returns;
    size_t *captures; /* where in the output what is kept begins */
    size_t n_captures, captures_cap;
    size_t n_tests;
    bool stopped; /* at RETURN_TEST or END */
} rsn_tpl_vm;

reason_status rsn_vm_push(rsn_tpl_vm *vm, rsn_tv v);
static inline rsn_tv rsn_vm_pop(rsn_tpl_vm *vm) {
    return vm->stack[--vm->n];
}
/* Makes a frame, its parameters MISSING and nothing begun. */
rsn_tpl_frame *rsn_vm_new_frame(rsn_tpl_vm *vm, uint32_t scope, rsn_tpl_frame *parent);
/* Sets all variables but the parameters to what they begin as. */
reason_status rsn_vm_begin_frame(rsn_tpl_vm *vm, rsn_tpl_frame *frame);
/* Runs from vm->pc until RETURN_TEST or END. */
reason_status rsn_vm_execute(rsn_tpl_vm *vm);

/* Output (template_render.c). */
reason_status rsn_vm_print(rsn_tpl_run *run, const char *s, size_t n);
reason_status rsn_vm_capture(rsn_tpl_vm *vm);
reason_status rsn_vm_captured(rsn_tpl_vm *vm, rsn_tv *out);
void rsn_vm_drop_captures(rsn_tpl_vm *vm, size_t keep);

/* Calls of every kind (template_call.c). */
reason_status rsn_vm_call(rsn_tpl_vm *vm, const rsn_tpl_site *site);
reason_status rsn_vm_call_native(rsn_tpl_vm *vm, const rsn_tpl_site *site,
                                 const char *what);
reason_status rsn_vm_return(rsn_tpl_vm *vm);
/* Runs a recursive loop over a value, with the frame around the loop. */
reason_status rsn_vm_recurse(rsn_tpl_vm *vm, const rsn_tpl_for *info,
                             rsn_tpl_frame *outer, rsn_tv over, int64_t depth0);

#endif
