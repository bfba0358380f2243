/* Runs the sequences of a scoring. Owns what goes into which pass: the shared beginning
 * first, then the rest of each sequence behind it, one after the other, as many tokens as
 * a pass takes. So a sequence holds memory for a few passes only, however many there are.
 * Left to others: what is read at a place (the kind's row, or the head). Invariant: rows
 * are those that the sequence has alone. */
#include <math.h>
#include <string.h>

#include "base/array.h"
#include "decode/engine.h"
#include "reward/score.h"

/* A row of the last pass that a place of a sequence is read from. */
typedef struct reading {
    const float *row; /* logits, or the stream */
    rsn_candidate *of;
    size_t place; /* of it */
} reading;

/* The rest of a sequence, while it is run. */
typedef struct runner {
    rsn_timeline line;
    bool begun;
} runner;

typedef struct work {
    rsn_scoring *s;
    rsn_session *session;
    const rsn_cancel *cancel;
    size_t column; /* of outputs */
    rsn_room room;
    rsn_timeline trunk;
    runner *runners;      /* [n] */
    size_t first, next;   /* those that are begun and not done: [first, next) */
    rsn_run *runs;        /* of a pass, [n_runs] */
    rsn_candidate **whose; /* [n_runs]; NULL: everyone's */
    size_t n_runs, runs_cap, whose_cap, n_rows;
    float *hidden; /* [pass tokens][n_embd], of heads, */
    float *gather; /* [pass tokens][n_embd], of the rows that are read, */
    float *mid;    /* [pass tokens][n_hidden], */
    float *values; /* [pass tokens][n_out] */
    reading *readings;
    size_t n_readings, readings_cap;
    uint64_t done; /* tokens */
    uint64_t total;
} work;

static size_t pass_tokens(const work *w) {
    return w->session->scratch.n_chunk;
}

/* --- what is read -------------------------------------------------------------------- */

/* The row that a place is read from. */
static size_t row_of(const work *w, const rsn_candidate *c, size_t place) {
    return c->places[place] - (w->s->kind->ahead ? 1 : 0);
}

