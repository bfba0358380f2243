/* Owns the grammar of statements and the compilation as a whole: source in, template
 * out. Invariant: code is written while its statement is parsed, and a block inside a
 * block counts against the limit of nesting. */
#include <string.h>

#include "base/array.h"
#include "text/template_compile.h"

/* ---- blocks ---- */

static bool parse_statement(rsn_compiler *c);

static bool parse_print_tag(rsn_compiler *c) {
    uint32_t line = c->tok.line;
    rsn_node *node = rsn_tok_advance(c) ? rsn_parse_tuple(c, true) : NULL;
    return node && rsn_emit_node(c, node) && rsn_emit(c, RSN_OP_PRINT, 0, 0, line) &&
           rsn_tok_expect(c, RSN_TOK_PRINT_END, "}}");
}

static bool parse_text(rsn_compiler *c) {
    uint32_t index;
    return rsn_add_text_const(c, c->tok.text, &index) &&
           rsn_emit(c, RSN_OP_TEXT, 0, index, c->tok.line) && rsn_tok_advance(c);
}

/* Up to one of the tags in `ends` (n of them; 0: the end of the template), which is
 * then the present token. */
static bool parse_body(rsn_compiler *c, const char *const *ends, size_t n) {
    while (!c->failed) {
        switch (c->tok.kind) {
        case RSN_TOK_DATA:
            if (!parse_text(c)) return false;
            break;
        case RSN_TOK_PRINT_BEGIN:
            if (!parse_print_tag(c)) return false;
            break;
        case RSN_TOK_BLOCK_BEGIN:
            if (!rsn_tok_advance(c)) return false;
            for (size_t i = 0; i < n; i++) {
                if (rsn_tok_at(c, ends[i])) return true;
            }
            if (!parse_statement(c) || !rsn_tok_expect(c, RSN_TOK_BLOCK_END, "%}")) {
                return false;
            }
            break;
        default:
            return n == 0 || rsn_compile_fail(c, "the template ends before {%% %s %%}",
                                              ends[n - 1]);
        }
    }
    return false;
}

/* The end of the opening tag, the body, and the name of the closing tag. */
bool rsn_parse_block(rsn_compiler *c, const char *end) {
    if (c->tok.kind == RSN_TOK_COLON && !rsn_tok_advance(c)) return false;
    return rsn_tok_expect(c, RSN_TOK_BLOCK_END, "%}") && parse_body(c, &end, 1) &&
           rsn_tok_advance(c);
}

/* A body with a scope and, at run time, a frame of its own, whose output is kept. */
static bool parse_captured(rsn_compiler *c, const char *end, rsn_node *filters) {
    uint32_t scope, line = c->tok.line;
    if (!rsn_scope_open(c, &scope) || !rsn_emit(c, RSN_OP_ENTER, 0, scope, line) ||
        !rsn_emit(c, RSN_OP_CAPTURE, 0, 0, line) || !rsn_parse_block(c, end) ||
        !rsn_emit(c, RSN_OP_CAPTURED, 0, 0, line)) {
        return false;
    }
    if (filters && !rsn_emit_node(c, filters)) return false;
    rsn_scope_close(c);
    return rsn_emit(c, RSN_OP_LEAVE, 0, 0, line);
}

/* ---- set, with, print, filter ---- */

static bool emit_set(rsn_compiler *c, const rsn_node *target, const rsn_text *attribute) {
    uint32_t index;
    if (!attribute) return rsn_emit_store(c, RSN_EVENT_STORE, target);
    return rsn_add_text_const(c, *attribute, &index) &&
           rsn_emit_load_name(c, target->arg, target->line) &&
           rsn_emit(c, RSN_OP_STORE_ATTR, 0, index, target->line);
}

static bool parse_set(rsn_compiler *c) {
    rsn_text attribute;
    bool dotted = false;
    if (!rsn_tok_look(c)) return false;
    if (c->tok.kind == RSN_TOK_NAME && c->ahead.kind == RSN_TOK_DOT) dotted = true;
    rsn_node *target = NULL;
    if (dotted) {
        target = rsn_node_new(c, RSN_NODE_NAME, NULL);
        if (!target || !rsn_scope_intern(c, c->tok.text, &target->arg) ||
            !rsn_tok_advance(c) || !rsn_tok_advance(c)) {
            return false;
        }
        attribute = c->tok.text;
        if (!rsn_tok_expect(c, RSN_TOK_NAME, "the name of an attribute")) return false;
    } else {
        target = rsn_parse_target(c);
    }
    if (!target) return false;
    if (c->tok.kind == RSN_TOK_ASSIGN) {
        rsn_node *value = rsn_tok_advance(c) ? rsn_parse_tuple(c, true) : NULL;
        return value && rsn_emit_node(c, value) &&
               emit_set(c, target, dotted ? &attribute : NULL);
    }
    rsn_node *filters = NULL;
    if (c->tok.kind == RSN_TOK_PIPE && !(filters = rsn_parse_filters(c, false, NULL))) {
        return false;
    }
    return parse_captured(c, "endset", filters) &&
           emit_set(c, target, dotted ? &attribute : NULL);
}

