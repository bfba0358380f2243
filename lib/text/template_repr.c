/* Owns how values look as text: str() and repr() of Python, and the text of floats.
 * JSON is left to template_json.c, format strings to template_format.c. Invariant:
 * nothing here depends on the process's locale. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/decimal.h"
#include "base/utf8.h"
#include "text/template_native.h"
#include "text/template_value.h"

/* ---- floats ---- */

/* The decimal digits of |f| at a precision, and the power of ten of the first; f is
 * finite. */
static int digits_of(double f, int precision, char digits[20]) {
    char text[48];
    int n = 0, exponent = 0;
    (void)snprintf(text, sizeof text, "%.*e", precision - 1, fabs(f));
    for (const char *p = text; *p; p++) {
        if (*p == 'e') {
            exponent = (int)strtol(p + 1, NULL, 10);
            break;
        }
        /* what else stands there is the locale's decimal point */
        if (*p >= '0' && *p <= '9' && n < 18) digits[n++] = *p;
    }
    while (n > 1 && digits[n - 1] == '0') n--;
    digits[n] = '\0';
    return exponent;
}

static bool reads_back(double f, const char *digits, int exponent) {
    char text[48];
    double value;
    int n = snprintf(text, sizeof text, "%c.%se%d", digits[0], digits + 1, exponent);
    return n > 0 && rsn_decimal_parse(text, (size_t)n, &value) && value == fabs(f);
}

/* Fifteen digits are always right when they read back, except that subnormal numbers
 * have fewer digits than that, so for these the search starts at one. */
static int shortest_digits(double f, char digits[20]) {
    int exponent = 0;
    for (int p = fabs(f) < 3e-308 ? 1 : 15; p <= 17; p++) {
        exponent = digits_of(f, p, digits);
        if (reads_back(f, digits, exponent)) break;
    }
    return exponent;
}

size_t rsn_tpl_float_text(double f, char out[32]) {
    char digits[20];
    int n;
    if (isnan(f)) return (size_t)snprintf(out, 32, "nan");
    const char *sign = signbit(f) ? "-" : "";
    if (isinf(f)) return (size_t)snprintf(out, 32, "%sinf", sign);
    int exponent = shortest_digits(f, digits);
    int n_digits = (int)strlen(digits);
    if (exponent < -4 || exponent >= 16) {
        n = snprintf(out, 32, "%s%c%s%se%c%02d", sign, digits[0], n_digits > 1 ? "." : "",
                     digits + 1, exponent < 0 ? '-' : '+', abs(exponent));
    } else if (exponent < 0) {
        n = snprintf(out, 32, "%s0.%.*s%s", sign, -exponent - 1, "000", digits);
    } else if (n_digits <= exponent + 1) {
        n = snprintf(out, 32, "%s%s%.*s.0", sign, digits, exponent + 1 - n_digits,
                     "000000000000000");
    } else {
        n = snprintf(out, 32, "%s%.*s.%s", sign, exponent + 1, digits,
                     digits + exponent + 1);
    }
    return (size_t)n;
}

size_t rsn_tpl_float_format(char *out, size_t cap, double f, char kind, int digits) {
    char format[] = {'%', '.', '*', kind, '\0'};
    if (!isfinite(f)) {
        return (size_t)snprintf(out, cap, "%s",
                                isnan(f) ? "nan"
                                : f < 0  ? "-inf"
                                         : "inf");
    }
    int n = snprintf(out, cap, format, digits, f);
    if (n < 0) n = 0;
    if ((size_t)n >= cap) n = (int)cap - 1;
    /* The locale's decimal point, of whatever length, becomes one '.'. */
    int from = 0;
    while (from < n && ((out[from] >= '0' && out[from] <= '9') || out[from] == '-')) {
        from++;
    }
    if (from == n || out[from] == 'e') return (size_t)n;
    int to = from;
    while (to < n && !(out[to] >= '0' && out[to] <= '9')) to++;
    out[from] = '.';
    memmove(out + from + 1, out + to, (size_t)(n - to) + 1);
    return (size_t)(n - (to - from) + 1);
}

/* Finding the digits takes about as long as 30 plain steps, for subnormal numbers
 * more. */
void rsn_tb_add_float(rsn_tb *b, double f) {
    char text[32];
    if (rsn_tpl_charge(b->run, fabs(f) < 3e-308 ? 120 : 30)) return;
    rsn_tb_add(b, text, rsn_tpl_float_text(f, text));
}

