/* Owns the memory of a render and the values that have a body: text, lists, dicts. What
 * can be done with them is left to template_ops.c and the tables of methods and filters.
 * Invariant: a value never changes once the template can see it, but for namespaces,
 * cyclers and joiners. */
#include "text/template_value.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/checked.h"
#include "base/utf8.h"
#include "text/template.h"

/* ---- memory and limits ---- */

void *rsn_tpl_alloc(rsn_tpl_run *run, size_t n, size_t size) {
    uint64_t product, total;
    size_t n_bytes = 0;
    if (run->failed) return NULL;
    if (!rsn_mul_u64(n, size, &product) || !rsn_to_size(product, &n_bytes) ||
        !rsn_add_u64(run->arena.total, product, &total) ||
        total > RSN_TEMPLATE_MAX_MEMORY) {
        run->failed =
            rsn_fail(REASON_ERR_LIMIT, "the template needs more than %d bytes of memory",
                     RSN_TEMPLATE_MAX_MEMORY);
        return NULL;
    }
    void *p = rsn_arena_alloc(&run->arena, n_bytes);
    if (!p) run->failed = REASON_ERR_NO_MEMORY;
    return p;
}

reason_status rsn_tpl_charge(rsn_tpl_run *run, uint64_t n) {
    if (run->failed) return run->failed;
    if (n > (uint64_t)run->steps) {
        run->failed = rsn_fail(REASON_ERR_LIMIT, "the template takes more than %d steps",
                               RSN_TEMPLATE_MAX_STEPS);
        return run->failed;
    }
    run->steps -= (int64_t)n;
    return REASON_OK;
}

reason_status rsn_tpl_charge_bytes(rsn_tpl_run *run, size_t n) {
    return rsn_tpl_charge(run, n / 16 + 1);
}

reason_status rsn_tpl_charge_chars(rsn_tpl_run *run, size_t n) {
    return rsn_tpl_charge(run, n / 4 + 1);
}

reason_status rsn_tpl_enter(rsn_tpl_run *run) {
    reason_status st = rsn_tpl_charge(run, 1);
    if (st) return st;
    if (run->depth == RSN_TEMPLATE_MAX_VALUE_DEPTH) {
        run->failed = rsn_fail(REASON_ERR_LIMIT,
                               "a value of the template is nested deeper than %d levels",
                               RSN_TEMPLATE_MAX_VALUE_DEPTH);
        return run->failed;
    }
    run->depth++;
    return REASON_OK;
}

void rsn_tpl_leave(rsn_tpl_run *run) {
    run->depth--;
}

reason_status rsn_tpl_raise(rsn_tpl_run *run, const char *fmt, ...) {
    char text[640];
    va_list args;
    if (run->failed) return run->failed;
    va_start(args, fmt);
    int n = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (n < 0) text[0] = '\0';
    (void)rsn_make_line(text, sizeof text);
    run->failed = rsn_fail(REASON_ERR_TEMPLATE, "%s", text);
    return run->failed;
}

reason_status rsn_tpl_failed(rsn_tpl_run *run, reason_status status) {
    if (!run->failed) run->failed = status;
    return run->failed;
}

/* ---- text ---- */

size_t rsn_ts_count(const char *s, size_t n) {
    size_t chars = 0;
    for (size_t i = 0; i < n; i++) chars += ((unsigned char)s[i] & 0xC0) != 0x80;
    return chars;
}

reason_status rsn_ts_share(rsn_tpl_run *run, const char *data, size_t n,
                           const rsn_ts **out) {
    rsn_ts *s = rsn_tpl_alloc(run, 1, sizeof *s);
    *out = s;
    if (!s) return run->failed;
    *s = (rsn_ts){data, n, rsn_ts_count(data, n)};
    return rsn_tpl_charge_bytes(run, n);
}

