/* Owns the methods of text that give text or an answer about it. Those that search and
 * split are left to template_split_methods.c. Invariant: positions and widths count
 * characters, and safe markup gives safe markup. */
#include <string.h>

#include "base/utf8.h"
#include "text/template_native.h"
#include "text/template_value.h"

static reason_status keep_flag(const rsn_tpl_call *c, reason_status st, rsn_tv *out) {
    out->flag = c->self->flag;
    return st;
}

/* ---- case ---- */

static reason_status text_lower(const rsn_tpl_call *c, rsn_tv *out) {
    reason_status st = rsn_tpl_change_case(c->run, c->self->as.s, RSN_CASE_LOWER, out);
    return keep_flag(c, st, out);
}

static reason_status text_upper(const rsn_tpl_call *c, rsn_tv *out) {
    reason_status st = rsn_tpl_change_case(c->run, c->self->as.s, RSN_CASE_UPPER, out);
    return keep_flag(c, st, out);
}

static reason_status text_casefold(const rsn_tpl_call *c, rsn_tv *out) {
    reason_status st = rsn_tpl_change_case(c->run, c->self->as.s, RSN_CASE_FOLD, out);
    return keep_flag(c, st, out);
}

static reason_status text_capitalize(const rsn_tpl_call *c, rsn_tv *out) {
    const rsn_ts *s = c->self->as.s;
    rsn_tb b = {c->run, NULL, 0, 0};
    rsn_tv rest;
    if (s->n == 0) {
        *out = *c->self;
        return REASON_OK;
    }
    int32_t cp;
    size_t len = rsn_utf8_decode(s->data, s->n, &cp);
    rsn_ts tail = {s->data + len, s->n - len, s->chars - 1};
    rsn_tb_add_case(&b, cp, RSN_CASE_TITLE);
    if (rsn_tpl_change_case(c->run, &tail, RSN_CASE_LOWER, &rest)) return c->run->failed;
    rsn_tb_add(&b, rest.as.s->data, rest.as.s->n);
    return keep_flag(c, rsn_tb_finish(&b, out), out);
}

static reason_status change_each(const rsn_tpl_call *c, bool title, rsn_tv *out) {
    const rsn_ts *s = c->self->as.s;
    rsn_tb b = {c->run, NULL, 0, 0};
    bool inside = false; /* behind a cased character */
    for (size_t at = 0, len; at < s->n && !c->run->failed; at += len) {
        int32_t cp;
        len = rsn_utf8_decode(s->data + at, s->n - at, &cp);
        if (title ? inside : rsn_tpl_is_upper(cp)) rsn_tb_add_lower(&b, s, at, cp);
        else rsn_tb_add_case(&b, cp, title ? RSN_CASE_TITLE : RSN_CASE_UPPER);
        inside = rsn_tpl_is_cased(cp);
    }
    (void)rsn_tpl_charge_chars(c->run, s->n);
    return keep_flag(c, rsn_tb_finish(&b, out), out);
}

static reason_status text_title(const rsn_tpl_call *c, rsn_tv *out) {
    return change_each(c, true, out);
}

static reason_status text_swapcase(const rsn_tpl_call *c, rsn_tv *out) {
    return change_each(c, false, out);
}

/* ---- padding and trimming ---- */

static reason_status pad(const rsn_tpl_call *c, bool left, bool right, rsn_tv *out) {
    const rsn_ts *s = c->self->as.s, *fill = &(rsn_ts){" ", 1, 1};
    int64_t width = 0;
    rsn_tb b = {c->run, NULL, 0, 0};
    if (rsn_tpl_int_arg(c->run, &c->v[0], "the width", &width) ||
        rsn_tpl_text_arg(c->run, &c->v[1], "the fill character", &fill)) {
        return c->run->failed;
    }
    if (fill->chars != 1) {
        return rsn_tpl_raise(c->run,
                             "The fill character must be exactly one character long");
    }
    uint64_t room =
        width > 0 && (uint64_t)width > s->chars ? (uint64_t)width - s->chars : 0;
    uint64_t before = left && right ? room / 2 + (room & (uint64_t)width & 1)
                      : left        ? room
                                    : 0;
    rsn_tb_repeat(&b, fill->data, fill->n, before);
    rsn_tb_add(&b, s->data, s->n);
    rsn_tb_repeat(&b, fill->data, fill->n, room - before);
    return keep_flag(c, rsn_tb_finish(&b, out), out);
}

static reason_status text_center(const rsn_tpl_call *c, rsn_tv *out) {
    return pad(c, true, true, out);
}

static reason_status text_ljust(const rsn_tpl_call *c, rsn_tv *out) {
    return pad(c, false, true, out);
}

static reason_status text_rjust(const rsn_tpl_call *c, rsn_tv *out) {
    return pad(c, true, false, out);
}

