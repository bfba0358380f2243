/* Owns the filters over numbers: int, float, abs, round, filesizeformat. Invariant:
 * text becomes a number as Python reads it, whatever the locale, and what does not fit
 * 64 bits is a LIMIT. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/decimal.h"
#include "text/template_native.h"
#include "text/template_value.h"

/* ---- text to numbers ---- */

/* Trimmed text without the underscores that may stand between digits; false: not a
 * number. */
static bool clean_number(rsn_tpl_run *run, const rsn_ts *s, char *buf, size_t cap,
                         size_t *n) {
    rsn_tv trimmed;
    *n = 0;
    if (rsn_tpl_charge(run, 20 + s->n)) return false;
    if (rsn_tpl_trim(run, s, NULL, true, true, &trimmed)) return false;
    const rsn_ts *t = trimmed.as.s;
    if (t->n == 0 || t->n >= cap) return false;
    for (size_t i = 0; i < t->n; i++) {
        if (t->data[i] != '_') {
            buf[(*n)++] = t->data[i];
            continue;
        }
        bool before =
            i > 0 && rsn_tpl_is_id_continue((unsigned char)t->data[i - 1] & 0x7F);
        bool behind =
            i + 1 < t->n && rsn_tpl_is_id_continue((unsigned char)t->data[i + 1] & 0x7F);
        if (!before || !behind || t->data[i + 1] == '_') return false;
    }
    buf[*n] = '\0';
    return true;
}

static int digit_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'z') return c - 'a' + 10;
    if (c >= 'A' && c <= 'Z') return c - 'A' + 10;
    return 99;
}

/* What int(text, base) gives. *fits is false where only the size is wrong. */
static bool parse_int(const char *p, size_t n, int base, int64_t *out, bool *fits) {
    const char *end = p + n;
    bool negative = p < end && *p == '-';
    *fits = true;
    *out = 0;
    if (p < end && (*p == '-' || *p == '+')) p++;
    if (end - p > 2 && *p == '0') {
        int named = (p[1] | 0x20) == 'x'   ? 16
                    : (p[1] | 0x20) == 'o' ? 8
                    : (p[1] | 0x20) == 'b' ? 2
                                           : 0;
        if (named && (base == named || base == 0)) {
            base = named;
            p += 2;
        }
    }
    if (base == 0) base = 10;
    if (p == end) return false;
    for (; p < end; p++) {
        int digit = digit_value(*p);
        if (digit >= base) return false;
        if (__builtin_mul_overflow(*out, base, out) ||
            __builtin_add_overflow(*out, negative ? -digit : digit, out)) {
            *fits = false;
            *out = 0;
        }
    }
    return true;
}

static bool parse_float(const char *p, size_t n, double *out) {
    bool negative = n && *p == '-';
    if (n && (*p == '-' || *p == '+')) {
        p++;
        n--;
    }
    char word[9] = {0};
    for (size_t i = 0; i < n && n < sizeof word; i++) word[i] = (char)(p[i] | 0x20);
    if (!strcmp(word, "inf") || !strcmp(word, "infinity")) *out = INFINITY;
    else if (!strcmp(word, "nan")) *out = NAN;
    else if (n && (*p == '-' || !rsn_decimal_parse(p, n, out))) return false;
    else if (n == 0) return false;
    if (negative) *out = -*out;
    return true;
}

static reason_status fail_fit(rsn_tpl_run *run) {
    return rsn_tpl_failed(
        run, rsn_fail(REASON_ERR_LIMIT,
                      "a whole number of the template does not fit 64 bits"));
}

/* *done is false where Python would raise ValueError. */
static reason_status truncate(rsn_tpl_run *run, double f, rsn_tv *out, bool *done) {
    *done = !isnan(f);
    if (isnan(f)) return REASON_OK;
    if (isinf(f)) return rsn_tpl_raise(run, "cannot convert float infinity to integer");
    if (!(f > -9223372036854775809.0 && f < 9223372036854775808.0)) return fail_fit(run);
    *out = rsn_tv_int((int64_t)f);
    return REASON_OK;
}