reason_status rsn_ts_copy(rsn_tpl_run *run, const char *data, size_t n,
                          const rsn_ts **out) {
    *out = NULL;
    char *copy = rsn_tpl_alloc(run, n, 1);
    if (!copy) return run->failed;
    if (n) memcpy(copy, data, n);
    return rsn_ts_share(run, copy, n, out);
}

/* A chain of additions, and a text that grows in a loop, would copy everything at each
 * step. The buffer that was built last therefore has room behind it, and whoever adds to
 * exactly all of it writes there: earlier texts that share the buffer end before. */
reason_status rsn_ts_concat(rsn_tpl_run *run, const rsn_ts *a, const rsn_ts *b,
                            const rsn_ts **out) {
    *out = a;
    if (b->n == 0) return rsn_tpl_charge(run, 1);
    if (a->n == 0) {
        *out = b;
        return rsn_tpl_charge(run, 1);
    }
    rsn_ts *s = rsn_tpl_alloc(run, 1, sizeof *s);
    if (!s || rsn_tpl_charge_bytes(run, b->n)) return run->failed;
    bool grows = a->data == run->tail && a->n == run->tail_n &&
                 b->n <= run->tail_cap - run->tail_n;
    if (!grows) {
        uint64_t total = (uint64_t)a->n + b->n;
        size_t cap =
            total > RSN_TEMPLATE_MAX_MEMORY ? SIZE_MAX : (size_t)(total + total / 2 + 32);
        char *data = rsn_tpl_alloc(run, cap, 1);
        if (!data || rsn_tpl_charge_bytes(run, a->n)) return run->failed;
        memcpy(data, a->data, a->n);
        run->tail = data;
        run->tail_cap = cap;
    }
    memcpy(run->tail + a->n, b->data, b->n);
    run->tail_n = a->n + b->n;
    *s = (rsn_ts){run->tail, run->tail_n, a->chars + b->chars};
    *out = s;
    return REASON_OK;
}

reason_status rsn_tv_share(rsn_tpl_run *run, const char *data, size_t n, rsn_tv *out) {
    const rsn_ts *s;
    reason_status st = rsn_ts_share(run, data, n, &s);
    *out = rsn_tv_text(s);
    return st;
}

reason_status rsn_tv_copy(rsn_tpl_run *run, const char *data, size_t n, rsn_tv *out) {
    const rsn_ts *s;
    reason_status st = rsn_ts_copy(run, data, n, &s);
    *out = rsn_tv_text(s);
    return st;
}

reason_status rsn_tv_hint(rsn_tpl_run *run, const char *sentence, rsn_tv *out) {
    const rsn_ts *s;
    reason_status st = rsn_ts_share(run, sentence, strlen(sentence), &s);
    *out = rsn_tv_undefined(RSN_UNDEF_HINT, s, 0);
    return st;
}

bool rsn_ts_is(const rsn_ts *s, const char *text) {
    size_t n = strlen(text);
    return s->n == n && memcmp(s->data, text, n) == 0;
}

bool rsn_ts_equal(const rsn_ts *a, const rsn_ts *b) {
    return a->n == b->n &&
           (a->data == b->data || a->n == 0 || !memcmp(a->data, b->data, a->n));
}

size_t rsn_ts_offset(const rsn_ts *s, size_t index) {
    if (s->chars == s->n || index == 0) return index;
    size_t at = 0;
    for (size_t seen = 0; at < s->n; at++) {
        if (((unsigned char)s->data[at] & 0xC0) != 0x80 && seen++ == index) break;
    }
    return at;
}

/* ---- lists ---- */

rsn_tl *rsn_tl_new(rsn_tpl_run *run, size_t cap) {
    rsn_tl *list = rsn_tpl_alloc(run, 1, sizeof *list);
    rsn_tv *items = rsn_tpl_alloc(run, cap, sizeof *items); /* never NULL, even for 0 */
    if (run->failed) return NULL;
    *list = (rsn_tl){items, 0, cap, 0};
    return list;
}

