/* Owns the tests of `is`: one small function and one row each. */
#include <string.h>

#include "text/template_native.h"
#include "text/template_value.h"

static reason_status answer(rsn_tv *out, bool yes) {
    *out = rsn_tv_bool(yes);
    return REASON_OK;
}

static reason_status test_defined(const rsn_tpl_call *c, rsn_tv *out) {
    return answer(out, c->self->kind != RSN_TV_UNDEFINED);
}

static reason_status test_undefined(const rsn_tpl_call *c, rsn_tv *out) {
    return answer(out, c->self->kind == RSN_TV_UNDEFINED);
}

static reason_status test_none(const rsn_tpl_call *c, rsn_tv *out) {
    return answer(out, c->self->kind == RSN_TV_NONE);
}

static reason_status test_boolean(const rsn_tpl_call *c, rsn_tv *out) {
    return answer(out, c->self->kind == RSN_TV_BOOL);
}

static reason_status test_true(const rsn_tpl_call *c, rsn_tv *out) {
    return answer(out, c->self->kind == RSN_TV_BOOL && c->self->as.b);
}

static reason_status test_false(const rsn_tpl_call *c, rsn_tv *out) {
    return answer(out, c->self->kind == RSN_TV_BOOL && !c->self->as.b);
}

static reason_status test_integer(const rsn_tpl_call *c, rsn_tv *out) {
    return answer(out, c->self->kind == RSN_TV_INT);
}

static reason_status test_float(const rsn_tpl_call *c, rsn_tv *out) {
    return answer(out, c->self->kind == RSN_TV_FLOAT);
}

static reason_status test_number(const rsn_tpl_call *c, rsn_tv *out) {
    return answer(out, rsn_tv_is_number(c->self));
}

static reason_status test_string(const rsn_tpl_call *c, rsn_tv *out) {
    return answer(out, c->self->kind == RSN_TV_STR);
}

static reason_status test_mapping(const rsn_tpl_call *c, rsn_tv *out) {
    return answer(out, c->self->kind == RSN_TV_DICT);
}

static reason_status test_iterable(const rsn_tpl_call *c, rsn_tv *out) {
    return answer(out, rsn_tv_iterable(c->self) || c->self->kind == RSN_TV_LOOP);
}

/* Has a length and items: views have no items, and undefined has both. */
static reason_status test_sequence(const rsn_tpl_call *c, rsn_tv *out) {
    size_t n;
    return answer(out, rsn_tv_length(c->self, &n) && c->self->kind != RSN_TV_VIEW);
}

static reason_status test_callable(const rsn_tpl_call *c, rsn_tv *out) {
    switch ((rsn_tv_kind)c->self->kind) {
    case RSN_TV_UNDEFINED:
    case RSN_TV_LOOP:
    case RSN_TV_MACRO:
    case RSN_TV_FUNCTION:
    case RSN_TV_METHOD:
    case RSN_TV_JOINER: return answer(out, true);
    default: return answer(out, false);
    }
}

static reason_status test_escaped(const rsn_tpl_call *c, rsn_tv *out) {
    return answer(out, c->self->kind == RSN_TV_STR && c->self->flag);
}

static reason_status test_sameas(const rsn_tpl_call *c, rsn_tv *out) {
    return answer(out, rsn_tv_same(c->self, &c->v[0]));
}

static reason_status test_in(const rsn_tpl_call *c, rsn_tv *out) {
    bool found;
    if (rsn_tv_contains(c->run, &c->v[0], c->self, &found)) return c->run->failed;
    return answer(out, found);
}

static reason_status in_case(const rsn_tpl_call *c, bool upper, rsn_tv *out) {
    const rsn_ts *s;
    if (rsn_tv_str(c->run, c->self, &s)) return c->run->failed;
    return rsn_tpl_is_case(c->run, s, upper, out);
}

static reason_status test_lower(const rsn_tpl_call *c, rsn_tv *out) {
    return in_case(c, false, out);
}

static reason_status test_upper(const rsn_tpl_call *c, rsn_tv *out) {
    return in_case(c, true, out);
}

static reason_status remainder_is(const rsn_tpl_call *c, rsn_tv by, int64_t wanted,
                                  rsn_tv *out) {
    rsn_tv rest, want = rsn_tv_int(wanted);
    bool equal;
    if (rsn_tv_binary(c->run, RSN_BIN_MOD, c->self, &by, &rest) ||
        rsn_tv_equal(c->run, &rest, &want, &equal)) {
        return c->run->failed;
    }
    return answer(out, equal);
}

