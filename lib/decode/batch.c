/* Batches. Owns who runs, who waits, and whose keys and values have to go when memory runs
 * out. Invariant: who runs has a timeline; one that lost its cache is run again from its
 * first token and goes on where it was, so that nobody's result depends on memory. */
#include "decode/batch.h"

#include <stdatomic.h>
#include <stdio.h>

#include "base/array.h"
#include "decode/pass.h"

/* Positions worth waiting for until a neighbour has computed them. */
enum { WORTH_WAITING = 16 };

/* Candidates for a free place that are looked at: the first ones may wait for others. */
enum { LOOK_AHEAD = 64 };

typedef enum standing { QUEUED, RUNNING, ENDED } standing;

typedef struct member {
    rsn_sequence q;
    rsn_timeline line;
    standing standing;
    bool kept; /* its prompt is among the prefixes */
    size_t request;
    reason_status status; /* of its last choice */
} member;

struct rsn_batch {
    rsn_session *session;
    size_t n_ctx;
    member *members; /* [n], in the order in which they begin */
    size_t n, n_opened;
    size_t first;          /* all before have ended */
    member **running;      /* [n_running] */
    rsn_sequence **passes; /* [n_running], the same for a pass */
    size_t n_running;
    size_t most_blocks; /* of keys and values; SIZE_MAX: no limit */
    atomic_size_t next; /* of `running` to choose */
};

/* --- memory -------------------------------------------------------------------------- */

/* Blocks in use. What several hold is among the prefixes, and counted there. */
static size_t used_blocks(const rsn_batch *b) {
    size_t n = rsn_kv_n_own(&b->session->line.kv) + b->session->prefixes.n;
    for (size_t i = 0; i < b->n_running; i++)
        n += rsn_kv_n_own(&b->running[i]->line.kv);
    return n;
}

/* Drops prefixes until `need` more blocks fit, or as far as that goes. */
static bool has_room(rsn_batch *b, size_t need) {
    if (b->most_blocks == SIZE_MAX)
        return true;
    while (used_blocks(b) + need > b->most_blocks)
        if (!rsn_prefixes_drop(&b->session->prefixes))
            return false;
    return true;
}

/* Blocks that the next pass would allocate. */
static size_t next_blocks(const rsn_batch *b) {
    size_t n = 0, chunk = b->session->setup.n_chunk;
    for (size_t i = 0; i < b->n_running; i++) {
        const rsn_timeline *line = &b->running[i]->line;
        size_t waits = line->n - line->kv.n;
        n += rsn_kv_missing(&line->kv, line->kv.n + (waits < chunk ? waits : chunk));
    }
    return n;
}

static void stop_running(rsn_batch *b, member *m, standing to) {
    size_t i = 0;
    while (b->running[i] != m)
        i++;
    for (b->n_running--; i < b->n_running; i++)
        b->running[i] = b->running[i + 1];
    m->standing = to;
}

/* The youngest gives its memory back and queues again. One alone always has room: no
 * timeline is longer than all memory. */
static void make_room(rsn_batch *b) {
    while (b->n_running > 1 && !has_room(b, next_blocks(b))) {
        member *youngest = b->running[0];
        for (size_t i = 1; i < b->n_running; i++)
            youngest = b->running[i] > youngest ? b->running[i] : youngest;
        rsn_sequence_rewind(&youngest->q);
        stop_running(b, youngest, QUEUED);
    }
}

/* --- joining ------------------------------------------------------------------------- */

/* All tokens that it has so far. */
static const int32_t *tokens_of(const member *m, size_t *n) {
    const rsn_vocab_ids *prompt = &m->q.prompt.ids;
    *n = m->q.line ? m->line.n : prompt->n;
    return m->q.line ? m->line.tokens : prompt->items;
}