static reason_status text_zfill(const rsn_tpl_call *c, rsn_tv *out) {
    const rsn_ts *s = c->self->as.s;
    int64_t width = 0;
    rsn_tb b = {c->run, NULL, 0, 0};
    if (rsn_tpl_int_arg(c->run, &c->v[0], "the width", &width)) return c->run->failed;
    uint64_t room =
        width > 0 && (uint64_t)width > s->chars ? (uint64_t)width - s->chars : 0;
    size_t sign = s->n && (s->data[0] == '+' || s->data[0] == '-');
    rsn_tb_add(&b, s->data, sign);
    rsn_tb_repeat(&b, "0", 1, room);
    rsn_tb_add(&b, s->data + sign, s->n - sign);
    return keep_flag(c, rsn_tb_finish(&b, out), out);
}

static reason_status trim(const rsn_tpl_call *c, bool left, bool right, rsn_tv *out) {
    const rsn_ts *chars = NULL;
    if (rsn_tv_given(&c->v[0]) &&
        rsn_tpl_text_arg(c->run, &c->v[0], "strip arg", &chars)) {
        return c->run->failed;
    }
    return keep_flag(c, rsn_tpl_trim(c->run, c->self->as.s, chars, left, right, out),
                     out);
}

static reason_status text_strip(const rsn_tpl_call *c, rsn_tv *out) {
    return trim(c, true, true, out);
}

static reason_status text_lstrip(const rsn_tpl_call *c, rsn_tv *out) {
    return trim(c, true, false, out);
}

static reason_status text_rstrip(const rsn_tpl_call *c, rsn_tv *out) {
    return trim(c, false, true, out);
}

static reason_status text_removeprefix(const rsn_tpl_call *c, rsn_tv *out) {
    const rsn_ts *s = c->self->as.s, *part = NULL;
    if (rsn_tpl_text_arg(c->run, &c->v[0], "the prefix", &part)) return c->run->failed;
    bool has = part->n <= s->n && memcmp(s->data, part->data, part->n) == 0;
    size_t from = has ? part->n : 0;
    return keep_flag(c, rsn_tv_share(c->run, s->data + from, s->n - from, out), out);
}

static reason_status text_removesuffix(const rsn_tpl_call *c, rsn_tv *out) {
    const rsn_ts *s = c->self->as.s, *part = NULL;
    if (rsn_tpl_text_arg(c->run, &c->v[0], "the suffix", &part)) return c->run->failed;
    bool has =
        part->n <= s->n && memcmp(s->data + s->n - part->n, part->data, part->n) == 0;
    return keep_flag(c, rsn_tv_share(c->run, s->data, s->n - (has ? part->n : 0), out),
                     out);
}

static reason_status text_expandtabs(const rsn_tpl_call *c, rsn_tv *out) {
    const rsn_ts *s = c->self->as.s;
    int64_t width = 8, column = 0;
    rsn_tb b = {c->run, NULL, 0, 0};
    if (rsn_tpl_int_arg(c->run, &c->v[0], "tabsize", &width)) return c->run->failed;
    for (size_t i = 0; i < s->n && !c->run->failed; i++) {
        if (s->data[i] == '\t') {
            int64_t n = width > 0 ? width - column % width : 0;
            rsn_tb_repeat(&b, " ", 1, (uint64_t)n);
            column += n;
            continue;
        }
        rsn_tb_addc(&b, s->data[i]);
        if (s->data[i] == '\n' || s->data[i] == '\r') column = 0;
        else if (((unsigned char)s->data[i] & 0xC0) != 0x80) column++;
    }
    (void)rsn_tpl_charge_chars(c->run, s->n);
    return keep_flag(c, rsn_tb_finish(&b, out), out);
}

/* ---- questions ---- */

/* Whether s is not empty and all its characters are of a class. */
static reason_status all_are(const rsn_tpl_call *c, bool (*is)(int32_t), bool if_empty,
                             rsn_tv *out) {
    const rsn_ts *s = c->self->as.s;
    bool all = s->n > 0 || if_empty;
    for (size_t at = 0, len; at < s->n && all; at += len) {
        int32_t cp;
        len = rsn_utf8_decode(s->data + at, s->n - at, &cp);
        all = is(cp);
    }
    *out = rsn_tv_bool(all);
    return rsn_tpl_charge_chars(c->run, s->n);
}

static bool is_alnum(int32_t cp) {
    return rsn_tpl_is_alpha(cp) || rsn_tpl_is_numeric(cp);
}

static bool is_ascii(int32_t cp) {
    return cp >= 0 && cp < 0x80;
}

static reason_status text_isalnum(const rsn_tpl_call *c, rsn_tv *out) {
    return all_are(c, is_alnum, false, out);
}

static reason_status text_isalpha(const rsn_tpl_call *c, rsn_tv *out) {
    return all_are(c, rsn_tpl_is_alpha, false, out);
}

static reason_status text_isascii(const rsn_tpl_call *c, rsn_tv *out) {
    return all_are(c, is_ascii, true, out);
}

static reason_status text_isdecimal(const rsn_tpl_call *c, rsn_tv *out) {
    return all_are(c, rsn_tpl_is_decimal, false, out);
}

