/* Sessions. Owns who may be inside, the timeline's tokens, and how they are cut into
 * chunks. Invariant: between calls the timeline is what its cache holds. */
#include "decode/session.h"

#include <string.h>

#include "base/array.h"
#include "base/checked.h"
#include "decode/queue.h"

reason_status rsn_session_rows(rsn_session *s, size_t n) {
    uint64_t floats;
    size_t need;
    if (!rsn_mul_u64(n, s->model->hp.n_vocab, &floats) || !rsn_to_size(floats, &need))
        return rsn_fail_memory(SIZE_MAX);
    return RSN_GROW(&s->logits, &s->logits_cap, need);
}

reason_status rsn_session_samplers(rsn_session *s, size_t n) {
    reason_status status = RSN_GROW(&s->samplers, &s->samplers_cap, n);
    while (status == REASON_OK && s->n_samplers < n) {
        status = rsn_sampler_init(&s->samplers[s->n_samplers], s->model->hp.n_vocab,
                                  s->model->kernels);
        s->n_samplers += status == REASON_OK;
    }
    return status;
}

/* A chunk of a prompt, and a token of everyone beside it. Guesses take the place of the
 * chunk while there is none, so they need no more memory. */
static size_t pass_tokens(const rsn_session_setup *setup) {
    size_t most = setup->n_chunk > setup->n_guess ? setup->n_chunk : setup->n_guess;
    return most + setup->n_parallel;
}

/* Its context is no longer than its model's; its keys and values are in as many blocks as
 * the session's own may be, whatever size its blocks have: the limit stays what it was for
 * the session, whose context hangs on it. */
static rsn_draft_setup draft_setup(const rsn_model *model, const rsn_session_setup *setup,
                                   rsn_pool *pool) {
    size_t most = setup->draft->hp.n_ctx;
    uint64_t block = RSN_KV_BLOCK * rsn_kv_position_bytes(&model->hp, setup->kv);
    return (rsn_draft_setup){
        .model = setup->draft,
        .pool = pool,
        .n_ctx = setup->n_ctx < most ? setup->n_ctx : most,
        .n_chunk = pass_tokens(setup),
        .most_blocks = setup->memory_limit ? (size_t)(setup->memory_limit / block)
                                           : SIZE_MAX};
}

static reason_status make_drafter(rsn_session *s) {
    if (!s->setup.draft)
        return REASON_OK;
    const rsn_draft_setup draft = draft_setup(s->model, &s->setup, s->pool);
    return rsn_drafter_new(&draft, &s->drafter);
}

static reason_status allocate(rsn_session *s) {
    s->scratch.n_chunk = pass_tokens(&s->setup);
    s->scratch.n_workers = (size_t)rsn_pool_size(s->pool);
    s->scratch.n_ctx = s->setup.n_ctx;
    reason_status status = s->model->arch->layout(s->model, &s->scratch);
    if (status != REASON_OK)
        return status;
    s->scratch.data = rsn_alloc_aligned(s->scratch.n_bytes);
    return s->scratch.data ? rsn_session_rows(s, 1) : REASON_ERR_NO_MEMORY;
}

/* A memory limit is a shorter context, so that running into it is an ordinary end of
 * room. */
static reason_status limit_context(const rsn_model *model, rsn_session_setup *setup) {
    uint64_t block = rsn_kv_position_bytes(&model->hp, setup->kv) * RSN_KV_BLOCK;
    uint64_t positions = setup->memory_limit / block * RSN_KV_BLOCK;
    if (setup->memory_limit == 0)
        return REASON_OK;
    if (positions == 0)
        return rsn_fail(REASON_ERR_NO_MEMORY,
                        "keys and values come in blocks of %llu bytes, the limit is %llu",
                        (unsigned long long)block,
                        (unsigned long long)setup->memory_limit);
    if (positions < setup->n_ctx)
        setup->n_ctx = (size_t)positions;
    return REASON_OK;
}

static reason_status add_draft(const rsn_model *model, const rsn_session_setup *setup,
                               size_t n_workers, uint64_t *kv_bytes,
                               uint64_t *work_bytes) {
    const rsn_draft_setup draft = draft_setup(model, setup, NULL);
    uint64_t kv, work;
    reason_status status = rsn_drafter_need(&draft, n_workers, &kv, &work);
    if (status != REASON_OK)
        return status;
    *kv_bytes += kv;
    *work_bytes += work;
    return REASON_OK;
}

