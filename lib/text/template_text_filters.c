/* Owns the filters that give text, and those that ask little of a value: default,
 * length, attr, tojson. Those over lists are left to template_list_filters.c and
 * template_pick_filters.c, those over numbers to template_number_filters.c. */
#include <string.h>

#include "base/utf8.h"
#include "text/template_native.h"
#include "text/template_value.h"

/* The filtered value as text; markup stays markup. */
static reason_status soft_text(const rsn_tpl_call *c, rsn_tv *out) {
    const rsn_ts *s;
    *out = *c->self;
    if (out->kind == RSN_TV_STR) return REASON_OK;
    if (rsn_tv_str(c->run, c->self, &s)) return c->run->failed;
    *out = rsn_tv_text(s);
    return REASON_OK;
}

/* Calls a method of text on the filtered value as text. */
static reason_status by_method(const rsn_tpl_call *c, const char *name, const rsn_tv *pos,
                               size_t n_pos, rsn_tv *out) {
    rsn_tv text;
    const rsn_tpl_args args = {pos, n_pos, NULL, NULL, 0};
    const rsn_tpl_native *row =
        rsn_tpl_find_row(rsn_tpl_text_methods, name, strlen(name));
    if (soft_text(c, &text)) return c->run->failed;
    return rsn_tpl_call_native(c->run, row, &text, &args, out);
}

static reason_status filter_upper(const rsn_tpl_call *c, rsn_tv *out) {
    return by_method(c, "upper", NULL, 0, out);
}

static reason_status filter_lower(const rsn_tpl_call *c, rsn_tv *out) {
    return by_method(c, "lower", NULL, 0, out);
}

static reason_status filter_capitalize(const rsn_tpl_call *c, rsn_tv *out) {
    return by_method(c, "capitalize", NULL, 0, out);
}

static reason_status filter_trim(const rsn_tpl_call *c, rsn_tv *out) {
    return by_method(c, "strip", c->v, c->v[0].kind != RSN_TV_MISSING, out);
}

static reason_status filter_center(const rsn_tpl_call *c, rsn_tv *out) {
    rsn_tv width = c->v[0].kind == RSN_TV_MISSING ? rsn_tv_int(80) : c->v[0];
    return by_method(c, "center", &width, 1, out);
}

/* Words begin behind white space and opening brackets, unlike those of str.title. */
static reason_status filter_title(const rsn_tpl_call *c, rsn_tv *out) {
    rsn_tv text;
    rsn_tb b = {c->run, NULL, 0, 0};
    bool inside = false;
    if (soft_text(c, &text)) return c->run->failed;
    const rsn_ts *s = text.as.s;
    for (size_t at = 0, len; at < s->n && !c->run->failed; at += len) {
        int32_t cp;
        len = rsn_utf8_decode(s->data + at, s->n - at, &cp);
        rsn_tb_add_case(&b, cp, inside ? RSN_CASE_LOWER : RSN_CASE_UPPER);
        inside = !rsn_tpl_is_space(cp) && !(cp > 0 && cp < 0x80 && strchr("-({[<", cp));
    }
    (void)rsn_tpl_charge_chars(c->run, s->n);
    return rsn_tb_finish(&b, out);
}

static reason_status filter_replace(const rsn_tpl_call *c, rsn_tv *out) {
    const rsn_ts *s, *old, *with;
    int64_t most = -1;
    if (rsn_tv_str(c->run, c->self, &s) || rsn_tv_str(c->run, &c->v[0], &old) ||
        rsn_tv_str(c->run, &c->v[1], &with)) {
        return c->run->failed;
    }
    if (rsn_tv_given(&c->v[2]) && rsn_tpl_int_arg(c->run, &c->v[2], "the count", &most)) {
        return c->run->failed;
    }
    rsn_tv text = rsn_tv_text(with);
    return rsn_tpl_replace(c->run, s, old, &text, false, most, out);
}

static reason_status filter_string(const rsn_tpl_call *c, rsn_tv *out) {
    return soft_text(c, out);
}

static reason_status filter_safe(const rsn_tpl_call *c, rsn_tv *out) {
    if (soft_text(c, out)) return c->run->failed;
    out->flag = 1;
    return REASON_OK;
}