/* Whether one that runs is about to compute what this one could share. */
static bool is_worth_waiting(const rsn_batch *b, const member *m) {
    size_t n, has = SIZE_MAX;
    const int32_t *tokens = tokens_of(m, &n);
    for (size_t i = 0; i < b->n_running; i++) {
        const rsn_timeline *line = &b->running[i]->line;
        if (b->running[i]->q.stage != RSN_PROMPT)
            continue;
        if (has == SIZE_MAX)
            has = rsn_prefixes_match(&b->session->prefixes, tokens, n - 1);
        size_t most = n - 1 < line->n ? n - 1 : line->n;
        if (rsn_same_tokens(line->tokens, tokens, most) >= has + WORTH_WAITING)
            return true;
    }
    return false;
}

/* Gives it a timeline with what is there of its tokens. *fits false: no room now. */
static reason_status start(rsn_batch *b, member *m, bool *fits) {
    rsn_session *s = b->session;
    rsn_timeline line;
    size_t n;
    const int32_t *tokens = tokens_of(m, &n);
    reason_status status =
        rsn_timeline_init(&line, &s->model->hp, b->n_ctx, s->line.kv.type);
    if (status == REASON_OK)
        status = rsn_prefixes_find(&s->prefixes, tokens, n - 1, &line);
    if (status == REASON_OK) {
        *fits = has_room(b, rsn_kv_missing(&line.kv, n)) || b->n_running == 0;
        if (*fits && m->q.line)
            status = rsn_timeline_add(&line, tokens + line.n, n - line.n);
    }
    if (status != REASON_OK || !*fits) {
        rsn_timeline_free(&line);
        return status;
    }
    rsn_timeline_free(&m->line);
    m->line = line;
    m->standing = RUNNING;
    b->running[b->n_running++] = m;
    return m->q.line ? REASON_OK : rsn_sequence_begin(&m->q, &m->line);
}

static reason_status finish(rsn_batch *b, member *m);

/* Fills free places from the queue, in order but for those that wait for a prefix. */
static reason_status admit(rsn_batch *b) {
    reason_status status = REASON_OK;
    bool fits = true;
    size_t looked = 0;
    while (b->first < b->n && b->members[b->first].standing == ENDED)
        b->first++;
    for (size_t i = b->first; i < b->n && looked < LOOK_AHEAD && fits &&
                              b->n_running < b->session->setup.n_parallel &&
                              status == REASON_OK;
         i++) {
        member *m = &b->members[i];
        if (m->standing != QUEUED)
            continue;
        looked++;
        if (rsn_cancelled(&m->q.cancel) || m->q.stage == RSN_DONE) {
            rsn_sequence_cancel(&m->q);
            status = finish(b, m);
        } else if (!is_worth_waiting(b, m)) {
            status = start(b, m, &fits);
        }
    }
    return status;
}

/* --- a token each -------------------------------------------------------------------- */

static void choose_some(void *arg, int ith, int n_workers) {
    (void)n_workers;
    rsn_batch *b = arg;
    for (size_t i; (i = atomic_fetch_add(&b->next, 1)) < b->n_running;) {
        member *m = b->running[i];
        m->status = rsn_sequence_choose(&m->q, &b->session->samplers[ith]);
    }
}

/* Drawing looks at every logit about five times. */
static reason_status choose(rsn_batch *b) {
    rsn_session *s = b->session;
    atomic_store(&b->next, 0);
    if (b->n_running > 1 &&
        rsn_pool_pays(s->pool, 16 * (uint64_t)b->n_running * s->model->hp.n_vocab))
        rsn_pool_steal(s->pool, choose_some, b);
    else
        choose_some(b, 0, 1);
    for (size_t i = 0; i < b->n_running; i++)
        if (b->running[i]->status != REASON_OK) /* in whichever thread it was */
            return rsn_fail_memory(0);
    return REASON_OK;
}

/* Keeps the prompt for others as soon as it is there. To have no memory for that is no
 * failure. */
