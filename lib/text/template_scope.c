/* Owns names: which variable of which scope each of them is. Jinja decides that before
 * a template runs, from the order of reads and assignments in each scope: a name that
 * is assigned somewhere in a scope is that scope's own from its beginning, and begins
 * as the outer variable, as the input's, or as nothing, depending on what came first.
 * Invariant: a scope is resolved after the scope around it, and in time linear in what
 * happens in it times the depth of ifs. */
#include <string.h>

#include "base/array.h"
#include "text/template_compile.h"

/* What is known of a name in a scope at some place of it. */
typedef struct state {
    bool known;  /* the scope has a variable for it */
    bool stored; /* and assigns it */
    uint8_t begin;
    uint16_t hops;
    uint32_t outer; /* sym, of BEGIN_OUTER */
} state;

typedef struct sym {
    uint32_t scope, name, slot;
    state now;
    uint32_t counted; /* the branch that was counted last */
    uint8_t branches; /* of an if that assign it */
} sym;

/* The state of a sym before a change, or at the end of a branch of an if. */
typedef struct change {
    uint32_t sym, branch;
    state state;
} change;

/* Every branch starts from what was before the if. So its changes are logged, and at
 * its end they are put aside and undone; at the end of the if the branches' results
 * are united. */
typedef struct open_if {
    size_t log;     /* where the present branch's changes begin */
    size_t results; /* where the results of its branches begin */
} open_if;

typedef struct rsn_sym_table {
    sym *syms;
    size_t n, cap;
    uint32_t *slots; /* a hash table of sym + 1 */
    size_t n_slots;
    change *log, *results;
    size_t n_log, log_cap, n_results, results_cap;
    open_if *ifs;
    size_t n_ifs, ifs_cap;
    uint32_t n_branches, n_changes;
} sym_table;

enum { MAX_CHANGES = 1 << 20 };

/* ---- names ---- */

static uint64_t hash_text(rsn_text text) {
    uint64_t h = 14695981039346656037u;
    for (size_t i = 0; i < text.n; i++) {
        h = (h ^ (unsigned char)text.data[i]) * 1099511628211u;
    }
    return h ^ (h >> 32);
}

static uint64_t hash_pair(uint32_t a, uint32_t b) {
    uint64_t h = (((uint64_t)a << 32) | b) * 0x9E3779B97F4A7C15u;
    return h ^ (h >> 32);
}

static bool grow_name_slots(rsn_compiler *c) {
    size_t n = c->n_name_slots ? c->n_name_slots * 2 : 64;
    uint32_t *slots = rsn_compile_alloc(c, n, sizeof *slots);
    if (!slots) return false;
    for (size_t i = 0; i < c->n_names; i++) {
        const rsn_ts *s = c->names[i].text;
        size_t at = (size_t)hash_text((rsn_text){s->data, s->n}) & (n - 1);
        while (slots[at]) at = (at + 1) & (n - 1);
        slots[at] = (uint32_t)i + 1;
    }
    c->name_slots = slots;
    c->n_name_slots = n;
    return true;
}

bool rsn_scope_intern(rsn_compiler *c, rsn_text text, uint32_t *name) {
    if (2 * (c->n_names + 1) > c->n_name_slots && !grow_name_slots(c)) return false;
    size_t at = (size_t)hash_text(text) & (c->n_name_slots - 1);
    for (; c->name_slots[at]; at = (at + 1) & (c->n_name_slots - 1)) {
        const rsn_ts *s = c->names[c->name_slots[at] - 1].text;
        if (s->n == text.n && memcmp(s->data, text.data, text.n) == 0) {
            *name = c->name_slots[at] - 1;
            return true;
        }
    }
    const rsn_ts *s = rsn_add_text(c, text);
    if (!s || !rsn_compile_ok(c, RSN_GROW(&c->names, &c->names_cap, c->n_names + 1))) {
        return false;
    }
    *name = (uint32_t)c->n_names;
    c->names[c->n_names++] = (rsn_name){s, false};
    c->name_slots[at] = *name + 1;
    return true;
}

/* ---- scopes while they are parsed ---- */

rsn_open_scope *rsn_scope_top(rsn_compiler *c) {
    return &c->open[c->n_open - 1];
}

bool rsn_scope_open(rsn_compiler *c, uint32_t *scope) {
    struct rsn_template *t = c->t;
    if (!rsn_compile_ok(c, RSN_GROW(&t->scopes, &t->scopes_cap, t->n_scopes + 1)) ||
        !rsn_compile_ok(c, RSN_GROW(&c->open, &c->open_cap, c->n_open + 1))) {
        return false;
    }
    int32_t parent = c->n_open ? (int32_t)rsn_scope_top(c)->scope : RSN_TPL_NONE;
    *scope = (uint32_t)t->n_scopes;
    t->scopes[t->n_scopes++] = (rsn_tpl_scope){parent, NULL, 0};
    c->open[c->n_open++] = (rsn_open_scope){.scope = *scope};
    return true;
}

