/* Owns the grammar of expressions: tokens in, a tree out. Code is left to template_emit.c.
 * Invariant: the parser calls itself only inside brackets, signs and inline ifs, each of which
 * counts against the limit of nesting; chains of operators are loops. */
#include <string.h>

#include "text/template_compile.h"

/* ---- tokens ---- */

bool rsn_tok_advance(rsn_compiler *c) {
    if (c->has_ahead) {
        c->tok = c->ahead;
        c->has_ahead = false;
        return true;
    }
    return rsn_compile_ok(c, rsn_lex_next(&c->lex, &c->tok));
}

bool rsn_tok_look(rsn_compiler *c) {
    if (c->has_ahead) return true;
    if (!rsn_compile_ok(c, rsn_lex_next(&c->lex, &c->ahead))) return false;
    c->has_ahead = true;
    return true;
}

bool rsn_tok_is_name(const rsn_tok *tok, const char *name) {
    return tok->kind == RSN_TOK_NAME && tok->text.n == strlen(name) &&
           memcmp(tok->text.data, name, tok->text.n) == 0;
}

bool rsn_tok_at(const rsn_compiler *c, const char *name) {
    return rsn_tok_is_name(&c->tok, name);
}

static bool fail_expected(rsn_compiler *c, const char *what) {
    return rsn_compile_fail(c, "expected %s, found %s", what, rsn_tok_describe(&c->tok).text);
}

bool rsn_tok_expect(rsn_compiler *c, rsn_tok_kind kind, const char *what) {
    return c->tok.kind == kind ? rsn_tok_advance(c) : fail_expected(c, what);
}

bool rsn_tok_expect_name(rsn_compiler *c, const char *name) {
    return rsn_tok_at(c, name) ? rsn_tok_advance(c) : fail_expected(c, name);
}

/* ---- nodes ---- */

rsn_node *rsn_node_new(rsn_compiler *c, rsn_node_kind kind, rsn_node *left) {
    rsn_node *node = rsn_compile_alloc(c, 1, sizeof *node);
    if (!node) return NULL;
    node->kind = (uint8_t)kind;
    node->line = c->tok.line;
    node->left = left;
    return node;
}

void rsn_node_append(rsn_node *list, rsn_node *item) {
    if (list->last) list->last->next = item;
    else list->items = item;
    list->last = item;
    list->n_items++;
}

static rsn_node *const_node(rsn_compiler *c, rsn_tv v) {
    rsn_node *node = rsn_node_new(c, RSN_NODE_CONST, NULL);
    if (!node || !rsn_add_const(c, v, &node->arg)) return NULL;
    return node;
}

static rsn_node *parse_unary(rsn_compiler *c, bool with_filters);

/* ---- calls ---- */

typedef struct call_args {
    rsn_node *items; /* a LIST: those by position, those by name, *args, **kwargs */
    rsn_tpl_site site;
    size_t names_cap;
} call_args;

static bool add_keyword(rsn_compiler *c, call_args *a) {
    const rsn_ts *name = rsn_add_text(c, c->tok.text);
    if (!name) return false;
    for (size_t i = 0; i < a->site.n_kw; i++) {
        if (rsn_ts_equal(a->site.names[i], name)) {
            return rsn_compile_fail(c, "the argument %s is given twice",
                                    rsn_tok_describe(&c->tok).text);
        }
    }
    if (a->site.n_kw == 255) {
        return rsn_compile_fail_at(c, REASON_ERR_LIMIT, c->tok.line,
                                   "more than 255 arguments by name");
    }
    if (a->site.n_kw == a->names_cap) {
        size_t cap = a->names_cap ? a->names_cap * 2 : 4;
        const rsn_ts **names = rsn_arena_calloc2(&c->t->arena, cap, sizeof *names);
        if (!names) return rsn_compile_ok(c, REASON_ERR_NO_MEMORY);
        if (a->names_cap) memcpy(names, a->site.names, a->names_cap * sizeof *names);
        a->site.names = names;
        a->names_cap = cap;
    }
    a->site.names[a->site.n_kw++] = name;
    return rsn_tok_advance(c) && rsn_tok_advance(c);
}

