/* The queue of requests in a session. Owns copies of what requests point to, who has to
 * wait for whose lock, and which request's turn it is to be handed out. Left to the
 * engine: what runs. Invariant: a request is in the list from its submission until its
 * result was taken; the list, the tickets and the flags are the lock's, all else is the
 * polling thread's. */
#include "decode/queue.h"

#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "decode/batch.h"

/* A poll that waits looks this often whether the session was freed. */
enum { LOOK_MS = 50 };

typedef struct entry {
    uint64_t ticket;
    rsn_arena arena; /* of what the three copies point to */
    reason_request request;
    reason_thinking thinking;
    reason_sampling sampling;
    struct reason_cancel_token withdrawn;
    rsn_cancel watched; /* its link in what the members watch */
    rsn_member *members; /* [n], one for each sample */
    size_t n, n_opened, n_ended;
    struct entry *next, *before; /* of all */
    struct entry *next_done;
} entry;

struct rsn_queue {
    entry *first, *last, *fresh; /* all; the first that the engine does not have yet */
    uint64_t last_ticket;
    rsn_room room; /* of all that are pending */
    rsn_engine engine;
    bool begun; /* the engine */
    entry *done, **done_end;
};

/* --- a request of its own ----------------------------------------------------------- */

static void *copy(rsn_arena *arena, const void *from, size_t n, size_t size, bool *ok) {
    if (!from || n == 0)
        return NULL;
    void *to = rsn_arena_calloc2(arena, n, size);
    if (to)
        memcpy(to, from, n * size);
    *ok = *ok && to;
    return to;
}

static const char *copy_text(rsn_arena *arena, const char *text, bool *ok) {
    return text ? copy(arena, text, strlen(text) + 1, 1, ok) : NULL;
}

/* What is looked at after the request was opened. Callbacks' users and the cancel token
 * are borrowed. Arrays that are not there are refused when it is opened. */
static bool copy_structs(entry *e, const rsn_asked *asked) {
    bool ok = true;
    e->request = *asked->request;
    e->thinking = *asked->thinking;
    e->sampling = *asked->sampling;
    reason_sampling *s = &e->sampling;
    e->thinking.wait_text = copy_text(&e->arena, e->thinking.wait_text, &ok);
    e->thinking.close_text = copy_text(&e->arena, e->thinking.close_text, &ok);
    e->thinking.probe_text = copy_text(&e->arena, e->thinking.probe_text, &ok);
    e->thinking.thought = copy_text(&e->arena, e->thinking.thought, &ok);
    s->bias_tokens =
        copy(&e->arena, s->bias_tokens, s->n_bias, sizeof *s->bias_tokens, &ok);
    s->bias_values =
        copy(&e->arena, s->bias_values, s->n_bias, sizeof *s->bias_values, &ok);
    const char **stops = copy(&e->arena, e->request.stops, e->request.n_stops,
                              sizeof *stops, &ok);
    for (size_t i = 0; ok && i < e->request.n_stops; i++)
        stops[i] = copy_text(&e->arena, stops[i], &ok);
    e->request.stops = stops;
    e->request.thinking = &e->thinking;
    e->request.sampling = &e->sampling;
    return ok;
}

static void entry_free(entry *e) {
    if (!e)
        return;
    for (size_t k = 0; k < e->n_opened; k++)
        rsn_member_close(&e->members[k]);
    rsn_free(e->members);
    rsn_arena_free(&e->arena);
    rsn_free(e);
}

static entry *entry_new(const rsn_asked *asked) {
    entry *e = rsn_calloc2(1, sizeof *e);
    if (!e)
        return NULL;
    int32_t n = asked->request->n_samples;
    e->n = n > 0 ? (size_t)n : 1;
    atomic_init(&e->withdrawn.set, false);
    e->watched.token = &e->withdrawn;
    e->members = rsn_calloc2(e->n, sizeof *e->members);
    if (e->members && copy_structs(e, asked))
        return e;
    entry_free(e);
    return NULL;
}

/* Afterwards the prompt is tokens, and nothing of the caller's is looked at any more. */
static reason_status entry_open(entry *e, const rsn_session *s, size_t n_ctx) {
    const rsn_asked asked = {.request = &e->request,
                             .thinking = &e->thinking,
                             .sampling = &e->sampling};
    reason_status status = REASON_OK;
    for (size_t k = 0; k < e->n && status == REASON_OK; k++) {
        rsn_member *m = &e->members[k];
        m->owner = e;
        status = rsn_sequence_open(&m->q, s, n_ctx, &asked, (uint32_t)k);
        m->q.cancel.next = &e->watched;
        e->n_opened += status == REASON_OK;
    }
    e->request.prompt = e->request.system = e->request.text = NULL;
    e->request.messages = NULL;
    e->request.messages_json = e->request.variables_json = NULL;
    e->request.template_text = e->request.now = NULL;
    return status;
}

