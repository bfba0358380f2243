/* Owns the code of a template as it is written: instructions, constants, call sites,
 * and the walk over expression trees. Which variable a name is, is left to
 * template_scope.c. Invariant: trees are walked along `left` without recursion,
 * elsewhere no deeper than brackets were nested. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "text/template_compile.h"

/* ---- failing ---- */

static bool fail(rsn_compiler *c, reason_status status, uint32_t line, const char *fmt,
                 va_list args) {
    char text[512];
    int n = vsnprintf(text, sizeof text, fmt, args);
    if (n < 0) text[0] = '\0';
    (void)rsn_make_line(text, sizeof text);
    if (!c->failed) c->failed = rsn_fail(status, "template line %u: %s", line, text);
    return false;
}

bool rsn_compile_fail(rsn_compiler *c, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    (void)fail(c, REASON_ERR_FORMAT, c->tok.line, fmt, args);
    va_end(args);
    return false;
}

bool rsn_compile_fail_at(rsn_compiler *c, reason_status status, uint32_t line,
                         const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    (void)fail(c, status, line, fmt, args);
    va_end(args);
    return false;
}

bool rsn_compile_ok(rsn_compiler *c, reason_status status) {
    if (status && !c->failed) c->failed = status;
    return status == REASON_OK;
}

bool rsn_compile_enter(rsn_compiler *c) {
    if (c->failed) return false;
    if (c->depth < RSN_TEMPLATE_MAX_NESTING) {
        c->depth++;
        return true;
    }
    return rsn_compile_fail_at(c, REASON_ERR_LIMIT, c->tok.line,
                               "nested deeper than %d levels", RSN_TEMPLATE_MAX_NESTING);
}

void *rsn_compile_alloc(rsn_compiler *c, size_t n, size_t size) {
    void *p = rsn_arena_calloc2(&c->trees, n, size);
    if (!p) (void)rsn_compile_ok(c, REASON_ERR_NO_MEMORY);
    return p;
}

/* ---- instructions and tables ---- */

bool rsn_emit(rsn_compiler *c, rsn_op op, unsigned n, size_t arg, uint32_t line) {
    struct rsn_template *t = c->t;
    if (c->failed ||
        !rsn_compile_ok(c, RSN_GROW(&t->code, &t->code_cap, t->n_code + 1))) {
        return false;
    }
    t->code[t->n_code++] = (rsn_insn){(uint8_t)op, (uint16_t)n, (uint32_t)arg, line};
    return true;
}

uint32_t rsn_emit_here(const rsn_compiler *c) {
    return (uint32_t)c->t->n_code;
}

bool rsn_emit_jump(rsn_compiler *c, rsn_op op, unsigned n, uint32_t line, uint32_t *at) {
    *at = rsn_emit_here(c);
    return rsn_emit(c, op, n, 0, line);
}

void rsn_emit_patch(rsn_compiler *c, uint32_t at) {
    if (!c->failed) c->t->code[at].arg = rsn_emit_here(c);
}

/* No chain holds instruction 0, which enters the outermost scope. */
bool rsn_emit_chain(rsn_compiler *c, rsn_op op, uint32_t line, uint32_t *chain) {
    uint32_t before = *chain;
    *chain = rsn_emit_here(c);
    return rsn_emit(c, op, 0, before, line);
}

void rsn_emit_patch_chain(rsn_compiler *c, uint32_t chain) {
    while (!c->failed && chain) {
        uint32_t before = c->t->code[chain].arg;
        c->t->code[chain].arg = rsn_emit_here(c);
        chain = before;
    }
}

bool rsn_add_const(rsn_compiler *c, rsn_tv v, uint32_t *index) {
    struct rsn_template *t = c->t;
    if (!rsn_compile_ok(c, RSN_GROW(&t->consts, &t->consts_cap, t->n_consts + 1))) {
        return false;
    }
    *index = (uint32_t)t->n_consts;
    t->consts[t->n_consts++] = v;
    return true;
}

const rsn_ts *rsn_add_text(rsn_compiler *c, rsn_text text) {
    rsn_ts *s = rsn_arena_alloc(&c->t->arena, sizeof *s);
    if (s) *s = (rsn_ts){text.data, text.n, rsn_ts_count(text.data, text.n)};
    else (void)rsn_compile_ok(c, REASON_ERR_NO_MEMORY);
    return s;
}