static bool parse_argument(rsn_compiler *c, call_args *a) {
    bool star = c->tok.kind == RSN_TOK_MUL, double_star = c->tok.kind == RSN_TOK_POW, named = false;
    bool sound = !a->site.double_star;
    if (star || double_star) {
        sound = sound && (double_star || !a->site.star);
        if (!rsn_tok_advance(c)) return false;
    } else {
        if (!rsn_tok_look(c)) return false;
        named = c->tok.kind == RSN_TOK_NAME && c->ahead.kind == RSN_TOK_ASSIGN;
        sound = sound && !(a->site.star && named) &&
                (named || (!a->site.star && a->site.n_kw == 0));
    }
    if (!sound) return rsn_compile_fail(c, "the arguments of a call are in a wrong order");
    if (named && !add_keyword(c, a)) return false;
    rsn_node *value = rsn_parse_expression(c, true);
    if (!value) return false;
    rsn_node_append(a->items, value);
    a->site.star = a->site.star || star;
    a->site.double_star = a->site.double_star || double_star;
    a->site.n_pos += !star && !double_star && !named;
    return true;
}

static bool parse_call_args(rsn_compiler *c, call_args *a) {
    *a = (call_args){.items = rsn_node_new(c, RSN_NODE_LIST, NULL)};
    if (!a->items || !rsn_tok_expect(c, RSN_TOK_LPAREN, "(")) return false;
    for (bool first = true; c->tok.kind != RSN_TOK_RPAREN; first = false) {
        if (!first && !rsn_tok_expect(c, RSN_TOK_COMMA, ", or )")) return false;
        if (!first && c->tok.kind == RSN_TOK_RPAREN) break;
        if (!parse_argument(c, a)) return false;
    }
    return rsn_tok_expect(c, RSN_TOK_RPAREN, ")");
}

static rsn_node *call_node(rsn_compiler *c, rsn_node_kind kind, rsn_node *left, call_args *a,
                           uint32_t line) {
    rsn_node *node = rsn_node_new(c, kind, left);
    if (!node || !rsn_add_site(c, &a->site, &node->arg)) return NULL;
    node->line = line;
    if (a->items) {
        node->items = a->items->items;
        node->n_items = a->items->n_items;
    }
    return node;
}

static rsn_node *parse_call(rsn_compiler *c, rsn_node *left) {
    call_args a;
    uint32_t line = c->tok.line;
    return parse_call_args(c, &a) ? call_node(c, RSN_NODE_CALL, left, &a, line) : NULL;
}

/* name.name...: of a filter or test. The names are looked up as one. */
static bool parse_dotted(rsn_compiler *c, rsn_text *out) {
    const char *from = c->tok.text.data;
    if (c->tok.kind != RSN_TOK_NAME) return fail_expected(c, "a name");
    *out = c->tok.text;
    if (!rsn_tok_advance(c)) return false;
    while (c->tok.kind == RSN_TOK_DOT) {
        if (!rsn_tok_advance(c)) return false;
        if (c->tok.kind != RSN_TOK_NAME) return fail_expected(c, "a name");
        out->n = (size_t)(c->tok.text.data + c->tok.text.n - from);
        if (!rsn_tok_advance(c)) return false;
    }
    return true;
}

rsn_node *rsn_parse_filters(rsn_compiler *c, bool first, rsn_node *node) {
    while (first || c->tok.kind == RSN_TOK_PIPE) {
        call_args a = {0};
        rsn_text name;
        if (!first && !rsn_tok_advance(c)) return NULL;
        uint32_t line = c->tok.line;
        if (!parse_dotted(c, &name)) return NULL;
        if (c->tok.kind == RSN_TOK_LPAREN && !parse_call_args(c, &a)) return NULL;
        a.site.name = rsn_add_text(c, name);
        a.site.native = rsn_tpl_find_filter(name.data, name.n);
        node = a.site.name ? call_node(c, RSN_NODE_FILTER, node, &a, line) : NULL;
        if (!node) return NULL;
        first = false;
    }
    return node;
}

