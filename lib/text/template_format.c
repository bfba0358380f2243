/* Owns format strings: the % operator with its conversions, and str.format with its fields. What
 * a field reaches is left to template_access.c, so the sandbox holds here too. Invariant: widths
 * and precisions are bounded, so no format makes more text than the render may have. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "text/template.h"
#include "text/template_native.h"
#include "text/template_value.h"

enum { MAX_PRECISION = 500, MAX_WIDTH = 1 << 20, NUMBER_BYTES = 1024 };

/* How one value is to be written; the same for both kinds of format strings. */
typedef struct spec {
    char fill[4]; /* one character */
    size_t n_fill;
    char align; /* < > ^ = or 0 */
    char sign;  /* + or blank or 0: only minus */
    char group; /* , or _ or 0 */
    char type;  /* 0: none */
    bool alternate;
    int64_t width, precision; /* precision -1: none */
} spec;

static const spec plain_spec = {{' ', 0, 0, 0}, 1, 0, 0, 0, 0, false, 0, -1};

static void add_padded(rsn_tb *b, const spec *s, char align, const char *prefix,
                       const char *body, size_t n_body) {
    uint64_t width = strlen(prefix) + rsn_ts_count(body, n_body);
    uint64_t room = (uint64_t)s->width > width ? (uint64_t)s->width - width : 0;
    uint64_t left = align == '>' ? room : align == '^' ? room / 2 : 0;
    if (align != '=') rsn_tb_repeat(b, s->fill, s->n_fill, left);
    rsn_tb_addz(b, prefix);
    if (align == '=') rsn_tb_repeat(b, s->fill, s->n_fill, room);
    rsn_tb_add(b, body, n_body);
    if (align == '<' || align == '^') rsn_tb_repeat(b, s->fill, s->n_fill, room - left);
}

static void add_text_padded(rsn_tb *b, const spec *s, char align, const char *text, size_t n) {
    rsn_ts t = {text, n, rsn_ts_count(text, n)};
    if (s->precision >= 0 && (uint64_t)s->precision < t.chars) {
        t.n = rsn_ts_offset(&t, (size_t)s->precision);
    }
    add_padded(b, s, align, "", text, t.n);
}

/* ---- numbers ---- */

/* Digits of |i| in a base, written backwards from the end of buf; returns where they begin. */
static const char *digits_in_base(char buf[72], int64_t i, unsigned base, bool upper) {
    const char *letters = upper ? "0123456789ABCDEF" : "0123456789abcdef";
    uint64_t u = i < 0 ? 0 - (uint64_t)i : (uint64_t)i;
    char *p = buf + 71;
    *p = '\0';
    do {
        *--p = letters[u % base];
        u /= base;
    } while (u);
    return p;
}

/* Puts the group sign between every `every` digits of the whole part, and with zero padding also
 * between the zeros. */
static size_t group_digits(char *out, const char *body, const spec *s, size_t every,
                           size_t prefix) {
    size_t whole = strspn(body, every == 4 ? "0123456789abcdefABCDEF" : "0123456789");
    size_t rest = strlen(body + whole), n = 0, digits = whole;
    if (s->align == '=' && s->fill[0] == '0') {
        while (digits + (digits - 1) / every + rest + prefix < (uint64_t)s->width &&
               digits < NUMBER_BYTES / 2) {
            digits++;
        }
    }
    for (size_t i = 0; i < digits; i++) {
        if (i && (digits - i) % every == 0) out[n++] = s->group;
        out[n++] = i < digits - whole ? '0' : body[i - (digits - whole)];
    }
    memcpy(out + n, body + whole, rest + 1);
    return n + rest;
}

static void add_number(rsn_tb *b, const spec *s, bool negative, const char *base_prefix,
                       const char *body, size_t every) {
    char prefix[8], grouped[2 * NUMBER_BYTES + 8];
    const char *sign = negative ? "-" : s->sign == '+' ? "+" : s->sign == ' ' ? " " : "";
    (void)snprintf(prefix, sizeof prefix, "%s%s", sign, base_prefix);
    size_t n = strlen(body);
    if (s->group) {
        n = group_digits(grouped, body, s, every, strlen(prefix));
        body = grouped;
    }
    add_padded(b, s, s->align ? s->align : '>', prefix, body, n);
}