static reason_status text_isdigit(const rsn_tpl_call *c, rsn_tv *out) {
    return all_are(c, rsn_tpl_is_digit, false, out);
}

static reason_status text_isnumeric(const rsn_tpl_call *c, rsn_tv *out) {
    return all_are(c, rsn_tpl_is_numeric, false, out);
}

static reason_status text_isprintable(const rsn_tpl_call *c, rsn_tv *out) {
    return all_are(c, rsn_tpl_is_printable, true, out);
}

static reason_status text_isspace(const rsn_tpl_call *c, rsn_tv *out) {
    return all_are(c, rsn_tpl_is_space, false, out);
}

static reason_status text_isidentifier(const rsn_tpl_call *c, rsn_tv *out) {
    const rsn_ts *s = c->self->as.s;
    int32_t first = -1;
    if (s->n) (void)rsn_utf8_decode(s->data, s->n, &first);
    if (all_are(c, rsn_tpl_is_id_continue, false, out)) return c->run->failed;
    out->as.b = out->as.b && rsn_tpl_is_id_start(first);
    return REASON_OK;
}

reason_status rsn_tpl_is_case(rsn_tpl_run *run, const rsn_ts *s, bool upper,
                              rsn_tv *out) {
    bool found = false, other = false;
    for (size_t at = 0, len; at < s->n && !other; at += len) {
        int32_t cp;
        len = rsn_utf8_decode(s->data + at, s->n - at, &cp);
        found = found || (upper ? rsn_tpl_is_upper(cp) : rsn_tpl_is_lower(cp));
        other = upper ? rsn_tpl_is_lower(cp) : rsn_tpl_is_upper(cp);
    }
    *out = rsn_tv_bool(found && !other);
    return rsn_tpl_charge_chars(run, s->n);
}

static reason_status text_islower(const rsn_tpl_call *c, rsn_tv *out) {
    return rsn_tpl_is_case(c->run, c->self->as.s, false, out);
}

static reason_status text_isupper(const rsn_tpl_call *c, rsn_tv *out) {
    return rsn_tpl_is_case(c->run, c->self->as.s, true, out);
}

static reason_status text_istitle(const rsn_tpl_call *c, rsn_tv *out) {
    const rsn_ts *s = c->self->as.s;
    bool found = false, inside = false, good = true;
    for (size_t at = 0, len; at < s->n && good; at += len) {
        int32_t cp;
        len = rsn_utf8_decode(s->data + at, s->n - at, &cp);
        if (rsn_tpl_is_upper(cp)) good = !inside;
        else if (rsn_tpl_is_lower(cp)) good = inside;
        inside = rsn_tpl_is_cased(cp);
        found = found || inside;
    }
    *out = rsn_tv_bool(found && good);
    return rsn_tpl_charge_chars(c->run, s->n);
}

/* ---- format ---- */

static reason_status text_format(const rsn_tpl_call *c, rsn_tv *out) {
    return rsn_tpl_brace_format(c->run, c->self, c->args, NULL, out);
}

static reason_status text_format_map(const rsn_tpl_call *c, rsn_tv *out) {
    return rsn_tpl_brace_format(c->run, c->self, c->args, &c->v[0], out);
}

const rsn_tpl_native rsn_tpl_text_methods[] = {
    {"strip", text_strip, "chars /", 0},
    {"lstrip", text_lstrip, "chars /", 0},
    {"rstrip", text_rstrip, "chars /", 0},
    {"lower", text_lower, "", 0},
    {"upper", text_upper, "", 0},
    {"title", text_title, "", 0},
    {"capitalize", text_capitalize, "", 0},
    {"swapcase", text_swapcase, "", 0},
    {"casefold", text_casefold, "", 0},
    {"center", text_center, "width fillchar /", 1},
    {"ljust", text_ljust, "width fillchar /", 1},
    {"rjust", text_rjust, "width fillchar /", 1},
    {"zfill", text_zfill, "width /", 1},
    {"removeprefix", text_removeprefix, "prefix /", 1},
    {"removesuffix", text_removesuffix, "suffix /", 1},
    {"expandtabs", text_expandtabs, "tabsize", 0},
    {"format", text_format, NULL, 0},
    {"format_map", text_format_map, "mapping /", 1},
    {"isalnum", text_isalnum, "", 0},
    {"isalpha", text_isalpha, "", 0},
    {"isascii", text_isascii, "", 0},
    {"isdecimal", text_isdecimal, "", 0},
    {"isdigit", text_isdigit, "", 0},
    {"isidentifier", text_isidentifier, "", 0},
    {"islower", text_islower, "", 0},
    {"isnumeric", text_isnumeric, "", 0},
    {"isprintable", text_isprintable, "", 0},
    {"isspace", text_isspace, "", 0},
    {"istitle", text_istitle, "", 0},
    {"isupper", text_isupper, "", 0},
    {"encode", NULL, NULL, 0},
    {"maketrans", NULL, NULL, 0},
    {"translate", NULL, NULL, 0},
    {NULL, NULL, NULL, 0},
};