reason_status rsn_tl_push(rsn_tpl_run *run, rsn_tl *list, rsn_tv v) {
    if (list->n == list->cap) {
        size_t cap = list->cap ? list->cap * 2 : 8;
        rsn_tv *items = rsn_tpl_alloc(run, cap, sizeof *items);
        if (!items) return run->failed;
        if (list->n) memcpy(items, list->items, list->n * sizeof *items);
        list->items = items;
        list->cap = cap;
    }
    list->items[list->n++] = v;
    return REASON_OK;
}

/* ---- dicts ---- */

rsn_td *rsn_td_new(rsn_tpl_run *run) {
    rsn_td *dict = rsn_tpl_alloc(run, 1, sizeof *dict);
    if (dict) *dict = (rsn_td){NULL, 0, 0, NULL, 0};
    return dict;
}

static void put_slot(rsn_td *dict, uint64_t hash, uint32_t index) {
    size_t at = (size_t)hash & (dict->n_slots - 1);
    while (dict->slots[at]) at = (at + 1) & (dict->n_slots - 1);
    dict->slots[at] = index + 1;
}

/* Small dicts are searched from the front; larger ones get a table at most half full. */
static reason_status grow_dict(rsn_tpl_run *run, rsn_td *dict) {
    size_t cap = dict->cap ? dict->cap * 2 : 4;
    rsn_td_entry *entries = rsn_tpl_alloc(run, cap, sizeof *entries);
    if (!entries || rsn_tpl_charge(run, dict->n)) return run->failed;
    if (dict->n) memcpy(entries, dict->entries, dict->n * sizeof *entries);
    if (cap > 8) {
        size_t n_slots = cap * 2;
        uint32_t *slots = rsn_tpl_alloc(run, n_slots, sizeof *slots);
        if (!slots) return run->failed;
        memset(slots, 0, n_slots * sizeof *slots);
        dict->slots = slots;
        dict->n_slots = n_slots;
        for (size_t i = 0; i < dict->n; i++) put_slot(dict, entries[i].hash, (uint32_t)i);
    }
    dict->entries = entries;
    dict->cap = cap;
    return REASON_OK;
}

static reason_status match_entry(rsn_tpl_run *run, const rsn_td_entry *e, uint64_t hash,
                                 const rsn_tv *key, bool *match) {
    *match = false;
    if (e->hash != hash) return rsn_tpl_charge(run, 1);
    if (e->key.kind == RSN_TV_STR && key->kind == RSN_TV_STR) {
        *match = rsn_ts_equal(e->key.as.s, key->as.s);
        return rsn_tpl_charge(run, 1);
    }
    return rsn_tv_equal(run, &e->key, key, match);
}

static reason_status find_entry(rsn_tpl_run *run, const rsn_td *dict, uint64_t hash,
                                const rsn_tv *key, size_t *index) {
    bool match = false;
    reason_status st = REASON_OK;
    *index = SIZE_MAX;
    if (!dict->slots) {
        for (size_t i = 0; i < dict->n && !match && !st; i++) {
            st = match_entry(run, &dict->entries[i], hash, key, &match);
            if (match) *index = i;
        }
        return st;
    }
    size_t at = (size_t)hash & (dict->n_slots - 1);
    for (; dict->slots[at] && !match && !st; at = (at + 1) & (dict->n_slots - 1)) {
        size_t i = dict->slots[at] - 1;
        st = match_entry(run, &dict->entries[i], hash, key, &match);
        if (match) *index = i;
    }
    return st;
}