void rsn_scope_close(rsn_compiler *c) {
    c->n_open--;
}

/* Macros must know whether their bodies read `caller` and so on, loops whether theirs
 * read `loop`, wherever inside that happens. */
static bool note_special(rsn_compiler *c, rsn_event_kind kind, uint32_t name) {
    bool read = kind == RSN_EVENT_LOAD;
    for (size_t i = c->n_open; i-- > 0;) {
        rsn_open_scope *open = &c->open[i];
        if (name == c->name_loop) {
            if (read) open->reads_loop = true;
            else if (open->is_for && kind == RSN_EVENT_STORE) {
                return rsn_compile_fail(
                    c, "the variable loop cannot be assigned in a for loop");
            }
            continue;
        }
        for (int k = 0; k < RSN_N_SPECIALS && open->in_macro_body; k++) {
            if (name == c->specials[k] && !open->seen[k]) open->seen[k] = read ? 1 : 2;
        }
    }
    return true;
}

static bool push_event(rsn_compiler *c, rsn_event_kind kind, uint32_t name) {
    if (!rsn_compile_ok(c, RSN_GROW(&c->events, &c->events_cap, c->n_events + 1))) {
        return false;
    }
    c->events[c->n_events++] = (rsn_event){rsn_scope_top(c)->scope, name, (uint8_t)kind};
    return true;
}

bool rsn_scope_event(rsn_compiler *c, rsn_event_kind kind, uint32_t name) {
    bool names =
        kind == RSN_EVENT_LOAD || kind == RSN_EVENT_STORE || kind == RSN_EVENT_PARAM;
    if (!push_event(c, kind, name)) return false;
    if (kind == RSN_EVENT_LOAD) c->names[name].read = true;
    /* the special names were interned first */
    return !names || name > c->name_loop || note_special(c, kind, name);
}

bool rsn_scope_reserve(rsn_compiler *c, uint32_t name, size_t *event) {
    *event = c->n_events;
    return push_event(c, RSN_EVENT_PARAM, name);
}

/* ---- the table of syms ---- */

static bool grow_sym_slots(rsn_compiler *c, sym_table *t) {
    size_t n = t->n_slots ? t->n_slots * 2 : 256;
    uint32_t *slots = rsn_compile_alloc(c, n, sizeof *slots);
    if (!slots) return false;
    for (size_t i = 0; i < t->n; i++) {
        size_t at = (size_t)hash_pair(t->syms[i].scope, t->syms[i].name) & (n - 1);
        while (slots[at]) at = (at + 1) & (n - 1);
        slots[at] = (uint32_t)i + 1;
    }
    t->slots = slots;
    t->n_slots = n;
    return true;
}

/* The slot of the hash table where (scope, name) is or would be. */
static size_t find_slot(const sym_table *t, uint32_t scope, uint32_t name) {
    size_t at = (size_t)hash_pair(scope, name) & (t->n_slots - 1);
    while (t->slots[at]) {
        const sym *s = &t->syms[t->slots[at] - 1];
        if (s->scope == scope && s->name == name) break;
        at = (at + 1) & (t->n_slots - 1);
    }
    return at;
}

static bool get_sym(rsn_compiler *c, uint32_t scope, uint32_t name, uint32_t *index) {
    sym_table *t = c->syms;
    if (2 * (t->n + 1) > t->n_slots && !grow_sym_slots(c, t)) return false;
    size_t at = find_slot(t, scope, name);
    if (!t->slots[at]) {
        if (!rsn_compile_ok(c, RSN_GROW(&t->syms, &t->cap, t->n + 1))) return false;
        t->syms[t->n++] = (sym){.scope = scope, .name = name};
        t->slots[at] = (uint32_t)t->n;
    }
    *index = t->slots[at] - 1;
    return true;
}

/* The nearest variable of this name from `scope` outwards. */
static bool find_known(const rsn_compiler *c, int32_t scope, uint32_t name,
                       uint32_t *index, uint16_t *hops) {
    const sym_table *t = c->syms;
    *hops = 0;
    for (; scope >= 0 && t->n_slots; scope = c->t->scopes[scope].parent, ++*hops) {
        size_t at = find_slot(t, (uint32_t)scope, name);
        if (t->slots[at] && t->syms[t->slots[at] - 1].now.known) {
            *index = t->slots[at] - 1;
            return true;
        }
    }
    return false;
}

/* ---- resolving ---- */

