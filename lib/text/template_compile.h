/* The state of one compilation, shared by the parser of statements (template_parse.c),
 * that of expressions (template_expr.c, template_postfix.c), the writer of code
 * (template_emit.c) and the resolver of names (template_scope.c). Private to them. */
#ifndef REASON_TEXT_TEMPLATE_COMPILE_H
#define REASON_TEXT_TEMPLATE_COMPILE_H

#include "text/template.h"
#include "text/template_code.h"
#include "text/template_lex.h"

/* ---- expressions as trees ---- */

typedef enum rsn_node_kind {
    RSN_NODE_CONST,   /* arg: constant */
    RSN_NODE_NAME,    /* arg: name */
    RSN_NODE_LIST,    /* items */
    RSN_NODE_TUPLE,   /* items */
    RSN_NODE_DICT,    /* items: key, value, key, ... */
    RSN_NODE_BINARY,  /* left op right */
    RSN_NODE_NEGATE,  /* op: 1 minus, 0 plus; left */
    RSN_NODE_NOT,     /* left */
    RSN_NODE_AND,     /* left, right */
    RSN_NODE_OR,      /* left, right */
    RSN_NODE_CONCAT,  /* left, then items */
    RSN_NODE_COMPARE, /* left, then items, which hold an op and, as left, an operand */
    RSN_NODE_COND,    /* left: the test; right if true, else third (may be NULL) */
    RSN_NODE_ATTR,    /* left.arg (a constant) */
    RSN_NODE_ITEM,    /* left[right] */
    RSN_NODE_SLICE,   /* left[items: three, none where nothing is written] */
    RSN_NODE_FILTER,  /* left (NULL: on the stack already) | site arg, items */
    RSN_NODE_TEST,    /* left is site arg, items */
    RSN_NODE_CALL,    /* left(site arg, items) */
    RSN_NODE_MACRO    /* arg: macro */
} rsn_node_kind;

/* `left` is always evaluated first, and is how long chains hang together; everything
 * else in a tree is as deep as brackets are nested. */
typedef struct rsn_node rsn_node;
struct rsn_node {
    uint8_t kind, op; /* op: rsn_tpl_binop; rsn_tpl_cmp of an item of COMPARE */
    uint32_t line, arg, n_items;
    rsn_node *left, *right, *third;
    rsn_node *items, *last; /* a list linked by `next` */
    rsn_node *next;
    rsn_node *up; /* of the emitter: whose `left` this is */
};

/* ---- names ---- */

/* What a scope's body does with a name, in the order in which Jinja looks at it. */
typedef enum rsn_event_kind {
    RSN_EVENT_LOAD,
    RSN_EVENT_STORE,
    RSN_EVENT_PARAM,
    RSN_EVENT_IF,     /* opens an if with three branches: then, elifs, else */
    RSN_EVENT_BRANCH, /* from one branch to the next */
    RSN_EVENT_END_IF,
    RSN_EVENT_NOTHING /* a PARAM that proved not to be one */
} rsn_event_kind;

typedef struct rsn_event {
    uint32_t scope, name;
    uint8_t kind;
} rsn_event;

/* An instruction whose variable is found once all scopes are known. */
typedef struct rsn_fixup {
    uint32_t scope, name, at;
} rsn_fixup;

typedef struct rsn_name {
    const rsn_ts *text;
    bool read;
} rsn_name;

enum { RSN_SPECIAL_CALLER, RSN_SPECIAL_KWARGS, RSN_SPECIAL_VARARGS, RSN_N_SPECIALS };

/* What the parser knows of a scope that is open. */
typedef struct rsn_open_scope {
    uint32_t scope;
    bool is_for;        /* `loop` may not be assigned in it */
    bool in_macro_body; /* the special names are those of this macro */
    bool reads_loop;
    uint8_t seen[RSN_N_SPECIALS]; /* their first uses: 0 none, 1 read, 2 assigned */
    uint32_t soft; /* ifs open in it: unknown filters fail when they are called */
} rsn_open_scope;

/* Where break and continue go. */
typedef struct rsn_open_loop {
    bool open;
    uint32_t next;   /* the FOR_NEXT */
    uint32_t breaks; /* the last jump of break, whose arg is the one before; 0: none */
} rsn_open_loop;

/* Functions that give a bool or a pointer fail with false or NULL, and `failed` says
 * why. */
typedef struct rsn_compiler {
    struct rsn_template *t;
    reason_status failed;
    rsn_arena trees; /* of expressions, and what else goes with the compilation */
    rsn_lexer lex;
    rsn_tok tok, ahead; /* ahead: if has_ahead */
    bool has_ahead;
    bool log_loads; /* names are recorded as read where they are parsed, too */
    uint32_t depth;
    uint32_t soft; /* inline ifs around this place */

    rsn_open_scope *open; /* innermost last */
    size_t n_open, open_cap;
    rsn_open_loop loop;

    rsn_event *events;
    size_t n_events, events_cap;
    rsn_fixup *fixups;
    size_t n_fixups, fixups_cap;
    rsn_name *names;
    size_t n_names, names_cap;
    uint32_t *name_slots; /* a hash table of name + 1 */
    size_t n_name_slots;
    uint32_t specials[RSN_N_SPECIALS], name_loop; /* names, smaller than all others */
    struct rsn_sym_table *syms;                   /* of template_scope.c */
} rsn_compiler;

/* FORMAT with the line of the present token. Always false. */
bool rsn_compile_fail(rsn_compiler *c, const char *fmt, ...) RSN_PRINTF(2, 3);
/* The same with another status and line. */
bool rsn_compile_fail_at(rsn_compiler *c, reason_status status, uint32_t line,
                         const char *fmt, ...) RSN_PRINTF(4, 5);