static bool begins_test_argument(const rsn_compiler *c) {
    switch (c->tok.kind) {
    case RSN_TOK_NAME:
        return !rsn_tok_at(c, "else") && !rsn_tok_at(c, "or") && !rsn_tok_at(c, "and");
    case RSN_TOK_STRING:
    case RSN_TOK_INT:
    case RSN_TOK_FLOAT:
    case RSN_TOK_LBRACKET:
    case RSN_TOK_LBRACE: return true;
    default: return false;
    }
}

static rsn_node *parse_primary(rsn_compiler *c);
static rsn_node *parse_postfix(rsn_compiler *c, rsn_node *node);

static rsn_node *parse_test(rsn_compiler *c, rsn_node *left) {
    call_args a = {0};
    rsn_text name;
    uint32_t line = c->tok.line;
    if (!rsn_tok_advance(c)) return NULL;
    bool negated = rsn_tok_at(c, "not");
    if (negated && !rsn_tok_advance(c)) return NULL;
    if (!parse_dotted(c, &name)) return NULL;
    if (c->tok.kind == RSN_TOK_LPAREN) {
        if (!parse_call_args(c, &a)) return NULL;
    } else if (begins_test_argument(c)) {
        if (rsn_tok_at(c, "is")) {
            (void)rsn_compile_fail(c, "tests with is cannot be chained");
            return NULL;
        }
        rsn_node *arg = parse_primary(c);
        if (arg) arg = parse_postfix(c, arg);
        a.items = arg ? rsn_node_new(c, RSN_NODE_LIST, NULL) : NULL;
        if (!a.items) return NULL;
        rsn_node_append(a.items, arg);
        a.site.n_pos = 1;
    }
    a.site.name = rsn_add_text(c, name);
    a.site.native = rsn_tpl_find_test(name.data, name.n);
    rsn_node *node = a.site.name ? call_node(c, RSN_NODE_TEST, left, &a, line) : NULL;
    return node && negated ? rsn_node_new(c, RSN_NODE_NOT, node) : node;
}

/* ---- subscripts ---- */

/* One part of a:b:c, none if it is not written. */
static rsn_node *parse_bound(rsn_compiler *c) {
    if (c->tok.kind == RSN_TOK_COLON || c->tok.kind == RSN_TOK_RBRACKET ||
        c->tok.kind == RSN_TOK_COMMA) {
        return const_node(c, rsn_tv_of(RSN_TV_NONE));
    }
    return rsn_parse_expression(c, true);
}

/* A key, or a SLICE without its left. */
static rsn_node *parse_subscribed(rsn_compiler *c) {
    rsn_node *first = parse_bound(c);
    if (!first || c->tok.kind != RSN_TOK_COLON) return first;
    rsn_node *slice = rsn_node_new(c, RSN_NODE_SLICE, NULL);
    if (!slice) return NULL;
    rsn_node_append(slice, first);
    for (int i = 1; i < 3; i++) {
        if (c->tok.kind == RSN_TOK_COLON && !rsn_tok_advance(c)) return NULL;
        rsn_node *bound = parse_bound(c);
        if (!bound) return NULL;
        rsn_node_append(slice, bound);
    }
    return slice;
}

static rsn_node *parse_brackets(rsn_compiler *c, rsn_node *left) {
    rsn_node *keys = rsn_node_new(c, RSN_NODE_TUPLE, NULL);
    if (!keys || !rsn_tok_advance(c)) return NULL;
    while (c->tok.kind != RSN_TOK_RBRACKET) {
        if (keys->n_items && !rsn_tok_expect(c, RSN_TOK_COMMA, ", or ]")) return NULL;
        if (c->tok.kind == RSN_TOK_COMMA || c->tok.kind == RSN_TOK_RBRACKET) {
            (void)fail_expected(c, "an expression");
            return NULL;
        }
        rsn_node *key = parse_subscribed(c);
        if (!key) return NULL;
        rsn_node_append(keys, key);
    }
    if (!rsn_tok_advance(c)) return NULL;
    rsn_node *only = keys->n_items == 1 ? keys->items : NULL;
    if (only && only->kind == RSN_NODE_SLICE && !only->left) {
        only->left = left;
        return only;
    }
    for (rsn_node *key = keys->items; key; key = key->next) {
        if (key->kind == RSN_NODE_SLICE && !key->left) {
            (void)rsn_compile_fail(c, "a slice must stand alone in its brackets");
            return NULL;
        }
    }
    rsn_node *node = rsn_node_new(c, RSN_NODE_ITEM, left);
    if (node) node->right = only ? only : keys;
    return node;
}

