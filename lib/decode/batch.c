/* Batches: a list of requests through the engine, until all have ended. Owns the members
 * and how samples become results. Invariant: either every request has a result or none.
 * */
#include "decode/batch.h"

#include <stdio.h>

#include "base/array.h"

struct rsn_batch {
    rsn_engine engine;
    rsn_member *members; /* [n], in the order in which they begin */
    size_t n, n_opened;
    const rsn_batch_watch *watch;
    reason_status status; /* of members that could not go on */
};

/* --- what a watch sees -------------------------------------------------------------- */

size_t rsn_batch_n(const rsn_batch *b) {
    return b->n;
}

const rsn_sequence *rsn_batch_sequence(const rsn_batch *b, size_t i) {
    return b->members[i].standing == RSN_ENDED ? NULL : &b->members[i].q;
}

const rsn_result *rsn_batch_result(const rsn_batch *b, size_t i) {
    return b->members[i].result;
}

void rsn_batch_cancel(rsn_batch *b, size_t i) {
    rsn_member_cancel(&b->members[i]);
}

static reason_status look(void *user) {
    rsn_batch *b = user;
    if (b->status != REASON_OK) /* in whichever thread it was */
        return rsn_fail_memory(0);
    return b->watch ? b->watch->look(b->watch->user, b) : REASON_OK;
}

static void note_end(void *user, rsn_member *m) {
    rsn_batch *b = user;
    if (m->status != REASON_OK)
        b->status = m->status;
}

/* --- the whole ---------------------------------------------------------------------- */

static size_t count_samples(const rsn_asked *asked) {
    return asked->request->n_samples > 0 ? (size_t)asked->request->n_samples : 1;
}

static reason_status open_all(rsn_batch *b, const rsn_asked *asked, size_t n) {
    reason_status status = REASON_OK;
    char place[48];
    for (size_t i = 0; i < n && status == REASON_OK; i++) {
        for (size_t k = 0; k < count_samples(&asked[i]) && status == REASON_OK; k++) {
            rsn_member *m = &b->members[b->n_opened];
            status = rsn_sequence_open(&m->q, b->engine.session, b->engine.room.n_ctx,
                                       &asked[i], (uint32_t)k);
            b->n_opened += status == REASON_OK;
        }
        snprintf(place, sizeof place, "request %zu", i);
        if (status != REASON_OK && n > 1)
            status = rsn_fail_within(status, place);
    }
    return status;
}

static reason_status run(rsn_batch *b) {
    reason_status status = REASON_OK;
    for (size_t i = 0; i < b->n; i++)
        rsn_engine_join(&b->engine, &b->members[i]);
    while (status == REASON_OK && b->engine.first)
        status = rsn_engine_step(&b->engine);
    return status;
}

reason_status rsn_samples_join(rsn_member *members, size_t n, rsn_result **result) {
    rsn_result *first = members[0].result;
    reason_status status = REASON_OK;
    if (n > 1)
        status = RSN_GROW(&first->more, &first->more_cap, n - 1);
    for (size_t k = 1; k < n && status == REASON_OK; k++) {
        first->more[first->n_more++] = members[k].result;
        members[k].result = NULL;
    }
    *result = status == REASON_OK ? first : NULL;
    members[0].result = status == REASON_OK ? NULL : first;
    return status;
}

static reason_status give_results(rsn_batch *b, const rsn_asked *asked, size_t n,
                                  rsn_result **results) {
    reason_status status = REASON_OK;
    rsn_member *at = b->members;
    for (size_t i = 0; i < n && status == REASON_OK; i++) {
        status = rsn_samples_join(at, count_samples(&asked[i]), &results[i]);
        at += count_samples(&asked[i]);
    }
    for (size_t i = 0; i < n && status != REASON_OK; i++) {
        rsn_result_free(results[i]);
        results[i] = NULL;
    }
    return status;
}

reason_status rsn_generate_batch(rsn_session *session, const rsn_asked *asked, size_t n,
                                 const rsn_batch_watch *watch, rsn_result **results) {
    rsn_batch b = {.watch = watch};
    const rsn_engine_hooks hooks = {look, note_end, &b, watch && watch->in_step};
    for (size_t i = 0; i < n; i++) {
        results[i] = NULL;
        b.n += count_samples(&asked[i]);
    }
    rsn_room room;
    reason_status status = rsn_engine_room(session, &room);
    if (status != REASON_OK)
        return status;
    status = rsn_engine_begin(&b.engine, session, &room, &hooks);
    if (status == REASON_OK) {
        b.members = rsn_calloc2(b.n, sizeof *b.members);
        status = b.members ? open_all(&b, asked, n) : REASON_ERR_NO_MEMORY;
    }
    if (status == REASON_OK)
        status = run(&b);
    if (status == REASON_OK)
        status = give_results(&b, asked, n, results);
    for (size_t i = 0; i < b.n_opened; i++)
        rsn_member_close(&b.members[i]);
    rsn_free(b.members);
    rsn_engine_end(&b.engine);
    return status;
}