static void keep_prompt(rsn_batch *b, member *m) {
    if (m->kept || m->line.kv.n < m->q.prompt.ids.n)
        return;
    m->kept = true;
    (void)rsn_prefixes_keep(&b->session->prefixes, &m->line, m->q.prompt.ids.n);
}

/* What it computed stays for others, who may go on from it. */
static reason_status finish(rsn_batch *b, member *m) {
    rsn_result *result;
    if (m->standing == RUNNING) {
        stop_running(b, m, ENDED);
        (void)rsn_prefixes_keep(&b->session->prefixes, &m->line, m->line.kv.n);
    }
    m->standing = ENDED;
    reason_status status = rsn_sequence_finish(&m->q, &result);
    rsn_timeline_free(&m->line);
    rsn_sequence_close(&m->q);
    m->q.result = result;
    return status;
}

/* Everyone's callbacks and choice, again for those who chose to look at the same logits
 * once more, until all wait for the network. */
static reason_status advance(rsn_batch *b) {
    reason_status status = REASON_OK;
    bool again = true;
    while (again && status == REASON_OK) {
        for (size_t i = 0; i < b->n_running && status == REASON_OK; i++) {
            status = rsn_sequence_poll(&b->running[i]->q);
            if (status == REASON_ERR_CANCELLED) {
                rsn_sequence_cancel(&b->running[i]->q);
                status = REASON_OK;
            }
        }
        if (status == REASON_OK)
            status = choose(b);
        again = false;
        for (size_t i = 0; i < b->n_running && status == REASON_OK;) {
            member *m = b->running[i];
            rsn_sequence_flush(&m->q);
            keep_prompt(b, m);
            again = again || m->q.rows;
            if (m->q.stage == RSN_DONE)
                status = finish(b, m);
            else
                i++;
        }
    }
    return status;
}

/* --- the whole ----------------------------------------------------------------------- */

size_t rsn_batch_n(const rsn_batch *b) {
    return b->n;
}

const rsn_sequence *rsn_batch_sequence(const rsn_batch *b, size_t i) {
    return b->members[i].standing == ENDED ? NULL : &b->members[i].q;
}

const rsn_result *rsn_batch_result(const rsn_batch *b, size_t i) {
    return b->members[i].standing == ENDED ? b->members[i].q.result : NULL;
}

void rsn_batch_cancel(rsn_batch *b, size_t i) {
    if (b->members[i].standing != ENDED)
        rsn_sequence_cancel(&b->members[i].q);
}

static reason_status run(rsn_batch *b, const rsn_batch_watch *watch) {
    rsn_session *s = b->session;
    const rsn_cancel cancel = {.session = &s->cancel};
    reason_status status = rsn_session_samplers(s, (size_t)rsn_pool_size(s->pool));
    while (status == REASON_OK && (status = admit(b)) == REASON_OK && b->n_running > 0) {
        status = advance(b);
        if (status == REASON_OK && watch)
            status = watch->look(watch->user, b);
        if (status != REASON_OK)
            break;
        make_room(b);
        for (size_t i = 0; i < b->n_running; i++)
            b->passes[i] = &b->running[i]->q;
        status = rsn_pass(s, b->passes, b->n_running, &cancel);
        if (status == REASON_ERR_CANCELLED) /* the next polls will say so */
            status = REASON_OK;
    }
    return status;
}

static size_t count_samples(const rsn_asked *asked) {
    return asked->request->n_samples > 0 ? (size_t)asked->request->n_samples : 1;
}

static reason_status open_all(rsn_batch *b, const rsn_asked *asked, size_t n) {
    reason_status status = REASON_OK;
    char place[48];
    for (size_t i = 0; i < n && status == REASON_OK; i++) {
        for (size_t k = 0; k < count_samples(&asked[i]) && status == REASON_OK; k++) {
            member *m = &b->members[b->n_opened];
            m->request = i;
            status = rsn_sequence_open(&m->q, b->session, b->n_ctx, &asked[i],
                                       (uint32_t)k);
            b->n_opened += status == REASON_OK;
        }
        snprintf(place, sizeof place, "request %zu", i);
        if (status != REASON_OK && n > 1)
            status = rsn_fail_within(status, place);
    }
    return status;
}

