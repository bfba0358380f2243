/* Owns what follows a value in an expression: calls, filters, tests, attributes,
 * subscripts. The operators between values are left to template_expr.c. Invariant: a
 * chain of them is a loop. */
#include <string.h>

#include "text/template_compile.h"

/* ---- calls ---- */

typedef struct call_args {
    rsn_node *items; /* a LIST: those by position, those by name, *args, **kwargs */
    rsn_node *star, *double_star; /* the last two, until the others are complete */
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

/* *args once, **kwargs once and behind it. */
static bool parse_star(rsn_compiler *c, call_args *a, bool is_double) {
    if (a->double_star || (!is_double && a->star)) {
        return rsn_compile_fail(c, "the arguments of a call are in a wrong order");
    }
    rsn_node *value = rsn_tok_advance(c) ? rsn_parse_expression(c, true) : NULL;
    if (is_double) a->double_star = value;
    else a->star = value;
    return value != NULL;
}

static bool parse_argument(rsn_compiler *c, call_args *a) {
    if (c->tok.kind == RSN_TOK_MUL) return parse_star(c, a, false);
    if (c->tok.kind == RSN_TOK_POW) return parse_star(c, a, true);
    if (!rsn_tok_look(c)) return false;
    bool named = c->tok.kind == RSN_TOK_NAME && c->ahead.kind == RSN_TOK_ASSIGN;
    if (a->double_star || (!named && (a->star || a->site.n_kw))) {
        return rsn_compile_fail(c, "the arguments of a call are in a wrong order");
    }
    if (named && !add_keyword(c, a)) return false;
    rsn_node *value = rsn_parse_expression(c, true);
    if (!value) return false;
    rsn_node_append(a->items, value);
    a->site.n_pos += !named;
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
    if (a->star) rsn_node_append(a->items, a->star);
    if (a->double_star) rsn_node_append(a->items, a->double_star);
    a->site.star = a->star != NULL;
    a->site.double_star = a->double_star != NULL;
    return rsn_tok_expect(c, RSN_TOK_RPAREN, ")");
}

static rsn_node *call_node(rsn_compiler *c, rsn_node_kind kind, rsn_node *left,
                           call_args *a, uint32_t line) {
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
    if (c->tok.kind != RSN_TOK_NAME) return rsn_tok_fail(c, "a name");
    *out = c->tok.text;
    if (!rsn_tok_advance(c)) return false;
    while (c->tok.kind == RSN_TOK_DOT) {
        if (!rsn_tok_advance(c)) return false;
        if (c->tok.kind != RSN_TOK_NAME) return rsn_tok_fail(c, "a name");
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
        rsn_node *arg = rsn_parse_primary(c);
        if (arg) arg = rsn_parse_postfix(c, arg);
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
        return rsn_node_const(c, rsn_tv_of(RSN_TV_NONE));
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
            (void)rsn_tok_fail(c, "an expression");
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
        node->right = rsn_node_const(c, rsn_tv_int(c->tok.i));
        if (!node->right) return NULL;
    } else {
        (void)rsn_tok_fail(c, "a name or a number");
        return NULL;
    }
    return rsn_tok_advance(c) ? node : NULL;
}

rsn_node *rsn_parse_postfix(rsn_compiler *c, rsn_node *node) {
    while (node) {
        if (c->tok.kind == RSN_TOK_DOT) node = parse_dot(c, node);
        else if (c->tok.kind == RSN_TOK_LBRACKET) node = parse_brackets(c, node);
        else if (c->tok.kind == RSN_TOK_LPAREN) node = parse_call(c, node);
        else break;
    }
    return node;
}

rsn_node *rsn_parse_filters_and_tests(rsn_compiler *c, rsn_node *node) {
    while (node) {
        if (c->tok.kind == RSN_TOK_PIPE) node = rsn_parse_filters(c, false, node);
        else if (rsn_tok_at(c, "is")) node = parse_test(c, node);
        else if (c->tok.kind == RSN_TOK_LPAREN) node = parse_call(c, node);
        else break;
    }
    return node;
}
