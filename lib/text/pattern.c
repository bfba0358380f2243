/* Owns PCRE2: what is compiled, how matching is bounded, how pieces follow each other.
 * Which expressions have hand-written scanners is known before. Invariant: every step of
 * matching that can be repeated is paid for out of the run's budget, so that no
 * expression makes a text take longer than some hundred steps a byte. */
#include "text/pattern.h"

#include <string.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/utf8.h"

enum {
    STEPS_PER_BYTE = 500,
    STEPS_BESIDE = 1 << 20,
    HEAP_KIB = 64 << 10,
    MOST_NESTED = 100 /* parentheses */
};

struct rsn_pattern {
    size_t n, n_bytes;
    pcre2_general_context *general;
    pcre2_code *codes[RSN_PATTERN_MAX];
};

/* How far one expression has come: its subject is a piece of the one before. */
typedef struct level {
    size_t from, to;       /* the subject; empty: the next piece is taken */
    size_t piece;          /* where the present piece ends */
    size_t match, matched; /* the next match; match = to: there is none */
    bool known;            /* it was looked for */
} level;

struct rsn_pattern_run {
    const rsn_pattern *p;
    const char *s;
    char *copy; /* with the bytes that are no character replaced; NULL: all are */
    size_t n;
    pcre2_match_context *context;
    pcre2_match_data *data;
    uint64_t steps, most;
    size_t last; /* where matching was at the step before */
    level levels[RSN_PATTERN_MAX];
};

static void *take_memory(PCRE2_SIZE n, void *user) {
    (void)user;
    return rsn_alloc(n);
}

static void give_memory(void *p, void *user) {
    (void)user;
    rsn_free(p);
}

/* ---- compiling ---- */

/* A count in {...} is passed in one step, so it must not be large. */
static bool repeats_much(rsn_text e) {
    for (size_t i = 0; i < e.n; i++) {
        unsigned count = 0;
        if (e.data[i] != '{' && e.data[i] != ',') continue;
        while (i + 1 < e.n && e.data[i + 1] >= '0' && e.data[i + 1] <= '9' &&
               count <= RSN_PATTERN_MAX_REPEAT)
            count = count * 10 + (unsigned)(e.data[++i] - '0');
        if (count > RSN_PATTERN_MAX_REPEAT) return true;
    }
    return false;
}

/* As Oniguruma reads expressions: ^ and $ at lines, classes as Unicode has them. Callouts
 * are how steps are counted. */
static reason_status compile(rsn_pattern *p, rsn_text e, pcre2_compile_context *context) {
    int error;
    PCRE2_SIZE offset;
    if (e.n > RSN_PATTERN_MAX_BYTES || repeats_much(e))
        return rsn_fail(REASON_ERR_LIMIT,
                        "reason.tokenizer.pattern[%zu]: %s; the limits are %d bytes and "
                        "repeats of %d",
                        p->n, rsn_quote(e.data, e.n).text, RSN_PATTERN_MAX_BYTES,
                        RSN_PATTERN_MAX_REPEAT);
    const uint32_t options = PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE |
                             PCRE2_AUTO_CALLOUT | PCRE2_NEVER_BACKSLASH_C;
    pcre2_code *code = pcre2_compile((PCRE2_SPTR)(e.n ? e.data : ""), e.n, options,
                                     &error, &offset, context);
    if (code) {
        size_t size = 0;
        (void)pcre2_pattern_info(code, PCRE2_INFO_SIZE, &size);
        p->n_bytes += size;
        p->codes[p->n++] = code;
        return REASON_OK;
    }
    if (error == PCRE2_ERROR_HEAP_FAILED) return REASON_ERR_NO_MEMORY;
    char why[120] = "";
    (void)pcre2_get_error_message(error, (PCRE2_UCHAR *)why, sizeof why);
    return rsn_fail(REASON_ERR_UNSUPPORTED,
                    "reason.tokenizer.pattern[%zu]: %s: character %zu: %s", p->n,
                    rsn_quote(e.data, e.n).text, (size_t)offset, why);
}

reason_status rsn_pattern_new(const rsn_text *expressions, size_t n, rsn_pattern **out) {
    *out = NULL;
    if (n == 0 || n > RSN_PATTERN_MAX)
        return rsn_fail(REASON_ERR_FORMAT,
                        "reason.tokenizer.pattern: %zu expressions; allowed are 1 to %d",
                        n, RSN_PATTERN_MAX);
    rsn_pattern *p = rsn_calloc2(1, sizeof *p);
    if (!p) return REASON_ERR_NO_MEMORY;
    p->general = pcre2_general_context_create(take_memory, give_memory, NULL);
    pcre2_compile_context *context =
        p->general ? pcre2_compile_context_create(p->general) : NULL;
    reason_status status = context ? REASON_OK : REASON_ERR_NO_MEMORY;
    if (context) {
        (void)pcre2_set_newline(context, PCRE2_NEWLINE_LF);
        (void)pcre2_set_parens_nest_limit(context, MOST_NESTED);
    }
    for (size_t i = 0; i < n && status == REASON_OK; i++)
        status = compile(p, expressions[i], context);
    pcre2_compile_context_free(context);
    if (status == REASON_OK) {
        *out = p;
    } else {
        rsn_pattern_free(p);
    }
    return status;
}