static rsn_node *parse_dot(rsn_compiler *c, rsn_node *left) {
    if (!rsn_tok_advance(c)) return NULL;
    rsn_node *node = rsn_node_new(c, RSN_NODE_ATTR, left);
    if (!node) return NULL;
    if (c->tok.kind == RSN_TOK_NAME) {
        if (!rsn_add_text_const(c, c->tok.text, &node->arg)) return NULL;
    } else if (c->tok.kind == RSN_TOK_INT) {
        node->kind = RSN_NODE_ITEM;
        node->right = const_node(c, rsn_tv_int(c->tok.i));
        if (!node->right) return NULL;
    } else {
        (void)fail_expected(c, "a name or a number");
        return NULL;
    }
    return rsn_tok_advance(c) ? node : NULL;
}

static rsn_node *parse_postfix(rsn_compiler *c, rsn_node *node) {
    while (node) {
        if (c->tok.kind == RSN_TOK_DOT) node = parse_dot(c, node);
        else if (c->tok.kind == RSN_TOK_LBRACKET) node = parse_brackets(c, node);
        else if (c->tok.kind == RSN_TOK_LPAREN) node = parse_call(c, node);
        else break;
    }
    return node;
}

static rsn_node *parse_filters_and_tests(rsn_compiler *c, rsn_node *node) {
    while (node) {
        if (c->tok.kind == RSN_TOK_PIPE) node = rsn_parse_filters(c, false, node);
        else if (rsn_tok_at(c, "is")) node = parse_test(c, node);
        else if (c->tok.kind == RSN_TOK_LPAREN) node = parse_call(c, node);
        else break;
    }
    return node;
}

/* ---- primaries ---- */

static rsn_node *parse_name(rsn_compiler *c) {
    rsn_node *node;
    if (rsn_tok_at(c, "true") || rsn_tok_at(c, "True")) {
        node = const_node(c, rsn_tv_bool(true));
    } else if (rsn_tok_at(c, "false") || rsn_tok_at(c, "False")) {
        node = const_node(c, rsn_tv_bool(false));
    } else if (rsn_tok_at(c, "none") || rsn_tok_at(c, "None")) {
        node = const_node(c, rsn_tv_of(RSN_TV_NONE));
    } else {
        node = rsn_node_new(c, RSN_NODE_NAME, NULL);
        if (!node || !rsn_scope_intern(c, c->tok.text, &node->arg)) return NULL;
        if (c->log_loads && !rsn_scope_event(c, RSN_EVENT_LOAD, node->arg)) return NULL;
    }
    return node && rsn_tok_advance(c) ? node : NULL;
}

/* Strings that stand beside each other are one. */
static rsn_node *parse_string(rsn_compiler *c) {
    rsn_text whole = c->tok.text;
    rsn_node *node = rsn_node_new(c, RSN_NODE_CONST, NULL);
    rsn_str joined = {NULL, 0, 0, false};
    if (!node || !rsn_tok_advance(c)) return NULL;
    bool good = true;
    while (good && c->tok.kind == RSN_TOK_STRING) {
        if (joined.n == 0) rsn_str_add(&joined, whole.data, whole.n);
        rsn_str_add(&joined, c->tok.text.data, c->tok.text.n);
        good = !joined.failed && rsn_tok_advance(c);
    }
    if (joined.n && good) {
        whole = (rsn_text){rsn_arena_strndup(&c->t->arena, joined.data, joined.n), joined.n};
    }
    if (joined.failed || !whole.data) good = rsn_compile_ok(c, REASON_ERR_NO_MEMORY);
    rsn_str_free(&joined);
    return good && rsn_add_text_const(c, whole, &node->arg) ? node : NULL;
}