reason_status rsn_session_need(const rsn_model *model, const rsn_session_setup *setup,
                               size_t n_workers, uint64_t *kv_bytes,
                               uint64_t *work_bytes) {
    rsn_session_setup own = *setup;
    rsn_kv kv;
    reason_status status = limit_context(model, &own);
    if (status == REASON_OK)
        status = rsn_kv_init(&kv, &model->hp, own.n_ctx, own.kv);
    rsn_scratch scratch = {
        .n_chunk = pass_tokens(&own), .n_workers = n_workers, .n_ctx = own.n_ctx};
    if (status == REASON_OK)
        status = model->arch->layout(model, &scratch);
    if (status != REASON_OK)
        return status;
    uint64_t blocks = (own.n_ctx + RSN_KV_BLOCK - 1) / RSN_KV_BLOCK;
    *kv_bytes = blocks * kv.block_bytes;
    *work_bytes = scratch.n_bytes + own.n_ctx * sizeof(int32_t) +
                  model->hp.n_vocab * (1 + own.n_guess) * sizeof(float) +
                  rsn_sampler_bytes(model->hp.n_vocab);
    return own.draft ? add_draft(model, &own, n_workers, kv_bytes, work_bytes)
                     : REASON_OK;
}

static void destroy(rsn_session *s) {
    rsn_queue_free(s->queue);
    rsn_timeline_free(&s->line);
    rsn_free_aligned(s->scratch.data);
    rsn_free(s->logits);
    rsn_free(s->runs);
    for (size_t i = 0; i < s->n_samplers; i++)
        rsn_sampler_free(&s->samplers[i]);
    rsn_free(s->samplers);
    rsn_prefixes_free(&s->prefixes);
    rsn_drafter_free(s->drafter);
    rsn_pool_release(s->pool);
    rsn_model_release(s->model);
    (void)pthread_cond_destroy(&s->came);
    (void)pthread_mutex_destroy(&s->lock);
    rsn_free(s);
}

/* A poll's wait is measured by the clock that only goes forward. */
static void make_lock(rsn_session *s) {
    pthread_condattr_t attr;
    (void)pthread_mutex_init(&s->lock, NULL);
    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&s->came, &attr);
    (void)pthread_condattr_destroy(&attr);
}

reason_status rsn_session_new(rsn_model *model, rsn_pool *pool,
                              const rsn_session_setup *setup, rsn_session **session) {
    *session = NULL;
    rsn_session *s = rsn_calloc2(1, sizeof *s);
    if (!s)
        return REASON_ERR_NO_MEMORY;
    make_lock(s);
    atomic_init(&s->cancel.set, false);
    s->model = rsn_model_retain(model);
    s->pool = rsn_pool_retain(pool);
    s->setup = *setup;
    reason_status status = limit_context(model, &s->setup);
    if (status == REASON_OK)
        status = rsn_timeline_init(&s->line, &model->hp, s->setup.n_ctx, setup->kv);
    if (status == REASON_OK)
        status = allocate(s);
    if (status == REASON_OK)
        status = make_drafter(s);
    if (status == REASON_OK)
        *session = s;
    else
        destroy(s);
    return status;
}

void rsn_session_free(rsn_session *s) {
    if (!s)
        return;
    rsn_session_lock(s);
    s->doomed = true;
    bool last = s->n_inside == 0;
    rsn_session_unlock(s);
    if (last)
        destroy(s);
}

reason_status rsn_session_fork(rsn_session *s, rsn_pool *pool, rsn_session **fork) {
    reason_status status = rsn_session_new(s->model, pool, &s->setup, fork);
    if (status != REASON_OK)
        return status;
    rsn_timeline line;
    status = rsn_timeline_fork(&s->line, &line);
    if (status != REASON_OK) {
        destroy(*fork);
        *fork = NULL;
        return status;
    }
    rsn_timeline_free(&(*fork)->line);
    (*fork)->line = line;
    return REASON_OK;
}

void rsn_session_lock(rsn_session *s) {
    (void)pthread_mutex_lock(&s->lock);
}

void rsn_session_unlock(rsn_session *s) {
    (void)pthread_mutex_unlock(&s->lock);
}

void rsn_session_part(rsn_session *s) {
    bool last = --s->n_inside == 0 && s->doomed;
    rsn_session_unlock(s);
    if (last)
        destroy(s);
}

/* The lock is held, and given back. */
static reason_status come_in(rsn_session *s, bool polls) {
    reason_status status = REASON_OK;
    if (s->running)
        status = rsn_fail(REASON_ERR_BUSY, "the session is in use by another thread");
    else if (s->n_pending > 0 && !polls)
        status = rsn_fail(REASON_ERR_BUSY,
                          "%zu requests are pending in the session: poll them first",
                          s->n_pending);
    if (status == REASON_OK) {
        s->running = true;
        s->polling = polls;
        s->n_inside++;
    }
    rsn_session_unlock(s);
    return status;
}