/* All values are evaluated outside, then the names are set inside. */
static bool parse_with(rsn_compiler *c) {
    rsn_node *first = NULL;
    uint32_t scope, line = c->tok.line;
    while (c->tok.kind != RSN_TOK_BLOCK_END) {
        if (first && !rsn_tok_expect(c, RSN_TOK_COMMA, ", or %}")) return false;
        rsn_node *target = rsn_parse_target(c);
        if (!target || !rsn_tok_expect(c, RSN_TOK_ASSIGN, "=")) return false;
        rsn_node *value = rsn_parse_expression(c, true);
        if (!value || !rsn_emit_node(c, value)) return false;
        target->next = first; /* the last value is on top of the stack */
        first = target;
    }
    if (!rsn_scope_open(c, &scope) || !rsn_emit(c, RSN_OP_ENTER, 0, scope, line)) {
        return false;
    }
    for (; first; first = first->next) {
        if (!rsn_emit_store(c, RSN_EVENT_PARAM, first)) return false;
    }
    if (!rsn_parse_block(c, "endwith")) return false;
    rsn_scope_close(c);
    return rsn_emit(c, RSN_OP_LEAVE, 0, 0, line);
}

static bool parse_print(rsn_compiler *c) {
    for (bool first = true; c->tok.kind != RSN_TOK_BLOCK_END; first = false) {
        uint32_t line = c->tok.line;
        if (!first && !rsn_tok_expect(c, RSN_TOK_COMMA, ", or %}")) return false;
        rsn_node *node = rsn_parse_expression(c, true);
        if (!node || !rsn_emit_node(c, node) || !rsn_emit(c, RSN_OP_PRINT, 0, 0, line)) {
            return false;
        }
    }
    return true;
}

static bool parse_filter(rsn_compiler *c) {
    uint32_t line = c->tok.line;
    c->log_loads = true; /* Jinja sees these names outside the block as well as inside */
    rsn_node *filters = rsn_parse_filters(c, true, NULL);
    c->log_loads = false;
    return filters && parse_captured(c, "endfilter", filters) &&
           rsn_emit(c, RSN_OP_PRINT, 1, 0, line);
}

/* ---- if ---- */

/* The test is on the stack's top once this is done; then its body, and the tag that
 * ends it. */
static bool parse_branch(rsn_compiler *c, uint32_t *otherwise) {
    static const char *const ends[] = {"elif", "else", "endif"};
    uint32_t line = c->tok.line;
    rsn_node *test = rsn_tok_advance(c) ? rsn_parse_tuple(c, false) : NULL;
    if (!test || !rsn_emit_node(c, test) ||
        !rsn_emit_jump(c, RSN_OP_JUMP_FALSE, 0, line, otherwise) ||
        !rsn_scope_event(c, RSN_EVENT_IF, 0)) {
        return false;
    }
    if (c->tok.kind == RSN_TOK_COLON && !rsn_tok_advance(c)) return false;
    return rsn_tok_expect(c, RSN_TOK_BLOCK_END, "%}") && parse_body(c, ends, 3) &&
           rsn_scope_event(c, RSN_EVENT_BRANCH, 0);
}

/* An elif is an if of its own within the second branch of the first. */
static bool parse_if_chain(rsn_compiler *c) {
    uint32_t otherwise, chain = 0, line = c->tok.line;
    if (!parse_branch(c, &otherwise)) return false;
    while (rsn_tok_at(c, "elif")) {
        if (!rsn_emit_chain(c, RSN_OP_JUMP, line, &chain)) return false;
        rsn_emit_patch(c, otherwise);
        if (!parse_branch(c, &otherwise) || !rsn_scope_event(c, RSN_EVENT_BRANCH, 0) ||
            !rsn_scope_event(c, RSN_EVENT_END_IF, 0)) {
            return false;
        }
    }
    if (!rsn_scope_event(c, RSN_EVENT_BRANCH, 0)) return false;
    if (rsn_tok_at(c, "else")) {
        if (!rsn_emit_chain(c, RSN_OP_JUMP, line, &chain)) return false;
        rsn_emit_patch(c, otherwise);
        if (!rsn_tok_advance(c) || !rsn_parse_block(c, "endif")) return false;
    } else {
        rsn_emit_patch(c, otherwise);
        if (!rsn_tok_advance(c)) return false;
    }
    rsn_emit_patch_chain(c, chain);
    return rsn_scope_event(c, RSN_EVENT_END_IF, 0);
}