/* Items up to the closing bracket, a comma at the end allowed; pairs for a dict. */
static rsn_node *parse_items(rsn_compiler *c, rsn_node_kind kind, rsn_tok_kind close) {
    rsn_node *node = rsn_node_new(c, kind, NULL);
    if (!node || !rsn_tok_advance(c)) return NULL;
    while (c->tok.kind != close) {
        if (node->n_items && !rsn_tok_expect(c, RSN_TOK_COMMA, "a comma or a closing bracket")) {
            return NULL;
        }
        if (c->tok.kind == close) break;
        rsn_node *item = rsn_parse_expression(c, true);
        if (!item) return NULL;
        rsn_node_append(node, item);
        if (kind != RSN_NODE_DICT) continue;
        item = rsn_tok_expect(c, RSN_TOK_COLON, ":") ? rsn_parse_expression(c, true) : NULL;
        if (!item) return NULL;
        rsn_node_append(node, item);
    }
    return rsn_tok_advance(c) ? node : NULL;
}

static rsn_node *parse_primary(rsn_compiler *c) {
    rsn_node *node = NULL;
    switch (c->tok.kind) {
    case RSN_TOK_NAME: return parse_name(c);
    case RSN_TOK_STRING: return parse_string(c);
    case RSN_TOK_INT:
        node = const_node(c, rsn_tv_int(c->tok.i));
        return node && rsn_tok_advance(c) ? node : NULL;
    case RSN_TOK_FLOAT:
        node = const_node(c, rsn_tv_float(c->tok.f));
        return node && rsn_tok_advance(c) ? node : NULL;
    case RSN_TOK_LPAREN:
        if (!rsn_tok_advance(c)) return NULL;
        if (c->tok.kind == RSN_TOK_RPAREN) node = rsn_node_new(c, RSN_NODE_TUPLE, NULL);
        else node = rsn_parse_tuple(c, true, NULL);
        return node && rsn_tok_expect(c, RSN_TOK_RPAREN, ")") ? node : NULL;
    case RSN_TOK_LBRACKET: return parse_items(c, RSN_NODE_LIST, RSN_TOK_RBRACKET);
    case RSN_TOK_LBRACE: return parse_items(c, RSN_NODE_DICT, RSN_TOK_RBRACE);
    default: (void)fail_expected(c, "an expression"); return NULL;
    }
}

/* ---- operators, loosest last ---- */

static rsn_node *parse_unary(rsn_compiler *c, bool with_filters) {
    rsn_node *node;
    if (c->tok.kind == RSN_TOK_SUB || c->tok.kind == RSN_TOK_ADD) {
        bool minus = c->tok.kind == RSN_TOK_SUB;
        if (!rsn_compile_enter(c) || !rsn_tok_advance(c)) return NULL;
        node = parse_unary(c, false);
        rsn_compile_leave(c);
        node = node ? rsn_node_new(c, RSN_NODE_NEGATE, node) : NULL;
        if (node) node->op = minus;
    } else {
        node = parse_primary(c);
    }
    node = parse_postfix(c, node);
    return with_filters ? parse_filters_and_tests(c, node) : node;
}

static rsn_node *binary_node(rsn_compiler *c, rsn_tpl_binop op, rsn_node *left,
                             rsn_node *right, uint32_t line) {
    rsn_node *node = left && right ? rsn_node_new(c, RSN_NODE_BINARY, left) : NULL;
    if (!node) return NULL;
    node->op = (uint8_t)op;
    node->right = right;
    node->line = line;
    return node;
}

static rsn_node *parse_power(rsn_compiler *c) {
    rsn_node *left = parse_unary(c, true);
    while (left && c->tok.kind == RSN_TOK_POW) {
        uint32_t line = c->tok.line;
        if (!rsn_tok_advance(c)) return NULL;
        left = binary_node(c, RSN_BIN_POW, left, parse_unary(c, true), line);
    }
    return left;
}

static rsn_node *parse_product(rsn_compiler *c) {
    rsn_node *left = parse_power(c);
    while (left) {
        rsn_tpl_binop op;
        if (c->tok.kind == RSN_TOK_MUL) op = RSN_BIN_MUL;
        else if (c->tok.kind == RSN_TOK_DIV) op = RSN_BIN_DIV;
        else if (c->tok.kind == RSN_TOK_FLOORDIV) op = RSN_BIN_FLOORDIV;
        else if (c->tok.kind == RSN_TOK_MOD) op = RSN_BIN_MOD;
        else break;
        uint32_t line = c->tok.line;
        if (!rsn_tok_advance(c)) return NULL;
        left = binary_node(c, op, left, parse_power(c), line);
    }
    return left;
}

