/* Owns arithmetic, and what its operators do with text and lists. Invariant: whole
 * numbers never wrap, and results follow Python's rules of rounding towards minus
 * infinity. */
#include <math.h>
#include <string.h>

#include "text/template_native.h"
#include "text/template_value.h"

/* ---- numbers ---- */

static reason_status fail_overflow(rsn_tpl_run *run) {
    if (!run->failed) {
        run->failed = rsn_fail(REASON_ERR_LIMIT,
                               "a whole number of the template does not fit 64 bits");
    }
    return run->failed;
}

static reason_status fail_zero(rsn_tpl_run *run) {
    return rsn_tpl_raise(run, "division by zero");
}

static bool power_int(int64_t base, int64_t exponent, int64_t *out) {
    int64_t result = 1;
    while (exponent > 0) {
        if ((exponent & 1) && __builtin_mul_overflow(result, base, &result)) return false;
        exponent >>= 1;
        if (exponent && __builtin_mul_overflow(base, base, &base)) return false;
    }
    *out = result;
    return true;
}

static reason_status power_float(rsn_tpl_run *run, double x, double y, rsn_tv *out) {
    if (x == 0 && y < 0) return fail_zero(run);
    double result = pow(x, y);
    if (isnan(result) && !isnan(x) && !isnan(y)) {
        return rsn_tpl_raise(run, "a power of a negative number is no real number");
    }
    if (isinf(result) && !isinf(x) && !isinf(y)) {
        return rsn_tpl_raise(run, "a power is too large for a float");
    }
    *out = rsn_tv_float(result);
    return REASON_OK;
}

static reason_status binary_int(rsn_tpl_run *run, rsn_tpl_binop op, int64_t x, int64_t y,
                                rsn_tv *out) {
    int64_t r = 0;
    bool overflow = false;
    switch (op) {
    case RSN_BIN_ADD: overflow = __builtin_add_overflow(x, y, &r); break;
    case RSN_BIN_SUB: overflow = __builtin_sub_overflow(x, y, &r); break;
    case RSN_BIN_MUL: overflow = __builtin_mul_overflow(x, y, &r); break;
    case RSN_BIN_DIV:
        if (y == 0) return fail_zero(run);
        *out = rsn_tv_float((double)x / (double)y);
        return REASON_OK;
    case RSN_BIN_FLOORDIV:
    case RSN_BIN_MOD:
        if (y == 0) return fail_zero(run);
        if (y == -1) { /* the one divisor whose quotient can overflow */
            overflow = op == RSN_BIN_FLOORDIV && __builtin_sub_overflow(0, x, &r);
            break;
        }
        r = op == RSN_BIN_MOD ? x % y : x / y;
        if (x % y != 0 && (x % y < 0) != (y < 0)) r += op == RSN_BIN_MOD ? y : -1;
        break;
    case RSN_BIN_POW:
        if (y < 0) return power_float(run, (double)x, (double)y, out);
        overflow = !power_int(x, y, &r);
        break;
    }
    if (overflow) return fail_overflow(run);
    *out = rsn_tv_int(r);
    return REASON_OK;
}

static double floor_division(double x, double y, double *mod) {
    double m = fmod(x, y);
    double div = (x - m) / y;
    if (m != 0) {
        if ((y < 0) != (m < 0)) {
            m += y;
            div -= 1;
        }
    } else {
        m = copysign(0, y);
    }
    *mod = m;
    if (div == 0) return copysign(0, x / y);
    double whole = floor(div);
    return div - whole > 0.5 ? whole + 1 : whole;
}

static reason_status binary_float(rsn_tpl_run *run, rsn_tpl_binop op, double x, double y,
                                  rsn_tv *out) {
    double r = 0, mod;
    bool divides = op == RSN_BIN_DIV || op == RSN_BIN_FLOORDIV || op == RSN_BIN_MOD;
    if (divides && y == 0) return fail_zero(run);
    switch (op) {
    case RSN_BIN_ADD: r = x + y; break;
    case RSN_BIN_SUB: r = x - y; break;
    case RSN_BIN_MUL: r = x * y; break;
    case RSN_BIN_DIV: r = x / y; break;
    case RSN_BIN_FLOORDIV: r = floor_division(x, y, &mod); break;
    case RSN_BIN_MOD: (void)floor_division(x, y, &r); break;
    case RSN_BIN_POW: return power_float(run, x, y, out);
    }
    *out = rsn_tv_float(r);
    return REASON_OK;
}

/* ---- text and lists ---- */

/* Safe markup stays safe by escaping what is added to it. */
static reason_status add_text(rsn_tpl_run *run, const rsn_tv *a, const rsn_tv *b,
                              rsn_tv *out) {
    rsn_tv left = *a, right = *b;
    if (a->flag != b->flag) {
        rsn_tv *plain = a->flag ? &right : &left;
        rsn_tb escaped = {run, NULL, 0, 0};
        rsn_tb_escape(&escaped, plain->as.s->data, plain->as.s->n);
        if (rsn_tb_finish(&escaped, plain)) return run->failed;
    }
    const rsn_ts *sum;
    if (rsn_ts_concat(run, left.as.s, right.as.s, &sum)) return run->failed;
    *out = rsn_tv_text(sum);
    out->flag = a->flag | b->flag;
    return REASON_OK;
}