static void add_number(rsn_tb *b, const rsn_tv *v) {
    char text[32];
    if (v->kind == RSN_TV_FLOAT) {
        rsn_tb_add_float(b, v->as.f);
    } else {
        int n = snprintf(text, sizeof text, "%lld", (long long)v->as.i);
        rsn_tb_add(b, text, (size_t)n);
    }
}

/* ---- text ---- */

static void add_escaped_cp(rsn_tb *b, int32_t cp) {
    char text[12];
    int n;
    if (cp == '\n') n = snprintf(text, sizeof text, "\\n");
    else if (cp == '\r') n = snprintf(text, sizeof text, "\\r");
    else if (cp == '\t') n = snprintf(text, sizeof text, "\\t");
    else if (cp < 0x100) n = snprintf(text, sizeof text, "\\x%02x", (unsigned)cp);
    else if (cp < 0x10000) n = snprintf(text, sizeof text, "\\u%04x", (unsigned)cp);
    else n = snprintf(text, sizeof text, "\\U%08x", (unsigned)cp);
    rsn_tb_add(b, text, (size_t)n);
}

static void repr_text(rsn_tb *b, const rsn_ts *s) {
    bool has_single = s->n && memchr(s->data, '\'', s->n);
    char quote = has_single && !memchr(s->data, '"', s->n) ? '"' : '\'';
    rsn_tb_addc(b, quote);
    for (size_t at = 0, len; at < s->n; at += len) {
        int32_t cp;
        len = rsn_utf8_decode(s->data + at, s->n - at, &cp);
        if (cp == quote || cp == '\\') rsn_tb_addc(b, '\\');
        if (rsn_tpl_is_printable(cp)) rsn_tb_add(b, s->data + at, len);
        else add_escaped_cp(b, cp < 0 ? 0xFFFD : cp);
    }
    rsn_tb_addc(b, quote);
    (void)rsn_tpl_charge_chars(b->run, s->n);
}

void rsn_tb_escape(rsn_tb *b, const char *s, size_t n) {
    static const char *const entities[] = {"&amp;", "&lt;", "&gt;", "&#39;", "&#34;"};
    size_t from = 0;
    for (size_t i = 0; i < n; i++) {
        const char *special = s[i] ? strchr("&<>'\"", s[i]) : NULL;
        if (!special) continue;
        rsn_tb_add(b, s + from, i - from);
        rsn_tb_addz(b, entities[special - "&<>'\""]);
        from = i + 1;
    }
    rsn_tb_add(b, s + from, n - from);
}

/* ---- containers ---- */

static void repr_items(rsn_tb *b, const rsn_tl *list, const char *open,
                       const char *close) {
    rsn_tb_addz(b, open);
    for (size_t i = 0; i < list->n && !rsn_tpl_charge(b->run, 1); i++) {
        if (i) rsn_tb_addz(b, ", ");
        rsn_tb_repr(b, &list->items[i]);
    }
    rsn_tb_addz(b, close);
}

static void repr_dict(rsn_tb *b, const rsn_td *dict) {
    rsn_tb_addc(b, '{');
    for (size_t i = 0; i < dict->n && !rsn_tpl_charge(b->run, 1); i++) {
        if (i) rsn_tb_addz(b, ", ");
        rsn_tb_repr(b, &dict->entries[i].key);
        rsn_tb_addz(b, ": ");
        rsn_tb_repr(b, &dict->entries[i].value);
    }
    rsn_tb_addc(b, '}');
}

static void repr_view(rsn_tb *b, const rsn_tv *v) {
    static const char *const opens[] = {"dict_keys([", "dict_values([", "dict_items(["};
    rsn_tb_addz(b, opens[v->flag]);
    for (size_t i = 0; i < v->as.dict->n && !rsn_tpl_charge(b->run, 1); i++) {
        const rsn_td_entry *e = &v->as.dict->entries[i];
        if (i) rsn_tb_addz(b, ", ");
        if (v->flag == RSN_VIEW_ITEMS) rsn_tb_addc(b, '(');
        if (v->flag != RSN_VIEW_VALUES) rsn_tb_repr(b, &e->key);
        if (v->flag == RSN_VIEW_ITEMS) rsn_tb_addz(b, ", ");
        if (v->flag != RSN_VIEW_KEYS) rsn_tb_repr(b, &e->value);
        if (v->flag == RSN_VIEW_ITEMS) rsn_tb_addc(b, ')');
    }
    rsn_tb_addz(b, "])");
}

