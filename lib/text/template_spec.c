/* Owns the layout of one value: padding, signs, digits, groups. What a format string
 * says is left to template_percent.c and template_format.c. Invariant: widths and
 * precisions are bounded, so no format makes more text than the render may have. */
#include "text/template_spec.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { NUMBER_BYTES = 1024 };

const rsn_tpl_spec rsn_plain_spec = {{' ', 0, 0, 0}, 1, 0, 0, 0, 0, false, 0, -1};

void rsn_spec_add_padded(rsn_tb *b, const rsn_tpl_spec *s, char align, const char *prefix,
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

void rsn_spec_add_text(rsn_tb *b, const rsn_tpl_spec *s, char align, const char *text,
                       size_t n) {
    rsn_ts t = {text, n, rsn_ts_count(text, n)};
    if (s->precision >= 0 && (uint64_t)s->precision < t.chars) {
        t.n = rsn_ts_offset(&t, (size_t)s->precision);
    }
    rsn_spec_add_padded(b, s, align, "", text, t.n);
}

/* ---- numbers ---- */

const char *rsn_spec_digits(char buf[72], int64_t i, unsigned base, bool upper) {
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

/* Puts the group sign between every `every` digits of the whole part, and with zero
 * padding also between the zeros. */
static size_t group_digits(char *out, const char *body, const rsn_tpl_spec *s,
                           size_t every, size_t prefix) {
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

void rsn_spec_add_number(rsn_tb *b, const rsn_tpl_spec *s, bool negative,
                         const char *base_prefix, const char *body, size_t every) {
    char prefix[8], grouped[2 * NUMBER_BYTES + 8];
    const char *sign = negative ? "-" : s->sign == '+' ? "+" : s->sign == ' ' ? " " : "";
    (void)snprintf(prefix, sizeof prefix, "%s%s", sign, base_prefix);
    size_t n = strlen(body);
    if (s->group) {
        n = group_digits(grouped, body, s, every, strlen(prefix));
        body = grouped;
    }
    rsn_spec_add_padded(b, s, s->align ? s->align : '>', prefix, body, n);
}

void rsn_spec_add_int(rsn_tb *b, const rsn_tpl_spec *s, int64_t i) {
    char buf[72];
    unsigned base = 10;
    const char *prefix = "";
    switch (s->type) {
    case 'b':
        base = 2;
        prefix = "0b";
        break;
    case 'o':
        base = 8;
        prefix = "0o";
        break;
    case 'x':
        base = 16;
        prefix = "0x";
        break;
    case 'X':
        base = 16;
        prefix = "0X";
        break;
    default: break;
    }
    const char *digits = rsn_spec_digits(buf, i, base, s->type == 'X');
    rsn_spec_add_number(b, s, i < 0, s->alternate ? prefix : "", digits,
                        base == 10 ? 3 : 4);
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

void rsn_spec_add_float(rsn_tb *b, const rsn_tpl_spec *s, double f) {
    char body[NUMBER_BYTES];
    int precision = s->precision < 0 ? 6 : (int)s->precision;
    double size = fabs(f);
    if (rsn_tpl_charge(b->run, 60 + (uint64_t)precision)) return;
    switch (s->type) {
    case 0:
        if (s->precision < 0) {
            body[rsn_tpl_float_text(size, body)] = '\0';
        } else {
            shape_untyped(body, sizeof body, size, precision);
        }
        break;
    case '%':
        (void)rsn_tpl_float_format(body, sizeof body - 1, size * 100, 'f', precision);
        break;
    case 'n': (void)rsn_tpl_float_format(body, sizeof body, size, 'g', precision); break;
    default:
        (void)rsn_tpl_float_format(body, sizeof body, size, (char)(s->type | 0x20),
                                   precision);
    }
    if (s->type == '%') memcpy(body + strlen(body), "%", 2);
    if (s->type == 'E' || s->type == 'F' || s->type == 'G') {
        for (char *p = body; *p; p++) {
            if (*p >= 'a' && *p <= 'z') *p = (char)(*p - 0x20);
        }
    }
    rsn_spec_add_number(b, s, signbit(f) && !isnan(f), "", body, 3);
}

reason_status rsn_spec_add_char(rsn_tb *b, const rsn_tpl_spec *s, int64_t code,
                                char align) {
    if (code < 0 || code > 0x10FFFF) {
        return rsn_tpl_raise(b->run, "%%c arg not in range(0x110000)");
    }
    rsn_tb one = {b->run, NULL, 0, 0};
    rsn_tb_add_cp(&one, (int32_t)code);
    if (!b->run->failed) rsn_spec_add_padded(b, s, align, "", one.data, one.n);
    return b->run->failed;
}
