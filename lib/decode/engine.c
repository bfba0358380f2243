/* The engine of batches. Owns who runs, who waits, and whose keys and values have to go
 * when memory runs out. Left to its users: where members come from, and what becomes of
 * their results. Invariant: who runs has a timeline; one that lost its cache is run again
 * from its first token and goes on where it was, so that nobody's result depends on
 * memory or on who joins when. */
#include "decode/engine.h"

#include <string.h>

#include "decode/pass.h"

/* Positions worth waiting for until a neighbour has computed them. */
enum { WORTH_WAITING = 16 };

/* Candidates for a free place that are looked at: the first ones may wait for others. */
enum { LOOK_AHEAD = 64 };

/* --- memory ------------------------------------------------------------------------- */

/* Blocks in use. What several hold is among the prefixes, and counted there. */
static size_t used_blocks(const rsn_engine *e) {
    size_t n = rsn_kv_n_own(&e->session->line.kv) + e->session->prefixes.n;
    for (size_t i = 0; i < e->n_running; i++)
        n += rsn_kv_n_own(&e->running[i]->line.kv);
    return n;
}

/* Drops prefixes until `need` more blocks fit, or as far as that goes. */
static bool has_room(rsn_engine *e, size_t need) {
    if (e->room.most_blocks == SIZE_MAX)
        return true;
    while (used_blocks(e) + need > e->room.most_blocks)
        if (!rsn_prefixes_drop(&e->session->prefixes))
            return false;
    return true;
}

/* Blocks that the next pass would allocate. */
static size_t next_blocks(const rsn_engine *e) {
    size_t n = 0, chunk = e->session->setup.n_chunk;
    for (size_t i = 0; i < e->n_running; i++) {
        const rsn_timeline *line = &e->running[i]->line;
        size_t waits = rsn_timeline_waiting(line);
        n += rsn_kv_missing(&line->kv, line->kv.n + (waits < chunk ? waits : chunk));
    }
    return n;
}

static void stop_running(rsn_engine *e, rsn_member *m, rsn_standing to) {
    size_t i = 0;
    while (e->running[i] != m)
        i++;
    for (e->n_running--; i < e->n_running; i++)
        e->running[i] = e->running[i + 1];
    m->standing = to;
}

/* The youngest gives its memory back and queues again. One alone always has room: no
 * timeline is longer than all memory. */
static void make_room(rsn_engine *e) {
    while (e->n_running > 1 && !has_room(e, next_blocks(e))) {
        rsn_member *youngest = e->running[0];
        for (size_t i = 1; i < e->n_running; i++)
            if (e->running[i]->order > youngest->order)
                youngest = e->running[i];
        rsn_guess_close(&youngest->guess);
        rsn_sequence_rewind(&youngest->q);
        stop_running(e, youngest, RSN_QUEUED);
    }
}

/* --- leaving ------------------------------------------------------------------------ */

static void unlink_member(rsn_engine *e, rsn_member *m) {
    *(m->before ? &m->before->next : &e->first) = m->next;
    *(m->next ? &m->next->before : &e->last) = m->before;
    m->next = m->before = NULL;
}

/* What it computed stays for others, who may go on from it. To have no memory for that is
 * no failure; to have none for the result is the member's own. */
static void finish(rsn_engine *e, rsn_member *m, reason_status status) {
    if (m->standing == RSN_RUNNING) {
        stop_running(e, m, RSN_ENDED);
        rsn_guess_close(&m->guess);
        rsn_timeline_truncate(&m->line, m->line.n);
        if (status == REASON_OK)
            (void)rsn_prefixes_keep(&e->session->prefixes, &m->line, m->line.kv.n);
    }
    m->standing = RSN_ENDED;
    unlink_member(e, m);
    m->status = status == REASON_OK ? rsn_sequence_finish(&m->q, &m->result) : status;
    rsn_timeline_free(&m->line);
    rsn_sequence_close(&m->q);
    if (e->hooks.ended)
        e->hooks.ended(e->hooks.user, m);
}

void rsn_member_cancel(rsn_member *m) {
    if (m->standing != RSN_ENDED)
        rsn_sequence_cancel(&m->q);
}

void rsn_member_close(rsn_member *m) {
    rsn_guess_close(&m->guess);
    rsn_timeline_free(&m->line);
    rsn_sequence_close(&m->q);
    rsn_result_free(m->result);
    m->result = NULL;
}

/* Of those that queue, who is cancelled does not wait for a place. */
static void end_cancelled(rsn_engine *e) {
    for (rsn_member *m = e->first, *next; m; m = next) {
        next = m->next;
        bool ends = rsn_cancelled(&m->q.cancel) || m->q.stage == RSN_DONE;
        if (m->standing != RSN_QUEUED || !ends)
            continue;
        rsn_sequence_cancel(&m->q);
        finish(e, m, REASON_OK);
    }
}

