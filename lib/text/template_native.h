/* What a template can call that is written in C: tables of functions, methods, filters
 * and tests, and how their arguments are bound. Private to lib/text/template_*.c. A
 * new one is a function and a row. */
#ifndef REASON_TEXT_TEMPLATE_NATIVE_H
#define REASON_TEXT_TEMPLATE_NATIVE_H

#include "text/template_value.h"

enum { RSN_TPL_MAX_PARAMS = 6 };

/* Arguments as they were written. */
typedef struct rsn_tpl_args {
    const rsn_tv *pos;
    size_t n_pos;
    const rsn_ts *const *names; /* of the keyword arguments */
    const rsn_tv *values;
    size_t n_kw;
} rsn_tpl_args;

/* `v` are the parameters that the row names, MISSING where nothing was given; `args`
 * is for those whose row has none. `self` is the object, the filtered or the tested
 * value. */
typedef struct rsn_tpl_call {
    rsn_tpl_run *run;
    const rsn_tv *self;
    const rsn_tv *v;
    const rsn_tpl_args *args;
} rsn_tpl_call;

typedef reason_status (*rsn_tpl_fn)(const rsn_tpl_call *c, rsn_tv *out);

typedef struct rsn_tpl_native {
    const char *name;
    rsn_tpl_fn fn; /* NULL: known to Python or Jinja, refused here */
    /* Names of parameters, separated by blanks; those behind '*' may only be given by
     * name, those before '/' only by position. NULL: takes anything, and looks at
     * `args`. */
    const char *params;
    int n_required;
} rsn_tpl_native;

/* Binds and calls. */
reason_status rsn_tpl_call_native(rsn_tpl_run *run, const rsn_tpl_native *native,
                                  const rsn_tv *self, const rsn_tpl_args *args,
                                  rsn_tv *out);

/* Each gives NULL if there is no such row. */
const rsn_tpl_native *rsn_tpl_find_filter(const char *name, size_t n);
const rsn_tpl_native *rsn_tpl_find_test(const char *name, size_t n);
const rsn_tpl_native *rsn_tpl_find_global(const char *name, size_t n);
const rsn_tpl_native *rsn_tpl_find_method(rsn_tv_kind kind, const char *name, size_t n);
/* A search in one table, whose last row has no name. */
const rsn_tpl_native *rsn_tpl_find_row(const rsn_tpl_native *rows, const char *name,
                                       size_t n);

/* The tables that the above search. */
extern const rsn_tpl_native rsn_tpl_text_filters[], rsn_tpl_number_filters[],
    rsn_tpl_list_filters[], rsn_tpl_pick_filters[], rsn_tpl_text_methods[],
    rsn_tpl_split_methods[], rsn_tpl_tests[];

/* ---- arguments ---- */

/* TEMPLATE, naming `what`, if the argument is of another type. MISSING leaves *out
 * alone. */
reason_status rsn_tpl_int_arg(rsn_tpl_run *run, const rsn_tv *v, const char *what,
                              int64_t *out);
reason_status rsn_tpl_text_arg(rsn_tpl_run *run, const rsn_tv *v, const char *what,
                               const rsn_ts **out);
static inline bool rsn_tv_given(const rsn_tv *v) { /* and not none */
    return v->kind != RSN_TV_MISSING && v->kind != RSN_TV_NONE;
}
static inline bool rsn_tv_flag_arg(const rsn_tv *v, bool otherwise) {
    return v->kind == RSN_TV_MISSING ? otherwise : rsn_tv_truth(v);
}

/* ---- filters that others use ---- */

/* "a.b.0": the steps from an object to one of its parts, as map and sort take them. */
typedef struct rsn_tpl_path {
    rsn_tv *parts;
    size_t n;
    rsn_tv otherwise; /* MISSING: undefined stays undefined */
    bool lower;       /* text is lowered */
} rsn_tpl_path;
reason_status rsn_tpl_read_path(rsn_tpl_run *run, const rsn_tv *attribute,
                                rsn_tpl_path *path);
reason_status rsn_tpl_read_steps(rsn_tpl_run *run, const char *s, size_t n,
                                 rsn_tpl_path *path);