static reason_status text_to_int(const rsn_tpl_call *c, int64_t base, rsn_tv *out,
                                 bool *done) {
    char buf[512];
    size_t n;
    int64_t i;
    double f;
    bool fits = true, clean = clean_number(c->run, c->self->as.s, buf, sizeof buf, &n);
    bool known = base == 0 || (base >= 2 && base <= 36);
    if (c->run->failed || !clean) return c->run->failed;
    if (known && parse_int(buf, n, (int)base, &i, &fits)) {
        if (!fits) return fail_fit(c->run);
        *out = rsn_tv_int(i);
        *done = true;
        return REASON_OK;
    }
    return parse_float(buf, n, &f) ? truncate(c->run, f, out, done) : REASON_OK;
}

static reason_status filter_int(const rsn_tpl_call *c, rsn_tv *out) {
    bool done = false;
    int64_t base = 10;
    reason_status st = rsn_tpl_int_arg(c->run, &c->v[1], "the base", &base);
    if (st) return st;
    if (c->self->kind == RSN_TV_UNDEFINED) {
        return rsn_tpl_raise_undefined(c->run, c->self);
    }
    if (rsn_tv_is_int(c->self)) {
        *out = rsn_tv_int(rsn_tv_as_int(c->self));
        return REASON_OK;
    }
    if (c->self->kind == RSN_TV_FLOAT) st = truncate(c->run, c->self->as.f, out, &done);
    if (c->self->kind == RSN_TV_STR) st = text_to_int(c, base, out, &done);
    if (!st && !done) *out = c->v[0].kind == RSN_TV_MISSING ? rsn_tv_int(0) : c->v[0];
    return st;
}

static reason_status filter_float(const rsn_tpl_call *c, rsn_tv *out) {
    char buf[512];
    size_t n;
    double f = 0;
    bool done = false;
    if (c->self->kind == RSN_TV_UNDEFINED) {
        return rsn_tpl_raise_undefined(c->run, c->self);
    }
    if (rsn_tv_is_number(c->self)) {
        f = rsn_tv_as_float(c->self);
        done = true;
    } else if (c->self->kind == RSN_TV_STR) {
        done = clean_number(c->run, c->self->as.s, buf, sizeof buf, &n) &&
               parse_float(buf, n, &f);
    }
    *out = done || c->v[0].kind == RSN_TV_MISSING ? rsn_tv_float(f) : c->v[0];
    return c->run->failed;
}

/* ---- arithmetic ---- */

static reason_status want_number(const rsn_tpl_call *c, const char *what) {
    if (c->self->kind == RSN_TV_UNDEFINED) {
        return rsn_tpl_raise_undefined(c->run, c->self);
    }
    if (rsn_tv_is_number(c->self)) return REASON_OK;
    return rsn_tpl_raise(c->run, "%s wants a number, not '%s'", what,
                         rsn_tv_type_name(c->self));
}

static reason_status filter_abs(const rsn_tpl_call *c, rsn_tv *out) {
    if (want_number(c, "abs")) return c->run->failed;
    if (c->self->kind == RSN_TV_FLOAT) {
        *out = rsn_tv_float(fabs(c->self->as.f));
        return REASON_OK;
    }
    return rsn_tv_negate(c->run, c->self, rsn_tv_as_int(c->self) < 0, out);
}

/* To the nearest multiple of 10^places, halves to even. */
static reason_status round_int(rsn_tpl_run *run, int64_t i, int64_t places, rsn_tv *out) {
    int64_t unit = 1;
    for (int64_t k = 0; k < places; k++) {
        if (__builtin_mul_overflow(unit, (int64_t)10, &unit)) {
            *out = rsn_tv_int(0);
            return REASON_OK;
        }
    }
    int64_t rest = i % unit, whole = i - rest, half = unit / 2;
    int64_t size = rest < 0 ? -rest : rest;
    bool odd = (whole / unit) % 2 != 0;
    if (unit > 1 && (size > half || (size == half && odd))) {
        if (__builtin_add_overflow(whole, rest < 0 ? -unit : unit, &whole)) {
            return fail_fit(run);
        }
    }
    *out = rsn_tv_int(whole);
    return REASON_OK;
}