/* --- joining ------------------------------------------------------------------------ */

void rsn_engine_join(rsn_engine *e, rsn_member *m) {
    m->order = e->n_joined++;
    m->before = e->last;
    *(e->last ? &e->last->next : &e->first) = m;
    e->last = m;
}

/* All tokens that it has so far. */
static const int32_t *tokens_of(const rsn_member *m, size_t *n) {
    const rsn_vocab_ids *prompt = &m->q.prompt.ids;
    *n = m->q.line ? m->line.n : prompt->n;
    return m->q.line ? m->line.tokens : prompt->items;
}

/* Whether one that runs is about to compute what this one could share. */
static bool is_worth_waiting(const rsn_engine *e, const rsn_member *m) {
    size_t n, has = SIZE_MAX;
    const int32_t *tokens = tokens_of(m, &n);
    for (size_t i = 0; i < e->n_running; i++) {
        const rsn_timeline *line = &e->running[i]->line;
        if (e->running[i]->q.stage != RSN_PROMPT)
            continue;
        if (has == SIZE_MAX)
            has = rsn_prefixes_match(&e->session->prefixes, tokens, n - 1);
        size_t most = n - 1 < line->n ? n - 1 : line->n;
        if (rsn_same_tokens(line->tokens, tokens, most) >= has + WORTH_WAITING)
            return true;
    }
    return false;
}

/* Gives it a timeline with what is there of its tokens. *fits false: no room now. */
static reason_status start(rsn_engine *e, rsn_member *m, bool *fits) {
    rsn_session *s = e->session;
    rsn_timeline line;
    size_t n;
    const int32_t *tokens = tokens_of(m, &n);
    reason_status status =
        rsn_timeline_init(&line, &s->model->hp, e->room.n_ctx, s->line.kv.type);
    line.kv.n_session = s->line.kv.n_session; /* the room may be less */
    if (status == REASON_OK)
        status = rsn_prefixes_find(&s->prefixes, tokens, n - 1, &line);
    if (status == REASON_OK) {
        *fits = has_room(e, rsn_kv_missing(&line.kv, n)) || e->n_running == 0;
        if (*fits && m->q.line)
            status = rsn_timeline_add(&line, tokens + line.n, n - line.n);
    }
    if (status != REASON_OK || !*fits) {
        rsn_timeline_free(&line);
        return status;
    }
    rsn_timeline_free(&m->line);
    m->line = line;
    m->standing = RSN_RUNNING;
    e->running[e->n_running++] = m;
    rsn_guess_open(&m->guess, s, &m->q);
    return m->q.line ? REASON_OK : rsn_sequence_begin(&m->q, &m->line);
}

/* Fills free places from the queue, in order but for those that wait for a prefix. */
static void admit(rsn_engine *e) {
    bool fits = true;
    size_t looked = 0;
    for (rsn_member *m = e->first, *next; m && looked < LOOK_AHEAD && fits &&
                                          e->n_running < e->session->setup.n_parallel;
         m = next) {
        next = m->next;
        if (m->standing != RSN_QUEUED)
            continue;
        looked++;
        if (is_worth_waiting(e, m))
            continue;
        reason_status status = start(e, m, &fits);
        if (status != REASON_OK)
            finish(e, m, status);
    }
}

/* --- a token each ------------------------------------------------------------------- */

static void choose_some(void *arg, int ith, int n_workers) {
    (void)n_workers;
    rsn_engine *e = arg;
    for (size_t i; (i = atomic_fetch_add(&e->next, 1)) < e->n_running;) {
        rsn_member *m = e->running[i];
        m->status = rsn_sequence_choose(&m->q, &e->session->samplers[ith]);
    }
}

/* Drawing looks at every logit about five times. */
static void choose(rsn_engine *e) {
    rsn_session *s = e->session;
    atomic_store(&e->next, 0);
    if (e->n_running > 1 &&
        rsn_pool_pays(s->pool, 16 * (uint64_t)e->n_running * s->model->hp.n_vocab))
        rsn_pool_steal(s->pool, choose_some, e);
    else
        choose_some(e, 0, 1);
}

/* Keeps the prompt for others as soon as it is there. To have no memory for that is no
 * failure. */
static void keep_prompt(rsn_engine *e, rsn_member *m) {
    if (m->kept || m->line.kv.n < m->q.prompt.ids.n)
        return;
    m->kept = true;
    (void)rsn_prefixes_keep(&e->session->prefixes, &m->line, m->q.prompt.ids.n);
}

