/* Owns JSON on both sides of a template: reading the input into values, and writing
 * values as Python's json.dumps does. The syntax is left to base/json.h. Invariant:
 * what is read becomes values of the run alone; reading is flat, writing is as deep as
 * values may be. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "text/template_native.h"
#include "text/template_value.h"

/* ---- reading ---- */

/* The containers that are open, innermost last. */
typedef struct level {
    rsn_tv box;
    rsn_tv key; /* of a dict: what the next value belongs to */
} level;

static reason_status put_value(rsn_tpl_run *run, level *top, rsn_tv v, rsn_tv *out) {
    if (!top) {
        *out = v;
        return REASON_OK;
    }
    if (top->box.kind == RSN_TV_LIST) return rsn_tl_push(run, top->box.as.list, v);
    return rsn_td_set(run, top->box.as.dict, top->key, v);
}

static reason_status read_scalar(rsn_tpl_run *run, const rsn_json *j, rsn_json_kind kind,
                                 rsn_tv *v) {
    switch (kind) {
    case RSN_JSON_STRING: return rsn_tv_copy(run, rsn_str_text(&j->text), j->text.n, v);
    case RSN_JSON_INT: *v = rsn_tv_int(j->integer); return REASON_OK;
    case RSN_JSON_FLOAT: *v = rsn_tv_float(j->number); return REASON_OK;
    case RSN_JSON_TRUE: *v = rsn_tv_bool(true); return REASON_OK;
    case RSN_JSON_FALSE: *v = rsn_tv_bool(false); return REASON_OK;
    default: *v = rsn_tv_of(RSN_TV_NONE); return REASON_OK;
    }
}

static reason_status open_box(rsn_tpl_run *run, rsn_json_kind kind, rsn_tv *v) {
    if (kind == RSN_JSON_ARRAY_BEGIN) *v = rsn_tv_list(RSN_TV_LIST, rsn_tl_new(run, 0));
    else *v = rsn_tv_dict(rsn_td_new(run));
    return run->failed;
}

static reason_status read_events(rsn_tpl_run *run, rsn_json *j, level *levels,
                                 rsn_tv *out) {
    size_t n = 0;
    for (;;) {
        reason_status st = REASON_OK;
        rsn_tv v;
        rsn_json_kind kind = rsn_json_next(j, &st);
        level *top = n ? &levels[n - 1] : NULL;
        switch (kind) {
        case RSN_JSON_END: return REASON_OK;
        case RSN_JSON_ERROR: return rsn_tpl_failed(run, st);
        case RSN_JSON_OBJECT_END:
        case RSN_JSON_ARRAY_END: n--; break;
        case RSN_JSON_KEY:
            st = rsn_tv_copy(run, rsn_str_text(&j->text), j->text.n, &v);
            if (top) top->key = v;
            break;
        case RSN_JSON_OBJECT_BEGIN:
        case RSN_JSON_ARRAY_BEGIN:
            st = open_box(run, kind, &v);
            if (!st) st = put_value(run, top, v, out);
            if (!st) levels[n++].box = v;
            break;
        default:
            st = read_scalar(run, j, kind, &v);
            if (!st) st = put_value(run, top, v, out);
        }
        if (st) return st;
    }
}

reason_status rsn_tpl_read_json(rsn_tpl_run *run, const char *json, size_t n,
                                rsn_tv *out) {
    rsn_json j;
    *out = rsn_tv_of(RSN_TV_NONE);
    level *levels = rsn_tpl_alloc(run, RSN_JSON_MAX_DEPTH, sizeof *levels);
    if (!levels) return run->failed;
    rsn_json_init(&j, json, n);
    reason_status st = read_events(run, &j, levels, out);
    rsn_json_free(&j);
    return st;
}

/* ---- writing ---- */

typedef struct writer {
    rsn_tb *b;
    const rsn_tpl_json_style *style;
    size_t level;
} writer;

static void write_text(writer *w, const rsn_ts *s) {
    rsn_str *quoted = &w->b->run->scratch;
    rsn_str_cut(quoted, 0);
    rsn_json_quote(quoted, s->data, s->n, w->style->ascii);
    if (quoted->failed) (void)rsn_tpl_failed(w->b->run, REASON_ERR_NO_MEMORY);
    else rsn_tb_add(w->b, rsn_str_text(quoted), quoted->n);
}

static void write_float(rsn_tb *b, double f) {
    if (isnan(f)) rsn_tb_addz(b, "NaN");
    else if (isinf(f)) rsn_tb_addz(b, f < 0 ? "-Infinity" : "Infinity");
    else rsn_tb_add_float(b, f);
}

