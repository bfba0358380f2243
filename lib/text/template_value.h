/* Values of a running template, and the run that owns them. Private to
 * lib/text/template_*.c. */
#ifndef REASON_TEXT_TEMPLATE_VALUE_H
#define REASON_TEXT_TEMPLATE_VALUE_H

#include "base/arena.h"
#include "base/str.h"

typedef enum rsn_tv_kind {
    RSN_TV_MISSING, /* no value: a variable not set, an argument not given, an end */
    RSN_TV_UNDEFINED,
    RSN_TV_NONE,
    RSN_TV_BOOL,
    RSN_TV_INT,
    RSN_TV_FLOAT,
    RSN_TV_STR,
    RSN_TV_LIST,
    RSN_TV_TUPLE,
    RSN_TV_DICT,
    RSN_TV_VIEW, /* keys(), values() or items() of a dict */
    RSN_TV_RANGE,
    RSN_TV_NAMESPACE,
    RSN_TV_ITER, /* what map, select, reversed and so on give: read once */
    RSN_TV_LOOP,
    RSN_TV_MACRO,
    RSN_TV_FUNCTION,
    RSN_TV_METHOD, /* a function with the value it belongs to */
    RSN_TV_CYCLER,
    RSN_TV_JOINER,
    RSN_TV_N_KINDS
} rsn_tv_kind;

typedef struct rsn_ts rsn_ts;
typedef struct rsn_tl rsn_tl;
typedef struct rsn_td rsn_td;
typedef struct rsn_ti rsn_ti;
typedef struct rsn_tv rsn_tv;
typedef struct rsn_tpl_run rsn_tpl_run;

/* Why something is undefined, in rsn_tv.flag: it chooses the sentence that using it
 * raises. */
typedef enum rsn_tv_undef {
    RSN_UNDEF_NAME,    /* text: the variable */
    RSN_UNDEF_PARAM,   /* text: the parameter of a macro that was not given */
    RSN_UNDEF_ATTR,    /* text: the attribute; aux: the kind of its object */
    RSN_UNDEF_ELEMENT, /* text: the key, printed; aux: the kind of its object */
    RSN_UNDEF_UNSAFE,  /* text: the attribute; aux: the kind of its object */
    RSN_UNDEF_HINT     /* text: the sentence */
} rsn_tv_undef;

struct rsn_tv {
    uint8_t kind;
    /* STR: 1 if it is safe markup; TUPLE: 1 if it is a group; UNDEFINED: rsn_tv_undef;
     * VIEW: rsn_tv_view */
    uint8_t flag;
    uint16_t aux; /* UNDEFINED: a kind */
    union {
        bool b;
        int64_t i;
        double f;
        const rsn_ts *s; /* STR and UNDEFINED */
        rsn_tl *list;    /* LIST, TUPLE, CYCLER; JOINER: its separator */
        rsn_td *dict;    /* DICT, VIEW and NAMESPACE */
        rsn_ti *iter;
        struct rsn_tpl_range *range;
        struct rsn_tpl_loop *loop;
        struct rsn_tpl_macro *macro;
        const struct rsn_tpl_native *native;
        struct rsn_tpl_method *method;
    } as;
};

typedef enum rsn_tv_view { RSN_VIEW_KEYS, RSN_VIEW_VALUES, RSN_VIEW_ITEMS } rsn_tv_view;

/* Text is UTF-8 and never changes; parts of it share its bytes. */
struct rsn_ts {
    const char *data;
    size_t n, chars; /* bytes, code points */
};

struct rsn_tl {
    rsn_tv *items;
    size_t n, cap;
    size_t at; /* CYCLER: whose turn it is; JOINER: whether it was used */
};

typedef struct rsn_td_entry {
    rsn_tv key, value;
    uint64_t hash;
} rsn_td_entry;

/* In order of insertion. Nothing is ever removed. */
struct rsn_td {
    rsn_td_entry *entries;
    size_t n, cap;
    uint32_t *slots; /* index + 1 of an entry, or 0; NULL while there are few entries */
    size_t n_slots;  /* a power of two */
};

typedef struct rsn_tpl_range {
    int64_t start, stop, step;
    size_t n;
} rsn_tpl_range;

typedef struct rsn_tpl_method {
    rsn_tv self;
    const struct rsn_tpl_native *native;
} rsn_tpl_method;

/* Gives the next item, or MISSING at the end and ever after. */
typedef reason_status (*rsn_ti_next_fn)(rsn_tpl_run *run, rsn_ti *it, rsn_tv *out);