static void add_int(rsn_tb *b, const spec *s, int64_t i) {
    char buf[72];
    unsigned base = 10;
    const char *prefix = "";
    switch (s->type) {
    case 'b': base = 2; prefix = "0b"; break;
    case 'o': base = 8; prefix = "0o"; break;
    case 'x': base = 16; prefix = "0x"; break;
    case 'X': base = 16; prefix = "0X"; break;
    default: break;
    }
    const char *digits = digits_in_base(buf, i, base, s->type == 'X');
    add_number(b, s, i < 0, s->alternate ? prefix : "", digits, base == 10 ? 3 : 4);
}

static void strip_zeros(char *text) {
    char *e = strchr(text, 'e');
    char *point = strchr(text, '.');
    if (!point) return;
    char *end = e ? e : text + strlen(text);
    char *last = end;
    while (last[-1] == '0') last--;
    if (last[-1] == '.') last--;
    memmove(last, end, strlen(end) + 1);
}

/* Like 'g', but what looks whole gets ".0": a float without a type, with a precision. */
static void shape_untyped(char *out, size_t cap, double f, int precision) {
    if (precision == 0) precision = 1;
    (void)rsn_tpl_float_format(out, cap, f, 'e', precision - 1);
    const char *e = strchr(out, 'e');
    int exponent = 0;
    if (!e || sscanf(e + 1, "%d", &exponent) != 1) return; /* inf or nan */
    if (exponent < -4 || exponent >= precision - 1) {
        strip_zeros(out);
        return;
    }
    (void)rsn_tpl_float_format(out, cap, f, 'f', precision - 1 - exponent);
    strip_zeros(out);
    size_t n = strlen(out);
    if (!strchr(out, '.') && n + 3 < cap) memcpy(out + n, ".0", 3);
}

static void add_float(rsn_tb *b, const spec *s, double f) {
    char body[NUMBER_BYTES];
    int precision = s->precision < 0 ? 6 : (int)s->precision;
    double size = fabs(f);
    switch (s->type) {
    case 0:
        if (s->precision < 0) {
            body[rsn_tpl_float_text(size, body)] = '\0';
        } else {
            shape_untyped(body, sizeof body, size, precision);
        }
        break;
    case '%': (void)rsn_tpl_float_format(body, sizeof body - 1, size * 100, 'f', precision); break;
    case 'n': (void)rsn_tpl_float_format(body, sizeof body, size, 'g', precision); break;
    default:
        (void)rsn_tpl_float_format(body, sizeof body, size, (char)(s->type | 0x20), precision);
    }
    if (s->type == '%') memcpy(body + strlen(body), "%", 2);
    if (s->type == 'E' || s->type == 'F' || s->type == 'G') {
        for (char *p = body; *p; p++) {
            if (*p >= 'a' && *p <= 'z') *p = (char)(*p - 0x20);
        }
    }
    add_number(b, s, signbit(f) && !isnan(f), "", body, 3);
}

static reason_status add_char(rsn_tb *b, const spec *s, int64_t code, char align) {
    if (code < 0 || code > 0x10FFFF) {
        return rsn_tpl_raise(b->run, "%%c arg not in range(0x110000)");
    }
    rsn_tb one = {b->run, NULL, 0, 0};
    rsn_tb_add_cp(&one, (int32_t)code);
    if (!b->run->failed) add_padded(b, s, align, "", one.data, one.n);
    return b->run->failed;
}

/* ---- the % operator ---- */

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
    if (f->used >= n) return rsn_tpl_raise(f->b.run, "not enough arguments for format string");
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
    if (rsn_td_get_text(f->b.run, f->value->as.dict, &key, keyed)) return f->b.run->failed;
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
        return rsn_tpl_failed(f->b.run, rsn_fail(REASON_ERR_LIMIT,
                                                 "a format asks for more than %lld places",
                                                 (long long)most));
    }
    return REASON_OK;
}