static rsn_node *parse_concat(rsn_compiler *c) {
    rsn_node *left = parse_product(c);
    if (!left || c->tok.kind != RSN_TOK_TILDE) return left;
    rsn_node *node = rsn_node_new(c, RSN_NODE_CONCAT, left);
    while (node && c->tok.kind == RSN_TOK_TILDE) {
        rsn_node *item = rsn_tok_advance(c) ? parse_product(c) : NULL;
        if (!item) return NULL;
        rsn_node_append(node, item);
    }
    return node;
}

static rsn_node *parse_sum(rsn_compiler *c) {
    rsn_node *left = parse_concat(c);
    while (left && (c->tok.kind == RSN_TOK_ADD || c->tok.kind == RSN_TOK_SUB)) {
        rsn_tpl_binop op = c->tok.kind == RSN_TOK_ADD ? RSN_BIN_ADD : RSN_BIN_SUB;
        uint32_t line = c->tok.line;
        if (!rsn_tok_advance(c)) return NULL;
        left = binary_node(c, op, left, parse_concat(c), line);
    }
    return left;
}

/* Goes on behind a comparison sign; *found says whether there was one. */
static bool parse_comparison_sign(rsn_compiler *c, rsn_tpl_cmp *op, bool *found) {
    *found = true;
    switch (c->tok.kind) {
    case RSN_TOK_EQ: *op = RSN_CMP_EQ; return rsn_tok_advance(c);
    case RSN_TOK_NE: *op = RSN_CMP_NE; return rsn_tok_advance(c);
    case RSN_TOK_LT: *op = RSN_CMP_LT; return rsn_tok_advance(c);
    case RSN_TOK_LE: *op = RSN_CMP_LE; return rsn_tok_advance(c);
    case RSN_TOK_GT: *op = RSN_CMP_GT; return rsn_tok_advance(c);
    case RSN_TOK_GE: *op = RSN_CMP_GE; return rsn_tok_advance(c);
    default: break;
    }
    if (rsn_tok_at(c, "in")) {
        *op = RSN_CMP_IN;
        return rsn_tok_advance(c);
    }
    if (rsn_tok_at(c, "not")) {
        if (!rsn_tok_look(c)) return false;
        if (rsn_tok_is_name(&c->ahead, "in")) {
            *op = RSN_CMP_NOT_IN;
            return rsn_tok_advance(c) && rsn_tok_advance(c);
        }
    }
    *found = false;
    return true;
}

static rsn_node *parse_comparison(rsn_compiler *c) {
    rsn_node *left = parse_sum(c), *node = NULL;
    while (left) {
        rsn_tpl_cmp op = RSN_CMP_EQ;
        bool found;
        if (!parse_comparison_sign(c, &op, &found)) return NULL;
        if (!found) break;
        if (!node) node = rsn_node_new(c, RSN_NODE_COMPARE, left);
        rsn_node *operand = node ? parse_sum(c) : NULL;
        if (!operand) return NULL;
        /* The operand's own op may be in use: it is wrapped where it has one. */
        rsn_node *holder = rsn_node_new(c, RSN_NODE_COMPARE, operand);
        if (!holder) return NULL;
        holder->op = (uint8_t)op;
        rsn_node_append(node, holder);
    }
    return node ? node : left;
}

static rsn_node *parse_not(rsn_compiler *c) {
    if (!rsn_tok_at(c, "not")) return parse_comparison(c);
    if (!rsn_compile_enter(c) || !rsn_tok_advance(c)) return NULL;
    rsn_node *node = parse_not(c);
    rsn_compile_leave(c);
    return node ? rsn_node_new(c, RSN_NODE_NOT, node) : NULL;
}

static rsn_node *parse_and(rsn_compiler *c) {
    rsn_node *left = parse_not(c);
    while (left && rsn_tok_at(c, "and")) {
        rsn_node *right = rsn_tok_advance(c) ? parse_not(c) : NULL;
        left = right ? rsn_node_new(c, RSN_NODE_AND, left) : NULL;
        if (left) left->right = right;
    }
    return left;
}