/* --- from any thread ---------------------------------------------------------------- */

/* Counts a request that is being opened as pending: from then on no other call may change
 * what its room was measured by. The lock is held. */
static reason_status reserve(rsn_session *s) {
    if (!s->queue)
        s->queue = rsn_calloc2(1, sizeof *s->queue);
    if (!s->queue)
        return REASON_ERR_NO_MEMORY;
    if (s->n_pending == 0 && s->running && !s->polling)
        return rsn_fail(REASON_ERR_BUSY, "the session is in use by another thread, in a "
                                         "call that is no poll");
    if (s->n_pending == 0) {
        reason_status status = rsn_engine_room(s, &s->queue->room);
        if (status != REASON_OK)
            return status;
        atomic_store(&s->cancel.set, false); /* of the pending ones before */
    }
    s->n_pending++;
    s->n_inside++;
    return REASON_OK;
}

static void append(rsn_queue *q, entry *e) {
    e->ticket = ++q->last_ticket;
    e->before = q->last;
    *(q->last ? &q->last->next : &q->first) = e;
    q->last = e;
    if (!q->fresh)
        q->fresh = e;
}

reason_status rsn_queue_submit(rsn_session *s, const rsn_asked *asked,
                               uint64_t *ticket) {
    entry *e = entry_new(asked);
    if (!e)
        return REASON_ERR_NO_MEMORY;
    rsn_session_lock(s);
    reason_status status = reserve(s);
    size_t n_ctx = status == REASON_OK ? s->queue->room.n_ctx : 0;
    rsn_session_unlock(s);
    if (status != REASON_OK) {
        entry_free(e);
        return status;
    }
    rsn_fpstate state = rsn_fpstate_enter();
    status = entry_open(e, s, n_ctx);
    rsn_fpstate_leave(state);
    if (status != REASON_OK)
        entry_free(e);
    rsn_session_lock(s);
    if (status == REASON_OK) {
        append(s->queue, e);
        *ticket = e->ticket;
    } else {
        s->n_pending--;
    }
    (void)pthread_cond_signal(&s->came);
    rsn_session_part(s);
    return status;
}

reason_status rsn_queue_withdraw(rsn_session *s, uint64_t ticket) {
    rsn_session_lock(s);
    entry *e = s->queue ? s->queue->first : NULL;
    while (e && e->ticket != ticket)
        e = e->next;
    if (e)
        reason_cancel_token_set(&e->withdrawn);
    rsn_session_unlock(s);
    return e ? REASON_OK
             : rsn_fail(REASON_ERR_INVALID_ARG, "ticket %llu is of no pending request",
                        (unsigned long long)ticket);
}

size_t rsn_queue_pending(rsn_session *s) {
    rsn_session_lock(s);
    size_t n = s->n_pending;
    rsn_session_unlock(s);
    return n;
}

void rsn_queue_free(rsn_queue *q) {
    if (!q)
        return;
    while (q->first) {
        entry *e = q->first;
        q->first = e->next;
        entry_free(e);
    }
    if (q->begun)
        rsn_engine_end(&q->engine);
    rsn_free(q);
}

/* --- the thread that polls ---------------------------------------------------------- */

/* A server runs for long: what prefixes are kept is seen to whenever one ends. */
static void note_end(void *user, rsn_member *m) {
    rsn_queue *q = user;
    entry *e = m->owner;
    rsn_engine_trim(&q->engine);
    if (++e->n_ended < e->n)
        return;
    *q->done_end = e;
    q->done_end = &e->next_done;
}

static reason_status begin(rsn_session *s) {
    rsn_queue *q = s->queue;
    const rsn_engine_hooks hooks = {.ended = note_end, .user = q};
    q->done = NULL;
    q->done_end = &q->done;
    reason_status status = rsn_engine_begin(&q->engine, s, &q->room, &hooks);
    q->begun = status == REASON_OK;
    if (!q->begun)
        rsn_engine_end(&q->engine);
    return status;
}