static reason_status add_lists(rsn_tpl_run *run, const rsn_tv *a, const rsn_tv *b,
                               rsn_tv *out) {
    const rsn_tl *x = a->as.list, *y = b->as.list;
    if (rsn_tpl_charge(run, x->n + y->n)) return run->failed;
    rsn_tl *sum = rsn_tl_new(run, x->n + y->n);
    if (!sum) return run->failed;
    if (x->n) memcpy(sum->items, x->items, x->n * sizeof *x->items);
    if (y->n) memcpy(sum->items + x->n, y->items, y->n * sizeof *y->items);
    sum->n = x->n + y->n;
    *out = rsn_tv_list((rsn_tv_kind)a->kind, sum);
    return REASON_OK;
}

static reason_status repeat(rsn_tpl_run *run, const rsn_tv *v, int64_t times,
                            rsn_tv *out) {
    uint64_t n = times > 0 ? (uint64_t)times : 0;
    if (v->kind == RSN_TV_STR) {
        rsn_tb b = {run, NULL, 0, 0};
        rsn_tb_repeat(&b, v->as.s->data, v->as.s->n, n);
        if (rsn_tb_finish(&b, out)) return run->failed;
        out->flag = v->flag;
        return REASON_OK;
    }
    const rsn_tl *list = v->as.list;
    rsn_tl *product = rsn_tl_new(run, 0);
    if (!product) return run->failed;
    if (list->n == 0) n = 0;
    for (uint64_t i = 0; i < n; i++) {
        for (size_t k = 0; k < list->n; k++) {
            if (rsn_tpl_charge(run, 1) || rsn_tl_push(run, product, list->items[k])) {
                return run->failed;
            }
        }
    }
    *out = rsn_tv_list((rsn_tv_kind)v->kind, product);
    return REASON_OK;
}

static bool repeats(const rsn_tv *v, const rsn_tv *times) {
    return (v->kind == RSN_TV_STR || rsn_tv_is_seq(v)) && rsn_tv_is_int(times);
}

reason_status rsn_tv_binary(rsn_tpl_run *run, rsn_tpl_binop op, const rsn_tv *a,
                            const rsn_tv *b, rsn_tv *out) {
    static const char *const names[] = {"+", "-", "*", "/", "//", "%", "** or pow()"};
    *out = rsn_tv_of(RSN_TV_NONE);
    if (rsn_tv_is_number(a) && rsn_tv_is_number(b)) {
        if (rsn_tv_is_int(a) && rsn_tv_is_int(b)) {
            return binary_int(run, op, rsn_tv_as_int(a), rsn_tv_as_int(b), out);
        }
        return binary_float(run, op, rsn_tv_as_float(a), rsn_tv_as_float(b), out);
    }
    if (op == RSN_BIN_ADD && a->kind == b->kind) {
        if (a->kind == RSN_TV_STR) return add_text(run, a, b, out);
        if (rsn_tv_is_seq(a)) return add_lists(run, a, b, out);
    }
    if (op == RSN_BIN_MUL && repeats(a, b)) return repeat(run, a, rsn_tv_as_int(b), out);
    if (op == RSN_BIN_MUL && repeats(b, a)) return repeat(run, b, rsn_tv_as_int(a), out);
    if (op == RSN_BIN_MOD && a->kind == RSN_TV_STR) {
        return rsn_tpl_percent(run, a->as.s, a->flag, b, out);
    }
    if (a->kind == RSN_TV_UNDEFINED) return rsn_tpl_raise_undefined(run, a);
    if (b->kind == RSN_TV_UNDEFINED) return rsn_tpl_raise_undefined(run, b);
    return rsn_tpl_raise(run, "unsupported operand types for %s: '%s' and '%s'",
                         names[op], rsn_tv_type_name(a), rsn_tv_type_name(b));
}

reason_status rsn_tv_negate(rsn_tpl_run *run, const rsn_tv *a, bool minus, rsn_tv *out) {
    if (a->kind == RSN_TV_FLOAT) {
        *out = rsn_tv_float(minus ? -a->as.f : a->as.f);
        return REASON_OK;
    }
    if (rsn_tv_is_int(a)) {
        int64_t i = rsn_tv_as_int(a);
        if (minus && __builtin_sub_overflow(0, i, &i)) return fail_overflow(run);
        *out = rsn_tv_int(i);
        return REASON_OK;
    }
    if (a->kind == RSN_TV_UNDEFINED) return rsn_tpl_raise_undefined(run, a);
    return rsn_tpl_raise(run, "bad operand type for unary %c: '%s'", minus ? '-' : '+',
                         rsn_tv_type_name(a));
}