bool rsn_add_text_const(rsn_compiler *c, rsn_text text, uint32_t *index) {
    const rsn_ts *s = rsn_add_text(c, text);
    return s && rsn_add_const(c, rsn_tv_text(s), index);
}

bool rsn_add_site(rsn_compiler *c, const rsn_tpl_site *site, uint32_t *index) {
    struct rsn_template *t = c->t;
    if (!rsn_compile_ok(c, RSN_GROW(&t->sites, &t->sites_cap, t->n_sites + 1))) {
        return false;
    }
    *index = (uint32_t)t->n_sites;
    t->sites[t->n_sites++] = *site;
    return true;
}

/* ---- names ---- */

static bool emit_name(rsn_compiler *c, rsn_op op, uint32_t name, uint32_t line) {
    if (!rsn_compile_ok(c, RSN_GROW(&c->fixups, &c->fixups_cap, c->n_fixups + 1))) {
        return false;
    }
    c->fixups[c->n_fixups++] =
        (rsn_fixup){rsn_scope_top(c)->scope, name, rsn_emit_here(c)};
    return rsn_emit(c, op, 0, 0, line);
}

bool rsn_emit_load_name(rsn_compiler *c, uint32_t name, uint32_t line) {
    return rsn_scope_event(c, RSN_EVENT_LOAD, name) &&
           emit_name(c, RSN_OP_LOAD, name, line);
}

bool rsn_emit_store_name(rsn_compiler *c, uint32_t name, uint32_t line) {
    return emit_name(c, RSN_OP_STORE, name, line);
}

/* Targets are nested no deeper than brackets. */
bool rsn_emit_store(rsn_compiler *c, rsn_event_kind kind, const rsn_node *target) {
    if (target->kind == RSN_NODE_NAME) {
        return rsn_scope_event(c, kind, target->arg) &&
               rsn_emit_store_name(c, target->arg, target->line);
    }
    if (!rsn_emit(c, RSN_OP_UNPACK, 0, target->n_items, target->line)) return false;
    for (const rsn_node *item = target->items; item; item = item->next) {
        if (!rsn_emit_store(c, kind, item)) return false;
    }
    return true;
}

/* ---- trees ---- */

static bool emit_items(rsn_compiler *c, rsn_node *node) {
    for (rsn_node *item = node->items; item; item = item->next) {
        if (!rsn_emit_node(c, item)) return false;
    }
    return true;
}

static bool emit_logic(rsn_compiler *c, rsn_node *node) {
    uint32_t jump;
    rsn_op op = node->kind == RSN_NODE_AND ? RSN_OP_AND : RSN_OP_OR;
    if (!rsn_emit_jump(c, op, 0, node->line, &jump) || !rsn_emit_node(c, node->right)) {
        return false;
    }
    rsn_emit_patch(c, jump);
    return true;
}

static bool emit_inline_if(rsn_compiler *c, rsn_node *node) {
    uint32_t otherwise, end;
    if (!rsn_emit_jump(c, RSN_OP_JUMP_FALSE, 0, node->line, &otherwise) ||
        !rsn_emit_node(c, node->right) ||
        !rsn_emit_jump(c, RSN_OP_JUMP, 0, node->line, &end)) {
        return false;
    }
    rsn_emit_patch(c, otherwise);
    if (node->third ? !rsn_emit_node(c, node->third)
                    : !rsn_emit(c, RSN_OP_NO_ELSE, 0, 0, node->line)) {
        return false;
    }
    rsn_emit_patch(c, end);
    return true;
}

/* a < b < c: each operand once, and the rest only while it holds. */
static bool emit_comparison(rsn_compiler *c, rsn_node *node) {
    uint32_t chain = 0, end;
    for (rsn_node *holder = node->items; holder; holder = holder->next) {
        if (!rsn_emit_node(c, holder->left)) return false;
        if (!holder->next) {
            if (!rsn_emit(c, RSN_OP_COMPARE, holder->op, 0, node->line)) return false;
        } else if (!rsn_emit(c, RSN_OP_CHAIN, holder->op, 0, node->line) ||
                   !rsn_emit_chain(c, RSN_OP_AND, node->line, &chain)) {
            return false;
        }
    }
    if (!chain) return true;
    if (!rsn_emit_jump(c, RSN_OP_JUMP, 0, node->line, &end)) return false;
    rsn_emit_patch_chain(c, chain);
    if (!rsn_emit(c, RSN_OP_DROP_UNDER, 0, 0, node->line)) return false;
    rsn_emit_patch(c, end);
    return true;
}