size_t rsn_pattern_held(const rsn_pattern *p) {
    return p ? sizeof *p + p->n_bytes : 0;
}

void rsn_pattern_free(rsn_pattern *p) {
    if (!p) return;
    for (size_t i = 0; i < p->n; i++) pcre2_code_free(p->codes[i]);
    pcre2_general_context_free(p->general);
    rsn_free(p);
}

/* ---- matching ---- */

/* Called before every item of an expression that is tried: a step, and one for every
 * character that the item before it went over, forth or back. */
static int count_step(pcre2_callout_block *block, void *user) {
    rsn_pattern_run *run = user;
    size_t at = block->current_position;
    run->steps += 1 + (at > run->last ? at - run->last : run->last - at);
    run->last = at;
    return run->steps > run->most ? PCRE2_ERROR_CALLOUT : 0;
}

/* A copy in which every byte that is part of no character is a control character. */
static reason_status make_valid(rsn_pattern_run *run) {
    size_t bad;
    if (rsn_utf8_valid(run->s, run->n, &bad)) return REASON_OK;
    run->copy = rsn_alloc(run->n);
    if (!run->copy) return REASON_ERR_NO_MEMORY;
    memcpy(run->copy, run->s, run->n);
    for (size_t at = bad; at < run->n;) {
        int32_t cp;
        size_t len = rsn_utf8_decode(run->s + at, run->n - at, &cp);
        if (cp < 0) memset(run->copy + at, 0x1A, len);
        at += len;
    }
    run->s = run->copy;
    return REASON_OK;
}

reason_status rsn_pattern_begin(const rsn_pattern *p, const char *s, size_t n,
                                rsn_pattern_run **out) {
    rsn_pattern_run *run = rsn_calloc2(1, sizeof *run);
    *out = run;
    if (!run) return REASON_ERR_NO_MEMORY;
    *run = (rsn_pattern_run){.p = p, .s = s, .n = n};
    run->most = STEPS_BESIDE + (uint64_t)n * STEPS_PER_BYTE;
    run->context = pcre2_match_context_create(p->general);
    run->data = pcre2_match_data_create(1, p->general);
    reason_status status = run->context && run->data ? make_valid(run)
                                                     : REASON_ERR_NO_MEMORY;
    if (status == REASON_OK) {
        (void)pcre2_set_callout(run->context, count_step, run);
        (void)pcre2_set_heap_limit(run->context, HEAP_KIB);
        return REASON_OK;
    }
    rsn_pattern_end(run);
    *out = NULL;
    return status;
}

void rsn_pattern_end(rsn_pattern_run *run) {
    if (!run) return;
    pcre2_match_data_free(run->data);
    pcre2_match_context_free(run->context);
    rsn_free(run->copy);
    rsn_free(run);
}

static reason_status fail_match(int error) {
    if (error == PCRE2_ERROR_NOMEMORY) return REASON_ERR_NO_MEMORY;
    return rsn_fail(REASON_ERR_LIMIT,
                    "reason.tokenizer.pattern: matching takes too many steps (%d)",
                    error);
}

/* Looks for the next match of a level, from `at` on. One of nothing where it began to
 * look ends no piece; it looks again behind the next character. */
static reason_status find_match(rsn_pattern_run *run, size_t i, size_t at) {
    level *l = &run->levels[i];
    PCRE2_SIZE *ends = pcre2_get_ovector_pointer(run->data);
    size_t start = at;
    l->known = true;
    for (;;) {
        run->last = start - l->from;
        int found = pcre2_match(run->p->codes[i], (PCRE2_SPTR)run->s + l->from,
                                l->to - l->from, start - l->from, PCRE2_NO_UTF_CHECK,
                                run->data, run->context);
        l->match = l->matched = l->to;
        if (found == PCRE2_ERROR_NOMATCH) return REASON_OK;
        if (found < 0) return fail_match(found);
        l->match = l->from + ends[0];
        l->matched = l->from + ends[1];
        /* \K in a look-around can turn the ends around or put them before the start. */
        if (l->match < start) l->match = start;
        if (l->matched < l->match) l->matched = l->match;
        if (l->matched > at || start == l->to) return REASON_OK;
        int32_t cp;
        start += rsn_utf8_decode(run->s + start, l->to - start, &cp);
    }
}

static reason_status next_piece(rsn_pattern_run *run, size_t i, size_t at) {
    level *l = &run->levels[i];
    if (!l->known || (l->match < at || (l->match == at && l->matched <= at))) {
        reason_status status = find_match(run, i, at);
        if (status != REASON_OK) return status;
    }
    l->piece = l->match > at ? l->match : l->matched;
    return REASON_OK;
}

reason_status rsn_pattern_next(rsn_pattern_run *run, size_t at, size_t *end) {
    size_t piece = run->n;
    for (size_t i = 0; i < run->p->n; i++) {
        level *l = &run->levels[i];
        if (l->to <= at) *l = (level){.from = at, .to = piece, .piece = at};
        if (l->piece <= at) {
            reason_status status = next_piece(run, i, at);
            if (status != REASON_OK) return status;
        }
        piece = l->piece;
    }
    *end = piece;
    return REASON_OK;
}