/* Through the decimal text, which is exact: what Python does. */
static double round_float(double f, int64_t places) {
    char text[800];
    double value;
    if (!isfinite(f) || places > 340) return f;
    if (places < -308) return copysign(0, f);
    if (places < 0) {
        double unit = pow(10, (double)-places);
        return nearbyint(f / unit) * unit;
    }
    size_t n = rsn_tpl_float_format(text, sizeof text, f, 'f', (int)places);
    return rsn_decimal_parse(text, n, &value) ? value : f;
}

static reason_status filter_round(const rsn_tpl_call *c, rsn_tv *out) {
    int64_t places = 0;
    const rsn_ts *method = &(rsn_ts){"common", 6, 6};
    if (rsn_tpl_int_arg(c->run, &c->v[0], "the precision", &places) ||
        rsn_tpl_text_arg(c->run, &c->v[1], "the method", &method)) {
        return c->run->failed;
    }
    bool up = rsn_ts_is(method, "ceil"), down = rsn_ts_is(method, "floor");
    if (!up && !down && !rsn_ts_is(method, "common")) {
        return rsn_tpl_raise(c->run, "method must be common, ceil or floor");
    }
    /* the steps are what the digits of round_float take */
    if (want_number(c, "round") || rsn_tpl_charge(c->run, 200)) return c->run->failed;
    if (places > 400) places = 400;
    if (places < -400) places = -400;
    if (!up && !down) {
        if (rsn_tv_is_int(c->self)) {
            return round_int(c->run, rsn_tv_as_int(c->self), places < 0 ? -places : 0,
                             out);
        }
        *out = rsn_tv_float(round_float(c->self->as.f, places));
        return REASON_OK;
    }
    double unit = pow(10, (double)places), f = rsn_tv_as_float(c->self) * unit;
    if (!isfinite(f) || unit == 0) {
        return rsn_tpl_raise(c->run, "a number is too large to round");
    }
    /* Python's are whole numbers, so that there is no negative zero. */
    *out = rsn_tv_float(((up ? ceil(f) : floor(f)) + 0.0) / unit);
    return REASON_OK;
}

static reason_status filter_filesizeformat(const rsn_tpl_call *c, rsn_tv *out) {
    static const char *const units[2][8] = {
        {"kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"},
        {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"}};
    char text[400], number[360];
    const rsn_tv none = rsn_tv_of(RSN_TV_NONE);
    rsn_tpl_call as_float = {c->run, c->self, &none, c->args};
    rsn_tv value;
    bool binary = rsn_tv_flag_arg(&c->v[0], false);
    if (c->self->kind != RSN_TV_STR && want_number(c, "filesizeformat")) {
        return c->run->failed;
    }
    if (filter_float(&as_float, &value)) return c->run->failed;
    if (rsn_tpl_charge(c->run, 100)) return c->run->failed;
    if (value.kind == RSN_TV_NONE) return rsn_tpl_raise(c->run, "a size is no number");
    double bytes = value.as.f, base = binary ? 1024 : 1000, unit = base;
    int n;
    if (bytes == 1) {
        n = snprintf(text, sizeof text, "1 Byte");
    } else if (bytes < base) {
        n = snprintf(text, sizeof text, "%lld Bytes",
                     bytes > -9e18 ? (long long)bytes : 0);
    } else {
        int i = 0;
        unit *= base;
        for (; i < 7 && !(bytes < unit); i++) unit *= base;
        (void)rsn_tpl_float_format(number, sizeof number, base * bytes / unit, 'f', 1);
        n = snprintf(text, sizeof text, "%s %s", number, units[binary][i]);
    }
    return rsn_tv_copy(c->run, text, (size_t)n, out);
}

const rsn_tpl_native rsn_tpl_number_filters[] = {
    {"int", filter_int, "default base", 0},
    {"float", filter_float, "default", 0},
    {"abs", filter_abs, "", 0},
    {"round", filter_round, "precision method", 0},
    {"filesizeformat", filter_filesizeformat, "binary", 0},
    {NULL, NULL, NULL, 0},
};