static bool emit_native(rsn_compiler *c, rsn_node *node) {
    bool filter = node->kind == RSN_NODE_FILTER;
    const rsn_tpl_site *site = &c->t->sites[node->arg];
    bool known = site->native && site->native->fn;
    if (!known && c->soft == 0 && rsn_scope_top(c)->soft == 0) {
        return rsn_compile_fail_at(c, REASON_ERR_UNSUPPORTED, node->line,
                                   "no %s named %s is there", filter ? "filter" : "test",
                                   rsn_quote(site->name->data, site->name->n).text);
    }
    return emit_items(c, node) &&
           rsn_emit(c, filter ? RSN_OP_FILTER : RSN_OP_TEST, 0, node->arg, node->line);
}

/* What remains to do once `left` is on the stack. */
static bool emit_rest(rsn_compiler *c, rsn_node *node) {
    uint32_t line = node->line;
    switch ((rsn_node_kind)node->kind) {
    case RSN_NODE_CONST: return rsn_emit(c, RSN_OP_CONST, 0, node->arg, line);
    case RSN_NODE_NAME: return rsn_emit_load_name(c, node->arg, line);
    case RSN_NODE_LIST:
        return emit_items(c, node) && rsn_emit(c, RSN_OP_LIST, 0, node->n_items, line);
    case RSN_NODE_TUPLE:
        return emit_items(c, node) && rsn_emit(c, RSN_OP_TUPLE, 0, node->n_items, line);
    case RSN_NODE_DICT:
        return emit_items(c, node) &&
               rsn_emit(c, RSN_OP_DICT, 0, node->n_items / 2, line);
    case RSN_NODE_BINARY:
        return rsn_emit_node(c, node->right) &&
               rsn_emit(c, RSN_OP_BINARY, node->op, 0, line);
    case RSN_NODE_NEGATE: return rsn_emit(c, RSN_OP_NEGATE, node->op, 0, line);
    case RSN_NODE_NOT: return rsn_emit(c, RSN_OP_NOT, 0, 0, line);
    case RSN_NODE_AND:
    case RSN_NODE_OR: return emit_logic(c, node);
    case RSN_NODE_CONCAT:
        return emit_items(c, node) &&
               rsn_emit(c, RSN_OP_CONCAT, 0, node->n_items + 1, line);
    case RSN_NODE_COMPARE: return emit_comparison(c, node);
    case RSN_NODE_COND: return emit_inline_if(c, node);
    case RSN_NODE_ATTR: return rsn_emit(c, RSN_OP_ATTR, 0, node->arg, line);
    case RSN_NODE_ITEM:
        return rsn_emit_node(c, node->right) && rsn_emit(c, RSN_OP_ITEM, 0, 0, line);
    case RSN_NODE_SLICE:
        return emit_items(c, node) && rsn_emit(c, RSN_OP_SLICE, 0, 0, line);
    case RSN_NODE_FILTER:
    case RSN_NODE_TEST: return emit_native(c, node);
    case RSN_NODE_CALL:
        return emit_items(c, node) && rsn_emit(c, RSN_OP_CALL, 0, node->arg, line);
    case RSN_NODE_MACRO: return rsn_emit(c, RSN_OP_MACRO, 0, node->arg, line);
    }
    return false;
}

bool rsn_emit_node(rsn_compiler *c, rsn_node *node) {
    rsn_node *n = node;
    if (c->failed) return false;
    for (;; n = n->left) {
        c->soft += n->kind == RSN_NODE_COND;
        if (!n->left) break;
        n->left->up = n;
    }
    for (;; n = n->up) {
        if (!emit_rest(c, n)) return false;
        c->soft -= n->kind == RSN_NODE_COND;
        if (n == node) return true;
    }
}