/* Takes over what a function of another room returned; true if it is OK. */
bool rsn_compile_ok(rsn_compiler *c, reason_status status);
/* Around every nesting of blocks and brackets; false is a LIMIT. */
bool rsn_compile_enter(rsn_compiler *c);
static inline void rsn_compile_leave(rsn_compiler *c) {
    c->depth--;
}
void *rsn_compile_alloc(rsn_compiler *c, size_t n,
                        size_t size); /* zeroed, of the trees */

/* ---- tokens (template_expr.c) ---- */

bool rsn_tok_advance(rsn_compiler *c);
bool rsn_tok_look(rsn_compiler *c); /* fills c->ahead */
bool rsn_tok_is_name(const rsn_tok *tok, const char *name);
bool rsn_tok_at(const rsn_compiler *c, const char *name);
/* Goes on behind a token of this kind, or name, and fails if another stands there. */
bool rsn_tok_expect(rsn_compiler *c, rsn_tok_kind kind, const char *what);
bool rsn_tok_expect_name(rsn_compiler *c, const char *name);
bool rsn_tok_fail(rsn_compiler *c, const char *expected); /* always false */

/* ---- expressions (template_expr.c, template_postfix.c) ---- */

rsn_node *rsn_node_new(rsn_compiler *c, rsn_node_kind kind, rsn_node *left);
rsn_node *rsn_node_const(rsn_compiler *c, rsn_tv v);
void rsn_node_append(rsn_node *list, rsn_node *item);
rsn_node *rsn_parse_expression(rsn_compiler *c, bool with_if);
/* An expression, or several with commas: a tuple. */
rsn_node *rsn_parse_tuple(rsn_compiler *c, bool with_if);
/* A name or a tuple of targets. */
rsn_node *rsn_parse_target(rsn_compiler *c);
rsn_node *rsn_parse_primary(rsn_compiler *c);
rsn_node *rsn_parse_postfix(rsn_compiler *c,
                            rsn_node *node); /* .a [b] (c); NULL stays NULL */
rsn_node *rsn_parse_filters_and_tests(rsn_compiler *c, rsn_node *node); /* the same */
/* |filter|filter... behind `node`, which may be NULL: the value is on the stack.
 * `first` means that no | stands before the first one. */
rsn_node *rsn_parse_filters(rsn_compiler *c, bool first, rsn_node *node);

/* ---- statements (template_parse.c, template_macro.c) ---- */

/* From the end of an opening tag to behind the name of the closing one. */
bool rsn_parse_block(rsn_compiler *c, const char *end);
bool rsn_parse_macro(rsn_compiler *c);
bool rsn_parse_call(rsn_compiler *c);
bool rsn_parse_generation(rsn_compiler *c);

/* ---- code (template_emit.c) ---- */

bool rsn_emit(rsn_compiler *c, rsn_op op, unsigned n, size_t arg, uint32_t line);
uint32_t rsn_emit_here(const rsn_compiler *c); /* the next instruction's place */
/* Emits an instruction whose arg is set later, by rsn_emit_patch: *at is its place. */
bool rsn_emit_jump(rsn_compiler *c, rsn_op op, unsigned n, uint32_t line, uint32_t *at);
void rsn_emit_patch(rsn_compiler *c, uint32_t at); /* to here */
/* Jumps that wait for one target hang together by their args. */
bool rsn_emit_chain(rsn_compiler *c, rsn_op op, uint32_t line, uint32_t *chain);
void rsn_emit_patch_chain(rsn_compiler *c, uint32_t chain);
/* Evaluates the tree onto the stack; names are read in the innermost open scope. */
bool rsn_emit_node(rsn_compiler *c, rsn_node *node);
/* Stores what is on the stack in a name or a tuple of names, after recording that. */
bool rsn_emit_store(rsn_compiler *c, rsn_event_kind kind, const rsn_node *target);
bool rsn_emit_load_name(rsn_compiler *c, uint32_t name, uint32_t line);
bool rsn_emit_store_name(rsn_compiler *c, uint32_t name, uint32_t line);
bool rsn_add_const(rsn_compiler *c, rsn_tv v, uint32_t *index);
bool rsn_add_text_const(rsn_compiler *c, rsn_text text, uint32_t *index);
/* The bytes are not copied: they lie in the template's arena, as those of tokens do. */
const rsn_ts *rsn_add_text(rsn_compiler *c, rsn_text text);
bool rsn_add_site(rsn_compiler *c, const rsn_tpl_site *site, uint32_t *index);

/* ---- names and scopes (template_scope.c) ---- */

bool rsn_scope_begin(rsn_compiler *c); /* before all else */
void rsn_scope_end(rsn_compiler *c);   /* frees what is not in the trees */
bool rsn_scope_intern(rsn_compiler *c, rsn_text text, uint32_t *name);
bool rsn_scope_open(rsn_compiler *c, uint32_t *scope);
void rsn_scope_close(rsn_compiler *c);
rsn_open_scope *rsn_scope_top(rsn_compiler *c);
bool rsn_scope_event(rsn_compiler *c, rsn_event_kind kind, uint32_t name);
/* A parameter that the scope may have to have; if not, the event becomes NOTHING. */
bool rsn_scope_reserve(rsn_compiler *c, uint32_t name, size_t *event);
/* Gives every scope its variables and every instruction its own. */
bool rsn_scope_resolve(rsn_compiler *c);
/* After that: the variable of a scope's own, or NONE. */
int32_t rsn_scope_slot(const rsn_compiler *c, uint32_t scope, uint32_t name);

#endif