reason_status rsn_session_claim(rsn_session *s) {
    rsn_session_lock(s);
    if (!s->running && s->n_pending == 0)
        atomic_store(&s->cancel.set, false);
    return come_in(s, false);
}

reason_status rsn_session_claim_poll(rsn_session *s) {
    rsn_session_lock(s);
    return come_in(s, true);
}

void rsn_session_release(rsn_session *s) {
    rsn_session_lock(s);
    s->running = s->polling = false;
    rsn_session_part(s);
}

void rsn_session_begin_work(rsn_session *s) {
    rsn_pool_enter(s->pool);
    s->fpstate = rsn_fpstate_enter();
}

void rsn_session_end_work(rsn_session *s) {
    rsn_fpstate_leave(s->fpstate);
    rsn_pool_leave(s->pool);
}

reason_status rsn_session_enter(rsn_session *s) {
    reason_status status = rsn_session_claim(s);
    if (status == REASON_OK)
        rsn_session_begin_work(s);
    return status;
}

void rsn_session_leave(rsn_session *s) {
    rsn_session_end_work(s);
    rsn_session_release(s);
}

static reason_status check_room(const rsn_session *s, size_t n) {
    if (n > s->setup.n_ctx - s->line.n)
        return rsn_fail(REASON_ERR_CONTEXT_FULL,
                        "%zu tokens after %zu do not fit the context of %zu", n,
                        s->line.n, s->setup.n_ctx);
    return REASON_OK;
}

reason_status rsn_session_check(const rsn_session *s, const int32_t *tokens, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (tokens[i] < 0 || (size_t)tokens[i] >= s->model->hp.n_vocab)
            return rsn_fail(REASON_ERR_INVALID_ARG, "token %d at %zu, 0 to %zu expected",
                            tokens[i], i, s->model->hp.n_vocab - 1);
    return check_room(s, n);
}

static reason_status report(const rsn_append *what, size_t done) {
    int stop = 0;
    if (what->progress && !rsn_cancelled(what->cancel)) {
        stop = what->progress(what->progress_user, "prefill", done, what->n);
        rsn_fpstate_again();
    }
    if (stop != 0 || rsn_cancelled(what->cancel))
        return rsn_fail(REASON_ERR_CANCELLED, "cancelled after %zu of %zu tokens", done,
                        what->n);
    return REASON_OK;
}

static reason_status run_waiting(rsn_session *s, const rsn_append *what) {
    reason_status status = REASON_OK;
    size_t n_vocab = s->model->hp.n_vocab, n = 0;
    for (size_t at = 0; at < what->n && status == REASON_OK; at += n) {
        n = what->n - at < s->setup.n_chunk ? what->n - at : s->setup.n_chunk;
        bool last = at + n == what->n;
        rsn_run run = {
            .kv = &s->line.kv, .tokens = s->line.tokens + s->line.kv.n, .n = n};
        if (what->inputs)
            run.inputs = what->inputs + at * s->model->hp.n_embd;
        rsn_step step = {.model = s->model,
                         .runs = &run,
                         .n_runs = 1,
                         .pool = s->pool,
                         .cancel = what->cancel,
                         .scratch = &s->scratch,
                         .observer = what->observer};
        if (what->logits && what->all) {
            run.want = RSN_WANT_ALL;
            step.logits = what->logits + at * n_vocab;
        } else if (what->logits && last) {
            run.want = RSN_WANT_LAST;
            step.logits = what->logits;
        }
        status = report(what, at);
        if (status == REASON_OK)
            status = s->model->arch->forward(&step);
    }
    return status == REASON_OK ? report(what, what->n) : status;
}

reason_status rsn_session_append(rsn_session *s, const rsn_append *what) {
    reason_status status = what->inputs ? check_room(s, what->n)
                                        : rsn_session_check(s, what->tokens, what->n);
    if (status == REASON_OK && what->logits)
        status = rsn_logits_check(s->model);
    if (status == REASON_OK)
        status = rsn_timeline_reserve(&s->line, s->line.n + what->n);
    if (status == REASON_OK)
        status = rsn_timeline_add(&s->line, what->tokens, what->n);
    if (status == REASON_OK)
        status = run_waiting(s, what);
    rsn_timeline_truncate(&s->line, s->line.kv.n);
    return status;
}
