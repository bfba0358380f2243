/* Owns the % operator of text: conversions and where their values come from. The
 * layout of a value is left to template_spec.c. */
#include <math.h>
#include <string.h>

#include "text/template_native.h"
#include "text/template_spec.h"

typedef struct percent {
    rsn_tb b;
    const char *p, *end;
    const rsn_tv *value; /* right of % */
    size_t used;         /* arguments taken */
    bool safe;
} percent;

static reason_status take_argument(percent *f, const rsn_tv **out) {
    bool many = f->value->kind == RSN_TV_TUPLE;
    size_t n = many ? f->value->as.list->n : 1;
    if (f->used >= n) {
        return rsn_tpl_raise(f->b.run, "not enough arguments for format string");
    }
    *out = many ? &f->value->as.list->items[f->used] : f->value;
    f->used++;
    return REASON_OK;
}

static reason_status read_key(percent *f, rsn_tv *keyed, const rsn_tv **arg) {
    const char *from = ++f->p;
    int depth = 1;
    for (; f->p < f->end; f->p++) {
        if (*f->p == '(') depth++;
        if (*f->p == ')' && --depth == 0) break;
    }
    if (f->p == f->end) return rsn_tpl_raise(f->b.run, "incomplete format key");
    if (f->value->kind != RSN_TV_DICT) {
        return rsn_tpl_raise(f->b.run, "format requires a mapping");
    }
    rsn_ts key = {from, (size_t)(f->p - from), 0};
    if (rsn_td_get_text(f->b.run, f->value->as.dict, &key, keyed)) {
        return f->b.run->failed;
    }
    if (keyed->kind == RSN_TV_MISSING) {
        return rsn_tpl_raise(f->b.run, "KeyError: %s", rsn_quote(key.data, key.n).text);
    }
    f->p++;
    f->used = 1;
    *arg = keyed;
    return REASON_OK;
}

/* A number in the format, or '*': the next argument. */
static reason_status read_count(percent *f, int64_t most, int64_t *count) {
    const rsn_tv *arg;
    *count = 0;
    if (f->p < f->end && *f->p == '*') {
        f->p++;
        if (take_argument(f, &arg)) return f->b.run->failed;
        if (!rsn_tv_is_int(arg)) return rsn_tpl_raise(f->b.run, "* wants int");
        *count = rsn_tv_as_int(arg);
    } else {
        while (f->p < f->end && *f->p >= '0' && *f->p <= '9' && *count <= most) {
            *count = *count * 10 + (*f->p++ - '0');
        }
    }
    if (*count > most || *count < -most) {
        return rsn_tpl_failed(f->b.run,
                              rsn_fail(REASON_ERR_LIMIT,
                                       "a format asks for more than %lld places",
                                       (long long)most));
    }
    return REASON_OK;
}

static reason_status read_percent_spec(percent *f, rsn_tpl_spec *s) {
    bool left = false, zero = false;
    *s = rsn_plain_spec;
    for (; f->p < f->end; f->p++) {
        if (*f->p == '-') left = true;
        else if (*f->p == '0') zero = true;
        else if (*f->p == '+') s->sign = '+';
        else if (*f->p == ' ' && !s->sign) s->sign = ' ';
        else if (*f->p == '#') s->alternate = true;
        else if (*f->p != ' ') break;
    }
    if (read_count(f, RSN_SPEC_MAX_WIDTH, &s->width)) return f->b.run->failed;
    if (s->width < 0) {
        left = true;
        s->width = -s->width;
    }
    if (f->p < f->end && *f->p == '.') {
        f->p++;
        if (read_count(f, RSN_SPEC_MAX_PRECISION, &s->precision)) return f->b.run->failed;
        if (s->precision < 0) s->precision = 0;
    }
    if (f->p < f->end && strchr("hlL", *f->p)) f->p++;
    if (f->p == f->end) return rsn_tpl_raise(f->b.run, "incomplete format");
    s->type = *f->p++;
    s->align = left ? '<' : '>';
    if (zero && !left && s->type && strchr("diuoxXeEfFgG", s->type)) {
        s->align = '=';
        s->fill[0] = '0';
    }
    return REASON_OK;
}

static reason_status convert_text(percent *f, const rsn_tpl_spec *s, const rsn_tv *arg) {
    rsn_tb text = {f->b.run, NULL, 0, 0};
    if (s->type == 's') rsn_tb_str(&text, arg);
    else rsn_tb_repr(&text, arg);
    if (f->safe && !(arg->kind == RSN_TV_STR && arg->flag)) {
        rsn_tb plain = text;
        text = (rsn_tb){f->b.run, NULL, 0, 0};
        if (plain.n) rsn_tb_escape(&text, plain.data, plain.n);
    }
    if (!f->b.run->failed) {
        rsn_spec_add_text(&f->b, s, s->align, text.n ? text.data : "", text.n);
    }
    return f->b.run->failed;
}