static reason_status test_odd(const rsn_tpl_call *c, rsn_tv *out) {
    return remainder_is(c, rsn_tv_int(2), 1, out);
}

static reason_status test_even(const rsn_tpl_call *c, rsn_tv *out) {
    return remainder_is(c, rsn_tv_int(2), 0, out);
}

static reason_status test_divisibleby(const rsn_tpl_call *c, rsn_tv *out) {
    return remainder_is(c, c->v[0], 0, out);
}

/* Whether a filter or test of this name can be used. */
static reason_status is_there(const rsn_tpl_call *c, bool filter, rsn_tv *out) {
    const rsn_tpl_native *row = NULL;
    uint64_t
        hash; /* Jinja looks in a dict, so the value must be one that could be a key */
    if (rsn_tv_hash(c->run, c->self, &hash)) return c->run->failed;
    if (c->self->kind == RSN_TV_STR) {
        const rsn_ts *s = c->self->as.s;
        row = filter ? rsn_tpl_find_filter(s->data, s->n)
                     : rsn_tpl_find_test(s->data, s->n);
    }
    return answer(out, row && row->fn);
}

static reason_status test_filter(const rsn_tpl_call *c, rsn_tv *out) {
    return is_there(c, true, out);
}

static reason_status test_test(const rsn_tpl_call *c, rsn_tv *out) {
    return is_there(c, false, out);
}

static reason_status compare(const rsn_tpl_call *c, rsn_tpl_cmp op, rsn_tv *out) {
    bool yes;
    if (rsn_tv_compare(c->run, op, c->self, &c->v[0], &yes)) return c->run->failed;
    return answer(out, yes);
}

static reason_status test_eq(const rsn_tpl_call *c, rsn_tv *out) {
    return compare(c, RSN_CMP_EQ, out);
}

static reason_status test_ne(const rsn_tpl_call *c, rsn_tv *out) {
    return compare(c, RSN_CMP_NE, out);
}

static reason_status test_lt(const rsn_tpl_call *c, rsn_tv *out) {
    return compare(c, RSN_CMP_LT, out);
}

static reason_status test_le(const rsn_tpl_call *c, rsn_tv *out) {
    return compare(c, RSN_CMP_LE, out);
}

static reason_status test_gt(const rsn_tpl_call *c, rsn_tv *out) {
    return compare(c, RSN_CMP_GT, out);
}

static reason_status test_ge(const rsn_tpl_call *c, rsn_tv *out) {
    return compare(c, RSN_CMP_GE, out);
}

const rsn_tpl_native rsn_tpl_tests[] = {
    {"defined", test_defined, "", 0},
    {"undefined", test_undefined, "", 0},
    {"none", test_none, "", 0},
    {"string", test_string, "", 0},
    {"mapping", test_mapping, "", 0},
    {"iterable", test_iterable, "", 0},
    {"sequence", test_sequence, "", 0},
    {"true", test_true, "", 0},
    {"false", test_false, "", 0},
    {"boolean", test_boolean, "", 0},
    {"integer", test_integer, "", 0},
    {"float", test_float, "", 0},
    {"number", test_number, "", 0},
    {"callable", test_callable, "", 0},
    {"escaped", test_escaped, "", 0},
    {"lower", test_lower, "", 0},
    {"upper", test_upper, "", 0},
    {"odd", test_odd, "", 0},
    {"even", test_even, "", 0},
    {"divisibleby", test_divisibleby, "num", 1},
    {"sameas", test_sameas, "other", 1},
    {"in", test_in, "seq", 1},
    {"filter", test_filter, "", 0},
    {"test", test_test, "", 0},
    {"==", test_eq, "other /", 1},
    {"eq", test_eq, "other /", 1},
    {"equalto", test_eq, "other /", 1},
    {"!=", test_ne, "other /", 1},
    {"ne", test_ne, "other /", 1},
    {"<", test_lt, "other /", 1},
    {"lt", test_lt, "other /", 1},
    {"lessthan", test_lt, "other /", 1},
    {"<=", test_le, "other /", 1},
    {"le", test_le, "other /", 1},
    {">", test_gt, "other /", 1},
    {"gt", test_gt, "other /", 1},
    {"greaterthan", test_gt, "other /", 1},
    {">=", test_ge, "other /", 1},
    {"ge", test_ge, "other /", 1},
    {NULL, NULL, NULL, 0},
};