static rsn_node *parse_or(rsn_compiler *c) {
    rsn_node *left = parse_and(c);
    while (left && rsn_tok_at(c, "or")) {
        rsn_node *right = rsn_tok_advance(c) ? parse_and(c) : NULL;
        left = right ? rsn_node_new(c, RSN_NODE_OR, left) : NULL;
        if (left) left->right = right;
    }
    return left;
}

/* x if y else z. Every `if` counts as a level, since the tree hangs from it on either side. */
static rsn_node *parse_inline_if(rsn_compiler *c) {
    rsn_node *value = parse_or(c);
    uint32_t levels = 0;
    while (value && rsn_tok_at(c, "if")) {
        if (!rsn_compile_enter(c)) return NULL;
        levels++;
        rsn_node *test = rsn_tok_advance(c) ? parse_or(c) : NULL;
        rsn_node *node = test ? rsn_node_new(c, RSN_NODE_COND, test) : NULL;
        if (!node) return NULL;
        node->right = value;
        if (rsn_tok_at(c, "else")) {
            node->third = rsn_tok_advance(c) ? parse_inline_if(c) : NULL;
            if (!node->third) return NULL;
        }
        value = node;
    }
    c->depth -= levels;
    return value;
}

rsn_node *rsn_parse_expression(rsn_compiler *c, bool with_if) {
    if (!rsn_compile_enter(c)) return NULL;
    rsn_node *node = with_if ? parse_inline_if(c) : parse_or(c);
    rsn_compile_leave(c);
    return node;
}

/* ---- tuples and targets ---- */

static bool ends_tuple(const rsn_compiler *c, const char *end) {
    return c->tok.kind == RSN_TOK_PRINT_END || c->tok.kind == RSN_TOK_BLOCK_END ||
           c->tok.kind == RSN_TOK_RPAREN || (end && rsn_tok_at(c, end));
}

typedef rsn_node *(*item_fn)(rsn_compiler *c, const char *end);

static rsn_node *parse_items_of(rsn_compiler *c, item_fn parse, const char *end) {
    rsn_node *first = parse(c, end);
    if (!first || c->tok.kind != RSN_TOK_COMMA) return first;
    rsn_node *tuple = rsn_node_new(c, RSN_NODE_TUPLE, NULL);
    if (!tuple) return NULL;
    rsn_node_append(tuple, first);
    while (c->tok.kind == RSN_TOK_COMMA) {
        if (!rsn_tok_advance(c)) return NULL;
        if (ends_tuple(c, end)) break;
        rsn_node *item = parse(c, end);
        if (!item) return NULL;
        rsn_node_append(tuple, item);
    }
    return tuple;
}

static rsn_node *item_with_if(rsn_compiler *c, const char *end) {
    (void)end;
    return rsn_parse_expression(c, true);
}

static rsn_node *item_without_if(rsn_compiler *c, const char *end) {
    (void)end;
    return rsn_parse_expression(c, false);
}

rsn_node *rsn_parse_tuple(rsn_compiler *c, bool with_if, const char *end) {
    return parse_items_of(c, with_if ? item_with_if : item_without_if, end);
}

static rsn_node *parse_target_item(rsn_compiler *c, const char *end) {
    rsn_node *node;
    (void)end;
    if (c->tok.kind == RSN_TOK_LPAREN) {
        if (!rsn_compile_enter(c) || !rsn_tok_advance(c)) return NULL;
        node = rsn_parse_target(c, NULL);
        rsn_compile_leave(c);
        return node && rsn_tok_expect(c, RSN_TOK_RPAREN, ")") ? node : NULL;
    }
    if (c->tok.kind != RSN_TOK_NAME) {
        (void)fail_expected(c, "a name to assign to");
        return NULL;
    }
    node = parse_name(c);
    if (node && node->kind != RSN_NODE_NAME) {
        (void)rsn_compile_fail(c, "cannot assign to a constant");
        return NULL;
    }
    return node;
}

rsn_node *rsn_parse_target(rsn_compiler *c, const char *end) {
    return parse_items_of(c, parse_target_item, end);
}