/* Assignments inside ifs inside ifs cost as much as there are ifs around them. */
static bool push_change(rsn_compiler *c, change **list, size_t *n, size_t *cap,
                        change ch) {
    if (++c->syms->n_changes > MAX_CHANGES) {
        return rsn_compile_fail_at(c, REASON_ERR_LIMIT, c->tok.line,
                                   "more than %d assignments in nested ifs", MAX_CHANGES);
    }
    if (!rsn_compile_ok(c, RSN_GROW(list, cap, *n + 1))) return false;
    (*list)[(*n)++] = ch;
    return true;
}

/* Call before a sym is changed. */
static bool remember(rsn_compiler *c, uint32_t index) {
    sym_table *t = c->syms;
    return t->n_ifs == 0 || push_change(c, &t->log, &t->n_log, &t->log_cap,
                                        (change){index, 0, t->syms[index].now});
}

/* The variable begins as the outer one if there is one, else as `otherwise`. */
static void begin_as(rsn_compiler *c, uint32_t index, rsn_tpl_begin otherwise) {
    sym *s = &c->syms->syms[index];
    uint32_t outer = 0;
    uint16_t hops;
    bool found = find_known(c, c->t->scopes[s->scope].parent, s->name, &outer, &hops);
    s->now.known = true;
    s->now.begin = (uint8_t)(found ? RSN_BEGIN_OUTER : otherwise);
    s->now.outer = outer;
    s->now.hops = (uint16_t)(hops + 1);
}

static bool note_name(rsn_compiler *c, const rsn_event *e) {
    uint32_t index, outer;
    uint16_t hops;
    if (e->kind == RSN_EVENT_LOAD &&
        find_known(c, (int32_t)e->scope, e->name, &outer, &hops)) {
        return true;
    }
    if (!get_sym(c, e->scope, e->name, &index) || !remember(c, index)) return false;
    state *now = &c->syms->syms[index].now;
    if (e->kind == RSN_EVENT_STORE && !now->known) {
        begin_as(c, index, RSN_BEGIN_UNSET);
    } else if (e->kind != RSN_EVENT_STORE) {
        now->known = true;
        now->begin = e->kind == RSN_EVENT_LOAD ? RSN_BEGIN_INPUT : RSN_BEGIN_PARAM;
    }
    now->stored = now->stored || e->kind != RSN_EVENT_LOAD;
    return true;
}

static bool begin_if(rsn_compiler *c) {
    sym_table *t = c->syms;
    if (!rsn_compile_ok(c, RSN_GROW(&t->ifs, &t->ifs_cap, t->n_ifs + 1))) return false;
    t->ifs[t->n_ifs++] = (open_if){t->n_log, t->n_results};
    return true;
}

static bool end_branch(rsn_compiler *c) {
    sym_table *t = c->syms;
    t->n_branches++;
    while (t->n_log > t->ifs[t->n_ifs - 1].log) {
        change undo = t->log[--t->n_log];
        change result = {undo.sym, t->n_branches, t->syms[undo.sym].now};
        if (!push_change(c, &t->results, &t->n_results, &t->results_cap, result)) {
            return false;
        }
        t->syms[undo.sym].now = undo.state;
    }
    return true;
}

/* In how many branches each sym is assigned that was not before. */
static void count_stores(sym_table *t, size_t from) {
    for (size_t i = from; i < t->n_results; i++) {
        const change *r = &t->results[i];
        sym *s = &t->syms[r->sym];
        if (!r->state.stored || s->now.stored || s->counted == r->branch) continue;
        s->counted = r->branch;
        s->branches++;
    }
}

static bool apply_result(rsn_compiler *c, const change *r) {
    if (!remember(c, r->sym)) return false;
    state *now = &c->syms->syms[r->sym].now;
    bool stored = now->stored || r->state.stored;
    if (r->state.known) *now = r->state;
    now->stored = stored;
    return true;
}

/* Later branches win; within a branch the results lie backwards. What only some
 * branches assign begins with what it was outside, for the others. */
static bool end_if(rsn_compiler *c) {
    sym_table *t = c->syms;
    if (!end_branch(c)) return false;
    size_t from = t->ifs[--t->n_ifs].results;
    count_stores(t, from);
    for (size_t i = from, to; i < t->n_results; i = to) {
        for (to = i;
             to < t->n_results && t->results[to].branch == t->results[i].branch;) {
            to++;
        }
        for (size_t k = to; k-- > i;) {
            change r = t->results[k];
            if (!apply_result(c, &r)) return false;
        }
    }
    for (size_t i = from; i < t->n_results; i++) {
        uint32_t index = t->results[i].sym;
        uint8_t branches = t->syms[index].branches;
        t->syms[index].branches = 0;
        if (branches == 0 || branches == 3) continue;
        if (!remember(c, index)) return false;
        begin_as(c, index, RSN_BEGIN_INPUT);
    }
    t->n_results = from;
    return true;
}