static bool parse_if(rsn_compiler *c) {
    size_t scope = c->n_open - 1; /* the array may move */
    c->open[scope].soft++;
    bool good = parse_if_chain(c);
    c->open[scope].soft--;
    return good;
}

/* ---- for ---- */

static bool emit_loop_test(rsn_compiler *c, rsn_node *target, rsn_node *test,
                           rsn_tpl_for *info) {
    uint32_t over, scope;
    if (!rsn_emit_jump(c, RSN_OP_JUMP, 0, test->line, &over) ||
        !rsn_scope_open(c, &scope)) {
        return false;
    }
    rsn_scope_top(c)->is_for = true;
    info->test = (int32_t)scope;
    info->test_at = rsn_emit_here(c);
    if (!rsn_emit_store(c, RSN_EVENT_PARAM, target) || !rsn_emit_node(c, test) ||
        !rsn_emit(c, RSN_OP_RETURN_TEST, 0, 0, test->line)) {
        return false;
    }
    rsn_scope_close(c);
    rsn_emit_patch(c, over);
    return true;
}

static bool parse_loop_else(rsn_compiler *c) {
    uint32_t scope, line = c->tok.line;
    if (!rsn_tok_advance(c) || !rsn_scope_open(c, &scope)) return false;
    rsn_scope_top(c)->is_for = true;
    if (!rsn_emit(c, RSN_OP_ENTER, 0, scope, line) || !rsn_parse_block(c, "endfor")) {
        return false;
    }
    rsn_scope_close(c);
    return rsn_emit(c, RSN_OP_LEAVE, 0, 0, line);
}

/* `loop` is a variable only of bodies that read it, which is known at their end. */
static bool parse_loop_body(rsn_compiler *c, rsn_node *target, rsn_tpl_for *info) {
    static const char *const ends[] = {"else", "endfor"};
    if (!rsn_scope_open(c, &info->body)) return false;
    size_t loop_event;
    if (!rsn_scope_reserve(c, c->name_loop, &loop_event)) return false;
    rsn_scope_top(c)->is_for = true;
    if (!rsn_emit_store(c, RSN_EVENT_PARAM, target)) return false;
    if (c->tok.kind == RSN_TOK_COLON && !rsn_tok_advance(c)) return false;
    if (!rsn_tok_expect(c, RSN_TOK_BLOCK_END, "%}") || !parse_body(c, ends, 2)) {
        return false;
    }
    if (!rsn_scope_top(c)->reads_loop && !info->recursive) {
        c->events[loop_event].kind = RSN_EVENT_NOTHING;
    }
    rsn_scope_close(c);
    return true;
}

static bool parse_loop(rsn_compiler *c, rsn_node *target, rsn_tpl_for *info,
                       uint32_t index, uint32_t line) {
    struct rsn_template *t = c->t;
    uint32_t end, done;
    rsn_open_loop outer = c->loop;
    if (!rsn_emit(c, RSN_OP_FOR, 0, index, line)) return false;
    c->loop = (rsn_open_loop){true, rsn_emit_here(c), 0};
    if (!rsn_emit_jump(c, RSN_OP_FOR_NEXT, 0, line, &end) ||
        !parse_loop_body(c, target, info) || !rsn_emit(c, RSN_OP_FOR_DONE, 0, 0, line) ||
        !rsn_emit(c, RSN_OP_JUMP, 0, c->loop.next, line)) {
        return false;
    }
    t->fors[index] = *info;
    rsn_emit_patch(c, end);
    rsn_emit_patch_chain(c, c->loop.breaks);
    c->loop = outer;
    if (!rsn_emit_jump(c, RSN_OP_FOR_END, 0, line, &done)) return false;
    if (rsn_tok_at(c, "else") ? !parse_loop_else(c) : !rsn_tok_advance(c)) return false;
    rsn_emit_patch(c, done);
    return true;
}