/* Numbers, none and booleans; text as a key or as a value. False: something else. */
static bool write_scalar(writer *w, const rsn_tv *v) {
    char text[32];
    switch ((rsn_tv_kind)v->kind) {
    case RSN_TV_NONE: rsn_tb_addz(w->b, "null"); return true;
    case RSN_TV_BOOL: rsn_tb_addz(w->b, v->as.b ? "true" : "false"); return true;
    case RSN_TV_FLOAT: write_float(w->b, v->as.f); return true;
    case RSN_TV_STR: write_text(w, v->as.s); return true;
    case RSN_TV_INT:
        (void)snprintf(text, sizeof text, "%lld", (long long)v->as.i);
        rsn_tb_addz(w->b, text);
        return true;
    default: return false;
    }
}

static void start_line(writer *w) {
    if (!w->style->multiline) return;
    rsn_tb_addc(w->b, '\n');
    rsn_tb_repeat(w->b, w->style->indent->data, w->style->indent->n, w->level);
}

static void separate(writer *w, size_t index) {
    const rsn_ts *comma = w->style->item_separator;
    if (index) rsn_tb_add(w->b, comma->data, comma->n);
    start_line(w);
}

static reason_status write_value(writer *w, const rsn_tv *v);

static void write_list(writer *w, const rsn_tl *list) {
    rsn_tb_addc(w->b, '[');
    w->level++;
    for (size_t i = 0; i < list->n && !rsn_tpl_charge(w->b->run, 1); i++) {
        separate(w, i);
        (void)write_value(w, &list->items[i]);
    }
    w->level--;
    if (list->n) start_line(w);
    rsn_tb_addc(w->b, ']');
}

static void write_key(writer *w, const rsn_tv *key) {
    if (key->kind == RSN_TV_STR) {
        write_text(w, key->as.s);
        return;
    }
    rsn_tb_addc(w->b, '"');
    if (!write_scalar(w, key)) {
        (void)rsn_tpl_raise(w->b->run,
                            "keys must be str, int, float, bool or None, not %s",
                            rsn_tv_type_name(key));
    }
    rsn_tb_addc(w->b, '"');
}

/* A copy of the dict for writing alone, its entries sorted by key. */
static reason_status sort_entries(rsn_tpl_run *run, const rsn_td *dict,
                                  const rsn_td **out) {
    rsn_td *sorted = rsn_td_new(run);
    rsn_tv *keys = rsn_tpl_alloc(run, dict->n, sizeof *keys);
    rsn_tv *values = rsn_tpl_alloc(run, dict->n, sizeof *values);
    rsn_td_entry *entries = rsn_tpl_alloc(run, dict->n, sizeof *entries);
    if (run->failed) return run->failed;
    for (size_t i = 0; i < dict->n; i++) {
        keys[i] = dict->entries[i].key;
        values[i] = rsn_tv_int((int64_t)i);
    }
    if (rsn_tpl_sort(run, values, keys, dict->n, false)) return run->failed;
    for (size_t i = 0; i < dict->n; i++) entries[i] = dict->entries[values[i].as.i];
    *sorted = (rsn_td){entries, dict->n, dict->n, NULL, 0};
    *out = sorted;
    return REASON_OK;
}

static void write_dict(writer *w, const rsn_td *dict) {
    if (w->style->sort_keys && sort_entries(w->b->run, dict, &dict)) return;
    const rsn_ts *colon = w->style->key_separator;
    rsn_tb_addc(w->b, '{');
    w->level++;
    for (size_t i = 0; i < dict->n && !rsn_tpl_charge(w->b->run, 1); i++) {
        separate(w, i);
        write_key(w, &dict->entries[i].key);
        rsn_tb_add(w->b, colon->data, colon->n);
        (void)write_value(w, &dict->entries[i].value);
    }
    w->level--;
    if (dict->n) start_line(w);
    rsn_tb_addc(w->b, '}');
}

static reason_status write_value(writer *w, const rsn_tv *v) {
    rsn_tpl_run *run = w->b->run;
    if (write_scalar(w, v)) return run->failed;
    if (!rsn_tv_is_seq(v) && v->kind != RSN_TV_DICT) {
        return rsn_tpl_raise(run, "Object of type %s is not JSON serializable",
                             rsn_tv_type_name(v));
    }
    if (rsn_tpl_enter(run)) return run->failed;
    if (v->kind == RSN_TV_DICT) write_dict(w, v->as.dict);
    else write_list(w, v->as.list);
    rsn_tpl_leave(run);
    return run->failed;
}

reason_status rsn_tpl_write_json(rsn_tb *b, const rsn_tv *v,
                                 const rsn_tpl_json_style *style) {
    writer w = {b, style, 0};
    return write_value(&w, v);
}