/* Lets the engine have what was submitted since. The lock is held. */
static reason_status take(rsn_session *s) {
    rsn_queue *q = s->queue;
    if (!q)
        return REASON_OK;
    if (rsn_cancel_is_set(&s->cancel)) { /* who is pending now, and nobody later */
        for (entry *e = q->first; e; e = e->next)
            reason_cancel_token_set(&e->withdrawn);
        atomic_store(&s->cancel.set, false);
    }
    reason_status status = q->fresh && !q->begun ? begin(s) : REASON_OK;
    if (q->begun && !q->engine.first) /* it may have been measured again */
        q->engine.room = q->room;
    for (; q->fresh && status == REASON_OK; q->fresh = q->fresh->next)
        for (size_t k = 0; k < q->fresh->n; k++)
            rsn_engine_join(&q->engine, &q->fresh->members[k]);
    return status;
}

/* One that has ended leaves the list, and its result is the caller's. */
static reason_status deliver(rsn_session *s, uint64_t *ticket, rsn_result **result) {
    rsn_queue *q = s->queue;
    entry *e = q->done;
    reason_status status = REASON_OK;
    for (size_t k = 0; k < e->n && status == REASON_OK; k++)
        status = e->members[k].status;
    bool failed = status != REASON_OK;
    status = failed ? rsn_fail_memory(0) : rsn_samples_join(e->members, e->n, result);
    if (status != REASON_OK && !failed)
        return status; /* it is still there */
    *ticket = e->ticket;
    q->done = e->next_done;
    if (!q->done)
        q->done_end = &q->done;
    rsn_session_lock(s);
    *(e->before ? &e->before->next : &q->first) = e->next;
    *(e->next ? &e->next->before : &q->last) = e->before;
    s->n_pending--;
    rsn_session_unlock(s);
    entry_free(e);
    return status;
}

static reason_status step(rsn_session *s) {
    rsn_session_begin_work(s);
    reason_status status = rsn_engine_step(&s->queue->engine);
    rsn_session_end_work(s);
    return status;
}

/* Sleeps until something comes, but not for long. The lock is held. */
static void doze(rsn_session *s, double until) {
    double now = rsn_clock(), most = now + LOOK_MS * 1e-3;
    double end = until < most ? until : most;
    struct timespec t = {.tv_sec = (time_t)end};
    t.tv_nsec = (long)((end - (double)t.tv_sec) * 1e9);
    if (now < end && (!s->queue || !s->queue->fresh))
        (void)pthread_cond_timedwait(&s->came, &s->lock, &t);
}

/* What there is to do next. The lock is taken. */
typedef enum next { DELIVER, STEP, WAIT, LEAVE } next;

static next look_around(rsn_session *s, double until, reason_status *status) {
    next todo = WAIT;
    rsn_session_lock(s);
    *status = take(s);
    rsn_queue *q = s->queue;
    bool begun = q && q->begun;
    if (*status != REASON_OK || s->doomed)
        todo = LEAVE;
    else if (begun && q->done)
        todo = DELIVER;
    else if (begun && q->engine.first)
        todo = STEP;
    else if (until <= rsn_clock() || (isinf(until) && s->n_pending == 0))
        todo = LEAVE;
    else
        doze(s, until);
    rsn_session_unlock(s);
    return todo;
}

/* An engine with nothing to do gives back what it holds. */
static void end_idle(rsn_session *s) {
    rsn_session_lock(s);
    rsn_queue *q = s->queue;
    rsn_session_unlock(s);
    if (!q || !q->begun || q->engine.first || q->done)
        return;
    rsn_engine_end(&q->engine);
    q->begun = false;
}

reason_status rsn_queue_poll(rsn_session *s, int32_t timeout_ms, uint64_t *ticket,
                             rsn_result **result) {
    double until =
        timeout_ms < 0 ? (double)INFINITY : rsn_clock() + (double)timeout_ms * 1e-3;
    reason_status status = rsn_session_claim_poll(s);
    if (status != REASON_OK)
        return status;
    bool over = false;
    while (!over) {
        next todo = look_around(s, until, &status);
        if (todo == STEP)
            status = step(s);
        bool ready = status == REASON_OK && (todo == STEP || todo == DELIVER) &&
                     s->queue->done;
        if (ready)
            status = deliver(s, ticket, result);
        over = status != REASON_OK || ready || todo == LEAVE ||
               (todo == STEP && until <= rsn_clock());
    }
    end_idle(s);
    rsn_session_release(s);
    return status;
}
