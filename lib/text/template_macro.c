/* Owns the statements that make macros: macro, call and generation. Invariant: a
 * macro's code ends with RETURN and is jumped over where it stands. */
#include <string.h>

#include "base/array.h"
#include "text/template_compile.h"

/* Names and defaults of a macro, as nodes: NAME, whose right is the default. */
static bool parse_signature(rsn_compiler *c, rsn_node **out) {
    rsn_node *params = rsn_node_new(c, RSN_NODE_LIST, NULL);
    bool defaults = false;
    *out = params;
    if (!params || !rsn_tok_expect(c, RSN_TOK_LPAREN, "(")) return false;
    while (c->tok.kind != RSN_TOK_RPAREN) {
        if (params->n_items && !rsn_tok_expect(c, RSN_TOK_COMMA, ", or )")) return false;
        rsn_node *param = rsn_node_new(c, RSN_NODE_NAME, NULL);
        if (!param || !rsn_scope_intern(c, c->tok.text, &param->arg)) return false;
        for (const rsn_node *p = params->items; p; p = p->next) {
            if (p->arg == param->arg) {
                return rsn_compile_fail(c, "a parameter is named twice");
            }
        }
        if (!rsn_tok_expect(c, RSN_TOK_NAME, "the name of a parameter")) return false;
        if (c->tok.kind == RSN_TOK_ASSIGN) {
            param->right = rsn_tok_advance(c) ? rsn_parse_expression(c, true) : NULL;
            if (!param->right) return false;
            defaults = true;
        } else if (defaults) {
            return rsn_compile_fail(c, "a parameter without default follows one with");
        }
        rsn_node_append(params, param);
        if (params->n_items > 255) {
            return rsn_compile_fail_at(c, REASON_ERR_LIMIT, c->tok.line,
                                       "more than 255 parameters");
        }
    }
    return rsn_tok_advance(c);
}

static bool emit_params(rsn_compiler *c, rsn_tpl_macro_info *info, rsn_node *params) {
    unsigned i = 0;
    info->n_params = params ? params->n_items : 0;
    info->params = rsn_arena_calloc2(&c->t->arena, info->n_params, sizeof *info->params);
    info->slots = rsn_arena_calloc2(&c->t->arena, info->n_params, sizeof *info->slots);
    if (!info->params || !info->slots) return rsn_compile_ok(c, REASON_ERR_NO_MEMORY);
    for (rsn_node *p = params ? params->items : NULL; p; p = p->next) {
        if (!rsn_scope_event(c, RSN_EVENT_PARAM, p->arg)) return false;
        info->params[i] = c->names[p->arg].text;
        info->slots[i++] = p->arg; /* becomes a variable when names are resolved */
        info->named_caller =
            info->named_caller || p->arg == c->specials[RSN_SPECIAL_CALLER];
    }
    i = 0;
    for (rsn_node *p = params ? params->items : NULL; p; p = p->next, i++) {
        uint32_t given;
        if (!p->right) {
            if (!rsn_emit(c, RSN_OP_NO_PARAM, i, 0, p->line)) return false;
            continue;
        }
        if (!rsn_emit_jump(c, RSN_OP_PARAM, i, p->line, &given) ||
            !rsn_emit_node(c, p->right) || !rsn_emit_store_name(c, p->arg, p->line)) {
            return false;
        }
        rsn_emit_patch(c, given);
    }
    return true;
}

static bool is_param(const rsn_node *params, uint32_t name, bool *has_default) {
    for (const rsn_node *p = params ? params->items : NULL; p; p = p->next) {
        *has_default = p->right != NULL;
        if (p->arg == name) return true;
    }
    return false;
}

/* caller, kwargs and varargs are parameters if the body reads them and no parameter is
 * named so. Their events stand at the scope's begin and are taken back here. */
static bool settle_specials(rsn_compiler *c, rsn_tpl_macro_info *info,
                            const rsn_node *params, const size_t *events) {
    const uint8_t *seen = rsn_scope_top(c)->seen;
    int32_t *vars[RSN_N_SPECIALS] = {&info->caller, &info->kwargs, &info->varargs};
    for (size_t k = 0; k < RSN_N_SPECIALS; k++) {
        bool has_default = false, named = is_param(params, c->specials[k], &has_default);
        *vars[k] = RSN_TPL_NONE;
        if (seen[k] != 1 || named) c->events[events[k]].kind = RSN_EVENT_NOTHING;
        else *vars[k] = (int32_t)c->specials[k]; /* as above */
        if (k == RSN_SPECIAL_CALLER && seen[k] == 1 && named && !has_default) {
            return rsn_compile_fail(c, "the parameter caller must have a default");
        }
    }
    return true;
}