/* What the choice left of a member. false: it has ended. */
static bool goes_on(rsn_engine *e, rsn_member *m) {
    if (m->status != REASON_OK) {
        finish(e, m, m->status);
        return false;
    }
    rsn_sequence_flush(&m->q);
    keep_prompt(e, m);
    if (m->q.stage == RSN_DONE)
        finish(e, m, REASON_OK);
    return m->standing == RSN_RUNNING;
}

/* Everyone's callbacks and choice, again for those who chose to look at the same logits
 * once more, until all wait for the network. */
static void advance(rsn_engine *e) {
    bool again = true;
    while (again) {
        for (size_t i = 0; i < e->n_running; i++)
            if (rsn_sequence_poll(&e->running[i]->q) != REASON_OK) /* a wish to stop */
                rsn_sequence_cancel(&e->running[i]->q);
        choose(e);
        again = false;
        for (size_t i = 0; i < e->n_running;) {
            rsn_member *m = e->running[i];
            if (!goes_on(e, m))
                continue;
            again = again || m->q.rows;
            i++;
        }
    }
}

/* Guesses take what memory is left; prefixes stay for it. */
static void guess(rsn_engine *e, const rsn_cancel *cancel) {
    size_t spare = SIZE_MAX;
    if (e->room.most_blocks != SIZE_MAX) {
        size_t used = used_blocks(e) + next_blocks(e);
        spare = used < e->room.most_blocks ? e->room.most_blocks - used : 0;
    }
    for (size_t i = 0; i < e->n_running; i++)
        e->guesses[i] = &e->running[i]->guess;
    rsn_guess_ahead(e->session, e->guesses, e->n_running, spare, cancel);
}

reason_status rsn_engine_step(rsn_engine *e) {
    rsn_session *s = e->session;
    const rsn_cancel cancel = {.session = &s->cancel};
    end_cancelled(e);
    admit(e);
    advance(e);
    reason_status status = e->hooks.look ? e->hooks.look(e->hooks.user) : REASON_OK;
    if (status != REASON_OK)
        return status;
    make_room(e);
    for (size_t i = 0; i < e->n_running; i++)
        e->passes[i] = &e->running[i]->q;
    if (!e->hooks.in_step)
        guess(e, &cancel);
    status = rsn_pass(s, e->passes, e->n_running, &cancel);
    /* The next polls will say so. */
    return status == REASON_ERR_CANCELLED ? REASON_OK : status;
}

/* --- the whole ---------------------------------------------------------------------- */

reason_status rsn_engine_room(const rsn_session *s, rsn_room *room) {
    *room = (rsn_room){s->setup.n_ctx, SIZE_MAX};
    if (s->setup.memory_limit == 0)
        return REASON_OK;
    size_t own = rsn_kv_n_own(&s->line.kv);
    size_t all = (size_t)(s->setup.memory_limit / s->line.kv.block_bytes);
    /* One block more than a timeline has: what it shares has to be copied where it goes
     * on. */
    size_t most = all > own + 1 ? all - own - 1 : 0;
    room->most_blocks = all;
    if (most * RSN_KV_BLOCK < room->n_ctx)
        room->n_ctx = most * RSN_KV_BLOCK;
    if (most > 0)
        return REASON_OK;
    return rsn_fail(REASON_ERR_NO_MEMORY,
                    "a memory limit of %llu bytes holds %zu blocks of keys and values; "
                    "the session's own text takes %zu, and a batch needs 2",
                    (unsigned long long)s->setup.memory_limit, all, own);
}

reason_status rsn_engine_begin(rsn_engine *e, rsn_session *session, const rsn_room *room,
                               const rsn_engine_hooks *hooks) {
    size_t n = session->setup.n_parallel;
    *e = (rsn_engine){.session = session, .room = *room, .hooks = *hooks};
    e->running = rsn_alloc2(n, sizeof *e->running);
    e->passes = rsn_alloc2(n, sizeof *e->passes);
    e->guesses = rsn_alloc2(n, sizeof *e->guesses);
    if (!e->running || !e->passes || !e->guesses)
        return REASON_ERR_NO_MEMORY;
    return rsn_session_samplers(session, (size_t)rsn_pool_size(session->pool));
}

void rsn_engine_trim(rsn_engine *e) {
    size_t most = e->room.n_ctx / RSN_KV_BLOCK + 1;
    while (e->session->prefixes.n > most && rsn_prefixes_drop(&e->session->prefixes))
        continue;
}

void rsn_engine_end(rsn_engine *e) {
    rsn_free(e->running);
    rsn_free(e->passes);
    rsn_free(e->guesses);
    e->running = NULL;
    e->passes = NULL;
    e->guesses = NULL;
    rsn_engine_trim(e);
}