struct rsn_ti {
    rsn_ti_next_fn next;
    rsn_tv source;  /* what is walked over */
    rsn_ti *inner;  /* or the iterator that is drawn from */
    size_t at;      /* position in source */
    void *state;    /* of `next` */
    uint32_t depth; /* iterators inside this one */
};

/* One render. Everything it makes lies in `arena`; once `failed` is set nothing goes
 * on. */
struct rsn_tpl_run {
    const struct rsn_template *t;
    rsn_arena arena;
    int64_t steps;  /* left */
    uint32_t depth; /* of values inside values, where one is walked */
    reason_status failed;
    rsn_str *out;
    size_t out_base; /* what was in `out` before */
    rsn_str scratch; /* for what only rsn_str can do */
    char *tail;      /* the text that was built last, which may grow where it is */
    size_t tail_n, tail_cap;
    rsn_td *vars;
    struct {
        int year, month, day, hour, minute, second; /* month and day from 1 */
    } now;
};

/* ---- memory and limits (template_value.c) ---- */

/* NULL on failure, and run->failed says why: LIMIT or NO_MEMORY. Not zeroed. */
void *rsn_tpl_alloc(rsn_tpl_run *run, size_t n, size_t size);
/* Takes n steps of the render's allowance. */
reason_status rsn_tpl_charge(rsn_tpl_run *run, uint64_t n);
/* The charge for looking at or copying n bytes. */
reason_status rsn_tpl_charge_bytes(rsn_tpl_run *run, size_t n);
/* The charge for decoding n bytes and asking for the class of each character. */
reason_status rsn_tpl_charge_chars(rsn_tpl_run *run, size_t n);
/* Around walking into a value: LIMIT when values are too deep. leave follows every OK. */
reason_status rsn_tpl_enter(rsn_tpl_run *run);
void rsn_tpl_leave(rsn_tpl_run *run);
/* Fails with TEMPLATE. */
reason_status rsn_tpl_raise(rsn_tpl_run *run, const char *fmt, ...) RSN_PRINTF(2, 3);
/* Remembers what a callee of another room returned. */
reason_status rsn_tpl_failed(rsn_tpl_run *run, reason_status status);

/* ---- making values ---- */

static inline rsn_tv rsn_tv_of(rsn_tv_kind kind) {
    rsn_tv v = {(uint8_t)kind, 0, 0, {.i = 0}};
    return v;
}
static inline rsn_tv rsn_tv_bool(bool b) {
    rsn_tv v = {RSN_TV_BOOL, 0, 0, {.i = 0}};
    v.as.b = b;
    return v;
}
static inline rsn_tv rsn_tv_int(int64_t i) {
    rsn_tv v = {RSN_TV_INT, 0, 0, {.i = i}};
    return v;
}
static inline rsn_tv rsn_tv_float(double f) {
    rsn_tv v = {RSN_TV_FLOAT, 0, 0, {.f = f}};
    return v;
}
static inline rsn_tv rsn_tv_text(const rsn_ts *s) {
    rsn_tv v = {RSN_TV_STR, 0, 0, {.s = s}};
    return v;
}
static inline rsn_tv rsn_tv_list(rsn_tv_kind kind, rsn_tl *list) {
    rsn_tv v = {(uint8_t)kind, 0, 0, {.list = list}};
    return v;
}
static inline rsn_tv rsn_tv_dict(rsn_td *dict) {
    rsn_tv v = {RSN_TV_DICT, 0, 0, {.dict = dict}};
    return v;
}
static inline rsn_tv rsn_tv_iter(rsn_ti *it) {
    rsn_tv v = {RSN_TV_ITER, 0, 0, {.iter = it}};
    return v;
}
static inline rsn_tv rsn_tv_undefined(rsn_tv_undef why, const rsn_ts *text,
                                      unsigned object) {
    rsn_tv v = {RSN_TV_UNDEFINED, (uint8_t)why, (uint16_t)object, {.s = text}};
    return v;
}

/* How many characters begin in s[0..n). */
size_t rsn_ts_count(const char *s, size_t n);
/* Text that shares data[0..n), which must outlive the run's values. */
reason_status rsn_ts_share(rsn_tpl_run *run, const char *data, size_t n,
                           const rsn_ts **out);
reason_status rsn_ts_copy(rsn_tpl_run *run, const char *data, size_t n,
                          const rsn_ts **out);
reason_status rsn_ts_concat(rsn_tpl_run *run, const rsn_ts *a, const rsn_ts *b,
                            const rsn_ts **out);