/* The loop's code is jumped over, as a macro's is, and run from here the first time. */
static bool parse_recursive_loop(rsn_compiler *c, rsn_node *target, rsn_tpl_for *info,
                                 uint32_t index, uint32_t line) {
    uint32_t over;
    info->recursive = true;
    if (!rsn_emit(c, RSN_OP_RECURSE, 0, index, line) ||
        !rsn_emit(c, RSN_OP_PRINT, 0, 0, line) ||
        !rsn_emit_jump(c, RSN_OP_JUMP, 0, line, &over)) {
        return false;
    }
    info->at = rsn_emit_here(c);
    rsn_open_loop outer = c->loop; /* which its code cannot end, not even in its else */
    c->loop = (rsn_open_loop){false, 0, 0};
    if (!parse_loop(c, target, info, index, line) ||
        !rsn_emit(c, RSN_OP_RETURN, 0, 0, line)) {
        return false;
    }
    c->loop = outer;
    rsn_emit_patch(c, over);
    return true;
}

/* `loop` is not for templates to assign. */
static bool check_target(rsn_compiler *c, const rsn_node *target) {
    if (target->kind == RSN_NODE_NAME && target->arg == c->name_loop) {
        return rsn_compile_fail(c, "the variable loop cannot be assigned in a for loop");
    }
    for (const rsn_node *item = target->items; item; item = item->next) {
        if (!check_target(c, item)) return false;
    }
    return true;
}

static bool parse_for(rsn_compiler *c) {
    rsn_tpl_for info = {.loop = RSN_TPL_NONE, .test = RSN_TPL_NONE};
    struct rsn_template *t = c->t;
    uint32_t line = c->tok.line;
    rsn_node *target = rsn_parse_target(c), *test = NULL;
    if (!target || !check_target(c, target) || !rsn_tok_expect_name(c, "in")) {
        return false;
    }
    rsn_node *over = rsn_parse_tuple(c, false);
    if (!over || !rsn_emit_node(c, over)) return false;
    if (rsn_tok_at(c, "if")) {
        test = rsn_tok_advance(c) ? rsn_parse_expression(c, true) : NULL;
        if (!test || !emit_loop_test(c, target, test, &info)) return false;
    }
    if (!rsn_compile_ok(c, RSN_GROW(&t->fors, &t->fors_cap, t->n_fors + 1))) return false;
    uint32_t index = (uint32_t)t->n_fors++;
    t->fors[index] = info; /* complete in case of failure */
    if (rsn_tok_at(c, "recursive")) {
        return rsn_tok_advance(c) &&
               parse_recursive_loop(c, target, &info, index, line);
    }
    return parse_loop(c, target, &info, index, line);
}

static bool parse_break(rsn_compiler *c) {
    if (!c->loop.open) return rsn_compile_fail(c, "break outside of a loop");
    return rsn_emit_chain(c, RSN_OP_JUMP, c->tok.line, &c->loop.breaks);
}

static bool parse_continue(rsn_compiler *c) {
    if (!c->loop.open) return rsn_compile_fail(c, "continue outside of a loop");
    return rsn_emit(c, RSN_OP_JUMP, 0, c->loop.next, c->tok.line);
}

/* ---- statements ---- */

static const struct {
    const char *name;
    bool (*parse)(rsn_compiler *c); /* NULL: known to Jinja, refused here */
} statements[] = {
    {"if", parse_if},
    {"for", parse_for},
    {"set", parse_set},
    {"macro", rsn_parse_macro},
    {"call", rsn_parse_call},
    {"filter", parse_filter},
    {"with", parse_with},
    {"print", parse_print},
    {"break", parse_break},
    {"continue", parse_continue},
    {"generation", rsn_parse_generation},
    {"autoescape", NULL},
    {"block", NULL},
    {"debug", NULL},
    {"do", NULL},
    {"extends", NULL},
    {"from", NULL},
    {"import", NULL},
    {"include", NULL},
    {"trans", NULL},
};

static bool parse_statement(rsn_compiler *c) {
    if (c->tok.kind != RSN_TOK_NAME) {
        return rsn_compile_fail(c, "expected the name of a tag");
    }
    for (size_t i = 0; i < sizeof statements / sizeof *statements; i++) {
        if (!rsn_tok_at(c, statements[i].name)) continue;
        if (!statements[i].parse) {
            return rsn_compile_fail_at(c, REASON_ERR_UNSUPPORTED, c->tok.line,
                                       "{%% %s %%} is not there", statements[i].name);
        }
        if (!rsn_compile_enter(c)) return false;
        /* the tests of an if are parsed as those of its elifs, from the tag's name on */
        bool good = (statements[i].parse == parse_if || rsn_tok_advance(c)) &&
                    statements[i].parse(c);
        rsn_compile_leave(c);
        return good;
    }
    return rsn_compile_fail(c, "unknown tag %s", rsn_tok_describe(&c->tok).text);
}