reason_status rsn_tpl_follow(rsn_tpl_run *run, const rsn_tpl_path *path, const rsn_tv *v,
                             rsn_tv *out);
/* Stable, by merging; n items with keys[i]. */
reason_status rsn_tpl_sort(rsn_tpl_run *run, rsn_tv *items, rsn_tv *keys, size_t n,
                           bool reverse);

/* ---- format strings (template_format.c) ---- */

/* format % value, format.format(...) and format.format_map(mapping). `safe` is that of
 * format. */
reason_status rsn_tpl_percent(rsn_tpl_run *run, const rsn_ts *format, bool safe,
                              const rsn_tv *v, rsn_tv *out);
reason_status rsn_tpl_brace_format(rsn_tpl_run *run, const rsn_tv *format,
                                   const rsn_tpl_args *args, const rsn_tv *map,
                                   rsn_tv *out);

/* ---- case and classes of characters (template_unicode.c) ---- */

typedef enum rsn_tpl_case {
    RSN_CASE_LOWER,
    RSN_CASE_UPPER,
    RSN_CASE_TITLE,
    RSN_CASE_FOLD
} rsn_tpl_case;
bool rsn_tpl_is_space(int32_t cp);
bool rsn_tpl_is_alpha(int32_t cp);
bool rsn_tpl_is_decimal(int32_t cp);
bool rsn_tpl_is_digit(int32_t cp);
bool rsn_tpl_is_numeric(int32_t cp);
bool rsn_tpl_is_word(int32_t cp); /* \w */
bool rsn_tpl_is_id_start(int32_t cp);
bool rsn_tpl_is_id_continue(int32_t cp);
bool rsn_tpl_is_lower(int32_t cp);
bool rsn_tpl_is_upper(int32_t cp); /* or title case */
bool rsn_tpl_is_cased(int32_t cp);
bool rsn_tpl_is_printable(int32_t cp);
/* Appends the character in another case, which may be several. */
void rsn_tb_add_case(rsn_tb *b, int32_t cp, rsn_tpl_case to);
/* Appends the small letter of cp, which stands at `at` in s: a sigma may end a word
 * there. */
void rsn_tb_add_lower(rsn_tb *b, const rsn_ts *s, size_t at, int32_t cp);
/* A whole text in one case. */
reason_status rsn_tpl_change_case(rsn_tpl_run *run, const rsn_ts *s, rsn_tpl_case to,
                                  rsn_tv *out);
/* Trims white space (chars NULL) or characters of `chars`. */
reason_status rsn_tpl_trim(rsn_tpl_run *run, const rsn_ts *s, const rsn_ts *chars,
                           bool left, bool right, rsn_tv *out);

/* ---- text, for methods and filters (template_text_methods.c, template_split_methods.c)
 * ---- */

/* Whether all cased characters are of one case, and there are some. */
reason_status rsn_tpl_is_case(rsn_tpl_run *run, const rsn_ts *s, bool upper, rsn_tv *out);
/* The lines of the call's self, which is text. */
reason_status rsn_tpl_split_lines(const rsn_tpl_call *c, bool keep, rsn_tl *list);
/* At most `most` times, if that is not negative; `safe` escapes what is put in. */
reason_status rsn_tpl_replace(rsn_tpl_run *run, const rsn_ts *s, const rsn_ts *old,
                              const rsn_tv *with, bool safe, int64_t most, rsn_tv *out);

/* ---- loops and macros (template_loop.c, template_call.c) ---- */

void rsn_tpl_loop_repr(rsn_tb *b, struct rsn_tpl_loop *loop);
void rsn_tpl_macro_repr(rsn_tb *b, const struct rsn_tpl_macro *macro);
reason_status rsn_tpl_loop_length(rsn_tpl_run *run, struct rsn_tpl_loop *loop, size_t *n);
/* MISSING if a loop or macro has no such attribute. */
reason_status rsn_tpl_loop_attr(rsn_tpl_run *run, const rsn_tv *v, const rsn_ts *name,
                                rsn_tv *out);
reason_status rsn_tpl_macro_attr(rsn_tpl_run *run, const rsn_tv *v, const rsn_ts *name,
                                 rsn_tv *out);

#endif