/* The code of a macro, jumped over; its body ends with the tag `end`. */
static bool parse_macro_code(rsn_compiler *c, const rsn_ts *name, rsn_node *params,
                             const char *end, uint32_t *index) {
    struct rsn_template *t = c->t;
    rsn_tpl_macro_info info = {.name = name};
    rsn_open_loop outer = c->loop;
    uint32_t over, line = c->tok.line;
    if (!rsn_compile_ok(c, RSN_GROW(&t->macros, &t->macros_cap, t->n_macros + 1)) ||
        !rsn_emit_jump(c, RSN_OP_JUMP, 0, line, &over) ||
        !rsn_scope_open(c, &info.scope)) {
        return false;
    }
    *index = (uint32_t)t->n_macros++;
    t->macros[*index] = info; /* complete in case of failure */
    info.at = rsn_emit_here(c);
    c->loop = (rsn_open_loop){false, 0, 0};
    size_t events[RSN_N_SPECIALS];
    for (int k = 0; k < RSN_N_SPECIALS; k++) {
        if (!rsn_scope_reserve(c, c->specials[k], &events[k])) return false;
    }
    if (!emit_params(c, &info, params)) return false;
    rsn_scope_top(c)->in_macro_body = true;
    if (!rsn_parse_block(c, end) || !settle_specials(c, &info, params, events) ||
        !rsn_emit(c, RSN_OP_RETURN, 0, 0, line)) {
        return false;
    }
    rsn_scope_close(c);
    c->loop = outer;
    t->macros[*index] = info;
    rsn_emit_patch(c, over);
    return true;
}

bool rsn_parse_macro(rsn_compiler *c) {
    rsn_node *params;
    uint32_t name = 0, index, line = c->tok.line;
    if (c->tok.kind == RSN_TOK_NAME && !rsn_scope_intern(c, c->tok.text, &name)) {
        return false;
    }
    return rsn_tok_expect(c, RSN_TOK_NAME, "the name of a macro") &&
           parse_signature(c, &params) &&
           parse_macro_code(c, c->names[name].text, params, "endmacro", &index) &&
           rsn_emit(c, RSN_OP_MACRO, 0, index, line) &&
           rsn_scope_event(c, RSN_EVENT_STORE, name) &&
           rsn_emit_store_name(c, name, line);
}

/* Adds caller=macro to the arguments of a call, behind those that are given by name. */
static bool add_caller(rsn_compiler *c, rsn_node *call, uint32_t macro) {
    rsn_tpl_site site = c->t->sites[call->arg];
    rsn_node *caller = rsn_node_new(c, RSN_NODE_MACRO, NULL), *before = NULL;
    const rsn_ts **names = rsn_arena_calloc2(&c->t->arena, site.n_kw + 1u, sizeof *names);
    if (!names) return rsn_compile_ok(c, REASON_ERR_NO_MEMORY);
    if (!caller) return false;
    if (site.n_kw) memcpy(names, site.names, site.n_kw * sizeof *names);
    for (size_t i = 0; i < site.n_kw; i++) {
        if (rsn_ts_is(names[i], "caller")) {
            return rsn_compile_fail(c, "the argument caller is given twice");
        }
    }
    names[site.n_kw] = c->names[c->specials[RSN_SPECIAL_CALLER]].text;
    site.names = names;
    caller->arg = macro;
    for (size_t i = 0; i < site.n_pos + (size_t)site.n_kw; i++) {
        before = before ? before->next : call->items;
    }
    caller->next = before ? before->next : call->items;
    if (before) before->next = caller;
    else call->items = caller;
    call->n_items++;
    site.n_kw++;
    return rsn_add_site(c, &site, &call->arg);
}

bool rsn_parse_call(rsn_compiler *c) {
    rsn_node *params = NULL;
    uint32_t index, line = c->tok.line;
    if (c->tok.kind == RSN_TOK_LPAREN && !parse_signature(c, &params)) return false;
    rsn_node *call = rsn_parse_expression(c, true);
    if (!call) return false;
    if (call->kind != RSN_NODE_CALL) return rsn_compile_fail(c, "expected a call");
    return parse_macro_code(c, NULL, params, "endcall", &index) &&
           add_caller(c, call, index) && rsn_emit_node(c, call) &&
           rsn_emit(c, RSN_OP_PRINT, 1, 0, line);
}

/* What Transformers marks as the assistant's part: a call block whose call just
 * renders it. */
bool rsn_parse_generation(rsn_compiler *c) {
    uint32_t index, call, line = c->tok.line;
    const rsn_tpl_site site = {0};
    return parse_macro_code(c, NULL, NULL, "endgeneration", &index) &&
           rsn_add_site(c, &site, &call) && rsn_emit(c, RSN_OP_MACRO, 0, index, line) &&
           rsn_emit(c, RSN_OP_CALL, 0, call, line) &&
           rsn_emit(c, RSN_OP_PRINT, 0, 0, line);
}