/* The same as values. */
reason_status rsn_tv_share(rsn_tpl_run *run, const char *data, size_t n, rsn_tv *out);
reason_status rsn_tv_copy(rsn_tpl_run *run, const char *data, size_t n, rsn_tv *out);
/* UNDEFINED with a sentence of static text. */
reason_status rsn_tv_hint(rsn_tpl_run *run, const char *sentence, rsn_tv *out);
bool rsn_ts_is(const rsn_ts *s, const char *text);
bool rsn_ts_equal(const rsn_ts *a, const rsn_ts *b);
/* The byte offset of character `index` (<= chars). */
size_t rsn_ts_offset(const rsn_ts *s, size_t index);

rsn_tl *rsn_tl_new(rsn_tpl_run *run, size_t cap); /* NULL: see run->failed */
reason_status rsn_tl_push(rsn_tpl_run *run, rsn_tl *list, rsn_tv v);

rsn_td *rsn_td_new(rsn_tpl_run *run);
reason_status rsn_td_set(rsn_tpl_run *run, rsn_td *dict, rsn_tv key, rsn_tv value);
/* *out is MISSING if the key is not there. TEMPLATE for keys that cannot be hashed. */
reason_status rsn_td_get(rsn_tpl_run *run, const rsn_td *dict, rsn_tv key, rsn_tv *out);
reason_status rsn_td_get_text(rsn_tpl_run *run, const rsn_td *dict, const rsn_ts *key,
                              rsn_tv *out);
reason_status rsn_tv_item(rsn_tpl_run *run, const rsn_td_entry *e,
                          rsn_tv *out); /* (key, value) */

/* Text under construction, in the run's memory. A failure shows in the run. */
typedef struct rsn_tb {
    rsn_tpl_run *run;
    char *data;
    size_t n, cap;
} rsn_tb;
void rsn_tb_add(rsn_tb *b, const char *bytes, size_t n);
void rsn_tb_addz(rsn_tb *b, const char *text);
void rsn_tb_addc(rsn_tb *b, char c);
void rsn_tb_add_cp(rsn_tb *b, int32_t cp);
void rsn_tb_repeat(rsn_tb *b, const char *bytes, size_t n_bytes, uint64_t times);
reason_status rsn_tb_finish(rsn_tb *b, rsn_tv *out);

/* ---- asking values (template_ops.c unless said otherwise) ---- */

const char *rsn_tv_type_name(
    const rsn_tv *v); /* as Python names it: "str", "dict", ... */
bool rsn_tv_truth(const rsn_tv *v);
static inline bool rsn_tv_is_number(const rsn_tv *v) {
    return v->kind == RSN_TV_BOOL || v->kind == RSN_TV_INT || v->kind == RSN_TV_FLOAT;
}
static inline bool rsn_tv_is_int(const rsn_tv *v) {
    return v->kind == RSN_TV_BOOL || v->kind == RSN_TV_INT;
}
static inline bool rsn_tv_is_seq(const rsn_tv *v) {
    return v->kind == RSN_TV_LIST || v->kind == RSN_TV_TUPLE;
}
static inline int64_t rsn_tv_as_int(const rsn_tv *v) { /* of BOOL and INT */
    return v->kind == RSN_TV_BOOL ? (int64_t)v->as.b : v->as.i;
}
static inline double rsn_tv_as_float(const rsn_tv *v) { /* of numbers */
    return v->kind == RSN_TV_FLOAT ? v->as.f : (double)rsn_tv_as_int(v);
}
/* len(); false if it has none. */
bool rsn_tv_length(const rsn_tv *v, size_t *n);
/* Whether a and b are one object. */
bool rsn_tv_same(const rsn_tv *a, const rsn_tv *b);
reason_status rsn_tv_equal(rsn_tpl_run *run, const rsn_tv *a, const rsn_tv *b,
                           bool *equal);
/* -1, 0, 1; 2 where a number is no number. TEMPLATE where Python has no order. */
reason_status rsn_tv_order(rsn_tpl_run *run, const rsn_tv *a, const rsn_tv *b,
                           const char *op, int *order);
reason_status rsn_tv_contains(rsn_tpl_run *run, const rsn_tv *box, const rsn_tv *v,
                              bool *found);
/* TEMPLATE for lists and dicts. */
reason_status rsn_tv_hash(rsn_tpl_run *run, const rsn_tv *v, uint64_t *hash);
/* Fails as using an undefined value does. */
reason_status rsn_tpl_raise_undefined(rsn_tpl_run *run, const rsn_tv *v);

/* ---- reading and computing (template_ops.c, template_access.c) ---- */