static reason_status filter_forceescape(const rsn_tpl_call *c, rsn_tv *out) {
    rsn_tv text;
    rsn_tb b = {c->run, NULL, 0, 0};
    if (soft_text(c, &text)) return c->run->failed;
    rsn_tb_escape(&b, text.as.s->data, text.as.s->n);
    if (rsn_tpl_charge_bytes(c->run, text.as.s->n) || rsn_tb_finish(&b, out)) {
        return c->run->failed;
    }
    out->flag = 1;
    return REASON_OK;
}

static reason_status filter_escape(const rsn_tpl_call *c, rsn_tv *out) {
    if (c->self->kind == RSN_TV_STR && c->self->flag) {
        *out = *c->self;
        return REASON_OK;
    }
    return filter_forceescape(c, out);
}

/* Positional and keyword values of format go where % looks for them. */
static reason_status filter_format(const rsn_tpl_call *c, rsn_tv *out) {
    const rsn_tpl_args *a = c->args;
    rsn_tv text, value;
    if (a->n_pos && a->n_kw) {
        return rsn_tpl_raise(c->run,
                             "format() takes values by position or by name, not both");
    }
    if (soft_text(c, &text)) return c->run->failed;
    if (a->n_kw) {
        rsn_td *dict = rsn_td_new(c->run);
        for (size_t i = 0; dict && i < a->n_kw; i++) {
            if (rsn_td_set(c->run, dict, rsn_tv_text(a->names[i]), a->values[i])) break;
        }
        value = rsn_tv_dict(dict);
    } else {
        rsn_tl *list = rsn_tl_new(c->run, 0);
        for (size_t i = 0; list && i < a->n_pos; i++) {
            if (rsn_tl_push(c->run, list, a->pos[i])) break;
        }
        value = rsn_tv_list(RSN_TV_TUPLE, list);
    }
    if (c->run->failed) return c->run->failed;
    return rsn_tpl_percent(c->run, text.as.s, text.flag, &value, out);
}

static reason_status read_indention(const rsn_tpl_call *c, rsn_tv *out) {
    int64_t width = 4;
    rsn_tb b = {c->run, NULL, 0, 0};
    if (c->v[0].kind == RSN_TV_STR) {
        *out = c->v[0];
        return REASON_OK;
    }
    if (rsn_tpl_int_arg(c->run, &c->v[0], "the width", &width)) return c->run->failed;
    rsn_tb_repeat(&b, " ", 1, width > 0 ? (uint64_t)width : 0);
    return rsn_tb_finish(&b, out);
}

static reason_status filter_indent(const rsn_tpl_call *c, rsn_tv *out) {
    static const rsn_ts line_break = {"\n", 1,
                                      1}; /* the sum of texts may be this one itself */
    const rsn_ts *s = NULL;
    rsn_tv space, whole;
    rsn_tb b = {c->run, NULL, 0, 0};
    bool first = rsn_tv_flag_arg(&c->v[1], false),
         blank = rsn_tv_flag_arg(&c->v[2], false);
    rsn_tl *lines = rsn_tl_new(c->run, 0);
    if (!lines || rsn_tpl_text_arg(c->run, c->self, "what is indented", &s) ||
        read_indention(c, &space)) {
        return c->run->failed;
    }
    /* As in Jinja, a line break is added so that the last one, too, is seen as one. */
    if (rsn_ts_concat(c->run, s, &line_break, &s)) return c->run->failed;
    whole = rsn_tv_text(s);
    rsn_tpl_call lines_of = {c->run, &whole, NULL, NULL};
    if (rsn_tpl_split_lines(&lines_of, false, lines)) return c->run->failed;
    for (size_t i = 0; i < lines->n && !rsn_tpl_charge(c->run, 1); i++) {
        const rsn_ts *line = lines->items[i].as.s;
        bool indents = i == 0 ? first : blank || line->n > 0;
        if (i) rsn_tb_addc(&b, '\n');
        if (indents) rsn_tb_add(&b, space.as.s->data, space.as.s->n);
        rsn_tb_add(&b, line->data, line->n);
    }
    if (rsn_tb_finish(&b, out)) return c->run->failed;
    out->flag = c->self->flag;
    return REASON_OK;
}