/* Samples of a request hang on its first one. */
static reason_status give_results(rsn_batch *b, rsn_result **results) {
    reason_status status = REASON_OK;
    for (size_t i = 0; i < b->n; i++) {
        member *m = &b->members[i];
        rsn_result **first = &results[m->request];
        if (*first && status == REASON_OK)
            status = RSN_GROW(&(*first)->more, &(*first)->more_cap, (*first)->n_more + 1);
        if (status != REASON_OK)
            return status;
        if (*first)
            (*first)->more[(*first)->n_more++] = m->q.result;
        else
            *first = m->q.result;
        m->q.result = NULL;
    }
    return REASON_OK;
}

/* A memory limit is a shorter context, as for one timeline. */
static reason_status measure(rsn_batch *b) {
    const rsn_session *s = b->session;
    b->n_ctx = s->setup.n_ctx;
    b->most_blocks = SIZE_MAX;
    if (s->setup.memory_limit == 0)
        return REASON_OK;
    size_t own = rsn_kv_n_own(&s->line.kv);
    b->most_blocks = (size_t)(s->setup.memory_limit / s->line.kv.block_bytes);
    /* One block more than a timeline has: what it shares has to be copied where it goes
     * on. */
    size_t most = b->most_blocks > own + 1 ? b->most_blocks - own - 1 : 0;
    b->n_ctx = most * RSN_KV_BLOCK < b->n_ctx ? most * RSN_KV_BLOCK : b->n_ctx;
    if (most > 0)
        return REASON_OK;
    return rsn_fail(REASON_ERR_NO_MEMORY,
                    "a memory limit of %llu bytes holds %zu blocks of keys and values; "
                    "the session's own text takes %zu, and a batch needs 2",
                    (unsigned long long)s->setup.memory_limit, b->most_blocks, own);
}

/* Without a limit, prefixes of one context's length stay for the next batch. */
static void trim_prefixes(const rsn_batch *b) {
    size_t most = b->n_ctx / RSN_KV_BLOCK + 1;
    while (b->session->prefixes.n > most && rsn_prefixes_drop(&b->session->prefixes))
        continue;
}

static void free_batch(rsn_batch *b) {
    for (size_t i = 0; i < b->n_opened; i++) {
        rsn_timeline_free(&b->members[i].line);
        rsn_sequence_close(&b->members[i].q);
    }
    rsn_free(b->members);
    rsn_free(b->running);
    rsn_free(b->passes);
}

reason_status rsn_generate_batch(rsn_session *session, const rsn_asked *asked, size_t n,
                                 const rsn_batch_watch *watch, rsn_result **results) {
    rsn_batch b = {.session = session};
    for (size_t i = 0; i < n; i++) {
        results[i] = NULL;
        b.n += count_samples(&asked[i]);
    }
    reason_status status = measure(&b);
    if (status != REASON_OK)
        return status;
    b.members = rsn_calloc2(b.n, sizeof *b.members);
    b.running = rsn_calloc2(session->setup.n_parallel, sizeof *b.running);
    b.passes = rsn_calloc2(session->setup.n_parallel, sizeof *b.passes);
    if (!b.members || !b.running || !b.passes)
        status = REASON_ERR_NO_MEMORY;
    if (status == REASON_OK)
        status = open_all(&b, asked, n);
    if (status == REASON_OK)
        status = run(&b, watch);
    if (status == REASON_OK)
        status = give_results(&b, results);
    for (size_t i = 0; i < n && status != REASON_OK; i++) {
        rsn_result_free(results[i]);
        results[i] = NULL;
    }
    free_batch(&b);
    trim_prefixes(&b);
    return status;
}