static reason_status read_percent_spec(percent *f, spec *s) {
    bool left = false, zero = false;
    *s = plain_spec;
    for (; f->p < f->end; f->p++) {
        if (*f->p == '-') left = true;
        else if (*f->p == '0') zero = true;
        else if (*f->p == '+') s->sign = '+';
        else if (*f->p == ' ' && !s->sign) s->sign = ' ';
        else if (*f->p == '#') s->alternate = true;
        else if (*f->p != ' ') break;
    }
    if (read_count(f, MAX_WIDTH, &s->width)) return f->b.run->failed;
    if (s->width < 0) {
        left = true;
        s->width = -s->width;
    }
    if (f->p < f->end && *f->p == '.') {
        f->p++;
        if (read_count(f, MAX_PRECISION, &s->precision)) return f->b.run->failed;
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

static reason_status convert_text(percent *f, const spec *s, const rsn_tv *arg) {
    rsn_tb text = {f->b.run, NULL, 0, 0};
    if (s->type == 's') rsn_tb_str(&text, arg);
    else rsn_tb_repr(&text, arg);
    if (f->safe && !(arg->kind == RSN_TV_STR && arg->flag)) {
        rsn_tb plain = text;
        text = (rsn_tb){f->b.run, NULL, 0, 0};
        if (plain.n) rsn_tb_escape(&text, plain.data, plain.n);
    }
    if (!f->b.run->failed) {
        add_text_padded(&f->b, s, s->align, text.n ? text.data : "", text.n);
    }
    return f->b.run->failed;
}

static reason_status convert_whole(percent *f, spec *s, const rsn_tv *arg) {
    char buf[72], body[MAX_PRECISION + 80];
    bool decimal = strchr("diu", s->type) != NULL;
    if (arg->kind == RSN_TV_UNDEFINED) return rsn_tpl_raise_undefined(f->b.run, arg);
    if (!rsn_tv_is_int(arg) && !(decimal && arg->kind == RSN_TV_FLOAT)) {
        return rsn_tpl_raise(f->b.run, "%%%c format: a number is required, not %s", s->type,
                             rsn_tv_type_name(arg));
    }
    if (arg->kind == RSN_TV_FLOAT && !(fabs(arg->as.f) < 9.2e18)) {
        return rsn_tpl_raise(f->b.run, "a float is too large for %%%c", s->type);
    }
    int64_t i = arg->kind == RSN_TV_FLOAT ? (int64_t)arg->as.f : rsn_tv_as_int(arg);
    unsigned base = decimal ? 10 : s->type == 'o' ? 8 : 16;
    const char *prefix = decimal ? "" : s->type == 'o' ? "0o" : s->type == 'x' ? "0x" : "0X";
    const char *digits = digits_in_base(buf, i, base, s->type == 'X');
    size_t n = strlen(digits), zeros = 0;
    if (s->precision > 0 && (uint64_t)s->precision > n) zeros = (size_t)s->precision - n;
    memset(body, '0', zeros);
    memcpy(body + zeros, digits, n + 1);
    add_number(&f->b, s, i < 0, s->alternate ? prefix : "", body, 3);
    return f->b.run->failed;
}

static reason_status convert(percent *f, spec *s, const rsn_tv *arg) {
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
            return rsn_tpl_raise(f->b.run, "must be real number, not %s", rsn_tv_type_name(arg));
        }
        add_float(&f->b, s, rsn_tv_as_float(arg));
        return f->b.run->failed;
    case 'c':
        if (rsn_tv_is_int(arg)) return add_char(&f->b, s, rsn_tv_as_int(arg), s->align);
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
    spec s;
    rsn_tv keyed;
    const rsn_tv *arg = NULL;
    if (f->p < f->end && *f->p == '(' && read_key(f, &keyed, &arg)) return f->b.run->failed;
    if (read_percent_spec(f, &s)) return f->b.run->failed;
    if (s.type == '%') {
        rsn_tb_addc(&f->b, '%');
        return f->b.run->failed;
    }
    if (!arg && take_argument(f, &arg)) return f->b.run->failed;
    return convert(f, &s, arg);
}

reason_status rsn_tpl_percent(rsn_tpl_run *run, const rsn_ts *format, bool safe, const rsn_tv *v,
                              rsn_tv *out) {
    percent f = {{run, NULL, 0, 0}, format->data, format->data + format->n, v, 0, safe};
    while (f.p < f.end) {
        const char *next = memchr(f.p, '%', (size_t)(f.end - f.p));
        rsn_tb_add(&f.b, f.p, (size_t)((next ? next : f.end) - f.p));
        if (!next) break;
        f.p = next + 1;
        if (rsn_tpl_charge(run, 1) || expand_percent(&f)) return run->failed;
    }
    bool mapping = v->kind == RSN_TV_DICT || v->kind == RSN_TV_LIST || v->kind == RSN_TV_RANGE ||
                   v->kind == RSN_TV_UNDEFINED;
    size_t given = v->kind == RSN_TV_TUPLE ? v->as.list->n : mapping ? 0 : 1;
    if (f.used < given) {
        return rsn_tpl_raise(run, "not all arguments converted during string formatting");
    }
    if (rsn_tb_finish(&f.b, out)) return run->failed;
    out->flag = safe;
    return REASON_OK;
}

/* ---- str.format ---- */

typedef struct brace {
    rsn_tpl_run *run;
    const rsn_tpl_args *args;
    const rsn_tv *map; /* of format_map, or NULL */
    int64_t automatic; /* the next number of "{}"; -1 after a written one */
    bool safe;
} brace;

/* [[fill]align][sign][z][#][0][width][grouping][.precision][type] */
static reason_status read_brace_spec(rsn_tpl_run *run, const char *p, const char *end, spec *s) {
    size_t first = 1;
    *s = plain_spec;
    while (p + first < end && ((unsigned char)p[first] & 0xC0) == 0x80) first++;
    bool filled = p + first < end && first <= 4 && strchr("<>^=", p[first]);
    if (filled) {
        memcpy(s->fill, p, first);
        s->n_fill = first;
        s->align = p[first];
        p += first + 1;
    } else if (p < end && strchr("<>^=", *p)) {
        s->align = *p++;
    }
    if (p < end && strchr("+- ", *p)) s->sign = *p++;
    if (s->sign == '-') s->sign = 0;
    if (p < end && *p == '#') {
        s->alternate = true;
        p++;
    }
    if (p < end && *p == '0' && !filled) {
        if (!s->align) s->align = '=';
        s->fill[0] = '0';
        p++;
    }
    while (p < end && *p >= '0' && *p <= '9' && s->width <= MAX_WIDTH) {
        s->width = s->width * 10 + (*p++ - '0');
    }
    if (p < end && (*p == ',' || *p == '_')) s->group = *p++;
    if (p + 1 < end && *p == '.' && p[1] >= '0' && p[1] <= '9') {
        s->precision = 0;
        for (p++; p < end && *p >= '0' && *p <= '9' && s->precision <= MAX_PRECISION; p++) {
            s->precision = s->precision * 10 + (*p - '0');
        }
    }
    if (s->width > MAX_WIDTH || s->precision > MAX_PRECISION) {
        return rsn_tpl_failed(run, rsn_fail(REASON_ERR_LIMIT,
                                            "a format asks for more than %d places",
                                            s->width > MAX_WIDTH ? MAX_WIDTH : MAX_PRECISION));
    }
    if (p < end) s->type = *p++;
    if (p < end) return rsn_tpl_raise(run, "Invalid format specifier");
    return REASON_OK;
}

static reason_status fail_code(rsn_tpl_run *run, const spec *s, const rsn_tv *v) {
    rsn_quoted q = rsn_quote(&s->type, 1);
    return rsn_tpl_raise(run, "the format code %s does not suit an object of type '%s'", q.text,
                         rsn_tv_type_name(v));
}

static reason_status format_number(rsn_tb *b, const spec *s, const rsn_tv *v) {
    bool floating = v->kind == RSN_TV_FLOAT || (s->type && strchr("eEfFgG%", s->type));
    const char *allowed = v->kind == RSN_TV_FLOAT ? "eEfFgGn%" : "bcdoxXneEfFgG%";
    if (s->type && !strchr(allowed, s->type)) return fail_code(b->run, s, v);
    if (floating) {
        add_float(b, s, rsn_tv_as_float(v));
    } else if (s->precision >= 0) {
        return rsn_tpl_raise(b->run, "Precision not allowed in integer format specifier");
    } else if (s->type == 'c') {
        return add_char(b, s, rsn_tv_as_int(v), s->align ? s->align : '<');
    } else {
        add_int(b, s, rsn_tv_as_int(v));
    }
    return b->run->failed;
}

static reason_status format_value(rsn_tb *b, const char *p, const char *end, const rsn_tv *v) {
    spec s;
    if (p == end) {
        rsn_tb_str(b, v);
        return b->run->failed;
    }
    if (!rsn_tv_is_number(v) && v->kind != RSN_TV_STR) {
        return rsn_tpl_raise(b->run, "unsupported format string passed to %s.__format__",
                             rsn_tv_type_name(v));
    }
    if (read_brace_spec(b->run, p, end, &s)) return b->run->failed;
    if (v->kind != RSN_TV_STR) return format_number(b, &s, v);
    if ((s.type && s.type != 's') || s.sign || s.alternate || s.group) {
        return fail_code(b->run, &s, v);
    }
    if (s.align == '=') {
        if (s.fill[0] != '0') return fail_code(b->run, &s, v);
        s.align = '<';
    }
    add_text_padded(b, &s, s.align ? s.align : '<', v->as.s->data, v->as.s->n);
    return b->run->failed;
}

static bool all_digits(const char *p, size_t n, int64_t *value) {
    *value = 0;
    for (size_t i = 0; i < n; i++) {
        if (p[i] < '0' || p[i] > '9' || *value > 1000000) return false;
        *value = *value * 10 + (p[i] - '0');
    }
    return n > 0;
}

static reason_status find_positional(brace *f, int64_t index, rsn_tv *out) {
    if (f->map || (uint64_t)index >= f->args->n_pos) {
        return rsn_tpl_raise(f->run, "Replacement index %lld out of range for positional args",
                             (long long)index);
    }
    *out = f->args->pos[index];
    return REASON_OK;
}

static reason_status find_named(brace *f, const char *p, size_t n, rsn_tv *out) {
    rsn_ts name = {p, n, rsn_ts_count(p, n)};
    *out = rsn_tv_of(RSN_TV_MISSING);
    if (f->map && f->map->kind == RSN_TV_DICT) {
        if (rsn_td_get_text(f->run, f->map->as.dict, &name, out)) return f->run->failed;
    }
    for (size_t i = 0; !f->map && i < f->args->n_kw; i++) {
        if (rsn_ts_equal(f->args->names[i], &name)) *out = f->args->values[i];
    }
    if (out->kind != RSN_TV_MISSING) return REASON_OK;
    return rsn_tpl_raise(f->run, "KeyError: %s", rsn_quote(p, n).text);
}

/* The first part of a field's name; `whole`: there is no other. "{}" counts for itself. */
static reason_status find_first(brace *f, const char *p, size_t n, bool whole, rsn_tv *out) {
    int64_t index;
    bool counts = n == 0 && whole, digits = all_digits(p, n, &index);
    if ((counts && f->automatic < 0) || (digits && whole && f->automatic > 0)) {
        return rsn_tpl_raise(f->run, "cannot switch between numbered and automatic fields");
    }
    if (counts) return find_positional(f, f->automatic++, out);
    if (!digits) return find_named(f, p, n, out);
    if (whole) f->automatic = -1;
    return find_positional(f, index, out);
}

/* name(.attribute|[index])* */
static reason_status find_field(brace *f, const char *p, const char *end, rsn_tv *out) {
    const char *stop = p;
    while (stop < end && *stop != '.' && *stop != '[') stop++;
    if (find_first(f, p, (size_t)(stop - p), stop == end, out)) return f->run->failed;
    for (p = stop; p < end; p = stop) {
        rsn_tv object = *out, key;
        int64_t index;
        bool item = *p++ == '[';
        for (stop = p; stop < end && (item ? *stop != ']' : *stop != '.' && *stop != '[');) {
            stop++;
        }
        size_t n = (size_t)(stop - p);
        if (n == 0 || (item && stop == end)) {
            return rsn_tpl_raise(f->run, "Empty attribute in format string");
        }
        if (rsn_tv_share(f->run, p, n, &key)) return f->run->failed;
        if (item && all_digits(p, n, &index)) key = rsn_tv_int(index);
        reason_status st = item ? rsn_tv_subscript(f->run, &object, &key, out)
                                : rsn_tv_attr(f->run, &object, key.as.s, out);
        if (st) return st;
        if (item) stop++;
        if (stop < end && *stop != '.' && *stop != '[') {
            return rsn_tpl_raise(f->run, "Only '.' or '[' may follow ']' in format field");
        }
    }
    return REASON_OK;
}

static reason_status expand_braces(brace *f, rsn_tb *b, const char *p, const char *end,
                                   bool inner);

static reason_status convert_field(brace *f, char conversion, rsn_tv *v) {
    rsn_tb text = {f->run, NULL, 0, 0};
    if (conversion == 's') rsn_tb_str(&text, v);
    else if (conversion == 'r' || conversion == 'a') rsn_tb_repr(&text, v);
    else return rsn_tpl_raise(f->run, "Unknown conversion specifier in format string");
    return rsn_tb_finish(&text, v);
}

/* What stands between { and }: the field, a conversion, a spec that may have fields itself. */
static reason_status expand_field(brace *f, rsn_tb *b, const char *p, const char *end,
                                  bool inner) {
    rsn_tv v;
    const char *stop = p;
    int depth = 0;
    rsn_tb shape = {f->run, NULL, 0, 0}, text = {f->run, NULL, 0, 0};
    for (; stop < end; stop++) {
        depth += *stop == '[' ? 1 : *stop == ']' ? -1 : 0;
        if (depth <= 0 && (*stop == '!' || *stop == ':')) break;
    }
    if (find_field(f, p, stop, &v)) return f->run->failed;
    if (stop < end && *stop == '!') {
        if (end - stop < 2 || (end - stop > 2 && stop[2] != ':')) {
            return rsn_tpl_raise(f->run, "expected ':' after conversion specifier");
        }
        if (convert_field(f, stop[1], &v)) return f->run->failed;
        stop += 2;
    }
    if (stop < end && *stop == ':') {
        if (inner) return rsn_tpl_raise(f->run, "Max string recursion exceeded");
        if (expand_braces(f, &shape, stop + 1, end, true)) return f->run->failed;
    }
    const char *from = shape.n ? shape.data : "";
    if (format_value(&text, from, from + shape.n, &v)) return f->run->failed;
    if (text.n == 0) return REASON_OK;
    if (f->safe && !(v.kind == RSN_TV_STR && v.flag)) rsn_tb_escape(b, text.data, text.n);
    else rsn_tb_add(b, text.data, text.n);
    return f->run->failed;
}

static reason_status expand_braces(brace *f, rsn_tb *b, const char *p, const char *end,
                                   bool inner) {
    while (p < end && !rsn_tpl_charge(f->run, 1)) {
        const char *from = p;
        while (p < end && *p != '{' && *p != '}') p++;
        rsn_tb_add(b, from, (size_t)(p - from));
        if (p == end) break;
        if (p + 1 < end && p[1] == *p) {
            rsn_tb_addc(b, *p);
            p += 2;
            continue;
        }
        if (*p == '}') return rsn_tpl_raise(f->run, "Single '}' encountered in format string");
        int depth = 1;
        for (from = ++p; p < end; p++) {
            depth += *p == '{' ? 1 : *p == '}' ? -1 : 0;
            if (depth == 0) break;
        }
        if (p == end) return rsn_tpl_raise(f->run, "expected '}' before end of string");
        if (expand_field(f, b, from, p, inner)) return f->run->failed;
        p++;
    }
    return f->run->failed;
}

reason_status rsn_tpl_brace_format(rsn_tpl_run *run, const rsn_tv *format,
                                   const rsn_tpl_args *args, const rsn_tv *map, rsn_tv *out) {
    brace f = {run, args, map, 0, format->flag};
    rsn_tb b = {run, NULL, 0, 0};
    const rsn_ts *s = format->as.s;
    if (expand_braces(&f, &b, s->data, s->data + s->n, false)) return run->failed;
    if (rsn_tb_finish(&b, out)) return run->failed;
    out->flag = format->flag;
    return REASON_OK;
}