static reason_status convert_whole(percent *f, rsn_tpl_spec *s, const rsn_tv *arg) {
    char buf[72], body[RSN_SPEC_MAX_PRECISION + 80];
    bool decimal = strchr("diu", s->type) != NULL;
    if (arg->kind == RSN_TV_UNDEFINED) return rsn_tpl_raise_undefined(f->b.run, arg);
    if (!rsn_tv_is_int(arg) && !(decimal && arg->kind == RSN_TV_FLOAT)) {
        return rsn_tpl_raise(f->b.run, "%%%c format: a number is required, not %s",
                             s->type, rsn_tv_type_name(arg));
    }
    if (arg->kind == RSN_TV_FLOAT && !(fabs(arg->as.f) < 9.2e18)) {
        return rsn_tpl_raise(f->b.run, "a float is too large for %%%c", s->type);
    }
    int64_t i = arg->kind == RSN_TV_FLOAT ? (int64_t)arg->as.f : rsn_tv_as_int(arg);
    unsigned base = decimal ? 10 : s->type == 'o' ? 8 : 16;
    const char *prefix = decimal          ? ""
                         : s->type == 'o' ? "0o"
                         : s->type == 'x' ? "0x"
                                          : "0X";
    const char *digits = rsn_spec_digits(buf, i, base, s->type == 'X');
    size_t n = strlen(digits), zeros = 0;
    if (s->precision > 0 && (uint64_t)s->precision > n) zeros = (size_t)s->precision - n;
    memset(body, '0', zeros);
    memcpy(body + zeros, digits, n + 1);
    rsn_spec_add_number(&f->b, s, i < 0, s->alternate ? prefix : "", body, 3);
    return f->b.run->failed;
}

static reason_status convert(percent *f, rsn_tpl_spec *s, const rsn_tv *arg) {
    switch (s->type) {
    case 's':
    case 'r':
    case 'a': return convert_text(f, s, arg);
    case 'd':
    case 'i':
    case 'u':
    case 'o':
    case 'x':
    case 'X': return convert_whole(f, s, arg);
    case 'e':
    case 'E':
    case 'f':
    case 'F':
    case 'g':
    case 'G':
        if (arg->kind == RSN_TV_UNDEFINED) return rsn_tpl_raise_undefined(f->b.run, arg);
        if (!rsn_tv_is_number(arg)) {
            return rsn_tpl_raise(f->b.run, "must be real number, not %s",
                                 rsn_tv_type_name(arg));
        }
        rsn_spec_add_float(&f->b, s, rsn_tv_as_float(arg));
        return f->b.run->failed;
    case 'c':
        if (rsn_tv_is_int(arg)) {
            return rsn_spec_add_char(&f->b, s, rsn_tv_as_int(arg), s->align);
        }
        if (arg->kind == RSN_TV_STR && arg->as.s->chars == 1) {
            s->type = 's';
            return convert_text(f, s, arg);
        }
        return rsn_tpl_raise(f->b.run, "%%c requires int or char");
    default: {
        rsn_quoted q = rsn_quote(&s->type, 1);
        return rsn_tpl_raise(f->b.run, "unsupported format character %s", q.text);
    }
    }
}

static reason_status expand_percent(percent *f) {
    rsn_tpl_spec s;
    rsn_tv keyed;
    const rsn_tv *arg = NULL;
    if (f->p < f->end && *f->p == '(' && read_key(f, &keyed, &arg)) {
        return f->b.run->failed;
    }
    if (read_percent_spec(f, &s)) return f->b.run->failed;
    if (s.type == '%') {
        rsn_tb_addc(&f->b, '%');
        return f->b.run->failed;
    }
    if (!arg && take_argument(f, &arg)) return f->b.run->failed;
    return convert(f, &s, arg);
}

reason_status rsn_tpl_percent(rsn_tpl_run *run, const rsn_ts *format, bool safe,
                              const rsn_tv *v, rsn_tv *out) {
    percent f = {{run, NULL, 0, 0}, format->data, format->data + format->n, v, 0, safe};
    while (f.p < f.end) {
        const char *next = memchr(f.p, '%', (size_t)(f.end - f.p));
        rsn_tb_add(&f.b, f.p, (size_t)((next ? next : f.end) - f.p));
        if (!next) break;
        f.p = next + 1;
        if (rsn_tpl_charge(run, 1) || expand_percent(&f)) return run->failed;
    }
    bool mapping = v->kind == RSN_TV_DICT || v->kind == RSN_TV_LIST ||
                   v->kind == RSN_TV_RANGE || v->kind == RSN_TV_UNDEFINED;
    size_t given = v->kind == RSN_TV_TUPLE ? v->as.list->n : mapping ? 0 : 1;
    if (f.used < given) {
        return rsn_tpl_raise(run, "not all arguments converted during string formatting");
    }
    if (rsn_tb_finish(&f.b, out)) return run->failed;
    out->flag = safe;
    return REASON_OK;
}
