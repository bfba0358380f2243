/* A session: one timeline on a model, one thread at a time. */
#ifndef REASON_DECODE_SESSION_H
#define REASON_DECODE_SESSION_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/fpstate.h"
#include "decode/draft.h"
#include "decode/prefixes.h"
#include "decode/sampler.h"
#include "model/model.h"

typedef struct rsn_session_setup {
    size_t n_ctx, n_chunk;
    size_t n_parallel; /* generations of a batch that run at once */
    const rsn_type_info *kv; /* type of keys and values */
    bool own_pool; /* no other session was given the pool */
    size_t n_guess;   /* most guesses of a sequence in one pass; 0: none */
    size_t lookup;    /* tokens that a lookup compares; 0: none */
    rsn_model *draft; /* borrowed until the session is made; NULL: none */
    uint64_t
        memory_limit; /* bytes of keys and values; lowers n_ctx to what fits; 0: none */
} rsn_session_setup;

typedef struct rsn_queue rsn_queue;

typedef struct reason_session {
    pthread_mutex_t lock; /* of what follows, up to the queue; held for moments */
    pthread_cond_t came;  /* a request for a poll that waits */
    bool running;         /* a call is inside, */
    bool polling;         /* and it is a poll */
    bool doomed;          /* freed, once the last one leaves */
    size_t n_inside;      /* that call, and submissions */
    size_t n_pending;     /* requests; no other call than a poll while there are some */
    rsn_queue *queue;     /* queue.h; NULL before the first submission */
    rsn_model *model;
    rsn_pool *pool;
    rsn_session_setup setup;
    rsn_timeline line; /* nothing waits in it between calls */
    rsn_scratch scratch;
    float *logits; /* [logits_cap], rows of the last pass */
    size_t logits_cap;
    struct reason_cancel_token cancel; /* of the running call */
    rsn_fpstate fpstate; /* the caller's, while a call runs */
    rsn_sampler *samplers; /* [n_samplers], one for each thread that chooses tokens */
    size_t n_samplers, samplers_cap;
    rsn_prefixes prefixes; /* of batches */
    rsn_drafter *drafter;  /* NULL: no draft */
    rsn_run *runs; /* of a pass over several timelines */
    size_t runs_cap;
    rsn_cancel watched; /* its link in what a call in several sessions watches */
} rsn_session;

/* Retains model and pool. NO_MEMORY, LIMIT. */
reason_status rsn_session_new(rsn_model *model, rsn_pool *pool,
                              const rsn_session_setup *setup, rsn_session **session);
/* Bytes that a session with n_workers threads holds when its context is full (keys and
 * values) and while it generates (all else). LIMIT, MISMATCH, NO_MEMORY as for making
 * it. */
reason_status rsn_session_need(const rsn_model *model, const rsn_session_setup *setup,
                               size_t n_workers, uint64_t *kv_bytes,
                               uint64_t *work_bytes);
/* Frees it now, or when the running call leaves. */
void rsn_session_free(rsn_session *session);
reason_status rsn_session_fork(rsn_session *session, rsn_pool *pool, rsn_session **fork);

/* Every call in a session is between these two. BUSY if another thread is inside, or
 * requests are pending. */
reason_status rsn_session_enter(rsn_session *session);
void rsn_session_leave(rsn_session *session);
/* The halves of these two that do not touch the pool: calls in several sessions. */
reason_status rsn_session_claim(rsn_session *session);
void rsn_session_release(rsn_session *session);
/* The halves that do: of a part of a call. */
void rsn_session_begin_work(rsn_session *session);
void rsn_session_end_work(rsn_session *session);
/* For queue.c. BUSY if another thread is inside; a cancel that was asked for stays. */
reason_status rsn_session_claim_poll(rsn_session *session);
void rsn_session_lock(rsn_session *session);
void rsn_session_unlock(rsn_session *session);
/* Unlocks it and leaves: one less inside. */
void rsn_session_part(rsn_session *session);

typedef struct rsn_append {
    const int32_t *tokens; /* [n], RSN_NO_TOKEN where there are inputs */
    const float *inputs;   /* [n][n_embd] in place of what tokens stand for; NULL: none */
    size_t n;
    float *logits; /* NULL, or [n][n_vocab] if `all`, else [n_vocab] of the last token */
    bool all;
    const rsn_cancel *cancel;
    reason_progress_fn progress;
    void *progress_user;
    const rsn_observer *observer; /* of the steps; NULL: none */
} rsn_append;

/* Runs tokens through the network, in chunks. INVALID_ARG for an id outside the
 * vocabulary, CONTEXT_FULL, NO_MEMORY: nothing was done; CANCELLED: whole chunks may have
 * been. */
reason_status rsn_session_append(rsn_session *session, const rsn_append *what);
/* INVALID_ARG for an id outside the vocabulary, CONTEXT_FULL if the n do not fit. */
reason_status rsn_session_check(const rsn_session *session, const int32_t *tokens,
                                size_t n);
/* Makes room for n rows of logits. NO_MEMORY. */
reason_status rsn_session_rows(rsn_session *session, size_t n);
/* Makes sure that there are n samplers. NO_MEMORY. */
reason_status rsn_session_samplers(rsn_session *session, size_t n);

#endif