static reason_status filter_truncate(const rsn_tpl_call *c, rsn_tv *out) {
    const rsn_ts *s = NULL, *end = &(rsn_ts){"...", 3, 3};
    int64_t length = 255, leeway = 5;
    rsn_tb b = {c->run, NULL, 0, 0};
    size_t n = 0;
    if (rsn_tpl_int_arg(c->run, &c->v[0], "the length", &length) ||
        rsn_tpl_text_arg(c->run, &c->v[2], "the end", &end) ||
        (rsn_tv_given(&c->v[3]) &&
         rsn_tpl_int_arg(c->run, &c->v[3], "the leeway", &leeway))) {
        return c->run->failed;
    }
    if (length < 0 || (uint64_t)length < end->chars || leeway < 0) {
        return rsn_tpl_raise(c->run, "truncate() to %lld, expected at least %zu",
                             (long long)length, end->chars);
    }
    *out = *c->self;
    bool sized = rsn_tv_length(c->self, &n);
    if (sized && (n <= (uint64_t)length || n - (uint64_t)length <= (uint64_t)leeway)) {
        return REASON_OK;
    }
    if (rsn_tpl_text_arg(c->run, c->self, "what is truncated", &s)) return c->run->failed;
    n = rsn_ts_offset(s, (size_t)length - end->chars);
    if (!rsn_tv_flag_arg(&c->v[1], false)) {
        size_t word = n;
        while (word > 0 && s->data[word - 1] != ' ') word--;
        if (word > 0) n = word - 1;
    }
    rsn_tb_add(&b, s->data, n);
    rsn_tb_add(&b, end->data, end->n);
    if (rsn_tpl_charge_bytes(c->run, s->n) || rsn_tb_finish(&b, out)) {
        return c->run->failed;
    }
    out->flag = c->self->flag;
    return REASON_OK;
}

static reason_status filter_wordcount(const rsn_tpl_call *c, rsn_tv *out) {
    rsn_tv text;
    int64_t n = 0;
    bool inside = false;
    if (soft_text(c, &text)) return c->run->failed;
    const rsn_ts *s = text.as.s;
    for (size_t at = 0, len; at < s->n; at += len) {
        int32_t cp;
        len = rsn_utf8_decode(s->data + at, s->n - at, &cp);
        bool word = rsn_tpl_is_word(cp);
        n += word && !inside;
        inside = word;
    }
    *out = rsn_tv_int(n);
    return rsn_tpl_charge_chars(c->run, s->n);
}

/* ---- URLs and XML ---- */

static void add_quoted(rsn_tb *b, const rsn_ts *s, bool query) {
    for (size_t i = 0; i < s->n && !b->run->failed; i++) {
        unsigned char ch = (unsigned char)s->data[i];
        bool plain = ch < 0x80 && ch && (rsn_tpl_is_id_continue(ch) || strchr("-.~", ch));
        if (plain || (ch == '/' && !query)) {
            rsn_tb_addc(b, (char)ch);
        } else if (ch == ' ' && query) {
            rsn_tb_addc(b, '+');
        } else {
            rsn_tb_addc(b, '%');
            rsn_tb_addc(b, "0123456789ABCDEF"[ch >> 4]);
            rsn_tb_addc(b, "0123456789ABCDEF"[ch & 15]);
        }
    }
    (void)rsn_tpl_charge_chars(b->run, s->n);
}

static reason_status quote_pair(rsn_tb *b, const rsn_tv *pair) {
    rsn_tl *items;
    const rsn_ts *key, *value;
    if (rsn_tv_collect(b->run, pair, &items)) return b->run->failed;
    if (items->n != 2) return rsn_tpl_raise(b->run, "urlencode wants pairs");
    if (rsn_tv_str(b->run, &items->items[0], &key) ||
        rsn_tv_str(b->run, &items->items[1], &value)) {
        return b->run->failed;
    }
    if (b->n) rsn_tb_addc(b, '&');
    add_quoted(b, key, true);
    rsn_tb_addc(b, '=');
    add_quoted(b, value, true);
    return b->run->failed;
}

