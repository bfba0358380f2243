/* Owns the methods of text that search it, take it apart, and put it together.
 * Invariant: every search is linear in the text or pays for its steps, and parts share
 * the bytes of the whole. */
#include <string.h>

#include "base/utf8.h"
#include "text/template_native.h"
#include "text/template_value.h"

/* ---- searching ---- */

/* The bytes s[from..to) that start and end, counted in characters, leave. */
typedef struct window {
    size_t from, to, first; /* first: characters before `from` */
    bool valid;             /* start is not beyond the end */
} window;

static reason_status read_window(const rsn_tpl_call *c, const rsn_tv *bounds, window *w) {
    const rsn_ts *s = c->self->as.s;
    int64_t n = (int64_t)s->chars, at[2] = {0, n};
    for (int i = 0; i < 2; i++) {
        if (!rsn_tv_given(&bounds[i])) continue;
        if (rsn_tpl_int_arg(c->run, &bounds[i], "a slice index", &at[i])) {
            return c->run->failed;
        }
        if (at[i] < 0) at[i] = at[i] + n < 0 ? 0 : at[i] + n;
    }
    if (at[1] > n) at[1] = n;
    w->valid = at[0] <= at[1];
    w->first = w->valid ? (size_t)at[0] : 0;
    w->from = rsn_ts_offset(s, w->first);
    w->to = w->valid ? rsn_ts_offset(s, (size_t)at[1]) : w->from;
    return rsn_tpl_charge_bytes(c->run, s->n);
}

static const char *find_first(const char *s, size_t n, const rsn_ts *part) {
    if (part->n == 0) return s;
    return n ? memmem(s, n, part->data, part->n) : NULL;
}

/* The last occurrence. Looks at every place, so it pays per comparison. */
static reason_status find_last(rsn_tpl_run *run, const char *s, size_t n,
                               const rsn_ts *part, const char **out) {
    *out = NULL;
    if (part->n > n) return REASON_OK;
    for (size_t i = n - part->n + 1; i-- > 0;) {
        if (part->n && s[i] != part->data[0]) continue;
        if (rsn_tpl_charge_bytes(run, part->n)) return run->failed;
        if (memcmp(s + i, part->data, part->n) == 0) {
            *out = s + i;
            break;
        }
    }
    return rsn_tpl_charge_bytes(run, n);
}

static reason_status search(const rsn_tpl_call *c, bool last, bool must, rsn_tv *out) {
    const rsn_ts *s = c->self->as.s, *part = NULL;
    window w;
    const char *at = NULL;
    if (rsn_tpl_text_arg(c->run, &c->v[0], "the text to find", &part) ||
        read_window(c, &c->v[1], &w)) {
        return c->run->failed;
    }
    if (w.valid && last) {
        if (find_last(c->run, s->data + w.from, w.to - w.from, part, &at)) {
            return c->run->failed;
        }
    } else if (w.valid) {
        at = find_first(s->data + w.from, w.to - w.from, part);
    }
    if (!at && must) return rsn_tpl_raise(c->run, "substring not found");
    size_t before =
        at ? rsn_ts_count(s->data + w.from, (size_t)(at - s->data) - w.from) : 0;
    *out = rsn_tv_int(at ? (int64_t)(w.first + before) : -1);
    return REASON_OK;
}

static reason_status text_find(const rsn_tpl_call *c, rsn_tv *out) {
    return search(c, false, false, out);
}

static reason_status text_rfind(const rsn_tpl_call *c, rsn_tv *out) {
    return search(c, true, false, out);
}

static reason_status text_index(const rsn_tpl_call *c, rsn_tv *out) {
    return search(c, false, true, out);
}

static reason_status text_rindex(const rsn_tpl_call *c, rsn_tv *out) {
    return search(c, true, true, out);
}

static reason_status text_count(const rsn_tpl_call *c, rsn_tv *out) {
    const rsn_ts *s = c->self->as.s, *part = NULL;
    window w;
    if (rsn_tpl_text_arg(c->run, &c->v[0], "the text to count", &part) ||
        read_window(c, &c->v[1], &w)) {
        return c->run->failed;
    }
    const char *p = s->data + w.from, *end = s->data + w.to;
    int64_t n = 0;
    if (part->n == 0) {
        n = w.valid ? (int64_t)rsn_ts_count(p, w.to - w.from) + 1 : 0;
    } else {
        while (p < end && (p = find_first(p, (size_t)(end - p), part)) != NULL) {
            n++;
            p += part->n;
        }
    }
    *out = rsn_tv_int(n);
    return rsn_tpl_charge(c->run, (uint64_t)n);
}