/* The first place whose row is `from` or later. */
static size_t first_place(const work *w, const rsn_candidate *c, size_t from) {
    size_t low = 0, high = c->n_places;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (row_of(w, c, mid) < from)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

/* Which rows of positions [from, to) are read. */
static rsn_want want_of(const work *w, const rsn_candidate *c, size_t from, size_t to) {
    size_t i = first_place(w, c, from);
    if (i == c->n_places || row_of(w, c, i) >= to)
        return RSN_WANT_NONE;
    return row_of(w, c, i) + 1 == to ? RSN_WANT_LAST : RSN_WANT_ALL;
}

static reason_status note_readings(work *w, rsn_candidate *c, const rsn_run *run,
                                   const float *rows, size_t width) {
    size_t from = run->kv->n - run->n, to = run->kv->n;
    size_t first = run->want == RSN_WANT_LAST ? to - 1 : from;
    for (size_t i = first_place(w, c, from); i < c->n_places; i++) {
        size_t row = row_of(w, c, i);
        if (row >= to)
            break;
        reason_status status =
            RSN_GROW(&w->readings, &w->readings_cap, w->n_readings + 1);
        if (status != REASON_OK)
            return status;
        w->readings[w->n_readings++] = (reading){rows + (row - first) * width, c, i};
    }
    return REASON_OK;
}

static double *output_of(const work *w, const reading *r) {
    return r->of->outputs + r->place * w->s->n_out + w->column;
}

/* A job over the pool: workers take readings. */
static void read_share(void *arg, int ith, int count) {
    const work *w = arg;
    size_t begin, end;
    rsn_pool_share(w->n_readings, 1, ith, count, &begin, &end);
    for (size_t i = begin; i < end; i++) {
        const reading *r = &w->readings[i];
        int32_t token = r->of->ids.items[r->of->places[r->place]];
        w->s->kind->read(w->s, r->row, token, &w->session->samplers[ith],
                         output_of(w, r));
    }
}

/* As many rows at once as there is room for. */
static void read_heads(work *w) {
    size_t width = w->s->model->hp.n_embd, n_out = w->s->n_out, n;
    for (size_t at = 0; at < w->n_readings; at += n) {
        n = w->n_readings - at;
        n = n < pass_tokens(w) ? n : pass_tokens(w);
        for (size_t i = 0; i < n; i++)
            memcpy(w->gather + i * width, w->readings[at + i].row,
                   width * sizeof *w->gather);
        rsn_head_run(w->s->model, w->session->pool, w->gather, n, w->mid, w->values);
        for (size_t i = 0; i < n * n_out; i++)
            output_of(w, &w->readings[at + i / n_out])[i % n_out] = (double)w->values[i];
    }
}

static reason_status check_readings(const work *w) {
    const rsn_scoring *s = w->s;
    for (size_t i = 0; i < w->n_readings; i++) {
        const reading *r = &w->readings[i];
        size_t n = s->kind->head || s->kind->where == RSN_WHERE_LAST ? s->n_out : 1;
        for (size_t k = 0; k < n; k++)
            if (!isfinite(output_of(w, r)[k]))
                return rsn_fail(REASON_ERR_FORMAT,
                                "%s: what it says of token %llu of response %zu is not "
                                "finite",
                                w->session->model->gguf.path,
                                (unsigned long long)r->of->places[r->place],
                                (size_t)(r->of - s->list));
    }
    return REASON_OK;
}

static reason_status read_rows(work *w) {
    bool head = w->s->kind->head;
    size_t width = head ? w->session->model->hp.n_embd : w->session->model->hp.n_vocab;
    const float *rows = head ? w->hidden : w->session->logits;
    reason_status status = REASON_OK;
    w->n_readings = 0;
    for (size_t i = 0; i < w->n_runs; i++) {
        const rsn_run *run = &w->runs[i];
        if (run->want == RSN_WANT_NONE)
            continue;
        for (size_t k = 0; k < w->s->n && status == REASON_OK; k++)
            if (!w->whose[i] || w->whose[i] == &w->s->list[k])
                status = note_readings(w, &w->s->list[k], run, rows, width);
        rows += (run->want == RSN_WANT_ALL ? run->n : 1) * width;
    }
    if (status != REASON_OK || w->n_readings == 0)
        return status;
    if (head)
        read_heads(w);
    else if (rsn_pool_pays(w->session->pool, 16 * (uint64_t)w->n_readings * width))
        rsn_pool_run(w->session->pool, read_share, w);
    else
        read_share(w, 0, 1);
    return check_readings(w);
}

/* --- a pass -------------------------------------------------------------------------- */

static size_t used_blocks(const work *w) {
    size_t n = rsn_kv_n_own(&w->session->line.kv) + w->session->prefixes.n +
               rsn_kv_n_own(&w->trunk.kv);
    for (size_t i = w->first; i < w->next; i++)
        n += rsn_kv_n_own(&w->runners[i].line.kv);
    return n;
}

/* Drops what was kept for later until `need` more blocks fit. */
static bool has_room(const work *w, size_t need) {
    if (w->room.most_blocks == SIZE_MAX)
        return true;
    while (used_blocks(w) + need > w->room.most_blocks)
        if (!rsn_prefixes_drop(&w->session->prefixes))
            return false;
    return true;
}

/* Adds up to `most` waiting tokens of a timeline; *n of them, 0 if memory is for the next
 * pass. */
static reason_status add_run(work *w, rsn_timeline *line, rsn_candidate *c, size_t most,
                             size_t *n) {
    size_t waits = rsn_timeline_waiting(line), from = line->kv.n;
    *n = waits < most ? waits : most;
    if (!has_room(w, rsn_kv_missing(&line->kv, from + *n))) {
        *n = 0;
        return w->n_runs > 0 ? REASON_OK
                             : rsn_fail(REASON_ERR_NO_MEMORY,
                                        "the memory limit holds no more keys and values");
    }
    reason_status status = rsn_timeline_reserve(line, from + *n);
    if (status == REASON_OK)
        status = RSN_GROW(&w->runs, &w->runs_cap, w->n_runs + 1);
    if (status == REASON_OK)
        status = RSN_GROW(&w->whose, &w->whose_cap, w->n_runs + 1);
    if (status != REASON_OK)
        return status;
    rsn_want want = RSN_WANT_NONE;
    for (size_t i = 0; i < w->s->n; i++)
        if (!c || c == &w->s->list[i]) {
            rsn_want own = want_of(w, &w->s->list[i], from, from + *n);
            want = own > want ? own : want;
        }
    w->whose[w->n_runs] = c;
    w->runs[w->n_runs++] =
        (rsn_run){.kv = &line->kv, .tokens = line->tokens + from, .n = *n, .want = want};
    w->n_rows += want == RSN_WANT_ALL ? *n : want == RSN_WANT_LAST;
    return REASON_OK;
}

static reason_status report(work *w, size_t n) {
    const reason_score_request *r = w->s->request;
    int stop = 0;
    w->done += n;
    if (r->progress && !rsn_cancelled(w->cancel)) {
        stop = r->progress(r->progress_user, "score", w->done, w->total);
        rsn_fpstate_again();
    }
    if (stop != 0 || rsn_cancelled(w->cancel))
        return rsn_fail(REASON_ERR_CANCELLED, "cancelled after %llu of %llu tokens",
                        (unsigned long long)w->done, (unsigned long long)w->total);
    return REASON_OK;
}

static reason_status run_pass(work *w) {
    rsn_session *s = w->session;
    bool head = w->s->kind->head;
    size_t n = 0;
    for (size_t i = 0; i < w->n_runs; i++)
        n += w->runs[i].n;
    reason_status status = head ? REASON_OK : rsn_session_rows(s, w->n_rows);
    if (status != REASON_OK)
        return status;
    const rsn_step step = {.model = s->model,
                           .runs = w->runs,
                           .n_runs = w->n_runs,
                           .logits = s->logits,
                           .hidden = head ? w->hidden : NULL,
                           .pool = s->pool,
                           .cancel = w->cancel,
                           .scratch = &s->scratch};
    status = s->model->arch->forward(&step);
    w->s->usage.computed_tokens += status == REASON_OK ? n : 0;
    if (status == REASON_OK)
        status = read_rows(w);
    return status == REASON_OK ? report(w, n) : status;
}

/* --- the shared beginning ------------------------------------------------------------ */

/* Rows that have to be read are run again, though they may be there. */
static size_t first_row(const work *w) {
    size_t first = w->s->n_shared;
    for (size_t i = 0; i < w->s->n; i++) {
        size_t row = row_of(w, &w->s->list[i], 0);
        first = row < first ? row : first;
    }
    return first;
}

static reason_status run_trunk(work *w) {
    const int32_t *tokens = w->s->list[0].ids.items;
    size_t n = 0;
    reason_status status =
        rsn_prefixes_find(&w->session->prefixes, tokens, first_row(w), &w->trunk);
    w->s->usage.kept_tokens += w->trunk.n;
    w->total = w->s->n_shared - w->trunk.n;
    for (size_t i = 0; i < w->s->n; i++)
        w->total += w->s->list[i].ids.n - w->s->n_shared;
    if (status == REASON_OK)
        status = rsn_timeline_add(&w->trunk, tokens + w->trunk.n,
                                  w->s->n_shared - w->trunk.n);
    if (status == REASON_OK)
        status = report(w, 0);
    while (status == REASON_OK && rsn_timeline_waiting(&w->trunk) > 0) {
        w->n_runs = w->n_rows = 0;
        status = add_run(w, &w->trunk, NULL, pass_tokens(w), &n);
        if (status == REASON_OK)
            status = run_pass(w);
    }
    if (status == REASON_OK) /* to have no memory for that is no failure */
        (void)rsn_prefixes_keep(&w->session->prefixes, &w->trunk, w->trunk.kv.n);
    return status;
}

/* --- the rest of each ---------------------------------------------------------------- */

static reason_status begin_runner(work *w, size_t i) {
    const rsn_vocab_ids *ids = &w->s->list[i].ids;
    runner *r = &w->runners[i];
    reason_status status = rsn_timeline_fork(&w->trunk, &r->line);
    r->begun = status == REASON_OK;
    return status == REASON_OK ? rsn_timeline_add(&r->line, ids->items + w->s->n_shared,
                                                  ids->n - w->s->n_shared)
                               : status;
}

static void end_runner(work *w, size_t i) {
    runner *r = &w->runners[i];
    if (r->begun)
        rsn_timeline_free(&r->line);
    r->begun = false;
}

static reason_status plan_pass(work *w) {
    size_t left = pass_tokens(w), n;
    reason_status status = REASON_OK;
    w->n_runs = w->n_rows = 0;
    for (size_t i = w->first; i < w->s->n && left > 0 && status == REASON_OK; i++) {
        if (i == w->next) {
            status = begin_runner(w, w->next++);
            if (status != REASON_OK)
                break;
        }
        if (rsn_timeline_waiting(&w->runners[i].line) == 0)
            continue; /* it is all shared */
        status = add_run(w, &w->runners[i].line, &w->s->list[i], left, &n);
        if (n == 0)
            break;
        left -= n;
    }
    return status;
}

/* What a sequence computed stays for those that begin alike. */
static void retire(work *w) {
    while (w->first < w->next &&
           rsn_timeline_waiting(&w->runners[w->first].line) == 0) {
        rsn_timeline *line = &w->runners[w->first].line;
        (void)rsn_prefixes_keep(&w->session->prefixes, line, line->kv.n);
        end_runner(w, w->first++);
    }
}

static reason_status run_rest(work *w) {
    reason_status status = REASON_OK;
    while (w->first < w->s->n && status == REASON_OK) {
        status = plan_pass(w);
        if (status == REASON_OK && w->n_runs > 0)
            status = run_pass(w);
        if (status == REASON_OK)
            retire(w);
    }
    return status;
}

/* --- the whole ----------------------------------------------------------------------- */

static reason_status check_room(const work *w) {
    for (size_t i = 0; i < w->s->n; i++)
        if (w->s->list[i].ids.n > w->room.n_ctx)
            return rsn_fail(REASON_ERR_CONTEXT_FULL,
                            "response %zu with its prompt is %zu tokens, the context has "
                            "%zu",
                            i, w->s->list[i].ids.n, w->room.n_ctx);
    return REASON_OK;
}

static reason_status allocate(work *w) {
    const rsn_session *s = w->session;
    size_t n = pass_tokens(w), width = s->model->hp.n_embd;
    w->runners = rsn_calloc2(w->s->n, sizeof *w->runners);
    if (!w->runners)
        return REASON_ERR_NO_MEMORY;
    if (!w->s->kind->head)
        return rsn_session_samplers(w->session, (size_t)rsn_pool_size(s->pool));
    w->hidden = rsn_alloc2(n, width * sizeof *w->hidden);
    w->gather = rsn_alloc2(n, width * sizeof *w->gather);
    w->mid = rsn_alloc2(n, s->model->hp.head.n_hidden * sizeof *w->mid);
    w->values = rsn_alloc2(n, w->s->n_out * sizeof *w->values);
    return w->hidden && w->gather && w->mid && w->values ? REASON_OK
                                                         : REASON_ERR_NO_MEMORY;
}

static void clean_up(work *w) {
    for (size_t i = 0; w->runners && i < w->s->n; i++)
        end_runner(w, i);
    rsn_timeline_free(&w->trunk);
    rsn_free(w->runners);
    rsn_free(w->runs);
    rsn_free(w->whose);
    rsn_free(w->hidden);
    rsn_free(w->gather);
    rsn_free(w->mid);
    rsn_free(w->values);
    rsn_free(w->readings);
    rsn_engine trimmed = {.session = w->session, .room = w->room};
    rsn_engine_trim(&trimmed);
}

reason_status rsn_score_run(rsn_scoring *s, rsn_session *session, size_t column,
                            const rsn_cancel *cancel) {
    work w = {.s = s, .session = session, .column = column, .cancel = cancel};
    const rsn_kv *kv = &session->line.kv;
    reason_status status = rsn_engine_room(session, &w.room);
    if (status == REASON_OK)
        status = check_room(&w);
    if (status == REASON_OK)
        status = rsn_timeline_init(&w.trunk, &session->model->hp, w.room.n_ctx, kv->type);
    if (status != REASON_OK)
        return status;
    w.trunk.kv.n_session = kv->n_session; /* the room may be less */
    status = allocate(&w);
    if (status == REASON_OK)
        status = run_trunk(&w);
    if (status == REASON_OK)
        status = run_rest(&w);
    clean_up(&w);
    return status;
}