reason_status rsn_td_set(rsn_tpl_run *run, rsn_td *dict, rsn_tv key, rsn_tv value) {
    uint64_t hash;
    size_t index;
    if (rsn_tv_hash(run, &key, &hash) || find_entry(run, dict, hash, &key, &index)) {
        return run->failed;
    }
    if (index != SIZE_MAX) {
        dict->entries[index].value = value;
        return REASON_OK;
    }
    if (dict->n == dict->cap && grow_dict(run, dict)) return run->failed;
    dict->entries[dict->n] = (rsn_td_entry){key, value, hash};
    if (dict->slots) put_slot(dict, hash, (uint32_t)dict->n);
    dict->n++;
    return REASON_OK;
}

reason_status rsn_td_get(rsn_tpl_run *run, const rsn_td *dict, rsn_tv key, rsn_tv *out) {
    uint64_t hash;
    size_t index;
    *out = rsn_tv_of(RSN_TV_MISSING);
    if (rsn_tv_hash(run, &key, &hash) || find_entry(run, dict, hash, &key, &index)) {
        return run->failed;
    }
    if (index != SIZE_MAX) *out = dict->entries[index].value;
    return REASON_OK;
}

reason_status rsn_td_get_text(rsn_tpl_run *run, const rsn_td *dict, const rsn_ts *key,
                              rsn_tv *out) {
    return rsn_td_get(run, dict, rsn_tv_text(key), out);
}

reason_status rsn_tv_item(rsn_tpl_run *run, const rsn_td_entry *e, rsn_tv *out) {
    rsn_tl *pair = rsn_tl_new(run, 2);
    if (!pair) return run->failed;
    pair->items[0] = e->key;
    pair->items[1] = e->value;
    pair->n = 2;
    *out = rsn_tv_list(RSN_TV_TUPLE, pair);
    return REASON_OK;
}

/* ---- text under construction ---- */

void rsn_tb_add(rsn_tb *b, const char *bytes, size_t n) {
    if (n == 0 || rsn_tpl_charge(b->run, n / 16)) return;
    if (n > b->cap - b->n) {
        uint64_t need = (uint64_t)b->n + n;
        size_t cap = need > RSN_TEMPLATE_MAX_MEMORY ? SIZE_MAX : (size_t)(need * 2);
        if (cap < 64) cap = 64;
        char *data = rsn_tpl_alloc(b->run, cap, 1);
        if (!data) return;
        if (b->n) memcpy(data, b->data, b->n);
        b->data = data;
        b->cap = cap;
    }
    memcpy(b->data + b->n, bytes, n);
    b->n += n;
}

void rsn_tb_addz(rsn_tb *b, const char *text) {
    rsn_tb_add(b, text, strlen(text));
}

void rsn_tb_addc(rsn_tb *b, char c) {
    rsn_tb_add(b, &c, 1);
}

void rsn_tb_add_cp(rsn_tb *b, int32_t cp) {
    char utf8[4];
    size_t n = rsn_utf8_encode(cp, utf8);
    if (n) rsn_tb_add(b, utf8, n);
    else rsn_tb_add(b, "\xEF\xBF\xBD", 3);
}

void rsn_tb_repeat(rsn_tb *b, const char *bytes, size_t n_bytes, uint64_t times) {
    uint64_t total;
    if (n_bytes == 0) return;
    if (!rsn_mul_u64(n_bytes, times, &total) || total > RSN_TEMPLATE_MAX_MEMORY) {
        (void)rsn_tpl_alloc(b->run, SIZE_MAX, 1); /* fails with the LIMIT of memory */
        return;
    }
    for (uint64_t i = 0; i < times && !rsn_tpl_charge(b->run, 1); i++) {
        rsn_tb_add(b, bytes, n_bytes);
    }
}

reason_status rsn_tb_finish(rsn_tb *b, rsn_tv *out) {
    if (b->run->failed) return b->run->failed;
    reason_status st = rsn_tv_share(b->run, b->n ? b->data : "", b->n, out);
    if (!st && b->n) { /* so that text added next finds the room left here */
        b->run->tail = b->data;
        b->run->tail_n = b->n;
        b->run->tail_cap = b->cap;
    }
    return st;
}