static bool meets(const char *s, size_t n, const rsn_ts *part, bool at_end) {
    if (part->n > n) return false;
    return memcmp(at_end ? s + n - part->n : s, part->data, part->n) == 0;
}

static reason_status begins_or_ends(const rsn_tpl_call *c, bool at_end, rsn_tv *out) {
    const rsn_ts *s = c->self->as.s, *part = NULL;
    window w;
    bool found = false;
    const rsn_tv *parts = &c->v[0];
    size_t n = 1;
    if (read_window(c, &c->v[1], &w)) return c->run->failed;
    if (parts->kind == RSN_TV_TUPLE) {
        n = parts->as.list->n;
        parts = parts->as.list->items;
    }
    for (size_t i = 0; i < n && !found; i++) {
        if (rsn_tpl_text_arg(c->run, &parts[i], at_end ? "the suffix" : "the prefix",
                             &part) ||
            rsn_tpl_charge_bytes(c->run, part->n)) {
            return c->run->failed;
        }
        found = w.valid && meets(s->data + w.from, w.to - w.from, part, at_end);
    }
    *out = rsn_tv_bool(found);
    return REASON_OK;
}

static reason_status text_startswith(const rsn_tpl_call *c, rsn_tv *out) {
    return begins_or_ends(c, false, out);
}

static reason_status text_endswith(const rsn_tpl_call *c, rsn_tv *out) {
    return begins_or_ends(c, true, out);
}

/* ---- splitting ---- */

static reason_status push_part(const rsn_tpl_call *c, rsn_tl *list, const char *from,
                               const char *to) {
    rsn_tv part;
    if (rsn_tpl_charge(c->run, 1) ||
        rsn_tv_share(c->run, from, (size_t)(to - from), &part)) {
        return c->run->failed;
    }
    part.flag = c->self->flag;
    return rsn_tl_push(c->run, list, part);
}

static reason_status split_by(const rsn_tpl_call *c, const rsn_ts *part, int64_t most,
                              rsn_tl *list) {
    const char *p = c->self->as.s->data, *end = p + c->self->as.s->n;
    while (most-- > 0) {
        const char *at = p < end ? find_first(p, (size_t)(end - p), part) : NULL;
        if (!at) break;
        if (push_part(c, list, p, at)) return c->run->failed;
        p = at + part->n;
    }
    return push_part(c, list, p, end);
}

static void reverse_list(rsn_tl *list) {
    for (size_t i = 0, k = list->n; i + 1 < k; i++) {
        rsn_tv v = list->items[i];
        list->items[i] = list->items[--k];
        list->items[k] = v;
    }
}

static reason_status rsplit_by(const rsn_tpl_call *c, const rsn_ts *part, int64_t most,
                               rsn_tl *list) {
    const char *p = c->self->as.s->data, *end = p + c->self->as.s->n;
    while (most-- > 0) {
        const char *at = NULL;
        if (find_last(c->run, p, (size_t)(end - p), part, &at)) return c->run->failed;
        if (!at) break;
        if (push_part(c, list, at + part->n, end)) return c->run->failed;
        end = at;
    }
    if (push_part(c, list, p, end)) return c->run->failed;
    reverse_list(list);
    return REASON_OK;
}

/* The start of the character that ends at `end`. */
static const char *step_back(const char *from, const char *end) {
    const char *p = end - 1;
    while (p > from && end - p < 4 && ((unsigned char)*p & 0xC0) == 0x80) p--;
    return p;
}

static const char *skip_space(const char *p, const char *end, bool space) {
    while (p < end) {
        int32_t cp;
        size_t len = rsn_utf8_decode(p, (size_t)(end - p), &cp);
        if (rsn_tpl_is_space(cp) != space) break;
        p += len;
    }
    return p;
}

static const char *skip_space_back(const char *from, const char *end, bool space) {
    while (end > from) {
        int32_t cp;
        const char *p = step_back(from, end);
        (void)rsn_utf8_decode(p, (size_t)(end - p), &cp);
        if (rsn_tpl_is_space(cp) != space) break;
        end = p;
    }
    return end;
}

static reason_status split_space(const rsn_tpl_call *c, int64_t most, rsn_tl *list) {
    const char *end = c->self->as.s->data + c->self->as.s->n;
    const char *p = skip_space(c->self->as.s->data, end, true);
    while (p < end) {
        const char *stop = most-- > 0 ? skip_space(p, end, false) : end;
        if (push_part(c, list, p, stop)) return c->run->failed;
        p = skip_space(stop, end, true);
    }
    return rsn_tpl_charge_chars(c->run, c->self->as.s->n);
}

