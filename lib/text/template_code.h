/* A compiled template: code for a stack machine, with its constants, scopes, calls,
 * loops and macros. Written by template_compile.c and its helpers, run by
 * template_run.c. */
#ifndef REASON_TEXT_TEMPLATE_CODE_H
#define REASON_TEXT_TEMPLATE_CODE_H

#include "text/template_native.h"
#include "text/template_value.h"

/* What an instruction does to the stack stands behind it: before -> after. */
typedef enum rsn_op {
    RSN_OP_TEXT,        /* -> ; prints constant arg */
    RSN_OP_PRINT,       /* v -> ; n: it must be text */
    RSN_OP_CONST,       /* -> constant arg */
    RSN_OP_LOAD,        /* -> variable arg of the frame n steps out */
    RSN_OP_STORE,       /* v -> ; variable arg of this frame */
    RSN_OP_STORE_ATTR,  /* v namespace -> ; attribute constant arg */
    RSN_OP_ATTR,        /* v -> v.constant arg */
    RSN_OP_ITEM,        /* v key -> v[key] */
    RSN_OP_SLICE,       /* v start stop step -> v[start:stop:step] */
    RSN_OP_LIST,        /* arg values -> list */
    RSN_OP_TUPLE,       /* arg values -> tuple */
    RSN_OP_DICT,        /* arg pairs -> dict */
    RSN_OP_BINARY,      /* a b -> a op b; n: rsn_tpl_binop */
    RSN_OP_NEGATE,      /* a -> -a, or +a if n is 0 */
    RSN_OP_NOT,         /* a -> not a */
    RSN_OP_CONCAT,      /* arg values -> text */
    RSN_OP_COMPARE,     /* a b -> a op b; n: rsn_tpl_cmp */
    RSN_OP_CHAIN,       /* a b -> b (a op b); the same for a < b < c */
    RSN_OP_DROP_UNDER,  /* a b -> b */
    RSN_OP_JUMP,        /* to arg */
    RSN_OP_JUMP_FALSE,  /* v -> ; to arg if v is false */
    RSN_OP_AND,         /* v -> , or v and to arg if it is false */
    RSN_OP_OR,          /* v -> , or v and to arg if it is true */
    RSN_OP_NO_ELSE,     /* -> undefined: an inline if without else */
    RSN_OP_FILTER,      /* v arguments of call arg -> result */
    RSN_OP_TEST,        /* v arguments of call arg -> result */
    RSN_OP_CALL,        /* v arguments of call arg -> result */
    RSN_OP_MACRO,       /* -> macro arg, closed over this frame */
    RSN_OP_ENTER,       /* a new frame of scope arg */
    RSN_OP_LEAVE,       /* back to the frame outside */
    RSN_OP_RECURSE,     /* v -> text; runs the code of recursive loop arg over v */
    RSN_OP_FOR,         /* v -> loop; loop arg over v; a recursive one: depth v -> loop */
    RSN_OP_FOR_NEXT,    /* loop -> loop item; to arg at the end */
    RSN_OP_FOR_DONE,    /* loop -> loop; a body has run to its end */
    RSN_OP_FOR_END,     /* loop -> ; to arg if some body ran to its end */
    RSN_OP_UNPACK,      /* v -> its arg items, the first on top */
    RSN_OP_CAPTURE,     /* what is printed from here on is kept */
    RSN_OP_CAPTURED,    /* -> what was printed since */
    RSN_OP_PARAM,       /* to arg if parameter n of the frame's macro was given */
    RSN_OP_NO_PARAM,    /* parameter n becomes undefined if it was not given */
    RSN_OP_RETURN,      /* ends a macro or recursive loop: output -> caller's stack */
    RSN_OP_RETURN_TEST, /* ends the test of a loop */
    RSN_OP_END,
    RSN_OP_N
} rsn_op;

typedef struct rsn_insn {
    uint8_t op;
    uint16_t n;
    uint32_t arg;
    uint32_t line;
} rsn_insn;

enum { RSN_TPL_NONE = -1 };

/* How a variable of a frame begins. */
typedef enum rsn_tpl_begin {
    RSN_BEGIN_UNSET,
    RSN_BEGIN_PARAM, /* set by whoever makes the frame */
    RSN_BEGIN_INPUT, /* looked up among the input's variables and the global functions */
    RSN_BEGIN_OUTER  /* what variable `slot` of the frame `hops` out holds now */
} rsn_tpl_begin;

typedef struct rsn_tpl_var {
    const rsn_ts *name;
    uint8_t begin;
    uint16_t hops;
    uint32_t slot;
} rsn_tpl_var;

typedef struct rsn_tpl_scope {
    int32_t parent; /* -1: the template itself */
    rsn_tpl_var *vars;
    uint32_t n_vars;
} rsn_tpl_scope;

/* Arguments on the stack in this order: n_pos, n_kw, then one each for *args and
 * **kwargs. */
typedef struct rsn_tpl_site {
    const rsn_tpl_native *native; /* of a filter or test; NULL: not known */
    const rsn_ts *name;           /* of a filter or test */
    const rsn_ts **names;         /* of keyword arguments */
    uint32_t n_pos;
    uint16_t n_kw;
    bool star, double_star;
} rsn_tpl_site;

typedef struct rsn_tpl_for {
    uint32_t body;    /* scope */
    int32_t loop;     /* variable of body that is `loop`, or NONE */
    int32_t test;     /* scope of the test, or NONE */
    uint32_t test_at; /* its code */
    bool recursive;   /* runs as a macro does, and `loop` can be called */
    uint32_t at;      /* the code of a recursive one */
} rsn_tpl_for;

typedef struct rsn_tpl_macro_info {
    const rsn_ts *name; /* NULL: a call block */
    const rsn_ts **params;
    uint32_t *slots; /* variables of the parameters */
    uint32_t n_params;
    uint32_t scope, at;
    int32_t caller, kwargs, varargs; /* variables of the special parameters, or NONE */
    bool named_caller;               /* `caller` is among the parameters */
} rsn_tpl_macro_info;

struct rsn_template {
    rsn_arena arena; /* names, constants */
    rsn_insn *code;
    rsn_tv *consts;
    rsn_tpl_scope *scopes;
    rsn_tpl_site *sites;
    rsn_tpl_for *fors;
    rsn_tpl_macro_info *macros;
    size_t n_code, n_consts, n_scopes, n_sites, n_fors, n_macros;
    size_t code_cap, consts_cap, scopes_cap, sites_cap, fors_cap, macros_cap;
    const rsn_ts **read_names; /* every variable that is read, once */
    size_t n_read_names, read_names_cap;
};

/* A frame is a scope at run time. */
typedef struct rsn_tpl_frame {
    const rsn_tpl_scope *scope;
    struct rsn_tpl_frame *parent;
    rsn_tv vars[];
} rsn_tpl_frame;

typedef struct rsn_tpl_macro {
    const rsn_tpl_macro_info *info;
    rsn_tpl_frame *closure;
} rsn_tpl_macro;

#endif