static reason_status filter_urlencode(const rsn_tpl_call *c, rsn_tv *out) {
    rsn_tb b = {c->run, NULL, 0, 0};
    rsn_tv pairs = *c->self, item;
    const rsn_ts *s;
    rsn_ti *it;
    if (pairs.kind == RSN_TV_STR || !rsn_tv_iterable(&pairs)) {
        if (rsn_tv_str(c->run, &pairs, &s)) return c->run->failed;
        add_quoted(&b, s, false);
        return rsn_tb_finish(&b, out);
    }
    if (pairs.kind == RSN_TV_DICT) {
        pairs.kind = RSN_TV_VIEW;
        pairs.flag = RSN_VIEW_ITEMS;
    }
    if (rsn_ti_of(c->run, &pairs, &it)) return c->run->failed;
    for (;;) {
        if (rsn_tpl_charge(c->run, 1) || rsn_ti_next(c->run, it, &item)) {
            return c->run->failed;
        }
        if (item.kind == RSN_TV_MISSING) break;
        if (quote_pair(&b, &item)) return c->run->failed;
    }
    return rsn_tb_finish(&b, out);
}

static void escape_value(rsn_tb *b, const rsn_tv *v) {
    rsn_tb text = {b->run, NULL, 0, 0};
    rsn_tb_str(&text, v);
    if (b->run->failed || text.n == 0) return;
    if (v->kind == RSN_TV_STR && v->flag) rsn_tb_add(b, text.data, text.n);
    else rsn_tb_escape(b, text.data, text.n);
}

static reason_status filter_xmlattr(const rsn_tpl_call *c, rsn_tv *out) {
    rsn_tb b = {c->run, NULL, 0, 0};
    if (c->self->kind != RSN_TV_DICT) {
        return rsn_tpl_raise(c->run, "xmlattr wants a dict, not '%s'",
                             rsn_tv_type_name(c->self));
    }
    const rsn_td *dict = c->self->as.dict;
    for (size_t i = 0; i < dict->n && !rsn_tpl_charge(c->run, 1); i++) {
        const rsn_td_entry *e = &dict->entries[i];
        if (e->value.kind == RSN_TV_NONE || e->value.kind == RSN_TV_UNDEFINED) continue;
        const rsn_ts *key = NULL;
        if (rsn_tpl_text_arg(c->run, &e->key, "an attribute name", &key)) {
            return c->run->failed;
        }
        for (size_t k = 0; k < key->n; k++) {
            if (key->data[k] && strchr(" \t\n\r\f\v/>=", key->data[k])) {
                return rsn_tpl_raise(c->run, "Invalid character in attribute name: %s",
                                     rsn_quote(key->data, key->n).text);
            }
        }
        if (b.n || rsn_tv_flag_arg(&c->v[0], true)) rsn_tb_addc(&b, ' ');
        escape_value(&b, &e->key);
        rsn_tb_addz(&b, "=\"");
        escape_value(&b, &e->value);
        rsn_tb_addc(&b, '"');
    }
    return rsn_tb_finish(&b, out);
}

/* ---- any value ---- */

static reason_status filter_default(const rsn_tpl_call *c, rsn_tv *out) {
    bool lacks = c->self->kind == RSN_TV_UNDEFINED ||
                 (rsn_tv_flag_arg(&c->v[1], false) && !rsn_tv_truth(c->self));
    *out = *c->self;
    if (!lacks) return REASON_OK;
    *out = c->v[0];
    return c->v[0].kind == RSN_TV_MISSING ? rsn_tv_share(c->run, "", 0, out) : REASON_OK;
}

static reason_status filter_length(const rsn_tpl_call *c, rsn_tv *out) {
    size_t n;
    if (c->self->kind == RSN_TV_LOOP) {
        if (rsn_tpl_loop_length(c->run, c->self->as.loop, &n)) return c->run->failed;
    } else if (!rsn_tv_length(c->self, &n)) {
        return rsn_tpl_raise(c->run, "object of type '%s' has no len()",
                             rsn_tv_type_name(c->self));
    }
    *out = rsn_tv_int((int64_t)n);
    return REASON_OK;
}