static reason_status rsplit_space(const rsn_tpl_call *c, int64_t most, rsn_tl *list) {
    const char *from = c->self->as.s->data;
    const char *end = skip_space_back(from, from + c->self->as.s->n, true);
    while (end > from) {
        const char *start = most-- > 0 ? skip_space_back(from, end, false) : from;
        if (push_part(c, list, start, end)) return c->run->failed;
        end = skip_space_back(from, start, true);
    }
    reverse_list(list);
    return rsn_tpl_charge_chars(c->run, c->self->as.s->n);
}

static reason_status split(const rsn_tpl_call *c, bool from_right, rsn_tv *out) {
    const rsn_ts *part = NULL;
    int64_t most = -1;
    rsn_tl *list = rsn_tl_new(c->run, 0);
    if (!list || rsn_tpl_int_arg(c->run, &c->v[1], "maxsplit", &most)) {
        return c->run->failed;
    }
    if (most < 0) most = INT64_MAX;
    *out = rsn_tv_list(RSN_TV_LIST, list);
    if (!rsn_tv_given(&c->v[0])) {
        return from_right ? rsplit_space(c, most, list) : split_space(c, most, list);
    }
    if (rsn_tpl_text_arg(c->run, &c->v[0], "the separator", &part)) return c->run->failed;
    if (part->n == 0) return rsn_tpl_raise(c->run, "empty separator");
    if (rsn_tpl_charge_bytes(c->run, c->self->as.s->n)) return c->run->failed;
    return from_right ? rsplit_by(c, part, most, list) : split_by(c, part, most, list);
}

static reason_status text_split(const rsn_tpl_call *c, rsn_tv *out) {
    return split(c, false, out);
}

static reason_status text_rsplit(const rsn_tpl_call *c, rsn_tv *out) {
    return split(c, true, out);
}

/* The length of the line break at p, 0 if there is none. */
static size_t line_break(const char *p, const char *end) {
    int32_t cp;
    size_t len = rsn_utf8_decode(p, (size_t)(end - p), &cp);
    if (cp == '\r') return len + (p + 1 < end && p[1] == '\n');
    bool is_break = (cp >= '\n' && cp <= '\r') || (cp >= 0x1C && cp <= 0x1E) ||
                    cp == 0x85 || cp == 0x2028 || cp == 0x2029;
    return is_break ? len : 0;
}

reason_status rsn_tpl_split_lines(const rsn_tpl_call *c, bool keep, rsn_tl *list) {
    const char *p = c->self->as.s->data, *end = p + c->self->as.s->n, *from = p;
    while (p < end) {
        size_t n = line_break(p, end);
        if (n) {
            if (push_part(c, list, from, keep ? p + n : p)) return c->run->failed;
            from = p + n;
        }
        p += n ? n : 1;
    }
    if (from < end && push_part(c, list, from, end)) return c->run->failed;
    return rsn_tpl_charge_chars(c->run, c->self->as.s->n);
}

static reason_status text_splitlines(const rsn_tpl_call *c, rsn_tv *out) {
    int64_t keep = 0;
    rsn_tl *list = rsn_tl_new(c->run, 0);
    if (!list || rsn_tpl_int_arg(c->run, &c->v[0], "keepends", &keep)) {
        return c->run->failed;
    }
    *out = rsn_tv_list(RSN_TV_LIST, list);
    return rsn_tpl_split_lines(c, keep != 0, list);
}

static reason_status cut(const rsn_tpl_call *c, bool last, rsn_tv *out) {
    const rsn_ts *s = c->self->as.s, *part = NULL;
    const char *at = NULL;
    rsn_tl *list = rsn_tl_new(c->run, 3);
    if (!list || rsn_tpl_text_arg(c->run, &c->v[0], "the separator", &part)) {
        return c->run->failed;
    }
    if (part->n == 0) return rsn_tpl_raise(c->run, "empty separator");
    if (last ? find_last(c->run, s->data, s->n, part, &at)
             : rsn_tpl_charge_bytes(c->run, s->n)) {
        return c->run->failed;
    }
    if (!last) at = find_first(s->data, s->n, part);
    const char *end = s->data + s->n, *none = last ? s->data : end;
    const char *first = at ? at : none, *second = at ? at + part->n : none;
    *out = rsn_tv_list(RSN_TV_TUPLE, list);
    if (push_part(c, list, s->data, first) || push_part(c, list, first, second) ||
        push_part(c, list, second, end)) {
        return c->run->failed;
    }
    return REASON_OK;
}