static bool note_event(rsn_compiler *c, const rsn_event *e) {
    switch ((rsn_event_kind)e->kind) {
    case RSN_EVENT_LOAD:
    case RSN_EVENT_STORE:
    case RSN_EVENT_PARAM: return note_name(c, e);
    case RSN_EVENT_IF: return begin_if(c);
    case RSN_EVENT_BRANCH: return end_branch(c);
    case RSN_EVENT_END_IF: return end_if(c);
    case RSN_EVENT_NOTHING: break;
    }
    return true;
}

/* Numbers the variables of a scope, whose syms are those from `from` on. */
static bool number_vars(rsn_compiler *c, uint32_t scope, size_t from) {
    sym_table *t = c->syms;
    rsn_tpl_scope *sc = &c->t->scopes[scope];
    sc->vars = rsn_arena_calloc2(&c->t->arena, t->n - from, sizeof *sc->vars);
    if (!sc->vars) return rsn_compile_ok(c, REASON_ERR_NO_MEMORY);
    for (size_t i = from; i < t->n; i++) {
        sym *s = &t->syms[i];
        if (!s->now.known) continue;
        uint32_t outer = s->now.begin == RSN_BEGIN_OUTER ? t->syms[s->now.outer].slot : 0;
        s->slot = sc->n_vars;
        sc->vars[sc->n_vars++] =
            (rsn_tpl_var){c->names[s->name].text, s->now.begin, s->now.hops, outer};
    }
    return true;
}

/* Events in the order of their scopes, which are numbered from the outside in. */
static rsn_event *sort_events(rsn_compiler *c) {
    size_t n_scopes = c->t->n_scopes;
    size_t *starts = rsn_compile_alloc(c, n_scopes + 1, sizeof *starts);
    rsn_event *sorted = rsn_compile_alloc(c, c->n_events, sizeof *sorted);
    if (!starts || !sorted) return NULL;
    for (size_t i = 0; i < c->n_events; i++) starts[c->events[i].scope + 1]++;
    for (size_t i = 0; i < n_scopes; i++) starts[i + 1] += starts[i];
    for (size_t i = 0; i < c->n_events; i++) {
        sorted[starts[c->events[i].scope]++] = c->events[i];
    }
    return sorted;
}

static bool resolve_scopes(rsn_compiler *c) {
    const rsn_event *events = sort_events(c);
    size_t at = 0;
    if (!events) return false;
    for (uint32_t scope = 0; scope < c->t->n_scopes; scope++) {
        size_t from = c->syms->n;
        for (; at < c->n_events && events[at].scope == scope; at++) {
            if (!note_event(c, &events[at])) return false;
        }
        if (!number_vars(c, scope, from)) return false;
    }
    return true;
}

static bool resolve_fixups(rsn_compiler *c) {
    for (size_t i = 0; i < c->n_fixups; i++) {
        const rsn_fixup *f = &c->fixups[i];
        uint32_t index = 0;
        uint16_t hops;
        bool found = find_known(c, (int32_t)f->scope, f->name, &index, &hops);
        rsn_insn *insn = &c->t->code[f->at];
        if (!found || (insn->op == RSN_OP_STORE && hops)) {
            return rsn_compile_fail_at(c, REASON_ERR_INTERNAL, insn->line,
                                       "a name is lost");
        }
        insn->n = hops;
        insn->arg = c->syms->syms[index].slot;
    }
    return true;
}

bool rsn_scope_resolve(rsn_compiler *c) {
    return resolve_scopes(c) && resolve_fixups(c);
}

int32_t rsn_scope_slot(const rsn_compiler *c, uint32_t scope, uint32_t name) {
    uint32_t index;
    uint16_t hops;
    bool found = find_known(c, (int32_t)scope, name, &index, &hops);
    return found && hops == 0 ? (int32_t)c->syms->syms[index].slot : RSN_TPL_NONE;
}

bool rsn_scope_begin(rsn_compiler *c) {
    static const char *const names[] = {"caller", "kwargs", "varargs", "loop"};
    uint32_t name;
    c->syms = rsn_compile_alloc(c, 1, sizeof *c->syms);
    for (size_t i = 0; c->syms && i < 4; i++) {
        if (!rsn_scope_intern(c, (rsn_text){names[i], strlen(names[i])}, &name)) {
            return false;
        }
        if (i < RSN_N_SPECIALS) c->specials[i] = name;
        else c->name_loop = name;
    }
    return c->syms != NULL;
}

void rsn_scope_end(rsn_compiler *c) {
    if (!c->syms) return;
    rsn_free(c->syms->syms);
    rsn_free(c->syms->log);
    rsn_free(c->syms->results);
    rsn_free(c->syms->ifs);
}
