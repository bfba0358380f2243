/* Owns str.format and its fields. What a field reaches is left to template_access.c,
 * so the sandbox holds here too; the layout of a value is left to template_spec.c. */
#include <string.h>

#include "text/template_native.h"
#include "text/template_spec.h"

typedef struct brace {
    rsn_tpl_run *run;
    const rsn_tpl_args *args;
    const rsn_tv *map; /* of format_map, or NULL */
    int64_t automatic; /* the next number of "{}"; -1 after a written one */
    bool safe;
} brace;

/* [[fill]align][sign][z][#][0][width][grouping][.precision][type] */
static reason_status read_brace_spec(rsn_tpl_run *run, const char *p, const char *end,
                                     rsn_tpl_spec *s) {
    size_t first = 1;
    *s = rsn_plain_spec;
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
    while (p < end && *p >= '0' && *p <= '9' && s->width <= RSN_SPEC_MAX_WIDTH) {
        s->width = s->width * 10 + (*p++ - '0');
    }
    if (p < end && (*p == ',' || *p == '_')) s->group = *p++;
    if (p + 1 < end && *p == '.' && p[1] >= '0' && p[1] <= '9') {
        s->precision = 0;
        for (p++;
             p < end && *p >= '0' && *p <= '9' && s->precision <= RSN_SPEC_MAX_PRECISION;
             p++) {
            s->precision = s->precision * 10 + (*p - '0');
        }
    }
    if (s->width > RSN_SPEC_MAX_WIDTH || s->precision > RSN_SPEC_MAX_PRECISION) {
        return rsn_tpl_failed(
            run, rsn_fail(REASON_ERR_LIMIT, "a format asks for more than %d places",
                          s->width > RSN_SPEC_MAX_WIDTH ? RSN_SPEC_MAX_WIDTH
                                                        : RSN_SPEC_MAX_PRECISION));
    }
    if (p < end) s->type = *p++;
    if (p < end) return rsn_tpl_raise(run, "Invalid format specifier");
    return REASON_OK;
}

static reason_status fail_code(rsn_tpl_run *run, const rsn_tpl_spec *s, const rsn_tv *v) {
    rsn_quoted q = rsn_quote(&s->type, 1);
    return rsn_tpl_raise(run, "the format code %s does not suit an object of type '%s'",
                         q.text, rsn_tv_type_name(v));
}

static reason_status format_number(rsn_tb *b, const rsn_tpl_spec *s, const rsn_tv *v) {
    bool floating = v->kind == RSN_TV_FLOAT || (s->type && strchr("eEfFgG%", s->type));
    const char *allowed = v->kind == RSN_TV_FLOAT ? "eEfFgGn%" : "bcdoxXneEfFgG%";
    if (s->type && !strchr(allowed, s->type)) return fail_code(b->run, s, v);
    if (floating) {
        rsn_spec_add_float(b, s, rsn_tv_as_float(v));
    } else if (s->precision >= 0) {
        return rsn_tpl_raise(b->run, "Precision not allowed in integer format specifier");
    } else if (s->type == 'c') {
        return rsn_spec_add_char(b, s, rsn_tv_as_int(v), s->align ? s->align : '<');
    } else {
        rsn_spec_add_int(b, s, rsn_tv_as_int(v));
    }
    return b->run->failed;
}

static reason_status format_value(rsn_tb *b, const char *p, const char *end,
                                  const rsn_tv *v) {
    rsn_tpl_spec s;
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
    rsn_spec_add_text(b, &s, s.align ? s.align : '<', v->as.s->data, v->as.s->n);
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
        return rsn_tpl_raise(f->run,
                             "Replacement index %lld out of range for positional args",
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

/* The first part of a field's name; `whole`: there is no other. "{}" counts for
 * itself. */
static reason_status find_first(brace *f, const char *p, size_t n, bool whole,
                                rsn_tv *out) {
    int64_t index;
    bool counts = n == 0 && whole, digits = all_digits(p, n, &index);
    if ((counts && f->automatic < 0) || (digits && whole && f->automatic > 0)) {
        return rsn_tpl_raise(f->run,
                             "cannot switch between numbered and automatic fields");
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
        for (stop = p;
             stop < end && (item ? *stop != ']' : *stop != '.' && *stop != '[');) {
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
            return rsn_tpl_raise(f->run,
                                 "Only '.' or '[' may follow ']' in format field");
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

/* What stands between { and }: the field, a conversion, a spec that may have fields
 * itself. */
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
        if (*p == '}') {
            return rsn_tpl_raise(f->run, "Single '}' encountered in format string");
        }
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
                                   const rsn_tpl_args *args, const rsn_tv *map,
                                   rsn_tv *out) {
    brace f = {run, args, map, 0, format->flag};
    rsn_tb b = {run, NULL, 0, 0};
    const rsn_ts *s = format->as.s;
    if (expand_braces(&f, &b, s->data, s->data + s->n, false)) return run->failed;
    if (rsn_tb_finish(&b, out)) return run->failed;
    out->flag = format->flag;
    return REASON_OK;
}