static reason_status text_partition(const rsn_tpl_call *c, rsn_tv *out) {
    return cut(c, false, out);
}

static reason_status text_rpartition(const rsn_tpl_call *c, rsn_tv *out) {
    return cut(c, true, out);
}

/* ---- putting together ---- */

/* What safe markup takes in is escaped unless it is safe itself. */
static void add_guarded(rsn_tb *b, bool safe, const rsn_tv *v) {
    if (safe && !v->flag) rsn_tb_escape(b, v->as.s->data, v->as.s->n);
    else rsn_tb_add(b, v->as.s->data, v->as.s->n);
}

static reason_status text_join(const rsn_tpl_call *c, rsn_tv *out) {
    rsn_tb b = {c->run, NULL, 0, 0};
    rsn_ti *it;
    rsn_tv item;
    if (rsn_ti_of(c->run, &c->v[0], &it)) return c->run->failed;
    for (size_t i = 0;; i++) {
        if (rsn_tpl_charge(c->run, 1) || rsn_ti_next(c->run, it, &item)) {
            return c->run->failed;
        }
        if (item.kind == RSN_TV_MISSING) break;
        if (item.kind != RSN_TV_STR) {
            return rsn_tpl_raise(c->run,
                                 "sequence item %zu: expected str instance, %s found", i,
                                 rsn_tv_type_name(&item));
        }
        if (i) rsn_tb_add(&b, c->self->as.s->data, c->self->as.s->n);
        add_guarded(&b, c->self->flag, &item);
    }
    if (rsn_tb_finish(&b, out)) return c->run->failed;
    out->flag = c->self->flag;
    return REASON_OK;
}

reason_status rsn_tpl_replace(rsn_tpl_run *run, const rsn_ts *s, const rsn_ts *old,
                              const rsn_tv *with, bool safe, int64_t most, rsn_tv *out) {
    rsn_tb b = {run, NULL, 0, 0};
    const char *p = s->data, *end = p + s->n;
    if (most < 0) most = INT64_MAX;
    if (old->n == 0) { /* between all characters, and around them */
        for (; most > 0 && !rsn_tpl_charge(run, 1); most--) {
            const char *next = p;
            add_guarded(&b, safe, with);
            if (p == end) break;
            do next++;
            while (next < end && ((unsigned char)*next & 0xC0) == 0x80);
            rsn_tb_add(&b, p, (size_t)(next - p));
            p = next;
        }
    }
    while (old->n && most-- > 0 && p < end && !rsn_tpl_charge(run, 1)) {
        const char *at = find_first(p, (size_t)(end - p), old);
        if (!at) break;
        rsn_tb_add(&b, p, (size_t)(at - p));
        add_guarded(&b, safe, with);
        p = at + old->n;
    }
    rsn_tb_add(&b, p, (size_t)(end - p));
    (void)rsn_tpl_charge_bytes(run, s->n);
    if (rsn_tb_finish(&b, out)) return run->failed;
    out->flag = safe;
    return REASON_OK;
}

static reason_status text_replace(const rsn_tpl_call *c, rsn_tv *out) {
    const rsn_ts *old = NULL, *with = NULL;
    int64_t most = -1;
    if (rsn_tpl_text_arg(c->run, &c->v[0], "replace() argument 1", &old) ||
        rsn_tpl_text_arg(c->run, &c->v[1], "replace() argument 2", &with) ||
        rsn_tpl_int_arg(c->run, &c->v[2], "replace() argument 3", &most)) {
        return c->run->failed;
    }
    return rsn_tpl_replace(c->run, c->self->as.s, old, &c->v[1], c->self->flag, most,
                           out);
}

const rsn_tpl_native rsn_tpl_split_methods[] = {
    {"split", text_split, "sep maxsplit", 0},
    {"rsplit", text_rsplit, "sep maxsplit", 0},
    {"splitlines", text_splitlines, "keepends", 0},
    {"startswith", text_startswith, "prefix start end /", 1},
    {"endswith", text_endswith, "suffix start end /", 1},
    {"replace", text_replace, "old new count /", 2},
    {"join", text_join, "iterable /", 1},
    {"find", text_find, "sub start end /", 1},
    {"rfind", text_rfind, "sub start end /", 1},
    {"index", text_index, "sub start end /", 1},
    {"rindex", text_rindex, "sub start end /", 1},
    {"count", text_count, "sub start end /", 1},
    {"partition", text_partition, "sep /", 1},
    {"rpartition", text_rpartition, "sep /", 1},
    {NULL, NULL, NULL, 0},
};