/* ---- the whole ---- */

/* Names that stood for variables of macros and loops become these variables. */
static void settle_variables(rsn_compiler *c) {
    struct rsn_template *t = c->t;
    for (size_t i = 0; i < t->n_fors; i++) {
        t->fors[i].loop = rsn_scope_slot(c, t->fors[i].body, c->name_loop);
    }
    for (size_t i = 0; i < t->n_macros; i++) {
        rsn_tpl_macro_info *m = &t->macros[i];
        int32_t *specials[] = {&m->caller, &m->kwargs, &m->varargs};
        for (uint32_t k = 0; k < m->n_params; k++) {
            m->slots[k] = (uint32_t)rsn_scope_slot(c, m->scope, m->slots[k]);
        }
        for (size_t k = 0; k < RSN_N_SPECIALS; k++) {
            if (*specials[k] == RSN_TPL_NONE) continue;
            *specials[k] = rsn_scope_slot(c, m->scope, (uint32_t)*specials[k]);
        }
    }
}

static bool keep_read_names(rsn_compiler *c) {
    struct rsn_template *t = c->t;
    for (size_t i = 0; i < c->n_names; i++) {
        if (!c->names[i].read) continue;
        if (!rsn_compile_ok(
                c, RSN_GROW(&t->read_names, &t->read_names_cap, t->n_read_names + 1))) {
            return false;
        }
        t->read_names[t->n_read_names++] = c->names[i].text;
    }
    return true;
}

static bool compile(rsn_compiler *c, const char *source, size_t n) {
    uint32_t root;
    if (!rsn_compile_ok(c, rsn_lex_init(&c->lex, &c->t->arena, source, n)) ||
        !rsn_scope_begin(c) || !rsn_scope_open(c, &root) ||
        !rsn_emit(c, RSN_OP_ENTER, 0, root, 1) || !rsn_tok_advance(c) ||
        !parse_body(c, NULL, 0) || !rsn_emit(c, RSN_OP_END, 0, 0, c->tok.line) ||
        !rsn_scope_resolve(c)) {
        return false;
    }
    settle_variables(c);
    return keep_read_names(c);
}

reason_status rsn_template_compile(const char *source, size_t n, rsn_template **out) {
    rsn_compiler c = {0};
    *out = NULL;
    if (n > RSN_TEMPLATE_MAX_SOURCE) {
        return rsn_fail(REASON_ERR_LIMIT,
                        "the template has %zu bytes, at most %d are allowed", n,
                        RSN_TEMPLATE_MAX_SOURCE);
    }
    c.t = rsn_calloc2(1, sizeof *c.t);
    if (!c.t) return REASON_ERR_NO_MEMORY;
    if (compile(&c, source, n)) {
        *out = c.t;
    } else {
        rsn_template_free(c.t);
    }
    rsn_scope_end(&c);
    rsn_free(c.open);
    rsn_free(c.events);
    rsn_free(c.fixups);
    rsn_free(c.names);
    rsn_arena_free(&c.trees);
    return c.failed;
}

bool rsn_template_mentions(const rsn_template *t, const char *name) {
    for (size_t i = 0; i < t->n_read_names; i++) {
        if (rsn_ts_is(t->read_names[i], name)) return true;
    }
    return false;
}

size_t rsn_template_held(const rsn_template *t) {
    if (!t) return 0;
    return sizeof *t + rsn_arena_held(&t->arena) + t->code_cap * sizeof *t->code +
           t->consts_cap * sizeof *t->consts + t->scopes_cap * sizeof *t->scopes +
           t->sites_cap * sizeof *t->sites + t->fors_cap * sizeof *t->fors +
           t->macros_cap * sizeof *t->macros +
           t->read_names_cap * sizeof *t->read_names;
}

void rsn_template_free(rsn_template *t) {
    if (!t) return;
    rsn_free(t->code);
    rsn_free(t->consts);
    rsn_free(t->scopes);
    rsn_free(t->sites);
    rsn_free(t->fors);
    rsn_free(t->macros);
    rsn_free(t->read_names);
    rsn_arena_free(&t->arena);
    rsn_free(t);
}