static void repr_range(rsn_tb *b, const rsn_tpl_range *r) {
    char text[80];
    int n = snprintf(text, sizeof text,
                     r->step == 1 ? "range(%lld, %lld)" : "range(%lld, %lld, %lld)",
                     (long long)r->start, (long long)r->stop, (long long)r->step);
    rsn_tb_add(b, text, (size_t)n);
}

static void repr_container(rsn_tb *b, const rsn_tv *v) {
    if (rsn_tpl_enter(b->run)) return;
    switch ((rsn_tv_kind)v->kind) {
    case RSN_TV_LIST: repr_items(b, v->as.list, "[", "]"); break;
    case RSN_TV_TUPLE:
        repr_items(b, v->as.list, "(", v->as.list->n == 1 ? ",)" : ")");
        break;
    case RSN_TV_DICT: repr_dict(b, v->as.dict); break;
    case RSN_TV_VIEW: repr_view(b, v); break;
    default:
        rsn_tb_addz(b, "<Namespace ");
        repr_dict(b, v->as.dict);
        rsn_tb_addc(b, '>');
    }
    rsn_tpl_leave(b->run);
}

static void repr_markup(rsn_tb *b, const rsn_tv *v) {
    if (v->flag) rsn_tb_addz(b, "Markup(");
    repr_text(b, v->as.s);
    if (v->flag) rsn_tb_addc(b, ')');
}

/* Python shows an address here, which no template can rely on. */
static void repr_object(rsn_tb *b, const rsn_tv *v) {
    if (v->kind == RSN_TV_FUNCTION) {
        rsn_tb_addz(b, "<function ");
        rsn_tb_addz(b, v->as.native->name);
    } else if (v->kind == RSN_TV_METHOD) {
        rsn_tb_addz(b, "<built-in method ");
        rsn_tb_addz(b, v->as.method->native->name);
        rsn_tb_addz(b, " of ");
        rsn_tb_addz(b, rsn_tv_type_name(&v->as.method->self));
        rsn_tb_addz(b, " object");
    } else {
        rsn_tb_addc(b, '<');
        rsn_tb_addz(b, rsn_tv_type_name(v));
        rsn_tb_addz(b, " object");
    }
    rsn_tb_addc(b, '>');
}

void rsn_tb_repr(rsn_tb *b, const rsn_tv *v) {
    switch ((rsn_tv_kind)v->kind) {
    case RSN_TV_MISSING:
    case RSN_TV_UNDEFINED: rsn_tb_addz(b, "Undefined"); break;
    case RSN_TV_NONE: rsn_tb_addz(b, "None"); break;
    case RSN_TV_BOOL: rsn_tb_addz(b, v->as.b ? "True" : "False"); break;
    case RSN_TV_INT:
    case RSN_TV_FLOAT: add_number(b, v); break;
    case RSN_TV_STR: repr_markup(b, v); break;
    case RSN_TV_LIST:
    case RSN_TV_TUPLE:
    case RSN_TV_DICT:
    case RSN_TV_VIEW:
    case RSN_TV_NAMESPACE: repr_container(b, v); break;
    case RSN_TV_RANGE: repr_range(b, v->as.range); break;
    case RSN_TV_LOOP: rsn_tpl_loop_repr(b, v->as.loop); break;
    case RSN_TV_MACRO: rsn_tpl_macro_repr(b, v->as.macro); break;
    default: repr_object(b, v);
    }
}

void rsn_tb_str(rsn_tb *b, const rsn_tv *v) {
    if (v->kind == RSN_TV_STR) rsn_tb_add(b, v->as.s->data, v->as.s->n);
    else if (v->kind != RSN_TV_UNDEFINED) rsn_tb_repr(b, v);
}

reason_status rsn_tv_str(rsn_tpl_run *run, const rsn_tv *v, const rsn_ts **out) {
    if (v->kind == RSN_TV_STR) {
        *out = v->as.s;
        return REASON_OK;
    }
    rsn_tb b = {run, NULL, 0, 0};
    rsn_tv text;
    rsn_tb_str(&b, v);
    reason_status st = rsn_tb_finish(&b, &text);
    *out = st ? NULL : text.as.s;
    return st;
}