static reason_status filter_attr(const rsn_tpl_call *c, rsn_tv *out) {
    const rsn_ts *name = NULL;
    if (rsn_tpl_text_arg(c->run, &c->v[0], "the attribute's name", &name)) {
        return c->run->failed;
    }
    if (c->self->kind == RSN_TV_UNDEFINED) {
        return rsn_tpl_raise_undefined(c->run, c->self);
    }
    if (rsn_tv_own_attr(c->run, c->self, name, out)) return c->run->failed;
    if (out->kind == RSN_TV_MISSING) {
        *out = rsn_tv_undefined(RSN_UNDEF_ATTR, name, c->self->kind);
    }
    return REASON_OK;
}

static reason_status read_separators(const rsn_tpl_call *c, rsn_tpl_json_style *style) {
    rsn_tl *two;
    if (!rsn_tv_given(&c->v[2])) return REASON_OK;
    if (rsn_tv_collect(c->run, &c->v[2], &two)) return c->run->failed;
    if (two->n != 2) {
        return rsn_tpl_raise(c->run, "separators of tojson must be two texts");
    }
    if (rsn_tpl_text_arg(c->run, &two->items[0], "a separator", &style->item_separator)) {
        return c->run->failed;
    }
    return rsn_tpl_text_arg(c->run, &two->items[1], "a separator", &style->key_separator);
}

static reason_status filter_tojson(const rsn_tpl_call *c, rsn_tv *out) {
    rsn_tpl_json_style style = {rsn_tv_flag_arg(&c->v[0], false),
                                rsn_tv_flag_arg(&c->v[3], false),
                                rsn_tv_given(&c->v[1]),
                                NULL,
                                NULL,
                                &(rsn_ts){": ", 2, 2}};
    rsn_tb b = {c->run, NULL, 0, 0}, blanks = {c->run, NULL, 0, 0};
    rsn_tv space;
    style.item_separator = style.multiline ? &(rsn_ts){",", 1, 1} : &(rsn_ts){", ", 2, 2};
    if (style.multiline && c->v[1].kind == RSN_TV_STR) {
        style.indent = c->v[1].as.s;
    } else if (style.multiline) {
        int64_t width = 0;
        if (rsn_tpl_int_arg(c->run, &c->v[1], "the indent", &width)) {
            return c->run->failed;
        }
        rsn_tb_repeat(&blanks, " ", 1, width > 0 ? (uint64_t)width : 0);
        if (rsn_tb_finish(&blanks, &space)) return c->run->failed;
        style.indent = space.as.s;
    }
    if (read_separators(c, &style) || rsn_tpl_write_json(&b, c->self, &style)) {
        return c->run->failed;
    }
    return rsn_tb_finish(&b, out);
}

const rsn_tpl_native rsn_tpl_text_filters[] = {
    {"tojson", filter_tojson, "ensure_ascii indent separators sort_keys", 0},
    {"trim", filter_trim, "chars", 0},
    {"length", filter_length, "", 0},
    {"count", filter_length, "", 0},
    {"default", filter_default, "default_value boolean", 0},
    {"d", filter_default, "default_value boolean", 0},
    {"string", filter_string, "", 0},
    {"replace", filter_replace, "old new count", 2},
    {"upper", filter_upper, "", 0},
    {"lower", filter_lower, "", 0},
    {"capitalize", filter_capitalize, "", 0},
    {"title", filter_title, "", 0},
    {"indent", filter_indent, "width first blank", 0},
    {"center", filter_center, "width", 0},
    {"truncate", filter_truncate, "length killwords end leeway", 0},
    {"wordcount", filter_wordcount, "", 0},
    {"format", filter_format, NULL, 0},
    {"safe", filter_safe, "", 0},
    {"escape", filter_escape, "", 0},
    {"e", filter_escape, "", 0},
    {"forceescape", filter_forceescape, "", 0},
    {"urlencode", filter_urlencode, "", 0},
    {"xmlattr", filter_xmlattr, "autospace", 0},
    {"attr", filter_attr, "name", 1},
    {"pprint", NULL, NULL, 0},
    {"striptags", NULL, NULL, 0},
    {"urlize", NULL, NULL, 0},
    {"wordwrap", NULL, NULL, 0},
    {NULL, NULL, NULL, 0},
};