typedef enum rsn_tpl_binop {
    RSN_BIN_ADD,
    RSN_BIN_SUB,
    RSN_BIN_MUL,
    RSN_BIN_DIV,
    RSN_BIN_FLOORDIV,
    RSN_BIN_MOD,
    RSN_BIN_POW
} rsn_tpl_binop;
typedef enum rsn_tpl_cmp {
    RSN_CMP_EQ,
    RSN_CMP_NE,
    RSN_CMP_LT,
    RSN_CMP_LE,
    RSN_CMP_GT,
    RSN_CMP_GE,
    RSN_CMP_IN,
    RSN_CMP_NOT_IN
} rsn_tpl_cmp;
reason_status rsn_tv_binary(rsn_tpl_run *run, rsn_tpl_binop op, const rsn_tv *a,
                            const rsn_tv *b, rsn_tv *out);
reason_status rsn_tv_negate(rsn_tpl_run *run, const rsn_tv *a, bool minus, rsn_tv *out);
reason_status rsn_tv_compare(rsn_tpl_run *run, rsn_tpl_cmp op, const rsn_tv *a,
                             const rsn_tv *b, bool *out);
/* x.name, x[key] and x[start:stop:step] (NONE where nothing is written). */
reason_status rsn_tv_attr(rsn_tpl_run *run, const rsn_tv *v, const rsn_ts *name,
                          rsn_tv *out);
reason_status rsn_tv_subscript(rsn_tpl_run *run, const rsn_tv *v, const rsn_tv *key,
                               rsn_tv *out);
reason_status rsn_tv_slice(rsn_tpl_run *run, const rsn_tv *v, const rsn_tv bounds[3],
                           rsn_tv *out);
/* Only what x has as a Python attribute; MISSING if nothing. */
reason_status rsn_tv_own_attr(rsn_tpl_run *run, const rsn_tv *v, const rsn_ts *name,
                              rsn_tv *out);

/* ---- printing (template_repr.c) ---- */

void rsn_tb_str(rsn_tb *b, const rsn_tv *v);
void rsn_tb_repr(rsn_tb *b, const rsn_tv *v);
reason_status rsn_tv_str(rsn_tpl_run *run, const rsn_tv *v, const rsn_ts **out);
void rsn_tb_add_float(rsn_tb *b, double f);
/* The shortest decimal that reads back as f, as Python writes it. Returns its length. */
size_t rsn_tpl_float_text(double f, char out[32]);
/* `digits` after the point; kind is e, f or g. Returns the length, at most 400 +
 * digits. */
size_t rsn_tpl_float_format(char *out, size_t cap, double f, char kind, int digits);
void rsn_tb_escape(rsn_tb *b, const char *s, size_t n); /* & < > ' " for HTML */

/* ---- walking (template_iter.c) ---- */

/* TEMPLATE if v cannot be iterated over. An ITER gives its own, half used as it may
 * be. */
reason_status rsn_ti_of(rsn_tpl_run *run, const rsn_tv *v, rsn_ti **out);
bool rsn_tv_iterable(const rsn_tv *v);
/* An iterator of one's own; `inner` may be NULL. LIMIT if they are too deep. */
reason_status rsn_ti_make(rsn_tpl_run *run, rsn_ti_next_fn next, rsn_ti *inner,
                          void *state, rsn_ti **out);
static inline reason_status rsn_ti_next(rsn_tpl_run *run, rsn_ti *it, rsn_tv *out) {
    return it->next(run, it, out);
}
reason_status rsn_ti_reversed(rsn_tpl_run *run, const rsn_tv *v, rsn_tv *out);
/* A fresh list of all items. */
reason_status rsn_tv_collect(rsn_tpl_run *run, const rsn_tv *v, rsn_tl **out);

/* ---- JSON and time (template_json.c, template_time.c) ---- */

reason_status rsn_tpl_read_json(rsn_tpl_run *run, const char *json, size_t n,
                                rsn_tv *out);
typedef struct rsn_tpl_json_style {
    bool ascii, sort_keys, multiline;
    const rsn_ts *indent; /* of multiline */
    const rsn_ts *item_separator, *key_separator;
} rsn_tpl_json_style;
reason_status rsn_tpl_write_json(rsn_tb *b, const rsn_tv *v,
                                 const rsn_tpl_json_style *style);
/* Sets run->now; now NULL: the clock. */
reason_status rsn_tpl_set_now(rsn_tpl_run *run, const char *now);
reason_status rsn_tpl_strftime(rsn_tpl_run *run, const rsn_ts *format, rsn_tv *out);

#endif
