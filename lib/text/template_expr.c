/* Owns the grammar of expressions: tokens in, a tree out. Code is left to
 * template_emit.c. Invariant: the parser calls itself only inside brackets, signs and
 * inline ifs, each of which counts against the limit of nesting; chains of operators
 * are loops. */
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

bool rsn_tok_fail(rsn_compiler *c, const char *what) {
    return rsn_compile_fail(c, "expected %s, found %s", what,
                            rsn_tok_describe(&c->tok).text);
}

bool rsn_tok_expect(rsn_compiler *c, rsn_tok_kind kind, const char *what) {
    return c->tok.kind == kind ? rsn_tok_advance(c) : rsn_tok_fail(c, what);
}

bool rsn_tok_expect_name(rsn_compiler *c, const char *name) {
    return rsn_tok_at(c, name) ? rsn_tok_advance(c) : rsn_tok_fail(c, name);
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

rsn_node *rsn_node_const(rsn_compiler *c, rsn_tv v) {
    rsn_node *node = rsn_node_new(c, RSN_NODE_CONST, NULL);
    if (!node || !rsn_add_const(c, v, &node->arg)) return NULL;
    return node;
}

/* ---- primaries ---- */

static rsn_node *parse_name(rsn_compiler *c) {
    rsn_node *node;
    if (rsn_tok_at(c, "true") || rsn_tok_at(c, "True")) {
        node = rsn_node_const(c, rsn_tv_bool(true));
    } else if (rsn_tok_at(c, "false") || rsn_tok_at(c, "False")) {
        node = rsn_node_const(c, rsn_tv_bool(false));
    } else if (rsn_tok_at(c, "none") || rsn_tok_at(c, "None")) {
        node = rsn_node_const(c, rsn_tv_of(RSN_TV_NONE));
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
        whole =
            (rsn_text){rsn_arena_strndup(&c->t->arena, joined.data, joined.n), joined.n};
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
        if (node->n_items &&
            !rsn_tok_expect(c, RSN_TOK_COMMA, "a comma or a closing bracket")) {
            return NULL;
        }
        if (c->tok.kind == close) break;
        rsn_node *item = rsn_parse_expression(c, true);
        if (!item) return NULL;
        rsn_node_append(node, item);
        if (kind != RSN_NODE_DICT) continue;
        item =
            rsn_tok_expect(c, RSN_TOK_COLON, ":") ? rsn_parse_expression(c, true) : NULL;
        if (!item) return NULL;
        rsn_node_append(node, item);
    }
    return rsn_tok_advance(c) ? node : NULL;
}

rsn_node *rsn_parse_primary(rsn_compiler *c) {
    rsn_node *node = NULL;
    switch (c->tok.kind) {
    case RSN_TOK_NAME: return parse_name(c);
    case RSN_TOK_STRING: return parse_string(c);
    case RSN_TOK_INT:
        node = rsn_node_const(c, rsn_tv_int(c->tok.i));
        return node && rsn_tok_advance(c) ? node : NULL;
    case RSN_TOK_FLOAT:
        node = rsn_node_const(c, rsn_tv_float(c->tok.f));
        return node && rsn_tok_advance(c) ? node : NULL;
    case RSN_TOK_LPAREN:
        if (!rsn_tok_advance(c)) return NULL;
        if (c->tok.kind == RSN_TOK_RPAREN) node = rsn_node_new(c, RSN_NODE_TUPLE, NULL);
        else node = rsn_parse_tuple(c, true);
        return node && rsn_tok_expect(c, RSN_TOK_RPAREN, ")") ? node : NULL;
    case RSN_TOK_LBRACKET: return parse_items(c, RSN_NODE_LIST, RSN_TOK_RBRACKET);
    case RSN_TOK_LBRACE: return parse_items(c, RSN_NODE_DICT, RSN_TOK_RBRACE);
    default: (void)rsn_tok_fail(c, "an expression"); return NULL;
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
        node = rsn_parse_primary(c);
    }
    node = rsn_parse_postfix(c, node);
    return with_filters ? rsn_parse_filters_and_tests(c, node) : node;
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
        /* a node of its own for the sign, since the operand may need its op itself */
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

/* x if y else z. Every `if` counts as a level, since the tree hangs from it on either
 * side. */
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

static bool ends_tuple(const rsn_compiler *c) {
    return c->tok.kind == RSN_TOK_PRINT_END || c->tok.kind == RSN_TOK_BLOCK_END ||
           c->tok.kind == RSN_TOK_RPAREN;
}

typedef rsn_node *(*item_fn)(rsn_compiler *c);

static rsn_node *parse_items_of(rsn_compiler *c, item_fn parse) {
    rsn_node *first = parse(c);
    if (!first || c->tok.kind != RSN_TOK_COMMA) return first;
    rsn_node *tuple = rsn_node_new(c, RSN_NODE_TUPLE, NULL);
    if (!tuple) return NULL;
    rsn_node_append(tuple, first);
    while (c->tok.kind == RSN_TOK_COMMA) {
        if (!rsn_tok_advance(c)) return NULL;
        if (ends_tuple(c)) break;
        rsn_node *item = parse(c);
        if (!item) return NULL;
        rsn_node_append(tuple, item);
    }
    return tuple;
}

static rsn_node *parse_with_if(rsn_compiler *c) {
    return rsn_parse_expression(c, true);
}

static rsn_node *parse_without_if(rsn_compiler *c) {
    return rsn_parse_expression(c, false);
}

rsn_node *rsn_parse_tuple(rsn_compiler *c, bool with_if) {
    return parse_items_of(c, with_if ? parse_with_if : parse_without_if);
}

static rsn_node *parse_target_item(rsn_compiler *c) {
    rsn_node *node;
    if (c->tok.kind == RSN_TOK_LPAREN) {
        if (!rsn_compile_enter(c) || !rsn_tok_advance(c)) return NULL;
        node = rsn_parse_target(c);
        rsn_compile_leave(c);
        return node && rsn_tok_expect(c, RSN_TOK_RPAREN, ")") ? node : NULL;
    }
    if (c->tok.kind != RSN_TOK_NAME) {
        (void)rsn_tok_fail(c, "a name to assign to");
        return NULL;
    }
    node = parse_name(c);
    if (node && node->kind != RSN_NODE_NAME) {
        (void)rsn_compile_fail(c, "cannot assign to a constant");
        return NULL;
    }
    return node;
}

rsn_node *rsn_parse_target(rsn_compiler *c) {
    return parse_items_of(c, parse_target_item);
}
